//! `/job-history/…`: the runs of a job, by build.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::model::{
    HistoryPeriod, HistoryQuery, HistoryRow, JobHistory, RunFilter, RunState, time,
};
use crate::ui::{
    Ago, Choice, Crumbs, Empty, FormSelect, Revision, StateIcon, count, load, plural, prose,
};

/// The page.
#[component]
pub(crate) fn JobHistoryPage() -> impl IntoView {
    let path = use_params_map().get_untracked().get("path").unwrap_or_default();
    let query = use_location().search.get_untracked();
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.job_history(&context.viewer, &path, query).await
        },
        |page| view! { <History page/> },
    )
}

#[component]
fn History(page: JobHistory) -> impl IntoView {
    let JobHistory { now_ms, job, root, folder_href, href, query, rows, older, newer, .. } =
        page.clone();
    let all = RunFilter { job: Some(job.clone()), ..RunFilter::default() }.href();
    let steps = vec![("Runs".to_owned(), "/".to_owned())];
    let is_latest = newer.is_none() && query.build_id.is_empty() && query.date.is_empty();
    let nothing = rows.is_empty();
    let can_compare = rows.iter().filter(|row| row.run.started_ms > 0).count() > 1;
    let latest = query.from_build("").href(&href);
    let turn = |build: Option<String>| build.map(|build| query.from_build(&build).href(&href));
    let (older, newer) = (turn(older), turn(newer));
    let body = rows.into_iter().map(|row| view! { <Row row now_ms can_compare/> }).collect_view();
    view! {
        <Title text=format!("{job} · Job history · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{job}</h1>
            <p class="quiet">
                "Job history · " <a href=folder_href><code>{root}</code></a> " · "
                <a href=all>"in the list of runs"</a>
            </p>
        </div>
        {page.notes.iter().map(|note| view! { <p class="note-line">{prose(note)}</p> }).collect_view()}
        <Choose href=href.clone() query=query.clone()/>
        {if nothing {
            view! {
                <Empty title="No run is shown.">
                    "No run of this job is that old or has this state. "
                    <a href=href.clone()>"Show the latest"</a> "."
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <form method="get" action="/compare" aria-label="Compare two runs">
                    <table class="list history" data-moves="rows">
                        <caption class="v">"Runs of the job, the latest build first"</caption>
                        <thead>
                            <tr>
                                <th class="pick"><span class="v">"Compare"</span></th>
                                <th class="state"><span class="v">"State"</span></th>
                                <th>"Build"</th>
                                <th>"Revision"</th>
                                <th>"Started"</th>
                                <th class="num">"Took"</th>
                            </tr>
                        </thead>
                        <tbody>{body}</tbody>
                    </table>
                    {can_compare.then(|| view! { <p><button type="submit">"Compare the two chosen"</button></p> })}
                </form>
            }
                .into_any()
        }}
        <nav class="pager" aria-label="Pages">
            {(!is_latest).then(|| view! { <a href=latest>"Latest"</a> })}
            {newer.map(|href| view! { <a href=href rel="prev">"← Newer"</a> })}
            {older.map(|href| view! { <a href=href rel="next">"Older →"</a> })}
        </nav>
        <Charts page/>
    }
}

/// Which runs the page shows.
#[component]
fn Choose(href: String, query: HistoryQuery) -> impl IntoView {
    let states = RunState::ALL
        .into_iter()
        .map(|state| Choice { value: state.word().to_owned(), label: state.word().to_owned() })
        .collect();
    let limit = query.limit.map(|limit| limit.to_string());
    let clear = (query != HistoryQuery::default())
        .then(|| view! { <a class="clear" href=href.clone()>"clear"</a> });
    view! {
        <form class="filters" method="get" action=href aria-label="Which runs are shown">
            <FormSelect name="state" any="any state" choices=states chosen=query.state.map(|state| state.word().to_owned())/>
            <label>"up to day " <input type="date" name="date" value=query.date/></label>
            <label>"from build " <input type="text" inputmode="numeric" name="buildId" size="20" value=query.build_id autocomplete="off"/></label>
            {limit.map(|limit| view! { <input type="hidden" name="limit" value=limit/> })}
            <button type="submit">"Show"</button>
            {clear}
        </form>
    }
}

#[component]
fn Row(row: HistoryRow, now_ms: i64, can_compare: bool) -> impl IntoView {
    let HistoryRow { run, note } = row;
    let is_known = run.started_ms > 0;
    let name =
        if run.build_id.is_empty() { "no build yet".to_owned() } else { run.build_id.clone() };
    let href = run.short_href();
    let label = format!("Compare build {name}");
    let pick = (can_compare && is_known).then(
        || view! { <input type="checkbox" name="run" value=run.id.clone() aria-label=label/> },
    );
    let is_going = !run.state.is_over() && run.finished_ms.is_none() && is_known;
    let took = (is_going || run.finished_ms.is_some() && is_known)
        .then(|| time::duration(run.duration_ms(now_ms)));
    let started = match is_known {
        true => view! { <Ago ms=run.started_ms now_ms/> }.into_any(),
        false => "–".into_any(),
    };
    let told = (!note.is_empty()).then(|| view! { <p class="note-line">{prose(&note)}</p> });
    view! {
        <tr>
            <td>{pick}</td>
            <td><StateIcon state=run.state/></td>
            <td><a class="build" href=href>{name}</a></td>
            <td><Revision refs=run.refs/>{told}</td>
            <td>{started}</td>
            <td class="num">{took} {is_going.then_some("…")}</td>
        </tr>
    }
}

/// How runs did over time: two drawings, and what they say as a table.
#[component]
fn Charts(page: JobHistory) -> impl IntoView {
    let JobHistory { now_ms, periods, charted, durations_src, rates_src, .. } = page;
    if periods.is_empty() {
        return ().into_any();
    }
    let rows = periods
        .into_iter()
        .rev()
        .map(|period| {
            let rate = period.percent().map(|percent| format!("{percent}\u{202f}%"));
            let HistoryPeriod { start_ms, succeeded, failed, other, median_ms } = period;
            view! {
                <tr>
                    <th scope="row"><time datetime=time::rfc3339(start_ms)>{time::date(start_ms, now_ms)}</time></th>
                    <td class="num">{rate.unwrap_or_else(|| "–".to_owned())}</td>
                    <td class="num">{count(succeeded)}</td>
                    <td class="num">{count(failed)}</td>
                    <td class="num">{count(other)}</td>
                    <td class="num">{median_ms.map(time::duration)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="over-time">
            <h2>"Over time"</h2>
            <p class="quiet">
                {plural(charted, "run", "runs")}
                " from the first of this page back. Runs that were aborted or could not run do not count in rates and durations."
            </p>
            <div class="charts">
                <figure>
                    <figcaption>"Durations; a cross is a run that failed, the line is the median"</figcaption>
                    <img src=durations_src alt="Duration of each run, the oldest first; the table has the medians" width="720" height="240" loading="lazy"/>
                </figure>
                <figure>
                    <figcaption>"Share of runs that passed"</figcaption>
                    <img src=rates_src alt="Share of runs that passed over time; the table has the numbers" width="720" height="240" loading="lazy"/>
                </figure>
            </div>
            <table class="list periods">
                <caption class="v">"Runs over time, the latest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"From"</th>
                        <th scope="col" class="num">"Passed"</th>
                        <th scope="col" class="num">"Successes"</th>
                        <th scope="col" class="num">"Failures"</th>
                        <th scope="col" class="num">"Others"</th>
                        <th scope="col" class="num">"Median"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}
