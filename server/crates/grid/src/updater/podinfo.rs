//! What became of a build's Pod.

use job_spec::{ContainerStatus, Pod, PodPhase};

/// The message where the build has no `podinfo.json`.
pub const MISSING: &str = "podinfo.json not found in job artifacts (has not uploaded, or Prow's \
                           GCS reporter is not enabled).";
/// The message where the build's Pod has no sidecar.
pub const NOT_DECORATED: &str = "Decoration is not enabled; set `decorate: true` on Prowjob.";

/// The container whose end is the end of the Pod.
const SIDECAR: &str = "sidecar";

/// The most bytes of a container's message.
const MAX_MESSAGE: usize = 140;

/// Whether a Pod did its work, whatever the test in it did, and what is to say about it.
pub fn summarize(pod: &Pod) -> (bool, String) {
    let status = &pod.status;
    if status.phase == PodPhase::Succeeded {
        return (true, String::new());
    }
    let unmet = |kind: &str| {
        let conditions = status.conditions.iter().rev();
        conditions.into_iter().find(|c| c.r#type == kind).filter(|c| c.status != "True")
    };
    if let Some(condition) = unmet("PodScheduled") {
        return (false, format!("pod did not schedule: {}", condition.message));
    }
    if let Some(condition) = unmet("Initialized") {
        return (false, format!("pod could not initialize: {}", condition.message));
    }
    for container in &status.init_container_statuses {
        if let Some(problem) = problem(container) {
            return (false, format!("init container {problem}"));
        }
    }
    let mut has_sidecar = false;
    for container in &status.container_statuses {
        let is_sidecar = container.name == SIDECAR;
        has_sidecar |= is_sidecar;
        // A test that ends with an error is no problem of the Pod.
        if let Some(problem) = problem(container)
            && (is_sidecar || container.state.terminated.is_none())
        {
            return (false, problem);
        }
    }
    (true, if has_sidecar { String::new() } else { NOT_DECORATED.to_owned() })
}

fn problem(container: &ContainerStatus) -> Option<String> {
    let name = &container.name;
    if let Some(waiting) = &container.state.waiting {
        return Some(format!("{name} still waiting: {}", waiting.message));
    }
    if container.state.running.is_some() {
        return Some(format!("{name} still running"));
    }
    let ended = container.state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let message = crate::message::cut_result(&ended.message, MAX_MESSAGE);
    Some(format!("{name} exited {}: {message}", ended.exit_code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(status: &str) -> (bool, String) {
        let pod: Pod = serde_json::from_str(&format!("{{\"status\":{status}}}")).unwrap();
        summarize(&pod)
    }

    #[test]
    fn only_troubles_of_the_pod_itself_count() {
        let long = "x".repeat(200);
        let sidecar = format!(
            "{{\"phase\":\"Failed\",\"containerStatuses\":[{{\"name\":\"sidecar\",\"state\":{{\"terminated\":{{\"exitCode\":2,\"message\":\"{long}\"}}}}}}]}}"
        );
        let table = [
            (r#"{"phase":"Succeeded"}"#, true, ""),
            (
                r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","message":"no room"}]}"#,
                false,
                "pod did not schedule: no room",
            ),
            (
                r#"{"conditions":[{"type":"PodScheduled","status":"True"},{"type":"Initialized","status":"False","message":"why"}]}"#,
                false,
                "pod could not initialize: why",
            ),
            (
                r#"{"initContainerStatuses":[{"name":"clonerefs","state":{"terminated":{"exitCode":1,"message":"m"}}}]}"#,
                false,
                "init container clonerefs exited 1: m",
            ),
            (
                r#"{"containerStatuses":[{"name":"test","state":{"waiting":{"message":"pulling"}}}]}"#,
                false,
                "test still waiting: pulling",
            ),
            (
                r#"{"containerStatuses":[{"name":"test","state":{"running":{}}}]}"#,
                false,
                "test still running",
            ),
            (
                r#"{"containerStatuses":[{"name":"test","state":{"terminated":{"exitCode":1}}},{"name":"sidecar","state":{"terminated":{"exitCode":0}}}]}"#,
                true,
                "",
            ),
            (
                r#"{"phase":"Failed","containerStatuses":[{"name":"test","state":{"terminated":{"exitCode":1}}}]}"#,
                true,
                NOT_DECORATED,
            ),
        ];
        for (status, passed, message) in table {
            assert_eq!(summary(status), (passed, message.to_owned()), "{status}");
        }
        let (passed, message) = summary(&sidecar);
        assert!(
            !passed && message.starts_with("sidecar exited 2: xxx") && message.len() < 170,
            "{message}"
        );
    }
}
