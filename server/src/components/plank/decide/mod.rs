//! What plank does about one ProwJob, decided from what is seen and the time. No I/O, no clock.

mod admission;
mod duplicates;
mod trust;

#[cfg(test)]
mod tests;

use std::time::Duration;

use go_compat::time::Timestamp;
use job_spec::{Pod, PodPhase, ProwJob, ProwJobState, labels};

pub use admission::{Admission, Capacity, admit, holds_slot};
pub use duplicates::superseded;
pub use trust::{Trust, untrusted_repository};

/// Annotation on a ProwJob: the UID of the pod that runs it.
pub const POD_UID_ANNOTATION: &str = "bowsprit.dev/pod-uid";
/// Annotation on a ProwJob: the UID of the pod that a counted revival replaces. It is written
/// together with the count and before that pod is deleted, so a crash in between counts once.
pub const REPLACED_POD_ANNOTATION: &str = "bowsprit.dev/replaced-pod";

/// The reason that a kubelet gives an evicted pod.
const EVICTED: &str = "Evicted";
/// The reason that a pod on a lost node has.
const NODE_LOST: &str = "NodeLost";
/// The reason that a container has after the kernel killed it for its memory.
const OOM_KILLED: &str = "OOMKilled";
/// How often a pod that is on its way out is looked at, besides its own events.
const GONE_POLL: Duration = Duration::from_secs(10);

/// The bounds that hold for one job: plank's, each unless the job's decoration sets its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long a pod may stay pending once a node has it.
    pub pod_pending: Duration,
    /// How long a pod may run.
    pub pod_running: Duration,
    /// How long a pod may wait for a node.
    pub pod_unscheduled: Duration,
    /// How often a pod that was stopped from outside is made anew; 0 = never.
    pub max_revivals: i64,
}

/// One thing to do. A list of them is carried out in order, and a failure ends the list: each
/// order is chosen so that a crash between two leaves a state from which the next look goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Create the pod under a fresh build id, then record it.
    StartPod,
    /// Record the pod that is there: a crash came between creating and recording it.
    Adopt {
        /// The build id that the pod was made with.
        build_id: String,
    },
    /// Record a revival before its pod goes.
    CountRevival {
        /// The new count.
        count: i64,
        /// The UID of the pod that goes.
        pod_uid: String,
    },
    /// Take the pod reporter's finalizer off the pod: it holds a deleted pod until its last state
    /// is uploaded, and this pod is not to be seen.
    StripFinalizer,
    /// Delete the pod; one that is gone already is no error.
    DeletePod,
    /// Write the state `aborted`, without a completion time yet.
    Abort {
        /// For people.
        description: String,
    },
    /// Set the completion time of an aborted job.
    Complete,
    /// Write a terminal state with its completion time.
    Finish {
        /// The state.
        state: ProwJobState,
        /// For people.
        description: String,
    },
    /// Say why nothing happens, if the job does not say so already.
    Describe {
        /// For people.
        description: String,
    },
    /// Look again at this time, without an event.
    LookAgain(Timestamp),
}

impl Action {
    /// A terminal state that is an error, with its text.
    fn error(description: impl Into<String>) -> Vec<Action> {
        vec![Action::Finish { state: ProwJobState::Error, description: description.into() }]
    }
}

/// What a job that is not complete needs, its pod being what the build cluster says.
/// `admission` is asked only for a triggered job without a pod.
pub fn decide(
    job: &ProwJob,
    pod: Option<&Pod>,
    bounds: &Bounds,
    now: Timestamp,
    admission: impl FnOnce() -> Admission,
) -> Vec<Action> {
    if job.complete() {
        return leftover(job, pod);
    }
    if let (ProwJobState::Triggered | ProwJobState::Pending, Some(pod)) = (&job.status.state, pod)
        && !belongs(job, pod)
    {
        return Action::error(format!(
            "Pod can not be created: a pod named {} exists that was not made for this run",
            pod.metadata.name
        ));
    }
    match (&job.status.state, pod) {
        (ProwJobState::Triggered, Some(pod)) => {
            vec![Action::Adopt { build_id: build_id_of(pod) }]
        }
        (ProwJobState::Triggered, None) => triggered(admission(), now),
        (ProwJobState::Pending, None) => vec![Action::StartPod],
        (ProwJobState::Pending, Some(pod)) => pending(job, pod, bounds, now),
        (ProwJobState::Aborted, Some(_)) => vec![Action::DeletePod, Action::Complete],
        (ProwJobState::Aborted, None) => vec![Action::Complete],
        _ => Vec::new(),
    }
}

