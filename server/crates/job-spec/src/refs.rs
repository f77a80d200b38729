//! Which code a job runs on.

use std::fmt;
use std::str::FromStr;

use crate::go_path;
use crate::go_struct::go_struct;

go_struct! {
    /// A pull request at one moment.
    pub struct Pull {
        /// The pull request's number.
        pub number: i64 => "number" always,
        /// Login of the author.
        pub author: String => "author" always,
        /// Commit at the head of the pull request.
        pub sha: String => "sha" always,
        /// Title of the pull request.
        pub title: String => "title",
        /// Git ref to fetch, such as `pull/123/head` or Gerrit's `refs/changes/00/123/1`; empty means
        /// GitHub's.
        pub r#ref: String => "ref",
        /// Name of the proposed branch.
        pub head_ref: String => "head_ref",
        /// Link to the pull request.
        pub link: String => "link",
        /// Link to the commit.
        pub commit_link: String => "commit_link",
        /// Link to the author.
        pub author_link: String => "author_link",
    }
    keep other
}

go_struct! {
    /// One repository at one state: a base and the pull requests merged into it, with the way it is
    /// to be cloned.
    pub struct Refs {
        /// Organisation or user; for Gerrit the host's URL.
        pub org: String => "org" always,
        /// Repository name.
        pub repo: String => "repo" always,
        /// Link to the repository.
        pub repo_link: String => "repo_link",
        /// Branch that the pulls are merged into.
        pub base_ref: String => "base_ref",
        /// Commit of that branch; empty means its head at cloning time.
        pub base_sha: String => "base_sha",
        /// Link to the base commit.
        pub base_link: String => "base_link",
        /// Pull requests merged in this order.
        pub pulls: Vec<Pull> => "pulls",
        /// Where the clone lies below `<root>/src`; empty means `github.com/<org>/<repo>`.
        pub path_alias: String => "path_alias",
        /// The clone of this repository is the working directory of the test.
        pub workdir: bool => "workdir",
        /// The repository only brings files along: its revision is not the run's revision.
        pub auxiliary: bool => "auxiliary",
        /// What to clone; empty means `https://github.com/<org>/<repo>.git`.
        pub clone_uri: String => "clone_uri",
        /// Do not fetch submodules.
        pub skip_submodules: bool => "skip_submodules",
        /// Number of commits to fetch; 0 fetches all.
        pub clone_depth: i64 => "clone_depth",
        /// Do not fetch the remote's HEAD and tags first.
        pub skip_fetch_head: bool => "skip_fetch_head",
        /// Fetch without file contents (`--filter=blob:none`).
        pub blobless_fetch: Option<bool> => "blobless_fetch",
        /// Check out only these paths (patterns of `git sparse-checkout`).
        pub sparse_checkout_files: Vec<String> => "sparse_checkout_files",
    }
    keep other
}

impl Refs {
    /// `org/repo`, or the organisation alone where there is no repository name.
    pub fn org_repo(&self) -> String {
        if self.repo.is_empty() { self.org.clone() } else { format!("{}/{}", self.org, self.repo) }
    }

    /// The repository below the clone root's `src`: the path alias, else the repository link without
    /// its scheme, else `github.com/org/repo`, as clonerefs lays it out.
    pub fn clone_path(&self) -> String {
        if !self.path_alias.is_empty() {
            return self.path_alias.clone();
        }
        if !self.repo_link.is_empty() {
            return self.repo_link.rsplit("://").next().unwrap_or_default().to_owned();
        }
        format!("github.com/{}/{}", self.org, self.repo)
    }

    /// The folder of the clone below the clone root `root`. An alias that climbs out stays below the root all
    /// the same: it may come from a pull request.
    pub fn clone_dir(&self, root: &str) -> String {
        let below = go_path::clean(&format!("/src/{}", self.clone_path()));
        go_path::join(&[root, &below])
    }
}

/// The string form that `PULL_REFS` carries: `base[:sha]` followed by `,number:sha[:ref]` for each pull.
impl fmt::Display for Refs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base_ref)?;
        if !self.base_sha.is_empty() {
            write!(f, ":{}", self.base_sha)?;
        }
        for pull in &self.pulls {
            write!(f, ",{}:{}", pull.number, pull.sha)?;
            if !pull.r#ref.is_empty() {
                write!(f, ":{}", pull.r#ref)?;
            }
        }
        Ok(())
    }
}

/// Why a refs string could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefsError {
    /// Nothing stands before the first comma.
    #[error(
        "the refs string {text:?} names no base branch: write `branch[:sha][,number:sha[:ref]]...`"
    )]
    NoBase {
        /// The whole text.
        text: String,
    },
    /// A pull does not have the form `number:sha[:ref]`.
    #[error("the refs string {text:?} has a pull {pull:?} that is not `number:sha[:ref]`")]
    BadPull {
        /// The whole text.
        text: String,
        /// The pull that could not be read.
        pull: String,
    },
}

/// Reads the string form; organisation, repository and everything else stay empty.
impl FromStr for Refs {
    type Err = RefsError;

    fn from_str(text: &str) -> Result<Self, RefsError> {
        let mut parts = text.split(',');
        let base = parts.next().unwrap_or_default();
        let (base_ref, base_sha) = base.split_once(':').unwrap_or((base, ""));
        if base_ref.is_empty() {
            return Err(RefsError::NoBase { text: text.to_owned() });
        }
        let pulls = parts
            .map(|pull| {
                let mut fields = pull.splitn(3, ':');
                let number = fields.next().and_then(|n| n.parse().ok());
                let sha = fields.next();
                match (number, sha) {
                    (Some(number), Some(sha)) => Ok(Pull {
                        number,
                        sha: sha.to_owned(),
                        r#ref: fields.next().unwrap_or_default().to_owned(),
                        ..Pull::default()
                    }),
                    _ => Err(RefsError::BadPull { text: text.to_owned(), pull: pull.to_owned() }),
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Refs {
            base_ref: base_ref.to_owned(),
            base_sha: base_sha.to_owned(),
            pulls,
            ..Refs::default()
        })
    }
}
