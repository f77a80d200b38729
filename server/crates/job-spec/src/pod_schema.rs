//! What Kubernetes knows of a Pod spec: which fields there are, and how Go writes their values.
//!
//! Prow reads pod specs into Go structs and writes them back: unknown fields are gone, quantities are
//! canonical, empty values are left out, and `resources: {}` appears on every container. Pod specs are
//! read by the same rules here.

mod core_v1;
mod prow_v1;
mod read;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::de::{DeserializeSeed as _, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::shape::{self, Shape};
use read::{Path, Reader, Written};

/// The type that a Pod's spec has.
pub const POD_SPEC: &str = "PodSpec";

#[derive(Debug)]
pub(crate) enum Kind {
    Str,
    Bool,
    Int,
    Quantity,
    IntOrString,
    Time,
    Any,
    Struct(&'static str),
    List(Box<Kind>),
    Map(Box<Kind>),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    /// Written even when empty.
    pub(crate) always: bool,
    /// Its zero value is written when it was set.
    pub(crate) pointer: bool,
}

#[derive(Debug)]
pub(crate) struct Type {
    kind: Kind,
    pub(crate) fields: Vec<Field>,
}

impl Type {
    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

fn kind_named(name: &'static str) -> &'static Kind {
    &type_named(name).kind
}

/// The type of that name; a name that the table lacks has no fields.
pub(crate) fn type_named(name: &str) -> &'static Type {
    static TABLE: OnceLock<HashMap<&'static str, Type>> = OnceLock::new();
    static EMPTY: Type = Type { kind: Kind::Any, fields: Vec::new() };
    TABLE
        .get_or_init(|| {
            core_v1::TYPES
                .iter()
                .chain(prow_v1::TYPES)
                .map(|(name, fields)| {
                    let fields = fields.split(' ').filter(|f| !f.is_empty()).map(parse_field);
                    (*name, Type { kind: Kind::Struct(name), fields: fields.collect() })
                })
                .collect()
        })
        .get(name)
        .unwrap_or(&EMPTY)
}

fn parse_field(text: &'static str) -> Field {
    let (key, kind) = text.split_once(':').unwrap_or((text, "string"));
    let (pointer, kind) = match kind.strip_prefix('*') {
        Some(kind) => (true, kind),
        None => (false, kind),
    };
    let always = key.ends_with('!');
    Field { key: key.trim_end_matches('!'), kind: parse_kind(kind), always, pointer }
}

fn parse_kind(text: &'static str) -> Kind {
    if let Some(element) = text.strip_prefix("[]") {
        return Kind::List(Box::new(parse_kind(element)));
    }
    if let Some(value) = text.strip_prefix("{}") {
        return Kind::Map(Box::new(parse_kind(value)));
    }
    match text {
        "string" => Kind::Str,
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "quantity" => Kind::Quantity,
        "intOrString" => Kind::IntOrString,
        "time" => Kind::Time,
        "any" => Kind::Any,
        name => Kind::Struct(name),
    }
}

/// The paths of all fields in a Pod spec that core/v1 of Kubernetes 1.36 does not have, such as
/// `containers[0].comand`. Prow's strict configuration check refuses them.
pub fn unknown_fields(pod_spec: &Value) -> Vec<String> {
    unknown_fields_of(POD_SPEC, pod_spec)
}

/// As [`unknown_fields`], for a value of another type of the API, such as `EnvVar` or `Volume`.
pub fn unknown_fields_of(type_name: &'static str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    shape::walk(&Shape::Pod(type_name), value, &mut String::new(), &mut found);
    found
}

/// The shape of one field of a type, or None if the type has no such field.
pub(crate) fn member(type_name: &str, key: &str) -> Option<Shape> {
    type_named(type_name).field(key).map(|field| shape_of(&field.kind))
}

fn shape_of(kind: &Kind) -> Shape {
    match kind {
        Kind::Struct(name) => Shape::Pod(name),
        Kind::List(element) => match **element {
            Kind::Struct(name) => Shape::PodList(name),
            _ => Shape::Any,
        },
        _ => Shape::Any,
    }
}

/// A value that does not fit the field it stands in: the message says where and what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PodSchemaError(pub String);

/// What to do with fields that the API does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// Leave them out, as Go does.
    Drop,
    /// Keep them as they are.
    Keep,
}

/// Reads a value of type `type_name` and writes it as compact JSON, as Go's round trip through the API's structs
/// would leave it.
pub(crate) fn read<'de, D: Deserializer<'de>>(
    type_name: &'static str,
    unknown: UnknownFields,
    deserializer: D,
) -> Result<String, D::Error> {
    let mut out = String::new();
    let reader = Reader { kind: kind_named(type_name), unknown, out: &mut out, path: &Path::Root };
    if reader.deserialize(deserializer)? == Written::Null {
        out.push_str("{}");
    }
    Ok(out)
}

/// Rewrites a value of type `type_name` as Go's typed round trip through the API's structs would.
pub fn normalize(
    type_name: &'static str,
    value: &Value,
    unknown: UnknownFields,
) -> Result<Value, PodSchemaError> {
    read(type_name, unknown, value)
        .and_then(|text| serde_json::from_str(&text))
        .map_err(|error| PodSchemaError(error.to_string()))
}

/// Writes a normalised value with its fields in the order that Go writes them, which shows where a document
/// is carried as text.
pub(crate) struct InGoOrder<'a> {
    kind: &'a Kind,
    value: &'a Value,
}

impl<'a> InGoOrder<'a> {
    pub(crate) fn new(kind: &'a Kind, value: &'a Value) -> Self {
        InGoOrder { kind, value }
    }
}

impl Serialize for InGoOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.kind, self.value) {
            (Kind::Struct(name), Value::Object(members)) => {
                let ty = type_named(name);
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for field in &ty.fields {
                    if let Some(value) = members.get(field.key) {
                        map.serialize_entry(field.key, &InGoOrder::new(&field.kind, value))?;
                    }
                }
                for (key, value) in members.iter().filter(|(key, _)| ty.field(key).is_none()) {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            (Kind::List(kind), Value::Array(elements)) => {
                serializer.collect_seq(elements.iter().map(|value| InGoOrder::new(kind, value)))
            }
            (_, value) => value.serialize(serializer),
        }
    }
}
