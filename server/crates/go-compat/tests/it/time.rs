use std::time::Duration;

use go_compat::time::Civil;
use go_compat::{GoDuration, Timestamp};
use proptest::prelude::*;

#[test]
fn every_form_of_rfc_3339_is_read() {
    let table = [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-21T00:05:37Z", 1_795_219_537_000),
        ("2026-11-21T00:05:37.25Z", 1_795_219_537_250),
        ("2026-11-21T00:05:37,25Z", 1_795_219_537_250),
        ("2026-11-21T00:05:37.123456789Z", 1_795_219_537_123),
        ("2026-11-21T02:05:37+02:00", 1_795_219_537_000),
        ("2026-11-20T18:35:37.5-05:30", 1_795_219_537_500),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
    ];
    for (text, millis) in table {
        assert_eq!(Timestamp::parse_rfc3339(text).unwrap().millis(), millis, "{text}");
    }
}

#[test]
fn other_texts_are_refused_with_the_reason() {
    let table = [
        ("", "too short"),
        ("2026-11-21", "too short"),
        ("2026-11-21 00:05:37Z", "a separator is wrong"),
        ("2026-13-01T00:00:00Z", "there is no such day"),
        ("2025-02-29T00:00:00Z", "there is no such day"),
        ("2026-11-21T24:00:00Z", "there is no such time of day"),
        ("2026-11-21T00:00:60Z", "there is no such time of day"),
        ("2026-11-21T00:05:37.Z", "the fraction has no digits"),
        ("2026-11-21T00:05:37+0200", "the offset must be Z or such as +02:00"),
        ("2026-11-21T00:05:37Zjunk", "the offset must be Z or such as +02:00"),
        ("2o26-11-21T00:05:37Z", "a digit is missing"),
        ("2026-11-21T00:05:37é", "the offset must be Z or such as +02:00"),
    ];
    for (text, reason) in table {
        let error = Timestamp::parse_rfc3339(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn json_holds_whole_seconds_in_utc() {
    let time: Timestamp = serde_json::from_str(r#""2026-11-21T02:05:37.9+02:00""#).unwrap();
    assert_eq!(serde_json::to_string(&time).unwrap(), r#""2026-11-21T00:05:37Z""#);
    assert_eq!(time.rfc3339_millis(), "2026-11-21T00:05:37.900Z");
    assert_eq!(time.rfc3339_micros(), "2026-11-21T00:05:37.900000Z");
    assert!(serde_json::from_str::<Timestamp>("5").is_err());
    assert_eq!(serde_json::from_str::<Option<Timestamp>>("null").unwrap(), None);
}

#[test]
fn time_passed_is_never_negative() {
    let (early, late) = (Timestamp::from_seconds(10), Timestamp::from_seconds(15));
    assert_eq!(late.since(early), Duration::from_secs(5));
    assert_eq!(early.since(late), Duration::ZERO);
}

#[test]
fn adding_stops_at_the_end_of_the_range() {
    let last = Timestamp::from_millis(i64::MAX);
    assert_eq!(last.checked_add(Duration::from_millis(1)), None);
    assert_eq!(last.saturating_add(GoDuration::from_secs(1)), last);
    let start = Timestamp::from_seconds(100);
    assert_eq!(start.checked_add(GoDuration::from_secs(-40)), Some(Timestamp::from_seconds(60)));
    assert_eq!(start.saturating_sub(Duration::from_secs(40)), Timestamp::from_seconds(60));
}

#[test]
fn a_moment_comes_apart_in_utc() {
    let time = Timestamp::parse_rfc3339("2026-11-21T18:05:37.250Z").unwrap();
    let expected = Civil {
        year: 2026,
        month: 11,
        day: 21,
        hour: 18,
        minute: 5,
        second: 37,
        millisecond: 250,
        weekday: 6,
    };
    assert_eq!(time.civil(), expected);
    assert_eq!(Timestamp::from_civil(2026, 11, 21, 18, 5, 37), time.truncated_to_seconds());
}

proptest! {
    #[test]
    fn the_calendar_agrees_with_another_implementation(
        seconds in -62_135_596_800_i64..253_402_300_800,
    ) {
        let ours = Timestamp::from_seconds(seconds);
        let theirs = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let civil = ours.civil();
        prop_assert_eq!(civil.year, i64::from(theirs.year()));
        prop_assert_eq!(i64::from(civil.month), i64::from(theirs.month()));
        prop_assert_eq!(i64::from(civil.day), i64::from(theirs.day()));
        prop_assert_eq!(i64::from(civil.hour), i64::from(theirs.hour()));
        prop_assert_eq!(
            i64::from(civil.weekday),
            i64::from(theirs.weekday().to_sunday_zero_offset())
        );
        prop_assert_eq!(Timestamp::parse_rfc3339(&ours.rfc3339()), Ok(ours));
    }

    #[test]
    fn milliseconds_survive_their_text(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        let time = Timestamp::from_millis(millis);
        prop_assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339_millis()), Ok(time));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,32}") {
        let _ = Timestamp::parse_rfc3339(&text);
    }
}
