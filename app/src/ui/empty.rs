//! What stands where a list has nothing to list.

use leptos::prelude::*;

/// Says why there is nothing and what would fill it.
#[component]
pub(crate) fn Empty(
    /// Why there is nothing, as a short sentence.
    #[prop(into)]
    title: String,
    /// What fills it, or what to do.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p class="quiet">{children()}</p>
        </div>
    }
}
