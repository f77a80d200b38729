//! `gerrit`: the Gerrit adapter.

use std::collections::{BTreeMap, BTreeSet};

use go_compat::{GoDuration, GoRegex};
use job_spec::go_struct;

/// Changes asked for per call of Gerrit's API unless the configuration says otherwise.
pub const DEFAULT_GERRIT_RATE_LIMIT: i64 = 5;

go_struct! {
    /// The Gerrit adapter.
    pub struct Gerrit {
        /// Time between two looks at Gerrit; 1 minute unless set.
        pub tick_interval: Option<GoDuration> => "tick_interval",
        /// Changes asked for per call; 5 unless set.
        pub ratelimit: i64 => "ratelimit",
        /// Address of the pages, for links.
        pub deck_url: String => "deck_url",
        /// The repositories that are looked at.
        pub org_repos_config: Option<GerritOrgRepoConfigs> => "org_repos_config",
        /// Pattern of comments that may start presubmits; empty allows all.
        pub allowed_presubmit_trigger_re: String => "allowed_presubmit_trigger_re",
    }
    skip {
        /// `allowed_presubmit_trigger_re` compiled.
        pub allowed_presubmit_trigger_regex: Option<GoRegex>,
    }
}

/// Repositories of several Gerrit hosts.
pub type GerritOrgRepoConfigs = Vec<GerritOrgRepoConfig>;

go_struct! {
    /// Repositories of one Gerrit host.
    pub struct GerritOrgRepoConfig {
        /// The host's URL with its scheme.
        pub org: String => "org",
        /// The repositories.
        pub repos: Vec<String> => "repos",
        /// Do not answer questions and unknown commands there.
        pub opt_out_help: bool => "opt_out_help",
        /// Which changes are asked for.
        pub filters: Option<GerritQueryFilter> => "filters",
    }
}

go_struct! {
    /// Which changes of a Gerrit repository are asked for.
    pub struct GerritQueryFilter {
        /// Only these branches.
        pub branches: Vec<String> => "branches",
        /// Not these branches.
        pub excluded_branches: Vec<String> => "excluded_branches",
        /// Tide considers all changes unless voted against.
        pub opt_in_by_default: bool => "opt_in_by_default",
    }
}

impl Gerrit {
    /// Time between two looks at Gerrit.
    pub fn tick_interval(&self) -> GoDuration {
        self.tick_interval.unwrap_or(GoDuration::from_mins(1))
    }

    /// Whether a comment may start presubmits.
    pub fn is_allowed_presubmit_trigger(&self, message: &str) -> bool {
        self.allowed_presubmit_trigger_regex.as_ref().is_none_or(|regex| regex.is_match(message))
    }
}

/// Host → repository → filter, for all configured repositories.
pub fn all_repos(
    configs: &[GerritOrgRepoConfig],
) -> BTreeMap<&str, BTreeMap<&str, Option<&GerritQueryFilter>>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, Option<&GerritQueryFilter>>> = BTreeMap::new();
    for config in configs {
        for repo in &config.repos {
            all.entry(&config.org).or_default().insert(repo, config.filters.as_ref());
        }
    }
    all
}

/// Host → repositories where questions are not answered.
pub fn opt_out_help_repos(configs: &[GerritOrgRepoConfig]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut repos: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for config in configs.iter().filter(|config| config.opt_out_help) {
        repos.entry(&config.org).or_default().extend(config.repos.iter().map(String::as_str));
    }
    repos
}
