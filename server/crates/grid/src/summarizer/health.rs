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

/// What is said of failures of a whole run.
const WHOLE_RUN: &str = "the whole run failed";

/// The standard score of a confidence of 95 %.
const SCORE: f64 = 1.959_964;

/// What a report counts as what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// As TestGrid's summarizer: rows with flaky results alone are left out, and a failure whose message
    /// is a single word is one of the infrastructure.
    #[default]
    TestGrid,
    /// As it helps: a test that is flaky whenever it runs is in the report, and failures are of the
    /// infrastructure where nothing of the run passed, whatever their message is.
    Serve,
}

/// A report with what it is sure of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// The report.
    pub info: HealthinessInfo,
    /// For each of its tests, in their order, how sure its flakiness is.
    pub sure: Vec<Sure>,
}

/// How sure the flakiness of a test is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sure {
    /// In percent: between these the flakiness is with a confidence of 95 %.
    pub between: (f32, f32),
    /// Whether it is flaky now and was not in the interval before, in which it ran.
    pub is_new: bool,
}

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
pub fn healthiness(grid: &GridRef<'_>, now: i64, days: i32, rules: Rules) -> Health {
    let days = if days > 0 { days } else { DEFAULT_INTERVAL_DAYS };
    let length = i64::from(days) * SECONDS_PER_DAY;
    let (middle, start) = (now.saturating_sub(length), now.saturating_sub(2 * length));
    let (mut current, changes) = counted(grid, middle, now, rules);
    let previous = interval(grid, start, middle, rules);
    let before: HashMap<&str, f32> =
        previous.tests.iter().map(|test| (test.display_name.as_str(), test.flakiness)).collect();
    let sure = current.tests.iter().zip(&changes).map(|(test, changes)| Sure {
        between: changes.between(),
        is_new: changes.flips > 0 && before.get(&*test.display_name) == Some(&0.0),
    });
    let sure = sure.collect();
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
    Health { info: current, sure }
}

/// The flakiness between two moments, both included, in seconds since the epoch.
///
/// Rows that neither passed nor failed are left out, and what else [`Rules`] say. A failure in a column
/// in which no row passed does not make a test flaky, unless there is only one row.
pub fn interval(grid: &GridRef<'_>, start: i64, end: i64, rules: Rules) -> HealthinessInfo {
    counted(grid, start, end, rules).0
}

/// The same with the changes of each test.
fn counted(
    grid: &GridRef<'_>,
    start: i64,
    end: i64,
    rules: Rules,
) -> (HealthinessInfo, Vec<Changes>) {
    let (first, last) = (start as f64 * 1000.0, end as f64 * 1000.0);
    let inside: Vec<bool> =
        grid.columns.iter().map(|column| (first..=last).contains(&column.started)).collect();
    let failing = failing_columns(grid);
    let rows = grid.rows.iter().filter(|row| !row.name.contains(METHOD_MARK));
    let tests = rows.filter_map(|row| test_info(row, &inside, &failing, rules));
    let (tests, changes): (Vec<TestInfo>, Vec<Changes>) = tests.unzip();
    let at = |seconds: i64| Some(Timestamp { seconds, nanos: 0 });
    let average = match tests.len() {
        0 => 0.0,
        count => tests.iter().map(|test| test.flakiness).sum::<f32>() / count as f32,
    };
    let info = HealthinessInfo {
        start: at(start),
        end: at(end),
        tests,
        average_flakiness: average,
        previous_flakiness: Vec::new(),
    };
    (info, changes)
}

fn test_info(
    row: &Row,
    inside: &[bool],
    failing: &[bool],
    rules: Rules,
) -> Option<(TestInfo, Changes)> {
    let (mut passed, mut failed, mut infra, mut flaky) = (0, 0, 0, 0);
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
                let infrastructure = match rules {
                    Rules::TestGrid => is_word(message).then_some(message),
                    Rules::Serve => failing[column].then_some(WHOLE_RUN),
                };
                if let Some(name) = infrastructure {
                    infra += 1;
                    *infra_failures.entry(name.to_owned()).or_default() += 1;
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
            Coalesced::Flaky => {
                flaky += 1;
                runs.push(Run::Flaky);
            }
            Coalesced::NoResult | Coalesced::Unknown => {}
        }
    }
    let total = passed + failed;
    let (is_told, other_runs) = match rules {
        Rules::TestGrid => (total > 0, 0),
        Rules::Serve => (total + flaky > 0, flaky),
    };
    let changes = changes(&runs);
    let info = TestInfo {
        display_name: row.name.clone(),
        total_non_infra_runs: total,
        passed_non_infra_runs: passed,
        failed_non_infra_runs: failed,
        failed_infra_runs: infra,
        total_runs_with_infra: total + infra,
        other_runs,
        flakiness: changes.flakiness(),
        infra_failures,
        ..TestInfo::default()
    };
    is_told.then_some((info, changes))
}

/// How often a test changed from passing to failing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How often it did.
    pub flips: u32,
    /// In how many runs.
    pub considered: u32,
}

impl Changes {
    /// The part of runs that did, in percent.
    pub fn flakiness(self) -> f32 {
        match self.considered {
            0 => 0.0,
            considered => 100.0 * self.flips as f32 / considered as f32,
        }
    }

    /// Between which percents that part is with a confidence of 95 %, by Wilson's score: few runs say
    /// little. Nothing is known of no run.
    pub fn between(self) -> (f32, f32) {
        if self.considered == 0 {
            return (0.0, 100.0);
        }
        let (count, part) =
            (f64::from(self.considered), f64::from(self.flips) / f64::from(self.considered));
        let square = SCORE * SCORE;
        let middle = part + square / (2.0 * count);
        let spread = SCORE * (part * (1.0 - part) / count + square / (4.0 * count * count)).sqrt();
        let whole = 1.0 + square / count;
        let percent = |part: f64| (100.0 * part / whole).clamp(0.0, 100.0) as f32;
        (percent(middle - spread), percent(middle + spread))
    }
}

/// The part of runs that changed from passing to failing, in percent; newest first.
pub fn flip_flakiness(runs: &[Run]) -> f32 {
    changes(runs).flakiness()
}

/// How often runs, the newest first, changed from passing to failing.
///
/// Three and more failures in a row do not count at all; a flaky run is always a change.
pub fn changes(runs: &[Run]) -> Changes {
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
    Changes { flips, considered }
}

/// Whether a test is flaky in the last days, and was not in as many before, in which it ran.
///
/// `runs` have with them when they started; that and `now_ms` are in milliseconds since the epoch.
pub fn is_newly_flaky(runs: &[(i64, Run)], now_ms: i64) -> bool {
    let interval_ms = i64::from(DEFAULT_INTERVAL_DAYS) * SECONDS_PER_DAY * 1000;
    let in_interval = |intervals: i64| {
        let ages = (intervals - 1) * interval_ms..intervals * interval_ms;
        let inside = runs.iter().filter(|(started_ms, _)| ages.contains(&(now_ms - started_ms)));
        changes(&inside.map(|(_, run)| *run).collect::<Vec<_>>())
    };
    let (now, before) = (in_interval(1), in_interval(2));
    now.flips > 0 && before.flips == 0 && before.considered > 0
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
