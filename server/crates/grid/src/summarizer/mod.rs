//! From the grid of a tab to its summary, as TestGrid's summarizer does it: alerts, counts, status,
//! the newest build that passed, flakiness. Each status comes with its [`Explanation`].

pub mod health;
pub mod options;
pub mod stats;
pub mod status;

use std::borrow::Cow;
use std::collections::BTreeSet;

use go_compat::{GoDuration, Timestamp};

use crate::proto::config::{DashboardTab, DashboardTabStatusCustomizationOptions, TestGroup};
use crate::proto::state::{Column, Grid, Row};
use crate::proto::summary::{
    DashboardTabSummary, DashboardTabSummaryMetrics, FailingTestSummary, TabStatus,
};
use crate::proto::{Coalesced, TestStatus};
use crate::updater::construct::METHOD_MARK;
use crate::url::{Part, escape};

use stats::{GridStats, grid_stats};
pub use status::{Explanation, Rule};
use status::{Judged, overall_status};

/// Which customizations of a tab's status count; none does unless a flag says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `max_acceptable_flakiness`.
    pub fuzzy_flakiness: bool,
    /// `ignored_test_statuses`.
    pub ignored_columns: bool,
    /// `min_acceptable_runs`.
    pub min_number_of_runs: bool,
}

/// How many columns are recent where neither tab nor group says so.
pub const DEFAULT_RECENT_COLUMNS: usize = 5;

/// Names the rules by which summaries are made. It rises with every change that gives another summary
/// of the same grid, so that stored ones are made anew.
pub const RULES: u32 = 2;

/// The age of stale results is told in steps of this.
pub const AGE_STEP_MILLIS: i64 = 15 * 60 * 1_000;

/// What is said of a tab without results.
pub const NO_RUNS: &str = "no completed results";
/// What is said of a tab without a build that passed.
pub const NO_GREENS: &str = "no recent greens";

/// A summary with the reasons for its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Summarized {
    /// The summary.
    pub summary: DashboardTabSummary,
    /// Why it has its status.
    pub explanation: Explanation,
    /// How many columns were recent.
    pub recent: usize,
    /// The newest column in which everything passed, which the summary may name by a header.
    pub green: Option<usize>,
    /// How sure the flakiness of each test of the health report is.
    pub sure: Vec<health::Sure>,
}

/// What is known of a tab beside its grid.
#[derive(Clone, Copy, Debug)]
pub struct TabContext<'a> {
    /// The dashboard's name.
    pub dashboard: &'a str,
    /// The tab.
    pub tab: &'a DashboardTab,
    /// The tab's group.
    pub group: &'a TestGroup,
    /// When the grid was written; None if it never was.
    pub modified: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
    /// Which customizations count.
    pub features: Features,
    /// What a health report counts as what.
    pub health: health::Rules,
}

/// What a summary is made of. Its columns may lie in several places.
#[derive(Clone, Debug)]
pub struct GridRef<'g> {
    /// The columns, the newest first.
    pub columns: Vec<&'g Column>,
    /// The rows.
    pub rows: Cow<'g, [Row]>,
}

impl<'g> From<&'g Grid> for GridRef<'g> {
    fn from(grid: &'g Grid) -> GridRef<'g> {
        GridRef { columns: grid.columns.iter().collect(), rows: Cow::Borrowed(&grid.rows) }
    }
}

