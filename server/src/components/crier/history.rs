//! The run history: a row for every run, brought up to date with every change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use config_load::Config;
use job_spec::ProwJob;
use store::{RunRow, RunStore, StoreError};
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::destination::run_dir;
use super::run::Jobs;
use crate::runs::history::row_of;

/// How many rows are written in one transaction.
const BATCH: usize = 500;
/// How long changes are gathered before they are written, so that a burst is one transaction.
const GATHER: Duration = Duration::from_millis(100);
/// How long the database is left alone after it failed.
const PAUSE: Duration = Duration::from_secs(5);

/// The row of a ProwJob as it stands now.
#[must_use]
pub fn row(job: &ProwJob, config: &Config) -> RunRow {
    let dir = run_dir(job, config).map(|uri| uri.to_string()).unwrap_or_default();
    row_of(job, &dir)
}

/// Writes the rows of these ProwJobs.
pub(super) async fn write(
    runs: &dyn RunStore,
    jobs: &[Arc<ProwJob>],
    config: &Config,
) -> Result<(), StoreError> {
    for batch in jobs.chunks(BATCH) {
        runs.upsert(batch.iter().map(|job| row(job, config)).collect()).await?;
    }
    Ok(())
}

/// Follows the ProwJobs until cancelled. Everything is written once at the start, since nobody
/// knows what changed while nobody looked; what fails is tried again with everything newer.
pub(super) async fn follow(deps: &Deps, mut jobs: Jobs, cancel: &CancellationToken) {
    let mut dirty: HashMap<String, Arc<ProwJob>> = HashMap::new();
    loop {
        if dirty.is_empty() {
            match jobs.next(cancel).await {
                Some(changed) => dirty.extend(named(changed)),
                None => return,
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
        }
        while let Some(changed) = jobs.ready() {
            dirty.extend(named(changed));
        }
        let batch: Vec<Arc<ProwJob>> = dirty.values().cloned().collect();
        match write(&*deps.runs, &batch, &deps.config.get()).await {
            Ok(()) => dirty.clear(),
            Err(error) => {
                deps.heartbeat.failed(&error);
                tracing::error!("the run history was not written: {error}");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = deps.clock.sleep(PAUSE) => {}
                }
            }
        }
    }
}

fn named(jobs: Vec<Arc<ProwJob>>) -> impl Iterator<Item = (String, Arc<ProwJob>)> {
    jobs.into_iter().map(|job| (job.metadata.name.clone(), job))
}
