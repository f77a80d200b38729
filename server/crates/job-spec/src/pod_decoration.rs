//! How a ProwJob becomes a Pod.
//!
//! An undecorated Pod is the job's own with Prow's environment. A decorated one is wrapped with the pod
//! utilities:
//!
//! ```text
//! init containers   clonerefs -> the job's own sidecars -> initupload -> place-entrypoint
//! containers        the job's own, each started by /tools/entrypoint; sidecar last
//! volumes           the job's own, logs, tools, credentials, what cloning needs, code
//! ```

mod utilities;

use std::collections::BTreeMap;

use go_compat::duration::GoDuration;
use serde_json::{Map, Value, json};

use crate::decoration::DecorationConfig;
use crate::downward::JobSpec;
use crate::env::{self, EnvError};
use crate::go_json;
use crate::labels::{self, labels_and_annotations_for_job};
use crate::metadata::ObjectMeta;
use crate::options::{ENTRYPOINT_OPTIONS, EntrypointOptions, Nanos, WrapperOptions};
use crate::pod::Pod;
use crate::pod_schema::{PodSchemaError, UnknownFields};
use crate::pod_spec::PodSpec;
use crate::prow_job::ProwJob;
use crate::refs::Refs;
use utilities::{Mount, Storage};

/// The name of a Pod's only container.
pub const TEST_CONTAINER: &str = "test";
/// Init container that clones the code under test.
pub const CLONEREFS: &str = "clonerefs";
/// Init container that uploads started.json.
pub const INITUPLOAD: &str = "initupload";
/// Init container that copies the entrypoint to where the test containers find it.
pub const PLACE_ENTRYPOINT: &str = "place-entrypoint";
/// Container that uploads logs and artifacts when the test has ended.
pub const SIDECAR: &str = "sidecar";
/// Names that a job's own containers may not have.
pub const UTILITY_CONTAINERS: [&str; 4] = [CLONEREFS, INITUPLOAD, PLACE_ENTRYPOINT, SIDECAR];

/// Volume that holds logs and artifacts, and where it is mounted.
pub const LOGS: Mount = Mount::new("logs", "/logs");
/// Volume that holds the clones, and where it is mounted.
pub const CODE: Mount = Mount::new("code", "/home/prow/go");
/// Volume that holds the entrypoint, and where it is mounted.
pub const TOOLS: Mount = Mount::new("tools", "/tools");
/// Volume with the GCS credentials, and where it is mounted.
pub const GCS_CREDENTIALS: Mount = Mount::new("gcs-credentials", "/secrets/gcs");
/// Volume with the S3 credentials, and where it is mounted.
pub const S3_CREDENTIALS: Mount = Mount::new("s3-credentials", "/secrets/s3-storage");
/// Volume that stands for the bucket in local mode, and where it is mounted.
pub const OUTPUT: Mount = Mount::new("output", "/output");

/// Volumes that decoration mounts into the test containers.
pub const TEST_CONTAINER_MOUNTS: [Mount; 3] = [LOGS, CODE, TOOLS];

/// Folder that the test leaves artifacts in.
pub const ARTIFACTS_DIR: &str = "/logs/artifacts";
/// File with the clone records.
pub const CLONE_LOG: &str = "/logs/clone.json";
/// The program that every test container starts with.
pub const ENTRYPOINT_PATH: &str = "/tools/entrypoint";

const FALLBACK_TO_LOGS: &str = "FallbackToLogsOnError";

/// Names of volumes that a decorated job may not use for its own.
pub fn reserved_volumes(config: Option<&DecorationConfig>) -> Vec<String> {
    let mut names: Vec<String> = [LOGS, CODE, TOOLS, GCS_CREDENTIALS, S3_CREDENTIALS]
        .iter()
        .map(|mount| mount.name.to_owned())
        .collect();
    if let Some(config) = config {
        names.extend(config.oauth_token_secret.iter().map(|secret| secret.name.clone()));
        names.extend(config.ssh_key_secrets.iter().cloned());
    }
    names
}

