//! What a run wrote about itself: `started.json`, `finished.json`, `prowjob.json` and `podinfo.json`.

use app::model::Link;
use artifacts::{FINISHED_FILE, Finished, PODINFO_FILE, PROWJOB_FILE, STARTED_FILE, Started};
use blob::BlobUri;
use bytes::Bytes;
use job_spec::ProwJob;
use serde_json::Value;

use crate::histories::stored::DOCUMENT_BYTES;
use crate::run_files::within;
use crate::runs::run::Run;
use crate::spyglass::links::is_of_the_web;
use crate::spyglass::pod_report::PodReport;
use crate::web::state::Web;

/// `podinfo.json` has every event of the Pod.
const PODINFO_BYTES: u64 = 4 * 1024 * 1024;
/// Values of a document that are shown; a tool may write a book into one.
const SHOWN_VALUES: usize = 500;
/// Links of `started.json` that are shown.
const SHOWN_LINKS: usize = 50;

/// The documents that could be read.
#[derive(Default)]
pub(super) struct Documents {
    /// The ProwJob as it was recorded; read only where the cluster has it no more.
    pub(super) prow_job: Option<ProwJob>,
    /// The Pod as it was recorded.
    pub(super) pod: Option<PodReport>,
    /// Flattened `started.json` and `finished.json`.
    pub(super) rows: Vec<(String, String)>,
    /// Places that `started.json` names.
    pub(super) links: Vec<Link>,
    /// What could not be read, a sentence each.
    pub(super) notes: Vec<String>,
}

/// Reads the documents in a run's folder, all at once.
pub(super) async fn read(web: &Web, run: &Run, folder: &BlobUri) -> Documents {
    let wanted = |name: &'static str, limit: u64, wanted: bool| async move {
        if !wanted {
            return Ok(None);
        }
        document(web, folder, name, limit).await
    };
    let (started, finished, prow_job, pod) = futures::join!(
        wanted(STARTED_FILE, DOCUMENT_BYTES, true),
        wanted(FINISHED_FILE, DOCUMENT_BYTES, true),
        wanted(PROWJOB_FILE, DOCUMENT_BYTES, run.live.is_none()),
        wanted(PODINFO_FILE, PODINFO_BYTES, true),
    );
    let mut found = Documents::default();
    let mut notes = Vec::new();
    let mut bytes_of = |document: Result<Option<Bytes>, String>| match document {
        Ok(bytes) => bytes,
        Err(note) => {
            notes.push(note);
            None
        }
    };
    let (started, finished) = (bytes_of(started), bytes_of(finished));
    let (prow_job, pod) = (bytes_of(prow_job), bytes_of(pod));
    for (name, bytes) in [(STARTED_FILE, &started), (FINISHED_FILE, &finished)] {
        let Some(bytes) = bytes else { continue };
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => {
                if name == STARTED_FILE {
                    found.links = links(&value);
                }
                flatten(name.trim_end_matches(".json"), &value, &mut found.rows);
            }
            Err(error) => notes.push(format!("{name} is no valid JSON: {error}.")),
        }
    }
    if found.rows.len() > SHOWN_VALUES {
        notes.push(format!(
            "The run recorded {} values; the first {SHOWN_VALUES} are shown.",
            found.rows.len()
        ));
        found.rows.truncate(SHOWN_VALUES);
    }
    notes.extend(backwards(started.as_deref(), finished.as_deref()));
    if let Some(bytes) = prow_job {
        match serde_json::from_slice(&bytes) {
            Ok(job) => found.prow_job = Some(job),
            Err(error) => notes.push(format!("{PROWJOB_FILE} holds no ProwJob: {error}.")),
        }
    }
    if let Some(bytes) = pod {
        match PodReport::parse(&bytes) {
            Ok(report) => found.pod = Some(report),
            Err(error) => notes.push(format!("{error}.")),
        }
    }
    found.notes = notes;
    found
}

