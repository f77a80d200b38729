//! `/`: the list of runs, filtered and paged by its address.

mod filters;
mod table;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::islands::{ConfirmDialog, FilterForm, HistogramDrag, JobCard, LiveRuns};
use crate::model::{RunFilter, RunPage, RunState, SuccessRate};
use crate::ui::{Empty, HistogramChart, StateIcon, count, load, plural};
use filters::Filters;
use table::RunTable;

/// The page.
#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    let filter = RunFilter::from_query(&use_location().search.get_untracked());
    load(
        {
            let filter = filter.clone();
            async move |context| context.backend.runs(&context.viewer, &filter).await
        },
        move |page| view! { <Runs filter page/> },
    )
}

/// The list laid out.
#[component]
fn Runs(filter: RunFilter, page: RunPage) -> impl IntoView {
    let stream = {
        let query = filter.first_page().to_query();
        format!("/api/v1/runs/stream{}{query}", if query.is_empty() { "" } else { "?" })
    };
    // A page of the past shows the past: nothing that starts now belongs on it.
    let stream = (filter.before.is_none() && filter.after.is_none() && filter.until.is_none())
        .then_some(stream);
    let RunPage { now_ms, rows, older, newer, matching, total, counts, rates, histogram, .. } =
        page.clone();
    let empty = rows.is_empty();
    let now_ms_text = now_ms.to_string();
    view! {
        <Title text="Runs · Bowsprit"/>
        <h1 class="v">"Runs"</h1>
        <Filters filter=filter.clone() facets=page.facets now_ms/>
        <div class="summary">
            <States filter=filter.clone() counts/>
            <p class="rates">
                <strong>{count(matching)}</strong>
                {(matching != total).then(|| format!(" of {}", count(total)))}
                {if matching == 1 { " run" } else { " runs" }}
                <Rates rates/>
            </p>
        </div>
        <HistogramChart histogram now_ms/>
        <HistogramDrag/>
        <FilterForm/>
        <div
            id="runs"
            data-now=now_ms_text
            data-stream=stream
            data-stream-id=(!page.stream_id.is_empty()).then_some(page.stream_id)
        >
            <LiveRuns/>
            {if empty {
                view! { <NoRuns filter=filter.clone() total/> }.into_any()
            } else {
                view! { <RunTable rows now_ms rerun=page.rerun abort=page.abort/> }.into_any()
            }}
            <JobCard/>
        </div>
        <Pager filter older newer/>
        <ConfirmDialog/>
    }
}

/// How many runs of each state, each leading to exactly these.
#[component]
fn States(filter: RunFilter, counts: [u64; RunState::COUNT]) -> impl IntoView {
    let chips = RunState::ALL
        .into_iter()
        .filter(|state| counts[*state as usize] > 0 || filter.state == Some(*state))
        .map(|state| {
            let chosen = filter.state == Some(state);
            let href =
                RunFilter { state: (!chosen).then_some(state), ..filter.first_page() }.href();
            let title = if chosen {
                "Show every state".to_owned()
            } else {
                format!("Only {}", state.word())
            };
            view! {
                <a class="chip" href=href title=title aria-current=chosen.then_some("true")>
                    <StateIcon state/>
                    {count(counts[state as usize])}
                </a>
            }
        })
        .collect_view();
    view! { <div class="states" role="group" aria-label="States">{chips}</div> }
}

/// `· 87 % ok`, then the windows that Deck shows; those that say the same are left out.
#[component]
fn Rates(rates: Vec<SuccessRate>) -> impl IntoView {
    let mut rates = rates;
    rates.sort_by_key(|rate| rate.window_ms);
    rates.dedup_by_key(|rate| (rate.succeeded, rate.failed));
    rates
        .into_iter()
        .filter_map(|rate| {
            let percent = rate.percent()?;
            let words = format!(
                "{} succeeded, {} failed; runs that were aborted or could not start do not count",
                count(rate.succeeded),
                count(rate.failed)
            );
            let text = match rate.window_ms {
                0 => format!("{percent}\u{202f}% ok"),
                window => format!("{}\u{202f}h {percent}\u{202f}%", window / 3_600_000),
            };
            Some(
                view! { " · " <span class="rate" class:bad=percent < 50 title=words>{text}</span> },
            )
        })
        .collect_view()
}

/// Why the list is empty and what fills it.
#[component]
fn NoRuns(filter: RunFilter, total: u64) -> impl IntoView {
    if total == 0 {
        return view! {
            <Empty title="There are no runs yet.">
                "A run appears here when a webhook, a schedule or a person starts a job. "
                <a href="/configured-jobs">"See which jobs are configured"</a> ", or "
                <a href="/deliveries">"whether webhooks arrive"</a> "."
            </Empty>
        }
        .into_any();
    }
    let beyond = filter.before.is_some() || filter.after.is_some();
    view! {
        <Empty title=if beyond { "There are no runs beyond this point." } else { "No run matches." }>
            {plural(total, "run is", "runs are")} " known. "
            {if beyond {
                view! { <a href=filter.first_page().href()>"Back to the first page"</a> }.into_any()
            } else {
                view! { <a href="/">"Show all of them"</a> }.into_any()
            }}
            "."
        </Empty>
    }
    .into_any()
}

/// Older and newer, by key: a page keeps its rows however many runs start meanwhile.
#[component]
fn Pager(filter: RunFilter, older: Option<String>, newer: Option<String>) -> impl IntoView {
    let first = filter.before.is_some() || filter.after.is_some();
    if older.is_none() && !first {
        return ().into_any();
    }
    let start = filter.first_page();
    let newer = newer.map(|key| RunFilter { after: Some(key), ..start.clone() }.href());
    let older = older.map(|key| RunFilter { before: Some(key), ..start.clone() }.href());
    view! {
        <nav class="pager" aria-label="Pages">
            {first.then(|| view! { <a href=start.href()>"Newest"</a> })}
            {newer.map(|href| view! { <a href=href rel="prev">"← Newer"</a> })}
            {older.map(|href| view! { <a href=href rel="next">"Older →"</a> })}
        </nav>
    }
    .into_any()
}
