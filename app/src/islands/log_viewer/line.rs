//! One line as elements.

use std::ops::Range;

use leptos::web_sys::js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::Element;

use crate::islands::dom;
use crate::model::words::bytes;
use crate::model::{fragment_lines, time};

/// The lines that a fragment names, as indices.
pub(super) fn parse_lines(hash: &str) -> Option<Range<u64>> {
    fragment_lines(hash).map(|(from, to)| from - 1..to)
}

/// The same elements as the server renders; a line that is not here yet says so.
pub(super) fn element_of(index: u64, line: Option<&JsValue>, start_ms: i64) -> Option<Element> {
    let page = dom::document();
    let item = page.create_element("li").ok()?;
    let number = index + 1;
    let _ = item.set_attribute("id", &format!("L{number}"));
    let link = page.create_element("a").ok()?;
    let _ = link.set_attribute("href", &format!("#L{number}"));
    link.set_text_content(Some(&number.to_string()));
    let text = page.create_element("code").ok()?;
    match line {
        Some(line) => {
            if dom::field(line, "e").is_truthy() {
                let _ = item.set_attribute("class", "error");
            }
            if let Some(at) = dom::field(line, "at").as_f64() {
                let at = at as i64;
                let _ = text.set_attribute("data-time", &time::clock(at));
                let _ = text.set_attribute("data-offset", &time::offset(at, start_ms));
            }
            for span in Array::from(&dom::field(line, "s")).iter() {
                let (words, class) = (dom::text(&span, "t"), dom::text(&span, "c"));
                let piece = page.create_element("span").ok()?;
                piece.set_text_content(Some(&words));
                if !class.is_empty() {
                    let _ = piece.set_attribute("class", &class);
                }
                let _ = text.append_child(&piece);
            }
            let cut = dom::number(line, "cut_bytes");
            if cut > 0 {
                let piece = page.create_element("em").ok()?;
                let _ = piece.set_attribute("class", "cut");
                piece.set_text_content(Some(&format!(" … {} not shown", bytes(cut))));
                let _ = text.append_child(&piece);
            }
        }
        None => {
            let _ = item.set_attribute("data-waits", "");
            text.set_text_content(Some("…"));
        }
    }
    let _ = item.append_child(&link);
    let _ = item.append_child(&text);
    Some(item)
}
