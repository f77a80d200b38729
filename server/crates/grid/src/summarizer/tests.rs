use super::health::{Changes, Rules, Run, flip_flakiness, interval};
use super::stats::BrokenColumn;
use super::*;
use crate::proto::Timestamp as ProtoTime;
use crate::proto::config::{DashboardTabAlertOptions, HealthAnalysisOptions, IgnoredTestStatus};
use crate::proto::state::AlertInfo;
use crate::proto::summary::Trend;

/// A row from `P3 . F`: letters with counts, newest first.
fn row(name: &str, text: &str) -> Row {
    let mut results = Vec::new();
    for word in text.split_whitespace() {
        let status = match &word[..1] {
            "P" => TestStatus::Pass,
            "E" => TestStatus::PassWithErrors,
            "S" => TestStatus::PassWithSkips,
            "F" => TestStatus::Fail,
            "~" => TestStatus::Flaky,
            "R" => TestStatus::Running,
            "U" => TestStatus::Unknown,
            "A" => TestStatus::CategorizedAbort,
            _ => TestStatus::NoResult,
        };
        results.extend([status as i32, word[1..].parse().unwrap_or(1)]);
    }
    let filled: i32 = results.chunks(2).filter(|run| run[0] != 0).map(|run| run[1]).sum();
    Row {
        name: name.to_owned(),
        id: name.to_owned(),
        results,
        messages: vec![String::new(); filled as usize],
        ..Row::default()
    }
}

fn rows(texts: &[&str]) -> Vec<Row> {
    texts.iter().enumerate().map(|(at, text)| row(&format!("row {at}"), text)).collect()
}

fn ignoring(
    statuses: &[IgnoredTestStatus],
    runs: i32,
    flakiness: f32,
) -> DashboardTabStatusCustomizationOptions {
    DashboardTabStatusCustomizationOptions {
        max_acceptable_flakiness: flakiness,
        ignored_test_statuses: statuses.iter().map(|status| *status as i32).collect(),
        min_acceptable_runs: runs,
    }
}

const ALL: Features =
    Features { fuzzy_flakiness: true, ignored_columns: true, min_number_of_runs: true };

#[derive(Default)]
struct Given<'a> {
    rows: &'a [&'a str],
    recent: usize,
    stale: &'a str,
    broken: bool,
    stats: GridStats,
    options: Option<DashboardTabStatusCustomizationOptions>,
    features: Features,
}

fn status(given: Given<'_>) -> Explanation {
    let rows = rows(given.rows);
    let rows: Vec<&Row> = rows.iter().collect();
    overall_status(&Judged {
        rows: &rows,
        columns: 100,
        recent: given.recent,
        stale: given.stale,
        broken: given.broken.then_some((BrokenColumn { column: 0, failing: 1, total: 1 }, 0.5)),
        stats: given.stats,
        options: given.options.as_ref(),
        features: given.features,
    })
}

#[test]
fn the_status_follows_the_rows_by_the_table() {
    use TabStatus::{Flaky, Pass, Unknown};
    let table: &[(&[&str], usize, TabStatus)] = &[
        (&[], 5, Unknown),
        (&["P"], 1, Pass),
        (&["F"], 1, Flaky),
        (&[".", "P3", "R2", "P2"], 5, Pass),
        (&[".", "P3", "R2", "F2"], 5, Flaky),
        (&["P3 F5"], 1, Pass),
        (&["P2", ". F"], 1, Pass),
        (&["P2", "R P", "P F"], 1, Flaky),
        (&["P"], 50, Pass),
        (&[".5"], 5, Unknown),
        (&["U"], 5, Flaky),
        (&["R F3"], 1, Flaky),
        (&["R3"], 5, Unknown),
    ];
    for (rows, recent, expected) in table {
        let found = status(Given { rows, recent: *recent, ..Given::default() });
        assert_eq!(found.status, *expected, "{rows:?} {recent}: {found:?}");
    }
}

