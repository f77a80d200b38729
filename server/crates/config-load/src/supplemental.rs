//! What supplemental files of both kinds share: adding to maps, and finding what may not be there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use serde_json::{Map, Value};

/// The rule of problems with supplemental files.
pub(crate) const RULE: &str = "supplemental";

/// Adds the entries of a map. A key that is there already keeps its value, and `twice` is told.
pub(crate) fn merge_maps<T>(
    own: &mut BTreeMap<String, T>,
    other: BTreeMap<String, T>,
    mut twice: impl FnMut(&str),
) {
    for (key, value) in other {
        match own.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(entry) => twice(entry.key()),
        }
    }
}

/// The keys that are set in a file beyond what is allowed there, which `allowed` is the file cut
/// down to; those of the section `inner` one by one. `unseen` stands for a value that JSON leaves
/// out, such as an explicit default.
pub(crate) fn keys_beyond<T: PartialEq + Serialize>(
    own: &T,
    allowed: &T,
    inner: &str,
    unseen: &str,
) -> Vec<String> {
    if own == allowed {
        return Vec::new();
    }
    let object = |value: &T| match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let allowed = object(allowed);
    let mut keys = Vec::new();
    for (key, value) in object(own) {
        match (allowed.get(&key), &value) {
            (Some(same), value) if same == value => {}
            (Some(Value::Object(allowed)), Value::Object(own)) if key == inner => {
                let beyond = own.iter().filter(|(key, value)| allowed.get(*key) != Some(value));
                keys.extend(beyond.map(|(key, _)| format!("{inner}.{key}")));
            }
            _ => keys.push(key),
        }
    }
    if keys.is_empty() {
        keys.push(unseen.to_owned());
    }
    keys
}
