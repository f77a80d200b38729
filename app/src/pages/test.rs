//! `/test?name=`: one test over all tabs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::asked;
use super::testgrid::{Cell, IssueTag, percents};
use crate::model::{Link, Suspects, TestPage as TestModel, TestRow, encode};
use crate::ui::{Ago, Crumbs, Shape, count, load, plural};

/// The page.
#[component]
pub(crate) fn TestPage() -> impl IntoView {
    let name = asked("name").unwrap_or_default();
    let page = asked("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    load(
        async move |context| context.backend.test(&context.viewer, &name, page).await,
        |test| view! { <Test test/> },
    )
}

#[component]
fn Test(test: TestModel) -> impl IntoView {
    let TestModel { now_ms, name, groups, rows, page, pages } = test;
    let failing = rows.iter().filter(|row| row.failing).count() as u64;
    let steps = vec![
        ("Test grid".to_owned(), "/testgrid".to_owned()),
        ("Tests".to_owned(), "/tests".to_owned()),
    ];
    let at = |page: u64| format!("/test?name={}&page={page}", encode(&name));
    let pager = (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {(page > 1).then(|| view! { <a href=at(page - 1) rel="prev">"← Previous"</a> })}
                <span>{format!("Page {} of {}", count(page), count(pages))}</span>
                {(page < pages).then(|| view! { <a href=at(page + 1) rel="next">"Next →"</a> })}
            </nav>
        }
    });
    view! {
        <Title text=format!("{name} · Tests · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1 class="test-title">{name.clone()}</h1>
            <p class="quiet">
                "in " {plural(groups, "test group", "test groups")}
                {(failing > 0).then(|| view! { ", fails in " {count(failing)} })}
            </p>
        </div>
        <table class="list test-rows">
            <thead>
                <tr>
                    <th class="state"><span class="v">"State"</span></th>
                    <th>"Tab"</th>
                    <th>"Results, newest first"</th>
                    <th class="num">"Passed"</th>
                    <th class="num">"Failed"</th>
                    <th class="num">"Flaky"</th>
                    <th>"First bad"</th>
                    <th>"Passed last"</th>
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(|row| view! { <Row row now_ms/> }).collect_view()}</tbody>
        </table>
        {pager}
    }
}

#[component]
fn Row(row: TestRow, now_ms: i64) -> impl IntoView {
    let TestRow {
        group,
        tabs,
        failing,
        cells,
        passed,
        failed,
        flaky,
        flakiness,
        between,
        newly_flaky,
        suspects,
        first_bad,
        last_pass,
        message,
        issues,
        numbers,
    } = row;
    let (shape, word) = match (failing, flaky > 0 || flakiness > 0.0, passed) {
        (true, ..) => ("failure", "fails"),
        (false, true, _) => ("flaky", "flaky"),
        (false, false, 0) => ("unknown", "no result"),
        _ => ("success", "passes"),
    };
    let when = |place: Option<(Link, i64)>| {
        place.map(|(build, ms)| {
            let name = match build.href.as_str() {
                "" => view! { <code>{build.text}</code> }.into_any(),
                _ => view! { <a href=build.href>{build.text}</a> }.into_any(),
            };
            view! { {name} " " <span class="quiet"><Ago ms now_ms/></span> }
        })
    };
    let all = passed + failed + flaky;
    let rate = (all > 0).then(|| format!("{flakiness:.1} %"));
    let between = between.map(|between| {
        view! { <br/> <span class="quiet" title="How often results changed, with a confidence of 95 %">{percents(between)}</span> }
    });
    let newly = newly_flaky.then(|| {
        view! { <br/> <span class="tag" title="Flaky in the last seven days, and not in the seven before">"newly flaky"</span> }
    });
    view! {
        <tr>
            <td class="state"><Shape shape word/></td>
            <td>
                {if tabs.is_empty() {
                    view! { <span class="quiet">{group}</span> }.into_any()
                } else {
                    tabs.into_iter().map(|tab| view! { <a href=tab.href>{tab.text}</a> <br/> }).collect_view().into_any()
                }}
                {issues.into_iter().map(|issue| view! { <IssueTag issue/> " " }).collect_view()}
                {numbers.map(|href| view! { <a class="quiet" href=href>"numbers"</a> })}
                {(!message.is_empty() && failing).then(|| view! { <div class="message">{message}</div> })}
            </td>
            <td class="strip-cells">
                <table class="cells"><tbody><tr>{cells.into_iter().map(|cell| view! { <Cell cell/> }).collect_view()}</tr></tbody></table>
            </td>
            <td class="num">{count(passed)}</td>
            <td class="num">{count(failed)}</td>
            <td class="num">{count(flaky)} {rate.map(|rate| view! { <br/> <span class="quiet" title="How often results changed">{rate}</span> })} {between} {newly}</td>
            <td>{when(first_bad)} {suspects.map(|suspects| view! { <Changed suspects/> })}</td>
            <td>{when(last_pass)}</td>
        </tr>
    }
}

/// What is between the newest pass and the first failure.
#[component]
fn Changed(suspects: Suspects) -> impl IntoView {
    let Suspects { headers, between, links } = suspects;
    let nothing = headers.is_empty() && links.is_empty();
    let headers = headers
        .into_iter()
        .map(|(label, from, to)| {
            view! { <li><span class="quiet">{label}</span> " " <code>{from}</code> " → " <code>{to}</code></li> }
        })
        .collect_view();
    let links = links
        .into_iter()
        .map(|link| view! { <li><a href=link.href>{link.text}</a></li> })
        .collect_view();
    (!nothing).then(|| {
        view! {
            <details class="suspects">
                <summary>"What changed?"</summary>
                <p class="quiet">
                    "Between the newest pass and the first failure"
                    {(between > 0).then(|| view! { " (" {plural(between, "build", "builds")} " between)" })}
                    ":"
                </p>
                <ul>{headers} {links}</ul>
            </details>
        }
    })
}
