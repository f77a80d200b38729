//! What is known of one log: where its lines are, the parts that it divides itself into, and the lines
//! that look like errors.

use std::sync::Arc;

use artifacts::log::folds::{Fold, FoldScanner, decode_folds, encode_folds};
use artifacts::log::search::{Found, LinePattern, Search};
use artifacts::log::{LineIndex, LineReader};
use bytes::Bytes;
use futures::TryStreamExt;
use go_compat::Timestamp;
use parking_lot::Mutex;
use store::LogIndexRow;
use tokio::sync::{mpsc, watch};

use super::{ByteStream, LogError, unavailable};

/// Errors whose lines are remembered; those behind are counted.
pub(super) const KEPT_ERRORS: usize = 20_000;

/// Pieces of a log that are read ahead of those that look at them.
pub(super) const AHEAD: usize = 4;

/// How far the reading of a log came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes whose lines are known.
    pub size: u64,
    /// All of it was read.
    pub done: bool,
    /// Why it could not be read further.
    pub failed: Option<String>,
}

/// What is known of a log, from the first bytes on that were read of it.
pub(super) struct Known {
    lines: Mutex<Lines>,
    errors: Mutex<Errors>,
    /// Names the pattern of the errors.
    highlights: String,
    progress: watch::Sender<Progress>,
    /// Held while the log of a Pod is brought up to its present end.
    pub(super) growing: tokio::sync::Mutex<()>,
}

struct Lines {
    index: LineIndex,
    folds: Folds,
}

enum Folds {
    Scanned(Box<FoldScanner>),
    All(Vec<Fold>),
}

enum Errors {
    Searched(Box<Search<Arc<LinePattern>>>),
    All(Found),
}

/// What looks at the next bytes of a log.
type Taker = fn(&Known, &[u8]);

/// Which parts of what is to be known are still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    lines: bool,
    errors: bool,
}

impl Missing {
    /// Nothing is known yet.
    pub(super) const ALL: Missing = Missing { lines: true, errors: true };

    pub(super) fn any(self) -> bool {
        self.lines || self.errors
    }
}

