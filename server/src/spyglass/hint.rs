//! Why a run went wrong where its log cannot say: what the Pod and the ProwJob tell, in the order of
//! Prow's metadata lens. The first hint counts.

use artifacts::log::plain;
use job_spec::pod_decoration::SIDECAR;
use job_spec::{ContainerStatus, Pod, PodPhase, ProwJobState};

use super::pod_report::PodEvent;

/// What an event begins with that names the volume which could not be mounted.
const MOUNT_FAILED: &str = "MountVolume.SetUp failed for volume \"";
/// The reason of a container that ended well.
const COMPLETED: &str = "Completed";
/// The reason of a container whose program ended with another code than zero.
const FAILED: &str = "Error";

/// A hint for a run in this state. `events` are the Pod's, the newest first; `going` says that the run
/// has not ended, so that what still starts is no trouble.
pub fn hint(
    pod: Option<&Pod>,
    events: &[PodEvent],
    state: &ProwJobState,
    description: &str,
    going: bool,
) -> Option<String> {
    if *state == ProwJobState::Success {
        return None;
    }
    let of_pod = pod.and_then(|pod| of_pod(pod, events, going));
    of_pod.or_else(|| of_state(state, description)).or_else(|| pod.and_then(ended_badly))
}

/// A ProwJob that could not be run says why.
fn of_state(state: &ProwJobState, description: &str) -> Option<String> {
    let told = *state == ProwJobState::Error && !description.is_empty();
    told.then(|| format!("Job execution failed: {description}"))
}

fn of_pod(pod: &Pod, events: &[PodEvent], going: bool) -> Option<String> {
    let status = &pod.status;
    if status.phase == PodPhase::Succeeded {
        return None;
    }
    let waits = status.phase == PodPhase::Pending;
    unpulled(pod)
        .or_else(|| unmounted(events).filter(|_| waits))
        .or_else(|| misplaced(pod))
        .or_else(|| unscheduled(events).filter(|_| waits))
        .or_else(|| waits_for_a_place(pod).filter(|_| going))
        .or_else(|| unhealthy(events))
        .or_else(|| unprepared(pod).filter(|_| !going))
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses)
}

fn unpulled(pod: &Pod) -> Option<String> {
    statuses(pod).find_map(|status| {
        let waiting = status.state.waiting.as_ref()?;
        let is_pull = matches!(waiting.reason.as_str(), "ImagePullBackOff" | "ErrImagePull");
        is_pull.then(|| {
            format!(
                "The {} container could not start because it could not pull `{}`. Check your \
                 images. Full message: {}",
                status.name,
                status.image,
                plain(&waiting.message)
            )
        })
    })
}

fn unmounted(events: &[PodEvent]) -> Option<String> {
    let mut failed = events.iter().filter(|event| event.reason == "FailedMount").peekable();
    failed.peek()?;
    let named = failed.find_map(|event| {
        // The message is the only place that names the volume.
        let (volume, reason) = event.message.strip_prefix(MOUNT_FAILED)?.split_once("\" : ")?;
        Some(format!(
            "The Pod could not start because it could not mount the volume `{volume}`: {}",
            plain(reason)
        ))
    });
    named.or_else(|| {
        Some(
            "The job could not be started because one or more of its volumes could not be mounted."
                .to_owned(),
        )
    })
}

fn misplaced(pod: &Pod) -> Option<String> {
    let is_it = pod.status.phase == PodPhase::Failed && pod.status.reason == "MatchNodeSelector";
    is_it.then(|| {
        "The job could not start because it was scheduled to a node that does not satisfy its node \
         selector."
            .to_owned()
    })
}

fn unscheduled(events: &[PodEvent]) -> Option<String> {
    let event = events.iter().find(|event| event.reason == "FailedScheduling")?;
    Some(format!(
        "There are no nodes that the Pod can be scheduled to; check its requests, tolerations and \
         node selectors: {}",
        plain(&event.message)
    ))
}

