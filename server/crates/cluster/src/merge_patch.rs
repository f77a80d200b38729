//! JSON merge patches (RFC 7386), by which every controller writes.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ClusterError;

/// Changes `target` as `patch` says: objects are merged key by key, `null` removes a key, and
/// everything else (lists too) replaces what was there.
pub fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (key, change) in changes {
        match change {
            Value::Null => {
                fields.remove(key);
            }
            _ => apply(fields.entry(key.as_str()).or_insert(Value::Null), change),
        }
    }
}

/// The patch that turns `old` into `new`; an empty object if they are equal.
///
/// A merge patch cannot set a value to `null`: a key that is `null` in `new` is left out of the
/// patch if `old` has it not, and removed if it has.
pub fn diff(old: &Value, new: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return new.clone();
    };
    let mut changes = Map::new();
    for key in before.keys() {
        if after.get(key).is_none_or(Value::is_null) && !before[key].is_null() {
            changes.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in after {
        match before.get(key) {
            _ if value.is_null() => {}
            Some(Value::Object(was)) if value.is_object() => {
                let inner = diff(&Value::Object(was.clone()), value);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    changes.insert(key.clone(), inner);
                }
            }
            Some(was) if was == value => {}
            _ => {
                changes.insert(key.clone(), without_nulls(value));
            }
        }
    }
    Value::Object(changes)
}

/// As [`diff`], for typed objects.
pub fn between<T: Serialize>(old: &T, new: &T) -> Result<Value, ClusterError> {
    let json = |value: &T| {
        serde_json::to_value(value)
            .map_err(|error| ClusterError::Invalid(format!("not expressible as JSON: {error}")))
    };
    Ok(diff(&json(old)?, &json(new)?))
}

/// In a patch, a `null` inside a new object would remove instead of set.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_come_out_as_printed() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, wanted) in cases {
            apply(&mut target, &patch);
            assert_eq!(target, wanted, "patch {patch}");
        }
    }

    /// JSON without `null`, which a merge patch cannot set.
    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn json_object() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-d]", json_value(), 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn applying_a_difference_gives_the_new_value(old in json_object(), new in json_object()) {
            let mut patched = old.clone();
            apply(&mut patched, &diff(&old, &new));
            prop_assert_eq!(patched, new);
        }

        #[test]
        fn applying_a_patch_twice_changes_nothing_more(
            target in json_value(),
            patch in json_value(),
        ) {
            let mut once = target;
            apply(&mut once, &patch);
            let mut twice = once.clone();
            apply(&mut twice, &patch);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn keys_that_a_patch_does_not_name_stay(
            target in json_object(),
            patch in json_object(),
            kept in json_value(),
        ) {
            let mut target = target;
            target["kept"] = kept.clone();
            apply(&mut target, &patch);
            prop_assert_eq!(&target["kept"], &kept);
        }

        #[test]
        fn equal_values_have_an_empty_difference(value in json_object()) {
            prop_assert_eq!(diff(&value, &value), json!({}));
        }
    }
}
