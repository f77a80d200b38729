//! x
use leptos::prelude::*;
/// x
#[island]
pub fn LiveRuns() -> impl IntoView {}
