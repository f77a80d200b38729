//! What a mail says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use go_compat::{GoRegex, Timestamp};
use grid::proto::summary::{FailingTestSummary, HealthinessInfo, TestInfo, Trend};

use super::decide::{Look, News, Notice};

/// Rows that one mail lists; of more it says how many.
const MAX_ROWS: usize = 100;

/// Letters of a failure's message.
const MAX_MESSAGE: usize = 500;

/// Letters of a subject.
const MAX_SUBJECT: usize = 300;

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The addresses.
    pub to: Vec<String>,
    /// The subject, one line.
    pub subject: String,
    /// The text, plain.
    pub body: String,
}

/// Writes the mail of a notice. `base` is the address of this server as its readers know it, such as
/// `https://prow.example.com`; without it the mail has no links into the grid.
pub(super) fn mail(look: &Look<'_>, notice: &Notice, base: Option<&str>) -> Mail {
    let tab = look.tab;
    let grid = base.map(|base| tab_link(base, look.dashboard, &tab.name));
    let place = format!("{}#{}", look.dashboard, tab.name);
    let (subject, mut body) = match &notice.news {
        News::Failures(rows) => failures(look, rows, grid.as_deref()),
        News::Stale(reason) => (
            format!("Stale TestGrid results at {place}"),
            format!("There are no new results in {}: {reason}\n", tab.name),
        ),
        News::Flaky(tests) => (
            format!("New flaky tests at {place}."),
            flaky(&tab.name, tests, flaky_text(look), grid.as_deref()),
        ),
        News::Report(flakiness) => (
            format!("Flakiness of {place}: {:.1} %", flakiness.average_flakiness),
            report(look, flakiness),
        ),
    };
    if let Some(grid) = grid {
        let _ = write!(body, "\nGrid: {grid}\n");
    }
    let alerts = tab.alert_options.as_ref();
    let own_subject = match &notice.news {
        News::Failures(_) | News::Stale(_) => alerts.map(|options| &options.subject),
        News::Flaky(_) => tab.flakiness_alert_options.as_ref().map(|options| &options.subject),
        News::Report(_) => None,
    };
    if let Some(options) = alerts.filter(|options| !options.debug_url.is_empty()) {
        let text = match options.debug_message.is_empty() {
            true => "Debug",
            false => &options.debug_message,
        };
        let _ = writeln!(body, "{text}: {}", options.debug_url);
    }
    let subject = own_subject.filter(|subject| !subject.is_empty()).unwrap_or(&subject);
    Mail { to: notice.to.clone(), subject: one_line(subject, MAX_SUBJECT), body }
}

/// The text that a tab wants in mails about flaky tests.
fn flaky_text<'a>(look: &Look<'a>) -> &'a str {
    let options = look.tab.flakiness_alert_options.as_ref();
    options.map_or("", |options| options.alert_mail_failure_message.as_str())
}

fn flaky(tab: &str, tests: &[TestInfo], custom: &str, grid: Option<&str>) -> String {
    let mut body = format!("New flaky tests in {tab}\n");
    if !custom.is_empty() {
        let _ = write!(body, "\n{custom}\n");
    }
    for test in tests.iter().take(MAX_ROWS) {
        body.push('\n');
        about_flaky(&mut body, test);
        if let Some(grid) = grid {
            let _ = writeln!(body, "  {}", row_link(grid, &test.display_name));
        }
    }
    if tests.len() > MAX_ROWS {
        let _ = write!(body, "\nand {} more\n", tests.len() - MAX_ROWS);
    }
    body
}

/// A test: how flaky it is, of how many runs, and whether that grew.
fn about_flaky(body: &mut String, test: &TestInfo) {
    let _ = writeln!(body, "{}", one_line(&test.display_name, MAX_MESSAGE));
    let _ = write!(
        body,
        "  flaky in {:.1} %: {} of {} runs failed",
        test.flakiness, test.failed_non_infra_runs, test.total_non_infra_runs
    );
    if test.failed_infra_runs > 0 {
        let _ = write!(body, ", {} more by the infrastructure", test.failed_infra_runs);
    }
    if let Some(before) = test.previous_flakiness.first() {
        let word = match test.change_from_last_interval {
            change if change == Trend::Up as i32 => "up from",
            change if change == Trend::Down as i32 => "down from",
            _ => "as before:",
        };
        let _ = write!(body, ", {word} {before:.1} %");
    }
    body.push('\n');
}

