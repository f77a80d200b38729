//! What the tests of this crate share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use blob::{BlobConfig, BlobUri, Blobs};
use clock::{Clock, SettableClock};
use go_compat::Timestamp;
use job_spec::options::GcsUploadOptions;
use job_spec::{JobSpec, JobType};
use tempfile::TempDir;

use crate::Context;

/// The moment at which every test begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_219_200);

/// A folder with a bucket, a place for logs, and a clock that the test moves.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: SettableClock,
    pub(crate) context: Context,
}

impl World {
    pub(crate) fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = SettableClock::new(START);
        let blobs =
            BlobConfig { local_root: Some(folder.path().join("buckets")), ..BlobConfig::default() };
        let context = Context { clock: clock.shared(), blobs };
        World { folder, clock, context }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn text(&self, below: &str) -> String {
        self.path(below).to_string_lossy().into_owned()
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Options that upload `items` to `file://ci`.
    pub(crate) fn upload_options(&self, items: &[&str]) -> GcsUploadOptions {
        let mut options = GcsUploadOptions {
            items: items.iter().map(|item| self.text(item)).collect(),
            ..GcsUploadOptions::default()
        };
        options.gcs.bucket = "file://ci".to_owned();
        options.gcs.path_strategy = "explicit".to_owned();
        options
    }

    /// An object of the bucket as text; `None` if it is not there.
    pub(crate) async fn object(&self, key: &str) -> Option<String> {
        let blobs = Blobs::new(self.context.blobs.clone());
        let uri = BlobUri::parse("file://ci").unwrap().join(key).unwrap();
        let bytes = blobs.read(&uri, 1 << 20).await.ok()?;
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// The keys of all objects.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let blobs = Blobs::new(self.context.blobs.clone());
        let listing = blobs.list(&BlobUri::parse("file://ci").unwrap(), "", 1000).await.unwrap();
        listing.entries.into_iter().map(|entry| entry.key).collect()
    }

    /// Runs `work` while time flies: whenever it waits, the clock moves on to the next deadline.
    pub(crate) async fn in_a_hurry<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => {
                    // Programs that are waited for need the processor more than this loop.
                    std::thread::yield_now();
                    if let Some(deadline) = self.clock.next_deadline() {
                        self.clock.set(deadline.max(self.clock.now()));
                    }
                }
            }
        }
    }

    /// Waits, without moving the clock, until somebody sleeps on it for `duration`.
    pub(crate) async fn until_somebody_waits(&self, duration: Duration) {
        let deadline = self.clock.now().saturating_add(duration);
        while self.clock.next_deadline() != Some(deadline) {
            tokio::task::yield_now().await;
        }
    }
}

/// The run of a periodic.
pub(crate) fn periodic(build_id: &str) -> JobSpec {
    JobSpec {
        job_type: JobType::Periodic,
        job: "ci-job".to_owned(),
        build_id: build_id.to_owned(),
        prow_job_id: "6ac11af0-7ee6-11e9-9e0b-0a580a280102".to_owned(),
        ..JobSpec::default()
    }
}

/// All files below a folder, relative to it, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let below = entry.path().strip_prefix(folder).unwrap().to_owned();
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
