//! Fills in the defaults of `plugins.yaml` and checks its values, in Prow's words.

use std::collections::{BTreeMap, BTreeSet};

use go_compat::{GoDuration, GoRegex};

use super::sections::DEFAULT_REVIEWER_COUNT;
use super::{ExternalPlugin, ForRepos, PluginConfig, ProjectManager, ReviewerSelection};
use crate::place::{Findings, Step, place};

/// Checks of commit messages that exist.
const COMMIT_MESSAGE_CHECKS: [&str; 2] = ["fixupPrefix", "issueClosingKeywords"];

const DEFAULT_SIG_MENTION: &str = r"(?m)@kubernetes/sig-([\w-]*)-(misc|test-failures|bugs|feature-requests|proposals|pr-reviews|api-reviews)";
const DEFAULT_CHERRY_PICK_BRANCHES: &str = "^release-.*$";
const DEFAULT_WAIT_DESCRIPTION: &str = r"Not mergeable. (PullRequest is missing sufficient approving GitHub review\(s\)|Needs (lgtm|approved|approved, lgtm) labels?)\.?";
const DEFAULT_UNAPPROVED_COMMENT: &str = "This PR is not for the master branch but does not have the `cherry-pick-approved`  label. Adding the `do-not-merge/cherry-pick-not-approved`  label.";
const DEFAULT_GRACE_PERIOD: &str = "5s";

/// The names of plugins; None accepts any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownPlugins<'a> {
    /// Those that a configuration may enable.
    pub(crate) all: Option<&'a BTreeSet<String>>,
    /// Those of them that do something here.
    pub(crate) built_in: Option<&'a BTreeSet<String>>,
}

/// Fills in defaults, then checks.
pub(crate) fn finalize(
    config: &mut PluginConfig,
    known: KnownPlugins<'_>,
    findings: &mut Findings,
) {
    if config.plugins.uses_lists {
        findings.warning(
            "deprecated",
            place!["plugins"],
            "plugins declaration uses a deprecated config style, see https://github.com/kubernetes/test-infra/issues/20631#issuecomment-787693609 for a migration guide",
        );
    }
    set_defaults(config);
    compile(config, findings);
    check_enablement(config, findings);
    check_external_plugins(config, findings);
    for (key, selection) in [("blunderbuss", &config.blunderbuss), ("rifle", &config.rifle)] {
        let count = selection.request_count();
        if count < 1 {
            findings.error(
                "range",
                place![key, "request_count"],
                format!("invalid request_count: {count} (needs to be positive)"),
            );
        }
    }
    for problem in config.config_updater.problems() {
        findings.error("config-updater", place!["config_updater", "maps"], problem);
    }
    config.config_updater.resolve_groups();
    let size = &config.size;
    if size.s > size.m || size.m > size.l || size.l > size.xl || size.xl > size.xxl {
        findings.error(
            "size",
            place!["size"],
            "invalid size plugin configuration - one of the smaller sizes is bigger than a larger one",
        );
    }
    check_require_matching_label(config, findings);
    check_project_manager(&config.project_manager, findings);
    for (index, trigger) in config.triggers.iter().enumerate() {
        if !trigger.trusted_org.is_empty() {
            findings.warning(
                "deprecated",
                place!["triggers", index, "trusted_org"],
                "trusted_org functionality is deprecated. Please ensure your configuration is updated before the end of December 2019.",
            );
        }
    }
    check_repeated("approve", &config.approve, findings);
    check_repeated("welcome", &config.welcome, findings);
    check_commit_messages(config, findings);
    check_repeated("invalid_commit_msg", &config.invalid_commit_msg, findings);
    for (key, milestone) in &config.repo_milestone {
        if milestone.maintainers_id != 0 {
            findings.warning(
                "deprecated",
                place!["repo_milestone", key, "maintainers_id"],
                "deprecated field: maintainers_id is configured for repo_milestone, maintainers_team should be used instead",
            );
        }
    }
    check_known(config, known, findings);
}

