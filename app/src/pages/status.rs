//! `/status`: how the server stands, part by part.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::model::{
    ComponentState, ComponentStatus, ConfigFinding, ConfigState, DataAge, Severity,
    StatusPage as StatusModel,
};
use crate::ui::{Ago, Shape, load, plural, prose};

/// The page.
#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    load(
        async move |context| context.backend.status(&context.viewer).await,
        |status| view! { <Status status/> },
    )
}

#[component]
fn Status(status: StatusModel) -> impl IntoView {
    let StatusModel {
        now_ms,
        started_ms,
        version,
        ready,
        metrics,
        components,
        configs,
        data,
        notes,
    } = status;
    let verdict = if ready { "Ready" } else { "Not ready" };
    let shape = if ready { "success" } else { "error" };
    view! {
        <Title text=format!("{verdict} · Status · Bowsprit")/>
        <div class="page-head">
            <h1><Shape shape/> " " {verdict}</h1>
            <p class="quiet">
                "Bowsprit " {version} ", started " <Ago ms=started_ms now_ms/>
                ". The same for programs: " <a href="/healthz/ready">"readiness"</a>
                {metrics.then(|| view! { ", " <a href="/metrics">"metrics"</a> })} "."
            </p>
        </div>
        {notes.into_iter().map(|note| view! { <p class="note-line">{prose(&note)}</p> }).collect_view()}
        <section aria-labelledby="configuration">
            <h2 id="configuration">"Configuration"</h2>
            {configs.into_iter().map(|config| view! { <Config config now_ms/> }).collect_view()}
        </section>
        <section aria-labelledby="components">
            <h2 id="components">"Components"</h2>
            <table class="list components">
                <thead>
                    <tr>
                        <th>"Component"</th>
                        <th>"State"</th>
                        <th>"Last good round"</th>
                        <th>"Last error"</th>
                    </tr>
                </thead>
                <tbody>
                    {components
                        .into_iter()
                        .map(|component| view! { <Component component now_ms/> })
                        .collect_view()}
                </tbody>
            </table>
        </section>
        <section aria-labelledby="data">
            <h2 id="data">"Data"</h2>
            <table class="list">
                <thead>
                    <tr><th>"What"</th><th>"How much"</th><th>"Last confirmed"</th></tr>
                </thead>
                <tbody>{data.into_iter().map(|age| view! { <Data age now_ms/> }).collect_view()}</tbody>
            </table>
        </section>
    }
}

/// The shape that stands for a component's state.
fn shape_of(state: ComponentState) -> &'static str {
    match state {
        ComponentState::Starting => "triggered",
        ComponentState::Running => "success",
        ComponentState::Retrying => "error",
        ComponentState::Stopped => "failure",
        ComponentState::Off => "unknown",
    }
}

#[component]
fn Component(component: ComponentStatus, now_ms: i64) -> impl IntoView {
    let ComponentStatus { name, does, state, since_ms, last_ok_ms, last_error, restarts, note } =
        component;
    let recovered = state == ComponentState::Running;
    view! {
        <tr>
            <td>
                <strong>{name}</strong>
                <br/>
                <span class="quiet">{does}</span>
            </td>
            <td>
                <Shape shape=shape_of(state)/>
                " "
                {state.word()}
                {since_ms.map(|ms| view! { <span class="quiet">", since " <Ago ms now_ms/></span> })}
                {(restarts > 0)
                    .then(|| view! { <span class="quiet">", restarted " {plural(restarts, "time", "times")}</span> })}
                {(!note.is_empty()).then(|| view! { <br/> <span class="quiet">{note}</span> })}
            </td>
            <td>{last_ok_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
            <td>
                {last_error
                    .map(|error| {
                        view! {
                            <span class:past=recovered>{prose(&error.text)}</span>
                            <span class="quiet">" " <Ago ms=error.at_ms now_ms/></span>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Config(config: ConfigState, now_ms: i64) -> impl IntoView {
    let ConfigState {
        name,
        path,
        loaded_ms,
        holds,
        failing_since_ms,
        failures,
        findings,
        more_findings,
    } = config;
    let fails = failing_since_ms.is_some();
    let failing = failing_since_ms.map(|ms| {
        view! {
            <p class="config-error">
                "Newer files do not load since " <Ago ms now_ms/> " ("
                {plural(failures, "attempt", "attempts")}
                "). What was loaded before stays in use; it is loaded again as soon as the files are mended."
            </p>
        }
    });
    let shape = if fails { "error" } else { "success" };
    view! {
        <div class="config" class:failing=fails>
            <p>
                <Shape shape word=if fails { "does not load" } else { "loaded" }/> " " <strong>{name}</strong> " "
                <code>{path}</code>
                <span class="quiet">
                    " " {holds} {loaded_ms.map(|ms| view! { ", loaded " <Ago ms now_ms/> })}
                </span>
            </p>
            {failing}
            {(!findings.is_empty())
                .then(|| {
                    view! {
                        <ul class="findings">
                            {findings
                                .into_iter()
                                .map(|finding| view! { <Finding finding/> })
                                .collect_view()}
                        </ul>
                    }
                })}
            {(more_findings > 0)
                .then(|| {
                    view! {
                        <p class="quiet">
                            {plural(more_findings, "more finding", "more findings")} ": run "
                            <code>"bowsprit checkconfig"</code> " to see all."
                        </p>
                    }
                })}
        </div>
    }
}

#[component]
fn Finding(finding: ConfigFinding) -> impl IntoView {
    let ConfigFinding { severity, file, line, message, rule } = finding;
    let class = match severity {
        Severity::Error => "failure",
        Severity::Warning => "error",
        Severity::Info => "unknown",
    };
    let word = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let place = if line > 0 { format!("{file}:{line}") } else { file };
    view! {
        <li>
            <Shape shape=class word/>
            <span>
                <code class="place">{place}</code>
                " "
                {prose(&message)}
                {(!rule.is_empty()).then(|| view! { <span class="quiet">" (" {rule} ")"</span> })}
            </span>
        </li>
    }
}

#[component]
fn Data(age: DataAge, now_ms: i64) -> impl IntoView {
    let DataAge { name, holds, updated_ms, stale } = age;
    view! {
        <tr>
            <td>{name}</td>
            <td>{holds}</td>
            <td>
                {match updated_ms {
                    Some(ms) => view! { <Ago ms now_ms/> }.into_any(),
                    None => "never".into_any(),
                }}
                {stale.then(|| view! { " " <span class="tag stale">"stale"</span> })}
            </td>
        </tr>
    }
}
