//! `/deliveries`: the webhooks that came in and what became of them.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::islands::ConfirmDialog;
use crate::model::{Deliveries, DeliveryFilter, DeliveryRow, DeliveryState, Permission};
use crate::ui::{Ago, Choice, Empty, FormSelect, Shape, bytes, count, load, prose};

/// The list.
#[component]
pub(crate) fn DeliveriesPage() -> impl IntoView {
    let filter = DeliveryFilter::from_query(&use_location().search.get_untracked());
    load(
        {
            let filter = filter.clone();
            async move |context| context.backend.deliveries(&context.viewer, &filter).await
        },
        move |page| view! { <List filter page/> },
    )
}

#[component]
fn List(filter: DeliveryFilter, page: Deliveries) -> impl IntoView {
    let Deliveries { now_ms, rows, older, total, pending, events, replay } = page;
    let choice = |word: &str| Choice { value: word.to_owned(), label: word.to_owned() };
    let empty = rows.is_empty();
    let first = filter.before.is_some();
    let start = DeliveryFilter { before: None, ..filter.clone() };
    let pager_start = start.href();
    let older = older.map(|key| DeliveryFilter { before: Some(key), ..start }.href());
    let reason = (!replay.allowed).then(|| replay.reason.clone());
    view! {
        <Title text="Webhook deliveries · Bowsprit"/>
        <div class="page-head">
            <h1>"Webhook deliveries"</h1>
            <p class="quiet">
                {count(total)} " in the journal"
                {(pending > 0).then(|| view! { ", " <strong>{count(pending)} " waiting"</strong> })}
            </p>
        </div>
        <form class="filters" action="/deliveries" method="get" aria-label="Filter deliveries">
            <FormSelect name="event" any="any event" choices=events.iter().map(|e| choice(e)).collect() chosen=filter.event/>
            <FormSelect
                name="state"
                any="any state"
                choices=DeliveryState::ALL.iter().map(|state| choice(state.word())).collect()
                chosen=filter.state.map(|state| state.word().to_owned())
            />
            <input type="search" name="repo" class="repo" aria-label="Repository" placeholder="org/repo" autocomplete="off" value=filter.repo/>
            <input type="search" name="q" class="job" aria-label="Part of the delivery id" placeholder="delivery id" autocomplete="off" value=filter.search/>
            <button type="submit">"Filter"</button>
        </form>
        {if empty {
            view! { <NoDeliveries total/> }.into_any()
        } else {
            view! { <Table rows replay now_ms/> }.into_any()
        }}
        {reason.map(|reason| view! { <p class="quiet denied">{prose(&reason)}</p> })}
        {(older.is_some() || first)
            .then(|| {
                view! {
                    <nav class="pager" aria-label="Pages">
                        {first.then(|| view! { <a href=pager_start>"Newest"</a> })}
                        {older.map(|href| view! { <a href=href rel="next">"Older →"</a> })}
                    </nav>
                }
            })}
        <ConfirmDialog/>
    }
}

#[component]
fn Table(rows: Vec<DeliveryRow>, replay: Permission, now_ms: i64) -> impl IntoView {
    let may_replay = replay.allowed;
    view! {
        <form method="post" action="/deliveries">
            <table class="list deliveries" data-moves="rows">
                <caption class="v">"Deliveries, newest first"</caption>
                <thead>
                    <tr>
                        <th class="state"><span class="v">"State"</span></th>
                        <th>"Event"</th>
                        <th>"Repository"</th>
                        <th>"Delivery"</th>
                        <th>"Received"</th>
                        <th class="num">"Size"</th>
                        <th>"Result"</th>
                        <th><span class="v">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .into_iter()
                        .map(|row| view! { <Row row may_replay now_ms/> })
                        .collect_view()}
                </tbody>
            </table>
        </form>
    }
}

#[component]
fn Row(row: DeliveryRow, may_replay: bool, now_ms: i64) -> impl IntoView {
    let event = if row.action.is_empty() {
        row.event.clone()
    } else {
        format!("{} · {}", row.event, row.action)
    };
    let href = format!("/deliveries/{}", row.id);
    let replay = format!("/api/v1/deliveries/{}/replay", row.id);
    let sender = (!row.sender.is_empty()).then(|| format!(" by {}", row.sender));
    view! {
        <tr>
            <td><DeliveryShape state=row.state/></td>
            <td><a class="name" href=href>{event}</a></td>
            <td>{row.repo} <span class="quiet">{sender}</span></td>
            <td><code class="guid">{row.guid}</code></td>
            <td><Ago ms=row.received_ms now_ms/></td>
            <td class="num">{bytes(row.size_bytes)}</td>
            <td class="result">
                {prose(&row.note)}
                {(row.attempts > 1).then(|| view! { <span class="quiet">{format!(" ({} attempts)", row.attempts)}</span> })}
            </td>
            <td>{may_replay.then(|| view! { <button formaction=replay>"replay"</button> })}</td>
        </tr>
    }
}

/// The shape that stands for a delivery's state.
#[component]
pub(super) fn DeliveryShape(state: DeliveryState) -> impl IntoView {
    let class = match state {
        DeliveryState::Pending => "triggered",
        DeliveryState::Handled => "success",
        DeliveryState::Failed => "failure",
    };
    view! { <Shape shape=class word=state.word()/> }
}

#[component]
fn NoDeliveries(total: u64) -> impl IntoView {
    if total == 0 {
        return view! {
            <Empty title="No webhook has arrived yet.">
                "Point a webhook of the repository or organisation at " <code>"/hook"</code>
                " of this server with the secret of " <code>"--hmac-secret-file"</code>
                ", or send one by hand with " <code>"bowsprit phony"</code> "."
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty title="No delivery matches.">
            <a href="/deliveries">"Show all of them"</a> "."
        </Empty>
    }
    .into_any()
}