fn set_defaults(config: &mut PluginConfig) {
    let or_default = |value: &mut String, default: &str| {
        if value.is_empty() {
            default.clone_into(value);
        }
    };
    or_default(
        &mut config.help.help_guidelines_url,
        "https://git.k8s.io/community/contributors/guide/help-wanted.md",
    );
    or_default(
        &mut config.release_note.guidelines_url,
        "https://git.k8s.io/community/contributors/guide/release-notes.md",
    );
    config.config_updater.set_defaults();
    for plugin in config.external_plugins.values_mut().flatten() {
        if plugin.endpoint.is_empty() {
            plugin.endpoint = format!("http://{}", plugin.name);
        }
    }
    for selection in [&mut config.blunderbuss, &mut config.rifle] {
        set_selection_defaults(selection);
    }
    for trigger in &mut config.triggers {
        if !trigger.trusted_org.is_empty() && trigger.join_org_url.is_empty() {
            trigger.join_org_url =
                format!("https://github.com/orgs/{}/people", trigger.trusted_org);
        }
    }
    or_default(&mut config.sigmention.regexp, DEFAULT_SIG_MENTION);
    config
        .owners
        .labels_denylist
        .get_or_insert_with(|| vec!["approved".to_owned(), "lgtm".to_owned()]);
    for milestone in config.repo_milestone.values_mut() {
        // Prow means to do this but assigns to a copy.
        or_default(&mut milestone.maintainers_friendly_name, "SIG Chairs/TLs");
    }
    or_default(&mut config.cherry_pick_unapproved.branchregexp, DEFAULT_CHERRY_PICK_BRANCHES);
    or_default(&mut config.cherry_pick_unapproved.comment, DEFAULT_UNAPPROVED_COMMENT);
    for approved in &mut config.cherry_pick_approved {
        or_default(&mut approved.branchregexp, DEFAULT_CHERRY_PICK_BRANCHES);
    }
    for required in &mut config.require_matching_label {
        or_default(&mut required.grace_period, DEFAULT_GRACE_PERIOD);
    }
}

fn set_selection_defaults(selection: &mut ReviewerSelection) {
    selection.request_count.get_or_insert(DEFAULT_REVIEWER_COUNT);
    if let Some(wait) = &mut selection.wait_for_status {
        for (value, default) in [
            (&mut wait.context, "tide"),
            (&mut wait.state, "pending"),
            (&mut wait.description, DEFAULT_WAIT_DESCRIPTION),
        ] {
            if value.is_empty() {
                default.clone_into(value);
            }
        }
    }
}

fn compile(config: &mut PluginConfig, findings: &mut Findings) {
    let mut regex = |text: &str, place: Vec<Step>, what: &str| match GoRegex::new(text) {
        Ok(regex) => Some(regex),
        Err(err) => {
            let message = if what.is_empty() {
                err.to_string()
            } else {
                format!("failed to compile {what}: {text:?}, error: {err}")
            };
            findings.error("regex", place, message);
            None
        }
    };
    let sigmention = &mut config.sigmention;
    sigmention.regex = regex(&sigmention.regexp, place!["sigmention", "regexp"], "");
    let unapproved = &mut config.cherry_pick_unapproved;
    unapproved.branch_regex =
        regex(&unapproved.branchregexp, place!["cherry_pick_unapproved", "branchregexp"], "");
    for (index, approved) in config.cherry_pick_approved.iter_mut().enumerate() {
        let at = place!["cherry_pick_approved", index, "branchregexp"];
        approved.branch_regex = regex(&approved.branchregexp, at, "");
    }
    for (index, blockade) in config.blockades.iter_mut().enumerate() {
        if let Some(text) = &blockade.branchregexp {
            let at = place!["blockades", index, "branchregexp"];
            blockade.branch_regex = regex(text, at, "blockade branchregexp");
        }
    }
    let heart = &mut config.heart;
    heart.comment_regex = regex(&heart.commentregexp, place!["heart", "commentregexp"], "");
    for (index, required) in config.require_matching_label.iter_mut().enumerate() {
        let at = place!["require_matching_label", index, "regexp"];
        required.regex = regex(&required.regexp, at, "label regexp");
    }
    for (key, selection) in [("blunderbuss", &mut config.blunderbuss), ("rifle", &mut config.rifle)]
    {
        if let Some(wait) = &mut selection.wait_for_status {
            wait.description_regex = regex(
                &wait.description,
                place![key, "wait_for_status", "description"],
                &format!("{key} wait for context description regular expression"),
            );
        }
    }
    for (index, required) in config.require_matching_label.iter_mut().enumerate() {
        match GoDuration::parse(&required.grace_period) {
            Ok(duration) => required.grace_period_duration = Some(duration),
            Err(err) => findings.error(
                "duration",
                place!["require_matching_label", index, "grace_period"],
                format!(
                    "failed to compile grace period duration: {:?}, error: {err}",
                    required.grace_period
                ),
            ),
        }
    }
}

