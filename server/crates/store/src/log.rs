//! What is kept of logs: where the lines of stored ones begin, and lines that somebody pinned.

use async_trait::async_trait;
use go_compat::Timestamp;

use crate::StoreError;

/// Logs whose index is kept; those that were read longest ago go first.
pub const MAX_LOG_INDEXES: usize = 2_000;

/// Pins that one run may have.
pub const MAX_RUN_PINS: usize = 50;

/// The index of one stored log. Its parts are opaque here; crate `artifacts` writes and reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogIndexRow {
    /// The object.
    pub uri: String,
    /// What tells this content of the object from another one: its ETag, or size and time.
    pub version: String,
    /// When the log was read, in milliseconds since 1970.
    pub made_ms: i64,
    /// Where its lines begin.
    pub lines: Vec<u8>,
    /// The parts that it divides itself into.
    pub folds: Vec<u8>,
    /// Names the expressions that `errors` was found with.
    pub highlights: String,
    /// The lines that stand out.
    pub errors: Vec<u8>,
}

/// Indexes of stored logs.
#[async_trait]
pub trait LogIndexStore: Send + Sync {
    /// The index of an object, whatever its version.
    async fn get(&self, uri: &str) -> Result<Option<LogIndexRow>, StoreError>;

    /// Stores the index of an object in place of an older one; beyond [`MAX_LOG_INDEXES`] the oldest go.
    async fn put(&self, row: LogIndexRow) -> Result<(), StoreError>;
}

/// Lines of a run's log that somebody pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPin {
    /// Its number; 0 before it is stored. Numbers are not given twice.
    pub id: i64,
    /// The run: its ProwJob's name.
    pub run: String,
    /// The first line, counted from 1.
    pub first_line: i64,
    /// The last line.
    pub last_line: i64,
    /// A word on why; may be empty.
    pub note: String,
    /// Who pinned them.
    pub who: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Pinned lines.
#[async_trait]
pub trait LogPinStore: Send + Sync {
    /// The pins of a run, by line.
    async fn of_run(&self, run: &str) -> Result<Vec<LogPin>, StoreError>;

    /// Pins lines; the answer is the pin's number. Lines that are pinned already get the new note and
    /// name. [`StoreError::Conflict`] when the run has [`MAX_RUN_PINS`] already.
    async fn pin(&self, pin: LogPin) -> Result<i64, StoreError>;

    /// Removes a pin of a run; tells whether there was one.
    async fn unpin(&self, run: &str, id: i64) -> Result<bool, StoreError>;

    /// Removes pins older than the history of runs; returns how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
