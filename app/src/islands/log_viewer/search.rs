//! Search in the whole log, which the server does; errors; and the map of both.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::CanvasRenderingContext2d;

use super::window::Viewer;
use crate::islands::dom;
use crate::model::words::count;

/// Lines that a search has found.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) lines: Vec<u64>,
    total: u64,
    /// Size of the log in lines when it was searched.
    searched: u64,
}

impl Hits {
    fn read(answer: &JsValue) -> Hits {
        let lines = Array::from(&dom::field(answer, "lines"));
        Hits {
            lines: lines.iter().filter_map(|line| Some(line.as_f64()? as u64)).collect(),
            total: dom::number(answer, "total"),
            searched: dom::number(answer, "searched"),
        }
    }

    /// The place of the first line behind `line`, or of the last one before it.
    fn beside(&self, line: u64, forward: bool) -> Option<usize> {
        let behind = self.lines.partition_point(|hit| *hit <= line);
        let before = self.lines.partition_point(|hit| *hit < line);
        match forward {
            true => (behind < self.lines.len()).then_some(behind),
            false => before.checked_sub(1),
        }
    }
}

impl Viewer {
    /// Searches for what the field holds, and goes to the first match from here.
    pub(super) fn search(&self) {
        let Some(field) = &self.inner.search else { return };
        let pattern = field.value();
        if pattern.is_empty() {
            *self.inner.hits.borrow_mut() = Hits::default();
            self.inner.found.set(String::new());
            self.redraw();
            return;
        }
        self.inner.found.set("…".to_owned());
        let viewer = self.clone();
        spawn_local(async move {
            let url = format!("{}/search?q={}", viewer.inner.api, dom::encode(&pattern));
            let answer = dom::fetch_json(&url).await;
            let now = viewer.inner.search.as_ref().map(|field| field.value());
            if now.as_deref() != Some(&pattern) {
                return;
            }
            match answer {
                Ok(answer) => {
                    *viewer.inner.hits.borrow_mut() = Hits::read(&answer);
                    if viewer.inner.hits.borrow().lines.is_empty() {
                        viewer.inner.found.set("no match".to_owned());
                        viewer.redraw();
                    } else {
                        viewer.step(true);
                    }
                }
                Err(why) => viewer.inner.found.set(why),
            }
        });
    }

    /// Goes to the next match, or to the one before; from the last to the first.
    pub(super) fn step(&self, forward: bool) {
        let here = self.here();
        let (line, words) = {
            let hits = self.inner.hits.borrow();
            let last = hits.lines.len().saturating_sub(1);
            let around = if forward { 0 } else { last };
            let at = hits.beside(here, forward).unwrap_or(around);
            let Some(line) = hits.lines.get(at).copied() else { return };
            (line, format!("{}/{}", count(at as u64 + 1), count(hits.total)))
        };
        self.inner.found.set(words);
        self.show_line(line);
    }

    /// Goes to the next line that looks like an error, or to the one before.
    pub(super) fn next_error(&self, forward: bool) {
        let known = {
            let errors = self.inner.errors.borrow();
            errors.searched > 0
                && (self.inner.complete.get() || errors.searched == self.inner.total.get())
        };
        if !known {
            let viewer = self.clone();
            spawn_local(async move {
                match dom::fetch_json(&format!("{}/search", viewer.inner.api)).await {
                    Ok(answer) => {
                        *viewer.inner.errors.borrow_mut() = Hits::read(&answer);
                        viewer.go_to_error(forward);
                    }
                    Err(why) => viewer.inner.note.set(why),
                }
            });
            return;
        }
        self.go_to_error(forward);
    }

    fn go_to_error(&self, forward: bool) {
        let here = self.here();
        let (line, words) = {
            let errors = self.inner.errors.borrow();
            let around = if forward { 0 } else { errors.lines.len().saturating_sub(1) };
            let at = errors.beside(here, forward).unwrap_or(around);
            match errors.lines.get(at).copied() {
                Some(line) => {
                    let place = (count(at as u64 + 1), count(errors.total));
                    (Some(line), format!("error {} of {}", place.0, place.1))
                }
                None => (None, "no line looks like an error".to_owned()),
            }
        };
        self.inner.note.set(words);
        match line {
            Some(line) => self.show_line(line),
            None => self.redraw(),
        }
    }

    /// Draws where matches and errors are.
    pub(super) fn draw_map(&self) {
        let inner = &self.inner;
        let (hits, errors) = (inner.hits.borrow(), inner.errors.borrow());
        let canvas = &inner.map;
        let shown = !hits.lines.is_empty() || !errors.lines.is_empty();
        canvas.set_hidden(!shown);
        if !shown {
            return;
        }
        let (width, height) = (8_u32, inner.scroll.client_height().max(1) as u32);
        canvas.set_width(width);
        canvas.set_height(height);
        let Ok(Some(context)) = canvas.get_context("2d") else { return };
        let context: JsValue = context.into();
        let Ok(context) = context.dyn_into::<CanvasRenderingContext2d>() else { return };
        let style = dom::window().get_computed_style(canvas).ok().flatten();
        let colour = |name: &str| {
            let style = style.as_ref();
            style.and_then(|style| style.get_property_value(name).ok()).unwrap_or_default()
        };
        let total = inner.total.get().max(1) as f64;
        for (lines, colour) in
            [(&errors.lines, colour("--failure")), (&hits.lines, colour("--accent"))]
        {
            context.set_fill_style_str(colour.trim());
            for line in lines {
                let y = (*line as f64 / total * f64::from(height)).floor();
                context.fill_rect(0.0, y, f64::from(width), 2.0);
            }
        }
    }
}
