//! Reads the coverage profiles of runs that have ended, each run once, into the store.
//!
//! | | |
//! |---|---|
//! | Watches | the run table |
//! | Writes | profiles in the store |
//! | Period | none: a run is looked through when it ends; after a start, the newest runs of each job that were not |
//! | Leadership | none: two that do it write the same |
//! | Metrics | none |
//!
//! A run's artifacts are there before its ProwJob is complete. Files named like profiles are read,
//! with bounds; what is none is passed over.

pub mod decide;
mod read;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use blob::Blobs;
use clock::SharedClock;
use store::CoverageStore;

use super::Heartbeat;
use crate::runs::table::RunTable;

pub use read::{MAX_PROFILE_BYTES, MAX_RUN_PROFILES, read_run};
pub use run::{run, sync_once};

/// What the reader works with.
#[derive(Clone)]
pub struct Deps {
    /// Where profiles are kept.
    pub coverage: Arc<dyn CoverageStore>,
    /// Where artifacts lie.
    pub blobs: Blobs,
    /// The runs of this installation.
    pub runs: Arc<RunTable>,
    /// Time.
    pub clock: SharedClock,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
