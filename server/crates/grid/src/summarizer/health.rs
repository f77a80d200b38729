//! How flaky the tests of a tab are.

use std::collections::{BTreeMap, HashMap};

use crate::proto::Timestamp;
use crate::proto::state::Row;
use crate::proto::summary::{HealthinessInfo, TestInfo, Trend};
use crate::proto::{Coalesced, TestStatus};
use crate::summarizer::GridRef;
use crate::updater::construct::{METHOD_MARK, run_lengths};

/// Length of the interval of a tab that does not say one, in days.
pub const DEFAULT_INTERVAL_DAYS: i32 = 7;
/// So many failures in a row are a broken test and not a flaky one.
const FAILURES_IN_A_ROW: usize = 3;
const SECONDS_PER_DAY: i64 = 86_400;

/// A run of a test as far as flakiness is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It passed and failed.
    Flaky,
}

/// The flakiness of a grid over the `days` before `now` (seconds since the epoch), compared with the
/// same time before.
pub fn healthiness(grid: &GridRef<'_>, now: i64, days: i32) -> HealthinessInfo {
    let days = if days > 0 { days } else { DEFAULT_INTERVAL_DAYS };
    let length = i64::from(days) * SECONDS_PER_DAY;
    let (middle, start) = (now.saturating_sub(length), now.saturating_sub(2 * length));
    let mut current = interval(grid, middle, now);
    let previous = interval(grid, start, middle);
    let before: HashMap<&str, f32> =
        previous.tests.iter().map(|test| (test.display_name.as_str(), test.flakiness)).collect();
    for test in &mut current.tests {
        let Some(before) = before.get(test.display_name.as_str()) else { continue };
        let trend = if test.flakiness < *before {
            Trend::Down
        } else if test.flakiness > *before {
            Trend::Up
        } else {
            Trend::NoChange
        };
        test.change_from_last_interval = trend as i32;
        test.previous_flakiness = vec![*before];
    }
    current.previous_flakiness = vec![previous.average_flakiness];
    current
}

/// The flakiness between two moments, both included, in seconds since the epoch.
///
/// Rows that neither passed nor failed are left out. A failure whose message is a single word is one
/// of the infrastructure; a failure in a column in which no row passed does not make a test flaky,
/// unless there is only one row.
pub fn interval(grid: &GridRef<'_>, start: i64, end: i64) -> HealthinessInfo {
    let (first, last) = (start as f64 * 1000.0, end as f64 * 1000.0);
    let inside: Vec<bool> =
        grid.columns.iter().map(|column| (first..=last).contains(&column.started)).collect();
    let failing = failing_columns(grid);
    let rows = grid.rows.iter().filter(|row| !row.name.contains(METHOD_MARK));
    let tests: Vec<TestInfo> = rows.filter_map(|row| test_info(row, &inside, &failing)).collect();
    let at = |seconds: i64| Some(Timestamp { seconds, nanos: 0 });
    let average = match tests.len() {
        0 => 0.0,
        count => tests.iter().map(|test| test.flakiness).sum::<f32>() / count as f32,
    };
    HealthinessInfo {
        start: at(start),
        end: at(end),
        tests,
        average_flakiness: average,
        previous_flakiness: Vec::new(),
    }
}

fn test_info(row: &Row, inside: &[bool], failing: &[bool]) -> Option<TestInfo> {
    let (mut passed, mut failed, mut infra) = (0, 0, 0);
    let mut infra_failures: BTreeMap<String, i32> = BTreeMap::new();
    let mut runs = Vec::new();
    let mut filled = 0;
    for (column, status) in run_lengths(&row.results).take(inside.len()).enumerate() {
        let message = filled;
        filled += usize::from(status.is_filled());
        if !inside[column] {
            continue;
        }
        match status.coalesced() {
            Coalesced::Fail => {
                let message = row.messages.get(message).map_or("", String::as_str);
                if is_word(message) {
                    infra += 1;
                    *infra_failures.entry(message.to_owned()).or_default() += 1;
                } else {
                    failed += 1;
                    if !failing[column] {
                        runs.push(Run::Fail);
                    }
                }
            }
            Coalesced::Pass => {
                passed += 1;
                runs.push(Run::Pass);
            }
            Coalesced::Flaky => runs.push(Run::Flaky),
            Coalesced::NoResult | Coalesced::Unknown => {}
        }
    }
    let total = passed + failed;
    // A row with flaky results alone is left out too, as TestGrid does.
    (total > 0).then(|| TestInfo {
        display_name: row.name.clone(),
        total_non_infra_runs: total,
        passed_non_infra_runs: passed,
        failed_non_infra_runs: failed,
        failed_infra_runs: infra,
        total_runs_with_infra: total + infra,
        flakiness: flip_flakiness(&runs),
        infra_failures,
        ..TestInfo::default()
    })
}

/// The part of runs that changed from passing to failing, in percent; newest first.
///
/// Three and more failures in a row do not count at all; a flaky run is always a change.
pub fn flip_flakiness(runs: &[Run]) -> f32 {
    let (mut flips, mut considered) = (0u32, 0u32);
    let mut passing = true;
    let mut at = 0;
    while at < runs.len() {
        let failures = runs[at..].iter().take_while(|run| **run == Run::Fail).count();
        if failures >= FAILURES_IN_A_ROW {
            at += failures;
            continue;
        }
        considered += 1;
        match runs[at] {
            Run::Pass => passing = true,
            Run::Flaky => {
                flips += 1;
                passing = true;
            }
            Run::Fail => {
                flips += u32::from(passing);
                passing = false;
            }
        }
        at += 1;
    }
    if considered == 0 { 0.0 } else { 100.0 * flips as f32 / considered as f32 }
}

/// The columns in which no row passed or was flaky.
fn failing_columns(grid: &GridRef<'_>) -> Vec<bool> {
    let mut failing = vec![grid.rows.len() > 1; grid.columns.len()];
    for row in grid.rows.iter() {
        for (column, status) in run_lengths(&row.results).take(failing.len()).enumerate() {
            if status.is_passing() || status == TestStatus::Flaky {
                failing[column] = false;
            }
        }
    }
    failing
}

fn is_word(message: &str) -> bool {
    !message.is_empty() && message.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
