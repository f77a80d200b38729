//! What colours, marks and letters mean.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement, HtmlElement, MouseEvent};

use super::frame::make;
use super::paint::{self, Palette};
use super::sheet::Grid;
use super::status;
use crate::islands::dom;

/// The statuses, the commonest first.
const ORDER: [u32; 15] = [1, 12, 13, 4, 3, 2, 15, 9, 10, 11, 14, 6, 7, 5, 8];

/// Letters in cells.
const LETTERS: [(&str, &str); 7] = [
    ("F", "failed, with a message"),
    ("S", "skipped"),
    ("R", "running"),
    ("T", "no end of the run within 24 hours"),
    ("E", "artifacts that cannot be read"),
    ("2/3", "passed so often of so many tries"),
    ("…", "more results than one cell shows"),
];

pub(super) fn start(grid: &Grid) {
    let grid = grid.clone();
    toggles("#grid-legend-button", "#grid-legend", move |panel, open| {
        panel.set_text_content(None);
        if open {
            write(panel, &Palette::read(&grid.frame.host));
        }
    });
}

/// Makes a button open and close a panel.
pub(super) fn toggles(button: &str, panel: &str, act: impl Fn(&HtmlElement, bool) + 'static) {
    let Some(button) = dom::find(button) else { return };
    let Some(panel) = dom::find(panel).and_then(|panel| panel.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    let own: Element = button.clone();
    dom::on(&button, "click", move |_: MouseEvent| {
        let open = panel.hidden();
        panel.set_hidden(!open);
        let _ = own.set_attribute("aria-expanded", if open { "true" } else { "false" });
        act(&panel, open);
    });
}

fn write(panel: &HtmlElement, palette: &Palette) {
    let list = make("ul", "");
    for number in ORDER {
        let item = make("li", "");
        let canvas = make("canvas", "");
        let _ = canvas.set_attribute("aria-hidden", "true");
        paint::sample(canvas.unchecked_ref::<HtmlCanvasElement>(), number, palette);
        let words = make("span", "");
        words.set_text_content(Some(status::words(number)));
        let _ = item.append_with_node_2(&canvas, &words);
        let _ = list.append_child(&item);
    }
    for (letter, means) in LETTERS {
        let item = make("li", "");
        let code = make("code", "");
        code.set_text_content(Some(letter));
        let words = make("span", "");
        words.set_text_content(Some(means));
        let _ = item.append_with_node_2(&code, &words);
        let _ = list.append_child(&item);
    }
    let _ = panel.append_child(&list);
}
