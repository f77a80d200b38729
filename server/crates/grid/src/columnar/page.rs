//! A grid as a page gets it: run lengths and a table of texts instead of a cell at a time.
//!
//! Every list of numbers is flat and comes in pairs of value and run length, newest column first. The
//! texts of cells cover filled cells only, as in TestGrid's grids.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::proto::TestStatus;
use crate::proto::state::{AlertInfo, Column, Grid, Metric, Row};
use crate::updater::construct::run_lengths;

/// A range of a grid's columns with all rows that have something in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageGrid {
    /// The columns, newest first.
    pub columns: PageColumns,
    /// The place of the first of them in the whole grid.
    pub first_column: usize,
    /// How many columns the whole grid has.
    pub column_count: usize,
    /// The texts that rows name by number; number 0 is the empty text.
    pub texts: Vec<String>,
    /// The rows.
    pub rows: Vec<PageRow>,
}

/// The columns, a list per property.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageColumns {
    /// The builds.
    pub build: Vec<String>,
    /// The second parts of their identity; empty if all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<String>,
    /// The ids of the builds as their folders have them, where a group names its columns otherwise;
    /// of merged columns the newest. Empty if all are what [`PageColumns::build`] says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hint: Vec<String>,
    /// When they began, in milliseconds since the epoch: the first one, then how much earlier each
    /// is than the one before.
    pub started_ms: Vec<i64>,
    /// For each header row the values as pairs of text number and run length: equal neighbours are
    /// one cell.
    pub headers: Vec<Vec<u32>>,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageRow {
    /// What is shown.
    pub name: String,
    /// The id, if it is not the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Statuses over all columns.
    pub statuses: Vec<u32>,
    /// Short texts of filled cells, as text numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<u32>,
    /// Messages of filled cells, as text numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<u32>,
    /// Ids of filled cells, as text numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cell_ids: Vec<u32>,
    /// User properties of filled cells, as text numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_properties: Vec<u32>,
    /// Issues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<String>,
    /// Numbers per column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<PageMetric>,
    /// The alert, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<PageAlert>,
}

/// A metric of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageMetric {
    /// Its name, as text number.
    pub name: u32,
    /// Pairs of first column (within the range) and count.
    pub indices: Vec<u32>,
    /// The values of those columns; a graph needs no more digits.
    pub values: Vec<f32>,
}

/// The alert of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageAlert {
    /// Failures since the last pass.
    pub fail_count: i32,
    /// The build that failed first, and when it began, in seconds since the epoch.
    pub fail_build: String,
    /// See [`PageAlert::fail_build`].
    pub fail_seconds: i64,
    /// The build that passed last before, empty if none is known, and when it began.
    pub pass_build: String,
    /// See [`PageAlert::pass_build`].
    pub pass_seconds: i64,
    /// The message of the newest failure.
    pub message: String,
}

/// A cell of a row. The numbers are those of [`PageGrid::texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCell {
    /// Its status.
    pub status: TestStatus,
    /// Its short text.
    pub icon: u32,
    /// Its message.
    pub message: u32,
    /// Its id.
    pub cell_id: u32,
    /// Its user property.
    pub user_property: u32,
}

#[derive(Default)]
struct Texts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    fn new() -> Self {
        Texts { numbers: HashMap::from([(String::new(), 0)]), texts: vec![String::new()] }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }
}

impl PageColumns {
    /// The id of the newest build of a column.
    pub fn id_of(&self, column: usize) -> &str {
        self.hint.get(column).or_else(|| self.build.get(column)).map_or("", String::as_str)
    }

    /// The second part of a column's identity.
    pub fn name_of(&self, column: usize) -> &str {
        self.name.get(column).map_or("", String::as_str)
    }

