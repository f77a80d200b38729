//! Names of rows in columns, where the tab says how to split them.

use leptos::web_sys::js_sys::{Array, Function, Reflect, RegExp};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

use super::frame::make;
use crate::islands::dom;

/// How names are split.
pub(super) struct NameParts {
    pattern: RegExp,
    labels: Vec<String>,
}

impl NameParts {
    /// What the page says about it. The pattern is in Go's dialect; one that the browser does not
    /// understand splits nothing.
    pub(super) fn of(host: &Element) -> Option<NameParts> {
        let pattern = host.get_attribute("data-name-pattern").filter(|text| !text.is_empty())?;
        let labels = host.get_attribute("data-name-parts")?;
        let pattern = JsValue::from_str(&pattern.replace("(?P<", "(?<"));
        let constructor = Reflect::get(&dom::window(), &"RegExp".into()).ok()?;
        let constructor: Function = constructor.dyn_into().ok()?;
        let made = Reflect::construct(&constructor, &Array::of2(&pattern, &"u".into())).ok()?;
        Some(NameParts {
            pattern: made.dyn_into().ok()?,
            labels: labels.split(',').map(str::to_owned).collect(),
        })
    }

    /// How many columns there are.
    pub(super) fn count(&self) -> u32 {
        self.labels.len() as u32
    }

    /// The columns of a name; nothing if it does not match.
    pub(super) fn split(&self, name: &str) -> Option<HtmlElement> {
        let found = self.pattern.exec(name)?;
        let columns = (1..=self.count()).map(|at| found.get(at).as_string().unwrap_or_default());
        Some(row(columns))
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
