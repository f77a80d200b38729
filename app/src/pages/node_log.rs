//! `/nodelog/<provider>/<bucket>/<path>`: what the logs of a cluster's nodes say about one Pod. The
//! choice is a form, its state the address, as on Gubernator's page.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::model::{
    NodeLogField, NodeLogFile, NodeLogLine, NodeLogPage as Model, NodeLogPart, NodeLogPiece,
    PageError, RunFilter, RunKey, RunRow,
};
use crate::ui::{Crumbs, answer_with, bytes, count, load, plural, prose};

/// The page.
#[component]
pub(crate) fn NodeLogPage() -> impl IntoView {
    let source = use_params_map().get_untracked().get("source").unwrap_or_default();
    let key = RunKey::parse(&source);
    let query = use_location().search.get_untracked();
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.node_log(&context.viewer, &key?, query).await
        },
        |page| match page.missing {
            true => view! { <Missing page/> }.into_any(),
            false => view! { <NodeLogs page/> }.into_any(),
        },
    )
}

fn name(run: &RunRow) -> String {
    if run.build_id.is_empty() { run.id.clone() } else { run.build_id.clone() }
}

/// What leads to the page.
fn steps(run: &RunRow) -> Vec<(String, String)> {
    let of_job = RunFilter { job: Some(run.job.clone()), ..RunFilter::default() };
    vec![
        ("Runs".to_owned(), "/".to_owned()),
        (run.job.clone(), of_job.href()),
        (name(run), run.href.clone()),
    ]
}

/// The run left no logs of nodes: an answer of its own, with status 404.
#[component]
fn Missing(page: Model) -> impl IntoView {
    answer_with(&PageError::NotFound { message: String::new() });
    let Model { run, folder_href, pod, notes, .. } = page;
    view! {
        <Title text=format!("No logs of nodes · {} #{}", run.job, name(&run))/>
        <Crumbs steps=steps(&run)/>
        <section class="problem">
            <h1>"No logs of nodes"</h1>
            <p>
                "The run " <a href=run.href.clone()>{run.job.clone()} " #" {name(&run)}</a>
                " left no " <code>"kubelet.log"</code> " and no " <code>"kube-apiserver.log"</code>
                " among its artifacts"
                {(!pod.is_empty()).then(|| view! { ", so nothing is known of the Pod " <code>{pod}</code> })}
                ". They may have expired in the bucket, not be uploaded yet, or the job does not keep them."
            </p>
            {notes.iter().map(|note| view! { <p class="note-line">{prose(note)}</p> }).collect_view()}
            {(!folder_href.is_empty())
                .then(|| view! { <p><a href=folder_href>"All files of the run"</a></p> })}
        </section>
    }
}

#[component]
fn NodeLogs(page: Model) -> impl IntoView {
    let title = format!("Logs of nodes · {} #{}", page.run.job, name(&page.run));
    let words: Vec<AnyView> = page
        .words
        .iter()
        .map(|word| view! { <code>{word.clone()}</code> " " }.into_any())
        .collect();
    let (notes, parts, wrap) = (page.notes.clone(), page.parts.clone(), page.wrap);
    view! {
        <Title text=title/>
        <Crumbs steps=steps(&page.run)/>
        <div class="page-head">
            <h1>"Logs of nodes"</h1>
            <p class="quiet">"Lines that hold one of: " {words}</p>
        </div>
        {notes.iter().map(|note| view! { <p class="note-line">{prose(note)}</p> }).collect_view()}
        <Choice page/>
        {parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| view! { <Part part at wrap/> })
            .collect_view()}
    }
}

