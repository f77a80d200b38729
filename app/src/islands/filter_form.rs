//! x
use leptos::prelude::*;
/// x
#[island]
pub fn FilterForm() -> impl IntoView {}
