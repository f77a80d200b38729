//! Chooses the build cluster of runs in the state `scheduling` and lets plank have them.
//!
//! | | |
//! |---|---|
//! | Watches | ProwJobs in the state `scheduling` |
//! | Writes | their cluster and the state `triggered`, in one write |
//! | Period | none: events |
//! | Leadership | one per ProwJob namespace |
//! | Metrics | none |
//!
//! With `scheduler.enabled` every creator makes runs in that state. It always works: a run that
//! was made before the scheduler was turned off goes on with the cluster that it has, rather
//! than wait for ever.

pub mod decide;
mod external;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;

use super::Heartbeat;

pub use external::External;
pub use run::{run, sync_once};

/// What the scheduler works with.
#[derive(Clone)]
pub struct Deps {
    /// The ProwJobs.
    pub cluster: Arc<dyn Cluster>,
    /// The configuration.
    pub config: LiveConfig,
    /// The service that may be asked.
    pub external: External,
    /// Time.
    pub clock: SharedClock,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
