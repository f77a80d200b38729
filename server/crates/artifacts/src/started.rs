//! `started.json`.

use std::collections::BTreeMap;

use go_compat::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{DocumentError, lenient};

/// Metadata key that names the writer where it is not a pod utility.
pub const UPLOADER_KEY: &str = "uploader";

/// What crier calls itself in [`UPLOADER_KEY`].
pub const CRIER_UPLOADER: &str = "crier";

/// A run has begun: when, and on which commit. Written by initupload, or by crier where the pod
/// never came so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Started {
    /// Seconds since the epoch; 0 where the document does not say.
    #[serde(deserialize_with = "timestamp")]
    pub timestamp: i64,
    /// The first pull request's number, as text.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub pull: Option<String>,
    /// `org/repo` to its refs (`main:sha,12:sha`).
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "BTreeMap::is_empty")]
    pub repos: BTreeMap<String, String>,
    /// The commit that was tested.
    #[serde(
        rename = "repo-commit",
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub repo_commit: Option<String>,
    /// The version that was tested; the same commit unless the job's tools say better.
    #[serde(
        rename = "repo-version",
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub repo_version: Option<String>,
    /// What [`Started::repo_version`] was called in old runs.
    #[serde(
        rename = "job-version",
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub job_version: Option<String>,
    /// The machine or pod.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Free fields.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Started {
    /// Reads the document.
    ///
    /// # Errors
    /// The bytes are no JSON object. Fields of a wrong type are left out instead.
    pub fn parse(bytes: &[u8]) -> Result<Started, DocumentError> {
        crate::parse_object(crate::STARTED_FILE, bytes)
    }

    /// When the run began; `None` where the document does not say.
    pub fn time(&self) -> Option<Timestamp> {
        (self.timestamp > 0).then(|| Timestamp::from_seconds(self.timestamp))
    }

    /// The version under test, whichever of its names was used.
    pub fn version(&self) -> Option<&str> {
        let names = [&self.repo_version, &self.job_version, &self.repo_commit];
        names.into_iter().flatten().map(String::as_str).next()
    }

    /// Crier wrote it, as a stand-in for the one that the pod should have written.
    pub fn is_by_crier(&self) -> bool {
        self.metadata.get(UPLOADER_KEY).and_then(Value::as_str) == Some(CRIER_UPLOADER)
    }
}

fn timestamp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(lenient::seconds(deserializer)?.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_initupload_survives_a_round_trip() {
        let text = r#"{"timestamp":1559937184,"pull":"12","repos":{"spf13/cobra":"main:abc,12:def"},"repo-commit":"fed","repo-version":"fed"}"#;
        let started = Started::parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&started).unwrap(), text);
        assert_eq!(started.version(), Some("fed"));
        assert_eq!(started.time().unwrap().seconds(), 1_559_937_184);
        assert!(!started.is_by_crier());
    }

    #[test]
    fn odd_fields_are_left_out_and_the_rest_is_kept() {
        let text = "\u{feff}{\"timestamp\":\"1559937184.9\",\"pull\":12,\"repos\":[],\"node\":{},\"repo-commit\":\"x\",\"metadata\":{\"uploader\":\"crier\"},\"more\":1}";
        let started = Started::parse(text.as_bytes()).unwrap();
        assert_eq!(started.timestamp, 1_559_937_184);
        assert_eq!(started.pull.as_deref(), Some("12"));
        assert!(started.repos.is_empty() && started.node.is_none());
        assert!(started.is_by_crier());
        let text = r#"{"timestamp":null}"#;
        assert_eq!(Started::parse(text.as_bytes()).unwrap().time(), None);
        let error = Started::parse(b"[1]").unwrap_err().to_string();
        assert!(error.starts_with("started.json is not a JSON object"), "{error}");
    }
}
