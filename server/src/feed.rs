//! Keeps the run table true: history at the start, then every change of a
//! ProwJob.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clock::SharedClock;
use cluster::{Cluster, LabelSelector, Reflector, ReflectorEvent};
use config_load::LiveConfig;
use futures::StreamExt;
use job_spec::ProwJob;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::components::Heartbeat;
use crate::components::crier::destination::run_dir;
use crate::runs::run::Run;
use crate::runs::table::{KEPT_RUNS, RunTable};
use crate::supervisor::Pulse;

/// The component's name on the status page.
pub const NAME: &str = "run-feed";

/// How often the age of the data is confirmed while nothing changes.
const CONFIRM_EVERY: Duration = Duration::from_secs(5);
/// A cluster that was silent for longer no longer confirms anything.
const CONTACT_WITHIN: Duration = Duration::from_secs(60);
/// How long a start waits for the ProwJobs before it serves without them.
const FILL_WITHIN: Duration = Duration::from_secs(10);
/// Changes that go into the table at once.
const BATCH: usize = 500;

/// What the feed works with.
#[derive(Clone)]
pub struct Deps {
    /// Where ProwJobs are.
    pub cluster: Arc<dyn Cluster>,
    /// Where history is; none when pages are made from a file alone.
    pub store: Option<Store>,
    /// Tells where artifacts lie.
    pub config: LiveConfig,
    /// The table.
    pub runs: Arc<RunTable>,
    /// Waits between confirmations.
    pub clock: SharedClock,
}

/// Puts the newest of the history into the table.
pub async fn load_history(deps: &Deps) -> anyhow::Result<usize> {
    let Some(store) = &deps.store else { return Ok(0) };
    let rows = store.runs().newest(KEPT_RUNS).await.context("reading the run history")?;
    let count = rows.len();
    deps.runs.put(rows.iter().map(|row| Run::from_history(row, &deps.runs.strings)));
    Ok(count)
}

/// Waits until the table has taken in the ProwJobs, so that nobody is shown an empty list because
/// the process has just started; within a bound, since old pages are better than none.
pub async fn filled(runs: &RunTable, clock: &SharedClock) {
    tokio::select! {
        () = runs.filled() => {}
        () = clock.sleep(FILL_WITHIN) => {
            tracing::warn!("the ProwJobs are not read yet; lists lack them until they are");
        }
    }
}

/// Follows the ProwJobs until it is told to stop.
pub async fn run(deps: Deps, pulse: Pulse, cancel: CancellationToken) -> anyhow::Result<()> {
    let copy = Reflector::spawn(deps.cluster.prow_jobs(), LabelSelector::all());
    let confirm = || match (copy.last_error(), copy.since_contact()) {
        (Some(error), _) => pulse.failed(&error),
        (None, Some(silent)) if silent < CONTACT_WITHIN => pulse.pass(),
        _ => {}
    };
    // What is known before the first list is whole would be taken for all there is.
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = copy.synced() => break,
            () = deps.clock.sleep(CONFIRM_EVERY) => confirm(),
        }
    }
    let mut events = copy.subscribe();
    loop {
        let event = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = deps.clock.sleep(CONFIRM_EVERY) => {
                confirm();
                continue;
            }
            event = events.next() => event.context("the watch of the ProwJobs ended")?,
        };
        let mut batch = vec![event];
        while batch.len() < BATCH
            && let Some(Some(event)) = futures::FutureExt::now_or_never(events.next())
        {
            batch.push(event);
        }
        take(&deps, batch);
        deps.runs.set_filled();
        pulse.pass();
    }
}

fn take(deps: &Deps, batch: Vec<ReflectorEvent<ProwJob>>) {
    for event in batch {
        match event {
            ReflectorEvent::Restarted(all) => {
                let names: HashSet<&str> =
                    all.iter().map(|job| job.metadata.name.as_str()).collect();
                let gone: Vec<Arc<str>> = deps
                    .runs
                    .snapshot()
                    .runs
                    .iter()
                    .filter(|run| run.live.is_some() && !names.contains(&*run.id))
                    .map(|run| run.id.clone())
                    .collect();
                for id in gone {
                    deps.runs.release(&id);
                }
                put(deps, &all);
            }
            ReflectorEvent::Applied(job) => put(deps, std::slice::from_ref(&job)),
            ReflectorEvent::Deleted(job) => deps.runs.release(&job.metadata.name),
        }
    }
}

fn put(deps: &Deps, jobs: &[Arc<ProwJob>]) {
    let config = deps.config.get();
    deps.runs.put(jobs.iter().map(|job| {
        let folder = run_dir(job, &config).map(|uri| uri.to_string());
        Run::of(job, folder.as_deref(), &deps.runs.strings)
    }));
}
