//! The tree that both readers make.

use std::borrow::Cow;
use std::fmt;

use super::scalar::{self, Value};

/// A place in a file. Both numbers count from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Line, from 1. 0 stands for "somewhere in the file".
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Mark {
    /// The first character of a file.
    pub const START: Mark = Mark { line: 1, column: 1 };

    /// The place right after `text`.
    pub fn after(text: &str) -> Mark {
        let line = text.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
        let tail = text.rsplit('\n').next().unwrap_or_default();
        Mark { line, column: tail.chars().count() as u32 + 1 }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One value with its place.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// Where the value begins.
    pub mark: Mark,
    /// The value.
    pub kind: NodeKind<'a>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind<'a> {
    /// Text, plain or quoted.
    Scalar(Scalar<'a>),
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// Keys with values, in the order of the file. No key occurs twice.
    Mapping(Vec<Entry<'a>>),
}

/// A scalar as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar<'a> {
    /// The text, with quotes, escapes and folding undone.
    pub text: Cow<'a, str>,
    /// Whether it was written without quotes, so that `true` or `12` are not text.
    pub plain: bool,
}

/// One key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The key; numbers and booleans as the text that Go makes of them.
    pub key: Cow<'a, str>,
    /// Where the key stands.
    pub mark: Mark,
    /// The value.
    pub value: Node<'a>,
}

// Two trees are equal if they say the same; where they say it does not matter.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl<'a> Node<'a> {
    /// A null at `mark`.
    pub fn null(mark: Mark) -> Self {
        Node { mark, kind: NodeKind::Scalar(Scalar { text: Cow::Borrowed(""), plain: true }) }
    }

    /// Whether this is a null (`~`, `null` or nothing).
    pub fn is_null(&self) -> bool {
        match &self.kind {
            NodeKind::Scalar(scalar) => matches!(scalar.value(), Value::Null),
            _ => false,
        }
    }

    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; empty for anything else.
    pub fn entries(&self) -> &[Entry<'a>] {
        match &self.kind {
            NodeKind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a sequence; empty for anything else.
    pub fn elements(&self) -> &[Node<'a>] {
        match &self.kind {
            NodeKind::Sequence(elements) => elements,
            _ => &[],
        }
    }

    /// What the node is, in words for an error message: `a list`, `the number 3`.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Sequence(_) => "a list".to_owned(),
            NodeKind::Mapping(_) => "a mapping".to_owned(),
            NodeKind::Scalar(scalar) => match scalar.value() {
                Value::Null => "nothing".to_owned(),
                Value::Bool(value) => format!("the boolean {value}"),
                Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
                    format!("the number {}", scalar.text)
                }
                Value::Text(text) => format!("the text \"{}\"", shorten(text)),
            },
        }
    }
}

impl Scalar<'_> {
    /// What the scalar means, by the rules of the Go reader.
    pub fn value(&self) -> Value<'_> {
        if self.plain { scalar::resolve(&self.text) } else { Value::Text(&self.text) }
    }
}

/// At most 60 characters of a text, for messages.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace('\n', "\\n")
}
