//! A run as its folder in the bucket tells it.

use artifacts::{FINISHED_FILE, Finished, PROWJOB_FILE, STARTED_FILE, Started};
use blob::{BlobError, BlobUri, Blobs};
use bytes::Bytes;
use config_load::JobConfig;
use job_spec::{JobBase, JobType, ProwJob, ProwJobState, Pull, Refs};

use super::root::type_at;

/// The documents of a run are small; a larger one is not read.
pub const DOCUMENT_BYTES: u64 = 1024 * 1024;

/// Org, repository and number of a pull request.
pub type PullOf = (String, String, i64);

/// What a folder says of its run.
#[derive(Clone, Debug, Default)]
pub struct StoredRun {
    /// The ProwJob, completed by what the other documents and the folder's name say.
    pub job: ProwJob,
    /// Nothing about it will change any more.
    pub over: bool,
    /// What is missing, as a sentence; empty where all is well.
    pub note: String,
}

/// Reads a run; `None` if its folder has no document of one. `of` is its pull request, where that is
/// known and the folder may not name it.
///
/// # Errors
/// The bucket does not answer.
pub async fn read(
    blobs: &Blobs,
    folder: &BlobUri,
    of: Option<PullOf>,
) -> Result<Option<StoredRun>, BlobError> {
    let (prowjob, started, finished) = futures::try_join!(
        document(blobs, folder, PROWJOB_FILE),
        document(blobs, folder, STARTED_FILE),
        document(blobs, folder, FINISHED_FILE),
    )?;
    if prowjob.is_none() && started.is_none() && finished.is_none() {
        return Ok(None);
    }
    let has_started = started.is_some();
    let mut job: ProwJob =
        prowjob.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let started = started.and_then(|bytes| Started::parse(&bytes).ok());
    let finished = finished.and_then(|bytes| Finished::parse(&bytes).ok());
    let of = of.or_else(|| pull_of(folder));
    complete(&mut job, folder, of, started.as_ref(), finished.as_ref());
    let note = match (has_started, &started) {
        (false, _) => format!("{STARTED_FILE} is missing in {folder}."),
        (true, None) => format!("{STARTED_FILE} in {folder} cannot be read."),
        (true, Some(_)) => String::new(),
    };
    let over = job.status.state.is_terminal() && job.status.completion_time.is_some();
    Ok(Some(StoredRun { job, over, note }))
}

