//! What the pages know of the past of a job and of a pull request.
//!
//! The run table and the run history are the index. What a bucket has besides (runs of another
//! installation, runs from before this one) is listed and read near the place that a page shows, put
//! into the history where it is complete, and kept for a moment where it is not. A page waits only a
//! little for that; the work goes on, so that the page has it the next time.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use blob::{BlobError, BlobUri, Blobs};
use clock::SharedClock;
use config_load::LiveConfig;
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt, Shared};
use go_compat::time::Timestamp;
use moka::future::Cache;
use store::RunStore;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::run_files::{PATIENCE, until};
use crate::runs::history::row_of;
use crate::testgrid::source::follow;
use listing::Window;
use root::JobRoot;
use stored::{PullOf, StoredRun};

pub mod chart;
pub mod commits;
pub mod differences;
pub mod listing;
pub mod periods;
pub mod pull;
pub mod root;
pub mod stored;

/// How long a bucket may take for what a page did not wait for.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a listing, or what a folder says of a run that is not over, is taken for true.
const KEPT_FOR: Duration = Duration::from_secs(20);
/// Listings that are kept.
const KEPT_LISTINGS: u64 = 1_000;
/// Runs of folders that are kept.
const KEPT_RUNS: u64 = 10_000;
/// Drawings that are kept; one has about 20 kB.
const KEPT_DRAWINGS: u64 = 400;
/// Runs of one page that are read at once.
const AT_ONCE: usize = 16;
/// Listings and runs that are read at once for all pages.
const ALL_AT_ONCE: usize = 128;

/// Ends when a page has waited long enough.
pub type Patience = Shared<BoxFuture<'static, ()>>;

/// The patience of a page that begins now.
pub fn patience(clock: &SharedClock) -> Patience {
    let clock = clock.clone();
    async move { clock.sleep(PATIENCE).await }.boxed().shared()
}

/// Where a run is told to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its folder, or the text that names it.
    pub uri: BlobUri,
    /// It is the text.
    pub is_link: bool,
    /// Its pull request, where that is known.
    pub of: Option<PullOf>,
}

/// What was found at a place.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The run's folder, unless a link names none.
    pub folder: Option<BlobUri>,
    /// The run, if the folder has documents of one.
    pub run: Option<StoredRun>,
    /// Why there is none, or what is missing of it, as a sentence.
    pub note: String,
}

impl Found {
    /// Whether the bucket could not be asked, so that there may be a run all the same.
    pub fn is_unread(&self) -> bool {
        self.folder.is_none() && self.run.is_none()
    }
}

/// The histories of a process.
pub struct Histories {
    blobs: Blobs,
    runs: Option<Arc<dyn RunStore>>,
    config: Option<LiveConfig>,
    windows: Cache<(String, Option<u64>, usize), Arc<Window>>,
    pulls: Cache<String, Arc<Vec<BlobUri>>>,
    found: Cache<String, Arc<Found>>,
    drawings: moka::sync::Cache<u64, Arc<str>>,
    turns: Semaphore,
}

impl Histories {
    /// Of runs in these buckets; what is read is put into the run history, if there is one. The
    /// configuration tells which of them are hidden whose files do not.
    pub fn new(
        blobs: Blobs,
        runs: Option<Arc<dyn RunStore>>,
        config: Option<LiveConfig>,
    ) -> Arc<Histories> {
        Arc::new(Histories {
            blobs,
            runs,
            config,
            windows: Cache::builder().max_capacity(KEPT_LISTINGS).time_to_live(KEPT_FOR).build(),
            pulls: Cache::builder().max_capacity(KEPT_LISTINGS).time_to_live(KEPT_FOR).build(),
            found: Cache::builder().max_capacity(KEPT_RUNS).time_to_live(KEPT_FOR).build(),
            drawings: moka::sync::Cache::new(KEPT_DRAWINGS),
            turns: Semaphore::new(ALL_AT_ONCE),
        })
    }

    /// The builds that a bucket has around a place; see [`listing::window`].
    ///
    /// # Errors
    /// A sentence for the page: the bucket failed, or has not answered in time.
    pub async fn window(
        self: &Arc<Self>,
        root: &JobRoot,
        top: Option<u64>,
        want: usize,
        now: Timestamp,
        patience: &Patience,
    ) -> Result<Arc<Window>, String> {
        let key = (root.uri.to_string(), top, want);
        let (this, place) = (self.clone(), root.clone());
        let listed = async move {
            let listing = async {
                let found = this.in_turn(listing::window(&this.blobs, &place, top, want, now));
                found.await?.map(Arc::new).map_err(|error| error.to_string())
            };
            this.windows.try_get_with(key, listing).await
        };
        waited_for(listed, patience, &root.uri).await
    }

