//! The logs of runs: lines of any part of a log of any size, while it is
//! written and after.
//!
//! While a run goes on its log is the container's; afterwards it is
//! `build-log.txt` in the bucket, or the container's as long as the Pod is
//! there. Each log is streamed over once for its line index, which is kept;
//! after that a page reads only the bytes that it shows.

use std::sync::Arc;
use std::time::Duration;

use app::model::{LogHead, LogLine, LogLines, LogRange, LogSpan};
use artifacts::log::search::{Found, LinePattern, Search};
use artifacts::log::{Line, LineIndex};
use blob::{BlobUri, Blobs};
use cluster::{Cluster, ClusterError, LogOptions};
use futures::{StreamExt, TryStreamExt};
use moka::sync::Cache;
use tokio::sync::Mutex;

use crate::runs::run::Run;

/// Line indexes that are kept; one of a large log takes a few hundred kilobytes.
const KEPT_INDEXES: u64 = 256;
/// An index that nobody used for this long is dropped.
const KEPT_FOR: Duration = Duration::from_secs(30 * 60);
/// More lines are not given at once.
pub const MAX_LINES: u64 = 5_000;
/// Lines in front of the first error where that is wanted.
const BEFORE_ERROR: u64 = 100;
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
    Stored(BlobUri),
    /// A container of a Pod.
    Pod { cluster: String, pod: String, container: String },
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
pub type ByteStream = futures::stream::BoxStream<'static, Result<bytes::Bytes, LogError>>;

/// Reads logs and remembers where their lines are.
pub struct Logs {
    blobs: Blobs,
    cluster: Arc<dyn Cluster>,
    indexes: Cache<Place, Arc<Mutex<Known>>>,
}

#[derive(Default)]
struct Known {
    index: LineIndex,
    complete: bool,
}

impl Logs {
    /// Logs in these places.
    pub fn new(blobs: Blobs, cluster: Arc<dyn Cluster>) -> Self {
        let indexes = Cache::builder().max_capacity(KEPT_INDEXES).time_to_idle(KEPT_FOR).build();
        Self { blobs, cluster, indexes }
    }

    /// Size and number of lines as they are now.
    pub async fn head(&self, run: &Run) -> Result<LogHead, LogError> {
        let place = self.place(run).await?;
        let known = self.known(&place).await?;
        let known = known.lock().await;
        Ok(LogHead {
            size_bytes: known.index.size(),
            total_lines: known.index.lines(),
            complete: known.complete || run.completed.is_some(),
        })
    }

    /// A range of lines as they are now.
    /// Those that look like errors, by `highlights`, are marked.
    pub async fn lines(
        &self,
        run: &Run,
        range: LogRange,
        highlights: &LinePattern,
    ) -> Result<LogLines, LogError> {
        let range = match range {
            LogRange::FirstError(count) => {
                let found = self.search(run, highlights, 1, true).await?;
                found.lines.first().map_or(LogRange::Last(count), |line| LogRange::From {
                    line: line.saturating_sub(BEFORE_ERROR),
                    count,
                })
            }
            range => range,
        };
        let place = self.place(run).await?;
        let known = self.known(&place).await?;
        let known = known.lock().await;
        let total = known.index.lines();
        let (first, count) = match range {
            LogRange::From { line, count } => (line.min(total), count.min(MAX_LINES)),
            LogRange::Last(count) | LogRange::FirstError(count) => {
                let count = count.min(MAX_LINES);
                (total.saturating_sub(count), count)
            }
        };
        let mut reader = known.index.reader(first, count);
        while let Some(range) = reader.next_range() {
            let mut bytes = self.range(&place, range.start, range.end - range.start).await?;
            while let Some(piece) = bytes.try_next().await? {
                reader.push(&piece);
            }
        }
        Ok(LogLines {
            first_line: first,
            lines: reader.into_lines().into_iter().map(|l| line(l, highlights)).collect(),
            total_lines: total,
            size_bytes: known.index.size(),
            complete: known.complete || run.completed.is_some(),
        })
    }

