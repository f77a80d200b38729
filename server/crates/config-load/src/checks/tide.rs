//! Warnings about the merge queue.

use std::collections::{BTreeMap, BTreeSet};

use super::org_repo::OrgRepos;
use super::{
    MISMATCHED_TIDE, MISMATCHED_TIDE_LENIENT, NEEDS_OK_TO_TEST, TIDE_CONTEXT_POLICY,
    TIDE_STRICT_BRANCH,
};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::plugin_config::PluginConfig;
use crate::prow::branch_protection::{Policy, PolicyError};
use crate::prow::tide_query::{self, TideQuery};

const LGTM: &str = "lgtm";
const NEEDS_OK_TO_TEST_LABEL: &str = "needs-ok-to-test";

/// Whether a query asks for a label to be there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Require,
    Forbid,
}

impl Verb {
    fn applies(self, query: &TideQuery, label: &str) -> bool {
        let list = match self {
            Verb::Require => &query.labels,
            Verb::Forbid => &query.missing_labels,
        };
        list.iter().any(|candidate| candidate == label)
    }

    fn word(self) -> &'static str {
        match self {
            Verb::Require => "require",
            Verb::Forbid => "forbid",
        }
    }
}

/// Plugins that belong to a label of the queries: plugin, label, how queries name it.
const REQUIRED: [(&str, &str, Verb); 2] =
    [("lgtm", LGTM, Verb::Require), ("approve", "approved", Verb::Require)];

const FORBIDDEN: [(&str, &str, Verb); 7] = [
    ("hold", "do-not-merge/hold", Verb::Forbid),
    ("wip", "do-not-merge/work-in-progress", Verb::Forbid),
    ("bugzilla", "bugzilla/invalid-bug", Verb::Forbid),
    ("verify-owners", "do-not-merge/invalid-owners-file", Verb::Forbid),
    ("release-note", "do-not-merge/release-note-label-needed", Verb::Forbid),
    ("cherry-pick-unapproved", "do-not-merge/cherry-pick-not-approved", Verb::Forbid),
    ("blockade", "do-not-merge/blocked-paths", Verb::Forbid),
];

/// An external plugin whose label queries may forbid; tide looks at the conflict itself, so they need
/// not.
const NEEDS_REBASE: (&str, &str, Verb) = ("needs-rebase", "needs-rebase", Verb::Forbid);

/// Tide's queries and the enabled plugins must fit in both directions: where a query names a plugin's
/// label, the plugin must run; where a plugin runs that tide merges, its label must be named.
pub fn mismatched(
    config: &Config,
    plugins: &PluginConfig,
    include_forbidden: bool,
    out: &mut Vec<Diagnostic>,
) {
    let rule = if include_forbidden { MISMATCHED_TIDE } else { MISMATCHED_TIDE_LENIENT };
    let queries = &config.prow.tide.queries;
    let covered = |label: &str, verb: Verb| -> OrgRepos {
        tide_query::coverage(queries.iter().filter(|query| verb.applies(query, label))).into()
    };
    let overall: OrgRepos = tide_query::coverage(queries).into();
    let forbidden: &[_] = if include_forbidden { &FORBIDDEN } else { &[] };
    let mut warn = |message: String| out.push(Diagnostic::warning(rule, message));
    for &(plugin, label, verb) in REQUIRED.iter().chain(forbidden) {
        let tide = covered(label, verb);
        let enabled: OrgRepos = plugins.enabled_repos_for_plugin(plugin).into();
        not_enabled(plugin, label, verb, &tide, &enabled, &mut warn);
        let not_named = enabled.intersection(&overall).difference(&tide).items();
        if !not_named.is_empty() {
            warn(format!(
                "the following orgs or repos enable the {plugin} plugin but do not {} the {label} label for merging: [{}]",
                verb.word(),
                not_named.join(" ")
            ));
        }
    }
    if include_forbidden {
        let (plugin, label, verb) = NEEDS_REBASE;
        let enabled: OrgRepos = plugins.enabled_repos_for_external_plugin(plugin).into();
        not_enabled(plugin, label, verb, &covered(label, verb), &enabled, &mut warn);
    }
}

fn not_enabled(
    plugin: &str,
    label: &str,
    verb: Verb,
    tide: &OrgRepos,
    enabled: &OrgRepos,
    warn: &mut dyn FnMut(String),
) {
    let missing = tide.difference(enabled).items();
    if !missing.is_empty() {
        warn(format!(
            "the following orgs or repos {} the {label} label for merging but do not enable the {plugin} plugin: [{}]",
            verb.word(),
            missing.join(" ")
        ));
    }
}

