//! The ProwJob resource: one run of one job.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use go_compat::time::Timestamp;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::auth::RerunAuthConfig;
use crate::decoration::DecorationConfig;
use crate::go_struct::go_struct;
use crate::go_struct::{GoEmpty, HasShape, Key};
use crate::metadata::ObjectMeta;
use crate::pod_spec::PodSpec;
use crate::refs::Refs;
use crate::reporter::ReporterConfig;
use crate::shape::Shape;
use crate::tenancy::ProwJobDefaults;

/// `apiVersion` of a ProwJob.
pub const API_VERSION: &str = "prow.k8s.io/v1";
/// `kind` of a ProwJob.
pub const KIND: &str = "ProwJob";
/// The build cluster meant when none is named.
pub const DEFAULT_CLUSTER_ALIAS: &str = "default";
/// The agent that runs a job as a Pod.
pub const KUBERNETES_AGENT: &str = "kubernetes";
/// The agent that runs a job on Jenkins.
pub const JENKINS_AGENT: &str = "jenkins";
/// The agent that runs a job as a Tekton PipelineRun.
pub const TEKTON_AGENT: &str = "tekton-pipeline";

/// What causes a job to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobType {
    /// A pull request.
    Presubmit,
    /// A push to a branch.
    Postsubmit,
    /// The clock.
    Periodic,
    /// Several pull requests tested together before they merge.
    Batch,
    /// Missing or not one of Prow's; such a job can be shown but not run.
    #[default]
    Unknown,
}

impl JobType {
    /// Every type that a job can have.
    pub const ALL: [JobType; 4] =
        [JobType::Presubmit, JobType::Postsubmit, JobType::Periodic, JobType::Batch];

    /// The name in JSON; empty for an unknown type.
    pub fn as_str(self) -> &'static str {
        match self {
            JobType::Presubmit => "presubmit",
            JobType::Postsubmit => "postsubmit",
            JobType::Periodic => "periodic",
            JobType::Batch => "batch",
            JobType::Unknown => "",
        }
    }
}

impl fmt::Display for JobType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a job type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job type: write presubmit, postsubmit, periodic or batch")]
pub struct UnknownJobType(pub String);

impl FromStr for JobType {
    type Err = UnknownJobType;

    fn from_str(text: &str) -> Result<Self, UnknownJobType> {
        JobType::ALL
            .into_iter()
            .find(|t| t.as_str() == text)
            .ok_or_else(|| UnknownJobType(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for JobType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Key::deserialize(deserializer)?.0;
        Ok(text.parse().unwrap_or_default())
    }
}

impl Serialize for JobType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl GoEmpty for JobType {
    fn is_go_empty(&self) -> bool {
        *self == JobType::Unknown
    }
}

impl HasShape for JobType {
    fn shape() -> Shape {
        Shape::Scalar
    }
}

/// How far a run has come. A run is over when its completion time is set, not before: an aborted run
/// still waits for its Pod to go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProwJobState {
    /// Created, waiting for the scheduler to choose a build cluster.
    Scheduling,
    /// Waiting for its controller to start it.
    Triggered,
    /// Running.
    Pending,
    /// Ended with exit code 0.
    Success,
    /// Ended with another exit code.
    Failure,
    /// Stopped by Prow, by a newer run or by a person.
    Aborted,
    /// Could not run.
    Error,
    /// A state of some other version; empty while the resource has none.
    Unknown(Box<str>),
}

impl ProwJobState {
    /// Every state that a run can have, in the order it passes through them.
    pub const ALL: [ProwJobState; 7] = [
        ProwJobState::Scheduling,
        ProwJobState::Triggered,
        ProwJobState::Pending,
        ProwJobState::Success,
        ProwJobState::Failure,
        ProwJobState::Aborted,
        ProwJobState::Error,
    ];

    /// The name in JSON.
    pub fn as_str(&self) -> &str {
        match self {
            ProwJobState::Scheduling => "scheduling",
            ProwJobState::Triggered => "triggered",
            ProwJobState::Pending => "pending",
            ProwJobState::Success => "success",
            ProwJobState::Failure => "failure",
            ProwJobState::Aborted => "aborted",
            ProwJobState::Error => "error",
            ProwJobState::Unknown(text) => text,
        }
    }

    /// True for the states in which a run stays: success, failure, aborted and error.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            ProwJobState::Success
                | ProwJobState::Failure
                | ProwJobState::Aborted
                | ProwJobState::Error
        )
    }
}

impl Default for ProwJobState {
    fn default() -> Self {
        ProwJobState::Unknown(Box::from(""))
    }
}

impl From<&str> for ProwJobState {
    fn from(text: &str) -> Self {
        ProwJobState::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or_else(|| ProwJobState::Unknown(text.into()))
    }
}

impl fmt::Display for ProwJobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProwJobState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(ProwJobState::from(&*Key::deserialize(deserializer)?.0))
    }
}

impl Serialize for ProwJobState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl GoEmpty for ProwJobState {
    fn is_go_empty(&self) -> bool {
        self.as_str().is_empty()
    }
}

impl HasShape for ProwJobState {
    fn shape() -> Shape {
        Shape::Scalar
    }
}

go_struct! {
    /// One run of one job: what to run (`spec`) and how far it has come (`status`).
    pub struct ProwJob {
        /// `prow.k8s.io/v1`.
        pub api_version: String => "apiVersion",
        /// `ProwJob`.
        pub kind: String => "kind",
        /// Name, labels and the rest that every resource has.
        pub metadata: ObjectMeta => "metadata" always,
        /// What to run.
        pub spec: ProwJobSpec => "spec" always,
        /// How far it has come.
        pub status: ProwJobStatus => "status" always,
    }
    keep other
}

