//! How Go's `fmt` prints values: `print`, `println` and `printf` of templates.

use std::borrow::Cow;

use super::value::Value;
use crate::number::{exponent, general};

/// The widest field and the most digits that a format may ask for.
const MAX_WIDTH: usize = 10_000;

/// A value as `%v` prints it, and as an action of a template does.
pub(super) fn print<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Zero => Cow::Borrowed(""),
        Value::Absent => Cow::Borrowed("<no value>"),
        Value::Nil => Cow::Borrowed("<nil>"),
        Value::Str(text) => Cow::Borrowed(text),
        other => Cow::Owned(Verb::plain('v').format(other)),
    }
}

/// Go's `Sprint`: a space stands between two operands unless one of them is text.
pub(super) fn print_operands(operands: &[Value<'_>]) -> String {
    let is_text = |value: &Value<'_>| matches!(value, Value::Str(_) | Value::Zero | Value::Absent);
    let mut printed = String::new();
    for (i, operand) in operands.iter().enumerate() {
        if i > 0 && !is_text(operand) && !is_text(&operands[i - 1]) {
            printed.push(' ');
        }
        printed.push_str(&print(operand));
    }
    printed
}

/// Go's `Sprintf`, mistakes included: they show in the text, such as `%!d(string=x)`.
pub(super) fn sprintf(format: &str, operands: &[Value<'_>]) -> String {
    let mut out = String::with_capacity(format.len());
    let mut next = 0;
    let mut reordered = false;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut verb = Verb::plain('v');
        while let Some(flag) = chars.next_if(|c| "+-# 0".contains(*c)) {
            match flag {
                '+' => verb.plus = true,
                '-' => verb.minus = true,
                '#' => verb.sharp = true,
                ' ' => verb.space = true,
                _ => verb.zero = true,
            }
        }
        if let Some(place) = explicit_operand(&mut chars) {
            (next, reordered) = (place, true);
        }
        if chars.next_if_eq(&'*').is_some() {
            match star(operands, &mut next) {
                Some(width) => {
                    verb.minus |= width < 0;
                    verb.width = Some(width.unsigned_abs() as usize);
                }
                None => out.push_str("%!(BADWIDTH)"),
            }
        } else {
            verb.width = digits(&mut chars);
        }
        if chars.next_if_eq(&'.').is_some() {
            if let Some(place) = explicit_operand(&mut chars) {
                (next, reordered) = (place, true);
            }
            if chars.next_if_eq(&'*').is_some() {
                match star(operands, &mut next) {
                    Some(precision) => verb.precision = usize::try_from(precision).ok(),
                    None => out.push_str("%!(BADPREC)"),
                }
            } else {
                verb.precision = Some(digits(&mut chars).unwrap_or(0));
            }
        }
        if let Some(place) = explicit_operand(&mut chars) {
            (next, reordered) = (place, true);
        }
        let Some(kind) = chars.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        verb.kind = kind;
        if kind == '%' {
            out.push('%');
            continue;
        }
        match operands.get(next) {
            Some(operand) => out.push_str(&verb.format(operand)),
            None if reordered => out.push_str(&format!("%!{kind}(BADINDEX)")),
            None => out.push_str(&format!("%!{kind}(MISSING)")),
        }
        next += 1;
    }
    if !reordered && next < operands.len() {
        let extra: Vec<_> = operands[next..]
            .iter()
            .map(|operand| match operand {
                Value::Nil | Value::Absent => "<nil>".to_owned(),
                other => format!("{}={}", other.type_name(), print(other)),
            })
            .collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

type Chars<'f> = std::iter::Peekable<std::str::Chars<'f>>;

fn digits(chars: &mut Chars<'_>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
    }
    number
}

/// `[3]` names the third operand.
fn explicit_operand(chars: &mut Chars<'_>) -> Option<usize> {
    let mut ahead = chars.clone();
    if ahead.next() != Some('[') {
        return None;
    }
    let place = digits(&mut ahead)?;
    if ahead.next() != Some(']') {
        return None;
    }
    *chars = ahead;
    place.checked_sub(1)
}

/// An operand as width or precision.
fn star(operands: &[Value<'_>], next: &mut usize) -> Option<i32> {
    let operand = operands.get(*next);
    *next += 1;
    match operand {
        Some(Value::Int(value)) => {
            i32::try_from(*value).ok().filter(|v| v.unsigned_abs() as usize <= MAX_WIDTH)
        }
        Some(Value::Zero) => Some(0),
        _ => None,
    }
}

/// A verb of a format with its flags.
#[derive(Clone, Copy)]
struct Verb {
    kind: char,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Verb {
    fn plain(kind: char) -> Verb {
        Verb {
            kind,
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            width: None,
            precision: None,
        }
    }

    fn format(&self, value: &Value<'_>) -> String {
        if self.kind == 'T' {
            return self.pad(value.type_name());
        }
        match value {
            Value::Zero => self.format(&self.zero_value()),
            Value::Nil | Value::Absent if self.kind == 'v' => self.pad("<nil>"),
            Value::Nil | Value::Absent => format!("%!{}(<nil>)", self.kind),
            Value::Bool(truth) if matches!(self.kind, 'v' | 't') => self.pad(&truth.to_string()),
            Value::Int(number) => self.int(*number).unwrap_or_else(|| self.bad(value)),
            Value::Float(number) => self.float(*number).unwrap_or_else(|| self.bad(value)),
            Value::Str(text) => self.text(text).unwrap_or_else(|| self.bad(value)),
            Value::List(list) => {
                let items: Vec<_> = list.iter().map(|json| self.format(&Value::of(json))).collect();
                format!("[{}]", items.join(" "))
            }
            Value::Map(map) | Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let items: Vec<_> = entries
                    .iter()
                    .map(|(key, json)| {
                        let key = Value::Str(Cow::Borrowed(key.as_str()));
                        format!("{}:{}", self.format(&key), self.format(&Value::of(json)))
                    })
                    .collect();
                format!("map[{}]", items.join(" "))
            }
            Value::Bool(_) => self.bad(value),
        }
    }

    /// What a field that was left out stands for, judged by the verb.
    fn zero_value(&self) -> Value<'static> {
        match self.kind {
            't' => Value::Bool(false),
            'd' | 'b' | 'o' | 'O' | 'c' | 'U' => Value::Int(0),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => Value::Float(0.0),
            _ => Value::Str(Cow::Borrowed("")),
        }
    }

    fn bad(&self, value: &Value<'_>) -> String {
        let plain = Verb { kind: 'v', ..*self }.format(value);
        format!("%!{}({}={plain})", self.kind, value.type_name())
    }

    fn pad(&self, text: &str) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if missing == 0 {
            return text.to_owned();
        }
        if self.minus {
            return format!("{text}{}", " ".repeat(missing));
        }
        let fill = if self.zero { "0" } else { " " };
        format!("{}{text}", fill.repeat(missing))
    }

    /// Pads a number: zeros go between sign and digits.
    fn pad_number(&self, sign: &str, digits: &str) -> String {
        let text = format!("{sign}{digits}");
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.zero && !self.minus && missing > 0 {
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        Verb { zero: false, ..*self }.pad(&text)
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        }
    }

    fn int(&self, number: i128) -> Option<String> {
        let magnitude = number.unsigned_abs();
        let character =
            || u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let (prefix, mut digits) = match self.kind {
            'v' | 'd' => ("", magnitude.to_string()),
            'b' => (if self.sharp { "0b" } else { "" }, format!("{magnitude:b}")),
            'o' => (if self.sharp { "0" } else { "" }, format!("{magnitude:o}")),
            'O' => ("0o", format!("{magnitude:o}")),
            'x' => (if self.sharp { "0x" } else { "" }, format!("{magnitude:x}")),
            'X' => (if self.sharp { "0X" } else { "" }, format!("{magnitude:X}")),
            'c' => return Some(self.pad(&character().to_string())),
            'q' => return Some(self.pad(&quote(&character().to_string(), '\'', self.plus))),
            'U' => {
                let shown = if self.sharp {
                    format!("U+{magnitude:04X} '{}'", character())
                } else {
                    format!("U+{magnitude:04X}")
                };
                return Some(Verb { zero: false, ..*self }.pad(&shown));
            }
            _ => return None,
        };
        let mut verb = *self;
        if let Some(precision) = self.precision {
            // A precision is a number of digits and switches filling with zeros off.
            verb.zero = false;
            if precision == 0 && magnitude == 0 {
                return Some(" ".repeat(self.width.unwrap_or(0)));
            }
            digits = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())));
        }
        Some(verb.pad_number(&format!("{}{prefix}", self.sign(number < 0)), &digits))
    }

    fn float(&self, number: f64) -> Option<String> {
        let magnitude = number.abs();
        let sign = self.sign(number.is_sign_negative() && !number.is_nan());
        if !number.is_finite() {
            let name = if number.is_nan() { "NaN" } else { "Inf" };
            let sign = if sign.is_empty() && number.is_infinite() { "+" } else { sign };
            return Some(Verb { zero: false, ..*self }.pad_number(sign, name));
        }
        let digits = match self.kind {
            'f' | 'F' => format!("{magnitude:.*}", self.precision.unwrap_or(6)),
            'e' => exponent(&format!("{magnitude:.*e}", self.precision.unwrap_or(6)), 'e'),
            'E' => exponent(&format!("{magnitude:.*e}", self.precision.unwrap_or(6)), 'E'),
            'v' | 'g' => general(magnitude, self.precision, 'e'),
            'G' => general(magnitude, self.precision, 'E'),
            _ => return None,
        };
        Some(self.pad_number(sign, &digits))
    }

    fn text(&self, text: &str) -> Option<String> {
        let cut: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        match self.kind {
            'v' | 's' => Some(self.pad(&cut)),
            'q' if self.sharp && can_backquote(&cut) => Some(self.pad(&format!("`{cut}`"))),
            'q' => Some(self.pad(&quote(&cut, '"', self.plus))),
            'x' => Some(self.pad(&text.bytes().map(|b| format!("{b:02x}")).collect::<String>())),
            'X' => Some(self.pad(&text.bytes().map(|b| format!("{b:02X}")).collect::<String>())),
            _ => None,
        }
    }
}

fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || (c >= ' ' && c != '`' && c != '\u{7f}' && c != '\u{feff}'))
}

/// Go's `strconv.Quote` and `QuoteRune`.
fn quote(text: &str, mark: char, ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for c in text.chars() {
        match c {
            c if c == mark || c == '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_printable(c) && (c.is_ascii() || !ascii) => quoted.push(c),
            c if c < ' ' || c == '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x10000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push(mark);
    quoted
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the plain space.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Rust escapes the same characters when it prints a text for a programmer, but marks only at
    // the start of it.
    let text: String = ['a', c].iter().collect();
    text.escape_debug().nth(1) == Some(c)
}
