//! What is stored of a build that was read, and when it is read again.

use go_compat::time::Timestamp;
use grid::columnar::{RowTable, encode_column};
use grid::proto::config::TestGroup;
use grid::updater::build::BuildError;
use grid::updater::builds::job_and_build;
use grid::updater::columns::{REPROCESS_SECONDS, window_start};
use grid::updater::convert::{InflatedColumn, OVERALL_ROW};
use prost::Message as _;
use store::{GridBuildKey, GridBuildRow};

use super::update::Taken;
use crate::testgrid::source::ReadBuild;

/// After a change of its configuration so much of a group is read again, as TestGrid does.
const REREAD_DAYS: i64 = 7;
/// What ended longer ago than this when it is first read has all of its results.
const SETTLED_MS: i64 = 6 * 3_600_000;

/// Before it no build began.
const FIRST_TIME_MS: i64 = 86_400_000;

/// Which known builds are read again, beside those that have not ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reread {
    /// All of them, since somebody told that something has changed.
    told: bool,
    /// Those that were read after this time, in milliseconds.
    pub(super) after_ms: Option<i64>,
    changed: Option<Changed>,
}

/// A change of a group's configuration.
#[derive(Clone, Copy, Debug)]
struct Changed {
    /// Builds that began since are read again, in milliseconds.
    since_ms: i64,
    /// The begin of the new window, in milliseconds.
    window_ms: i64,
    /// How far back the old window went, in milliseconds.
    before_window_ms: i64,
    /// If they were read before the configuration was, in milliseconds.
    read_before_ms: i64,
}

impl Reread {
    /// All builds: something has happened to them.
    pub const TOLD: Reread = Reread { told: true, after_ms: None, changed: None };

    /// What a change from the configuration `before`, as a message, to one that was loaded at a time
    /// reads again: the last days, and what was too old for the window as it was.
    pub fn of_change(
        group: &TestGroup,
        before: &[u8],
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Reread {
        let window_ms = window_start(group, now.seconds()).saturating_mul(1_000);
        let since_ms = now.millis().saturating_sub(REREAD_DAYS * 86_400_000);
        // What cannot be read any more had no window, so that everything in the new one is read.
        let before = TestGroup::decode(before).ok();
        let back = before.map_or(0, |group| -window_start(&group, 0));
        let changed = Changed {
            since_ms: since_ms.max(window_ms),
            window_ms,
            before_window_ms: back.saturating_mul(1_000),
            read_before_ms: loaded_at.millis(),
        };
        Reread { changed: Some(changed), ..Reread::default() }
    }

    /// Whether it is read again.
    pub fn wants(&self, key: &GridBuildKey) -> bool {
        self.told
            || self.after_ms.is_some_and(|after| key.read_ms > after)
            || self.is_of_change(key)
    }

    /// Whether it is read again for a change of the configuration.
    pub fn is_of_change(&self, key: &GridBuildKey) -> bool {
        self.changed.is_some_and(|changed| changed.wants(key))
    }
}

impl Changed {
    fn wants(&self, key: &GridBuildKey) -> bool {
        let was_too_old = key.started_ms >= self.window_ms
            && key.started_ms < key.read_ms.saturating_sub(self.before_window_ms);
        key.read_ms < self.read_before_ms && (key.started_ms >= self.since_ms || was_too_old)
    }
}

/// What stored builds are judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Now, in milliseconds.
    pub(super) now_ms: i64,
    /// The begin of the group's window, in milliseconds.
    pub(super) since_ms: i64,
}

/// Whether storing the one over the other would change nothing that matters.
pub(super) fn is_same(old: &GridBuildRow, new: &GridBuildRow) -> bool {
    old.column == new.column
        && old.key.running == new.key.running
        && old.key.started_ms == new.key.started_ms
}

/// What to store of a build of which `old` is stored; nothing if the storage failed.
pub(super) fn row_of(
    read: ReadBuild,
    old: Option<&GridBuildRow>,
    rows: &mut RowTable,
    times: Times,
    taken: &mut Taken,
) -> Option<GridBuildRow> {
    if let Some(failure) = &read.failure {
        taken.failure = Some(failure.clone());
        return None;
    }
    let Times { now_ms, since_ms } = times;
    let mut key = GridBuildKey {
        object: read.build.object(),
        build: read.build.id.clone(),
        started_ms: read.started_ms(),
        running: read.is_running(),
        read_ms: now_ms,
    };
    let old = old.filter(|old| !old.column.is_empty());
    if let Some(BuildError::TooOld { started, .. }) = read.error {
        taken.too_old += 1;
        key.started_ms = started.saturating_mul(1_000);
        key.running = false;
        // Known, so that it is not read again, and not shown. What is history stays.
        let column = old.map_or_else(Vec::new, |old| old.column.clone());
        return Some(GridBuildRow { key, column });
    }
    // It may end yet, however long ago it should have.
    let never_ended = read.error.is_none() && read.ended_ms.is_none() && key.started_ms >= since_ms;
    if key.running || never_ended {
        taken.open.push(key.object.clone());
    }
    taken.running |= key.running;
    if let (Some(BuildError::NotStarted), Some(old)) = (&read.error, old) {
        // Its files have been removed: what they said stays.
        let mut key = GridBuildKey { read_ms: now_ms, ..old.key.clone() };
        // One of which nothing was known so far has no time of its own.
        key.running &= key.started_ms >= since_ms || key.started_ms < FIRST_TIME_MS;
        return Some(GridBuildRow { key, column: old.column.clone() });
    }
    let column = match read.error {
        Some(_) => encode_column(&named_as_others(&read), rows),
        None => encode_column(&read.column, rows),
    };
    let ended_ms = match &read.error {
        // A file that is broken may have been read while it was written.
        Some(BuildError::Unreadable { .. }) => Some(now_ms),
        _ => read.ended_ms,
    };
    key.running |=
        never_ended || ended_ms.is_some_and(|ended| may_grow(old, &column, ended, now_ms));
    Some(GridBuildRow { column, key })
}

/// The column of a build that could not be read, with what it says in the row about the whole run that
/// the job's other builds have, `<job>.Overall`. In TestGrid's grids it is a row of its own, `Overall`.
fn named_as_others(read: &ReadBuild) -> InflatedColumn {
    let mut column = read.column.clone();
    if let Some((job, _)) = job_and_build(&read.build.object())
        && let Some(cell) = column.cells.remove(OVERALL_ROW)
    {
        column.cells.insert(format!("{job}.{OVERALL_ROW}"), cell);
    }
    column
}

/// Whether results of a build that has ended may still be uploaded: for some time after it was first
/// read as ended.
fn may_grow(old: Option<&GridBuildRow>, column: &[u8], ended_ms: i64, now_ms: i64) -> bool {
    match old {
        None => ended_ms > now_ms.saturating_sub(SETTLED_MS),
        // Its end changed it, as does every result that is added.
        Some(old) if old.column != column => old.key.running,
        Some(old) => old.key.running && now_ms < old.key.read_ms + REPROCESS_SECONDS * 1_000,
    }
}
