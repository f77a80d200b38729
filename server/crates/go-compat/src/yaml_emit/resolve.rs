//! Which plain texts YAML 1.1 reads as something else: go-yaml's rules, old booleans, base 60 and
//! dates included.

use crate::time::days_in_month;

/// Whether the text, unquoted, reads back as that text.
pub(super) fn is_text(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            !is_word(text)
        }
        b'.' => {
            let infinite = matches!(text, ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF");
            let lines_apart = text.split('_').all(|part| {
                part.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                    && part.ends_with(|c: char| c.is_ascii_digit())
            });
            !(infinite || lines_apart && is_float(&text.replace('_', "")))
        }
        b'+' | b'-' | b'0'..=b'9' => {
            let infinite =
                matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF");
            let plain = text.replace('_', "");
            !(infinite
                || is_timestamp(text)
                || is_integer(&plain)
                || is_float(&plain)
                || is_base_60(text))
        }
        // The merge key is looked up only behind a first letter that may begin a known word.
        _ => true,
    }
}

fn is_word(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON"
    ) || matches!(
        text,
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF"
    ) || matches!(text, "~" | "null" | "Null" | "NULL")
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless it is too large for a float.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A whole number of 64 bits by the rules of Go's `ParseInt` with base 0.
fn is_integer(text: &str) -> bool {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = unsigned.len() != text.len();
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return false;
    }
    u128::from_str_radix(digits, radix).is_ok_and(|value| match (negative, signed) {
        (true, _) => value <= 1 << 63,
        // Only `ParseInt` takes a sign, and it ends at 63 bits.
        (false, true) => value < 1 << 63,
        (false, false) => value < 1 << 64,
    })
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digit_or_line = |b: u8| b.is_ascii_digit() || b == b'_';
    if !fraction.bytes().all(digit_or_line) {
        return false;
    }
    let mut places = whole.split(':');
    let first = places.next().unwrap_or_default();
    let mut count = 0;
    let all_fit = places.all(|place| {
        count += 1;
        match place.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        }
    });
    all_fit
        && count > 0
        && first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(digit_or_line)
}

/// A date, or a date and a time in one of the forms that go-yaml reads.
fn is_timestamp(text: &str) -> bool {
    timestamp(text).is_some()
}

fn timestamp(text: &str) -> Option<()> {
    let (year, rest) = text.split_once('-')?;
    if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: i64 = year.parse().ok()?;
    let (month, rest) = short_number(rest)?;
    let (day, rest) = short_number(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let Some(separator) = rest.chars().next() else {
        return Some(());
    };
    let (hour, rest) = short_number(rest.strip_prefix(['T', 't', ' '])?)?;
    let (minute, rest) = short_number(rest.strip_prefix(':')?)?;
    let (second, mut rest) = short_number(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if length > 0 {
            rest = &fraction[length..];
        }
    }
    if separator == ' ' {
        return rest.is_empty().then_some(());
    }
    match rest.as_bytes() {
        [b'Z'] => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) =>
        {
            (([h1, h2] <= [&b'2', &b'4']) && ([m1, m2] <= [&b'6', &b'0'])).then_some(())
        }
        _ => None,
    }
}

/// One or two digits.
fn short_number(text: &str) -> Option<(u8, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    Some((digits.parse().ok()?, rest))
}
