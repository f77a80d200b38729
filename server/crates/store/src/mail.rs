//! The delivery log of alerts by mail.

use async_trait::async_trait;
use go_compat::Timestamp;

use crate::StoreError;

/// A mail that was sent, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// When.
    pub at: Timestamp,
    /// The dashboard that it is about.
    pub dashboard: String,
    /// The tab that it is about.
    pub tab: String,
    /// What it tells: `failures` or `stale`.
    pub kind: String,
    /// To whom, separated by commas.
    pub recipients: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// What came of it: `sent`, `dry run`, or `failed: …`.
    pub result: String,
}

/// An entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// Later entries have greater numbers.
    pub id: i64,
    /// The entry.
    pub entry: MailEntry,
}

/// Which entries a page wants. Empty fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    /// Only about this dashboard.
    pub dashboard: Option<String>,
    /// Only about tabs of this name.
    pub tab: Option<String>,
    /// Only entries with smaller numbers: the last one of the page before.
    pub before: Option<i64>,
}

/// The delivery log.
#[async_trait]
pub trait MailStore: Send + Sync {
    /// Writes an entry; it is on disk when this returns. The answer is its number.
    async fn record(&self, entry: MailEntry) -> Result<i64, StoreError>;

    /// A page of entries, newest first.
    async fn list(&self, filter: &MailFilter, limit: usize) -> Result<Vec<MailRow>, StoreError>;

    /// Removes entries older than the retention; returns how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