/// All tests that are flaky, the flakiest first, in the groups of the tab's `grouping_regex`: its
/// first capture group, or else the whole match.
fn report(look: &Look<'_>, flakiness: &HealthinessInfo) -> String {
    let options = look.tab.health_analysis_options.as_ref();
    let pattern = options.map(|options| options.grouping_regex.as_str()).unwrap_or_default();
    // A pattern that does not compile is a finding of the configuration's check.
    let pattern = Some(pattern).filter(|p| !p.is_empty()).and_then(|p| GoRegex::new(p).ok());
    let mut body = format!("Flakiness of {}: {:.1} %", look.tab.name, flakiness.average_flakiness);
    if let Some(before) = flakiness.previous_flakiness.first() {
        let _ = write!(body, " ({before:.1} % in the interval before)");
    }
    let _ = writeln!(body, " over {} tests", flakiness.tests.len());
    let mut groups: BTreeMap<String, Vec<&TestInfo>> = BTreeMap::new();
    let mut flaky: Vec<&TestInfo> =
        flakiness.tests.iter().filter(|test| test.flakiness > 0.0).collect();
    flaky.sort_by(|a, b| b.flakiness.total_cmp(&a.flakiness));
    let more = flaky.len().saturating_sub(MAX_ROWS);
    for test in flaky.into_iter().take(MAX_ROWS) {
        let found = pattern.as_ref().and_then(|pattern| pattern.captures(&test.display_name));
        let group = found.and_then(|found| found.get(1).or(found.get(0)).map(str::to_owned));
        groups.entry(group.unwrap_or_default()).or_default().push(test);
    }
    if groups.is_empty() {
        body.push_str("\nNo test was flaky.\n");
    }
    for (group, tests) in groups {
        if pattern.is_some() {
            let _ = write!(body, "\n== {} ==\n", if group.is_empty() { "Other" } else { &group });
        }
        for test in tests {
            body.push('\n');
            about_flaky(&mut body, test);
        }
    }
    if more > 0 {
        let _ = write!(body, "\nand {more} more\n");
    }
    body
}

/// The grid with one row.
fn row_link(grid: &str, row: &str) -> String {
    let pattern = format!("^{}$", GoRegex::quote_meta(row));
    // A text is always a query.
    let query = serde_urlencoded::to_string([("include-filter-by-regex", pattern)]);
    format!("{grid}?{}", query.unwrap_or_default())
}

fn failures(look: &Look<'_>, rows: &[FailingTestSummary], grid: Option<&str>) -> (String, String) {
    let mut subject = format!("New TestGrid alerts at {}#{}", look.dashboard, look.tab.name);
    let first = rows.iter().min_by(|a, b| a.fail_timestamp.total_cmp(&b.fail_timestamp));
    if let Some(build) = first.map(|row| &row.fail_build_id).filter(|build| !build.is_empty()) {
        let _ = write!(subject, " since {}", named(build));
    }
    subject.push('.');
    let mut body = format!("New Test Failures in {}\n", look.tab.name);
    let options = look.tab.alert_options.as_ref();
    let custom = options.map_or("", |options| options.alert_mail_failure_message.as_str());
    if !custom.is_empty() {
        let _ = write!(body, "\n{custom}\n");
    }
    for row in rows.iter().take(MAX_ROWS) {
        body.push('\n');
        about(&mut body, row, grid);
    }
    if rows.len() > MAX_ROWS {
        let _ = write!(body, "\nand {} more\n", rows.len() - MAX_ROWS);
    }
    (subject, body)
}

/// A row: how often it failed, since when, and where to look.
fn about(body: &mut String, row: &FailingTestSummary, grid: Option<&str>) {
    let times = if row.fail_count == 1 { "time" } else { "times" };
    let _ = writeln!(body, "{}", one_line(&row.display_name, MAX_MESSAGE));
    let _ = writeln!(body, "  failed {} {times}", row.fail_count);
    for (what, build, seconds) in [
        ("first failed", &row.fail_build_id, row.fail_timestamp),
        ("last passed", &row.pass_build_id, row.pass_timestamp),
    ] {
        if !build.is_empty() {
            let _ = writeln!(body, "  {what} at {}{}", named(build), when(seconds));
        }
    }
    if !row.failure_message.is_empty() {
        let _ = writeln!(body, "  {}", one_line(&row.failure_message, MAX_MESSAGE));
    }
    if let Some(grid) = grid {
        let _ = writeln!(body, "  {}", row_link(grid, &row.display_name));
    }
    if row.build_link.starts_with("http://") || row.build_link.starts_with("https://") {
        let _ = writeln!(body, "  {}", one_line(&row.build_link, usize::MAX));
    }
}

