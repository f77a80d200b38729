//! What `checkconfig` warns of beyond what keeps a configuration from loading.
//!
//! Each warning has a name; [`WarningSet`] chooses some, [`run`] looks for them. Every check is a
//! function of what was loaded, so that the tool, a page and a test can ask the same. Two warnings of
//! Prow need GitHub and are the caller's: what they ask about is in [`plugins::repos_using_owners`] and
//! [`github_app_orgs`].

pub mod branch_protection;
pub mod jobs;
pub mod org_repo;
pub mod plugins;
pub mod supplemental;
pub mod tide;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, LoadOptions};
use crate::diagnostic::{self, Diagnostic};
use crate::plugin_config::PluginConfig;
use crate::rules::url_problem;
use crate::unknown;

macro_rules! warnings {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$meta])* pub const $name: &str = $text;)*
    };
}

warnings! {
    /// Tide's queries and the enabled plugins do not fit; superset of the lenient form.
    MISMATCHED_TIDE = "mismatched-tide";
    /// The same, only for labels that queries require.
    MISMATCHED_TIDE_LENIENT = "mismatched-tide-lenient";
    /// Branch protection demands up-to-date branches although tide merges.
    TIDE_STRICT_BRANCH = "tide-strict-branch";
    /// A context counts in two ways.
    TIDE_CONTEXT_POLICY = "tide-context-policy";
    /// Kubernetes jobs without the pod utilities.
    NON_DECORATED_JOBS = "non-decorated-jobs";
    /// Decoration configs of decorated jobs that lack something.
    VALID_DECORATION_CONFIG = "valid-decoration-config";
    /// Names that do not fit into a label.
    LONG_JOB_NAMES = "long-job-names";
    /// A presubmit that clones one repository twice.
    DUPLICATE_JOB_REFS = "duplicate-job-refs";
    /// Queries that require `lgtm` and forbid `needs-ok-to-test`.
    NEEDS_OK_TO_TEST = "needs-ok-to-test";
    /// Webhooks of an organisation and of one of its repositories.
    MANAGED_WEBHOOKS = "managed-webhooks";
    /// OWNERS files are used but not verified.
    VALIDATE_OWNERS = "validate-owners";
    /// Jobs of repositories without the trigger plugin.
    MISSING_TRIGGER = "missing-trigger";
    /// Addresses that are none.
    VALIDATE_URLS = "validate-urls";
    /// Keys of `config.yaml` and `plugins.yaml` that nothing reads.
    UNKNOWN_FIELDS = "unknown-fields";
    /// The same for all files.
    UNKNOWN_FIELDS_ALL = "unknown-fields-all";
    /// Repositories that use OWNERS files but have none; asks GitHub.
    VERIFY_OWNERS_PRESENCE = "verify-owners-presence";
    /// Build clusters that do not exist.
    VALIDATE_CLUSTER_FIELD = "validate-cluster-field";
    /// Supplemental files in folders that do not fit what they are about.
    VALIDATE_SUPPLEMENTAL_HIERARCHY = "validate-supplemental-prow-config-hierarchy";
    /// Settings of branches that are not managed.
    VALIDATE_UNMANAGED_BRANCH_CONFIG = "validate-unmanaged-branchconfig-has-no-subconfig";
    /// Organisations with configuration where the GitHub App is not installed; asks GitHub.
    VALIDATE_GITHUB_APP_INSTALLATION = "validate-github-app-installation";
    /// Restricted labels that are additional ones, too, or empty.
    VALIDATE_LABEL = "validate-label";
    /// Jobs without an annotation that all must have.
    REQUIRED_JOB_ANNOTATIONS = "required-job-annotations";
    /// Settings of the primary clone on periodics, which have none.
    PERIODIC_DEFAULT_CLONE_CONFIG = "periodic-default-clone-config";
    /// Malformed repositories in the config-updater's lists.
    VALIDATE_CONFIG_UPDATER_ACLS = "validate-config-updater-acls";
    /// Rerun commands that Gerrit does not accept; always looked for.
    RERUN_COMMAND = "rerun-command";
}

