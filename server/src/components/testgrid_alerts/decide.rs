//! Which mails a look at a tab's summary makes.

use std::collections::BTreeMap;
use std::time::Duration;

use go_compat::Timestamp;
use go_compat::cron::Schedule;
use grid::proto::config::{DashboardTab, DashboardTabAlertOptions};
use grid::proto::summary::{DashboardTabSummary, FailingTestSummary, HealthinessInfo, TestInfo};
use serde::{Deserialize, Serialize};

/// The wait after the first mail that could not be sent; each further one is twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// The longest wait between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(3_600);

/// A tab as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Its dashboard.
    pub dashboard: &'a str,
    /// Its name, and when and whom to tell of what.
    pub tab: &'a DashboardTab,
    /// How it does.
    pub summary: &'a DashboardTabSummary,
    /// How flaky its tests are, if it was asked.
    pub flakiness: Option<&'a HealthinessInfo>,
    /// Whether its results were looked for with success at least once.
    pub is_known: bool,
}

/// What was told of a tab; kept between looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The rows that fail and were told, by their names, with when, in milliseconds since 1970.
    pub failures: BTreeMap<String, i64>,
    /// When it was told that the tab is stale, likewise.
    pub stale_ms: Option<i64>,
    /// The tests that are too flaky and were told, by their names, with when, likewise.
    pub flaky: BTreeMap<String, i64>,
    /// When the last report on flakiness was sent, or else when the first was waited for, likewise.
    pub report_ms: Option<i64>,
    /// How many mails in a row could not be sent.
    pub failed_tries: u32,
    /// No mail before then, likewise.
    pub retry_ms: i64,
}

/// What a mail tells.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// These rows fail.
    Failures(Vec<FailingTestSummary>),
    /// The tab has no new results: why.
    Stale(String),
    /// These tests are flakier than the tab accepts.
    Flaky(Vec<TestInfo>),
    /// How flaky all tests were.
    Report(HealthinessInfo),
}

impl News {
    /// The word for it in the delivery log.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Failures(_) => "failures",
            News::Stale(_) => "stale",
            News::Flaky(_) => "flaky",
            News::Report(_) => "report",
        }
    }
}

/// A mail that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The addresses.
    pub to: Vec<String>,
    /// What it tells.
    pub news: News,
}

/// What a look at a tab comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The mails that are due, one for each set of addresses and kind of news.
    pub notices: Vec<Notice>,
    /// What stays told, before any of the mails is sent.
    pub told: Told,
}

/// Decides which mails are due.
///
/// A row is told once when its alert opens, however far above the threshold it is then, and again
/// only after the alert closed; or `wait_minutes_between_emails` after it was told, if the tab says
/// so. A tab that becomes stale is told once until it has new results. What already fails when a tab
/// is looked at for the first time is told too: nobody has told it yet. A test that becomes too flaky
/// is told by the same rules. A report on flakiness is due by its schedule; of reports that were
/// missed one is made.
///
/// Rows go to the addresses that their first failing build named, or else to the tab's. What has no
/// address is not told, and is told when it gets one.
pub fn decide(told: &Told, look: &Look<'_>, now: Timestamp) -> Decision {
    let mut decision = Decision { notices: Vec::new(), told: told.clone() };
    if !look.is_known || look.summary.summary_metrics.is_none() {
        // It could not be summarized, so that nothing has recovered either.
        return decision;
    }
    let may_send = now.millis() >= told.retry_ms;
    failures_and_staleness(&mut decision, look, now);
    flaky_tests(&mut decision, look, now);
    report(&mut decision, look, now);
    if !may_send {
        decision.notices.clear();
    }
    decision
}

/// Whether something is to be told that was told before or was not.
fn is_due(told_ms: Option<&i64>, wait_minutes: i32, now: Timestamp) -> bool {
    let wait_ms = i64::from(wait_minutes) * 60_000;
    told_ms.is_none_or(|at| wait_ms > 0 && now.millis() - at >= wait_ms)
}