#[test]
fn options_of_the_tab_change_the_status_where_the_features_are_on() {
    use TabStatus::{Acceptable, Flaky, Pass, Pending};
    let abort = [IgnoredTestStatus::CategorizedAbort];
    let stats = GridStats { completed_columns: 4, ignored_columns: 2, ..GridStats::default() };
    let none = Features::default();
    let judge = |rows: &[&str], features: Features, stats: GridStats, options| {
        status(Given {
            rows,
            recent: 4,
            features,
            stats,
            options: Some(options),
            ..Given::default()
        })
        .status
    };
    assert_eq!(judge(&["S2 F2"], none, stats, ignoring(&abort, 3, 0.0)), Flaky);
    assert_eq!(judge(&["S2 A2"], ALL, stats, ignoring(&abort, 3, 0.0)), Pending);
    assert_eq!(judge(&["P2 A2"], none, GridStats::default(), ignoring(&abort, 0, 0.0)), Flaky);
    assert_eq!(judge(&["P2 A2", "P4"], ALL, GridStats::default(), ignoring(&abort, 0, 0.0)), Pass);
    assert_eq!(
        judge(&["P2 A2", "F P3"], ALL, GridStats::default(), ignoring(&abort, 0, 0.0)),
        Flaky
    );
    let mostly = GridStats { completed_columns: 4, passing_columns: 3, ..GridStats::default() };
    assert_eq!(judge(&["P F P2"], ALL, mostly, ignoring(&[], 0, 25.0)), Acceptable);
    assert_eq!(judge(&["P F P2"], ALL, mostly, ignoring(&[], 0, 24.0)), Flaky);
    assert_eq!(judge(&["P F P2"], none, mostly, ignoring(&[], 0, 25.0)), Flaky);
}

#[test]
fn a_row_that_claims_billions_of_results_does_not_hold_up_the_others() {
    let damaged = Row { results: vec![4, i32::MAX], ..row("damaged", "") };
    let found = overall_status(&Judged {
        rows: &[&damaged],
        columns: 5,
        recent: 3,
        stale: "",
        broken: None,
        stats: GridStats::default(),
        options: None,
        features: Features::default(),
    });
    assert_eq!(found.status, TabStatus::Unknown);
}

#[test]
fn broken_comes_before_stale_before_failing() {
    let judge = |stale, broken| {
        status(Given { rows: &["S4"], recent: 1, stale, broken, ..Given::default() }).status
    };
    assert_eq!(judge("old", true), TabStatus::Broken);
    assert_eq!(judge("old", false), TabStatus::Stale);
    assert_eq!(judge("", false), TabStatus::Pass);
    let alerting = Row { alert_info: Some(AlertInfo::default()), ..row("bad", "F3") };
    let judged = |stale| {
        overall_status(&Judged {
            rows: &[&alerting],
            columns: 3,
            recent: 1,
            stale,
            broken: None,
            stats: GridStats::default(),
            options: None,
            features: Features::default(),
        })
    };
    assert_eq!(judged("old").status, TabStatus::Stale);
    let failing = judged("");
    assert_eq!((failing.status, &failing.rows[..]), (TabStatus::Fail, &["bad".to_owned()][..]));
}

#[test]
fn every_status_says_why() {
    let say = |given: Given<'_>| {
        let recent = given.recent;
        status(given).sentence(recent)
    };
    let flaky = status(Given { rows: &["P4", "P2 F P", "P2 F P"], recent: 4, ..Given::default() });
    assert_eq!((&flaky.columns[..], flaky.row_count), (&[2][..], 2));
    assert_eq!(flaky.rows, ["row 1", "row 2"]);
    assert_eq!(
        say(Given { rows: &["P4", "P2 F P"], recent: 4, ..Given::default() }),
        "FLAKY: \"row 1\" did not pass in column 3, which is among the 4 recent ones, but no row failed as often \
         in a row as opens an alert."
    );
    let sticky = status(Given { rows: &["R P", "F P"], recent: 1, ..Given::default() });
    assert_eq!((sticky.status, &sticky.columns[..]), (TabStatus::Flaky, &[0][..]));
    let broken = status(Given { rows: &["F", "P"], recent: 1, broken: true, ..Given::default() });
    assert_eq!((&broken.rows[..], &broken.columns[..]), (&["row 0".to_owned()][..], &[0][..]));
    assert!(
        broken
            .sentence(1)
            .contains("1 of 1 results fail, more than the tab's broken_column_threshold of 0.5")
    );
    assert_eq!(
        say(Given { rows: &["P3"], recent: 2, ..Given::default() }),
        "PASS: everything passed in 2 recent columns."
    );
    assert_eq!(
        say(Given { rows: &[], recent: 2, ..Given::default() }),
        "UNKNOWN: none of the 2 recent columns has a result."
    );
    assert_eq!(
        say(Given { stale: "no stored results", ..Given::default() }),
        "STALE: no stored results."
    );
    let pending = status(Given {
        features: ALL,
        options: Some(ignoring(&[], 3, 0.0)),
        recent: 1,
        ..Given::default()
    });
    assert_eq!(pending.sentence(1), "PENDING: 0 of 3 runs that the tab wants have results.");
    let many: Vec<String> = vec!["F".to_owned(); 50];
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = status(Given { rows: &many, recent: 1, ..Given::default() });
    assert_eq!((many.rows.len(), many.row_count), (status::MAX_ROWS, 50));
}