/// Why a ProwJob could not be made into a Pod.
#[derive(Debug, thiserror::Error)]
pub enum DecorateError {
    /// There is nothing to run.
    #[error("prowjob {0:?} lacks a pod spec")]
    NoPodSpec(String),
    /// The pod spec is not one.
    #[error("the pod spec of prowjob {name:?} cannot be used: {source}")]
    BadPodSpec {
        /// The ProwJob.
        name: String,
        /// What is wrong.
        source: PodSchemaError,
    },
    /// The environment cannot be told.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// The decoration config names no images.
    #[error("error decorating podspec: utility_images of the decoration config is not set")]
    NoUtilityImages,
    /// Options of a utility cannot be written as JSON.
    #[error("error decorating podspec: could not encode {what} as JSON: {source}")]
    Json {
        /// Whose options.
        what: &'static str,
        /// What went wrong.
        source: serde_json::Error,
    },
}

/// What a Pod depends on besides its ProwJob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlankPodOptions {
    /// Namespace of the Pod; empty leaves it to the cluster.
    pub pod_namespace: String,
    /// Version of plank for the Pod's label; none sets no label.
    pub plank_version: Option<String>,
    /// A folder of the node that files are copied to instead of being uploaded.
    pub local_output_dir: Option<String>,
}

/// The Pod that runs a ProwJob under this build id.
pub fn prow_job_to_pod(
    job: &ProwJob,
    build_id: &str,
    options: &PlankPodOptions,
) -> Result<Pod, DecorateError> {
    let Some(pod_spec) = &job.spec.pod_spec else {
        return Err(DecorateError::NoPodSpec(job.metadata.name.clone()));
    };
    let mut spec = match pod_spec.normalized(UnknownFields::Drop).map(|spec| spec.to_value()) {
        Ok(Value::Object(spec)) => spec,
        Ok(_) => Map::new(),
        Err(source) => {
            return Err(DecorateError::BadPodSpec { name: job.metadata.name.clone(), source });
        }
    };
    let job_spec = JobSpec::new(&job.spec, build_id, &job.metadata.name);
    let env = env::env_for_spec(&job_spec)?;

    spec.insert("restartPolicy".to_owned(), json!("Never"));
    if let [Value::Object(container)] = list(&mut spec, "containers").as_mut_slice() {
        container.insert("name".to_owned(), json!(TEST_CONTAINER));
    }
    // Kubernetes mounts the default account's token unless told not to; a job has to ask for it.
    if !spec.contains_key("automountServiceAccountToken")
        && text(&spec, "serviceAccountName").is_empty()
    {
        spec.insert("automountServiceAccountToken".to_owned(), json!(false));
    }

    match &job.spec.decoration_config {
        Some(config) => decorate(&mut spec, job, config, env, options)?,
        None => {
            for container in objects(&mut spec, "containers") {
                list(container, "env").extend(env_vars(&env));
            }
        }
    }

    // The end of the log then shows in the Pod's status, which outlives the Pod's log.
    for key in ["initContainers", "containers"] {
        if !spec.contains_key(key) {
            continue;
        }
        for container in objects(&mut spec, key) {
            container
                .entry("terminationMessagePolicy")
                .or_insert_with(|| Value::from(FALLBACK_TO_LOGS));
        }
    }

    let mut labelled = job.clone();
    labelled.status.build_id = build_id.to_owned();
    let (mut pod_labels, annotations) = labels_and_annotations_for_job(&labelled);
    if let Some(version) = &options.plank_version {
        pod_labels.insert(labels::PLANK_VERSION.to_owned(), version.clone());
    }
    Ok(Pod {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        metadata: ObjectMeta {
            name: job.metadata.name.clone(),
            namespace: options.pod_namespace.clone(),
            labels: pod_labels,
            annotations: annotations.into(),
            ..ObjectMeta::default()
        },
        spec: PodSpec::from_value(&Value::Object(spec)),
        ..Pod::default()
    })
}

