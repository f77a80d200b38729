//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    view! { <h1>"run"</h1> }
}

/// page
#[component]
pub(crate) fn StoredRunPage() -> impl IntoView {
    view! { <h1>"run"</h1> }
}
