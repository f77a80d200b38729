//! Job definitions that live in the repository under test.

use std::sync::Arc;

use async_trait::async_trait;
use config_load::prow::tide;
use config_load::{Config, prow_yaml};
use forge::model::Repo;
use git::{GitError, MergeMethod, RepoCache};
use job_spec::{Postsubmit, Presubmit};

/// Why a repository's own definitions are not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InRepoError {
    /// They are wrong, or the pull request does not merge: the author must act.
    #[error("{0}")]
    Invalid(String),
    /// They could not be read now.
    #[error("{0}")]
    Unavailable(String),
}

/// The jobs that a repository defines for itself.
#[derive(Debug, Clone, Default)]
pub struct InRepoJobs {
    /// For its pull requests.
    pub presubmits: Vec<Arc<Presubmit>>,
    /// For pushes to it.
    pub postsubmits: Vec<Arc<Postsubmit>>,
}

/// Reads `.prow.yaml` or `.prow/` of a repository.
#[async_trait]
pub trait InRepo: Send + Sync {
    /// The jobs defined at `base_sha` with `heads` merged onto it, defaulted and validated
    /// together with the central configuration.
    async fn read(
        &self,
        repo: &Repo,
        base_sha: &str,
        heads: &[String],
        config: &Config,
    ) -> Result<InRepoJobs, InRepoError>;
}

/// Reads with git, without a checkout.
pub struct GitInRepo {
    cache: RepoCache,
}

impl GitInRepo {
    /// Reads through this cache of mirrors.
    #[must_use]
    pub fn new(cache: RepoCache) -> GitInRepo {
        GitInRepo { cache }
    }
}

#[async_trait]
impl InRepo for GitInRepo {
    async fn read(
        &self,
        repo: &Repo,
        base_sha: &str,
        heads: &[String],
        config: &Config,
    ) -> Result<InRepoJobs, InRepoError> {
        let uri = clone_uri(repo, &config.prow.github.link_url);
        // The heads are merged as tide will merge them.
        let method = match config.prow.tide.repo_merge_method(&repo.owner.login, &repo.name) {
            tide::MergeMethod::Squash => MergeMethod::Squash,
            tide::MergeMethod::Rebase => MergeMethod::Rebase,
            tide::MergeMethod::Merge | tide::MergeMethod::Unknown(_) => MergeMethod::Merge,
        };
        let files =
            self.cache.read_prow_files(&uri, base_sha, heads, method).await.map_err(|error| {
                match error {
                    GitError::MergeConflict { .. } | GitError::Unreadable { .. } => {
                        InRepoError::Invalid(error.to_string())
                    }
                    other => InRepoError::Unavailable(other.to_string()),
                }
            })?;
        let org_repo = format!("{}/{}", repo.owner.login, repo.name);
        match prow_yaml::parse(&files, config, &org_repo) {
            Ok(own) => Ok(InRepoJobs { presubmits: own.presubmits, postsubmits: own.postsubmits }),
            Err(errors) => Err(InRepoError::Invalid(errors.to_string())),
        }
    }
}

/// Where the repository is cloned from: what the code host says of itself, else by its name.
fn clone_uri(repo: &Repo, link_url: &str) -> String {
    if repo.clone_url.is_empty() {
        format!("{}/{}/{}.git", link_url.trim_end_matches('/'), repo.owner.login, repo.name)
    } else {
        repo.clone_url.clone()
    }
}
