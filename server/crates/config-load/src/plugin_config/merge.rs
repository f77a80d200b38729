//! Supplemental plugin configuration files: what they may hold, and how it is added.

use super::{Bugzilla, Label, PluginConfig};
use crate::place::{Findings, Step, place};
use crate::supplemental::{RULE, keys_beyond, merge_maps};

/// Adds a supplemental file, read but not defaulted, to the configuration.
pub(crate) fn merge(config: &mut PluginConfig, other: PluginConfig, findings: &mut Findings) {
    for key in keys_that_do_not_merge(&other) {
        findings.error(
            RULE,
            key.split('.').map(Step::from).collect(),
            format!(
                "supplemental plugin configuration has config that doesn't support merging: `{key}` is set"
            ),
        );
    }
    config.plugins.uses_lists |= other.plugins.uses_lists;
    let mut twice = |section: &str, key: &str| {
        let dashed = section.replace('_', "-");
        let text = format!(
            "failed to merge .{dashed} from supplemental config: found duplicate config for {dashed}.{key}"
        );
        findings.error(RULE, place![section, key], text);
    };
    merge_maps(&mut config.plugins.by_repo, other.plugins.by_repo, |key| twice("plugins", key));
    merge_maps(&mut config.external_plugins, other.external_plugins, |key| {
        twice("external_plugins", key);
    });
    merge_bugzilla(&mut config.bugzilla, other.bugzilla, findings);
    config.approve.extend(other.approve);
    config.lgtm.extend(other.lgtm);
    config.triggers.extend(other.triggers);
    config.welcome.extend(other.welcome);
    merge_labels(&mut config.label, other.label, findings);
}

/// Whether a supplemental file also holds what belongs to everybody, and the organisations and
/// repositories that it is about.
pub fn scope(config: &PluginConfig) -> (bool, Vec<String>, Vec<String>) {
    let global = !keys_that_do_not_merge(config).is_empty()
        || config.bugzilla.default.is_some()
        || !config.label.additional_labels.is_empty()
        || config.label.restricted_labels.contains_key("*");
    let mut keys: Vec<String> = config.plugins.by_repo.keys().cloned().collect();
    keys.extend(config.external_plugins.keys().cloned());
    keys.extend(config.label.restricted_labels.keys().filter(|key| *key != "*").cloned());
    for (org, entry) in &config.bugzilla.orgs {
        if entry.default.is_some() {
            keys.push(org.clone());
        }
        keys.extend(entry.repos.keys().map(|repo| format!("{org}/{repo}")));
    }
    for repos in (config.approve.iter().map(|entry| &entry.repos))
        .chain(config.lgtm.iter().map(|entry| &entry.repos))
        .chain(config.triggers.iter().map(|entry| &entry.repos))
        .chain(config.welcome.iter().map(|entry| &entry.repos))
    {
        keys.extend(repos.iter().cloned());
    }
    keys.sort();
    keys.dedup();
    let (repos, orgs) = keys.into_iter().partition(|key| key.contains('/'));
    (global, orgs, repos)
}

/// The keys that are set in a file although they may only be set in the main one.
fn keys_that_do_not_merge(other: &PluginConfig) -> Vec<String> {
    let allowed = PluginConfig {
        approve: other.approve.clone(),
        bugzilla: other.bugzilla.clone(),
        external_plugins: other.external_plugins.clone(),
        label: Label {
            restricted_labels: other.label.restricted_labels.clone(),
            ..Label::default()
        },
        lgtm: other.lgtm.clone(),
        plugins: other.plugins.clone(),
        triggers: other.triggers.clone(),
        welcome: other.welcome.clone(),
        ..PluginConfig::default()
    };
    keys_beyond(other, &allowed, "label", "an explicit default")
}

fn merge_bugzilla(own: &mut Bugzilla, other: Bugzilla, findings: &mut Findings) {
    let mut twice = |place: Vec<Step>, what: String| {
        findings.error(
            RULE,
            place,
            format!("failed to merge .bugzilla from supplemental config: {what}"),
        );
    };
    if other.default.is_some() {
        if own.default.is_some() {
            twice(
                place!["bugzilla", "default"],
                "configuration of global default defined in multiple places".to_owned(),
            );
        } else {
            own.default = other.default;
        }
    }
    for (org, other) in other.orgs {
        let own = own.orgs.entry(org.clone()).or_default();
        if other.default.is_some() {
            if own.default.is_some() {
                twice(
                    place!["bugzilla", "orgs", &org],
                    format!("found duplicate organization config for bugzilla.{org}"),
                );
                continue;
            }
            own.default = other.default;
        }
        merge_maps(&mut own.repos, other.repos, |repo| {
            twice(
                place!["bugzilla", "orgs", &org, "repos", repo],
                format!("found duplicate repository config for bugzilla.{org}/{repo}"),
            );
        });
    }
}

fn merge_labels(own: &mut Label, other: Label, findings: &mut Findings) {
    own.additional_labels.extend(other.additional_labels);
    for (key, labels) in other.restricted_labels {
        let existing = own.restricted_labels.entry(key.clone()).or_default();
        for (index, label) in labels.iter().enumerate() {
            if existing.iter().any(|earlier| earlier.label == label.label) {
                findings.error(
                    RULE,
                    place!["label", "restricted_labels", &key, index],
                    format!(
                        "failed to merge .label from supplemental config: there are multiple label.restricted_labels configs for label {}",
                        label.label
                    ),
                );
            }
        }
        existing.extend(labels);
    }
}
