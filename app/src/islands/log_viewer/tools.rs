//! What is done with lines: copied, pinned, shown with their times.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::window::Viewer;
use crate::islands::dom;
use crate::model::words::count;

/// Lines that are copied at once.
const MAX_COPIED: u64 = 5_000;

impl Viewer {
    /// Shows how long after the start lines were written, then when, then neither.
    pub(super) fn next_times(&self) {
        let now = dom::root().get_attribute("data-times");
        let (next, words) = match now.as_deref() {
            None => (Some("offset"), "times since the run started"),
            Some("offset") => (Some("time"), "times in UTC"),
            Some(_) => (None, "no times"),
        };
        let row = self.top();
        dom::choose("times", next);
        self.inner.note.set(words.to_owned());
        // Wrapped lines have another height now.
        self.forget_tail();
        self.redraw();
        if !self.inner.follows.get() {
            self.scroll_to(row);
        }
    }

    /// Copies the text of the chosen lines.
    pub(super) fn copy_chosen(&self) {
        let chosen = self.inner.chosen.borrow().clone();
        let Some(lines) = chosen else {
            let how = "choose lines first: click a number, then shift-click another; or j, then J";
            self.inner.note.set(how.to_owned());
            return;
        };
        let wanted = (lines.end - lines.start).min(MAX_COPIED);
        let url = format!("{}?line={}&count={wanted}", self.inner.api, lines.start);
        let viewer = self.clone();
        spawn_local(async move {
            let told = match dom::fetch_json(&url).await {
                Ok(answer) => {
                    let lines = dom::list(&answer, "lines");
                    let mut text = String::new();
                    for line in &lines {
                        for span in dom::list(line, "s") {
                            text.push_str(&dom::text(&span, "t"));
                        }
                        text.push('\n');
                    }
                    match (dom::copy(&text), lines.len() as u64) {
                        (true, 1) => "1 line copied".to_owned(),
                        (true, lines) => [&count(lines), " lines copied"].concat(),
                        (false, _) => "this browser lets nothing be copied here".to_owned(),
                    }
                }
                Err(why) => why,
            };
            viewer.inner.note.set(told);
        });
    }

    /// Writes the chosen lines into the form that pins lines.
    pub(super) fn name_chosen(&self) {
        let Some(lines) = self.inner.chosen.borrow().clone() else { return };
        for (name, number) in [("from", lines.start + 1), ("to", lines.end)] {
            let field = dom::find(&[".pin input[name=", name, "]"].concat());
            if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
                field.set_value(&number.to_string());
            }
        }
    }
}
