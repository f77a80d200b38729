//! The scheduler over a cluster in memory.

use clock::SettableClock;
use go_compat::time::Timestamp;
use job_spec::{ProwJob, ProwJobState};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster, service};

const NOW: i64 = 1_700_000_000;

struct World {
    deps: Deps,
    cluster: Arc<FakeCluster>,
    clock: Arc<SettableClock>,
}

fn world(prow: &str) -> World {
    let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(NOW)));
    let shared: SharedClock = clock.clone();
    let cluster = FakeCluster::new(&shared);
    let deps = Deps {
        cluster: cluster.clone(),
        config: fakes::config(prow, "", ""),
        external: External::new().unwrap(),
        clock: shared,
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, cluster, clock }
}

impl World {
    fn put(&self, name: &str, agent: &str, cluster: &str) {
        let mut job = ProwJob::default();
        job.metadata.name = name.to_owned();
        job.spec.job = "unit".to_owned();
        job.spec.agent = agent.to_owned();
        job.spec.cluster = cluster.to_owned();
        job.status.state = ProwJobState::Scheduling;
        self.cluster.jobs.put(job);
    }

    /// Where a run was put, and its state.
    async fn scheduled(&self, name: &str) -> (String, ProwJobState) {
        sync_once(&self.deps).await.unwrap();
        let job = self.cluster.jobs.one(name);
        (job.spec.cluster.clone(), job.status.state.clone())
    }
}

fn triggered(cluster: &str) -> (String, ProwJobState) {
    (cluster.to_owned(), ProwJobState::Triggered)
}

#[tokio::test]
async fn a_run_leaves_a_cluster_that_a_mapping_replaces() {
    let world = world("scheduler: {enabled: true, failover: {mappings: {a: b, default: c}}}\n");
    let table = [
        ("kubernetes", "a", "b"),
        ("tekton-pipeline", "a", "b"),
        ("kubernetes", "x", "x"),
        ("kubernetes", "", "c"),
        ("jenkins", "a", "a"),
    ];
    for (agent, from, to) in table {
        let name = format!("{agent}-{from}");
        world.put(&name, agent, from);
        assert_eq!(world.scheduled(&name).await, triggered(to), "{name}");
    }
    assert_eq!(world.cluster.jobs.log.lock().len(), table.len(), "one write each");
}

#[tokio::test]
async fn without_a_strategy_or_with_the_scheduler_off_a_run_goes_on_as_it_is() {
    for prow in ["scheduler: {enabled: true}\n", ""] {
        let world = world(prow);
        world.put("r", "kubernetes", "a");
        assert_eq!(world.scheduled("r").await, triggered("a"), "{prow}");
    }
}

#[tokio::test]
async fn a_service_names_the_cluster_and_is_asked_again_when_its_answer_is_old() {
    let (url, asked) = service(&["200 OK"], r#"{"cluster":"there"}"#).await;
    let world = world(&format!(
        "scheduler: {{enabled: true, external: {{url: '{url}', cache: \
         {{entry_timeout_interval: 5m, cleanup_interval: 10m}}}}}}\n"
    ));
    for (name, seconds, requests) in [("a", 0, 1), ("b", 299, 1), ("c", 1, 2)] {
        world.clock.advance(std::time::Duration::from_secs(seconds));
        world.put(name, "kubernetes", "here");
        assert_eq!(world.scheduled(name).await, triggered("there"), "{name}");
        assert_eq!(asked.lock().len(), requests, "{name}");
    }
    assert!(asked.lock()[0].ends_with(r#"{"job":"unit"}"#));
}

#[tokio::test]
async fn a_service_without_cache_settings_is_asked_for_every_run() {
    let (url, asked) = service(&["200 OK"], r#"{"cluster":"there"}"#).await;
    let world = world(&format!("scheduler: {{enabled: true, external: {{url: '{url}'}}}}\n"));
    for name in ["a", "b"] {
        world.put(name, "kubernetes", "here");
        assert_eq!(world.scheduled(name).await, triggered("there"));
    }
    assert_eq!(asked.lock().len(), 2);
}

#[tokio::test]
async fn a_service_that_fails_leaves_the_run_where_its_job_says() {
    let table = [
        ("500 Internal Server Error", r#"{"cluster":"there"}"#),
        ("200 OK", "no JSON"),
        ("200 OK", r#"{"cluster":""}"#),
    ];
    for (status, body) in table {
        let statuses: &'static [&'static str] = Box::leak(Box::new([status]));
        let (url, _) = service(statuses, body).await;
        let world = world(&format!("scheduler: {{enabled: true, external: {{url: '{url}'}}}}\n"));
        world.put("r", "kubernetes", "here");
        assert_eq!(world.scheduled("r").await, triggered("here"), "{status} {body}");
    }
}

#[tokio::test]
async fn a_run_that_was_aborted_while_it_waited_stays_aborted() {
    let world = world("scheduler: {enabled: true}\n");
    world.put("r", "kubernetes", "a");
    world.cluster.jobs.change("r", |job| job.status.state = ProwJobState::Aborted);
    assert_eq!(world.scheduled("r").await, ("a".to_owned(), ProwJobState::Aborted));
}

#[tokio::test]
async fn runs_are_scheduled_as_they_come() {
    let world = world("scheduler: {enabled: true, failover: {mappings: {a: b}}}\n");
    world.put("before", "kubernetes", "a");
    let cancel = CancellationToken::new();
    let task = tokio::spawn(run(world.deps.clone(), cancel.clone()));
    let state = |name: &str| world.cluster.jobs.one(name).status.state.clone();
    fakes::until("the first is scheduled", || state("before") == ProwJobState::Triggered).await;
    let lost = cluster::ClusterError::Unavailable("gone".to_owned());
    world.cluster.jobs.fail("patch", lost);
    world.put("later", "kubernetes", "a");
    fakes::until("the second is scheduled although a write failed", || {
        world.clock.advance(std::time::Duration::from_secs(1));
        state("later") == ProwJobState::Triggered
    })
    .await;
    cancel.cancel();
    task.await.unwrap().unwrap();
}
