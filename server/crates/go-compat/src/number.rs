//! Go's `%g` for floating-point numbers, which both `fmt` and the YAML printer use.

/// The shorter of the plain and the exponent form, with as few digits as read back exactly.
pub(crate) fn go_general_float(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", general(value.abs(), None, 'e'))
}

/// Rust's `1.5e8` as Go's `1.5e+08`.
pub(crate) fn exponent(text: &str, letter: char) -> String {
    let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{mantissa}{letter}{sign}{power:0>2}")
}

/// `%g` of a number that is not negative: the shortest exact digits, or as many significant ones
/// as the precision says.
pub(crate) fn general(magnitude: f64, precision: Option<usize>, letter: char) -> String {
    let scientific = match precision {
        Some(precision) => format!("{magnitude:.*e}", precision.max(1) - 1),
        None => format!("{magnitude:e}"),
    };
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let power: i32 = power.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = digits.len() as i32;
    // Go switches to the exponent form at the precision, or at six digits if none is given.
    let threshold = match precision {
        None => 6,
        Some(precision) => {
            let precision = precision.max(1) as i32;
            if precision > count && count > power { count } else { precision }
        }
    };
    if power < -4 || power >= threshold {
        return exponent(&format!("{mantissa}e{power}"), letter);
    }
    if power < 0 {
        return format!("0.{}{digits}", "0".repeat((-power - 1) as usize));
    }
    let whole = power as usize + 1;
    if digits.len() <= whole {
        format!("{digits}{}", "0".repeat(whole - digits.len()))
    } else {
        format!("{}.{}", &digits[..whole], &digits[whole..])
    }
}
