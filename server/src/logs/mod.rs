//! The logs of runs: lines of any part of a log of any size, while it is
//! written and after.
//!
//! While a run goes on its log is the container's; afterwards it is
//! `build-log.txt` in the bucket, or the container's as long as the Pod is
//! there. A stored log is streamed over once, which finds its lines, its parts
//! and its errors; what was found is kept in the store. After that a page reads
//! only the bytes that it shows. Until all of a log was read it is shown like
//! one that still grows, so that nobody waits for a slow bucket.

mod file_search;
mod known;

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use app::model::{LogFold, LogHead, LogLine, LogLines, LogRange, LogSpan};
use artifacts::log::folds::Fold;
use artifacts::log::search::{Found, LinePattern, Search};
use artifacts::log::{Line, LineReader, stretches, time_of};
use blob::{BlobMeta, BlobUri, Blobs, StoredFile};
use bytes::Bytes;
use clock::SharedClock;
use cluster::{Cluster, ClusterError, LogOptions};
use futures::{StreamExt, TryStreamExt};
use go_compat::Timestamp;
use moka::sync::Cache;
use store::LogIndexStore;
use tokio::sync::mpsc;

use crate::run_files::within;
use crate::runs::run::Run;
use file_search::{Learned, search_file};
use known::{AHEAD, KEPT_ERRORS, Known, Missing, Progress};

/// Line indexes that are kept in memory; one of a log of 1 GB takes about a megabyte.
const KEPT_INDEXES: u64 = 256;
/// An index that nobody used for this long is dropped.
const KEPT_FOR: Duration = Duration::from_secs(30 * 60);
/// The index of a smaller log is made anew rather than stored.
const STORED_FROM_BYTES: u64 = 64 * 1024;
/// A packed log is unpacked up to this size: a few megabytes can unpack to any size.
const MAX_UNPACKED: u64 = 4 << 30;
/// More lines are not given at once.
pub const MAX_LINES: u64 = 5_000;
/// Lines in front of the first error where that is wanted.
const BEFORE_ERROR: u64 = 100;
/// A log of which one part in so many was read while a page waited for it is waited for a second time.
const COMES_ALONG: u64 = 8;
/// Lines between two ranges that are read with them rather than asked for apart.
const READ_BETWEEN: u64 = 1_000;
/// Ranges of a log that are read at the same time.
const READ_AT_ONCE: usize = 8;
/// Files of a run's folder that are looked through for a container's log.
const LISTED: usize = 1_000;
/// The container whose log is the run's when the Pod names none other.
const TEST_CONTAINER: &str = "test";
/// The container that uploads; its output is not the run's log.
const SIDECAR: &str = "sidecar";

/// Where a log can be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// An object in a bucket, complete.
    Stored(Stored),
    /// A container of a Pod.
    Pod { cluster: String, pod: String, container: String },
}

/// One content of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stored {
    uri: BlobUri,
    version: String,
    /// As it is stored.
    size: u64,
    is_packed: bool,
}

impl Stored {
    fn new(uri: BlobUri, meta: &BlobMeta) -> Stored {
        let (version, size) = (meta.version.clone(), meta.size);
        Stored { uri, version, size, is_packed: meta.is_gzip() }
    }
}

/// Why a log cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is none, with the reason in a sentence.
    #[error("{0}")]
    None(String),
    /// The storage or the cluster did not answer.
    #[error("the log could not be read")]
    Unavailable(#[source] anyhow::Error),
}

/// Bytes of a log.
pub type ByteStream = futures::stream::BoxStream<'static, Result<Bytes, LogError>>;

/// Reads logs and remembers where their lines are. Clones share what they remember.
#[derive(Clone)]
pub struct Logs {
    blobs: Blobs,
    cluster: Arc<dyn Cluster>,
    clock: SharedClock,
    /// Where indexes are kept over a restart.
    store: Option<Arc<dyn LogIndexStore>>,
    indexes: Cache<Place, Arc<Known>>,
    /// What makes a search of a log quick.
    learned: Cache<Stored, Arc<OnceLock<Learned>>>,
}

