//! Warnings about jobs.

use std::collections::{BTreeMap, BTreeSet};

use job_spec::{JobBase, JobType};

use super::{
    DUPLICATE_JOB_REFS, LONG_JOB_NAMES, NON_DECORATED_JOBS, PERIODIC_DEFAULT_CLONE_CONFIG,
    REQUIRED_JOB_ANNOTATIONS, RERUN_COMMAND, VALID_DECORATION_CONFIG, VALIDATE_CLUSTER_FIELD,
};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::jobs::together::at_source;
use crate::prow::DEFAULT_CLUSTER_ALIAS;
use crate::rules::LABEL_VALUE_MAX_LENGTH;

const KUBERNETES: &str = "kubernetes";

/// Agents whose jobs have no build cluster.
const AGENTS_WITHOUT_CLUSTER: [&str; 1] = ["jenkins"];

/// What plank calls a build cluster that it can use.
const REACHABLE: &str = "Reachable";

/// Every job with its type and, unless it is a periodic, its repository.
fn all_jobs(config: &Config) -> impl Iterator<Item = (JobType, Option<&str>, &JobBase)> {
    let jobs = &config.jobs;
    let presubmits =
        jobs.all_presubmits().map(|(repo, job)| (JobType::Presubmit, Some(repo), &job.base));
    let postsubmits =
        jobs.all_postsubmits().map(|(repo, job)| (JobType::Postsubmit, Some(repo), &job.base));
    let periodics = jobs.periodics.iter().map(|job| (JobType::Periodic, None, &job.base));
    presubmits.chain(postsubmits).chain(periodics)
}

fn warn(out: &mut Vec<Diagnostic>, rule: &'static str, job: &JobBase, message: String) {
    out.push(at_source(Diagnostic::warning(rule, message), job.source.as_deref()));
}

/// Kubernetes jobs that do not use the pod utilities.
pub fn non_decorated(config: &Config, out: &mut Vec<Diagnostic>) {
    for (_, _, job) in all_jobs(config) {
        if job.agent == KUBERNETES && job.utility.decorate != Some(true) {
            let message = format!(
                "the following jobs use the kubernetes provider but do not use the pod utilities: [{}]",
                job.name
            );
            warn(out, NON_DECORATED_JOBS, job, message);
        }
    }
}

/// Decoration configs of decorated jobs that lack something.
pub fn decoration_configs(config: &Config, out: &mut Vec<Diagnostic>) {
    for (_, _, job) in all_jobs(config) {
        if job.agent != KUBERNETES || job.utility.decorate != Some(true) {
            continue;
        }
        if let Some(Err(err)) = job.utility.decoration_config.as_ref().map(|c| c.validate()) {
            warn(out, VALID_DECORATION_CONFIG, job, format!("job {}: {err}", job.name));
        }
    }
}

/// Names that do not fit into the label that every run carries.
pub fn long_names(config: &Config, out: &mut Vec<Diagnostic>) {
    for (job_type, repo, job) in all_jobs(config) {
        if job.agent != KUBERNETES || job.name.len() <= LABEL_VALUE_MAX_LENGTH {
            continue;
        }
        let what = match job_type {
            JobType::Presubmit => "Presubmit",
            JobType::Postsubmit => "Postsubmit",
            _ => "Periodic",
        };
        let of = repo.map(|repo| format!(" (for repo {repo:?})")).unwrap_or_default();
        let message = format!(
            "name of {what} job {:?}{of} too long (should be at most {LABEL_VALUE_MAX_LENGTH} characters)",
            job.name
        );
        warn(out, LONG_JOB_NAMES, job, message);
    }
}

/// Presubmits that clone a repository twice.
pub fn duplicate_refs(config: &Config, out: &mut Vec<Diagnostic>) {
    for (repo, job) in config.jobs.all_presubmits() {
        let mut seen = BTreeSet::from([repo.to_owned()]);
        let repeated: BTreeSet<String> = job
            .base
            .utility
            .extra_refs
            .iter()
            .map(|refs| format!("{}/{}", refs.org, refs.repo))
            .filter(|name| !seen.insert(name.clone()))
            .collect();
        if !repeated.is_empty() {
            let names: Vec<_> = repeated.iter().map(String::as_str).collect();
            let message = format!(
                "invalid job {} on repo {repo}: the following refs specified more than once: {}",
                job.base.name,
                names.join(",")
            );
            warn(out, DUPLICATE_JOB_REFS, &job.base, message);
        }
    }
}

