//! From the stored columns of a group to the grid of a page, without making a cell of every result:
//! a tab of 5,000 rows and 500 columns has 2.5 million of them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::column::{LightColumn, RowTable, encode_column};
use super::page::{PageAlert, PageColumns, PageGrid, PageRow, push_run};
use super::{ColumnError, decode_column};
use crate::message::{MAX_MESSAGE, cut_stored};
use crate::natural;
use crate::proto::TestStatus;
use crate::proto::config::TestGroup;
use crate::proto::state::Column;
use crate::updater::alert::{AlertOptions, build_id, find_outage};
use crate::updater::columns::{merge_same_builds, override_builds, sort_newest_first};
use crate::updater::convert::InflatedColumn;

/// A grid made of stored columns.
#[derive(Clone, Debug, Default)]
pub struct Assembled {
    /// The grid.
    pub grid: PageGrid,
    /// The names of the metrics of its rows, in natural order. Their values are read when a graph
    /// wants them: see [`metric_values`].
    pub metrics: Vec<String>,
    /// For each row which of these metrics it has: bit 0 for the first of them. Of more than 64
    /// metrics the others are not told.
    pub row_metrics: Vec<u64>,
    /// Columns that cannot be read: their places in what was given, and why.
    pub damaged: Vec<(usize, ColumnError)>,
}

/// Puts stored columns together, the newest first, as updater and tabulator do: columns of one build
/// are merged, rows that `keep` does not want are left out, and then columns without a result. Alerts
/// are found by `alerts`.
pub fn assemble<B: AsRef<[u8]>>(
    stored: &[B],
    rows: &RowTable,
    group: &TestGroup,
    alerts: &AlertOptions,
    keep: impl Fn(&str) -> bool,
) -> Assembled {
    let mut damaged = Vec::new();
    let mut columns = Vec::with_capacity(stored.len());
    for (place, bytes) in stored.iter().enumerate() {
        match LightColumn::read(bytes.as_ref(), rows.len()) {
            Ok(column) => columns.push((place, column)),
            Err(error) => damaged.push((place, error)),
        }
    }
    let (columns, rows) = merged(columns, stored, rows, group);
    let kept: Vec<bool> = (0..rows.len()).map(|at| rows.name(at).is_some_and(&keep)).collect();
    let mut building = Building::new(rows.len());
    let is_filled = |column: &LightColumn| {
        column.rows.iter().zip(&column.statuses).any(|(row, status)| {
            status.is_filled() && kept.get(*row as usize).copied().unwrap_or(false)
        })
    };
    let filled: Vec<bool> = columns.iter().map(is_filled).collect();
    let any = filled.contains(&true);
    for (at, column) in columns.into_iter().enumerate() {
        // As the tabulator has it: the first column stays if all would go.
        if filled[at] || (!any && at == 0) {
            building.push(column, &kept);
        }
    }
    let assembled = building.finish(&rows, alerts);
    Assembled { damaged, ..assembled }
}

/// Those of a group's stored columns that are one column of its grid, by the column's name and build.
pub fn of_build<B: AsRef<[u8]>>(
    stored: Vec<B>,
    rows: &RowTable,
    group: &TestGroup,
    (name, build): (&str, &str),
) -> Vec<B> {
    let is_of = |bytes: &B| {
        LightColumn::read(bytes.as_ref(), rows.len()).is_ok_and(|mut light| {
            adjust(&mut light.column, light.rows.is_empty(), group);
            light.column.name == name && light.column.build == build
        })
    };
    stored.into_iter().filter(is_of).collect()
}

/// Values of a metric with their columns, newest first.
type ColumnValues = Vec<((String, String), f64)>;

