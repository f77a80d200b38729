//! `finished.json`.

use std::fmt;

use go_compat::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metadata::Metadata;
use crate::{DocumentError, lenient};

/// How a run ended, whoever wrote it down: the sidecar writes `SUCCESS`, crier writes `success`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Everything passed.
    Success,
    /// The test ended with an error, or ran out of time.
    Failure,
    /// It was interrupted.
    Aborted,
    /// It could not be run.
    Error,
    /// A word that this list does not have, in its own spelling.
    Other(String),
}

impl Outcome {
    /// Reads a result word in any case.
    pub fn parse(word: &str) -> Outcome {
        match word.trim().to_ascii_lowercase().as_str() {
            "success" | "passed" => Outcome::Success,
            "failure" | "failed" => Outcome::Failure,
            "aborted" => Outcome::Aborted,
            "error" | "unstable" => Outcome::Error,
            _ => Outcome::Other(word.trim().to_owned()),
        }
    }

    /// The word as the sidecar writes it.
    pub fn as_upper(&self) -> &str {
        match self {
            Outcome::Success => "SUCCESS",
            Outcome::Failure => "FAILURE",
            Outcome::Aborted => "ABORTED",
            Outcome::Error => "ERROR",
            Outcome::Other(word) => word,
        }
    }

    /// The word as crier and a ProwJob's state write it.
    pub fn as_lower(&self) -> &str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Aborted => "aborted",
            Outcome::Error => "error",
            Outcome::Other(word) => word,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_lower())
    }
}

/// A run has ended: when and how. It is the last object of a run, so that whoever sees it can read
/// all the others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finished {
    /// Seconds since the epoch.
    #[serde(deserialize_with = "lenient::seconds", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Whether everything passed.
    #[serde(deserialize_with = "lenient::boolean", skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// The result word; see [`Finished::outcome`].
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What the job's `metadata.json` files say.
    #[serde(deserialize_with = "metadata", skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The commit under test.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The version under test, as old runs say it.
    #[serde(
        rename = "job-version",
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub job_version: Option<String>,
}

impl Finished {
    /// Reads the document.
    ///
    /// # Errors
    /// The bytes are no JSON object. Fields of a wrong type are left out instead.
    pub fn parse(bytes: &[u8]) -> Result<Finished, DocumentError> {
        crate::parse_object(crate::FINISHED_FILE, bytes)
    }

    /// When the run ended; `None` where the document does not say.
    pub fn time(&self) -> Option<Timestamp> {
        self.timestamp.filter(|t| *t > 0).map(Timestamp::from_seconds)
    }

    /// How it ended: by the result word, else by `passed`; `None` when it says neither.
    pub fn outcome(&self) -> Option<Outcome> {
        match (&self.result, self.passed) {
            (Some(word), _) => Some(Outcome::parse(word)),
            (None, Some(true)) => Some(Outcome::Success),
            (None, Some(false)) => Some(Outcome::Failure),
            (None, None) => None,
        }
    }
}

fn metadata<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Metadata, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(fields) => Metadata::from(fields),
        _ => Metadata::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Option<Outcome> {
        Finished::parse(text.as_bytes()).unwrap().outcome()
    }

    #[test]
    fn the_result_is_read_in_any_case_and_from_passed() {
        assert_eq!(outcome(r#"{"result":"SUCCESS"}"#), Some(Outcome::Success));
        assert_eq!(outcome(r#"{"result":"success"}"#), Some(Outcome::Success));
        assert_eq!(outcome(r#"{"result":"ABORTED","passed":false}"#), Some(Outcome::Aborted));
        assert_eq!(outcome(r#"{"result":"error","passed":false}"#), Some(Outcome::Error));
        assert_eq!(outcome(r#"{"passed":true}"#), Some(Outcome::Success));
        assert_eq!(outcome(r#"{"passed":"False"}"#), Some(Outcome::Failure));
        assert_eq!(outcome(r#"{"result":"","passed":false}"#), Some(Outcome::Failure));
        assert_eq!(outcome("{}"), None);
        assert_eq!(outcome(r#"{"result":"Skipped"}"#), Some(Outcome::Other("Skipped".to_owned())));
    }

    #[test]
    fn a_document_of_the_sidecar_survives_a_round_trip() {
        let text = r#"{"timestamp":1559937190,"passed":false,"result":"FAILURE","metadata":{"node":"n1"},"revision":"abc"}"#;
        let finished = Finished::parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&finished).unwrap(), text);
        assert_eq!(finished.time().unwrap().seconds(), 1_559_937_190);
    }
}