/// A small document of a run; `None` if it is not there, or larger than such a document is.
///
/// # Errors
/// The bucket does not answer.
pub async fn document(
    blobs: &Blobs,
    folder: &BlobUri,
    name: &str,
) -> Result<Option<Bytes>, BlobError> {
    match blobs.read(&folder.join(name)?, DOCUMENT_BYTES).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(BlobError::TooLarge { .. }) => Ok(None),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the folder's name and documents say, where the ProwJob does not.
fn complete(
    job: &mut ProwJob,
    folder: &BlobUri,
    of: Option<PullOf>,
    started: Option<&Started>,
    finished: Option<&Finished>,
) {
    let mut segments = folder.key().trim_end_matches('/').rsplit('/');
    let build = segments.next().unwrap_or_default();
    let name = segments.next().unwrap_or_default();
    if job.spec.job.is_empty() {
        job.spec.job = name.to_owned();
    }
    if job.spec.job_type == JobType::Unknown {
        job.spec.job_type = type_at(&folder.to_string());
    }
    if job.status.build_id.is_empty() {
        job.status.build_id = build.to_owned();
    }
    if job.metadata.name.is_empty() {
        job.metadata.name = folder.to_string();
    }
    if job.spec.refs.is_none() && job.spec.extra_refs.is_empty() {
        let mut refs = refs(of, started, finished).into_iter();
        if job.spec.job_type != JobType::Periodic {
            job.spec.refs = refs.next();
        }
        job.spec.extra_refs.extend(refs);
    }
    if job.status.start_time.is_none() {
        job.status.start_time = started.and_then(Started::time);
    }
    if let Some(finished) = finished {
        if job.status.completion_time.is_none() {
            job.status.completion_time = finished.time();
        }
        if let (false, Some(outcome)) = (job.status.state.is_terminal(), finished.outcome()) {
            job.status.state = ProwJobState::from(outcome.as_lower());
        }
    } else if started.is_some() && !job.status.state.is_terminal() {
        job.status.state = ProwJobState::Pending;
    }
}

/// Hides a run whose job is configured to be hidden for one of its repositories, and gives it the job's
/// tenant, where its documents say nothing of either: only a ProwJob does, and not every run has left one.
/// Jobs of other repositories may have the same name; they count where the run's repository is not known.
pub fn configured(job: &mut ProwJob, jobs: &JobConfig) {
    let spec = &job.spec;
    let refs = spec.refs.iter().chain(&spec.extra_refs);
    let repos: Vec<String> = refs.map(|refs| format!("{}/{}", refs.org, refs.repo)).collect();
    let mut found: Vec<&JobBase> = Vec::new();
    if repos.is_empty() {
        found.extend(jobs.all_presubmits().map(|(_, job)| &job.base));
        found.extend(jobs.all_postsubmits().map(|(_, job)| &job.base));
    }
    for repo in &repos {
        found.extend(jobs.presubmits_for(repo).map(|job| &job.base));
        found.extend(jobs.postsubmits_for(repo).map(|job| &job.base));
    }
    // Without a ProwJob nobody can tell a postsubmit's folder from a periodic's.
    if matches!(spec.job_type, JobType::Periodic | JobType::Unknown) {
        found.extend(jobs.periodics.iter().map(|job| &job.base));
    }
    found.retain(|base| base.name == spec.job);
    let is_hidden = found.iter().any(|base| base.hidden);
    let defaults = found.iter().find_map(|base| base.prowjob_defaults.clone());
    job.spec.hidden |= is_hidden;
    job.spec.prowjob_defaults = job.spec.prowjob_defaults.take().or(defaults);
}

/// The code under test by `started.json`: `repos` with `main:sha,12:sha` for each repository, those that
/// are checked out beside the first one behind it; or what old runs have in `pull` alone. What is known of
/// the commit besides is asked last, as in Gubernator.
fn refs(of: Option<PullOf>, started: Option<&Started>, finished: Option<&Finished>) -> Vec<Refs> {
    let Some(started) = started else { return Vec::new() };
    let mut named: Vec<Refs> = started
        .repos
        .iter()
        .filter_map(|(name, text)| {
            let refs: Refs = text.parse().ok()?;
            let (org, repo) = name.rsplit_once('/')?;
            Some(Refs { org: org.to_owned(), repo: repo.to_owned(), ..refs })
        })
        .collect();
    // Others are checked out beside the one whose pull requests are tested.
    named.sort_by_key(|refs| refs.pulls.is_empty());
    let old = || {
        let refs: Refs = started.pull.as_deref()?.parse().ok()?;
        let (org, repo, _) = of.clone()?;
        (!refs.pulls.is_empty()).then_some(Refs { org, repo, ..refs })
    };
    if named.is_empty() {
        named.extend(old());
    }
    if !named.is_empty() {
        return named;
    }
    let Some((org, repo, number)) = of else { return Vec::new() };
    let version = started.version().and_then(|version| version.rsplit_once('+'));
    let revision = finished.and_then(|finished| finished.revision.as_deref());
    let sha = version.map(|(_, sha)| sha).or(started.repo_commit.as_deref()).or(revision);
    let pull = Pull { number, sha: sha.unwrap_or_default().to_owned(), ..Pull::default() };
    vec![Refs { org, repo, pulls: vec![pull], ..Refs::default() }]
}

/// Org, repository and number of the pull request below whose folder a run lies, where the folder
/// names them: `pr-logs/pull/<org>_<repo>/<number>/<job>/<build>`. As in Gubernator the first
/// underscore divides.
fn pull_of(folder: &BlobUri) -> Option<PullOf> {
    let (_, rest) = folder.key().split_once("pr-logs/pull/")?;
    let mut parts = rest.split('/');
    let (org, repo) = parts.next()?.split_once('_')?;
    let number = parts.next()?.parse().ok()?;
    Some((org.to_owned(), repo.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use blob::BlobConfig;

    use super::*;

    /// What is read of a folder with these documents.
    async fn stored(folder: &str, documents: &[(&str, &str)]) -> Option<StoredRun> {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join(folder);
        std::fs::create_dir_all(&place).unwrap();
        for (name, content) in documents {
            std::fs::write(place.join(name), content).unwrap();
        }
        let local_buckets = [("b".to_owned(), root.path().to_owned())].into();
        let blobs = Blobs::new(BlobConfig { local_buckets, ..BlobConfig::default() });
        let folder = BlobUri::parse(&format!("gs://b/{folder}")).unwrap();
        read(&blobs, &folder, None).await.unwrap()
    }

    #[tokio::test]
    async fn a_run_is_put_together_from_whatever_is_there() {
        const PULL: &str = "pr-logs/pull/google_cadvisor/296/unit/17";
        let started =
            r#"{"timestamp":1790000000,"repos":{"google/cadvisor":"release/1.2:b1,296:c1"}}"#;
        let run = stored(PULL, &[("started.json", started)]).await.unwrap();
        assert_eq!((run.job.spec.job.as_str(), run.job.status.build_id.as_str()), ("unit", "17"));
        assert_eq!(run.job.status.state, ProwJobState::Pending, "it has not finished");
        assert!(!run.over && run.note.is_empty());
        let refs = run.job.spec.refs.unwrap();
        assert_eq!((refs.base_ref.as_str(), refs.pulls[0].sha.as_str()), ("release/1.2", "c1"));

        let finished = r#"{"timestamp":1790000436,"passed":true}"#;
        let files = [("started.json", started), ("finished.json", finished)];
        let run = stored(PULL, &files).await.unwrap();
        assert_eq!(run.job.status.state, ProwJobState::Success, "`passed` is enough");
        assert!(run.over && run.job.spec.job_type == JobType::Presubmit);

        let run = stored("logs/nightly/1", &[("finished.json", finished)]).await.unwrap();
        assert!(run.note.contains("started.json is missing"), "{}", run.note);
        assert!(run.job.status.start_time.is_none() && run.job.spec.refs.is_none());
        let run = stored("logs/nightly/1", &[("started.json", "[")]).await.unwrap();
        assert!(run.note.contains("cannot be read"), "{}", run.note);
        assert!(stored("logs/nightly/1", &[("build-log.txt", "x")]).await.is_none());
    }

    #[tokio::test]
    async fn the_commit_of_an_old_run_is_found_as_gubernator_did() {
        const PULL: &str = "pr-logs/pull/kubernetes-sigs_testing_frameworks/49/unit/17";
        let sha = async |started: &str, finished: &str| {
            let files = [("started.json", started), ("finished.json", finished)];
            let refs = stored(PULL, &files).await.unwrap().job.spec.refs.unwrap();
            assert_eq!(
                (refs.org.as_str(), refs.repo.as_str()),
                ("kubernetes-sigs", "testing_frameworks")
            );
            assert_eq!(refs.pulls[0].number, 49);
            refs.pulls[0].sha.clone()
        };
        assert_eq!(sha(r#"{"pull":"master:b1,49:c1"}"#, "{}").await, "c1");
        assert_eq!(sha(r#"{"pull":"49","job-version":"v1.5.0+c2"}"#, "{}").await, "c2");
        assert_eq!(sha(r#"{"pull":"49"}"#, r#"{"revision":"c3"}"#).await, "c3");
        assert_eq!(sha("{}", "{}").await, "");
    }
}
