//! From the tree to typed values, through serde, with a place and a path on every error.
//!
//! Where a string is wanted, a boolean or number is taken for one in some places and refused in others,
//! as in Go ([`Strings`]). A null gives the zero value. Keys that a type does not have are skipped
//! here; [`crate::unknown`] names them.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::node::{Entry, Mark, Node, NodeKind, Scalar};
use super::scalar::{self, Value};

/// What becomes of booleans and numbers where a string is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// They are taken for text as Go writes it: `yes` for "true", `0400` for "256".
    Coerced,
    /// They are refused: whoever means text must quote it.
    Exact,
    /// As [`Strings::Exact`], but for these keys of the outermost mapping as [`Strings::Coerced`].
    /// That is how Prow's reader treats a struct that embeds another.
    ExactExcept(&'static [&'static str]),
}

impl Strings {
    fn below(self, key: &str) -> Strings {
        match self {
            Strings::ExactExcept(keys) if keys.contains(&key) => Strings::Coerced,
            Strings::ExactExcept(_) => Strings::Exact,
            same => same,
        }
    }
}

/// Reads a value of type `T` from a node, booleans and numbers taken for text where that is wanted.
pub fn from_node<'de, T: de::Deserialize<'de>>(node: &'de Node<'_>) -> Result<T, DeError> {
    from_node_with(node, Strings::Coerced)
}

/// Reads a value of type `T` from a node.
pub fn from_node_with<'de, T: de::Deserialize<'de>>(
    node: &'de Node<'_>,
    strings: Strings,
) -> Result<T, DeError> {
    T::deserialize(NodeDeserializer { node, strings }).map_err(|err| err.at(node.mark))
}

/// What does not fit a type, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeError {
    /// Where the value that does not fit begins.
    pub mark: Mark,
    /// The way to it from the value that was read, such as `spec.containers[0].image`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl DeError {
    fn at(mut self, mark: Mark) -> Self {
        if self.mark.line == 0 {
            self.mark = mark;
        }
        self
    }

    fn under_key(mut self, key: &str) -> Self {
        if self.path.is_empty() || self.path.starts_with('[') {
            self.path.insert_str(0, key);
        } else {
            self.path = format!("{key}.{}", self.path);
        }
        self
    }

    fn under_index(mut self, index: usize) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{separator}{}", self.path);
        self
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        // A reader of a part of the value may have named the end of the path itself.
        let message = match self.message.split_once(": ") {
            Some((end, rest)) if self.path.ends_with(end) => rest,
            _ => &self.message,
        };
        write!(f, "{}: {message}", self.path)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DeError { mark: Mark::default(), path: String::new(), message: message.to_string() }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Map => "a mapping".to_owned(),
            de::Unexpected::Str(text) => format!("the text \"{text}\""),
            de::Unexpected::Bool(value) => format!("the boolean {value}"),
            de::Unexpected::Signed(value) => format!("the number {value}"),
            de::Unexpected::Unsigned(value) => format!("the number {value}"),
            de::Unexpected::Float(value) => format!("the number {value}"),
            other => other.to_string(),
        };
        Self::custom(format!("expected {expected}, found {found}"))
    }
}

/// A serde deserializer over one node.
#[derive(Clone, Copy, Debug)]
pub struct NodeDeserializer<'n, 'a> {
    node: &'n Node<'a>,
    strings: Strings,
}

impl<'n> NodeDeserializer<'n, '_> {
    fn mismatch<T>(&self, expected: &str) -> Result<T, DeError> {
        Err(DeError {
            mark: self.node.mark,
            path: String::new(),
            message: format!("expected {expected}, found {}", self.node.describe()),
        })
    }

    fn scalar(&self) -> Option<&'n Scalar<'n>> {
        match &self.node.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn visit_sequence<V: Visitor<'n>>(
        &self,
        elements: &'n [Node<'n>],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let strings = self.strings.below("");
        visitor.visit_seq(Elements { elements: elements.iter(), index: 0, strings })
    }

    fn visit_mapping<V: Visitor<'n>>(
        &self,
        entries: &'n [Entry<'n>],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let strings = self.strings;
        visitor.visit_map(Entries { entries: entries.iter(), current: None, strings })
    }

    fn integer<V: Visitor<'n>>(&self, visitor: V) -> Result<V::Value, DeError> {
        let Some(scalar) = self.scalar() else {
            return self.mismatch("a whole number");
        };
        match scalar.value() {
            Value::Int(value) => visitor.visit_i64(value),
            Value::Uint(value) => visitor.visit_u64(value),
            Value::Null => visitor.visit_i64(0),
            // 1e3 is a whole number, too. The bound is where not every whole number has a float.
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                visitor.visit_i64(value as i64)
            }
            _ => self.mismatch("a whole number"),
        }
    }

    fn float<V: Visitor<'n>>(&self, visitor: V) -> Result<V::Value, DeError> {
        let Some(scalar) = self.scalar() else {
            return self.mismatch("a number");
        };
        match scalar.value() {
            Value::Int(value) => visitor.visit_f64(value as f64),
            Value::Uint(value) => visitor.visit_f64(value as f64),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Null => visitor.visit_f64(0.0),
            _ => self.mismatch("a number"),
        }
    }

    fn string<V: Visitor<'n>>(&self, visitor: V) -> Result<V::Value, DeError> {
        let Some(scalar) = self.scalar() else {
            return self.mismatch("a string");
        };
        match scalar.value() {
            Value::Text(_) => visitor.visit_borrowed_str(&scalar.text),
            Value::Null => visitor.visit_borrowed_str(""),
            value => match scalar::as_go_string(value) {
                Some(text) if self.strings == Strings::Coerced => visitor.visit_string(text),
                _ => self.mismatch("a string, in quotes"),
            },
        }
    }
}

