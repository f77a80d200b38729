//! The few things islands need from the browser, with its errors turned into nothing or a sentence.

use crate::model::RunState;
use leptos::web_sys::js_sys::futures::JsFuture;
use leptos::web_sys::js_sys::{self, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, EventTarget, HtmlElement, Response, Storage, Window};

/// The window; islands run nowhere else.
pub(crate) fn window() -> Window {
    web_sys::window().expect("islands run in a window")
}

/// Width and height of the window's inside, in pixels.
pub(crate) fn window_size() -> (i32, i32) {
    let pixels = |size: Result<JsValue, JsValue>| {
        size.ok().and_then(|size| size.as_f64()).unwrap_or_default() as i32
    };
    (pixels(window().inner_width()), pixels(window().inner_height()))
}

/// The document of the page.
pub(crate) fn document() -> Document {
    window().document().expect("a window has a document")
}

/// The first element that matches.
pub(crate) fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// Every element below `root` that matches, in order.
pub(crate) fn all(root: &Element, selector: &str) -> Vec<Element> {
    let Ok(list) = root.query_selector_all(selector) else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect()
}

/// The whole page.
pub(crate) fn root() -> HtmlElement {
    document().document_element().and_then(|e| e.dyn_into().ok()).expect("a page has a root")
}

/// Puts a text on the clipboard. Browsers have none where the connection can be read by others.
pub(crate) fn copy(text: &str) -> bool {
    let navigator = field(&window(), "navigator");
    let is_there = field(&navigator, "clipboard").is_object();
    if is_there {
        let _ = window().navigator().clipboard().write_text(text);
    }
    is_there
}

/// Calls `act` on every such event, as long as the page lives.
pub(crate) fn on<E: FromWasmAbi + 'static>(
    target: &EventTarget,
    event: &str,
    act: impl FnMut(E) + 'static,
) {
    let act = Closure::<dyn FnMut(E)>::new(act);
    // Fails only for names that are no events.
    let _ = target.add_event_listener_with_callback(event, act.as_ref().unchecked_ref());
    act.forget();
}

/// Calls `act` once after so many milliseconds; the number cancels it.
pub(crate) fn later(ms: i32, act: impl FnOnce() + 'static) -> i32 {
    let act = Closure::once_into_js(act);
    window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(act.unchecked_ref(), ms)
        .unwrap_or_default()
}

/// Calls `act` every so many milliseconds, as long as the page lives.
pub(crate) fn every(ms: i32, act: impl FnMut() + 'static) {
    let act = Closure::<dyn FnMut()>::new(act);
    let _ = window()
        .set_interval_with_callback_and_timeout_and_arguments_0(act.as_ref().unchecked_ref(), ms);
    act.forget();
}

/// Calls `act` before the next frame is painted.
pub(crate) fn next_frame(act: impl FnOnce() + 'static) {
    let act = Closure::once_into_js(act);
    let _ = window().request_animation_frame(act.unchecked_ref());
}

/// GET; what the server complains of becomes the error.
async fn fetch(url: &str) -> Result<Response, String> {
    answered(window().fetch_with_str(url)).await
}

/// The answer to what was asked; what the server complains of becomes the error.
pub(crate) async fn answered(asked: Promise) -> Result<Response, String> {
    let answer =
        JsFuture::from(asked).await.map_err(|_| "The server does not answer.".to_owned())?;
    let answer: Response = answer.dyn_into().map_err(|_| "No answer.".to_owned())?;
    if answer.ok() {
        return Ok(answer);
    }
    let said = match answer.json() {
        Ok(body) => JsFuture::from(body).await.unwrap_or(JsValue::UNDEFINED),
        Err(_) => JsValue::UNDEFINED,
    };
    let message = text(&field(&said, "error"), "message");
    Err(match message.as_str() {
        "" => ["The server answered ", &answer.status().to_string(), "."].concat(),
        _ => message,
    })
}

/// GET, read as JSON.
pub(crate) async fn fetch_json(url: &str) -> Result<JsValue, String> {
    let unreadable = |_| "The answer of the server cannot be read.".to_owned();
    let body = fetch(url).await?.json().map_err(unreadable)?;
    JsFuture::from(body).await.map_err(unreadable)
}

/// GET, read as a page.
pub(crate) async fn fetch_page(url: &str) -> Result<Document, String> {
    let unreadable = |_| "The answer of the server cannot be read.".to_owned();
    let body = fetch(url).await?.text().map_err(unreadable)?;
    let text = JsFuture::from(body).await.map_err(unreadable)?.as_string().unwrap_or_default();
    web_sys::DomParser::new()
        .and_then(|parser| parser.parse_from_string(&text, web_sys::SupportedType::TextHtml))
        .map_err(unreadable)
}

/// A field of a JSON object.
pub(crate) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A text field of a JSON object; empty when it is not there.
pub(crate) fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

/// A list of a JSON object; empty when it is not there.
pub(crate) fn list(object: &JsValue, name: &str) -> Vec<JsValue> {
    field(object, name).dyn_into::<js_sys::Array>().map(|list| list.to_vec()).unwrap_or_default()
}

/// A whole number of a JSON object; zero when it is not there.
pub(crate) fn number(object: &JsValue, name: &str) -> u64 {
    field(object, name).as_f64().map_or(0, |number| number as u64)
}

/// The address under which the list has a run.
pub(crate) fn run_href(run: &JsValue) -> String {
    let has_prowjob = field(run, "has_prowjob").is_truthy();
    crate::model::short_run_href(&text(run, "id"), has_prowjob, &text(run, "href"))
}

/// JSON text as an object.
pub(crate) fn parse(json: &str) -> Option<JsValue> {
    js_sys::JSON::parse(json).ok()
}

/// The number in an attribute.
pub(crate) fn attribute(element: &Element, name: &str) -> u64 {
    element.get_attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// What the reader chose, kept in this browser.
pub(crate) fn setting(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Keeps a choice and applies it to the page; `None` goes back to the default.
pub(crate) fn choose(name: &str, value: Option<&str>) {
    let attribute = format!("data-{name}");
    // A browser that keeps nothing still applies it to this page.
    match value {
        Some(value) => {
            let _ = root().set_attribute(&attribute, value);
            let _ = storage().map(|kept| kept.set_item(name, value));
        }
        None => {
            let _ = root().remove_attribute(&attribute);
            let _ = storage().map(|kept| kept.remove_item(name));
        }
    }
}

/// Goes to another page.
pub(crate) fn go(href: &str) {
    let _ = window().location().assign(href);
}

/// Percent-encodes a value for a query.
pub(crate) fn encode(value: &str) -> String {
    crate::model::encode(value)
}

/// Sets a text only where it differs, so that nothing is laid out again for nothing.
pub(crate) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Gives a shape another state, as the server would have drawn it.
pub(crate) fn set_state(shape: &Element, state: RunState) {
    let _ = shape.set_attribute("class", &format!("s {}", state.word()));
    set_text(shape, state.word());
}
