//! `/compare`: two runs beside each other.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::model::{
    ComparedTests, DiffLine, Difference, Link, LogDiff, RunComparison, RunRow, TestChange,
    job_history_href, time,
};
use crate::ui::{Ago, Crumbs, Empty, Revision, StateIcon, count, load, plural, prose};

/// The page.
#[component]
pub(crate) fn ComparePage() -> impl IntoView {
    let query = use_location().search.get_untracked();
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.compare_runs(&context.viewer, query).await
        },
        |page| view! { <Comparison page/> },
    )
}

#[component]
fn Comparison(page: RunComparison) -> impl IntoView {
    let RunComparison { now_ms, old, new, choices, parameters, commits, tests, log, notes } = page;
    let mut steps = vec![("Runs".to_owned(), "/".to_owned())];
    steps.extend(job_history_href(&new.href).map(|href| (new.job.clone(), href)));
    let title = format!("{} · {} and {} compared", new.job, name(&new), name(&old));
    view! {
        <Title text=title/>
        <Crumbs steps/>
        <div class="page-head"><h1>"Two runs of " {new.job.clone()} " compared"</h1></div>
        {notes.iter().map(|note| view! { <p class="note-line">{prose(note)}</p> }).collect_view()}
        <Heads old=old.clone() new=new.clone() now_ms/>
        <Other new=new.clone() old=old.clone() choices now_ms/>
        {(!commits.is_empty()).then(|| view! { <Commits commits/> })}
        <Tests tests/>
        <Log log/>
        <Parameters parameters/>
    }
}

fn name(run: &RunRow) -> String {
    if run.build_id.is_empty() { run.id.clone() } else { run.build_id.clone() }
}

/// What the two are, side by side.
#[component]
fn Heads(old: RunRow, new: RunRow, now_ms: i64) -> impl IntoView {
    let row = |word: &'static str, run: RunRow| {
        let href = run.short_href();
        let name = name(&run);
        let took = time::duration(run.duration_ms(now_ms));
        let is_over = run.finished_ms.is_some();
        view! {
            <tr>
                <th scope="row">{word}</th>
                <td><StateIcon state=run.state/></td>
                <td><a class="build" href=href>{name}</a></td>
                <td><Revision refs=run.refs/></td>
                <td><Ago ms=run.started_ms now_ms/></td>
                <td class="num">{took} {(!is_over).then_some("…")}</td>
            </tr>
        }
    };
    let both_ended = old.finished_ms.is_some() && new.finished_ms.is_some();
    let change = both_ended.then(|| {
        let by = new.duration_ms(now_ms) - old.duration_ms(now_ms);
        let word = if by < 0 { "less" } else { "more" };
        let text = format!("The new one took {} {word}.", time::duration(by.abs()));
        view! { <p class="quiet">{text}</p> }
    });
    view! {
        <table class="list history">
            <caption class="v">"The two runs"</caption>
            <thead>
                <tr>
                    <th><span class="v">"Which"</span></th>
                    <th class="state"><span class="v">"State"</span></th>
                    <th>"Build"</th>
                    <th>"Revision"</th>
                    <th>"Started"</th>
                    <th class="num">"Took"</th>
                </tr>
            </thead>
            <tbody>{row("New", new)} {row("Old", old)}</tbody>
        </table>
        {change}
    }
}

/// Another run to compare with.
#[component]
fn Other(new: RunRow, old: RunRow, choices: Vec<RunRow>, now_ms: i64) -> impl IntoView {
    let is_offered = choices.iter().any(|choice| choice.id == old.id);
    let kept = (!is_offered).then(|| old.clone());
    let options = kept
        .into_iter()
        .chain(choices)
        .map(|run| {
            let text = format!(
                "{} · {} · {}",
                name(&run),
                run.state.word(),
                time::relative(run.started_ms, now_ms)
            );
            let selected = run.id == old.id;
            view! { <option value=run.id selected=selected>{text}</option> }
        })
        .collect_view();
    view! {
        <form class="filters" method="get" action="/compare" aria-label="Compare with another run">
            <input type="hidden" name="new" value=new.id/>
            <label>"Compare with " <select name="old">{options}</select></label>
            <button type="submit">"Compare"</button>
        </form>
    }
}

#[component]
fn Commits(commits: Vec<Link>) -> impl IntoView {
    let links = commits
        .into_iter()
        .map(|link| view! { <li><a href=link.href title=link.title>{link.text}</a></li> })
        .collect_view();
    view! {
        <h2>"Commits between them"</h2>
        <ul class="plain">{links}</ul>
    }
}

