//! The status of a tab, by rules in a fixed order, and why it is that.

use super::Features;
use super::stats::{BrokenColumn, GridStats, is_ignored};
use crate::proto::config::DashboardTabStatusCustomizationOptions;
use crate::proto::state::Row;
use crate::proto::summary::TabStatus;
use crate::proto::{Coalesced, TestStatus};
use crate::updater::construct::run_lengths;

/// Which rule gave a tab its status, and which rows and columns made it do so.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The status.
    pub status: TabStatus,
    /// The rule.
    pub rule: Rule,
    /// The names of the rows, at most [`MAX_ROWS`] of them.
    pub rows: Vec<String>,
    /// How many rows there are in all.
    pub row_count: usize,
    /// The columns, counted from the newest at 0.
    pub columns: Vec<usize>,
}

/// More rows are counted and not named.
pub const MAX_ROWS: usize = 20;

/// The rules in the order in which they are tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// More of a recent column fails than the tab's `broken_column_threshold` allows.
    Broken {
        /// The column.
        column: BrokenColumn,
        /// The threshold, 0 to 1.
        threshold: f32,
    },
    /// There are no recent results: why.
    Stale(String),
    /// Rows with an alert.
    Alerts,
    /// There are fewer runs than the tab's `min_acceptable_runs`.
    TooFewRuns {
        /// Runs that count.
        runs: i64,
        /// Runs that the tab wants.
        wanted: i32,
    },
    /// A recent column has results that are no passes.
    Flaky,
    /// The same, but no more than the tab's `max_acceptable_flakiness`.
    Acceptable {
        /// The most flakiness that is acceptable, in percent.
        most: f32,
    },
    /// All recent columns passed.
    Passing,
    /// No recent column has a result.
    NoResults,
}

impl Explanation {
    /// One sentence for people.
    pub fn sentence(&self, recent: usize) -> String {
        let rows = match (self.row_count, self.rows.first()) {
            (1, Some(row)) => format!("\"{row}\""),
            (count, _) => format!("{count} rows"),
        };
        let column = self.columns.first().map_or(0, |column| column + 1);
        match &self.rule {
            Rule::Broken { column: broken, threshold } => format!(
                "BROKEN: in recent column {column}, {} of {} results fail, more than the tab's \
                 broken_column_threshold of {threshold}.",
                broken.failing, broken.total
            ),
            Rule::Stale(text) => format!("STALE: {text}."),
            Rule::Alerts => format!("FAIL: {rows} failed as often in a row as opens an alert."),
            Rule::TooFewRuns { runs, wanted } => {
                format!("PENDING: {runs} of {wanted} runs that the tab wants have results.")
            }
            Rule::Flaky => format!(
                "FLAKY: {rows} did not pass in column {column}, which is among the {recent} recent \
                 ones, but no row failed as often in a row as opens an alert."
            ),
            Rule::Acceptable { most } => format!(
                "ACCEPTABLE: {rows} did not pass in column {column}, but flakiness up to {most} % \
                 is acceptable for the tab."
            ),
            Rule::Passing => {
                format!("PASS: everything passed in {} recent columns.", self.columns.len())
            }
            Rule::NoResults => {
                format!("UNKNOWN: none of the {recent} recent columns has a result.")
            }
        }
    }
}

/// What the status is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The rows with recent results, without test methods.
    pub rows: &'a [&'a Row],
    /// How many columns there are; what rows claim beyond is not looked at.
    pub columns: usize,
    /// How many columns are recent.
    pub recent: usize,
    /// Why the tab is stale; empty if it is not.
    pub stale: &'a str,
    /// The broken column, if there is one, and the tab's threshold.
    pub broken: Option<(BrokenColumn, f32)>,
    /// Counts over the recent columns.
    pub stats: GridStats,
    /// What the tab leaves out or accepts.
    pub options: Option<&'a DashboardTabStatusCustomizationOptions>,
    /// Which of these count.
    pub features: Features,
}

