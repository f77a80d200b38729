//! Summaries of a group's tabs from as much of its history as they need, and what is kept of the rest.

use go_compat::time::Timestamp;
use grid::columnar::{GroupColumns, Past};
use grid::proto::config::{DashboardTab, TestGroup};
use grid::proto::state::Grid;
use grid::summarizer::health::{DEFAULT_INTERVAL_DAYS, healthiness};
use grid::summarizer::{Features, TabContext, summarize, unknown};
use grid::tabulator::OptionsError;
use parking_lot::Mutex;

use super::service::{Stored, TabKey, TabState};

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
            Ok(grid.map(|grid| state(&grid, dashboard, tab, group, features, now)))
        };
        let state = match summarized(None) {
            Ok(Some((state, enough))) if enough || whole => state,
            Ok(_) => {
                let (past, seam) = (past.as_ref()?, seam?);
                asked_past = true;
                match summarized(Some((past, seam))) {
                    Ok(Some((state, enough))) if enough || past.reaches_end() => state,
                    _ => return None,
                }
            }
            Err(error) => wrong_options(dashboard, tab, &error),
        };
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
    grid: &Grid,
    dashboard: &str,
    tab: &DashboardTab,
    group: &TestGroup,
    features: Features,
    now: Timestamp,
) -> (TabState, bool) {
    let context = TabContext { dashboard, tab, group, modified: Some(now), now, features };
    let made = summarize(grid, &context);
    // An alert that reaches back to the last column may reach further.
    let mut enough = made.summary.latest_green != grid::summarizer::NO_GREENS
        && !made.summary.failing_test_summaries.iter().any(|test| test.pass_timestamp == 0.0);
    let flakiness_days = flakiness_days(tab);
    let flakiness_to_alert = flakiness_days
        .filter(|_| made.summary.healthiness.is_none())
        .map(|days| healthiness(grid, now.seconds(), days));
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
    };
    (state, enough)
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
