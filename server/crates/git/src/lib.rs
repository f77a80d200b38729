//! Git, by the `git` command.
//!
//! - [`GitCommand`] is the one way to run it: an argument vector and never a shell, a deadline, a
//!   process group of its own that is killed with the call, an environment without surprises, and
//!   credentials that never reach an error or a log.
//! - [`RepoCache`] keeps bare mirrors, with as few blobs as the remote allows, and reads the
//!   in-repository configuration of a pull request from them without a checkout.
//!
//! Prow's tools run the same commands, and clone records print them; hence the command and not a
//! library.

mod cache;
mod command;
mod error;
mod inspect;
mod merge;
mod mirror;
mod prow_files;
mod redact;

pub use cache::{ProwFiles, RepoCache, RepoCacheOptions};
pub use command::{Credentials, DEFAULT_TIMEOUT, GitCommand, Output};
pub use error::GitError;
pub use merge::MergeMethod;
pub use mirror::{CredentialSource, NoCredentials};
pub use redact::redact;
