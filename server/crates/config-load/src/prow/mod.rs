//! `config.yaml`: the settings of every component, typed.
//!
//! The structs are read and written as Prow's Go structs are. [`finalize`] fills in defaults and
//! checks values in Prow's order; [`merge`] adds supplemental files; what components ask often
//! (`enabled for this repository?`, `which template?`) are methods beside the struct.

pub mod branch_protection;
pub mod deck;
pub mod finalize;
pub mod gangway;
pub mod gerrit;
pub mod identifier;
pub mod merge;
pub mod plank;
pub mod reporters;
pub mod tide;
pub mod tide_policy;
pub mod tide_query;

use std::collections::BTreeMap;

use go_compat::{GoDuration, Timestamp};
use job_spec::ProwJobDefaults;
use job_spec::go_struct;
use job_spec::tenancy::DEFAULT_TENANT_ID;

pub use branch_protection::BranchProtection;
pub use deck::Deck;
pub use gangway::Gangway;
pub use gerrit::Gerrit;
pub use plank::{Controller, JenkinsOperator, Plank};
pub use reporters::{GitHubReporter, SlackReporter, SlackReporterConfigs};
pub use tide::Tide;

use identifier::{entry_matches, keys_for_identifier};

/// The build cluster that jobs run in unless they name one.
pub const DEFAULT_CLUSTER_ALIAS: &str = "default";

go_struct! {
    /// Everything in `config.yaml` apart from jobs.
    pub struct ProwConfig {
        /// The commit that the configuration was made from; a file `VERSION` beside it sets this.
        pub config_version_sha: String => "config_version_sha",
        /// The merge queue.
        pub tide: Tide => "tide" always,
        /// The controller that runs jobs as Pods.
        pub plank: Plank => "plank" always,
        /// The controller that runs jobs as Tekton PipelineRuns.
        pub pipeline: Pipeline => "pipeline" always,
        /// The collector of old ProwJobs and Pods.
        pub sinker: Sinker => "sinker" always,
        /// The pages.
        pub deck: Deck => "deck" always,
        /// What branchprotector sets on GitHub.
        pub branch_protection: BranchProtection => "branch-protection" always,
        /// The Gerrit adapter.
        pub gerrit: Gerrit => "gerrit" always,
        /// Which runs are reported to GitHub, and how.
        pub github_reporter: GitHubReporter => "github_reporter" always,
        /// The starter of periodic jobs.
        pub horologium: Horologium => "horologium" always,
        /// Which runs are reported to Slack, by `*`, organisation or repository.
        pub slack_reporter_configs: SlackReporterConfigs => "slack_reporter_configs",
        /// Whether jobs may stand in the tested repository, and where those may run.
        pub in_repo_config: InRepoConfig => "in_repo_config" always,
        /// Clients of the gRPC API.
        pub gangway: Gangway => "gangway" always,
        /// The service that reads job configuration from repositories.
        pub moonraker: Moonraker => "moonraker" always,
        /// The choice of a build cluster when a job starts.
        pub scheduler: Scheduler => "scheduler" always,
        /// Controllers that run jobs on Jenkins.
        pub jenkins_operators: Vec<JenkinsOperator> => "jenkins_operators",
        /// Namespace of ProwJobs; `default` unless set.
        pub prowjob_namespace: String => "prowjob_namespace",
        /// Namespace of the Pods that run jobs; `default` unless set.
        pub pod_namespace: String => "pod_namespace",
        /// `trace`, `debug`, `info`, `warn`, `warning`, `error`, `fatal` or `panic`; `info` unless set.
        pub log_level: String => "log_level",
        /// Where metrics are pushed to.
        pub push_gateway: PushGateway => "push_gateway" always,
        /// Folders in which OWNERS files do not count.
        pub owners_dir_denylist: Option<OwnersDirDenylist> => "owners_dir_denylist",
        /// Older form of `pubsub_triggers`: project → subscriptions.
        pub pubsub_subscriptions: Option<BTreeMap<String, Vec<String>>> => "pubsub_subscriptions",
        /// Pub/Sub subscriptions whose messages start jobs.
        pub pubsub_triggers: Vec<PubSubTrigger> => "pubsub_triggers",
        /// How GitHub is linked to.
        pub github: GitHubOptions => "github" always,
        /// Link shown where a Jenkins job has a generic error.
        pub status_error_link: String => "status_error_link",
        /// How long jobs may run that set no timeout; 24 hours unless set.
        pub default_job_timeout: Option<GoDuration> => "default_job_timeout",
        /// Repositories whose webhook tokens are managed.
        pub managed_webhooks: ManagedWebhooks => "managed_webhooks" always,
        /// Tenant and ResultStore settings by repository and cluster.
        pub prowjob_default_entries: Vec<ProwJobDefaultEntry> => "prowjob_default_entries",
        /// Kubeconfig contexts that are not loaded.
        pub disabled_clusters: Vec<String> => "disabled_clusters",
    }
}

go_struct! {
    /// The Tekton pipeline controller.
    pub struct Pipeline {
        /// Older runs of a postsubmit go on when a newer one starts.
        pub allow_concurrent_postsubmit_jobs: bool => "allow_concurrent_postsubmit_jobs",
    }
}

