//! Counts over the recent columns of a tab.

use crate::proto::config::{DashboardTabStatusCustomizationOptions, IgnoredTestStatus};
use crate::proto::state::Row;
use crate::proto::{Coalesced, TestStatus};
use crate::updater::construct::run_lengths;

use super::Features;

/// Counts over the recent columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridStats {
    /// Columns with passes and without failures.
    pub passing_columns: usize,
    /// Columns with a result.
    pub completed_columns: usize,
    /// Columns with a status that the tab leaves out.
    pub ignored_columns: usize,
    /// Passing cells.
    pub passing_cells: usize,
    /// Cells with a result.
    pub filled_cells: usize,
}

impl GridStats {
    /// Completed columns that are not left out; below 0 if more are left out than completed.
    pub(crate) fn valid_columns(&self) -> i64 {
        self.completed_columns as i64 - self.ignored_columns as i64
    }
}

/// A column of which more fails than the tab allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrokenColumn {
    /// The column, counted from the newest.
    pub column: usize,
    /// Its failing cells.
    pub failing: usize,
    /// Its cells with a result.
    pub total: usize,
}

/// Whether the tab's options leave out results of a status.
pub fn is_ignored(
    status: TestStatus,
    options: Option<&DashboardTabStatusCustomizationOptions>,
) -> bool {
    let as_option = match status {
        TestStatus::CategorizedAbort => IgnoredTestStatus::CategorizedAbort,
        TestStatus::Unknown => IgnoredTestStatus::Unknown,
        TestStatus::Cancel => IgnoredTestStatus::Cancel,
        TestStatus::Blocked => IgnoredTestStatus::Blocked,
        _ => return false,
    };
    options.is_some_and(|options| options.ignored_test_statuses.contains(&(as_option as i32)))
}

/// Counts over the first `recent` of `columns` columns, and the newest broken one.
pub fn grid_stats(
    columns: usize,
    rows: &[&Row],
    recent: usize,
    broken_threshold: f32,
    features: Features,
    options: Option<&DashboardTabStatusCustomizationOptions>,
) -> (GridStats, Option<BrokenColumn>) {
    let mut stats = GridStats::default();
    let mut broken = None;
    let mut results: Vec<_> = rows.iter().map(|row| run_lengths(&row.results)).collect();
    for column in 0..columns.min(recent) {
        let (mut passes, mut failures, mut other, mut ignores) = (0, 0, 0, 0);
        for status in results.iter_mut().filter_map(Iterator::next) {
            if features.ignored_columns && is_ignored(status, options) {
                ignores += 1;
            }
            match status.coalesced_without_running() {
                Coalesced::NoResult => {}
                Coalesced::Pass => passes += 1,
                Coalesced::Fail => failures += 1,
                Coalesced::Flaky | Coalesced::Unknown => other += 1,
            }
        }
        let total = passes + failures + other;
        stats.passing_cells += passes;
        stats.filled_cells += total;
        stats.completed_columns += usize::from(total > 0);
        if ignores > 0 {
            stats.ignored_columns += 1;
        } else if failures == 0 && passes > 0 {
            stats.passing_columns += 1;
        }
        let is_broken = broken_threshold > 0.0
            && passes + failures > 0
            && failures as f32 / total as f32 > broken_threshold;
        if is_broken && broken.is_none() {
            broken = Some(BrokenColumn { column, failing: failures, total });
        }
    }
    (stats, broken)
}
