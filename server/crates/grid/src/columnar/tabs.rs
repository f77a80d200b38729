//! From the stored columns of a group to the grids of its tabs as summaries need them, without making
//! a cell of every result and without unpacking a column more than once.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::ColumnError;
use super::assemble::merged;
use super::column::{LightColumn, RowTable};
use super::past::Past;
use crate::message::{MAX_MESSAGE, cut_stored};
use crate::natural;
use crate::proto::TestStatus;
use crate::proto::config::{DashboardTab, TestGroup};
use crate::proto::state::{Column, Row};
use crate::summarizer::{GridRef, recent_columns};
use crate::tabulator::{OptionsError, ViewOptions};
use crate::updater::alert::{AlertOptions, AlertTexts, find_outage, info_of};
use crate::updater::construct::{METHOD_MARK, append_run, run_lengths};

/// The slot of a row that no column has had yet.
const UNSEEN: u32 = u32::MAX;
/// The slot of a row that the tab does not show.
const HIDDEN: u32 = u32::MAX - 1;

/// The stored columns of a group, unpacked for all of its tabs.
#[derive(Debug)]
pub struct GroupColumns<'r> {
    pub(super) columns: Vec<LightColumn>,
    rows: Cow<'r, RowTable>,
    is_plain: bool,
    damaged: Vec<(usize, ColumnError)>,
}

/// A row of a tab while columns are added.
struct TabRow {
    number: u32,
    id: String,
    covered: usize,
    filled: bool,
    results: Vec<i32>,
    messages: Vec<String>,
    issues: BTreeSet<String>,
}

