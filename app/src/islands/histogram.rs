//! x
use leptos::prelude::*;
/// x
#[island]
pub fn HistogramDrag() -> impl IntoView {}