go_struct! {
    /// The collector of old ProwJobs and Pods.
    pub struct Sinker {
        /// Time between two rounds; 1 hour unless set.
        pub resync_period: Option<GoDuration> => "resync_period",
        /// Age from which a completed ProwJob is deleted; 168 hours unless set.
        pub max_prowjob_age: Option<GoDuration> => "max_prowjob_age",
        /// Age from which a Pod is deleted; 24 hours unless set.
        pub max_pod_age: Option<GoDuration> => "max_pod_age",
        /// Time after its end when a Pod is deleted; `max_pod_age` unless set.
        pub terminated_pod_ttl: Option<GoDuration> => "terminated_pod_ttl",
        /// Build clusters that are left alone.
        pub exclude_clusters: Vec<String> => "exclude_clusters",
    }
}

go_struct! {
    /// The starter of periodic jobs.
    pub struct Horologium {
        /// Time between two looks at the clock; 1 minute unless set.
        pub tick_interval: Option<GoDuration> => "tick_interval",
    }
}

go_struct! {
    /// Whether jobs may stand in the tested repository, and where those may run.
    pub struct InRepoConfig {
        /// By `*`, organisation or repository; the narrowest key decides.
        pub enabled: BTreeMap<String, Option<bool>> => "enabled",
        /// Build clusters by `*`, organisation or repository; all levels together. `"*"` is
        /// `["default"]` unless set.
        pub allowed_clusters: BTreeMap<String, Vec<String>> => "allowed_clusters",
    }
}

go_struct! {
    /// The service that reads job configuration from repositories.
    pub struct Moonraker {
        /// How long its clients wait; 10 minutes unless set.
        pub client_timeout: Option<GoDuration> => "client_timeout",
    }
}

go_struct! {
    /// The choice of a build cluster when a job starts.
    pub struct Scheduler {
        /// Jobs begin in the state `scheduling`.
        pub enabled: bool => "enabled",
        /// Replace clusters by others.
        pub failover: Option<FailoverScheduling> => "failover",
        /// Ask a service.
        pub external: Option<ExternalScheduling> => "external",
    }
}

go_struct! {
    /// Replaces clusters by others.
    pub struct FailoverScheduling {
        /// Cluster → cluster to use instead.
        pub mappings: BTreeMap<String, String> => "mappings",
    }
}

go_struct! {
    /// A service that names a cluster for a job.
    pub struct ExternalScheduling {
        /// Its address.
        pub url: String => "url",
        /// How long answers are kept.
        pub cache: ExternalSchedulingCache => "cache" always,
    }
}

go_struct! {
    /// How long answers of a scheduling service are kept.
    pub struct ExternalSchedulingCache {
        /// Age from which an answer does not count.
        pub entry_timeout_interval: Option<GoDuration> => "entry_timeout_interval",
        /// Time between two cleanings.
        pub cleanup_interval: Option<GoDuration> => "cleanup_interval",
    }
}

go_struct! {
    /// A Prometheus push gateway.
    pub struct PushGateway {
        /// Its address; nothing is pushed if empty.
        pub endpoint: String => "endpoint",
        /// Time between two pushes; 1 minute unless set.
        pub interval: Option<GoDuration> => "interval",
        /// Serve `/metrics` although an endpoint is set.
        pub serve_metrics: bool => "serve_metrics" always,
    }
}

go_struct! {
    /// Folders in which OWNERS files do not count, as patterns.
    pub struct OwnersDirDenylist {
        /// By organisation or repository.
        pub repos: BTreeMap<String, Vec<String>> => "repos",
        /// For all repositories.
        pub default: Vec<String> => "default",
        /// Do not add [`PRECONFIGURED_OWNERS_DENYLIST`].
        pub ignore_preconfigured_defaults: bool => "ignore_preconfigured_defaults",
    }
}

/// Folders whose OWNERS files do not count unless the configuration says otherwise.
pub const PRECONFIGURED_OWNERS_DENYLIST: [&str; 3] = ["\\.git$", "_output$", "vendor/.*/.*"];

go_struct! {
    /// Pub/Sub subscriptions of one project whose messages start jobs.
    pub struct PubSubTrigger {
        /// The cloud project.
        pub project: String => "project" always,
        /// Its subscriptions.
        pub topics: Vec<String> => "topics" always,
        /// Build clusters that the jobs may use; `*` for all.
        pub allowed_clusters: Vec<String> => "allowed_clusters" always,
        /// Messages worked on at once; 10 unless set.
        pub max_outstanding_messages: i64 => "max_outstanding_messages" always,
    }
}

go_struct! {
    /// How GitHub is linked to.
    pub struct GitHubOptions {
        /// Its address; `https://github.com` unless set.
        pub link_url: String => "link_url",
    }
}

go_struct! {
    /// Repositories and organisations whose webhook tokens are managed.
    pub struct ManagedWebhooks {
        /// Keep the token that was in use before.
        pub respect_legacy_global_token: bool => "respect_legacy_global_token" always,
        /// Accept administrators' invitations to them.
        pub auto_accept_invitation: bool => "auto_accept_invitation" always,
        /// By organisation or repository.
        pub org_repo_config: BTreeMap<String, ManagedWebhookInfo> => "org_repo_config",
    }
}

