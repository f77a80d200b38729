use go_compat::cron::Schedule;
use go_compat::{GoDuration, Timestamp};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[track_caller]
fn fires(expression: &str, from: &str, expected: &[&str]) {
    let schedule = Schedule::parse(expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let mut moment = at(from);
    for next in expected {
        let found = schedule.next_after(moment).map(Timestamp::rfc3339);
        assert_eq!(found.as_deref(), Some(*next), "{expression} after {moment}");
        moment = at(next);
    }
}

#[test]
fn five_fields_fire_on_whole_minutes() {
    fires("0 21 * * *", "2026-11-21T00:05:37Z", &["2026-11-21T21:00:00Z", "2026-11-22T21:00:00Z"]);
    fires("*/5 * * * *", "2026-11-21T00:05:00Z", &["2026-11-21T00:10:00Z"]);
    fires("59 23 31 12 *", "2026-12-31T23:59:00Z", &["2027-12-31T23:59:00Z"]);
    fires("0 0 29 2 *", "2026-11-21T00:00:00Z", &["2028-02-29T00:00:00Z"]);
}

#[test]
fn a_sixth_field_in_front_counts_seconds() {
    fires(
        "15/35 20-35/15 * * * ?",
        "2026-11-21T14:45:00Z",
        &["2026-11-21T15:20:15Z", "2026-11-21T15:20:50Z", "2026-11-21T15:35:15Z"],
    );
}

#[test]
fn a_start_with_a_step_counts_to_the_end_of_the_field() {
    fires("0 3/2 * * *", "2026-11-21T00:00:00Z", &["2026-11-21T03:00:00Z", "2026-11-21T05:00:00Z"]);
    fires("0 1/6 * * *", "2026-11-21T20:00:00Z", &["2026-11-22T01:00:00Z", "2026-11-22T07:00:00Z"]);
    fires(
        "41 3-23/8 * * *",
        "2026-11-21T04:00:00Z",
        &["2026-11-21T11:41:00Z", "2026-11-21T19:41:00Z"],
    );
    fires(
        "0 9-9/24 * * *",
        "2026-11-21T04:00:00Z",
        &["2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z"],
    );
}

#[test]
fn the_two_day_fields_are_alternatives_unless_one_is_open() {
    // 2026-11-21 is a Saturday.
    fires(
        "0 0 1,15 * sun",
        "2026-11-21T00:00:00Z",
        &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"],
    );
    fires("0 0 * * Mon", "2026-11-21T00:00:00Z", &["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]);
    fires("0 0 ? * 1-5", "2026-11-21T00:00:00Z", &["2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"]);
    // A step closes the star: both fields count again.
    fires(
        "0 0 */10 * sun",
        "2026-11-21T00:00:00Z",
        &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"],
    );
}

#[test]
fn descriptors_stand_for_their_fields() {
    fires("@hourly", "2026-11-21T00:05:37Z", &["2026-11-21T01:00:00Z"]);
    fires("@daily", "2026-11-21T00:05:37Z", &["2026-11-22T00:00:00Z"]);
    fires("@midnight", "2026-11-21T00:05:37Z", &["2026-11-22T00:00:00Z"]);
    fires("@weekly", "2026-11-21T00:05:37Z", &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]);
    fires("@monthly", "2026-11-21T00:05:37Z", &["2026-12-01T00:00:00Z"]);
    fires("@yearly", "2026-11-21T00:05:37Z", &["2027-01-01T00:00:00Z"]);
    fires("@annually", "2026-11-21T00:05:37Z", &["2027-01-01T00:00:00Z"]);
}

#[test]
fn every_counts_from_the_moment_asked_about() {
    let schedule = Schedule::parse("@every 1h30m").unwrap();
    assert_eq!(schedule.every(), Some(GoDuration::from_mins(90)));
    let from = Timestamp::from_millis(at("2026-11-21T00:05:37Z").millis() + 250);
    assert_eq!(schedule.next_after(from), Some(at("2026-11-21T01:35:37Z")));
    assert_eq!(Schedule::parse("@every 1ms").unwrap().every(), Some(GoDuration::from_secs(1)));
    assert_eq!(Schedule::parse("@every 90.7s").unwrap().every(), Some(GoDuration::from_secs(90)));
    assert_eq!(Schedule::parse("@hourly").unwrap().every(), None);
}

#[test]
fn a_zone_prefix_moves_the_clock() {
    fires("CRON_TZ=Asia/Tokyo 0 6 * * *", "2026-11-21T00:00:00Z", &["2026-11-21T21:00:00Z"]);
    fires("TZ=America/New_York @daily", "2026-11-21T06:00:00Z", &["2026-11-22T05:00:00Z"]);
    fires("CRON_TZ=UTC  0 6 * * *", "2026-11-21T00:00:00Z", &["2026-11-21T06:00:00Z"]);
}

#[test]
fn an_hour_that_daylight_saving_skips_has_no_firing_and_a_repeated_one_has_two() {
    // New York springs forward on 2026-03-08 and falls back on 2026-11-01.
    fires(
        "TZ=America/New_York 30 2 * * *",
        "2026-03-07T00:00:00Z",
        &["2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z"],
    );
    fires(
        "TZ=America/New_York 30 1 * * *",
        "2026-11-01T04:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"],
    );
}

#[test]
fn a_day_without_midnight_fires_from_its_first_moment_on() {
    // In Beirut 2024-03-31 began at 01:00.
    fires("TZ=Asia/Beirut 5 * 31 3 *", "2024-03-30T12:00:00Z", &["2024-03-30T22:05:00Z"]);
    fires("TZ=Asia/Beirut @daily", "2024-03-30T00:00:00Z", &["2024-03-31T21:00:00Z"]);
}

#[test]
fn a_day_that_never_comes_has_no_firing() {
    assert_eq!(Schedule::parse("0 0 30 2 *").unwrap().next_after(at("2026-11-21T00:00:00Z")), None);
    // An empty list selects nothing; robfig accepts it too.
    assert_eq!(Schedule::parse(", * * * *").unwrap().next_after(at("2026-11-21T00:00:00Z")), None);
}

#[test]
fn malformed_expressions_are_refused_in_robfigs_words() {
    let table = [
        ("", "empty spec string"),
        ("* * * *", "expected 5 to 6 fields, found 4: [* * * *]"),
        ("* * * * * * *", "expected 5 to 6 fields, found 7: [* * * * * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* 24 * * *", "end of range (24) above maximum (23): 24"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("-1 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"),
        ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
        (
            "jan * * * *",
            "failed to parse int from jan: strconv.Atoi: parsing \"jan\": invalid syntax",
        ),
        ("@fortnightly", "unrecognized descriptor: @fortnightly"),
        ("@every", "unrecognized descriptor: @every"),
        ("@every 5", "failed to parse duration @every 5: time: missing unit in duration \"5\""),
        (
            "TZ=Nowhere/Land * * * * *",
            "provided bad location Nowhere/Land: unknown time zone Nowhere/Land",
        ),
        ("TZ=UTC", "a schedule must follow the time zone: TZ=UTC"),
    ];
    for (expression, message) in table {
        let error = Schedule::parse(expression).expect_err(expression);
        assert_eq!(error.to_string(), message, "{expression}");
    }
}

/// A field as text, the values it selects, and whether it counts as open.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: Vec<u32>,
    open: bool,
}

fn field(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let select = move |low: u32, high: u32, step: u32| -> Vec<u32> {
        (low..=high).filter(|v| (v - low).is_multiple_of(step)).collect()
    };
    prop_oneof![
        4 => Just(Field { text: "*".to_owned(), values: select(min, max, 1), open: true }),
        2 => (min..=max).prop_map(|v| Field { text: v.to_string(), values: vec![v], open: false }),
        1 => (min..=max, 1..=7_u32).prop_map(move |(low, step)| Field {
            text: format!("{low}/{step}"),
            values: select(low, max, step),
            open: false,
        }),
        1 => (min..=max, min..=max, 1..=7_u32).prop_map(move |(a, b, step)| Field {
            text: format!("{}-{}/{step}", a.min(b), a.max(b)),
            values: select(a.min(b), a.max(b), step),
            open: false,
        }),
        1 => (2..=9_u32).prop_map(move |step| Field {
            text: format!("*/{step}"),
            values: select(min, max, step),
            open: false,
        }),
        1 => (min..=max, min..=max).prop_map(|(a, b)| Field {
            text: format!("{a},{b}"),
            values: vec![a, b],
            open: false,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_next_firing_is_the_first_minute_that_fits(
        minute in field(0, 59),
        hour in field(0, 23),
        day in field(1, 31),
        month in field(1, 12),
        weekday in field(0, 6),
        start in 1_700_000_000_i64..1_900_000_000,
    ) {
        let expression =
            format!("{} {} {} {} {}", minute.text, hour.text, day.text, month.text, weekday.text);
        let schedule = Schedule::parse(&expression).unwrap();
        let fits = |moment: Timestamp| {
            let c = moment.civil();
            let by_day = day.values.contains(&u32::from(c.day));
            let by_weekday = weekday.values.contains(&u32::from(c.weekday));
            let days = if day.open || weekday.open { by_day && by_weekday } else { by_day || by_weekday };
            days && month.values.contains(&u32::from(c.month))
                && hour.values.contains(&u32::from(c.hour))
                && minute.values.contains(&u32::from(c.minute))
        };
        // Minute by minute, for up to three weeks.
        let horizon = start + 21 * 86_400;
        let mut expected = None;
        let mut moment = start - start.rem_euclid(60) + 60;
        while moment <= horizon {
            if fits(Timestamp::from_seconds(moment)) {
                expected = Some(moment);
                break;
            }
            moment += 60;
        }
        let found = schedule.next_after(Timestamp::from_seconds(start)).map(Timestamp::seconds);
        match expected {
            Some(expected) => prop_assert_eq!(found, Some(expected), "{}", expression),
            None => prop_assert!(found.is_none_or(|found| found > horizon), "{}", expression),
        }
    }

    #[test]
    fn no_expression_makes_the_reader_panic(text in "[@A-Z_=*?/,0-9a-z -]{0,24}") {
        if let Ok(schedule) = Schedule::parse(&text) {
            let _ = schedule.next_after(Timestamp::EPOCH);
        }
    }
}
