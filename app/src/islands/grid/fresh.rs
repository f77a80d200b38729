//! Parts of a dashboard's page that follow the status of its tabs: the server lays the page out anew, and
//! what is another takes the place of what was there.

use std::cell::Cell;

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

use crate::islands::dom;
use crate::islands::stream::Stream;

/// Changes are gathered for so long before the page is asked for.
const GATHER_MS: i32 = 500;

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the summary of a dashboard true while it is open.
pub(super) fn watch_dashboard() {
    let board = dom::find("#dashboard").and_then(|page| page.get_attribute("data-dashboard"));
    let Some(board) = board else { return };
    let address = ["/api/v1/testgrid/stream?dashboard=", &dom::encode(&board)].concat();
    let greeted = Cell::new(false);
    Stream::open(
        move |_| address.clone(),
        None,
        &["hello", "tab"],
        move |event, _| {
            // The first greeting comes with the page; later ones after a time without a stream.
            if event == "tab" || greeted.replace(true) {
                bring(&[".strip.tabs", ".page-head", ".cards", ".matrix-scroll"]);
            }
        },
    );
}

/// Brings parts of this page up to date, soon.
pub(super) fn bring(parts: &'static [&'static str]) {
    if ASKED.replace(true) {
        return;
    }
    dom::later(GATHER_MS, move || {
        ASKED.set(false);
        spawn_local(async move {
            let location = dom::window().location();
            let path = location.pathname().unwrap_or_default();
            let query = location.search().unwrap_or_default();
            // Without an answer the page stays as it is; the next change asks again.
            let Ok(page) = dom::fetch_page(&[path, query].concat()).await else { return };
            for part in parts {
                if let (Some(old), Ok(Some(new))) = (dom::find(part), page.query_selector(part)) {
                    replace(&old, &new);
                }
            }
        });
    });
}

/// Puts one part in the place of another. What the reader has opened stays open, what stands in
/// fields stays there, and the focus stays where it is.
fn replace(old: &Element, new: &Element) {
    let html = new.inner_html();
    let open: Vec<bool> = details(old).iter().map(|one| one.has_attribute("open")).collect();
    let focused = dom::document().active_element();
    let focused = places(old).iter().position(|place| focused.as_ref() == Some(place));
    let typed: Vec<(String, bool)> =
        inputs(old).iter().map(|input| (input.value(), input.checked())).collect();
    let scrolled = old.scroll_left();
    old.set_inner_html(&html);
    old.set_scroll_left(scrolled);
    for (one, open) in details(old).iter().zip(open) {
        if open {
            let _ = one.set_attribute("open", "");
        }
    }
    for (input, (value, checked)) in inputs(old).iter().zip(typed) {
        input.set_value(&value);
        input.set_checked(checked);
    }
    let place = focused.and_then(|at| places(old).get(at).cloned());
    if let Some(place) = place.and_then(|place| place.dyn_into::<HtmlElement>().ok()) {
        let _ = place.focus();
    }
}

fn details(of: &Element) -> Vec<Element> {
    dom::all(of, "details")
}

/// What the reader may have filled in.
fn inputs(of: &Element) -> Vec<HtmlInputElement> {
    let inputs = dom::all(of, "input:not([type=hidden])");
    inputs.into_iter().filter_map(|input| input.dyn_into().ok()).collect()
}

/// What can have the focus.
fn places(of: &Element) -> Vec<Element> {
    dom::all(of, "a, summary, input, button")
}
