//! Jobs as the configuration describes them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use go_compat::duration::GoDuration;
use go_compat::regex::{GoRegex, RegexError};
use serde_json::Value;

use crate::auth::RerunAuthConfig;
use crate::decoration::DecorationConfig;
use crate::go_struct::go_struct;
use crate::pod_spec::{
    PodSpec, PresetEnvVar, PresetVolume, PresetVolumeMount, Toleration, Written,
};
use crate::prow_job::{JenkinsSpec, TektonPipelineRunSpec};
use crate::refs::Refs;
use crate::reporter::ReporterConfig;
use crate::tenancy::ProwJobDefaults;

/// Where a job stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceLocation {
    /// Path of the file, as it was given to the loader.
    pub file: Arc<str>,
    /// Line of the job's first key, counted from 1.
    pub line: u32,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

go_struct! {
    /// Settings that jobs take over by carrying its labels.
    pub struct Preset {
        /// A job with all of these labels gets the rest; no labels means every job.
        pub labels: BTreeMap<String, String> => "labels" always,
        /// Variables for every container.
        pub env: Vec<PresetEnvVar> => "env" always,
        /// Volumes for the Pod.
        pub volumes: Vec<PresetVolume> => "volumes" always,
        /// Mounts for every container.
        pub volume_mounts: Vec<PresetVolumeMount> => "volumeMounts" always,
        /// Tolerations for the Pod.
        pub tolerations: Vec<Toleration> => "tolerations",
    }
    skip {
        /// Where it stands in the configuration.
        pub source: Option<Arc<SourceLocation>>,
    }
}