fn counted(texts: &[&str], columns: usize, recent: usize, threshold: f32) -> (GridStats, bool) {
    let rows = rows(texts);
    let rows: Vec<&Row> = rows.iter().collect();
    let (stats, broken) = grid_stats(columns, &rows, recent, threshold, Features::default(), None);
    (stats, broken.is_some())
}

#[test]
fn columns_and_cells_are_counted_by_the_table() {
    // passing and completed columns, passing and filled cells, broken
    type Case = (&'static [&'static str], usize, usize, f32, (usize, usize, usize, usize, bool));
    let table: &[Case] = &[
        (&["A4", "A4", "A4"], 4, 10, 0.6, (0, 4, 0, 12, false)),
        (&["A4", "A4", "F4"], 4, 10, 0.6, (0, 4, 0, 12, false)),
        (&["P4 F9"], 4, 10, 0.5, (4, 4, 4, 4, false)),
        (&["P4 F9"], 13, 4, 0.5, (4, 4, 4, 4, false)),
        (&["P2 .2", ". P3"], 4, 4, 0.5, (4, 4, 5, 5, false)),
        (&["F", "F", "P"], 1, 1, 0.6, (0, 1, 1, 3, true)),
        (&["F", "F", "P"], 1, 1, 0.7, (0, 1, 1, 3, false)),
        (&["F", "P"], 1, 1, 0.5, (0, 1, 1, 2, false)),
        (&["F"], 1, 1, 0.0, (0, 1, 0, 1, false)),
        (&["~", "P"], 1, 1, 0.5, (1, 1, 1, 2, false)),
        (&["R P", "P"], 2, 2, 0.5, (2, 2, 2, 2, false)),
    ];
    for (texts, columns, recent, threshold, expected) in table {
        let (stats, broken) = counted(texts, *columns, *recent, *threshold);
        let found = (
            stats.passing_columns,
            stats.completed_columns,
            stats.passing_cells,
            stats.filled_cells,
            broken,
        );
        assert_eq!(found, *expected, "{texts:?}");
    }
    let rows = rows(&["A P", "P2"]);
    let rows: Vec<&Row> = rows.iter().collect();
    let options = ignoring(&[IgnoredTestStatus::CategorizedAbort], 0, 0.0);
    let (stats, _) = grid_stats(2, &rows, 2, 0.0, ALL, Some(&options));
    assert_eq!((stats.ignored_columns, stats.passing_columns, stats.completed_columns), (1, 1, 2));
}

#[test]
fn the_latest_green_is_the_newest_column_of_passes_alone() {
    let columns: Vec<Column> = (0..4)
        .map(|at| Column {
            build: format!("b{at}"),
            extra: if at < 3 { vec![format!("c{at}")] } else { vec![] },
            ..Column::default()
        })
        .collect();
    let green = |texts: &[&str], by_header: bool| {
        let rows = rows(texts);
        let rows: Vec<&Row> = rows.iter().collect();
        latest_green(&columns.iter().collect::<Vec<_>>(), &rows, by_header)
    };
    assert_eq!(green(&["P4"], true), "c0");
    assert_eq!(green(&["P4"], false), "b0");
    assert_eq!(green(&["F3 P"], true), "b3");
    assert_eq!(green(&["R E S P", "P4"], true), "c1");
    assert_eq!(green(&["P4", "~ F U ."], false), "b3");
    assert_eq!(green(&[".4"], true), NO_GREENS);
    assert_eq!(green(&["F4", "P4"], true), NO_GREENS);
}