/// Queries that require `lgtm` need not forbid `needs-ok-to-test`.
pub fn needs_ok_to_test(config: &Config, out: &mut Vec<Diagnostic>) {
    for (index, query) in config.prow.tide.queries.iter().enumerate() {
        if Verb::Require.applies(query, LGTM) && Verb::Forbid.applies(query, NEEDS_OK_TO_TEST_LABEL)
        {
            out.push(Diagnostic::warning(
                NEEDS_OK_TO_TEST,
                format!(
                    "the tide query at position {index}forbids the {NEEDS_OK_TO_TEST_LABEL:?} label and requires the {LGTM:?} label, which is not recommended; see https://docs.prow.k8s.io/docs/components/core/tide/maintainers/#best-practices for more information"
                ),
            ));
        }
    }
}

const STRICT_EXPLANATION: &str = "See #5: https://docs.prow.k8s.io/docs/components/core/tide/maintainers/#best-practices Also note that this validation is imperfect, see the check-config code for details";

/// Branch protection must not demand up-to-date branches where tide merges: tide tests against the
/// newest base by itself.
pub fn strict_branches(config: &Config, out: &mut Vec<Diagnostic>) {
    let queries = &config.prow.tide.queries;
    if queries.is_empty() {
        return;
    }
    let mut warn = |message: String| out.push(Diagnostic::warning(TIDE_STRICT_BRANCH, message));
    if is_strict(&config.prow.branch_protection.policy) {
        warn(format!(
            "strict branchprotection context requirements cannot be globally enabled when Tide is configured for use. {STRICT_EXPLANATION}"
        ));
        return;
    }
    let strict = match strict_repos(config) {
        Ok(strict) => strict,
        Err(message) => {
            warn(message);
            return;
        }
    };
    let overall: OrgRepos = tide_query::coverage(queries).into();
    let conflicts = overall.intersection(&strict).items();
    if !conflicts.is_empty() {
        warn(format!(
            "the following enable strict branchprotection context requirements even though Tide handles merges: [{}]. {STRICT_EXPLANATION}",
            conflicts.join("; ")
        ));
    }
}

fn is_strict(policy: &Policy) -> bool {
    let strict = policy.required_status_checks.as_ref().and_then(|checks| checks.strict);
    policy.protect == Some(true) && strict == Some(true)
}

/// Repositories with a strict branch. One strict branch makes the whole repository count.
fn strict_repos(config: &Config) -> Result<OrgRepos, String> {
    let protection = &config.prow.branch_protection;
    let mut found = OrgRepos::default();
    for org in protection.orgs.keys() {
        let level = protection.org(org);
        let mut strict = BTreeSet::new();
        let mut lax = BTreeSet::new();
        for repo in level.repos.keys() {
            let repo_level = level.repo(repo);
            let mut is_any = is_strict(&repo_level.policy);
            for branch in repo_level.branches.keys() {
                if is_any {
                    break;
                }
                let policy = repo_level.branch(branch).map_err(|err: PolicyError| {
                    format!("error for repo={org}/{repo} and branch={branch}: {err}")
                })?;
                is_any = is_strict(&policy);
            }
            let list = if is_any { &mut strict } else { &mut lax };
            list.insert(format!("{org}/{repo}"));
        }
        if is_strict(&level.policy) {
            found.orgs.insert(org.clone(), lax);
        } else {
            found.repos.extend(strict);
        }
    }
    Ok(found)
}

/// No context may count in two ways, on any branch that the configuration names.
pub fn context_policies(config: &Config, out: &mut Vec<Diagnostic>) {
    let mut branches: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (repo, jobs) in &config.jobs.presubmits {
        let known = branches.entry(repo.clone()).or_default();
        known.extend(jobs.iter().flat_map(|job| job.brancher.branches.iter().map(String::as_str)));
    }
    for (org, entry) in &config.prow.branch_protection.orgs {
        for (repo, entry) in &entry.repos {
            let known = branches.entry(format!("{org}/{repo}")).or_default();
            known.extend(entry.branches.keys().map(String::as_str));
        }
    }
    for (org, entry) in &config.prow.tide.context_options.orgs {
        for (repo, entry) in &entry.repos {
            let known = branches.entry(format!("{org}/{repo}")).or_default();
            known.extend(entry.branches.keys().map(String::as_str));
        }
    }
    for (full, mut known) in branches {
        // Gerrit's names have another form.
        let Some((org, repo)) = full.split_once('/').filter(|(_, repo)| !repo.contains('/')) else {
            continue;
        };
        if known.is_empty() {
            // One branch at least, for repositories whose jobs name none.
            known.insert("master");
        }
        let presubmits: Vec<_> = config.jobs.presubmits_for(&full).collect();
        for branch in known {
            let jobs = presubmits.iter().map(|job| &***job);
            if let Err(err) = config.prow.tide_context_policy(org, repo, branch, jobs) {
                out.push(Diagnostic::warning(
                    TIDE_CONTEXT_POLICY,
                    format!("context policy for {branch} branch in {org}/{repo} is invalid: {err}"),
                ));
            }
        }
    }
}
