//! Kubernetes resource quantities in their canonical form.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::go_struct::HasShape;
use crate::shape::Shape;

/// An amount of a resource, such as `500m`, `4Gi` or `2`, kept in the form that Kubernetes writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quantity(Box<str>);

/// A text that is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a quantity: write a number with an optional unit such as `500m`, `4Gi` or `2`"
)]
pub struct QuantityError(pub String);

impl Quantity {
    /// Reads a quantity and brings it into canonical form, as Kubernetes does when it writes one:
    /// no fraction where a smaller unit avoids it, and the largest unit that keeps the value exact.
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        canonical(text)
            .map(|text| Quantity(text.into()))
            .ok_or_else(|| QuantityError(text.to_owned()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HasShape for Quantity {
    fn shape() -> Shape {
        Shape::Scalar
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct QuantityVisitor;
        impl Visitor<'_> for QuantityVisitor {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as `500m` or `4Gi`")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Quantity, E> {
                Quantity::parse(v).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Quantity, E> {
                self.visit_str(&v.to_string())
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Quantity, E> {
                self.visit_str(&v.to_string())
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Quantity, E> {
                self.visit_str(&v.to_string())
            }
        }
        deserializer.deserialize_any(QuantityVisitor)
    }
}

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

const BINARY: [(&str, u32); 6] =
    [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// The power of ten of the smallest amount; smaller ones are rounded up to it.
const NANO: i32 = -9;

/// How many decimal digits Kubernetes holds in a plain integer.
const PLAIN_DIGITS: usize = 18;

/// How an amount was written.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    /// A power of ten with a letter: `1500m`, `2G`.
    Decimal(i32),
    /// A power of ten as an exponent: `12e6`.
    Exponent(i32),
    /// A power of two: `4Gi`.
    Binary(u32),
}

fn unit(suffix: &str) -> Option<Unit> {
    if let Some((_, power)) = DECIMAL.iter().find(|(unit, _)| *unit == suffix) {
        return Some(Unit::Decimal(*power));
    }
    if let Some((_, shift)) = BINARY.iter().find(|(unit, _)| *unit == suffix) {
        return Some(Unit::Binary(*shift));
    }
    suffix.strip_prefix(['e', 'E'])?.parse().ok().map(Unit::Exponent)
}

/// The canonical form, or None if the text is not a quantity.
fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') {
        return None;
    }
    let unit = unit(suffix)?;
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    if is_taken_as_written(whole, fraction, unit) {
        return Some(text.to_owned());
    }

    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let places = i32::try_from(fraction.len()).ok()?;
    let body = match unit {
        Unit::Decimal(power) => decimal_text(digits, power.checked_sub(places)?, false),
        Unit::Exponent(power) => decimal_text(digits, power.checked_sub(places)?, true),
        Unit::Binary(shift) => binary_text(whole, fraction, shift),
    };
    Some(if negative { format!("-{body}") } else { body })
}

/// Whether Kubernetes keeps the text as it was written: it does for small numbers that look canonical to it.
/// The rule is coarse, so `1.500` and `00012` stay as they are.
fn is_taken_as_written(whole: &str, fraction: &str, unit: Unit) -> bool {
    let digits = format!("{whole}{fraction}");
    match unit {
        Unit::Decimal(power) | Unit::Exponent(power) => {
            let scale = i64::from(power) - fraction.len() as i64;
            digits.len() <= PLAIN_DIGITS
                && scale >= i64::from(NANO)
                && scale % 3 == 0
                && !digits.ends_with("000")
                && !digits.starts_with('0')
        }
        Unit::Binary(shift) => {
            // An eighth of the digits that an integer has is given up for rounding.
            let room = 14_usize.checked_sub(shift as usize * 3 / 10);
            fraction.is_empty()
                && room.is_some_and(|room| whole.len() <= room)
                && whole.parse::<u64>().is_ok_and(|value| value % 8 != 0)
        }
    }
}

/// Writes digits * 10^power with the largest power of a thousand that leaves a whole number, as a letter or an
/// exponent.
fn decimal_text(digits: &str, power: i32, as_exponent: bool) -> String {
    let (digits, power) =
        if power < NANO { round_up(digits, power) } else { (digits.to_owned(), power) };
    let significant = digits.trim_end_matches('0');
    let mut power = power + i32::try_from(digits.len() - significant.len()).unwrap_or_default();
    let mut digits = significant.to_owned();
    // There is no letter beyond the last one.
    while power.rem_euclid(3) != 0 || (!as_exponent && power > 18 && digits.len() < 64) {
        digits.push('0');
        power -= 1;
    }
    if power == 0 {
        return digits;
    }
    if as_exponent {
        return format!("{digits}e{power}");
    }
    let letter = DECIMAL.iter().find(|(_, p)| *p == power).map_or("", |(letter, _)| letter);
    format!("{digits}{letter}")
}

/// Rounds digits * 10^power up to whole nanos.
fn round_up(digits: &str, power: i32) -> (String, i32) {
    let drop = usize::try_from(NANO - power).unwrap_or_default();
    let keep = digits.len().saturating_sub(drop);
    let (kept, dropped) = digits.split_at(keep);
    let mut kept: Vec<u8> = kept.bytes().collect();
    if dropped.bytes().any(|digit| digit != b'0') {
        let nines = kept.iter().rev().take_while(|digit| **digit == b'9').count();
        let length = kept.len();
        kept[length - nines..].fill(b'0');
        match length.checked_sub(nines + 1) {
            Some(index) => kept[index] += 1,
            None => kept.insert(0, b'1'),
        }
    }
    (kept.into_iter().map(char::from).collect(), NANO)
}

/// Writes (whole + 0.fraction) * 2^shift: with the largest binary unit that leaves a whole number, or as a decimal
/// amount where it is below 1024 or not whole. Amounts beyond 2^63-1 are capped there.
fn binary_text(whole: &str, fraction: &str, shift: u32) -> String {
    const MAX: u128 = i64::MAX as u128;
    const NANOS: u128 = 1_000_000_000;
    // So many that shifting by an exbibyte does not overflow; what lies behind them is rounded up.
    const PLACES: usize = 20;

    let whole = whole.parse::<u64>().map_or(u128::MAX >> 60, u128::from) << shift;
    let (kept, dropped) = fraction.split_at(fraction.len().min(PLACES));
    let one = 10_u128.pow(kept.len() as u32);
    let part = kept.parse::<u128>().unwrap_or_default() << shift;
    let inexact = dropped.bytes().any(|digit| digit != b'0');
    let part_nanos = part / one * NANOS + (part % one * NANOS).div_ceil(one) + u128::from(inexact);
    let nanos =
        if whole > MAX { MAX * NANOS } else { (whole * NANOS + part_nanos).min(MAX * NANOS) };

    let amount = nanos / NANOS;
    if nanos % NANOS != 0 || amount < 1024 {
        return decimal_text(&nanos.to_string(), NANO, false);
    }
    let (letter, shift) = BINARY
        .iter()
        .rev()
        .find(|(_, shift)| amount.is_multiple_of(1 << shift))
        .copied()
        .unwrap_or(("", 0));
    format!("{}{letter}", amount >> shift)
}
