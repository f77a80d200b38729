//! One look at one group: finding its builds, and what to read of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context as _;
use blob::BlobUri;
use grid::columnar::RowTable;
use grid::natural;
use grid::proto::config::TestGroup;
use grid::updater::columns::window_start;
use prost::Message as _;
use store::{GridBuildKey, GridBuildRow, GridGroupRow};

use super::Deps;
use super::decide::{Look, Looked};
use super::rows::{Reread, Times, is_same, row_of};
use crate::testgrid::source::{self, BuildRef, ColumnReader, known_as};

/// Builds that one look reads; further ones are left to the next look, so that others have a turn.
/// Where a whole look finds none but too old ones, what is older still is not looked at.
pub const BUILDS_PER_LOOK: usize = 64;
/// Builds of one group that are read at once.
const BUILDS_AT_ONCE: usize = 8;
/// Builds that have not ended are read again if they are among so many newest of these.
const UNFINISHED: usize = 50;
/// What a look at a group led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When to look again.
    pub looked: Looked,
    /// How many builds were read.
    pub read: usize,
    /// Whether what is stored has changed.
    pub changed: bool,
}

/// Looks for builds of a group and reads what is new.
///
/// # Errors
/// The storage cannot list a prefix or read a build, or the store does not answer. What could be read
/// is stored nevertheless, and tabs become stale all the same.
pub async fn poll(deps: &Deps, group: &TestGroup, look: Look) -> anyhow::Result<Outcome> {
    let outcome = look_at(deps, group, look).await;
    if outcome.is_err()
        && let Err(error) = deps.grids.refresh(&group.name, false).await
    {
        tracing::warn!(group = group.name, "its tabs could not be summarized: {error:#}");
    }
    outcome
}

async fn look_at(deps: &Deps, group: &TestGroup, look: Look) -> anyhow::Result<Outcome> {
    let store = deps.grids.store();
    let now = deps.clock.now();
    let config = group.encode_to_vec();
    let standing = deps.grids.group(&group.name);
    let is_changed = !standing.config.is_empty() && standing.config != config;
    let look = if standing.config != config { Look::Everything } else { look };
    let mut keys = match look {
        Look::Everything => store.build_keys(&group.name).await?,
        Look::Newer => store.newest(&group.name, BUILDS_PER_LOOK).await?,
    };
    if look == Look::Newer {
        keys.extend(store.unfinished(&group.name).await?);
    }
    let mut reread = Reread::default();
    if is_changed {
        let loaded_at = deps.grids.config.get().loaded_at;
        reread = Reread::of_change(group, &standing.config, loaded_at, now);
    }
    let again = |key: &GridBuildKey| reread.wants(key);
    let listed = match look {
        Look::Newer => {
            let ids = keys.iter().map(|key| key.build.as_str());
            let newest = ids.max_by(|a, b| natural::compare(a, b)).unwrap_or_default();
            source::list(&deps.blobs, group, newest).await?
        }
        Look::Everything => {
            let known = keys.iter().filter(|key| !again(key) && !key.running);
            let known: HashSet<String> = known.filter_map(|key| known_as(&key.object)).collect();
            source::sweep(&deps.blobs, group, &known).await?
        }
    };
    if listed.left_out > 0 {
        tracing::warn!(
            group = group.name,
            builds = listed.left_out,
            "a prefix has too many builds"
        );
    }
    let mut wanted = listed.builds;
    let mut unfinished: Vec<BuildRef> =
        keys.iter().filter(|key| key.running).filter_map(build_ref).collect();
    unfinished.sort_by(|a, b| natural::compare(&b.id, &a.id));
    unfinished.truncate(UNFINISHED);
    wanted.extend(unfinished);
    wanted.sort_by(newest_first);
    wanted.dedup();
    let more = wanted.len() > BUILDS_PER_LOOK;
    wanted.truncate(BUILDS_PER_LOOK);
    if look == Look::Everything && !more && standing.swept_ms > 0 {
        // A listing does not tell what was added to a build, so that each one is read once more at
        // the sweep after it was read.
        reread.after_ms = Some(standing.swept_ms);
        let young = keys.iter().filter(|key| reread.wants(key)).filter_map(build_ref);
        let room = BUILDS_PER_LOOK - wanted.len();
        let young: Vec<BuildRef> =
            young.filter(|build| !wanted.contains(build)).take(room).collect();
        wanted.extend(young);
        wanted.sort_by(newest_first);
    }
    let taken = take_builds(deps, group, wanted, reread).await?;
    // What is older than a whole look of too old ones is too old as well.
    let more = more && taken.too_old < BUILDS_PER_LOOK;
    if let Some(failure) = taken.failure {
        anyhow::bail!("{failure}");
    }
    if let Some(mirror) = &deps.mirror
        && !more
        && (standing.config.is_empty() || mirror.owes(&group.name))
    {
        // What the results' bucket still has is known now; the rest is history.
        let told = match mirror.adopt(group).await {
            Ok(adopted) => adopted.damaged,
            Err(error) => Some(format!("its history is asked for again: {error:#}")),
        };
        if let Some(told) = told {
            tracing::warn!(group = group.name, "{told}");
            deps.heartbeat.failed(&format!("{}: {told}", group.name));
        }
    }
    if let Some(mirror) = &deps.mirror
        && let Err(error) = mirror.read_issues(group).await
    {
        let told = format!("{}: its issues are as they were: {error:#}", group.name);
        tracing::warn!("{told}");
        deps.heartbeat.failed(&told);
    }
    let swept = look == Look::Everything && !more;
    let row = GridGroupRow {
        group: group.name.clone(),
        // Not before all that it asks for is read.
        config: if more { standing.config } else { config },
        updated_ms: now.millis(),
        swept_ms: if swept { now.millis() } else { standing.swept_ms },
        error: String::new(),
        error_ms: None,
    };
    deps.grids.looked(row).await?;
    let looked = if more { Looked::More } else { Looked::Done { running: taken.running } };
    Ok(Outcome { looked, read: taken.read, changed: taken.changed })
}

