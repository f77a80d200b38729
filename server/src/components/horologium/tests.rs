//! Ticks over a cluster in memory and a real store.

use std::sync::Arc;
use std::time::Duration;

use clock::{SettableClock, SharedClock};
use go_compat::time::Timestamp;
use job_spec::{ProwJob, ProwJobState, labels};
use store::{Store, StoreOptions};

use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster};

const JOBS: &str = "\
periodics:
- {name: hourly, cron: '0 * * * *', spec: {containers: [{image: x}]}}
- {name: often, interval: 10m, spec: {containers: [{image: x}]}, labels: {a: b}}
- {name: pausing, minimum_interval: 10m, spec: {containers: [{image: x}]}}
";

struct World {
    deps: Deps,
    cluster: Arc<FakeCluster>,
    clock: Arc<SettableClock>,
    _dir: tempfile::TempDir,
}

/// 2023-11-14T22:13:20Z; the next full hour is 2,800 s away.
async fn world(jobs: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_seconds(1_700_000_000);
    let clock = Arc::new(SettableClock::new(now));
    let shared: SharedClock = clock.clone();
    let cluster = FakeCluster::new(&shared);
    let store = Store::open(StoreOptions::files(dir.path())).await.unwrap();
    let deps = Deps {
        cluster: cluster.clone(),
        state: store.state(),
        config: fakes::config("", jobs, ""),
        dry_run: false,
        clock: shared,
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, cluster, clock, _dir: dir }
}

impl World {
    async fn tick(&self) -> Vec<String> {
        sync_once(&self.deps).await.unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Ends everything that runs.
    fn finish(&self, state: ProwJobState) {
        let now = self.deps.clock.now();
        for run in self.cluster.jobs.all() {
            if !run.complete() {
                self.cluster.jobs.change(&run.metadata.name, |run| {
                    run.status.state = state.clone();
                    run.status.completion_time = Some(now);
                });
            }
        }
    }

    fn latest(&self, job: &str) -> Arc<ProwJob> {
        let runs = self.cluster.jobs.all();
        let runs = runs.into_iter().filter(|run| run.spec.job == job);
        runs.max_by_key(|run| run.status.start_time).unwrap()
    }
}

#[tokio::test]
async fn each_periodic_starts_at_its_times() {
    let world = world(JOBS).await;
    assert_eq!(world.tick().await, ["often", "pausing"], "an interval starts at once");
    assert_eq!(world.tick().await, Vec::<String>::new());
    world.advance(700);
    assert_eq!(world.tick().await, Vec::<String>::new(), "they still run");
    world.finish(ProwJobState::Success);
    assert_eq!(world.tick().await, ["often"], "pausing counts from the end");
    world.advance(601);
    world.finish(ProwJobState::Failure);
    assert_eq!(world.tick().await, ["often", "pausing"]);
    world.advance(1_499);
    assert_eq!(world.tick().await, ["hourly"]);
    let run = world.latest("often");
    assert_eq!(run.metadata.labels["a"], "b");
    assert_eq!(run.metadata.labels[labels::TYPE], "periodic");
    assert_eq!(run.status.state, ProwJobState::Triggered);
    assert!(run.spec.report && run.spec.refs.is_none());
}

#[tokio::test]
async fn a_cron_time_is_fired_once_over_restarts_and_missed_ones_are_made_up_for_by_one() {
    let jobs = "periodics: [{name: hourly, cron: '0 * * * *', spec: {containers: [{image: x}]}}]";
    let world = world(jobs).await;
    assert_eq!(world.tick().await, Vec::<String>::new(), "first sight");
    // A restart in the minute of the firing: everything but store and cluster is new.
    world.advance(2_810);
    assert_eq!(world.tick().await, ["hourly"]);
    let restarted = world.deps.clone();
    assert_eq!(sync_once(&restarted).await.unwrap(), Vec::<String>::new());
    world.finish(ProwJobState::Success);
    assert_eq!(sync_once(&restarted).await.unwrap(), Vec::<String>::new());
    // Five hours of downtime: one run.
    world.advance(5 * 3_600);
    assert_eq!(world.tick().await, ["hourly"]);
    world.finish(ProwJobState::Success);
    assert_eq!(world.tick().await, Vec::<String>::new());
    assert_eq!(world.cluster.jobs.all().len(), 2);
}

#[tokio::test]
async fn a_crash_between_the_run_and_its_record_makes_one_run() {
    let jobs = "periodics: [{name: hourly, cron: '0 * * * *', spec: {containers: [{image: x}]}}]";
    let world = world(jobs).await;
    world.tick().await;
    let before = world.deps.state.list("horologium/").await.unwrap();
    world.advance(2_810);
    world.tick().await;
    world.finish(ProwJobState::Success);
    // The record is as if it had never been written.
    world.deps.state.put_all(before).await.unwrap();
    world.tick().await;
    assert_eq!(world.cluster.jobs.all().len(), 1);
    assert_eq!(world.cluster.jobs.log.lock().len(), 1);
}

#[tokio::test]
async fn a_run_that_cannot_be_made_is_due_again_and_delays_no_other() {
    let world = world(JOBS).await;
    let down = cluster::ClusterError::Unavailable("no answer".to_owned());
    world.cluster.jobs.fail("create", down);
    let error = sync_once(&world.deps).await.unwrap_err();
    assert!(format!("{error:#}").contains("periodic often could not be started"), "{error:#}");
    assert_eq!(world.cluster.jobs.all().len(), 1, "the other one");
    assert_eq!(world.tick().await, ["often"]);
}

#[tokio::test]
async fn a_failed_run_is_repeated_with_its_number_in_a_label() {
    let jobs = "periodics: [{name: flaky, interval: 24h, spec: {containers: [{image: x}]}, \
                retry: {attempts: 2, interval: 5m}}]";
    let world = world(jobs).await;
    world.tick().await;
    for attempt in ["1", "2"] {
        world.finish(ProwJobState::Failure);
        assert_eq!(world.tick().await, Vec::<String>::new(), "too early");
        world.advance(301);
        assert_eq!(world.tick().await, ["flaky"]);
        assert_eq!(world.latest("flaky").metadata.labels[labels::RERUN], attempt);
    }
    world.finish(ProwJobState::Failure);
    world.advance(301);
    assert_eq!(world.tick().await, Vec::<String>::new(), "spent");
}

#[tokio::test]
async fn a_dry_run_makes_and_records_nothing() {
    let world = world(JOBS).await;
    let deps = Deps { dry_run: true, ..world.deps.clone() };
    assert_eq!(sync_once(&deps).await.unwrap(), Vec::<String>::new());
    assert!(world.cluster.jobs.all().is_empty());
    assert!(world.deps.state.list("horologium/").await.unwrap().is_empty());
}

#[tokio::test]
async fn records_of_periodics_that_are_gone_are_forgotten() {
    let world = world(JOBS).await;
    world.tick().await;
    let keys = || async { world.deps.state.list("horologium/").await.unwrap().len() };
    assert_eq!(keys().await, 3);
    let deps = Deps { config: fakes::config("", "", ""), ..world.deps.clone() };
    sync_once(&deps).await.unwrap();
    assert_eq!(keys().await, 0);
}
