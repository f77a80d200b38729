//! Which mails a look at a tab's summary makes.

use std::collections::BTreeMap;
use std::time::Duration;

use go_compat::Timestamp;
use grid::proto::config::DashboardTabAlertOptions;
use grid::proto::summary::{DashboardTabSummary, FailingTestSummary};
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
    /// Its name.
    pub tab: &'a str,
    /// When and whom to tell.
    pub options: &'a DashboardTabAlertOptions,
    /// How it does.
    pub summary: &'a DashboardTabSummary,
    /// Whether its results were looked for with success at least once.
    pub is_known: bool,
}

/// What was told of a tab; kept between looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The rows that fail and were told, by their ids, with when, in milliseconds since 1970.
    pub failures: BTreeMap<String, i64>,
    /// When it was told that the tab is stale, likewise.
    pub stale_ms: Option<i64>,
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
}

impl News {
    /// The word for it in the delivery log.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Failures(_) => "failures",
            News::Stale(_) => "stale",
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
/// is looked at for the first time is told too: nobody has told it yet.
///
/// Rows go to the addresses that their first failing build named, or else to the tab's. What has no
/// address is not told, and is told when it gets one.
pub fn decide(told: &Told, look: &Look<'_>, now: Timestamp) -> Decision {
    let (options, summary) = (look.options, look.summary);
    let mut decision = Decision { notices: Vec::new(), told: told.clone() };
    if !look.is_known || summary.summary_metrics.is_none() {
        // It could not be summarized, so that nothing has recovered either.
        return decision;
    }
    let failing: Vec<&FailingTestSummary> = summary
        .failing_test_summaries
        .iter()
        .filter(|row| row.fail_count >= options.num_failures_to_alert)
        .collect();
    decision.told.failures.retain(|id, _| failing.iter().any(|row| row.test_name == *id));
    let stale = Some(&summary.alert)
        .filter(|text| options.alert_stale_results_hours > 0 && !text.is_empty());
    if stale.is_none() {
        decision.told.stale_ms = None;
    }
    if now.millis() < told.retry_ms {
        return decision;
    }
    let wait_ms = i64::from(options.wait_minutes_between_emails) * 60_000;
    let is_due = |row: &&FailingTestSummary| match decision.told.failures.get(&row.test_name) {
        None => true,
        Some(at) => wait_ms > 0 && now.millis() - at >= wait_ms,
    };
    let of_tab = addresses([options.alert_mail_to_addresses.as_str()]);
    let mut by_address: BTreeMap<Vec<String>, Vec<FailingTestSummary>> = BTreeMap::new();
    for row in failing.into_iter().filter(is_due) {
        let own = addresses(row.email_addresses.iter().map(String::as_str));
        let to = if own.is_empty() { of_tab.clone() } else { own };
        if !to.is_empty() {
            by_address.entry(to).or_default().push(row.clone());
        }
    }
    let failures =
        by_address.into_iter().map(|(to, rows)| Notice { to, news: News::Failures(rows) });
    decision.notices.extend(failures);
    if let Some(text) = stale
        && decision.told.stale_ms.is_none()
        && !of_tab.is_empty()
    {
        decision.notices.push(Notice { to: of_tab, news: News::Stale(text.clone()) });
    }
    decision
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
                self.failures.extend(rows.iter().map(|row| (row.test_name.clone(), now.millis())));
            }
            News::Stale(_) => self.stale_ms = Some(now.millis()),
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

    /// Looks at summaries one after the other, a minute apart, with every mail sent; tells what the
    /// mails of each look were about.
    fn looks(options: &DashboardTabAlertOptions, summaries: &[DashboardTabSummary]) -> Vec<String> {
        let mut told = Told::default();
        let mut seen = Vec::new();
        for (minute, summary) in summaries.iter().enumerate() {
            let now = Timestamp::from_seconds(1_000_000 + 60 * minute as i64);
            let look = Look { dashboard: "d", tab: "t", options, summary, is_known: true };
            let decision = decide(&told, &look, now);
            told = decision.told;
            let mut about = Vec::new();
            for notice in &decision.notices {
                about.push(match &notice.news {
                    News::Failures(rows) => rows
                        .iter()
                        .map(|row| row.display_name.as_str())
                        .collect::<Vec<_>>()
                        .join("+"),
                    News::Stale(_) => "stale".to_owned(),
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
        let look = Look {
            dashboard: "d",
            tab: "t",
            options: &options(),
            summary: &summary,
            is_known: true,
        };
        let decision = decide(&Told::default(), &look, Timestamp::EPOCH);
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
        let look =
            Look { dashboard: "d", tab: "t", options: &nobody, summary: &summary, is_known: true };
        let decision = decide(&Told::default(), &look, Timestamp::EPOCH);
        assert_eq!(decision, Decision::default());
        let options = options();
        let look = Look { options: &options, ..look };
        assert_eq!(decide(&decision.told, &look, Timestamp::EPOCH).notices.len(), 2);
        let early = Look { is_known: false, ..look };
        assert_eq!(decide(&decision.told, &early, Timestamp::EPOCH).notices, []);
    }

    #[test]
    fn a_mail_that_could_not_be_sent_is_tried_again_ever_more_rarely() {
        let summary = summary(vec![failing("a", 3)], "");
        let options = options();
        let look =
            Look { dashboard: "d", tab: "t", options: &options, summary: &summary, is_known: true };
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
}
