//! `plank` and `jenkins_operators`: the controllers that run jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use go_compat::GoDuration;
use job_spec::{DecorationConfig, ProwJobSpec, Refs, go_struct};

use super::identifier::entry_matches;

/// How often a job whose Pod vanished is started again unless the configuration says otherwise.
pub const DEFAULT_MAX_REVIVALS: i64 = 3;

/// Workers of a controller unless the configuration says otherwise.
pub const DEFAULT_MAX_GOROUTINES: i64 = 20;

go_struct! {
    /// What all controllers that run jobs have.
    pub struct Controller {
        /// Go template over the ProwJob for the link of a run, where there is no URL prefix.
        pub job_url_template: String => "job_url_template",
        /// Older form of `report_templates["*"]`.
        pub report_template: String => "report_template",
        /// Go templates over the ProwJob for comments, by `*`, organisation or repository.
        pub report_templates: BTreeMap<String, String> => "report_templates",
        /// Runs at once; 0 is unlimited.
        pub max_concurrency: i64 => "max_concurrency",
        /// Workers; 20 unless set.
        pub max_goroutines: i64 => "max_goroutines",
    }
}

go_struct! {
    /// The controller that runs jobs as Pods.
    pub struct Plank {
        /// How long a Pod may be pending; 10 minutes unless set.
        pub pod_pending_timeout: Option<GoDuration> => "pod_pending_timeout",
        /// How long a Pod may run; 48 hours unless set.
        pub pod_running_timeout: Option<GoDuration> => "pod_running_timeout",
        /// How long a Pod may wait for a node; 5 minutes unless set.
        pub pod_unscheduled_timeout: Option<GoDuration> => "pod_unscheduled_timeout",
        /// How often a job whose Pod vanished is started again; 3 unless set, 0 for never.
        pub max_revivals: Option<i64> => "max_revivals",
        /// Decoration defaults by `*`, organisation or repository. Not together with the entries.
        pub default_decoration_configs: BTreeMap<String, Option<Arc<DecorationConfig>>> => "default_decoration_configs",
        /// Decoration defaults by repository and cluster, later over earlier.
        pub default_decoration_config_entries: Vec<DefaultDecorationConfigEntry> => "default_decoration_config_entries",
        /// URL under which runs are shown, by `*`, organisation or repository.
        pub job_url_prefix_config: BTreeMap<String, String> => "job_url_prefix_config",
        /// Do not put the storage provider (`gs`, `s3`) after that URL.
        pub job_url_prefix_disable_append_storage_provider: bool => "jobURLPrefixDisableAppendStorageProvider",
        /// Where the state of the build clusters is published, such as `gs://bucket/status.json`.
        pub build_cluster_status_file: String => "build_cluster_status_file",
        /// Runs at once by queue: 0 blocks the queue, a negative number is unlimited.
        pub job_queue_capacities: BTreeMap<String, i64> => "job_queue_capacities",
    }
    embed {
        /// What all controllers have.
        pub controller: Controller,
    }
    skip {
        /// The decoration defaults in the order they apply, made from one of the two forms.
        pub decoration_defaults: Vec<DefaultDecorationConfigEntry>,
    }
}

go_struct! {
    /// Decoration defaults for jobs of a repository and cluster.
    pub struct DefaultDecorationConfigEntry {
        /// Repository or organisation; empty or `*` for all.
        pub repo: String => "repo",
        /// Build cluster; empty or `*` for all.
        pub cluster: String => "cluster",
        /// The defaults.
        pub config: Option<Arc<DecorationConfig>> => "config",
    }
}

go_struct! {
    /// A controller that runs jobs on Jenkins.
    pub struct JenkinsOperator {
        /// Which ProwJobs are its own; needed if and only if there are several.
        pub label_selector: String => "label_selector",
    }
    embed {
        /// What all controllers have.
        pub controller: Controller,
    }
}

