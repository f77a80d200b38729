//! Go's `time.Duration`: the text form (`1h30m`), its limits and its JSON.
//!
//! Configuration files, ProwJobs and the pod utilities' options all write durations the way Go
//! prints them, so both directions are contract: [`GoDuration::parse`] accepts what
//! `time.ParseDuration` accepts and [`Display`](fmt::Display) prints what `Duration.String` prints.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const NANOSECOND: i64 = 1;
const MICROSECOND: i64 = 1_000 * NANOSECOND;
const MILLISECOND: i64 = 1_000 * MICROSECOND;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A span of time in nanoseconds, possibly negative, as Go's `time.Duration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub i64);

/// Why a text is not a duration. The wording is Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of the form number, unit, number, unit …, or out of range.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without a unit, such as `30`.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that Go does not have, such as `2d`.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl GoDuration {
    /// No time at all.
    pub const ZERO: GoDuration = GoDuration(0);

    /// Reads `[-+]?` followed by one or more decimal numbers with unit (`ns`, `us`, `µs`, `ms`,
    /// `s`, `m`, `h`), or a bare `0`.
    pub fn parse(text: &str) -> Result<GoDuration, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(GoDuration::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        // One more than i64::MAX is allowed while summing up: it is the magnitude of i64::MIN.
        const LIMIT: u64 = 1 << 63;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let whole_len = rest.bytes().take_while(u8::is_ascii_digit).count();
            let mut value: u64 = 0;
            for digit in rest[..whole_len].bytes() {
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(u64::from(digit - b'0')))
                    .filter(|v| *v <= LIMIT)
                    .ok_or_else(invalid)?;
            }
            rest = &rest[whole_len..];
            let mut fraction: u64 = 0;
            let mut scale = 1.0_f64;
            let mut fraction_len = 0;
            if let Some(after_dot) = rest.strip_prefix('.') {
                fraction_len = after_dot.bytes().take_while(u8::is_ascii_digit).count();
                // Digits beyond what 63 bits hold cannot change the result: Go drops them too.
                for digit in after_dot[..fraction_len].bytes() {
                    let next = fraction
                        .checked_mul(10)
                        .and_then(|f| f.checked_add(u64::from(digit - b'0')))
                        .filter(|f| *f < LIMIT);
                    match next {
                        Some(next) => {
                            fraction = next;
                            scale *= 10.0;
                        }
                        None => break,
                    }
                }
                rest = &after_dot[fraction_len..];
            }
            if whole_len == 0 && fraction_len == 0 {
                return Err(invalid());
            }
            let unit_len = rest.bytes().take_while(|b| *b != b'.' && !b.is_ascii_digit()).count();
            let unit_text = &rest[..unit_len];
            rest = &rest[unit_len..];
            let unit = match unit_text {
                "" => return Err(DurationError::MissingUnit(text.to_owned())),
                "ns" => NANOSECOND,
                // U+00B5 (micro sign) and U+03BC (Greek mu) look alike; Go reads both.
                "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
                "ms" => MILLISECOND,
                "s" => SECOND,
                "m" => MINUTE,
                "h" => HOUR,
                other => {
                    return Err(DurationError::UnknownUnit {
                        unit: other.to_owned(),
                        text: text.to_owned(),
                    });
                }
            };
            value = value.checked_mul(unit as u64).filter(|v| *v <= LIMIT).ok_or_else(invalid)?;
            if fraction > 0 {
                value += (fraction as f64 * (unit as f64 / scale)) as u64;
                if value > LIMIT {
                    return Err(invalid());
                }
            }
            total = total.checked_add(value).filter(|t| *t <= LIMIT).ok_or_else(invalid)?;
        }
        if negative {
            return Ok(GoDuration((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(GoDuration).map_err(|_| invalid())
    }

    /// `secs` seconds; saturates at Go's limit of about 292 years.
    pub const fn from_secs(secs: i64) -> GoDuration {
        GoDuration(secs.saturating_mul(SECOND))
    }

    /// `millis` milliseconds; saturates.
    pub const fn from_millis(millis: i64) -> GoDuration {
        GoDuration(millis.saturating_mul(MILLISECOND))
    }

    /// `minutes` minutes; saturates.
    pub const fn from_mins(minutes: i64) -> GoDuration {
        GoDuration(minutes.saturating_mul(MINUTE))
    }

    /// `hours` hours; saturates.
    pub const fn from_hours(hours: i64) -> GoDuration {
        GoDuration(hours.saturating_mul(HOUR))
    }

    /// The same span; saturates.
    pub fn from_std(duration: Duration) -> GoDuration {
        GoDuration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The same span for a timer; a negative one is zero.
    pub fn as_std(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// Nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds, rounded towards zero.
    pub const fn millis(self) -> i64 {
        self.0 / MILLISECOND
    }

    /// Whole seconds, rounded towards zero.
    pub const fn secs(self) -> i64 {
        self.0 / SECOND
    }

    /// Seconds with fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// Whether the span is exactly zero, which configuration reads as "not set".
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        GoDuration::parse(text)
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        GoDuration::from_std(duration)
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if nanos == 0 {
            return f.write_str("0s");
        }
        let mut text = String::with_capacity(24);
        if self.0 < 0 {
            text.push('-');
        }
        let second = SECOND as u64;
        if nanos < second {
            // Below a second the largest unit that leaves a whole part is used.
            let (unit, name) = match nanos {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "µs"),
                _ => (1_000_000, "ms"),
            };
            push_decimal(&mut text, nanos, unit);
            text.push_str(name);
        } else {
            let (hours, minutes) = (nanos / HOUR as u64, nanos / MINUTE as u64 % 60);
            if hours > 0 {
                text.push_str(&format!("{hours}h"));
            }
            if nanos >= MINUTE as u64 {
                text.push_str(&format!("{minutes}m"));
            }
            push_decimal(&mut text, nanos % (MINUTE as u64), second);
            text.push('s');
        }
        f.pad(&text)
    }
}

/// Appends `value / unit` with as many decimals as it takes and no trailing zeros.
fn push_decimal(text: &mut String, value: u64, unit: u64) {
    text.push_str(&(value / unit).to_string());
    let fraction = value % unit;
    if fraction > 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = GoDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"1h30m\" or a whole number of nanoseconds")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
                GoDuration::parse(text).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<GoDuration, E> {
                Ok(GoDuration(nanos))
            }

            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<GoDuration, E> {
                i64::try_from(nanos)
                    .map(GoDuration)
                    .map_err(|_| E::custom(format!("{nanos} nanoseconds is out of range")))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
