//! The engine: queues, records, history.

use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::plugins::{Failure, RetryClass};

/// Reports what it is told, failing as often as planned.
#[derive(Default)]
struct Notes {
    seen: Mutex<Vec<(String, ProwJobState, bool)>>,
    failures: Mutex<u32>,
    /// How it fails.
    failure: Option<Failure>,
    told: tokio::sync::Notify,
}

#[async_trait]
impl Reporter for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn should_report(&self, job: &ProwJob) -> bool {
        job.spec.job != "private"
    }

    async fn report(&self, job: &Arc<ProwJob>, repeated: bool) -> anyhow::Result<Reported> {
        let seen = (job.spec.job.clone(), job.status.state.clone(), repeated);
        self.seen.lock().push(seen);
        self.told.notify_one();
        let mut failures = self.failures.lock();
        if *failures > 0 {
            *failures -= 1;
            match self.failure {
                Some(kind) => return Err(RetryClass(kind, "no such thing".to_owned()).into()),
                None => anyhow::bail!("not now"),
            }
        }
        Ok(Reported::Done)
    }
}

/// Lets other tasks run until something holds.
async fn until(world: &World, mut holds: impl FnMut() -> bool) {
    let waits = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(30), waits).await;
    assert!(came.is_ok(), "it never came true; {} sleepers", world.clock.sleepers());
}

#[tokio::test]
async fn each_state_is_reported_once_recorded_and_written_to_the_history() {
    let mut world = world("").await;
    let notes = Arc::new(Notes::default());
    world.deps.reporters = vec![notes.clone()];
    world.put(run("before", ProwJobState::Pending));
    world.put(run("private", ProwJobState::Pending));
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    let recorded = |name: &str, state: ProwJobState| {
        let states = world.cluster.jobs.one(name).status.prev_report_states.clone();
        states.get("notes") == Some(&state)
    };
    until(&world, || recorded("run-before", ProwJobState::Pending)).await;
    world.put(run("after", ProwJobState::Triggered));
    until(&world, || recorded("run-after", ProwJobState::Triggered)).await;
    world.cluster.jobs.change("run-after", |job| job.status.state = ProwJobState::Pending);
    until(&world, || recorded("run-after", ProwJobState::Pending)).await;
    cancel.cancel();
    task.await.unwrap().unwrap();
    let mut seen = notes.seen.lock().clone();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        seen,
        [
            ("after".to_owned(), ProwJobState::Triggered, false),
            ("after".to_owned(), ProwJobState::Pending, false),
            ("before".to_owned(), ProwJobState::Pending, true),
        ],
        "what was there before may have been reported before"
    );
    for (name, state) in [("run-before", "pending"), ("run-private", "pending")] {
        let row = world.store.runs().get(name).await.unwrap().unwrap();
        assert_eq!(row.state, state);
    }
    assert!(world.dir.path().exists());
}

#[tokio::test]
async fn a_failing_report_is_repeated_with_backoff_and_delays_no_other() {
    let mut world = world("").await;
    let notes = Arc::new(Notes { failures: Mutex::new(2), ..Notes::default() });
    world.deps.reporters = vec![notes.clone()];
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    world.put(run("a", ProwJobState::Pending));
    until(&world, || notes.seen.lock().len() == 1).await;
    world.put(run("b", ProwJobState::Pending));
    until(&world, || notes.seen.lock().len() == 2).await;
    // Both failed once; the clock stands still, so nothing is repeated by itself.
    world.put(run("c", ProwJobState::Pending));
    until(&world, || notes.seen.lock().len() == 3).await;
    until(&world, || world.clock.sleepers() > 0).await;
    world.clock.advance(Duration::from_secs(1));
    until(&world, || notes.seen.lock().len() == 5).await;
    cancel.cancel();
    task.await.unwrap().unwrap();
    let seen = notes.seen.lock();
    assert!(seen[3..].iter().all(|(job, _, repeated)| *repeated && job != "c"), "{seen:?}");
}

#[tokio::test]
async fn a_report_whose_record_fails_is_recorded_later() {
    let mut world = world("").await;
    let notes = Arc::new(Notes::default());
    world.deps.reporters = vec![notes.clone()];
    world.put(run("a", ProwJobState::Pending));
    let down = cluster::ClusterError::Unavailable("no answer".to_owned());
    world.cluster.jobs.fail("patch", down);
    sync_once(&world.deps).await.unwrap_err();
    world.sync().await;
    let states = world.cluster.jobs.one("run-a").status.prev_report_states.clone();
    assert_eq!(states["notes"], ProwJobState::Pending);
}

#[tokio::test]
async fn a_report_that_can_never_succeed_waits_for_another_state() {
    let mut world = world("").await;
    let failure = Some(Failure::Permanent);
    let notes = Arc::new(Notes { failures: Mutex::new(1), failure, ..Notes::default() });
    world.deps.reporters = vec![notes.clone()];
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    world.put(run("a", ProwJobState::Pending));
    until(&world, || notes.seen.lock().len() == 1).await;
    // Other changes of the run, and a long time, bring nothing but the report of another run.
    world.cluster.jobs.change("run-a", |job| job.status.description = "x".to_owned());
    world.clock.advance(Duration::from_secs(7_200));
    world.put(run("b", ProwJobState::Pending));
    until(&world, || notes.seen.lock().len() == 2).await;
    assert_eq!(notes.seen.lock()[1].0, "b");
    world.cluster.jobs.change("run-a", |job| job.status.state = ProwJobState::Success);
    until(&world, || notes.seen.lock().len() == 3).await;
    assert_eq!(notes.seen.lock()[2].1, ProwJobState::Success);
    cancel.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_report_that_fails_for_a_day_is_given_up() {
    let mut world = world("").await;
    let notes = Arc::new(Notes { failures: Mutex::new(u32::MAX), ..Notes::default() });
    world.deps.reporters = vec![notes.clone()];
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    world.put(run("a", ProwJobState::Pending));
    let tries = || notes.seen.lock().len();
    until(&world, || tries() == 1).await;
    world.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    until(&world, || tries() == 2).await;
    until(&world, || {
        world.clock.advance(Duration::from_secs(1));
        tries() == 3
    })
    .await;
    // Whatever time passes from here on, nothing but a new run is reported.
    for _ in 0..100 {
        world.clock.advance(Duration::from_secs(2_000));
        tokio::task::yield_now().await;
    }
    world.put(run("b", ProwJobState::Pending));
    until(&world, || notes.seen.lock().iter().any(|(job, ..)| job == "b")).await;
    let of_a = notes.seen.lock().iter().filter(|(job, ..)| job == "a").count();
    assert_eq!(of_a, 3);
    cancel.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn runs_of_repositories_that_are_left_to_others_are_not_reported() {
    let mut world = world("").await;
    let notes = Arc::new(Notes::default());
    world.deps.reporters = vec![notes.clone()];
    world.deps.enablement.disabled_repos.insert("org/repo".to_owned());
    world.put(run("a", ProwJobState::Pending));
    let mut periodic = run("b", ProwJobState::Pending);
    periodic.spec.refs = None;
    world.put(periodic);
    world.sync().await;
    let seen: Vec<String> = notes.seen.lock().iter().map(|(job, ..)| job.clone()).collect();
    assert_eq!(seen, ["b"]);
    assert!(world.store.runs().get("run-a").await.unwrap().is_some(), "the history has all");
}
