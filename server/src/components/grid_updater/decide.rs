//! Which group is looked at when, and how.

use std::collections::{BTreeSet, HashMap};

use go_compat::GoDuration;
use go_compat::time::Timestamp;

/// Time between two looks at a group whose builds have all ended.
pub const POLL_EVERY: GoDuration = GoDuration::from_secs(600);
/// Time between two looks at a group with a build that runs.
pub const POLL_RUNNING_EVERY: GoDuration = GoDuration::from_secs(60);
/// Time between two full listings of a group's prefixes.
pub const SWEEP_EVERY: GoDuration = GoDuration::from_secs(6 * 3_600);
/// Pause after a failure; it doubles up to [`POLL_EVERY`].
pub const FIRST_RETRY: GoDuration = GoDuration::from_secs(15);

/// How a group is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// What comes after the newest known build.
    Newer,
    /// Everything that is not known.
    Everything,
}

/// What a look led to, for the time of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// All is read. `running` says whether a build has not ended.
    Done {
        /// A build has not ended.
        running: bool,
    },
    /// There are more builds than one look reads.
    More,
    /// The storage or the store failed.
    Failed,
}

#[derive(Clone, Debug)]
struct Group {
    due: Timestamp,
    sweep_due: Timestamp,
    failures: u32,
    busy: bool,
}

/// When each group is due.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    groups: HashMap<String, Group>,
    queue: BTreeSet<(Timestamp, String)>,
}

impl Schedule {
    /// Takes the groups of a configuration; `known` says when each was last looked at and when last
    /// listed in full. New ones are due now, those that are gone are forgotten.
    pub fn set_groups<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        known: impl Fn(&str) -> Option<(Timestamp, Timestamp)>,
        now: Timestamp,
    ) {
        let names: BTreeSet<&str> = names.collect();
        self.groups.retain(|name, _| names.contains(name.as_str()));
        self.queue.retain(|(_, name)| names.contains(name.as_str()));
        for name in names {
            if self.groups.contains_key(name) {
                continue;
            }
            let (due, sweep_due) = match known(name) {
                Some((looked, swept)) => {
                    (looked.saturating_add(POLL_EVERY), swept.saturating_add(SWEEP_EVERY))
                }
                None => (now, now),
            };
            let group = Group { due: due.min(now), sweep_due, failures: 0, busy: false };
            self.queue.insert((group.due, name.to_owned()));
            self.groups.insert(name.to_owned(), group);
        }
    }

    /// Looks at a group now, in full if its configuration has changed.
    pub fn hurry(&mut self, name: &str, now: Timestamp) {
        let Some(group) = self.groups.get_mut(name) else { return };
        if !group.busy {
            self.queue.remove(&(group.due, name.to_owned()));
            self.queue.insert((now, name.to_owned()));
        }
        group.due = now;
        group.sweep_due = now;
    }

    /// The group that is due longest, with how to look at it; it is busy until [`Schedule::done`].
    pub fn next(&mut self, now: Timestamp) -> Option<(String, Look)> {
        if self.queue.first()?.0 > now {
            return None;
        }
        let (_, name) = self.queue.pop_first()?;
        let group = self.groups.get_mut(&name)?;
        group.busy = true;
        let look = if group.sweep_due <= now { Look::Everything } else { Look::Newer };
        Some((name, look))
    }

    /// When the next group is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Takes the result of a look.
    pub fn done(&mut self, name: &str, look: Look, looked: Looked, now: Timestamp) {
        let Some(group) = self.groups.get_mut(name) else { return };
        group.busy = false;
        let pause = match looked {
            Looked::Done { running } => {
                group.failures = 0;
                if look == Look::Everything {
                    group.sweep_due = now.saturating_add(SWEEP_EVERY);
                }
                if running { POLL_RUNNING_EVERY } else { POLL_EVERY }
            }
            Looked::More => {
                group.failures = 0;
                group.sweep_due = now;
                GoDuration(0)
            }
            Looked::Failed => {
                let pause = FIRST_RETRY.nanos().saturating_mul(1 << group.failures.min(6));
                group.failures = group.failures.saturating_add(1);
                GoDuration(pause.min(POLL_EVERY.nanos()))
            }
        };
        group.due = now.saturating_add(pause);
        self.queue.insert((group.due, name.to_owned()));
    }
}
