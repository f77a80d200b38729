//! Numbers as people read them.

/// Digits in groups of three with a narrow space between: `22 000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 6);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 run`, `2 runs`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A number with three digits at most behind the point, or behind its zeroes where it is smaller.
pub fn digits(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    let behind = if (-9.0..0.0).contains(&magnitude) { 2 - magnitude as i32 } else { 3 };
    let text = format!("{value:.0$}", behind as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `512 B`, `1.4 kB`, `20 MB`: decimal units, two digits at least.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if size < 1_000 {
        return format!("{size} B");
    }
    let mut tenths = size.saturating_mul(10) / 1_000;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", tenths / 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(count(412), "412");
        assert_eq!(count(22_000), "22\u{202f}000");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn values_have_no_more_digits_than_they_need() {
        for (value, text) in [(1.5, "1.5"), (2.0, "2"), (0.123_49, "0.123"), (0.002_124, "0.00212")]
        {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn sizes_keep_two_digits() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_449, "1.4 kB"),
            (20_000_000, "20 MB"),
            (1_349_000, "1.3 MB"),
            (u64::MAX, "1844674 TB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }
}
