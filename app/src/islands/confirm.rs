//! x
use leptos::prelude::*;
/// x
#[island]
pub fn ConfirmDialog() -> impl IntoView {}
