//! Reading a test group's builds from buckets.
//!
//! [`list`] and [`sweep`] find builds, [`read`] reads the files of one, and a [`ColumnReader`] makes
//! columns of many, oldest first, with bounded concurrency. What a build costs is bounded too: in
//! files, in bytes of one file, and in bytes altogether.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use blob::{BlobEntry, BlobError, BlobUri, Blobs};
use futures::stream::{self, StreamExt};
use grid::name_format::NameFormatError;
use grid::proto::TestStatus;
use grid::proto::config::TestGroup;
use grid::proto::state::Column;
use grid::updater::build::{self, Build, BuildError, BuildFiles, Found, SuiteName};
use grid::updater::builds::{id_of, job_and_build, link_target, listing_start, newest_first};
use grid::updater::columns::window_start;
use grid::updater::convert::{Converter, InflatedColumn, error_column};
use grid::updater::naming::prefixes;

/// Objects of one page of a listing.
const PAGE: usize = 1_000;

/// The most builds of one prefix that are listed; of more, the last by name are taken.
const MAX_BUILDS: usize = 200_000;

/// The most objects of one build that are looked at for results.
const MAX_OBJECTS: usize = 100_000;

/// The most files with results of one build that are read.
const MAX_SUITES: usize = 10_000;

/// The most bytes of results that are read of one build.
const MAX_SUITE_BYTES: u64 = 512 << 20;

/// The most bytes of `started.json`, `finished.json` and `podinfo.json`.
const MAX_DOCUMENT_BYTES: u64 = 16 << 20;

/// The most bytes of a link's text.
const MAX_LINK_BYTES: u64 = 4 << 10;

/// Links that are looked up at once, and files of one build that are read at once.
const FILES_AT_ONCE: usize = 8;

/// The object with the number of a job's last build, which stands among the builds.
const LATEST_BUILD: &str = "latest-build.txt";

/// The metadata of a link that names the build's folder, the preferred one first.
const LINK_METADATA: [&str; 2] = ["x-goog-meta-link", "link"];

/// A build that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRef {
    /// Its id, by which a later listing goes on.
    pub id: String,
    /// Its folder; the key ends in a slash.
    pub folder: BlobUri,
}

impl BuildRef {
    /// Its folder as text, such as `gs://bucket/logs/job/1/`.
    pub fn object(&self) -> String {
        self.folder.to_string()
    }
}

/// The builds of a group that a listing found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The builds in natural order of their ids, greatest first.
    pub builds: Vec<BuildRef>,
    /// How many were left out because a prefix has too many.
    pub left_out: usize,
}

/// Why a group's builds cannot be found or read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A prefix of the group is no address.
    #[error("the prefix `{prefix}` of the test group `{group}` cannot be used: {source}")]
    Prefix {
        /// The group.
        group: String,
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        source: Box<BlobError>,
    },
    /// The storage did not list the builds.
    #[error("the builds of the test group `{group}` below {prefix} cannot be listed: {source}")]
    Listing {
        /// The group.
        group: String,
        /// The prefix.
        prefix: BlobUri,
        /// Why.
        source: Box<BlobError>,
    },
    /// The group's rows cannot be named.
    #[error("the names of the rows of the test group `{group}` cannot be made: {source}")]
    Naming {
        /// The group.
        group: String,
        /// Why.
        source: NameFormatError,
    },
}

/// The builds of a group whose ids come after `after` in natural order; all of them if it is empty.
///
/// A prefix below which there is nothing, or whose bucket is not there, has no builds. If one prefix
/// cannot be listed the answer is an error: of the others' builds, the id to go on from would pass
/// over its own.
///
/// # Errors
/// A prefix is no address, or the storage failed.
pub async fn list(blobs: &Blobs, group: &TestGroup, after: &str) -> Result<Listed, SourceError> {
    find(blobs, group, after, &HashSet::new()).await
}

