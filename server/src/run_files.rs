//! Which files a run left: its folder's listing, for pages that do not wait long for it.

use std::sync::Arc;
use std::time::Duration;

use blob::{BlobEntry, BlobUri, Blobs};
use clock::SharedClock;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use moka::sync::Cache;

/// Files of one run that are looked at; there are runs with more than fifty thousand.
pub const LISTED: usize = 20_000;
/// How long a page waits for a bucket. What has not come by then is said to be missing.
pub const PATIENCE: Duration = Duration::from_millis(450);
/// How long a listing is used again that took longer than a page waits.
const SLOW_KEPT: Duration = Duration::from_secs(60);
/// Listings that are kept or on their way.
const KEPT: u64 = 64;

/// The files of a run.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order of their names, which are the paths below the run's folder.
    pub files: Vec<ListedFile>,
    /// Whether there are more.
    pub cut: bool,
    /// Why there may be more that nobody knows, as a sentence: the bucket failed on the way.
    pub problem: Option<String>,
}

/// A file of a run.
#[derive(Clone, Debug)]
pub struct ListedFile {
    /// Its path below the run's folder.
    pub name: String,
    /// What the bucket says about it.
    pub entry: BlobEntry,
}

type Coming = Shared<BoxFuture<'static, Arc<Listed>>>;

/// Lists the folders of runs. Who asks while a listing is on its way waits for the same one.
pub struct RunFiles {
    blobs: Blobs,
    clock: SharedClock,
    coming: Cache<String, Coming>,
}

impl RunFiles {
    /// Of runs in these buckets.
    pub fn new(blobs: Blobs, clock: SharedClock) -> RunFiles {
        let coming = Cache::builder().max_capacity(KEPT).time_to_live(SLOW_KEPT).build();
        RunFiles { blobs, clock, coming }
    }

    /// The files in a run's folder; nothing if the bucket takes longer than a page waits. The listing
    /// goes on then, for the next time.
    pub async fn of(&self, folder: &BlobUri) -> Option<Arc<Listed>> {
        let key = folder.to_string();
        let coming = self.coming.get_with_by_ref(&key, || {
            let task = tokio::spawn(list(self.blobs.clone(), folder.clone()));
            async move { task.await.map(Arc::new).unwrap_or_default() }.boxed().shared()
        });
        let listed = within(&self.clock, coming).await?;
        // What comes quickly is asked for again each time, so that it is never old.
        self.coming.invalidate(&key);
        Some(listed)
    }
}

/// What the work comes to, or nothing if it takes longer than a page waits.
pub async fn within<T>(clock: &SharedClock, work: impl Future<Output = T>) -> Option<T> {
    until(clock.sleep(PATIENCE), work).await
}

/// What the work comes to, or nothing if the patience ends before.
pub async fn until<T>(
    patience: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = patience => None,
    }
}

async fn list(blobs: Blobs, folder: BlobUri) -> Listed {
    let mut listed = Listed::default();
    let mut after = String::new();
    let prefix = format!("{}/", folder.key().trim_end_matches('/'));
    loop {
        let page = match blobs.list(&folder, &after, LISTED).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return listed,
            Err(error) => {
                tracing::warn!("the files of {folder} could not be listed: {error}");
                let problem = format!("The files in {folder} could not be listed: {error}.");
                return Listed { problem: Some(problem), ..listed };
            }
        };
        for entry in page.entries {
            let Some(name) = entry.key.strip_prefix(&prefix) else { continue };
            if name.is_empty() {
                // Some tools make an empty object of the folder's own name.
                continue;
            }
            if listed.files.len() == LISTED {
                return Listed { cut: true, ..listed };
            }
            listed.files.push(ListedFile { name: name.to_owned(), entry });
        }
        match page.next {
            Some(next) => after = next,
            None => return listed,
        }
    }
}
