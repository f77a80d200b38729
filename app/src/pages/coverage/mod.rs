//! `/coverage` and below: profiles as heatmaps, files line by line, two profiles compared.

mod compare;
mod file;
mod heatmap;
mod index;
mod table;

pub(crate) use compare::CoverageComparePage;
pub(crate) use file::CoverageFilePage;
pub(crate) use heatmap::CoverageJobPage;
pub(crate) use index::CoverageIndexPage;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::model::{CoverageProfile, CoverageShare};
use crate::ui::Ago;

/// The job of the address, and its query.
fn asked() -> (String, String) {
    let job = use_params_map().get_untracked().get("job").unwrap_or_default();
    let search = use_location().search.get_untracked();
    (job, search.trim_start_matches('?').to_owned())
}

fn step_above() -> (String, String) {
    ("Coverage".to_owned(), "/coverage".to_owned())
}

/// A share in a cell of its colour: the number always, ▲ or ▼ beside it.
#[component]
fn Share(share: CoverageShare) -> impl IntoView {
    let CoverageShare { covered, total, percent, step, change, below } = share;
    let class = format!("share s{step}{}", if below { " below" } else { "" });
    let title = format!("{covered} of {total} statements");
    view! { <span class=class title=title><Arrow change/>{percent}" %"</span> }
}

/// ▲, ▼ or nothing, with its meaning for those who listen.
#[component]
fn Arrow(change: i8) -> impl IntoView {
    let (arrow, word) = match change {
        0 => return ().into_any(),
        1.. => ("▲", "up"),
        _ => ("▼", "down"),
    };
    view! {
        <span class="arrow" aria-hidden="true">{arrow}</span>
        <span class="v">{word}" "</span>
    }
    .into_any()
}

/// Version, run and time of a profile.
#[component]
fn Profile(profile: CoverageProfile, now_ms: i64) -> impl IntoView {
    let CoverageProfile { version, build, started_ms, run_href, share, problem, .. } = profile;
    let name = if version.is_empty() { build } else { version };
    view! {
        <p class="profile">
            <a href=run_href>{name}</a> " · " <Ago ms=started_ms now_ms/> " · " <Share share/>
        </p>
        {(!problem.is_empty()).then(|| view! { <p class="trouble">{problem}</p> })}
    }
}
