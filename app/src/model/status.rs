//! The status page: components, configuration, age of data.

use serde::{Deserialize, Serialize};

use super::Severity;

/// How a component of the server stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// Has not finished starting.
    #[default]
    Starting,
    /// Does its work.
    Running,
    /// Waits before it tries again after an error.
    Retrying,
    /// Gave up or stopped.
    Stopped,
    /// Not asked to run in this process.
    Off,
}

impl ComponentState {
    /// The word shown.
    pub fn word(self) -> &'static str {
        match self {
            ComponentState::Starting => "starting",
            ComponentState::Running => "running",
            ComponentState::Retrying => "retrying",
            ComponentState::Stopped => "stopped",
            ComponentState::Off => "off",
        }
    }
}

/// An error and when it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastError {
    /// When.
    pub at_ms: i64,
    /// What, without secrets.
    pub text: String,
}

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Its name, as commands and logs use it.
    pub name: String,
    /// What it does, in a few words.
    pub does: String,
    /// How it stands.
    pub state: ComponentState,
    /// Since when it stands so.
    pub since_ms: Option<i64>,
    /// When it last finished a round of work without an error.
    pub last_ok_ms: Option<i64>,
    /// Its last error, also when it has recovered.
    pub last_error: Option<PastError>,
    /// How often it was started again.
    pub restarts: u64,
    /// A number that tells how it goes, in words: `3 pods running`; may be empty.
    pub note: String,
}

/// A finding in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFinding {
    /// How much it matters.
    pub severity: Severity,
    /// File, from the configuration root.
    pub file: String,
    /// Line, counted from 1; zero when not known.
    pub line: u64,
    /// What is wrong.
    pub message: String,
    /// Name of the rule; may be empty.
    pub rule: String,
}

/// How the configuration stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigState {
    /// What is configured, in words: `Prow configuration`, `plugins`.
    pub name: String,
    /// Where it is read from.
    pub path: String,
    /// When the one in use was loaded.
    pub loaded_ms: Option<i64>,
    /// What it holds, in words: `3,849 jobs from 602 files`.
    pub holds: String,
    /// Since when newer versions fail to load; `None` when all is well.
    pub failing_since_ms: Option<i64>,
    /// How often loading failed in a row.
    pub failures: u64,
    /// Errors of the failed load, then warnings of the one in use; at most a few dozen.
    pub findings: Vec<ConfigFinding>,
    /// Findings that are not shown.
    pub more_findings: u64,
}

/// How old one kind of data is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataAge {
    /// What it is: `ProwJobs`, `run history`, `webhook journal`.
    pub name: String,
    /// How much of it there is, in words.
    pub holds: String,
    /// When it was last changed or confirmed.
    pub updated_ms: Option<i64>,
    /// Whether it is older than it should be.
    pub stale: bool,
}

/// Everything on the status page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPage {
    /// The server's clock.
    pub now_ms: i64,
    /// When this process started.
    pub started_ms: i64,
    /// Version of this server.
    pub version: String,
    /// Whether the process is ready to serve, as `/healthz/ready` says.
    pub ready: bool,
    /// Whether the metrics are at this address.
    pub metrics: bool,
    /// Components, those with trouble first.
    pub components: Vec<ComponentStatus>,
    /// Configurations.
    pub configs: Vec<ConfigState>,
    /// Data.
    pub data: Vec<DataAge>,
    /// What else is good to know, as sentences: where data lives, that jobs run without isolation.
    pub notes: Vec<String>,
}
