//! The tests of runs, from the JUnit files that they left.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use artifacts::junit::{self, Limits, Report};
use artifacts::results::{Test, tests};
use blob::{BlobUri, Blobs};
use futures::StreamExt as _;
use moka::sync::Cache;

/// Files of one run that are read at once.
const AT_ONCE: usize = 8;
/// Files of one run that are read; of more the page says so.
const MAX_FILES: usize = 2_000;
/// Bytes of one run's files that are read, likewise.
const MAX_BYTES: u64 = 200_000_000;
/// Bytes of a test's output that are kept; the rest is read again when somebody asks.
const KEPT_OUTPUT: usize = 256;
/// Results that are kept ready, in bytes, about.
const KEPT_BYTES: u64 = 64 << 20;

/// A file that a run left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResultFile {
    /// Its path below the run's folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The tests of a run.
#[derive(Debug, Default)]
pub struct RunResults {
    /// The files that were read, as the tests refer to them.
    pub files: Vec<String>,
    /// The tests.
    pub tests: Vec<Test>,
    /// What could not be read, a sentence each.
    pub problems: Vec<String>,
}

/// Reads results and keeps those that were read last.
pub struct Results {
    blobs: Blobs,
    kept: Cache<(String, u64), Arc<RunResults>>,
}

impl Results {
    /// Of runs in these buckets.
    pub fn new(blobs: Blobs) -> Results {
        let weight = |_: &(String, u64), results: &Arc<RunResults>| {
            u32::try_from(results.bytes()).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().weigher(weight).max_capacity(KEPT_BYTES).build();
        Results { blobs, kept }
    }

    /// The tests in these files of a run; no file is larger than `size_limit` bytes. Files that cannot
    /// be read are told among the problems.
    pub async fn of(
        &self,
        folder: &BlobUri,
        files: &[ResultFile],
        size_limit: u64,
    ) -> Arc<RunResults> {
        let mut print = DefaultHasher::new();
        (files, size_limit).hash(&mut print);
        let key = (folder.to_string(), print.finish());
        if let Some(kept) = self.kept.get(&key) {
            return kept;
        }
        let (results, complete) = self.read(folder, files, size_limit).await;
        let results = Arc::new(results);
        // What a bucket failed to give may come the next time.
        if complete {
            self.kept.insert(key, results.clone());
        }
        results
    }

    async fn read(
        &self,
        folder: &BlobUri,
        files: &[ResultFile],
        size_limit: u64,
    ) -> (RunResults, bool) {
        let mut problems = Vec::new();
        let mut wanted = Vec::new();
        let mut bytes = 0_u64;
        for file in files {
            bytes = bytes.saturating_add(file.size);
            if file.size > size_limit {
                problems.push(format!(
                    "{} is larger ({} bytes) than the limit for one file (deck.spyglass.size_limit: \
                     {size_limit}).",
                    file.name, file.size
                ));
            } else if wanted.len() < MAX_FILES && bytes <= MAX_BYTES {
                wanted.push(file.name.clone());
            }
        }
        let left_out = files.len() - wanted.len() - problems.len();
        if left_out > 0 {
            problems.push(format!(
                "{left_out} more files were not read: more than {MAX_FILES} files or {MAX_BYTES} \
                 bytes of results are too many for one page."
            ));
        }
        let read = futures::stream::iter(wanted)
            .map(|name| async move {
                let report = self.report(folder, &name, size_limit, KEPT_OUTPUT).await;
                (name, report)
            })
            .buffered(AT_ONCE);
        let read: Vec<(String, Result<Report, ReadError>)> = read.collect().await;
        let (mut names, mut reports, mut complete) = (Vec::new(), Vec::new(), true);
        for (name, report) in read {
            match report {
                Ok(report) => {
                    problems.extend(report.problem.iter().map(|why| format!("{name}: {why}.")));
                    names.push(name);
                    reports.push(report);
                }
                Err(error) => {
                    complete &= matches!(error, ReadError::Junit(_));
                    problems.push(format!("{name} could not be read: {error}."));
                }
            }
        }
        (RunResults { files: names, tests: tests(reports), problems }, complete)
    }

    /// The results of one file, with so many bytes of each output.
    async fn report(
        &self,
        folder: &BlobUri,
        name: &str,
        size_limit: u64,
        output: usize,
    ) -> Result<Report, ReadError> {
        let uri = folder.join(name).map_err(|error| ReadError::Bucket(error.to_string()))?;
        let bytes = self.blobs.read(&uri, size_limit).await;
        let bytes = bytes.map_err(|error| ReadError::Bucket(error.to_string()))?;
        let parsed =
            tokio::task::spawn_blocking(move || junit::parse_with(&bytes, Limits { output }));
        Ok(parsed.await.map_err(|error| ReadError::Bucket(error.to_string()))??)
    }

    /// One case of a file with all that the file says about it; nothing if it has no such case.
    ///
    /// # Errors
    /// The file cannot be read, said in a sentence.
    pub async fn case(
        &self,
        folder: &BlobUri,
        name: &str,
        place: usize,
        size_limit: u64,
    ) -> Result<Option<junit::Case>, ReadError> {
        const WHOLE: usize = 16 << 20;
        let report = self.report(folder, name, size_limit, WHOLE).await?;
        Ok(report.cases.into_iter().nth(place))
    }
}

/// Why a file of results gives none.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bucket does not give it.
    #[error("{0}")]
    Bucket(String),
    /// It holds no results.
    #[error(transparent)]
    Junit(#[from] junit::JunitError),
}

impl RunResults {
    /// About how much memory they take.
    fn bytes(&self) -> usize {
        let of_run =
            |run: &artifacts::results::Run| run.text.len() + run.out.len() + run.err.len() + 96;
        let of_test = |test: &Test| {
            let texts = test.suite.len() + test.class.len() + test.name.len() + 192;
            texts + test.runs.iter().map(of_run).sum::<usize>()
        };
        self.tests.iter().map(of_test).sum::<usize>() + 256
    }
}
