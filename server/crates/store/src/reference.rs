//! Runs that are named in what people write on issues and pull requests.

use async_trait::async_trait;
use go_compat::Timestamp;

use crate::StoreError;

/// Runs of one text that are kept.
pub const MAX_TEXT_RUNS: usize = 100;

/// References that one question is answered with.
pub const MAX_RUN_REFERENCES: usize = 500;

/// Of all references so many are kept; the oldest go first.
pub const MAX_REFERENCES: usize = 500_000;

/// A text that names a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceRow {
    /// Organisation of the repository.
    pub org: String,
    /// Repository.
    pub repo: String,
    /// Number of the issue or pull request.
    pub number: i64,
    /// Which of its texts, such as `comment 12`.
    pub text: String,
    /// Whether it is a pull request.
    pub is_pr: bool,
    /// The title of the issue or pull request.
    pub title: String,
    /// Its state: `open`, `closed` or `merged`.
    pub state: String,
    /// Who wrote the text.
    pub author: String,
    /// The text's page at the code host.
    pub href: String,
    /// When it was written, in milliseconds since 1970.
    pub at_ms: i64,
}

/// References to runs. A run is named by a text that the caller makes; a run may have several names.
#[async_trait]
pub trait ReferenceStore: Send + Sync {
    /// The runs that a text names, at most [`MAX_TEXT_RUNS`], in place of those that it named before;
    /// all or nothing. The other texts of the same issue get its title and state.
    async fn put_text(&self, text: ReferenceRow, runs: Vec<String>) -> Result<(), StoreError>;

    /// Gives all texts of an issue or pull request its title and state.
    async fn put_state(
        &self,
        org: &str,
        repo: &str,
        number: i64,
        title: &str,
        state: &str,
    ) -> Result<(), StoreError>;

    /// Forgets an issue or pull request with all its texts.
    async fn forget(&self, org: &str, repo: &str, number: i64) -> Result<(), StoreError>;

    /// The texts that name a run by any of these names, the newest first, at most
    /// [`MAX_RUN_REFERENCES`]; one that uses several names comes once.
    async fn of_run(&self, names: &[String]) -> Result<Vec<ReferenceRow>, StoreError>;

    /// Removes references older than the history of runs, and those beyond [`MAX_REFERENCES`]; returns
    /// how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