impl Logs {
    /// Logs in these places.
    pub fn new(
        blobs: Blobs,
        cluster: Arc<dyn Cluster>,
        clock: SharedClock,
        store: Option<Arc<dyn LogIndexStore>>,
    ) -> Self {
        let indexes = Cache::builder().max_capacity(KEPT_INDEXES).time_to_idle(KEPT_FOR).build();
        let learned = Cache::builder().max_capacity(KEPT_INDEXES).time_to_idle(KEPT_FOR).build();
        Self { blobs, cluster, clock, store, indexes, learned }
    }

    /// Size as it is now; the packed one of a packed log that nobody has read yet. A stored log is not
    /// read for it.
    pub async fn head(
        &self,
        run: &Run,
        highlights: &Arc<LinePattern>,
    ) -> Result<LogHead, LogError> {
        let place = self.place(run).await?;
        match &place {
            Place::Stored(object) => {
                let known = self.indexes.get(&place).map(|known| known.progress());
                let size_bytes =
                    known.filter(|known| known.done).map_or(object.size, |known| known.size);
                Ok(LogHead { size_bytes, complete: true })
            }
            Place::Pod { .. } => {
                let size_bytes = self.known(&place, run, highlights).await?.progress().size;
                Ok(LogHead { size_bytes, complete: run.completed.is_some() })
            }
        }
    }

    /// A range of lines as they are now.
    /// Those that look like errors, by `highlights`, are marked.
    pub async fn lines(
        &self,
        run: &Run,
        range: LogRange,
        highlights: &Arc<LinePattern>,
    ) -> Result<LogLines, LogError> {
        let place = self.place(run).await?;
        let known = self.known(&place, run, highlights).await?;
        if let (Place::Stored(object), LogRange::FirstError(count)) = (&place, range) {
            self.await_first_error(object, &known, count).await?;
        }
        let (size, total) = known.size_and_lines();
        let all = |range: Range<u64>| -> Vec<Range<u64>> {
            std::iter::once(range.start.min(total)..range.end.min(total)).collect()
        };
        let ranges = match range {
            LogRange::From { line, count } => all(line..line.saturating_add(count.min(MAX_LINES))),
            LogRange::Last(count) => all(total.saturating_sub(count.min(MAX_LINES))..total),
            LogRange::FirstError(count) => {
                let first = match &place {
                    Place::Stored(_) => known.first_error(),
                    Place::Pod { .. } => {
                        self.search_in(&place, highlights, 1, true).await?.lines.first().copied()
                    }
                };
                let count = count.min(MAX_LINES);
                match first {
                    Some(error) => {
                        let first = error.saturating_sub(BEFORE_ERROR);
                        all(first..first + count)
                    }
                    None => all(total.saturating_sub(count)..total),
                }
            }
            LogRange::Errors { line, count } => {
                let errors = self.errors_in(&place, &known, highlights).await?;
                shown(total, &errors.lines, line, count.min(MAX_LINES))
            }
        };
        let together = together(&ranges);
        let readers =
            together.iter().map(|range| known.reader(range.start, range.end - range.start));
        let mut lines = self.read(&place, readers.collect()).await?;
        lines.retain(|line| ranges.iter().any(|range| range.contains(&line.number)));
        let near = near(run, &self.clock);
        let progress = known.progress();
        Ok(LogLines {
            first_line: ranges.first().map_or(total, |range| range.start),
            lines: lines.into_iter().map(|l| line(l, highlights, near)).collect(),
            total_lines: total,
            size_bytes: size,
            complete: match &place {
                Place::Stored(_) => progress.done,
                Place::Pod { .. } => run.completed.is_some(),
            },
            note: match &place {
                Place::Stored(object) if object.is_packed && size >= MAX_UNPACKED => format!(
                    "The log is stored packed and unpacks to more than {} GiB; what is behind that \
                     is not shown.",
                    MAX_UNPACKED >> 30
                ),
                _ => String::new(),
            },
        })
    }

    /// The parts that the log divides itself into, as they are now.
    pub async fn folds(
        &self,
        run: &Run,
        highlights: &Arc<LinePattern>,
    ) -> Result<Vec<LogFold>, LogError> {
        let place = self.place(run).await?;
        let known = self.known(&place, run, highlights).await?;
        Ok(known.folds().into_iter().map(fold).collect())
    }

