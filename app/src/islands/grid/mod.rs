//! The grid of a tab: a window onto all its cells.
//!
//! Cells are painted on a canvas, names and headers are elements, and both only where they are in
//! sight. The data stays as it came, as runs of equal cells; a row is read when it is painted.

mod bookmark;
#[cfg(feature = "hydrate")]
mod clusters;
#[cfg(feature = "hydrate")]
mod data;
#[cfg(feature = "hydrate")]
mod frame;
#[cfg(feature = "hydrate")]
mod fresh;
#[cfg(feature = "hydrate")]
mod graph;
#[cfg(feature = "hydrate")]
mod keys;
#[cfg(any(feature = "hydrate", test))]
mod layout;
#[cfg(feature = "hydrate")]
mod legend;
#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
mod menu;
#[cfg(feature = "hydrate")]
mod names;
#[cfg(feature = "hydrate")]
mod paint;
#[cfg(feature = "hydrate")]
mod pointer;
#[cfg(feature = "hydrate")]
mod sheet;
#[cfg(feature = "hydrate")]
mod status;
#[cfg(feature = "hydrate")]
mod table;
#[cfg(feature = "hydrate")]
mod toolbar;
#[cfg(feature = "hydrate")]
mod tooltip;

use leptos::prelude::*;

#[cfg(feature = "ssr")]
pub(crate) use bookmark::OldBookmark;

/// Keeps the summary of a dashboard true; works on `#dashboard` and shows nothing itself.
#[island]
pub fn LiveDashboard() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(fresh::watch_dashboard);
}

/// The tools of the grid; works on `#grid` and `#grid-options`.
#[island]
pub fn TabGrid() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(sheet::start);
    view! {
        <div class="grid-tools with-script">
            <button type="button" id="grid-legend-button" aria-expanded="false" aria-controls="grid-legend">
                "legend"
            </button>
            <button type="button" id="grid-clusters-button" aria-expanded="false" aria-controls="grid-clusters">
                "clustered failures"
            </button>
            <span class="grid-diff" id="grid-diff"></span>
            <button type="button" id="grid-news" hidden></button>
            <span class="grid-note" id="grid-note" role="status"></span>
        </div>
        <div id="grid-legend" class="grid-legend" hidden></div>
        <p class="v" id="grid-said" aria-live="polite"></p>
    }
}
