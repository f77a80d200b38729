//! The loop: each tick, look at every periodic.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::LabelSelector;
use go_compat::cron::Schedule;
use go_compat::time::Timestamp;
use job_spec::create::{Extra, new_prow_job, periodic_spec};
use job_spec::{JobType, Periodic, ProwJob, ProwJobState, labels};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::decide::{Decision, Record, Retry, Rhythm, decide};
use crate::components::run_name::run_name;
use crate::plugins::Several;

/// Where the records are kept, one per periodic.
const RECORDS: &str = "horologium/last-fire/";

/// Ticks until cancelled.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    while !cancel.is_cancelled() {
        match sync_once(&deps).await {
            Ok(_) => deps.heartbeat.pass(),
            Err(error) => {
                deps.heartbeat.failed(&format!("{error:#}"));
                tracing::error!("a tick failed: {error:#}");
            }
        }
        let pause = deps.config.get().prow.horologium.tick_interval().as_std();
        tokio::select! {
            () = deps.clock.sleep(pause) => {}
            () = cancel.cancelled() => {}
        }
    }
    Ok(())
}

/// One tick. Returns the names of the jobs that were started. A job that cannot be started does
/// not stop the others, and is due again at the next tick.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<Vec<String>> {
    let config = deps.config.get();
    let now = deps.clock.now();
    let selector = LabelSelector::all().equal(labels::TYPE, JobType::Periodic.as_str());
    let runs = deps.cluster.prow_jobs().list(&selector).await?;
    let latest = latest(&runs.items);
    let records = load(deps).await?;
    let mut changed: Vec<(String, Value)> = Vec::new();
    let mut failures = Vec::new();
    let mut started = Vec::new();
    for periodic in &config.jobs.periodics {
        let job = periodic.base.name.as_str();
        let (rhythm, text) = match rhythm(periodic) {
            Ok(rhythm) => rhythm,
            Err(error) => {
                failures.push(anyhow::anyhow!("periodic {job}: {error}"));
                continue;
            }
        };
        let last = latest.get(job).map(|run| &***run);
        let decision = decide(&rhythm, &text, retry(periodic), last, records.get(job), now);
        let (name, attempt, record) = match decision {
            Decision::Rest => continue,
            Decision::Note(record) => (None, None, Some(record)),
            Decision::Fire { nominal, record } => {
                (Some(run_name(&["periodic", job, &nominal.rfc3339_millis()])), None, Some(record))
            }
            Decision::Retry { attempt } => {
                let failed = last.map(|run| run.metadata.name.as_str()).unwrap_or_default();
                let name = run_name(&["periodic-retry", failed, &attempt.to_string()]);
                (Some(name), Some(attempt), None)
            }
        };
        if deps.dry_run {
            if let Some(name) = name {
                tracing::info!(job, name, "would start (--dry-run)");
            }
            continue;
        }
        if let Some(name) = name {
            if let Err(error) = start(deps, periodic, name, attempt, now).await {
                failures.push(error.context(format!("periodic {job} could not be started")));
                continue;
            }
            started.push(job.to_owned());
        }
        if let Some(record) = record {
            changed.push((format!("{RECORDS}{job}"), serde_json::to_value(record)?));
        }
    }
    if !changed.is_empty() {
        deps.state.put_all(changed).await?;
    }
    if !deps.dry_run {
        forget(deps, &config.jobs.periodics, &records).await?;
    }
    Several::check(failures)?;
    Ok(started)
}

/// The latest run of each job, by its start.
fn latest(runs: &[Arc<ProwJob>]) -> BTreeMap<&str, &Arc<ProwJob>> {
    let mut latest: BTreeMap<&str, &Arc<ProwJob>> = BTreeMap::new();
    let age = |run: &Arc<ProwJob>| (run.status.start_time, run.metadata.creation_timestamp);
    for run in runs.iter().filter(|run| run.spec.job_type == JobType::Periodic) {
        let place = latest.entry(&run.spec.job).or_insert(run);
        if age(place) < age(run) {
            *place = run;
        }
    }
    latest
}

async fn load(deps: &Deps) -> anyhow::Result<BTreeMap<String, Record>> {
    let stored = deps.state.list(RECORDS).await?;
    let records = stored.into_iter().filter_map(|(key, value)| {
        let job = key.strip_prefix(RECORDS)?.to_owned();
        match serde_json::from_value(value) {
            Ok(record) => Some((job, record)),
            Err(error) => {
                // Without it the periodic is as new: it waits for its next time.
                tracing::warn!(job, "the record of its last firing is not readable: {error}");
                None
            }
        }
    });
    Ok(records.collect())
}

/// Drops the records of periodics that are no longer configured.
async fn forget(
    deps: &Deps,
    periodics: &[Arc<Periodic>],
    records: &BTreeMap<String, Record>,
) -> anyhow::Result<()> {
    let gone = records.keys().filter(|job| periodics.iter().all(|p| p.base.name != **job));
    for job in gone {
        deps.state.remove(&format!("{RECORDS}{job}")).await?;
    }
    Ok(())
}

/// The rhythm, and the text that it is recorded under.
fn rhythm(periodic: &Periodic) -> Result<(Rhythm, String), String> {
    if !periodic.cron.is_empty() {
        let schedule = Schedule::parse(&periodic.cron).map_err(|error| error.to_string())?;
        return Ok((Rhythm::Cron(schedule), format!("cron {}", periodic.cron)));
    }
    if let Some(pause) = periodic.minimum_interval_duration {
        let text = format!("minimum_interval {}", periodic.minimum_interval);
        return Ok((Rhythm::MinimumInterval(pause.as_std()), text));
    }
    match periodic.interval_duration {
        Some(every) => {
            Ok((Rhythm::Interval(every.as_std()), format!("interval {}", periodic.interval)))
        }
        None => Err("it has neither cron nor interval nor minimum_interval".to_owned()),
    }
}

fn retry(periodic: &Periodic) -> Option<Retry> {
    let retry = periodic.retry.as_ref()?;
    Some(Retry {
        run_all: retry.run_all,
        attempts: retry.attempts,
        interval: retry.interval_duration?.as_std(),
    })
}

async fn start(
    deps: &Deps,
    periodic: &Periodic,
    name: String,
    attempt: Option<i64>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let config = deps.config.get();
    let mut extra = Extra::of(&periodic.base);
    if let Some(attempt) = attempt {
        extra.labels.insert(labels::RERUN.to_owned(), attempt.to_string());
    }
    let scheduling = config.prow.scheduler.enabled;
    let state = if scheduling { ProwJobState::Scheduling } else { ProwJobState::Triggered };
    let spec = periodic_spec(periodic);
    let mut run = new_prow_job(spec, &extra.labels, &extra.annotations, name, now, state);
    run.metadata.namespace.clone_from(&config.prow.prowjob_namespace);
    match deps.cluster.prow_jobs().create(&run).await {
        Ok(_) => {
            tracing::info!(job = periodic.base.name, prowjob = run.metadata.name, "started");
            Ok(())
        }
        // A tick before a crash made it.
        Err(error) if error.is_already_exists() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
