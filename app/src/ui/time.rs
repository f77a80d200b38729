//! Instants as elements.

use leptos::prelude::*;

use crate::model::time;

/// How long ago, with the exact instant on hover; the settings island shows it in local time.
#[component]
pub(crate) fn Ago(ms: i64, now_ms: i64) -> impl IntoView {
    view! {
        <time datetime=time::rfc3339(ms) title=time::exact(ms)>
            {time::relative(ms, now_ms)}
        </time>
    }
}
