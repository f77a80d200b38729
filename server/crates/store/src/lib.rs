//! What Bowsprit remembers: webhook deliveries, the embedded cluster's objects, run history,
//! the audit trail and small pieces of component state.
//!
//! Truth and index live side by side here and are kept apart by trait:
//!
//! | Trait | Holds | Truth or index |
//! |---|---|---|
//! | [`DeliveryStore`] | webhook deliveries until (and some time after) they are handled | truth |
//! | [`ClusterRows`] | ProwJobs, Pods and Leases of the embedded cluster | truth |
//! | [`AuditStore`] | who asked for which mutation, and what came of it | truth |
//! | [`MailStore`] | which alerts were sent by mail, and what came of it | truth |
//! | [`StateStore`] | small JSON values of components, such as the last fire of a periodic | truth |
//! | [`RunStore`] | one row per run, also after its ProwJob was collected | index, rebuilt from the bucket |
//! | [`GridStore`] | the builds of test groups as columns of their grids | index, rebuilt from the bucket |
//! | [`CoverageStore`] | coverage profiles of runs | index, rebuilt from the bucket |
//! | [`LogIndexStore`] | where the lines of stored logs begin | index, rebuilt from the bucket |
//! | [`LogPinStore`] | lines of logs that somebody pinned | truth |
//! | [`ReferenceStore`] | runs that issues and pull requests name | index, filled as webhooks come |
//!
//! [`Store::open`] opens either three SQLite files below a data directory (`journal.db` for the
//! deliveries, `grid.db` for test grids, coverage and indexes of logs, whose writes are large, and
//! `bowsprit.db` for everything else) or one PostgreSQL database. The SQL is shared:
//! `$1` placeholders, instants as integer milliseconds, JSON as text. No other crate names sqlx.
//!
//! Every write goes through one writer task per file, which commits whatever is queued in one
//! transaction: a write that returned is on disk, and many writers share the price of the flush.

mod audit;
mod cluster_rows;
mod coverage;
mod db;
mod delivery;
mod error;
mod grid;
mod log;
mod mail;
mod migrate;
mod open;
mod reference;
mod run;
mod sql;
mod state;
mod writer;

pub use audit::{AuditEntry, AuditFilter, AuditRow, AuditStore};
pub use cluster_rows::{ClusterRow, ClusterRows, RowChange, RowKey};
pub use coverage::{
    CoverageCursor, CoverageKey, CoverageRow, CoverageSeries, CoverageStore, MAX_COVERAGE_PAGE,
    MAX_SERIES_BLOCKS, MAX_SERIES_PROFILES,
};
pub use delivery::{
    Appended, Claim, Delivery, DeliveryCounts, DeliveryFilter, DeliveryId, DeliveryStatus,
    DeliveryStore, MAX_DELIVERY_ATTEMPTS, NewDelivery,
};
pub use error::StoreError;
pub use grid::{
    GridBuildKey, GridBuildRow, GridCursor, GridGroupRow, GridStore, GridSummaryRow,
    MAX_HIT_GROUPS, MAX_ROW_HITS, RowHit, RowSearch,
};
pub use log::{LogIndexRow, LogIndexStore, LogPin, LogPinStore, MAX_LOG_INDEXES, MAX_RUN_PINS};
pub use mail::{MailEntry, MailFilter, MailRow, MailStore};
pub use open::{Pruned, Store, StoreOptions};
pub use reference::{
    MAX_REFERENCES, MAX_RUN_REFERENCES, MAX_TEXT_RUNS, ReferenceRow, ReferenceStore,
};
pub use run::{
    BuildQuery, JobMatch, MAX_RUN_PAGE, RunCursor, RunFilter, RunPage, RunPull, RunRow, RunStore,
};
pub use state::StateStore;