fn triggered(admission: Admission, now: Timestamp) -> Vec<Action> {
    match admission {
        Admission::Start => vec![Action::StartPod],
        Admission::Wait { reason } => vec![
            Action::Describe { description: reason },
            Action::LookAgain(now.saturating_add(GONE_POLL)),
        ],
        Admission::Refuse { reason } => Action::error(reason),
    }
}

/// A complete job is left alone, but a pod that should have gone with it goes: plank may have
/// been killed between the last write and the deletion. A pod that runs although its job ended
/// in `error` stays, for its sidecar may still be uploading.
fn leftover(job: &ProwJob, pod: Option<&Pod>) -> Vec<Action> {
    let Some(pod) = pod.filter(|pod| pod.metadata.deletion_timestamp.is_none()) else {
        return Vec::new();
    };
    let phase = pod.status.phase;
    let unwanted = match job.status.state {
        ProwJobState::Aborted => matches!(phase, PodPhase::Pending | PodPhase::Running),
        ProwJobState::Error => phase == PodPhase::Pending,
        _ => false,
    };
    if unwanted && belongs(job, pod) { vec![Action::DeletePod] } else { Vec::new() }
}

/// Prow's table for a job whose pod exists.
fn pending(job: &ProwJob, pod: &Pod, bounds: &Bounds, now: Timestamp) -> Vec<Action> {
    let uid = pod.metadata.uid.as_str();
    let replaced = job.metadata.annotations.get(REPLACED_POD_ANNOTATION);
    if !uid.is_empty() && replaced.is_some_and(|replaced| replaced == uid) {
        return replace(pod, now);
    }
    if let Some(cause) = stop_cause(pod) {
        return stopped(job, pod, cause, bounds, now);
    }
    let deleted = pod.metadata.deletion_timestamp.is_some();
    let decided = match pod.status.phase {
        PodPhase::Succeeded if every_container_succeeded(pod) => vec![Action::Finish {
            state: ProwJobState::Success,
            description: "Job succeeded.".to_owned(),
        }],
        PodPhase::Succeeded => {
            Action::error("Pod was in succeeded phase but some containers didn't finish")
        }
        PodPhase::Failed => vec![Action::Finish {
            state: ProwJobState::Failure,
            description: "Job failed.".to_owned(),
        }],
        PodPhase::Pending => {
            let (since, bound, text) = match pod.status.start_time {
                None => {
                    let created = pod.metadata.creation_timestamp;
                    (created, bounds.pod_unscheduled, "Pod scheduling timeout.")
                }
                started => (started, bounds.pod_pending, "Pod pending timeout."),
            };
            match deadline(since, bound, now) {
                Some(at) if !deleted => vec![Action::LookAgain(at)],
                Some(_) => Vec::new(),
                None => {
                    let mut actions = Action::error(text);
                    actions.push(Action::DeletePod);
                    actions
                }
            }
        }
        PodPhase::Running if !deleted => {
            let started = pod.status.start_time.or(pod.metadata.creation_timestamp);
            match deadline(started, bounds.pod_running, now) {
                // Prow sets no timer here and notices only at the next event, if one comes.
                Some(at) => vec![Action::LookAgain(at)],
                None => vec![
                    Action::Abort { description: "Pod running timeout.".to_owned() },
                    Action::DeletePod,
                    Action::Complete,
                ],
            }
        }
        _ => Vec::new(),
    };
    if decided.is_empty() && deleted {
        return Action::error("Pod got deleted unexpectedly");
    }
    decided
}

