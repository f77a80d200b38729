//! Keeps the stored builds of the test grid true: every run that begins or ends here becomes a column
//! at once, and a poll of each group's prefix finds what nobody told of. It succeeds TestGrid's updater,
//! tabulator and summarizer.
//!
//! | | |
//! |---|---|
//! | Watches | the run table, the configuration of the grid, the prefixes of its groups |
//! | Writes | builds, rows and summaries in the store |
//! | Period | each group every ten minutes, every minute while a build of it runs; all of a prefix every six hours |
//! | Leadership | none: two that do it write the same |
//! | Metrics | none |
//!
//! A build is read again as long as it has not ended, and then until nothing of it has changed for
//! twenty minutes, since results may be uploaded late; whenever its run tells of itself; and once more
//! by the full listing after it was read. Builds that a listing passes over (ids out of order, late
//! uploads) are found by the full listing. One that never ends is read again while it is in its group's
//! window. What was read stays, also when the bucket forgets it.

pub mod decide;
mod rows;
mod run;
mod update;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use blob::Blobs;
use clock::SharedClock;

use super::Heartbeat;
use crate::runs::table::RunTable;
use crate::testgrid::{Mirror, TestGrid};

pub use rows::Reread;
pub use run::{run, sync_once};
pub use update::{BUILDS_PER_LOOK, Outcome, poll, take_builds};

/// What the updater works with.
#[derive(Clone)]
pub struct Deps {
    /// Where grids are kept, with their configuration.
    pub grids: Arc<TestGrid>,
    /// Where results lie.
    pub blobs: Blobs,
    /// The runs of this installation.
    pub runs: Arc<RunTable>,
    /// The bucket that is shared with TestGrid's programs, if there is one.
    pub mirror: Option<Arc<Mirror>>,
    /// Time.
    pub clock: SharedClock,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