/// The warnings that are looked for unless others are named.
pub const DEFAULT_WARNINGS: [&str; 20] = [
    MISMATCHED_TIDE,
    TIDE_STRICT_BRANCH,
    TIDE_CONTEXT_POLICY,
    MISMATCHED_TIDE_LENIENT,
    NON_DECORATED_JOBS,
    LONG_JOB_NAMES,
    DUPLICATE_JOB_REFS,
    NEEDS_OK_TO_TEST,
    MANAGED_WEBHOOKS,
    VALIDATE_OWNERS,
    MISSING_TRIGGER,
    VALIDATE_URLS,
    UNKNOWN_FIELDS,
    VALIDATE_CLUSTER_FIELD,
    VALIDATE_SUPPLEMENTAL_HIERARCHY,
    VALIDATE_UNMANAGED_BRANCH_CONFIG,
    VALIDATE_LABEL,
    REQUIRED_JOB_ANNOTATIONS,
    PERIODIC_DEFAULT_CLONE_CONFIG,
    VALIDATE_CONFIG_UPDATER_ACLS,
];

/// The warnings that `--expensive-checks` adds.
pub const EXPENSIVE_WARNINGS: [&str; 1] = [VERIFY_OWNERS_PRESENCE];

/// The warnings that are looked for only when named (or with `--expensive-checks`).
pub const OPTIONAL_WARNINGS: [&str; 3] =
    [VALID_DECORATION_CONFIG, UNKNOWN_FIELDS_ALL, VALIDATE_GITHUB_APP_INSTALLATION];

/// Every warning by name, in Prow's order.
pub fn all_warnings() -> impl Iterator<Item = &'static str> {
    DEFAULT_WARNINGS.into_iter().chain(EXPENSIVE_WARNINGS).chain(OPTIONAL_WARNINGS)
}

/// A warning that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such warning {name:?}, valid warnings: [{}]", all_warnings().collect::<Vec<_>>().join(" "))]
pub struct UnknownWarning {
    /// The name.
    pub name: String,
}

/// Which warnings are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarningSet(BTreeSet<&'static str>);

impl WarningSet {
    /// The default warnings.
    pub fn defaults() -> Self {
        WarningSet(DEFAULT_WARNINGS.into_iter().collect())
    }

    /// Chooses as checkconfig's flags do: `--warnings`, `--exclude-warning`,
    /// `--include-default-warnings` and `--expensive-checks`. Without `--warnings`, the defaults.
    pub fn from_flags(
        warnings: &[String],
        exclude: &[String],
        include_defaults: bool,
        expensive: bool,
    ) -> Result<Self, UnknownWarning> {
        let mut set = BTreeSet::new();
        for name in warnings {
            let known = all_warnings().find(|known| known == name);
            set.insert(known.ok_or_else(|| UnknownWarning { name: name.clone() })?);
        }
        if warnings.is_empty() || include_defaults {
            if expensive {
                set.extend(all_warnings());
            } else {
                set.extend(DEFAULT_WARNINGS);
            }
        }
        set.retain(|name| !exclude.iter().any(|excluded| excluded == name));
        Ok(WarningSet(set))
    }

    /// Adds a warning.
    pub fn insert(&mut self, warning: &'static str) {
        self.0.insert(warning);
    }

    /// Whether a warning is looked for.
    pub fn contains(&self, warning: &str) -> bool {
        self.0.contains(warning)
    }

    /// The warnings by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

/// What the checks look at.
#[derive(Clone, Debug)]
pub struct CheckInput<'a> {
    /// Settings and jobs.
    pub config: &'a Config,
    /// Plugins, if a file was named. Checks that need them are left out otherwise.
    pub plugins: Option<&'a PluginConfig>,
    /// What was odd when settings, jobs and plugins were loaded.
    pub load_warnings: &'a [Diagnostic],
    /// Where they were loaded from.
    pub options: &'a LoadOptions,
    /// Annotations that every job must have.
    pub required_job_annotations: &'a [String],
    /// Build clusters with their state, from `plank.build_cluster_status_file`. None if there is no
    /// such file.
    pub cluster_statuses: Option<&'a BTreeMap<String, String>>,
}

