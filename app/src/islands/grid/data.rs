//! What the page knows of the tab: its grid, the view of it, and how both are asked for.

use std::collections::HashMap;

use leptos::web_sys::js_sys::futures::JsFuture;
use leptos::web_sys::js_sys::{Array, Date, Float64Array, Uint8Array, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::islands::{dom, times};
use crate::model::columnar::{ColumnarGrid, Row, Runs};
use crate::model::time;

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
    /// Header rows as shown: label, and runs of text and length.
    pub(super) heads: Vec<Head>,
    /// Today, as the header row of days has it.
    pub(super) today: String,
}

/// A header row as shown.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) label: String,
    /// First column, columns, text.
    pub(super) runs: Vec<(u32, u32, String)>,
    /// Whether its values differ from column to column, as builds do.
    pub(super) narrow: bool,
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

    /// Makes the header rows: days, times, builds, then those of the configuration. Equal neighbours
    /// are one.
    pub(super) fn head(&mut self) {
        let grid = &self.grid;
        let local = times::is_local();
        let now_ms = Date::now() as i64;
        let today = if local { now_ms + ahead_ms(now_ms) } else { now_ms };
        let today = time::date(today, now_ms);
        let (mut days, mut hours) = (Vec::new(), Vec::new());
        for ms in &grid.started_ms {
            let shifted = if local { ms + ahead_ms(*ms) } else { *ms };
            days.push(time::date(shifted, now_ms));
            // `2026-11-21T00:05:37Z`
            hours.push(time::rfc3339(shifted).get(11..16).unwrap_or_default().to_owned());
        }
        let mut heads = vec![
            Head { label: "Date".to_owned(), runs: merged(days.into_iter()), narrow: false },
            Head {
                label: if local { "Time" } else { "Time (UTC)" }.to_owned(),
                runs: merged(hours.into_iter()),
                narrow: true,
            },
            Head {
                label: "Build".to_owned(),
                runs: merged(grid.builds.iter().map(str::to_owned)),
                narrow: true,
            },
        ];
        for header in &grid.headers {
            let mut at = 0;
            let mut runs = Vec::new();
            for (text, run) in header.values.iter() {
                runs.push((at, run, grid.texts.get(text).to_owned()));
                at += run;
            }
            heads.push(Head { label: header.label.clone(), runs, narrow: false });
        }
        (self.heads, self.today) = (heads, today);
    }
}

fn merged(values: impl Iterator<Item = String>) -> Vec<(u32, u32, String)> {
    let mut runs: Vec<(u32, u32, String)> = Vec::new();
    for (at, value) in values.enumerate() {
        match runs.last_mut() {
            Some((_, run, last)) if *last == value => *run += 1,
            _ => runs.push((at as u32, 1, value)),
        }
    }
    runs
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

/// Asks for JSON, at once; what the server complains of becomes the error.
pub(super) fn load_json(url: &str) -> impl Future<Output = Result<JsValue, String>> + use<> {
    let asked = dom::window().fetch_with_str(url);
    async move {
        let unreadable = |_| "The answer of the server cannot be read.".to_owned();
        let body = dom::answered(asked).await?.json().map_err(unreadable)?;
        JsFuture::from(body).await.map_err(unreadable)
    }
}
