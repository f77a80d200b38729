//! The rules about Pod specs.

use std::collections::BTreeSet;

use job_spec::env::env_names_for_type;
use job_spec::go_struct;
use job_spec::pod_decoration::{TEST_CONTAINER_MOUNTS, UTILITY_CONTAINERS, reserved_volumes};
use job_spec::{DecorationConfig, JobType, PodSpec};

use crate::place::{Step, place};

go_struct! {
    /// The parts of a Pod spec that the rules are about; reading only these is quick.
    pub struct PodView {
        /// Containers.
        pub containers: Vec<ContainerView> => "containers",
        /// Init containers.
        pub init_containers: Vec<ContainerView> => "initContainers",
        /// Volumes.
        pub volumes: Vec<Named> => "volumes",
    }
}

go_struct! {
    /// The parts of a container that the rules are about.
    pub struct ContainerView {
        /// Its name.
        pub name: String => "name",
        /// What it runs.
        pub command: Vec<String> => "command",
        /// With these arguments.
        pub args: Vec<String> => "args",
        /// Variables.
        pub env: Vec<Named> => "env",
        /// Mounts.
        pub volume_mounts: Vec<MountView> => "volumeMounts",
        /// `Always` for a sidecar among the init containers.
        pub restart_policy: String => "restartPolicy",
    }
}

go_struct! {
    /// Something with a name.
    pub struct Named {
        /// The name.
        pub name: String => "name",
    }
}

go_struct! {
    /// A mount.
    pub struct MountView {
        /// Name of the volume.
        pub name: String => "name",
        /// Where it appears.
        pub mount_path: String => "mountPath",
    }
}

impl PodView {
    /// The view of a spec. Specs that a job was read with always have one.
    pub(crate) fn new(spec: &PodSpec) -> Self {
        serde_json::from_str(spec.as_json()).unwrap_or_default()
    }
}

/// Reports every rule that a Pod spec breaks.
pub(crate) fn check(
    pod: &PodView,
    job_type: JobType,
    decoration: Option<&DecorationConfig>,
    report: &mut dyn FnMut(Vec<Step>, String),
) {
    let plain_init: Vec<&str> = pod
        .init_containers
        .iter()
        .filter(|container| container.restart_policy != "Always")
        .map(|container| container.name.as_str())
        .collect();
    if !plain_init.is_empty() {
        report(
            place!["spec", "initContainers"],
            format!(
                "pod spec may not use init containers(sidecar container is supported): [{}]",
                plain_init.join(" ")
            ),
        );
    }
    let count = pod.containers.len();
    if count < 1 {
        report(
            place!["spec", "containers"],
            format!("pod spec must specify at least 1 container, found: {count}"),
        );
        return;
    }
    if count > 1 && decoration.is_none() {
        report(
            place!["spec", "containers"],
            format!("pod utility decoration must be enabled to use multiple containers: {count}"),
        );
        return;
    }
    if count > 1 {
        check_names(pod, report);
    }
    check_env(pod, job_type, report);
    check_volumes(pod, decoration, report);
}

fn check_names(pod: &PodView, report: &mut dyn FnMut(Vec<Step>, String)) {
    let mut seen = BTreeSet::new();
    for (index, container) in pod.containers.iter().enumerate() {
        let name = &container.name;
        let at = place!["spec", "containers", index, "name"];
        if name.is_empty() {
            report(
                at.clone(),
                "container does not have name. all containers must have names when defining multiple containers"
                    .to_owned(),
            );
        }
        if !seen.insert(name) {
            report(at.clone(), format!("container named {name:?} is defined more than once"));
        }
        if UTILITY_CONTAINERS.contains(&name.as_str()) {
            report(
                at,
                format!(
                    "container name {name} is a reserved for decoration. please specify a different container name that does not conflict with pod utility container names"
                ),
            );
        }
    }
}

fn check_env(pod: &PodView, job_type: JobType, report: &mut dyn FnMut(Vec<Step>, String)) {
    let reserved = env_names_for_type(job_type);
    for (index, container) in pod.containers.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (at, env) in container.env.iter().enumerate() {
            let name = &env.name;
            let place = || place!["spec", "containers", index, "env", at];
            if !seen.insert(name) {
                report(place(), format!("env var named {name:?} is defined more than once"));
            }
            if reserved.contains(&name.as_str()) {
                report(place(), format!("env {name} is reserved"));
            }
        }
    }
}

fn check_volumes(
    pod: &PodView,
    decoration: Option<&DecorationConfig>,
    report: &mut dyn FnMut(Vec<Step>, String),
) {
    let has_mounts = pod.containers.iter().any(|container| !container.volume_mounts.is_empty());
    if pod.volumes.is_empty() && !has_mounts {
        return;
    }
    let reserved = reserved_volumes(decoration);
    let is_reserved = |name: &String| reserved.contains(name);
    let mut volumes = BTreeSet::new();
    for (index, volume) in pod.volumes.iter().enumerate() {
        let name = &volume.name;
        let place = || place!["spec", "volumes", index];
        if !volumes.insert(name) {
            report(place(), format!("volume named {name:?} is defined more than once"));
        }
        if is_reserved(name) {
            report(place(), format!("volume {name} is a reserved for decoration"));
        }
    }
    for (index, container) in pod.containers.iter().enumerate() {
        for (at, mount) in container.volume_mounts.iter().enumerate() {
            let (name, path) = (&mount.name, &mount.mount_path);
            let place = || place!["spec", "containers", index, "volumeMounts", at];
            if !volumes.contains(name) && !is_reserved(name) {
                report(place(), format!("volumeMount named {name:?} is undefined"));
            }
            if TEST_CONTAINER_MOUNTS.iter().any(|reserved| reserved.name == name) {
                report(place(), format!("volumeMount name {name} is reserved for decoration"));
            }
            if TEST_CONTAINER_MOUNTS.iter().any(|reserved| reserved.path == path) {
                report(place(), format!("mount {name} at {path} conflicts with decoration mount"));
            }
        }
    }
}