    /// The lines that match a pattern; the numbers of the first `keep` of them.
    pub async fn search(
        &self,
        run: &Run,
        pattern: &LinePattern,
        keep: usize,
    ) -> Result<Found, LogError> {
        let place = self.place(run).await?;
        if let Place::Stored(object) = &place
            && !object.is_packed
            && let Some(file) = self.blobs.file(&object.uri).await.map_err(unavailable)?
        {
            let known = self.learned_of(object, &file);
            return search_file(file, pattern, keep, known).await;
        }
        self.search_in(&place, pattern, keep, false).await
    }

    /// The lines that look like errors, by `highlights`; the numbers of the first of them.
    pub async fn errors(
        &self,
        run: &Run,
        highlights: &Arc<LinePattern>,
    ) -> Result<Found, LogError> {
        let place = self.place(run).await?;
        let known = self.known(&place, run, highlights).await?;
        self.errors_in(&place, &known, highlights).await
    }

    async fn errors_in(
        &self,
        place: &Place,
        known: &Known,
        highlights: &LinePattern,
    ) -> Result<Found, LogError> {
        match place {
            Place::Stored(_) => Ok(known.errors()),
            Place::Pod { .. } => self.search_in(place, highlights, KEPT_ERRORS, false).await,
        }
    }

    /// With `stop` the search ends as soon as it has `keep` lines.
    async fn search_in(
        &self,
        place: &Place,
        pattern: &LinePattern,
        keep: usize,
        stop: bool,
    ) -> Result<Found, LogError> {
        let mut pieces = ahead(self.content(place).await?);
        let mut search = Search::new(pattern, keep);
        while let Some(piece) = pieces.recv().await {
            search.push(&piece?);
            if stop && search.so_far().lines.len() >= keep {
                return Ok(search.so_far().clone());
            }
            // A piece takes less than a millisecond; other requests go on between them.
            tokio::task::yield_now().await;
        }
        Ok(search.finish())
    }

    /// The whole log as it is; `container` picks another one than the test's.
    pub async fn raw(&self, run: &Run, container: Option<&str>) -> Result<ByteStream, LogError> {
        let mut place = self.place(run).await?;
        if let (Place::Pod { container: chosen, .. }, Some(container)) = (&mut place, container) {
            *chosen = container.to_owned();
        }
        match &place {
            Place::Stored(object) => {
                let (_, stream) = self.blobs.open(&object.uri).await.map_err(unavailable)?;
                Ok(stream.map_err(unavailable).boxed())
            }
            Place::Pod { .. } => self.content(&place).await,
        }
    }