    /// The lines that match a pattern; the numbers of the first `keep` of them. With `stop` the search
    /// ends as soon as it has that many.
    pub async fn search(
        &self,
        run: &Run,
        pattern: &LinePattern,
        keep: usize,
        stop: bool,
    ) -> Result<Found, LogError> {
        let place = self.place(run).await?;
        let mut bytes = match &place {
            Place::Stored(uri) => {
                let (_, stream) = self.blobs.open(uri).await.map_err(unavailable)?;
                stream.map_err(unavailable).boxed()
            }
            Place::Pod { .. } => self.range(&place, 0, u64::MAX).await?,
        };
        let mut search = Search::new(pattern, keep);
        while let Some(piece) = bytes.try_next().await? {
            // Half a megabyte takes less than a millisecond; other requests go on between pieces.
            search.push(&piece);
            if stop && search.so_far().lines.len() >= keep {
                return Ok(search.so_far().clone());
            }
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
            Place::Stored(uri) => {
                let (_, stream) = self.blobs.open(uri).await.map_err(unavailable)?;
                Ok(stream.map_err(unavailable).boxed())
            }
            Place::Pod { .. } => self.range(&place, 0, u64::MAX).await,
        }
    }

    /// Waits until the log has grown beyond `size` or has ended.
    pub async fn grown(&self, run: &Run, size: u64) -> Result<(), LogError> {
        let Place::Pod { cluster, pod, container } = self.place(run).await? else { return Ok(()) };
        let options = LogOptions { follow: true, since_bytes: size, tail_bytes: None };
        let pods = self.cluster.pods(&cluster).map_err(unavailable)?;
        let mut stream = match pods.logs(&pod, &container, &options).await {
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
        if let Some(uri) = stored {
            return Ok(Place::Stored(uri));
        }
        if let Some(place) = self.in_pod(run).await? {
            return Ok(place);
        }
        // Uploaded, but the ProwJob does not say yet that it ended.
        if let Some(folder) = &run.artifacts
            && let Some(uri) = self.stored(folder).await?
        {
            return Ok(Place::Stored(uri));
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
    async fn stored(&self, folder: &str) -> Result<Option<BlobUri>, LogError> {
        let folder = BlobUri::parse(folder).map_err(unavailable)?;
        let only = folder.join("build-log.txt").map_err(unavailable)?;
        match self.blobs.head(&only).await {
            Ok(_) => return Ok(Some(only)),
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
        match first {
            Some(name) => folder.join(&name).map(Some).map_err(unavailable),
            None => Ok(None),
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

    /// The index of a log, brought up to its present end.
    async fn known(&self, place: &Place) -> Result<Arc<Mutex<Known>>, LogError> {
        let known = self.indexes.get_with(place.clone(), Arc::default);
        let mut state = known.lock().await;
        if !state.complete {
            let from = state.index.size();
            let mut bytes = match place {
                // An index that broke off half-way starts again.
                Place::Stored(uri) => {
                    state.index = LineIndex::new();
                    let (_, stream) = self.blobs.open(uri).await.map_err(unavailable)?;
                    stream.map_err(unavailable).boxed()
                }
                Place::Pod { .. } => self.range(place, from, u64::MAX).await?,
            };
            while let Some(piece) = bytes.try_next().await? {
                state.index.push(&piece);
            }
            state.complete = matches!(place, Place::Stored(_));
        }
        drop(state);
        Ok(known)
    }

    async fn range(&self, place: &Place, start: u64, length: u64) -> Result<ByteStream, LogError> {
        match place {
            Place::Stored(uri) => {
                let bytes = self.blobs.read_range(uri, start, length).await.map_err(unavailable)?;
                Ok(futures::stream::iter([Ok(bytes)]).boxed())
            }
            Place::Pod { cluster, pod, container } => {
                let options = LogOptions { since_bytes: start, ..LogOptions::default() };
                let pods = self.cluster.pods(cluster).map_err(unavailable)?;
                let stream = pods.logs(pod, container, &options).await.map_err(unavailable)?;
                let cut = stream.map_err(unavailable).scan(length, |left, piece| {
                    let piece = piece.map(|piece| {
                        let keep = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                        *left -= keep as u64;
                        piece.slice(..keep)
                    });
                    // A piece that was cut to nothing lies behind the range.
                    let ended = piece.as_ref().is_ok_and(bytes::Bytes::is_empty) && *left == 0;
                    std::future::ready((!ended).then_some(piece))
                });
                Ok(cut.boxed())
            }
        }
    }
}

fn line(line: Line, highlights: &LinePattern) -> LogLine {
    let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
    LogLine {
        n: line.number + 1,
        error: line.cut_bytes == 0 && highlights.matches(text.as_bytes()),
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
