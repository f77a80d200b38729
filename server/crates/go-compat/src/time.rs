//! A moment in time as ProwJobs write it: RFC 3339, UTC, whole seconds (Kubernetes' `metav1.Time`).
//!
//! [`Timestamp`] is the only time type of the domain; the types of drivers and clients stay at
//! their edges. It never reads a clock: see the `clock` crate.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::duration::GoDuration;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A moment taken apart in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year of the Gregorian calendar, possibly before 0 or after 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999.
    pub millisecond: u16,
    /// 0 (Sunday) to 6 (Saturday), as cron and Go count.
    pub weekday: u8,
}

/// A text that is not an RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 time: {reason}; write it as 2026-11-21T00:05:37Z")]
pub struct TimestampError {
    text: String,
    reason: &'static str,
}

/// What a caller may add to a [`Timestamp`]: a standard or a Go duration.
pub trait Span {
    /// Milliseconds, rounded towards zero, saturating.
    fn span_millis(self) -> i64;
}

impl Span for GoDuration {
    fn span_millis(self) -> i64 {
        self.millis()
    }
}

impl Span for Duration {
    fn span_millis(self) -> i64 {
        i64::try_from(self.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// From seconds since the epoch; saturates.
    pub const fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1_000))
    }

    /// From a civil time in UTC. A day past the end of its month runs over into the next.
    pub fn from_civil(
        year: i64,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Timestamp {
        let days = days_from_civil(year, month, 1) + i64::from(day) - 1;
        let seconds = days * SECONDS_PER_DAY
            + i64::from(hour) * 3_600
            + i64::from(minute) * 60
            + i64::from(second);
        Timestamp::from_seconds(seconds)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The same moment without its fraction of a second, as `metav1.Time` stores it.
    pub const fn truncated_to_seconds(self) -> Timestamp {
        Timestamp(self.0 - self.0.rem_euclid(1_000))
    }

    /// Reads RFC 3339 with any number of fraction digits and any offset.
    pub fn parse_rfc3339(text: &str) -> Result<Timestamp, TimestampError> {
        parse_rfc3339(text)
            .map_err(|reason| TimestampError { text: text.chars().take(64).collect(), reason })
    }

    /// `2026-11-21T00:05:37Z`: what `metav1.Time` and `started.json` clients expect.
    pub fn rfc3339(self) -> String {
        let c = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }

    /// `2026-11-21T00:05:37.250Z`.
    pub fn rfc3339_millis(self) -> String {
        let text = self.rfc3339();
        let seconds = text.strip_suffix('Z').unwrap_or(&text);
        format!("{seconds}.{:03}Z", self.civil().millisecond)
    }

    /// `2026-11-21T00:05:37.250000Z`: Kubernetes' `metav1.MicroTime`, which Leases carry.
    pub fn rfc3339_micros(self) -> String {
        let text = self.rfc3339_millis();
        format!("{}000Z", text.strip_suffix('Z').unwrap_or(&text))
    }

    /// The later moment, or nothing beyond the range of the type.
    pub fn checked_add(self, span: impl Span) -> Option<Timestamp> {
        self.0.checked_add(span.span_millis()).map(Timestamp)
    }

    /// The later moment, or the last one there is.
    pub fn saturating_add(self, span: impl Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.span_millis()))
    }

    /// The earlier moment, or the first one there is.
    pub fn saturating_sub(self, span: impl Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.span_millis()))
    }

    /// Time passed since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment taken apart in UTC.
    pub fn civil(self) -> Civil {
        let days = self.0.div_euclid(MILLIS_PER_DAY);
        let millis = self.0.rem_euclid(MILLIS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let seconds = millis / 1_000;
        Civil {
            year,
            month,
            day,
            hour: (seconds / 3_600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            millisecond: (millis % 1_000) as u16,
            weekday: weekday_from_days(days),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.rfc3339())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse_rfc3339(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time such as \"2026-11-21T00:05:37Z\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse_rfc3339(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
const MILLIS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000;

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; 146,097 days make
/// one full cycle of 400 years.
pub(crate) fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month =
        if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
}

/// Day of the week, 0 for Sunday.
pub(crate) fn weekday_from_days(days: i64) -> u8 {
    // 1970-01-01 was a Thursday.
    (days + 4).rem_euclid(7) as u8
}

/// Number of days of a month.
pub(crate) fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn parse_rfc3339(text: &str) -> Result<Timestamp, &'static str> {
    let bytes = text.as_bytes();
    if bytes.len() < "2006-01-02T15:04:05Z".len() {
        return Err("too short");
    }
    let number = |from: usize, to: usize| -> Result<i64, &'static str> {
        let mut value = 0;
        for byte in &bytes[from..to] {
            if !byte.is_ascii_digit() {
                return Err("a digit is missing");
            }
            value = value * 10 + i64::from(byte - b'0');
        }
        Ok(value)
    };
    for (at, want) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if bytes[at] != want {
            return Err("a separator is wrong");
        }
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)? as u8, number(8, 10)? as u8);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return Err("there is no such day");
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err("there is no such time of day");
    }
    let mut at = 19;
    let mut millis = 0;
    if bytes[at] == b'.' || bytes[at] == b',' {
        at += 1;
        let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return Err("the fraction has no digits");
        }
        for place in 0..3 {
            let digit = if place < digits { bytes[at + place] - b'0' } else { 0 };
            millis = millis * 10 + i64::from(digit);
        }
        at += digits;
    }
    let offset_minutes = match &bytes[at..] {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return Err("there is no such offset");
            }
            let offset = hours * 60 + minutes;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return Err("the offset must be Z or such as +02:00"),
    };
    let days = days_from_civil(year, month, day);
    let seconds =
        days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset_minutes * 60;
    Ok(Timestamp(seconds * 1_000 + millis))
}
