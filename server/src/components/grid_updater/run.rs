//! The loop: events of runs, and groups when they are due.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use blob::BlobUri;
use go_compat::time::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::decide::{Look, Looked, Schedule};
use super::rows::Reread;
use super::update::{Taken, poll, take_builds};
use crate::runs::run::Run;
use crate::runs::table::Change;
use crate::testgrid::source::BuildRef;

/// Groups that are looked at at once.
const GROUPS_AT_ONCE: usize = 4;
/// The longest wait while nothing happens.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A build whose files are not there yet is looked at again after this time.
const RETRY_BUILD_AFTER: Duration = Duration::from_secs(2);
/// How often it is looked at again before the poll has to find it.
const BUILD_TRIES: u32 = 15;

/// A build of which the run table told.
#[derive(Clone, Debug)]
struct Told {
    build: BuildRef,
    /// Whether its run is over, so that its last file is there or about to be.
    ended: bool,
    tries: u32,
}

/// What a task did.
enum Did {
    Look(String, Look, anyhow::Result<Looked>),
    Builds(String, Vec<Told>, anyhow::Result<Taken>),
    Refresh(String, anyhow::Result<()>),
}

/// Goes on until it is cancelled.
///
/// # Errors
/// Never by itself; failures of groups are told and tried again.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    deps.grids.forget_removed().await?;
    let mut updater = Updater::new(deps.clone());
    let mut runs = deps.runs.subscribe();
    let mut configs = deps.grids.config.subscribe();
    let mut tasks: JoinSet<Did> = JoinSet::new();
    loop {
        updater.hear();
        updater.begin(&mut tasks);
        let now = deps.clock.now();
        let wait = updater.wait(now).min(LONGEST_WAIT);
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = deps.clock.sleep(wait) => {}
            changed = runs.changed() => changed?,
            changed = configs.changed() => {
                changed?;
                updater.configured();
                deps.grids.forget_removed().await?;
            }
            Some(did) = tasks.join_next(), if !tasks.is_empty() => updater.end(did?),
        }
        deps.heartbeat.pass();
    }
}

