//! What a mail says.

use std::fmt::Write as _;

use go_compat::{GoRegex, Timestamp};
use grid::proto::summary::FailingTestSummary;

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
    let grid = base.map(|base| tab_link(base, look.dashboard, look.tab));
    let (subject, mut body) = match &notice.news {
        News::Failures(rows) => failures(look, rows, grid.as_deref()),
        News::Stale(reason) => (
            format!("Stale TestGrid results at {}#{}", look.dashboard, look.tab),
            format!("There are no new results in {}: {reason}\n", look.tab),
        ),
    };
    let options = look.options;
    if let Some(grid) = grid {
        let _ = write!(body, "\nGrid: {grid}\n");
    }
    if !options.debug_url.is_empty() {
        let text = match options.debug_message.is_empty() {
            true => "Debug",
            false => &options.debug_message,
        };
        let _ = writeln!(body, "{text}: {}", options.debug_url);
    }
    let subject = match options.subject.is_empty() {
        true => subject,
        false => options.subject.clone(),
    };
    Mail { to: notice.to.clone(), subject: one_line(&subject, MAX_SUBJECT), body }
}

fn failures(look: &Look<'_>, rows: &[FailingTestSummary], grid: Option<&str>) -> (String, String) {
    let mut subject = format!("New TestGrid alerts at {}#{}", look.dashboard, look.tab);
    let first = rows.iter().min_by(|a, b| a.fail_timestamp.total_cmp(&b.fail_timestamp));
    if let Some(build) = first.map(|row| &row.fail_build_id).filter(|build| !build.is_empty()) {
        let _ = write!(subject, " since {}", named(build));
    }
    subject.push('.');
    let mut body = format!("New Test Failures in {}\n", look.tab);
    let custom = &look.options.alert_mail_failure_message;
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
        let pattern = format!("^{}$", GoRegex::quote_meta(&row.display_name));
        let query = [("include-filter-by-regex", pattern)];
        // A text is always a query.
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let _ = writeln!(body, "  {grid}?{query}");
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
    use grid::proto::config::DashboardTabAlertOptions;
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
        let summary = DashboardTabSummary::default();
        let look = Look {
            dashboard: "sig-a",
            tab: "unit (1)/x",
            options,
            summary: &summary,
            is_known: true,
        };
        let notice = Notice { to: vec!["team@example.com".to_owned()], news };
        mail(&look, &notice, Some("https://ci.example.com/"))
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
