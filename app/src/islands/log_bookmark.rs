//! Links to lines of a log that were made elsewhere, or on another part of the run's page, lead to the
//! log: `#L3-L5`, Spyglass's `#1:build-log.txt%3A42` and `#build-log.txt:5-12`. Those to another lens
//! lead to its part of the page.

use leptos::prelude::*;

/// Leads from the fragment to the part of the page; shows nothing itself. Works on `#run`.
#[island]
pub fn LogBookmark() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|| {
        use crate::islands::dom;
        use crate::model::{bookmark, query_pairs};

        let follow = || {
            let location = dom::window().location();
            let fragment = location.hash().unwrap_or_default();
            let Some(run) = dom::find("#run") else { return };
            let places = query_pairs(&run.get_attribute("data-places").unwrap_or_default());
            let Some(to) = bookmark(&fragment, &places) else { return };
            // The part that is open reads its fragment itself.
            if run.get_attribute("data-tab").is_some_and(|open| open == to.tab) {
                return;
            }
            let path = location.pathname().unwrap_or_default();
            let fragment = if to.fragment.is_empty() { "" } else { "#" };
            let tab = dom::encode(&to.tab);
            let _ = location.replace(&[&path, "?tab=", &tab, fragment, &to.fragment].concat());
        };
        follow();
        dom::on(&dom::window(), "hashchange", move |_: web_sys::Event| follow());
    });
}