/// The builds of a group that are not known yet, wherever they stand in the order of ids. `known`
/// has `job/id` of the others, see [`known_as`].
///
/// # Errors
/// As [`list`].
pub async fn sweep(
    blobs: &Blobs,
    group: &TestGroup,
    known: &HashSet<String>,
) -> Result<Listed, SourceError> {
    find(blobs, group, "", known).await
}

/// Job and id of a build by its folder, with a slash between, as [`sweep`] knows builds.
pub fn known_as(object: &str) -> Option<String> {
    job_and_build(object).map(|(job, build)| format!("{job}/{build}"))
}

async fn find(
    blobs: &Blobs,
    group: &TestGroup,
    after: &str,
    known: &HashSet<String>,
) -> Result<Listed, SourceError> {
    let mut listed = Listed::default();
    for prefix in prefixes(group) {
        let uri = BlobUri::parse(prefix).map_err(|source| SourceError::Prefix {
            group: group.name.clone(),
            prefix: prefix.to_owned(),
            source: Box::new(source),
        })?;
        let failed = |source| SourceError::Listing {
            group: group.name.clone(),
            prefix: uri.clone(),
            source: Box::new(source),
        };
        let (found, left_out) = candidates(blobs, &uri, after).await.map_err(failed)?;
        listed.left_out += left_out;
        let wanted = newest_first(found, after, |candidate| candidate.id()).into_iter().filter(
            |candidate| !known_as(candidate.path()).is_some_and(|key| known.contains(&key)),
        );
        let builds = stream::iter(wanted)
            .map(|candidate| candidate.build(blobs, &uri))
            .buffered(FILES_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for build in builds {
            listed.builds.extend(build.map_err(failed)?);
        }
    }
    listed.builds = newest_first(listed.builds, "", |build| build.id.as_str());
    Ok(listed)
}

/// What may be a build.
enum Candidate {
    /// The key of a folder.
    Folder(String),
    /// The key of a link.
    Link(String),
}

impl Candidate {
    fn id(&self) -> &str {
        match self {
            Candidate::Folder(key) | Candidate::Link(key) => id_of(key),
        }
    }

    /// The key as a folder's would be.
    fn path(&self) -> &str {
        match self {
            Candidate::Folder(key) => key,
            Candidate::Link(key) => key.strip_suffix(".txt").unwrap_or(key),
        }
    }

    /// The build, or nothing if a text is no link.
    async fn build(self, blobs: &Blobs, prefix: &BlobUri) -> Result<Option<BuildRef>, BlobError> {
        let id = self.id().to_owned();
        let at = |key: &str| BlobUri::new(prefix.provider(), prefix.bucket(), key);
        match self {
            Candidate::Folder(key) => Ok(Some(BuildRef { id, folder: at(&key)? })),
            Candidate::Link(key) => {
                let link = at(&key)?;
                let folder = follow(blobs, &link).await?;
                if folder.is_none() {
                    tracing::debug!(object = %link, "this text is no link to a build");
                }
                Ok(folder.map(|folder| BuildRef { id, folder }))
            }
        }
    }
}

/// The folders and texts below a prefix that a listing after `after` shows, and how many of them
/// were left out.
async fn candidates(
    blobs: &Blobs,
    prefix: &BlobUri,
    after: &str,
) -> Result<(Vec<Candidate>, usize), BlobError> {
    let folder = prefix.key().trim_end_matches('/');
    let mut start = match (after.is_empty(), folder.is_empty()) {
        (true, _) => String::new(),
        (false, true) => listing_start(after).0,
        (false, false) => listing_start(&format!("{folder}/{after}")).0,
    };
    let mut found = Vec::new();
    let mut left_out = 0;
    loop {
        let page = match blobs.list_dir(prefix, &start, PAGE).await {
            Ok(page) => page,
            // A bucket that nobody mapped to a folder is a mistake that must be told.
            Err(BlobError::NotFound { .. }) => return Ok((Vec::new(), 0)),
            Err(error) => return Err(error),
        };
        found.extend(page.dirs.into_iter().map(Candidate::Folder));
        let texts = page.entries.into_iter().map(|entry| entry.key);
        let is_link = |key: &String| {
            key.ends_with(".txt") && key.rsplit('/').next().is_some_and(|name| name != LATEST_BUILD)
        };
        found.extend(texts.filter(is_link).map(Candidate::Link));
        // Twice as many, so that not every page moves what is there.
        if found.len() >= 2 * MAX_BUILDS {
            left_out += found.drain(..MAX_BUILDS).len();
        }
        match page.next {
            Some(next) => start = next,
            None => break,
        }
    }
    if found.len() > MAX_BUILDS {
        left_out += found.drain(..found.len() - MAX_BUILDS).len();
    }
    Ok((found, left_out))
}

/// Where a link leads; the key ends in a slash. One that leads out of its bucket is none: whoever may
/// write into a bucket may not thereby read another.
///
/// # Errors
/// The storage failed.
pub async fn follow(blobs: &Blobs, link: &BlobUri) -> Result<Option<BlobUri>, BlobError> {
    let metadata = match blobs.head(link).await {
        Ok(meta) => meta.metadata,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = match LINK_METADATA.iter().find_map(|name| metadata.get(*name)) {
        Some(text) => text.clone(),
        None => match blobs.read(link, MAX_LINK_BYTES).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(BlobError::TooLarge { .. }) => return Ok(None),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let target = link_target(&text).and_then(|target| BlobUri::parse(&target).ok());
    let Some(target) = target.filter(|target| target.bucket() == link.bucket()) else {
        return Ok(None);
    };
    // The bucket may be kept elsewhere than where the link was written.
    BlobUri::new(link.provider(), link.bucket(), target.key()).map(Some)
}

/// The files of a build as they were found, and what the storage could not answer.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles {
    /// The files.
    pub files: BuildFiles,
    /// Why a file that may be there could not be read. Reading again later may help, unlike with a
    /// file that is broken.
    pub failure: Option<String>,
}

/// Reads the files of one build.
pub async fn read(blobs: &Blobs, build: &BuildRef) -> ReadFiles {
    let (job, id) = job_and_build(build.folder.key()).unwrap_or(("", &build.id));
    let mut failure = None;
    let document = |name: &'static str| async move {
        match build.folder.join(name) {
            Ok(uri) => fetch(blobs, &uri, MAX_DOCUMENT_BYTES).await,
            Err(error) => (Found::Failed(error.to_string()), None),
        }
    };
    // Nearly all builds have these two; the other files are read where they are listed.
    let (started, finished, listed) = futures::join!(
        document(artifacts::STARTED_FILE),
        document(artifacts::FINISHED_FILE),
        listed_files(blobs, &build.folder),
    );
    let mut keep = |(found, error): (Found, Option<BlobError>)| {
        failure = failure.take().or(error.map(|error| sentence(&error)));
        found
    };
    let mut files = BuildFiles {
        job: job.to_owned(),
        build: id.to_owned(),
        path: build.object(),
        started: keep(started),
        finished: keep(finished),
        podinfo: Found::Missing,
        suites: Vec::new(),
    };
    match listed {
        Ok((podinfo, suites)) => {
            files.podinfo = keep(podinfo);
            files.suites = suites.into_iter().map(|(path, found)| (path, keep(found))).collect();
        }
        Err(error) => {
            // Without a listing nothing is known about the results, so the build has none.
            files.started = Found::Failed(format!("the list of artifacts: {}", sentence(&error)));
            failure = failure.or_else(|| error.is_transient().then(|| sentence(&error)));
        }
    }
    ReadFiles { files, failure }
}

async fn fetch(blobs: &Blobs, uri: &BlobUri, limit: u64) -> Fetched {
    match blobs.read(uri, limit).await {
        Ok(bytes) => (Found::Bytes(bytes.into()), None),
        Err(BlobError::NotFound { .. }) => (Found::Missing, None),
        Err(BlobError::TooLarge { limit, .. }) => {
            (Found::Failed(format!("too large: more than {limit} bytes")), None)
        }
        Err(error) if error.is_transient() => (Found::Failed(sentence(&error)), Some(error)),
        Err(error) => (Found::Failed(sentence(&error)), None),
    }
}

/// An error with its causes.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A file as it was found; with the error if the storage is to blame.
type Fetched = (Found, Option<BlobError>);

/// The description of a build's Pod, and its files that are JUnit by their names, by their path below
/// the build.
async fn listed_files(
    blobs: &Blobs,
    folder: &BlobUri,
) -> Result<(Fetched, Vec<(String, Fetched)>), BlobError> {
    let below = format!("{}/", folder.key().trim_end_matches('/'));
    let prefix = BlobUri::new(folder.provider(), folder.bucket(), below.clone())?;
    let mut files: Vec<(String, BlobEntry)> = Vec::new();
    let mut podinfo = None;
    let mut start = String::new();
    let mut seen = 0;
    loop {
        let page = blobs.list(&prefix, &start, PAGE).await?;
        seen += page.entries.len();
        for entry in page.entries {
            let Some(path) = entry.key.strip_prefix(&below) else { continue };
            if path == artifacts::PODINFO_FILE {
                podinfo = Some(folder.join(path)?);
            } else if SuiteName::of(&format!("build/{path}")).is_some() {
                files.push((path.to_owned(), entry));
            }
        }
        match page.next {
            Some(next) if seen < MAX_OBJECTS => start = next,
            // It may be behind what is listed.
            Some(_) => {
                podinfo = Some(folder.join(artifacts::PODINFO_FILE)?);
                break;
            }
            None => break,
        }
    }
    let podinfo = async {
        match podinfo {
            Some(uri) => fetch(blobs, &uri, MAX_DOCUMENT_BYTES).await,
            None => (Found::Missing, None),
        }
    };
    Ok(futures::join!(podinfo, suites(blobs, folder, files)))
}

/// The files with results, as far as they are not too many or too large.
async fn suites(
    blobs: &Blobs,
    folder: &BlobUri,
    files: Vec<(String, BlobEntry)>,
) -> Vec<(String, Fetched)> {
    let mut bytes = 0u64;
    let mut plan = Vec::with_capacity(files.len());
    for (number, (path, entry)) in files.into_iter().enumerate() {
        bytes = bytes.saturating_add(entry.size);
        let refused = if number >= MAX_SUITES {
            Some(format!("not read: the build has more than {MAX_SUITES} files with results"))
        } else if entry.size > grid::junit::MAX_BYTES {
            Some(format!("too large: {} bytes > {} bytes max", entry.size, grid::junit::MAX_BYTES))
        } else if bytes > MAX_SUITE_BYTES {
            Some(format!("not read: the build has more than {MAX_SUITE_BYTES} bytes of results"))
        } else {
            None
        };
        plan.push((path, entry.key, refused));
    }
    let reads = stream::iter(plan).map(|(path, key, refused)| async move {
        let found = match refused {
            Some(reason) => (Found::Failed(reason), None),
            None => match BlobUri::new(folder.provider(), folder.bucket(), key) {
                Ok(uri) => fetch(blobs, &uri, grid::junit::MAX_BYTES).await,
                Err(error) => (Found::Failed(error.to_string()), None),
            },
        };
        (path, found)
    });
    reads.buffered(FILES_AT_ONCE).collect().await
}

/// A build as a column.
#[derive(Debug, Clone)]
pub struct ReadBuild {
    /// The build.
    pub build: BuildRef,
    /// Its column; of one that could not be read the column that says so.
    pub column: InflatedColumn,
    /// When it ended, in milliseconds since the epoch, if it says so.
    pub ended_ms: Option<i64>,
    /// Why it could not be read.
    pub error: Option<BuildError>,
    /// What the storage could not answer: the build should be read again.
    pub failure: Option<String>,
}

impl ReadBuild {
    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        self.column.cells.values().any(|cell| cell.status == TestStatus::Running)
    }

    /// When it began, in milliseconds since the epoch.
    pub fn started_ms(&self) -> i64 {
        // The cast saturates.
        self.column.column.started as i64
    }
}