/// Summarizes a tab.
pub fn summarize(grid: &GridRef<'_>, context: &TabContext<'_>) -> Summarized {
    let (tab, group) = (context.tab, context.group);
    let health = tab.health_analysis_options.as_ref().filter(|options| options.enable);
    let days = health.map(|options| options.days_of_analysis);
    let now = context.now.seconds();
    let health = days.map(|days| health::healthiness(grid, now, days, context.health));
    let (healthiness, sure) = health.map(|found| (found.info, found.sure)).unzip();
    let recent = recent_columns(tab, group);
    let rows: Vec<&Row> = grid.rows.iter().filter(|row| is_recent(row, recent)).collect();
    let rows: Vec<&Row> = rows
        .into_iter()
        .filter(|row| !row.name.contains(METHOD_MARK) && !row.id.contains(METHOD_MARK))
        .collect();
    let latest = latest_run(&grid.columns);
    let stale_after = tab.alert_options.as_ref().map_or(0, |o| o.alert_stale_results_hours);
    let stale = stale_text(context.modified, latest, stale_after, rows.len(), context.now);
    let options = tab.status_customization_options.as_ref();
    let threshold = tab.broken_column_threshold;
    let (stats, broken) =
        grid_stats(grid.columns.len(), &rows, recent, threshold, context.features, options);
    let explanation = overall_status(&Judged {
        rows: &rows,
        columns: grid.columns.len(),
        recent,
        stale: &stale,
        broken: broken.map(|column| (column, threshold)),
        stats,
        options,
        features: context.features,
    });
    let green = green_column(grid.columns.len(), &rows);
    let summary = DashboardTabSummary {
        dashboard_name: context.dashboard.to_owned(),
        dashboard_tab_name: tab.name.clone(),
        alert: stale,
        failing_test_summaries: rows.iter().filter_map(|row| failing_test(row)).collect(),
        last_update_timestamp: context.modified.map_or(0.0, |time| time.seconds() as f64),
        status: status_text(&stats, explanation.status, options),
        overall_status: explanation.status as i32,
        latest_green: green_name(green, &grid.columns, group.use_kubernetes_client),
        last_run_timestamp: latest.map_or(0.0, |time| time.seconds() as f64),
        bug_url: tab.open_bug_template.as_ref().map(|link| link.url.clone()).unwrap_or_default(),
        healthiness,
        linked_issues: linked_issues(&rows),
        summary_metrics: Some(DashboardTabSummaryMetrics {
            completed_columns: count(stats.completed_columns),
            passing_columns: count(stats.passing_columns),
            ignored_columns: count(stats.ignored_columns),
        }),
        ..DashboardTabSummary::default()
    };
    Summarized { summary, explanation, recent, green, sure: sure.unwrap_or_default() }
}

/// The summary of a tab about which nothing is known, with the reason as its status and alert.
pub fn unknown(dashboard: &str, tab: &str, reason: &str) -> DashboardTabSummary {
    DashboardTabSummary {
        dashboard_name: dashboard.to_owned(),
        dashboard_tab_name: tab.to_owned(),
        alert: reason.to_owned(),
        status: reason.to_owned(),
        overall_status: TabStatus::Unknown as i32,
        ..DashboardTabSummary::default()
    }
}

/// How many columns of a tab are recent.
pub fn recent_columns(tab: &DashboardTab, group: &TestGroup) -> usize {
    let said = [tab.num_columns_recent, group.num_columns_recent];
    let said = said.into_iter().find(|number| *number != 0);
    said.map_or(DEFAULT_RECENT_COLUMNS, |number| usize::try_from(number).unwrap_or(0))
}

/// Whether a row has a result that is not stale: older columns than the recent ones do not count.
pub fn is_recent(row: &Row, recent: usize) -> bool {
    match row.results[..] {
        [] => false,
        [status, run, ..] if status == TestStatus::NoResult as i32 => {
            usize::try_from(run).unwrap_or(0) < recent
        }
        _ => true,
    }
}

/// When the newest column began.
fn latest_run(columns: &[&Column]) -> Option<Timestamp> {
    // The cast saturates, and what is no time becomes 0.
    let started = columns.first().map(|column| column.started as i64)?;
    (started > 0).then(|| Timestamp::from_millis(started))
}

/// Why a tab is stale; empty if it is not. `hours` is after how many it is, 0 for never.
pub fn stale_text(
    modified: Option<Timestamp>,
    latest: Option<Timestamp>,
    hours: i32,
    rows: usize,
    now: Timestamp,
) -> String {
    let Some(modified) = modified else { return "no stored results".to_owned() };
    if hours == 0 {
        return String::new();
    }
    let Some(latest) = latest.filter(|_| rows > 0) else { return NO_RUNS.to_owned() };
    let limit = i64::from(hours) * 3_600 * 1_000;
    let age = |time: Timestamp| now.millis().saturating_sub(time.millis());
    let shown = |millis: i64| {
        GoDuration::from_secs((millis - millis % AGE_STEP_MILLIS) / 1_000).to_string()
    };
    if age(modified) > limit {
        let time = go_time(modified);
        return format!("data has not changed since {time} ({} old)", shown(age(modified)));
    }
    if age(latest) > limit {
        return format!("latest column from {} ({} old)", go_time(latest), shown(age(latest)));
    }
    String::new()
}

/// A time as Go writes one: `2026-11-21 00:05:37.25 +0000 UTC`.
fn go_time(time: Timestamp) -> String {
    let text = time.rfc3339_millis();
    let text = text.trim_end_matches('Z').replace('T', " ");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // Whole seconds lose their zeros with the fraction.
    let seconds = time.rfc3339().trim_end_matches('Z').replace('T', " ");
    let text = if text.len() < seconds.len() { &seconds } else { text };
    format!("{text} +0000 UTC")
}

