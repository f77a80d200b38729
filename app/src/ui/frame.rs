//! What stands around every page.

use leptos::prelude::*;

/// Header, banners, the page, footer.
#[component]
pub(crate) fn Frame(children: Children) -> impl IntoView {
    view! { <main id="main">{children()}</main> }
}
