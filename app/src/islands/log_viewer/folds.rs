//! Parts of the log that are folded.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

use super::line::parse_lines;
use super::window::Viewer;
use crate::islands::dom;
use crate::model::LogRows;

/// The parts that the page lists.
pub(super) fn parts_of(log: &Element) -> LogRows {
    let parts = dom::all(log, ".log-outline li");
    let lines =
        |part: &Element| (dom::attribute(part, "data-first"), dom::attribute(part, "data-last"));
    LogRows::new(parts.iter().map(lines))
}

/// The button of a part, before the text of the line that announces it.
pub(super) fn mark(line: &Element, closed: bool) {
    let known = line.query_selector(".fold-mark").ok().flatten();
    let button = known.or_else(|| {
        let button = dom::document().create_element("button").ok()?;
        let _ = button.set_attribute("type", "button");
        let _ = button.set_attribute("class", "fold-mark");
        let _ = button.set_attribute("aria-label", "Lines of this part");
        let text = line.query_selector("code").ok().flatten();
        line.insert_before(&button, text.as_deref()).ok()?;
        Some(button)
    });
    if let Some(button) = button {
        let _ = button.set_attribute("aria-expanded", if closed { "false" } else { "true" });
    }
}

impl Viewer {
    /// Folds or unfolds the part that a line announces.
    pub(super) fn toggle_part(&self, line: &Element) {
        let Some(number) = parse_lines(&line.id()) else { return };
        let top = self.top();
        if self.inner.rows.borrow_mut().toggle(number.start) {
            self.inner.follows.set(false);
            self.clear();
            // The rows above stay where they are, and the button, drawn anew, keeps the focus.
            self.scroll_to(top);
            let button = dom::find(&format!("#L{} .fold-mark", number.start + 1));
            if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
                let _ = button.focus();
            }
        }
    }

    /// Folds all parts, or unfolds them if one is folded.
    pub(super) fn fold_all(&self) {
        let line = self.inner.rows.borrow().line(self.top() as u64);
        if !self.inner.rows.borrow_mut().toggle_all() {
            self.inner.note.set("the log has no parts".to_owned());
            return;
        }
        self.inner.follows.set(false);
        self.clear();
        let row = self.inner.rows.borrow().row(line);
        self.scroll_to(row as f64);
    }

    /// The list of parts leads to their lines without loading the page again.
    pub(super) fn listen_to_outline(&self) {
        for link in dom::all(&dom::root(), ".log-outline a") {
            let viewer = self.clone();
            let href = link.get_attribute("href").unwrap_or_default();
            let lines = href.rsplit_once('#').and_then(|(_, hash)| parse_lines(hash));
            dom::on(&link, "click", move |event: MouseEvent| {
                let modified = event.ctrl_key() || event.meta_key() || event.shift_key();
                if let Some(lines) = lines.clone().filter(|_| !modified) {
                    event.prevent_default();
                    viewer.show_line(lines.start);
                }
            });
        }
    }
}
