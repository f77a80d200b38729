//! Bookmarks of TestGrid keep the tab and its options in the fragment; ours have addresses.

use leptos::prelude::*;

/// Leads from `#<tab>&option=value` on a dashboard's page to the tab; shows nothing itself.
#[island]
pub fn OldBookmark() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|| {
        use crate::islands::dom;
        use crate::model::grid_query::bookmark_href;
        use crate::model::{query_pairs, query_value};

        let follow = || {
            let location = dom::window().location();
            let fragment = location.hash().unwrap_or_default();
            let Some(dashboard) =
                dom::find("#dashboard").and_then(|page| page.get_attribute("data-dashboard"))
            else {
                return;
            };
            // Not every fragment is a tab: what the page has an element for stays where it is.
            let name = fragment.trim_start_matches('#');
            if dom::document().get_element_by_id(name).is_some() {
                return;
            }
            let Some(mut href) = bookmark_href(&dashboard, name) else { return };
            if location.pathname().ok().as_ref() == Some(&href) {
                return;
            }
            // That the address was about another bucket is still to be told there.
            let search = location.search().unwrap_or_default();
            let pairs = query_pairs(search.trim_start_matches('?'));
            if let Some(scope) = query_value(&pairs, "scope") {
                href.push(if href.contains('?') { '&' } else { '?' });
                href.push_str(&["scope=", &dom::encode(scope)].concat());
            }
            let _ = location.replace(&href);
        };
        follow();
        dom::on(&dom::window(), "hashchange", move |_: web_sys::Event| follow());
    });
}