/// Makes columns of a group's builds.
pub struct ColumnReader {
    blobs: Blobs,
    converter: Arc<Converter>,
    /// Builds that began before, in seconds since the epoch, are too old.
    stop: i64,
    now: i64,
    headers: usize,
    concurrency: usize,
    timeout: Option<Duration>,
    /// The last column that is no error, after which those of errors are dated.
    good: Option<Column>,
    failures: u32,
}

impl ColumnReader {
    /// A reader for a group, at `now` in seconds since the epoch, that reads `concurrency` builds at
    /// once. With `ignore_skip` the group's wish to leave out skipped tests is heard.
    ///
    /// # Errors
    /// The group's rows cannot be named.
    pub fn new(
        blobs: &Blobs,
        group: &TestGroup,
        concurrency: usize,
        now: i64,
        ignore_skip: bool,
    ) -> Result<ColumnReader, SourceError> {
        let converter = Converter::new(group, ignore_skip)
            .map_err(|source| SourceError::Naming { group: group.name.clone(), source })?;
        Ok(ColumnReader {
            blobs: blobs.clone(),
            converter: Arc::new(converter),
            stop: window_start(group, now),
            now,
            headers: group.column_header.len(),
            concurrency: concurrency.max(1),
            timeout: None,
            good: None,
            failures: 0,
        })
    }

