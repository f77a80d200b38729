//! Turns ProwJobs into pods and follows them to their end.
//!
//! | | |
//! |---|---|
//! | Watches | ProwJobs of agent `kubernetes`; pods labelled `created-by-prow` in every build cluster |
//! | Writes | pods; state, times, build id, URL and description of ProwJobs; `build_cluster_status_file` |
//! | Period | none: events and deadlines; metrics every 30 s, the status file every minute |
//! | Leadership | one per ProwJob namespace |
//! | Metrics | `prowjobs`, `prowjob_state_transitions` |
//!
//! ```text
//!  events ──> Index (what is seen, with our own writes on top) ──> decide ──> act ──> Index
//!     └────> WorkQueue (names, deadlines, backoff) ──────────────────┘
//! ```

mod act;
pub mod build_ids;
mod cluster_status;
pub mod decide;
mod index;
mod metrics;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use blob::Blobs;
use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;

use super::Heartbeat;

pub use build_ids::BuildIdSource;
pub use cluster_status::ClusterStatus;
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
    /// Where build ids come from.
    pub build_ids: BuildIdSource,
    /// The buckets, of which one may hold the file with the states of the build clusters.
    pub blobs: Option<Blobs>,
    /// Our version, for the label on pods.
    pub version: String,
    /// Time.
    pub clock: SharedClock,
    /// Counters.
    pub metrics: Metrics,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