    /// The folders of the runs of a pull request below these folders; see [`pull::folders`].
    ///
    /// # Errors
    /// As [`Histories::window`].
    pub async fn pull(
        self: &Arc<Self>,
        folder: &BlobUri,
        patience: &Patience,
    ) -> Result<Arc<Vec<BlobUri>>, String> {
        let (this, place) = (self.clone(), folder.clone());
        let listed = async move {
            let listing = async {
                let found = this.in_turn(pull::folders(&this.blobs, &place));
                found.await?.map(Arc::new).map_err(|error| error.to_string())
            };
            this.pulls.try_get_with(place.to_string(), listing).await
        };
        waited_for(listed, patience, folder).await
    }

    /// What is at these places, by the place's address, as far as it is known in time. The rest is
    /// read all the same.
    ///
    /// # Errors
    /// A sentence for each place that could not be read stands in its [`Found::note`].
    pub async fn read(
        self: &Arc<Self>,
        places: Vec<Place>,
        patience: &Patience,
    ) -> HashMap<String, Arc<Found>> {
        let names: Vec<String> = places.iter().map(|place| place.uri.to_string()).collect();
        let this = self.clone();
        let task = tokio::spawn(async move {
            let reading: Vec<_> = places.into_iter().map(|place| this.one(place)).collect();
            let reading = futures::stream::iter(reading).buffer_unordered(AT_ONCE);
            reading.collect::<HashMap<_, _>>().await
        });
        if let Some(Ok(found)) = until(patience.clone(), task).await {
            return found;
        }
        let mut found = HashMap::new();
        for name in names {
            if let Some(known) = self.found.get(&name).await {
                found.insert(name, known);
            }
        }
        found
    }

    /// The run in a folder; what is complete is put into the run history for the next time.
    ///
    /// # Errors
    /// The bucket does not answer.
    pub async fn run_in(&self, folder: &BlobUri) -> Result<Arc<Found>, Arc<BlobError>> {
        let place = Place { uri: folder.clone(), is_link: false, of: None };
        self.found.try_get_with(folder.to_string(), self.look(&place)).await
    }

    async fn one(&self, place: Place) -> (String, Arc<Found>) {
        let name = place.uri.to_string();
        let looked = async {
            let found = self.in_turn(self.look(&place));
            found.await.map(|found| found.map_err(|error| error.to_string()))
        };
        let kept = self.found.try_get_with(name.clone(), async { looked.await? }).await;
        let found = kept.unwrap_or_else(|why| {
            let note = format!("What lies at {name} could not be read: {why}.");
            Arc::new(Found { note, ..Found::default() })
        });
        (name, found)
    }

    async fn look(&self, place: &Place) -> Result<Arc<Found>, BlobError> {
        let folder = match place.is_link {
            false => place.uri.clone(),
            true => match follow(&self.blobs, &place.uri).await? {
                Some(target) => {
                    let key = target.key().trim_end_matches('/');
                    BlobUri::new(target.provider(), target.bucket(), key)?
                }
                None => {
                    let note = format!("{} names no folder of its bucket.", place.uri);
                    return Ok(Arc::new(Found { note, ..Found::default() }));
                }
            },
        };
        let Some(mut run) = stored::read(&self.blobs, &folder, place.of.clone()).await? else {
            let note = format!(
                "There is no started.json in {folder}: the run did not begin, or \
                                its files have expired."
            );
            return Ok(Arc::new(Found { folder: Some(folder), run: None, note }));
        };
        if let Some(config) = &self.config {
            stored::configured(&mut run.job, &config.get().jobs);
        }
        let is_kept = run.over && self.remember(&mut run, &folder).await;
        if !is_kept {
            // Where nobody knows its ProwJob its folder is its name.
            run.job.metadata.name = folder.to_string();
        }
        let note = run.note.clone();
        Ok(Arc::new(Found { folder: Some(folder), run: Some(run), note }))
    }

