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

    use crate::islands::dom;
    use crate::islands::stream::Stream;
    use crate::model::RunState;

    pub(super) fn start(news: RwSignal<Option<&'static str>>) {
        let Some(run) = dom::find("#run") else { return };
        let read = |name| run.get_attribute(name).unwrap_or_default();
        let (id, job) = (read("data-id"), read("data-job"));
        let shown = RunState::parse(&read("data-state"));
        if shown.is_over() || shown == RunState::Unknown {
            return;
        }
        let address = format!("/api/v1/runs/stream?job={}", dom::encode(&job));
        let stream: Rc<RefCell<Option<Stream>>> = Rc::default();
        let own = stream.clone();
        let opened = Stream::open(
            move |_| address.clone(),
            None,
            &["run"],
            move |_, data| {
                let Some(data) = dom::parse(data) else { return };
                if dom::text(&data, "id") != id {
                    return;
                }
                let state = RunState::parse(&dom::text(&data, "state"));
                if state == shown {
                    return;
                }
                // A page without a log shows nothing that a reload could take away.
                if dom::find("#log").is_none() {
                    let _ = dom::window().location().reload();
                    return;
                }
                if let Some(shape) = dom::find(".run-head i.s") {
                    dom::set_state(&shape, state);
                }
                if state.is_over() {
                    news.set(Some(state.word()));
                    if let Some(took) = dom::find(".took") {
                        let _ = took.class_list().remove_1("running");
                    }
                    if let Some(stream) = own.take() {
                        stream.end();
                    }
                }
            },
        );
        *stream.borrow_mut() = Some(opened);
    }
}
