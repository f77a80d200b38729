//! The Pod specs of jobs, kept as compact JSON text and parsed where somebody looks inside.
//!
//! Thousands of them are in memory at once and few are looked at, so the text is the smallest form;
//! cloning shares it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::go_struct::HasShape;
use crate::go_struct::go_struct;
use crate::pod_schema::{self, InGoOrder, Kind, PodSchemaError, UnknownFields};
use crate::shape::Shape;
use crate::transcode;

/// A core/v1 PodSpec as compact JSON. Cheap to clone; equal when the text is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodSpec(Arc<str>);

impl PodSpec {
    /// Takes a JSON value as it is. Use [`PodSpec::normalized`] for what a person wrote.
    pub fn from_value(value: &Value) -> PodSpec {
        PodSpec(value.to_string().into())
    }

    /// The compact JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The spec as a JSON value.
    pub fn to_value(&self) -> Value {
        // The text was JSON when it was taken in.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The fields that Prow's components look at. Fields of an unexpected type read as absent.
    pub fn fields(&self) -> PodSpecFields {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The containers, without the init containers.
    pub fn containers(&self) -> Vec<Container> {
        self.fields().containers
    }

    /// The init containers, in the order they run.
    pub fn init_containers(&self) -> Vec<Container> {
        self.fields().init_containers
    }

    /// The volumes.
    pub fn volumes(&self) -> Vec<Volume> {
        self.fields().volumes
    }

    /// The spec as Go would write it after reading it: canonical quantities, nothing empty, and unknown
    /// fields kept or dropped. Values of a wrong type are refused.
    pub fn normalized(&self, unknown: UnknownFields) -> Result<PodSpec, PodSchemaError> {
        let mut text = serde_json::Deserializer::from_str(&self.0);
        pod_schema::read(pod_schema::POD_SPEC, unknown, &mut text)
            .map(|text| PodSpec(text.into()))
            .map_err(|error| PodSchemaError(error.to_string()))
    }

    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.0
    }

    pub(crate) fn from_shared(text: Arc<str>) -> PodSpec {
        PodSpec(text)
    }
}

impl Default for PodSpec {
    fn default() -> Self {
        PodSpec(Arc::from("{}"))
    }
}

impl fmt::Debug for PodSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HasShape for PodSpec {
    fn shape() -> Shape {
        Shape::Pod(pod_schema::POD_SPEC)
    }
}

impl Serialize for PodSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // JSON writers copy the text; others parse it first.
        transcode::serialize_json(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for PodSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        transcode::to_json(deserializer).map(|text| PodSpec(text.into()))
    }
}

/// Reads a Pod spec that a person wrote, bringing it into the form that Prow's reader gives it.
pub(crate) struct Written(PodSpec);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pod_schema::read(pod_schema::POD_SPEC, UnknownFields::Keep, deserializer)
            .map(|text| Written(PodSpec(text.into())))
    }
}

impl From<Written> for Option<PodSpec> {
    fn from(written: Written) -> Self {
        Some(written.0)
    }
}

macro_rules! pod_part {
    ($($(#[$meta:meta])* $name:ident = $type_name:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub Value);

        impl HasShape for $name {
            fn shape() -> Shape {
                Shape::Pod($type_name)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                InGoOrder::new(&Kind::Struct($type_name), &self.0).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                pod_schema::read($type_name, UnknownFields::Keep, deserializer)
                    .and_then(|text| serde_json::from_str(&text).map_err(de::Error::custom))
                    .map($name)
            }
        }
    )*};
}

pod_part! {
    /// A core/v1 ResourceRequirements.
    ResourceRequirements = "ResourceRequirements";
    /// A core/v1 Affinity.
    Affinity = "Affinity";
    /// A core/v1 Toleration.
    Toleration = "Toleration";
    /// A core/v1 EnvVar, for presets.
    PresetEnvVar = "EnvVar";
    /// A core/v1 Volume, for presets.
    PresetVolume = "Volume";
    /// A core/v1 VolumeMount, for presets.
    PresetVolumeMount = "VolumeMount";
}

impl PresetEnvVar {
    /// The variable's name.
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap_or_default()
    }
}

impl PresetVolume {
    /// The volume's name.
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap_or_default()
    }
}

impl PresetVolumeMount {
    /// The name of the volume it mounts.
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap_or_default()
    }
}