fn failures_and_staleness(decision: &mut Decision, look: &Look<'_>, now: Timestamp) {
    let nothing = DashboardTabAlertOptions::default();
    let options = look.tab.alert_options.as_deref().unwrap_or(&nothing);
    let failing: Vec<&FailingTestSummary> = look
        .summary
        .failing_test_summaries
        .iter()
        .filter(|row| row.fail_count >= options.num_failures_to_alert)
        .collect();
    decision.told.failures.retain(|name, _| failing.iter().any(|row| row.display_name == *name));
    let of_tab = addresses([options.alert_mail_to_addresses.as_str()]);
    let mut by_address: BTreeMap<Vec<String>, Vec<FailingTestSummary>> = BTreeMap::new();
    for row in failing {
        let told = decision.told.failures.get(&row.display_name);
        if !is_due(told, options.wait_minutes_between_emails, now) {
            continue;
        }
        let own = addresses(row.email_addresses.iter().map(String::as_str));
        let to = if own.is_empty() { of_tab.clone() } else { own };
        if !to.is_empty() {
            by_address.entry(to).or_default().push(row.clone());
        }
    }
    let failures =
        by_address.into_iter().map(|(to, rows)| Notice { to, news: News::Failures(rows) });
    decision.notices.extend(failures);
    let stale = Some(&look.summary.alert)
        .filter(|text| options.alert_stale_results_hours > 0 && !text.is_empty());
    match stale {
        None => decision.told.stale_ms = None,
        Some(text) if decision.told.stale_ms.is_none() && !of_tab.is_empty() => {
            decision.notices.push(Notice { to: of_tab, news: News::Stale(text.clone()) });
        }
        Some(_) => {}
    }
}

fn flaky_tests(decision: &mut Decision, look: &Look<'_>, now: Timestamp) {
    let options = look.tab.flakiness_alert_options.as_ref();
    let Some(options) = options.filter(|options| options.minimum_flakiness_to_alert > 0.0) else {
        decision.told.flaky.clear();
        return;
    };
    let Some(flakiness) = look.flakiness else { return };
    let too_flaky = |test: &&TestInfo| test.flakiness >= options.minimum_flakiness_to_alert;
    let flaky: Vec<&TestInfo> = flakiness.tests.iter().filter(too_flaky).collect();
    decision.told.flaky.retain(|name, _| flaky.iter().any(|test| test.display_name == *name));
    let told = &decision.told.flaky;
    let due: Vec<TestInfo> = flaky
        .into_iter()
        .filter(|test| {
            is_due(told.get(&test.display_name), options.wait_minutes_between_emails, now)
        })
        .cloned()
        .collect();
    let to = addresses([options.alert_mail_to_addresses.as_str()]);
    if !due.is_empty() && !to.is_empty() {
        decision.notices.push(Notice { to, news: News::Flaky(due) });
    }
}

fn report(decision: &mut Decision, look: &Look<'_>, now: Timestamp) {
    let options = look.tab.health_analysis_options.as_ref().filter(|options| options.enable);
    // A schedule that cannot be read is a finding of the configuration's check.
    let schedule = options.and_then(|options| Schedule::parse(&options.email_schedule).ok());
    let (Some(options), Some(schedule)) = (options, schedule) else {
        decision.told.report_ms = None;
        return;
    };
    let since = *decision.told.report_ms.get_or_insert(now.millis());
    let due = schedule.next_after(Timestamp::from_millis(since)).is_some_and(|at| at <= now);
    let to = addresses([options.email_recipients.as_str()]);
    if let Some(flakiness) = look.flakiness.filter(|_| due && !to.is_empty()) {
        decision.notices.push(Notice { to, news: News::Report(flakiness.clone()) });
    }
}

/// The addresses of lists that are separated by commas, each once, in order.
fn addresses<'a>(lists: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = lists
        .into_iter()
        .flat_map(|list| list.split(','))
        .map(|address| address.trim().to_owned())
        .filter(|address| !address.is_empty())
        .collect();
    all.sort();
    all.dedup();
    all
}

