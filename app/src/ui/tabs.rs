//! A strip of tabs; each is a link, so a tab is an address.

use leptos::prelude::*;

/// One tab.
pub(crate) struct Tab {
    /// Its word.
    pub(crate) label: String,
    /// A number or size beside the word; may be empty.
    pub(crate) note: String,
    /// Where it leads.
    pub(crate) href: String,
    /// Whether it is the one shown.
    pub(crate) current: bool,
}

/// The strip.
#[component]
pub(crate) fn Tabs(label: &'static str, tabs: Vec<Tab>) -> impl IntoView {
    view! {
        <nav class="tabs" aria-label=label>
            {tabs
                .into_iter()
                .map(|tab| {
                    view! {
                        <a href=tab.href aria-current=tab.current.then_some("page")>
                            {tab.label}
                            {(!tab.note.is_empty())
                                .then(|| view! { " " <span class="note">{tab.note}</span> })}
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
}
