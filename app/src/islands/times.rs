//! Keeps the times on a page true while it is open, in UTC or in local time.

use leptos::web_sys::js_sys::Date;
use wasm_bindgen::JsValue;
use web_sys::Element;

use super::dom;
use crate::model::time;

/// How often times are written again; a length of time that runs shows seconds for a minute only.
const TICK_MS: i32 = 5_000;

/// Starts to keep times true. The page says what the server's clock was, so that a wrong clock
/// here does no harm.
pub(crate) fn start() {
    let Some(main) = dom::find("main") else { return };
    let skew_ms = match dom::attribute(&main, "data-now") {
        0 => 0,
        server_ms => server_ms as i64 - Date::now() as i64,
    };
    let write = move || write_all(Date::now() as i64 + skew_ms);
    if is_local() {
        write();
    }
    dom::every(TICK_MS, move || {
        if !dom::document().hidden() {
            write();
        }
    });
}

/// Shows every instant in local time or in UTC from now on.
pub(crate) fn show_local(local: bool) {
    dom::choose("time", local.then_some("local"));
    write_exact();
}

/// Whether the reader chose local time.
pub(crate) fn is_local() -> bool {
    dom::setting("time").as_deref() == Some("local")
}

fn write_all(now_ms: i64) {
    for element in dom::all(&dom::root(), "time[datetime]") {
        let Some(ms) = instant(&element) else { continue };
        if !element.has_attribute("data-exact") {
            dom::set_text(&element, &time::relative(ms, now_ms));
        }
    }
    for element in dom::all(&dom::root(), ".running[data-since]") {
        let since_ms = dom::attribute(&element, "data-since") as i64;
        dom::set_text(&element, &time::duration(now_ms - since_ms));
    }
    write_exact();
}

fn write_exact() {
    let local = is_local();
    for element in dom::all(&dom::root(), "time[datetime]") {
        let Some(ms) = instant(&element) else { continue };
        let text = if local { exact_here(ms) } else { time::exact(ms) };
        if element.has_attribute("data-exact") {
            dom::set_text(&element, &text);
        } else if element.get_attribute("title").as_deref() != Some(&text) {
            let _ = element.set_attribute("title", &text);
        }
    }
}

fn instant(element: &Element) -> Option<i64> {
    time::parse_instant(&element.get_attribute("datetime")?)
}

/// The instant as [`time::exact`] writes it, with the offset of this place in that season.
fn exact_here(ms: i64) -> String {
    let ahead = -Date::new(&JsValue::from_f64(ms as f64)).get_timezone_offset() as i64;
    let sign = if ahead < 0 { '-' } else { '+' };
    let zone = format!("{sign}{:02}:{:02}", ahead.abs() / 60, ahead.abs() % 60);
    time::exact(ms + ahead * 60_000).replace("UTC", &zone)
}