/// A small document of a run; none if it is not there. The error is a sentence for the page.
pub(super) async fn document(
    web: &Web,
    folder: &BlobUri,
    name: &str,
    limit: u64,
) -> Result<Option<Bytes>, String> {
    let failed = |error: blob::BlobError| {
        tracing::warn!("{name} of {folder} could not be read: {error}");
        match error {
            blob::BlobError::TooLarge { limit, .. } => {
                format!("{name} is larger than {limit} bytes, which no such document is.")
            }
            _ => format!("{name} could not be read from the bucket."),
        }
    };
    let uri = folder.join(name).map_err(failed)?;
    match within(&web.clock, web.blobs.read(&uri, limit)).await {
        Some(Ok(bytes)) => Ok(Some(bytes)),
        Some(Err(error)) if error.is_not_found() => Ok(None),
        Some(Err(error)) => Err(failed(error)),
        None => Err(format!("{name} has not come yet: the bucket is slow. Try again in a moment.")),
    }
}

/// A sentence where the run ends before it begins: another process may have written over its end.
fn backwards(started: Option<&[u8]>, finished: Option<&[u8]>) -> Option<String> {
    let began = Started::parse(started?).ok()?.time()?;
    let ended = Finished::parse(finished?).ok()?.time()?;
    (ended < began).then(|| {
        format!(
            "{FINISHED_FILE} says that the run ended at {}, before it began at {}: another process \
             may have written over the file.",
            ended.rfc3339(),
            began.rfc3339()
        )
    })
}

/// The labels and annotations of a ProwJob.
pub(super) fn labels(job: &ProwJob) -> Vec<(String, String)> {
    let labels = job.metadata.labels.iter().map(|(key, value)| (format!("label {key}"), value));
    let annotations =
        job.metadata.annotations.iter().map(|(key, value)| (format!("annotation {key}"), value));
    labels.chain(annotations).map(|(key, value)| (key, value.clone())).collect()
}

/// `metadata.links` of `started.json`: each name with its address, which must be one of the web.
fn links(started: &Value) -> Vec<Link> {
    let links = started.pointer("/metadata/links").and_then(Value::as_object);
    let text = |link: &Value, field: &str| {
        link.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut links: Vec<Link> = links
        .into_iter()
        .flatten()
        .map(|(name, link)| Link {
            text: name.clone(),
            href: text(link, "url"),
            title: text(link, "description"),
        })
        .filter(|link| !link.text.is_empty() && is_of_the_web(&link.href))
        .collect();
    links.sort_by(|a, b| a.text.cmp(&b.text));
    links.truncate(SHOWN_LINKS);
    links
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&format!("{path}.{key}"), value, rows);
            }
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_of_started_json_are_sorted_and_only_those_of_the_web() {
        let started = json!({"metadata": {"links": {
            "b": {"url": "https://b/", "description": "what b is"},
            "a": {"url": "HTTP://a/"},
            "bad": {"url": "javascript:alert(1)"},
            "none": {}, "odd": 7, "": {"url": "https://c/"},
        }}});
        let found = links(&started);
        let told: Vec<(&str, &str)> =
            found.iter().map(|link| (link.text.as_str(), link.title.as_str())).collect();
        assert_eq!(told, [("a", ""), ("b", "what b is")]);
        assert!(links(&json!({"metadata": 3})).is_empty() && links(&json!([])).is_empty());
    }

    #[test]
    fn a_run_that_ends_before_it_begins_is_told() {
        let started = br#"{"timestamp": 1700000000}"#;
        let note = backwards(Some(started), Some(br#"{"timestamp": 1695000000}"#)).unwrap();
        assert!(note.contains("before it began at 2023-11-14T22:13:20Z"), "{note}");
        assert_eq!(backwards(Some(started), Some(br#"{"timestamp": 1700000009}"#)), None);
        assert_eq!(backwards(Some(started), None), None);
        assert_eq!(backwards(Some(b"x"), Some(b"y")), None);
    }
}
