//! YAML as `sigs.k8s.io/yaml` prints it, byte for byte: what `mkpj`, `mkpod`, `kubectl` and Deck's
//! `/prowjob` and `/rerun` show, and what people diff.
//!
//! Keys are sorted with numbers in them compared as numbers, lists stand at the column of their
//! key, long lines fold at spaces, and a text is quoted wherever YAML 1.1 would read something
//! else than that text (`"yes"`, `"12:30"`, `"2026-11-21"`).

mod resolve;
mod scalar;

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::number::go_general_float;
use scalar::Style;

/// Columns of one level.
const INDENT: usize = 2;

/// The column behind which a line folds at the next space.
const WIDTH: usize = 80;

/// Keys longer than this, in bytes, need the explicit form `? key`.
const MAX_SIMPLE_KEY: usize = 128;

/// The document as YAML, with a line break at the end.
pub fn to_yaml(value: &Value) -> String {
    let mut emitter = Emitter::default();
    emitter.node(value, None, Place::Root);
    emitter.break_to(0);
    emitter.out
}

/// Where a node stands; it decides how a list below it is indented.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Key,
    Value,
}

/// Text written so far and the state that decides about spaces and line breaks before the next
/// part. `at_space` means that the text ends with white space that may serve as a separator,
/// `only_indent` that the line holds nothing but indentation and indicators.
struct Emitter {
    out: String,
    column: usize,
    at_space: bool,
    only_indent: bool,
}

impl Default for Emitter {
    fn default() -> Self {
        Emitter { out: String::new(), column: 0, at_space: true, only_indent: true }
    }
}

impl Emitter {
    /// Writes a value; `indent` is the column of the block around it, nothing at the root.
    fn node(&mut self, value: &Value, indent: Option<usize>, place: Place) {
        match value {
            Value::Null => self.plain("null", indent, false),
            Value::Bool(truth) => self.plain(if *truth { "true" } else { "false" }, indent, false),
            Value::Number(number) => self.plain(&number_text(number), indent, false),
            Value::String(text) => self.text(text, indent, place == Place::Key),
            Value::Array(items) if items.is_empty() => self.indicator("[]", true, false, false),
            Value::Object(map) if map.is_empty() => self.indicator("{}", true, false, false),
            Value::Array(items) => {
                let flush = place == Place::Value && !self.only_indent;
                let column = match indent {
                    None => 0,
                    Some(indent) if flush => indent,
                    Some(indent) => indent + INDENT,
                };
                for item in items {
                    self.break_to(column);
                    self.indicator("-", true, false, true);
                    self.node(item, Some(column), Place::Item);
                }
            }
            Value::Object(map) => {
                let column = indent.map_or(0, |indent| indent + INDENT);
                for (key, value) in sorted(map) {
                    self.break_to(column);
                    if key.len() <= MAX_SIMPLE_KEY && !scalar::is_multiline(key) {
                        self.text(key, Some(column), true);
                        self.indicator(":", false, false, false);
                    } else {
                        self.indicator("?", true, false, true);
                        self.text(key, Some(column), false);
                        self.break_to(column);
                        self.indicator(":", true, false, true);
                    }
                    self.node(value, Some(column), Place::Value);
                }
            }
        }
    }

