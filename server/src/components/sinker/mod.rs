//! Removes old ProwJobs and pods.
//!
//! | | |
//! |---|---|
//! | Watches | nothing: it lists ProwJobs and the pods of every build cluster |
//! | Writes | deletes ProwJobs and pods; takes the pod reporter's finalizer off; run history |
//! | Period | `sinker.resync_period`, read anew each time |
//! | Leadership | one per installation |
//! | Metrics | `sinker_*`, `job_configmap_size`, `bowsprit_sinker_refusals` |

mod configmaps;
pub mod decide;
mod metrics;
mod run;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;
use store::RunStore;

use super::Heartbeat;

pub use decide::Refused;
pub use metrics::Metrics;
pub use run::{Pass, run, sync_once};

/// What sinker works with.
#[derive(Clone)]
pub struct Deps {
    /// What it removes from.
    pub cluster: Arc<dyn Cluster>,
    /// The history that a run must be in before its ProwJob goes.
    pub runs: Arc<dyn RunStore>,
    /// The configuration.
    pub config: LiveConfig,
    /// Whether removals are only logged.
    pub dry_run: bool,
    /// Whether a pass may remove a large share of all objects at once.
    pub allow_mass_deletion: bool,
    /// Since when passes have been refused.
    pub refused: Refused,
    /// The folder of the job files, of whose ConfigMaps the sizes are published.
    pub job_config_path: Option<PathBuf>,
    /// Time.
    pub clock: SharedClock,
    /// Gauges.
    pub metrics: Metrics,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
