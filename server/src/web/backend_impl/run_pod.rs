//! The Pod of a run: from the cluster, or from what was recorded when the run ended.

use std::sync::Arc;

use app::model::{PodCondition, PodContainer, PodEvent, PodView};
use artifacts::log::plain;
use artifacts::results::quoted;
use cluster::ClusterError;
use config_load::prow::deck::Spyglass;
use go_compat::template::Template;
use job_spec::options::ENTRYPOINT_OPTIONS;
use job_spec::{ContainerStatus, Pod};
use serde_json::{Map, Value, json};

use crate::runs::run::Run;
use crate::spyglass::pod_report::{self, PodReport};
use crate::web::state::Web;

/// Taints that Kubernetes lets every Pod tolerate.
const TOLERATED_BY_ALL: [&str; 2] =
    ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// How the labels begin that tools made and nobody looks for.
const MADE_BY_TOOLS: [&str; 3] = ["prow.k8s.io/", "testgrid-", "created-by-prow"];

/// Bytes of a Pod as YAML that a page shows.
const MOST_YAML: usize = 256 << 10;

/// The run's Pod while the cluster has it.
pub(super) async fn live(web: &Web, run: &Run, notes: &mut Vec<String>) -> Option<Arc<Pod>> {
    let job = run.live.as_ref().filter(|job| !job.status.pod_name.is_empty())?;
    let pods = web.cluster.pods(&run.cluster).ok()?;
    match pods.get(&job.status.pod_name).await {
        Ok(pod) => Some(pod),
        Err(ClusterError::NotFound { .. }) => None,
        Err(error) => {
            notes.push(format!("The Pod could not be read: {error}."));
            None
        }
    }
}

/// A Pod as the page shows it. `report` has the events, where they were recorded.
pub(super) fn view(pod: &Pod, report: Option<&PodReport>, recorded: bool, link: String) -> PodView {
    let spec = serde_json::to_value(&pod.spec).unwrap_or_default();
    let of = |field: &str, statuses: &[ContainerStatus], init: bool| -> Vec<PodContainer> {
        let containers = list(&spec, field);
        containers
            .iter()
            .map(|container| {
                let name = text(container, "name");
                container_view(container, init, statuses.iter().find(|status| status.name == name))
            })
            .collect()
    };
    let mut containers = of("initContainers", &pod.status.init_container_statuses, true);
    containers.extend(of("containers", &pod.status.container_statuses, false));
    let reason = [&pod.status.reason, &pod.status.message]
        .into_iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(": ");
    let host = pod.status.other.get("hostIP").and_then(Value::as_str).unwrap_or_default();
    let node = [text(&spec, "nodeName"), host];
    let node: Vec<&str> = node.into_iter().filter(|text| !text.is_empty()).collect();
    PodView {
        name: pod.metadata.name.clone(),
        namespace: pod.metadata.namespace.clone(),
        link,
        phase: pod.status.phase.as_str().to_owned(),
        reason,
        node: node.join(", "),
        started_ms: pod.status.start_time.map(|at| at.millis()),
        recorded,
        containers,
        conditions: conditions(pod),
        events: report.map(|report| events(&report.events)).unwrap_or_default(),
        tolerations: list(&spec, "tolerations").iter().filter_map(toleration).collect(),
        volumes: list(&spec, "volumes").iter().map(volume).collect(),
        labels: labels(pod),
        yaml: yaml(pod),
    }
}