    fn text(&mut self, text: &str, indent: Option<usize>, simple_key: bool) {
        match scalar::style(text, simple_key) {
            Style::Plain => self.plain(text, indent, simple_key),
            Style::SingleQuoted => self.single_quoted(text, indent, simple_key),
            Style::DoubleQuoted => self.double_quoted(text, indent, simple_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: Option<usize>, simple_key: bool) {
        if !self.at_space {
            self.put(' ');
        }
        self.folded(text, indent, simple_key, |emitter, c| emitter.put(c));
        self.at_space = false;
        self.only_indent = false;
    }

    fn single_quoted(&mut self, text: &str, indent: Option<usize>, simple_key: bool) {
        self.indicator("'", true, false, false);
        self.folded(text, indent, simple_key, |emitter, c| {
            if c == '\'' {
                emitter.put('\'');
            }
            emitter.put(c);
        });
        self.indicator("'", false, false, false);
        self.at_space = false;
        self.only_indent = false;
    }

    /// Writes a text without line breaks, folded at single spaces behind [`WIDTH`].
    fn folded(
        &mut self,
        text: &str,
        indent: Option<usize>,
        simple_key: bool,
        mut write: impl FnMut(&mut Emitter, char),
    ) {
        let column = scalar_column(indent);
        let mut after_space = false;
        for (i, c) in text.char_indices() {
            if c == ' ' {
                let inside = i > 0 && i + 1 < text.len();
                let single = !after_space && !text[i + 1..].starts_with(' ');
                if !simple_key && single && inside && self.column > WIDTH {
                    self.break_to(column);
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                write(self, c);
                self.only_indent = false;
                after_space = false;
            }
        }
    }

    fn double_quoted(&mut self, text: &str, indent: Option<usize>, simple_key: bool) {
        let column = scalar_column(indent);
        self.indicator("\"", true, false, false);
        let mut after_space = false;
        // go-yaml escapes every character of a text that begins with a byte order mark.
        let escape_all = text.starts_with('\u{feff}');
        for (i, c) in text.char_indices() {
            if c == ' ' && !escape_all {
                let inside = i > 0 && i + 1 < text.len();
                if !simple_key && !after_space && inside && self.column > WIDTH {
                    self.break_to(column);
                    if text[i + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
                continue;
            }
            after_space = false;
            match scalar::escape(c, escape_all) {
                Some(escaped) => escaped.chars().for_each(|c| self.put(c)),
                None => self.put(c),
            }
        }
        self.indicator("\"", false, false, false);
        self.at_space = false;
        self.only_indent = false;
    }

    /// `|` with its hints and the lines below, each at the scalar's column.
    fn literal(&mut self, text: &str, indent: Option<usize>) {
        let column = scalar_column(indent);
        self.indicator("|", true, false, false);
        if text.starts_with([' ', '\n']) {
            self.indicator(&INDENT.to_string(), false, false, false);
        }
        if !text.ends_with('\n') {
            self.indicator("-", false, false, false);
        } else if text == "\n" || text.ends_with("\n\n") {
            self.indicator("+", false, false, false);
        }
        self.put_break();
        self.only_indent = true;
        self.at_space = true;
        let mut line_start = true;
        for c in text.chars() {
            if c == '\n' {
                self.put_break();
                self.only_indent = true;
                line_start = true;
            } else {
                if line_start {
                    self.break_to(column);
                }
                self.put(c);
                self.only_indent = false;
                line_start = false;
            }
        }
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indent: bool) {
        if needs_space && !self.at_space {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.at_space = is_space;
        self.only_indent = self.only_indent && is_indent;
    }

    /// Goes to a column: on this line if it holds only indentation up to there, else on the next.
    fn break_to(&mut self, column: usize) {
        if !self.only_indent || self.column > column || (self.column == column && !self.at_space) {
            self.put_break();
        }
        while self.column < column {
            self.put(' ');
        }
        self.at_space = true;
        self.only_indent = true;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }
}

/// Where the further lines of a scalar begin.
fn scalar_column(indent: Option<usize>) -> usize {
    indent.map_or(INDENT, |indent| indent + INDENT)
}

/// A number as Go's JSON and YAML packages leave it, one after the other: whole ones in full,
/// others in the shorter form.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let whole = float.fract() == 0.0 && (i64::MIN as f64..u64::MAX as f64).contains(&float);
            if whole { format!("{float:.0}") } else { go_general_float(float) }
        }
        _ => number.to_string(),
    }
}

/// The entries in the order of go-yaml.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> = Vec::with_capacity(map.len());
    for (key, value) in map {
        // The order is not quite transitive where zeros lead a number, which the sorting of the
        // standard library may refuse with a panic; searching for the place cannot fail.
        let place =
            entries.partition_point(|(before, _)| compare_keys(before, key) != Ordering::Greater);
        entries.insert(place, (key, value));
    }
    entries
}

/// Letters sort behind all else, numbers by value.
fn compare_keys(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    let (x, y) = (a[i], b[i]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero within a number weighs as any other digit; at its start it does not count.
    let within_number = (x == '0' || y == '0')
        && a[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let number = |text: &[char]| {
        let digits = text[i..].iter().take_while(|c| c.is_ascii_digit());
        digits.fold((u64::from(within_number), 0), |(value, length), digit| {
            let digit = u64::from(u32::from(*digit) - u32::from('0'));
            (value.wrapping_mul(10).wrapping_add(digit), length + 1)
        })
    };
    let ((x_value, x_length), (y_value, y_length)): ((u64, usize), (u64, usize)) =
        (number(&a), number(&b));
    (x_value as i64).cmp(&(y_value as i64)).then(x_length.cmp(&y_length)).then(x.cmp(&y))
}
