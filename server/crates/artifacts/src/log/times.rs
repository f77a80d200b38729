//! When a line was written, where the line says so itself.

use go_compat::Timestamp;

/// Bytes of a line of JSON in which its time is looked for.
const JSON_HEAD: usize = 512;

/// The fields in which loggers that write JSON put the time; `Time` is `go test -json`'s.
const JSON_FIELDS: [&[u8]; 6] = [
    b"\"Time\":\"",
    b"\"time\":\"",
    b"\"ts\":\"",
    b"\"timestamp\":\"",
    b"\"@timestamp\":\"",
    b"\"ts\":",
];

const MONTHS: [&[u8]; 12] = [
    b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ",
    b"Nov ", b"Dec ",
];

/// The time in a line without colours: klog's (`E1121 10:00:00.123456`), RFC 3339 and its relatives at
/// the begin, in `time="…"` or in a field of JSON, the ones of Go's `log` (`2026/11/21 10:00:00`), of
/// Ginkgo (`Nov 21 10:00:00.123`, `@ 11/21/26 10:00:00.123`) and of Kubernetes' scripts
/// (`+++ [1121 10:00:00]`). A time without a zone is read as UTC, one without a year is the one that is
/// closest to `near`.
pub fn time_of(line: &str, near: Timestamp) -> Option<Timestamp> {
    let bytes = line.as_bytes();
    let found = match bytes.first()? {
        b'0'..=b'9' => full(bytes),
        b'[' => full(&bytes[1..]),
        b'{' => json(&bytes[..bytes.len().min(JSON_HEAD)]),
        b't' => bytes.strip_prefix(b"time=\"").and_then(full),
        b'+' | b'!' => scripts(bytes, near),
        b'I' | b'W' | b'E' | b'F' => klog(&bytes[1..], near).or_else(|| named_month(bytes, near)),
        b'A'..=b'Z' => named_month(bytes, near),
        _ => None,
    };
    found.or_else(|| ginkgo(line))
}

/// Reads bytes from the left; whatever does not fit ends the attempt.
#[derive(Clone, Copy)]
struct Cursor<'l>(&'l [u8]);

impl Cursor<'_> {
    /// So many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        let value = text.iter().try_fold(0_u32, |value, byte| {
            byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    /// One of these bytes.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    /// `10:00:00`, with a fraction if there is one: milliseconds of the day.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.one_of(b":")?;
        let minute = self.number(2)?;
        self.one_of(b":")?;
        let second = self.number(2)?;
        let mut millis = 0;
        let mut fraction = *self;
        if fraction.one_of(b".,").is_some() && fraction.0.first().is_some_and(u8::is_ascii_digit) {
            let mut weight = 100;
            while let Some(digit) = fraction.number(1) {
                millis += digit * weight;
                weight /= 10;
            }
            *self = fraction;
        }
        let valid = hour < 24 && minute < 60 && second <= 60;
        let seconds = hour * 3_600 + minute * 60 + second;
        valid.then(|| i64::from(seconds) * 1_000 + i64::from(millis))
    }

    /// `Z`, `+01:00`, `-0800`, or nothing: milliseconds east of Greenwich.
    fn zone(&mut self) -> i64 {
        let mut zone = *self;
        let mut offset = || {
            let sign = if zone.one_of(b"+-")? == b'-' { -1 } else { 1 };
            let hours = zone.number(2)?;
            zone.one_of(b":");
            Some(sign * i64::from(hours * 60 + zone.number(2)?) * 60_000)
        };
        offset().unwrap_or(0)
    }
}

fn on_day(year: u32, month: u32, day: u32, millis: i64) -> Option<Timestamp> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    let midnight = Timestamp::from_civil(i64::from(year), month, day, 0, 0, 0);
    Some(Timestamp::from_millis(midnight.millis() + millis))
}

/// The day of that year which is closest to `near`.
fn of_year(month: u32, day: u32, millis: i64, near: Timestamp) -> Option<Timestamp> {
    let year = u32::try_from(near.civil().year).ok()?;
    let years = [year.saturating_sub(1), year, year.saturating_add(1)];
    let times = years.into_iter().filter_map(|year| on_day(year, month, day, millis));
    times.min_by_key(|time| time.millis().abs_diff(near.millis()))
}

/// `2026-11-21T10:00:00.123Z` and `2026/11/21 10:00:00`.
fn full(bytes: &[u8]) -> Option<Timestamp> {
    let mut at = Cursor(bytes);
    let year = at.number(4)?;
    let between = at.one_of(b"-/")?;
    let month = at.number(2)?;
    at.one_of(&[between])?;
    let day = at.number(2)?;
    at.one_of(b"T ")?;
    let millis = at.clock()?;
    on_day(year, month, day, millis - at.zone())
}

/// `1121 10:00:00.123456`, behind klog's letter.
fn klog(bytes: &[u8], near: Timestamp) -> Option<Timestamp> {
    let mut at = Cursor(bytes);
    let (month, day) = (at.number(2)?, at.number(2)?);
    at.one_of(b" ")?;
    of_year(month, day, at.clock()?, near)
}

