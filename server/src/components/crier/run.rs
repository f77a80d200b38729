//! The engine: every change of a ProwJob goes to the queue of every reporter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cluster::{LabelSelector, Reflection, Reflector, ReflectorEvent};
use futures::future::join_all;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use go_compat::time::Timestamp;
use job_spec::{ProwJob, ProwJobState};
use parking_lot::Mutex;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::decide::is_due;
use super::{Deps, Reported, Reporter, history};
use crate::components::keep_beating;
use crate::components::work_queue::{Backoff, Outcome, WorkQueue};
use crate::plugins::Failure;

/// How many runs a reporter reports at a time.
const WORKERS: usize = 4;
/// How long a run rests after reporting it failed; the longest is Prow's.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(1_000) };
/// How long a report that fails is tried again. Prow tries for ever; a run of yesterday is of no
/// interest to anybody who waits.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// How many failing runs are remembered before those that are gone are forgotten.
const REMEMBERED_FAILURES: usize = 1_024;
/// How long one report may take, as in Prow.
const DEADLINE: Duration = Duration::from_secs(1_800);

/// The changes of ProwJobs, for one reader.
pub(super) struct Jobs {
    events: BoxStream<'static, ReflectorEvent<ProwJob>>,
}

impl Jobs {
    fn of(reflection: &Reflection<ProwJob>) -> Jobs {
        Jobs { events: reflection.subscribe() }
    }

    /// What changed next; everything at first. `None` when cancelled.
    pub(super) async fn next(&mut self, cancel: &CancellationToken) -> Option<Vec<Arc<ProwJob>>> {
        tokio::select! {
            () = cancel.cancelled() => None,
            event = self.events.next() => event.map(changed),
        }
    }

    /// What changed already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Vec<Arc<ProwJob>>> {
        self.events.next().now_or_never().flatten().map(changed)
    }
}

fn changed(event: ReflectorEvent<ProwJob>) -> Vec<Arc<ProwJob>> {
    match event {
        ReflectorEvent::Restarted(jobs) => jobs,
        ReflectorEvent::Applied(job) => vec![job],
        // What is reported and written stays.
        ReflectorEvent::Deleted(_) => Vec::new(),
    }
}

/// One reporter at work.
struct Desk {
    reporter: Arc<dyn Reporter>,
    /// What this process reported last, by ProwJob; the watch may lag behind it.
    own: Mutex<HashMap<String, ProwJobState>>,
    /// Runs whose report may have been made before.
    doubtful: Mutex<HashSet<String>>,
    /// Runs whose last report failed.
    failed: Mutex<HashMap<String, Failed>>,
}

/// What is remembered of a report that failed.
struct Failed {
    /// The state that was to be reported; another one is another report.
    state: ProwJobState,
    since: Timestamp,
    text: String,
    given_up: bool,
}