/// What is looked for, and where.
#[component]
fn Choice(page: Model) -> impl IntoView {
    let Model { pod, junit, fields, mut others, around, files, wrap, weave, .. } = page;
    // One more, to be filled.
    others.push(String::new());
    let others = others
        .into_iter()
        .map(|word| view! { <input type="text" name="others" aria-label="A further word" placeholder="a further word" autocomplete="off" spellcheck="false" value=word/> })
        .collect_view();
    let folders = files
        .into_iter()
        .map(|(folder, files)| {
            let files = files
                .into_iter()
                .map(|NodeLogFile { path, name, chosen }| {
                    view! { <label><input type="checkbox" name="logfiles" value=path checked=chosen/> <code>{name}</code></label> }
                })
                .collect_view();
            view! { <fieldset><legend><code>{folder}</code></legend>{files}</fieldset> }
        })
        .collect_view();
    view! {
        <form class="node-choice" method="get" aria-label="Which lines are shown">
            <div class="filters">
                <label>"Pod " <input type="text" name="pod" class="job" autocomplete="off" spellcheck="false" value=pod/></label>
                {others}
                {(!junit.is_empty()).then(|| view! { <input type="hidden" name="junit" value=junit/> })}
                <label>"Lines around " <input type="number" name="around" min="0" max="100" value=around.to_string()/></label>
                <label><input type="checkbox" name="wrap" checked=wrap/> " wrap lines"</label>
                <label><input type="checkbox" name="weave" checked=weave/> " weave by time"</label>
                <button type="submit">"Show"</button>
            </div>
            <fieldset>
                <legend>"Lines that name something else of the Pod, too"</legend>
                {fields.into_iter().map(field).collect_view()}
            </fieldset>
            <details>
                <summary>"Which logs"</summary>
                <div class="node-files">{folders}</div>
            </details>
        </form>
    }
}

fn field(field: NodeLogField) -> impl IntoView {
    let NodeLogField { label, on_name, on, value_name, value, found } = field;
    let hint = if found.is_empty() { "not found in the logs".to_owned() } else { found.clone() };
    let title = format!("{label} of the Pod, if the logs do not say it");
    view! {
        <p class="node-field">
            <label><input type="checkbox" name=on_name checked=on/> " " {label}</label>
            <input type="text" name=value_name aria-label=title placeholder=hint autocomplete="off" spellcheck="false" value=value/>
            {(!found.is_empty()).then(|| view! { <code>{found}</code> })}
        </p>
    }
}

/// A log, or several that are woven.
#[component]
fn Part(part: NodeLogPart, at: usize, wrap: bool) -> impl IntoView {
    let NodeLogPart { logs, pieces, wanted, left_out, lines } = part;
    let several = logs.len() > 1;
    let names: Vec<String> = logs.iter().map(|log| log.text.clone()).collect();
    let label = format!("Lines of {}", names.join(", "));
    let heading = logs
        .into_iter()
        .map(|log| view! { <a href=log.href><code>{log.title}</code></a> " " })
        .collect_view();
    let none = wanted == 0;
    let rows = pieces
        .into_iter()
        .map(|piece| match piece {
            NodeLogPiece::Skipped(lines) => {
                let words = plural(lines, "line is", "lines are");
                view! { <li class="skip">{words} " left out"</li> }.into_any()
            }
            NodeLogPiece::Line(line) => row(line, at, several.then_some(&names)).into_any(),
        })
        .collect_view();
    view! {
        <section class="node-log" class:wrap=wrap>
            <h2>{heading}</h2>
            <p class="quiet">
                {count(wanted)} " of " {plural(lines, "line", "lines")} "."
                {(left_out > 0)
                    .then(|| view! { " " {plural(left_out, "line is", "lines are")} " not shown, since they are too many for a page: look for something rarer." })}
            </p>
            {match none {
                true => view! { <p class="note-line">"No line holds one of the words."</p> }.into_any(),
                false => {
                    view! {
                        <div class="node-scroll" tabindex="0" role="region" aria-label=label>
                            <ol class="node-lines">{rows}</ol>
                        </div>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

/// `names` are those of the logs, where they are several.
fn row(line: NodeLogLine, part: usize, names: Option<&Vec<String>>) -> impl IntoView {
    let NodeLogLine { log, n, spans, wanted, cut_bytes } = line;
    let id = format!("k{part}-{log}-{n}");
    let of = names.and_then(|names| names.get(log as usize).cloned());
    let cut = (cut_bytes > 0)
        .then(|| view! { <em class="cut">" … " {bytes(cut_bytes)} " not shown"</em> });
    let spans = spans
        .into_iter()
        .map(|(text, is_word)| match is_word {
            true => view! { <mark>{text}</mark> }.into_any(),
            false => text.into_any(),
        })
        .collect_view();
    view! {
        <li id=id.clone() class:wanted=wanted>
            <a href=format!("#{id}")>{n}</a>
            {of.map(|of| view! { <span class="of">{of}</span> })}
            <code>{spans}{cut}</code>
        </li>
    }
}
