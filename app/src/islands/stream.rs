//! A stream of events that survives lost connections and costs nothing while nobody looks.
//!
//! A browser opens only six connections to one server, so a hidden tab gives its own back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, EventSource, HtmlElement, MessageEvent};

use super::dom;

/// The first wait before a refused stream is asked for again; it doubles up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: i32 = 2_000;

/// A stream is shown as open when it has been so for this long: a page that has just come has more
/// important things to paint.
const SETTLED_MS: i32 = 500;

/// The longest wait.
const LONGEST_WAIT_MS: i32 = 60_000;

type Handler = Box<dyn Fn(&str, &str)>;

/// Makes the address of the next connection from the last event's id.
type Address = Box<dyn Fn(Option<&str>) -> String>;

/// A stream that is open, or will be again.
#[derive(Clone)]
pub(crate) struct Stream {
    inner: Rc<Inner>,
}

struct Inner {
    /// The address for the next connection, given the last event's id.
    address: Address,
    events: &'static [&'static str],
    handler: Handler,
    source: RefCell<Option<EventSource>>,
    last_id: RefCell<Option<String>>,
    wait_ms: Cell<i32>,
    ended: Cell<bool>,
}

impl Stream {
    /// Opens a stream and gives every event of these names to `handler` as name and data.
    pub(crate) fn open(
        address: impl Fn(Option<&str>) -> String + 'static,
        last_id: Option<String>,
        events: &'static [&'static str],
        handler: impl Fn(&str, &str) + 'static,
    ) -> Stream {
        let stream = Stream {
            inner: Rc::new(Inner {
                address: Box::new(address),
                events,
                handler: Box::new(handler),
                source: RefCell::new(None),
                last_id: RefCell::new(last_id),
                wait_ms: Cell::new(FIRST_WAIT_MS),
                ended: Cell::new(false),
            }),
        };
        let on_sight = stream.clone();
        dom::on(&dom::document(), "visibilitychange", move |_: Event| {
            if dom::document().hidden() {
                on_sight.disconnect();
                show(Live::Still);
            } else {
                on_sight.connect();
            }
        });
        stream.connect();
        stream
    }

    /// Ends the stream for good.
    pub(crate) fn end(&self) {
        self.inner.ended.set(true);
        self.disconnect();
        show(Live::Still);
    }

    fn disconnect(&self) {
        if let Some(source) = self.inner.source.take() {
            source.close();
        }
    }

    fn connect(&self) {
        let inner = &self.inner;
        if inner.ended.get() || inner.source.borrow().is_some() || dom::document().hidden() {
            return;
        }
        let address = (inner.address)(inner.last_id.borrow().as_deref());
        let Ok(source) = EventSource::new(&address) else { return };
        let opened = self.clone();
        dom::on(&source, "open", move |_: Event| {
            opened.inner.wait_ms.set(FIRST_WAIT_MS);
            let settled = opened.clone();
            dom::later(SETTLED_MS, move || settled.say_open());
        });
        let failed = self.clone();
        dom::on(&source, "error", move |_: Event| failed.lost());
        for name in inner.events {
            let heard = self.clone();
            dom::on(&source, name, move |event: MessageEvent| {
                let id = event.last_event_id();
                if !id.is_empty() {
                    *heard.inner.last_id.borrow_mut() = Some(id);
                }
                if let Some(data) = event.data().as_string() {
                    (heard.inner.handler)(name, &data);
                }
            });
        }
        *inner.source.borrow_mut() = Some(source);
    }

    fn say_open(&self) {
        let source = self.inner.source.borrow();
        if source.as_ref().is_some_and(|source| source.ready_state() == EventSource::OPEN) {
            show(Live::On);
        }
    }

    /// The browser tries again by itself unless the server refused; then we do, less and less often.
    fn lost(&self) {
        if self.inner.ended.get() {
            return;
        }
        show(Live::Lost);
        let refused = self
            .inner
            .source
            .borrow()
            .as_ref()
            .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
        if refused {
            self.disconnect();
            let wait_ms = self.inner.wait_ms.get();
            self.inner.wait_ms.set((wait_ms * 2).min(LONGEST_WAIT_MS));
            let again = self.clone();
            dom::later(wait_ms, move || again.connect());
        }
    }
}

/// The state of the stream as the bar shows it.
#[derive(Clone, Copy)]
enum Live {
    On,
    Lost,
    Still,
}

/// Says it in the bar: the word, and the shape of the dot.
fn show(live: Live) {
    let Some(mark) = dom::find("#live").and_then(|e| e.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    let (state, word, title) = match live {
        Live::On => ("on", "live", "Changes show as they happen"),
        Live::Lost => ("lost", "reconnecting", "The connection was lost; what you see may be old"),
        Live::Still => ("still", "data", "This page does not change by itself"),
    };
    let _ = mark.set_attribute("data-live", state);
    let _ = mark.set_attribute("title", title);
    if let Ok(Some(text)) = mark.query_selector(".live-word") {
        dom::set_text(&text, word);
    }
    if let (Live::On, Ok(Some(age))) = (live, mark.query_selector("time")) {
        age.remove();
    }
}
