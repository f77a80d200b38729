//! Reads a value of a Kubernetes type from any format and writes it as compact JSON the way Go would, in one
//! pass: thousands of pod specs are read at start.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Field, Kind, UnknownFields, type_named};
use crate::go_struct::Key;
use crate::quantity::Quantity;
use crate::transcode::{self, push_string};

/// Where a value stands, for messages; a list on the stack.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads one value and appends it to `out`.
pub(super) struct Reader<'a> {
    pub(super) kind: &'static Kind,
    pub(super) unknown: UnknownFields,
    pub(super) out: &'a mut String,
    pub(super) path: &'a Path<'a>,
}

/// What kind of value was written, which decides whether `omitempty` leaves it out.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Written {
    /// Nothing: the input was null.
    Null,
    /// The zero value of its type.
    Empty,
    /// Anything else.
    Full,
}

impl Written {
    fn unless(empty: bool) -> Written {
        if empty { Written::Empty } else { Written::Full }
    }
}

impl Reader<'_> {
    fn string<E: de::Error>(self, text: &str) -> Result<Written, E> {
        match self.kind {
            Kind::Str | Kind::Time | Kind::IntOrString | Kind::Any => {
                push_string(self.out, text);
                Ok(Written::unless(text.is_empty()))
            }
            Kind::Quantity => {
                let quantity = Quantity::parse(text)
                    .map_err(|error| E::custom(format_args!("{}: {error}", self.path)))?;
                push_string(self.out, quantity.as_str());
                Ok(Written::Full)
            }
            _ => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
        }
    }

    fn scalar<E: de::Error>(
        self,
        text: &str,
        fits: bool,
        empty: bool,
        unexpected: de::Unexpected<'_>,
    ) -> Result<Written, E> {
        if !fits {
            return Err(E::invalid_type(unexpected, &self));
        }
        self.out.push_str(text);
        Ok(Written::unless(empty))
    }

    fn child<'b>(&'b mut self, kind: &'static Kind, path: &'b Path<'b>) -> Reader<'b> {
        Reader { kind, unknown: self.unknown, out: self.out, path }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Written;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        if matches!(self.kind, Kind::Any) {
            self.out.push_str(&transcode::to_json(deserializer)?);
            return Ok(Written::Full);
        }
        self.read_hinted(deserializer)
    }
}

