//! The real git repositories behind the fake: bare, and changed by plumbing only.

use std::path::{Path, PathBuf};

use forge::model::ChangedFile;
use git::GitCommand;
use go_compat::time::Timestamp;

use super::world::Refusal;

/// What git prints for "no commit".
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A change of a file: its new content, or `None` to remove it.
pub type FileChange = (String, Option<Vec<u8>>);

/// Who commits, and when.
#[derive(Debug, Clone)]
pub(super) struct Author {
    pub(super) login: String,
    pub(super) at: Timestamp,
}

/// A commit as a push event lists it.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    pub(super) sha: String,
    pub(super) message: String,
    pub(super) author: String,
    pub(super) at: Timestamp,
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) modified: Vec<String>,
}

/// One bare repository.
#[derive(Debug, Clone)]
pub(super) struct GitRepo {
    path: PathBuf,
}

fn broken(error: git::GitError) -> Refusal {
    Refusal::new(500, error.to_string())
}

impl GitRepo {
    /// A new, empty repository.
    pub(super) async fn create(path: PathBuf, default_branch: &str) -> Result<GitRepo, Refusal> {
        GitCommand::new()
            .args(["init", "--quiet", "--bare", &format!("--initial-branch={default_branch}")])
            .arg(&path)
            .run()
            .await
            .map_err(broken)?;
        let repo = GitRepo { path };
        repo.configure().await?;
        Ok(repo)
    }

    /// A copy of a repository, all branches and tags.
    pub(super) async fn copy(source: &Path, path: PathBuf) -> Result<GitRepo, Refusal> {
        GitCommand::new()
            .args(["clone", "--quiet", "--bare", "--no-hardlinks"])
            .args([source, path.as_path()])
            .run()
            .await
            .map_err(broken)?;
        let repo = GitRepo { path };
        repo.configure().await?;
        Ok(repo)
    }

