//! What the page knows of the tab: its grid, the view of it, and how both are asked for.

use std::borrow::Cow;
use std::collections::HashMap;

use leptos::web_sys::js_sys::futures::{JsFuture, future_to_promise};
use leptos::web_sys::js_sys::{Array, Date, Float64Array, Uint8Array, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::islands::{dom, times};
use crate::model::columnar::{ColumnarGrid, Row, Runs};
use crate::model::time::{self, DAY_MS, MINUTE_MS};

/// A line of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A row of the grid, and how many groups it is in.
    Row(u32, u8),
    /// A group of the view, and how many groups it is in.
    Group(u32, u8),
}

/// Rows under one name.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) rows: u32,
    pub(super) open: bool,
    /// The worst status per column.
    pub(super) worst: Runs,
    entries: Vec<Line>,
}

/// What the options show of the grid.
#[derive(Debug, Default)]
pub(super) struct View {
    /// What is in sight when one scrolls: rows, groups, and the rows of groups that are open.
    pub(super) lines: Vec<Line>,
    pub(super) groups: Vec<Group>,
    pub(super) shown: u64,
    pub(super) filtered: u64,
    pub(super) stale: u64,
    pub(super) not_failed: u64,
    entries: Vec<Line>,
}

impl View {
    /// Reads what the server says. Groups are open if `open`, or if the view before had one of that
    /// name open.
    pub(super) fn read(answer: &JsValue, open: bool, before: &View) -> View {
        let mut view = View {
            shown: dom::number(answer, "shown"),
            filtered: dom::number(answer, "filtered"),
            stale: dom::number(answer, "stale"),
            not_failed: dom::number(answer, "not_failed"),
            ..View::default()
        };
        let was_open: HashMap<&str, bool> =
            before.groups.iter().map(|group| (group.name.as_str(), group.open)).collect();
        view.entries = view.read_entries(&dom::field(answer, "entries"), 0, open, &was_open);
        view.unfold();
        view
    }

    fn read_entries(
        &mut self,
        entries: &JsValue,
        depth: u8,
        open: bool,
        was_open: &HashMap<&str, bool>,
    ) -> Vec<Line> {
        let Some(entries) = entries.dyn_ref::<Array>() else { return Vec::new() };
        // All at once, as each call out of here takes its time. Groups are no numbers.
        let places = Float64Array::new(entries).to_vec();
        let mut lines = Vec::with_capacity(places.len());
        for (place, number) in (0..).zip(places) {
            if !number.is_nan() {
                lines.push(Line::Row(number as u32, depth));
                continue;
            }
            let entry = entries.get(place);
            let at = self.groups.len() as u32;
            let name = dom::text(&entry, "name");
            let pairs = Uint32Array::new(&dom::field(&entry, "worst")).to_vec();
            self.groups.push(Group {
                open: open || was_open.get(name.as_str()).copied().unwrap_or(false),
                name,
                rows: dom::number(&entry, "rows") as u32,
                worst: Runs::from_pairs(&pairs),
                entries: Vec::new(),
            });
            let inner = dom::field(&entry, "entries");
            let inner = self.read_entries(&inner, depth.saturating_add(1), open, was_open);
            self.groups[at as usize].entries = inner;
            lines.push(Line::Group(at, depth));
        }
        lines
    }

    /// Makes the lines from the groups that are open.
    pub(super) fn unfold(&mut self) {
        fn add(view: &View, entries: &[Line], lines: &mut Vec<Line>) {
            for line in entries {
                lines.push(*line);
                if let Line::Group(at, _) = line
                    && let Some(group) = view.groups.get(*at as usize)
                    && group.open
                {
                    add(view, &group.entries, lines);
                }
            }
        }
        let mut lines = Vec::with_capacity(self.entries.len());
        add(self, &self.entries, &mut lines);
        self.lines = lines;
    }
}

/// The grid and its view.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) grid: ColumnarGrid,
    pub(super) view: View,
    pub(super) heads: Vec<Head>,
    /// Today, as the header row of days has it.
    pub(super) today: String,
}

/// A header row. Equal neighbours are one; their text is made when they come in sight.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) label: String,
    /// First column, and columns.
    pub(super) runs: Vec<(u32, u32)>,
    /// Whether its values differ from column to column, as builds do.
    pub(super) narrow: bool,
    of: HeadOf,
}

/// What a header row tells of a column.
#[derive(Clone, Copy, Debug)]
enum HeadOf {
    Day,
    Time,
    Build,
    /// A header row of the configuration, by its place.
    Value(usize),
}