impl Reader<'_> {
    /// Says where a string is wanted: whether a number may stand there is for the format to decide. Prow's
    /// YAML reader takes one in presets and refuses it in jobs.
    fn read_hinted<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        match self.kind {
            Kind::Str | Kind::Time => deserializer.deserialize_option(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            // YAML takes a bare `5` or `yes` for something else.
            Kind::Str | Kind::Time => "a string, in quotes if need be,",
            Kind::Bool => "true or false",
            Kind::Int => "a whole number",
            Kind::Quantity => "a quantity such as `500m` or `4Gi`",
            Kind::IntOrString => "a number or a string",
            Kind::Any => "any value",
            Kind::Struct(_) | Kind::Map(_) => "a mapping",
            Kind::List(_) => "a list",
        })?;
        match self.path {
            Path::Root => Ok(()),
            path => write!(f, " at {path}"),
        }
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Written, E> {
        self.string(v)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Written, E> {
        let fits = matches!(self.kind, Kind::Bool);
        let text = if v { "true" } else { "false" };
        self.scalar(text, fits, !v, de::Unexpected::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Written, E> {
        let text = v.to_string();
        if matches!(self.kind, Kind::Quantity) {
            return self.string(&text);
        }
        let fits = matches!(self.kind, Kind::Int | Kind::IntOrString);
        self.scalar(&text, fits, v == 0, de::Unexpected::Signed(v))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Written, E> {
        let text = v.to_string();
        if matches!(self.kind, Kind::Quantity) {
            return self.string(&text);
        }
        let fits = matches!(self.kind, Kind::Int | Kind::IntOrString);
        self.scalar(&text, fits, v == 0, de::Unexpected::Unsigned(v))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Written, E> {
        if matches!(self.kind, Kind::Quantity) {
            return self.string(&v.to_string());
        }
        Err(E::invalid_type(de::Unexpected::Float(v), &self))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Written, E> {
        Ok(Written::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Written, E> {
        Ok(Written::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        match self.kind {
            Kind::Str | Kind::Time => deserializer.deserialize_str(self),
            _ => deserializer.deserialize_any(self),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Written, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Written, A::Error> {
        let Kind::List(element) = self.kind else {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        };
        self.out.push('[');
        let start = self.out.len();
        let parent = self.path;
        for index in 0.. {
            let mark = self.out.len();
            if mark > start {
                self.out.push(',');
            }
            let path = Path::Index(parent, index);
            match seq.next_element_seed(self.child(element, &path))? {
                Some(Written::Null) => write_zero(element, self.out),
                Some(_) => {}
                None => {
                    self.out.truncate(mark);
                    break;
                }
            }
        }
        self.out.push(']');
        Ok(Written::unless(self.out.len() == start + 1))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Written, A::Error> {
        let kind = self.kind;
        let (fields, values): (&'static [Field], _) = match kind {
            Kind::Struct(name) => (&type_named(name).fields, None),
            Kind::Map(value) => (&[], Some(value)),
            _ => return Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        };
        self.out.push('{');
        let start = self.out.len();
        let parent = self.path;
        // Which fields have been written; no type has as many as 64.
        let mut seen = 0_u64;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let position = fields.iter().position(|field| field.key == key);
            let unknown = values.is_none() && position.is_none();
            if unknown && self.unknown == UnknownFields::Drop {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let mark = self.out.len();
            write_key(&key, start, self.out);
            let path = Path::Key(parent, &key);
            let field = position.map(|position| &fields[position]);
            let kind = field.map(|field| &field.kind).or(values.map(|value| &**value));
            let written = map.next_value_seed(self.child(kind.unwrap_or(&Kind::Any), &path))?;
            let kept = match (written, field) {
                (Written::Null, Some(_)) => false,
                (Written::Null, None) => {
                    write_zero(kind.unwrap_or(&Kind::Any), self.out);
                    true
                }
                (Written::Empty, Some(field)) => field.always || field.pointer,
                _ => true,
            };
            if !kept {
                self.out.truncate(mark);
            } else if let Some(position) = position {
                seen |= 1 << position;
            }
        }
        write_missing(fields, seen, start, self.out);
        self.out.push('}');
        // An empty struct is behind a pointer and stays; an empty map goes.
        Ok(Written::unless(values.is_some() && self.out.len() == start + 1))
    }
}

fn write_key(key: &str, start: usize, out: &mut String) {
    if out.len() > start {
        out.push(',');
    }
    push_string(out, key);
    out.push(':');
}

/// Writes the fields that Go writes although they were not set.
fn write_missing(fields: &[Field], seen: u64, start: usize, out: &mut String) {
    for (position, field) in fields.iter().enumerate() {
        if field.always && seen & (1 << position) == 0 {
            write_key(field.key, start, out);
            if field.pointer {
                out.push_str("null");
            } else {
                write_zero(&field.kind, out);
            }
        }
    }
}

/// Writes what Go writes for a value that was not set.
fn write_zero(kind: &Kind, out: &mut String) {
    match kind {
        Kind::Str => out.push_str("\"\""),
        Kind::Quantity => out.push_str("\"0\""),
        Kind::Bool => out.push_str("false"),
        Kind::Int | Kind::IntOrString => out.push('0'),
        Kind::Struct(name) => {
            out.push('{');
            let start = out.len();
            write_missing(&type_named(name).fields, 0, start, out);
            out.push('}');
        }
        Kind::Time | Kind::Any | Kind::List(_) | Kind::Map(_) => out.push_str("null"),
    }
}
