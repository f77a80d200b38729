//! Warnings about plugins.

use std::collections::{BTreeMap, BTreeSet};

use super::org_repo::OrgRepos;
use super::{MISSING_TRIGGER, VALIDATE_CONFIG_UPDATER_ACLS, VALIDATE_LABEL, VALIDATE_OWNERS};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::plugin_config::PluginConfig;

/// Plugins that read OWNERS files.
const OWNERS_PLUGINS: [&str; 4] = ["approve", "blunderbuss", "rifle", "owners-label"];

/// The plugin that checks OWNERS files.
const VERIFY_OWNERS: &str = "verify-owners";

/// Where plugins run that read OWNERS files.
pub fn repos_using_owners(plugins: &PluginConfig) -> OrgRepos {
    OWNERS_PLUGINS
        .iter()
        .map(|plugin| OrgRepos::from(plugins.enabled_repos_for_plugin(plugin)))
        .reduce(|all, more| all.union(&more))
        .unwrap_or_default()
}

/// Where OWNERS files are used, they should be checked.
pub fn owners_verified(plugins: &PluginConfig, out: &mut Vec<Diagnostic>) {
    let verified: OrgRepos = plugins.enabled_repos_for_plugin(VERIFY_OWNERS).into();
    let missing = repos_using_owners(plugins).difference(&verified).items();
    if !missing.is_empty() {
        out.push(Diagnostic::warning(
            VALIDATE_OWNERS,
            format!(
                "the following orgs or repos enable at least one plugin that uses OWNERS files ({}) but do not enable the {VERIFY_OWNERS} plugin to ensure validity of OWNERS files: [{}]",
                OWNERS_PLUGINS.join(", "),
                missing.join(" ")
            ),
        ));
    }
}

/// Jobs on pull requests and pushes need the trigger plugin.
pub fn missing_trigger(config: &Config, plugins: &PluginConfig, out: &mut Vec<Diagnostic>) {
    let configured = OrgRepos {
        orgs: BTreeMap::new(),
        repos: config
            .jobs
            .presubmits
            .keys()
            .chain(config.jobs.postsubmits.keys())
            .cloned()
            .collect(),
    };
    let enabled: OrgRepos = plugins.enabled_repos_for_plugin("trigger").into();
    let missing = configured.difference(&enabled).items();
    if !missing.is_empty() {
        out.push(Diagnostic::warning(
            MISSING_TRIGGER,
            format!(
                "the following repos have jobs configured but do not have the trigger plugin enabled: {}",
                missing.join(", ")
            ),
        ));
    }
}

/// A restricted label must have a name and not be an additional label, which everybody may set.
pub fn labels(plugins: &PluginConfig, out: &mut Vec<Diagnostic>) {
    let label = &plugins.label;
    let additional: BTreeSet<&String> = label.additional_labels.iter().collect();
    let mut both: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    let mut nameless: Vec<&str> = Vec::new();
    for (repo, restricted) in &label.restricted_labels {
        for entry in restricted {
            if additional.contains(&entry.label) {
                both.entry(&entry.label).or_default().push(repo);
            }
            if entry.label.is_empty() {
                nameless.push(repo);
            }
        }
    }
    let mut warn = |message: String| out.push(Diagnostic::warning(VALIDATE_LABEL, message));
    for (label, repos) in both {
        warn(format!(
            "the following orgs or repos have configuration of label plugin using the restricted label {label} which is also configured as an additional label: {}",
            repos.join(", ")
        ));
    }
    if !nameless.is_empty() {
        warn(format!(
            "the following orgs or repos have configuration of label plugin using the empty string as label name in restricted labels: {}",
            nameless.join(", ")
        ));
    }
}

/// The lists of repositories that may or may not update a ConfigMap must name repositories.
pub fn config_updater_acls(plugins: &PluginConfig, out: &mut Vec<Diagnostic>) {
    for (pattern, spec) in &plugins.config_updater.maps {
        for (key, list) in
            [("allowed_repos", &spec.allowed_repos), ("denied_repos", &spec.denied_repos)]
        {
            for problem in list.iter().filter_map(|entry| repo_name_problem(entry)) {
                out.push(Diagnostic::warning(
                    VALIDATE_CONFIG_UPDATER_ACLS,
                    format!("config_updater.maps[{pattern:?}].{key}: {problem}"),
                ));
            }
        }
    }
}

fn repo_name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("org/repo cannot be empty")
    } else if name.matches('/').count() > 1 {
        Some("org/repo contains too many slashes '/'")
    } else if name.starts_with('/') {
        Some("you cannot set a repo without an org")
    } else {
        None
    }
}
