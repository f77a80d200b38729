//! Keeps the rows of the run list true: a row that is shown changes in place, a row that is new
//! waits behind a quiet bar.

use std::collections::BTreeSet;

use leptos::prelude::*;

/// The bar; works on `#runs`.
#[island]
pub fn LiveRuns() -> impl IntoView {
    // Ids of runs that are new and not shown yet.
    let news = RwSignal::new(BTreeSet::<String>::new());
    // Whether the stream had a gap.
    let missed = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move || behaviour::start(news, missed));
    let fetch = move |_| {
        #[cfg(feature = "hydrate")]
        behaviour::fetch(news, missed);
    };
    let words = move || match news.with(BTreeSet::len) {
        0 => "Show what changed meanwhile".to_owned(),
        count => format!("{count} new"),
    };
    view! {
        <div class="news" role="status">
            <Show when=move || missed.get() || news.with(|news| !news.is_empty())>
                <button type="button" on:click=fetch>
                    {words}
                </button>
            </Show>
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::collections::BTreeSet;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsValue;
    use web_sys::Element;

    use crate::islands::dom;
    use crate::islands::stream::Stream;
    use crate::model::{RunState, time};

    /// The parts of the page that fresh data replaces.
    const PARTS: [&str; 4] = [".summary", ".histogram svg", ".histogram figcaption", "#runs tbody"];

    pub(super) fn start(news: RwSignal<BTreeSet<String>>, missed: RwSignal<bool>) {
        let Some(list) = dom::find("#runs") else { return };
        let Some(address) = list.get_attribute("data-stream") else { return };
        let from = list.get_attribute("data-stream-id");
        let resume = move |last: Option<&str>| match last {
            Some(id) => {
                let joint = if address.contains('?') { '&' } else { '?' };
                format!("{address}{joint}from={}", dom::encode(id))
            }
            None => address.clone(),
        };
        Stream::open(resume, from, &["run", "gone", "hello"], move |event, data| {
            let Some(data) = dom::parse(data) else { return };
            match event {
                "run" => match row_of(&dom::run_href(&data)) {
                    Some(row) => update(&row, &data),
                    None => news.update(|news| {
                        news.insert(dom::text(&data, "id"));
                    }),
                },
                "gone" => news.update(|news| {
                    news.remove(&dom::text(&data, "id"));
                }),
                // The server no longer knows what came between; the list has to be read again.
                "hello" if dom::field(&data, "resync").is_truthy() => missed.set(true),
                _ => {}
            }
        });
    }

    fn row_of(href: &str) -> Option<Element> {
        let names = dom::all(&dom::find("#runs")?, "td:nth-child(2) > a");
        let name = names.into_iter().find(|a| a.get_attribute("href").as_deref() == Some(href))?;
        name.closest("tr").ok().flatten()
    }

    /// Writes the new state into a row that is shown.
    fn update(row: &Element, run: &JsValue) {
        let word = dom::text(run, "state");
        let state = RunState::parse(&word);
        if let Ok(Some(shape)) = row.query_selector("i.s") {
            dom::set_state(&shape, state);
        }
        let finished_ms = dom::field(run, "finished_ms").as_f64();
        if let (Some(end), Ok(Some(length))) = (finished_ms, row.query_selector(".running")) {
            let took = end - dom::field(run, "started_ms").as_f64().unwrap_or(end);
            let _ = length.class_list().remove_1("running");
            dom::set_text(&length, &time::duration(took as i64));
        }
        if state.is_over()
            && let Ok(Some(button)) = row.query_selector("button[formaction]")
        {
            // What has ended cannot be aborted any more; it can be run again.
            let _ = button.remove_attribute("formaction");
            dom::set_text(&button, "rerun");
        }
    }

    /// Brings the new rows in, once the reader has asked for them.
    pub(super) fn fetch(news: RwSignal<BTreeSet<String>>, missed: RwSignal<bool>) {
        spawn_local(async move {
            let here = dom::window().location();
            let address = format!(
                "{}{}",
                here.pathname().unwrap_or_default(),
                here.search().unwrap_or_default()
            );
            match dom::fetch_page(&address).await {
                Ok(page) => {
                    for part in PARTS {
                        let fresh = page.query_selector(part).ok().flatten();
                        if let (Some(old), Some(fresh)) = (dom::find(part), fresh) {
                            old.set_inner_html(&fresh.inner_html());
                        }
                    }
                    news.update(BTreeSet::clear);
                    missed.set(false);
                }
                // The browser's own words for an unreachable server are better than ours.
                Err(_) => dom::go(&address),
            }
        });
    }
}