go_struct! {
    /// One organisation or repository whose webhook token is managed.
    pub struct ManagedWebhookInfo {
        /// Tokens from before this time are replaced.
        pub token_created_after: Option<Timestamp> => "token_created_after" always,
    }
}

go_struct! {
    /// Tenant and ResultStore settings for jobs of a repository and cluster.
    pub struct ProwJobDefaultEntry {
        /// Repository or organisation; empty or `*` for all.
        pub repo: String => "repo",
        /// Build cluster; empty or `*` for all.
        pub cluster: String => "cluster",
        /// The settings.
        pub config: Option<ProwJobDefaults> => "config",
    }
}

impl Sinker {
    /// Time between two rounds.
    pub fn resync_period(&self) -> GoDuration {
        self.resync_period.unwrap_or(GoDuration::from_hours(1))
    }

    /// Age from which a completed ProwJob is deleted.
    pub fn max_prowjob_age(&self) -> GoDuration {
        self.max_prowjob_age.unwrap_or(GoDuration::from_hours(7 * 24))
    }

    /// Age from which a Pod is deleted.
    pub fn max_pod_age(&self) -> GoDuration {
        self.max_pod_age.unwrap_or(GoDuration::from_hours(24))
    }

    /// Time after its end when a Pod is deleted.
    pub fn terminated_pod_ttl(&self) -> GoDuration {
        self.terminated_pod_ttl.unwrap_or(self.max_pod_age())
    }
}

impl Horologium {
    /// Time between two looks at the clock.
    pub fn tick_interval(&self) -> GoDuration {
        self.tick_interval.unwrap_or(GoDuration::from_mins(1))
    }
}

impl Moonraker {
    /// How long its clients wait.
    pub fn client_timeout(&self) -> GoDuration {
        self.client_timeout.unwrap_or(GoDuration::from_mins(10))
    }
}

impl PushGateway {
    /// Time between two pushes.
    pub fn interval(&self) -> GoDuration {
        self.interval.unwrap_or(GoDuration::from_mins(1))
    }
}

impl InRepoConfig {
    /// Whether the repository's own job configuration counts. The narrowest key decides; Gerrit
    /// identifiers are tried with and without their scheme.
    pub fn is_enabled(&self, identifier: &str) -> bool {
        keys_for_identifier(identifier)
            .iter()
            .find_map(|key| self.enabled.get(key).copied().flatten())
            .unwrap_or(false)
    }

    /// Whether jobs of the repository's own configuration may run in a build cluster. All levels
    /// count together.
    pub fn allows_cluster(&self, cluster: &str, identifier: &str) -> bool {
        keys_for_identifier(identifier).iter().any(|key| {
            self.allowed_clusters
                .get(key)
                .is_some_and(|allowed| allowed.iter().any(|name| name == cluster))
        })
    }
}

impl OwnersDirDenylist {
    /// Patterns of folders of a repository in which OWNERS files do not count.
    pub fn list_ignored_dirs(&self, org: &str, repo: &str) -> Vec<String> {
        let mut ignored = self.default.clone();
        for key in [org.to_owned(), format!("{org}/{repo}")] {
            ignored.extend(self.repos.get(&key).into_iter().flatten().cloned());
        }
        if !self.ignore_preconfigured_defaults {
            ignored.extend(PRECONFIGURED_OWNERS_DENYLIST.map(str::to_owned));
        }
        ignored
    }
}

impl ProwConfig {
    /// Tenant and ResultStore settings of a job: all matching entries in order, later over earlier,
    /// the job's own over all. The tenant is [`DEFAULT_TENANT_ID`] if nobody names one.
    pub fn merge_prowjob_defaults(
        &self,
        repo: &str,
        cluster: &str,
        own: Option<&ProwJobDefaults>,
    ) -> ProwJobDefaults {
        let mut merged = ProwJobDefaults::default();
        for entry in &self.prowjob_default_entries {
            if let Some(config) = &entry.config
                && entry_matches(&entry.repo, &entry.cluster, repo, cluster)
            {
                merged = config.apply_default(&merged);
            }
        }
        if let Some(own) = own {
            merged = own.apply_default(&merged);
        }
        if merged.tenant_id.is_empty() {
            merged.tenant_id = DEFAULT_TENANT_ID.to_owned();
        }
        merged
    }

    /// How long jobs may run that set no timeout.
    pub fn default_job_timeout(&self) -> GoDuration {
        self.default_job_timeout.unwrap_or(GoDuration::from_hours(24))
    }

    /// The folders of a repository in which OWNERS files do not count, as patterns.
    pub fn list_ignored_owners_dirs(&self, org: &str, repo: &str) -> Vec<String> {
        match &self.owners_dir_denylist {
            Some(denylist) => denylist.list_ignored_dirs(org, repo),
            None => OwnersDirDenylist::default().list_ignored_dirs(org, repo),
        }
    }
}
