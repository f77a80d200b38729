//! Names of rows in columns, where the tab says how to split them. The server splits them, since the
//! pattern is in Go's dialect, which browsers do not speak.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use web_sys::{Element, HtmlElement};

use super::frame::make;
use crate::islands::dom;

/// How names are split.
pub(super) struct NameParts {
    labels: Vec<String>,
    /// The columns by name; nothing until the server has told.
    parts: RefCell<JsValue>,
    /// The version of the grid for whose names it was asked.
    asked: RefCell<String>,
}

impl NameParts {
    /// What the page says about it.
    pub(super) fn of(host: &Element) -> Option<NameParts> {
        let labels = host.get_attribute("data-name-parts").filter(|text| !text.is_empty())?;
        Some(NameParts {
            labels: labels.split(',').map(str::to_owned).collect(),
            parts: RefCell::new(JsValue::UNDEFINED),
            asked: RefCell::default(),
        })
    }

    /// How many columns there are.
    pub(super) fn count(&self) -> u32 {
        self.labels.len() as u32
    }

    /// Whether the names of a version are still to be asked for; they count as asked for from now on.
    pub(super) fn wants(&self, version: &str) -> bool {
        self.asked.replace(version.to_owned()) != version
    }

    /// Keeps an answer of the server. Without one the names of the next version are asked for again.
    pub(super) fn keep(&self, answer: &JsValue) {
        *self.parts.borrow_mut() = dom::field(answer, "names");
    }

    /// The columns of a name; nothing if it does not match, or nobody has told yet.
    pub(super) fn split(&self, name: &str) -> Option<HtmlElement> {
        let columns = dom::list(&self.parts.borrow(), name);
        let texts = columns.iter().map(|column| column.as_string().unwrap_or_default());
        (!columns.is_empty()).then(|| row(texts))
    }

    /// What the columns are called.
    pub(super) fn labels(&self) -> HtmlElement {
        row(self.labels.iter().cloned())
    }
}

fn row(texts: impl Iterator<Item = String>) -> HtmlElement {
    let row = make("div", "name-parts");
    for text in texts {
        let column = make("span", "");
        column.set_title(&text);
        column.set_text_content(Some(&text));
        let _ = row.append_child(&column);
    }
    row
}
