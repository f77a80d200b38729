//! What keys a document may have: enough to name the ones that nothing reads.

use serde_json::Value;

use crate::go_struct::HasShape;
use crate::pod_schema;

/// A key of a mapping with the shape of its value.
pub type Member = (&'static str, fn() -> Shape);

/// The shape that a typed value has in a document.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A string, number, boolean, duration or time.
    Scalar,
    /// Anything: its keys are not ours to judge.
    Any,
    /// A mapping with known keys.
    Struct {
        /// The Rust name of the struct, for messages.
        name: &'static str,
        /// Every key with the shape of its value.
        keys: Vec<Member>,
    },
    /// A sequence of values of one shape.
    List(fn() -> Shape),
    /// A mapping with free keys and values of one shape.
    Map(fn() -> Shape),
    /// A type of the Kubernetes core API, by its name there.
    Pod(&'static str),
    /// A sequence of values of such a type.
    PodList(&'static str),
}

impl Shape {
    /// The shape under `key`, or None if a mapping of this shape has no such key.
    /// Free mappings and values that are not judged answer for every key.
    pub fn member(&self, key: &str) -> Option<Shape> {
        match self {
            Shape::Struct { keys, .. } => {
                keys.iter().find(|(name, _)| *name == key).map(|(_, shape)| shape())
            }
            Shape::Map(value) => Some(value()),
            Shape::Pod(type_name) => pod_schema::member(type_name, key),
            Shape::Any => Some(Shape::Any),
            // A mapping where a scalar or list belongs fails elsewhere, with its own message.
            Shape::Scalar | Shape::List(_) | Shape::PodList(_) => Some(Shape::Any),
        }
    }

    /// The key that a mapping of this shape has for one written in other case. Go reads `NAME` as `name`.
    pub fn key_in_other_case(&self, key: &str) -> Option<&'static str> {
        let same = |known: &&'static str| known.eq_ignore_ascii_case(key);
        match self {
            Shape::Struct { keys, .. } => keys.iter().map(|(known, _)| *known).find(same),
            Shape::Pod(type_name) => {
                pod_schema::type_named(type_name).fields.iter().map(|field| field.key).find(same)
            }
            _ => None,
        }
    }

    /// The shape of the elements, if a sequence belongs here.
    pub fn element(&self) -> Shape {
        match self {
            Shape::List(element) => element(),
            Shape::PodList(type_name) => Shape::Pod(type_name),
            _ => Shape::Any,
        }
    }
}

/// The paths of all keys in `value` that a `T` does not read, such as `spec.containers[0].comand`.
pub fn unknown_keys<T: HasShape>(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(&T::shape(), value, &mut String::new(), &mut found);
    found
}

pub(crate) fn walk(shape: &Shape, value: &Value, path: &mut String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match shape.member(key) {
                    Some(shape) => walk(&shape, member, path, found),
                    None => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        Value::Array(elements) => {
            let shape = shape.element();
            for (index, element) in elements.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                walk(&shape, element, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
