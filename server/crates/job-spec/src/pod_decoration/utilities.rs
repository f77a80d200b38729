//! The containers of the pod utilities, with the volumes and options that they need.

use serde_json::{Map, Value, json};

use super::{
    ARTIFACTS_DIR, CLONE_LOG, CLONEREFS, CODE, DecorateError, FALLBACK_TO_LOGS, GCS_CREDENTIALS,
    INITUPLOAD, LOGS, OUTPUT, PLACE_ENTRYPOINT, S3_CREDENTIALS, SIDECAR, TOOLS, env_var,
};
use crate::decoration::{DecorationConfig, SecretKey, UtilityImages};
use crate::env;
use crate::go_json;
use crate::go_path;
use crate::options::{
    CLONEREFS_OPTIONS, ClonerefsOptions, DEFAULT_GIT_USER_EMAIL, DEFAULT_GIT_USER_NAME,
    DEFAULT_GITHUB_API_ENDPOINT, GcsUploadOptions, INITUPLOAD_OPTIONS, InituploadOptions,
    SIDECAR_OPTIONS, SidecarCensoringOptions, SidecarOptions, WrapperOptions,
};
use crate::pod_spec::ResourceRequirements;
use crate::prow_job::ProwJob;
use crate::refs::Refs;

/// Permission bits of files that only their owner may read.
const OWNER_READS: i64 = 0o400;

/// A volume and where it is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Name of the volume.
    pub name: &'static str,
    /// Path of the mount.
    pub path: &'static str,
}

impl Mount {
    pub(super) const fn new(name: &'static str, path: &'static str) -> Mount {
        Mount { name, path }
    }

    pub(super) fn mount(self) -> Value {
        mount(self.name, self.path)
    }

    pub(super) fn empty_dir(self) -> Value {
        json!({"name": self.name, "emptyDir": {}})
    }
}

fn mount(name: &str, path: &str) -> Value {
    json!({"name": name, "mountPath": path})
}

fn read_only_mount(name: &str, path: &str) -> Value {
    json!({"name": name, "mountPath": path, "readOnly": true})
}

fn secret_volume(name: &str, source: Value) -> Value {
    json!({"name": name, "secret": source})
}

/// A utility's container with what all of them have in common; `resources` is there even when empty.
fn container(
    name: &str,
    image: &str,
    resources: Option<&ResourceRequirements>,
    mounts: Vec<Value>,
) -> Map<String, Value> {
    let mut container = Map::new();
    container.insert("name".to_owned(), json!(name));
    if !image.is_empty() {
        container.insert("image".to_owned(), json!(image));
    }
    let resources = resources.map_or_else(|| json!({}), |resources| resources.0.clone());
    container.insert("resources".to_owned(), resources);
    container.insert("volumeMounts".to_owned(), Value::Array(mounts));
    container
}

fn encode<T: serde::Serialize>(what: &'static str, options: &T) -> Result<String, DecorateError> {
    go_json::to_string(options).map_err(|source| DecorateError::Json { what, source })
}

/// Where results go: the upload options, and what gives a container access.
pub(super) struct Storage {
    pub(super) volumes: Vec<Value>,
    /// Mounts of credentials.
    mounts: Vec<Value>,
    /// Mount of the folder that stands for the bucket in local mode.
    output: Option<Value>,
    options: GcsUploadOptions,
}

impl Storage {
    pub(super) fn new(config: &DecorationConfig, local_output_dir: Option<&str>) -> Storage {
        let mut storage = Storage {
            volumes: Vec::new(),
            mounts: Vec::new(),
            output: None,
            options: GcsUploadOptions {
                gcs: config.gcs_configuration.clone().unwrap_or_default(),
                ..GcsUploadOptions::default()
            },
        };
        if let Some(folder) = local_output_dir.filter(|folder| !folder.is_empty()) {
            // Copying needs no credentials.
            storage.options.gcs.local_output_dir = OUTPUT.path.to_owned();
            storage.volumes.push(json!({"name": OUTPUT.name, "hostPath": {"path": folder}}));
            storage.output = Some(OUTPUT.mount());
            return storage;
        }
        let key_file = |mount: Mount| format!("{}/service-account.json", mount.path);
        if let Some(secret) = named(&config.gcs_credentials_secret) {
            storage.add_credentials(GCS_CREDENTIALS, secret);
            storage.options.credentials.gcs_credentials_file = key_file(GCS_CREDENTIALS);
        }
        if let Some(secret) = named(&config.s3_credentials_secret) {
            storage.add_credentials(S3_CREDENTIALS, secret);
            storage.options.credentials.s3_credentials_file = key_file(S3_CREDENTIALS);
        }
        storage
    }

