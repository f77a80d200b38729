//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn DeliveriesPage() -> impl IntoView {
    view! { <h1>"DeliveriesPage"</h1> }
}
