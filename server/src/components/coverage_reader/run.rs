//! The loop: runs that end, and those that ended before.

use std::sync::Arc;
use std::time::Duration;

use store::CoverageRow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::decide::{Queue, backlog};
use super::{Deps, read_run};
use crate::runs::run::Run;
use crate::runs::table::Change;

/// Runs that are looked through at once.
const RUNS_AT_ONCE: usize = 3;
/// The longest wait while nothing happens.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

type Looked = (Arc<Run>, anyhow::Result<()>);

/// Goes on until it is cancelled.
///
/// # Errors
/// The store failed when it was asked which runs are new; the supervisor starts it again.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        () = deps.runs.filled() => {}
    }
    let mut heard = deps.runs.snapshot().version;
    let mut changes = deps.runs.subscribe();
    let mut queue = Queue::default();
    queue.append(unknown(&deps).await?);
    let mut tasks: JoinSet<Looked> = JoinSet::new();
    loop {
        heard = hear(&deps, heard, &mut queue).await?;
        let now = deps.clock.now();
        while tasks.len() < RUNS_AT_ONCE {
            let Some(run) = queue.next(now) else { break };
            let deps = deps.clone();
            tasks.spawn(async move {
                let looked = look_through(&deps, &run).await;
                (run, looked)
            });
        }
        let due = queue.next_due().map_or(LONGEST_WAIT, |due| due.since(now));
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = deps.clock.sleep(due.min(LONGEST_WAIT)) => {}
            changed = changes.changed() => changed?,
            Some(looked) = tasks.join_next(), if !tasks.is_empty() => {
                let (run, looked) = looked?;
                match looked {
                    Ok(()) => queue.done(&run),
                    Err(error) => {
                        deps.heartbeat.failed(&format!("{error:#}"));
                        let id = run.id.clone();
                        if !queue.failed(run, deps.clock.now()) {
                            tracing::warn!(
                                run.id = %id,
                                "the coverage of this run could not be read and is left until the \
                                 next start: {error:#}"
                            );
                        }
                        continue;
                    }
                }
            }
        }
        deps.heartbeat.pass();
    }
}

/// Looks through every run that is over and was not looked through, once.
///
/// # Errors
/// A run could not be looked through: the first reason.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<()> {
    for run in unknown(deps).await? {
        look_through(deps, &run).await?;
    }
    Ok(())
}

/// Takes in what happened since; after a gap, everything that is new.
async fn hear(deps: &Deps, heard: u64, queue: &mut Queue) -> anyhow::Result<u64> {
    let Some((version, changes)) = deps.runs.changes_after(heard) else {
        let version = deps.runs.snapshot().version;
        queue.append(unknown(deps).await?);
        return Ok(version);
    };
    for change in changes {
        match change {
            // Only what the cluster has is news; the rest is history that is read again.
            Change::Put(run) if run.live.is_some() => queue.hear(&run),
            Change::Put(_) => {}
            Change::Gone(id) => queue.forget(&id),
        }
    }
    Ok(version)
}

/// The newest runs of each job that were not looked through.
async fn unknown(deps: &Deps) -> anyhow::Result<Vec<Arc<Run>>> {
    let mut runs = backlog(&deps.runs.snapshot().runs);
    let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
    let looked = deps.coverage.looked(&ids).await?;
    let looked: std::collections::HashSet<String> = looked.into_iter().collect();
    runs.retain(|run| !looked.contains(&*run.id));
    Ok(runs)
}

async fn look_through(deps: &Deps, run: &Run) -> anyhow::Result<()> {
    let now = deps.clock.now();
    let known = deps.coverage.looked(&[run.id.to_string()]).await?;
    if !known.is_empty() {
        return Ok(());
    }
    let rows: Vec<CoverageRow> = read_run(&deps.blobs, run, now).await?;
    deps.coverage.put_run(&run.id, now, rows).await?;
    Ok(())
}