impl Told {
    /// Remembers that this was told.
    pub fn sent(&mut self, news: &News, now: Timestamp) {
        match news {
            News::Failures(rows) => {
                self.failures
                    .extend(rows.iter().map(|row| (row.display_name.clone(), now.millis())));
            }
            News::Stale(_) => self.stale_ms = Some(now.millis()),
            News::Flaky(tests) => {
                let tests = tests.iter().map(|test| (test.display_name.clone(), now.millis()));
                self.flaky.extend(tests);
            }
            News::Report(_) => self.report_ms = Some(now.millis()),
        }
    }

    /// Remembers that all mails could be sent.
    pub fn succeeded(&mut self) {
        (self.failed_tries, self.retry_ms) = (0, 0);
    }

    /// Remembers that a mail could not be sent, so that it is tried again, but not at every look.
    pub fn failed(&mut self, now: Timestamp) {
        let doubled = FIRST_RETRY.saturating_mul(1 << self.failed_tries.min(16));
        self.failed_tries = self.failed_tries.saturating_add(1);
        self.retry_ms = now.saturating_add(doubled.min(LONGEST_RETRY)).millis();
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Told::default()
    }
}

#[cfg(test)]
mod tests {
    use grid::proto::config::{DashboardTabFlakinessAlertOptions, HealthAnalysisOptions};
    use grid::proto::summary::DashboardTabSummaryMetrics;

    use super::*;

    fn failing(name: &str, count: i32) -> FailingTestSummary {
        FailingTestSummary {
            display_name: name.to_owned(),
            test_name: name.to_owned(),
            fail_count: count,
            ..FailingTestSummary::default()
        }
    }

    fn summary(rows: Vec<FailingTestSummary>, stale: &str) -> DashboardTabSummary {
        DashboardTabSummary {
            failing_test_summaries: rows,
            alert: stale.to_owned(),
            summary_metrics: Some(DashboardTabSummaryMetrics::default()),
            ..DashboardTabSummary::default()
        }
    }

    fn options() -> DashboardTabAlertOptions {
        DashboardTabAlertOptions {
            alert_stale_results_hours: 24,
            num_failures_to_alert: 3,
            alert_mail_to_addresses: "team@example.com, lead@example.com".to_owned(),
            ..DashboardTabAlertOptions::default()
        }
    }

    fn tab(options: &DashboardTabAlertOptions) -> DashboardTab {
        let alert_options = Some(Box::new(options.clone()));
        DashboardTab { name: "t".to_owned(), alert_options, ..DashboardTab::default() }
    }

    fn look<'a>(tab: &'a DashboardTab, summary: &'a DashboardTabSummary) -> Look<'a> {
        Look { dashboard: "d", tab, summary, flakiness: None, is_known: true }
    }

    /// Looks at summaries one after the other, a minute apart, with every mail sent; tells what the
    /// mails of each look were about.
    fn looks(options: &DashboardTabAlertOptions, summaries: &[DashboardTabSummary]) -> Vec<String> {
        let tab = tab(options);
        let mut told = Told::default();
        let mut seen = Vec::new();
        for (minute, summary) in summaries.iter().enumerate() {
            let now = Timestamp::from_seconds(1_000_000 + 60 * minute as i64);
            let decision = decide(&told, &look(&tab, summary), now);
            told = decision.told;
            let mut about = Vec::new();
            for notice in &decision.notices {
                about.push(match &notice.news {
                    News::Failures(rows) => rows
                        .iter()
                        .map(|row| row.display_name.as_str())
                        .collect::<Vec<_>>()
                        .join("+"),
                    other => other.kind().to_owned(),
                });
                told.sent(&notice.news, now);
            }
            seen.push(about.join(" "));
        }
        seen
    }