go_struct! {
    /// The fields of a Pod spec that Prow's components look at.
    pub struct PodSpecFields {
        /// Containers, started together.
        pub containers: Vec<Container> => "containers" always,
        /// Containers that run one after the other before the others start.
        pub init_containers: Vec<Container> => "initContainers",
        /// Volumes that containers can mount.
        pub volumes: Vec<Volume> => "volumes",
        /// `Always`, `OnFailure` or `Never`.
        pub restart_policy: String => "restartPolicy",
        /// Seconds between asking the containers to stop and killing them.
        pub termination_grace_period_seconds: Option<i64> => "terminationGracePeriodSeconds",
        /// Seconds after which the Pod fails.
        pub active_deadline_seconds: Option<i64> => "activeDeadlineSeconds",
        /// The account whose token is mounted.
        pub service_account_name: String => "serviceAccountName",
        /// Whether that token is mounted.
        pub automount_service_account_token: Option<bool> => "automountServiceAccountToken",
        /// Labels that a node must have.
        pub node_selector: BTreeMap<String, String> => "nodeSelector",
        /// The node that the Pod was given to.
        pub node_name: String => "nodeName",
    }
    keep other
}

go_struct! {
    /// One container of a Pod.
    pub struct Container {
        /// Unique within the Pod.
        pub name: String => "name" always,
        /// The image it runs.
        pub image: String => "image",
        /// Program and first arguments; empty means the image's.
        pub command: Vec<String> => "command",
        /// Further arguments.
        pub args: Vec<String> => "args",
        /// Where the program starts; empty means the image's.
        pub working_dir: String => "workingDir",
        /// Environment variables.
        pub env: Vec<EnvVar> => "env",
        /// Mounted volumes.
        pub volume_mounts: Vec<VolumeMount> => "volumeMounts",
        /// `Always` makes an init container a sidecar that runs beside the others.
        pub restart_policy: Option<String> => "restartPolicy",
        /// Where the message of a stopped container comes from.
        pub termination_message_policy: String => "terminationMessagePolicy",
    }
    keep other
}

go_struct! {
    /// One environment variable.
    pub struct EnvVar {
        /// Its name.
        pub name: String => "name" always,
        /// Its value, in which `$(NAME)` stands for an earlier variable.
        pub value: String => "value",
    }
    keep other
}

go_struct! {
    /// One mounted volume.
    pub struct VolumeMount {
        /// Name of the volume.
        pub name: String => "name" always,
        /// Where it appears in the container.
        pub mount_path: String => "mountPath" always,
        /// Not writable.
        pub read_only: bool => "readOnly",
        /// Path within the volume.
        pub sub_path: String => "subPath",
    }
    keep other
}

go_struct! {
    /// One volume. The sources that Prow uses are typed; any other is in `other`.
    pub struct Volume {
        /// Unique within the Pod.
        pub name: String => "name" always,
        /// An empty folder that lives as long as the Pod.
        pub empty_dir: Option<Map<String, Value>> => "emptyDir",
        /// The files of a secret.
        pub secret: Option<SecretVolume> => "secret",
        /// A folder of the node.
        pub host_path: Option<HostPathVolume> => "hostPath",
        /// The files of a config map.
        pub config_map: Option<ConfigMapVolume> => "configMap",
    }
    keep other
}

go_struct! {
    /// The files of a secret.
    pub struct SecretVolume {
        /// Name of the secret.
        pub secret_name: String => "secretName",
        /// Which keys become which files; empty means all, by their names.
        pub items: Vec<KeyToPath> => "items",
        /// Permission bits of the files.
        pub default_mode: Option<i64> => "defaultMode",
        /// Start without it if it is missing.
        pub optional: Option<bool> => "optional",
    }
    keep other
}

go_struct! {
    /// The files of a config map.
    pub struct ConfigMapVolume {
        /// Name of the config map.
        pub name: String => "name",
        /// Which keys become which files; empty means all, by their names.
        pub items: Vec<KeyToPath> => "items",
        /// Permission bits of the files.
        pub default_mode: Option<i64> => "defaultMode",
        /// Start without it if it is missing.
        pub optional: Option<bool> => "optional",
    }
    keep other
}

go_struct! {
    /// Which key becomes which file.
    pub struct KeyToPath {
        /// The key.
        pub key: String => "key" always,
        /// The file's path below the mount.
        pub path: String => "path" always,
        /// Permission bits of the file.
        pub mode: Option<i64> => "mode",
    }
    keep other
}

go_struct! {
    /// A folder of the node.
    pub struct HostPathVolume {
        /// Its path.
        pub path: String => "path" always,
        /// What must be there, such as `DirectoryOrCreate`.
        pub r#type: Option<String> => "type",
    }
    keep other
}

impl Container {
    /// The value of an environment variable, if it is set by value.
    pub fn env_value(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|var| var.name == name).map(|var| var.value.as_str())
    }
}
