//! `/pr-history/`: the runs of a pull request, jobs by commits.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::model::{HistoryRow, PullCommit, PullHistory, PullJob, RunFilter, time};
use crate::ui::{Ago, Crumbs, Empty, Revision, StateIcon, load, middle, plural, prose};

/// Characters of a commit hash that people recognise.
const SHORT_SHA: usize = 7;

/// The page.
#[component]
pub(crate) fn PullHistoryPage() -> impl IntoView {
    let query = use_location().search.get_untracked();
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.pull_history(&context.viewer, query).await
        },
        |page| view! { <History page/> },
    )
}

#[component]
fn History(page: PullHistory) -> impl IntoView {
    let PullHistory { now_ms, org, repo, number, link, title, author, commits, jobs, .. } =
        page.clone();
    let full_name = format!("{org}/{repo}");
    let of_repo = RunFilter { repo: Some(full_name.clone()), ..RunFilter::default() };
    let in_list = RunFilter { pulls: vec![number], ..of_repo.clone() }.href();
    let steps = vec![("Runs".to_owned(), "/".to_owned()), (full_name.clone(), of_repo.href())];
    let heading = format!("{full_name} #{number}");
    let by = (!author.is_empty()).then(|| {
        let of_author = RunFilter { author: Some(author.clone()), ..RunFilter::default() }.href();
        view! { "by " <a href=of_author>{author}</a> " · " }
    });
    let at_host = (!link.is_empty()).then(|| view! { <a href=link>"Pull request"</a> " · " });
    let body = if jobs.is_empty() {
        view! {
            <Empty title="No presubmit is known.">
                "Runs of this pull request appear here when a presubmit of it starts."
            </Empty>
        }
        .into_any()
    } else {
        let heads =
            commits.into_iter().map(|commit| view! { <Commit commit now_ms/> }).collect_view();
        let rows = jobs.into_iter().map(|job| view! { <Job job now_ms/> }).collect_view();
        view! {
            <div class="heatmap-box" tabindex="0" role="region" aria-label="Jobs by commits">
                <table class="heatmap pull-runs">
                    <caption class="v">"Every run of each job by commit, the newest first"</caption>
                    <thead><tr><th scope="col">"Job"</th>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    let turn = |to: u64, word: &'static str, rel: &'static str| {
        let is_there = to >= 1 && to <= page.pages;
        is_there.then(|| view! { <a href=page.page_href(to) rel=rel>{word}</a> })
    };
    let newer = turn(page.page.saturating_sub(1), "← Newer commits", "prev");
    let older = turn(page.page + 1, "Older commits →", "next");
    let has_pages = page.pages > 1;
    view! {
        <Title text=format!("{heading} · PR history · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{heading}</h1>
            {(!title.is_empty()).then(|| view! { <p>{title}</p> })}
            <p class="quiet">
                {by} {at_host} {plural(page.runs, "run", "runs")} " · "
                <a href=in_list>"in the list of runs"</a>
            </p>
        </div>
        {page.notes.iter().map(|note| view! { <p class="note-line">{prose(note)}</p> }).collect_view()}
        {body}
        {has_pages.then(|| view! { <nav class="pager" aria-label="Pages of commits">{newer} {older}</nav> })}
        <Batches rows=page.batches now_ms/>
    }
}

#[component]
fn Commit(commit: PullCommit, now_ms: i64) -> impl IntoView {
    let PullCommit { sha, href, started_ms, .. } = commit;
    // What is no hash is told as it is.
    let is_hash = sha.len() >= SHORT_SHA && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short: String = if is_hash { sha.chars().take(SHORT_SHA).collect() } else { sha.clone() };
    let name = match (sha.is_empty(), is_hash && !href.is_empty()) {
        (true, _) => "unknown".into_any(),
        (false, true) => view! { <a class="sha" href=href title=sha>{short}</a> }.into_any(),
        (false, false) => view! { <code>{short}</code> }.into_any(),
    };
    let when = (started_ms > 0).then(|| view! { <br/> <Ago ms=started_ms now_ms/> });
    view! { <th scope="col">{name}{when}</th> }
}

#[component]
fn Job(job: PullJob, now_ms: i64) -> impl IntoView {
    let PullJob { job, href, cells } = job;
    let cells = cells
        .into_iter()
        .map(|runs| {
            let marks = runs.into_iter().map(|row| view! { <Mark row now_ms/> }).collect_view();
            view! { <td>{marks}</td> }
        })
        .collect_view();
    view! { <tr><th scope="row"><a class="name" href=href title="Job history">{middle(&job)}</a></th>{cells}</tr> }
}

/// One run: its state, leading to its page.
#[component]
fn Mark(row: HistoryRow, now_ms: i64) -> impl IntoView {
    let run = row.run;
    let took = time::duration(run.duration_ms(now_ms));
    let title = format!(
        "{}, build {}, started {}, {} {took}",
        run.state.word(),
        run.build_id,
        time::relative(run.started_ms, now_ms),
        if run.finished_ms.is_some() { "took" } else { "so far" },
    );
    let href = run.short_href();
    view! { <a class="mark" href=href title=title><StateIcon state=run.state/></a> }
}

/// Batches that the pull request was in.
#[component]
fn Batches(rows: Vec<HistoryRow>, now_ms: i64) -> impl IntoView {
    if rows.is_empty() {
        return ().into_any();
    }
    let rows = rows
        .into_iter()
        .map(|HistoryRow { run, .. }| {
            let href = run.short_href();
            view! {
                <tr>
                    <td><StateIcon state=run.state/></td>
                    <td><a href=href>{run.job.clone()}</a></td>
                    <td><Revision refs=run.refs.clone()/></td>
                    <td><Ago ms=run.started_ms now_ms/></td>
                    <td class="num">{time::duration(run.duration_ms(now_ms))}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2>"In batches"</h2>
        <table class="list history">
            <caption class="v">"Runs of batches with this pull request, the newest first"</caption>
            <thead>
                <tr>
                    <th class="state"><span class="v">"State"</span></th>
                    <th>"Job"</th>
                    <th>"Pull requests"</th>
                    <th>"Started"</th>
                    <th class="num">"Took"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
