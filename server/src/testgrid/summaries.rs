//! Summaries of a group's tabs from as much of its history as they need, and what is kept of the rest.

use std::collections::HashMap;

use go_compat::time::Timestamp;
use grid::columnar::{GroupColumns, Past};
use grid::proto::Timestamp as Moment;
use grid::proto::config::{Dashboard, DashboardTab, TestGroup};
use grid::proto::state::{AlertInfo, Column};
use grid::proto::summary::{DashboardTabSummary, FailingTestSummary};
use grid::summarizer::health::{DEFAULT_INTERVAL_DAYS, Rules, healthiness};
use grid::summarizer::{AGE_STEP_MILLIS, Features, GridRef, RULES, TabContext, summarize, unknown};
use grid::tabulator::OptionsError;
use parking_lot::Mutex;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::config::GridConfig;
use super::issues::RowIssues;
use super::service::TabKey;
use super::state::{Basis, FailingBuilds, SureOf, TabState};
use super::stored::Stored;

/// So many bytes of a hash name what a summary was made of.
const FINGERPRINT_BYTES: usize = 16;

/// What is known of a group's older columns; whoever summarizes its tabs takes it, and puts back what
/// is known then.
pub(super) struct KeptPast {
    past: Mutex<Option<Past>>,
    /// The version of the configuration that it was made with.
    pub(super) config: u64,
    /// When its newest column began, in milliseconds since the epoch.
    pub(super) newest_ms: i64,
    /// About how much memory it takes.
    pub(super) bytes: u32,
}

impl KeptPast {
    /// With the version of the configuration.
    pub(super) fn new(past: Past, config: u64) -> KeptPast {
        KeptPast {
            config,
            newest_ms: past.newest_ms().unwrap_or(i64::MIN),
            bytes: u32::try_from(past.size()).unwrap_or(u32::MAX),
            past: Mutex::new(Some(past)),
        }
    }

    /// What is known, if nobody has taken it.
    pub(super) fn take(&self) -> Option<Past> {
        self.past.lock().take()
    }
}

/// What a look at a group's history found.
pub(super) struct Looked {
    pub(super) stored: Stored,
    /// Whether there is nothing behind it.
    pub(super) whole: bool,
    /// What is known of what is behind it.
    pub(super) past: Option<Past>,
    /// How many columns the first look has.
    pub(super) first_look: usize,
}

/// What a look led to.
pub(super) struct Summaries {
    /// The state of each tab.
    pub(super) states: Vec<(TabKey, TabState)>,
    /// Of a group whose first look was not enough: what to know of its past the next time.
    pub(super) past: Option<Past>,
}

/// The summaries of a group's tabs; nothing if older columns than these could change something in
/// them.
pub(super) fn summaries(
    looked: Looked,
    tabs: &[(String, DashboardTab)],
    group: &TestGroup,
    issues: &RowIssues,
    features: Features,
    now: Timestamp,
) -> Option<Summaries> {
    let Looked { stored, whole, past, first_look } = looked;
    let columns = GroupColumns::read(&stored.columns, &stored.rows, group);
    let past = past.filter(|_| !whole && columns.is_plain());
    let seam = past.as_ref().and_then(|past| past.seam(&stored.keys));
    let mut asked_past = false;
    let mut states = Vec::with_capacity(tabs.len());
    for (dashboard, tab) in tabs {
        let mut tab = tab.clone();
        if let Some(recent) = stored.recent {
            tab.num_columns_recent = i32::try_from(recent).unwrap_or(i32::MAX);
        }
        let tab = &tab;
        let summarized = |past: Option<(&Past, usize)>| {
            let messages = flakiness_days(tab).is_some();
            let grid = columns.tab_grid(tab, group, now.seconds(), messages, past)?;
            Ok(grid.map(|mut grid| {
                if !issues.is_empty() {
                    issues.add_to(grid.rows.to_mut());
                }
                state(&grid, dashboard, tab, group, features, now)
            }))
        };
        let mut oldest_ms = None;
        let mut state = match summarized(None) {
            Ok(Some((state, enough))) if enough || whole => state,
            Ok(_) => {
                let (past, seam) = (past.as_ref()?, seam?);
                asked_past = true;
                match summarized(Some((past, seam))) {
                    Ok(Some((state, enough))) if enough || past.reaches_end() => {
                        oldest_ms = past.oldest_ms();
                        state
                    }
                    _ => return None,
                }
            }
            Err(error) => wrong_options(dashboard, tab, &error),
        };
        let starts = stored.starts.iter().copied().chain(oldest_ms);
        let moves = next_move(starts, stored.window_ms, tab, now);
        let until_ms = [stale_from(&state, tab, now), moves].into_iter().flatten().min();
        state.basis = Some(Basis { until_ms, ..Basis::default() });
        states.push((TabKey::new(dashboard, &tab.name), state));
    }
    // The newer half may still change.
    let recent = first_look / 2;
    let past = match past {
        Some(mut past) if asked_past => {
            past.advance(&columns, &stored.keys, recent).then_some(past)
        }
        _ if stored.columns.len() > first_look => Past::of(&columns, &stored.keys, recent, whole),
        _ => None,
    };
    Some(Summaries { states, past })
}

