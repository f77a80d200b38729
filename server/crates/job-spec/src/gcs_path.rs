//! Where the files of a run lie in its bucket. TestGrid, Gubernator and others know these paths.

use crate::downward::JobSpec;
use crate::gcs::GcsConfiguration;
use crate::go_path;
use crate::prow_job::JobType;

/// Below it lie the batches of all jobs.
const BATCHES: &str = "pr-logs/pull/batch";

/// A run whose path cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The type is missing or unknown.
    #[error("job {0} has no known type, so its results have no path")]
    UnknownType(String),
    /// A presubmit lacks refs or a pull request.
    #[error("presubmit {0} has no pull request in its refs, so its results have no path")]
    NoPull(String),
}

/// The folder of one run, below the bucket: path prefix, job type, job and build id.
pub fn run_dir(config: &GcsConfiguration, spec: &JobSpec) -> Result<String, PathError> {
    let directory = match spec.job_type {
        JobType::Periodic | JobType::Postsubmit => {
            go_path::join(&["logs", &spec.job, &spec.build_id])
        }
        JobType::Presubmit => go_path::join(&[&pull_dir(config, spec)?, &spec.job, &spec.build_id]),
        JobType::Batch => go_path::join(&[BATCHES, &spec.job, &spec.build_id]),
        JobType::Unknown => return Err(PathError::UnknownType(spec.job.clone())),
    };
    Ok(go_path::join(&[&config.path_prefix, &directory]))
}

/// The folder of a pull request's runs.
fn pull_dir(config: &GcsConfiguration, spec: &JobSpec) -> Result<String, PathError> {
    let no_pull = || PathError::NoPull(spec.job.clone());
    let refs = spec.refs.as_ref().ok_or_else(no_pull)?;
    let pull = refs.pulls.first().ok_or_else(no_pull)?;
    Ok(below_pulls(config, &refs.org, &refs.repo, &pull.number.to_string()))
}

/// The folder of a pull request's runs, below the bucket, for a pull request that has none at hand.
pub fn pull_folder(config: &GcsConfiguration, org: &str, repo: &str, number: &str) -> String {
    go_path::join(&[&config.path_prefix, &below_pulls(config, org, repo, number)])
}

/// The folder of a job's batches, below the bucket.
pub fn batch_folder(config: &GcsConfiguration, job: &str) -> String {
    go_path::join(&[&config.path_prefix, BATCHES, job])
}

fn below_pulls(config: &GcsConfiguration, org: &str, repo: &str, number: &str) -> String {
    go_path::join(&["pr-logs/pull", &repo_segment(config, org, repo), number])
}

/// How a repository appears in paths of its pull requests: nothing, `repo` or `org_repo`, by path strategy.
pub fn repo_segment(config: &GcsConfiguration, org: &str, repo: &str) -> String {
    let is_default_org = org == config.default_org;
    let is_default_repo = is_default_org && repo == config.default_repo;
    match config.path_strategy.as_str() {
        "legacy" | "single" if is_default_repo => String::new(),
        "legacy" if is_default_org => repo.to_owned(),
        // A Gerrit organisation is a URL and a Gerrit repository may have slashes.
        _ => format!("{}_{}", without_http_scheme(org), repo.replace('/', "_")),
    }
}

fn without_http_scheme(url: &str) -> &str {
    let url = url.strip_prefix("https://").unwrap_or(url);
    url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/')
}

/// The file that points from a job's folder to a presubmit's run; other types have none. It ignores the path
/// prefix, as in Prow.
pub fn alias(spec: &JobSpec) -> Option<String> {
    (spec.job_type == JobType::Presubmit).then(|| {
        go_path::join(&["pr-logs/directory", &spec.job, &format!("{}.txt", spec.build_id)])
    })
}

/// What the alias file holds: the full URL of the run's folder, as `gs://` where the bucket has no scheme.
pub fn alias_target(config: &GcsConfiguration, spec: &JobSpec) -> Result<String, PathError> {
    let directory = run_dir(config, spec)?;
    Ok(if config.bucket.contains("://") {
        format!("{}/{directory}", config.bucket)
    } else {
        format!("gs://{}", go_path::join(&[&config.bucket, &directory]))
    })
}

/// The files that hold the id of a job's latest build. They ignore the path prefix, as in Prow.
pub fn latest_build_files(config: &GcsConfiguration, spec: &JobSpec) -> Vec<String> {
    const NAME: &str = "latest-build.txt";
    match spec.job_type {
        JobType::Unknown => Vec::new(),
        JobType::Presubmit => {
            let mut files = vec![go_path::join(&[&job_dir(spec), NAME])];
            // Gubernator looks below the pull request too.
            if let Ok(directory) = pull_dir(config, spec) {
                files.push(go_path::join(&[&directory, &spec.job, NAME]));
            }
            files
        }
        _ => vec![go_path::join(&[&job_dir(spec), NAME])],
    }
}

/// The folder of a job over all its runs, where its latest build is noted. Empty for an unknown type.
pub fn job_dir(spec: &JobSpec) -> String {
    match spec.job_type {
        JobType::Periodic | JobType::Postsubmit => go_path::join(&["logs", &spec.job]),
        JobType::Presubmit | JobType::Batch => go_path::join(&["pr-logs/directory", &spec.job]),
        JobType::Unknown => String::new(),
    }
}
