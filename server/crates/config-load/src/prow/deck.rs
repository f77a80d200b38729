//! `deck`: the pages.

use std::collections::{BTreeMap, BTreeSet};

use go_compat::{GoDuration, GoRegex};
use job_spec::{ProwJobSpec, RerunAuthConfig, go_struct};
use serde_json::Value;

use super::identifier::entry_matches;

/// Largest artifact in bytes that a lens reads whole unless the configuration says otherwise.
pub const DEFAULT_SIZE_LIMIT: i64 = 100_000_000;

go_struct! {
    /// The pages.
    pub struct Deck {
        /// How the results of one run are shown.
        pub spyglass: Spyglass => "spyglass" always,
        /// Time between two looks at tide; 10 seconds unless set.
        pub tide_update_period: Option<GoDuration> => "tide_update_period",
        /// Organisations and repositories that are not shown.
        pub hidden_repos: Vec<String> => "hidden_repos",
        /// Where the logs of other agents are.
        pub external_agent_logs: Vec<ExternalAgentLog> => "external_agent_logs",
        /// Logo and colours.
        pub branding: Option<Branding> => "branding",
        /// Google Analytics id.
        pub google_analytics: String => "google_analytics",
        /// Who may run jobs again, by `*`, organisation or repository. Not together with the list.
        pub rerun_auth_configs: BTreeMap<String, RerunAuthConfig> => "rerun_auth_configs",
        /// Who may run jobs again, by repository and cluster; the last match counts.
        pub default_rerun_auth_configs: Vec<DefaultRerunAuthConfigEntry> => "default_rerun_auth_configs",
        /// False makes the pages refuse buckets that no job uses. Unset does not, as in Prow.
        pub skip_storage_path_validation: Option<bool> => "skip_storage_path_validation",
        /// Further buckets that the pages may read; needs the key above to be false.
        pub additional_allowed_buckets: Vec<String> => "additional_allowed_buckets",
    }
    skip {
        /// Every bucket that jobs or decoration defaults name, with the additional ones.
        pub all_known_storage_buckets: BTreeSet<String>,
    }
}

go_struct! {
    /// How the results of one run are shown.
    pub struct Spyglass {
        /// The lenses and the files that they show.
        pub lenses: Vec<LensFileConfig> => "lenses",
        /// Older form of the lenses: pattern → lens names.
        pub viewers: BTreeMap<String, Vec<String>> => "viewers",
        /// Largest artifact in bytes that a lens reads whole; 100,000,000 unless set.
        pub size_limit: i64 => "size_limit",
        /// URL of a bucket browser, up to the bucket.
        pub gcs_browser_prefix: String => "gcs_browser_prefix",
        /// The same by `*`, organisation or repository.
        pub gcs_browser_prefixes: BTreeMap<String, String> => "gcs_browser_prefixes",
        /// The same by `*` or bucket.
        pub gcs_browser_prefixes_by_bucket: BTreeMap<String, String> => "gcs_browser_prefixes_by_bucket",
        /// Go HTML template shown above every run, over `.ArtifactPath`.
        pub announcement: String => "announcement",
        /// Where TestGrid's configuration is: `gs://…` or a file.
        pub testgrid_config: String => "testgrid_config",
        /// Address of TestGrid.
        pub testgrid_root: String => "testgrid_root",
        /// No link to a pull request's history.
        pub hide_pr_history_link: bool => "hide_pr_history_link",
        /// Go template over `.Org`, `.Repo` and `.Number` for that link.
        pub pr_history_link_template: String => "pr_history_link_template",
        /// Alias → bucket that it stands for.
        pub bucket_aliases: BTreeMap<String, String> => "bucket_aliases",
    }
    skip {
        /// The patterns of all lenses, compiled.
        pub regex_cache: BTreeMap<String, GoRegex>,
    }
}

go_struct! {
    /// A lens and the files that it shows.
    pub struct LensFileConfig {
        /// Patterns of files that must all be there.
        pub required_files: Vec<String> => "required_files" always,
        /// Patterns of further files that it gets if they are there.
        pub optional_files: Vec<String> => "optional_files",
        /// The lens.
        pub lens: LensConfig => "lens" always,
        /// How to reach a lens that another server offers.
        pub remote_config: Option<LensRemoteConfig> => "remote_config",
    }
}

go_struct! {
    /// A lens by name, with its own settings.
    pub struct LensConfig {
        /// Its name.
        pub name: String => "name" always,
        /// Its settings, which only it understands.
        pub config: Option<Value> => "config",
    }
}

