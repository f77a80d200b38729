//! Which run is looked through when.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use go_compat::GoDuration;
use go_compat::time::Timestamp;

use crate::runs::run::Run;

/// After a start, so many of the newest runs of each job are looked through that were not yet.
pub const BACKLOG_PER_JOB: usize = 60;
/// Pause after a failure; it doubles up to [`LONGEST_RETRY`].
pub const FIRST_RETRY: GoDuration = GoDuration::from_secs(15);
/// The longest pause after a failure.
pub const LONGEST_RETRY: GoDuration = GoDuration::from_secs(600);
/// How often a run is tried before it is left until the next start.
pub const TRIES: u32 = 10;

/// Runs that wait to be looked through.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Arc<Run>>,
    /// Runs that failed, with the time of their next try.
    later: BTreeMap<(Timestamp, Arc<str>), Arc<Run>>,
    /// How often each of them was tried.
    tries: HashMap<Arc<str>, u32>,
    /// Runs that were taken in, so that a second change of one is no work.
    known: HashSet<Arc<str>>,
}

/// Whether a run can have artifacts that do not change any more.
pub fn is_over(run: &Run) -> bool {
    run.completed.is_some() && run.artifacts.is_some()
}

/// Of these runs, newest first, those that a start looks for: the newest of each job.
pub fn backlog<'a>(runs: impl IntoIterator<Item = &'a Arc<Run>>) -> Vec<Arc<Run>> {
    let mut of_job: HashMap<&str, usize> = HashMap::new();
    let newest = runs.into_iter().filter(|run| is_over(run)).filter(|run| {
        let count = of_job.entry(&run.job).or_default();
        *count += 1;
        *count <= BACKLOG_PER_JOB
    });
    newest.cloned().collect()
}

impl Queue {
    /// Takes a run in that is over; what happened now comes before what is old.
    pub fn hear(&mut self, run: &Arc<Run>) {
        if is_over(run) && self.known.insert(run.id.clone()) {
            self.waiting.push_front(run.clone());
        }
    }

    /// Takes runs of the past in, in this order, after those that wait.
    pub fn append(&mut self, runs: impl IntoIterator<Item = Arc<Run>>) {
        for run in runs {
            if self.known.insert(run.id.clone()) {
                self.waiting.push_back(run);
            }
        }
    }

    /// The run is gone from the table.
    pub fn forget(&mut self, id: &str) {
        self.known.remove(id);
        self.tries.remove(id);
        self.waiting.retain(|run| &*run.id != id);
        self.later.retain(|_, run| &*run.id != id);
    }

    /// The next run, if one is due.
    pub fn next(&mut self, now: Timestamp) -> Option<Arc<Run>> {
        let due = self.later.first_key_value().is_some_and(|((at, _), _)| *at <= now);
        match due {
            true => self.later.pop_first().map(|(_, run)| run),
            false => self.waiting.pop_front(),
        }
    }

    /// When the next run is due that failed before.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether no run waits that could be looked through now.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A run was looked through.
    pub fn done(&mut self, run: &Run) {
        self.tries.remove(&run.id);
    }

    /// A run could not be looked through; the answer is whether it is tried again.
    pub fn failed(&mut self, run: Arc<Run>, now: Timestamp) -> bool {
        let tries = self.tries.entry(run.id.clone()).or_default();
        *tries += 1;
        if *tries >= TRIES {
            self.tries.remove(&run.id);
            return false;
        }
        let pause = FIRST_RETRY.nanos().saturating_mul(1 << (*tries - 1).min(8));
        let at = now.saturating_add(GoDuration(pause.min(LONGEST_RETRY.nanos())));
        self.later.insert((at, run.id.clone()), run);
        true
    }
}
