//! The top of a run's page: how it stands, what it tests, what can be done.

use leptos::prelude::*;

use crate::model::{Attempt, Permission, RunDetail, UsualDuration, encode, time};
use crate::ui::{Ago, Repository, Revision, StateIcon, prose};

/// The top of the page.
#[component]
pub(crate) fn Head(detail: RunDetail) -> impl IntoView {
    let RunDetail { now_ms, row, attempts, hint, notes, rerun, rerun_latest, abort, .. } = detail;
    let took = time::duration(row.duration_ms(now_ms));
    let usual = detail.usual.map(|usual| Usual::of(usual, row.duration_ms(now_ms)));
    let running_since = (!row.state.is_over()).then_some(row.started_ms);
    let state = row.state;
    let name = if row.build_id.is_empty() { row.id.clone() } else { row.build_id.clone() };
    let has_source = !row.refs.repo.is_empty();
    let can_abort = row.can_be_aborted();
    let id = row.id.clone();
    view! {
        <header class="run-head">
            <div class="run-title">
                <h1>
                    <StateIcon state/>
                    <span class="name">{row.job.clone()}</span>
                    <span class="build" title="Build">{name}</span>
                </h1>
                <p class="facts">
                    <span class=format!("verdict {}", state.word())>
                        <span class="verdict-words">{state.verdict()}</span> " " <span class="took" class:running=running_since.is_some() data-since=running_since>{took}</span>
                    </span>
                    {usual.map(|usual| view! { <span title=usual.title>{usual.words}</span> })}
                    <span>"started " <Ago ms=row.started_ms now_ms/></span>
                    {has_source
                        .then(|| {
                            view! {
                                <span>
                                    <Repository refs=row.refs.clone() kind=row.kind/>
                                    " "
                                    <Revision refs=row.refs.clone()/>
                                </span>
                            }
                        })}
                    <span>{row.kind.word()}</span>
                    {(!row.cluster.is_empty()).then(|| view! { <span>"cluster " {row.cluster}</span> })}
                </p>
                {(!row.description.is_empty())
                    .then(|| view! { <p class="description">{row.description}</p> })}
            </div>
            <div class="run-actions">
                <RerunForm id=id.clone() rerun rerun_latest/>
                {can_abort.then(|| view! { <AbortForm id job=row.job abort/> })}
            </div>
        </header>
        {(!hint.is_empty())
            .then(|| {
                view! {
                    <div class="hint">
                        <strong>"Hint"</strong>
                        <span>{prose(&hint)}</span>
                    </div>
                }
            })}
        {notes.into_iter().map(|note| view! { <p class="note-line">{prose(&note)}</p> }).collect_view()}
        <div class="around">
            <Attempts attempts now_ms/>
            <ul class="links">
                {(!detail.configured_job.is_empty())
                    .then(|| {
                        let at = (!detail.configured_at.is_empty())
                            .then(|| view! { " " <small class="quiet">{detail.configured_at}</small> });
                        view! { <li><a href=detail.configured_job>"Configured job"</a>{at}</li> }
                    })}
                {row.has_prowjob
                    .then(|| {
                        let href = format!("/prowjob?prowjob={}", encode(&row.id));
                        view! { <li><a href=href>"ProwJob YAML"</a></li> }
                    })}
                {detail
                    .links
                    .into_iter()
                    .map(|link| {
                        let title = (!link.title.is_empty()).then_some(link.title);
                        view! { <li><a href=link.href title=title>{link.text}</a></li> }
                    })
                    .collect_view()}
            </ul>
            <nav class="neighbours" aria-label="Other runs of this job">
                {(!detail.older.is_empty()).then(|| view! { <a href=detail.older rel="prev">"← older"</a> })}
                {(!detail.newer.is_empty()).then(|| view! { <a href=detail.newer rel="next">"newer →"</a> })}
            </nav>
        </div>
    }
}

