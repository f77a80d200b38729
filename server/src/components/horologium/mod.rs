//! Starts periodic jobs at their times.
//!
//! | | |
//! |---|---|
//! | Watches | ProwJobs of type `periodic`; the configured periodics |
//! | Writes | ProwJobs; the last firing of each periodic in the store |
//! | Period | `horologium.tick_interval`, read anew each time |
//! | Leadership | run exactly one; a second one creates the same names |
//! | Metrics | none |

pub mod decide;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;
use store::StateStore;

use super::Heartbeat;

pub use run::{run, sync_once};

/// What horologium works with.
#[derive(Clone)]
pub struct Deps {
    /// Where runs are made.
    pub cluster: Arc<dyn Cluster>,
    /// Where the last firings are kept.
    pub state: Arc<dyn StateStore>,
    /// The configuration.
    pub config: LiveConfig,
    /// Whether runs are only logged, and nothing is written.
    pub dry_run: bool,
    /// Time.
    pub clock: SharedClock,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