/// When the bound is reached, or `None` if it has been. A pod without the time is not late.
fn deadline(since: Option<Timestamp>, bound: Duration, now: Timestamp) -> Option<Timestamp> {
    let at = since.unwrap_or(now).saturating_add(bound);
    (at > now).then_some(at)
}

/// Why a pod stopped though nobody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StopCause {
    Evicted,
    Unreachable,
    OomKilled,
    Unknown,
}

impl StopCause {
    /// The word in the description.
    fn as_str(self) -> &'static str {
        match self {
            StopCause::Evicted => "evicted",
            StopCause::Unreachable => "unreachable",
            StopCause::OomKilled => "oomkilled",
            StopCause::Unknown => "unknown",
        }
    }
}

fn stop_cause(pod: &Pod) -> Option<StopCause> {
    let containers =
        pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
    if pod.status.reason == EVICTED {
        Some(StopCause::Evicted)
    } else if pod.status.reason == NODE_LOST && pod.metadata.deletion_timestamp.is_some() {
        Some(StopCause::Unreachable)
    } else if pod.status.phase == PodPhase::Running
        && containers.filter_map(|c| c.state.terminated.as_ref()).any(|t| t.reason == OOM_KILLED)
    {
        Some(StopCause::OomKilled)
    } else if pod.status.phase == PodPhase::Unknown {
        Some(StopCause::Unknown)
    } else {
        None
    }
}

fn stopped(
    job: &ProwJob,
    pod: &Pod,
    cause: StopCause,
    bounds: &Bounds,
    now: Timestamp,
) -> Vec<Action> {
    let revived = job.status.pod_revival_count;
    match cause {
        StopCause::OomKilled => Action::error("Job pod was OOM killed by the cluster."),
        StopCause::Evicted if job.spec.error_on_eviction => {
            Action::error("Job pod was evicted by the cluster.")
        }
        cause if revived >= bounds.max_revivals => Action::error(format!(
            "Job pod reached max revivals ({revived}) after being stopped unexpectedly ({})",
            cause.as_str()
        )),
        _ => {
            let count =
                Action::CountRevival { count: revived + 1, pod_uid: pod.metadata.uid.clone() };
            let mut actions = vec![count];
            actions.extend(replace(pod, now));
            actions
        }
    }
}

/// Gets rid of a pod whose revival is counted; once it is gone, a new one is started.
fn replace(pod: &Pod, now: Timestamp) -> Vec<Action> {
    let mut actions = Vec::new();
    if pod
        .metadata
        .finalizers
        .iter()
        .any(|finalizer| finalizer == labels::GCS_K8S_REPORTER_FINALIZER)
    {
        actions.push(Action::StripFinalizer);
    }
    if pod.metadata.deletion_timestamp.is_none() {
        actions.push(Action::DeletePod);
    }
    actions.push(Action::LookAgain(now.saturating_add(GONE_POLL)));
    actions
}

/// Whether the phase `Succeeded` is borne out by every container; early kubelets lied.
fn every_container_succeeded(pod: &Pod) -> bool {
    pod.status.container_statuses.iter().all(|container| {
        container
            .state
            .terminated
            .as_ref()
            .is_some_and(|t| t.exit_code == 0 && t.finished_at.is_some())
    })
}

/// Whether a pod was made for this ProwJob.
fn belongs(job: &ProwJob, pod: &Pod) -> bool {
    let id = pod.metadata.labels.get(labels::PROW_JOB_ID);
    id.is_some_and(|id| *id == job.metadata.name)
}

/// The build id that a pod was made with: its label, else the variable of its first container.
fn build_id_of(pod: &Pod) -> String {
    if let Some(id) = pod.metadata.labels.get(labels::BUILD_ID) {
        return id.clone();
    }
    let containers = pod.spec.containers();
    let id = containers.first().and_then(|first| first.env_value("BUILD_ID"));
    id.unwrap_or_default().to_owned()
}