    /// The columns with their header rows.
    pub(crate) fn of(columns: &[Column], headers: Vec<Vec<u32>>) -> PageColumns {
        let mut earlier: i64 = 0;
        let started_ms = columns
            .iter()
            .map(|column| {
                // The cast saturates.
                let started = column.started as i64;
                let delta = if earlier == 0 { started } else { earlier.saturating_sub(started) };
                earlier = started;
                delta
            })
            .collect();
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let is_plain = |column: &Column| column.hint.is_empty() || column.hint == column.build;
        let hint = match columns.iter().all(is_plain) {
            true => Vec::new(),
            false => columns.iter().map(|column| column.hint.clone()).collect(),
        };
        PageColumns {
            hint,
            build: columns.iter().map(|column| column.build.clone()).collect(),
            name: if names.iter().all(String::is_empty) { Vec::new() } else { names },
            started_ms,
            headers,
        }
    }
}

impl PageGrid {
    /// The columns in `range` of a grid, with the rows that have a filled cell or a metric there.
    pub fn new(grid: &Grid, range: Range<usize>) -> PageGrid {
        let count = grid.columns.len();
        let end = range.end.min(count);
        let range = range.start.min(end)..end;
        let mut texts = Texts::new();
        let columns = &grid.columns[range.clone()];
        let header_rows = columns.iter().map(|column| column.extra.len()).max().unwrap_or(0);
        let headers = (0..header_rows)
            .map(|at| {
                let values = columns.iter().map(|c| c.extra.get(at).map_or("", String::as_str));
                runs(values.map(|value| texts.number(value)))
            })
            .collect();
        let rows = grid.rows.iter().filter_map(|row| page_row(row, &range, &mut texts)).collect();
        PageGrid {
            columns: PageColumns::of(columns, headers),
            first_column: range.start,
            column_count: count,
            rows,
            texts: texts.texts,
        }
    }

    /// A range of these columns, with the rows that have something filled there; which rows those are.
    pub fn cut(&self, range: Range<usize>) -> (PageGrid, Vec<usize>) {
        let count = self.columns.build.len();
        let end = range.end.min(count);
        let range = range.start.min(end)..end;
        let started = self.started_ms();
        let mut earlier = 0;
        let deltas = started[range.clone()].iter().map(|started| {
            let delta = if earlier == 0 { *started } else { earlier - *started };
            earlier = *started;
            delta
        });
        let part = |of: &[String]| of.get(range.clone()).unwrap_or_default().to_vec();
        let columns = PageColumns {
            build: part(&self.columns.build),
            name: part(&self.columns.name),
            hint: part(&self.columns.hint),
            started_ms: deltas.collect(),
            headers: self.columns.headers.iter().map(|runs| cut_runs(runs, &range)).collect(),
        };
        let cut = self.rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.cut(&range)?)));
        let (places, rows) = cut.unzip();
        let grid = PageGrid {
            columns,
            first_column: self.first_column + range.start,
            column_count: self.column_count,
            texts: self.texts.clone(),
            rows,
        };
        (grid, places)
    }

    /// When the columns began, in milliseconds since the epoch.
    pub fn started_ms(&self) -> Vec<i64> {
        let mut at = 0;
        let starts = self.columns.started_ms.iter().map(|delta| {
            at = if at == 0 { *delta } else { at.saturating_sub(*delta) };
            at
        });
        starts.collect()
    }

    /// What a header row says of a column; empty if it says nothing.
    pub fn header(&self, row: usize, column: usize) -> &str {
        let mut left = column;
        for run in self.columns.headers.get(row).into_iter().flat_map(|runs| runs.chunks_exact(2)) {
            if left < run[1] as usize {
                return self.text(run[0]);
            }
            left -= run[1] as usize;
        }
        ""
    }

    /// A text by its number; empty if there is none of that number.
    pub fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }
}

