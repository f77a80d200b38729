//! What a group's older columns say, in so few bytes that it can stay in memory: a group that was
//! never green asks its whole history after every build, and gets the answer without unpacking it.

use std::collections::{HashMap, VecDeque};
use std::mem::size_of;

use super::column::LightColumn;
use super::tabs::GroupColumns;
use crate::message::{MAX_MESSAGE, cut_stored};
use crate::proto::TestStatus;
use crate::proto::state::Column;
use crate::updater::construct::append_run;

/// So many columns may leave before the runs that lie in them alone are removed.
const SWEEP_AFTER: usize = 256;

/// A stored build, and when it was read: another reading of it may say something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnKey {
    /// Its folder.
    pub object: String,
    /// When it began, in milliseconds since the epoch.
    pub started_ms: i64,
    /// When it was read, in milliseconds since the epoch.
    pub read_ms: i64,
}

/// The columns of a group behind its newest ones: their headers, and run lengths of the statuses of
/// every row. Columns are added before the newest and leave behind the oldest.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The oldest first.
    columns: VecDeque<PastColumn>,
    /// How many columns have left; the columns that are there are numbered on from it.
    left: usize,
    /// How many had left when the rows were swept.
    swept: usize,
    rows: HashMap<u32, PastRow>,
    issues: Vec<(usize, u32, String)>,
    reaches_end: bool,
}

#[derive(Clone, Debug)]
struct PastColumn {
    key: ColumnKey,
    column: Column,
    cell_id: String,
}

/// Run lengths of a row's statuses.
#[derive(Clone, Debug, Default)]
struct PastRow {
    /// The number of each run's oldest column, the oldest run first.
    runs: Vec<(usize, TestStatus)>,
    /// The number after that of the newest column with a cell.
    end: usize,
    /// The newest failure, which an alert tells.
    failure: Option<Failure>,
}

/// What the newest failure of a row says.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The number of its column.
    at: usize,
    /// At most so long as an alert has it.
    pub(super) message: String,
    /// The user property.
    pub(super) property: String,
}

impl Past {
    /// The past of these columns, of which the newest `recent` are left out: they may still change.
    /// `reaches_end` says that nothing lies behind the oldest. `keys` are those of the stored columns.
    ///
    /// Nothing if the columns are not one for one what is stored.
    pub fn of(
        columns: &GroupColumns<'_>,
        keys: &[ColumnKey],
        recent: usize,
        reaches_end: bool,
    ) -> Option<Past> {
        let mut past = Past { reaches_end, ..Past::default() };
        past.take(columns, keys, recent, keys.len()).then_some(past)
    }

