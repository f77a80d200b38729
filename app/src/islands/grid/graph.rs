//! Values of a metric for the rows in sight.

use std::collections::{HashMap, HashSet};

use leptos::web_sys::js_sys::{Array, Object};
use wasm_bindgen::{JsCast, JsValue};

use crate::islands::dom;

/// Rows asked for at a time.
pub(super) const ROWS: usize = 60;

/// The values of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Column and value, newest first.
    pub(super) values: Vec<(u32, f64)>,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// The values of the chosen metric.
#[derive(Default)]
pub(super) struct Graphs {
    /// The metric; nothing is drawn without one.
    pub(super) metric: Option<String>,
    rows: HashMap<String, Graph>,
    asked: HashSet<String>,
}

impl Graphs {
    /// Chooses a metric; values of another one, or of another state of the grid, are forgotten.
    pub(super) fn choose(&mut self, metric: Option<String>) {
        *self = Graphs { metric, ..Graphs::default() };
    }

    /// The values of a row, if they are here.
    pub(super) fn of(&self, row: &str) -> Option<&Graph> {
        self.rows.get(row).filter(|graph| !graph.values.is_empty())
    }

    /// Which of these rows are still to be asked for; they count as asked for from now on.
    pub(super) fn missing<'a>(&mut self, rows: impl Iterator<Item = &'a str>) -> Vec<String> {
        let missing: Vec<String> =
            rows.filter(|row| !self.asked.contains(*row)).take(ROWS).map(str::to_owned).collect();
        self.asked.extend(missing.iter().cloned());
        missing
    }

    /// Rows that could not be had are asked for again when they come in sight again.
    pub(super) fn forget(&mut self, rows: &[String]) {
        for row in rows {
            self.asked.remove(row);
        }
    }

    /// Keeps an answer of the server.
    pub(super) fn keep(&mut self, answer: &JsValue) {
        let Ok(rows) = dom::field(answer, "rows").dyn_into::<Object>() else { return };
        for entry in Object::entries(&rows).iter() {
            let entry = Array::from(&entry);
            let Some(name) = entry.get(0).as_string() else { continue };
            let mut graph =
                Graph { values: Vec::new(), least: f64::INFINITY, most: f64::NEG_INFINITY };
            for pair in Array::from(&entry.get(1)).iter() {
                let pair = Array::from(&pair);
                if let (Some(column), Some(value)) = (pair.get(0).as_f64(), pair.get(1).as_f64()) {
                    graph.values.push((column as u32, value));
                    graph.least = graph.least.min(value);
                    graph.most = graph.most.max(value);
                }
            }
            graph.values.sort_by_key(|(column, _)| *column);
            self.rows.insert(name, graph);
        }
    }
}

impl Graph {
    /// The value in a column.
    pub(super) fn at(&self, column: u32) -> Option<f64> {
        let at = self.values.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        Some(self.values[at].1)
    }
}

/// A value with three digits at most behind the point; JavaScript's own text of a number is at
/// hand, Rust's would have to be sent along.
pub(super) fn digits(value: f64) -> String {
    let rounded = (value * 1_000.0).round() / 1_000.0;
    let number: leptos::web_sys::js_sys::Number = rounded.into();
    number.to_string_with_radix(10).map(String::from).unwrap_or_default()
}
