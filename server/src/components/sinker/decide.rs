//! What sinker removes in one pass, and when it refuses. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use go_compat::time::Timestamp;
use job_spec::{JobType, Pod, ProwJob, labels};
use parking_lot::Mutex;

/// A pod without a ProwJob is left alone for so long: its ProwJob may be younger than our list.
pub const ORPHAN_GRACE: Duration = Duration::from_secs(30);
/// A pass that would remove more than this share of the objects of a kind is refused: then it is
/// likelier that the clock or the list is wrong than that so much is old at once.
pub const MASS_SHARE: f64 = 0.2;
/// Removing so few objects is never a mass deletion, whatever share they are.
pub const MASS_FLOOR: usize = 10;
/// For so long a refusal holds. A machine that slept for a week finds everything old at once and
/// is right; a wrong clock or list is mended by then, or somebody has seen the refusal.
pub const MASS_PATIENCE: Duration = Duration::from_secs(2 * 3_600);
/// The reporter whose record in `prev_report_states` says that a pod's last state is uploaded.
const POD_REPORTER: &str = "gcsk8sreporter";

/// `sinker:` of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Ages {
    /// A complete ProwJob that started longer ago goes.
    pub prow_job: Duration,
    /// A finished pod that started longer ago goes.
    pub pod: Duration,
    /// A pod whose ProwJob is complete for longer goes.
    pub terminated_pod: Duration,
}

/// Why an object goes; the `reason` label of sinker's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Older than its age.
    Aged,
    /// A periodic older than its age, and not the last of its job.
    AgedPeriodic,
    /// Its ProwJob is complete for long enough.
    Ttled,
    /// Its ProwJob does not exist.
    Orphaned,
}

impl Reason {
    /// Prow's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Aged => "aged",
            Reason::AgedPeriodic => "aged-periodic",
            Reason::Ttled => "ttled",
            Reason::Orphaned => "orphaned",
        }
    }
}

/// The ProwJobs to remove, oldest start first.
#[must_use]
pub fn old_jobs(
    jobs: &[Arc<ProwJob>],
    configured_periodics: &BTreeSet<&str>,
    ages: Ages,
    now: Timestamp,
) -> Vec<(String, Reason)> {
    let mut last_runs: BTreeMap<&str, &Arc<ProwJob>> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.spec.job_type == JobType::Periodic) {
        let last = last_runs.entry(&job.spec.job).or_insert(job);
        if last.status.start_time < job.status.start_time {
            *last = job;
        }
    }
    let is_kept_last = |job: &ProwJob| {
        configured_periodics.contains(job.spec.job.as_str())
            && last_runs
                .get(job.spec.job.as_str())
                .is_some_and(|last| last.metadata.name == job.metadata.name)
    };
    let mut old: Vec<&Arc<ProwJob>> = jobs
        .iter()
        .filter(|job| job.complete())
        .filter(|job| job.status.start_time.is_some_and(|at| now.since(at) > ages.prow_job))
        .filter(|job| job.spec.job_type != JobType::Periodic || !is_kept_last(job))
        .collect();
    old.sort_by_key(|job| job.status.start_time);
    let reason = |job: &ProwJob| match job.spec.job_type {
        JobType::Periodic => Reason::AgedPeriodic,
        _ => Reason::Aged,
    };
    old.into_iter().map(|job| (job.metadata.name.clone(), reason(job))).collect()
}

/// What happens to one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodVerdict {
    /// Its name.
    pub name: String,
    /// The name of its ProwJob.
    pub job: String,
    /// Whether the pod reporter's finalizer comes off.
    pub strip_finalizer: bool,
    /// Whether it goes. [`Reason::Orphaned`] holds only if a live look for the ProwJob finds
    /// nothing.
    pub delete: Option<Reason>,
}

/// The pods of one build cluster that need something.
#[must_use]
pub fn old_pods(
    pods: &[Arc<Pod>],
    jobs: &BTreeMap<&str, &ProwJob>,
    ages: Ages,
    now: Timestamp,
) -> Vec<PodVerdict> {
    pods.iter()
        .filter_map(|pod| {
            let id = pod.metadata.labels.get(labels::PROW_JOB_ID).unwrap_or(&pod.metadata.name);
            let job = jobs.get(id.as_str()).copied();
            let delete = match job {
                None => is_old_orphan(pod, now).then_some(Reason::Orphaned),
                Some(job) => finished_pod(pod, job, ages, now),
            };
            let held = pod
                .metadata
                .finalizers
                .iter()
                .any(|name| name == labels::GCS_K8S_REPORTER_FINALIZER);
            let uploaded = match job {
                None => delete.is_some(),
                Some(job) => {
                    job.complete() && job.status.prev_report_states.contains_key(POD_REPORTER)
                }
            };
            let verdict = PodVerdict {
                name: pod.metadata.name.clone(),
                job: id.clone(),
                strip_finalizer: held && uploaded,
                delete,
            };
            (verdict.delete.is_some() || verdict.strip_finalizer).then_some(verdict)
        })
        .collect()
}

fn is_old_orphan(pod: &Pod, now: Timestamp) -> bool {
    pod.metadata.creation_timestamp.is_some_and(|at| now.since(at) > ORPHAN_GRACE)
}

fn finished_pod(pod: &Pod, job: &ProwJob, ages: Ages, now: Timestamp) -> Option<Reason> {
    let completed = job.status.completion_time?;
    if pod.status.start_time.is_some_and(|at| now.since(at) > ages.pod) {
        Some(Reason::Aged)
    } else {
        (now.since(completed) > ages.terminated_pod).then_some(Reason::Ttled)
    }
}

/// Why a pass must not remove `doomed` of `total` objects, if so. `kind` is the word for them.
#[must_use]
pub fn mass_deletion(kind: &str, doomed: usize, total: usize) -> Option<String> {
    let most = (total as f64 * MASS_SHARE).max(MASS_FLOOR as f64);
    (doomed as f64 > most).then(|| {
        format!(
            "{doomed} of {total} {kind} are due for removal at once, more than {:.0} %: check the \
             clock and the list; if it is right, --allow-mass-deletion removes them",
            MASS_SHARE * 100.0
        )
    })
}

/// Why pods must not be taken for orphans, if so: a list of ProwJobs that is empty while pods
/// exist is likelier to be broken than true.
#[must_use]
pub fn empty_list(jobs: usize, pods: usize) -> Option<String> {
    (jobs == 0 && pods > 0).then(|| {
        format!(
            "the list of ProwJobs is empty while {pods} pods made for ProwJobs exist: no pod is \
             taken for an orphan until a ProwJob is seen; if it is right, --allow-mass-deletion \
             removes them"
        )
    })
}

/// Since when what has been refused: a refusal of [`mass_deletion`] ends after
/// [`MASS_PATIENCE`] of passes that find the same.
#[derive(Debug, Clone, Default)]
pub struct Refused(Arc<Mutex<BTreeMap<String, Timestamp>>>);

impl Refused {
    /// The refusal as long as it holds, with the time at which it ends.
    pub fn still(&self, kind: &str, refusal: Option<String>, now: Timestamp) -> Option<String> {
        let mut since = self.0.lock();
        let Some(refusal) = refusal else {
            since.remove(kind);
            return None;
        };
        let first = *since.entry(kind.to_owned()).or_insert(now);
        let end = first.saturating_add(MASS_PATIENCE);
        (now < end).then(|| format!("{refusal}, as passes do from {} on", end.rfc3339()))
    }
}