impl ProwJob {
    /// True once the completion time is set, whatever the state says.
    pub fn complete(&self) -> bool {
        self.status.completion_time.is_some()
    }

    /// Marks the run as over at `now`.
    pub fn set_complete(&mut self, now: Timestamp) {
        self.status.completion_time = Some(now);
    }

    /// The build cluster that runs the job.
    pub fn cluster_alias(&self) -> &str {
        if self.spec.cluster.is_empty() { DEFAULT_CLUSTER_ALIAS } else { &self.spec.cluster }
    }

    /// The refs that stand for the run: its own, else the first extra ones (a periodic's).
    pub fn main_refs(&self) -> Option<&Refs> {
        self.spec.refs.as_ref().or_else(|| self.spec.extra_refs.first())
    }
}

go_struct! {
    /// What a run is to do.
    pub struct ProwJobSpec {
        /// What caused it.
        pub job_type: JobType => "type",
        /// Which controller runs it: `kubernetes`, `jenkins` or `tekton-pipeline`.
        pub agent: String => "agent",
        /// Build cluster alias; empty reads as `default`.
        pub cluster: String => "cluster",
        /// Namespace of the Pod. Plank creates Pods in the configured pod namespace all the same.
        pub namespace: String => "namespace",
        /// Name of the job.
        pub job: String => "job",
        /// The code under test; none for periodics.
        pub refs: Option<Refs> => "refs",
        /// Further repositories to clone.
        pub extra_refs: Vec<Refs> => "extra_refs",
        /// Whether reporters tell of this run.
        pub report: bool => "report",
        /// Name of the status on the code host.
        pub context: String => "context",
        /// What a person writes to run the job again.
        pub rerun_command: String => "rerun_command",
        /// How many runs of this job may be pending at once; 0 is unlimited.
        pub max_concurrency: i64 => "max_concurrency",
        /// End with `error` instead of starting again when the Pod is evicted.
        pub error_on_eviction: bool => "error_on_eviction",
        /// The Pod to run, with presets merged and before decoration.
        pub pod_spec: Option<PodSpec> => "pod_spec",
        /// Parameters of Jenkins jobs.
        pub jenkins_spec: Option<JenkinsSpec> => "jenkins_spec",
        /// The Tekton PipelineRun to run.
        pub pipeline_run_spec: Option<Value> => "pipeline_run_spec",
        /// The same by version; takes precedence.
        pub tekton_pipeline_run_spec: Option<TektonPipelineRunSpec> => "tekton_pipeline_run_spec",
        /// How to wrap the Pod with the pod utilities; none means as it is.
        pub decoration_config: Option<Arc<DecorationConfig>> => "decoration_config",
        /// Per-job settings of reporters.
        pub reporter_config: Option<ReporterConfig> => "reporter_config",
        /// Who may run it again from the pages.
        pub rerun_auth_config: Option<RerunAuthConfig> => "rerun_auth_config",
        /// Only shown where hidden jobs are shown.
        pub hidden: bool => "hidden",
        /// Tenant and ResultStore settings.
        pub prowjob_defaults: Option<ProwJobDefaults> => "prowjob_defaults",
        /// Name of the queue whose capacity it shares.
        pub job_queue_name: String => "job_queue_name",
    }
    keep other
}

impl ProwJobSpec {
    /// Whether the spec carries a Tekton PipelineRun in either form.
    pub fn has_pipeline_run_spec(&self) -> bool {
        self.pipeline_run().is_some()
    }

    /// The Tekton PipelineRun; the versioned form wins.
    pub fn pipeline_run(&self) -> Option<&Value> {
        self.tekton_pipeline_run_spec
            .as_ref()
            .and_then(|spec| spec.v1beta1.as_ref())
            .or(self.pipeline_run_spec.as_ref())
    }
}

go_struct! {
    /// Parameters of Jenkins jobs.
    pub struct JenkinsSpec {
        /// The job was made by the GitHub branch source plugin, which files it under another path.
        pub github_branch_source_job: bool => "github_branch_source_job",
    }
}

go_struct! {
    /// A Tekton PipelineRun by API version.
    pub struct TektonPipelineRunSpec {
        /// The PipelineRun spec, untouched.
        pub v1beta1: Option<Value> => "v1beta1",
    }
}

go_struct! {
    /// How far a run has come.
    pub struct ProwJobStatus {
        /// When the ProwJob was created.
        pub start_time: Option<Timestamp> => "startTime" always,
        /// When it moved from triggered to pending.
        pub pending_time: Option<Timestamp> => "pendingTime",
        /// When it ended. The run is complete exactly when this is set.
        pub completion_time: Option<Timestamp> => "completionTime",
        /// The state.
        pub state: ProwJobState => "state",
        /// A sentence for people; goes into the status on the code host.
        pub description: String => "description",
        /// Link to the run's page.
        pub url: String => "url",
        /// How often the Pod was made again after an unexpected stop.
        pub pod_revival_count: i64 => "pod_revival_count",
        /// Name of the Pod; the same as the ProwJob's.
        pub pod_name: String => "pod_name",
        /// Names the run within its job and in the artifact paths.
        pub build_id: String => "build_id",
        /// The number Jenkins gave to the run.
        pub jenkins_build_id: String => "jenkins_build_id",
        /// The state last reported, per reporter.
        pub prev_report_states: BTreeMap<String, ProwJobState> => "prev_report_states",
    }
    keep other
}