    /// Waits until more of the log than `size` bytes is known or can be read, or it has ended.
    pub async fn grown(&self, run: &Run, size: u64) -> Result<(), LogError> {
        let place = self.place(run).await?;
        let Place::Pod { cluster, pod, container } = &place else {
            if let Some(known) = self.indexes.get(&place) {
                let mut progress = known.follow();
                let moved = progress
                    .wait_for(|now| now.size > size || now.done || now.failed.is_some())
                    .await;
                moved.map_err(unavailable)?;
            }
            return Ok(());
        };
        let options = LogOptions { follow: true, since_bytes: size, tail_bytes: None };
        let pods = self.cluster.pods(cluster).map_err(unavailable)?;
        let mut stream = match pods.logs(pod, container, &options).await {
            Ok(stream) => stream,
            // The Pod went: the stored log is the next to read.
            Err(ClusterError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(unavailable(error)),
        };
        stream.try_next().await.map_err(unavailable)?;
        Ok(())
    }

    /// Where the log of a run is now.
    async fn place(&self, run: &Run) -> Result<Place, LogError> {
        let stored = match (&run.artifacts, run.completed) {
            (Some(folder), Some(_)) => self.stored(folder).await?,
            _ => None,
        };
        if let Some(object) = stored {
            return Ok(Place::Stored(object));
        }
        if let Some(place) = self.in_pod(run).await? {
            return Ok(place);
        }
        // Uploaded, but the ProwJob does not say yet that it ended.
        if let Some(folder) = &run.artifacts
            && let Some(object) = self.stored(folder).await?
        {
            return Ok(Place::Stored(object));
        }
        Err(LogError::None(
            match (run.completed.is_some(), run.artifacts.is_some()) {
                (false, _) => "There is no log yet: the run has not started to write one.",
                (true, true) => {
                    "The run left no log in the bucket, and its Pod is gone. It ended before its \
                     container started, or the log could not be uploaded."
                }
                (true, false) => "The run stored nothing, and its Pod is gone.",
            }
            .to_owned(),
        ))
    }

    /// `build-log.txt`, or the first container's where there are several.
    async fn stored(&self, folder: &str) -> Result<Option<Stored>, LogError> {
        let folder = BlobUri::parse(folder).map_err(unavailable)?;
        let only = folder.join("build-log.txt").map_err(unavailable)?;
        match self.blobs.head(&only).await {
            Ok(meta) => return Ok(Some(Stored::new(only, &meta))),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(unavailable(error)),
        }
        let listing = match self.blobs.list_dir(&folder, "", LISTED).await {
            Ok(listing) => listing,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let first = listing.entries.iter().find_map(|entry| {
            let name = entry.key.rsplit('/').next().unwrap_or_default();
            name.ends_with("-build-log.txt").then(|| name.to_owned())
        });
        let Some(name) = first else { return Ok(None) };
        let uri = folder.join(&name).map_err(unavailable)?;
        match self.blobs.head(&uri).await {
            Ok(meta) => Ok(Some(Stored::new(uri, &meta))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn in_pod(&self, run: &Run) -> Result<Option<Place>, LogError> {
        let Some(job) = &run.live else { return Ok(None) };
        if job.status.pod_name.is_empty() {
            return Ok(None);
        }
        let pods = self.cluster.pods(&run.cluster).map_err(unavailable)?;
        let pod = match pods.get(&job.status.pod_name).await {
            Ok(pod) => pod,
            Err(ClusterError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let names: Vec<String> =
            pod.spec.containers().iter().map(|container| container.name.clone()).collect();
        let container = names
            .iter()
            .find(|name| *name == TEST_CONTAINER)
            .or_else(|| names.iter().find(|name| *name != SIDECAR));
        Ok(container.map(|container| Place::Pod {
            cluster: run.cluster.to_string(),
            pod: job.status.pod_name.clone(),
            container: container.clone(),
        }))
    }

    /// What is known of a log: of a stored one all, unless it takes long to read it for the first time;
    /// of a Pod's what it has written up to now.
    async fn known(
        &self,
        place: &Place,
        run: &Run,
        highlights: &Arc<LinePattern>,
    ) -> Result<Arc<Known>, LogError> {
        let near = near(run, &self.clock);
        // Expressions that were configured anew find other errors.
        if self.indexes.get(place).is_some_and(|known| !known.is_of(highlights)) {
            self.indexes.invalidate(place);
        }
        let known = self.indexes.get_with(place.clone(), || {
            let known = Arc::new(Known::new(near, highlights));
            if let Place::Stored(object) = place {
                // It goes on when whoever asked has gone: the next one finds it further.
                tokio::spawn(self.clone().fill(object.clone(), known.clone()));
            }
            known
        });
        match place {
            Place::Stored(_) => {
                let mut progress = known.follow();
                let ended = async {
                    progress.wait_for(|now| now.done || now.failed.is_some()).await.map(drop)
                };
                within(&self.clock, ended).await.transpose().map_err(unavailable)?;
                if let Some(why) = known.progress().failed {
                    self.indexes.invalidate(place);
                    return Err(unavailable(anyhow::anyhow!(why)));
                }
            }
            Place::Pod { .. } => {
                let _growing = known.growing.lock().await;
                let from = known.size_and_lines().0;
                let mut bytes = self.range(place, from, u64::MAX).await?;
                while let Some(piece) = bytes.try_next().await? {
                    known.push_lines(&piece);
                }
            }
        }
        Ok(known)
    }

    /// Waits once more for a log that comes along well, until the lines around its first error are
    /// known: whoever opens it wants to see these, and its end may be far.
    async fn await_first_error(
        &self,
        object: &Stored,
        known: &Known,
        count: u64,
    ) -> Result<(), LogError> {
        let mut progress = known.follow();
        if progress.borrow().size.saturating_mul(COMES_ALONG) < object.size {
            return Ok(());
        }
        let is_enough = |now: &Progress| {
            let behind = known.first_error().map(|error| error.saturating_add(count));
            now.done
                || now.failed.is_some()
                || behind.is_some_and(|line| known.size_and_lines().1 >= line)
        };
        let moved = async { progress.wait_for(is_enough).await.map(drop) };
        within(&self.clock, moved).await.transpose().map_err(unavailable)?;
        Ok(())
    }

    /// Fills what is to be known of a stored log, from the store or else from the bucket.
    async fn fill(self, object: Stored, known: Arc<Known>) {
        let filled = known.clone();
        // A task of its own: should it panic, those who wait are told so.
        let (logs, read) = (self.clone(), object.clone());
        let work = tokio::spawn(async move { logs.try_fill(&read, &filled).await });
        match work.await.map_err(unavailable).flatten() {
            Ok(()) => {
                known.end();
                self.learn(&object).await;
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                known.fail(cause.unwrap_or_else(|| error.to_string()));
            }
        }
    }

    /// Learns what makes searches quick, before somebody searches.
    async fn learn(&self, object: &Stored) {
        if object.is_packed || object.size < STORED_FROM_BYTES {
            return;
        }
        // Whoever searches is told what is wrong with the file.
        let Ok(Some(file)) = self.blobs.file(&object.uri).await else { return };
        let known = self.learned_of(object, &file);
        if known.get().is_none() {
            let _ = search_file(file, &LinePattern::default(), 0, known).await;
        }
    }

    /// What searches learn of a file that was opened; another content of the object may be there by now.
    fn learned_of(&self, object: &Stored, file: &StoredFile) -> Arc<OnceLock<Learned>> {
        let stored = Stored::new(object.uri.clone(), file.meta());
        self.learned.get_with(stored, Arc::default)
    }

    async fn try_fill(&self, object: &Stored, known: &Arc<Known>) -> Result<(), LogError> {
        let uri = object.uri.to_string();
        let stored = match &self.store {
            Some(store) => store.get(&uri).await.unwrap_or_else(|error| {
                tracing::warn!("the index of a log could not be read from the store: {error}");
                None
            }),
            None => None,
        };
        let same = stored.filter(|row| row.version == object.version);
        let missing = same.map_or(Missing::ALL, |row| known.load(&row));
        if !missing.any() {
            return Ok(());
        }
        let content = self.content(&Place::Stored(object.clone())).await?;
        known.survey(missing, content).await?;
        if let Some(store) = &self.store
            && known.size_and_lines().0 >= STORED_FROM_BYTES
        {
            let row = known.row(uri, object.version.clone(), self.clock.now());
            if let Err(error) = store.put(row).await {
                tracing::warn!("the index of a log could not be stored: {error}");
            }
        }
        Ok(())
    }

    /// All of a log; a packed one up to [`MAX_UNPACKED`].
    async fn content(&self, place: &Place) -> Result<ByteStream, LogError> {
        let Place::Stored(object) = place else { return self.range(place, 0, u64::MAX).await };
        let (_, stream) = self.blobs.open(&object.uri).await.map_err(unavailable)?;
        let stream = stream.map_err(unavailable).boxed();
        Ok(if object.is_packed { cut(stream, MAX_UNPACKED) } else { stream })
    }

    /// The lines of some readers, in their order.
    async fn read(&self, place: &Place, readers: Vec<LineReader>) -> Result<Vec<Line>, LogError> {
        match place {
            // Packed content is unpacked from its begin: once for all of them.
            Place::Stored(object) if object.is_packed => {
                let mut content = self.content(place).await?;
                let (mut at, mut piece) = (0_u64, Bytes::new());
                let mut lines = Vec::new();
                for mut reader in readers {
                    while let Some(range) = reader.next_range() {
                        if range.start < at {
                            (content, at) = (self.content(place).await?, 0);
                            piece.clear();
                        }
                        while at < range.end {
                            if piece.is_empty() {
                                match content.try_next().await? {
                                    Some(next) => piece = next,
                                    None => break,
                                }
                            }
                            let skip = index(range.start.saturating_sub(at)).min(piece.len());
                            drop(piece.split_to(skip));
                            at += skip as u64;
                            let wanted = index(range.end - at).min(piece.len());
                            reader.push(&piece.split_to(wanted));
                            at += wanted as u64;
                        }
                    }
                    lines.extend(reader.into_lines());
                }
                Ok(lines)
            }
            _ => {
                let read = futures::stream::iter(readers).map(|mut reader| async move {
                    while let Some(range) = reader.next_range() {
                        let length = range.end - range.start;
                        let mut bytes = self.range(place, range.start, length).await?;
                        while let Some(piece) = bytes.try_next().await? {
                            reader.push(&piece);
                        }
                    }
                    Ok(reader.into_lines())
                });
                let lines: Vec<Vec<Line>> = read.buffered(READ_AT_ONCE).try_collect().await?;
                Ok(lines.into_iter().flatten().collect())
            }
        }
    }

    async fn range(&self, place: &Place, start: u64, length: u64) -> Result<ByteStream, LogError> {
        match place {
            Place::Stored(object) => {
                let bytes = self.blobs.read_range(&object.uri, start, length).await;
                Ok(futures::stream::iter([bytes.map_err(unavailable)]).boxed())
            }
            Place::Pod { cluster, pod, container } => {
                let options = LogOptions { since_bytes: start, ..LogOptions::default() };
                let pods = self.cluster.pods(cluster).map_err(unavailable)?;
                let stream = pods.logs(pod, container, &options).await.map_err(unavailable)?;
                Ok(cut(stream.map_err(unavailable).boxed(), length))
            }
        }
    }
}

/// A stream that ends after so many bytes.
fn cut(stream: ByteStream, length: u64) -> ByteStream {
    let cut = stream.scan(length, |left, piece| {
        let piece = piece.map(|piece| {
            let keep = index(*left).min(piece.len());
            *left -= keep as u64;
            piece.slice(..keep)
        });
        // A piece that was cut to nothing lies behind the range.
        let ended = piece.as_ref().is_ok_and(Bytes::is_empty) && *left == 0;
        std::future::ready((!ended).then_some(piece))
    });
    cut.boxed()
}

/// The pieces of a stream, read while the ones before are looked at.
fn ahead(mut stream: ByteStream) -> mpsc::Receiver<Result<Bytes, LogError>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        while let Some(piece) = stream.next().await {
            // Nobody wants more.
            if sender.send(piece).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// Up to `count` of the lines that Spyglass shows around errors, from `line` on.
fn shown(total: u64, errors: &[u64], line: u64, count: u64) -> Vec<Range<u64>> {
    let mut left = count;
    let all = stretches(total, errors, None).into_iter();
    let wanted =
        all.filter(|stretch| !stretch.hidden && !errors.is_empty()).filter_map(|stretch| {
            let start = stretch.lines.start.max(line);
            let end = stretch.lines.end.min(start.saturating_add(left));
            left -= end.saturating_sub(start);
            (start < end).then_some(start..end)
        });
    wanted.collect()
}

/// Ranges with few lines between them as one, since those between are read with them.
fn together(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut together: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match together.last_mut() {
            Some(last) if range.start <= last.end + READ_BETWEEN => last.end = range.end,
            _ => together.push(range.clone()),
        }
    }
    together
}

/// A moment of a run.
fn near(run: &Run, clock: &SharedClock) -> Timestamp {
    let mut known = [Some(run.started), run.completed].into_iter().flatten();
    known.find(|time| time.millis() > 0).unwrap_or_else(|| clock.now())
}

/// As much of a length as an index can hold.
fn index(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn fold(fold: Fold) -> LogFold {
    LogFold {
        n: fold.lines.start + 1,
        last: fold.lines.end,
        name: fold.name,
        depth: fold.depth,
        took_ms: fold.took_ms,
        collapsed: fold.collapsed,
    }
}

fn line(line: Line, highlights: &LinePattern, near: Timestamp) -> LogLine {
    let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
    LogLine {
        n: line.number + 1,
        error: line.cut_bytes == 0 && highlights.matches(text.as_bytes()),
        at_ms: time_of(&text, near).map(Timestamp::millis),
        spans: line
            .spans
            .into_iter()
            .map(|span| LogSpan { class: span.style.classes(), text: span.text })
            .collect(),
        cut_bytes: line.cut_bytes,
    }
}

fn unavailable(error: impl Into<anyhow::Error>) -> LogError {
    LogError::Unavailable(error.into())
}
