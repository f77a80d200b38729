//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    view! { <h1>"RunsPage"</h1> }
}