    /// Whether nothing lies behind its oldest column.
    pub fn reaches_end(&self) -> bool {
        self.reaches_end
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// When its newest column began, in milliseconds since the epoch.
    pub fn newest_ms(&self) -> Option<i64> {
        self.columns.back().map(|column| column.key.started_ms)
    }

    /// When its oldest column began, in milliseconds since the epoch.
    pub fn oldest_ms(&self) -> Option<i64> {
        self.columns.front().map(|column| column.key.started_ms)
    }

    /// Forgets columns that began before `since_ms`, and the oldest ones of more than `most`.
    pub fn forget(&mut self, since_ms: i64, most: usize) {
        let is_old = |past: &Past| {
            past.columns.front().is_some_and(|column| column.key.started_ms < since_ms)
        };
        while self.columns.len() > most || is_old(self) {
            self.columns.pop_front();
            self.left += 1;
        }
        if self.left - self.swept < SWEEP_AFTER {
            return;
        }
        self.swept = self.left;
        let left = self.left;
        self.issues.retain(|(column, ..)| *column >= left);
        self.rows.retain(|_, row| row.end > left);
        for row in self.rows.values_mut() {
            // The run that reaches over the border stays.
            let gone = row.runs.partition_point(|(start, _)| *start <= left).saturating_sub(1);
            row.runs.drain(..gone);
        }
    }

    /// How many of the newest columns, given by the keys of what is stored, come before this past.
    /// Nothing if they do not reach it or it says something else than they do.
    pub fn seam(&self, keys: &[ColumnKey]) -> Option<usize> {
        let newest = &self.columns.back()?.key;
        let seam = keys.iter().position(|key| key.object == newest.object)?;
        let mut own = self.columns.iter().rev().map(|column| &column.key);
        let agree = keys[seam..].iter().all(|key| own.next().is_none_or(|own| own == key));
        agree.then_some(seam)
    }

    /// Takes the columns before [`Past::seam`] but for the newest `recent` ones. Answers whether they
    /// were one for one what is stored; if not, this past must not be used any longer.
    #[must_use]
    pub fn advance(
        &mut self,
        columns: &GroupColumns<'_>,
        keys: &[ColumnKey],
        recent: usize,
    ) -> bool {
        self.seam(keys).is_some_and(|seam| self.take(columns, keys, recent, seam))
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let of_column = |column: &PastColumn| {
            let Column { build, extra, .. } = &column.column;
            let headers: usize = extra.iter().map(|text| text.len() + size_of::<String>()).sum();
            let texts = build.len() + headers;
            size_of::<PastColumn>() + column.key.object.len() + column.cell_id.len() + texts
        };
        let of_row = |row: &PastRow| {
            let failure = row.failure.as_ref().map_or(0, |f| f.message.len() + f.property.len());
            size_of::<PastRow>() + failure + row.runs.capacity() * size_of::<(usize, TestStatus)>()
        };
        self.columns.iter().map(of_column).sum::<usize>()
            + self.rows.values().map(of_row).sum::<usize>()
            + self.issues.iter().map(|(.., issue)| 48 + issue.len()).sum::<usize>()
    }

    fn take(
        &mut self,
        columns: &GroupColumns<'_>,
        keys: &[ColumnKey],
        from: usize,
        to: usize,
    ) -> bool {
        if !columns.is_plain() || columns.columns.len() != keys.len() {
            return false;
        }
        (from..to).rev().all(|at| self.push(&columns.columns[at], &keys[at]))
    }

    fn push(&mut self, light: &LightColumn, key: &ColumnKey) -> bool {
        let at = self.left + self.columns.len();
        let mut ids = light.streams[LightColumn::CELL_ID].iter();
        let first = ids.next().copied().unwrap_or(0);
        if ids.any(|id| *id != first) {
            return false;
        }
        for (place, (row, status)) in light.rows.iter().zip(&light.statuses).enumerate() {
            let row = self.rows.entry(*row).or_default();
            if status.is_failing() {
                let text = |stream: usize| {
                    light
                        .texts
                        .get(light.streams[stream][place] as usize)
                        .map_or("", String::as_str)
                };
                row.failure = Some(Failure {
                    at,
                    message: cut_stored(text(LightColumn::MESSAGE), MAX_MESSAGE),
                    property: text(LightColumn::USER_PROPERTY).to_owned(),
                });
            }
            if row.end < at && !row.runs.is_empty() {
                row.put(row.end, TestStatus::NoResult);
            }
            row.put(at, *status);
            row.end = at + 1;
        }
        for (place, issue) in &light.issues {
            self.issues.push((at, light.rows[*place], issue.clone()));
        }
        let cell_id = light.texts.get(first as usize).cloned().unwrap_or_default();
        // What no summary says is not kept.
        let mut column = light.column.clone();
        column.name = String::new();
        column.hint = String::new();
        self.columns.push_back(PastColumn { key: key.clone(), column, cell_id });
        true
    }

    /// The columns behind the newest ones, the newest first, if `seam` newest ones stand before.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().rev().map(|column| &column.column)
    }

    /// The id of the cells of a column, counted from the newest of this past.
    pub(super) fn cell_id(&self, column: usize) -> &str {
        let place = self.columns.len().checked_sub(column + 1);
        place.and_then(|place| self.columns.get(place)).map_or("", |column| &column.cell_id)
    }

    /// What a row's failure in a column says, counted from the newest of this past, if it is the
    /// row's newest one.
    pub(super) fn failure(&self, row: u32, column: usize) -> Option<&Failure> {
        let at = (self.left + self.columns.len()).checked_sub(column + 1)?;
        self.rows.get(&row)?.failure.as_ref().filter(|failure| failure.at == at)
    }

    /// Adds a row's statuses, the newest first.
    pub(super) fn append(&self, row: u32, results: &mut Vec<i32>) {
        let mut end = self.left + self.columns.len();
        if let Some(row) = self.rows.get(&row) {
            let newer = end - row.end.max(self.left);
            append_run(results, TestStatus::NoResult, newer);
            end -= newer;
            for (start, status) in row.runs.iter().rev() {
                let start = (*start).max(self.left);
                append_run(results, *status, end.saturating_sub(start));
                end = end.min(start);
            }
        }
        append_run(results, TestStatus::NoResult, end - self.left);
    }

    /// The issues of a row.
    pub(super) fn issues(&self, of: u32) -> impl Iterator<Item = &String> {
        let left = self.left;
        let issues = self.issues.iter();
        issues.filter(move |(at, row, _)| *at >= left && *row == of).map(|(.., issue)| issue)
    }
}

impl PastRow {
    fn put(&mut self, at: usize, status: TestStatus) {
        if self.runs.last().is_none_or(|(_, last)| *last != status) {
            self.runs.push((at, status));
        }
    }
}
