//! Which commands clone a repository. Nothing here runs anything.

use std::path::{Path, PathBuf};

use git::Credentials;
use job_spec::Refs;
use job_spec::options::ClonerefsOptions;
use secrecy::{ExposeSecret, SecretString};

use super::MASK;

/// What a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// Makes the clone's folder.
    MakeDir,
    /// git, in the clone's folder.
    Git,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) program: Program,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(&'static str, String)>,
    /// A failure may be the network's, so it is tried again.
    pub(super) retried: bool,
}

/// The commands for one repository.
pub(super) struct Plan<'a> {
    refs: &'a Refs,
    options: &'a ClonerefsOptions,
    pub(super) dir: PathBuf,
    /// What git is told.
    pub(super) uri: String,
    /// What a record shows in its place.
    shown_uri: String,
    /// What git shows to the host of that address.
    pub(super) credentials: Option<Credentials>,
}

impl<'a> Plan<'a> {
    /// `credentials` are a user, where the token is no user name by itself, and a token. Prow
    /// writes them into the address, where every user of the machine sees them among the
    /// arguments of git; here git gets them apart, and only the record looks as Prow's does.
    pub(super) fn new(
        refs: &'a Refs,
        options: &'a ClonerefsOptions,
        credentials: Option<(Option<&str>, &SecretString)>,
    ) -> Plan<'a> {
        let uri = if !refs.clone_uri.is_empty() {
            refs.clone_uri.clone()
        } else if !refs.repo_link.is_empty() {
            format!("{}.git", refs.repo_link)
        } else {
            format!("https://github.com/{}/{}.git", refs.org, refs.repo)
        };
        let dir = clone_dir(Path::new(&options.src_root), refs);
        let plain = Plan {
            refs,
            options,
            dir,
            shown_uri: uri.clone(),
            uri: uri.clone(),
            credentials: None,
        };
        let (Some((user, token)), Some((scheme, host))) = (credentials, web_address(&uri)) else {
            return plain;
        };
        let (username, password, shown) = match user {
            Some(user) => (user, token.clone(), format!("{user}:{MASK}")),
            // GitHub wants a personal token as the user name.
            None => {
                let password = SecretString::from(OAUTH_PASSWORD);
                (token.expose_secret(), password, format!("{MASK}:{OAUTH_PASSWORD}"))
            }
        };
        Plan {
            uri: format!("{scheme}://{host}"),
            shown_uri: format!("{scheme}://{shown}@{host}"),
            credentials: Some(Credentials { username: username.to_owned(), password }),
            ..plain
        }
    }

    /// What must not appear in a record: the token, and a password that is written into the URI.
    pub(super) fn secrets(&self, token: Option<SecretString>) -> Vec<SecretString> {
        token.into_iter().chain(password(&self.uri).map(SecretString::from)).collect()
    }

    /// A step as Prow's records show it: `PWD=<folder> <environment> <program> <arguments>`.
    pub(super) fn shown(&self, step: &Step, environment: &[String]) -> String {
        let (dir, program) = match step.program {
            Program::MakeDir => (Path::new("/"), "mkdir"),
            Program::Git => (self.dir.as_path(), "git"),
        };
        let own = step.env.iter().map(|(key, value)| format!("{key}={value}"));
        let environment: Vec<String> = environment.iter().cloned().chain(own).collect();
        let shown = |arg: &'_ String| match *arg == self.uri {
            true => self.shown_uri.clone(),
            false => arg.clone(),
        };
        let args: Vec<String> = step.args.iter().map(shown).collect();
        let (environment, args) = (environment.join(" "), args.join(" "));
        format!("PWD={} {environment} {program} {args}", dir.display())
    }

    /// A name in the refs that git would take for an option, or that would run a program. Refs come
    /// from webhooks and in-repo configuration, so they are not trusted.
    pub(super) fn refused(&self) -> Option<String> {
        let pulls = self.refs.pulls.iter().flat_map(|pull| [&pull.sha, &pull.r#ref]);
        let mut names =
            [&self.uri, &self.refs.base_ref, &self.refs.base_sha].into_iter().chain(pulls);
        let bad = names.find(|name| name.starts_with('-') || name.starts_with("ext::"))?;
        Some(format!("{bad:?} is refused as the name of a ref or repository"))
    }

    /// Clones the base.
    pub(super) fn base(&self) -> Vec<Step> {
        let refs = self.refs;
        let dir = self.dir.to_string_lossy().into_owned();
        let mut steps = vec![
            Step {
                program: Program::MakeDir,
                args: vec!["-p".to_owned(), dir],
                env: Vec::new(),
                retried: false,
            },
            git(["init"]),
        ];
        if !self.options.git_user_name.is_empty() {
            steps.push(git(["config", "user.name", &self.options.git_user_name]));
        }
        if !self.options.git_user_email.is_empty() {
            steps.push(git(["config", "user.email", &self.options.git_user_email]));
        }
        if !self.options.cookie_path.is_empty() && refs.skip_submodules {
            steps.push(git(["config", "http.cookiefile", &self.options.cookie_path]));
        }
        if self.is_sparse() {
            steps.push(git(["sparse-checkout", "init"]));
        }
        let mut fetch = vec!["fetch".to_owned()];
        if refs.clone_depth > 0 {
            fetch.extend(["--depth".to_owned(), refs.clone_depth.to_string()]);
        }
        fetch.extend(self.filter());
        if !refs.skip_fetch_head && !self.is_sparse() {
            let all = [self.uri.as_str(), "--tags", "--prune"].map(str::to_owned);
            steps.push(retried(fetch.iter().cloned().chain(all).collect()));
        }
        if self.is_sparse() {
            fetch.push("--no-tags".to_owned());
        }
        let (wanted, target) = if refs.base_sha.is_empty() {
            (refs.base_ref.as_str(), "FETCH_HEAD")
        } else {
            (refs.base_sha.as_str(), refs.base_sha.as_str())
        };
        fetch.extend([self.uri.clone(), wanted.to_owned()]);
        steps.push(retried(fetch));
        if self.is_sparse() {
            let paths = refs.sparse_checkout_files.iter().map(String::as_str);
            steps.push(git(["sparse-checkout", "set"].into_iter().chain(paths)));
        }
        // The base branch shall be checked out in the end. A branch that is checked out cannot be
        // moved, so the commit is checked out first and the branch made to point at it second.
        steps.push(git(["checkout", target]));
        steps.push(git(["branch", "--force", &refs.base_ref, target]));
        steps.push(git(["checkout", &refs.base_ref]));
        steps
    }

    /// Merges the pulls, in order, and fetches submodules. The merge commits are dated from
    /// `timestamp` on, a second apart, so that the same refs always give the same commit.
    pub(super) fn pulls(&self, timestamp: i64) -> Vec<Step> {
        let mut steps = Vec::new();
        for (pull, second) in self.refs.pulls.iter().zip(1..) {
            let wanted = if !pull.r#ref.is_empty() {
                pull.r#ref.clone()
            } else if !pull.sha.is_empty() {
                pull.sha.clone()
            } else {
                format!("pull/{}/head", pull.number)
            };
            let mut fetch = vec!["fetch".to_owned()];
            fetch.extend(self.filter());
            fetch.extend([self.uri.clone(), wanted]);
            steps.push(retried(fetch));
            let head = if pull.sha.is_empty() { "FETCH_HEAD" } else { &pull.sha };
            let mut merge = git(["merge", "--no-ff", head]);
            let date = (timestamp + second).to_string();
            merge.env = vec![("GIT_AUTHOR_DATE", date.clone()), ("GIT_COMMITTER_DATE", date)];
            steps.push(merge);
        }
        if !self.refs.skip_submodules {
            steps.push(git(["submodule", "update", "--init", "--recursive"]));
        }
        steps
    }

    fn filter(&self) -> Option<String> {
        let blobless = self.refs.blobless_fetch == Some(true) || self.is_sparse();
        blobless.then(|| "--filter=blob:none".to_owned())
    }

    fn is_sparse(&self) -> bool {
        !self.refs.sparse_checkout_files.is_empty()
    }
}