fn check_enablement(config: &PluginConfig, findings: &mut Findings) {
    const EXCLUSIVE: [&str; 2] = ["blunderbuss", "rifle"];
    let has = |list: &[String], name: &str| list.iter().any(|plugin| plugin == name);
    for (key, entry) in &config.plugins.by_repo {
        let place = || place!["plugins", key];
        if EXCLUSIVE.iter().all(|plugin| has(&entry.plugins, plugin)) {
            findings.error(
                "mutually-exclusive",
                place(),
                format!("{key}: blunderbuss and rifle plugins are mutually exclusive"),
            );
        }
        let Some((org, repo)) = key.split_once('/') else {
            continue;
        };
        let Some(parent) = config.plugins.by_repo.get(org) else {
            continue;
        };
        if has(&parent.excluded_repos, repo) {
            continue;
        }
        let repeated: Vec<&str> = entry
            .plugins
            .iter()
            .filter(|plugin| parent.plugins.contains(plugin))
            .map(String::as_str)
            .collect();
        if !repeated.is_empty() {
            findings.error(
                "duplicate-plugin",
                place(),
                format!("plugins [{}] are duplicated for {repo} and {org}", repeated.join(" ")),
            );
        }
        let clash = |a: &str, b: &str| has(&entry.plugins, a) && has(&parent.plugins, b);
        if clash("blunderbuss", "rifle") || clash("rifle", "blunderbuss") {
            findings.error(
                "mutually-exclusive",
                place(),
                format!(
                    "{key}: blunderbuss and rifle plugins are mutually exclusive (conflict between {org} and {key} config)"
                ),
            );
        }
    }
}

fn check_external_plugins(config: &PluginConfig, findings: &mut Findings) {
    for (key, plugins) in &config.external_plugins {
        let Some((org, _)) = key.split_once('/') else {
            continue;
        };
        let Some(parent) = config.external_plugins.get(org) else {
            continue;
        };
        let named = |list: &[ExternalPlugin], name: &str| list.iter().any(|p| p.name == name);
        let repeated: Vec<&str> = plugins
            .iter()
            .map(|plugin| plugin.name.as_str())
            .filter(|name| named(parent, name))
            .collect();
        if !repeated.is_empty() {
            findings.error(
                "duplicate-plugin",
                place!["external_plugins", key],
                format!(
                    "invalid plugin configuration: external plugins [{}] are duplicated for {key} and {org}",
                    repeated.join(" ")
                ),
            );
        }
    }
}

fn check_require_matching_label(config: &PluginConfig, findings: &mut Findings) {
    for (index, rule) in config.require_matching_label.iter().enumerate() {
        let matches_itself =
            rule.regex.as_ref().is_some_and(|regex| regex.is_match(&rule.missing_label));
        let problems = [
            (rule.org.is_empty(), "must specify 'org'"),
            (
                rule.repo.contains('/'),
                "'repo' may not contain '/'; specify the organization with 'org'",
            ),
            (rule.regexp.is_empty(), "must specify 'regexp'"),
            (rule.missing_label.is_empty(), "must specify 'missing_label'"),
            (!rule.prs && !rule.issues, "must specify 'prs: true' and/or 'issues: true'"),
            (
                !rule.prs && !rule.branch.is_empty(),
                "branch cannot be specified without `prs: true'",
            ),
            (
                !rule.regexp.is_empty() && !rule.missing_label.is_empty() && matches_itself,
                "'regexp' must not match 'missing_label'",
            ),
        ];
        for (_, problem) in problems.into_iter().filter(|(broken, _)| *broken) {
            findings.error(
                "require-matching-label",
                place!["require_matching_label", index],
                format!("error validating require_matching_label config #{index}: {problem}"),
            );
        }
    }
}