/// Settings of the primary clone on periodics, which have none.
pub fn periodic_clone_settings(config: &Config, out: &mut Vec<Diagnostic>) {
    for job in &config.jobs.periodics {
        let utility = &job.base.utility;
        if utility.clone_depth != 0
            || !utility.clone_uri.is_empty()
            || !utility.path_alias.is_empty()
        {
            let message = format!(
                "periodic jobs might clone 0, 1, or more repos, top level `clone_depth`, `clone_uri`, and `path_alias` don't have any effect. Name: {:?}",
                job.base.name
            );
            warn(out, PERIODIC_DEFAULT_CLONE_CONFIG, &job.base, message);
        }
    }
}

/// Jobs without an annotation that all must have.
pub fn required_annotations(config: &Config, required: &[String], out: &mut Vec<Diagnostic>) {
    if required.is_empty() {
        return;
    }
    for (_, _, job) in all_jobs(config) {
        let missing: Vec<&str> = required
            .iter()
            .filter(|name| !job.annotations.contains_key(*name))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let list = match missing[..] {
                [one] => one.to_owned(),
                _ => format!("[{}]", missing.join(", ")),
            };
            let message = format!("job '{}' is missing required annotations: {list}", job.name);
            warn(out, REQUIRED_JOB_ANNOTATIONS, job, message);
        }
    }
}

/// Build clusters that the agent has no use for, or that plank does not know.
pub fn clusters(
    config: &Config,
    statuses: Option<&BTreeMap<String, String>>,
    out: &mut Vec<Diagnostic>,
) {
    for (_, repo, job) in all_jobs(config) {
        let of = repo.unwrap_or("invalid periodic job");
        let (name, cluster) = (&job.name, &job.cluster);
        if !cluster.is_empty()
            && cluster != DEFAULT_CLUSTER_ALIAS
            && AGENTS_WITHOUT_CLUSTER.contains(&job.agent.as_str())
        {
            let message =
                format!("{of}: {name}: cannot set cluster field if agent is {}", job.agent);
            warn(out, VALIDATE_CLUSTER_FIELD, job, message);
            continue;
        }
        match statuses.map(|statuses| statuses.get(cluster)) {
            None => {}
            Some(None) => {
                let message = format!(
                    "{of}: job configuration for {name:?} specifies unknown 'cluster' value {cluster:?}"
                );
                warn(out, VALIDATE_CLUSTER_FIELD, job, message);
            }
            // Not a mistake of the configuration, so not a finding.
            Some(Some(status)) if status != REACHABLE => tracing::warn!(
                job.name = %name,
                job.cluster = %cluster,
                cluster.status = %status,
                "a job specifies a cluster which cannot be reached from plank"
            ),
            Some(Some(_)) => {}
        }
    }
}

/// Rerun commands that Gerrit does not accept.
pub fn rerun_commands(config: &Config, out: &mut Vec<Diagnostic>) {
    let gerrit = &config.prow.gerrit;
    for (_, job) in config.jobs.all_presubmits() {
        if !gerrit.is_allowed_presubmit_trigger(&job.rerun_command) {
            let message = rerun_command_problem(&job.rerun_command, &job.base.name, config);
            warn(out, RERUN_COMMAND, &job.base, message);
        }
    }
}

/// The words about a rerun command that Gerrit does not accept; also for in-repository jobs.
pub fn rerun_command_problem(command: &str, job: &str, config: &Config) -> String {
    format!(
        "rerun command {command} in job {job} does not conform to test command requirements,please make sure the trigger regex is a subset of {} and the rerun command matches the trigger regex",
        config.prow.gerrit.allowed_presubmit_trigger_re
    )
}
