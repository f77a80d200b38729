//! Issues and pull requests that name the run, as Gubernator's references.

use leptos::prelude::*;

use crate::model::RunReference;
use crate::ui::{Ago, plural};

/// The references; nothing where there are none.
#[component]
pub(super) fn References(references: Vec<RunReference>, now_ms: i64) -> impl IntoView {
    if references.is_empty() {
        return ().into_any();
    }
    let references = references
        .into_iter()
        .map(|of| {
            let name = format!("{}#{}", of.repo, of.number);
            let name = match of.href.is_empty() {
                true => view! { <span>{name}</span> }.into_any(),
                false => view! { <a href=of.href>{name}</a> }.into_any(),
            };
            let state = of.state.word();
            let kind = format!("{state} {}", if of.is_pr { "pull request" } else { "issue" });
            let author = (!of.author.is_empty()).then(|| format!("{}, ", of.author));
            let texts = (of.texts > 1).then(|| format!("{}, ", plural(of.texts, "text", "texts")));
            view! {
                <li>
                    {name}
                    <span class=format!("issue-state {state}")>{kind}</span>
                    <span class="pin-note">{of.title}</span>
                    <span class="quiet">{texts} {author} <Ago ms=of.at_ms now_ms/></span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="pins references" aria-label="Issues and pull requests that name this run">
            <h2>"References"</h2>
            <ul>{references}</ul>
        </section>
    }
    .into_any()
}
