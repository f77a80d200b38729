//! The volumes of a Pod as folders, and the files of secrets and config maps.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use job_spec::pod_spec::KeyToPath;
use job_spec::{Pod, Volume};
use serde_json::Value;

use super::environment::pod_field;

/// Mode of the files of secrets and config maps where nothing is said, as in Kubernetes.
const DEFAULT_MODE: i64 = 0o644;

/// Why a Pod cannot be run here: its status says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// One word, as Kubernetes has it.
    pub(super) reason: &'static str,
    /// A sentence.
    pub(super) message: String,
}

impl Refusal {
    /// Something that a container's configuration refers to is not there.
    pub(super) fn config(message: String) -> Refusal {
        Refusal { reason: "CreateContainerConfigError", message }
    }

    /// A volume cannot be made.
    pub(super) fn mount(message: String) -> Refusal {
        Refusal { reason: "FailedMount", message }
    }
}

/// Secrets and config maps: folders with one file per key.
#[derive(Debug, Clone)]
pub(super) struct KeyedFiles {
    data_dir: PathBuf,
}

impl KeyedFiles {
    pub(super) fn new(data_dir: &Path) -> KeyedFiles {
        KeyedFiles { data_dir: data_dir.to_path_buf() }
    }

    fn folder(&self, kind: &str, name: &str) -> Result<PathBuf, Refusal> {
        let parent = if kind == "secret" { "secrets" } else { "configmaps" };
        if !is_file_name(name) {
            return Err(Refusal::config(format!("`{name}` is not the name of a {kind}")));
        }
        Ok(self.data_dir.join(parent).join(name))
    }

    /// All keys with their values.
    pub(super) fn all(
        &self,
        kind: &str,
        name: &str,
        optional: bool,
    ) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
        let folder = self.folder(kind, name)?;
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && optional => {
                return Ok(BTreeMap::new());
            }
            Err(error) => return Err(missing(kind, name, &folder, &error)),
        };
        let mut values = BTreeMap::new();
        for entry in entries.flatten() {
            let key = entry.file_name().to_string_lossy().into_owned();
            // Kubernetes' own mounts keep `..data` beside the keys.
            if key.starts_with("..") || !entry.path().is_file() {
                continue;
            }
            let value = fs::read(entry.path())
                .map_err(|error| missing(kind, name, &entry.path(), &error))?;
            values.insert(key, value);
        }
        Ok(values)
    }

    /// The value of one key; `None` if it is optional and not there.
    pub(super) fn one(
        &self,
        kind: &str,
        name: &str,
        key: &str,
        optional: bool,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        if !is_file_name(key) {
            return Err(Refusal::config(format!("`{key}` is not a key of a {kind}")));
        }
        let path = self.folder(kind, name)?.join(key);
        match fs::read(&path) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && optional => Ok(None),
            Err(error) => Err(missing(kind, name, &path, &error)),
        }
    }
}

fn missing(kind: &str, name: &str, path: &Path, error: &io::Error) -> Refusal {
    Refusal::config(format!(
        "{kind} `{name}` cannot be read: `{}`: {error}; the embedded cluster keeps every {kind} \
         as a folder with one file per key",
        path.display()
    ))
}

/// Whether this is one component of a path.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none()
}

/// A path below a folder; `None` if it leads out of it.
pub(super) fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    // Joining an empty path would only add a slash.
    inside.then(|| if path.is_empty() { folder.to_path_buf() } else { folder.join(path) })
}

/// Makes the volumes of a Pod below `folder`; the answer is where each one is.
pub(super) fn make_volumes(
    pod: &Pod,
    volumes: &[Volume],
    folder: &Path,
    files: &KeyedFiles,
) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let mut places = BTreeMap::new();
    for volume in volumes {
        if !is_file_name(&volume.name) {
            return Err(Refusal::mount(format!("`{}` is not the name of a volume", volume.name)));
        }
        let own = folder.join(&volume.name);
        let place = match make_volume(pod, volume, &own, files)? {
            Some(elsewhere) => elsewhere,
            None => own,
        };
        places.insert(volume.name.clone(), place);
    }
    Ok(places)
}

