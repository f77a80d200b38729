//! What running git can end in.

use std::{path::PathBuf, time::Duration};

/// Why a git operation failed. No variant ever holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The program could not be started.
    #[error("cannot run `{command}`: {reason}; check that git 2.38 or newer is installed")]
    Spawn {
        /// The command as it would have run.
        command: String,
        /// The system's reason.
        reason: String,
    },
    /// It ran longer than its deadline, and its process group was killed.
    #[error("`{command}` was stopped after {} s: the remote hangs or the repository is too large for this deadline", after.as_secs())]
    Timeout {
        /// The command as it ran.
        command: String,
        /// The deadline it had.
        after: Duration,
    },
    /// It ended with a failure that has no variant of its own.
    #[error("`{command}` failed{}: {message}", code.map(|code| format!(" with exit code {code}")).unwrap_or_default())]
    Failed {
        /// The command as it ran.
        command: String,
        /// Its exit code; `None` if a signal ended it.
        code: Option<i32>,
        /// What it said on standard error, shortened.
        message: String,
    },
    /// It said more than the caller is ready to hold.
    #[error("`{command}` printed more than {limit} bytes and was stopped")]
    OutputTooLarge {
        /// The command as it ran.
        command: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The remote does not answer, refuses the credentials or is no repository.
    #[error(
        "cannot fetch from {uri}: {message}; check the address, the network and the credentials"
    )]
    Remote {
        /// The remote, without credentials.
        uri: String,
        /// What git said.
        message: String,
    },
    /// The remote has no such commit; it was force-pushed away or never existed.
    #[error("{uri} has no commit {sha}; it may have been force-pushed away")]
    MissingCommit {
        /// The remote, without credentials.
        uri: String,
        /// The commit that was asked for.
        sha: String,
    },
    /// The heads do not merge onto the base.
    #[error("{head} does not merge onto {base}: conflict in {}", files.join(", "))]
    MergeConflict {
        /// The commit merged onto: the base, with the earlier heads in it.
        base: String,
        /// The head that does not merge.
        head: String,
        /// The paths in conflict, sorted.
        files: Vec<String>,
    },
    /// A file of the in-repository configuration cannot be read as one.
    #[error("cannot read {path} at {revision}: {reason}")]
    Unreadable {
        /// The path in the repository.
        path: String,
        /// The tree it was read from.
        revision: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An argument that git could take for something else was refused.
    #[error("{0}")]
    InvalidInput(String),
    /// The mirror's folder could not be used.
    #[error("cannot use {}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

impl GitError {
    /// Whether the same call can succeed later although nobody changes anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, GitError::Timeout { .. } | GitError::Remote { .. } | GitError::Io { .. })
    }

    /// Names a file or folder in an I/O error.
    pub(crate) fn io(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> GitError {
        GitError::Io { path: path.into(), reason: reason.to_string() }
    }
}
