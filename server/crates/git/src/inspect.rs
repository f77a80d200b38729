//! Tells which objects a partial clone holds.
//!
//! Asked directly, a partial clone fetches what it lacks, one object at a time. So the question
//! goes to an empty repository without a remote that borrows the mirror's object folder.

use std::path::{Path, PathBuf};

use crate::{command::GitCommand, error::GitError};

/// The empty repository.
#[derive(Debug, Clone)]
pub(crate) struct Inspector {
    git_dir: PathBuf,
}

impl Inspector {
    /// Creates it in the folder of the cache.
    pub(crate) async fn create(cache: &Path) -> Result<Inspector, GitError> {
        let git_dir = cache.join("inspector.git");
        if !git_dir.join("HEAD").is_file() {
            std::fs::create_dir_all(cache).map_err(|error| GitError::io(cache, error))?;
            GitCommand::new()
                .args(["init", "--quiet", "--bare", "--template="])
                .arg(&git_dir)
                .run()
                .await?;
        }
        Ok(Inspector { git_dir })
    }

    /// Those of `objects` that are not in the object folder, in their order.
    pub(crate) async fn missing(
        &self,
        object_dir: &Path,
        objects: &[&str],
    ) -> Result<Vec<String>, GitError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let output = GitCommand::new()
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_OBJECT_DIRECTORY", object_dir)
            .args(["cat-file", "--batch-check=%(objectname)"])
            .stdin(objects.join("\n") + "\n")
            .run()
            .await?;
        Ok(output
            .text()
            .lines()
            .filter_map(|line| line.strip_suffix(" missing"))
            .map(str::to_owned)
            .collect())
    }
}
