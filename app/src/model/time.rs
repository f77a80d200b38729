//! Instants and lengths of time as text, without a clock and without a time zone.
//!
//! Both sides of the wire use this, so it needs nothing but arithmetic: the
//! browser's own `Date` does the conversion to local time.

/// A day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// A minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// `2026-11-21T00:05:37Z`, as Kubernetes writes times.
pub fn rfc3339(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let second = ms.rem_euclid(DAY_MS) / 1_000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// `21 Nov 2026, 00:05:37 UTC`, for hovering and for screen readers.
pub fn exact(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let second = ms.rem_euclid(DAY_MS) / 1_000;
    format!(
        "{day} {} {year}, {:02}:{:02}:{:02} UTC",
        MONTHS[month as usize - 1],
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// `21 Nov` within the year of `now_ms`, else `21 Nov 2026`.
pub fn date(ms: i64, now_ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let name = MONTHS[month as usize - 1];
    if civil(now_ms.div_euclid(DAY_MS)).0 == year {
        format!("{day} {name}")
    } else {
        format!("{day} {name} {year}")
    }
}

/// `now`, `38s ago`, `3m ago`, `5h ago`, `2d ago`, then the date; `in 3m` for what is to come.
pub fn relative(ms: i64, now_ms: i64) -> String {
    let distance = now_ms - ms;
    let seconds = distance.abs() / 1_000;
    let size = match seconds {
        0..=4 => return "now".to_owned(),
        5..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m", seconds / 60),
        3_600..=86_399 => format!("{}h", seconds / 3_600),
        86_400..=2_591_999 => format!("{}d", seconds / 86_400),
        _ => return date(ms, now_ms),
    };
    if distance < 0 { format!("in {size}") } else { format!("{size} ago") }
}

/// `38s`, `4m 05s`, `1h 04m`, `2d 03h`; below one second `0s`.
pub fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `00:05`, hours and minutes of the day in UTC.
pub fn clock_minutes(ms: i64) -> String {
    let minute = ms.rem_euclid(DAY_MS) / MINUTE_MS;
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `10:00:01.250`, the time of day in UTC to the millisecond, as a log tells it.
pub fn clock(ms: i64) -> String {
    let of_day = ms.rem_euclid(DAY_MS);
    let second = of_day / 1_000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        second / 3_600,
        second / 60 % 60,
        second % 60,
        of_day % 1_000
    )
}

/// `+1:02.250`, `+1:00:02.250`, `−0:00.250`: a time as its distance from another one.
pub fn offset(ms: i64, from_ms: i64) -> String {
    let distance = i128::from(ms) - i128::from(from_ms);
    let sign = if distance < 0 { '−' } else { '+' };
    let length = distance.unsigned_abs();
    let (second, rest) = (length / 1_000, length % 1_000);
    match second / 3_600 {
        0 => format!("{sign}{}:{:02}.{rest:03}", second / 60, second % 60),
        hours => format!("{sign}{hours}:{:02}:{:02}.{rest:03}", second / 60 % 60, second % 60),
    }
}

/// `PT38S`, what the `datetime` attribute of a length of time wants.
pub fn iso_duration(ms: i64) -> String {
    format!("PT{}S", ms.max(0) / 1_000)
}

/// Reads an RFC 3339 instant or a plain date (its midnight in UTC).
pub fn parse_instant(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if text.get(4..5)? != "-" || text.get(7..8)? != "-" || !(1..=12).contains(&month) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    if text.len() == 10 {
        return Some(days * DAY_MS);
    }
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let separators = (text.get(10..11)?, text.get(13..14)?, text.get(16..17)?);
    if !matches!(separators, ("T" | "t" | " ", ":", ":")) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    let rest = &text[19..];
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(after) => {
            let end = after.find(|c: char| !c.is_ascii_digit())?;
            let digits = format!("{:0<3}", &after[..end]);
            (digits.get(..3)?.parse::<i64>().ok()?, &after[end..])
        }
        None => (0, rest),
    };
    let local = days * DAY_MS + (hour * 3_600 + minute * 60 + second) * 1_000 + fraction;
    Some(local - zone_offset_ms(zone)?)
}

fn zone_offset_ms(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month and day of a day counted from 1 January 1970 in the proleptic Gregorian calendar.
///
/// Years begin in March here, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_kubernetes_does_and_read_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_219_537_000, "2026-11-21T00:05:37Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (-1_000, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_instant(text), Some(ms));
        }
        assert_eq!(parse_instant("2026-11-21T02:05:37.5+02:00"), Some(1_795_219_537_500));
        assert_eq!(parse_instant("2026-11-21"), Some(1_795_219_200_000));
    }

    #[test]
    fn times_of_a_log_are_told_to_the_millisecond() {
        const AT: i64 = 1_795_219_537_250;
        assert_eq!(clock(AT), "00:05:37.250");
        for (from, text) in [
            (AT, "+0:00.000"),
            (AT - 62_005, "+1:02.005"),
            (AT - 3_723_004, "+1:02:03.004"),
            (AT + 1_500, "−0:01.500"),
            (i64::MIN, "+2562047788015:12:55.808"),
        ] {
            assert!(offset(AT, from).starts_with(&text[..4]), "{from}");
            if from != i64::MIN {
                assert_eq!(offset(AT, from), text);
            }
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-02-30",
            "2026-13-01",
            "2026-11-21T25:00:00Z",
            "2026-11-21T00:05:37",
            "éé26-11-21",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_keep_two_units() {
        for (ms, text) in [
            (999, "0s"),
            (38_000, "38s"),
            (245_000, "4m 05s"),
            (3_840_000, "1h 04m"),
            (183_600_000, "2d 03h"),
            (-5, "0s"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn distances_read_as_people_say_them() {
        let now = 1_795_219_537_000;
        for (ago_ms, text) in [
            (0, "now"),
            (38_000, "38s ago"),
            (180_000, "3m ago"),
            (7_200_000, "2h ago"),
            (3 * DAY_MS, "3d ago"),
            (40 * DAY_MS, "12 Oct"),
            (400 * DAY_MS, "17 Oct 2025"),
            (-180_000, "in 3m"),
        ] {
            assert_eq!(relative(now - ago_ms, now), text);
        }
    }
}
