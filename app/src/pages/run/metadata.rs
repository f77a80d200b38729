//! What is known about a run beside its log.

use leptos::prelude::*;

use crate::model::{PullRef, RunDetail, RunRefs, time};
use crate::ui::Ago;

/// The tables of the tab.
#[component]
pub(crate) fn Metadata(detail: RunDetail) -> impl IntoView {
    let RunDetail { now_ms, row, extra_refs, metadata, folder, .. } = detail;
    let refs = (!row.refs.repo.is_empty())
        .then_some(row.refs)
        .into_iter()
        .chain(extra_refs)
        .map(|refs| view! { <Refs refs/> })
        .collect_view();
    view! {
        <div class="metadata">
            <table class="pairs">
                <caption>"Run"</caption>
                <tbody>
                    <tr><th scope="row">"ProwJob"</th><td><code>{row.id}</code></td></tr>
                    <tr><th scope="row">"Build"</th><td><code>{or_dash(row.build_id)}</code></td></tr>
                    <tr><th scope="row">"State"</th><td>{row.state.word()}</td></tr>
                    <tr>
                        <th scope="row">"Started"</th>
                        <td><Ago ms=row.started_ms now_ms/> " · " <time datetime=time::rfc3339(row.started_ms) data-exact="">{time::exact(row.started_ms)}</time></td>
                    </tr>
                    {row.finished_ms
                        .map(|ms| {
                            view! {
                                <tr>
                                    <th scope="row">"Finished"</th>
                                    <td><Ago ms now_ms/> " · " <time datetime=time::rfc3339(ms) data-exact="">{time::exact(ms)}</time></td>
                                </tr>
                            }
                        })}
                    <tr><th scope="row">"Cluster"</th><td>{or_dash(row.cluster)}</td></tr>
                    <tr><th scope="row">"Folder"</th><td><code>{or_dash(folder)}</code></td></tr>
                </tbody>
            </table>
            {refs}
            {(!metadata.is_empty())
                .then(|| {
                    view! {
                        <table class="pairs">
                            <caption>"Recorded by the job"</caption>
                            <tbody>
                                {metadata
                                    .into_iter()
                                    .map(|(key, value)| {
                                        view! {
                                            <tr>
                                                <th scope="row">{key}</th>
                                                <td><code>{value}</code></td>
                                            </tr>
                                        }
                                    })
                                    .collect_view()}
                            </tbody>
                        </table>
                    }
                })}
        </div>
    }
}

/// One source: base and pull requests.
#[component]
fn Refs(refs: RunRefs) -> impl IntoView {
    let name = refs.full_name().unwrap_or_default();
    let repo = linked(name, refs.repo_link);
    let sha = linked(refs.base_sha, refs.base_link);
    view! {
        <table class="pairs">
            <caption>"Source"</caption>
            <tbody>
                <tr><th scope="row">"Repository"</th><td>{repo}</td></tr>
                <tr><th scope="row">"Base"</th><td>{refs.base_ref} " " <code>{sha}</code></td></tr>
                {refs.pulls.into_iter().map(|pull| view! { <Pull pull/> }).collect_view()}
            </tbody>
        </table>
    }
}

#[component]
fn Pull(pull: PullRef) -> impl IntoView {
    let number = linked(format!("#{}", pull.number), pull.link);
    let author =
        (!pull.author.is_empty()).then(|| view! { " by " {linked(pull.author, pull.author_link)} });
    view! {
        <tr>
            <th scope="row">"Pull request"</th>
            <td>
                {number} " " {pull.title} {author} <br/> <code>{linked(pull.sha, pull.commit_link)}</code>
            </td>
        </tr>
    }
}

fn linked(text: String, href: String) -> AnyView {
    if href.is_empty() { text.into_any() } else { view! { <a href=href>{text}</a> }.into_any() }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}