    fn add_credentials(&mut self, mount: Mount, secret: &str) {
        self.volumes.push(secret_volume(mount.name, json!({"secretName": secret})));
        self.mounts.push(mount.mount());
    }
}

fn named(secret: &Option<String>) -> Option<&str> {
    secret.as_deref().filter(|name| !name.is_empty())
}

/// What cloning adds to a Pod.
pub(super) struct Cloning {
    pub(super) container: Value,
    pub(super) refs: Vec<Refs>,
    pub(super) volumes: Vec<Value>,
}

impl Cloning {
    fn add(&mut self, mounts: &mut Vec<Value>, volume: Value, mount: Value) {
        self.volumes.push(volume);
        mounts.push(mount);
    }
}

/// Clones the refs under test and the extra ones; None where there is nothing to clone.
pub(super) fn clonerefs(
    job: &ProwJob,
    config: &DecorationConfig,
    images: &UtilityImages,
) -> Result<Option<Cloning>, DecorateError> {
    let refs: Vec<Refs> = job.spec.refs.iter().chain(&job.spec.extra_refs).cloned().collect();
    if refs.is_empty() || config.skip_cloning == Some(true) {
        return Ok(None);
    }
    let mut cloning = Cloning { container: Value::Null, refs, volumes: Vec::new() };
    let mut mounts = vec![LOGS.mount(), CODE.mount()];

    let mut key_files = Vec::new();
    for secret in &config.ssh_key_secrets {
        let name = format!("ssh-keys-{secret}");
        let path = go_path::join(&["/secrets/ssh", secret]);
        cloning.add(
            &mut mounts,
            secret_volume(&name, json!({"secretName": secret, "defaultMode": OWNER_READS})),
            read_only_mount(&name, &path),
        );
        key_files.push(path);
    }
    let mut add_key = |cloning: &mut Cloning, secret: &Option<SecretKey>, path: &str| {
        let Some(SecretKey { name, key }) = secret else { return String::new() };
        let items = json!([{"key": key, "path": format!("./{key}")}]);
        cloning.add(
            &mut mounts,
            secret_volume(name, json!({"secretName": name, "items": items})),
            read_only_mount(name, path),
        );
        go_path::join(&[path, key])
    };
    let oauth_token_file = add_key(&mut cloning, &config.oauth_token_secret, "/secrets/oauth");
    let app_key_file =
        add_key(&mut cloning, &config.github_app_private_key_secret, "/secrets/github-app");

    // For known_hosts and the like.
    cloning.add(
        &mut mounts,
        json!({"name": "clonerefs-tmp", "emptyDir": {}}),
        mount("clonerefs-tmp", "/tmp"),
    );

    let mut args = Vec::new();
    let mut cookie_path = String::new();
    if let Some(secret) = named(&config.cookiefile_secret) {
        let (secret, key) = secret.split_once('/').unwrap_or((secret, secret));
        cloning.add(
            &mut mounts,
            secret_volume("cookiefile", json!({"secretName": secret, "defaultMode": OWNER_READS})),
            read_only_mount("cookiefile", "/secrets/cookiefile"),
        );
        cookie_path = go_path::join(&["/secrets/cookiefile", key]);
        args.push(format!("--cookiefile={cookie_path}"));
    }

    let endpoints = if config.github_api_endpoints.is_empty() {
        vec![DEFAULT_GITHUB_API_ENDPOINT.to_owned()]
    } else {
        config.github_api_endpoints.clone()
    };
    let options = ClonerefsOptions {
        src_root: CODE.path.to_owned(),
        log: CLONE_LOG.to_owned(),
        git_user_name: DEFAULT_GIT_USER_NAME.to_owned(),
        git_user_email: DEFAULT_GIT_USER_EMAIL.to_owned(),
        refs: cloning.refs.clone(),
        key_files,
        oauth_token_file,
        host_fingerprints: config.ssh_host_fingerprints.clone(),
        cookie_path,
        github_api_endpoints: endpoints,
        github_app_id: config.github_app_id.clone(),
        github_app_private_key_file: app_key_file,
        ..ClonerefsOptions::default()
    };
    let resources = config.resources.as_ref().and_then(|resources| resources.clonerefs.as_ref());
    let mut container = container(CLONEREFS, &images.clonerefs, resources, mounts);
    if !args.is_empty() {
        container.insert("args".to_owned(), json!(args));
    }
    let options = encode("clonerefs options", &options)?;
    container.insert("env".to_owned(), json!([env_var(CLONEREFS_OPTIONS, &options)]));
    cloning.container = Value::Object(container);
    Ok(Some(cloning))
}

