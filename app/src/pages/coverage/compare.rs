//! `/coverage/{job}/compare`: what differs between two profiles.

use leptos::prelude::*;
use leptos_meta::Title;

use super::heatmap::Select;
use super::{Profile, Share, asked, step_above};
use crate::model::{CoverageChange, CoverageComparison, CoverageProfile, CoverageShare};
use crate::ui::{Crumbs, Empty, load, plural};

/// The page.
#[component]
pub(crate) fn CoverageComparePage() -> impl IntoView {
    let (job, query) = asked();
    load(
        async move |context| context.backend.coverage_compare(&context.viewer, &job, &query).await,
        |page| view! { <Comparison page/> },
    )
}

#[component]
fn Comparison(page: CoverageComparison) -> impl IntoView {
    let CoverageComparison {
        now_ms,
        job,
        href,
        new,
        old,
        threshold,
        is_low,
        changes,
        more_changes,
        document_href,
        choices,
    } = page;
    let at =
        |choices: &[CoverageProfile], id: i64| choices.iter().position(|choice| choice.id == id);
    // What is compared with may be another job's.
    let mut before = choices.clone();
    if at(&before, old.id).is_none() {
        before.push(old.clone());
    }
    let new_at = at(&choices, new.id).unwrap_or(0);
    let old_at = at(&before, old.id).unwrap_or(0);
    let form_threshold = threshold.clone();
    let steps = vec![step_above(), (job.clone(), href)];
    let verdict = match (threshold.is_empty(), is_low) {
        (true, _) => String::new(),
        (false, true) => format!("A changed file is below {threshold} %."),
        (false, false) => format!("No changed file is below {threshold} %."),
    };
    let nothing = changes.is_empty();
    view! {
        <Title text=format!("Compare · {job} · Coverage · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>"Two runs compared"</h1>
            <p class="quiet">
                {verdict} " " <a href=document_href>"Text for a pull request"</a>
            </p>
        </div>
        <dl class="compared">
            <dt>"New"</dt><dd><Profile profile=new now_ms/></dd>
            <dt>"Old"</dt><dd><Profile profile=old now_ms/></dd>
        </dl>
        <form class="filters" method="get" aria-label="Compare two runs">
            <label>"Compare " <Select field="new" columns=choices chosen=new_at/></label>
            <label>" with " <Select field="old" columns=before chosen=old_at/></label>
            <label>"Threshold " <input type="number" name="threshold" min="0" max="100" step="0.1" value=form_threshold/> " %"</label>
            <button type="submit">"Compare"</button>
        </form>
        {if nothing {
            view! { <Empty title="No file differs.">"Files whose share moved by less than a tenth of a point do not count."</Empty> }.into_any()
        } else {
            view! {
                <table class="list coverage-changes">
                    <thead><tr><th>"File"</th><th class="num">"Old"</th><th class="num">"New"</th><th class="num">"Points"</th></tr></thead>
                    <tbody>{changes.into_iter().map(|change| view! { <Change change/> }).collect_view()}</tbody>
                </table>
            }
                .into_any()
        }}
        {(more_changes > 0).then(|| view! { <p class="quiet">{plural(more_changes, "more file", "more files")} " are not shown."</p> })}
    }
}

#[component]
fn Change(change: CoverageChange) -> impl IntoView {
    let CoverageChange { name, href, old, new, delta } = change;
    let cell = |share: Option<CoverageShare>, none: &'static str| match share {
        Some(share) => view! { <td class="num"><Share share/></td> }.into_any(),
        None => view! { <td class="num quiet">{none}</td> }.into_any(),
    };
    view! {
        <tr>
            <td><a href=href>{name}</a></td>
            {cell(old, "new")}
            {cell(new, "gone")}
            <td class="num">{delta}</td>
        </tr>
    }
}
