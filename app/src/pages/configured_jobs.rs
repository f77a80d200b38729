//! page

use leptos::prelude::*;

/// page
#[component]
pub(crate) fn ConfiguredJobsPage() -> impl IntoView {
    view! { <h1>"ConfiguredJobsPage"</h1> }
}