#[component]
fn Tests(tests: Option<ComparedTests>) -> impl IntoView {
    let Some(tests) = tests else {
        return view! {
            <h2>"Tests"</h2>
            <Empty title="Neither run left results of tests.">
                "They come from the JUnit files that a run leaves among its artifacts."
            </Empty>
        }
        .into_any();
    };
    let ComparedTests { tests, counts, old_total, new_total, gone, added } = tests;
    let differ = counts.iter().any(|count| *count > 0);
    let lists = TestChange::ALL
        .into_iter()
        .filter(|change| counts[*change as usize] > 0)
        .map(|change| {
            let all = counts[change as usize];
            let of: Vec<_> = tests.iter().filter(|test| test.change == change).cloned().collect();
            let left = all - of.len() as u64;
            let rows = of
                .into_iter()
                .map(|test| {
                    let ms = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), duration);
                    view! {
                        <tr>
                            <td class="file"><code>{test.name}</code></td>
                            <td class="num">{ms(test.old_ms)}</td>
                            <td class="num">{ms(test.new_ms)}</td>
                        </tr>
                    }
                })
                .collect_view();
            let more = (left > 0)
                .then(|| view! { <p class="quiet">{plural(left, "more test", "more tests")} " are not shown."</p> });
            // What fails in both is no news.
            let open = change != TestChange::Still;
            view! {
                <details class="tests-section" open=open>
                    <summary><h3>{change.title()} " " <span class="quiet">{count(all)}</span></h3></summary>
                    <table class="list">
                        <thead><tr><th>"Test"</th><th class="num">"Old"</th><th class="num">"New"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                    {more}
                </details>
            }
        })
        .collect_view();
    view! {
        <h2>"Tests"</h2>
        <p class="quiet">
            {count(old_total)} " in the old run, " {count(new_total)} " in the new one; "
            {count(gone)} " are gone, " {count(added)} " are new."
        </p>
        {(!differ).then(|| view! { <p>"No test fails or passes that did not, and no duration changed much."</p> })}
        {lists}
    }
    .into_any()
}

/// Tests are often short, so their durations have tenths.
fn duration(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        _ => time::duration(i64::try_from(ms).unwrap_or(i64::MAX)),
    }
}

#[component]
fn Log(log: Option<LogDiff>) -> impl IntoView {
    let Some(LogDiff { lines, same }) = log else {
        return view! {
            <h2>"Logs"</h2>
            <Empty title="There are not two logs to compare.">
                "One of the runs left none, or its files have expired."
            </Empty>
        }
        .into_any();
    };
    let nothing = lines.is_empty();
    let mut last: Option<DiffLine> = None;
    let rows = lines
        .into_iter()
        .map(|line| {
            let is_next = |before: Option<u64>, now: Option<u64>| match (before, now) {
                (Some(before), Some(now)) => now <= before + 1,
                _ => true,
            };
            // Lines were left out where both numbers jump.
            let is_gap = last
                .as_ref()
                .is_some_and(|last| !(is_next(last.old, line.old) && is_next(last.new, line.new)));
            let before = last.take().unwrap_or_default();
            last = Some(DiffLine {
                old: line.old.or(before.old),
                new: line.new.or(before.new),
                text: String::new(),
            });
            let (class, sign) = match (line.old, line.new) {
                (Some(_), None) => ("minus", "−"),
                (None, Some(_)) => ("plus", "+"),
                _ => ("", ""),
            };
            view! {
                {is_gap.then(|| view! { <tr class="gap"><td colspan="4">"⋯"</td></tr> })}
                <tr class=class>
                    <td class="num">{line.old}</td>
                    <td class="num">{line.new}</td>
                    <td>{sign}</td>
                    <td><code>{line.text}</code></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2>"Logs around the first error"</h2>
        <p class="quiet">
            {plural(same, "line is", "lines are")}
            " the same but for times, durations and ids. − is in the old log alone, + in the new one."
        </p>
        {if nothing {
            view! { <p>"Nothing else differs in this part."</p> }.into_any()
        } else {
            view! {
                <div class="log-diff-box" tabindex="0" role="region" aria-label="Difference of the logs">
                    <table class="log-diff">
                        <caption class="v">"Lines of the old and the new log"</caption>
                        <thead class="v"><tr><th>"Old"</th><th>"New"</th><th>"Which"</th><th>"Line"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
                .into_any()
        }}
    }
    .into_any()
}

#[component]
fn Parameters(parameters: Option<Vec<Difference>>) -> impl IntoView {
    let Some(parameters) = parameters else {
        return view! {
            <h2>"Parameters"</h2>
            <Empty title="The parameters are not known of both.">
                "They are in the ProwJob, which is kept in the cluster for a while, and in prowjob.json among the artifacts."
            </Empty>
        }
        .into_any();
    };
    if parameters.is_empty() {
        return view! { <h2>"Parameters"</h2> <p>"Both were given the same."</p> }.into_any();
    }
    let value = |value: Option<String>| match value {
        Some(value) => view! { <td class="file"><code>{value}</code></td> }.into_any(),
        None => view! { <td class="quiet">"none"</td> }.into_any(),
    };
    let rows = parameters
        .into_iter()
        .map(|difference| {
            view! {
                <tr>
                    <th scope="row">{difference.name}</th>
                    {value(difference.old)}
                    {value(difference.new)}
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2>"Parameters"</h2>
        <table class="list parameters">
            <caption class="v">"What the runs were given, where it differs"</caption>
            <thead><tr><th>"Name"</th><th>"Old"</th><th>"New"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