/// What GitHub takes for a password where the user name is a token.
const OAUTH_PASSWORD: &str = "x-oauth-basic";

/// Where a repository is cloned to.
pub(super) fn clone_dir(src_root: &Path, refs: &Refs) -> PathBuf {
    let path = refs.clone_path();
    // A repository link may have another scheme than HTTP.
    let path = path.rsplit_once("://").map_or(path.as_str(), |(_, path)| path);
    let mut dir = src_root.join("src");
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // As Go's path.Join does, but never above the root.
            ".." if dir != src_root => {
                dir.pop();
            }
            ".." => {}
            part => dir.push(part),
        }
    }
    dir
}

fn git<'s>(args: impl IntoIterator<Item = &'s str>) -> Step {
    let args = args.into_iter().map(str::to_owned).collect();
    Step { program: Program::Git, args, env: Vec::new(), retried: false }
}

fn retried(args: Vec<String>) -> Step {
    Step { program: Program::Git, args, env: Vec::new(), retried: true }
}

/// Scheme and the rest of a web address, without the user that it may name. What is none
/// (`git@host:org/repo`, a path) takes no token.
fn web_address(uri: &str) -> Option<(&str, &str)> {
    let (scheme @ ("https" | "http"), rest) = uri.split_once("://")? else { return None };
    let host = match user_part(uri) {
        Some(user) => &rest[user.len() + 1..],
        None => rest,
    };
    Some((scheme, host))
}