#[test]
fn staleness_is_told_by_the_table() {
    const MINUTE: i64 = 60_000;
    let now = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
    let ago =
        |minutes: Option<i64>| minutes.map(|m| Timestamp::from_millis(now.millis() - m * MINUTE));
    let text =
        |modified, latest, hours, rows| stale_text(ago(modified), ago(latest), hours, rows, now);
    let table = [
        (Some(5), Some(10), 1, 10, ""),
        (
            Some(300),
            Some(0),
            1,
            10,
            "data has not changed since 2026-11-21 07:00:00 +0000 UTC (5h0m0s old)",
        ),
        (
            Some(0),
            Some(307),
            1,
            10,
            "latest column from 2026-11-21 06:53:00 +0000 UTC (5h0m0s old)",
        ),
        (Some(0), None, 1, 10, "no completed results"),
        (Some(5), Some(10), 1, 0, "no completed results"),
        (Some(0), None, 0, 10, ""),
        (None, None, 0, 10, "no stored results"),
    ];
    for (modified, latest, hours, rows, expected) in table {
        assert_eq!(
            text(modified, latest, hours, rows),
            expected,
            "{modified:?} {latest:?} {hours} {rows}"
        );
    }
    let odd = Timestamp::from_millis(now.millis() + 250);
    assert_eq!(go_time(odd), "2026-11-21 12:00:00.25 +0000 UTC");
}

#[test]
fn the_status_text_has_its_numbers() {
    let stats = GridStats {
        passing_columns: 3,
        completed_columns: 5,
        ignored_columns: 0,
        passing_cells: 35,
        filled_cells: 50,
    };
    assert_eq!(
        status_text(&stats, TabStatus::Flaky, None),
        "Tab stats: 3 of 5 (60.0%) recent columns passed (35 of 50 or 70.0% cells)"
    );
    let ignoring = GridStats { ignored_columns: 1, ..stats };
    assert_eq!(
        status_text(&ignoring, TabStatus::Pending, None),
        "Tab stats: 3 of 5 (60.0%) recent columns passed (35 of 50 or 70.0% cells). 1 columns ignored\n\
         Status info: Not enough runs"
    );
    assert_eq!(
        status_text(&ignoring, TabStatus::Acceptable, Some(&self::ignoring(&[], 0, 30.0)))
            .lines()
            .last(),
        Some(
            "Status info: Recent flakiness (25.0%) over valid columns is within configured acceptable level of 30.0%."
        )
    );
    assert_eq!(
        status_text(&GridStats::default(), TabStatus::Unknown, None),
        "no completed results"
    );
}

#[test]
fn flakiness_counts_changes_to_failing() {
    let runs = |text: &str| -> Vec<Run> {
        text.split_whitespace()
            .map(|letter| match letter {
                "p" => Run::Pass,
                "f" => Run::Fail,
                _ => Run::Flaky,
            })
            .collect()
    };
    for (text, percent) in [
        ("p f p p ~ p p p p f", 30.0),
        ("p f f p p p p f p p", 20.0),
        ("p f f f f f p f p f", 40.0),
        ("p f f ~ f f p f p f", 50.0),
        ("f f f", 0.0),
        ("", 0.0),
    ] {
        assert_eq!(flip_flakiness(&runs(text)), percent, "{text}");
    }
}

fn dated(rows: Vec<Row>, seconds: &[i64]) -> Grid {
    let columns = seconds.iter().map(|s| Column { started: *s as f64 * 1e3, ..Column::default() });
    Grid { columns: columns.collect(), rows, ..Grid::default() }
}

