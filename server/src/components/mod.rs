//! The controllers, one folder each: `decide.rs` says what is to be done about what is seen,
//! `run.rs` sees, decides, acts and records.
//!
//! Each folder's `mod.rs` says what it watches and writes, its period, whether one leads, and its
//! metrics. Each takes what it needs as a `Deps` struct and has two ways in: `run`, which goes on
//! until it is cancelled, and `sync_once`, which does everything that is due now and returns.

pub mod coverage_reader;
pub mod crier;
pub mod enablement;
pub mod grid_updater;
pub mod hook;
pub mod horologium;
pub mod plank;
pub mod run_name;
pub mod scheduler;
pub mod sinker;
pub mod testgrid_alerts;
pub mod work_queue;

#[cfg(test)]
mod crash;
#[cfg(test)]
pub(crate) mod fakes;

use std::fmt::Display;
use std::time::Duration;

use clock::SharedClock;
use job_spec::{Pod, labels};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Where a component tells that it is alive and what it failed at; the status page shows it.
pub trait Heartbeat: Send + Sync {
    /// A pass over the work ended well.
    fn pass(&self);
    /// A pass, or a part of it, failed; the component goes on.
    fn failed(&self, error: &dyn Display);
}

/// The patch that takes the pod reporter's finalizer off a pod, and leaves others on it.
fn without_reporter_finalizer(pod: &Pod) -> Value {
    let ours = |name: &&String| *name == labels::GCS_K8S_REPORTER_FINALIZER;
    let rest: Vec<&String> = pod.metadata.finalizers.iter().filter(|name| !ours(name)).collect();
    json!({"metadata": {"finalizers": rest}})
}

/// How often a component that waits for events says that it is alive.
const BEAT: Duration = Duration::from_secs(30);

/// Says that a component is alive, until cancelled.
async fn keep_beating(clock: &SharedClock, heartbeat: &dyn Heartbeat, cancel: &CancellationToken) {
    while !cancel.is_cancelled() {
        heartbeat.pass();
        tokio::select! {
            () = clock.sleep(BEAT) => {}
            () = cancel.cancelled() => {}
        }
    }
}

/// Tells nobody; for tests and one-shot commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHeartbeat;

impl Heartbeat for NoHeartbeat {
    fn pass(&self) {}
    fn failed(&self, _error: &dyn Display) {}
}
