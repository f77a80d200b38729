//! The rows of the run list.
//!
//! A page holds 250 of them within 200 kB, so a row says everything once and shortly: the table
//! is one form whose buttons name their run, cells are known by their place, and what the page of
//! the run says better is left to it.

use leptos::prelude::*;

use crate::model::{Permission, RunFilter, RunRow, encode, job_history_href, time};
use crate::ui::{Repository, ShortRevision, StateIcon, middle, prose};

/// The table, in one form for Rerun and Abort.
#[component]
pub(crate) fn RunTable(
    rows: Vec<RunRow>,
    now_ms: i64,
    rerun: Permission,
    abort: Permission,
) -> impl IntoView {
    let allowed = (rerun.allowed, abort.allowed);
    let reason = [&rerun, &abort]
        .into_iter()
        .find(|permission| !permission.allowed)
        .map(|permission| permission.reason.clone());
    let mut previous: Option<RunRow> = None;
    let rows = rows
        .into_iter()
        .map(|row| {
            let same = previous.as_ref().is_some_and(|above| same_source(above, &row));
            previous = Some(row.clone());
            view! { <Row row now_ms same allowed/> }
        })
        .collect_view();
    view! {
        <form method="post" action="/rerun" id="act">
            <table class="runs" data-moves="rows">
                <caption class="v">"Runs, newest first"</caption>
                <thead>
                    <tr>
                        <th class="state"><span class="v">"State"</span></th>
                        <th class="job">"Job"</th>
                        <th class="repo">"Repository"</th>
                        <th class="rev">"Revision"</th>
                        <th class="at">"Started"</th>
                        <th class="for">"Took"</th>
                        <th class="acts"><span class="v">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </form>
        {reason.map(|reason| view! { <p class="quiet denied">{prose(&reason)}</p> })}
    }
}

/// Whether two runs test the very same thing, so that the second need not repeat it.
fn same_source(above: &RunRow, below: &RunRow) -> bool {
    !below.refs.repo.is_empty() && !below.refs.pulls.is_empty() && above.refs == below.refs
}

/// One run. `allowed` tells whether the reader may rerun and abort at all.
#[component]
fn Row(row: RunRow, now_ms: i64, same: bool, allowed: (bool, bool)) -> impl IntoView {
    let (may_rerun, may_abort) = allowed;
    let href = row.short_href();
    let log = format!("{href}#log");
    let list = || RunFilter { job: Some(row.job.clone()), ..RunFilter::default() }.href();
    let history = job_history_href(&row.href).unwrap_or_else(list);
    let yaml = row.has_prowjob.then(|| {
        let href = format!("/prowjob?prowjob={}", encode(&row.id));
        view! { <a href=href>"yaml"</a> }
    });
    let can_abort = may_abort && row.can_be_aborted();
    let can_rerun = may_rerun && row.has_prowjob && !row.can_be_aborted();
    let act = (can_abort || can_rerun).then(|| {
        let (action, word) = if can_abort { (Some("/abort"), "abort") } else { (None, "rerun") };
        view! { <button name="prowjob" value=row.id.clone() formaction=action>{word}</button> }
    });
    let running = !row.state.is_over() && row.finished_ms.is_none();
    let took = time::duration(row.duration_ms(now_ms));
    let took = if running {
        view! { <span class="running" data-since=row.started_ms>{took}</span> }.into_any()
    } else {
        took.into_any()
    };
    let source = if same {
        view! { <td class="same" colspan="2"></td> }.into_any()
    } else {
        view! {
            <td><Repository refs=row.refs.clone() kind=row.kind/></td>
            <td><ShortRevision refs=row.refs/></td>
        }
        .into_any()
    };
    view! {
        <tr>
            <td><StateIcon state=row.state/></td>
            <td><a href=href>{middle(&row.job)}</a></td>
            {source}
            <td><time datetime=time::rfc3339(row.started_ms)>{time::relative(row.started_ms, now_ms)}</time></td>
            <td>{took}</td>
            <td><a href=log>"log"</a>{yaml}<a href=history>"history"</a>{act}</td>
        </tr>
    }
}
