//! What a plain scalar means: YAML 1.1 as the Go reader behind Prow understands it.
//!
//! Differences to YAML 1.2 that real configurations rely on: `yes`, `no`, `on`, `off`, `y` and `n`
//! are booleans; a leading `0` makes a number octal (`0400` is 256); `_` may separate digits.
//! Dates stay text.

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`, `~` or nothing at all.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that only fits without a sign.
    Uint(u64),
    /// A number with a fraction or an exponent, infinite, or not a number.
    Float(f64),
    /// Text.
    Text(&'a str),
}

/// The value of a plain (unquoted) scalar.
pub fn resolve(text: &str) -> Value<'_> {
    let Some(first) = text.bytes().next() else {
        return Value::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Value::Float(f64::INFINITY),
            _ => match parse_go_float(text) {
                Some(value) => Value::Float(value),
                None => Value::Text(text),
            },
        },
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => Value::Text(text),
    }
}

/// The text that Go's YAML-to-JSON step makes of a value where a string is wanted: `yes` becomes
/// `true`, `0400` becomes `256`, `1.20` becomes `1.2`. None for null.
pub fn as_go_string(value: Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => format_float(value),
        Value::Text(text) => text.to_owned(),
    })
}

fn word(text: &str) -> Value<'_> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => Value::Text(text),
    }
}

fn number(text: &str) -> Value<'_> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if is_timestamp(text) {
        return Value::Text(text);
    }
    let joined;
    let digits = if text.contains('_') {
        joined = text.replace('_', "");
        joined.as_str()
    } else {
        text
    };
    if let Some(value) = parse_int(digits) {
        return value;
    }
    if is_yaml_float(digits) {
        // Go's parser reports an overflow (1e999) as an error, which leaves the text as it is.
        if let Ok(value) = digits.parse::<f64>()
            && value.is_finite()
        {
            return Value::Float(value);
        }
    }
    Value::Text(text)
}

/// Go's `strconv.ParseInt(s, 0, 64)`, then `ParseUint`.
fn parse_int<'a>(text: &str) -> Option<Value<'a>> {
    let (negative, signed, rest) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let lower = rest.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &rest[2..]),
        Some("0b") => (2, &rest[2..]),
        Some("0o") => (8, &rest[2..]),
        _ if rest.len() > 1 && rest.starts_with('0') => (8, &rest[1..]),
        _ => (10, rest),
    };
    if digits.is_empty() || !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Value::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Value::Int(value)),
        // ParseUint takes no sign.
        Err(_) if !signed => Some(Value::Uint(magnitude)),
        Err(_) => None,
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// Go's `strconv.ParseFloat` for a text that begins with a dot.
fn parse_go_float(text: &str) -> Option<f64> {
    if !is_yaml_float(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether the Go reader takes the text for a date, which it then leaves as text:
/// `2006-1-2`, optionally with a time.
fn is_timestamp(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.by_ref().take(4).all(|b| b.is_ascii_digit()) && bytes.next() == Some(b'-')
}

/// Go's shortest 32-bit form of a float (`strconv.FormatFloat(f, 'g', -1, 32)`).
fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let single = value as f32;
    if single == 0.0 {
        return if single.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{single:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The form 'g' with the shortest precision uses an exponent below 10⁻⁴ and from 10⁶ on.
    if (-4..6).contains(&exponent) {
        format!("{single}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_yaml_1_1_are_booleans_and_nulls() {
        for text in ["y", "Yes", "TRUE", "on"] {
            assert_eq!(resolve(text), Value::Bool(true), "{text}");
        }
        for text in ["n", "NO", "false", "Off"] {
            assert_eq!(resolve(text), Value::Bool(false), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(resolve(text), Value::Null, "{text}");
        }
        for text in ["yEs", "tRue", "nULL", "none", "nothing", "ON!"] {
            assert_eq!(resolve(text), Value::Text(text), "{text}");
        }
    }

    #[test]
    fn numbers_follow_go() {
        assert_eq!(resolve("0400"), Value::Int(256));
        assert_eq!(resolve("0o17"), Value::Int(15));
        assert_eq!(resolve("0x1F"), Value::Int(31));
        assert_eq!(resolve("-0b101"), Value::Int(-5));
        assert_eq!(resolve("1_000"), Value::Int(1000));
        assert_eq!(resolve("+7"), Value::Int(7));
        assert_eq!(resolve("-9223372036854775808"), Value::Int(i64::MIN));
        assert_eq!(resolve("18446744073709551615"), Value::Uint(u64::MAX));
        assert_eq!(resolve("1.5e3"), Value::Float(1500.0));
        assert_eq!(resolve(".5"), Value::Float(0.5));
        assert_eq!(resolve("08"), Value::Float(8.0));
        for text in ["1.2.3", "12h", "-", "--x", "0x", "1e", "...", "5k-gce", "-.foo"] {
            assert_eq!(resolve(text), Value::Text(text), "{text}");
        }
    }

    #[test]
    fn dates_stay_text() {
        assert_eq!(resolve("2026-11-21"), Value::Text("2026-11-21"));
        assert_eq!(resolve("2019-12-09T00:00:00Z"), Value::Text("2019-12-09T00:00:00Z"));
    }

    #[test]
    fn a_number_in_place_of_a_string_is_written_as_go_writes_it() {
        let text = |s: &str| as_go_string(resolve(s));
        assert_eq!(text("yes").as_deref(), Some("true"));
        assert_eq!(text("0400").as_deref(), Some("256"));
        assert_eq!(text("1.20").as_deref(), Some("1.2"));
        assert_eq!(text("1e6").as_deref(), Some("1e+06"));
        assert_eq!(text("1e22").as_deref(), Some("1e+22"));
        assert_eq!(text("0.00001").as_deref(), Some("1e-05"));
        assert_eq!(text("~"), None);
    }
}
