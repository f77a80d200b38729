//! `/coverage`: the newest profile of each job that has one.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Share;
use crate::model::{CoverageIndex, CoverageSeries};
use crate::ui::{Ago, Empty, load, middle, plural};

/// The page.
#[component]
pub(crate) fn CoverageIndexPage() -> impl IntoView {
    load(
        async move |context| context.backend.coverage_index(&context.viewer).await,
        |page| view! { <Series page/> },
    )
}

#[component]
fn Series(page: CoverageIndex) -> impl IntoView {
    let CoverageIndex { now_ms, series } = page;
    let words = plural(series.len() as u64, "profile", "profiles");
    let table = if series.is_empty() {
        view! {
            <Empty title="No run has left a coverage profile yet.">
                "A job whose artifacts hold one (such as "<code>"cover.out"</code>", "
                <code>"filtered.cov"</code>", "<code>"lcov.info"</code>" or "
                <code>"cobertura.xml"</code>") is listed here once its run has ended."
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <table class="list coverage-index">
                <thead>
                    <tr>
                        <th>"Job"</th>
                        <th>"Profile"</th>
                        <th class="num">"Coverage"</th>
                        <th>"Version"</th>
                        <th>"When"</th>
                        <th class="num">"Profiles"</th>
                    </tr>
                </thead>
                <tbody>
                    {series.into_iter().map(|one| view! { <Row one now_ms/> }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <Title text="Coverage · Bowsprit"/>
        <div class="page-head">
            <h1>"Coverage"</h1>
            <p class="quiet">"The newest of "{words}"; ▲ and ▼ against the run before."</p>
        </div>
        {table}
    }
}

#[component]
fn Row(one: CoverageSeries, now_ms: i64) -> impl IntoView {
    let CoverageSeries { job, path, href, profiles, newest } = one;
    let trouble = (!newest.problem.is_empty())
        .then(|| view! { <p class="trouble">{newest.problem.clone()}</p> });
    view! {
        <tr>
            <td class="job"><a href=href title=job.clone()>{middle(&job)}</a>{trouble}</td>
            <td class="quiet">{path}</td>
            <td class="num"><Share share=newest.share/></td>
            <td><a href=newest.run_href>{if newest.version.is_empty() { newest.build } else { newest.version }}</a></td>
            <td><Ago ms=newest.started_ms now_ms/></td>
            <td class="num">{profiles}</td>
        </tr>
    }
}