/// The values of a metric: for each wanted row pairs of column (name and build, which identify it
/// once columns are merged) and value, newest first. Columns that cannot be read have none.
pub fn metric_values<B: AsRef<[u8]>>(
    stored: &[B],
    rows: &RowTable,
    group: &TestGroup,
    metric: &str,
    wanted: &[&str],
) -> HashMap<String, ColumnValues> {
    let mut values: HashMap<String, ColumnValues> = HashMap::new();
    let mut add = |column: &Column, row: &str, value: f64| {
        values.entry(row.to_owned()).or_default().push((identity(column), value));
    };
    let light =
        stored.iter().filter_map(|bytes| LightColumn::read(bytes.as_ref(), rows.len()).ok());
    let mut columns: Vec<LightColumn> = light.collect();
    let mut builds = HashSet::new();
    let mut is_simple = true;
    for column in &mut columns {
        adjust(&mut column.column, column.rows.is_empty(), group);
        is_simple &= builds.insert(identity(&column.column));
    }
    if is_simple {
        let wanted: HashSet<&str> = wanted.iter().copied().collect();
        for column in &columns {
            for (place, value) in column.metrics.get(metric).into_iter().flatten() {
                let row = rows.name(column.rows[*place] as usize).unwrap_or_default();
                if wanted.contains(row) {
                    add(&column.column, row, *value);
                }
            }
        }
        return values;
    }
    for column in inflate_stored(stored, rows, group).0 {
        for row in wanted {
            let cell = column.cells.get(*row);
            if let Some(value) = cell.and_then(|cell| cell.metrics.get(metric)) {
                add(&column.column, row, value);
            }
        }
    }
    values
}

/// Merges columns of one build. Only those that have the build in common are unpacked.
pub(super) fn merged<'r, B: AsRef<[u8]>>(
    mut columns: Vec<(usize, LightColumn)>,
    stored: &[B],
    rows: &'r RowTable,
    group: &TestGroup,
) -> (Vec<LightColumn>, Cow<'r, RowTable>) {
    // How many columns a build has, and the place of the first of them.
    let mut builds: HashMap<(String, String), (usize, usize)> = HashMap::new();
    for (place, column) in &mut columns {
        adjust(&mut column.column, column.rows.is_empty(), group);
        builds.entry(identity(&column.column)).or_insert((0, *place)).0 += 1;
    }
    if builds.values().all(|(count, _)| *count == 1) {
        return (columns.into_iter().map(|(_, column)| column).collect(), Cow::Borrowed(rows));
    }
    let mut rows = Cow::Borrowed(rows);
    let mut out = Vec::with_capacity(builds.len());
    let mut together = Vec::new();
    for (place, light) in columns {
        if builds[&identity(&light.column)].0 == 1 {
            out.push((place, light));
        } else if let Ok(mut inflated) = decode_column(stored[place].as_ref(), &rows) {
            adjust(&mut inflated.column, inflated.cells.is_empty(), group);
            together.push(inflated);
        }
    }
    for column in merge_same_builds(group, together) {
        let (_, place) = builds[&identity(&column.column)];
        let bytes = encode_column(&column, rows.to_mut());
        out.extend(LightColumn::read(&bytes, rows.len()).map(|column| (place, column)));
    }
    out.sort_by(|(a, x), (b, y)| y.column.started.total_cmp(&x.column.started).then(a.cmp(b)));
    (out.into_iter().map(|(_, column)| column).collect(), rows)
}

/// All columns without cells are one, and a group can name its builds by their time.
fn adjust(column: &mut Column, is_empty: bool, group: &TestGroup) {
    if is_empty {
        column.build.clear();
        column.name.clear();
    }
    if !group.build_override_strftime.is_empty() {
        let mut one = [InflatedColumn { column: std::mem::take(column), ..Default::default() }];
        override_builds(group, &mut one);
        let [overridden] = one;
        *column = overridden.column;
    }
}

fn identity(column: &Column) -> (String, String) {
    (column.name.clone(), column.build.clone())
}

