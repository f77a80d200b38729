//! The log viewer: a window onto the whole log.
//!
//! Only the lines in sight, and some around them, are in the page; others are loaded when they
//! come near. While the run goes on, new lines arrive by a stream, and the view stays at the end
//! for as long as the reader leaves it there.

#[cfg(feature = "hydrate")]
mod choice;
#[cfg(feature = "hydrate")]
mod folds;
#[cfg(feature = "hydrate")]
mod line;
#[cfg(feature = "hydrate")]
mod search;
#[cfg(feature = "hydrate")]
mod tools;
#[cfg(feature = "hydrate")]
mod window;

use leptos::prelude::*;

/// The tools of the viewer; works on `#log`.
#[island]
pub fn LogViewer() -> impl IntoView {
    let wrapped = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let found = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    let act = {
        let viewer = StoredValue::new_local(None::<window::Viewer>);
        Effect::new(move || viewer.set_value(window::start(wrapped, note, found)));
        move |tool: Tool| {
            viewer.with_value(|viewer| {
                if let Some(viewer) = viewer {
                    viewer.use_tool(tool);
                }
            });
        }
    };
    #[cfg(not(feature = "hydrate"))]
    let act = |tool: Tool| {
        let _ = tool;
    };
    view! {
        <span class="log-tools with-script">
            <input
                type="search"
                class="log-search"
                aria-label="Search the log: a regular expression (f)"
                placeholder="search: regex"
                autocomplete="off"
                spellcheck="false"
            />
            <span class="log-found" role="status">{found}</span>
            <button type="button" on:click=move |_| act(Tool::Previous) title="Match before (N)" aria-label="Match before">
                "↑"
            </button>
            <button type="button" on:click=move |_| act(Tool::Next) title="Next match (n)" aria-label="Next match">
                "↓"
            </button>
            <button type="button" on:click=move |_| act(Tool::NextError) title="Next error (e)">
                "next error"
            </button>
            <button
                type="button"
                aria-pressed=move || wrapped.get().to_string()
                on:click=move |_| act(Tool::Wrap)
                title="Wrap long lines (w)"
            >
                "wrap"
            </button>
            <button
                type="button"
                on:click=move |_| act(Tool::Times)
                title="When lines were written: since the start, in UTC, not at all (t)"
            >
                "times"
            </button>
            <button type="button" on:click=move |_| act(Tool::Fold) title="Fold or unfold all parts (z)">
                "fold"
            </button>
            <button
                type="button"
                on:click=move |_| act(Tool::Copy)
                title="Copy the chosen lines without their numbers (c)"
            >
                "copy"
            </button>
            <button type="button" on:click=move |_| act(Tool::First)>
                "first line"
            </button>
            <button type="button" on:click=move |_| act(Tool::Last) title="End of the log (G)">
                "last line"
            </button>
            <span class="log-note" role="status">{note}</span>
        </span>
    }
}

/// What the buttons ask of the viewer.
#[derive(Clone, Copy)]
enum Tool {
    Wrap,
    Times,
    Fold,
    Copy,
    First,
    Last,
    Previous,
    Next,
    NextError,
}