    #[test]
    fn a_row_is_told_when_its_alert_opens_and_again_after_it_recovered() {
        let quiet = summary(Vec::new(), "");
        let a = |count| summary(vec![failing("a", count)], "");
        let both = summary(vec![failing("a", 5), failing("b", 3)], "");
        assert_eq!(
            looks(&options(), &[quiet.clone(), a(3), a(4), both, quiet.clone(), a(3), quiet]),
            ["", "a", "", "b", "", "a", ""]
        );
    }

    #[test]
    fn a_row_that_jumps_across_the_threshold_between_two_looks_is_told() {
        let quiet = summary(Vec::new(), "");
        assert_eq!(looks(&options(), &[quiet, summary(vec![failing("a", 9)], "")]), ["", "a"]);
    }

    #[test]
    fn a_row_below_the_threshold_of_the_tab_is_not_told() {
        let a = |count| summary(vec![failing("a", count)], "");
        assert_eq!(looks(&options(), &[a(1), a(2), a(3)]), ["", "", "a"]);
        let groups = DashboardTabAlertOptions { num_failures_to_alert: 0, ..options() };
        assert_eq!(looks(&groups, &[a(1), a(2)]), ["a", ""], "the group's threshold opened it");
    }

    #[test]
    fn what_goes_on_failing_is_told_again_where_the_tab_says_after_how_long() {
        let again = DashboardTabAlertOptions { wait_minutes_between_emails: 2, ..options() };
        let a = summary(vec![failing("a", 3)], "");
        let both = summary(vec![failing("a", 3), failing("b", 3)], "");
        assert_eq!(
            looks(&again, &[a.clone(), a.clone(), both.clone(), both.clone(), both]),
            ["a", "", "a+b", "", "a+b"]
        );
    }

    #[test]
    fn a_tab_that_becomes_stale_is_told_once_until_it_has_results_again() {
        let again = DashboardTabAlertOptions { wait_minutes_between_emails: 1, ..options() };
        let stale = summary(Vec::new(), "data has not changed since Monday");
        let quiet = summary(Vec::new(), "");
        let seen = [stale.clone(), stale.clone(), quiet, stale.clone()];
        assert_eq!(looks(&again, &seen), ["stale", "", "", "stale"]);
        let never = DashboardTabAlertOptions { alert_stale_results_hours: 0, ..options() };
        assert_eq!(looks(&never, &[stale]), [""]);
    }

    #[test]
    fn a_look_that_knows_nothing_neither_tells_nor_forgets() {
        let a = summary(vec![failing("a", 3)], "");
        let unknown = DashboardTabSummary {
            alert: "no stored results".to_owned(),
            ..DashboardTabSummary::default()
        };
        assert_eq!(looks(&options(), &[unknown.clone(), a.clone(), unknown, a]), ["", "a", "", ""]);
    }

    #[test]
    fn failures_go_to_the_addresses_of_their_build_or_else_of_the_tab() {
        let mut own = failing("b", 3);
        own.email_addresses = vec!["dev@example.com,x@example.com".to_owned(), " ".to_owned()];
        let summary = summary(vec![failing("a", 3), own, failing("c", 3)], "old");
        let tab = tab(&options());
        let decision = decide(&Told::default(), &look(&tab, &summary), Timestamp::EPOCH);
        let about: Vec<(String, &str, usize)> = decision
            .notices
            .iter()
            .map(|notice| {
                let rows = if let News::Failures(rows) = &notice.news { rows.len() } else { 0 };
                (notice.to.join(" "), notice.news.kind(), rows)
            })
            .collect();
        assert_eq!(
            about,
            [
                ("dev@example.com x@example.com".to_owned(), "failures", 1),
                ("lead@example.com team@example.com".to_owned(), "failures", 2),
                ("lead@example.com team@example.com".to_owned(), "stale", 0),
            ]
        );
    }

