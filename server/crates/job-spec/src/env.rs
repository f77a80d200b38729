//! The environment variables that tell a test about its run.

use std::collections::BTreeMap;

use crate::downward::JobSpec;
use crate::go_json;
use crate::prow_job::{JobType, KUBERNETES_AGENT};
use crate::refs::Refs;

/// `true` in every run.
pub const CI: &str = "CI";
/// The whole [`JobSpec`] as JSON.
pub const JOB_SPEC: &str = "JOB_SPEC";
/// Name of the job.
pub const JOB_NAME: &str = "JOB_NAME";
/// Type of the job.
pub const JOB_TYPE: &str = "JOB_TYPE";
/// Name of the ProwJob.
pub const PROW_JOB_ID: &str = "PROW_JOB_ID";
/// Build id.
pub const BUILD_ID: &str = "BUILD_ID";
/// Build id under its old name.
pub const BUILD_NUMBER: &str = "BUILD_NUMBER";
/// Organisation under test.
pub const REPO_OWNER: &str = "REPO_OWNER";
/// Repository under test.
pub const REPO_NAME: &str = "REPO_NAME";
/// Path of the repository on its host.
pub const SRC_BASE: &str = "SRC_BASE";
/// Host of the repository.
pub const SRC_HOST: &str = "SRC_HOST";
/// Base branch.
pub const PULL_BASE_REF: &str = "PULL_BASE_REF";
/// Base commit.
pub const PULL_BASE_SHA: &str = "PULL_BASE_SHA";
/// The refs as a string.
pub const PULL_REFS: &str = "PULL_REFS";
/// Number of the pull request.
pub const PULL_NUMBER: &str = "PULL_NUMBER";
/// Head commit of the pull request.
pub const PULL_PULL_SHA: &str = "PULL_PULL_SHA";
/// Head branch of the pull request.
pub const PULL_HEAD_REF: &str = "PULL_HEAD_REF";
/// Title of the pull request.
pub const PULL_TITLE: &str = "PULL_TITLE";
/// Folder for artifacts; decorated runs only.
pub const ARTIFACTS: &str = "ARTIFACTS";
/// Go's workspace; decorated runs only.
pub const GOPATH: &str = "GOPATH";

/// The host of repositories that say nothing else.
const DEFAULT_HOST: &str = "github.com";

/// A run whose environment cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// A job that is not periodic has no refs.
    #[error("job {job} is a {job_type} and has no refs: set spec.refs to the code under test")]
    NoRefs {
        /// The job.
        job: String,
        /// Its type.
        job_type: JobType,
    },
    /// A presubmit has no pull request.
    #[error("presubmit {job} has no pull request in its refs: set spec.refs.pulls")]
    NoPull {
        /// The job.
        job: String,
    },
    /// The job spec cannot be written as JSON.
    #[error("could not write the job spec of {job} as JSON: {source}")]
    Json {
        /// The job.
        job: String,
        /// What went wrong.
        source: serde_json::Error,
    },
}

/// The variables of a run, without those that decoration adds.
pub fn env_for_spec(spec: &JobSpec) -> Result<BTreeMap<String, String>, EnvError> {
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        env.insert(name.to_owned(), value.to_owned());
    };
    set(CI, "true");
    set(JOB_NAME, &spec.job);
    set(BUILD_ID, &spec.build_id);
    set(PROW_JOB_ID, &spec.prow_job_id);
    set(JOB_TYPE, spec.job_type.as_str());
    if spec.agent == KUBERNETES_AGENT {
        set(BUILD_NUMBER, &spec.build_id);
    }
    let json = go_json::to_string(spec)
        .map_err(|source| EnvError::Json { job: spec.job.clone(), source })?;
    set(JOB_SPEC, &json);

    if spec.job_type == JobType::Periodic {
        return Ok(env);
    }
    let refs = spec
        .refs
        .as_ref()
        .ok_or_else(|| EnvError::NoRefs { job: spec.job.clone(), job_type: spec.job_type })?;
    set(REPO_OWNER, &refs.org);
    set(REPO_NAME, &refs.repo);
    let (host, base) = source_host_and_base(refs);
    set(SRC_HOST, &host);
    set(SRC_BASE, &base);
    set(PULL_BASE_REF, &refs.base_ref);
    set(PULL_BASE_SHA, &refs.base_sha);
    set(PULL_REFS, &refs.to_string());

    if matches!(spec.job_type, JobType::Postsubmit | JobType::Batch) {
        return Ok(env);
    }
    let pull = refs.pulls.first().ok_or_else(|| EnvError::NoPull { job: spec.job.clone() })?;
    set(PULL_NUMBER, &pull.number.to_string());
    set(PULL_PULL_SHA, &pull.sha);
    set(PULL_HEAD_REF, &pull.head_ref);
    set(PULL_TITLE, &pull.title);
    Ok(env)
}

/// Host and path of the clone's folder. A folder without a slash is a host, and the path stays the default.
fn source_host_and_base(refs: &Refs) -> (String, String) {
    let org_and_repo = format!("{}/{}", refs.org, refs.repo);
    if refs.path_alias.is_empty() && refs.repo_link.is_empty() {
        return (DEFAULT_HOST.to_owned(), org_and_repo);
    }
    let path = refs.clone_path();
    match path.split_once('/') {
        Some((host, base)) => (host.to_owned(), base.to_owned()),
        None => (path, org_and_repo),
    }
}

/// The variables that Prow sets for jobs of this type, which a job may not set itself.
pub fn env_names_for_type(job_type: JobType) -> Vec<&'static str> {
    const BASE: [&str; 7] = [CI, JOB_NAME, JOB_SPEC, JOB_TYPE, PROW_JOB_ID, BUILD_ID, BUILD_NUMBER];
    const REFS: [&str; 7] =
        [REPO_OWNER, REPO_NAME, SRC_BASE, SRC_HOST, PULL_BASE_REF, PULL_BASE_SHA, PULL_REFS];
    const PULL: [&str; 4] = [PULL_NUMBER, PULL_PULL_SHA, PULL_HEAD_REF, PULL_TITLE];
    match job_type {
        JobType::Periodic => BASE.to_vec(),
        JobType::Postsubmit | JobType::Batch => [&BASE[..], &REFS[..]].concat(),
        JobType::Presubmit => [&BASE[..], &REFS[..], &PULL[..]].concat(),
        JobType::Unknown => Vec::new(),
    }
}
