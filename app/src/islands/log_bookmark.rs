//! Links to lines of a log that were made elsewhere, or on another part of the run's page, lead to the
//! log: `#L3-L5`, Spyglass's `#1:build-log.txt%3A42` and `#build-log.txt:5-12`.

use leptos::prelude::*;

/// Leads from the fragment to the log; shows nothing itself.
#[island]
pub fn LogBookmark() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|| {
        use crate::islands::dom;
        use crate::model::fragment_lines;

        let follow = || {
            let location = dom::window().location();
            let fragment = location.hash().unwrap_or_default();
            if let Some((from, to)) = fragment_lines(&fragment) {
                let path = location.pathname().unwrap_or_default();
                let lines =
                    if from == to { format!("#L{from}") } else { format!("#L{from}-L{to}") };
                let _ = location.replace(&[&path, "?tab=log", &lines].concat());
            }
        };
        follow();
        dom::on(&dom::window(), "hashchange", move |_: web_sys::Event| follow());
    });
}
