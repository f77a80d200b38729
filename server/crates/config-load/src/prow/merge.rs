//! Supplemental prow configuration files: what they may hold, and how it is added.

use job_spec::go_struct::GoFields as _;

use super::ProwConfig;
use super::branch_protection::{BranchPolicy, BranchProtection, OrgPolicy, Policy, RepoPolicy};
use super::tide::Tide;
use crate::place::{Findings, Step, place};
use crate::supplemental::{RULE, keys_beyond, merge_maps};

/// Adds a supplemental file, read but not defaulted, to the configuration.
pub(crate) fn merge(config: &mut ProwConfig, other: ProwConfig, findings: &mut Findings) {
    for key in keys_that_do_not_merge(&other) {
        findings.error(
            RULE,
            key.split('.').map(Step::from).collect(),
            format!(
                "only 'branch-protection', 'slack_reporter_configs', 'tide.merge_method' and 'tide.queries' may be set via additional config, all other fields have no merging logic yet. Diff: `{key}` is set"
            ),
        );
    }
    merge_branch_protection(&mut config.branch_protection, other.branch_protection, findings);
    config.tide.queries.extend(other.tide.queries);
    let mut twice = |what: &str, place: Vec<Step>, key: &str| {
        let text =
            format!("failed to merge {what}: config for org or repo {key} passed more than once");
        findings.error(RULE, place, text);
    };
    merge_maps(&mut config.tide.merge_method, other.tide.merge_method, |key| {
        twice("tide config", place!["tide", "merge_method", key], key);
    });
    merge_maps(&mut config.slack_reporter_configs, other.slack_reporter_configs, |key| {
        twice("slack-reporter config", place!["slack_reporter_configs", key], key);
    });
}

/// Whether a supplemental file also holds what belongs to everybody, and the organisations and
/// repositories that it is about.
pub fn scope(config: &ProwConfig) -> (bool, Vec<String>, Vec<String>) {
    let protection = &config.branch_protection;
    let global = protection.protect_tested_repos.is_some()
        || protection.allow_disabled_policies.is_some()
        || protection.allow_disabled_job_policies.is_some()
        || protection.protect_repos_with_optional_jobs.is_some()
        || protection.policy.is_set()
        || config.slack_reporter_configs.contains_key("*")
        || !keys_that_do_not_merge(config).is_empty();
    let mut orgs = Vec::new();
    let mut repos = Vec::new();
    for (org, entry) in &protection.orgs {
        if entry.policy.is_set() {
            orgs.push(org.clone());
        }
        repos.extend(entry.repos.keys().map(|repo| format!("{org}/{repo}")));
    }
    for query in &config.tide.queries {
        orgs.extend(query.orgs.iter().cloned());
        repos.extend(query.repos.iter().cloned());
    }
    let slack = config.slack_reporter_configs.keys().filter(|key| *key != "*");
    for key in config.tide.merge_method.keys().chain(slack) {
        if key.contains('/') { &mut repos } else { &mut orgs }.push(key.clone());
    }
    for list in [&mut orgs, &mut repos] {
        list.sort();
        list.dedup();
    }
    (global, orgs, repos)
}

/// The keys that are set in a file although they may only be set in the main one.
fn keys_that_do_not_merge(other: &ProwConfig) -> Vec<String> {
    let allowed = ProwConfig {
        branch_protection: other.branch_protection.clone(),
        slack_reporter_configs: other.slack_reporter_configs.clone(),
        tide: Tide {
            merge_method: other.tide.merge_method.clone(),
            queries: other.tide.queries.clone(),
            ..Tide::default()
        },
        ..ProwConfig::default()
    };
    keys_beyond(other, &allowed, "tide", ProwConfig::NAME)
}

fn merge_branch_protection(
    own: &mut BranchProtection,
    other: BranchProtection,
    findings: &mut Findings,
) {
    let mut twice = |place: Vec<Step>, what: String| {
        findings.error(RULE, place, format!("failed to merge branch protection config: {what}"));
    };
    merge_policy(&mut own.policy, other.policy, || {
        twice(
            place!["branch-protection"],
            "both brachprotection configs set a top-level policy".to_owned(),
        );
    });
    for (key, own, other) in [
        ("protect-tested-repos", &mut own.protect_tested_repos, other.protect_tested_repos),
        (
            "allow_disabled_policies",
            &mut own.allow_disabled_policies,
            other.allow_disabled_policies,
        ),
        (
            "allow_disabled_job_policies",
            &mut own.allow_disabled_job_policies,
            other.allow_disabled_job_policies,
        ),
        (
            "protect_repos_with_optional_jobs",
            &mut own.protect_repos_with_optional_jobs,
            other.protect_repos_with_optional_jobs,
        ),
    ] {
        match (&own, other) {
            (Some(_), Some(_)) => twice(
                place!["branch-protection", key],
                format!("both branchprotection configs set {key}"),
            ),
            (_, Some(value)) => *own = Some(value),
            (_, None) => {}
        }
    }
    for (org, other) in other.orgs {
        let OrgPolicy { repos, policy } = other;
        let own = own.orgs.entry(org.clone()).or_default();
        merge_policy(&mut own.policy, policy, || {
            twice(
                place!["branch-protection", "orgs", &org],
                format!("both branchprotection configs define a policy for org {org}"),
            );
        });
        for (repo, other) in repos {
            let RepoPolicy { branches, policy } = other;
            let own = own.repos.entry(repo.clone()).or_default();
            merge_policy(&mut own.policy, policy, || {
                twice(
                    place!["branch-protection", "orgs", &org, "repos", &repo],
                    format!("both branchprotection configs define a policy for repo {org}/{repo}"),
                );
            });
            for (branch, other) in branches {
                let BranchPolicy { policy } = other;
                let own = own.branches.entry(branch.clone()).or_default();
                merge_policy(&mut own.policy, policy, || {
                    twice(
                        place![
                            "branch-protection",
                            "orgs",
                            &org,
                            "repos",
                            &repo,
                            "branches",
                            &branch
                        ],
                        format!(
                            "both branchprotection configs define a policy for branch {branch} in repo {org}/{repo}"
                        ),
                    );
                });
            }
        }
    }
}

fn merge_policy(own: &mut Policy, other: Policy, twice: impl FnOnce()) {
    if !other.is_set() {
        return;
    }
    if own.is_set() {
        twice();
    } else {
        *own = other;
    }
}
