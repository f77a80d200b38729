//! From a YAML tree to the messages of the configuration.
//!
//! Everything wrong is told with its line; a value that cannot be used leaves out the group, tab or
//! dashboard that it stands in, and nothing else. Two things are read that TestGrid's own reader
//! cannot: the alternatives of a `oneof` (`property_name`, `gcs_config`, `string_value` …), and
//! enumerations by name.

use std::path::Path;
use std::sync::Arc;

use config_load::Diagnostic;
use config_load::yaml::scalar::{self, Value};
use config_load::yaml::{Entry, Mark, Node, NodeKind};
use serde_json::{Map, Number, Value as Written};

/// The rule of values that do not fit their field.
pub(crate) const VALUE_RULE: &str = "testgrid-value";
/// The rule of keys that no message has.
pub(crate) const UNKNOWN_RULE: &str = "testgrid-unknown-field";

/// Where a value is read, and what was found on the way.
pub(crate) struct Reader<'d> {
    file: &'d Arc<Path>,
    /// Unknown keys are errors.
    strict: bool,
    /// Keys and indices from the top of the file.
    path: Vec<Step>,
    out: &'d mut Vec<Diagnostic>,
    /// How many errors were told.
    errors: usize,
}

#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
}

impl<'d> Reader<'d> {
    pub(crate) fn new(file: &'d Arc<Path>, strict: bool, out: &'d mut Vec<Diagnostic>) -> Self {
        Reader { file, strict, path: Vec::new(), out, errors: 0 }
    }

    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Reads the value of a key.
    pub(crate) fn under<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Key(key));
        let value = read(self);
        self.path.pop();
        value
    }

    /// Reads an element of a list.
    pub(crate) fn at_index<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Index(index));
        let value = read(self);
        self.path.pop();
        value
    }

    pub(crate) fn mismatch(&mut self, node: &Node<'_>, expected: &str) {
        let message = format!("expected {expected}, found {}", node.describe());
        self.error(node.mark, VALUE_RULE, &message);
    }

    pub(crate) fn unknown(&mut self, key: &str, mark: Mark, known: &[&'static str]) {
        let mut message = format!("unknown field `{key}`");
        if let Some(near) = nearest(key, known) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        if self.strict {
            self.error(mark, UNKNOWN_RULE, &message);
        } else {
            self.warning(mark, UNKNOWN_RULE, &message);
        }
    }

    pub(crate) fn error(&mut self, mark: Mark, rule: &'static str, message: &str) {
        self.errors += 1;
        let message = self.placed(message);
        self.out.push(Diagnostic::error(rule, message).in_file(self.file).at(mark));
    }

    pub(crate) fn warning(&mut self, mark: Mark, rule: &'static str, message: &str) {
        let message = self.placed(message);
        self.out.push(Diagnostic::warning(rule, message).in_file(self.file).at(mark));
    }

    fn placed(&self, message: &str) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if place.is_empty() => place.push_str(key),
                Step::Key(key) => {
                    place.push('.');
                    place.push_str(key);
                }
                Step::Index(index) => place.push_str(&format!("[{index}]")),
            }
        }
        if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") }
    }
}

/// The known key that differs in at most two letters.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    const FARTHEST: usize = 2;
    let distances = known.iter().map(|candidate| (distance(key, candidate), *candidate));
    distances.filter(|(far, _)| *far <= FARTHEST).min().map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out or exchanged to come from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 80;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// What can stand as the value of a key.
pub(crate) trait Field {
    /// Takes the value from a node that is not null.
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>);

    /// The value as configurator writes it in YAML; None for the zero value, which it leaves out.
    fn written(&self) -> Option<Written>;

    /// What stands for the zero value where it cannot be left out.
    fn zero() -> Written {
        Written::Object(Map::new())
    }

    /// Takes the value from a node; a null leaves the zero value.
    fn read_nullable(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        if !node.is_null() {
            self.read(node, at);
        }
    }
}

