use std::time::Duration;

use go_compat::GoDuration;
use proptest::prelude::*;

/// Text, nanoseconds, and how Go prints them.
const READ: &[(&str, i64, &str)] = &[
    ("0", 0, "0s"),
    ("0s", 0, "0s"),
    ("-0", 0, "0s"),
    ("1ns", 1, "1ns"),
    ("1µs", 1_000, "1µs"),
    ("1μs", 1_000, "1µs"),
    ("1.1us", 1_100, "1.1µs"),
    ("2.2ms", 2_200_000, "2.2ms"),
    (".5s", 500_000_000, "500ms"),
    ("1.s", 1_000_000_000, "1s"),
    ("-1.5s", -1_500_000_000, "-1.5s"),
    ("+5m", 300_000_000_000, "5m0s"),
    ("3000s", 3_000_000_000_000, "50m0s"),
    ("1h", 3_600_000_000_000, "1h0m0s"),
    ("1.5h", 5_400_000_000_000, "1h30m0s"),
    ("1h30m", 5_400_000_000_000, "1h30m0s"),
    ("1m1h", 3_660_000_000_000, "1h1m0s"),
    ("24h", 86_400_000_000_000, "24h0m0s"),
    ("1h15m30.918273645s", 4_530_918_273_645, "1h15m30.918273645s"),
    ("0.3333333333333333333h", 1_200_000_000_000, "20m0s"),
    ("9007199254.740993ms", 9_007_199_254_740_993, "2501h59m59.254740993s"),
    ("2562047h47m16.854775807s", i64::MAX, "2562047h47m16.854775807s"),
    ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
];

const REFUSED: &[(&str, &str)] = &[
    ("", r#"time: invalid duration """#),
    ("-", r#"time: invalid duration "-""#),
    (".s", r#"time: invalid duration ".s""#),
    ("h", r#"time: invalid duration "h""#),
    (" 1s", r#"time: invalid duration " 1s""#),
    ("5", r#"time: missing unit in duration "5""#),
    ("1d", r#"time: unknown unit "d" in duration "1d""#),
    ("1s ", r#"time: unknown unit "s " in duration "1s ""#),
    ("1h-1m", r#"time: unknown unit "h-" in duration "1h-1m""#),
    ("1e3s", r#"time: unknown unit "e" in duration "1e3s""#),
    ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
    ("2562048h", r#"time: invalid duration "2562048h""#),
];

#[test]
fn durations_are_read_and_printed_as_go_does() {
    for (text, nanos, printed) in READ {
        let duration = GoDuration::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(duration, GoDuration(*nanos), "{text}");
        assert_eq!(duration.to_string(), *printed, "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused_in_gos_words() {
    for (text, message) in REFUSED {
        let error = GoDuration::parse(text).expect_err(text);
        assert_eq!(error.to_string(), *message);
    }
}

#[test]
fn json_takes_texts_and_nanoseconds_and_gives_texts() {
    let read = |json: &str| serde_json::from_str::<GoDuration>(json);
    assert_eq!(read(r#""1h30m""#).unwrap(), GoDuration::from_mins(90));
    assert_eq!(read("1500000000").unwrap(), GoDuration::from_millis(1_500));
    assert!(read("1.5").is_err());
    assert!(read("18446744073709551615").is_err());
    assert!(read(r#""soon""#).unwrap_err().to_string().contains("invalid duration"));
    assert_eq!(serde_json::to_string(&GoDuration::from_mins(90)).unwrap(), r#""1h30m0s""#);
}

#[test]
fn a_timer_is_never_set_to_a_negative_time() {
    assert_eq!(GoDuration::from_secs(-5).as_std(), Duration::ZERO);
    assert_eq!(GoDuration::from_hours(2).as_std(), Duration::from_secs(7_200));
    assert_eq!(GoDuration::from_std(Duration::MAX), GoDuration(i64::MAX));
    assert_eq!(GoDuration::from_secs(i64::MAX), GoDuration(i64::MAX));
}

#[test]
fn width_and_alignment_apply_to_the_whole_text() {
    assert_eq!(format!("{:>8}|", GoDuration::from_secs(5)), "      5s|");
}

proptest! {
    #[test]
    fn every_duration_survives_its_text(nanos: i64) {
        let duration = GoDuration(nanos);
        prop_assert_eq!(GoDuration::parse(&duration.to_string()), Ok(duration));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-+]?[0-9.hmsunµ]{0,24}") {
        let _ = GoDuration::parse(&text);
    }
}
