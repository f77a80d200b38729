//! What a cell is, in words: beside the pointer, and for those who listen.

use web_sys::HtmlElement;

use super::data::{Data, Line};
use super::frame::{alert_words, make, px};
use super::graph;
use super::sheet::Grid;
use super::status;
use crate::islands::dom;

/// How far the box stands from the pointer.
const AWAY_PX: i32 = 14;

/// The box beside the pointer.
pub(super) struct Tooltip {
    root: HtmlElement,
}

impl Tooltip {
    pub(super) fn new() -> Tooltip {
        let root = make("div", "g-tip");
        let _ = root.set_attribute("role", "tooltip");
        root.set_hidden(true);
        if let Some(main) = dom::find("main") {
            let _ = main.append_child(&root);
        }
        Tooltip { root }
    }

    pub(super) fn hide(&self) {
        self.root.set_hidden(true);
    }

    /// Shows what a cell is; nothing hides the box.
    pub(super) fn show(&self, grid: &Grid, at: Option<(u32, u32)>) {
        let (Some((line, column)), Some((x, y))) = (at, grid.pointer.get()) else {
            return self.hide();
        };
        let data = grid.data.borrow();
        let Some(cell) = data.cells(line).map(|row| row.cell(column)) else { return self.hide() };
        let (status, icon, message) = cell;
        self.root.set_text_content(None);
        let add = |class: &str, text: &str| {
            if !text.is_empty() {
                let part = make("p", class);
                part.set_text_content(Some(text));
                let _ = self.root.append_child(&part);
            }
        };
        add("g-tip-name", data.name(line));
        let mut words = status::words(status).to_owned();
        let icon = data.grid.texts.get(icon);
        if !icon.is_empty() {
            words.push_str(" · ");
            words.push_str(icon);
        }
        if let Some(Line::Group(at, _)) = data.view.lines.get(line as usize) {
            let rows = data.view.groups.get(*at as usize).map_or(0, |group| group.rows);
            words = ["worst of ", &rows.to_string(), " rows: ", &words].concat();
        }
        add(["g-tip-status ", status::property(status)].concat().as_str(), &words);
        add("g-tip-message", data.grid.texts.get(message));
        let graphs = grid.graphs.borrow();
        let value = data
            .row(line)
            .and_then(|row| graphs.of(row.name))
            .and_then(|graph| Some((graph.at(column)?, graph.least, graph.most)));
        if let (Some(metric), Some((value, least, most))) = (&graphs.metric, value) {
            let [value, least, most] = [value, least, most].map(graph::digits);
            add("", &[metric, ": ", &value, " (", &least, " – ", &most, ")"].concat());
        }
        add("g-tip-build", data.grid.builds.get(column));
        add("quiet", &data.started(column));
        add("quiet", &data.headers(column).collect::<Vec<_>>().join(" · "));
        if let Some(alert) = data.row(line).and_then(|row| row.alert)
            && column == 0
        {
            add("quiet", &alert_words(alert));
        }
        self.root.set_hidden(false);
        let window = dom::window_size();
        let (width, height) = (self.root.offset_width(), self.root.offset_height());
        let beyond = |at: i32, length: i32, whole: i32| {
            let after = at + AWAY_PX;
            if after + length < whole { after } else { (at - AWAY_PX - length).max(4) }
        };
        px(&self.root, "left", beyond(x, width, window.0));
        px(&self.root, "top", beyond(y, height, window.1));
    }
}

/// A cell in a sentence.
pub(super) fn cell_words(data: &Data, line: u32, column: u32) -> String {
    let Some((status, icon, message)) = data.cells(line).map(|row| row.cell(column)) else {
        return String::new();
    };
    let mut words = [data.name(line), ", ", status::words(status)].concat();
    for text in [data.grid.texts.get(icon), data.grid.texts.get(message)] {
        if !text.is_empty() {
            words.push_str(", ");
            words.push_str(text);
        }
    }
    let build = data.grid.builds.get(column);
    words.push_str(&[", build ", build, ", ", &data.started(column)].concat());
    words
}