impl Field for String {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        // Booleans and numbers are taken for text, as the Go reader does where a string is wanted.
        match &node.kind {
            NodeKind::Scalar(scalar) if scalar.plain => match scalar.value() {
                Value::Text(text) => *self = text.to_owned(),
                value => *self = scalar::as_go_string(value).unwrap_or_default(),
            },
            NodeKind::Scalar(scalar) => *self = scalar.text.clone().into_owned(),
            _ => at.mismatch(node, "text"),
        }
    }

    fn written(&self) -> Option<Written> {
        (!self.is_empty()).then(|| self.as_str().into())
    }

    fn zero() -> Written {
        "".into()
    }
}

impl Field for bool {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        match scalar_value(node) {
            Some(Value::Bool(value)) => *self = value,
            _ => at.mismatch(node, "true or false"),
        }
    }

    fn written(&self) -> Option<Written> {
        self.then_some(Written::Bool(true))
    }

    fn zero() -> Written {
        false.into()
    }
}

impl Field for i64 {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        match scalar_value(node) {
            Some(Value::Int(value)) => *self = value,
            // `3.0` and `1e3` are whole numbers to Go.
            Some(Value::Float(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
                *self = value as i64;
            }
            _ => at.mismatch(node, "a whole number"),
        }
    }

    fn written(&self) -> Option<Written> {
        (*self != 0).then(|| (*self).into())
    }

    fn zero() -> Written {
        0.into()
    }
}

impl Field for i32 {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        let mut wide = 0i64;
        wide.read(node, at);
        match i32::try_from(wide) {
            Ok(value) => *self = value,
            Err(_) => at.mismatch(node, "a whole number of 32 bits"),
        }
    }

    fn written(&self) -> Option<Written> {
        i64::from(*self).written()
    }

    fn zero() -> Written {
        0.into()
    }
}

impl Field for f64 {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        match scalar_value(node) {
            Some(Value::Int(value)) => *self = value as f64,
            Some(Value::Uint(value)) => *self = value as f64,
            Some(Value::Float(value)) if value.is_finite() => *self = value,
            _ => at.mismatch(node, "a number"),
        }
    }

    fn written(&self) -> Option<Written> {
        if *self == 0.0 { None } else { Number::from_f64(*self).map(Written::Number) }
    }

    fn zero() -> Written {
        0.into()
    }
}

impl Field for f32 {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        let mut wide = 0f64;
        wide.read(node, at);
        *self = wide as f32;
    }

    fn written(&self) -> Option<Written> {
        // The shortest digits that give back these bits, not those of the wider number.
        self.to_string().parse::<f64>().ok()?.written()
    }

    fn zero() -> Written {
        0.into()
    }
}

impl<T: Field + Default> Field for Vec<T> {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        if !matches!(node.kind, NodeKind::Sequence(_)) {
            return at.mismatch(node, "a list");
        }
        let elements = node.elements();
        self.reserve_exact(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let mut value = T::default();
            at.at_index(index, |at| value.read_nullable(element, at));
            self.push(value);
        }
    }

    fn written(&self) -> Option<Written> {
        if self.is_empty() {
            return None;
        }
        Some(self.iter().map(written_always).collect())
    }
}

impl<T: Field + Default> Field for Option<T> {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        let mut value = T::default();
        value.read(node, at);
        *self = Some(value);
    }

    fn written(&self) -> Option<Written> {
        // A message that is there is written even if nothing is in it.
        Some(written_always(self.as_ref()?))
    }
}

/// A value that is written even if it is zero, such as a chosen alternative.
pub(crate) fn written_always<T: Field>(value: &T) -> Written {
    value.written().unwrap_or_else(|| T::zero())
}

fn scalar_value<'n>(node: &'n Node<'_>) -> Option<Value<'n>> {
    match &node.kind {
        NodeKind::Scalar(scalar) => Some(scalar.value()),
        _ => None,
    }
}

/// A message with named fields.
pub(crate) trait Fields: Default {
    /// The names, as they stand in YAML.
    const KEYS: &'static [&'static str];

    /// Takes the value of the field at `position` of [`Fields::KEYS`].
    fn set(&mut self, position: usize, node: &Node<'_>, at: &mut Reader<'_>);

    /// The value of the field at `position`, as [`Field::written`].
    fn get(&self, position: usize) -> Option<Written>;

    /// Takes one entry of a mapping.
    fn read_entry(&mut self, entry: &Entry<'_>, at: &mut Reader<'_>) {
        let exact = Self::KEYS.iter().position(|key| *key == entry.key);
        // The Go reader takes keys in any case when none fits exactly.
        let position = exact
            .or_else(|| Self::KEYS.iter().position(|key| key.eq_ignore_ascii_case(&entry.key)));
        match position {
            Some(position) => {
                at.under(Self::KEYS[position], |at| self.set(position, &entry.value, at));
            }
            None => at.unknown(&entry.key, entry.mark, Self::KEYS),
        }
    }
}

