//! What a Pod's containers are as processes of this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use job_spec::{Container, Pod};
use serde_json::Value;

use super::environment::{environment, expand};
use super::mounts::Mounts;
use super::supervise::{ContainerCommand, ContainerFiles};
use super::volumes::{KeyedFiles, Refusal, below, make_folder, make_volumes};

/// Images that are commands of this program: their last path component.
const UTILITIES: [&str; 4] = ["clonerefs", "initupload", "entrypoint", "sidecar"];

/// What the `entrypoint` image copies itself to when it is not told where.
const ENTRYPOINT_COPY: &str = "/tools/entrypoint";

/// The search path where the server has none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The folder of one Pod.
///
/// ```text
///  <pod>/uid                      whose folder it is; written when the volumes are ready
///  <pod>/<container>.log          what the container wrote
///  <pod>/state/<container>.<n>.*  lock and state of its n-th start
///  <pod>/volumes/<volume>/        emptyDir, secret …
///  <pod>/root/<container>/        home, tmp and default working directory
/// ```
#[derive(Debug, Clone)]
pub(super) struct PodFolder(pub(super) PathBuf);

impl PodFolder {
    pub(super) fn uid_file(&self) -> PathBuf {
        self.0.join("uid")
    }

    pub(super) fn log(&self, container: &str) -> PathBuf {
        self.0.join(format!("{container}.log"))
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.0.join("state")
    }

    /// The files of a container's n-th start, counted from 0.
    pub(super) fn files(&self, container: &str, start: u32) -> ContainerFiles {
        let state = self.state_dir();
        ContainerFiles {
            lock: state.join(format!("{container}.{start}.lock")),
            state: state.join(format!("{container}.{start}.json")),
            log: self.log(container),
        }
    }

    fn volumes(&self) -> PathBuf {
        self.0.join("volumes")
    }

    fn root(&self, container: &str) -> PathBuf {
        self.0.join("root").join(container)
    }
}

/// What is the same for all Pods.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// The `bowsprit` program, for the utility images.
    pub(super) exe: Option<PathBuf>,
    /// Variables for the utility images only.
    pub(super) utility_env: BTreeMap<String, String>,
    /// Secrets and config maps.
    pub(super) files: KeyedFiles,
}

/// One container, ready to start.
#[derive(Debug, Clone)]
pub(super) struct ContainerPlan {
    pub(super) name: String,
    pub(super) command: ContainerCommand,
    /// Its working directory is in the Pod's folder, and made when it starts, as a container
    /// runtime does; not before, since an earlier container may want to make it.
    pub(super) own_dir: bool,
    pub(super) env: Vec<(OsString, OsString)>,
    /// An init container that runs beside the others.
    pub(super) sidecar: bool,
}

/// All containers of a Pod.
#[derive(Debug, Clone)]
pub(super) struct PodPlan {
    pub(super) init: Vec<ContainerPlan>,
    pub(super) main: Vec<ContainerPlan>,
}

/// Makes the Pod's volumes and folders and plans its containers.
pub(super) fn plan_pod(pod: &Pod, folder: &PodFolder, host: &Host) -> Result<PodPlan, Refusal> {
    let fields = pod.spec.fields();
    let volumes = make_volumes(pod, &fields.volumes, &folder.volumes(), &host.files)?;
    make_folder(&folder.state_dir())?;
    let plan = |container: &Container| plan_container(pod, container, &volumes, folder, host);
    Ok(PodPlan {
        init: fields.init_containers.iter().map(plan).collect::<Result<_, _>>()?,
        main: fields.containers.iter().map(plan).collect::<Result<_, _>>()?,
    })
}

fn plan_container(
    pod: &Pod,
    container: &Container,
    volumes: &BTreeMap<String, PathBuf>,
    folder: &PodFolder,
    host: &Host,
) -> Result<ContainerPlan, Refusal> {
    let variables = environment(pod, container, &host.files)?;
    let known: BTreeMap<String, String> = variables.iter().cloned().collect();
    let mounts = mounts_of(container, volumes, &known)?;
    let root = folder.root(&container.name);
    let utility = utility_of(container);
    let argv = argv(container, utility, &known, &mounts, host)?;
    let (dir, own_dir) = working_dir(container, &mounts, &root);
    let mut env = base_env(pod, &mounts, &root)?;
    if utility.is_some() {
        env.extend(host.utility_env.clone());
    }
    env.extend(variables.into_iter().map(|(name, value)| {
        let value = mounts.translate_env(&value);
        (name, value)
    }));
    Ok(ContainerPlan {
        name: container.name.clone(),
        command: ContainerCommand { argv, dir },
        own_dir,
        env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        sidecar: container.restart_policy.as_deref() == Some("Always"),
    })
}

