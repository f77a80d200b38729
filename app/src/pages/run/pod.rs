//! The Pod of a run.

use leptos::prelude::*;

use crate::model::{PodContainer, PodView, time};
use crate::ui::Ago;

/// The Pod and its containers.
#[component]
pub(crate) fn Pod(pod: PodView, now_ms: i64) -> impl IntoView {
    let PodView { name, namespace, phase, reason, node, containers } = pod;
    view! {
        <table class="pairs">
            <caption>"Pod"</caption>
            <tbody>
                <tr><th scope="row">"Name"</th><td><code>{namespace} "/" {name}</code></td></tr>
                <tr>
                    <th scope="row">"Phase"</th>
                    <td>{phase} {(!reason.is_empty()).then(|| format!(": {reason}"))}</td>
                </tr>
                {(!node.is_empty())
                    .then(|| view! { <tr><th scope="row">"Node"</th><td>{node}</td></tr> })}
            </tbody>
        </table>
        <table class="list containers">
            <caption>"Containers"</caption>
            <thead>
                <tr>
                    <th>"Container"</th>
                    <th>"State"</th>
                    <th>"Started"</th>
                    <th class="num">"Took"</th>
                    <th>"Image"</th>
                </tr>
            </thead>
            <tbody>
                {containers
                    .into_iter()
                    .map(|container| view! { <Container container now_ms/> })
                    .collect_view()}
            </tbody>
        </table>
    }
}

#[component]
fn Container(container: PodContainer, now_ms: i64) -> impl IntoView {
    let took = container
        .started_ms
        .map(|start| time::duration(container.finished_ms.unwrap_or(now_ms) - start));
    view! {
        <tr>
            <td>
                <code>{container.name}</code>
                {container.init.then(|| view! { " " <span class="quiet">"prepares"</span> })}
            </td>
            <td>
                {container.state}
                {container.exit_code.map(|code| format!(", exit code {code}"))}
                {(!container.message.is_empty())
                    .then(|| view! { <p class="message quiet">{container.message}</p> })}
            </td>
            <td>{container.started_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
            <td class="num">{took}</td>
            <td class="file"><code>{container.image}</code></td>
        </tr>
    }
}
