//! `metadata.json`: facts that a job states about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::DocumentError;

/// Where the sidecar puts what went wrong while it merged.
pub const ERRORS_KEY: &str = "sidecar-errors";

/// Free fields of a run: the merged `metadata.json` files of its containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

impl From<Map<String, Value>> for Metadata {
    fn from(fields: Map<String, Value>) -> Metadata {
        Metadata(fields)
    }
}

impl Metadata {
    /// Reads one file.
    ///
    /// # Errors
    /// The bytes are no JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Metadata, DocumentError> {
        crate::parse_object("metadata.json", bytes)
    }

    /// Takes the other's fields; where both have one, the other's wins, whole (as Prow's sidecar
    /// merges: not deep).
    pub fn merge(&mut self, other: Metadata) {
        self.0.extend(other.0);
    }

    /// Notes under [`ERRORS_KEY`] that one entry's metadata could not be used.
    pub fn note_error(&mut self, entry: &str, error: &str) {
        let errors = self.0.entry(ERRORS_KEY).or_insert_with(|| Value::Object(Map::new()));
        if !errors.is_object() {
            *errors = Value::Object(Map::new());
        }
        if let Value::Object(errors) = errors {
            errors.insert(entry.to_owned(), Value::String(error.to_owned()));
        }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_file_wins_field_by_field_and_errors_are_kept() {
        let mut all = Metadata::parse(br#"{"a":{"x":1},"b":1}"#).unwrap();
        all.merge(Metadata::parse(br#"{"a":{"y":2},"sidecar-errors":"mine"}"#).unwrap());
        all.note_error("entry 0: make test", "not JSON");
        assert_eq!(
            serde_json::to_string(&all).unwrap(),
            r#"{"a":{"y":2},"b":1,"sidecar-errors":{"entry 0: make test":"not JSON"}}"#
        );
        assert!(Metadata::parse(b"7").is_err());
    }
}
