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

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
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

/// The canonical form, or None if the text is not a quantity.
///
/// The value is held exactly as a count of nanos, the smallest amount there is: smaller amounts are
/// rounded up. Kubernetes caps amounts beyond 2^63-1 there.
fn canonical(text: &str) -> Option<String> {
    const NANO: i128 = 1_000_000_000;
    const MAX: i128 = i64::MAX as i128;

    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }

    // value = digits * 10^exponent * 2^shift
    let (format, mut exponent, shift) =
        if let Some((_, power)) = DECIMAL.iter().find(|(unit, _)| *unit == suffix) {
            (Format::Decimal, *power, 0)
        } else if let Some((_, shift)) = BINARY.iter().find(|(unit, _)| *unit == suffix) {
            (Format::Binary, 0, *shift)
        } else if let Some(power) = suffix.strip_prefix(['e', 'E']) {
            (Format::Exponent, power.parse().ok()?, 0)
        } else {
            return None;
        };
    exponent -= i32::try_from(fraction.len()).ok()?;

    let digits: String = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    exponent += i32::try_from(digits.len() - significant.len()).ok()?;
    if significant.is_empty() {
        return Some("0".to_owned());
    }

    // Beyond these sizes the value is above the cap, or below one nano, whatever the unit.
    let magnitude = exponent + i32::try_from(significant.len()).ok()?;
    let nanos: i128 = if magnitude > 25 {
        MAX.checked_mul(NANO)?
    } else if magnitude + 19 < -9 {
        1
    } else {
        let mut kept = significant;
        let mut dropped = false;
        // 30 digits times 2^60 still fit once the power of ten is taken off again below.
        if kept.len() > 30 {
            exponent += i32::try_from(kept.len() - 30).ok()?;
            kept = &kept[..30];
            dropped = true;
        }
        scale(kept.parse().ok()?, exponent + 9, shift, dropped)?.min(MAX.checked_mul(NANO)?)
    };

    let body = match format {
        Format::Binary if nanos % NANO == 0 && nanos / NANO >= 1024 => binary_text(nanos / NANO),
        // Below 1024 a binary amount is written as a decimal one.
        Format::Binary | Format::Decimal => decimal_text(nanos, |power| {
            DECIMAL.iter().find(|(_, p)| *p == power).map(|(unit, _)| (*unit).to_owned())
        }),
        Format::Exponent => decimal_text(nanos, |power| {
            Some(if power == 0 { String::new() } else { format!("e{power}") })
        }),
    };
    Some(if negative { format!("-{body}") } else { body })
}

/// digits * 10^exponent * 2^shift, rounded up to a whole number; None if it does not fit.
fn scale(digits: i128, exponent: i32, shift: u32, inexact: bool) -> Option<i128> {
    let mut value = digits;
    let mut exponent = exponent;
    let mut shift = shift;
    let mut inexact = inexact;
    // Multiply by two and divide by ten in turn, so that nothing overflows on the way.
    while shift > 0 || exponent != 0 {
        if exponent > 0 {
            match value.checked_mul(10) {
                Some(product) => value = product,
                None => return Some(i128::MAX),
            }
            exponent -= 1;
        } else if shift > 0 && value < i128::MAX / 2 {
            value *= 2;
            shift -= 1;
        } else if exponent < 0 {
            inexact |= value % 10 != 0;
            value /= 10;
            exponent += 1;
        } else {
            return Some(i128::MAX);
        }
    }
    Some(if inexact { value.checked_add(1)? } else { value })
}

fn binary_text(amount: i128) -> String {
    let (unit, shift) = BINARY
        .iter()
        .rev()
        .find(|(_, shift)| amount % (1_i128 << shift) == 0)
        .copied()
        .unwrap_or(("", 0));
    format!("{}{unit}", amount >> shift)
}

/// Writes nanos with the largest power of a thousand that leaves a whole number.
fn decimal_text(nanos: i128, unit: impl Fn(i32) -> Option<String>) -> String {
    let mut value = nanos;
    let mut power = -9;
    while value % 1000 == 0 && power < 18 {
        value /= 1000;
        power += 3;
    }
    format!("{value}{}", unit(power).unwrap_or_default())
}
