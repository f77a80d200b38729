//! Makes the filter form quicker: menus apply at once, empty fields stay out of the address, and
//! job names are suggested.

use leptos::prelude::*;

/// Works on `#filters`; shows nothing itself.
#[island]
pub fn FilterForm() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(behaviour::start);
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::Cell;

    use leptos::task::spawn_local;
    use leptos::web_sys::js_sys::Array;
    use wasm_bindgen::JsCast;
    use web_sys::{Element, Event, HtmlFormElement, HtmlInputElement, HtmlSelectElement};

    use crate::islands::dom;

    /// How long a pause in typing is, before names are asked for.
    const PAUSE_MS: i32 = 150;

    pub(super) fn start() {
        let Some(form) = dom::find("#filters").and_then(|f| f.dyn_into::<HtmlFormElement>().ok())
        else {
            return;
        };
        let of_change = form.clone();
        dom::on(&form, "change", move |event: Event| {
            if event.target().is_some_and(|t| t.has_type::<HtmlSelectElement>()) {
                dom::go(&address(&of_change));
            }
        });
        let of_submit = form.clone();
        dom::on(&form, "submit", move |event: Event| {
            event.prevent_default();
            dom::go(&address(&of_submit));
        });
        if let (Some(names), Some(job)) = (dom::find("#job-names"), dom::find("#filters .job")) {
            suggest(names, job);
        }
    }

    /// The address that the form asks for, without its empty fields.
    fn address(form: &HtmlFormElement) -> String {
        let query: Vec<String> = dom::all(form, "select,input")
            .iter()
            .filter_map(|field| {
                let value = match field.dyn_ref::<HtmlSelectElement>() {
                    Some(select) => select.value(),
                    None => field.dyn_ref::<HtmlInputElement>()?.value(),
                };
                let name = field.get_attribute("name")?;
                let value = value.trim();
                (!value.is_empty()).then(|| format!("{name}={}", dom::encode(value)))
            })
            .collect();
        if query.is_empty() { "/".to_owned() } else { format!("/?{}", query.join("&")) }
    }

    fn suggest(names: Element, job: Element) {
        let Ok(input) = job.dyn_into::<HtmlInputElement>() else { return };
        let timer = Cell::new(0);
        let typed = input.clone();
        dom::on(&input, "input", move |_: Event| {
            dom::window().clear_timeout_with_handle(timer.get());
            let (names, typed) = (names.clone(), typed.clone());
            timer.set(dom::later(PAUSE_MS, move || {
                spawn_local(async move {
                    let text = typed.value();
                    let url = format!("/api/v1/suggest?kind=job&q={}", dom::encode(&text));
                    let Ok(found) = dom::fetch_json(&url).await else { return };
                    names.set_text_content(None);
                    for item in Array::from(&found).iter() {
                        if let Ok(option) = dom::document().create_element("option") {
                            let _ = option.set_attribute("value", &dom::text(&item, "label"));
                            let _ = names.append_child(&option);
                        }
                    }
                });
            }));
        });
    }
}