/// The status of a tab with its explanation: BROKEN before STALE before FAIL before PENDING before
/// FLAKY (or ACCEPTABLE) before PASS; UNKNOWN if nothing is known.
///
/// Columns are walked from the newest until `recent` were counted. A column with a running cell is
/// not counted, but what failed in it is remembered for the next one that is; with the feature, a
/// column with a status that is left out counts and clears that memory.
pub fn overall_status(judged: &Judged<'_>) -> Explanation {
    let explain = |status: TabStatus, rule: Rule| Explanation {
        status,
        rule,
        rows: Vec::new(),
        row_count: 0,
        columns: Vec::new(),
    };
    if let Some((column, threshold)) = judged.broken {
        let mut explanation = explain(TabStatus::Broken, Rule::Broken { column, threshold });
        explanation.columns.push(column.column);
        let failing = judged.rows.iter().filter(|row| {
            run_lengths(&row.results).nth(column.column).is_some_and(TestStatus::is_failing)
        });
        explanation.name_rows(failing.map(|row| row.name.as_str()));
        return explanation;
    }
    if !judged.stale.is_empty() {
        return explain(TabStatus::Stale, Rule::Stale(judged.stale.to_owned()));
    }
    if judged.rows.iter().any(|row| row.alert_info.is_some()) {
        let mut explanation = explain(TabStatus::Fail, Rule::Alerts);
        let alerting = judged.rows.iter().filter(|row| row.alert_info.is_some());
        explanation.name_rows(alerting.map(|row| row.name.as_str()));
        return explanation;
    }
    let wanted = judged.options.map_or(0, |options| options.min_acceptable_runs);
    let runs = judged.stats.valid_columns();
    if judged.features.min_number_of_runs && i64::from(wanted) > runs {
        return explain(TabStatus::Pending, Rule::TooFewRuns { runs, wanted });
    }
    walk(judged)
}

impl Explanation {
    fn name_rows<'r>(&mut self, names: impl Iterator<Item = &'r str>) {
        for name in names {
            self.row_count += 1;
            if self.rows.len() < MAX_ROWS {
                self.rows.push(name.to_owned());
            }
        }
    }
}

fn walk(judged: &Judged<'_>) -> Explanation {
    let mut results: Vec<_> = judged.rows.iter().map(|row| run_lengths(&row.results)).collect();
    let mut explanation = Explanation {
        status: TabStatus::Unknown,
        rule: Rule::NoResults,
        rows: Vec::new(),
        row_count: 0,
        columns: Vec::new(),
    };
    let mut left = judged.recent;
    // What failed since the last column that counted: rows and columns.
    let mut failed: Vec<&str> = Vec::new();
    let mut failed_in: Vec<usize> = Vec::new();
    let mut passed_in: Vec<usize> = Vec::new();
    let mut column = 0;
    while left > 0 && column < judged.columns {
        let (mut more, mut found, mut running, mut ignored) = (false, false, false, false);
        for (row, row_results) in judged.rows.iter().zip(&mut results) {
            let Some(status) = row_results.next() else { continue };
            more = true;
            if status == TestStatus::Running {
                running = true;
                continue;
            }
            if judged.features.ignored_columns && is_ignored(status, judged.options) {
                ignored = true;
                continue;
            }
            match status.coalesced_without_running() {
                Coalesced::NoResult => {}
                Coalesced::Pass => found = true,
                Coalesced::Fail | Coalesced::Flaky | Coalesced::Unknown => {
                    failed.push(&row.name);
                    if failed_in.last() != Some(&column) {
                        failed_in.push(column);
                    }
                }
            }
        }
        if !more {
            break;
        }
        column += 1;
        if running {
            continue;
        }
        if ignored {
            left -= 1;
            failed.clear();
            failed_in.clear();
            continue;
        }
        if !failed.is_empty() {
            let (status, rule) = match acceptable(judged) {
                Some(most) => (TabStatus::Acceptable, Rule::Acceptable { most }),
                None => (TabStatus::Flaky, Rule::Flaky),
            };
            failed.sort_unstable();
            failed.dedup();
            explanation.status = status;
            explanation.rule = rule;
            explanation.columns = failed_in;
            explanation.name_rows(failed.into_iter());
            return explanation;
        }
        if found {
            passed_in.push(column - 1);
            left -= 1;
        }
    }
    if !passed_in.is_empty() {
        explanation.status = TabStatus::Pass;
        explanation.rule = Rule::Passing;
        explanation.columns = passed_in;
    }
    explanation
}

/// The most flakiness that the tab accepts, if there is no more.
fn acceptable(judged: &Judged<'_>) -> Option<f32> {
    let most = judged.options.map_or(0.0, |options| options.max_acceptable_flakiness);
    if !judged.features.fuzzy_flakiness || most <= 0.0 {
        return None;
    }
    let passing = 100.0 * judged.stats.passing_columns as f64 / judged.stats.valid_columns() as f64;
    (passing >= f64::from(100.0 - most)).then_some(most)
}
