//! Columns become a grid, and a grid its columns again.
//!
//! In a grid a row's results are run lengths over all columns, and its messages, short texts and
//! ids stand one after the other for the filled cells only. A running cell is filled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::alert::{AlertOptions, alert_rows};
use super::cell::Cell;
use super::convert::InflatedColumn;
use crate::message::{MAX_MESSAGE, cut_stored};
use crate::natural;
use crate::proto::config::TestGroup;
use crate::proto::state::{Column, Grid, Metric, Property, Row, Stats};
use crate::proto::{Coalesced, TestStatus};

/// Rows with this in their name are of a test's methods; they share the ids of the test's row.
pub const METHOD_MARK: &str = "@TESTGRID@";

/// Issues by the name of the row.
pub type Issues = BTreeMap<String, Vec<String>>;

/// The results of a row, one for each column. A last number without its count is left out, and so
/// is a run of negative length.
pub fn run_lengths(results: &[i32]) -> impl Iterator<Item = TestStatus> {
    results.chunks_exact(2).flat_map(|run| {
        let count = usize::try_from(run[1]).unwrap_or(0);
        std::iter::repeat_n(TestStatus::from_wire(run[0]), count)
    })
}

/// The grid of a group, with its alerts.
pub fn group_grid(group: &TestGroup, columns: Vec<InflatedColumn>, issues: &Issues) -> Grid {
    let mut grid = construct(columns, issues, &AlertOptions::of_group(group), 0.0);
    grid.config = Some(group.clone());
    grid
}

/// The grid of these columns, newest first. With a threshold above 0, columns get counts.
pub fn construct(
    columns: Vec<InflatedColumn>,
    issues: &Issues,
    alerts: &AlertOptions,
    broken_threshold: f32,
) -> Grid {
    let mut builder = Builder::default();
    for mut column in columns {
        if broken_threshold > 0.0 {
            column.column.stats = Some(column_stats(&column.cells, broken_threshold));
        }
        builder.append(column);
    }
    let mut grid = builder.finish(issues);
    alert_rows(&grid.columns, &mut grid.rows, alerts);
    for row in &mut grid.rows {
        if row.user_property.iter().all(String::is_empty) {
            row.user_property.clear();
        }
    }
    grid
}

#[derive(Default)]
struct Builder {
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// How many columns each row's results cover.
    covered: Vec<usize>,
    by_name: HashMap<String, usize>,
}

impl Builder {
    fn append(&mut self, column: InflatedColumn) {
        let at = self.columns.len();
        self.columns.push(column.column);
        // Columns have nearly the same names in the same order: the next one is most often the next row.
        let mut next = 0;
        for (name, cell) in column.cells {
            let is_next = self.rows.get(next).is_some_and(|row| row.name == name);
            let known = if is_next { Some(next) } else { self.by_name.get(&name).copied() };
            let number = match known {
                Some(number) => number,
                None => {
                    let id = if cell.id.is_empty() { name.clone() } else { cell.id.clone() };
                    self.rows.push(Row { name: name.clone(), id, ..Row::default() });
                    self.covered.push(0);
                    self.by_name.insert(name, self.rows.len() - 1);
                    self.rows.len() - 1
                }
            };
            let row = &mut self.rows[number];
            append_run(&mut row.results, TestStatus::NoResult, at - self.covered[number]);
            append_cell(row, cell, at);
            self.covered[number] = at + 1;
            next = number + 1;
        }
    }

    fn finish(mut self, issues: &Issues) -> Grid {
        let width = self.columns.len();
        for (row, covered) in self.rows.iter_mut().zip(&self.covered) {
            append_run(&mut row.results, TestStatus::NoResult, width - covered);
        }
        let is_filled = |row: &Row| {
            row.results.chunks_exact(2).any(|run| run[0] != TestStatus::NoResult as i32)
        };
        self.rows.retain(is_filled);
        for row in &mut self.rows {
            let known = issues.get(&row.name).into_iter().flatten();
            let all: BTreeSet<String> = row.issues.drain(..).chain(known.cloned()).collect();
            row.issues = all.into_iter().collect();
            row.issues.sort_by(|a, b| natural::compare(b, a));
            row.metric.sort_by(|a, b| natural::compare(a, b));
            row.metrics.sort_by(|a, b| natural::compare(&a.name, &b.name));
        }
        self.rows.sort_by(|a, b| natural::compare(&a.name, &b.name));
        Grid { columns: self.columns, rows: self.rows, ..Grid::default() }
    }
}

/// Adds a status `count` times.
pub(crate) fn append_run(results: &mut Vec<i32>, status: TestStatus, count: usize) {
    if count == 0 {
        return;
    }
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    match &mut results[..] {
        [.., last, run] if *last == status as i32 => *run = run.saturating_add(count),
        _ => results.extend([status as i32, count]),
    }
}

