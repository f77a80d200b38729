//! The card of a job in the run list: its last results as a strip, and every place that the job
//! and its run lead to. It opens beside a name on which the pointer or the keyboard rests.

use leptos::html::Div;
use leptos::prelude::*;

use crate::model::RunState;

/// What the card shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Card {
    job: String,
    /// Oldest first, as time runs.
    results: Vec<Past>,
    /// The pull requests that the run tests, by number and title.
    pulls: Vec<String>,
    /// How often it went well, and how long it takes.
    words: String,
    /// Where the job and the run lead: word, address.
    places: Vec<(&'static str, String)>,
}

/// One result of the strip.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Past {
    href: String,
    state: RunState,
    title: String,
    /// Whether it is the run on whose name the pointer rests.
    here: bool,
}

/// The card; works on `#runs`, and is not there until it is asked for.
#[island]
pub fn JobCard() -> impl IntoView {
    let card = RwSignal::new(None::<Card>);
    let frame = NodeRef::<Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let Some(frame) = frame.get_untracked() {
            behaviour::start(frame, card);
        }
    });
    let inside = move || {
        card.get().map(|card| {
            let results = card
                .results
                .into_iter()
                .map(|past| {
                    view! {
                        <li>
                            <a href=past.href title=past.title aria-current=past.here.then_some("true")>
                                <i class=format!("s {}", past.state.word())>{past.state.word()}</i>
                            </a>
                        </li>
                    }
                })
                .collect_view();
            let places = card
                .places
                .into_iter()
                .map(|(word, href)| view! { <li><a href=href>{word}</a></li> })
                .collect_view();
            view! {
                <p class="job-card-name">{card.job}</p>
                {card.pulls.into_iter().map(|pull| view! { <p>{pull}</p> }).collect_view()}
                <ol class="strip" aria-label="Last results, newest at the end">{results}</ol>
                <p class="quiet">{card.words}</p>
                <ul class="job-card-places">{places}</ul>
            }
        })
    };
    view! {
        <div
            class="job-card"
            node_ref=frame
            role="group"
            aria-label="About this job"
            hidden=move || card.with(Option::is_none)
        >
            {inside}
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::web_sys::js_sys::Date;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Element, Event, FocusEvent, HtmlElement, KeyboardEvent, PointerEvent};

    use super::{Card, Past};
    use crate::islands::dom;
    use crate::model::{JobFilter, RunFilter, RunKind, RunState, encode, time};

    /// The names that have a card.
    const NAMES: &str = ".runs td:nth-child(2) > a";
    /// How long the pointer rests on a name before its card opens: none flashes by on the way.
    const REST_MS: i32 = 350;
    /// How long the pointer may take from the name to the card.
    const AWAY_MS: i32 = 250;
    /// Results of the strip.
    const RESULTS: usize = 20;
    /// Space between the card and what is around it, in CSS pixels.
    const GAP: f64 = 4.0;

    struct Opener {
        frame: HtmlElement,
        card: RwSignal<Option<Card>>,
        timer: Cell<i32>,
        /// The name whose card is open or on its way.
        name: RefCell<Option<Element>>,
    }

    pub(super) fn start(frame: web_sys::HtmlDivElement, card: RwSignal<Option<Card>>) {
        let Some(list) = dom::find("#runs") else { return };
        let opener = Rc::new(Opener {
            frame: frame.unchecked_into(),
            card,
            timer: Cell::new(0),
            name: RefCell::new(None),
        });
        let over = opener.clone();
        dom::on(&list, "pointerover", move |event: PointerEvent| {
            // A finger does not rest on a name: it follows it.
            if event.pointer_type() != "touch" {
                over.rests_on(element(&event));
            }
        });
        let out = opener.clone();
        dom::on(&list, "pointerleave", move |_: PointerEvent| out.goes_away());
        let focus = opener.clone();
        dom::on(&list, "focusin", move |event: FocusEvent| {
            let target = element(&event);
            if target.as_ref().is_some_and(|on| on.matches(":focus-visible").unwrap_or(false)) {
                focus.rests_on(target);
            }
        });
        let key = opener.clone();
        dom::on(&dom::document(), "keydown", move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                key.close();
            }
        });
        dom::on(&dom::window(), "scroll", move |_: Event| opener.close());
    }

    fn element(event: &Event) -> Option<Element> {
        event.target()?.dyn_into().ok()
    }

    impl Opener {
        /// The pointer or the focus has come to an element of the list.
        fn rests_on(self: &Rc<Self>, element: Option<Element>) {
            let Some(element) = element else { return };
            if self.frame.contains(Some(&element)) {
                self.wait(0, |_| {});
                return;
            }
            match element.closest(NAMES).ok().flatten() {
                Some(name) => {
                    if self.name.borrow().as_ref() != Some(&name) {
                        self.wait(REST_MS, move |opener| opener.open(name));
                    } else {
                        self.wait(0, |_| {});
                    }
                }
                None => self.goes_away(),
            }
        }

        fn goes_away(self: &Rc<Self>) {
            self.wait(AWAY_MS, |opener| opener.close());
        }

        /// Does this after a pause, instead of whatever was to come; nothing when there is none.
        fn wait(self: &Rc<Self>, ms: i32, act: impl FnOnce(&Rc<Opener>) + 'static) {
            dom::window().clear_timeout_with_handle(self.timer.get());
            if ms > 0 {
                let opener = self.clone();
                self.timer.set(dom::later(ms, move || act(&opener)));
            }
        }

        fn close(&self) {
            dom::window().clear_timeout_with_handle(self.timer.get());
            *self.name.borrow_mut() = None;
            if self.card.with_untracked(Option::is_some) {
                self.card.set(None);
            }
        }

        fn open(self: &Rc<Self>, name: Element) {
            let job = name.text_content().unwrap_or_default();
            let href = name.get_attribute("href").unwrap_or_default();
            *self.name.borrow_mut() = Some(name.clone());
            let opener = self.clone();
            spawn_local(async move {
                let url = format!("/api/v1/runs?limit={RESULTS}&job={}", encode(&job));
                // Without an answer there is no card; the name still leads to its run.
                let Ok(page) = dom::fetch_json(&url).await else { return };
                if opener.name.borrow().as_ref() != Some(&name) {
                    return;
                }
                opener.card.set(Some(card(&job, &href, &page)));
                dom::next_frame(move || opener.place(&name));
            });
        }

        /// Below the name where there is room, else above it; never beyond the window.
        fn place(&self, name: &Element) {
            let name = name.get_bounding_client_rect();
            let frame = self.frame.get_bounding_client_rect();
            let height = dom::root().client_height();
            let width = f64::from(dom::root().client_width());
            let below = name.bottom() + GAP;
            let fits = below + frame.height() + GAP <= f64::from(height);
            let top = if fits { below } else { name.top() - GAP - frame.height() };
            let left = name.left().min(width - frame.width() - 2.0 * GAP).max(GAP);
            let style = self.frame.style();
            let _ = style.set_property("top", &format!("{top}px"));
            let _ = style.set_property("left", &format!("{left}px"));
        }
    }

    /// The card of a job, from a page of its runs; `href` is the run that was pointed at.
    fn card(job: &str, href: &str, page: &JsValue) -> Card {
        let rows = dom::list(page, "rows");
        let now_ms = dom::field(page, "now_ms").as_f64().unwrap_or_else(Date::now) as i64;
        let mut results: Vec<Past> = rows.iter().map(|row| past(row, href, now_ms)).collect();
        results.reverse();
        let ended = |state| results.iter().filter(|past| past.state == state).count();
        let good = ended(RunState::Success);
        let judged = good + ended(RunState::Failure);
        let mut words = match judged {
            0 => "None of these has passed or failed".to_owned(),
            _ => format!("{good} of {judged} passed"),
        };
        if let Some(usual) = usual_ms(&rows) {
            words.push_str(&format!(", usually in {}", time::duration(usual)));
        }
        let shown = rows.iter().find(|row| dom::run_href(row) == href);
        let all = RunFilter { job: Some(job.to_owned()), ..RunFilter::default() };
        let mut places = vec![("All its runs", all.href())];
        let pulls = shown.map(titles).unwrap_or_default();
        if let Some(run) = shown.or(rows.first()) {
            let refs = dom::field(run, "refs");
            let part = |name| Some(dom::text(&refs, name)).filter(|text| !text.is_empty());
            let kind = RunKind::parse(&dom::text(run, "kind"));
            // A periodic stands under no repository, whatever it checks out.
            let of_repo = kind != Some(RunKind::Periodic);
            let configured = JobFilter {
                org: of_repo.then(|| part("org")).flatten(),
                repo: of_repo.then(|| part("repo")).flatten(),
                kind,
                job: Some(job.to_owned()),
                ..JobFilter::default()
            };
            places.push(("Configured job", configured.href()));
        }
        places.push(("Log", format!("{href}?tab=log")));
        places.push(("Artifacts", format!("{href}?tab=artifacts")));
        places.push(("Badge", format!("/badge.svg?jobs={}", encode(job))));
        Card { job: job.to_owned(), pulls, results, words, places }
    }

    fn titles(run: &JsValue) -> Vec<String> {
        let pulls = dom::list(&dom::field(run, "refs"), "pulls");
        let titled = pulls.iter().filter_map(|pull| {
            let title = dom::text(pull, "title");
            (!title.is_empty()).then(|| format!("#{} {title}", dom::number(pull, "number")))
        });
        titled.collect()
    }

    fn past(row: &JsValue, href: &str, now_ms: i64) -> Past {
        let state = RunState::parse(&dom::text(row, "state"));
        let started_ms = dom::field(row, "started_ms").as_f64().unwrap_or_default() as i64;
        let mut title = format!("{}, started {}", state.word(), time::relative(started_ms, now_ms));
        if let Some(took) = took_ms(row) {
            title.push_str(&format!(", took {}", time::duration(took)));
        }
        let of = dom::run_href(row);
        Past { here: of == href, href: of, state, title }
    }

    fn took_ms(row: &JsValue) -> Option<i64> {
        let end = dom::field(row, "finished_ms").as_f64()?;
        Some((end - dom::field(row, "started_ms").as_f64()?).max(0.0) as i64)
    }

    /// The median of the runs that passed: those that failed early would make it too short.
    fn usual_ms(rows: &[JsValue]) -> Option<i64> {
        let mut took: Vec<i64> = rows
            .iter()
            .filter(|row| dom::text(row, "state") == RunState::Success.word())
            .filter_map(took_ms)
            .collect();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }
}
