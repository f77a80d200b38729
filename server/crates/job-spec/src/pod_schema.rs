//! What Kubernetes knows of a Pod spec: which fields there are, and how Go writes their values.
//!
//! Prow reads pod specs into Go structs and writes them back: unknown fields are gone, numbers in string
//! fields are strings, quantities are canonical, empty values are left out, and `resources: {}` appears
//! on every container. [`normalize`] does the same to a JSON value.

mod core_v1;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::quantity::Quantity;
use crate::shape::{self, Shape};

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
    pub(crate) fields: Vec<Field>,
}

impl Type {
    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// The type of that name; a name that the table lacks has no fields.
pub(crate) fn type_named(name: &str) -> &'static Type {
    static TABLE: OnceLock<HashMap<&'static str, Type>> = OnceLock::new();
    static EMPTY: Type = Type { fields: Vec::new() };
    TABLE
        .get_or_init(|| {
            core_v1::TYPES
                .iter()
                .map(|(name, fields)| {
                    let fields = fields.split(' ').filter(|f| !f.is_empty()).map(parse_field);
                    (*name, Type { fields: fields.collect() })
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

/// A value that does not fit the field it stands in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", if path.is_empty() { "the Pod spec" } else { path })]
pub struct PodSchemaError {
    /// Where, such as `containers[0].env[2].value`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// What to do with fields that the API does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// Leave them out, as Go does.
    Drop,
    /// Keep them as they are.
    Keep,
}

/// Rewrites a value of type `type_name` as Go's typed round trip through the API's structs would.
pub fn normalize(
    type_name: &str,
    value: Value,
    unknown: UnknownFields,
) -> Result<Value, PodSchemaError> {
    let mut path = Vec::new();
    normalize_struct(type_named(type_name), value, unknown, &mut path)
        .map_err(|problem| PodSchemaError { path: render(&path), problem })
}

/// A step of the path to a value, kept on error and otherwise taken back.
enum Step {
    Key(String),
    Index(usize),
}

fn render(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn normalize_struct(
    ty: &Type,
    value: Value,
    unknown: UnknownFields,
    path: &mut Vec<Step>,
) -> Result<Value, String> {
    let mut members = match value {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => return Err(format!("a mapping is expected, not {}", describe(&other))),
    };
    let mut result = Map::new();
    for field in &ty.fields {
        let value = members.remove(field.key).unwrap_or(Value::Null);
        if value.is_null() {
            if field.always {
                result.insert(field.key.to_owned(), zero(field, unknown)?);
            }
            continue;
        }
        path.push(Step::Key(field.key.to_owned()));
        let value = normalize_kind(&field.kind, value, unknown, path)?;
        path.pop();
        if field.always || keep(field, &value) {
            result.insert(field.key.to_owned(), value);
        }
    }
    if unknown == UnknownFields::Keep {
        result.append(&mut members);
    }
    Ok(Value::Object(result))
}

/// Whether `omitempty` keeps a value that is not null.
fn keep(field: &Field, value: &Value) -> bool {
    if field.pointer {
        return true;
    }
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !(members.is_empty() && matches!(field.kind, Kind::Map(_))),
        Value::Null => false,
    }
}

/// What Go writes for a field that is always written and was not set.
fn zero(field: &Field, unknown: UnknownFields) -> Result<Value, String> {
    Ok(match &field.kind {
        _ if field.pointer => Value::Null,
        Kind::Str => Value::from(""),
        Kind::Bool => Value::from(false),
        Kind::Int | Kind::IntOrString => Value::from(0),
        Kind::Struct(name) => {
            normalize_struct(type_named(name), Value::Null, unknown, &mut Vec::new())?
        }
        _ => Value::Null,
    })
}

fn normalize_kind(
    kind: &Kind,
    value: Value,
    unknown: UnknownFields,
    path: &mut Vec<Step>,
) -> Result<Value, String> {
    match kind {
        Kind::Any => Ok(value),
        Kind::Struct(name) => normalize_struct(type_named(name), value, unknown, path),
        Kind::List(element) => {
            let Value::Array(elements) = value else {
                return Err(format!("a list is expected, not {}", describe(&value)));
            };
            let mut result = Vec::with_capacity(elements.len());
            for (index, value) in elements.into_iter().enumerate() {
                path.push(Step::Index(index));
                result.push(normalize_kind(element, value, unknown, path)?);
                path.pop();
            }
            Ok(Value::Array(result))
        }
        Kind::Map(kind) => {
            let Value::Object(members) = value else {
                return Err(format!("a mapping is expected, not {}", describe(&value)));
            };
            let mut result = Map::new();
            for (key, value) in members {
                path.push(Step::Key(key.clone()));
                result.insert(key, normalize_kind(kind, value, unknown, path)?);
                path.pop();
            }
            Ok(Value::Object(result))
        }
        Kind::Str | Kind::Time => match value {
            Value::String(_) => Ok(value),
            // A YAML number or boolean in a string field is taken by its text, as Prow's reader does.
            Value::Number(number) => Ok(Value::String(number.to_string())),
            Value::Bool(value) => Ok(Value::String(value.to_string())),
            Value::Null => Ok(Value::String(String::new())),
            other => Err(format!("a string is expected, not {}", describe(&other))),
        },
        Kind::Bool => match value {
            Value::Bool(_) => Ok(value),
            Value::Null => Ok(Value::Bool(false)),
            other => Err(format!("true or false is expected, not {}", describe(&other))),
        },
        Kind::Int => match value {
            Value::Number(ref number) if number.is_i64() || number.is_u64() => Ok(value),
            Value::Null => Ok(Value::from(0)),
            other => Err(format!("a whole number is expected, not {}", describe(&other))),
        },
        Kind::IntOrString => match value {
            Value::String(_) | Value::Number(_) => Ok(value),
            other => Err(format!("a number or a string is expected, not {}", describe(&other))),
        },
        Kind::Quantity => {
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                other => return Err(format!("a quantity is expected, not {}", describe(other))),
            };
            Quantity::parse(&text)
                .map(|quantity| Value::String(quantity.as_str().to_owned()))
                .map_err(|error| error.to_string())
        }
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
