//! Failures that look alike, as a list below the grid.

use std::collections::HashMap;

use leptos::task::spawn_local;
use leptos::web_sys::js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlElement, HtmlInputElement};

use super::data::load_json;
use super::frame::make;
use super::sheet::Grid;
use super::{legend, status};
use crate::islands::dom;
use crate::model::words::count;

/// How failures are put together.
const WAYS: [(&str, &str); 2] = [("message", "status and message"), ("status", "status")];

pub(super) fn start(grid: &Grid) {
    // The list stands below the grid.
    let panel = make("section", "grid-clusters");
    panel.set_id("grid-clusters");
    let _ = panel.set_attribute("aria-label", "Clustered failures");
    panel.set_hidden(true);
    let _ = grid.frame.host.after_with_node_1(&panel);
    let grid = grid.clone();
    legend::toggles("#grid-clusters-button", "#grid-clusters", move |panel, open| {
        grid.marked.borrow_mut().clear();
        grid.repaint();
        if open {
            load(&grid, panel, WAYS[0].0);
        }
    });
}

fn load(grid: &Grid, panel: &HtmlElement, by: &'static str) {
    let (grid, panel) = (grid.clone(), panel.clone());
    spawn_local(async move {
        match load_json(&[&grid.api, "/clusters?by=", by, &grid.range()].concat()).await {
            Ok(clusters) => write(&grid, &panel, by, &Array::from(&clusters)),
            Err(why) => {
                panel.set_text_content(Some(&["Failures could not be loaded. ", &why].concat()));
            }
        }
    });
}

fn write(grid: &Grid, panel: &HtmlElement, by: &'static str, clusters: &Array) {
    panel.set_text_content(None);
    let head = make("h2", "");
    head.set_text_content(Some("Clustered failures"));
    let ways = make("p", "grid-ways");
    ways.set_text_content(Some("by "));
    for (way, words) in WAYS {
        let button = make("button", "");
        let _ = button.set_attribute("type", "button");
        let _ = button.set_attribute("aria-pressed", if way == by { "true" } else { "false" });
        button.set_text_content(Some(words));
        let (grid, panel) = (grid.clone(), panel.clone());
        dom::on(&button, "click", move |_: Event| {
            grid.marked.borrow_mut().clear();
            grid.repaint();
            load(&grid, &panel, way);
        });
        let _ = ways.append_child(&button);
    }
    let _ = panel.append_with_node_2(&head, &ways);
    if clusters.length() == 0 {
        let none = make("p", "quiet");
        none.set_text_content(Some("No cell of this tab failed."));
        let _ = panel.append_child(&none);
        return;
    }
    let scroll = make("div", "g-cluster-scroll");
    let _ = scroll.set_attribute("tabindex", "0");
    let _ = scroll.set_attribute("role", "group");
    let _ = scroll.set_attribute("aria-label", "List of clustered failures");
    let table = make("table", "");
    let row = make("tr", "");
    for words in ["Show", "Status", "Message", "Rows × columns"] {
        let cell = make("th", "");
        let _ = cell.set_attribute("scope", "col");
        cell.set_text_content(Some(words));
        let _ = row.append_child(&cell);
    }
    let _ = table.append_child(&row);
    for cluster in clusters.iter() {
        let _ = table.append_child(&cluster_row(grid, &cluster));
    }
    let _ = scroll.append_child(&table);
    let _ = panel.append_child(&scroll);
}

fn cluster_row(grid: &Grid, cluster: &JsValue) -> HtmlElement {
    let row = make("tr", "");
    let number = |name: &str| dom::number(cluster, name);
    let status_words = match dom::field(cluster, "status").as_f64() {
        Some(status) => status::words(status as u32).to_owned(),
        None => dom::text(cluster, "status"),
    };
    let message = dom::text(cluster, "message");
    let places = numbers(cluster, "rows");
    let columns = numbers(cluster, "columns");
    let box_ = make("input", "");
    let _ = box_.set_attribute("type", "checkbox");
    let label = ["Show in the grid: ", &status_words, " ", &message].concat();
    let _ = box_.set_attribute("aria-label", &label);
    let area = [
        count(number("area")),
        " (".to_owned(),
        count(places.len() as u64),
        " × ".to_owned(),
        count(columns.len() as u64),
        ")".to_owned(),
    ]
    .concat();
    let cells = [None, Some(status_words.as_str()), Some(message.as_str()), Some(area.as_str())];
    for text in cells {
        let cell = make("td", "");
        match text {
            Some(text) => cell.set_text_content(Some(text)),
            None => {
                let _ = cell.append_child(&box_);
            }
        }
        let _ = row.append_child(&cell);
    }
    let grid = grid.clone();
    let status = dom::field(cluster, "status").as_f64().map(|status| status as u32);
    dom::on(&box_, "change", move |event: Event| {
        let on = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .is_some_and(|input| input.checked());
        mark(&grid, &places, &columns, status, &message, on);
        if on {
            reveal(&grid, &places, &columns);
        }
        grid.repaint();
    });
    row
}

fn numbers(of: &JsValue, name: &str) -> Vec<u32> {
    dom::list(of, name).iter().filter_map(|number| Some(number.as_f64()? as u32)).collect()
}

/// Lets the cells of a cluster stand out, or not any more: those of its rows and columns that have
/// its status, and its message if it has one.
fn mark(
    grid: &Grid,
    places: &[u32],
    columns: &[u32],
    status: Option<u32>,
    message: &str,
    on: bool,
) {
    let data = grid.data.borrow();
    let mut marked = grid.marked.borrow_mut();
    let marked: &mut HashMap<u32, Vec<u32>> = &mut marked;
    for place in places {
        let Some(row) = data.grid.rows.get(*place as usize) else { continue };
        let of_row = marked.entry(*place).or_default();
        for column in columns {
            let (cell, _, text) = row.cell(*column);
            let is_of = status.is_none_or(|status| status == cell)
                && (message.is_empty() || data.grid.texts.get(text) == message);
            of_row.retain(|other| !is_of || other != column);
            if is_of && on {
                of_row.push(*column);
            }
        }
        if of_row.is_empty() {
            marked.remove(place);
        }
    }
}

/// Scrolls to the first row of a cluster that the view shows.
fn reveal(grid: &Grid, places: &[u32], columns: &[u32]) {
    let line = {
        let data = grid.data.borrow();
        data.view.lines.iter().position(
            |line| matches!(line, super::data::Line::Row(place, _) if places.contains(place)),
        )
    };
    if let Some(line) = line {
        let column = columns.iter().min().copied();
        grid.frame.reveal(line as u32, column, &grid.layout.get());
    }
}
