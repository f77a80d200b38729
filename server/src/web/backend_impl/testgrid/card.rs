//! A tab with its summary.

use app::model::{FailingTest, FlakyTest, Link, TabCard};
use grid::proto::config::{Dashboard, DashboardTab, TestGroup};
use grid::proto::summary::FailingTestSummary;
use grid::summarizer::NO_GREENS;

use super::{link, millis, status_of, tab_href, test_href};
use crate::testgrid::TestGrid;
use crate::testgrid::links::{ColumnOf, TabLinks};

/// Tests of a health report that are shown.
const SHOWN_FLAKY: usize = 10;

/// The card of a tab.
pub(super) fn card(
    grids: &TestGrid,
    dashboard: &Dashboard,
    tab: &DashboardTab,
    group: Option<&TestGroup>,
) -> TabCard {
    let standing = grids.group(group.map_or(&tab.test_group_name, |group| &group.name));
    let mut card = TabCard {
        name: tab.name.clone(),
        href: tab_href(&dashboard.name, &tab.name),
        description: tab.description.clone(),
        updated_ms: (standing.updated_ms > 0).then_some(standing.updated_ms),
        trouble: standing.error,
        ..TabCard::default()
    };
    let Some(state) = grids.tab(&dashboard.name, &tab.name) else {
        card.why = "Its builds have not been looked for yet.".to_owned();
        return card;
    };
    let summary = &state.summary;
    card.status = status_of(state.status());
    card.text = summary.status.clone();
    card.alert = summary.alert.clone();
    card.why = state.why.clone();
    card.last_run_ms = millis(summary.last_run_timestamp);
    let Some(group) = group else { return card };
    let links = TabLinks { tab, group };
    // The newest green build is named by its first header, which no link leads to.
    if summary.latest_green != NO_GREENS {
        card.latest_green = link(&summary.latest_green, "");
    }
    card.failing = summary.failing_test_summaries.iter().map(|t| failing(t, &links)).collect();
    if let Some(health) = &summary.healthiness {
        card.average_flakiness = Some(health.average_flakiness);
        let mut flaky: Vec<_> = health.tests.iter().filter(|test| test.flakiness > 0.0).collect();
        flaky.sort_by(|a, b| b.flakiness.total_cmp(&a.flakiness));
        let flaky = flaky.into_iter().take(SHOWN_FLAKY).map(|test| FlakyTest {
            name: test.display_name.clone(),
            href: test_href(&test.display_name),
            flakiness: test.flakiness,
            previous: test.previous_flakiness.first().copied(),
            infra_failures: u64::try_from(test.failed_infra_runs).unwrap_or(0),
        });
        card.flaky = flaky.collect();
    }
    card
}

fn failing(test: &FailingTestSummary, links: &TabLinks<'_>) -> FailingTest {
    let build = |id: &str| {
        // A build that is named by its header is no address.
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let column = ColumnOf { build: id, headers: Vec::new() };
        let href = if is_id { links.column(&column) } else { None };
        link(id, &href.unwrap_or_default())
    };
    FailingTest {
        name: test.display_name.clone(),
        href: test_href(&test.display_name),
        fail_count: u64::try_from(test.fail_count).unwrap_or(0),
        first_failed_ms: millis(test.fail_timestamp).unwrap_or(0),
        first_failed: build(&test.fail_build_id),
        last_passed_ms: millis(test.pass_timestamp),
        last_passed: build(&test.pass_build_id),
        message: test.failure_message.clone(),
        issues: test.linked_bugs.iter().map(|issue| issue_link(issue, links)).collect(),
    }
}

/// An issue with its address.
pub(super) fn issue_link(issue: &str, links: &TabLinks<'_>) -> Link {
    link(&format!("#{issue}"), &links.issue(issue).unwrap_or_default())
}
