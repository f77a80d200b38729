//! `/deliveries/<number>`: one webhook with its body.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::deliveries::DeliveryShape;
use crate::islands::ConfirmDialog;
use crate::model::{DeliveryDetail, PageError, time};
use crate::ui::{Ago, Crumbs, bytes, load, prose};

/// The page.
#[component]
pub(crate) fn DeliveryPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    load(
        async move |context| {
            let id = id.parse().map_err(|_| PageError::NotFound {
                message: format!("Deliveries have numbers; `{id}` is none."),
            })?;
            context.backend.delivery(&context.viewer, id).await
        },
        |detail| view! { <Delivery detail/> },
    )
}

#[component]
fn Delivery(detail: DeliveryDetail) -> impl IntoView {
    let DeliveryDetail { now_ms, row, headers, payload, cut_bytes, runs, replay } = detail;
    let replay_action = format!("/api/v1/deliveries/{}/replay", row.id);
    let steps = vec![("Webhooks".to_owned(), "/deliveries".to_owned())];
    let title = format!("{} {}", row.event, row.guid);
    view! {
        <Title text=format!("{title} · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1><DeliveryShape state=row.state/> " " {row.event.clone()} " " <span class="build">{row.guid.clone()}</span></h1>
            {if replay.allowed {
                view! {
                    <form method="post" action=replay_action>
                        <button type="submit" data-confirm="Handle this webhook once more? Whatever it started then is started again.">
                            "Replay"
                        </button>
                    </form>
                }
                .into_any()
            } else {
                view! {
                    <div class="denied-action">
                        <button type="button" disabled aria-describedby="why-replay">"Replay"</button>
                        <small id="why-replay">{prose(&replay.reason)}</small>
                    </div>
                }
                .into_any()
            }}
        </div>
        <table class="pairs">
            <tbody>
                <tr><th scope="row">"State"</th><td>{row.state.word()} {(row.attempts > 1).then(|| format!(", tried {} times", row.attempts))}</td></tr>
                <tr><th scope="row">"Result"</th><td>{prose(&row.note)}</td></tr>
                <tr><th scope="row">"Action"</th><td>{row.action}</td></tr>
                <tr><th scope="row">"Repository"</th><td>{row.repo}</td></tr>
                <tr><th scope="row">"Sender"</th><td>{row.sender}</td></tr>
                <tr><th scope="row">"Received"</th><td><Ago ms=row.received_ms now_ms/></td></tr>
                {row.handled_ms
                    .map(|ms| {
                        let took = time::duration(ms - row.received_ms);
                        view! { <tr><th scope="row">"Handled"</th><td><Ago ms now_ms/> ", after " {took}</td></tr> }
                    })}
                {(!runs.is_empty())
                    .then(|| {
                        view! {
                            <tr>
                                <th scope="row">"Runs"</th>
                                <td>
                                    <ul class="plain">
                                        {runs
                                            .into_iter()
                                            .map(|run| view! { <li><a href=run.href>{run.text}</a></li> })
                                            .collect_view()}
                                    </ul>
                                </td>
                            </tr>
                        }
                    })}
            </tbody>
        </table>
        {(!headers.is_empty())
            .then(|| {
                view! {
                    <details class="fold">
                        <summary>"Headers"</summary>
                        <table class="pairs">
                            <tbody>
                                {headers
                                    .into_iter()
                                    .map(|(name, value)| {
                                        view! { <tr><th scope="row">{name}</th><td><code>{value}</code></td></tr> }
                                    })
                                    .collect_view()}
                            </tbody>
                        </table>
                    </details>
                }
            })}
        <h2>"Payload " <span class="quiet">{bytes(row.size_bytes)}</span></h2>
        <pre class="code" tabindex="0"><code>{payload}</code></pre>
        {(cut_bytes > 0)
            .then(|| view! { <p class="quiet">{bytes(cut_bytes)} " more are not shown."</p> })}
        <ConfirmDialog/>
    }
}