/// A Pod in the cluster says so before any event does.
fn waits_for_a_place(pod: &Pod) -> Option<String> {
    let mut conditions = pod.status.conditions.iter();
    let condition = conditions.find(|c| c.r#type == "PodScheduled" && c.status == "False")?;
    let message = plain(&condition.message);
    Some(format!("The Pod waits for a place ({}): {message}", condition.reason))
}

fn unhealthy(events: &[PodEvent]) -> Option<String> {
    let signs = ["FailedCreatePodSandbox", "FailedSync"];
    events.iter().any(|event| signs.contains(&event.reason.as_str())).then(|| {
        "The job may have run on an unhealthy node. Tell the people who run this installation, with \
         a link to this page, or look at what is known of the Pod."
            .to_owned()
    })
}

fn unprepared(pod: &Pod) -> Option<String> {
    let said = |status: &ContainerStatus| {
        let state = &status.state;
        let told = |word: &str, reason: &str, message: &str| {
            let parts = [reason.to_owned(), plain(message)];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            match parts.is_empty() {
                true => word.to_owned(),
                false => format!("{word}, {}", parts.join(": ")),
            }
        };
        // Of several states the most severe counts.
        if let Some(ended) = &state.terminated {
            told("terminated", &ended.reason, &ended.message)
        } else if let Some(waiting) = &state.waiting {
            told("waiting", &waiting.reason, &waiting.message)
        } else if state.running.is_some() {
            "running".to_owned()
        } else {
            "state unknown".to_owned()
        }
    };
    // Some runtimes do not call a container ready that has done its work.
    let is_done = |status: &ContainerStatus| {
        status.ready
            || status.state.terminated.as_ref().is_some_and(|ended| {
                ended.exit_code == 0 && (ended.reason == COMPLETED || ended.reason.is_empty())
            })
    };
    let lines: Vec<String> = pod
        .status
        .init_container_statuses
        .iter()
        .filter(|status| !is_done(status))
        .map(|status| {
            format!("The init container {} is not ready ({}).", status.name, said(status))
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What Prow's table does not know: a container that was killed, or one around the test that failed. A
/// test that fails is no riddle: its message is the end of the log.
fn ended_badly(pod: &Pod) -> Option<String> {
    if pod.status.phase == PodPhase::Succeeded {
        return None;
    }
    let init = pod.status.init_container_statuses.iter().map(|status| (true, status));
    let main = pod.status.container_statuses.iter().map(|status| (false, status));
    init.chain(main).find_map(|(init, status)| {
        if let Some(waiting) = &status.state.waiting
            && !waiting.message.is_empty()
        {
            return Some(format!(
                "The container {} could not start ({}): {}",
                status.name,
                waiting.reason,
                plain(&waiting.message)
            ));
        }
        let ended = status.state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
        let around = init || status.name == SIDECAR || ended.reason != FAILED;
        (around && (ended.reason == "OOMKilled" || !ended.message.is_empty())).then(|| {
            format!(
                "The container {} ended with code {} ({}): {}",
                status.name,
                ended.exit_code,
                ended.reason,
                plain(&ended.message)
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::spyglass::pod_report::PodReport;

    /// The hint for a run that failed.
    fn told(status: Value, events: Value) -> String {
        let document = json!({"pod": {"status": status}, "events": events});
        let report = PodReport::parse(document.to_string().as_bytes()).unwrap();
        let failed = ProwJobState::Failure;
        hint(report.pod.as_ref(), &report.events, &failed, "", false).unwrap_or_default()
    }

    #[test]
    fn each_row_of_prows_table_gives_its_hint() {
        let waiting = |reason: &str, message: &str| {
            json!([{"name": "test", "image": "gcr.io/x/kubekins:latest",
                    "state": {"waiting": {"reason": reason, "message": message}}}])
        };
        let pull = "The test container could not start because it could not pull \
                    `gcr.io/x/kubekins:latest`. Check your images. Full message: rpc error";
        let volume = "The Pod could not start because it could not mount the volume `some-volume`: \
                      secrets \"no-such-secret\" not found";
        let mount = |message: &str| json!([{"reason": "FailedMount", "message": message}]);
        let init = |states: &[(&str, Value)]| -> Value {
            states.iter().map(|(name, state)| json!({"name": name, "state": state})).collect()
        };
        let lost = json!({"terminated": {"reason": "Error", "message": "no oauth2 token"}});
        let table = [
            (
                "a test that failed says so itself",
                json!({"phase": "Failed", "containerStatuses": [
                    {"name": "test", "state": {"terminated": {"exitCode": 1, "reason": "Completed"}}}]}),
                json!([]),
                "",
            ),
            (
                "a Pod that succeeded has nothing to say",
                json!({"phase": "Succeeded", "containerStatuses": waiting("ErrImagePull", "rpc error")}),
                json!([{"reason": "FailedSync"}]),
                "",
            ),
            (
                "an image that is tried again",
                json!({"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff", "rpc error")}),
                json!([]),
                pull,
            ),
            (
                "an image that cannot be pulled, before what events say",
                json!({"phase": "Pending", "containerStatuses": waiting("ErrImagePull", "rpc error")}),
                mount("MountVolume.SetUp failed for volume \"v\" : no"),
                pull,
            ),
            (
                "a volume by its name",
                json!({"phase": "Pending", "containerStatuses": waiting("ContainerCreating", "")}),
                mount(
                    "MountVolume.SetUp failed for volume \"some-volume\" : secrets \"no-such-secret\" not found",
                ),
                volume,
            ),
            (
                "a volume without a name",
                json!({"phase": "Pending"}),
                mount("Unable to attach or mount volumes"),
                "The job could not be started because one or more of its volumes could not be mounted.",
            ),
            (
                "volumes of a Pod that ran are no reason",
                json!({"phase": "Failed"}),
                mount("MountVolume.SetUp failed for volume \"v\" : no"),
                "",
            ),
            (
                "a node that does not fit",
                json!({"phase": "Failed", "reason": "MatchNodeSelector"}),
                json!([]),
                "The job could not start because it was scheduled to a node that does not satisfy its \
                 node selector.",
            ),
            (
                "no node at all",
                json!({"phase": "Pending"}),
                json!([{"reason": "FailedScheduling", "message": "0/3 nodes are available"}]),
                "There are no nodes that the Pod can be scheduled to; check its requests, tolerations \
                 and node selectors: 0/3 nodes are available",
            ),
            (
                "a node that is not well",
                json!({"phase": "Pending", "containerStatuses": waiting("ContainerCreating", "")}),
                json!([{"reason": "FailedCreatePodSandbox"}]),
                "The job may have run on an unhealthy node. Tell the people who run this installation, \
                 with a link to this page, or look at what is known of the Pod.",
            ),
            (
                "an init container that failed",
                json!({"phase": "Pending", "initContainerStatuses": init(&[("initupload", lost.clone())])}),
                json!([]),
                "The init container initupload is not ready (terminated, Error: no oauth2 token).",
            ),
            (
                "an init container that still runs",
                json!({"phase": "Pending", "initContainerStatuses": init(&[("initupload", json!({"running": {}}))])}),
                json!([]),
                "The init container initupload is not ready (running).",
            ),
            (
                "several init containers, a line each",
                json!({"phase": "Pending", "initContainerStatuses": init(&[
                    ("entrypoint", json!({"waiting": {"reason": "PodInitializing"}})),
                    ("initupload", lost),
                    ("clonerefs", json!({"terminated": {"exitCode": 0, "reason": "Completed"}})),
                ])}),
                json!([]),
                "The init container entrypoint is not ready (waiting, PodInitializing).\n\
                 The init container initupload is not ready (terminated, Error: no oauth2 token).",
            ),
            (
                "a container that was killed for its memory, which Prow does not tell",
                json!({"phase": "Failed", "containerStatuses": [
                    {"name": "test", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
                json!([]),
                "The container test ended with code 137 (OOMKilled): ",
            ),
        ];
        for (name, status, events, expected) in table {
            assert_eq!(told(status, events), expected, "{name}");
        }
    }

    #[test]
    fn the_newest_event_counts_and_colours_of_messages_do_not() {
        let events = json!([
            {"reason": "FailedScheduling", "message": "old", "lastTimestamp": "2026-11-21T00:00:00Z"},
            {"reason": "FailedScheduling", "message": "\u{1b}[31mnew\u{1b}[0m", "lastTimestamp": "2026-11-21T00:00:05Z"},
        ]);
        assert!(told(json!({"phase": "Pending"}), events).ends_with("selectors: new"));
    }

    #[test]
    fn a_prowjob_that_could_not_be_run_says_why_where_its_pod_does_not() {
        let error = ProwJobState::Error;
        let said = hint(None, &[], &error, "no such cluster", false);
        assert_eq!(said.as_deref(), Some("Job execution failed: no such cluster"));
        assert_eq!(hint(None, &[], &ProwJobState::Failure, "Job failed.", false), None);
        assert_eq!(hint(None, &[], &error, "", false), None);
    }

    #[test]
    fn a_pod_says_what_it_waits_for_until_the_run_ends() {
        let mut pod: Pod = serde_json::from_value(json!({"status": {
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                            "message": "4 Pods run on this machine"}],
            "initContainerStatuses": [{"name": "clonerefs", "state": {"running": {}}}],
        }}))
        .unwrap();
        let going = hint(Some(&pod), &[], &ProwJobState::Pending, "", true);
        assert_eq!(
            going.as_deref(),
            Some("The Pod waits for a place (Unschedulable): 4 Pods run on this machine")
        );
        pod.status.conditions[0].status = "True".to_owned();
        assert_eq!(hint(Some(&pod), &[], &ProwJobState::Pending, "", true), None, "it prepares");
        assert_eq!(hint(Some(&pod), &[], &ProwJobState::Success, "", false), None);
    }
}