/// Makes one volume at `own`, or says where it is instead.
fn make_volume(
    pod: &Pod,
    volume: &Volume,
    own: &Path,
    files: &KeyedFiles,
) -> Result<Option<PathBuf>, Refusal> {
    if let Some(host) = &volume.host_path {
        let path = PathBuf::from(&host.path);
        let may_make = matches!(host.r#type.as_deref(), Some("DirectoryOrCreate"));
        if may_make {
            make_folder(&path)?;
        }
        if !path.is_absolute() || !path.exists() {
            return Err(Refusal::mount(format!(
                "volume `{}`: hostPath `{}` does not exist on this machine",
                volume.name, host.path
            )));
        }
        return Ok(Some(path));
    }
    make_folder(own)?;
    if let Some(secret) = &volume.secret {
        let optional = secret.optional.unwrap_or(false);
        let values = files.all("secret", &secret.secret_name, optional)?;
        let mode = secret.default_mode.unwrap_or(DEFAULT_MODE);
        project(own, &volume.name, values, &secret.items, mode, optional)?;
    } else if let Some(map) = &volume.config_map {
        let optional = map.optional.unwrap_or(false);
        let values = files.all("configMap", &map.name, optional)?;
        let mode = map.default_mode.unwrap_or(DEFAULT_MODE);
        project(own, &volume.name, values, &map.items, mode, optional)?;
    } else if let Some(projected) = volume.other.get("projected") {
        let mode = projected["defaultMode"].as_i64().unwrap_or(DEFAULT_MODE);
        for source in projected["sources"].as_array().into_iter().flatten() {
            project_source(pod, volume, source, own, mode, files)?;
        }
    } else if let Some(downward) = volume.other.get("downwardAPI") {
        let mode = downward["defaultMode"].as_i64().unwrap_or(DEFAULT_MODE);
        project_fields(pod, volume, &downward["items"], own, mode)?;
    } else if volume.empty_dir.is_none()
        && let Some(kind) = volume.other.keys().find(|kind| *kind != "ephemeral")
    {
        return Err(Refusal::mount(format!(
            "volume `{}` is a `{kind}`, which the embedded cluster does not have: it has emptyDir, \
             secret, configMap, projected, downwardAPI and hostPath",
            volume.name
        )));
    }
    Ok(None)
}

/// One source of a projected volume.
fn project_source(
    pod: &Pod,
    volume: &Volume,
    source: &Value,
    own: &Path,
    mode: i64,
    files: &KeyedFiles,
) -> Result<(), Refusal> {
    for (kind, field) in [("secret", "secret"), ("configMap", "configMap")] {
        let Some(keyed) = source.get(field) else { continue };
        let name = keyed["name"].as_str().unwrap_or_default();
        let optional = keyed["optional"].as_bool().unwrap_or(false);
        let items: Vec<KeyToPath> =
            serde_json::from_value(keyed["items"].clone()).unwrap_or_default();
        let values = files.all(kind, name, optional)?;
        return project(own, &volume.name, values, &items, mode, optional);
    }
    if let Some(downward) = source.get("downwardAPI") {
        return project_fields(pod, volume, &downward["items"], own, mode);
    }
    Err(Refusal::mount(format!(
        "volume `{}` projects `{}`, which the embedded cluster does not have",
        volume.name,
        source.as_object().and_then(|source| source.keys().next()).map_or("", String::as_str)
    )))
}

/// Fields of the Pod as files.
fn project_fields(
    pod: &Pod,
    volume: &Volume,
    items: &Value,
    own: &Path,
    mode: i64,
) -> Result<(), Refusal> {
    for item in items.as_array().into_iter().flatten() {
        let field = item.pointer("/fieldRef/fieldPath").and_then(Value::as_str).unwrap_or_default();
        let value = pod_field(pod, field).ok_or_else(|| {
            Refusal::mount(format!(
                "volume `{}` wants the field `{field}`, which the embedded cluster does not have",
                volume.name
            ))
        })?;
        let path = item["path"].as_str().unwrap_or_default();
        let mode = item["mode"].as_i64().unwrap_or(mode);
        write_file(own, &volume.name, path, value.as_bytes(), mode)?;
    }
    Ok(())
}

/// Writes values as files: all by their keys, or the chosen ones by their paths.
fn project(
    own: &Path,
    volume: &str,
    values: BTreeMap<String, Vec<u8>>,
    items: &[KeyToPath],
    mode: i64,
    optional: bool,
) -> Result<(), Refusal> {
    if items.is_empty() {
        for (key, value) in &values {
            write_file(own, volume, key, value, mode)?;
        }
        return Ok(());
    }
    for item in items {
        match values.get(&item.key) {
            Some(value) => {
                write_file(own, volume, &item.path, value, item.mode.unwrap_or(mode))?;
            }
            None if optional => {}
            None => {
                return Err(Refusal::mount(format!(
                    "volume `{volume}`: there is no key `{}`",
                    item.key
                )));
            }
        }
    }
    Ok(())
}

fn write_file(
    own: &Path,
    volume: &str,
    path: &str,
    value: &[u8],
    mode: i64,
) -> Result<(), Refusal> {
    let target = below(own, path).filter(|target| target != own).ok_or_else(|| {
        Refusal::mount(format!("volume `{volume}`: `{path}` is not a path inside of it"))
    })?;
    if let Some(parent) = target.parent() {
        make_folder(parent)?;
    }
    let mode = u32::try_from(mode & 0o777).unwrap_or(0o600);
    let written = fs::remove_file(&target)
        .or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
        .and_then(|()| {
            let mut file =
                fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&target)?;
            file.write_all(value)?;
            // Set apart from the creation, so that the process's umask does not take part.
            file.set_permissions(fs::Permissions::from_mode(mode))
        });
    written.map_err(|error| {
        Refusal::mount(format!("volume `{volume}`: `{}`: {error}", target.display()))
    })
}

/// Makes a folder and its parents.
pub(super) fn make_folder(path: &Path) -> Result<(), Refusal> {
    fs::create_dir_all(path)
        .map_err(|error| Refusal::mount(format!("`{}` cannot be made: {error}", path.display())))
}

/// Removes a folder with all that is in it. Build tools leave folders that are not writable even
/// for their owner; those are made writable first.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path)?;
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

fn make_writable(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}
