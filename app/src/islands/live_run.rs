//! x
use leptos::prelude::*;
/// x
#[island]
pub fn LiveRun() -> impl IntoView {}
