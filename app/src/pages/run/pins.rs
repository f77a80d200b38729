//! Pinned lines of the log: shown on every part of the run's page, pinned beside the log.

use leptos::prelude::*;

use crate::model::{LogPin, Permission, RunRow, segment};
use crate::ui::{Ago, count, prose};

/// The pinned lines with who pinned them and why; nothing where there are none.
#[component]
pub(super) fn Pins(row: RunRow, pins: Vec<LogPin>, may: Permission, now_ms: i64) -> impl IntoView {
    if pins.is_empty() {
        return ().into_any();
    }
    let api = api(&row);
    let pins = pins
        .into_iter()
        .map(|pin| {
            let (lines, fragment) = match pin.from == pin.to {
                true => (format!("Line {}", count(pin.from)), format!("L{}", pin.from)),
                false => (
                    format!("Lines {}–{}", count(pin.from), count(pin.to)),
                    format!("L{}-L{}", pin.from, pin.to),
                ),
            };
            let href = format!("{}?tab=log&from={}#{fragment}", row.href, pin.from);
            let remove = may.allowed.then(|| {
                let label = format!("Remove the pin of {}", lines.to_lowercase());
                view! {
                    <form method="post" action=format!("{api}/{}/remove", pin.id)>
                        <button type="submit" aria-label=label>"Remove"</button>
                    </form>
                }
            });
            view! {
                <li>
                    <a href=href>{lines.clone()}</a>
                    <span class="pin-note">{pin.note.clone()}</span>
                    <span class="quiet">{pin.who.clone()} ", " <Ago ms=pin.at_ms now_ms/></span>
                    {remove}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="pins" aria-label="Pinned lines of the log">
            <h2>"Pinned lines"</h2>
            <ul>{pins}</ul>
        </section>
    }
    .into_any()
}

/// The form that pins lines; the viewer fills in those that are chosen.
#[component]
pub(super) fn PinForm(row: RunRow, may: Permission) -> impl IntoView {
    if !may.allowed {
        return view! { <p class="quiet pin-denied">{prose(&may.reason)}</p> }.into_any();
    }
    view! {
        <details class="menu pin">
            <summary class="button">"Pin lines"</summary>
            <form class="panel" method="post" action=api(&row)>
                <label>"From line " <input name="from" inputmode="numeric" pattern="[0-9]+" required autocomplete="off"/></label>
                <label>"to line " <input name="to" inputmode="numeric" pattern="[0-9]*" autocomplete="off"/></label>
                <label>"Note " <input name="note" maxlength="300" autocomplete="off"/></label>
                <button class="primary" type="submit">"Pin for everybody"</button>
            </form>
        </details>
    }
    .into_any()
}

fn api(row: &RunRow) -> String {
    format!("/api/v1/runs/{}/pins", segment(&row.id))
}
