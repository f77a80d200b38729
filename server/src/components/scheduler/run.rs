//! The loop: runs in `scheduling` go through a queue.

use std::sync::Arc;
use std::time::Duration;

use cluster::{LabelSelector, Reflector, ReflectorEvent};
use futures::StreamExt;
use job_spec::{ProwJob, ProwJobState};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::decide::{Choice, choose};
use crate::components::keep_beating;
use crate::components::work_queue::{Backoff, Outcome, WorkQueue};

/// How many runs are looked at at a time; a slow service must not hold up all others.
const WORKERS: usize = 4;
/// How long a run rests after writing it failed.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(300) };

fn is_waiting(job: &ProwJob) -> bool {
    job.status.state == ProwJobState::Scheduling && !job.complete()
}

/// Runs until cancelled.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    let jobs = Reflector::spawn(deps.cluster.prow_jobs(), LabelSelector::all());
    let queue = WorkQueue::new(deps.clock.clone(), BACKOFF);
    let mut events = jobs.subscribe();
    let feed = async {
        loop {
            let event = tokio::select! {
                () = cancel.cancelled() => return,
                event = events.next() => event,
            };
            let changed = match event {
                Some(ReflectorEvent::Restarted(all)) => all,
                Some(ReflectorEvent::Applied(job)) => vec![job],
                Some(ReflectorEvent::Deleted(_)) => Vec::new(),
                None => return,
            };
            for job in changed.iter().filter(|job| is_waiting(job)) {
                queue.add(job.metadata.name.clone());
            }
        }
    };
    let alive = keep_beating(&deps.clock, &*deps.heartbeat, &cancel);
    let look = |name: String| {
        let deps = &deps;
        async move { look(deps, &name).await }
    };
    tokio::join!(feed, alive, queue.work(WORKERS, &cancel, look));
    Ok(())
}

/// Moves every run that waits on, once. For tests that crank by hand.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<()> {
    let jobs = deps.cluster.prow_jobs().list(&LabelSelector::all()).await?.items;
    for job in jobs.iter().filter(|job| is_waiting(job)) {
        schedule(deps, job).await?;
    }
    Ok(())
}

async fn look(deps: &Deps, name: &str) -> Outcome {
    // Read live: the picture may be from before our own write, or before an abort.
    let scheduled = match deps.cluster.prow_jobs().get(name).await {
        Ok(job) if is_waiting(&job) => schedule(deps, &job).await,
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    match scheduled {
        Ok(()) => Outcome::Done,
        Err(error) if error.is_not_found() => Outcome::Done,
        Err(error) if error.is_conflict() => Outcome::At(deps.clock.now()),
        Err(error) => {
            deps.heartbeat.failed(&format!("ProwJob {name}: {error}"));
            tracing::warn!(prowjob = name, "not scheduled: {error}");
            Outcome::Retry
        }
    }
}

/// Writes cluster and state at once, so that plank never sees one without the other.
async fn schedule(deps: &Deps, job: &Arc<ProwJob>) -> Result<(), cluster::ClusterError> {
    let config = deps.config.get();
    let name = job.metadata.name.as_str();
    let chosen = match choose(job, &config.prow.scheduler) {
        Choice::Stay => None,
        Choice::Move(to) => Some(to.to_owned()),
        Choice::Ask(service) => {
            let asked = deps.external.cluster(&job.spec.job, service, deps.clock.now()).await;
            asked
                .inspect_err(|error| {
                    // The run goes on where its job says: better there than not at all.
                    let error = format!("scheduler.external: {error:#}");
                    deps.heartbeat.failed(&error);
                    tracing::warn!(prowjob = name, job = job.spec.job, "{error}");
                })
                .ok()
        }
    };
    let cluster = chosen.unwrap_or_else(|| job.spec.cluster.clone());
    if cluster != job.spec.cluster {
        tracing::info!(prowjob = name, from = job.spec.cluster, to = cluster, "scheduled");
    }
    let patch = json!({"spec": {"cluster": cluster}, "status": {"state": "triggered"}});
    let version = job.metadata.resource_version.as_deref();
    deps.cluster.prow_jobs().patch_merge(name, &patch, version).await.map(drop)
}
