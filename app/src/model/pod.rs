//! The Pod of a run, as its page shows it.

use serde::{Deserialize, Serialize};

/// One container of a run's Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodContainer {
    /// Its name.
    pub name: String,
    /// Whether it prepares the Pod before the others start.
    pub init: bool,
    /// Its image.
    pub image: String,
    /// `waiting`, `running` or `terminated`, with the reason where there is one.
    pub state: String,
    /// Exit code once terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The runtime's message; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it started, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    /// How often it was started again.
    pub restarts: u64,
    /// What it runs, as a shell would read it; empty means what its image says.
    pub command: String,
    /// What the entrypoint runs for it, where it is decorated.
    pub decorated: String,
    /// What it asks for and may use: `memory: 1Gi of at most 2Gi`.
    pub resources: Vec<String>,
    /// What is mounted into it: path, volume, and a word where it is read only.
    pub mounts: Vec<String>,
    /// Its variables with their values or where these come from.
    pub env: Vec<(String, String)>,
}

/// One aspect of a Pod's way to running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodCondition {
    /// Which, such as `PodScheduled`.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why; may be empty.
    pub reason: String,
    /// When it last changed.
    pub since_ms: Option<i64>,
}

/// Something that the cluster said about a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodEvent {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Who said it.
    pub source: String,
    /// When it was said last.
    pub at_ms: Option<i64>,
    /// How often it was said.
    pub count: u64,
}

/// The Pod of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodView {
    /// Pod name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Where the people who run the build cluster look at it; empty if they did not say.
    pub link: String,
    /// `status.phase`.
    pub phase: String,
    /// `status.reason` and `status.message`, joined; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Node or machine; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// When the node took it on.
    pub started_ms: Option<i64>,
    /// Whether it was read from the run's `podinfo.json`, since the cluster has it no more.
    pub recorded: bool,
    /// Containers, those that prepare first.
    pub containers: Vec<PodContainer>,
    /// Its conditions.
    pub conditions: Vec<PodCondition>,
    /// Its events, the newest first; only recorded Pods have them.
    pub events: Vec<PodEvent>,
    /// Taints that it tolerates, besides the two that every Pod tolerates.
    pub tolerations: Vec<String>,
    /// Its volumes: name, and what is in them.
    pub volumes: Vec<(String, String)>,
    /// All of it as YAML.
    pub yaml: String,
    /// Its labels and annotations, those last that Prow and TestGrid made.
    pub labels: Vec<(String, String)>,
}