/// A Pod as a whole. One that is too long for a page says so instead.
fn yaml(pod: &Pod) -> String {
    let text = serde_json::to_value(pod).map(|pod| go_compat::yaml_emit::to_yaml(&pod));
    match text {
        Ok(text) if text.len() <= MOST_YAML => text,
        Ok(text) => format!("# The Pod has {} bytes as YAML, too many for a page.\n", text.len()),
        Err(error) => format!("# The Pod cannot be written as YAML: {error}.\n"),
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn conditions(pod: &Pod) -> Vec<PodCondition> {
    let conditions = pod.status.conditions.iter();
    conditions
        .map(|condition| PodCondition {
            kind: condition.r#type.clone(),
            status: condition.status.clone(),
            reason: [&condition.reason, &condition.message]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| plain(text))
                .collect::<Vec<_>>()
                .join(": "),
            since_ms: condition.last_transition_time.map(|at| at.millis()),
        })
        .collect()
}

fn events(events: &[pod_report::PodEvent]) -> Vec<PodEvent> {
    let events = events.iter();
    events
        .map(|event| PodEvent {
            kind: event.kind.clone(),
            reason: event.reason.clone(),
            message: plain(&event.message),
            source: event.source.clone(),
            at_ms: event.at.map(|at| at.millis()),
            count: event.count,
        })
        .collect()
}

/// `key=value:NoSchedule for 300 s`; nothing for those that every Pod has.
fn toleration(toleration: &Value) -> Option<String> {
    let (key, value) = (text(toleration, "key"), text(toleration, "value"));
    if TOLERATED_BY_ALL.contains(&key) {
        return None;
    }
    let mut words = match (key, text(toleration, "operator")) {
        ("", _) => "every taint".to_owned(),
        (key, "Exists") => key.to_owned(),
        (key, _) => format!("{key}={value}"),
    };
    if let effect @ ("NoSchedule" | "PreferNoSchedule" | "NoExecute") = text(toleration, "effect") {
        words = format!("{words}:{effect}");
    }
    match toleration.get("tolerationSeconds").and_then(Value::as_u64) {
        Some(seconds) => Some(format!("{words} for {seconds} s")),
        None => Some(words),
    }
}

/// The volume's name, and what is in it: `secret: secretName=token`.
fn volume(volume: &Value) -> (String, String) {
    let fields = volume.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
    let contents: Vec<String> = fields
        .map(|(kind, source)| {
            let simple: Vec<String> = source
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| match value {
                    Value::String(text) => format!("{key}={text}"),
                    other => format!("{key}={other}"),
                })
                .collect();
            match simple.is_empty() {
                true => kind.clone(),
                false => format!("{kind}: {}", simple.join(", ")),
            }
        })
        .collect();
    (text(volume, "name").to_owned(), contents.join("; "))
}

fn labels(pod: &Pod) -> Vec<(String, String)> {
    let labels = pod.metadata.labels.iter().map(|(key, value)| ("label", key, value));
    let annotations =
        pod.metadata.annotations.iter().map(|(key, value)| ("annotation", key, value));
    let (mut own, made): (Vec<_>, Vec<_>) = labels
        .chain(annotations)
        .partition(|(_, key, _)| !MADE_BY_TOOLS.iter().any(|start| key.starts_with(start)));
    own.extend(made);
    own.into_iter().map(|(kind, key, value)| (format!("{kind} {key}"), value.clone())).collect()
}

fn container_view(container: &Value, init: bool, status: Option<&ContainerStatus>) -> PodContainer {
    let words = |field: &str| {
        let words = list(container, field).iter().filter_map(Value::as_str).map(quoted);
        words.collect::<Vec<_>>()
    };
    let command = [words("command"), words("args")].concat().join(" ");
    let mut view = PodContainer {
        name: text(container, "name").to_owned(),
        init,
        image: text(container, "image").to_owned(),
        state: "waiting".to_owned(),
        restarts: status.and_then(|s| u64::try_from(s.restart_count).ok()).unwrap_or(0),
        command,
        decorated: decorated(container),
        resources: resources(container),
        mounts: list(container, "volumeMounts").iter().map(mount).collect(),
        env: list(container, "env").iter().map(variable).collect(),
        ..PodContainer::default()
    };
    let Some(state) = status.map(|status| &status.state) else { return view };
    let with_reason = |word: &str, reason: &str| {
        if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") }
    };
    if let Some(waiting) = &state.waiting {
        view.state = with_reason("waiting", &waiting.reason);
        view.message = plain(&waiting.message);
    }
    if let Some(running) = &state.running {
        view.state = "running".to_owned();
        view.started_ms = running.started_at.map(|at| at.millis());
    }
    if let Some(terminated) = &state.terminated {
        view.state = with_reason("terminated", &terminated.reason);
        view.exit_code = i32::try_from(terminated.exit_code).ok();
        view.message = plain(&terminated.message);
        view.started_ms = terminated.started_at.map(|at| at.millis());
        view.finished_ms = terminated.finished_at.map(|at| at.millis());
    }
    view
}

