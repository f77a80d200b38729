//! A button beside every text that one copies, such as the command that runs a test alone.

use leptos::prelude::*;

/// Works on `[data-copy]`; shows nothing itself.
#[island]
pub fn CopyButtons() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|| {
        use crate::islands::dom;
        use wasm_bindgen::JsCast;

        for text in dom::all(&dom::root(), "[data-copy]") {
            let Ok(button) = dom::document().create_element("button") else { continue };
            let _ = button.set_attribute("type", "button");
            let _ = button.class_list().add_1("copy");
            dom::set_text(&button, "copy");
            let (said, shown) = (button.clone(), text.clone());
            dom::on(button.unchecked_ref(), "click", move |_: web_sys::Event| {
                let words = shown.text_content().unwrap_or_default();
                dom::set_text(&said, if dom::copy(&words) { "copied" } else { "not allowed here" });
            });
            let _ = text.after_with_node_1(&button);
        }
    });
}
