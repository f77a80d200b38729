//! x
use leptos::prelude::*;
/// x
#[island]
pub fn LogViewer() -> impl IntoView {}