/// Rare messages are kept apart from what has them, of which there are thousands.
impl<T: Fields> Fields for Box<T> {
    const KEYS: &'static [&'static str] = T::KEYS;

    fn set(&mut self, position: usize, node: &Node<'_>, at: &mut Reader<'_>) {
        (**self).set(position, node, at);
    }

    fn get(&self, position: usize) -> Option<Written> {
        (**self).get(position)
    }

    fn read_entry(&mut self, entry: &Entry<'_>, at: &mut Reader<'_>) {
        (**self).read_entry(entry, at);
    }
}

impl<T: Fields> Field for T {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            return at.mismatch(node, "a mapping");
        }
        for entry in node.entries() {
            self.read_entry(entry, at);
        }
    }

    fn written(&self) -> Option<Written> {
        let fields = T::KEYS
            .iter()
            .enumerate()
            .filter_map(|(position, key)| Some(((*key).to_owned(), self.get(position)?)));
        let fields: Map<String, Written> = fields.collect();
        (!fields.is_empty()).then_some(Written::Object(fields))
    }
}

/// Reads an enumerated field: its number, or its name with or without `prefix`.
pub(crate) fn read_enumerated(
    value: &mut i32,
    names: &[(&str, i32)],
    prefix: &str,
    node: &Node<'_>,
    at: &mut Reader<'_>,
) {
    match scalar_value(node) {
        Some(Value::Null) => {}
        Some(Value::Text(text)) => {
            let short = text.strip_prefix(prefix).unwrap_or(text);
            match names.iter().find(|(name, _)| name.eq_ignore_ascii_case(short)) {
                Some((_, number)) => *value = *number,
                None => at.mismatch(node, &one_of(names)),
            }
        }
        _ => {
            value.read(node, at);
            let number = *value;
            if !names.iter().any(|(_, known)| *known == number) {
                let message = format!("{number} has no meaning here; expected {}", one_of(names));
                at.warning(node.mark, VALUE_RULE, &message);
            }
        }
    }
}

/// Reads a list of enumerated values.
pub(crate) fn read_enumerated_list(
    values: &mut Vec<i32>,
    names: &[(&str, i32)],
    prefix: &str,
    node: &Node<'_>,
    at: &mut Reader<'_>,
) {
    match &node.kind {
        NodeKind::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let mut value = 0;
                at.at_index(index, |at| read_enumerated(&mut value, names, prefix, element, at));
                values.push(value);
            }
        }
        _ if node.is_null() => {}
        _ => at.mismatch(node, "a list"),
    }
}

fn one_of(names: &[(&str, i32)]) -> String {
    let shown: Vec<String> =
        names.iter().map(|(name, number)| format!("{number} ({name})")).collect();
    format!("one of {}", shown.join(", "))
}

/// Takes one alternative of a `oneof`; a second one is an error.
pub(crate) fn read_alternative<T: Field + Default, E>(
    slot: &mut Option<E>,
    make: impl FnOnce(T) -> E,
    node: &Node<'_>,
    at: &mut Reader<'_>,
) {
    if node.is_null() {
        return;
    }
    let mut value = T::default();
    value.read(node, at);
    if slot.is_some() {
        at.error(node.mark, VALUE_RULE, "another alternative of this field is set already");
        return;
    }
    *slot = Some(make(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_gets_the_nearest_known_one() {
        let known = ["days_of_results", "gcs_prefix"];
        assert_eq!(nearest("days_of_result", &known), Some("days_of_results"));
        assert_eq!(nearest("gsc_prefix", &known), Some("gcs_prefix"));
        assert_eq!(nearest("description", &known), None);
        assert_eq!(nearest(&"x".repeat(500), &known), None);
    }
}