/// The state of a tab whose options cannot be used.
fn wrong_options(dashboard: &str, tab: &DashboardTab, error: &OptionsError) -> TabState {
    let text = format!("Error attempting to summarize tab: {error}");
    let summary = unknown(dashboard, &tab.name, &text);
    TabState { summary, why: text, ..TabState::default() }
}

/// The state of a tab, and whether older columns than those of the grid could change nothing in it.
fn state(
    grid: &GridRef<'_>,
    dashboard: &str,
    tab: &DashboardTab,
    group: &TestGroup,
    features: Features,
    now: Timestamp,
) -> (TabState, bool) {
    let health = Rules::Serve;
    let context = TabContext { dashboard, tab, group, modified: Some(now), now, features, health };
    let made = summarize(grid, &context);
    // An alert that reaches back to the last column may reach further.
    let mut enough = made.summary.latest_green != grid::summarizer::NO_GREENS
        && !made.summary.failing_test_summaries.iter().any(|test| test.pass_timestamp == 0.0);
    let flakiness_days = flakiness_days(tab);
    let flakiness_to_alert = flakiness_days
        .filter(|_| made.summary.healthiness.is_none())
        .map(|days| healthiness(grid, now.seconds(), days, health).info);
    // Flakiness compares two intervals, which must both be there.
    enough &= flakiness_days.is_none_or(|days| {
        let begin = now.seconds().saturating_sub(2 * i64::from(days) * 86_400);
        grid.columns.last().is_some_and(|oldest| oldest.started < begin as f64 * 1_000.0)
    });
    let builds = made.explanation.columns.iter();
    let why_builds = builds
        .filter_map(|column| grid.columns.get(*column))
        .map(|column| column.build.clone())
        .take(grid::summarizer::status::MAX_ROWS)
        .collect();
    let failing_builds = failing_builds(grid, &made.summary);
    let green = made.green.and_then(|at| grid.columns.get(at).copied());
    let green_build = green.map(build_of).unwrap_or_default().to_owned();
    let sure = made.sure.iter().map(|sure| SureOf {
        low: sure.between.0,
        high: sure.between.1,
        is_new: sure.is_new,
    });
    let sure = sure.collect();
    let mut summary = made.summary;
    // When the group was looked at is known of the group; here it would make every look a change.
    summary.last_update_timestamp = 0.0;
    let state = TabState {
        summary,
        why: made.explanation.sentence(made.recent),
        why_row_count: made.explanation.row_count as u64,
        why_rows: made.explanation.rows,
        why_builds,
        flakiness_to_alert,
        basis: None,
        failing_builds,
        green_build,
        sure,
    };
    (state, enough)
}

/// Names what the summary of a tab is made of besides its builds: the configuration of the tab and its
/// groups, the features, and the rules.
pub(super) fn fingerprint(
    config: &GridConfig,
    dashboard: &Dashboard,
    tab: &DashboardTab,
    features: Features,
) -> Vec<u8> {
    let Features { fuzzy_flakiness, ignored_columns, min_number_of_runs } = features;
    let flags = [fuzzy_flakiness, ignored_columns, min_number_of_runs].map(u8::from);
    let mut hash = Sha256::new();
    hash.update(RULES.to_le_bytes());
    hash.update(flags);
    hash.update(tab.encode_length_delimited_to_vec());
    let shown_with = config.shown_with(dashboard, tab);
    let groups = tab.test_groups().filter_map(|name| config.group(name));
    for group in shown_with.into_iter().chain(groups) {
        hash.update(group.encode_length_delimited_to_vec());
    }
    hash.finalize()[..FINGERPRINT_BYTES].to_vec()
}