impl<'r> GroupColumns<'r> {
    /// Unpacks stored columns, the newest first; those of one build are merged.
    pub fn read<B: AsRef<[u8]>>(
        stored: &[B],
        rows: &'r RowTable,
        group: &TestGroup,
    ) -> GroupColumns<'r> {
        let mut damaged = Vec::new();
        let mut columns = Vec::with_capacity(stored.len());
        for (place, bytes) in stored.iter().enumerate() {
            match LightColumn::read_results(bytes.as_ref(), rows.len()) {
                Ok(column) => columns.push((place, column)),
                Err(error) => damaged.push((place, error)),
            }
        }
        let (columns, rows) = merged(columns, stored, rows, group);
        let is_plain = columns.len() == stored.len() && group.build_override_strftime.is_empty();
        GroupColumns { columns, rows, is_plain, damaged }
    }

    /// Columns that cannot be read: their places in what was given, and why.
    pub fn damaged(&self) -> &[(usize, ColumnError)] {
        &self.damaged
    }

    /// Whether they are one for one what is stored: nothing was merged, named anew or damaged.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The grid of a tab, as updater and tabulator make it, with what its summary is made of: the
    /// columns, and of rows the names, results, alerts and issues; messages where somebody wants to know
    /// how flaky its tests are. `now` is in seconds since the epoch.
    ///
    /// With a `past`, of which the newest `seam` columns come before, its columns follow. The answer is
    /// nothing if that is not enough to say what all columns together would.
    ///
    /// # Errors
    /// The tab's base options cannot be used.
    pub fn tab_grid<'g>(
        &'g self,
        tab: &DashboardTab,
        group: &TestGroup,
        now: i64,
        with_messages: bool,
        past: Option<(&'g Past, usize)>,
    ) -> Result<Option<GridRef<'g>>, OptionsError> {
        let view = ViewOptions::parse(&tab.base_options)?;
        if past.is_some() && with_messages {
            return Ok(None);
        }
        let newest = past.map_or(self.columns.len(), |(_, seam)| seam.min(self.columns.len()));
        let (slots, mut rows) = self.rows_of(&self.columns[..newest], &view);
        let columns = shown(&self.columns[..newest], &slots, now);
        if past.is_some() && columns.len() < recent_columns(tab, group) {
            return Ok(None);
        }
        for (at, column) in columns.iter().enumerate() {
            for (place, (number, status)) in column.rows.iter().zip(&column.statuses).enumerate() {
                let slot = slots[*number as usize];
                let Some(row) = rows.get_mut(slot as usize) else { continue };
                append_run(&mut row.results, TestStatus::NoResult, at - row.covered);
                append_run(&mut row.results, *status, 1);
                row.covered = at + 1;
                row.filled |= status.is_filled();
                if with_messages && status.is_filled() {
                    let text = column.streams[LightColumn::MESSAGE][place] as usize;
                    let text = column.texts.get(text).map_or("", String::as_str);
                    row.messages.push(cut_stored(text, MAX_MESSAGE));
                }
            }
        }
        let mut all: Vec<&Column> = columns.iter().map(|column| &column.column).collect();
        if let Some((past, _)) = past {
            all.extend(past.columns());
        }
        let alerts = AlertOptions::of_group(group);
        let mut made = Vec::with_capacity(rows.len());
        for row in rows.into_iter().filter(|row| row.filled) {
            let past = past.map(|(past, _)| past);
            let Some(row) = self.finished(row, &columns, past, &all, &alerts) else {
                return Ok(None);
            };
            made.push(row);
        }
        made.sort_by(|a, b| natural::compare(&a.name, &b.name));
        Ok(Some(GridRef { columns: all, rows: Cow::Owned(made) }))
    }

    /// The slot of each row of the table, and the rows that the view shows, in the order in which the
    /// columns have them.
    fn rows_of(&self, columns: &[LightColumn], view: &ViewOptions) -> (Vec<u32>, Vec<TabRow>) {
        let mut slots = vec![UNSEEN; self.rows.len()];
        let mut rows: Vec<TabRow> = Vec::new();
        for column in columns {
            for (place, number) in column.rows.iter().enumerate() {
                let slot = &mut slots[*number as usize];
                if *slot != UNSEEN {
                    continue;
                }
                let name = self.rows.name(*number as usize).unwrap_or_default();
                if !view.shows(name) {
                    *slot = HIDDEN;
                    continue;
                }
                *slot = rows.len() as u32;
                let id = column.streams[LightColumn::ID][place] as usize;
                let id = column.texts.get(id).filter(|id| !id.is_empty());
                rows.push(TabRow {
                    number: *number,
                    id: id.map_or(name, String::as_str).to_owned(),
                    covered: 0,
                    filled: false,
                    results: Vec::new(),
                    messages: Vec::new(),
                    issues: BTreeSet::new(),
                });
            }
            for (place, issue) in &column.issues {
                let slot = slots[column.rows[*place] as usize];
                if let Some(row) = rows.get_mut(slot as usize) {
                    row.issues.insert(issue.clone());
                }
            }
        }
        (slots, rows)
    }

    /// A row with its alert. Nothing if the alert wants more of the past than that has.
    fn finished(
        &self,
        mut row: TabRow,
        columns: &[&LightColumn],
        past: Option<&Past>,
        all: &[&Column],
        alerts: &AlertOptions,
    ) -> Option<Row> {
        let newest = columns.len();
        append_run(&mut row.results, TestStatus::NoResult, newest - row.covered);
        if let Some(past) = past {
            past.append(row.number, &mut row.results);
            row.issues.extend(past.issues(row.number).cloned());
        }
        let name = self.rows.name(row.number as usize).unwrap_or_default();
        let mut issues = Vec::from_iter(row.issues);
        issues.sort_by(|a, b| natural::compare(b, a));
        let mut made = Row {
            name: name.to_owned(),
            id: row.id,
            results: row.results,
            messages: row.messages,
            issues,
            ..Row::default()
        };
        let results = run_lengths(&made.results).take(all.len());
        let outage = find_outage(results, alerts.open_failures, alerts.close_passes);
        let Some(outage) = outage else { return Some(made) };
        let (message, property) = match columns.get(outage.latest) {
            Some(latest) => (
                cut_stored(latest.text_of(row.number, LightColumn::MESSAGE), MAX_MESSAGE),
                latest.text_of(row.number, LightColumn::USER_PROPERTY).to_owned(),
            ),
            None => {
                let failure = past?.failure(row.number, outage.latest - newest)?;
                (failure.message.clone(), failure.property.clone())
            }
        };
        let cell_id = |at: usize| match columns.get(at) {
            _ if name.contains(METHOD_MARK) => String::new(),
            Some(column) => column.text_of(row.number, LightColumn::CELL_ID).to_owned(),
            None => past.map_or("", |past| past.cell_id(at - newest)).to_owned(),
        };
        let texts = AlertTexts {
            first_cell_id: cell_id(outage.first),
            latest_cell_id: cell_id(outage.latest),
            message,
            property,
        };
        made.alert_info = Some(info_of(all, texts, &outage, alerts));
        Some(made)
    }
}

/// The columns that are not from the future and have a result of a row that is shown; the first one
/// if none has.
fn shown<'c>(columns: &'c [LightColumn], slots: &[u32], now: i64) -> Vec<&'c LightColumn> {
    // The cast saturates, and what is no time counts as long ago.
    let mut present: Vec<&LightColumn> =
        columns.iter().filter(|column| (column.column.started / 1000.0) as i64 <= now).collect();
    let is_filled = |column: &&LightColumn| {
        let mut cells = column.rows.iter().zip(&column.statuses);
        cells.any(|(row, status)| slots[*row as usize] < HIDDEN && status.is_filled())
    };
    if present.iter().any(is_filled) {
        present.retain(is_filled);
    } else {
        present.truncate(1);
    }
    present
}
