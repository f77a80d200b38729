//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn DeliveryPage() -> impl IntoView {
    view! { <h1>"DeliveryPage"</h1> }
}