/// A run's duration beside the usual one of its job.
struct Usual {
    words: String,
    title: String,
}

impl Usual {
    fn of(usual: UsualDuration, took_ms: i64) -> Usual {
        let UsualDuration { median_ms, runs } = usual;
        // Beyond twice or under half one looks twice.
        let much = match took_ms {
            took if took > median_ms.saturating_mul(2) => "much longer than ",
            took if took.saturating_mul(2) < median_ms => "much shorter than ",
            _ => "",
        };
        Usual {
            words: format!("{much}usually {}", time::duration(median_ms)),
            title: format!("the median of the last {runs} runs of this job that passed"),
        }
    }
}

#[component]
fn Attempts(attempts: Vec<Attempt>, now_ms: i64) -> impl IntoView {
    if attempts.len() < 2 {
        return ().into_any();
    }
    let attempts = attempts
        .into_iter()
        .enumerate()
        .map(|(at, attempt)| {
            let title = format!(
                "{}, started {}",
                attempt.state.word(),
                time::relative(attempt.started_ms, now_ms)
            );
            view! {
                <li>
                    <a href=attempt.href title=title aria-current=attempt.current.then_some("page")>
                        {at + 1}
                        <StateIcon state=attempt.state/>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <div class="attempts"><span>"Attempts"</span><ol>{attempts}</ol></div> }.into_any()
}

/// Rerun behind one more click, with its two ways; a plain form.
#[component]
fn RerunForm(id: String, rerun: Permission, rerun_latest: Permission) -> impl IntoView {
    if !rerun.allowed && !rerun_latest.allowed {
        return denied("Rerun", rerun.reason).into_any();
    }
    let yaml = |mode: &str| format!("/rerun?prowjob={}&mode={mode}", encode(&id));
    let latest_reason = (!rerun_latest.allowed).then(|| rerun_latest.reason.clone());
    view! {
        <details class="menu">
            <summary class="button">"Rerun"</summary>
            <form class="panel" method="post" action="/rerun">
                <input type="hidden" name="prowjob" value=id.clone()/>
                <fieldset>
                    <legend>"Start this job again"</legend>
                    <label>
                        <input type="radio" name="mode" value="original" checked=rerun.allowed disabled=!rerun.allowed/>
                        <span>"Just as it ran"</span>
                        {rerun.allowed.then(|| view! { <a href=yaml("original")>"YAML"</a> })}
                    </label>
                    <label>
                        <input type="radio" name="mode" value="latest" checked=!rerun.allowed disabled=!rerun_latest.allowed/>
                        <span>"As the job is configured now"</span>
                        {rerun_latest.allowed.then(|| view! { <a href=yaml("latest")>"YAML"</a> })}
                    </label>
                    {latest_reason.map(|reason| view! { <p class="quiet">{prose(&reason)}</p> })}
                </fieldset>
                <button class="primary" type="submit">"Rerun"</button>
            </form>
        </details>
    }
    .into_any()
}

/// Abort behind one more click; a plain form.
#[component]
fn AbortForm(id: String, job: String, abort: Permission) -> impl IntoView {
    if !abort.allowed {
        return denied("Abort", abort.reason).into_any();
    }
    view! {
        <details class="menu">
            <summary class="button">"Abort"</summary>
            <form class="panel" method="post" action="/abort">
                <input type="hidden" name="prowjob" value=id/>
                <p>"Stops " <b>{job}</b> ". What it has written so far stays."</p>
                <button class="danger" type="submit">"Abort the run"</button>
            </form>
        </details>
    }
    .into_any()
}

/// A button that may not be pressed, with the reason in sight.
fn denied(word: &'static str, reason: String) -> impl IntoView {
    let id = format!("why-{}", word.to_lowercase());
    view! {
        <div class="denied-action">
            <button type="button" disabled aria-describedby=id.clone()>{word}</button>
            <small id=id>{prose(&reason)}</small>
        </div>
    }
}
