//! Where the builds of a job lie, from the address of its history.

use blob::BlobUri;
use job_spec::JobType;

use crate::runs::run::Run;

/// What stands between a bucket and the links to a job's builds.
const DIRECTORY: &str = "pr-logs/directory/";
/// What stands between a bucket and the folders of pull requests and batches.
const PULLS: &str = "/pr-logs/pull/";

/// Providers that may stand before a bucket's name.
const PROVIDERS: [&str; 4] = ["gs", "gcs", "s3", "file"];

/// The parts of the path below `/job-history/`: provider, bucket and the path in the bucket. Without
/// a provider it is Google's, as in Deck's first addresses; a bucket that is named like a provider
/// needs one before it.
pub fn parse(path: &str) -> Option<(&str, &str, String)> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let provider = match parts.first() {
        Some(first) if PROVIDERS.contains(first) => parts.remove(0),
        _ => "gs",
    };
    let (bucket, root) = parts.split_first()?;
    (!root.is_empty()).then(|| (provider, *bucket, root.join("/")))
}

/// The place of a job's builds in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRoot {
    /// The folder; its last part is the job.
    pub uri: BlobUri,
    /// The builds are texts `<id>.txt` that name their folders, and not folders themselves.
    pub links: bool,
}

impl JobRoot {
    /// The place at a folder. As in Deck, presubmits have links below `pr-logs/directory`.
    pub fn new(uri: BlobUri) -> JobRoot {
        let links =
            uri.key().starts_with(DIRECTORY) || uri.key().contains(&format!("/{DIRECTORY}"));
        JobRoot { uri, links }
    }

    /// The job's name.
    pub fn job(&self) -> &str {
        self.uri.file_name()
    }

    /// What the folder of each of its runs begins with.
    pub fn within(&self) -> String {
        match self.links {
            true => format!("{}://{}/", self.uri.provider(), self.uri.bucket()),
            false => format!("{}/", self.uri.to_string().trim_end_matches('/')),
        }
    }

    /// The types of jobs whose runs it has; none for any. Jobs of different types may have one name,
    /// and only runs of pull requests are linked.
    pub fn types(&self) -> Vec<JobType> {
        match self.links {
            true => vec![JobType::Presubmit, JobType::Batch],
            false => Vec::new(),
        }
    }

    /// Whether a run is one of this place.
    pub fn has(&self, run: &Run) -> bool {
        if *run.job != *self.job() {
            return false;
        }
        let is_type = match (self.links, &run.artifacts) {
            (true, _) => self.types().contains(&run.job_type),
            (false, Some(_)) => true,
            // What has no folder yet will have one where runs of its type lie.
            (false, None) => !matches!(run.job_type, JobType::Presubmit | JobType::Batch),
        };
        is_type && run.artifacts.as_deref().is_none_or(|at| at.starts_with(&self.within()))
    }

    /// The folder of a build; where builds are links, the link without its `.txt`.
    pub fn folder(&self, build: u64) -> Option<BlobUri> {
        self.uri.join(&build.to_string()).ok()
    }
}

/// The type of job that a run at this place belongs to, as far as the place tells.
pub fn type_at(folder: &str) -> JobType {
    match folder.split_once(PULLS) {
        Some((_, rest)) if rest.starts_with("batch/") => JobType::Batch,
        Some(_) => JobType::Presubmit,
        None => JobType::Periodic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_deck_are_read() {
        for (path, parts) in [
            ("bucket/logs/job", Some(("gs", "bucket", "logs/job"))),
            ("gs/bucket/logs/job", Some(("gs", "bucket", "logs/job"))),
            ("s3/bucket/logs/job/", Some(("s3", "bucket", "logs/job"))),
            (
                "file/bucket/pr-logs/directory/unit",
                Some(("file", "bucket", "pr-logs/directory/unit")),
            ),
            ("gs/gs/logs/job", Some(("gs", "gs", "logs/job"))),
            ("", None),
            ("bucket", None),
            ("gs", None),
            ("gs/bucket", None),
            ("s3/bucket/", None),
        ] {
            let expected =
                parts.map(|(provider, bucket, root)| (provider, bucket, root.to_owned()));
            assert_eq!(parse(path), expected, "{path}");
        }
    }

    #[test]
    fn builds_of_presubmits_are_links_and_others_folders() {
        let root = |text: &str| JobRoot::new(BlobUri::parse(text).unwrap());
        let nightly = root("gs://b/logs/nightly");
        assert!(!nightly.links && nightly.job() == "nightly");
        assert_eq!(nightly.within(), "gs://b/logs/nightly/");
        assert_eq!(nightly.folder(7).unwrap().to_string(), "gs://b/logs/nightly/7");
        let unit = root("s3://b/pr-logs/directory/unit");
        assert!(unit.links && unit.job() == "unit");
        assert_eq!(unit.within(), "s3://b/");
        assert_eq!(type_at("gs://b/pr-logs/pull/batch/unit/1"), JobType::Batch);
        assert_eq!(type_at("gs://b/x/pr-logs/pull/o_r/7/unit/1"), JobType::Presubmit);
        assert_eq!(type_at("gs://b/logs/nightly/1"), JobType::Periodic);
    }
}