go_struct! {
    /// How to reach a lens that another server offers.
    pub struct LensRemoteConfig {
        /// Its address.
        pub endpoint: String => "endpoint" always,
        /// Where its files are.
        pub static_root: String => "static_root" always,
        /// What people read.
        pub title: String => "title" always,
        /// Lower numbers come first.
        pub priority: Option<i64> => "priority" always,
        /// Drop the title once the lens is loaded.
        pub hide_title: Option<bool> => "hide_title" always,
    }
}

go_struct! {
    /// Where the logs of another agent are.
    pub struct ExternalAgentLog {
        /// The agent.
        pub agent: String => "agent",
        /// Label selector of the ProwJobs that this is about.
        pub selector: String => "selector",
        /// Go template over the ProwJob for the log's address.
        pub url_template: String => "url_template",
    }
}

go_struct! {
    /// Logo and colours.
    pub struct Branding {
        /// Path of the logo.
        pub logo: String => "logo",
        /// Path of the icon.
        pub favicon: String => "favicon",
        /// Colour of the background.
        pub background_color: String => "background_color",
        /// Colour of the header.
        pub header_color: String => "header_color",
    }
}

go_struct! {
    /// Who may run jobs of a repository and cluster again.
    pub struct DefaultRerunAuthConfigEntry {
        /// Repository or organisation; empty or `*` for all.
        pub repo: String => "repo",
        /// Build cluster; empty or `*` for all.
        pub cluster: String => "cluster",
        /// Who may.
        pub rerun_auth_configs: Option<RerunAuthConfig> => "rerun_auth_configs",
    }
}

impl Deck {
    /// Time between two looks at tide.
    pub fn tide_update_period(&self) -> GoDuration {
        self.tide_update_period.unwrap_or(GoDuration::from_secs(10))
    }

    /// Whether the pages refuse buckets that no job uses.
    pub fn validates_storage_buckets(&self) -> bool {
        self.skip_storage_path_validation == Some(false)
    }

    /// Whether the pages may read a bucket (an alias counts as the bucket that it stands for).
    pub fn allows_bucket(&self, bucket: &str) -> bool {
        !self.validates_storage_buckets()
            || self.all_known_storage_buckets.contains(self.spyglass.resolve_bucket(bucket))
    }

    /// Who may run a job again, apart from the job's own setting. The last matching entry counts
    /// alone.
    pub fn rerun_auth_config(&self, spec: &ProwJobSpec) -> Option<&RerunAuthConfig> {
        let refs = spec.refs.as_ref().or_else(|| spec.extra_refs.first());
        let repo = refs.map(|refs| refs.org_repo()).unwrap_or_default();
        self.default_rerun_auth_configs
            .iter()
            .rfind(|entry| entry_matches(&entry.repo, &entry.cluster, &repo, &spec.cluster))
            .and_then(|entry| entry.rerun_auth_configs.as_ref())
    }

    /// Whether jobs of a repository are not shown.
    pub fn hides(&self, org: &str, repo: &str) -> bool {
        self.hidden_repos
            .iter()
            .any(|hidden| hidden == org || hidden.split_once('/') == Some((org, repo)))
    }
}

impl Spyglass {
    /// Largest artifact in bytes that a lens reads whole.
    pub fn size_limit(&self) -> i64 {
        if self.size_limit == 0 { DEFAULT_SIZE_LIMIT } else { self.size_limit }
    }

    /// The bucket that a name stands for.
    pub fn resolve_bucket<'a>(&'a self, name: &'a str) -> &'a str {
        self.bucket_aliases.get(name).map_or(name, String::as_str)
    }

    /// URL of a bucket browser for a repository and bucket: by repository, organisation, bucket,
    /// then `*`. Empty arguments and results mean none.
    pub fn gcs_browser_prefix_for(&self, org: &str, repo: &str, bucket: &str) -> &str {
        let by_repo = |key: &str| self.gcs_browser_prefixes.get(key);
        let by_bucket = |key: &str| self.gcs_browser_prefixes_by_bucket.get(key);
        let narrow = if org.is_empty() {
            None
        } else {
            by_repo(&format!("{org}/{repo}")).or_else(|| by_repo(org))
        };
        narrow
            .or_else(|| if bucket.is_empty() { None } else { by_bucket(bucket) })
            .or_else(|| by_repo("*"))
            .or_else(|| by_bucket("*"))
            .map_or(&*self.gcs_browser_prefix, String::as_str)
    }
}
