//! Cron expressions with the rules of robfig/cron v3, as Prow's horologium sets its parser up:
//! five fields, an optional leading field for seconds, descriptors and a zone prefix.
//!
//! ```text
//! ┌ second (optional) 0-59
//! │  ┌ minute 0-59
//! │  │  ┌ hour 0-23
//! │  │  │  ┌ day of month 1-31
//! │  │  │  │  ┌ month 1-12 or jan-dec
//! │  │  │  │  │  ┌ day of week 0-6 or sun-sat
//! 0 30  4  *  * 1-5        also: @daily, @every 1h30m, CRON_TZ=Asia/Tokyo 0 6 * * *
//! ```
//!
//! A field is a comma list of `*`, `?`, `n`, `n-m`, each with an optional `/step`; `n/step` counts
//! up to the end of the field. Days of month and week are alternatives unless one of them is `*`.

use jiff::tz::TimeZone;

use crate::duration::GoDuration;
use crate::time::{SECONDS_PER_DAY, Timestamp, civil_from_days, days_in_month, weekday_from_days};

/// How far ahead a firing is looked for: an expression such as `0 0 30 2 *` never fires.
const YEARS_TO_SEARCH: i64 = 5;

/// A parsed cron expression.
#[derive(Clone, Debug)]
pub struct Schedule {
    kind: Kind,
}

/// Why an expression is not a schedule. The wording is robfig's, which Prow's users search for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CronError(String);

#[derive(Clone, Debug)]
enum Kind {
    Every(GoDuration),
    Fields(Box<Fields>),
}

#[derive(Clone, Debug)]
struct Fields {
    seconds: Set,
    minutes: Set,
    hours: Set,
    days_of_month: Set,
    months: Set,
    days_of_week: Set,
    /// Nothing stands for UTC.
    zone: Option<TimeZone>,
}

/// The values of one field as bits; `star` remembers that the field was left open, since that
/// decides how the two day fields combine.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    bits: u64,
    star: bool,
}

impl Set {
    fn has(self, value: u8) -> bool {
        self.bits >> value & 1 == 1
    }
}

/// What a field may hold.
struct Bounds {
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const SECONDS: Bounds = Bounds { min: 0, max: 59, names: &[] };
const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS_OF_MONTH: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const DAYS_OF_WEEK: Bounds =
    Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Reads a cron expression or descriptor. Without a zone prefix times are UTC, as Prow runs.
    pub fn parse(text: &str) -> Result<Schedule, CronError> {
        if text.is_empty() {
            return Err(CronError("empty spec string".to_owned()));
        }
        let (zone, spec) = split_zone(text)?;
        if spec.starts_with('@') {
            return parse_descriptor(spec, zone);
        }
        let fields: Vec<&str> = spec.split_whitespace().collect();
        let (seconds, rest) = match fields.len() {
            5 => ("0", &fields[..]),
            6 => (fields[0], &fields[1..]),
            found => {
                return Err(CronError(format!(
                    "expected 5 to 6 fields, found {found}: [{}]",
                    fields.join(" ")
                )));
            }
        };
        Ok(Schedule {
            kind: Kind::Fields(Box::new(Fields {
                seconds: parse_field(seconds, &SECONDS)?,
                minutes: parse_field(rest[0], &MINUTES)?,
                hours: parse_field(rest[1], &HOURS)?,
                days_of_month: parse_field(rest[2], &DAYS_OF_MONTH)?,
                months: parse_field(rest[3], &MONTHS)?,
                days_of_week: parse_field(rest[4], &DAYS_OF_WEEK)?,
                zone,
            })),
        })
    }

    /// The first firing after `from`, or nothing if there is none within five years.
    /// An `@every` schedule fires one period after `from`, on a whole second.
    pub fn next_after(&self, from: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Every(period) => from.truncated_to_seconds().checked_add(*period),
            Kind::Fields(fields) => fields.next_after(from.seconds()).map(Timestamp::from_seconds),
        }
    }

    /// The period of an `@every` schedule: horologium runs such a job at once when it first sees
    /// it, unlike the others.
    pub fn every(&self) -> Option<GoDuration> {
        match self.kind {
            Kind::Every(period) => Some(period),
            Kind::Fields(_) => None,
        }
    }
}