/// When the first column leaves the window or an interval over which flakiness is told, or begins if
/// it is from the future, in milliseconds since the epoch.
fn next_move(
    starts: impl Iterator<Item = i64>,
    window_ms: i64,
    tab: &DashboardTab,
    now: Timestamp,
) -> Option<i64> {
    let mut spans = vec![0, window_ms];
    if let Some(days) = flakiness_days(tab) {
        let interval = i64::from(days).saturating_mul(86_400_000);
        spans.extend([interval, interval.saturating_mul(2)]);
    }
    let moves = starts.flat_map(|start| {
        // Summaries know the time in whole seconds.
        spans.iter().map(move |span| start.saturating_add(*span).saturating_add(1_000))
    });
    moves.filter(|at| *at > now.millis()).min()
}

/// When a tab becomes stale, or what is said of its age changes, in milliseconds since the epoch.
fn stale_from(state: &TabState, tab: &DashboardTab, now: Timestamp) -> Option<i64> {
    let hours = tab.alert_options.as_ref().map_or(0, |options| options.alert_stale_results_hours);
    // Seconds with a fraction; the cast saturates.
    let latest = (state.summary.last_run_timestamp * 1_000.0) as i64;
    if hours <= 0 || latest <= 0 {
        return None;
    }
    let limit = i64::from(hours).saturating_mul(3_600_000);
    let age = now.millis().saturating_sub(latest);
    let next =
        if age > limit { age - age.rem_euclid(AGE_STEP_MILLIS) + AGE_STEP_MILLIS } else { limit };
    // Seconds may have been rounded down.
    Some(latest.saturating_add(next).saturating_add(1_000))
}

/// The builds that the failing tests of a summary name by their headers.
fn failing_builds(grid: &GridRef<'_>, summary: &DashboardTabSummary) -> Vec<FailingBuilds> {
    let rows = grid.rows.iter().filter_map(|row| Some((&*row.name, row.alert_info.as_ref()?)));
    let alerts: HashMap<&str, &AlertInfo> = rows.collect();
    let of_test = |test: &FailingTestSummary| {
        let Some(alert) = alerts.get(&*test.display_name) else { return FailingBuilds::default() };
        // Where a grid has several jobs, a cell knows its own: `job/build`.
        let cell = alert.fail_test_id.as_str();
        let job = cell.split_once('/').map(|(job, _)| job);
        let build = |at: Option<Moment>, job: Option<&str>| match (column_at(grid, at), job) {
            (Some(column), Some(job)) => format!("{job}/{}", build_of(column)),
            (Some(column), None) => build_of(column).to_owned(),
            (None, _) => String::new(),
        };
        let first = if job.is_some() { cell.to_owned() } else { build(alert.fail_time, None) };
        FailingBuilds { first, passed: build(alert.pass_time, job) }
    };
    summary.failing_test_summaries.iter().map(of_test).collect()
}

/// The column that began then.
fn column_at<'g>(grid: &GridRef<'g>, began: Option<Moment>) -> Option<&'g Column> {
    let began = began?;
    grid.columns.iter().copied().find(|column| Moment::from_millis(column.started) == began)
}

/// The name of a column's folder: the id of its newest build, also where it goes by another name.
fn build_of(column: &Column) -> &str {
    if column.hint.is_empty() { &column.build } else { &column.hint }
}

/// The length of the interval over which a tab wants to know how flaky its tests are.
fn flakiness_days(tab: &DashboardTab) -> Option<i32> {
    let health = tab.health_analysis_options.as_ref();
    let reports = health.is_some_and(|options| options.enable);
    let alerts = tab.flakiness_alert_options.as_ref();
    let alerts = alerts.is_some_and(|options| options.minimum_flakiness_to_alert > 0.0);
    let days = health.map(|options| options.days_of_analysis).filter(|days| *days > 0);
    (reports || alerts).then(|| days.unwrap_or(DEFAULT_INTERVAL_DAYS))
}
