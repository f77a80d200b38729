//! What a run leaves behind, as values: its small JSON documents and the text of its logs.
//!
//! Everything here is pure. Bytes come from whoever read them; nothing is trusted: a document with a
//! field of the wrong type loses that field and not the whole, a log is bytes until [`log`] has made
//! safe text of it.

pub mod clone_record;
pub mod finished;
pub mod junit;
mod lenient;
pub mod log;
pub mod metadata;
pub mod node_log;
pub mod results;
pub mod started;

pub use clone_record::{CloneCommand, CloneRecord};
pub use finished::{Finished, Outcome};
pub use metadata::Metadata;
pub use started::Started;

/// `started.json`, written when a run begins.
pub const STARTED_FILE: &str = "started.json";
/// `finished.json`, the last object of a run.
pub const FINISHED_FILE: &str = "finished.json";
/// The build log of a run with one test container; others are `<container>-build-log.txt`.
pub const BUILD_LOG_FILE: &str = "build-log.txt";
/// The clone log for people.
pub const CLONE_LOG_FILE: &str = "clone-log.txt";
/// The clone records for programs.
pub const CLONE_RECORDS_FILE: &str = "clone-records.json";
/// The sidecar's own log, one JSON object per line.
pub const SIDECAR_LOG_FILE: &str = "sidecar-logs.json";
/// The ProwJob, written by crier at every change of state.
pub const PROWJOB_FILE: &str = "prowjob.json";
/// Pod, events and node, written by crier at the end.
pub const PODINFO_FILE: &str = "podinfo.json";
/// The folder of the files that the job left in `$ARTIFACTS`.
pub const ARTIFACTS_DIR: &str = "artifacts";

/// A document that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{document} is not a JSON {expected}: {source}")]
pub struct DocumentError {
    document: &'static str,
    expected: &'static str,
    source: serde_json::Error,
}

/// Reads a document that is an object. Going through the map refuses lists, which would otherwise
/// pass for objects without names.
fn parse_object<T: serde::de::DeserializeOwned>(
    document: &'static str,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let fields: serde_json::Map<_, _> = parse(document, "object", bytes)?;
    T::deserialize(serde_json::Value::Object(fields)).map_err(|source| DocumentError {
        document,
        expected: "object with the expected fields",
        source,
    })
}

fn parse<T: serde::de::DeserializeOwned>(
    document: &'static str,
    expected: &'static str,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|source| DocumentError { document, expected, source })
}