impl PageRow {
    /// The row in a range of columns; nothing if it has no filled cell there.
    fn cut(&self, range: &Range<usize>) -> Option<PageRow> {
        let filled = |of: Range<usize>| {
            self.results().take(of.end).skip(of.start).filter(|status| status.is_filled()).count()
        };
        let (before, inside) = (filled(0..range.start), filled(range.clone()));
        if inside == 0 {
            return None;
        }
        let cells = before..before + inside;
        let metric = |metric: &PageMetric| {
            let columns = metric.indices.chunks_exact(2).flat_map(|run| run[0]..run[0] + run[1]);
            let kept =
                columns.zip(&metric.values).filter(|(at, _)| range.contains(&(*at as usize)));
            let (columns, values): (Vec<u32>, Vec<f32>) = kept.unzip();
            let indices = columns.into_iter().flat_map(|at| [at - range.start as u32, 1]).collect();
            (!values.is_empty()).then_some(PageMetric { name: metric.name, indices, values })
        };
        Some(PageRow {
            name: self.name.clone(),
            id: self.id.clone(),
            statuses: cut_runs(&self.statuses, range),
            icons: cut_runs(&self.icons, &cells),
            messages: cut_runs(&self.messages, &cells),
            cell_ids: cut_runs(&self.cell_ids, &cells),
            user_properties: cut_runs(&self.user_properties, &cells),
            issues: self.issues.clone(),
            metrics: self.metrics.iter().filter_map(metric).collect(),
            alert: self.alert.clone(),
        })
    }

    /// The results of the row, one per column.
    pub fn results(&self) -> impl Iterator<Item = TestStatus> {
        expanded(&self.statuses)
            .map(|status| TestStatus::from_wire(i32::try_from(status).unwrap_or(0)))
    }

    /// The cells of the row, one per column.
    pub fn cells(&self) -> impl Iterator<Item = PageCell> {
        let mut icons = expanded(&self.icons);
        let mut messages = expanded(&self.messages);
        let mut cell_ids = expanded(&self.cell_ids);
        let mut user_properties = expanded(&self.user_properties);
        expanded(&self.statuses).map(move |status| {
            let status = TestStatus::from_wire(i32::try_from(status).unwrap_or(0));
            let next = |of: &mut dyn Iterator<Item = u32>| {
                if status.is_filled() { of.next().unwrap_or(0) } else { 0 }
            };
            PageCell {
                status,
                icon: next(&mut icons),
                message: next(&mut messages),
                cell_id: next(&mut cell_ids),
                user_property: next(&mut user_properties),
            }
        })
    }
}

fn page_row(row: &Row, range: &Range<usize>, texts: &mut Texts) -> Option<PageRow> {
    let statuses: Vec<TestStatus> = run_lengths(&row.results).take(range.end).collect();
    let (before, inside) = statuses.split_at(range.start.min(statuses.len()));
    let metrics: Vec<PageMetric> =
        row.metrics.iter().filter_map(|metric| page_metric(metric, row, range, texts)).collect();
    let filled = |statuses: &[TestStatus]| statuses.iter().filter(|s| s.is_filled()).count();
    if filled(inside) == 0 && metrics.is_empty() {
        return None;
    }
    let first = filled(before);
    let cells = first..first + filled(inside);
    let mut stream = |of: &[String]| {
        let values = of.get(cells.start..cells.end.min(of.len())).unwrap_or_default();
        if values.iter().all(String::is_empty) {
            return Vec::new();
        }
        runs(values.iter().map(|text| texts.number(text)))
    };
    let icons = stream(&row.icons);
    let messages = stream(&row.messages);
    let cell_ids = stream(&row.cell_ids);
    let user_properties = stream(&row.user_property);
    let blank = range.len() - inside.len();
    let padding = std::iter::repeat_n(TestStatus::NoResult, blank);
    Some(PageRow {
        name: row.name.clone(),
        id: (row.id != row.name).then(|| row.id.clone()),
        statuses: runs(inside.iter().copied().chain(padding).map(|status| status as u32)),
        icons,
        messages,
        cell_ids,
        user_properties,
        issues: row.issues.clone(),
        metrics,
        alert: row.alert_info.as_ref().map(page_alert),
    })
}

