//! Keeps the head of a run's page true while the run goes on, and says when it has ended.

use leptos::prelude::*;

/// The bar that says so; works on `#run`.
#[island]
pub fn LiveRun() -> impl IntoView {
    let news = RwSignal::new(None::<&'static str>);
    #[cfg(feature = "hydrate")]
    Effect::new(move || behaviour::start(news));
    view! {
        <div role="status">
            {move || {
                news.get()
                    .map(|word| {
                        view! {
                            <p class="run-news">
                                <span>"The run has ended: " <b>{word}</b> "."</span>
                                <a href="">"Show the result"</a>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::RefCell;
    use std::rc::Rc;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::web_sys::js_sys::Array;
    use wasm_bindgen::JsValue;

    use crate::islands::dom;
    use crate::islands::stream::Stream;
    use crate::model::RunState;

    /// The run of this page, while it goes on.
    #[derive(Clone)]
    struct Watched {
        id: Rc<str>,
        query: Rc<str>,
        shown: RunState,
        stream: Rc<RefCell<Option<Stream>>>,
        news: RwSignal<Option<&'static str>>,
    }

    /// A ProwJob's name is known here for as long as the history is kept; the place of the
    /// artifacts is what people should copy out of the address bar.
    fn show_lasting_address(href: &str) {
        let window = dom::window();
        let here = window.location();
        let short = here.pathname().is_ok_and(|path| path.starts_with("/run/"));
        if short && href.starts_with("/view/") {
            let rest = [here.search(), here.hash()].map(Result::unwrap_or_default).concat();
            if let Ok(history) = window.history() {
                let lasting = format!("{href}{rest}");
                let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&lasting));
            }
        }
    }

    pub(super) fn start(news: RwSignal<Option<&'static str>>) {
        let Some(run) = dom::find("#run") else { return };
        let read = |name| run.get_attribute(name).unwrap_or_default();
        show_lasting_address(&read("data-href"));
        let shown = RunState::parse(&read("data-state"));
        if shown.is_over() || shown == RunState::Unknown {
            return;
        }
        let watched = Watched {
            id: read("data-id").into(),
            query: format!("job={}", dom::encode(&read("data-job"))).into(),
            shown,
            stream: Rc::default(),
            news,
        };
        let (of_address, of_event) = (watched.clone(), watched.clone());
        let opened = Stream::open(
            move |_| format!("/api/v1/runs/stream?{}", of_address.query),
            None,
            &["run", "hello"],
            move |event, data| match event {
                // The run may have gone on between this page and the stream.
                "hello" => spawn_local(of_event.clone().look()),
                _ => {
                    if let Some(row) = dom::parse(data) {
                        of_event.apply(&row);
                    }
                }
            },
        );
        *watched.stream.borrow_mut() = Some(opened);
    }

    impl Watched {
        async fn look(self) {
            let url = format!("/api/v1/runs?limit=50&{}", self.query);
            if let Ok(page) = dom::fetch_json(&url).await {
                for row in Array::from(&dom::field(&page, "rows")).iter() {
                    self.apply(&row);
                }
            }
        }

        /// Writes a new state into the head of the page, if the row is this run's.
        fn apply(&self, row: &JsValue) {
            let state = RunState::parse(&dom::text(row, "state"));
            if dom::text(row, "id") != *self.id || state == self.shown {
                return;
            }
            if let Some(shape) = dom::find(".run-head i.s") {
                dom::set_state(&shape, state);
            }
            if let (Some(verdict), Some(words)) =
                (dom::find(".verdict"), dom::find(".verdict-words"))
            {
                let _ = verdict.set_attribute("class", &format!("verdict {}", state.word()));
                dom::set_text(&words, state.verdict());
            }
            if state.is_over() {
                self.news.set(Some(state.word()));
                if let Some(took) = dom::find(".took") {
                    let _ = took.class_list().remove_1("running");
                }
                if let Some(stream) = self.stream.take() {
                    stream.end();
                }
            }
        }
    }
}
