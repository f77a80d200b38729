//! A tab with its summary.

use app::model::{FailingTest, FlakyTest, Link, TabCard};
use grid::proto::config::{Dashboard, DashboardTab, TestGroup};
use grid::proto::summary::FailingTestSummary;
use grid::summarizer::NO_GREENS;
use grid::updater::naming::prefixes;

use super::{link, millis, status_of, tab_href, test_href};
use crate::testgrid::TestGrid;
use crate::testgrid::issues::RowIssues;
use crate::testgrid::links::{CellOf, ColumnOf, TabLinks};
use crate::testgrid::state::{FailingBuilds, SureOf};

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
    // Summaries name builds by their first header; where they are is known beside them.
    if summary.latest_green != NO_GREENS {
        let known = build_link(&state.green_build, &links);
        card.latest_green = link(&summary.latest_green, &known.unwrap_or_default());
    }
    let builds = state.failing_builds.iter().map(Some).chain(std::iter::repeat(None));
    let tests = summary.failing_test_summaries.iter().zip(builds);
    let issues = grids.issues(&group.name);
    card.failing = tests.map(|(test, builds)| failing(test, builds, &links, &issues)).collect();
    if let Some(health) = &summary.healthiness {
        card.average_flakiness = Some(health.average_flakiness);
        // What an older version stored does not say how sure it is.
        let sure = state.sure.iter().map(Some).chain(std::iter::repeat(None));
        let mut flaky: Vec<_> =
            health.tests.iter().zip(sure).filter(|(test, _)| test.flakiness > 0.0).collect();
        // What has begun is what somebody has done.
        flaky.sort_by(|(a, of_a), (b, of_b)| {
            let is_new = |sure: &Option<&SureOf>| sure.is_some_and(|sure| sure.is_new);
            let by_news = is_new(of_b).cmp(&is_new(of_a));
            by_news.then(b.flakiness.total_cmp(&a.flakiness))
        });
        let flaky = flaky.into_iter().take(SHOWN_FLAKY).map(|(test, sure)| FlakyTest {
            between: sure.map(|sure| (sure.low, sure.high)),
            is_new: sure.is_some_and(|sure| sure.is_new),
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

/// Where a build is shown: its id, or `<job>/<build>`. Of several jobs nobody knows which one an id
/// alone is of.
fn build_link(build: &str, links: &TabLinks<'_>) -> Option<String> {
    let of_job = build.contains('/');
    if build.is_empty() || (!of_job && prefixes(links.group).count() > 1) {
        return None;
    }
    let column = ColumnOf { build, headers: Vec::new() };
    let cell = CellOf { cell_id: if of_job { build } else { "" }, ..CellOf::default() };
    links.cell(&column, &cell)
}

fn failing(
    test: &FailingTestSummary,
    builds: Option<&FailingBuilds>,
    links: &TabLinks<'_>,
    issues: &RowIssues,
) -> FailingTest {
    let build = |name: &str, id: Option<&String>| {
        link(name, &id.and_then(|id| build_link(id, links)).unwrap_or_default())
    };
    FailingTest {
        name: test.display_name.clone(),
        href: test_href(&test.display_name),
        fail_count: u64::try_from(test.fail_count).unwrap_or(0),
        first_failed_ms: millis(test.fail_timestamp).unwrap_or(0),
        first_failed: build(&test.fail_build_id, builds.map(|builds| &builds.first)),
        last_passed_ms: millis(test.pass_timestamp),
        last_passed: build(&test.pass_build_id, builds.map(|builds| &builds.passed)),
        message: test.failure_message.clone(),
        issues: test.linked_bugs.iter().map(|issue| issue_link(issue, links, issues)).collect(),
    }
}

/// An issue with its address.
pub(super) fn issue_link(issue: &str, links: &TabLinks<'_>, known: &RowIssues) -> Link {
    Link {
        text: format!("#{issue}"),
        href: links.issue(issue).unwrap_or_default(),
        title: known.title(issue).to_owned(),
    }
}