/// The columns of a group, unpacked and merged as [`assemble`] does it, for algorithms that need whole
/// cells; with the places of those that cannot be read.
pub fn inflate_stored<B: AsRef<[u8]>>(
    stored: &[B],
    rows: &RowTable,
    group: &TestGroup,
) -> (Vec<InflatedColumn>, Vec<(usize, ColumnError)>) {
    let mut damaged = Vec::new();
    let mut columns = Vec::with_capacity(stored.len());
    for (place, bytes) in stored.iter().enumerate() {
        match decode_column(bytes.as_ref(), rows) {
            Ok(mut column) => {
                adjust(&mut column.column, column.cells.is_empty(), group);
                columns.push(column);
            }
            Err(error) => damaged.push((place, error)),
        }
    }
    let mut columns = merge_same_builds(group, columns);
    sort_newest_first(&mut columns);
    (columns, damaged)
}

/// A row while columns are added.
#[derive(Default)]
struct RowRuns {
    covered: usize,
    statuses: Vec<u32>,
    id: u32,
    /// icon, message, cell id, user property
    streams: [Vec<u32>; 4],
    issues: BTreeSet<String>,
    filled: bool,
    metrics: u64,
}

struct Building {
    columns: Vec<Column>,
    rows: Vec<RowRuns>,
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
    metrics: Vec<String>,
}

