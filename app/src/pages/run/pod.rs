//! The Pod of a run: where it ran, how its containers went, what the cluster said about it.

use leptos::prelude::*;

use crate::islands::CopyButtons;
use crate::model::{PodCondition, PodContainer, PodEvent, PodView, time};
use crate::ui::{Ago, count};

/// The Pod, its containers, conditions and events.
#[component]
pub(crate) fn Pod(pod: PodView, now_ms: i64) -> impl IntoView {
    let PodView {
        name,
        namespace,
        link,
        phase,
        reason,
        node,
        started_ms,
        recorded,
        containers,
        conditions,
        events,
        tolerations,
        volumes,
        labels,
        yaml,
    } = pod;
    let details = containers.clone();
    view! {
        {recorded
            .then(|| {
                view! {
                    <p class="quiet">
                        "The cluster has the Pod no more; this is what was recorded when the run ended."
                    </p>
                }
            })}
        <table class="pairs">
            <caption>"Pod"</caption>
            <tbody>
                <tr>
                    <th scope="row">"Name"</th>
                    <td>
                        <code>{namespace} "/" {name}</code>
                        {(!link.is_empty())
                            .then(|| view! { " " <a href=link rel="noreferrer">"look at it in the build cluster"</a> })}
                    </td>
                </tr>
                <tr>
                    <th scope="row">"Phase"</th>
                    <td>{phase} {(!reason.is_empty()).then(|| format!(": {reason}"))}</td>
                </tr>
                {(!node.is_empty())
                    .then(|| view! { <tr><th scope="row">"Node"</th><td>{node}</td></tr> })}
                {started_ms
                    .map(|ms| view! { <tr><th scope="row">"Started"</th><td><Ago ms now_ms/></td></tr> })}
                {(!tolerations.is_empty())
                    .then(|| view! { <tr><th scope="row">"Tolerates"</th><td>{tolerations.join(", ")}</td></tr> })}
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
        {(!events.is_empty()).then(|| view! { <Events events now_ms/> })}
        {(!conditions.is_empty()).then(|| view! { <Conditions conditions now_ms/> })}
        {details.into_iter().map(|container| view! { <Details container/> }).collect_view()}
        {pairs("Volumes", volumes)}
        {pairs("Labels and annotations", labels)}
        {(!yaml.is_empty())
            .then(|| {
                view! {
                    <details class="container-details">
                        <summary>"The Pod as YAML"</summary>
                        <pre class="file-text" data-copy tabindex="0" role="region" aria-label="The Pod as YAML">{yaml}</pre>
                    </details>
                    <CopyButtons/>
                }
            })}
    }
}

#[component]
fn Container(container: PodContainer, now_ms: i64) -> impl IntoView {
    let took = container
        .started_ms
        .map(|start| time::duration(container.finished_ms.unwrap_or(now_ms) - start));
    let restarts = container.restarts;
    view! {
        <tr>
            <td>
                <code>{container.name}</code>
                {container.init.then(|| view! { " " <span class="quiet">"prepares"</span> })}
            </td>
            <td>
                {container.state}
                {container.exit_code.map(|code| format!(", exit code {code}"))}
                {(restarts > 0).then(|| format!(", started again {} times", count(restarts)))}
                {(!container.message.is_empty())
                    .then(|| view! { <p class="message quiet">{container.message}</p> })}
            </td>
            <td>{container.started_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
            <td class="num">{took}</td>
            <td class="file"><code>{container.image}</code></td>
        </tr>
    }
}

#[component]
fn Events(events: Vec<PodEvent>, now_ms: i64) -> impl IntoView {
    let rows = events
        .into_iter()
        .map(|event| {
            let times = (event.count > 1).then(|| format!(" ({} times)", count(event.count)));
            view! {
                <tr>
                    <td>{event.kind}</td>
                    <td>{event.reason} {times}</td>
                    <td>{event.at_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
                    <td>{event.source}</td>
                    <td class="message">{event.message}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
            <table class="list events">
                <caption>"Events"</caption>
                <thead>
                    <tr><th>"Type"</th><th>"Reason"</th><th>"Last"</th><th>"From"</th><th>"Message"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
    }
}

#[component]
fn Conditions(conditions: Vec<PodCondition>, now_ms: i64) -> impl IntoView {
    let rows = conditions
        .into_iter()
        .map(|condition| {
            view! {
                <tr>
                    <th scope="row">{condition.kind}</th>
                    <td>
                        {condition.status}
                        {(!condition.reason.is_empty()).then(|| format!(", {}", condition.reason))}
                        {condition.since_ms.map(|ms| view! { ", since " <Ago ms now_ms/> })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="pairs">
            <caption>"Conditions"</caption>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// What a container runs and with what; folded.
#[component]
fn Details(container: PodContainer) -> impl IntoView {
    let PodContainer { name, command, decorated, resources, mounts, env, .. } = container;
    let lines = [("Runs", command), ("Of that, the job's own", decorated)]
        .into_iter()
        .chain([("Resources", resources.join("\n")), ("Mounts", mounts.join("\n"))])
        .filter(|(_, text)| !text.is_empty())
        .map(|(label, text)| view! { <tr><th scope="row">{label}</th><td><code class="lines">{text}</code></td></tr> })
        .collect_view();
    let env = env
        .into_iter()
        .map(|(name, value)| view! { <tr><th scope="row">"$" {name}</th><td><code>{value}</code></td></tr> })
        .collect_view();
    view! {
        <details class="container-details">
            <summary>"How " <code>{name.clone()}</code> " is run"</summary>
            <table class="pairs">
                <caption class="v">{format!("How {name} is run")}</caption>
                <tbody>{lines} {env}</tbody>
            </table>
        </details>
    }
}

/// A folded table of names with values; nothing if there are none.
fn pairs(title: &'static str, pairs: Vec<(String, String)>) -> AnyView {
    if pairs.is_empty() {
        return ().into_any();
    }
    let rows = pairs
        .into_iter()
        .map(|(name, value)| view! { <tr><th scope="row">{name}</th><td><code>{value}</code></td></tr> })
        .collect_view();
    view! {
        <details class="container-details">
            <summary>{title}</summary>
            <table class="pairs"><caption class="v">{title}</caption><tbody>{rows}</tbody></table>
        </details>
    }
    .into_any()
}
