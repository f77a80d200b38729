//! The audit trail: every mutation that a browser, a bot or an API asked for.

use async_trait::async_trait;
use go_compat::Timestamp;

use crate::StoreError;

/// One mutation that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who asked: a login, `loopback`, or a component's name.
    pub who: String,
    /// What they asked for: `rerun`, `abort`, `replay` …
    pub action: String,
    /// On what: a ProwJob's name, a delivery's number …
    pub target: String,
    /// What came of it: `done`, `denied: …`, `failed: …`.
    pub result: String,
    /// More, as text or JSON; may be empty. Never a secret.
    pub detail: String,
}

/// An entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Later entries have greater numbers.
    pub id: i64,
    /// The entry.
    pub entry: AuditEntry,
}

/// Which entries a page wants. Empty fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only by this actor.
    pub who: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only on this target.
    pub target: Option<String>,
    /// Only entries with smaller numbers: the last one of the page before.
    pub before: Option<i64>,
}

/// The audit trail.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes an entry; it is on disk when this returns. The answer is its number.
    async fn record(&self, entry: AuditEntry) -> Result<i64, StoreError>;

    /// A page of entries, newest first.
    async fn list(&self, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRow>, StoreError>;

    /// Removes entries older than the retention; returns how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