impl Data {
    /// The row or the group of a line, as a row.
    pub(super) fn cells(&self, line: u32) -> Option<Row<'_>> {
        match self.view.lines.get(line as usize)? {
            Line::Row(place, _) => self.grid.rows.get(*place as usize),
            Line::Group(at, _) => {
                self.view.groups.get(*at as usize).map(|group| Row::of_statuses(&group.worst))
            }
        }
    }

    /// The row of a line; nothing for a group.
    pub(super) fn row(&self, line: u32) -> Option<Row<'_>> {
        match self.view.lines.get(line as usize)? {
            Line::Row(place, _) => self.grid.rows.get(*place as usize),
            Line::Group(..) => None,
        }
    }

    /// The name of a line.
    pub(super) fn name(&self, line: u32) -> &str {
        match self.view.lines.get(line as usize) {
            Some(Line::Row(place, _)) => {
                self.grid.rows.get(*place as usize).map_or("", |row| row.name)
            }
            Some(Line::Group(at, _)) => {
                self.view.groups.get(*at as usize).map_or("", |group| group.name.as_str())
            }
            None => "",
        }
    }

    /// The line of a row by its name.
    pub(super) fn line_of(&self, name: &str) -> Option<u32> {
        (0..self.view.lines.len() as u32).find(|line| self.name(*line) == name)
    }

    /// Columns at the front that the newest column of `before` has in front of it now.
    pub(super) fn newer_than(&self, before: &ColumnarGrid) -> Option<u32> {
        if before.builds.is_empty() {
            return None;
        }
        let newest = (before.builds.get(0), before.names.get(0));
        (0..self.grid.columns())
            .find(|at| (self.grid.builds.get(*at), self.grid.names.get(*at)) == newest)
    }

    /// The values of the configuration's header rows in a column.
    pub(super) fn headers(&self, column: u32) -> impl Iterator<Item = &str> {
        self.grid.headers.iter().filter_map(move |header| {
            let text = self.grid.texts.get(header.values.get(column)?);
            (!text.is_empty()).then_some(text)
        })
    }

    /// When a column began, for people.
    pub(super) fn started(&self, column: u32) -> String {
        match self.grid.started_ms.get(column as usize) {
            Some(ms) if times::is_local() => exact_here(*ms),
            Some(ms) => time::exact(*ms),
            None => String::new(),
        }
    }

    /// Makes the header rows: days, times, builds, then those of the configuration.
    pub(super) fn head(&mut self) {
        let grid = &self.grid;
        let now_ms = Date::now() as i64;
        let is_local = times::is_local();
        let shown: Vec<i64> = grid.started_ms.iter().map(|ms| shown_ms(*ms, is_local)).collect();
        let head =
            |label: &str, of, narrow, runs| Head { label: label.to_owned(), runs, narrow, of };
        let mut heads = vec![
            head("Date", HeadOf::Day, false, merged(shown.iter().map(|ms| ms.div_euclid(DAY_MS)))),
            head(
                if is_local { "Time" } else { "Time (UTC)" },
                HeadOf::Time,
                true,
                merged(shown.iter().map(|ms| ms.rem_euclid(DAY_MS) / MINUTE_MS)),
            ),
            head("Build", HeadOf::Build, true, merged(grid.builds.iter())),
        ];
        for (place, header) in grid.headers.iter().enumerate() {
            let runs = header.values.iter().scan(0, |at, (_, run)| {
                *at += run;
                Some((*at - run, run))
            });
            heads.push(head(&header.label, HeadOf::Value(place), false, runs.collect()));
        }
        (self.heads, self.today) = (heads, time::date(shown_ms(now_ms, is_local), now_ms));
    }

    /// What a header row says of a column.
    pub(super) fn head_text(&self, head: &Head, column: u32) -> Cow<'_, str> {
        let grid = &self.grid;
        let started = || {
            let ms = grid.started_ms.get(column as usize)?;
            Some(shown_ms(*ms, times::is_local()))
        };
        match head.of {
            HeadOf::Day => {
                started().map(|ms| time::date(ms, Date::now() as i64)).unwrap_or_default().into()
            }
            HeadOf::Time => started().map(time::clock_minutes).unwrap_or_default().into(),
            HeadOf::Build => grid.builds.get(column).into(),
            HeadOf::Value(place) => {
                let value = grid.headers.get(place).and_then(|header| header.values.get(column));
                value.map_or("", |text| grid.texts.get(text)).into()
            }
        }
    }
}

/// First place and number of each stretch of equal values.
fn merged<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut before = None;
    for (at, value) in (0..).zip(values) {
        match runs.last_mut() {
            Some((_, run)) if before.as_ref() == Some(&value) => *run += 1,
            _ => runs.push((at, 1)),
        }
        before = Some(value);
    }
    runs
}

/// An instant as the reader wants to see it: one whose UTC is local time, if that was chosen.
fn shown_ms(ms: i64, is_local: bool) -> i64 {
    if is_local { ms + ahead_ms(ms) } else { ms }
}

/// How far local time is ahead of UTC at an instant.
fn ahead_ms(ms: i64) -> i64 {
    let minutes = -Date::new(&JsValue::from_f64(ms as f64)).get_timezone_offset() as i64;
    minutes * 60_000
}

fn exact_here(ms: i64) -> String {
    time::exact(ms + ahead_ms(ms)).replace(" UTC", "")
}

/// Asks for the grid of a tab, at once.
pub(super) fn load_grid(
    api: &str,
    range: &str,
) -> impl Future<Output = Result<ColumnarGrid, String>> + use<> {
    let asked = dom::window().fetch_with_str(&[api, "/grid.bin?", range].concat());
    async move {
        let unreadable = |_| "The grid did not arrive whole.".to_owned();
        let body = dom::answered(asked).await?.array_buffer().map_err(unreadable)?;
        let body = JsFuture::from(body).await.map_err(unreadable)?;
        ColumnarGrid::decode(&Uint8Array::new(&body).to_vec()).map_err(|error| error.to_string())
    }
}

/// Asks for JSON, at once, and reads it when it comes, even while nobody waits for it yet; what the server
/// complains of becomes the error.
pub(super) fn load_json(url: &str) -> impl Future<Output = Result<JsValue, String>> + use<> {
    let asked = dom::window().fetch_with_str(url);
    let read = async move {
        let unreadable = |_| "The answer of the server cannot be read.".to_owned();
        let body = dom::answered(asked).await?.json().map_err(unreadable)?;
        JsFuture::from(body).await.map_err(unreadable)
    };
    let read = async move { read.await.map_err(|why: String| JsValue::from_str(&why)) };
    let read = future_to_promise(read);
    async move { JsFuture::from(read).await.map_err(|why| why.as_string().unwrap_or_default()) }
}
