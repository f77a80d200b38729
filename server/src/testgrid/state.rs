//! How tabs and groups stand, as it is kept over restarts and told to pages.

use grid::proto::summary::{DashboardTabSummary, HealthinessInfo, TabStatus};

/// A tab as it was last summarized.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TabState {
    /// The summary.
    #[prost(message, required, tag = "1")]
    pub summary: DashboardTabSummary,
    /// Why the tab has its status, in a sentence.
    #[prost(string, tag = "2")]
    pub why: String,
    /// The rows that gave it the status, at most twenty.
    #[prost(string, repeated, tag = "3")]
    pub why_rows: Vec<String>,
    /// How many rows that are.
    #[prost(uint64, tag = "4")]
    pub why_row_count: u64,
    /// The builds of the columns that gave it the status.
    #[prost(string, repeated, tag = "5")]
    pub why_builds: Vec<String>,
    /// How flaky its tests are, where only its alerts ask for that; the summary has it otherwise.
    #[prost(message, optional, tag = "6")]
    pub flakiness_to_alert: Option<HealthinessInfo>,
    /// What all of it was made of; what is stored by older versions does not say.
    #[prost(message, optional, tag = "7")]
    pub basis: Option<Basis>,
    /// The builds that the failing tests of the summary name by headers, one for each of them.
    #[prost(message, repeated, tag = "8")]
    pub failing_builds: Vec<FailingBuilds>,
    /// The newest build in which everything passed, which the summary names by a header.
    #[prost(string, tag = "9")]
    pub green_build: String,
    /// How sure the flakiness of each test of the summary's health report is.
    #[prost(message, repeated, tag = "10")]
    pub sure: Vec<SureOf>,
}

/// How sure the flakiness of a test is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SureOf {
    /// In percent: it is no less with a confidence of 95 %.
    #[prost(float, tag = "1")]
    pub low: f32,
    /// In percent: it is no more.
    #[prost(float, tag = "2")]
    pub high: f32,
    /// Whether it is flaky now and was not in the interval before.
    #[prost(bool, tag = "3")]
    pub is_new: bool,
}

/// The builds of a failing test, by the names of their folders; `<job>/<build>` where the grid has
/// several jobs. Empty if none is known.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FailingBuilds {
    /// The one that failed first.
    #[prost(string, tag = "1")]
    pub first: String,
    /// The one that passed last before.
    #[prost(string, tag = "2")]
    pub passed: String,
}

/// What a summary was made of besides the stored builds.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Basis {
    /// Names the configuration of the tab and its groups, and the rules.
    #[prost(bytes = "vec", tag = "1")]
    pub fingerprint: Vec<u8>,
    /// When time alone may give another one, in milliseconds since the epoch.
    #[prost(int64, optional, tag = "2")]
    pub until_ms: Option<i64>,
}

impl TabState {
    /// Whether both say the same, whatever it was made of.
    pub fn says_same(&self, other: &TabState) -> bool {
        let said = |state: &TabState| TabState { basis: None, ..state.clone() };
        self == other || said(self) == said(other)
    }

    /// The status.
    pub fn status(&self) -> TabStatus {
        TabStatus::try_from(self.summary.overall_status).unwrap_or(TabStatus::Unknown)
    }

    /// How flaky its tests are, if the tab's configuration asks.
    pub fn flakiness(&self) -> Option<&HealthinessInfo> {
        self.summary.healthiness.as_ref().or(self.flakiness_to_alert.as_ref())
    }
}

/// How a group stands with its builds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupState {
    /// Rises with every change of its builds.
    pub version: u64,
    /// When its builds were last looked for with success, in milliseconds.
    pub updated_ms: i64,
    /// When its prefixes were last listed in full, in milliseconds.
    pub swept_ms: i64,
    /// The configuration that its builds were read with, as a message; empty before.
    pub config: Vec<u8>,
    /// Why looking failed last, and since when.
    pub error: Option<(String, i64)>,
}