/// Takes every event and looks at every group that is due, once.
///
/// # Errors
/// A group or build could not be read: the first reason.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<()> {
    let config = deps.grids.config.get();
    for group in &config.configuration.test_groups {
        loop {
            match poll(deps, group, Look::Newer).await {
                Ok(outcome) if outcome.looked == Looked::More => {}
                Ok(_) => break,
                Err(error) => {
                    deps.grids.tell_failure(&group.name, &format!("{error:#}"));
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

struct Updater {
    deps: Deps,
    schedule: Schedule,
    /// How far the run table was heard.
    heard: u64,
    /// Runs that were told of, with the state that they had.
    told: HashMap<Arc<str>, bool>,
    /// Builds by group that wait for their turn.
    builds: BTreeMap<String, Vec<Told>>,
    /// Builds that are looked at again.
    later: Vec<(Timestamp, String, Told)>,
    /// Groups whose tabs are summarized anew, since their configuration is another.
    outdated: BTreeSet<String>,
    busy: HashSet<String>,
}

impl Updater {
    fn new(deps: Deps) -> Updater {
        let mut updater = Updater {
            schedule: Schedule::default(),
            heard: deps.runs.snapshot().version,
            told: HashMap::new(),
            builds: BTreeMap::new(),
            later: Vec::new(),
            outdated: BTreeSet::new(),
            busy: HashSet::new(),
            deps,
        };
        updater.configured();
        updater
    }

    /// Takes the groups of the configuration.
    fn configured(&mut self) {
        let grids = &self.deps.grids;
        let config = grids.config.get();
        let now = self.deps.clock.now();
        let names = config.configuration.test_groups.iter().map(|group| group.name.as_str());
        let known = |name: &str| {
            let standing = grids.group(name);
            let at = Timestamp::from_millis;
            (standing.swept_ms > 0).then(|| (at(standing.updated_ms), at(standing.swept_ms)))
        };
        self.schedule.set_groups(names, known, now);
        for group in &config.configuration.test_groups {
            let standing = grids.group(&group.name);
            let config = prost::Message::encode_to_vec(group);
            if !standing.config.is_empty() && standing.config != config {
                self.schedule.hurry(&group.name, now);
            }
            // The others are summarized when their builds are first looked for.
            if standing.updated_ms > 0 && grids.is_outdated(&group.name) {
                self.outdated.insert(group.name.clone());
            }
        }
    }

    /// Takes what happened to runs: one that began or ended is a build to read.
    fn hear(&mut self) {
        let Some((version, changes)) = self.deps.runs.changes_after(self.heard) else {
            // A gap: the polls find what was missed.
            self.heard = self.deps.runs.snapshot().version;
            return;
        };
        self.heard = version;
        for change in changes {
            match change {
                Change::Put(run) => self.hear_run(&run),
                Change::Gone(id) => {
                    self.told.remove(&id);
                }
            }
        }
        let now = self.deps.clock.now();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.later).into_iter().partition(|(at, ..)| *at <= now);
        self.later = later;
        for (_, group, told) in due {
            self.builds.entry(group).or_default().push(told);
        }
    }

    fn hear_run(&mut self, run: &Run) {
        // Only what the cluster has is news; the rest is history that is read again.
        let Some(artifacts) = run.artifacts.as_ref().filter(|_| run.live.is_some()) else { return };
        let ended = run.completed.is_some();
        if (run.pending.is_none() && !ended) || self.told.get(&run.id) == Some(&ended) {
            return;
        }
        self.told.insert(run.id.clone(), ended);
        let Ok(folder) = BlobUri::parse(&format!("{}/", artifacts.trim_end_matches('/'))) else {
            return;
        };
        let build = BuildRef { id: run.build_id.to_string(), folder };
        for group in self.deps.grids.config.get().groups_of(&build.folder) {
            let told = Told { build: build.clone(), ended, tries: 0 };
            self.builds.entry(group).or_default().push(told);
        }
    }

    /// Starts what can be started.
    fn begin(&mut self, tasks: &mut JoinSet<Did>) {
        let config = self.deps.grids.config.get();
        let ready: Vec<String> =
            self.builds.keys().filter(|group| !self.busy.contains(*group)).cloned().collect();
        for name in ready {
            let Some(told) = self.builds.remove(&name) else { continue };
            let Some(group) = config.group(&name).cloned() else { continue };
            self.busy.insert(name.clone());
            let deps = self.deps.clone();
            tasks.spawn(async move {
                let builds = told.iter().map(|told| told.build.clone()).collect();
                let taken = take_builds(&deps, &group, builds, Reread::TOLD).await;
                Did::Builds(name, told, taken)
            });
        }
        let free = GROUPS_AT_ONCE.saturating_sub(tasks.len());
        let outdated = self.outdated.iter().filter(|group| !self.busy.contains(*group));
        for name in outdated.take(free).cloned().collect::<Vec<_>>() {
            self.outdated.remove(&name);
            self.busy.insert(name.clone());
            let grids = Arc::clone(&self.deps.grids);
            tasks.spawn(async move {
                let refreshed = grids.refresh(&name, false).await;
                Did::Refresh(name, refreshed)
            });
        }
        let now = self.deps.clock.now();
        let mut put_off = Vec::new();
        while tasks.len() < GROUPS_AT_ONCE {
            let Some((name, look)) = self.schedule.next(now) else { break };
            let Some(group) = config.group(&name).cloned() else { continue };
            if !self.busy.insert(name.clone()) {
                put_off.push((name, look));
                continue;
            }
            let deps = self.deps.clone();
            tasks.spawn(async move {
                let looked = poll(&deps, &group, look).await.map(|outcome| outcome.looked);
                Did::Look(name, look, looked)
            });
        }
        for (name, look) in put_off {
            self.schedule.done(&name, look, Looked::More, now);
        }
    }

    fn end(&mut self, did: Did) {
        let now = self.deps.clock.now();
        match did {
            Did::Look(name, look, looked) => {
                self.busy.remove(&name);
                let looked = looked.unwrap_or_else(|error| {
                    self.failed(&name, &error);
                    Looked::Failed
                });
                self.schedule.done(&name, look, looked, now);
            }
            Did::Refresh(name, refreshed) => {
                self.busy.remove(&name);
                if let Err(error) = refreshed {
                    // The next look at its builds tries again.
                    tracing::warn!(group = name, "its tabs could not be summarized: {error:#}");
                    self.deps.heartbeat.failed(&format!("{name}: {error:#}"));
                }
            }
            Did::Builds(name, told, taken) => {
                self.busy.remove(&name);
                let again: Vec<Told> = match &taken {
                    // Its first file may not be there yet, or its last one.
                    Ok(taken) => told
                        .into_iter()
                        .filter(|told| {
                            let is_open = taken.open.contains(&told.build.object());
                            taken.failure.is_some() || (is_open && (told.ended || told.tries == 0))
                        })
                        .collect(),
                    Err(error) => {
                        self.failed(&name, error);
                        told
                    }
                };
                let at = now.saturating_add(RETRY_BUILD_AFTER);
                let again = again.into_iter().map(|told| Told { tries: told.tries + 1, ..told });
                let again = again.filter(|told| told.tries < BUILD_TRIES);
                self.later.extend(again.map(|told| (at, name.clone(), told)));
            }
        }
    }

    fn failed(&self, group: &str, error: &anyhow::Error) {
        tracing::warn!(group, "looking for builds failed, it is tried again: {error:#}");
        self.deps.heartbeat.failed(&format!("{group}: {error:#}"));
        self.deps.grids.tell_failure(group, &format!("{error:#}"));
    }

    /// How long until something is due.
    fn wait(&self, now: Timestamp) -> Duration {
        let later = self.later.iter().map(|(at, ..)| *at).min();
        let next = [later, self.schedule.next_due()].into_iter().flatten().min();
        next.map_or(LONGEST_WAIT, |at| at.since(now).max(Duration::from_millis(5)))
    }
}