fn page_metric(
    metric: &Metric,
    row: &Row,
    range: &Range<usize>,
    texts: &mut Texts,
) -> Option<PageMetric> {
    let mut out = PageMetric::default();
    let mut values = metric.values.iter();
    for run in metric.indices.chunks_exact(2) {
        let (Ok(start), Ok(count)) = (usize::try_from(run[0]), usize::try_from(run[1])) else {
            continue;
        };
        for (offset, value) in values.by_ref().take(count).enumerate() {
            let column = start.saturating_add(offset);
            if !range.contains(&column) {
                continue;
            }
            let column = (column - range.start) as u32;
            match &mut out.indices[..] {
                [.., start, count] if *start + *count == column => *count += 1,
                _ => out.indices.extend([column, 1]),
            }
            // JSON has no word for what is no number.
            let value = if value.is_nan() { 0.0 } else { *value as f32 };
            out.values.push(value.clamp(f32::MIN, f32::MAX));
        }
    }
    if out.values.is_empty() {
        return None;
    }
    let at = row.metrics.iter().position(|other| std::ptr::eq(other, metric));
    let name = match metric.name.as_str() {
        "" => at.and_then(|at| row.metric.get(at)).map_or("", String::as_str),
        name => name,
    };
    out.name = texts.number(name);
    Some(out)
}

fn page_alert(alert: &AlertInfo) -> PageAlert {
    PageAlert {
        fail_count: alert.fail_count,
        fail_build: alert.fail_build_id.clone(),
        fail_seconds: alert.fail_time.map_or(0, |time| time.seconds),
        pass_build: alert.pass_build_id.clone(),
        pass_seconds: alert.pass_time.map_or(0, |time| time.seconds),
        message: alert.failure_message.clone(),
    }
}

/// Pairs of value and run length.
pub(crate) fn runs(values: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut runs: Vec<u32> = Vec::new();
    for value in values {
        push_run(&mut runs, value, 1);
    }
    runs
}

/// Adds a value `count` times.
pub(crate) fn push_run(runs: &mut Vec<u32>, value: u32, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    match &mut runs[..] {
        _ if count == 0 => {}
        [.., last, run] if *last == value => *run = run.saturating_add(count),
        _ => runs.extend([value, count]),
    }
}

/// The runs of a range of values.
fn cut_runs(runs: &[u32], range: &Range<usize>) -> Vec<u32> {
    let mut cut = Vec::new();
    let mut at = 0;
    for run in runs.chunks_exact(2) {
        let end = at + run[1] as usize;
        let length = end.min(range.end).saturating_sub(at.max(range.start));
        push_run(&mut cut, run[0], length);
        at = end;
    }
    cut
}

fn expanded(runs: &[u32]) -> impl Iterator<Item = u32> {
    runs.chunks_exact(2).flat_map(|run| std::iter::repeat_n(run[0], run[1] as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_columns_is_what_a_grid_of_those_columns_has() {
        let columns = (0..5).map(|at| Column {
            build: (10 - at).to_string(),
            started: f64::from(1_000 - at * 100),
            extra: vec![if at < 3 { "new" } else { "old" }.to_owned()],
            ..Column::default()
        });
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let row = |name: &str, results: &[i32], messages: &[&str]| Row {
            name: name.to_owned(),
            id: name.to_owned(),
            results: results.to_vec(),
            messages: text(messages),
            ..Row::default()
        };
        let grid = Grid {
            columns: columns.collect(),
            rows: vec![
                row("a", &[12, 1, 0, 1, 12, 2, 1, 1], &["m0", "m2", "m3", ""]),
                row("b", &[1, 1, 0, 4], &["only the newest"]),
                row("c", &[0, 4, 1, 1], &["only the oldest"]),
            ],
            ..Grid::default()
        };
        let whole = PageGrid::new(&grid, 0..usize::MAX);
        for range in [0..5, 0..2, 1..4, 3..usize::MAX, 9..12] {
            let wanted = PageGrid::new(&grid, range.clone());
            let (cut, places) = whole.cut(range.clone());
            assert_eq!(cut.columns.build, wanted.columns.build, "{range:?}");
            assert_eq!(
                (cut.started_ms(), cut.first_column),
                (wanted.started_ms(), wanted.first_column)
            );
            let told = |grid: &PageGrid| -> Vec<(String, Vec<(TestStatus, String)>)> {
                let cells = |row: &PageRow| {
                    row.cells().map(|c| (c.status, grid.text(c.message).to_owned())).collect()
                };
                grid.rows.iter().map(|row| (row.name.clone(), cells(row))).collect()
            };
            assert_eq!(told(&cut), told(&wanted), "{range:?}");
            assert_eq!(places.len(), cut.rows.len());
        }
    }
}
