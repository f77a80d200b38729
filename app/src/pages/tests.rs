//! `/tests`: tests by parts of their names, over all tabs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::asked;
use crate::model::{TestHit, TestSearch};
use crate::ui::{Crumbs, Empty, load, middle, plural};

/// The page.
#[component]
pub(crate) fn TestsPage() -> impl IntoView {
    let query = asked("q").unwrap_or_default();
    load(
        async move |context| context.backend.test_search(&context.viewer, &query).await,
        |found| view! { <Found found/> },
    )
}

#[component]
fn Found(found: TestSearch) -> impl IntoView {
    let TestSearch { now_ms: _, query, hits, more } = found;
    let title = if query.is_empty() {
        "Tests · Bowsprit".to_owned()
    } else {
        format!("{query} · Tests · Bowsprit")
    };
    let nothing = hits.is_empty();
    let words = match (query.is_empty(), more) {
        (true, _) => String::new(),
        (false, true) => {
            format!("the {} with the shortest names; add a word to see others", hits.len())
        }
        (false, false) => plural(hits.len() as u64, "test", "tests"),
    };
    view! {
        <Title text=title/>
        <Crumbs steps=vec![("Test grid".to_owned(), "/testgrid".to_owned())]/>
        <div class="page-head">
            <h1>"Tests"</h1>
            <p class="quiet">{words}</p>
        </div>
        <form class="filters" action="/tests" method="get" role="search" aria-label="Search tests">
            <input
                type="search"
                name="q"
                class="job"
                aria-label="Parts of a test's name"
                placeholder="parts of a test's name"
                autocomplete="off"
                spellcheck="false"
                value=query.clone()
            />
            <button type="submit">"Search"</button>
        </form>
        {if nothing && query.is_empty() {
            view! { <Empty title="Which test?">"Type parts of its name; every stored build of every dashboard is searched."</Empty> }.into_any()
        } else if nothing {
            view! { <Empty title="No test has all these words in its name.">"Parts of words will do, upper and lower case alike."</Empty> }.into_any()
        } else {
            view! {
                <table class="list tests-found">
                    <thead><tr><th>"Test"</th><th>"Tabs"</th></tr></thead>
                    <tbody>{hits.into_iter().map(|hit| view! { <Hit hit/> }).collect_view()}</tbody>
                </table>
            }
                .into_any()
        }}
    }
}

#[component]
fn Hit(hit: TestHit) -> impl IntoView {
    let TestHit { name, href, groups, tabs, more_tabs } = hit;
    view! {
        <tr>
            <td class="test-name"><a href=href title=name.clone()>{middle(&name)}</a></td>
            <td>
                {tabs
                    .into_iter()
                    .map(|tab| view! { <a class="tag" href=tab.href>{tab.text}</a> " " })
                    .collect_view()}
                {(more_tabs > 0).then(|| view! { <span class="quiet">"and " {plural(more_tabs, "other", "others")}</span> })}
                {(groups == 0).then(|| view! { <span class="quiet">"no tab shows it now"</span> })}
            </td>
        </tr>
    }
}