fn decorate(
    spec: &mut Map<String, Value>,
    job: &ProwJob,
    config: &DecorationConfig,
    mut env: BTreeMap<String, String>,
    options: &PlankPodOptions,
) -> Result<(), DecorateError> {
    let images = config.utility_images.as_ref().ok_or(DecorateError::NoUtilityImages)?;
    let job_spec_json = env.get(env::JOB_SPEC).cloned().unwrap_or_default();
    env.insert(env::ARTIFACTS.to_owned(), ARTIFACTS_DIR.to_owned());
    env.insert(env::GOPATH.to_owned(), CODE.path.to_owned());

    let storage = Storage::new(config, options.local_output_dir.as_deref());
    let cloning = utilities::clonerefs(job, config, images)?;

    let init_containers = list(spec, "initContainers");
    if let Some(cloning) = &cloning {
        init_containers.insert(0, cloning.container.clone());
    }
    init_containers.push(utilities::initupload(
        config,
        images,
        &storage,
        cloning.is_some(),
        &job_spec_json,
    )?);
    init_containers.push(utilities::place_entrypoint(config, images));

    let secret_volumes =
        if config.censor_secrets == Some(true) { volumes_with_secrets(spec) } else { Vec::new() };
    let mut secret_mounts = Vec::new();
    let mut entries = Vec::new();
    let alone = list(spec, "containers").len() == 1;
    let working_dir = cloning.as_ref().and_then(|cloning| working_dir(&cloning.refs));
    for container in objects(spec, "containers") {
        list(container, "env").extend(env_vars(&env));
        entries.push(inject_entrypoint(container, config, alone)?);
        let mounts = list(container, "volumeMounts");
        mounts.push(LOGS.mount());
        mounts.push(TOOLS.mount());
        secret_mounts.extend(
            mounts
                .iter()
                .filter(|mount| {
                    secret_volumes.iter().any(|name| mount["name"].as_str() == Some(name))
                })
                .cloned(),
        );
        // Whatever the job says: the test starts in the clone.
        if let Some(working_dir) = &working_dir {
            mounts.push(CODE.mount());
            container.insert("workingDir".to_owned(), json!(working_dir));
        }
    }

    let volumes = list(spec, "volumes");
    volumes.push(LOGS.empty_dir());
    volumes.push(TOOLS.empty_dir());
    volumes.extend(storage.volumes.iter().cloned());
    if let Some(cloning) = &cloning {
        volumes.extend(cloning.volumes.iter().cloned());
        volumes.push(CODE.empty_dir());
    }

    apply_memory_rules(spec, config);
    apply_security_context(spec, config);
    apply_scheduling_options(spec, config);
    list(spec, "containers").push(utilities::sidecar(
        config,
        images,
        &storage,
        secret_mounts,
        entries,
        &job_spec_json,
    )?);

    if let Some(grace) = config.grace_period
        && !spec.contains_key("terminationGracePeriodSeconds")
    {
        // Four fifths for the test to stop, one fifth for uploading what it left.
        spec.insert(
            "terminationGracePeriodSeconds".to_owned(),
            json!(grace.0 / GoDuration::from_secs(1).0 * 5 / 4),
        );
    }
    if let Some(account) = &config.default_service_account_name
        && !account.is_empty()
        && text(spec, "serviceAccountName").is_empty()
    {
        spec.insert("serviceAccountName".to_owned(), json!(account));
    }
    Ok(())
}