impl Building {
    fn new(rows: usize) -> Building {
        Building {
            columns: Vec::new(),
            rows: std::iter::repeat_with(RowRuns::default).take(rows).collect(),
            numbers: HashMap::from([(String::new(), 0)]),
            texts: vec![String::new()],
            metrics: Vec::new(),
        }
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

    fn push(&mut self, column: LightColumn, kept: &[bool]) {
        let at = self.columns.len();
        // A column's texts are numbered anew, each only if something that stays has it.
        let mut numbers: Vec<Option<u32>> = vec![None; column.texts.len()];
        for (place, (row, status)) in column.rows.iter().zip(&column.statuses).enumerate() {
            let row = *row as usize;
            if !kept.get(row).copied().unwrap_or(false) {
                continue;
            }
            let mut text = |stream: usize| {
                let number = column.streams[stream][place] as usize;
                if let Some(Some(known)) = numbers.get(number) {
                    return *known;
                }
                let text = column.texts.get(number).map_or("", String::as_str);
                let shared = match stream {
                    LightColumn::MESSAGE => self.number(&cut_stored(text, MAX_MESSAGE)),
                    _ => self.number(text),
                };
                if let Some(place) = numbers.get_mut(number) {
                    *place = Some(shared);
                }
                shared
            };
            let texts = status.is_filled().then(|| {
                [
                    text(LightColumn::ICON),
                    text(LightColumn::MESSAGE),
                    text(LightColumn::CELL_ID),
                    text(LightColumn::USER_PROPERTY),
                ]
            });
            let id = text(LightColumn::ID);
            let row = &mut self.rows[row];
            if row.statuses.is_empty() {
                row.id = id;
            }
            push_run(&mut row.statuses, TestStatus::NoResult as u32, at - row.covered);
            push_run(&mut row.statuses, *status as u32, 1);
            row.covered = at + 1;
            if let Some(texts) = texts {
                row.filled = true;
                for (stream, number) in row.streams.iter_mut().zip(texts) {
                    push_run(stream, number, 1);
                }
            }
        }
        for (place, issue) in &column.issues {
            if let Some(row) = self.rows.get_mut(column.rows[*place] as usize) {
                row.issues.insert(issue.clone());
            }
        }
        for (name, values) in column.metrics {
            let bit = self.metric_bit(name);
            for (place, _) in values {
                if let Some(row) = self.rows.get_mut(column.rows[place] as usize) {
                    row.metrics |= bit;
                }
            }
        }
        self.columns.push(column.column);
    }

    /// The bit of a metric while columns are added; none for those beyond the 64th.
    fn metric_bit(&mut self, name: String) -> u64 {
        let at = self.metrics.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.metrics.push(name);
            self.metrics.len() - 1
        });
        if at < 64 { 1 << at } else { 0 }
    }

    fn finish(mut self, names: &RowTable, alerts: &AlertOptions) -> Assembled {
        let width = self.columns.len();
        let mut rows = Vec::new();
        for (at, mut row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            let Some(name) = names.name(at).filter(|_| row.filled) else { continue };
            push_run(&mut row.statuses, TestStatus::NoResult as u32, width - row.covered);
            let [icons, messages, cell_ids, user_properties] = row.streams.map(|stream| {
                // A stream of nothing but empty texts is not sent.
                if stream.chunks_exact(2).all(|run| run[0] == 0) { Vec::new() } else { stream }
            });
            let mut page = PageRow {
                name: name.to_owned(),
                id: (row.id != 0).then(|| self.texts[row.id as usize].clone()),
                statuses: row.statuses,
                icons,
                messages,
                cell_ids,
                user_properties,
                issues: Vec::from_iter(row.issues),
                ..PageRow::default()
            };
            page.id = page.id.filter(|id| *id != page.name);
            page.issues.sort_by(|a, b| natural::compare(b, a));
            page.alert = self.alert(&page, alerts);
            rows.push((page, row.metrics));
        }
        rows.sort_by(|(a, _), (b, _)| natural::compare(&a.name, &b.name));
        let (rows, row_metrics): (Vec<PageRow>, Vec<u64>) = rows.into_iter().unzip();
        let (metrics, row_metrics) = in_order(self.metrics.clone(), row_metrics);
        let header_rows = self.columns.iter().map(|column| column.extra.len()).max().unwrap_or(0);
        let mut headers = vec![Vec::new(); header_rows];
        for (at, header) in headers.iter_mut().enumerate() {
            for column in 0..width {
                let value = self.columns[column].extra.get(at).cloned().unwrap_or_default();
                let number = self.number(&value);
                push_run(header, number, 1);
            }
        }
        let columns = PageColumns::of(&self.columns, headers);
        let grid =
            PageGrid { columns, first_column: 0, column_count: width, rows, texts: self.texts };
        Assembled { grid, metrics, row_metrics, damaged: Vec::new() }
    }

    fn alert(&self, row: &PageRow, options: &AlertOptions) -> Option<PageAlert> {
        let statuses = row.cells().map(|cell| cell.status).take(self.columns.len());
        let outage = find_outage(statuses, options.open_failures, options.close_passes)?;
        let column = |at: usize| self.columns.get(at);
        let seconds = |column: Option<&Column>| column.map_or(0, |c| (c.started / 1000.0) as i64);
        let first = column(outage.first);
        let pass = outage.pass.and_then(column);
        let latest = row.cells().nth(outage.latest);
        let message = latest.map_or(0, |cell| cell.message) as usize;
        Some(PageAlert {
            fail_count: outage.failures,
            fail_build: build_id(first, options),
            fail_seconds: seconds(first),
            pass_build: build_id(pass, options),
            pass_seconds: seconds(pass),
            message: self.texts.get(message).cloned().unwrap_or_default(),
        })
    }
}

/// Metrics in natural order, with the bits of the rows in that order.
fn in_order(metrics: Vec<String>, rows: Vec<u64>) -> (Vec<String>, Vec<u64>) {
    let mut order: Vec<usize> = (0..metrics.len().min(64)).collect();
    order.sort_by(|a, b| natural::compare(&metrics[*a], &metrics[*b]));
    let bits = |of_row: u64| {
        let set = order.iter().enumerate().filter(|(_, old)| of_row & (1 << **old) != 0);
        set.fold(0, |bits, (new, _)| bits | 1 << new)
    };
    let rows = rows.into_iter().map(bits).collect();
    (order.into_iter().map(|at| metrics[at].clone()).collect(), rows)
}
