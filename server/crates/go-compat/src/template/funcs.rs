//! The functions that a template may call. Messages are Go's.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ExtraFunction;
use super::format::{print, print_operands, sprintf};
use super::value::Value;
use crate::url::query_escape;

const BUILTINS: [&str; 18] = [
    "and", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "slice", "urlquery",
];

pub(super) fn exists(name: &str, extra: &[ExtraFunction]) -> bool {
    BUILTINS.contains(&name)
        || extra.iter().any(|function| match function {
            ExtraFunction::Replace => name == "replace",
        })
}

/// Calls any function but `and` and `or`, which do not take all of their arguments.
pub(super) fn call<'d>(name: &str, arguments: &[Value<'d>]) -> Result<Value<'d>, String> {
    let count = arguments.len();
    let want = |least: usize, most: usize| {
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let exactly = if least == most { "" } else { "at least " };
        Err(format!("wrong number of args for {name}: want {exactly}{least} got {count}"))
    };
    let text = |text: String| Ok(Value::Str(Cow::Owned(text)));
    let failed = |message: String| format!("error calling {name}: {message}");
    match name {
        "not" => {
            want(1, 1)?;
            Ok(Value::Bool(!arguments[0].truth()))
        }
        "len" => {
            want(1, 1)?;
            length(&arguments[0]).map_err(failed)
        }
        "index" => {
            want(1, usize::MAX)?;
            if matches!(arguments[0], Value::Nil | Value::Absent) {
                return Err(failed("index of untyped nil".to_owned()));
            }
            arguments[1..]
                .iter()
                .try_fold(arguments[0].clone(), |item, key| index(&item, key))
                .map_err(failed)
        }
        "slice" => {
            want(1, usize::MAX)?;
            slice(&arguments[0], &arguments[1..]).map_err(failed)
        }
        "eq" => {
            want(1, usize::MAX)?;
            equal(&arguments[0], &arguments[1..]).map(Value::Bool).map_err(failed)
        }
        "ne" => {
            want(2, 2)?;
            equal(&arguments[0], &arguments[1..]).map(|eq| Value::Bool(!eq)).map_err(failed)
        }
        "lt" | "le" | "gt" | "ge" => {
            want(2, 2)?;
            let order = compare(&arguments[0], &arguments[1]).map_err(failed)?;
            // Nothing orders a NaN; Go then answers by negating the opposite question.
            Ok(Value::Bool(match name {
                "lt" => order == Some(Ordering::Less),
                "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                "gt" => !matches!(order, Some(Ordering::Less | Ordering::Equal)),
                _ => order != Some(Ordering::Less),
            }))
        }
        "print" => text(print_operands(arguments)),
        "println" => {
            let words: Vec<_> = arguments.iter().map(print).collect();
            text(format!("{}\n", words.join(" ")))
        }
        "printf" => {
            want(1, usize::MAX)?;
            match &arguments[0] {
                Value::Str(format) => text(sprintf(format, &arguments[1..])),
                Value::Zero => text(sprintf("", &arguments[1..])),
                other => Err(format!("expected string; found {}", print(other))),
            }
        }
        "html" => text(escape_html(&shown(arguments))),
        "js" => text(escape_js(&shown(arguments))),
        "urlquery" => text(query_escape(&shown(arguments))),
        "replace" => {
            want(3, 3)?;
            let [old, new, source] = [0, 1, 2].map(|i| print(&arguments[i]));
            text(source.replace(old.as_ref(), new.as_ref()))
        }
        other => Err(format!("{other:?} is not a defined function")),
    }
}

fn length<'d>(item: &Value<'d>) -> Result<Value<'d>, String> {
    let length = match item {
        Value::Zero => 0,
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) | Value::Object(map) => map.len(),
        Value::Absent | Value::Nil => return Err("len of nil pointer".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(length as i128))
}

fn index<'d>(item: &Value<'d>, key: &Value<'d>) -> Result<Value<'d>, String> {
    match item {
        Value::List(list) => {
            let at = position(key, list.len())?;
            let element = list.get(at).map(Value::of);
            element.ok_or_else(|| format!("index out of range: {at}"))
        }
        Value::Str(text) => {
            let at = position(key, text.len())?;
            let byte = text.as_bytes().get(at).map(|byte| Value::Int(i128::from(*byte)));
            byte.ok_or_else(|| format!("index out of range: {at}"))
        }
        Value::Map(map) | Value::Object(map) => match key {
            // A map that lacks the key gives the zero value of its elements.
            Value::Str(key) => Ok(map.get(key.as_ref()).map_or(Value::Zero, Value::of)),
            other => Err(format!("value has type {}; should be string", other.type_name())),
        },
        // An empty list has no element, an empty map gives the zero value.
        Value::Zero => match key {
            Value::Int(at) => Err(format!("index out of range: {at}")),
            _ => Ok(Value::Zero),
        },
        other => Err(format!("can't index item of type {}", other.type_name())),
    }
}

