//! What a template computes with: parts of the document, constants and results of functions.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

/// Fields that are maps in Go, where a key is looked up as it is written. All other objects stand
/// for structs.
const MAP_FIELDS: [&str; 5] =
    ["labels", "annotations", "prevreportstates", "matchlabels", "nodeselector"];

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value<'d> {
    /// A field that the document lacks: the zero value of a type that is not known here.
    Zero,
    /// A key that a map lacks, or the data of a template called without any.
    Absent,
    /// The constant `nil`, or JSON's `null`.
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Cow<'d, str>),
    List(&'d [Json]),
    Object(&'d Map<String, Json>),
    /// An object that is a map in Go.
    Map(&'d Map<String, Json>),
}

static EMPTY: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);

impl<'d> Value<'d> {
    pub(super) fn of(json: &'d Json) -> Value<'d> {
        match json {
            Json::Null => Value::Nil,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i128() {
                Some(value) => Value::Int(value),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Str(Cow::Borrowed(text)),
            Json::Array(list) => Value::List(list),
            Json::Object(object) => Value::Object(object),
        }
    }

    /// The field of a struct or the entry of a map; an error in Go's words if there cannot be one.
    pub(super) fn field(&self, name: &str) -> Result<Value<'d>, String> {
        match self {
            Value::Absent => Ok(Value::Absent),
            Value::Zero | Value::Nil => {
                Err(format!("nil pointer evaluating interface {{}}.{name}"))
            }
            Value::Map(map) => Ok(map.get(name).map_or(Value::Absent, Value::of)),
            Value::Object(object) => Ok(struct_field(object, name)),
            other => Err(format!("can't evaluate field {name} in type {}", other.type_name())),
        }
    }

    /// Go's notion of truth: neither zero nor empty. A struct is true whatever it holds.
    pub(super) fn truth(&self) -> bool {
        match self {
            Value::Zero | Value::Absent | Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(_) => true,
        }
    }

    /// The name of the type as Go would say it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Zero | Value::Absent | Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::List(_) => "[]interface {}",
            Value::Map(_) => "map[string]string",
            Value::Object(_) => "map[string]interface {}",
        }
    }
}

fn struct_field<'d>(object: &'d Map<String, Json>, name: &str) -> Value<'d> {
    let wanted = normal(name);
    if wanted == "typemeta" {
        return Value::Object(object);
    }
    let is_map = MAP_FIELDS.contains(&wanted.as_str());
    let find = |object: &'d Map<String, Json>, wanted: &str| {
        object.get(name).or_else(|| {
            object.iter().find(|(key, _)| normal(key) == wanted).map(|(_, value)| value)
        })
    };
    let metadata = || find(object, "metadata").and_then(Json::as_object);
    let found = if wanted == "objectmeta" {
        return metadata().map_or(Value::Object(&EMPTY), Value::Object);
    } else {
        // The fields of an embedded struct are found at the top as well.
        find(object, &wanted).or_else(|| metadata().and_then(|metadata| find(metadata, &wanted)))
    };
    match found {
        Some(Json::Object(map)) if is_map => Value::Map(map),
        Some(value) => Value::of(value),
        None if is_map => Value::Map(&EMPTY),
        None => Value::Zero,
    }
}

/// `BaseSHA`, `base_sha` and `baseSha` are one name.
fn normal(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}