/// Uploads started.json, and the clone records where something was cloned.
pub(super) fn initupload(
    config: &DecorationConfig,
    images: &UtilityImages,
    storage: &Storage,
    cloned: bool,
    job_spec: &str,
) -> Result<Value, DecorateError> {
    let options = InituploadOptions {
        upload: storage.options.clone(),
        log: if cloned { CLONE_LOG.to_owned() } else { String::new() },
    };
    let mut mounts = Vec::new();
    if cloned {
        mounts.push(LOGS.mount());
    }
    mounts.extend(storage.mounts.iter().chain(&storage.output).cloned());
    let resources = config.resources.as_ref().and_then(|resources| resources.initupload.as_ref());
    let mut container = container(INITUPLOAD, &images.initupload, resources, mounts);
    let options = encode("initupload options", &options)?;
    container.insert(
        "env".to_owned(),
        json!([env_var(INITUPLOAD_OPTIONS, &options), env_var(env::JOB_SPEC, job_spec)]),
    );
    if container["volumeMounts"].as_array().is_some_and(Vec::is_empty) {
        container.remove("volumeMounts");
    }
    Ok(Value::Object(container))
}

/// Copies the entrypoint to the tools volume.
pub(super) fn place_entrypoint(config: &DecorationConfig, images: &UtilityImages) -> Value {
    let resources =
        config.resources.as_ref().and_then(|resources| resources.place_entrypoint.as_ref());
    let mut container =
        container(PLACE_ENTRYPOINT, &images.entrypoint, resources, vec![TOOLS.mount()]);
    container.insert("args".to_owned(), json!(["--copy-mode-only"]));
    Value::Object(container)
}

/// Waits for the test containers and uploads what they left.
pub(super) fn sidecar(
    config: &DecorationConfig,
    images: &UtilityImages,
    storage: &Storage,
    secret_mounts: Vec<Value>,
    entries: Vec<WrapperOptions>,
    job_spec: &str,
) -> Result<Value, DecorateError> {
    let mut upload = storage.options.clone();
    upload.items.push(ARTIFACTS_DIR.to_owned());
    let censoring = config.censoring_options.clone().unwrap_or_default();
    let options = SidecarOptions {
        gcs_options: Some(upload),
        entries,
        ignore_interrupts: config.upload_ignores_interrupts == Some(true),
        censoring_options: Some(SidecarCensoringOptions {
            secret_directories: secret_mounts
                .iter()
                .filter_map(|mount| mount["mountPath"].as_str().map(str::to_owned))
                .collect(),
            censoring_concurrency: censoring.censoring_concurrency,
            censoring_buffer_size: censoring.censoring_buffer_size,
            include_directories: censoring.include_directories.unwrap_or_default(),
            exclude_directories: censoring.exclude_directories.unwrap_or_default(),
            minimum_secret_length: censoring.minimum_secret_length,
            ..SidecarCensoringOptions::default()
        }),
        ..SidecarOptions::default()
    };
    let mut mounts = vec![LOGS.mount()];
    mounts.extend(storage.mounts.iter().cloned());
    mounts.extend(secret_mounts);
    mounts.extend(storage.output.iter().cloned());
    let resources = config.resources.as_ref().and_then(|resources| resources.sidecar.as_ref());
    let mut container = container(SIDECAR, &images.sidecar, resources, mounts);
    let options = encode("sidecar options", &options)?;
    container.insert(
        "env".to_owned(),
        json!([env_var(env::JOB_SPEC, job_spec), env_var(SIDECAR_OPTIONS, &options)]),
    );
    container.insert("terminationMessagePolicy".to_owned(), json!(FALLBACK_TO_LOGS));
    Ok(Value::Object(container))
}