impl Known {
    /// Nothing yet. `near` is a moment of the log.
    pub(super) fn new(near: Timestamp, highlights: &Arc<LinePattern>) -> Known {
        let folds = Folds::Scanned(Box::new(FoldScanner::new(near)));
        let search = Search::new(highlights.clone(), KEPT_ERRORS);
        Known {
            lines: Mutex::new(Lines { index: LineIndex::new(), folds }),
            errors: Mutex::new(Errors::Searched(Box::new(search))),
            highlights: highlights.fingerprint(),
            progress: watch::channel(Progress::default()).0,
            growing: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the errors are those of this pattern.
    pub(super) fn is_of(&self, highlights: &LinePattern) -> bool {
        self.highlights == highlights.fingerprint()
    }

    /// Follows how far the reading came.
    pub(super) fn follow(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// How far the reading came.
    pub(super) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Bytes and lines that are known.
    pub(super) fn size_and_lines(&self) -> (u64, u64) {
        let lines = self.lines.lock();
        (lines.index.size(), lines.index.lines())
    }

    /// A reader for some lines.
    pub(super) fn reader(&self, first: u64, count: u64) -> LineReader {
        self.lines.lock().index.reader(first, count)
    }

    /// The parts that can be folded, as far as they are known.
    pub(super) fn folds(&self) -> Vec<Fold> {
        match &self.lines.lock().folds {
            Folds::Scanned(scanner) => scanner.finish(),
            Folds::All(folds) => folds.clone(),
        }
    }

    /// The lines that look like errors, as far as they are known.
    pub(super) fn errors(&self) -> Found {
        match &*self.errors.lock() {
            Errors::Searched(search) => search.so_far().clone(),
            Errors::All(found) => found.clone(),
        }
    }

    /// The first line that looks like an error.
    pub(super) fn first_error(&self) -> Option<u64> {
        match &*self.errors.lock() {
            Errors::Searched(search) => search.so_far().lines.first().copied(),
            Errors::All(found) => found.lines.first().copied(),
        }
    }

    /// Takes the next bytes for the lines and folds.
    pub(super) fn push_lines(&self, bytes: &[u8]) {
        let size = {
            let mut lines = self.lines.lock();
            lines.index.push(bytes);
            if let Folds::Scanned(scanner) = &mut lines.folds {
                scanner.push(bytes);
            }
            lines.index.size()
        };
        self.progress.send_modify(|progress| progress.size = size);
    }

    fn push_errors(&self, bytes: &[u8]) {
        if let Errors::Searched(search) = &mut *self.errors.lock() {
            search.push(bytes);
        }
    }

    /// Reads what is missing out of the whole log.
    pub(super) async fn survey(
        self: &Arc<Known>,
        missing: Missing,
        mut content: ByteStream,
    ) -> Result<(), LogError> {
        // Each looks at the log on its own, so that neither waits for the other.
        let mut takers = Vec::new();
        let mut tasks = Vec::new();
        let wanted: [(bool, Taker); 2] =
            [(missing.lines, Known::push_lines), (missing.errors, Known::push_errors)];
        for (_, take) in wanted.into_iter().filter(|(is_missing, _)| *is_missing) {
            let (taker, mut pieces) = mpsc::channel::<Bytes>(AHEAD);
            let known = self.clone();
            takers.push(taker);
            tasks.push(tokio::spawn(async move {
                while let Some(piece) = pieces.recv().await {
                    take(&known, &piece);
                }
            }));
        }
        while let Some(piece) = content.try_next().await? {
            for taker in &takers {
                // It fails when the task is gone, which is told below.
                let _ = taker.send(piece.clone()).await;
            }
        }
        drop(takers);
        for task in tasks {
            task.await.map_err(unavailable)?;
        }
        self.finish();
        Ok(())
    }

    /// No more bytes come: what is open at the end of the log ends there.
    fn finish(&self) {
        let mut lines = self.lines.lock();
        if let Folds::Scanned(scanner) = &lines.folds {
            lines.folds = Folds::All(scanner.finish());
        }
        let mut errors = self.errors.lock();
        let all = match std::mem::replace(&mut *errors, Errors::All(Found::default())) {
            Errors::Searched(search) => search.finish(),
            Errors::All(found) => found,
        };
        *errors = Errors::All(all);
    }

    /// Everything is known: nobody waits any more.
    pub(super) fn end(&self) {
        let size = self.size_and_lines().0;
        self.progress.send_modify(|progress| {
            progress.size = size;
            progress.done = true;
        });
    }

    /// The log could not be read further.
    pub(super) fn fail(&self, why: String) {
        self.progress.send_modify(|progress| progress.failed = Some(why));
    }

    /// Takes what the store has over; tells what it does not have.
    pub(super) fn load(&self, row: &LogIndexRow) -> Missing {
        let (Some(index), Some(folds)) = (LineIndex::decode(&row.lines), decode_folds(&row.folds))
        else {
            return Missing::ALL;
        };
        let size = index.size();
        *self.lines.lock() = Lines { index, folds: Folds::All(folds) };
        self.progress.send_modify(|progress| progress.size = size);
        let found = Found::decode(&row.errors).filter(|_| row.highlights == self.highlights);
        let errors = found.is_none();
        if let Some(found) = found {
            *self.errors.lock() = Errors::All(found);
        }
        Missing { lines: false, errors }
    }

    /// What the store keeps of a log that was read to its end.
    pub(super) fn row(&self, uri: String, version: String, made: Timestamp) -> LogIndexRow {
        // Locked once at a time: each lock is gone before the next.
        let lines = self.lines.lock().index.encode();
        let folds = encode_folds(&self.folds());
        LogIndexRow {
            uri,
            version,
            made_ms: made.millis(),
            lines,
            folds,
            highlights: self.highlights.clone(),
            errors: self.errors().encode(),
        }
    }
}