    /// Reads builds of any age, not only those of the group's window.
    #[must_use]
    pub fn of_any_age(mut self) -> ColumnReader {
        self.stop = i64::MIN;
        self
    }

    /// Gives up a build after this time, as if the storage had failed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> ColumnReader {
        self.timeout = Some(timeout);
        self
    }

    /// Reads builds, which must come oldest first, in their order. It can go on with newer ones
    /// afterwards.
    pub async fn read(&mut self, builds: &[BuildRef]) -> Vec<ReadBuild> {
        let (blobs, stop, now) = (&self.blobs, self.stop, self.now);
        let (converter, timeout) = (&self.converter, self.timeout);
        let reads = stream::iter(builds.to_vec()).map(|build| {
            let converter = Arc::clone(converter);
            async move {
                let ReadFiles { files, failure } = read_within(blobs, &build, timeout).await;
                let path = files.path.clone();
                let made = tokio::task::spawn_blocking(move || {
                    let build: Build = build::read(files, stop)?;
                    let ended = build.finished.timestamp.filter(|ended| *ended > 0);
                    let ended_ms = ended.map(|ended| ended.saturating_mul(1_000));
                    Ok((converter.column(&build, now), ended_ms))
                });
                let made = made.await.unwrap_or_else(|error| {
                    let reason = format!("reading its results ended early: {error}");
                    Err(BuildError::Unreadable { path, reason })
                });
                (build, made, failure)
            }
        });
        let mut reads = std::pin::pin!(reads.buffered(self.concurrency));
        let mut columns = Vec::with_capacity(builds.len());
        while let Some((build, made, failure)) = reads.next().await {
            columns.push(match made {
                Ok((column, ended_ms)) => {
                    self.failures = 0;
                    self.good = Some(column.column.clone());
                    ReadBuild { build, column, ended_ms, error: None, failure }
                }
                Err(error) => {
                    self.failures += 1;
                    let good = self.good.as_ref();
                    let (id, headers) = (&build.id, self.headers);
                    let column = error_column(id, &error, good, self.failures, headers);
                    ReadBuild { build, column, ended_ms: None, error: Some(error), failure }
                }
            });
        }
        columns
    }
}

async fn read_within(blobs: &Blobs, build: &BuildRef, limit: Option<Duration>) -> ReadFiles {
    let Some(limit) = limit else { return read(blobs, build).await };
    match tokio::time::timeout(limit, read(blobs, build)).await {
        Ok(read) => read,
        Err(_) => {
            let reason = format!("its files were not read within {} s", limit.as_secs());
            let started = Found::Failed(reason.clone());
            let files = BuildFiles { path: build.object(), started, ..BuildFiles::default() };
            ReadFiles { files, failure: Some(reason) }
        }
    }
}