fn append_cell(row: &mut Row, cell: Cell, column: usize) {
    append_run(&mut row.results, cell.status, 1);
    for (name, value) in cell.metrics {
        let metric = match row.metrics.iter_mut().position(|metric| metric.name == name) {
            Some(at) => &mut row.metrics[at],
            None => {
                let name = name.into_owned();
                row.metric.push(name.clone());
                row.metrics.push(Metric { name, ..Metric::default() });
                let last = row.metrics.len() - 1;
                &mut row.metrics[last]
            }
        };
        append_metric(metric, i32::try_from(column).unwrap_or(i32::MAX), value);
    }
    row.issues.extend(cell.issues);
    if !cell.status.is_filled() {
        return;
    }
    if !row.name.contains(METHOD_MARK) {
        row.cell_ids.push(cell.cell_id);
        row.properties.push(Property { property: cell.properties });
    }
    row.messages.push(cut_stored(&cell.message, MAX_MESSAGE));
    row.icons.push(cell.icon);
    row.user_property.push(cell.user_property);
}

fn append_metric(metric: &mut Metric, column: i32, value: f64) {
    match &mut metric.indices[..] {
        [.., start, count] if start.saturating_add(*count) == column => *count += 1,
        _ => metric.indices.extend([column, 1]),
    }
    metric.values.push(value);
}

/// Counts over a column's cells.
pub fn column_stats(cells: &BTreeMap<String, Cell>, broken_threshold: f32) -> Stats {
    let mut stats = Stats::default();
    for cell in cells.values() {
        stats.pending |= cell.status == TestStatus::Running;
        match cell.status.coalesced() {
            Coalesced::NoResult => continue,
            Coalesced::Pass => stats.pass_count += 1,
            Coalesced::Fail => stats.fail_count += 1,
            Coalesced::Flaky | Coalesced::Unknown => {}
        }
        stats.total_count += 1;
    }
    let ratio = match stats.total_count {
        0 => 0.0,
        total => stats.fail_count as f32 / total as f32,
    };
    stats.broken = ratio > broken_threshold;
    stats
}

/// The columns of a grid that began between `earliest` and `latest` (seconds since the epoch), with
/// their cells, and the issues of its rows. The first column that is not too new is kept even if it
/// is too old, so that a group that rests does not look new.
///
/// A grid written by others may lack messages or ids; such cells have none.
pub fn inflate(grid: Grid, earliest: i64, latest: i64) -> (Vec<InflatedColumn>, Issues) {
    let mut issues = Issues::new();
    let mut kept: Vec<Option<usize>> = Vec::with_capacity(grid.columns.len());
    let mut columns: Vec<InflatedColumn> = Vec::new();
    for mut column in grid.columns {
        if column.hint.is_empty() {
            column.hint.clone_from(&column.build);
        }
        // The cast saturates, and what is no time counts as long ago.
        let when = (column.started / 1000.0) as i64;
        if when > latest || (when < earliest && !columns.is_empty()) {
            kept.push(None);
            continue;
        }
        kept.push(Some(columns.len()));
        columns.push(InflatedColumn { column, cells: BTreeMap::new() });
    }
    for row in grid.rows {
        if !row.issues.is_empty() {
            issues.insert(row.name.clone(), row.issues.clone());
        }
        inflate_row(&row, &kept, &mut columns);
    }
    (columns, issues)
}

fn inflate_row(row: &Row, kept: &[Option<usize>], columns: &mut [InflatedColumn]) {
    let metrics: Vec<(&str, HashMap<usize, f64>)> = row
        .metrics
        .iter()
        .enumerate()
        .map(|(at, metric)| {
            let name = match metric.name.as_str() {
                "" => row.metric.get(at).map_or("", String::as_str),
                name => name,
            };
            (name, metric_values(metric))
        })
        .collect();
    let has_ids = !row.name.contains(METHOD_MARK);
    let text = |of: &[String], at: usize| of.get(at).cloned().unwrap_or_default();
    let mut filled = 0;
    for (at, status) in run_lengths(&row.results).take(kept.len()).enumerate() {
        let place = filled;
        filled += usize::from(status.is_filled());
        let Some(column) = kept[at].and_then(|column| columns.get_mut(column)) else { continue };
        let mut cell = Cell { status, id: row.id.clone(), ..Cell::default() };
        for (name, values) in &metrics {
            if let Some(value) = values.get(&at) {
                cell.metrics.insert((*name).to_owned(), *value);
            }
        }
        if status.is_filled() {
            cell.icon = text(&row.icons, place);
            cell.message = text(&row.messages, place);
            cell.user_property = text(&row.user_property, place);
            if has_ids {
                cell.cell_id = text(&row.cell_ids, place);
            }
            if let Some(properties) = row.properties.get(place) {
                cell.properties.clone_from(&properties.property);
            }
        }
        column.cells.insert(row.name.clone(), cell);
    }
}

/// The values of a metric by column: `[0, 2, 6, 4]` are two values from column 0 and four from 6.
fn metric_values(metric: &Metric) -> HashMap<usize, f64> {
    let mut values = metric.values.iter();
    let mut by_column = HashMap::new();
    for run in metric.indices.chunks_exact(2) {
        let (Ok(start), Ok(count)) = (usize::try_from(run[0]), usize::try_from(run[1])) else {
            continue;
        };
        for (offset, value) in values.by_ref().take(count).enumerate() {
            by_column.insert(start.saturating_add(offset), *value);
        }
    }
    by_column
}

#[cfg(test)]
mod tests;
