//! Readers for fields that writers disagree about: a value that does not fit counts as absent, so
//! that one odd field does not hide a whole run.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Seconds since the epoch: an integer, a fraction (cut), or either as a string.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(as_seconds(&Value::deserialize(deserializer)?))
}

fn as_seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            // Casts of floats saturate, and a fraction of a second is not shown anywhere.
            number.as_f64().filter(|f| f.is_finite()).map(|f| f as i64)
        }),
        Value::String(text) => {
            let number = serde_json::from_str::<serde_json::Number>(text.trim()).ok()?;
            as_seconds(&Value::Number(number))
        }
        _ => None,
    }
}

/// A string, or a number written as one. Empty strings are absent, as Go writes them.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(Value::deserialize(deserializer)?))
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A boolean, or the words for one in any case.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(value) => Some(value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// An object of strings; entries of another type are left out.
pub(crate) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(fields) => {
            fields.into_iter().filter_map(|(key, value)| Some((key, as_text(value)?))).collect()
        }
        _ => BTreeMap::new(),
    })
}

/// An object; anything else is an empty one.
pub(crate) fn object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    })
}
