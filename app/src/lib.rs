//! The pages of Bowsprit: laid out on the server, made interactive in a few places (islands).
//!
//! A page loads one plain model through the `Backend` trait and arranges components around it.
//! Nothing here knows how the data is kept, and no first render looks at a clock.
// The component macro writes `pub` items whatever visibility the function has.
#![allow(unreachable_pub)]
// A view is one nested type, and a page nests deeply.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod backend;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
mod islands;
pub mod model;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod ui;

#[cfg(feature = "ssr")]
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::{Assets, content_security_policy, shell};

/// Where the browser's part starts; the islands are found in the page afterwards.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
