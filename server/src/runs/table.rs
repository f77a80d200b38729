//! The table of runs that every list, feed and badge reads.
//!
//! It is an index: the ProwJobs of the cluster and the newest of the run
//! history, in memory, in list order. Lists take a [`Snapshot`], which never
//! changes under them; a change makes the next reader build a new one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::run::{Place, Run, Strings};

/// Finished runs beyond this number leave the table; the history in the
/// database still has them, and their pages work.
pub const KEPT_RUNS: usize = 60_000;
/// Changes that a reconnecting reader can catch up with; beyond it reads the
/// list again.
const KEPT_CHANGES: usize = 4_096;

/// What happened to a run.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is new or changed.
    Put(Arc<Run>),
    /// It left the table.
    Gone(Arc<str>),
}

/// The runs at one version, newest start first.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Rises with each change.
    pub version: u64,
    /// In list order.
    pub runs: Vec<Arc<Run>>,
}

/// The table itself; cheap to share.
pub struct RunTable {
    /// Shared texts of all runs.
    pub strings: Strings,
    state: RwLock<State>,
    snapshot: Mutex<Arc<Snapshot>>,
    version: watch::Sender<u64>,
    filled: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    version: u64,
    by_id: HashMap<Arc<str>, Arc<Run>>,
    /// Ids by the folder in which a run's artifacts lie; of several runs in one, the last that came.
    by_folder: HashMap<Arc<str>, Arc<str>>,
    in_order: BTreeMap<Place, Arc<Run>>,
    changes: VecDeque<(u64, Change)>,
}

impl Default for RunTable {
    fn default() -> Self {
        Self {
            strings: Strings::default(),
            state: RwLock::default(),
            snapshot: Mutex::default(),
            version: watch::Sender::new(0),
            filled: watch::Sender::new(false),
        }
    }
}

impl RunTable {
    /// Puts runs into the table. One that the cluster has replaces one known
    /// from history, never the other way round.
    pub fn put(&self, runs: impl IntoIterator<Item = Run>) {
        let mut state = self.state.write();
        for run in runs {
            let run = Arc::new(run);
            if let Some(old) = state.by_id.get(&run.id) {
                if old.live.is_some() && run.live.is_none() {
                    continue;
                }
                let old = old.clone();
                state.in_order.remove(&old.place());
                state.leave_folder(&old);
            }
            if let Some(folder) = &run.artifacts {
                state.by_folder.insert(folder.clone(), run.id.clone());
            }
            state.by_id.insert(run.id.clone(), run.clone());
            state.in_order.insert(run.place(), run.clone());
            state.record(Change::Put(run));
        }
        state.shed();
        let version = state.version;
        drop(state);
        self.version.send_replace(version);
    }

    /// The cluster no longer has the run: its summary stays as history.
    pub fn release(&self, id: &str) {
        let mut state = self.state.write();
        let Some(run) = state.by_id.get(id) else { return };
        if run.live.is_none() {
            return;
        }
        let history = Run { live: None, ..Run::clone(run) };
        let finished = history.completed.is_some();
        let run = Arc::new(history);
        if finished {
            state.by_id.insert(run.id.clone(), run.clone());
            state.in_order.insert(run.place(), run.clone());
            state.record(Change::Put(run));
        } else {
            // Deleted before it ended: there is nothing to show for it.
            state.by_id.remove(id);
            state.in_order.remove(&run.place());
            state.leave_folder(&run);
            state.record(Change::Gone(run.id.clone()));
        }
        let version = state.version;
        drop(state);
        self.version.send_replace(version);
    }

    /// A run by its ProwJob's name.
    pub fn get(&self, id: &str) -> Option<Arc<Run>> {
        self.state.read().by_id.get(id).cloned()
    }

    /// The newest run of a job with this build id.
    pub fn by_build(&self, job: &str, build_id: &str) -> Option<Arc<Run>> {
        self.snapshot()
            .runs
            .iter()
            .find(|run| &*run.job == job && &*run.build_id == build_id)
            .cloned()
    }

    /// The run whose artifacts lie at this URI.
    pub fn by_artifacts(&self, uri: &str) -> Option<Arc<Run>> {
        let state = self.state.read();
        state.by_id.get(state.by_folder.get(uri)?).cloned()
    }

    /// All runs as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut kept = self.snapshot.lock();
        let state = self.state.read();
        if kept.version != state.version {
            *kept = Arc::new(Snapshot {
                version: state.version,
                runs: state.in_order.values().cloned().collect(),
            });
        }
        kept.clone()
    }

    /// The table holds every ProwJob of the cluster from now on.
    pub fn set_filled(&self) {
        self.filled.send_replace(true);
    }

    /// Whether the table holds every ProwJob of the cluster. Until then a list says nothing about
    /// what it lacks.
    pub fn is_filled(&self) -> bool {
        *self.filled.borrow()
    }

    /// Waits until the table is filled.
    pub async fn filled(&self) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.filled.subscribe().wait_for(|filled| *filled).await;
    }

    /// Tells of each new version.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The changes after a version, or `None` if they are no longer kept and
    /// the list must be read again. The number is the version reached.
    pub fn changes_after(&self, version: u64) -> Option<(u64, Vec<Change>)> {
        let state = self.state.read();
        let first = state.changes.front().map_or(state.version + 1, |(number, _)| *number);
        if version + 1 < first || version > state.version {
            return None;
        }
        let changes = state
            .changes
            .iter()
            .filter(|(number, _)| *number > version)
            .map(|(_, change)| change.clone())
            .collect();
        Some((state.version, changes))
    }
}

impl State {
    fn record(&mut self, change: Change) {
        self.version += 1;
        self.changes.push_back((self.version, change));
        if self.changes.len() > KEPT_CHANGES {
            self.changes.pop_front();
        }
    }

    /// The folder of a run that leaves is nobody's, unless another run has it meanwhile.
    fn leave_folder(&mut self, run: &Run) {
        if let Some(folder) = &run.artifacts
            && self.by_folder.get(folder).is_some_and(|id| *id == run.id)
        {
            self.by_folder.remove(folder);
        }
    }

    /// Drops the oldest runs that only history still has.
    fn shed(&mut self) {
        while self.in_order.len() > KEPT_RUNS {
            let oldest = self
                .in_order
                .iter()
                .rev()
                .find(|(_, run)| run.live.is_none())
                .map(|(place, _)| place.clone());
            let Some(place) = oldest else { return };
            self.in_order.remove(&place);
            if let Some(run) = self.by_id.remove(&place.id) {
                self.leave_folder(&run);
            }
            self.record(Change::Gone(place.id));
        }
    }
}