/// What the entrypoint runs for a container, by the options in its environment.
fn decorated(container: &Value) -> String {
    let options = list(container, "env")
        .iter()
        .find(|variable| text(variable, "name") == ENTRYPOINT_OPTIONS)
        .and_then(|variable| serde_json::from_str::<Value>(text(variable, "value")).ok());
    let Some(options) = options else { return String::new() };
    let args = list(&options, "args").iter().filter_map(Value::as_str).map(quoted);
    args.collect::<Vec<_>>().join(" ")
}

fn resources(container: &Value) -> Vec<String> {
    let empty = Map::new();
    let of = |kind: &str| {
        let found = container.get("resources").and_then(|resources| resources.get(kind));
        found.and_then(Value::as_object).unwrap_or(&empty).clone()
    };
    let amount = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (requests, limits) = (of("requests"), of("limits"));
    let mut names: Vec<&String> = requests.keys().chain(limits.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| match (requests.get(name), limits.get(name)) {
            (Some(asked), Some(most)) => {
                format!("{name}: {} of at most {}", amount(asked), amount(most))
            }
            (Some(asked), None) => format!("{name}: {}", amount(asked)),
            (None, most) => {
                format!("{name}: at most {}", most.map(amount).unwrap_or_default())
            }
        })
        .collect()
}

fn mount(mount: &Value) -> String {
    let mut words = format!("{} from {}", text(mount, "mountPath"), text(mount, "name"));
    let path = text(mount, "subPath");
    if !path.is_empty() {
        words = format!("{words}, its {path}");
    }
    if mount.get("readOnly").and_then(Value::as_bool) == Some(true) {
        words.push_str(", read only");
    }
    words
}

/// A variable's name, and its value or where that comes from.
fn variable(variable: &Value) -> (String, String) {
    let value = match variable.get("valueFrom") {
        None => text(variable, "value").to_owned(),
        Some(from) => {
            let of = |kind: &str, words: &str| {
                let source = from.get(kind)?;
                Some(format!("{} of the {words} {}", text(source, "key"), text(source, "name")))
            };
            let field = |kind: &str, path: &str, words: &str| {
                let source = from.get(kind)?;
                Some(format!("{} of {words}", text(source, path)))
            };
            of("secretKeyRef", "secret")
                .or_else(|| of("configMapKeyRef", "config map"))
                .or_else(|| field("fieldRef", "fieldPath", "the Pod"))
                .or_else(|| field("resourceFieldRef", "resource", "the container's resources"))
                .unwrap_or_else(|| from.to_string())
        }
    };
    (text(variable, "name").to_owned(), value)
}