/// `+++ [1121 10:00:00]`, `!!! [1121 10:00:00]`.
fn scripts(bytes: &[u8], near: Timestamp) -> Option<Timestamp> {
    let rest = bytes.strip_prefix(b"+++ [").or_else(|| bytes.strip_prefix(b"!!! ["))?;
    klog(rest, near)
}

/// `Nov 21 10:00:00.123`.
fn named_month(bytes: &[u8], near: Timestamp) -> Option<Timestamp> {
    let (month, name) = (1..).zip(MONTHS).find(|(_, name)| bytes.starts_with(name))?;
    let mut at = Cursor(&bytes[name.len()..]);
    let day = match at.one_of(b" ") {
        Some(_) => at.number(1)?,
        None => at.number(2)?,
    };
    at.one_of(b" ")?;
    of_year(month, day, at.clock()?, near)
}

/// `… @ 11/21/26 10:00:00.123`, behind what Ginkgo does.
fn ginkgo(line: &str) -> Option<Timestamp> {
    let (_, rest) = line.rsplit_once(" @ ")?;
    let mut at = Cursor(rest.as_bytes());
    let month = at.number(2)?;
    at.one_of(b"/")?;
    let day = at.number(2)?;
    at.one_of(b"/")?;
    let year = at.number(2)?;
    at.one_of(b" ")?;
    on_day(2000 + year, month, day, at.clock()?)
}

fn json(head: &[u8]) -> Option<Timestamp> {
    JSON_FIELDS.iter().find_map(|field| {
        let at = memchr::memmem::find(head, field)?;
        let value = &head[at + field.len()..];
        full(value).or_else(|| unix(value))
    })
}

/// `1795255200.125`: seconds since 1970.
fn unix(bytes: &[u8]) -> Option<Timestamp> {
    let mut at = Cursor(bytes);
    // Ten digits reach from 2001 to 2286.
    let seconds = i64::from(at.number(5)?) * 100_000 + i64::from(at.number(5)?);
    let millis = at.one_of(b".").and_then(|_| at.number(3)).unwrap_or(0);
    let ends = !at.0.first().is_some_and(u8::is_ascii_digit) || millis > 0;
    ends.then(|| Timestamp::from_millis(seconds * 1_000 + i64::from(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near() -> Timestamp {
        Timestamp::parse_rfc3339("2026-12-31T23:00:00Z").unwrap()
    }

    fn time(line: &str) -> Option<String> {
        time_of(line, near()).map(Timestamp::rfc3339_millis)
    }

    #[test]
    fn a_line_says_when_it_was_written() {
        for (line, expected) in [
            ("E1231 22:59:58.123456   12 a.go:1] lost", "2026-12-31T22:59:58.123Z"),
            ("I0101 00:00:01.000000 1 a.go:1] the next year", "2027-01-01T00:00:01.000Z"),
            ("2026-11-21T10:00:00Z text", "2026-11-21T10:00:00.000Z"),
            ("2026-11-21T10:00:00.123456789Z text", "2026-11-21T10:00:00.123Z"),
            ("2026-11-21T10:00:00,5+01:30 text", "2026-11-21T08:30:00.500Z"),
            ("2026-11-21 10:00:00 text", "2026-11-21T10:00:00.000Z"),
            ("[2026-11-21 10:00:00-0800] text", "2026-11-21T18:00:00.000Z"),
            ("2026/11/21 10:00:00 text", "2026-11-21T10:00:00.000Z"),
            ("time=\"2026-11-21T10:00:00Z\" level=info", "2026-11-21T10:00:00.000Z"),
            (r#"{"Time":"2026-11-21T10:00:00.25Z","Action":"output"}"#, "2026-11-21T10:00:00.250Z"),
            (r#"{"level":"info","ts":1795255200.125,"msg":"x"}"#, "2026-11-21T10:00:00.125Z"),
            (r#"{"level":"info","ts":"2026-11-21T10:00:00Z"}"#, "2026-11-21T10:00:00.000Z"),
            ("+++ [1121 10:00:00] Building", "2026-11-21T10:00:00.000Z"),
            ("Nov 21 10:00:00.123: INFO: x", "2026-11-21T10:00:00.123Z"),
            ("Feb  3 10:00:00 host x", "2027-02-03T10:00:00.000Z"),
            ("  STEP: wait @ 11/21/26 10:00:00.123", "2026-11-21T10:00:00.123Z"),
        ] {
            assert_eq!(time(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for line in [
            "",
            "text",
            "E1121",
            "E1321 10:00:00.1 x",
            "E1121 25:00:00.1 x",
            "2026-13-21T10:00:00Z",
            "2026-11-32T10:00:00Z",
            "2026-11-21",
            "2026-11/21 10:00:00",
            "20261121 10:00:00",
            "{\"time\":\"soon\"}",
            "{\"ts\":12345}",
            "{\"ts\":123456789012345678901234567890}",
            "Nov 2x",
            "x @ 11/21/26",
            "ERROR: x @ y",
            "1000000-11-21T10:00:00Z",
        ] {
            assert_eq!(time(line), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read(line in "[EIN{\"+\\[T]?.{0,40}", near in proptest::num::i64::ANY) {
            let near = Timestamp::from_millis(near / 1_000_000);
            let _ = time_of(&line, near);
        }
    }
}
