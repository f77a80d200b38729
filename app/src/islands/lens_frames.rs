//! Answers the messages of lenses that other servers offer, as Deck's page does: a lens in a frame asks
//! its server through the page, tells how high it is and where the reader is.

use leptos::prelude::*;

/// Works on `iframe.remote`; shows nothing itself.
#[island]
pub fn LensFrames() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(behaviour::start);
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use leptos::task::spawn_local;
    use leptos::web_sys::js_sys::futures::JsFuture;
    use leptos::web_sys::js_sys::{Array, Object, Reflect, decode_uri_component};
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{
        Element, HtmlElement, HtmlFormElement, HtmlInputElement, MessageEvent, RequestInit,
    };

    use crate::islands::dom;

    /// The highest that a frame may make itself, in pixels.
    const HIGHEST: f64 = 20_000.0;

    pub(super) fn start() {
        follow_fragment(load);
        dom::on(&dom::window(), "hashchange", |_: web_sys::Event| follow_fragment(tell));
        let early = dom::field(&dom::root(), "heard");
        for event in early.dyn_ref::<Array>().into_iter().flat_map(Array::iter) {
            hear(&event.unchecked_into());
        }
        // The page keeps no more of them.
        let _ = Reflect::set(&dom::root(), &JsValue::from_str("heard"), &JsValue::NULL);
        dom::on(&dom::window(), "message", |event: MessageEvent| hear(&event));
    }

    /// Answers a message of a frame.
    fn hear(event: &MessageEvent) {
        let Some(frame) = sender(event) else { return };
        let data = event.data();
        let message = dom::field(&data, "message");
        let text = dom::text(&message, "data");
        let id = dom::field(&data, "id");
        match dom::text(&message, "type").as_str() {
            "contentUpdated" => {
                let height = dom::field(&message, "height").as_f64().unwrap_or_default();
                if let Some(frame) = frame.dyn_ref::<HtmlElement>() {
                    let height = format!("{}px", height.clamp(40.0, HIGHEST).ceil());
                    let _ = frame.style().set_property("height", &height);
                }
                reply(&frame, &id, "");
            }
            "request" => ask(frame, "data-callback", text, id),
            "requestPage" => ask(frame, "data-rerender", text, id),
            "updatePage" => update(&frame, &text),
            "updateHash" => {
                let hash = dom::text(&message, "hash");
                let inner = dom::encode(hash.trim_start_matches('#'));
                let key = frame.get_attribute("data-key").unwrap_or_default();
                let address = ["#", &key, ":", &inner].concat();
                if let Ok(history) = dom::window().history() {
                    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
                }
                reply(&frame, &id, "");
            }
            "showOffset" => {
                let top = dom::field(&message, "top").as_f64().unwrap_or_default();
                let window = dom::window();
                let at = frame.get_bounding_client_rect().top();
                let scrolled = window.scroll_y().unwrap_or_default();
                window.scroll_to_with_x_and_y(0.0, scrolled + at + top);
                reply(&frame, &id, "");
            }
            _ => {}
        }
    }

    /// The frame that a message came from: its origin says nothing, since it has none.
    fn sender(event: &MessageEvent) -> Option<Element> {
        let source = event.source()?;
        let source: &JsValue = source.as_ref();
        let mut frames = dom::all(&dom::root(), "iframe.remote").into_iter();
        frames.find(|frame| Object::is(&dom::field(frame, "contentWindow"), source))
    }

    /// Asks the lens's server and tells the frame what it said; a failure is told as text.
    fn ask(frame: Element, address: &str, body: String, id: JsValue) {
        let address = frame.get_attribute(address).unwrap_or_default();
        spawn_local(async move {
            let init = RequestInit::new();
            init.set_method("POST");
            init.set_body(&JsValue::from_str(&body));
            let asked = dom::window().fetch_with_str_and_init(&address, &init);
            let said = match dom::answered(asked).await {
                Ok(answer) => match answer.text() {
                    Ok(text) => JsFuture::from(text)
                        .await
                        .ok()
                        .and_then(|text| text.as_string())
                        .unwrap_or_default(),
                    Err(_) => String::new(),
                },
                Err(problem) => problem,
            };
            reply(&frame, &id, &said);
        });
    }

    /// Loads the frame with what its lens makes of the data. It is sent as a form: a frame of no origin
    /// cannot be written to.
    fn update(frame: &Element, data: &str) {
        let attribute = |name| frame.get_attribute(name).unwrap_or_default();
        let make = |tag| dom::document().create_element(tag).ok();
        let form = make("form").and_then(|form| form.dyn_into::<HtmlFormElement>().ok());
        let field = make("input").and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
        let (Some(form), Some(field)) = (form, field) else { return };
        form.set_method("post");
        form.set_action(&attribute("data-update"));
        form.set_target(&attribute("name"));
        field.set_type("hidden");
        field.set_name("data");
        field.set_value(data);
        let _ = form.append_child(&field);
        let _ = dom::root().append_child(&form);
        let _ = form.submit();
        form.remove();
    }

    fn reply(frame: &Element, id: &JsValue, data: &str) {
        post(frame, id, "response", ("data", data));
    }

    /// Sends a frame a message of a type with one field.
    fn post(frame: &Element, id: &JsValue, of_type: &str, field: (&str, &str)) {
        let set = |object: &Object, name: &str, value: &JsValue| {
            let _ = Reflect::set(object, &JsValue::from_str(name), value);
        };
        let (message, answer) = (Object::new(), Object::new());
        set(&message, "type", &JsValue::from_str(of_type));
        set(&message, field.0, &JsValue::from_str(field.1));
        set(&answer, "id", id);
        set(&answer, "message", &message);
        let window = dom::field(frame, "contentWindow");
        if window.is_object() {
            // The frame has no origin that could be named, and a window of another realm.
            let _ = window.unchecked_into::<web_sys::Window>().post_message(&answer, "*");
        }
    }

    /// `#<key or place>:<fragment>;…` of the address goes to the frames, each its own part.
    fn follow_fragment(to: impl Fn(&Element, &str)) {
        let fragment = dom::window().location().hash().unwrap_or_default();
        for part in fragment.trim_start_matches('#').split(';') {
            let Some((whose, inner)) = part.split_once(':') else { continue };
            for frame in dom::all(&dom::root(), "iframe.remote") {
                let is = |name| frame.get_attribute(name).is_some_and(|own| own == whose);
                if (is("data-key") || is("data-index")) && !inner.is_empty() {
                    let inner = decode_uri_component(inner).map(String::from).unwrap_or_default();
                    to(&frame, &inner);
                }
            }
        }
    }

    /// Loads a frame at its fragment.
    fn load(frame: &Element, inner: &str) {
        let src = frame.get_attribute("src").unwrap_or_default();
        let _ = frame.set_attribute("src", &[&src, "#", inner].concat());
    }

    /// Tells a frame that stands there already that the address has changed, as Deck's page means to.
    fn tell(frame: &Element, inner: &str) {
        post(frame, &JsValue::NULL, "hashUpdate", ("hash", &["#", inner].concat()));
    }
}
