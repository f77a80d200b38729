//! `podinfo.json`: the Pod of a run with its events, as it was when the run ended.

use go_compat::Timestamp;
use job_spec::Pod;
use serde_json::Value;

/// Events of one Pod that are kept; a Pod that waits for days may have many.
const KEPT_EVENTS: usize = 200;

/// What became of a Pod.
#[derive(Clone, Debug, Default)]
pub struct PodReport {
    /// The Pod; some documents have none.
    pub pod: Option<Pod>,
    /// Its events, the newest first.
    pub events: Vec<PodEvent>,
}

/// Something that the cluster said about a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodEvent {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// One word, such as `FailedMount`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Who said it.
    pub source: String,
    /// When it was said last.
    pub at: Option<Timestamp>,
    /// How often it was said, at least once.
    pub count: u64,
}

/// Why a document says nothing about a Pod.
#[derive(Debug, thiserror::Error)]
#[error("podinfo.json does not tell of a Pod: {0}")]
pub struct PodReportError(String);

impl PodReport {
    /// Reads the document. A document without a Pod is none of ours to complain about; events that
    /// make no sense are left out.
    ///
    /// # Errors
    /// The bytes are no JSON object, or what stands for the Pod is none.
    pub fn parse(bytes: &[u8]) -> Result<PodReport, PodReportError> {
        let document: Value =
            serde_json::from_slice(bytes).map_err(|error| PodReportError(error.to_string()))?;
        let Value::Object(mut fields) = document else {
            return Err(PodReportError("it is no JSON object".to_owned()));
        };
        let pod = match fields.remove("pod") {
            None | Some(Value::Null) => None,
            Some(pod) => Some(
                serde_json::from_value(pod).map_err(|error| PodReportError(error.to_string()))?,
            ),
        };
        let events = fields.remove("events");
        let events = events.as_ref().and_then(Value::as_array).into_iter().flatten();
        let mut events: Vec<PodEvent> = events.filter_map(PodEvent::of).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        events.truncate(KEPT_EVENTS);
        Ok(PodReport { pod, events })
    }
}

impl PodEvent {
    fn of(event: &Value) -> Option<PodEvent> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let time = |name: &str| Timestamp::parse_rfc3339(text(name)).ok();
        let source = event.get("source").and_then(|source| source.get("component"));
        let source = source.and_then(Value::as_str).filter(|source| !source.is_empty());
        let found = PodEvent {
            kind: text("type").to_owned(),
            reason: text("reason").to_owned(),
            message: text("message").to_owned(),
            source: source.unwrap_or(text("reportingComponent")).to_owned(),
            at: ["lastTimestamp", "eventTime", "firstTimestamp"].into_iter().find_map(time),
            count: event.get("count").and_then(Value::as_u64).unwrap_or(1).max(1),
        };
        (!found.reason.is_empty() || !found.message.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_with_its_newest_events_first() {
        let report = PodReport::parse(
            br#"{"pod": {"metadata": {"name": "p"}, "spec": {"containers": []}, "status": {"phase": "Failed"}},
                "events": [
                  {"type": "Normal", "reason": "Pulled", "message": "m", "source": {"component": "kubelet"},
                   "firstTimestamp": "2026-11-21T00:00:00Z", "lastTimestamp": "2026-11-21T00:00:01Z", "count": 3},
                  {"type": "Warning", "reason": "FailedSync", "reportingComponent": "kubelet",
                   "lastTimestamp": null, "eventTime": "2026-11-21T00:00:09.123456Z", "count": null},
                  "nonsense", {"count": 7}
                ]}"#,
        )
        .unwrap();
        assert_eq!(report.pod.unwrap().metadata.name, "p");
        let told: Vec<(&str, u64)> =
            report.events.iter().map(|event| (event.reason.as_str(), event.count)).collect();
        assert_eq!(told, [("FailedSync", 1), ("Pulled", 3)]);
        assert_eq!(report.events[0].source, "kubelet");
    }

    #[test]
    fn documents_of_a_wrong_shape_are_refused_and_a_missing_pod_is_not() {
        assert!(PodReport::parse(b"{}").unwrap().pod.is_none());
        assert!(PodReport::parse(br#"{"pod": null, "events": 7}"#).unwrap().events.is_empty());
        for wrong in [&b"[]"[..], b"nonsense", b"", br#"{"pod": 7}"#] {
            let error = PodReport::parse(wrong).unwrap_err().to_string();
            assert!(error.starts_with("podinfo.json"), "{error}");
        }
    }
}