#[test]
fn health_tells_failures_of_the_infrastructure_apart() {
    let mut noisy = row("noisy", "P F F ~ R F");
    noisy.messages = ["", "Timeout", "real trouble", "", "", "two words"].map(str::to_owned).into();
    let grid = dated(
        vec![noisy, row("calm", "P5 F"), row("only flaky", "~6"), row("m@TESTGRID@x", "F6")],
        &[60, 50, 40, 30, 20, 10],
    );
    let info = interval(&GridRef::from(&grid), 10, 60, Rules::TestGrid);
    let names: Vec<_> = info.tests.iter().map(|test| test.display_name.as_str()).collect();
    assert_eq!(names, ["noisy", "calm"]);
    let noisy = &info.tests[0];
    assert_eq!(
        (noisy.passed_non_infra_runs, noisy.failed_non_infra_runs, noisy.failed_infra_runs),
        (1, 2, 1)
    );
    assert_eq!((noisy.total_non_infra_runs, noisy.total_runs_with_infra), (3, 4));
    assert_eq!(noisy.infra_failures.get("Timeout"), Some(&1));
    assert_eq!(noisy.flakiness, 75.0);
    assert_eq!(info.start, Some(ProtoTime { seconds: 10, nanos: 0 }));
    assert_eq!(interval(&GridRef::from(&grid), 61, 90, Rules::TestGrid).tests.len(), 0);
}

#[test]
fn a_server_reports_tests_that_are_always_flaky_and_takes_one_word_for_a_failure() {
    let mut curt = row("curt", "F P F P2 F");
    curt.messages = ["Timeout", "", "Boom", "", "", "two words"].map(str::to_owned).into();
    let grid = dated(
        vec![curt, row("calm", "P5 F"), row("only flaky", "~5 .")],
        &[60, 50, 40, 30, 20, 10],
    );
    let info = interval(&GridRef::from(&grid), 10, 60, Rules::Serve);
    let [curt, calm, flaky] = &info.tests[..] else { panic!("three tests: {:?}", info.tests) };
    assert_eq!((curt.failed_non_infra_runs, curt.failed_infra_runs), (2, 1));
    assert_eq!(curt.infra_failures.get("the whole run failed"), Some(&1));
    assert_eq!((calm.failed_non_infra_runs, calm.failed_infra_runs), (0, 1));
    assert_eq!((flaky.total_non_infra_runs, flaky.other_runs, flaky.flakiness), (0, 5, 100.0));
    let as_testgrid = interval(&GridRef::from(&grid), 10, 60, Rules::TestGrid);
    let names: Vec<_> = as_testgrid.tests.iter().map(|test| test.display_name.as_str()).collect();
    assert_eq!(names, ["curt", "calm"]);
    assert_eq!(as_testgrid.tests[0].failed_infra_runs, 2, "one word each");
}

#[test]
fn few_runs_are_less_sure_than_many() {
    for (flips, considered, low, high) in [
        (0, 0, 0.0, 100.0),
        (0, 10, 0.0, 27.8),
        (10, 10, 72.2, 100.0),
        (1, 10, 1.8, 40.4),
        (10, 100, 5.5, 17.4),
        (100, 1_000, 8.3, 12.0),
    ] {
        let (found_low, found_high) = Changes { flips, considered }.between();
        let is_near = |found: f32, wanted: f32| (found - wanted).abs() < 0.06;
        assert!(
            is_near(found_low, low) && is_near(found_high, high),
            "{flips} of {considered}: {found_low} to {found_high}"
        );
    }
}

#[test]
fn failures_of_a_whole_column_do_not_make_tests_flaky() {
    let both = || vec![row("a", "P F P"), row("b", "P F P")];
    let flakiness = |rows| {
        interval(&GridRef::from(&dated(rows, &[30, 20, 10])), 0, 60, Rules::TestGrid).tests[0]
            .flakiness
    };
    assert_eq!(flakiness(both()), 0.0);
    assert!(flakiness(both().drain(..1).collect()) > 0.0);
}

