//! `/testgrid`: the dashboards of the test grid.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use super::asked;
use crate::model::{
    DashboardCard, DashboardGroupCard, GridIndex, GridStatus, Link, StatusCounts, TabHit,
};
use crate::ui::{Empty, Shape, count, load, middle, plural};

mod graph;
mod place;
mod tab;
mod table;
mod what_if;

pub(crate) use graph::GridGraphPage;
pub(crate) use place::{GridPlacePage, percents};
pub(crate) use tab::GridTabPage;
pub(crate) use table::{Cell, glyph};

/// The dashboard, the tab and the query that the address of a tab names.
fn asked_tab() -> (String, String, String) {
    let params = use_params_map().get_untracked();
    let part = |name| params.get(name).unwrap_or_default();
    let query = use_location().search.get_untracked();
    (part("name"), part("tab"), query.trim_start_matches('?').to_owned())
}

/// The index, or what a search found.
#[component]
pub(crate) fn GridIndexPage() -> impl IntoView {
    let query = asked("q").unwrap_or_default();
    load(
        async move |context| context.backend.grid_index(&context.viewer, &query).await,
        |index| view! { <Index index/> },
    )
}

#[component]
fn Index(index: GridIndex) -> impl IntoView {
    let GridIndex { now_ms: _, query, groups, tabs, more_tabs, dashboard_total, tab_total, errors } =
        index;
    let searching = !query.is_empty();
    let nothing = groups.is_empty() && tabs.is_empty();
    view! {
        <Title text="Test grid · Bowsprit"/>
        <OtherScope/>
        <div class="page-head">
            <h1>"Test grid"</h1>
            <p class="quiet">
                {plural(dashboard_total, "dashboard", "dashboards")} ", "
                {plural(tab_total, "tab", "tabs")}
                {(errors > 0)
                    .then(|| view! { ", " <a href="/status">{plural(errors, "error", "errors")} " in the configuration"</a> })}
            </p>
        </div>
        <form class="filters" action="/testgrid" method="get" role="search" aria-label="Search dashboards and tabs">
            <input
                type="search"
                name="q"
                class="job"
                aria-label="Dashboard or tab: words of its name"
                placeholder="dashboard or tab"
                autocomplete="off"
                spellcheck="false"
                value=query.clone()
            />
            <button type="submit">"Search"</button>
            <a class="quiet" href=format!("/tests?q={}", crate::model::encode(&query))>"Search tests instead"</a>
            <a class="quiet" href="/alerts">"Alerts by mail"</a>
        </form>
        {(nothing && searching)
            .then(|| view! {
                <Empty title="No dashboard or tab has all these words.">
                    "Words may stand in the name of the dashboard or of the tab. "
                    <a href="/testgrid">"See all dashboards"</a> "."
                </Empty>
            })}
        {(nothing && !searching)
            .then(|| view! {
                <Empty title="No dashboard is configured.">
                    "Dashboards come from " <code>"--testgrid-config"</code>
                    " and from jobs with the annotation " <code>"testgrid-dashboards"</code>
                    ". If there are some, " <a href="/status">"the status page"</a>
                    " says why they do not load."
                </Empty>
            })}
        {(!tabs.is_empty()).then(|| view! { <Hits tabs more_tabs/> })}
        <div class="boards" data-moves="links">
            {groups.into_iter().map(|group| view! { <Group group/> }).collect_view()}
        </div>
    }
}

#[component]
fn Hits(tabs: Vec<TabHit>, more_tabs: u64) -> impl IntoView {
    view! {
        <section class="hits">
            <h2>{count(tabs.len() as u64 + more_tabs)} " tabs"</h2>
            <ul class="plain">
                {tabs
                    .into_iter()
                    .map(|hit| view! {
                        <li>
                            <GridShape status=hit.status/>
                            <a href=hit.href><span class="quiet">{hit.dashboard} " › "</span> {hit.tab}</a>
                        </li>
                    })
                    .collect_view()}
            </ul>
            {(more_tabs > 0).then(|| view! { <p class="quiet">{count(more_tabs)} " more: add a word."</p> })}
        </section>
    }
}

#[component]
fn Group(group: DashboardGroupCard) -> impl IntoView {
    let counts = group.counts();
    let heading = if group.name.is_empty() {
        view! { <h2>"Without a group"</h2> }.into_any()
    } else {
        view! { <h2><a href=group.href>{group.name}</a></h2> }.into_any()
    };
    view! {
        <section>
            {heading}
            <p class="quiet"><Counts counts/></p>
            <ul class="plain board-list">
                {group
                    .dashboards
                    .into_iter()
                    .map(|dashboard| view! { <li><BoardLink dashboard/></li> })
                    .collect_view()}
            </ul>
        </section>
    }
}

/// A dashboard in a list: shape, name, how many of its tabs pass.
#[component]
fn BoardLink(dashboard: DashboardCard) -> impl IntoView {
    let DashboardCard { name, href, counts } = dashboard;
    let title = words(&counts);
    view! {
        <GridShape status=counts.worst()/>
        <a class="name" href=href title=name.clone()>{middle(&name)}</a>
        <span class="num" title=title>
            {counts.of(GridStatus::Passing) + counts.of(GridStatus::Acceptable)} "/" {counts.total()}
        </span>
    }
}

/// Says so if the address asks for the configuration of another bucket, as TestGrid's `scope=` does and
/// as `/r/<bucket>/…`.
#[component]
pub(super) fn OtherScope() -> impl IntoView {
    asked("scope").filter(|scope| !scope.is_empty()).map(|scope| {
        view! {
            <div class="banner warning" role="status">
                <strong>"Another bucket"</strong>
                <span>
                    "The address asks for the configuration in " <code>{scope}</code>
                    ", which is not served here. What is shown is this server's own."
                </span>
            </div>
        }
    })
}

/// The shape of a status, which says its word to those who listen.
#[component]
pub(super) fn GridShape(status: GridStatus) -> impl IntoView {
    view! { <Shape shape=status.shape() word=status.word()/> }
}

/// An issue, with what it is about where that is known.
#[component]
pub(crate) fn IssueTag(issue: Link) -> impl IntoView {
    let Link { text, href, title } = issue;
    let title = (!title.is_empty()).then_some(title);
    match href.as_str() {
        "" => view! { <span class="tag" title=title>{text}</span> }.into_any(),
        _ => view! { <a class="tag" href=href title=title>{text}</a> }.into_any(),
    }
}

/// `3 of 5 tabs passing` with the others in words.
#[component]
pub(super) fn Counts(counts: StatusCounts) -> impl IntoView {
    let passing = counts.of(GridStatus::Passing) + counts.of(GridStatus::Acceptable);
    let others = counts
        .present()
        .filter(|(status, _)| !matches!(status, GridStatus::Passing | GridStatus::Acceptable))
        .map(|(status, count)| view! { " · " {count} " " {status.word().to_lowercase()} })
        .collect_view();
    view! { {passing} " of " {plural(counts.total().into(), "tab", "tabs")} " passing" {others} }
}

/// Counts as TestGrid words them.
pub(super) fn words(counts: &StatusCounts) -> String {
    let parts: Vec<String> =
        counts.present().map(|(status, count)| format!("{count} {}", status.word())).collect();
    parts.join(", ")
}
