//! Turns ProwJobs into pods and follows them to their end.
//!
//! | | |
//! |---|---|
//! | Watches | ProwJobs of agent `kubernetes`; pods labelled `created-by-prow` in every build cluster |
//! | Writes | pods; state, times, build id, URL and description of ProwJobs |
//! | Period | none: events and deadlines; metrics every 30 s |
//! | Leadership | one per ProwJob namespace |
//! | Metrics | `prowjobs`, `prowjob_state_transitions` |
//!
//! ```text
//!  events ──> Index (what is seen, with our own writes on top) ──> decide ──> act ──> Index
//!     └────> WorkQueue (names, deadlines, backoff) ──────────────────┘
//! ```

mod act;
pub mod decide;
mod index;
mod metrics;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;
use job_spec::snowflake::BuildIds;

use super::Heartbeat;

pub use decide::Trust;
pub use metrics::Metrics;
pub use run::{run, sync_once};

/// What plank works with.
#[derive(Clone)]
pub struct Deps {
    /// The ProwJobs and the build clusters.
    pub cluster: Arc<dyn Cluster>,
    /// The configuration.
    pub config: LiveConfig,
    /// Whose code may run where nothing isolates it.
    pub trust: Trust,
    /// Build ids without a server.
    pub build_ids: Arc<BuildIds>,
    /// Our version, for the label on pods.
    pub version: String,
    /// Time.
    pub clock: SharedClock,
    /// Counters.
    pub metrics: Metrics,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
