//! Reports what became of runs.
//!
//! | | |
//! |---|---|
//! | Watches | ProwJobs |
//! | Writes | statuses and comments, objects in the bucket, rows of history; `prev_report_states` |
//! | Period | none: events, and backoff after failures |
//! | Leadership | run exactly one; a second one would report twice |
//! | Metrics | `crier_report_latency`, `crier_reporting_results` |
//!
//! Each reporter has a queue of its own, so one that fails delays no other. What it reported last
//! stands in the ProwJob, under its name. Prow's reporters and where they live:
//!
//! | Name | Room |
//! |---|---|
//! | `github-reporter` | [`github`] |
//! | `gcsreporter` | [`blob`] |
//! | `gcsk8sreporter`, `gerrit-reporter`, `slackreporter`, `pubsub-reporter`, `resultstorereporter` | a file beside these and a line in [`reporters`] |

pub mod blob;
pub mod decide;
pub mod destination;
pub mod github;
pub mod history;
mod metrics;
mod run;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::blob::Blobs;
use async_trait::async_trait;
use clock::SharedClock;
use cluster::{Api, Cluster};
use config_load::LiveConfig;
use forge::Forge;
use go_compat::time::Timestamp;
use job_spec::ProwJob;
use store::RunStore;

use super::Heartbeat;
use super::enablement::Enablement;

pub use metrics::Metrics;
pub use run::{run, sync_once};

/// What a reporter made of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// The state is reported, or need not be; it is recorded.
    Done,
    /// Not now; ask again at this time. Nothing is recorded.
    Later(Timestamp),
}

/// Tells somebody what became of a run.
#[async_trait]
pub trait Reporter: Send + Sync {
    /// The key in `prev_report_states`.
    fn name(&self) -> &'static str;

    /// Whether runs of this kind concern it at all.
    fn should_report(&self, job: &ProwJob) -> bool;

    /// Reports the run's present state. `repeated` says that the same state may have been
    /// reported before: the process was killed in between, or an earlier try failed half-way.
    async fn report(&self, job: &Arc<ProwJob>, repeated: bool) -> anyhow::Result<Reported>;
}

/// What crier works with.
#[derive(Clone)]
pub struct Deps {
    /// The ProwJobs.
    pub cluster: Arc<dyn Cluster>,
    /// Who is told; see [`reporters`].
    pub reporters: Vec<Arc<dyn Reporter>>,
    /// The repositories whose runs are reported; the history has the others as well.
    pub enablement: Enablement,
    /// The run history, which gets a row for every change.
    pub runs: Arc<dyn RunStore>,
    /// The configuration.
    pub config: LiveConfig,
    /// Time.
    pub clock: SharedClock,
    /// Counters.
    pub metrics: Metrics,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}

/// The reporters of an installation: the one place where they are listed. Without a code host, or
/// without the right to write to it, nothing is reported there, and nothing is tried either.
#[must_use]
pub fn reporters(
    forge: Option<Arc<dyn Forge>>,
    blobs: Option<Blobs>,
    prow_jobs: Arc<dyn Api<ProwJob>>,
    config: &LiveConfig,
) -> Vec<Arc<dyn Reporter>> {
    let mut reporters: Vec<Arc<dyn Reporter>> = Vec::new();
    if let Some(forge) = forge {
        reporters.push(Arc::new(github::GitHubReporter::new(forge, prow_jobs, config.clone())));
    }
    if let Some(blobs) = blobs {
        reporters.push(Arc::new(blob::BlobReporter::new(blobs, config.clone())));
    }
    reporters
}
