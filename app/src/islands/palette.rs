//! The command palette (`/` or Ctrl-K), the keys for lists, and the list of keys (`?`).

use leptos::html::{Dialog, Input};
use leptos::prelude::*;

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    label: String,
    kind: &'static str,
    act: Act,
}

/// What choosing a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Go(String),
    Theme(Option<&'static str>),
    Local(bool),
}

/// What the palette offers before anything is typed: word, kind, address.
const PLACES: [(&str, &str, &str); 9] = [
    ("Runs", "page", "/"),
    ("Test grids", "page", "/testgrid"),
    ("Coverage", "page", "/coverage"),
    ("Configured jobs", "page", "/configured-jobs"),
    ("Webhook deliveries", "page", "/deliveries"),
    ("Status of the server", "page", "/status"),
    ("Failed runs", "filter", "/?state=failure"),
    ("Runs going on", "filter", "/?state=pending"),
    ("Periodics", "filter", "/?type=periodic"),
];

const COMMANDS: [(&str, Act); 6] = [
    ("Theme: as the system", Act::Theme(None)),
    ("Theme: light", Act::Theme(Some("light"))),
    ("Theme: dark", Act::Theme(Some("dark"))),
    ("Theme: high contrast", Act::Theme(Some("contrast"))),
    ("Exact times in UTC", Act::Local(false)),
    ("Exact times in local time", Act::Local(true)),
];

/// The keys, as the `?` dialog lists them.
const KEYS: [(&str, &str); 14] = [
    ("/  or  Ctrl K", "Search or run a command"),
    ("j  k", "Next and previous row, or line of a log"),
    ("Enter  or  o", "Open the row"),
    ("←  →", "Newer and older page"),
    ("w  t", "In a log: wrap lines, show when they were written"),
    ("f  n  N  e  E", "In a log: search, matches, errors"),
    ("J  K", "In a log: choose one more line, one less"),
    ("c  z", "In a log: copy the chosen lines, fold all parts"),
    ("G", "End of a log; it follows from there"),
    ("f  s  g  w", "In a test grid: filter, order, groups, width"),
    ("← ↑ ↓ →  Enter", "In a test grid: move, open the run"),
    ("m  c", "In a test grid: menu of the cell, of the column"),
    ("+  -", "In a test grid: wider and narrower columns"),
    ("?", "These keys"),
];

/// Places and commands whose words hold the text; a search for it comes last.
fn matching(text: &str) -> Vec<Item> {
    let text = text.trim();
    let wanted = text.to_lowercase();
    let mut items: Vec<Item> = PLACES
        .into_iter()
        .map(|(label, kind, href)| Item { label: label.into(), kind, act: Act::Go(href.into()) })
        .chain(COMMANDS.into_iter().filter(|_| !wanted.is_empty()).map(|(label, act)| Item {
            label: label.into(),
            kind: "command",
            act,
        }))
        .filter(|item| item.label.to_lowercase().contains(&wanted))
        .collect();
    if !text.is_empty() {
        items.push(Item {
            label: format!("Runs of jobs named {text}"),
            kind: "search",
            act: Act::Go(format!("/?job={}", crate::model::encode(text))),
        });
    }
    items
}