/// The summary of a row that alerts.
fn failing_test(row: &Row) -> Option<FailingTestSummary> {
    let alert = row.alert_info.as_ref()?;
    let link = |id: &str| {
        format!("{} {}", escape(id, Part::PathSegment), escape(&row.id, Part::PathSegment))
    };
    Some(FailingTestSummary {
        display_name: row.name.clone(),
        test_name: row.id.clone(),
        fail_build_id: alert.fail_build_id.clone(),
        latest_fail_build_id: alert.latest_fail_build_id.clone(),
        fail_timestamp: alert.fail_time.map_or(0.0, |time| time.seconds as f64),
        pass_build_id: alert.pass_build_id.clone(),
        pass_timestamp: alert.pass_time.map_or(0.0, |time| time.seconds as f64),
        fail_count: alert.fail_count,
        build_link: alert.build_link.clone(),
        build_link_text: alert.build_link_text.clone(),
        build_url_text: alert.build_url_text.clone(),
        failure_message: alert.failure_message.clone(),
        linked_bugs: row.issues.clone(),
        fail_test_link: link(&alert.fail_test_id),
        latest_fail_test_link: link(&alert.latest_fail_test_id),
        properties: alert.properties.clone(),
        hotlist_ids: alert.hotlist_ids.clone(),
        email_addresses: alert.email_addresses.clone(),
        custom_column_headers: alert.custom_column_headers.clone(),
    })
}

/// The status in numbers, with a second line where the tab's options decided it.
pub fn status_text(
    stats: &GridStats,
    status: TabStatus,
    options: Option<&DashboardTabStatusCustomizationOptions>,
) -> String {
    if stats.filled_cells == 0 {
        return NO_RUNS.to_owned();
    }
    let percent = |part: f64, whole: f64| 100.0 * part / whole;
    let mut text = format!(
        "Tab stats: {} of {} ({:.1}%) recent columns passed ({} of {} or {:.1}% cells)",
        stats.passing_columns,
        stats.completed_columns,
        percent(stats.passing_columns as f64, stats.completed_columns as f64),
        stats.passing_cells,
        stats.filled_cells,
        percent(stats.passing_cells as f64, stats.filled_cells as f64),
    );
    if stats.ignored_columns > 0 {
        text.push_str(&format!(". {} columns ignored", stats.ignored_columns));
    }
    match status {
        TabStatus::Pending => text.push_str("\nStatus info: Not enough runs"),
        TabStatus::Acceptable => {
            let valid = stats.valid_columns() as f64;
            let flaky = percent(valid - stats.passing_columns as f64, valid);
            let most = options.map_or(0.0, |options| options.max_acceptable_flakiness);
            text.push_str(&format!(
                "\nStatus info: Recent flakiness ({flaky:.1}%) over valid columns is within \
                 configured acceptable level of {most:.1}%."
            ));
        }
        _ => {}
    }
    text
}

/// The newest build in which something passed and nothing else happened, over all columns. Builds
/// are named by their first header if `by_header` and there is one.
pub fn latest_green(columns: &[&Column], rows: &[&Row], by_header: bool) -> String {
    green_name(green_column(columns.len(), rows), columns, by_header)
}

fn green_name(green: Option<usize>, columns: &[&Column], by_header: bool) -> String {
    let Some(column) = green.and_then(|at| columns.get(at)) else { return NO_GREENS.to_owned() };
    match column.extra.first() {
        Some(header) if by_header => header.clone(),
        _ => column.build.clone(),
    }
}

/// The newest of `count` columns in which something passed and nothing else happened.
fn green_column(count: usize, rows: &[&Row]) -> Option<usize> {
    // By column how many passes and how many other results it has, as the difference to the column
    // before: a long run costs as little as a short one.
    let mut passes = vec![0i32; count + 1];
    let mut others = vec![0i32; count + 1];
    for row in rows {
        let mut at = 0;
        for run in row.results.chunks_exact(2) {
            let length = usize::try_from(run[1]).unwrap_or(0);
            let end = length.saturating_add(at).min(count);
            let counts = match TestStatus::from_wire(run[0]).coalesced() {
                Coalesced::Pass => Some(&mut passes),
                Coalesced::NoResult => None,
                Coalesced::Fail | Coalesced::Flaky | Coalesced::Unknown => Some(&mut others),
            };
            if let Some(counts) = counts {
                counts[at] += 1;
                counts[end] -= 1;
            }
            at = end;
        }
    }
    let (mut passing, mut other) = (0, 0);
    (0..count).find(|at| {
        passing += passes[*at];
        other += others[*at];
        passing > 0 && other == 0
    })
}

fn linked_issues(rows: &[&Row]) -> Vec<String> {
    let issues: BTreeSet<&String> = rows.iter().flat_map(|row| &row.issues).collect();
    issues.into_iter().cloned().collect()
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
