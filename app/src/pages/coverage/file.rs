//! `/coverage/{job}/file`: a file line by line.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{Profile, Share, asked, step_above};
use crate::model::{CoverageFile, CoverageLine, CoverageState};
use crate::ui::{Crumbs, Empty, count, load, plural};

/// The page.
#[component]
pub(crate) fn CoverageFilePage() -> impl IntoView {
    let (job, query) = asked();
    load(
        async move |context| context.backend.coverage_file(&context.viewer, &job, &query).await,
        |page| view! { <File page/> },
    )
}

#[component]
fn File(page: CoverageFile) -> impl IntoView {
    let CoverageFile {
        now_ms,
        name,
        above,
        profile,
        share,
        others,
        counts,
        lines,
        source_href,
        more_lines,
        ..
    } = page;
    let steps = [step_above()]
        .into_iter()
        .chain(above.into_iter().map(|link| (link.text, link.href)))
        .collect();
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    let known = lines.iter().any(|line| line.text.is_some());
    let empty = lines.is_empty();
    let source = (!source_href.is_empty()).then(|| {
        let href = source_href.clone();
        view! { " · " <a href=href>"Source"</a> }
    });
    let rows =
        lines.into_iter().map(|line| view! { <Line line counts source=source_href.clone()/> });
    view! {
        <Title text=format!("{short} · Coverage · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{short}</h1>
            <p class="quiet"><Share share/> " · " {name.clone()} {source}</p>
        </div>
        <Profile profile now_ms/>
        {(!others.is_empty()).then(|| view! {
            <nav class="others" aria-label="The same file in other runs">
                {others.into_iter().map(|link| view! { <a href=link.href>{link.text}</a> " " }).collect_view()}
            </nav>
        })}
        {(!known && !empty).then(|| view! {
            <p class="quiet">"The source is not among the run's artifacts, or its bucket does not answer; lines are shown by number."</p>
        })}
        {if empty {
            view! { <Empty title="The blocks of this profile are not kept any more.">"Old profiles keep the share of each file only."</Empty> }.into_any()
        } else {
            view! {
                <table class="coverage-file">
                    <thead><tr><th class="num">"Line"</th><th class="num">"Ran"</th><th>{if known { "Source" } else { "What" }}</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            }
                .into_any()
        }}
        {(more_lines > 0).then(|| view! { <p class="quiet">{plural(more_lines, "more line", "more lines")} " are not shown."</p> })}
    }
}

#[component]
fn Line(line: CoverageLine, counts: bool, source: String) -> impl IntoView {
    let CoverageLine { first, last, state, count: times, text } = line;
    let (class, word) = match state {
        CoverageState::None => ("none", ""),
        CoverageState::Ran => ("ran", "ran"),
        CoverageState::Partly => ("partly", "ran in part"),
        CoverageState::Missed => ("missed", "did not run"),
    };
    let lines = if first == last { first.to_string() } else { format!("{first}–{last}") };
    let hits = match state {
        CoverageState::None => String::new(),
        CoverageState::Missed => "0".to_owned(),
        _ if counts => format!("{}×", count(times)),
        _ => "✓".to_owned(),
    };
    let what = match text {
        Some(text) => {
            view! { <td><code>{text}</code><span class="v">{word}</span></td> }.into_any()
        }
        None if source.is_empty() => view! { <td>{word}</td> }.into_any(),
        None => {
            let href = format!("{source}#L{first}-L{last}");
            view! { <td><a href=href>{word}</a></td> }.into_any()
        }
    };
    view! {
        <tr class=class id=format!("L{first}")>
            <td class="num">{lines}</td>
            <td class="num">{hits}</td>
            {what}
        </tr>
    }
}