/// Looks for the warnings of a set. Findings are in the order of files and lines; those without a
/// place come first.
pub fn run(input: &CheckInput<'_>, set: &WarningSet) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let config = input.config;
    let on = |warning: &str| set.contains(warning);
    if let Some(plugins) = input.plugins {
        if on(MISMATCHED_TIDE) {
            tide::mismatched(config, plugins, true, &mut out);
        } else if on(MISMATCHED_TIDE_LENIENT) {
            tide::mismatched(config, plugins, false, &mut out);
        }
        if on(VALIDATE_OWNERS) {
            plugins::owners_verified(plugins, &mut out);
        }
        if on(MISSING_TRIGGER) {
            plugins::missing_trigger(config, plugins, &mut out);
        }
        if on(VALIDATE_URLS) {
            urls(config, &mut out);
        }
        if on(VALIDATE_LABEL) {
            plugins::labels(plugins, &mut out);
        }
        if on(VALIDATE_CONFIG_UPDATER_ACLS) {
            plugins::config_updater_acls(plugins, &mut out);
        }
    }
    if on(NON_DECORATED_JOBS) {
        jobs::non_decorated(config, &mut out);
    }
    if on(VALID_DECORATION_CONFIG) {
        jobs::decoration_configs(config, &mut out);
    }
    if on(LONG_JOB_NAMES) {
        jobs::long_names(config, &mut out);
    }
    if on(DUPLICATE_JOB_REFS) {
        jobs::duplicate_refs(config, &mut out);
    }
    if on(PERIODIC_DEFAULT_CLONE_CONFIG) {
        jobs::periodic_clone_settings(config, &mut out);
    }
    if on(REQUIRED_JOB_ANNOTATIONS) {
        jobs::required_annotations(config, input.required_job_annotations, &mut out);
    }
    if on(VALIDATE_CLUSTER_FIELD) {
        jobs::clusters(config, input.cluster_statuses, &mut out);
    }
    jobs::rerun_commands(config, &mut out);
    if on(NEEDS_OK_TO_TEST) {
        tide::needs_ok_to_test(config, &mut out);
    }
    if on(TIDE_STRICT_BRANCH) {
        tide::strict_branches(config, &mut out);
    }
    if on(TIDE_CONTEXT_POLICY) {
        tide::context_policies(config, &mut out);
    }
    if on(MANAGED_WEBHOOKS) {
        managed_webhooks(config, &mut out);
    }
    if on(VALIDATE_UNMANAGED_BRANCH_CONFIG) {
        branch_protection::unmanaged(&config.prow.branch_protection, &mut out);
    }
    if on(VALIDATE_SUPPLEMENTAL_HIERARCHY) {
        supplemental::hierarchy(input.options, &mut out);
    }
    if on(UNKNOWN_FIELDS_ALL) || on(UNKNOWN_FIELDS) {
        out.extend(unknown_fields(input, on(UNKNOWN_FIELDS_ALL)));
    }
    diagnostic::sort(&mut out);
    out
}

/// Unknown keys: of `config.yaml` and `plugins.yaml`, or of all files.
pub fn unknown_fields(input: &CheckInput<'_>, all: bool) -> Vec<Diagnostic> {
    let main: Vec<_> = std::iter::once(&input.options.config_path)
        .chain(&input.options.plugin_config_path)
        .map(|path| path.as_path())
        .collect();
    input
        .load_warnings
        .iter()
        .filter(|warning| warning.rule == unknown::RULE)
        .filter(|warning| all || warning.file.as_ref().is_some_and(|file| main.contains(&&**file)))
        .cloned()
        .collect()
}

/// The links of errors must be addresses.
fn urls(config: &Config, out: &mut Vec<Diagnostic>) {
    let link = &config.prow.status_error_link;
    if url_problem(link).is_some() {
        out.push(Diagnostic::warning(
            VALIDATE_URLS,
            format!("status_error_link is not a valid url: {link}"),
        ));
    }
}

/// An organisation's webhook also gets the events of its repositories.
fn managed_webhooks(config: &Config, out: &mut Vec<Diagnostic>) {
    let entries = &config.prow.managed_webhooks.org_repo_config;
    for repo in entries.keys() {
        if repo.split_once('/').is_some_and(|(org, _)| entries.contains_key(org)) {
            out.push(Diagnostic::warning(
                MANAGED_WEBHOOKS,
                format!(
                    "org-level and repo-level webhooks are configured together for {repo:?}, which is not allowed as there will be duplicated webhook events"
                ),
            ));
        }
    }
}

/// The organisations that the GitHub App must be installed in, for the caller that can ask GitHub.
pub fn github_app_orgs(config: &Config) -> BTreeSet<String> {
    config.all_repos.iter().map(|repo| repo.split('/').next().unwrap_or(repo).to_owned()).collect()
}