/// A build by its name: commits are named as such.
fn named(build: &str) -> String {
    let is_commit = build.len() >= 7 && build.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = build.bytes().all(|byte| byte.is_ascii_digit());
    let build = one_line(build, MAX_MESSAGE);
    if is_commit && !is_number { format!("commit/{build}") } else { build }
}

fn when(seconds: f64) -> String {
    if seconds <= 0.0 {
        return String::new();
    }
    // The cast saturates.
    let text = Timestamp::from_seconds(seconds as i64).rfc3339();
    format!(" ({} UTC)", text.trim_end_matches('Z').replace('T', " "))
}

/// The address of a tab's page.
fn tab_link(base: &str, dashboard: &str, tab: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{base}/testgrid/{}/{}", segment(dashboard), segment(tab))
}

/// A text as one part of a path.
fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A text on one line, cut to so many letters.
fn one_line(text: &str, letters: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use grid::proto::config::{
        DashboardTab, DashboardTabAlertOptions, DashboardTabFlakinessAlertOptions,
        HealthAnalysisOptions,
    };
    use grid::proto::summary::DashboardTabSummary;

    use super::*;

    fn row(name: &str) -> FailingTestSummary {
        FailingTestSummary {
            display_name: name.to_owned(),
            fail_count: 3,
            fail_build_id: "0123abc".to_owned(),
            fail_timestamp: 1_790_000_000.0,
            pass_build_id: "fedcba9".to_owned(),
            pass_timestamp: 1_789_990_000.0,
            failure_message: "expected 1\ngot 2".to_owned(),
            build_link: "https://prow.example.com/view/gs/b/logs/job/7".to_owned(),
            ..FailingTestSummary::default()
        }
    }

    fn made(options: &DashboardTabAlertOptions, news: News) -> Mail {
        made_of(
            DashboardTab {
                alert_options: Some(Box::new(options.clone())),
                ..DashboardTab::default()
            },
            news,
        )
    }

    fn made_of(tab: DashboardTab, news: News) -> Mail {
        let tab = DashboardTab { name: "unit (1)/x".to_owned(), ..tab };
        let summary = DashboardTabSummary::default();
        let look = Look {
            dashboard: "sig-a",
            tab: &tab,
            summary: &summary,
            flakiness: None,
            is_known: true,
        };
        let notice = Notice { to: vec!["team@example.com".to_owned()], news };
        mail(&look, &notice, Some("https://ci.example.com/"))
    }

    fn test(name: &str, flakiness: f32) -> TestInfo {
        TestInfo {
            display_name: name.to_owned(),
            total_non_infra_runs: 20,
            failed_non_infra_runs: 3,
            flakiness,
            previous_flakiness: vec![5.0],
            change_from_last_interval: Trend::Up as i32,
            ..TestInfo::default()
        }
    }

    #[test]
    fn a_flaky_test_is_told_with_its_runs_and_the_interval_before() {
        let tab = DashboardTab {
            flakiness_alert_options: Some(Box::new(DashboardTabFlakinessAlertOptions {
                subject: "Flakes".to_owned(),
                alert_mail_failure_message: "Quarantine it.".to_owned(),
                ..DashboardTabFlakinessAlertOptions::default()
            })),
            ..DashboardTab::default()
        };
        let mail = made_of(tab, News::Flaky(vec![test("TestA", 15.0)]));
        assert_eq!(mail.subject, "Flakes");
        assert_eq!(
            mail.body,
            "New flaky tests in unit (1)/x\n\nQuarantine it.\n\nTestA\n  \
             flaky in 15.0 %: 3 of 20 runs failed, up from 5.0 %\n  \
             https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx?include-filter-by-regex=%5ETestA%24\n\n\
             Grid: https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx\n"
        );
    }

    #[test]
    fn a_report_lists_flaky_tests_in_the_groups_of_the_tab() {
        let tab = DashboardTab {
            health_analysis_options: Some(Box::new(HealthAnalysisOptions {
                enable: true,
                grouping_regex: r"^\[(sig-\w+)\]".to_owned(),
                ..HealthAnalysisOptions::default()
            })),
            ..DashboardTab::default()
        };
        let tests =
            vec![test("[sig-b] x", 1.0), test("y", 2.0), test("[sig-b] z", 9.0), test("w", 0.0)];
        let info = HealthinessInfo {
            tests,
            average_flakiness: 3.0,
            previous_flakiness: vec![4.0],
            ..HealthinessInfo::default()
        };
        let mail = made_of(tab, News::Report(info));
        assert_eq!(mail.subject, "Flakiness of sig-a#unit (1)/x: 3.0 %");
        let lines: Vec<&str> = mail.body.lines().filter(|l| !l.starts_with("  ")).collect();
        assert_eq!(
            lines,
            [
                "Flakiness of unit (1)/x: 3.0 % (4.0 % in the interval before) over 4 tests",
                "",
                "== Other ==",
                "",
                "y",
                "",
                "== sig-b ==",
                "",
                "[sig-b] z",
                "",
                "[sig-b] x",
                "",
                "Grid: https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx",
            ]
        );
    }

    #[test]
    fn a_mail_tells_what_fails_since_when_and_where_to_look() {
        let mut later = row("TestB[1]");
        later.fail_timestamp += 10.0;
        later.fail_build_id = "1500".to_owned();
        later.fail_count = 1;
        let options = DashboardTabAlertOptions::default();
        let mail = made(&options, News::Failures(vec![later, row("TestA")]));
        assert_eq!(mail.subject, "New TestGrid alerts at sig-a#unit (1)/x since commit/0123abc.");
        assert_eq!(
            mail.body,
            "New Test Failures in unit (1)/x\n\
             \n\
             TestB[1]\n  failed 1 time\n  first failed at 1500 (2026-09-21 14:13:30 UTC)\n  \
             last passed at commit/fedcba9 (2026-09-21 11:26:40 UTC)\n  expected 1 got 2\n  \
             https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx?include-filter-by-regex=%5ETestB%5C%5B1%5C%5D%24\n  \
             https://prow.example.com/view/gs/b/logs/job/7\n\
             \n\
             TestA\n  failed 3 times\n  first failed at commit/0123abc (2026-09-21 14:13:20 UTC)\n  \
             last passed at commit/fedcba9 (2026-09-21 11:26:40 UTC)\n  expected 1 got 2\n  \
             https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx?include-filter-by-regex=%5ETestA%24\n  \
             https://prow.example.com/view/gs/b/logs/job/7\n\
             \n\
             Grid: https://ci.example.com/testgrid/sig-a/unit%20%281%29%2Fx\n"
        );
    }

    #[test]
    fn a_tab_has_its_own_subject_text_and_debug_link() {
        let options = DashboardTabAlertOptions {
            subject: "Look\r\nBcc: all@example.com".to_owned(),
            debug_url: "https://wiki.example.com/debug".to_owned(),
            debug_message: "How to debug".to_owned(),
            alert_mail_failure_message: "Please see the runbook.".to_owned(),
            ..DashboardTabAlertOptions::default()
        };
        let mail = made(&options, News::Failures(vec![row("TestA")]));
        assert_eq!(mail.subject, "Look Bcc: all@example.com");
        assert!(mail.body.contains("\n\nPlease see the runbook.\n\nTestA\n"), "{}", mail.body);
        assert!(mail.body.ends_with("\nHow to debug: https://wiki.example.com/debug\n"));
    }

    #[test]
    fn a_stale_tab_is_told_with_the_reason() {
        let options = DashboardTabAlertOptions::default();
        let mail =
            made(&options, News::Stale("latest column from Monday (26h0m0s old)".to_owned()));
        assert_eq!(mail.subject, "Stale TestGrid results at sig-a#unit (1)/x");
        assert!(mail.body.starts_with(
            "There are no new results in unit (1)/x: latest column from Monday (26h0m0s old)\n\nGrid: "
        ));
    }

    #[test]
    fn very_much_is_cut_and_counted() {
        let mut long = row("TestA");
        long.failure_message = "x".repeat(10_000);
        long.build_link = "javascript:alert(1)".to_owned();
        let options = DashboardTabAlertOptions::default();
        let mail = made(&options, News::Failures(vec![long; 250]));
        assert!(mail.body.len() < 150_000, "{} bytes", mail.body.len());
        assert!(mail.body.contains("\nand 150 more\n") && !mail.body.contains("javascript"));
    }
}