fn check_project_manager(manager: &ProjectManager, findings: &mut Findings) {
    let mut error = |place: Vec<Step>, message: String| {
        findings.error("project-manager", place, message);
    };
    for (key, entry) in &manager.orgs_repos {
        let at = || place!["project_manager", "orgsRepos", key];
        if entry.projects.is_empty() {
            error(at(), format!("Org/repo: {key}, has no projects configured"));
        }
        for (name, project) in &entry.projects {
            let at = || place!["project_manager", "orgsRepos", key, "projects", name];
            if project.columns.is_empty() {
                error(at(), format!("Org/repo: {key}, project {name}, has no columns configured"));
            }
            let mut seen: Vec<BTreeSet<&String>> = Vec::new();
            for (index, column) in project.columns.iter().enumerate() {
                let place =
                    place!["project_manager", "orgsRepos", key, "projects", name, "columns", index];
                let prefix = format!("Org/repo: {key}, project {name}, column {}", column.name);
                if column.id.is_none() && column.name.is_empty() {
                    error(place.clone(), format!("{prefix}, has no name/id configured"));
                }
                if column.labels.is_empty() {
                    error(place.clone(), format!("{prefix}, has no labels configured"));
                }
                if column.org.is_empty() {
                    error(place.clone(), format!("{prefix}, has no org configured"));
                }
                let labels: BTreeSet<_> = column.labels.iter().collect();
                if !labels.is_empty() && seen.contains(&labels) {
                    error(place, format!("{prefix} has same labels configured as another column"));
                }
                seen.push(labels);
            }
        }
    }
}

fn check_repeated<T: ForRepos>(section: &str, entries: &[T], findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        for repo in entry.repos() {
            if !seen.insert(repo) {
                let what = if repo.contains('/') { "repo" } else { "org" };
                // Prow blames the welcome plugin for every section.
                findings.error(
                    "duplicate-repo",
                    place![section, index, "repos"],
                    format!(
                        "The {what} {repo:?} is duplicated in the '{section}' plugin configuration."
                    ),
                );
            }
        }
    }
}

fn check_commit_messages(config: &PluginConfig, findings: &mut Findings) {
    for (index, entry) in config.invalid_commit_msg.iter().enumerate() {
        let prefix = format!("error validating invalid_commit_msg config #{index}");
        for (at, repo) in entry.repos.iter().enumerate() {
            if repo.trim().is_empty() {
                findings.error(
                    "invalid-commit-msg",
                    place!["invalid_commit_msg", index, "repos", at],
                    format!("{prefix}: repo {repo:?} must be of form org or org/repo"),
                );
            }
        }
        for (at, check) in entry.checks.iter().enumerate() {
            let place = place!["invalid_commit_msg", index, "checks", at];
            let name = &check.name;
            if name.trim().is_empty() {
                findings.error(
                    "invalid-commit-msg",
                    place,
                    format!("{prefix} check #{at}: check name cannot be empty"),
                );
            } else if !COMMIT_MESSAGE_CHECKS.contains(&name.as_str()) {
                findings.error(
                    "invalid-commit-msg",
                    place,
                    format!(
                        "{prefix} check #{at}: unknown check name {name:?} (valid: [{}])",
                        COMMIT_MESSAGE_CHECKS.join(" ")
                    ),
                );
            }
        }
    }
}

fn check_known(config: &PluginConfig, known: KnownPlugins<'_>, findings: &mut Findings) {
    // A plugin is enabled in many places, and missing in all of them for one reason.
    let mut missing: BTreeMap<&str, (Vec<Step>, usize)> = BTreeMap::new();
    for (key, entry) in &config.plugins.by_repo {
        for (index, plugin) in entry.plugins.iter().enumerate() {
            let place = place!["plugins", key, "plugins", index];
            if known.all.is_some_and(|all| !all.contains(plugin)) {
                findings.error("unknown-plugin", place, format!("unknown plugin: {plugin}"));
            } else if known.built_in.is_some_and(|built_in| !built_in.contains(plugin)) {
                missing.entry(plugin).or_insert((place, 0)).1 += 1;
            }
        }
    }
    for (plugin, (place, places)) in missing {
        let text = match places {
            1 => format!("the plugin {plugin} is not built in: it does nothing here"),
            _ => format!(
                "the plugin {plugin} is not built in: it does nothing here, nor in the {} other \
                 places that enable it",
                places - 1
            ),
        };
        findings.warning("plugin-not-built-in", place, text);
    }
}
