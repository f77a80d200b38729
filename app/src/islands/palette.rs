//! x
use leptos::prelude::*;
/// x
#[island]
pub fn Palette() -> impl IntoView {}