/// The password that a URL carries.
pub(super) fn password(uri: &str) -> Option<&str> {
    let (_, password) = user_part(uri)?.split_once(':')?;
    Some(password).filter(|password| !password.is_empty())
}

/// `user[:password]` of a URL.
fn user_part(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@').map(|(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use job_spec::Pull;

    fn options() -> ClonerefsOptions {
        ClonerefsOptions {
            src_root: "/go".to_owned(),
            git_user_name: "ci-robot".to_owned(),
            git_user_email: "ci-robot@k8s.io".to_owned(),
            ..ClonerefsOptions::default()
        }
    }

    fn refs() -> Refs {
        Refs {
            org: "org".to_owned(),
            repo: "repo".to_owned(),
            base_ref: "main".to_owned(),
            ..Refs::default()
        }
    }

    fn shown(refs: &Refs, options: &ClonerefsOptions) -> Vec<String> {
        let plan = Plan::new(refs, options, None);
        let steps = plan.base().into_iter().chain(plan.pulls(1000));
        steps.map(|step| plan.shown(&step, &[])).collect()
    }

    #[test]
    fn a_plain_clone_is_prows_sequence() {
        let pull = |number, sha: &str| Pull { number, sha: sha.to_owned(), ..Pull::default() };
        let refs = Refs {
            base_sha: "abc".to_owned(),
            pulls: vec![pull(1, "def"), pull(2, "")],
            clone_depth: 5,
            ..refs()
        };
        let dir = "/go/src/github.com/org/repo";
        let uri = "https://github.com/org/repo.git";
        assert_eq!(
            shown(&refs, &options()),
            [
                format!("PWD=/  mkdir -p {dir}"),
                format!("PWD={dir}  git init"),
                format!("PWD={dir}  git config user.name ci-robot"),
                format!("PWD={dir}  git config user.email ci-robot@k8s.io"),
                format!("PWD={dir}  git fetch --depth 5 {uri} --tags --prune"),
                format!("PWD={dir}  git fetch --depth 5 {uri} abc"),
                format!("PWD={dir}  git checkout abc"),
                format!("PWD={dir}  git branch --force main abc"),
                format!("PWD={dir}  git checkout main"),
                format!("PWD={dir}  git fetch {uri} def"),
                format!(
                    "PWD={dir} GIT_AUTHOR_DATE=1001 GIT_COMMITTER_DATE=1001 git merge --no-ff def"
                ),
                format!("PWD={dir}  git fetch {uri} pull/2/head"),
                format!(
                    "PWD={dir} GIT_AUTHOR_DATE=1002 GIT_COMMITTER_DATE=1002 git merge --no-ff \
                     FETCH_HEAD"
                ),
                format!("PWD={dir}  git submodule update --init --recursive"),
            ]
        );
    }

    #[test]
    fn sparse_and_blobless_clones_fetch_less() {
        let sparse = Refs {
            sparse_checkout_files: vec!["a".to_owned(), "b".to_owned()],
            skip_submodules: true,
            ..refs()
        };
        let with_cookie = ClonerefsOptions { cookie_path: "/c".to_owned(), ..options() };
        let commands: Vec<String> = shown(&sparse, &with_cookie)
            .iter()
            .filter_map(|c| c.split_once("git ").map(|(_, c)| c.to_owned()))
            .collect();
        let uri = "https://github.com/org/repo.git";
        assert_eq!(commands[3], "config http.cookiefile /c");
        assert_eq!(commands[4], "sparse-checkout init");
        assert_eq!(commands[5], format!("fetch --filter=blob:none --no-tags {uri} main"));
        assert_eq!(commands[6], "sparse-checkout set a b");
        assert_eq!(commands[7], "checkout FETCH_HEAD");
        let blobless = Refs { blobless_fetch: Some(true), skip_fetch_head: true, ..refs() };
        let commands = shown(&blobless, &options());
        assert!(commands[4].ends_with(&format!("git fetch --filter=blob:none {uri} main")));
    }

    #[test]
    fn names_that_git_would_take_for_options_are_refused() {
        let refused = |refs: Refs| Plan::new(&refs, &options(), None).refused();
        assert_eq!(refused(refs()), None);
        let base = Refs { base_ref: "--upload-pack=x".to_owned(), ..refs() };
        assert!(refused(base).unwrap().contains("--upload-pack"));
        let pull = Pull { r#ref: "-x".to_owned(), ..Pull::default() };
        assert!(refused(Refs { pulls: vec![pull], ..refs() }).is_some());
        assert!(refused(Refs { clone_uri: "ext::sh -c x".to_owned(), ..refs() }).is_some());
    }

    #[test]
    fn the_folder_is_alias_link_or_name() {
        let dir = |refs: Refs| clone_dir(Path::new("/go"), &refs).display().to_string();
        assert_eq!(dir(refs()), "/go/src/github.com/org/repo");
        let alias = Refs { path_alias: "k8s.io/repo".to_owned(), ..refs() };
        assert_eq!(dir(alias), "/go/src/k8s.io/repo");
        let link = Refs { repo_link: "https://git.example/a/b".to_owned(), ..refs() };
        assert_eq!(dir(link), "/go/src/git.example/a/b");
        let outside = Refs { path_alias: "../../../etc".to_owned(), ..refs() };
        assert_eq!(dir(outside), "/go/etc");
    }

    #[test]
    fn tokens_are_neither_in_the_commands_nor_in_what_is_shown() {
        let pull = Pull { number: 1, ..Pull::default() };
        let told = |clone_uri: &str, user: Option<&str>| {
            let refs = Refs {
                clone_uri: clone_uri.to_owned(),
                pulls: vec![pull.clone()],
                blobless_fetch: Some(true),
                ..refs()
            };
            let token = SecretString::from("s3cret");
            let options = options();
            let plan = Plan::new(&refs, &options, Some((user, &token)));
            for step in plan.base().iter().chain(&plan.pulls(1000)) {
                assert!(!step.args.iter().any(|arg| arg.contains("s3cret")), "{step:?}");
                assert!(!plan.shown(step, &[]).contains("s3cret"), "{step:?}");
            }
            let pair = plan.credentials.as_ref().map(|credentials| {
                format!("{}:{}", credentials.username, credentials.password.expose_secret())
            });
            (plan.uri.clone(), plan.shown_uri.clone(), pair)
        };
        let app = Some("x-access-token");
        let with = |pair: &str, shown: &str, uri: &str| {
            let (scheme, host) = uri.split_once("://").unwrap();
            (uri.to_owned(), format!("{scheme}://{shown}@{host}"), Some(pair.to_owned()))
        };
        let github = "https://github.com/org/repo.git";
        let oauth = with("s3cret:x-oauth-basic", "CENSORED:x-oauth-basic", github);
        assert_eq!(told("", None), oauth);
        let as_app = |uri| with("x-access-token:s3cret", "x-access-token:CENSORED", uri);
        assert_eq!(told("", app), as_app(github));
        assert_eq!(told("https://me:pw@host/a", app), as_app("https://host/a"));
        for other in ["git@github.com:org/repo.git", "/src/repo", "file:///src/repo"] {
            assert_eq!(told(other, app), (other.to_owned(), other.to_owned(), None));
        }
        let refs = Refs { clone_uri: "https://me:pw@host/a".to_owned(), ..refs() };
        let secrets = Plan::new(&refs, &options(), None).secrets(None);
        assert_eq!(secrets[0].expose_secret(), "pw");
    }
}
