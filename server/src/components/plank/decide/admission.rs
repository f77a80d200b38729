//! Whether a triggered job may start now: the limits over all jobs, per job and per queue.

use std::collections::{BTreeMap, HashSet};

use job_spec::{Pod, PodPhase, ProwJob, ProwJobState};

use go_compat::time::Timestamp;
use std::time::Duration;

/// How long after its announced end a pod that is being deleted still counts. A pod on a lost
/// node never ends, and must not block its job for ever.
const DELETION_SLACK: Duration = Duration::from_secs(30);

/// The limits of plank's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Capacity<'a> {
    /// `plank.max_concurrency`: pods at a time over all jobs; 0 = no limit.
    pub max_concurrency: i64,
    /// Pods that the build clusters run at a time, where they say so. A job waits here rather
    /// than as a pod there, where `pod_unscheduled_timeout` would end it.
    pub places: Option<usize>,
    /// `plank.job_queue_capacities`: per queue; 0 blocks, negative is no limit.
    pub queues: &'a BTreeMap<String, i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// A slot is free.
    Start,
    /// Not now.
    Wait {
        /// For people. Without changing numbers, so that it is written once.
        reason: String,
    },
    /// Never.
    Refuse {
        /// For people.
        reason: String,
    },
}

/// Whether a job takes a slot: it is pending, or being aborted, or its pod is alive. A pod may
/// be alive before its job is `pending` (plank was killed between the two writes) and after its
/// job is complete (it has its grace period), and the limits hold at these instants as well.
#[must_use]
pub fn holds_slot(job: &ProwJob, pod: Option<&Pod>, now: Timestamp) -> bool {
    if !job.complete() && matches!(job.status.state, ProwJobState::Pending | ProwJobState::Aborted)
    {
        // An aborted job that never started holds nothing.
        return job.status.state == ProwJobState::Pending || pod.is_some();
    }
    pod.is_some_and(|pod| {
        let alive = matches!(pod.status.phase, PodPhase::Pending | PodPhase::Running);
        let overdue =
            pod.metadata.deletion_timestamp.is_some_and(|at| now.since(at) > DELETION_SLACK);
        alive && !overdue
    })
}

/// Decides for `job` among all jobs that are known; `taken` are the names of those that hold a
/// slot. Jobs of one name or queue start oldest first.
pub fn admit<'a>(
    job: &ProwJob,
    all: impl Iterator<Item = &'a ProwJob> + Clone,
    taken: &HashSet<String>,
    capacity: Capacity<'_>,
) -> Admission {
    let name = &job.metadata.name;
    let wait = |reason: String| Admission::Wait { reason };
    let taken_by_others = taken.len() - usize::from(taken.contains(name));
    if reached(taken_by_others, capacity.max_concurrency) {
        let max = capacity.max_concurrency;
        return wait(format!("Waiting: {max} jobs run, as many as plank.max_concurrency allows."));
    }
    if let Some(places) = capacity.places
        && taken_by_others >= places
    {
        return wait(format!(
            "Waiting: {places} Pods run on this machine, as many as --parallel-pods allows."
        ));
    }
    let ahead = |same: &dyn Fn(&ProwJob) -> bool| {
        all.clone()
            .filter(|other| other.metadata.name != *name && same(other))
            .filter(|other| taken.contains(&other.metadata.name) || is_older_waiting(other, job))
            .count()
    };
    let max = job.spec.max_concurrency;
    if reached(ahead(&|other| other.spec.job == job.spec.job), max) {
        return wait(format!("Waiting: max_concurrency of this job is {max}."));
    }
    let queue = &job.spec.job_queue_name;
    if queue.is_empty() {
        return Admission::Start;
    }
    match capacity.queues.get(queue) {
        None => wait(format!(
            "Waiting: the queue {queue} of this job is not in plank.job_queue_capacities."
        )),
        Some(0) => wait(format!("Waiting: plank.job_queue_capacities closes the queue {queue}.")),
        Some(max) if reached(ahead(&|other| other.spec.job_queue_name == *queue), *max) => {
            wait(format!("Waiting: the queue {queue} of this job has {max} places."))
        }
        Some(_) => Admission::Start,
    }
}

/// Whether a limit is reached; 0 and negative limits are none.
fn reached(count: usize, max: i64) -> bool {
    usize::try_from(max).is_ok_and(|max| max > 0 && count >= max)
}

/// Whether `other` waits as well and was created before `job`. Equal times, which are likely
/// since they count seconds, are told apart by name.
fn is_older_waiting(other: &ProwJob, job: &ProwJob) -> bool {
    let age = |job: &ProwJob| (job.metadata.creation_timestamp, job.metadata.name.clone());
    other.status.state == ProwJobState::Triggered && !other.complete() && age(other) < age(job)
}
