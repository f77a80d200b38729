//! `/testgrid/<name>`: the summary of a dashboard, or the dashboards of a group.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use super::{Counts, GridShape, IssueTag, OtherScope, words};
use crate::islands::{LiveDashboard, OldBookmark};
use crate::model::{
    DashboardGroupPage, DashboardHead, DashboardPage, FailingTest, FlakyTest, GridPlace,
    GridStatus, Link, TabCard, TabMatrix,
};
use crate::ui::{Ago, Crumbs, count, load, middle, plural, prose};

/// The page.
#[component]
pub(crate) fn GridPlacePage() -> impl IntoView {
    let name = use_params_map().get_untracked().get("name").unwrap_or_default();
    let query = use_location().search.get_untracked();
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.grid_place(&context.viewer, &name, query).await
        },
        |place| match place {
            GridPlace::Dashboard(page) => view! { <Dashboard page=*page/> }.into_any(),
            GridPlace::Group(page) => view! { <Group page/> }.into_any(),
        },
    )
}

#[component]
fn Group(page: DashboardGroupPage) -> impl IntoView {
    let group = page.group;
    let counts = group.counts();
    view! {
        <Title text=format!("{} · Test grid · Bowsprit", group.name)/>
        <Crumbs steps=vec![("Test grid".to_owned(), "/testgrid".to_owned())]/>
        <OtherScope/>
        <div class="page-head">
            <h1>{group.name}</h1>
            <p class="quiet"><Counts counts/></p>
        </div>
        {(!group.description.is_empty()).then(|| view! { <p>{prose(&group.description)}</p> })}
        <table class="list boards-table">
            <thead>
                <tr>
                    <th class="state"><span class="v">"Status"</span></th>
                    <th>"Dashboard"</th>
                    <th class="num">"Passing"</th>
                    <th>"Tabs"</th>
                </tr>
            </thead>
            <tbody>
                {group
                    .dashboards
                    .into_iter()
                    .map(|dashboard| {
                        let counts = dashboard.counts;
                        let passing = counts.of(GridStatus::Passing);
                        view! {
                            <tr>
                                <td class="state"><GridShape status=counts.worst()/></td>
                                <td><a href=dashboard.href>{dashboard.name}</a></td>
                                <td class="num">{passing} " / " {counts.total()}</td>
                                <td class="quiet">{words(&counts)}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </table>
    }
}

/// A summary with more tabs than this has no strip of them.
const MAX_STRIP: usize = 60;

/// Breadcrumbs, the strips of dashboards and tabs, and notices.
#[component]
pub(super) fn Head(head: DashboardHead, current: Option<String>) -> impl IntoView {
    let mut steps = vec![("Test grid".to_owned(), "/testgrid".to_owned())];
    steps.extend(head.group.into_iter().map(|group| (group.text, group.href)));
    if current.is_some() {
        steps.push((head.name.clone(), head.href.clone()));
    }
    let siblings = (head.siblings.len() > 1).then(|| {
        let links = head
            .siblings
            .into_iter()
            .map(|board| {
                let is_here = board.name == head.name;
                view! { <a href=board.href aria-current=is_here.then_some("true")>{board.name}</a> }
            })
            .collect_view();
        view! { <nav class="strip siblings" aria-label="Dashboards of the group">{links}</nav> }
    });
    // The summary of a large dashboard has the same links in its cards.
    let in_strip = if current.is_none() && head.tabs.len() > MAX_STRIP { 0 } else { usize::MAX };
    let tabs = head
        .tabs
        .into_iter()
        .take(in_strip)
        .map(|tab| {
            let is_here = current.as_deref() == Some(tab.name.as_str());
            view! {
                <a href=tab.href aria-current=is_here.then_some("page") class:loud=!head.downplay && tab.status == GridStatus::Failing>
                    <GridShape status=tab.status/>
                    {tab.name}
                </a>
            }
        })
        .collect_view();
    let on_summary = current.is_none().then_some("page");
    // An old bookmark has the tab in its fragment, and may come by way of the default tab.
    view! {
        <div id="dashboard" data-dashboard=head.name.clone() hidden></div>
        <OldBookmark/>
        <Crumbs steps/>
        <OtherScope/>
        {head.notifications.into_iter().map(|notice| view! { <Notice notice/> }).collect_view()}
        {siblings}
        <nav class="strip tabs" aria-label="Tabs">
            <a href=head.href.clone() aria-current=on_summary>"Summary"</a>
            {tabs}
        </nav>
    }
}

#[component]
fn Notice(notice: Link) -> impl IntoView {
    view! {
        <div class="banner warning" role="status">
            <strong>"Notice"</strong>
            <span>{notice.text}</span>
            {(!notice.href.is_empty()).then(|| view! { <a href=notice.href>"More"</a> })}
        </div>
    }
}

#[component]
fn Dashboard(page: DashboardPage) -> impl IntoView {
    let DashboardPage { now_ms, head, tabs, matrix } = page;
    let as_matrix = matrix.is_some();
    let here = head.href.clone();
    let name = head.name.clone();
    let title = format!("{name} · Test grid · Bowsprit");
    let about = head.description.clone();
    let passing = tabs.iter().filter(|tab| tab.status == GridStatus::Passing).count();
    let total = tabs.len();
    view! {
        <Title text=title/>
        <Head head current=None/>
        <LiveDashboard/>
        <div class="page-head">
            <h1>{name.clone()}</h1>
            <p class="quiet">
                {count(passing as u64)} " of " {plural(total as u64, "tab", "tabs")} " passing"
            </p>
        </div>
        {(!about.is_empty()).then(|| view! { <p class="about-board">{prose(&about)}</p> })}
        <nav class="ways quiet" aria-label="Views">
            <a href=here.clone() aria-current=(!as_matrix).then_some("page")>"Cards"</a>
            <a href=format!("{here}?view=matrix") aria-current=as_matrix.then_some("page")>"Matrix by version"</a>
        </nav>
        {match matrix {
            Some(matrix) => view! { <Matrix matrix/> }.into_any(),
            None => view! {
                <div class="cards" data-moves="links">
                    {tabs.into_iter().map(|card| view! { <Card card now_ms/> }).collect_view()}
                </div>
            }
                .into_any(),
        }}
    }
}

/// The tabs by two tags of their names.
#[component]
fn Matrix(matrix: TabMatrix) -> impl IntoView {
    let TabMatrix { by, error, columns, rows } = matrix;
    let head = columns
        .into_iter()
        .map(|tag| {
            let tag = if tag.is_empty() { "–".to_owned() } else { tag };
            view! { <th scope="col">{tag}</th> }
        })
        .collect_view();
    let rows = rows
        .into_iter()
        .map(|(tag, cells)| {
            let cells = cells
                .into_iter()
                .map(|tabs| {
                    let tabs = tabs
                        .into_iter()
                        .map(|tab| view! { <a href=tab.href title=tab.name.clone()><GridShape status=tab.status/><span class="v">{tab.name.clone()}</span></a> })
                        .collect_view();
                    view! { <td>{tabs}</td> }
                })
                .collect_view();
            view! { <tr><th scope="row">{tag}</th>{cells}</tr> }
        })
        .collect_view();
    view! {
        <form class="filters" method="get" aria-label="Tags of the matrix">
            <input type="hidden" name="view" value="matrix"/>
            <input
                type="search"
                name="by"
                class="job"
                aria-label="Pattern of the tags: one group for the column, or one for the row and one for the column"
                placeholder="tags: regex with (row) and (column)"
                autocomplete="off"
                spellcheck="false"
                value=by
            />
            <button type="submit">"Arrange"</button>
        </form>
        {(!error.is_empty()).then(|| view! { <p class="option-error" role="alert">{error}</p> })}
        <div class="matrix-scroll" tabindex="0" role="region" aria-label="Tabs by tags">
            <table class="matrix">
                <thead><tr><th><span class="v">"Tag"</span></th>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Card(card: TabCard, now_ms: i64) -> impl IntoView {
    let status = card.status;
    let failing = card.failing.len();
    view! {
        <article class=format!("card {}", status.shape())>
            <h2>
                <GridShape status/>
                <a href=card.href>{card.name}</a>
                <span class="word">{status.word()}</span>
            </h2>
            {(!card.alert.is_empty()).then(|| view! { <p class="alert">{card.alert}</p> })}
            <p class="text">{card.text}</p>
            <Facts
                updated_ms=card.updated_ms
                last_run_ms=card.last_run_ms
                latest_green=card.latest_green
                now_ms
            />
            {card
                .trouble
                .map(|(text, since)| view! {
                    <p class="trouble">"Builds cannot be looked for: " {prose(&text)} <span class="quiet">" since " <Ago ms=since now_ms/></span></p>
                })}
            {(status != GridStatus::Passing)
                .then(|| view! {
                    <details>
                        <summary>"Why " {status.word()} "?"</summary>
                        <p>{prose(&card.why)}</p>
                    </details>
                })}
            {(failing > 0)
                .then(|| view! {
                    <details>
                        <summary>{plural(failing as u64, "test fails", "tests fail")}</summary>
                        <FailingTable tests=card.failing now_ms/>
                    </details>
                })}
            {card.average_flakiness.map(|average| view! { <Health average tests=card.flaky/> })}
        </article>
    }
}

/// When the tab was updated, ran last and was green last.
#[component]
pub(super) fn Facts(
    updated_ms: Option<i64>,
    last_run_ms: Option<i64>,
    latest_green: Link,
    now_ms: i64,
) -> impl IntoView {
    let when = |ms: Option<i64>| match ms {
        Some(ms) => view! { <Ago ms now_ms/> }.into_any(),
        None => "never".into_any(),
    };
    let green = match latest_green.text.as_str() {
        "" => "none".into_any(),
        build if latest_green.href.is_empty() => {
            view! { <code>{build.to_owned()}</code> }.into_any()
        }
        build => view! { <a href=latest_green.href.clone()>{build.to_owned()}</a> }.into_any(),
    };
    view! {
        <p class="facts quiet">
            <span>"updated " {when(updated_ms)}</span>
            <span>"ran last " {when(last_run_ms)}</span>
            <span>"last green " {green}</span>
        </p>
    }
}

#[component]
fn FailingTable(tests: Vec<FailingTest>, now_ms: i64) -> impl IntoView {
    let build = |link: Link| match link.href.as_str() {
        "" => view! { <code>{link.text}</code> }.into_any(),
        _ => view! { <a href=link.href>{link.text}</a> }.into_any(),
    };
    view! {
        <table class="list failing">
            <thead>
                <tr><th>"Test"</th><th class="num">"Fails"</th><th>"Failed first"</th><th>"Passed last"</th></tr>
            </thead>
            <tbody>
                {tests
                    .into_iter()
                    .map(|test| view! {
                        <tr>
                            <td>
                                <a href=test.href title=test.name.clone()>{middle(&test.name)}</a>
                                {test.issues.into_iter().map(|issue| view! { " " <IssueTag issue/> }).collect_view()}
                                {(!test.message.is_empty()).then(|| view! { <div class="message">{test.message}</div> })}
                            </td>
                            <td class="num">{count(test.fail_count)}</td>
                            <td>{build(test.first_failed)} " " <span class="quiet"><Ago ms=test.first_failed_ms now_ms/></span></td>
                            <td>
                                {match test.last_passed_ms {
                                    Some(ms) => view! { {build(test.last_passed)} " " <span class="quiet"><Ago ms now_ms/></span> }.into_any(),
                                    None => view! { <span class="quiet">"not in sight"</span> }.into_any(),
                                }}
                            </td>
                        </tr>
                    })
                    .collect_view()}
            </tbody>
        </table>
    }
}

/// Two percents with a dash between.
pub(crate) fn percents((low, high): (f32, f32)) -> String {
    format!("{low:.0}\u{2009}–\u{2009}{high:.0} %")
}

#[component]
fn Health(average: f32, tests: Vec<FlakyTest>) -> impl IntoView {
    let rows = tests
        .into_iter()
        .map(|test| {
            let trend = match test.previous {
                Some(previous) if previous > test.flakiness => "▼",
                Some(previous) if previous < test.flakiness => "▲",
                Some(_) => "=",
                None => "",
            };
            view! {
                <tr>
                    <td>
                        <a href=test.href title=test.name.clone()>{middle(&test.name)}</a>
                        {test.is_new.then(|| view! { " " <span class="tag" title="It was not flaky in the interval before.">"new"</span> })}
                    </td>
                    <td class="num">
                        {format!("{:.1} %", test.flakiness)} " " {trend}
                        {test.between.map(|between| view! { <br/> <span class="quiet" title="With a confidence of 95 %">{percents(between)}</span> })}
                    </td>
                    <td class="num">{test.previous.map(|previous| format!("{previous:.1} %"))}</td>
                    <td class="num">{count(test.infra_failures)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details>
            <summary>{format!("Health: {average:.1} % flaky on average")}</summary>
            <table class="list">
                <thead>
                    <tr><th>"Test"</th><th class="num">"Flaky"</th><th class="num">"Before"</th><th class="num" title="Runs in which nothing passed">"Whole run failed"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
}