impl Fields {
    /// Walks day by day through the local calendar, then through the hours, minutes and seconds of
    /// a day that fits. Within a day it walks real time and looks at the local clock, so an hour
    /// that daylight saving skips has no firing and one that it repeats has two.
    fn next_after(&self, from: i64) -> Option<i64> {
        let mut at = from + 1;
        let mut day = self.local(at).div_euclid(SECONDS_PER_DAY);
        let last_year = civil_from_days(day).0 + YEARS_TO_SEARCH;
        loop {
            let (year, month, day_of_month) = civil_from_days(day);
            if year > last_year {
                return None;
            }
            if !self.months.has(month) {
                day += i64::from(days_in_month(year, month) - day_of_month) + 1;
            } else if !self.day_fits(day, day_of_month) {
                day += 1;
            } else {
                if let Some(found) = self.next_within(day, at.max(self.start_of(day))) {
                    return Some(found);
                }
                day += 1;
            }
            at = at.max(self.start_of(day));
        }
    }

    fn day_fits(&self, day: i64, day_of_month: u8) -> bool {
        let by_month = self.days_of_month.has(day_of_month);
        let by_week = self.days_of_week.has(weekday_from_days(day));
        if self.days_of_month.star || self.days_of_week.star {
            by_month && by_week
        } else {
            by_month || by_week
        }
    }

    fn next_within(&self, day: i64, mut at: i64) -> Option<i64> {
        loop {
            let local = self.local(at);
            if local.div_euclid(SECONDS_PER_DAY) != day {
                return None;
            }
            let of_day = local.rem_euclid(SECONDS_PER_DAY);
            if !self.hours.has((of_day / 3_600) as u8) {
                at += 3_600 - of_day % 3_600;
            } else if !self.minutes.has((of_day / 60 % 60) as u8) {
                at += 60 - of_day % 60;
            } else if !self.seconds.has((of_day % 60) as u8) {
                at += 1;
            } else {
                return Some(at);
            }
        }
    }

    /// What a wall clock in the zone shows at `at`, as seconds since the epoch.
    fn local(&self, at: i64) -> i64 {
        match &self.zone {
            None => at,
            Some(zone) => at + offset(zone, at),
        }
    }

    /// The first moment of a local day.
    fn start_of(&self, day: i64) -> i64 {
        let midnight = day * SECONDS_PER_DAY;
        let Some(zone) = &self.zone else {
            return midnight;
        };
        // The offsets half a day around are all that midnight can have; the earliest moment that
        // the zone maps to this day or later is the answer, also where midnight does not exist.
        let (before, after) =
            (offset(zone, midnight - SECONDS_PER_DAY), offset(zone, midnight + SECONDS_PER_DAY));
        let mut start = midnight - before.max(after);
        while self.local(start) < midnight {
            // Zones move by multiples of a minute nowadays, of a second in the past.
            start += (midnight - self.local(start)).clamp(1, 60);
        }
        start
    }
}

fn offset(zone: &TimeZone, at: i64) -> i64 {
    jiff::Timestamp::from_second(at).map_or(0, |t| i64::from(zone.to_offset(t).seconds()))
}

fn split_zone(text: &str) -> Result<(Option<TimeZone>, &str), CronError> {
    let Some(rest) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) else {
        return Ok((None, text));
    };
    let Some((name, spec)) = rest.split_once(' ') else {
        return Err(CronError(format!("a schedule must follow the time zone: {text}")));
    };
    if matches!(name, "" | "UTC" | "Local") {
        return Ok((None, spec.trim()));
    }
    let zone = TimeZone::get(name).map_err(|_| {
        CronError(format!("provided bad location {name}: unknown time zone {name}"))
    })?;
    Ok((Some(zone), spec.trim()))
}