    #[test]
    fn what_has_no_address_is_told_once_it_has_one() {
        let nobody =
            DashboardTabAlertOptions { alert_mail_to_addresses: " , ".to_owned(), ..options() };
        let summary = summary(vec![failing("a", 3)], "old");
        let nobody = tab(&nobody);
        let decision = decide(&Told::default(), &look(&nobody, &summary), Timestamp::EPOCH);
        assert_eq!(decision, Decision::default());
        let tab = tab(&options());
        let look = look(&tab, &summary);
        assert_eq!(decide(&decision.told, &look, Timestamp::EPOCH).notices.len(), 2);
        let early = Look { is_known: false, ..look };
        assert_eq!(decide(&decision.told, &early, Timestamp::EPOCH).notices, []);
    }

    #[test]
    fn a_mail_that_could_not_be_sent_is_tried_again_ever_more_rarely() {
        let summary = summary(vec![failing("a", 3)], "");
        let tab = tab(&options());
        let look = look(&tab, &summary);
        let mut told = Told::default();
        let mut tries = Vec::new();
        for minute in 0..200 {
            let now = Timestamp::from_seconds(60 * minute);
            let decision = decide(&told, &look, now);
            told = decision.told;
            if !decision.notices.is_empty() {
                tries.push(minute);
                told.failed(now);
            }
        }
        assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        told.succeeded();
        assert_eq!((told.failed_tries, told.retry_ms), (0, 0));
    }

    fn flakiness(tests: &[(&str, f32)]) -> HealthinessInfo {
        let test = |(name, flakiness): &(&str, f32)| TestInfo {
            display_name: (*name).to_owned(),
            flakiness: *flakiness,
            ..TestInfo::default()
        };
        HealthinessInfo { tests: tests.iter().map(test).collect(), ..HealthinessInfo::default() }
    }

    #[test]
    fn a_test_is_told_when_it_becomes_too_flaky_and_again_after_it_was_better() {
        let tab = DashboardTab {
            flakiness_alert_options: Some(Box::new(DashboardTabFlakinessAlertOptions {
                minimum_flakiness_to_alert: 10.0,
                alert_mail_to_addresses: "team@example.com".to_owned(),
                ..DashboardTabFlakinessAlertOptions::default()
            })),
            ..DashboardTab::default()
        };
        let quiet = summary(Vec::new(), "");
        let mut told = Told::default();
        let mut seen = Vec::new();
        for tests in
            [&[("a", 9.9)][..], &[("a", 10.0)], &[("a", 50.0), ("b", 20.0)], &[], &[("a", 30.0)]]
        {
            let flakiness = flakiness(tests);
            let look = Look { flakiness: Some(&flakiness), ..look(&tab, &quiet) };
            let decision = decide(&told, &look, Timestamp::EPOCH);
            told = decision.told;
            let mut names = String::new();
            for notice in &decision.notices {
                let News::Flaky(tests) = &notice.news else { panic!("{notice:?}") };
                names.extend(tests.iter().map(|test| test.display_name.as_str()));
                told.sent(&notice.news, Timestamp::EPOCH);
            }
            seen.push(names);
        }
        assert_eq!(seen, ["", "a", "b", "", "a"]);
    }

    #[test]
    fn a_report_on_flakiness_is_due_by_its_schedule_and_missed_ones_are_made_up_for_once() {
        let tab = DashboardTab {
            health_analysis_options: Some(Box::new(HealthAnalysisOptions {
                enable: true,
                email_schedule: "0 9 * * *".to_owned(),
                email_recipients: "team@example.com".to_owned(),
                ..HealthAnalysisOptions::default()
            })),
            ..DashboardTab::default()
        };
        let (quiet, flakiness) = (summary(Vec::new(), ""), flakiness(&[("a", 1.0)]));
        let look = Look { flakiness: Some(&flakiness), ..look(&tab, &quiet) };
        let mut told = Told::default();
        let mut hours = Vec::new();
        for hour in (0..48).chain(24 * 5..24 * 6) {
            let now = Timestamp::from_seconds(3_600 * hour);
            let decision = decide(&told, &look, now);
            told = decision.told;
            for notice in &decision.notices {
                told.sent(&notice.news, now);
                hours.push(hour);
            }
        }
        assert_eq!(hours, [9, 33, 120, 129]);
    }
}
