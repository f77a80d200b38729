//! What a run tests: repository and revision.

use leptos::prelude::*;

use crate::model::{RunFilter, RunKind, RunRefs};

/// Characters of a commit hash that people recognise.
const SHORT_SHA: usize = 7;

/// The repository, leading to its runs; the kind of job where there is none.
#[component]
pub(crate) fn Repository(refs: RunRefs, kind: RunKind) -> impl IntoView {
    match refs.full_name() {
        Some(name) => {
            let href = RunFilter { repo: Some(name.clone()), ..RunFilter::default() }.href();
            view! { <a href=href>{name}</a> }.into_any()
        }
        None => view! { <span class="quiet">{kind.word()}</span> }.into_any(),
    }
}

/// `#1007 a1b2c3d by release-bot`, or the branch and commit.
#[component]
pub(crate) fn Revision(refs: RunRefs) -> impl IntoView {
    if refs.pulls.is_empty() {
        return view! {
            {refs.base_ref.clone()} " "
            {commit(&refs.base_sha, &refs.base_link)}
        }
        .into_any();
    }
    refs.pulls
        .into_iter()
        .map(|pull| {
            let number = format!("#{}", pull.number);
            let title = (!pull.title.is_empty()).then_some(pull.title);
            let link = if pull.link.is_empty() {
                view! { <span title=title>{number}</span> }.into_any()
            } else {
                view! { <a href=pull.link title=title>{number}</a> }.into_any()
            };
            let commit = commit(&pull.sha, &pull.commit_link);
            let author = (!pull.author.is_empty()).then(|| {
                let filter =
                    RunFilter { author: Some(pull.author.clone()), ..RunFilter::default() };
                view! { " by " <a href=filter.href()>{pull.author.clone()}</a> }
            });
            view! { <span class="pull">{link} " " {commit} {author}</span> }
        })
        .collect_view()
        .into_any()
}

/// The same for a row of a long list: the commit is only named, and titles are left to the card.
#[component]
pub(crate) fn ShortRevision(refs: RunRefs) -> impl IntoView {
    if refs.pulls.is_empty() {
        return format!("{} {}", refs.base_ref, short(&refs.base_sha)).into_any();
    }
    refs.pulls
        .into_iter()
        .enumerate()
        .map(|(at, pull)| {
            let number = format!("#{}", pull.number);
            let joint = (at > 0).then_some(" + ");
            let link = if pull.link.is_empty() {
                number.into_any()
            } else {
                view! { <a href=pull.link>{number}</a> }.into_any()
            };
            let commit = format!(" {}", short(&pull.sha));
            let author = (!pull.author.is_empty()).then(|| {
                let filter =
                    RunFilter { author: Some(pull.author.clone()), ..RunFilter::default() };
                view! { " by " <a href=filter.href()>{pull.author}</a> }
            });
            view! { {joint} {link} {commit} {author} }
        })
        .collect_view()
        .into_any()
}

fn short(sha: &str) -> String {
    sha.chars().take(SHORT_SHA).collect()
}

/// The first characters of a commit hash, linked where the code host is known.
fn commit(sha: &str, link: &str) -> AnyView {
    if sha.is_empty() {
        return ().into_any();
    }
    if link.is_empty() {
        view! { <code>{short(sha)}</code> }.into_any()
    } else {
        view! { <a class="sha" href=link.to_owned()>{short(sha)}</a> }.into_any()
    }
}