impl<'n> Deserializer<'n> for NodeDeserializer<'n, 'n> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            NodeKind::Sequence(elements) => self.visit_sequence(elements, visitor),
            NodeKind::Mapping(entries) => self.visit_mapping(entries, visitor),
            NodeKind::Scalar(scalar) => match scalar.value() {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(value),
                Value::Int(value) => visitor.visit_i64(value),
                Value::Uint(value) => visitor.visit_u64(value),
                Value::Float(value) => visitor.visit_f64(value),
                Value::Text(_) => visitor.visit_borrowed_str(&scalar.text),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.scalar().map(Scalar::value) {
            Some(Value::Bool(value)) => visitor.visit_bool(value),
            Some(Value::Null) => visitor.visit_bool(false),
            _ => self.mismatch("true or false"),
        }
    }

    fn deserialize_i8<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_i16<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_i32<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_i64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_u8<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_u16<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_u32<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_u64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.integer(visitor)
    }
    fn deserialize_f32<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.float(visitor)
    }
    fn deserialize_f64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.float(visitor)
    }
    fn deserialize_char<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }
    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }
    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }
    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }
    fn deserialize_bytes<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }
    fn deserialize_byte_buf<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.string(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { visitor.visit_unit() } else { self.mismatch("nothing") }
    }

    fn deserialize_unit_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            NodeKind::Sequence(elements) => self.visit_sequence(elements, visitor),
            _ if self.node.is_null() => self.visit_sequence(&[], visitor),
            _ => self.mismatch("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'n>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            NodeKind::Mapping(entries) => self.visit_mapping(entries, visitor),
            _ if self.node.is_null() => self.visit_mapping(&[], visitor),
            _ => self.mismatch("a mapping"),
        }
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.scalar() {
            Some(scalar) => visitor
                .visit_enum(IntoDeserializer::<DeError>::into_deserializer(&*scalar.text))
                .map_err(|err: DeError| err.at(self.node.mark)),
            None => self.mismatch("a word"),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }
}

struct Elements<'n> {
    elements: std::slice::Iter<'n, Node<'n>>,
    index: usize,
    strings: Strings,
}

impl<'n> SeqAccess<'n> for Elements<'n> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeError> {
        let Some(node) = self.elements.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(NodeDeserializer { node, strings: self.strings })
            .map(Some)
            .map_err(|err| err.at(node.mark).under_index(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct Entries<'n> {
    entries: std::slice::Iter<'n, Entry<'n>>,
    current: Option<&'n Entry<'n>>,
    strings: Strings,
}

impl<'n> MapAccess<'n> for Entries<'n> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeError> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        seed.deserialize(de::value::BorrowedStrDeserializer::new(&entry.key))
            .map(Some)
            .map_err(|err: DeError| err.at(entry.mark))
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value was read before its key"));
        };
        let strings = self.strings.below(&entry.key);
        seed.deserialize(NodeDeserializer { node: &entry.value, strings })
            .map_err(|err| err.at(entry.value.mark).under_key(&entry.key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// One entry of a mapping as a map of its own, so that a struct can be read key by key and a bad
/// value does not hide the others.
pub struct SingleEntry<'n>(Entries<'n>);

impl<'n> SingleEntry<'n> {
    /// A map of `entry` alone, its key already taken.
    pub fn new(entry: &'n Entry<'n>, strings: Strings) -> Self {
        SingleEntry(Entries { entries: [].iter(), current: Some(entry), strings })
    }
}

impl<'n> MapAccess<'n> for SingleEntry<'n> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        _seed: K,
    ) -> Result<Option<K::Value>, DeError> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        self.0.next_value_seed(seed)
    }
}