/// What became of builds.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// How many were read.
    pub read: usize,
    /// How many of them began before the group's window.
    pub too_old: usize,
    /// Whether one has not ended.
    pub running: bool,
    /// Whether what is stored has changed.
    pub changed: bool,
    /// The folders of those that have not begun or not ended, as far as their files say.
    pub open: Vec<String>,
    /// Why one could not be read, if the storage is to blame.
    pub failure: Option<String>,
}

/// Reads builds, newest first, and stores them; those that are stored already and have ended are left
/// alone unless they are to be read again. Tabs are summarized if something has changed.
///
/// # Errors
/// The group's rows cannot be named, or the store does not answer.
pub async fn take_builds(
    deps: &Deps,
    group: &TestGroup,
    builds: Vec<BuildRef>,
    reread: Reread,
) -> anyhow::Result<Taken> {
    let store = deps.grids.store();
    let now = deps.clock.now();
    let objects: Vec<String> = builds.iter().map(BuildRef::object).collect();
    let stored = store.builds_of(&group.name, &objects).await?;
    let stored: HashMap<String, GridBuildRow> =
        stored.into_iter().map(|row| (row.key.object.clone(), row)).collect();
    let is_done = |build: &BuildRef| {
        let key = stored.get(&build.object()).map(|row| &row.key);
        key.is_some_and(|key| !key.running && !reread.wants(key))
    };
    let mut wanted: Vec<BuildRef> = builds.into_iter().filter(|build| !is_done(build)).collect();
    let mut taken = Taken { read: wanted.len(), ..Taken::default() };
    if !wanted.is_empty() {
        // Oldest first, as the reader wants them.
        wanted.reverse();
        let mut reader =
            ColumnReader::new(&deps.blobs, group, BUILDS_AT_ONCE, now.seconds(), true)?;
        let read = reader.read(&wanted).await;
        let _one = deps.grids.storing(&group.name).await;
        let names = store.row_names(&group.name).await?;
        let first_row = names.len();
        let times =
            Times { now_ms: now.millis(), since_ms: window_start(group, now.seconds()) * 1_000 };
        let encoded = tokio::task::spawn_blocking(move || {
            let mut rows = RowTable::new(names.into_iter().map(Arc::from));
            let written: Vec<GridBuildRow> = read
                .into_iter()
                .filter_map(|read| {
                    let old = stored.get(&read.build.object());
                    row_of(read, old, &mut rows, times, &mut taken)
                })
                .filter(|row| {
                    let old = stored.get(&row.key.object);
                    // That it was read for the new configuration is known by the time of reading.
                    old.is_none_or(|old| reread.is_of_change(&old.key) || !is_same(old, row))
                })
                .collect();
            taken.changed = written.iter().any(|row| {
                stored
                    .get(&row.key.object)
                    .map_or(!row.column.is_empty(), |o| o.column != row.column)
            });
            (rows, written, taken)
        });
        let rows;
        let written;
        (rows, written, taken) = encoded.await.context("encoding builds")?;
        if !written.is_empty() {
            let new_rows = rows.names_from(first_row).iter().map(ToString::to_string).collect();
            let first_row = u32::try_from(first_row).context("the group has too many rows")?;
            let oldest = written.iter().map(|row| row.key.started_ms).min();
            store.put_builds(&group.name, first_row, new_rows, written).await?;
            deps.grids.stored_since(&group.name, oldest.unwrap_or(i64::MIN));
        }
    }
    deps.grids.refresh(&group.name, taken.changed).await?;
    Ok(taken)
}

/// The order in which builds are read, should there be more than one look reads.
fn newest_first(a: &BuildRef, b: &BuildRef) -> std::cmp::Ordering {
    natural::compare(&b.id, &a.id).then_with(|| b.object().cmp(&a.object()))
}

fn build_ref(key: &GridBuildKey) -> Option<BuildRef> {
    let folder = BlobUri::parse(&key.object).ok()?;
    Some(BuildRef { id: key.build.clone(), folder })
}