fn mounts_of(
    container: &Container,
    volumes: &BTreeMap<String, PathBuf>,
    variables: &BTreeMap<String, String>,
) -> Result<Mounts, Refusal> {
    let mut mounts = Vec::new();
    for mount in &container.volume_mounts {
        let volume = volumes.get(&mount.name).ok_or_else(|| {
            Refusal::mount(format!(
                "container `{}` mounts the volume `{}`, which the Pod does not have",
                container.name, mount.name
            ))
        })?;
        let expression = mount.other.get("subPathExpr").and_then(Value::as_str);
        let sub_path = match expression {
            Some(expression) => expand(expression, variables),
            None => mount.sub_path.clone(),
        };
        let place = below(volume, &sub_path).ok_or_else(|| {
            Refusal::mount(format!(
                "container `{}` mounts `{sub_path}` of volume `{}`, which leads out of it",
                container.name, mount.name
            ))
        })?;
        if !sub_path.is_empty() && !place.exists() {
            make_folder(&place)?;
        }
        mounts.push((mount.mount_path.clone(), place));
    }
    Ok(Mounts::new(mounts))
}

/// The utility that the container's image stands for, unless it says another command.
fn utility_of(container: &Container) -> Option<&'static str> {
    let last = container.image.rsplit('/').next().unwrap_or_default();
    let name = last.split(['@', ':']).next().unwrap_or_default();
    let utility = UTILITIES.into_iter().find(|utility| *utility == name)?;
    container.command.is_empty().then_some(utility)
}

fn argv(
    container: &Container,
    utility: Option<&'static str>,
    variables: &BTreeMap<String, String>,
    mounts: &Mounts,
    host: &Host,
) -> Result<Vec<OsString>, Refusal> {
    let ready = |text: &String| OsString::from(mounts.translate(&expand(text, variables)));
    let mut argv: Vec<OsString> = Vec::new();
    match (utility, &host.exe) {
        (Some(utility), Some(exe)) => {
            argv.extend([exe.into(), "pod".into(), utility.into()]);
        }
        (Some(utility), None) => {
            return Err(Refusal::config(format!(
                "container `{}` runs the utility `{utility}`, but this process does not know the \
                 program that it is part of",
                container.name
            )));
        }
        (None, _) if container.command.is_empty() => {
            return Err(Refusal::config(format!(
                "container `{}` has no `command`: the embedded cluster pulls no images, so it \
                 cannot know what `{}` would run; set `command` in the job's spec",
                container.name, container.image
            )));
        }
        (None, _) => argv.extend(container.command.iter().map(ready)),
    }
    argv.extend(container.args.iter().map(ready));
    let copies = container.args.iter().any(|arg| arg.trim_start_matches('-') == "copy-mode-only");
    let told = container
        .args
        .iter()
        .any(|arg| arg.trim_start_matches('-').starts_with("copy-destination"));
    if utility == Some("entrypoint")
        && copies
        && !told
        && let Some(target) = mounts.host_path(ENTRYPOINT_COPY)
    {
        // The flag's default is a path in the container as well.
        let mut arg = OsString::from("--copy-destination=");
        arg.push(target);
        argv.push(arg);
    }
    Ok(argv)
}

/// Where a container starts, and whether that folder is the Pod's own.
fn working_dir(container: &Container, mounts: &Mounts, root: &Path) -> (PathBuf, bool) {
    if container.working_dir.is_empty() {
        return (root.join("work"), true);
    }
    match mounts.host_path(&container.working_dir) {
        Some(place) => (place, true),
        None => (PathBuf::from(&container.working_dir), false),
    }
}

/// Variables that every process needs. Nothing else of the server's environment is handed on: it
/// may hold secrets.
fn base_env(pod: &Pod, mounts: &Mounts, root: &Path) -> Result<BTreeMap<String, String>, Refusal> {
    let home = root.join("home");
    make_folder(&home)?;
    let tmp = match mounts.host_path("/tmp") {
        Some(mounted) => mounted,
        None => root.join("tmp"),
    };
    make_folder(&tmp)?;
    let path = std::env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_string());
    Ok([
        ("PATH", path),
        ("HOME", home.to_string_lossy().into_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
        ("HOSTNAME", pod.metadata.name.clone()),
        ("LANG", "C.UTF-8".to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into())
}