impl Desk {
    fn new(reporter: Arc<dyn Reporter>) -> Desk {
        Desk {
            reporter,
            own: Mutex::default(),
            doubtful: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// Whether a run concerns the reporter and this process.
    fn wants(&self, deps: &Deps, job: &ProwJob) -> bool {
        deps.enablement.allows_run(job) && self.reporter.should_report(job)
    }

    fn has_given_up(&self, name: &str, state: &ProwJobState) -> bool {
        let failed = self.failed.lock();
        failed.get(name).is_some_and(|failed| failed.given_up && failed.state == *state)
    }

    /// Notes a failure and says when to try again. The log has each reason once per run.
    fn failed(&self, deps: &Deps, job: &ProwJob, error: &anyhow::Error) -> Outcome {
        let (name, reporter) = (job.metadata.name.as_str(), self.reporter.name());
        let (now, kind, text) = (deps.clock.now(), Failure::of(error), format!("{error:#}"));
        let mut all = self.failed.lock();
        let before = all.get(name).filter(|before| before.state == job.status.state);
        let since = before.map_or(now, |before| before.since);
        let is_news = before.is_none_or(|before| before.text != text);
        let given_up = kind == Failure::Permanent || now.since(since) >= GIVE_UP_AFTER;
        deps.heartbeat.failed(&format!("{reporter}: run {name}: {text}"));
        if given_up {
            tracing::warn!(reporter, prowjob = name, "not reported: {text}");
        } else if is_news {
            tracing::warn!(reporter, prowjob = name, "the report failed: {text}");
        } else {
            tracing::debug!(reporter, prowjob = name, "the report failed again: {text}");
        }
        let failed = Failed { state: job.status.state.clone(), since, text, given_up };
        all.insert(name.to_owned(), failed);
        match kind {
            _ if given_up => Outcome::Done,
            Failure::Until(at) => Outcome::At(at),
            _ => Outcome::Retry,
        }
    }

    /// Reports one run if it is due, and records that in the ProwJob.
    async fn report(&self, deps: &Deps, job: Arc<ProwJob>) -> Outcome {
        let (name, reporter) = (job.metadata.name.as_str(), self.reporter.name());
        if !self.wants(deps, &job) || self.has_given_up(name, &job.status.state) {
            return Outcome::Done;
        }
        if !is_due(reporter, &job, self.own.lock().get(name)) {
            let recorded = job.status.prev_report_states.get(reporter) == Some(&job.status.state);
            if recorded {
                // The watch shows it, so it need not be remembered.
                self.own.lock().remove(name);
            }
            return Outcome::Done;
        }
        let repeated = !self.doubtful.lock().insert(name.to_owned());
        let reported = tokio::select! {
            reported = self.reporter.report(&job, repeated) => reported,
            () = deps.clock.sleep(DEADLINE) => {
                Err(anyhow::anyhow!("it took longer than {} s", DEADLINE.as_secs()))
            }
        };
        let result = match reported {
            Ok(Reported::Later(at)) => return Outcome::At(at),
            Ok(Reported::Done) => self.record(deps, &job).await,
            Err(error) => Err(error),
        };
        let label = if result.is_ok() { "SUCCESS" } else { "ERROR" };
        deps.metrics.results.with_label_values(&[reporter, label]).inc();
        match result {
            Ok(()) => {
                self.doubtful.lock().remove(name);
                self.failed.lock().remove(name);
                if let Some(ended) = job.status.completion_time {
                    let seconds = deps.clock.now().since(ended).as_secs_f64();
                    deps.metrics.latency.with_label_values(&[reporter]).observe(seconds);
                }
                Outcome::Done
            }
            Err(error) => self.failed(deps, &job, &error),
        }
    }

    /// Records the state that was reported. The patch touches nothing else, so it conflicts with
    /// nobody.
    async fn record(&self, deps: &Deps, job: &ProwJob) -> anyhow::Result<()> {
        let (name, state) = (&job.metadata.name, &job.status.state);
        self.own.lock().insert(name.clone(), state.clone());
        let patch = json!({"status": {"prev_report_states": {self.reporter.name(): state}}});
        match deps.cluster.prow_jobs().patch_merge(name, &patch, None).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => {
                // Reported it is; only the record is missing, and it is all that is tried again.
                self.own.lock().remove(name);
                Err(anyhow::Error::from(error).context("the report was made but not recorded"))
            }
        }
    }
}

/// Runs until cancelled. Reports that have begun are finished.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    let jobs = Reflector::spawn(deps.cluster.prow_jobs(), LabelSelector::all());
    tokio::select! {
        () = jobs.synced() => {}
        () = cancel.cancelled() => return Ok(()),
    }
    let history = history::follow(&deps, Jobs::of(&jobs), &cancel);
    let desks = deps.reporters.iter().map(|reporter| {
        let desk = Desk::new(reporter.clone());
        staff(&deps, desk, &jobs, &cancel)
    });
    let alive = keep_beating(&deps.clock, &*deps.heartbeat, &cancel);
    tokio::join!(history, join_all(desks), alive);
    Ok(())
}

/// Feeds one reporter's queue and empties it.
async fn staff(deps: &Deps, desk: Desk, jobs: &Reflection<ProwJob>, cancel: &CancellationToken) {
    let queue = WorkQueue::new(deps.clock.clone(), BACKOFF);
    let mut changes = Jobs::of(jobs);
    let mut first = true;
    let feed = async {
        while let Some(changed) = changes.next(cancel).await {
            for job in changed {
                let name = &job.metadata.name;
                let wanted = desk.wants(deps, &job) && is_due(desk.reporter.name(), &job, None);
                if wanted {
                    if first {
                        // An earlier process may have died between report and record.
                        desk.doubtful.lock().insert(name.clone());
                    }
                    queue.add(name.clone());
                } else {
                    desk.own.lock().remove(name);
                }
            }
            first = false;
            let mut failed = desk.failed.lock();
            if failed.len() > REMEMBERED_FAILURES {
                failed.retain(|name, _| jobs.get(name).is_some());
            }
        }
    };
    let look = |name: String| {
        let job = jobs.get(&name);
        let desk = &desk;
        async move {
            match job {
                Some(job) => desk.report(deps, job).await,
                None => Outcome::Done,
            }
        }
    };
    tokio::join!(feed, queue.work(WORKERS, cancel, look));
}

/// Reports everything that is due and writes the history, once. What fails is an error at the
/// end. For tests that crank by hand.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<()> {
    let jobs = deps.cluster.prow_jobs().list(&LabelSelector::all()).await?.items;
    history::write(&*deps.runs, &jobs, &deps.config.get()).await?;
    let mut failed: Vec<String> = Vec::new();
    for reporter in &deps.reporters {
        let desk = Desk::new(reporter.clone());
        for job in &jobs {
            let name = &job.metadata.name;
            desk.report(deps, job.clone()).await;
            let failure = desk.failed.lock().remove(name);
            failed.extend(
                failure.map(|failure| format!("{} of {name}: {}", reporter.name(), failure.text)),
            );
        }
    }
    anyhow::ensure!(failed.is_empty(), "reports failed: {}", failed.join(", "));
    Ok(())
}