    /// What github.com allows: partial clones, any commit by its name, pushes.
    async fn configure(&self) -> Result<(), Refusal> {
        for (key, value) in [
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("http.receivepack", "true"),
            ("gc.auto", "0"),
        ] {
            self.git(["config", key, value]).run().await.map_err(broken)?;
        }
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn git<const N: usize>(&self, args: [&str; N]) -> GitCommand {
        GitCommand::new().env("GIT_DIR", &self.path).dir(&self.path).args(args)
    }

    async fn text<const N: usize>(&self, args: [&str; N]) -> Result<String, Refusal> {
        Ok(self.git(args).run().await.map_err(broken)?.text())
    }

    /// The branch that HEAD names.
    pub(super) async fn default_branch(&self) -> Result<String, Refusal> {
        self.text(["symbolic-ref", "--short", "HEAD"]).await
    }

    /// The commit of a reference or an abbreviated name; `None` if there is none.
    pub(super) async fn resolve(&self, revision: &str) -> Option<String> {
        if revision.starts_with('-') || revision.contains("..") {
            return None;
        }
        let name = format!("{revision}^{{commit}}");
        let command = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]);
        command.output().await.ok().filter(git::Output::success).map(|output| output.text())
    }

    /// All references below `refs/`, with their commits.
    pub(super) async fn refs(&self) -> Result<Vec<(String, String)>, Refusal> {
        let listing = self.text(["for-each-ref", "--format=%(refname) %(objectname)"]).await?;
        Ok(listing
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, sha)| (name.to_owned(), sha.to_owned()))
            .collect())
    }

    /// Points a reference at a commit, or removes it.
    pub(super) async fn set_ref(&self, name: &str, sha: Option<&str>) -> Result<(), Refusal> {
        let command = match sha {
            Some(sha) => self.git(["update-ref", name, sha]),
            None => self.git(["update-ref", "-d", name]),
        };
        command.run().await.map(drop).map_err(broken)
    }

    /// Commits changes to a branch, which starts at `from` if it is new. `from` also moves an
    /// existing branch, as a force push does.
    pub(super) async fn commit(
        &self,
        branch: &str,
        from: Option<&str>,
        files: &[FileChange],
        message: &str,
        author: &Author,
    ) -> Result<String, Refusal> {
        let reference = format!("refs/heads/{branch}");
        let parent = match from {
            Some(from) => {
                let found = self.resolve(from).await;
                Some(found.ok_or_else(|| Refusal::invalid(format!("{from} is no commit")))?)
            }
            None => self.resolve(&reference).await,
        };
        let who = format!("{0} <{0}@localhost> {1} +0000", author.login, author.at.seconds());
        // A mark keeps the branch where it is until the commit is known to be whole.
        let mut stream = format!("commit refs/fake/commit\nauthor {who}\ncommitter {who}\n");
        stream.push_str(&format!("data {}\n{message}\n", message.len()));
        let mut stream = stream.into_bytes();
        if let Some(parent) = &parent {
            stream.extend(format!("from {parent}\n").into_bytes());
        }
        for (path, content) in files {
            let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
            match content {
                Some(bytes) => {
                    stream.extend(
                        format!("M 100644 inline \"{quoted}\"\ndata {}\n", bytes.len())
                            .into_bytes(),
                    );
                    stream.extend_from_slice(bytes);
                    stream.push(b'\n');
                }
                None => stream.extend(format!("D \"{quoted}\"\n").into_bytes()),
            }
        }
        stream.push(b'\n');
        let import = self.git(["fast-import", "--quiet", "--force", "--date-format=raw"]);
        import.stdin(stream).run().await.map_err(broken)?;
        let sha = self.text(["rev-parse", "refs/fake/commit"]).await?;
        self.set_ref(&reference, Some(&sha)).await?;
        self.set_ref("refs/fake/commit", None).await?;
        Ok(sha)
    }

    /// Brings a commit of another repository here, under a reference.
    pub(super) async fn fetch(
        &self,
        from: &GitRepo,
        sha: &str,
        reference: &str,
    ) -> Result<(), Refusal> {
        if from.path == self.path {
            return self.set_ref(reference, Some(sha)).await;
        }
        let spec = format!("+{sha}:{reference}");
        self.git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .arg(&from.path)
            .arg(spec)
            .run()
            .await
            .map(drop)
            .map_err(broken)
    }

    /// Where two commits parted; `None` if they have nothing in common.
    pub(super) async fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        let command = self.git(["merge-base", one, other]);
        command.output().await.ok().filter(git::Output::success).map(|output| output.text())
    }

    /// The commits that `head` has and `base` lacks, oldest first.
    pub(super) async fn commits_between(
        &self,
        base: &str,
        head: &str,
    ) -> Result<Vec<String>, Refusal> {
        let range = format!("{base}..{head}");
        let listing = self.text(["rev-list", "--reverse", "--topo-order", &range]).await?;
        Ok(listing.lines().map(str::to_owned).collect())
    }

    /// Merges and gives the commit, or `None` if there is a conflict. With one parent it is a
    /// squash.
    pub(super) async fn merge(
        &self,
        base: &str,
        head: &str,
        squash: bool,
        message: &str,
        author: &Author,
    ) -> Result<Option<String>, Refusal> {
        let merged = self
            .git(["merge-tree", "--write-tree", "--no-messages", "--name-only", base, head])
            .output()
            .await
            .map_err(broken)?;
        if !merged.success() {
            return Ok(None);
        }
        let tree = merged.text();
        let mut command = self.git(["commit-tree", "-m", message, &tree, "-p", base]);
        if !squash {
            command = command.args(["-p", head]);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            command = command
                .env(format!("GIT_{who}_NAME"), &author.login)
                .env(format!("GIT_{who}_EMAIL"), format!("{}@localhost", author.login))
                .env(format!("GIT_{who}_DATE"), format!("@{} +0000", author.at.seconds()));
        }
        Ok(Some(command.run().await.map_err(broken)?.text()))
    }

    /// The files that differ between two commits.
    pub(super) async fn changes(&self, from: &str, to: &str) -> Result<Vec<ChangedFile>, Refusal> {
        let raw = self.git(["diff", "--raw", "-z", "-M", "--no-abbrev", from, to]);
        let raw = raw.run().await.map_err(broken)?;
        let text = String::from_utf8_lossy(&raw.stdout).into_owned();
        let mut fields = text.split('\0');
        let mut files = Vec::new();
        // Each entry is `:mode mode sha sha status`, a path, and the new path of a rename.
        while let Some(meta) = fields.next().filter(|field| !field.is_empty()) {
            let words: Vec<&str> = meta.trim_start_matches(':').split(' ').collect();
            let [_, _, old, new, status] = words[..] else { break };
            let path = fields.next().unwrap_or_default().to_owned();
            let renamed = status.starts_with(['R', 'C']);
            let new_path =
                if renamed { fields.next().unwrap_or_default().to_owned() } else { path.clone() };
            files.push(ChangedFile {
                sha: if new == NO_COMMIT { old.to_owned() } else { new.to_owned() },
                filename: new_path,
                status: match status.chars().next() {
                    Some('A') => "added",
                    Some('D') => "removed",
                    Some('R') => "renamed",
                    Some('C') => "copied",
                    _ => "modified",
                }
                .to_owned(),
                previous_filename: if renamed { path } else { String::new() },
                ..ChangedFile::default()
            });
        }
        let patches =
            self.git(["diff", "-M", "--no-color", from, to]).run().await.map_err(broken)?;
        let patches = String::from_utf8_lossy(&patches.stdout).into_owned();
        // Both listings are in the same order.
        let sections = patches.split("\ndiff --git ").filter(|section| !section.is_empty());
        for (file, section) in files.iter_mut().zip(sections) {
            let Some(start) = section.find("\n@@ ") else { continue };
            file.patch = section[start + 1..].trim_end_matches('\n').to_owned();
            let lines = |sign: char| {
                let count = file.patch.lines().filter(|line| line.starts_with(sign)).count();
                u64::try_from(count).unwrap_or_default()
            };
            file.additions = lines('+');
            file.deletions = lines('-');
            file.changes = file.additions + file.deletions;
        }
        Ok(files)
    }

    /// The commits of a push with the files each touches.
    pub(super) async fn pushed(&self, before: &str, after: &str) -> Result<Vec<Pushed>, Refusal> {
        let shas = if before == NO_COMMIT {
            vec![after.to_owned()]
        } else {
            self.commits_between(before, after).await?
        };
        let mut commits = Vec::new();
        for sha in shas {
            let show = self.text(["show", "--no-patch", "--format=%an%n%ct%n%B", &sha]).await?;
            let mut lines = show.splitn(3, '\n');
            let author = lines.next().unwrap_or_default().to_owned();
            let seconds = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
            let message = lines.next().unwrap_or_default().trim_end().to_owned();
            let listing = self
                .git(["diff-tree", "--root", "--no-commit-id", "--name-status", "-r", "-z", &sha])
                .run()
                .await
                .map_err(broken)?;
            let text = String::from_utf8_lossy(&listing.stdout).into_owned();
            let mut fields = text.split('\0').filter(|field| !field.is_empty());
            let mut commit = Pushed {
                sha,
                message,
                author,
                at: Timestamp::from_seconds(seconds),
                added: Vec::new(),
                removed: Vec::new(),
                modified: Vec::new(),
            };
            while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
                match status {
                    "A" => commit.added.push(path.to_owned()),
                    "D" => commit.removed.push(path.to_owned()),
                    _ => commit.modified.push(path.to_owned()),
                }
            }
            commits.push(commit);
        }
        Ok(commits)
    }

    /// A file's bytes at a commit; `None` if it is not a file there.
    pub(super) async fn file(&self, commit: &str, path: &str) -> Option<Vec<u8>> {
        let name = format!("{commit}:{path}");
        let command = self.git(["cat-file", "blob", &name]);
        command.output().await.ok().filter(git::Output::success).map(|output| output.stdout)
    }

    /// The entries of a folder at a commit as (type, path); empty if it is none.
    pub(super) async fn folder(&self, commit: &str, path: &str) -> Vec<(String, String)> {
        let name = format!("{commit}:{}", path.trim_matches('/'));
        let Ok(output) = self.git(["ls-tree", "-z", &name]).output().await else {
            return Vec::new();
        };
        String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter_map(|line| {
                let (meta, name) = line.split_once('\t')?;
                let kind = if meta.contains(" tree ") { "dir" } else { "file" };
                let path = path.trim_matches('/');
                let separator = if path.is_empty() { "" } else { "/" };
                Some((kind.to_owned(), format!("{path}{separator}{name}")))
            })
            .collect()
    }
}