    /// Puts a complete run into the run history; whether it is there.
    async fn remember(&self, run: &mut StoredRun, folder: &BlobUri) -> bool {
        let Some(runs) = &self.runs else { return false };
        let folder = folder.to_string();
        let mut row = row_of(&run.job, &folder);
        // A file in a bucket does not take the place of another run.
        let is_others = match runs.get(&row.id).await {
            Ok(known) => known.is_some_and(|known| known.run_dir != folder),
            Err(_) => return false,
        };
        if is_others {
            (run.job.metadata.name, row.id) = (folder.clone(), folder);
        }
        match runs.upsert(vec![row]).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!("a run found in the bucket was not put into the history: {error}");
                false
            }
        }
    }

    /// A drawing of what has this hash; made once.
    pub fn drawing(&self, of: &impl Hash, draw: impl FnOnce() -> String) -> Arc<str> {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        self.drawings.get_with(hasher.finish(), || draw().into())
    }

    /// Waits for a turn, so that a slow bucket does not gather work without end.
    async fn in_turn<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        let whole = async {
            let _turn = self.turns.acquire().await;
            work.await
        };
        let late = |_| format!("it took longer than {} seconds", LONGEST.as_secs());
        timeout(LONGEST, whole).await.map_err(late)
    }
}

/// What comes of work that goes on when nobody waits for it any more.
async fn waited_for<T: Send + 'static>(
    work: impl Future<Output = Result<T, Arc<String>>> + Send + 'static,
    patience: &Patience,
    place: &BlobUri,
) -> Result<T, String> {
    match until(patience.clone(), tokio::spawn(work)).await {
        Some(Ok(Ok(found))) => Ok(found),
        Some(Ok(Err(why))) => Err(format!(
            "The bucket could not be asked for runs in {place}: {why}. Runs that only the bucket has are missing."
        )),
        Some(Err(_)) => Err(format!(
            "Something failed on the server while it listed {place}; its log says what. Runs that only the bucket has are missing."
        )),
        None => Err(format!(
            "The bucket has not told yet which runs are in {place}. Runs that only the bucket has are missing; reload the page in a moment."
        )),
    }
}

#[cfg(test)]
mod tests {
    use blob::BlobConfig;

    use super::*;

    fn root() -> JobRoot {
        JobRoot::new(BlobUri::parse("gs://away/logs/job").unwrap())
    }

    fn away(endpoint: String) -> Arc<Histories> {
        let blobs = Blobs::new(BlobConfig {
            gcs_anonymous: true,
            gcs_endpoint: Some(endpoint),
            ..BlobConfig::default()
        });
        Histories::new(blobs, None, None)
    }

    #[tokio::test]
    async fn a_page_does_not_wait_for_a_bucket_that_says_nothing() {
        // Connections are taken by the system, and nobody answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let histories = away(format!("http://{}", silent.local_addr().unwrap()));
        let soon = futures::future::ready(()).boxed().shared();
        let now = Timestamp::from_seconds(1_795_219_200);
        let why = histories.window(&root(), None, 20, now, &soon).await.unwrap_err();
        assert!(why.contains("gs://away/logs/job") && why.contains("reload"), "{why}");
        let place = Place { uri: root().folder(7).unwrap(), is_link: false, of: None };
        assert!(histories.read(vec![place], &soon).await.is_empty());
    }

    #[tokio::test]
    async fn a_bucket_that_fails_is_told_and_asked_again_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let local_buckets = [("away".to_owned(), folder.path().join("bucket"))].into();
        let blobs = Blobs::new(BlobConfig { local_buckets, ..BlobConfig::default() });
        let histories = Histories::new(blobs, None, None);
        // A link out of the bucket is refused.
        let job = folder.path().join("bucket/logs/job");
        std::fs::create_dir_all(job.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/etc", &job).unwrap();
        let now = Timestamp::from_seconds(1_795_219_200);
        let later = futures::future::pending().boxed().shared();
        let why = histories.window(&root(), None, 20, now, &later).await.unwrap_err();
        assert!(why.contains("could not be asked"), "{why}");
        std::fs::remove_file(&job).unwrap();
        std::fs::create_dir_all(job.join("7")).unwrap();
        let found = histories.window(&root(), None, 20, now, &later).await.unwrap();
        assert_eq!(found.below, [7], "an error is not kept");
        // An empty folder is a run of which nothing is known.
        let place = Place { uri: root().folder(7).unwrap(), is_link: false, of: None };
        let found = histories.read(vec![place], &later).await;
        let found = &found["gs://away/logs/job/7"];
        assert!(found.run.is_none() && found.note.contains("no started.json"), "{}", found.note);
    }
}
