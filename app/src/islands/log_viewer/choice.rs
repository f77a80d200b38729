//! Lines are chosen: by a click, by a click with shift, and by keys.

use std::ops::Range;

use wasm_bindgen::JsValue;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use super::window::Viewer;
use crate::islands::dom;

impl Viewer {
    /// Chooses a line, or all from where the choice began up to it.
    pub(super) fn choose_line(&self, line: u64, extend: bool) {
        let chosen = self.inner.chosen.borrow().clone();
        let anchor = match chosen.filter(|_| extend) {
            None => line,
            Some(range) if self.inner.anchor.get() + 1 == range.end => range.end - 1,
            Some(range) => range.start,
        };
        self.inner.anchor.set(anchor);
        self.choose(anchor.min(line)..anchor.max(line) + 1);
    }

    /// Chooses the line in the row above or below, or that one too.
    pub(super) fn choose_beside(&self, below: bool, extend: bool) {
        let chosen = self.inner.chosen.borrow().clone();
        let Some(last) = self.total_rows().checked_sub(1) else { return };
        let line = match chosen {
            None => self.here(),
            Some(range) => {
                let is_upwards = self.inner.anchor.get() + 1 == range.end;
                let caret = if is_upwards { range.start } else { range.end - 1 };
                let rows = self.inner.rows.borrow();
                let row = rows.row(caret);
                rows.line(if below { row + 1 } else { row.saturating_sub(1) }.min(last))
            }
        };
        self.inner.follows.set(false);
        self.choose_line(line, extend);
        match dom::find(&["#L", &(line + 1).to_string()].concat()) {
            Some(shown) => {
                let nearest = ScrollIntoViewOptions::new();
                nearest.set_block(ScrollLogicalPosition::Nearest);
                shown.scroll_into_view_with_scroll_into_view_options(&nearest);
            }
            None => {
                let row = self.inner.rows.borrow().row(line);
                self.scroll_to(row as f64);
            }
        }
    }

    /// Names lines in the address, and marks them.
    fn choose(&self, range: Range<u64>) {
        let hash = if range.end - range.start == 1 {
            format!("#L{}", range.end)
        } else {
            format!("#L{}-L{}", range.start + 1, range.end)
        };
        if let Ok(history) = dom::window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&hash));
        }
        *self.inner.chosen.borrow_mut() = Some(range);
        self.name_chosen();
        self.mark();
    }
}
