//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    view! { <h1>"StatusPage"</h1> }
}