/// An index as a place in a list; `limit` itself is allowed, as the end of a slice.
fn position(key: &Value<'_>, limit: usize) -> Result<usize, String> {
    match key {
        Value::Int(at) => match usize::try_from(*at) {
            Ok(place) if place <= limit => Ok(place),
            _ => Err(format!("index out of range: {at}")),
        },
        Value::Zero => Ok(0),
        Value::Nil | Value::Absent => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

fn slice<'d>(item: &Value<'d>, bounds: &[Value<'d>]) -> Result<Value<'d>, String> {
    let length = match item {
        Value::Str(_) if bounds.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Zero => 0,
        Value::Absent | Value::Nil => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if bounds.len() > 3 {
        return Err(format!("too many slice indexes: {}", bounds.len()));
    }
    let mut places = [0, length, length];
    for (place, bound) in places.iter_mut().zip(bounds) {
        *place = position(bound, length)?;
    }
    let [from, to, cap] = places;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if to > cap {
        return Err(format!("invalid slice index: {to} > {cap}"));
    }
    match item {
        Value::Str(text) => {
            // Cutting through a character leaves bytes that are none; they show as U+FFFD.
            let bytes = &text.as_bytes()[from..to];
            Ok(Value::Str(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
        }
        Value::List(list) => Ok(Value::List(&list[from..to])),
        _ => Ok(Value::Zero),
    }
}

/// Whether the first equals any of the others.
fn equal(first: &Value<'_>, others: &[Value<'_>]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        let same = match (first, other) {
            (Value::Zero, value) | (value, Value::Zero) => match value {
                // The zero value of whatever type the other one has.
                Value::Object(_) => false,
                value => !value.truth(),
            },
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Nil | Value::Absent, Value::Nil | Value::Absent) => true,
            (Value::Nil | Value::Absent, _) | (_, Value::Nil | Value::Absent) => false,
            (
                Value::List(_) | Value::Map(_) | Value::Object(_),
                Value::List(_) | Value::Map(_) | Value::Object(_),
            ) => {
                let kind = other.type_name();
                return Err(format!("non-comparable type {}: {kind}", print(other)));
            }
            (a, b) => return Err(incompatible(a, b)),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, String> {
    let bad = || Err("invalid type for comparison".to_owned());
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Str(a), Value::Str(b)) => Ok(Some(a.cmp(b))),
        (Value::Zero, Value::Int(b)) => Ok(Some(0.cmp(b))),
        (Value::Int(a), Value::Zero) => Ok(Some(a.cmp(&0))),
        (Value::Zero, Value::Float(b)) => Ok(0.0.partial_cmp(b)),
        (Value::Float(a), Value::Zero) => Ok(a.partial_cmp(&0.0)),
        (Value::Zero, Value::Str(b)) => Ok(Some("".cmp(b.as_ref()))),
        (Value::Str(a), Value::Zero) => Ok(Some(a.as_ref().cmp(""))),
        (Value::Zero, Value::Zero) => Ok(Some(Ordering::Equal)),
        (
            Value::Int(_) | Value::Float(_) | Value::Str(_),
            Value::Int(_) | Value::Float(_) | Value::Str(_),
        ) => Err(incompatible(a, b)),
        _ => bad(),
    }
}

fn incompatible(a: &Value<'_>, b: &Value<'_>) -> String {
    let (a, b) = (a.type_name(), b.type_name());
    format!("incompatible types for comparison: {a} and {b}")
}

/// What the escaping functions escape: as `print`, but `nil` is no value.
fn shown(arguments: &[Value<'_>]) -> String {
    let mut arguments = arguments.to_vec();
    for argument in &mut arguments {
        if matches!(argument, Value::Nil) {
            *argument = Value::Absent;
        }
    }
    print_operands(&arguments)
}

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn escape_js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' | '>' | '&' | '=' => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if !super::format::is_printable(c) => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