/// Where the people who run the build cluster look at a Pod: `pod_link_template` of the podinfo lens
/// for the cluster's alias. A template that cannot be used gives no link.
pub(super) fn link(spyglass: &Spyglass, cluster: &str, pod: &Pod) -> String {
    let lens = spyglass.lenses.iter().find(|entry| entry.lens.name == "podinfo");
    let template = lens
        .and_then(|entry| entry.lens.config.as_ref())
        .and_then(|config| config.pointer("/runner_configs"))
        .and_then(|runners| runners.get(cluster))
        .map(|runner| text(runner, "pod_link_template"))
        .filter(|template| !template.is_empty());
    let Some(template) = template else { return String::new() };
    let meta = json!({
        "Name": pod.metadata.name, "Namespace": pod.metadata.namespace, "UID": pod.metadata.uid,
    });
    let data = json!({
        "Name": pod.metadata.name,
        "Namespace": pod.metadata.namespace,
        "UID": pod.metadata.uid,
        "ObjectMeta": meta,
        "Spec": {"NodeName": pod.spec.fields().node_name},
    });
    let rendered =
        Template::parse("pod_link_template", template).and_then(|template| template.render(&data));
    match rendered {
        Ok(link) if link.starts_with("https://") || link.starts_with("http://") => link,
        Ok(_) => String::new(),
        Err(error) => {
            tracing::warn!(
                "deck.spyglass.lenses: pod_link_template of podinfo cannot be used: {error}"
            );
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use config_load::prow::deck::{LensConfig, LensFileConfig};

    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "ns",
                         "labels": {"created-by-prow": "true", "team": "a"}},
            "spec": {
                "nodeName": "n1",
                "tolerations": [
                    {"key": "node.kubernetes.io/not-ready", "operator": "Exists"},
                    {"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"},
                    {"key": "gpu", "operator": "Equal", "value": "yes", "tolerationSeconds": 5},
                ],
                "volumes": [{"name": "logs", "emptyDir": {}},
                            {"name": "token", "secret": {"secretName": "oauth"}}],
                "containers": [{
                    "name": "test", "image": "i", "command": ["/tools/entrypoint"],
                    "resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
                    "env": [
                        {"name": "ENTRYPOINT_OPTIONS", "value": "{\"args\": [\"make\", \"all tests\"]}"},
                        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    ],
                    "volumeMounts": [{"name": "token", "mountPath": "/t", "subPath": "x", "readOnly": true}],
                }],
            },
            "status": {"phase": "Failed", "hostIP": "10.0.0.1", "containerStatuses": [
                {"name": "test", "restartCount": 2,
                 "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_recorded_pod_tells_what_prow_shows_of_it() {
        let view = view(&pod(), None, true, String::new());
        assert_eq!((view.phase.as_str(), view.node.as_str()), ("Failed", "n1, 10.0.0.1"));
        assert_eq!(view.tolerations, ["dedicated:NoSchedule", "gpu=yes for 5 s"]);
        assert_eq!(view.volumes[1], ("token".to_owned(), "secret: secretName=oauth".to_owned()));
        assert_eq!(view.labels[0].0, "label team", "those that tools made stand last");
        let test = &view.containers[0];
        assert_eq!((test.restarts, test.exit_code), (2, Some(137)));
        assert_eq!(test.decorated, "make 'all tests'");
        assert_eq!(test.resources, ["cpu: 2", "memory: 1Gi of at most 2Gi"]);
        assert_eq!(test.mounts, ["/t from token, its x, read only"]);
        assert_eq!(test.env[1].1, "k of the secret s");
        assert_eq!(test.env[2].1, "status.podIP of the Pod");
    }

    #[test]
    fn the_link_to_a_pod_is_the_one_of_its_cluster() {
        let with = |template: &str| Spyglass {
            lenses: vec![LensFileConfig {
                lens: LensConfig {
                    name: "podinfo".to_owned(),
                    config: Some(
                        json!({"runner_configs": {"gpu": {"pod_link_template": template}}}),
                    ),
                },
                ..LensFileConfig::default()
            }],
            ..Spyglass::default()
        };
        let linked = with("https://cloud/pod/{{ .Namespace }}/{{ .ObjectMeta.Name }}");
        assert_eq!(link(&linked, "gpu", &pod()), "https://cloud/pod/ns/p");
        assert_eq!(link(&linked, "default", &pod()), "");
        assert_eq!(link(&with("javascript:alert(1)"), "gpu", &pod()), "");
        assert_eq!(link(&with("{{ .Name"), "gpu", &pod()), "");
    }
}