#[test]
fn the_trend_compares_with_the_interval_before() {
    const DAY: i64 = 86_400;
    let now = 100 * DAY;
    let starts: Vec<i64> = [1, 2, 3, 4, 8, 9, 10, 11].iter().map(|ago| now - ago * DAY).collect();
    let steady = row("steady", "P8");
    let worse = row("worse", "F P3 P4");
    let better = row("better", "P4 F P3");
    let new = row("new", "P4 .4");
    let late = row("late", "F P7");
    let grid = dated(vec![steady, worse, better, new, late], &starts);
    let found = health::healthiness(&GridRef::from(&grid), now, 0, Rules::TestGrid);
    let info = found.info;
    let is_new: Vec<bool> = found.sure.iter().map(|sure| sure.is_new).collect();
    assert_eq!(is_new, [false, true, false, false, true], "clean before, and flaky now");
    let trends: Vec<_> = info.tests.iter().map(|test| test.change_from_last_interval).collect();
    assert_eq!(
        trends,
        [Trend::NoChange, Trend::Up, Trend::Down, Trend::Unknown, Trend::Up]
            .map(|trend| trend as i32)
    );
    assert_eq!(info.tests[2].previous_flakiness, [25.0]);
    assert_eq!(info.previous_flakiness.len(), 1);
}

#[test]
fn a_tab_is_summarized_whole() {
    let now = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
    let mut failing = row("bad", "F3 P");
    failing.issues = vec!["7".into()];
    failing.alert_info = Some(AlertInfo {
        fail_count: 3,
        fail_test_id: "a/b".into(),
        fail_time: Some(ProtoTime { seconds: 5, nanos: 9 }),
        ..AlertInfo::default()
    });
    let stale = row("gone", ".20 F");
    let method = row("t@TESTGRID@m", "F4");
    let mut grid = dated(vec![row("good", "P4"), failing, stale, method], &[0; 4]);
    let began = |minutes: i64| (now.millis() - minutes * 60_000) as f64;
    for (at, column) in grid.columns.iter_mut().enumerate() {
        column.started = began(10 * (at as i64 + 1));
        column.build = at.to_string();
    }
    let tab = DashboardTab {
        name: "tab".into(),
        num_columns_recent: 3,
        alert_options: Some(Box::new(DashboardTabAlertOptions {
            alert_stale_results_hours: 24,
            ..Default::default()
        })),
        health_analysis_options: Some(Box::new(HealthAnalysisOptions {
            enable: true,
            ..Default::default()
        })),
        ..DashboardTab::default()
    };
    let group = TestGroup { num_columns_recent: 20, ..TestGroup::default() };
    let context = TabContext {
        dashboard: "board",
        tab: &tab,
        group: &group,
        modified: Some(now),
        now,
        features: Features::default(),
        health: Rules::TestGrid,
    };
    let made = summarize(&GridRef::from(&grid), &context);
    let summary = &made.summary;
    assert_eq!(summary.overall_status, TabStatus::Fail as i32);
    assert_eq!(made.explanation.rows, ["bad"]);
    assert_eq!(
        summary.status,
        "Tab stats: 0 of 3 (0.0%) recent columns passed (3 of 6 or 50.0% cells)"
    );
    assert_eq!(summary.latest_green, "3");
    assert_eq!(summary.last_run_timestamp, ((now.millis() - 600_000) / 1000) as f64);
    assert_eq!(summary.linked_issues, ["7"]);
    let [failed] = &summary.failing_test_summaries[..] else { panic!("one failing test") };
    assert_eq!(
        (failed.fail_count, failed.fail_timestamp, &*failed.fail_test_link),
        (3, 5.0, "a%2Fb bad")
    );
    assert!(summary.healthiness.is_some() && summary.alert.is_empty());

    let never =
        summarize(&GridRef::from(&Grid::default()), &TabContext { modified: None, ..context });
    assert_eq!(never.summary.overall_status, TabStatus::Stale as i32);
    assert_eq!((&*never.summary.alert, &*never.summary.status), ("no stored results", NO_RUNS));
    let lost = unknown("board", "tab", "Test group does not exist: x");
    assert_eq!(
        (lost.overall_status, &*lost.alert),
        (TabStatus::Unknown as i32, "Test group does not exist: x")
    );
}