/// The dialogs; both are closed until a key or the search field opens them.
#[island]
pub fn Palette() -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let keys = NodeRef::<Dialog>::new();
    let input = NodeRef::<Input>::new();
    let text = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Item>::new());
    let chosen = RwSignal::new(0_usize);
    let items = Memo::new(move |_| {
        let text = text.get();
        // Until the server has answered for this text, what it found before counts where it fits.
        let wanted = text.trim().to_lowercase();
        let mut items = found.get();
        items.retain(|item| {
            let label = item.label.to_lowercase();
            wanted.split_whitespace().all(|word| label.contains(word))
        });
        items.extend(matching(&text));
        items
    });
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let (Some(dialog), Some(keys), Some(input)) =
            (dialog.get_untracked(), keys.get_untracked(), input.get_untracked())
        {
            behaviour::start(behaviour::Parts { dialog, keys, input, text, found, chosen });
        }
    });
    let run = move |item: Item| {
        #[cfg(feature = "hydrate")]
        behaviour::run(item, dialog.get_untracked());
        #[cfg(not(feature = "hydrate"))]
        let _ = item;
    };
    let key = move |event: leptos::ev::KeyboardEvent| {
        let count = items.with_untracked(Vec::len).max(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                if let Some(item) =
                    items.with_untracked(|items| items.get(chosen.get_untracked()).cloned())
                {
                    run(item);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let typed = move |event: leptos::ev::Event| {
        chosen.set(0);
        text.set(event_target_value(&event));
    };
    let lines = move || {
        items
            .get()
            .into_iter()
            .enumerate()
            .map(|(at, item)| {
                let href = match &item.act {
                    Act::Go(href) => href.clone(),
                    _ => "#".to_owned(),
                };
                let clicked = item.clone();
                let click = move |event: leptos::ev::MouseEvent| {
                    if !event.ctrl_key() && !event.meta_key() {
                        event.prevent_default();
                        run(clicked.clone());
                    }
                };
                view! {
                    <li
                        id=format!("palette-{at}")
                        role="option"
                        aria-selected=move || (chosen.get() == at).to_string()
                    >
                        <a href=href tabindex="-1" on:click=click>
                            <span>{item.label}</span>
                            <span class="kind">{item.kind}</span>
                        </a>
                    </li>
                }
            })
            .collect_view()
    };
    let key_list =
        KEYS.map(|(keys, does)| view! { <dt><kbd>{keys}</kbd></dt><dd>{does}</dd> }).collect_view();
    view! {
        <dialog class="palette" node_ref=dialog aria-label="Search or run a command">
            <input
                type="search"
                node_ref=input
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", chosen.get())
                aria-label="Search or run a command"
                placeholder="A job, a page, a command"
                autocomplete="off"
                spellcheck="false"
                prop:value=text
                on:input=typed
                on:keydown=key
            />
            <ul id="palette-list" role="listbox" aria-label="Suggestions">
                {lines}
            </ul>
        </dialog>
        <dialog class="keys" node_ref=keys aria-labelledby="keys-title">
            <h2 id="keys-title">"Keys"</h2>
            <dl>{key_list}</dl>
            <form method="dialog" class="dialog-actions">
                <button>"Close"</button>
            </form>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::Cell;
    use std::rc::Rc;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::web_sys::js_sys::Array;
    use wasm_bindgen::JsCast;
    use web_sys::{
        Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent,
        MouseEvent, ScrollIntoViewOptions, ScrollLogicalPosition,
    };

    use super::{Act, Item};
    use crate::islands::{dom, times};

    /// How long a pause in typing is, before the server is asked.
    const PAUSE_MS: i32 = 120;

    /// Lines that come from the server.
    const FOUND: u32 = 12;

    pub(super) struct Parts {
        pub(super) dialog: HtmlDialogElement,
        pub(super) keys: HtmlDialogElement,
        pub(super) input: HtmlInputElement,
        pub(super) text: RwSignal<String>,
        pub(super) found: RwSignal<Vec<Item>>,
        pub(super) chosen: RwSignal<usize>,
    }

    pub(super) fn start(parts: Parts) {
        let Parts { dialog, keys, input, text, found, chosen } = parts;
        let open: Rc<dyn Fn(String)> = Rc::new(move |with: String| {
            if !dialog.open() {
                text.set(with);
                chosen.set(0);
                let _ = dialog.show_modal();
                let _ = input.focus();
            }
        });
        search_field(open.clone());
        ask_server(text, found);
        dom::on(&dom::document(), "keydown", move |event: KeyboardEvent| {
            let key = event.key();
            let palette = key == "k" && (event.ctrl_key() || event.meta_key());
            if !palette
                && (event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(&event))
            {
                return;
            }
            let handled = match key.as_str() {
                "/" => {
                    open(String::new());
                    true
                }
                "k" if palette => {
                    open(String::new());
                    true
                }
                "?" => keys.show_modal().is_ok(),
                "j" => step(1),
                "k" => step(-1),
                "o" | "Enter" => follow(),
                "ArrowLeft" => turn("prev"),
                "ArrowRight" => turn("next"),
                _ => false,
            };
            if handled {
                event.prevent_default();
            }
        });
    }

    /// The field in the bar is the way in for the mouse; what is typed there moves over.
    fn search_field(open: Rc<dyn Fn(String)>) {
        let Some(field) =
            dom::find(".search input").and_then(|f| f.dyn_into::<HtmlInputElement>().ok())
        else {
            return;
        };
        let by_click = open.clone();
        dom::on(&field, "click", move |_: MouseEvent| by_click(String::new()));
        let typed = field.clone();
        dom::on(&field, "input", move |_: Event| {
            let text = typed.value();
            typed.set_value("");
            open(text);
        });
    }

    /// Asks for names that resemble the text, when typing pauses.
    fn ask_server(text: RwSignal<String>, found: RwSignal<Vec<Item>>) {
        let timer = Cell::new(0);
        Effect::new(move || {
            let wanted = text.get();
            dom::window().clear_timeout_with_handle(timer.get());
            if wanted.trim().is_empty() {
                found.set(Vec::new());
                return;
            }
            timer.set(dom::later(PAUSE_MS, move || {
                spawn_local(async move {
                    let url = format!("/api/v1/suggest?limit={FOUND}&q={}", dom::encode(&wanted));
                    let Ok(answer) = dom::fetch_json(&url).await else { return };
                    if text.get_untracked() != wanted {
                        return;
                    }
                    let answer = Array::from(&answer);
                    let items = answer.iter().map(|item| Item {
                        label: dom::text(&item, "label"),
                        kind: match dom::text(&item, "kind").as_str() {
                            "job" => "job",
                            "repository" => "repository",
                            _ => "run",
                        },
                        act: Act::Go(dom::text(&item, "href")),
                    });
                    found.set(items.collect());
                });
            }));
        });
    }

    pub(super) fn run(item: Item, dialog: Option<HtmlDialogElement>) {
        if let Some(dialog) = dialog {
            dialog.close();
        }
        match item.act {
            Act::Go(href) => dom::go(&href),
            Act::Theme(theme) => dom::choose("theme", theme),
            Act::Local(local) => times::show_local(local),
        }
    }

    /// Whether a key belongs to a field or to an open dialog.
    fn is_typing(event: &KeyboardEvent) -> bool {
        event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|target| target.closest("input,textarea,select,dialog").ok().flatten())
            .is_some()
    }

    fn rows() -> Vec<Element> {
        dom::find("[data-moves]")
            .map(|list| dom::all(&list, ":scope > tbody > tr, li"))
            .unwrap_or_default()
    }

    /// Moves the mark in the list by one row.
    fn step(by: isize) -> bool {
        let rows = rows();
        let Some(last) = rows.len().checked_sub(1) else { return false };
        let at = rows.iter().position(|row| row.class_list().contains("at"));
        let next = match at {
            Some(at) => at.saturating_add_signed(by).min(last),
            None => 0,
        };
        if let Some(at) = at {
            let _ = rows[at].class_list().remove_1("at");
        }
        let row = &rows[next];
        let _ = row.class_list().add_1("at");
        let gently = ScrollIntoViewOptions::new();
        gently.set_block(ScrollLogicalPosition::Nearest);
        row.scroll_into_view_with_scroll_into_view_options(&gently);
        if let Some(link) = link_of(row) {
            let _ = link.focus();
        }
        true
    }

    /// Opens the marked row. Enter on a focused link is the browser's own business.
    fn follow() -> bool {
        let focused = dom::document().active_element();
        if focused.is_some_and(|e| e.matches("a,button,summary").unwrap_or(false)) {
            return false;
        }
        let marked = rows().into_iter().find(|row| row.class_list().contains("at"));
        match marked.and_then(|row| link_of(&row)) {
            Some(link) => {
                link.click();
                true
            }
            None => false,
        }
    }

    fn link_of(row: &Element) -> Option<HtmlElement> {
        let name = row.query_selector("a.name,td:nth-child(2) > a").ok().flatten();
        name.or_else(|| row.query_selector("a").ok().flatten())?.dyn_into().ok()
    }

    /// Goes to the page before or after, unless something focused uses the arrow itself.
    fn turn(rel: &str) -> bool {
        let scrolls = dom::document()
            .active_element()
            .is_some_and(|e| e.matches("[tabindex='0'],summary").unwrap_or(false));
        let link = dom::find(&format!("main a[rel={rel}]"))
            .and_then(|link| link.dyn_into::<HtmlElement>().ok());
        match link {
            Some(link) if !scrolls => {
                link.click();
                true
            }
            _ => false,
        }
    }
}
