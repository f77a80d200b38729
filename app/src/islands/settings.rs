//! x
use leptos::prelude::*;
/// x
#[island]
pub fn Settings() -> impl IntoView {}