go_struct! {
    /// What jobs of every type have.
    pub struct JobBase {
        /// Letters, digits, `-`, `.` and `_`; unique within its repository and branches.
        pub name: String => "name" always,
        /// Labels for the ProwJob and the Pod; presets go by them too.
        pub labels: BTreeMap<String, String> => "labels",
        /// How many runs may be pending at once; 0 is unlimited.
        pub max_concurrency: i64 => "max_concurrency",
        /// Which controller runs it; `kubernetes` unless set.
        pub agent: String => "agent",
        /// Build cluster alias; `default` unless set.
        pub cluster: String => "cluster",
        /// Namespace of the Pod; the configured pod namespace unless set.
        pub namespace: Option<String> => "namespace",
        /// End with `error` instead of starting again when the Pod is evicted.
        pub error_on_eviction: bool => "error_on_eviction",
        /// The Pod to run.
        pub spec: Option<PodSpec> => "spec" [via Written],
        /// The Tekton PipelineRun to run.
        pub pipeline_run_spec: Option<Value> => "pipeline_run_spec",
        /// The same by version; takes precedence.
        pub tekton_pipeline_run_spec: Option<TektonPipelineRunSpec> => "tekton_pipeline_run_spec",
        /// Annotations for the ProwJob and the Pod; other tools read them from the configuration.
        pub annotations: BTreeMap<String, String> => "annotations",
        /// Settings of reporters.
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
    embed {
        /// How it is cloned and decorated.
        pub utility: UtilityConfig,
    }
    skip {
        /// Where it stands in the configuration.
        pub source: Option<Arc<SourceLocation>>,
    }
}

impl JobBase {
    /// Whether the job carries a Tekton PipelineRun in either form.
    pub fn has_pipeline_run_spec(&self) -> bool {
        self.pipeline_run_spec.is_some()
            || self.tekton_pipeline_run_spec.as_ref().is_some_and(|spec| spec.v1beta1.is_some())
    }
}

go_struct! {
    /// How a job is cloned and decorated.
    pub struct UtilityConfig {
        /// Whether the Pod is wrapped with the pod utilities; `decorate_all_jobs` unless set.
        pub decorate: Option<bool> => "decorate",
        /// Where the repository under test is cloned to, below `src`.
        pub path_alias: String => "path_alias",
        /// What is cloned for the repository under test.
        pub clone_uri: String => "clone_uri",
        /// Do not fetch its submodules.
        pub skip_submodules: bool => "skip_submodules",
        /// Number of commits to fetch; 0 fetches all.
        pub clone_depth: i64 => "clone_depth",
        /// Do not fetch the remote's HEAD and tags first.
        pub skip_fetch_head: bool => "skip_fetch_head",
        /// Further repositories to clone.
        pub extra_refs: Vec<Refs> => "extra_refs",
        /// How the Pod is wrapped.
        pub decoration_config: Option<Arc<DecorationConfig>> => "decoration_config",
    }
}

go_struct! {
    /// Which branches a job runs on. Every entry is a pattern that may match anywhere in the name: `main`
    /// matches `main-2` too.
    pub struct Brancher {
        /// Not on branches that match one of these; wins over the other list.
        pub skip_branches: Vec<String> => "skip_branches",
        /// Only on branches that match one of these; empty means all.
        pub branches: Vec<String> => "branches",
    }
    skip {
        /// `skip_branches` joined, set by [`Brancher::compile`].
        pub skip_regex: Option<GoRegex>,
        /// `branches` joined, set by [`Brancher::compile`].
        pub regex: Option<GoRegex>,
    }
}

go_struct! {
    /// Which changed files make a job run; at most one of the two patterns is set.
    pub struct RegexpChangeMatcher {
        /// Run if any changed file matches.
        pub run_if_changed: String => "run_if_changed",
        /// Run if any changed file does not match.
        pub skip_if_only_changed: String => "skip_if_only_changed",
    }
    skip {
        /// The pattern that is set, compiled by [`RegexpChangeMatcher::compile`].
        pub regex: Option<GoRegex>,
    }
}

go_struct! {
    /// How a job's result is told to the code host.
    pub struct Reporter {
        /// Name of the status; the job's name unless set.
        pub context: String => "context",
        /// Set no status and write no comment.
        pub skip_report: bool => "skip_report",
    }
}

go_struct! {
    /// A job that runs on pull requests.
    pub struct Presubmit {
        /// Run on every pull request without being asked.
        pub always_run: bool => "always_run" always,
        /// Not required for merging.
        pub optional: bool => "optional",
        /// Pattern of comments that start it; set together with `rerun_command`, or both are made from
        /// the name.
        pub trigger: String => "trigger",
        /// What people are told to write; matches `trigger`.
        pub rerun_command: String => "rerun_command",
        /// Run by tide before merging even though it does not run on every push.
        pub run_before_merge: bool => "run_before_merge",
        /// Parameters of Jenkins jobs.
        pub jenkins_spec: Option<JenkinsSpec> => "jenkins_spec",
    }
    embed {
        /// What jobs of every type have.
        pub base: JobBase,
        /// On which branches.
        pub brancher: Brancher,
        /// For which changes.
        pub change_matcher: RegexpChangeMatcher,
        /// How it reports.
        pub reporter: Reporter,
    }
    skip {
        /// `trigger` compiled by [`Presubmit::compile`].
        pub trigger_regex: Option<GoRegex>,
    }
}

go_struct! {
    /// A job that runs on pushes to branches.
    pub struct Postsubmit {
        /// Unset runs on every push unless the change matcher says otherwise; false never runs by itself.
        pub always_run: Option<bool> => "always_run",
        /// Parameters of Jenkins jobs.
        pub jenkins_spec: Option<JenkinsSpec> => "jenkins_spec",
    }
    embed {
        /// What jobs of every type have.
        pub base: JobBase,
        /// For which changes.
        pub change_matcher: RegexpChangeMatcher,
        /// On which branches.
        pub brancher: Brancher,
        /// How it reports.
        pub reporter: Reporter,
    }
}

go_struct! {
    /// A job that runs by the clock; exactly one of the three schedules is set.
    pub struct Periodic {
        /// Time from the start of one run to the start of the next.
        pub interval: String => "interval",
        /// Time from the end of one run to the start of the next.
        pub minimum_interval: String => "minimum_interval",
        /// Cron schedule, in UTC.
        pub cron: String => "cron",
        /// Words for other tools.
        pub tags: Vec<String> => "tags",
        /// Whether and how failed runs are repeated.
        pub retry: Option<Retry> => "retry",
    }
    embed {
        /// What jobs of every type have.
        pub base: JobBase,
    }
    skip {
        /// `interval` as a duration.
        pub interval_duration: Option<GoDuration>,
        /// `minimum_interval` as a duration.
        pub minimum_interval_duration: Option<GoDuration>,
    }
}

go_struct! {
    /// How failed runs of a periodic are repeated.
    pub struct Retry {
        /// Repeat to the end even if a repetition succeeds, without waiting for each.
        pub run_all: bool => "run_all",
        /// How often at most.
        pub attempts: i64 => "attempts",
        /// Time between the repetitions.
        pub interval: String => "interval",
    }
    skip {
        /// `interval` as a duration.
        pub interval_duration: Option<GoDuration>,
    }
}

/// A pattern of a job that cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
#[error("could not compile {key} regex: {source}")]
pub struct PatternError {
    /// The key it stands under.
    pub key: &'static str,
    /// What is wrong with it.
    pub source: RegexError,
}

fn compiled(key: &'static str, pattern: &str) -> Result<GoRegex, PatternError> {
    GoRegex::new(pattern).map_err(|source| PatternError { key, source })
}

impl Brancher {
    /// Compiles both lists. Must precede [`Brancher::should_run`] where a list is set.
    pub fn compile(&mut self) -> Result<(), PatternError> {
        let joined = |key, list: &[String]| {
            if list.is_empty() { Ok(None) } else { compiled(key, &list.join("|")).map(Some) }
        };
        self.regex = joined("branches", &self.branches)?;
        self.skip_regex = joined("skip_branches", &self.skip_branches)?;
        Ok(())
    }
}

impl RegexpChangeMatcher {
    /// Compiles the pattern that is set. Must precede [`RegexpChangeMatcher::matches`].
    pub fn compile(&mut self) -> Result<(), PatternError> {
        self.regex = if !self.run_if_changed.is_empty() {
            Some(compiled("run_if_changed", &self.run_if_changed)?)
        } else if !self.skip_if_only_changed.is_empty() {
            Some(compiled("skip_if_only_changed", &self.skip_if_only_changed)?)
        } else {
            None
        };
        Ok(())
    }
}

impl Presubmit {
    /// Compiles trigger, branch lists and change pattern.
    pub fn compile(&mut self) -> Result<(), PatternError> {
        self.trigger_regex =
            if self.trigger.is_empty() { None } else { Some(compiled("trigger", &self.trigger)?) };
        self.brancher.compile()?;
        self.change_matcher.compile()
    }
}

impl Postsubmit {
    /// Compiles branch lists and change pattern.
    pub fn compile(&mut self) -> Result<(), PatternError> {
        self.brancher.compile()?;
        self.change_matcher.compile()
    }
}

/// The trigger of presubmits that set none. The name stands in it as it is, so a `.` in it matches any
/// character, as in Prow.
pub fn default_trigger(name: &str) -> String {
    format!(r"(?m)^/test( | .* ){name},?($|\s.*)")
}

/// The rerun command of presubmits that set none.
pub fn default_rerun_command(name: &str) -> String {
    format!("/test {name}")
}