/// Puts the entrypoint before a container's own command.
fn inject_entrypoint(
    container: &mut Map<String, Value>,
    config: &DecorationConfig,
    alone: bool,
) -> Result<WrapperOptions, DecorateError> {
    let name = text(container, "name").to_owned();
    let prefixed = !alone && !name.is_empty();
    let file = |plain: &str, suffix: &str| {
        if prefixed { format!("{name}-{suffix}") } else { plain.to_owned() }
    };
    let wrapper = WrapperOptions {
        args: ["command", "args"]
            .iter()
            .filter_map(|key| container.get(*key)?.as_array())
            .flatten()
            .filter_map(|arg| arg.as_str().map(str::to_owned))
            .collect(),
        process_log: format!("{}/{}", LOGS.path, file("process-log.txt", "log.txt")),
        marker_file: format!("{}/{}", LOGS.path, file("marker-file.txt", "marker.txt")),
        metadata_file: format!("{ARTIFACTS_DIR}/{}", file("metadata.json", "metadata.json")),
        container_name: name,
    };
    let options = EntrypointOptions {
        timeout: Nanos(config.timeout.unwrap_or_default()),
        grace_period: Nanos(config.grace_period.unwrap_or_default()),
        artifact_dir: ARTIFACTS_DIR.to_owned(),
        wrapper: wrapper.clone(),
        ..EntrypointOptions::default()
    };
    let options = go_json::to_string(&options)
        .map_err(|source| DecorateError::Json { what: "entrypoint options", source })?;
    container.insert("command".to_owned(), json!([ENTRYPOINT_PATH]));
    container.remove("args");
    list(container, "env").push(env_var(ENTRYPOINT_OPTIONS, &options));
    Ok(wrapper)
}

/// Names of the volumes that hold secrets.
fn volumes_with_secrets(spec: &mut Map<String, Value>) -> Vec<String> {
    objects(spec, "volumes")
        .filter(|volume| volume.contains_key("secret"))
        .map(|volume| text(volume, "name").to_owned())
        .collect()
}

/// The clone that the test starts in: the first that asks for it, else the first.
fn working_dir(refs: &[Refs]) -> Option<String> {
    refs.iter()
        .find(|refs| refs.workdir)
        .or_else(|| refs.first())
        .map(|refs| refs.clone_dir(CODE.path))
}

/// Gives containers without a memory request the default one, and then, where asked for, makes the limit equal
/// to the request. The sidecar is not among the containers yet.
fn apply_memory_rules(spec: &mut Map<String, Value>, config: &DecorationConfig) {
    for container in objects(spec, "containers") {
        let resources = object(container, "resources");
        if let Some(default) = &config.default_memory_request {
            object(resources, "requests").entry("memory").or_insert_with(|| json!(default));
        }
        if config.set_limit_equals_memory_request == Some(true) {
            let request = resources.get("requests").and_then(|requests| requests.get("memory"));
            if let Some(request) = request.cloned() {
                object(resources, "limits").insert("memory".to_owned(), request);
            }
        }
    }
}

fn apply_security_context(spec: &mut Map<String, Value>, config: &DecorationConfig) {
    let context = object(spec, "securityContext");
    for (key, value) in [
        ("runAsUser", config.run_as_user),
        ("runAsGroup", config.run_as_group),
        ("fsGroup", config.fs_group),
    ] {
        if let Some(value) = value {
            context.entry(key).or_insert_with(|| json!(value));
        }
    }
}

fn apply_scheduling_options(spec: &mut Map<String, Value>, config: &DecorationConfig) {
    let Some(scheduling) = &config.scheduling_options else { return };
    if let Some(affinity) = &scheduling.affinity {
        spec.entry("affinity").or_insert_with(|| affinity.0.clone());
    }
    if let Some(tolerations) = &scheduling.tolerations
        && !tolerations.is_empty()
    {
        spec.entry("tolerations").or_insert_with(|| json!(tolerations));
    }
}

/// The variables sorted by name.
fn env_vars(env: &BTreeMap<String, String>) -> Vec<Value> {
    env.iter().map(|(name, value)| env_var(name, value)).collect()
}

fn env_var(name: &str, value: &str) -> Value {
    if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The list under `key`, made if it is not there.
fn list<'a>(object: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let value = object.entry(key).or_insert(Value::Null);
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("made a list above"),
    }
}

/// The mapping under `key`, made if it is not there.
fn object<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("made a mapping above"),
    }
}

/// The mappings in the list under `key`.
fn objects<'a>(
    parent: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    parent
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}
