//! `/coverage/{job}`: directories by runs or versions.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{asked, step_above, table};
use crate::model::{CoverageHeatmap, CoverageLink, CoverageProfile, time};
use crate::ui::{Crumbs, Empty, load, plural};

/// The page.
#[component]
pub(crate) fn CoverageJobPage() -> impl IntoView {
    let (job, query) = asked();
    load(
        async move |context| context.backend.coverage_job(&context.viewer, &job, &query).await,
        |page| view! { <Heatmap page/> },
    )
}

#[component]
fn Heatmap(page: CoverageHeatmap) -> impl IntoView {
    let steps = [step_above()]
        .into_iter()
        .chain(page.above.iter().map(|link| (link.text.clone(), link.href.clone())))
        .collect();
    let place = match page.directory.as_str() {
        "" => page.job.clone(),
        directory => directory.rsplit('/').find(|part| !part.is_empty()).unwrap_or("").to_owned(),
    };
    let title = format!("{place} · Coverage · Bowsprit");
    let newest = page.columns.first().cloned().unwrap_or_default();
    let problems = page
        .columns
        .iter()
        .filter(|column| !column.problem.is_empty())
        .map(|column| {
            view! { <p class="trouble">{name(column)}": "{column.problem.clone()}</p> }
        })
        .collect_view();
    let body = table::body(&page.all, &page.rows);
    let more = (page.more_rows > 0).then(|| {
        view! {
            <p class="quiet">
                {plural(page.more_rows, "more entry", "more entries")}
                " are not shown; open one of the directories above."
            </p>
        }
    });
    let nothing = page.rows.is_empty();
    view! {
        <Title text=title/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{place}</h1>
            <p class="quiet">
                {page.path.clone()} " · newest " {name(&newest)} ", " {newest.share.percent.clone()} " %"
            </p>
        </div>
        <Choices page=page.clone()/>
        {problems}
        {if nothing {
            view! { <Empty title="Nothing here was measured.">"No profile of these runs has a file in this directory."</Empty> }.into_any()
        } else {
            view! {
                <div class="heatmap-box" tabindex="0" role="region" aria-label="Coverage by directory">
                    <table class="heatmap">
                        <caption class="v">"Coverage in percent by directory; ▲ and ▼ against the column to the right"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Directory"</th>
                                {page.columns.iter().map(|column| view! { <Heading column=column.clone()/> }).collect_view()}
                                <th scope="col" aria-hidden="true">"Trend"</th>
                            </tr>
                        </thead>
                        <tbody inner_html=body></tbody>
                    </table>
                </div>
            }
                .into_any()
        }}
        {more}
        {page.older.clone().map(|href| view! { <nav class="pager" aria-label="Pages"><a href=href rel="next">"Older →"</a></nav> })}
        <div class="charts">
            <figure>
                <figcaption>"Share over time"</figcaption>
                <img src=page.trend_src alt="Line of the share in percent over the runs of the table" width="720" height="240" loading="lazy"/>
            </figure>
            <figure>
                <figcaption>"Newest run: area by statements, colour by share"</figcaption>
                <img src=page.tree_src alt="Map of the directories of the table's first column" width="720" height="360" loading="lazy"/>
            </figure>
        </div>
    }
}

fn name(column: &CoverageProfile) -> String {
    if column.version.is_empty() { column.build.clone() } else { column.version.clone() }
}

#[component]
fn Heading(column: CoverageProfile) -> impl IntoView {
    let title = format!("{} · {}", column.build, time::exact(column.started_ms));
    let text = name(&column);
    view! { <th scope="col"><a href=column.run_href title=title>{text}</a></th> }
}

/// Which profile, which columns, which threshold, which two are compared.
#[component]
fn Choices(page: CoverageHeatmap) -> impl IntoView {
    let CoverageHeatmap { job, path, directory, profiles, by_version, columns, threshold, .. } =
        page;
    let here = format!("/coverage/{}", crate::model::encode(&job));
    let compare = format!("{here}/compare");
    let by = if by_version { "versions" } else { "runs" };
    let others = (profiles.len() > 1).then(|| {
        view! {
            <nav class="tabs" aria-label="Profiles of the job">
                {profiles
                    .into_iter()
                    .map(|CoverageLink { text, href }| {
                        let current = (text == path).then_some("page");
                        view! { <a href=href aria-current=current>{text}</a> }
                    })
                    .collect_view()}
            </nav>
        }
    });
    let current = |is: bool| is.then_some("true");
    let hidden = path.clone();
    let threshold_now = threshold.clone();
    view! {
        {others}
        <div class="coverage-choices">
            <nav class="segments" aria-label="Columns">
                <a href=page.by_run_href aria-current=current(!by_version)>"Runs"</a>
                <a href=page.by_version_href aria-current=current(by_version)>"Versions"</a>
            </nav>
            <form class="filters" action=here method="get" aria-label="Threshold">
                <input type="hidden" name="path" value=hidden/>
                <input type="hidden" name="dir" value=directory/>
                <input type="hidden" name="by" value=by/>
                <label>"Threshold " <input type="number" name="threshold" min="0" max="100" step="0.1" value=threshold/> " %"</label>
                <button type="submit">"Mark"</button>
            </form>
            <form class="filters" action=compare method="get" aria-label="Compare two runs">
                <input type="hidden" name="threshold" value=threshold_now/>
                <label>"Compare " <Select field="new" columns=columns.clone() chosen=0/></label>
                <label>" with " <Select field="old" columns chosen=1/></label>
                <button type="submit">"Compare"</button>
            </form>
        </div>
    }
}

/// A choice among profiles.
#[component]
pub(super) fn Select(
    field: &'static str,
    columns: Vec<CoverageProfile>,
    chosen: usize,
) -> impl IntoView {
    view! {
        <select name=field>
            {columns
                .into_iter()
                .enumerate()
                .map(|(at, column)| {
                    let text = format!("{} · {}", name(&column), column.build);
                    view! { <option value=column.id.to_string() selected=at == chosen>{text}</option> }
                })
                .collect_view()}
        </select>
    }
}