impl Controller {
    /// The comment template for a repository: its own, else its organisation's, else `*`.
    pub fn report_template_for(&self, refs: Option<&Refs>) -> Option<&str> {
        let find = |key: &str| self.report_templates.get(key).map(String::as_str);
        refs.and_then(|refs| {
            find(&format!("{}/{}", refs.org, refs.repo)).or_else(|| find(&refs.org))
        })
        .or_else(|| find("*"))
    }

    /// Workers of the controller.
    pub fn max_goroutines(&self) -> i64 {
        if self.max_goroutines == 0 { DEFAULT_MAX_GOROUTINES } else { self.max_goroutines }
    }
}

impl Plank {
    /// How long a Pod may be pending.
    pub fn pod_pending_timeout(&self) -> GoDuration {
        self.pod_pending_timeout.unwrap_or(GoDuration::from_mins(10))
    }

    /// How long a Pod may run.
    pub fn pod_running_timeout(&self) -> GoDuration {
        self.pod_running_timeout.unwrap_or(GoDuration::from_hours(48))
    }

    /// How long a Pod may wait for a node.
    pub fn pod_unscheduled_timeout(&self) -> GoDuration {
        self.pod_unscheduled_timeout.unwrap_or(GoDuration::from_mins(5))
    }

    /// How often a job whose Pod vanished is started again.
    pub fn max_revivals(&self) -> i64 {
        self.max_revivals.unwrap_or(DEFAULT_MAX_REVIVALS)
    }

    /// How many runs of a queue may be pending at once. None if the queue is unlimited or unknown.
    pub fn job_queue_capacity(&self, queue: &str) -> Option<i64> {
        self.job_queue_capacities.get(queue).copied().filter(|capacity| *capacity >= 0)
    }

    /// The decoration config of a job of `repo` in `cluster`: all matching defaults in order, later
    /// over earlier, and the job's own over all. `repo` is `org/repo`, or empty for a periodic
    /// without extra refs.
    pub fn merge_decoration_config(
        &self,
        repo: &str,
        cluster: &str,
        own: Option<&DecorationConfig>,
    ) -> DecorationConfig {
        let mut merged: Option<DecorationConfig> = None;
        for entry in &self.decoration_defaults {
            let Some(config) = &entry.config else {
                continue;
            };
            if entry_matches(&entry.repo, &entry.cluster, repo, cluster) {
                merged = Some(match merged {
                    Some(earlier) => config.apply_default(&earlier),
                    None => DecorationConfig::clone(config),
                });
            }
        }
        match (own, merged) {
            (Some(own), Some(merged)) => own.apply_default(&merged),
            (Some(own), None) => own.clone(),
            (None, merged) => merged.unwrap_or_default(),
        }
    }

    /// The decoration defaults of a repository and cluster, as a best guess for jobs that are not
    /// decorated (where their results might be).
    pub fn guess_default_decoration_config(&self, repo: &str, cluster: &str) -> DecorationConfig {
        self.merge_decoration_config(repo, cluster, None)
    }

    /// The URL under which a run is shown, up to the storage provider: the run's own, else the
    /// repository's, the organisation's or the general one. Empty if none is configured.
    pub fn job_url_prefix<'a>(&'a self, spec: &'a ProwJobSpec) -> &'a str {
        let own = spec
            .decoration_config
            .as_ref()
            .and_then(|config| config.gcs_configuration.as_ref())
            .map(|gcs| gcs.job_url_prefix.as_str())
            .filter(|prefix| !prefix.is_empty());
        if let Some(prefix) = own {
            return prefix;
        }
        let find = |key: &str| {
            self.job_url_prefix_config
                .get(key)
                .map(String::as_str)
                .filter(|prefix| !prefix.is_empty())
        };
        spec.refs
            .as_ref()
            .or_else(|| spec.extra_refs.first())
            .filter(|refs| !refs.org.is_empty())
            .and_then(|refs| {
                find(&format!("{}/{}", refs.org, refs.repo)).or_else(|| find(&refs.org))
            })
            .or_else(|| find("*"))
            .unwrap_or_default()
    }
}