fn parse_descriptor(spec: &str, zone: Option<TimeZone>) -> Result<Schedule, CronError> {
    let zero = |bounds: &Bounds| Set { bits: 1 << bounds.min, star: false };
    let all = |bounds: &Bounds| Set { bits: bits(bounds.min, bounds.max, 1), star: true };
    let mut fields = Fields {
        seconds: zero(&SECONDS),
        minutes: zero(&MINUTES),
        hours: zero(&HOURS),
        days_of_month: all(&DAYS_OF_MONTH),
        months: all(&MONTHS),
        days_of_week: all(&DAYS_OF_WEEK),
        zone,
    };
    match spec {
        "@yearly" | "@annually" => {
            fields.days_of_month = zero(&DAYS_OF_MONTH);
            fields.months = zero(&MONTHS);
        }
        "@monthly" => fields.days_of_month = zero(&DAYS_OF_MONTH),
        "@weekly" => fields.days_of_week = zero(&DAYS_OF_WEEK),
        "@daily" | "@midnight" => {}
        "@hourly" => fields.hours = all(&HOURS),
        other => {
            let Some(period) = other.strip_prefix("@every ") else {
                return Err(CronError(format!("unrecognized descriptor: {other}")));
            };
            let period = GoDuration::parse(period)
                .map_err(|e| CronError(format!("failed to parse duration {other}: {e}")))?;
            let seconds = period.secs().max(1);
            return Ok(Schedule { kind: Kind::Every(GoDuration::from_secs(seconds)) });
        }
    }
    Ok(Schedule { kind: Kind::Fields(Box::new(fields)) })
}

fn parse_field(text: &str, bounds: &Bounds) -> Result<Set, CronError> {
    let mut set = Set::default();
    // Empty entries of the list are skipped, as Go's FieldsFunc does.
    for entry in text.split(',').filter(|entry| !entry.is_empty()) {
        let part = parse_range(entry, bounds)?;
        set.bits |= part.bits;
        set.star |= part.star;
    }
    Ok(set)
}

fn parse_range(entry: &str, bounds: &Bounds) -> Result<Set, CronError> {
    let mut parts = entry.split('/');
    let range = parts.next().unwrap_or_default();
    let step_text = parts.next();
    let too_many_slashes = parts.next().is_some();

    let mut ends = range.split('-');
    let low_text = ends.next().unwrap_or_default();
    let high_text = ends.next();
    let too_many_hyphens = ends.next().is_some();

    let mut star = false;
    let (low, mut high) = if low_text == "*" || low_text == "?" {
        star = true;
        (u64::from(bounds.min), u64::from(bounds.max))
    } else {
        let low = parse_value(low_text, bounds)?;
        match high_text {
            _ if too_many_hyphens => {
                return Err(CronError(format!("too many hyphens: {entry}")));
            }
            Some(high_text) => (low, parse_value(high_text, bounds)?),
            None => (low, low),
        }
    };
    let step = match step_text {
        _ if too_many_slashes => return Err(CronError(format!("too many slashes: {entry}"))),
        None => 1,
        Some(step_text) => {
            let step = parse_number(step_text)?;
            if high_text.is_none() {
                high = u64::from(bounds.max);
            }
            if step > 1 {
                star = false;
            }
            step
        }
    };
    let (min, max) = (u64::from(bounds.min), u64::from(bounds.max));
    if low < min {
        return Err(CronError(format!(
            "beginning of range ({low}) below minimum ({min}): {entry}"
        )));
    }
    if high > max {
        return Err(CronError(format!("end of range ({high}) above maximum ({max}): {entry}")));
    }
    if low > high {
        return Err(CronError(format!(
            "beginning of range ({low}) beyond end of range ({high}): {entry}"
        )));
    }
    if step == 0 {
        return Err(CronError(format!("step of range should be a positive number: {entry}")));
    }
    // Both ends are within the bounds now, so they fit.
    Ok(Set { bits: bits(low as u8, high as u8, step), star })
}

fn bits(low: u8, high: u8, step: u64) -> u64 {
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    (low..=high).step_by(step).fold(0, |bits, value| bits | 1 << value)
}

fn parse_value(text: &str, bounds: &Bounds) -> Result<u64, CronError> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(index) => Ok(index as u64 + u64::from(bounds.min)),
        None => parse_number(text),
    }
}

fn parse_number(text: &str) -> Result<u64, CronError> {
    // Go's Atoi reads a leading plus sign; Rust's does as well.
    let number: i64 = text.parse().map_err(|_| {
        CronError(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        ))
    })?;
    u64::try_from(number)
        .map_err(|_| CronError(format!("negative number ({number}) not allowed: {text}")))
}
