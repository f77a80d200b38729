//! Searching a log that is a file of this machine, with all its cores.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use artifacts::log::search::{Found, LinePattern};
use artifacts::log::{Cuts, RangeSearch};
use blob::{BlobError, StoredFile};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{LogError, unavailable};

/// So much is read at once: what was read is searched while a core has it in its own cache.
const PIECE: usize = 256 << 10;

/// The last line of a range rarely goes on for longer than this.
const OVERHANG: u64 = 4 << 10;

/// A thread searches the lines of so much of a log before it takes the next part: of as much as it reads
/// at once.
const RANGE: u64 = PIECE as u64 - OVERHANG;

/// More threads do not work on one search.
const MAX_THREADS: usize = 8;

/// What the first search of a log learns of it, for the next ones.
#[derive(Debug)]
pub(super) struct Learned {
    /// Where its escape sequences stand.
    cuts: Box<Cuts>,
    /// How many lines begin in each range.
    lines: Vec<u64>,
}

/// What the threads of a search share.
struct Shared {
    file: StoredFile,
    keep: usize,
    known: Arc<OnceLock<Learned>>,
    /// The number of the next range.
    next: AtomicU64,
    gathered: Mutex<Gathered>,
    cancelled: CancellationToken,
}

/// What was found, in the order of the log.
#[derive(Default)]
struct Gathered {
    all: Found,
    /// Ranges whose results are in `all`.
    ranges: u64,
    /// Ranges that were done before one in front of them.
    waiting: BTreeMap<u64, Found>,
    /// Lines of each range that is in `all`.
    lines: Vec<u64>,
    /// What was learned of the log.
    cuts: Option<Box<Cuts>>,
}

impl Gathered {
    fn add(&mut self, range: u64, found: Found, keep: usize) {
        self.waiting.insert(range, found);
        while let Some(found) = self.waiting.remove(&self.ranges) {
            self.lines.push(found.searched);
            self.all.append(found, keep);
            self.ranges += 1;
        }
    }
}

/// The lines that match; the numbers of the first `keep` of them. The first search learns of the log, and
/// the next ones are quicker. The threads stop when nobody waits for them any more.
pub(super) async fn search_file(
    file: StoredFile,
    pattern: &LinePattern,
    keep: usize,
    known: Arc<OnceLock<Learned>>,
) -> Result<Found, LogError> {
    let learned = known.get();
    let pattern = learned.map_or_else(|| pattern.clone(), |known| pattern.knowing(&known.cuts));
    let learns = learned.is_none();
    let ranges = file.meta().size.div_ceil(RANGE);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(MAX_THREADS).min(usize::try_from(ranges).unwrap_or(usize::MAX));
    let cancelled = CancellationToken::new();
    let _stop = cancelled.clone().drop_guard();
    let (next, gathered) = (AtomicU64::new(0), Mutex::default());
    let shared = Arc::new(Shared { file, keep, known, next, gathered, cancelled });
    let work = (0..threads).map(|_| {
        // One that is shared would make the threads wait for its room.
        let (shared, pattern) = (shared.clone(), pattern.clone());
        tokio::task::spawn_blocking(move || shared.work(&pattern, ranges, learns))
    });
    for done in futures::future::join_all(work).await {
        done.map_err(unavailable)?.map_err(unavailable)?;
    }
    let gathered = std::mem::take(&mut *shared.gathered.lock());
    if let Some(cuts) = gathered.cuts {
        // Whoever was quicker has learned the same.
        let _ = shared.known.set(Learned { cuts, lines: gathered.lines });
    }
    Ok(gathered.all)
}

impl Shared {
    fn work(&self, pattern: &LinePattern, ranges: u64, learns: bool) -> Result<(), BlobError> {
        let mut room = vec![0; PIECE];
        let mut cuts = learns.then(Box::default);
        while !self.cancelled.is_cancelled() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= ranges {
                break;
            }
            let done = self.range(pattern, number, cuts, &mut room).inspect_err(|_| {
                self.cancelled.cancel();
            })?;
            self.gathered.lock().add(number, done.0, self.keep);
            cuts = done.1;
        }
        if let Some(cuts) = cuts {
            match &mut self.gathered.lock().cuts {
                Some(all) => all.join(&cuts),
                none => *none = Some(cuts),
            }
        }
        Ok(())
    }

    fn range(
        &self,
        pattern: &LinePattern,
        number: u64,
        cuts: Option<Box<Cuts>>,
        room: &mut [u8],
    ) -> Result<(Found, Option<Box<Cuts>>), BlobError> {
        let start = number * RANGE;
        let end = start + RANGE + OVERHANG;
        let known = self.known.get().filter(|_| cuts.is_none());
        let lines = known.and_then(|known| known.lines.get(usize::try_from(number).ok()?));
        let mut search = RangeSearch::new(pattern, self.keep, start..start + RANGE)
            .learning(cuts)
            .of_lines(lines.copied());
        while let Some(at) = search.wanted() {
            let left = usize::try_from(end.saturating_sub(at)).unwrap_or(PIECE);
            let length = if left == 0 { PIECE } else { left.min(PIECE) };
            let read = self.file.read_at(&mut room[..length], at)?;
            if read == 0 || self.cancelled.is_cancelled() {
                break;
            }
            search.push(&room[..read]);
        }
        Ok(search.finish())
    }
}
