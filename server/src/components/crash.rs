//! The process dies at every call in turn, before its effect and after it, and starts again.
//!
//! A sweep runs the same story once per point at which it can be cut off. Whatever the point, the
//! end must be the same: one set of runs, one pod each, one comment, the states complete.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::{SettableClock, SharedClock};
use go_compat::time::Timestamp;
use job_spec::{PodPhase, ProwJobState};
use prometheus::Registry;
use serde_json::{Value, json};
use store::{
    Appended, Claim, Delivery, DeliveryCounts, DeliveryFilter, DeliveryId, DeliveryStatus,
    DeliveryStore, NewDelivery, StateStore, Store, StoreError, StoreOptions,
};

use super::enablement::Enablement;
use super::fakes::{self, FakeCluster, Fuse};
use super::{NoHeartbeat, crier, hook, horologium, plank};
use crate::plugins::fakes::{FakeForge, NoOwn};
use crate::plugins::registry;

const NOW: i64 = 1_700_000_000;
/// No story has so many points; a sweep that reaches this goes round in circles.
const MOST_POINTS: u32 = 2_000;

/// A store behind a fuse.
struct Fused<T: ?Sized> {
    fuse: Arc<Fuse>,
    inner: Arc<T>,
}

impl<T: ?Sized> Fused<T> {
    async fn call<R>(&self, work: impl Future<Output = R>) -> R {
        self.fuse.spend().await;
        let result = work.await;
        self.fuse.spend().await;
        result
    }
}

#[async_trait]
impl DeliveryStore for Fused<dyn DeliveryStore> {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, StoreError> {
        self.inner.append(delivery).await
    }

    async fn next_pending(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        self.call(self.inner.next_pending(now, lease, limit)).await
    }

    async fn renew(&self, id: DeliveryId, until: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.renew(id, until)).await
    }

    async fn mark_handled(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        self.call(self.inner.mark_handled(id, now, note)).await
    }

    async fn mark_failed(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        self.call(self.inner.mark_failed(id, now, note)).await
    }

    async fn retry_later(
        &self,
        id: DeliveryId,
        not_before: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        self.call(self.inner.retry_later(id, not_before, note)).await
    }

    async fn replay(&self, id: DeliveryId) -> Result<Delivery, StoreError> {
        self.inner.replay(id).await
    }

    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.inner.get(id).await
    }

    async fn body(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        self.call(self.inner.body(id)).await
    }

    async fn list(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.inner.list(filter, limit).await
    }

    async fn counts(&self) -> Result<DeliveryCounts, StoreError> {
        self.inner.counts().await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due().await
    }

    fn arrivals(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.arrivals()
    }

    async fn prune(&self, now: Timestamp) -> Result<(u64, u64), StoreError> {
        self.inner.prune(now).await
    }
}

#[async_trait]
impl StateStore for Fused<dyn StateStore> {
    async fn get(&self, key: &str) -> Result<Option<Value>, StoreError> {
        self.call(self.inner.get(key)).await
    }

    async fn put(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        self.call(self.inner.put(key, value)).await
    }

    async fn put_all(&self, values: Vec<(String, Value)>) -> Result<(), StoreError> {
        self.call(self.inner.put_all(values)).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.call(self.inner.remove(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        self.call(self.inner.list(prefix)).await
    }
}

/// What survives the process: cluster, code host, disk.
struct World {
    dir: tempfile::TempDir,
    clock: Arc<SettableClock>,
    cluster: Arc<FakeCluster>,
    forge: Arc<FakeForge>,
    fuse: Arc<Fuse>,
    config: config_load::LiveConfig,
}

impl World {
    fn new(jobs: &str) -> World {
        let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(NOW)));
        let shared: SharedClock = clock.clone();
        let cluster = FakeCluster::new(&shared);
        let forge = FakeForge::new();
        let fuse = Arc::new(Fuse::default());
        *cluster.jobs.fuse.lock() = fuse.clone();
        *cluster.pods().fuse.lock() = fuse.clone();
        *forge.fuse.lock() = fuse.clone();
        let plugins = "plugins: {org/repo: {plugins: [trigger]}}\n";
        let config = fakes::config("", jobs, plugins);
        World { dir: tempfile::tempdir().unwrap(), clock, cluster, forge, fuse, config }
    }

    async fn store(&self) -> Store {
        Store::open(StoreOptions::files(self.dir.path())).await.unwrap()
    }

    fn hook(&self, store: &Store) -> hook::Deps {
        hook::Deps {
            deliveries: Arc::new(Fused { fuse: self.fuse.clone(), inner: store.deliveries() }),
            state: Arc::new(Fused { fuse: self.fuse.clone(), inner: store.state() }),
            audit: store.audit(),
            references: store.references(),
            forge: self.forge.clone(),
            prow_jobs: self.cluster.jobs.clone(),
            in_repo: Arc::new(NoOwn),
            config: self.config.clone(),
            enablement: Enablement::default(),
            plugins: registry::PLUGINS,
            external: hook::External::new().unwrap(),
            seen: Arc::default(),
            clock: self.clock.clone(),
            metrics: hook::Metrics::new(&Registry::new()).unwrap(),
            heartbeat: Arc::new(NoHeartbeat),
        }
    }

    fn plank(&self) -> plank::Deps {
        plank::Deps {
            cluster: self.cluster.clone(),
            config: self.config.clone(),
            trust: plank::Trust::default(),
            build_ids: plank::BuildIdSource::Own(Arc::default()),
            blobs: None,
            version: String::new(),
            clock: self.clock.clone(),
            metrics: plank::Metrics::default(),
            heartbeat: Arc::new(NoHeartbeat),
        }
    }

    fn crier(&self, store: &Store) -> crier::Deps {
        let jobs = self.cluster.jobs.clone();
        crier::Deps {
            cluster: self.cluster.clone(),
            reporters: crier::reporters(Some(self.forge.clone()), None, jobs, &self.config),
            enablement: Enablement::default(),
            runs: store.runs(),
            config: self.config.clone(),
            clock: self.clock.clone(),
            metrics: crier::Metrics::new(&Registry::new()).unwrap(),
            heartbeat: Arc::new(NoHeartbeat),
        }
    }

    fn horologium(&self, store: &Store) -> horologium::Deps {
        horologium::Deps {
            cluster: self.cluster.clone(),
            state: Arc::new(Fused { fuse: self.fuse.clone(), inner: store.state() }),
            config: self.config.clone(),
            dry_run: false,
            clock: self.clock.clone(),
            heartbeat: Arc::new(NoHeartbeat),
        }
    }

    /// The pull request 5 by a stranger, as GitHub has it.
    fn open_pull(&self) {
        let pull = serde_json::from_value(pull_request()).unwrap();
        let mut state = self.forge.state.lock();
        state.members.entry("org".to_owned()).or_default().insert("member".to_owned());
        state.refs.insert("heads/main".to_owned(), "b".repeat(40));
        state.pulls.insert(5, pull);
    }

    /// How often each job was started.
    fn started(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for run in self.cluster.jobs.all() {
            *counts.entry(run.spec.job.clone()).or_default() += 1;
        }
        counts
    }
}

fn repository() -> Value {
    json!({
        "name": "repo", "full_name": "org/repo", "owner": {"login": "org"},
        "html_url": "https://github.com/org/repo",
    })
}

fn pull_request() -> Value {
    json!({
        "number": 5, "state": "open", "title": "A change", "user": {"login": "stranger"},
        "base": {"ref": "main", "sha": "b".repeat(40), "repo": repository()},
        "head": {"ref": "topic", "sha": "a".repeat(40), "repo": repository()},
    })
}

async fn append(store: &Store, guid: &str, event: &str, body: Value) -> DeliveryId {
    let delivery = NewDelivery {
        delivery_id: guid.to_owned(),
        event: event.to_owned(),
        repository: "org/repo".to_owned(),
        headers: Vec::new(),
        body: body.to_string().into(),
        received: Timestamp::from_seconds(NOW),
    };
    store.deliveries().append(delivery).await.unwrap().id()
}

const PRESUBMITS: &str = "\
presubmits:
  org/repo:
  - {name: one, always_run: true, spec: {containers: [{image: x}]}}
  - {name: two, always_run: true, spec: {containers: [{image: x}]}}
  - {name: three, always_run: true, spec: {containers: [{image: x}]}}
";

#[tokio::test]
async fn deliveries_end_in_one_set_of_effects_wherever_the_process_dies() {
    let mut points = 0;
    for point in 0..MOST_POINTS {
        let world = World::new(PRESUBMITS);
        world.open_pull();
        let store = world.store().await;
        let opened =
            json!({"action": "opened", "pull_request": pull_request(), "repository": repository()});
        let ok = json!({
            "action": "created",
            "issue": {"number": 5, "state": "open", "user": {"login": "stranger"}, "pull_request": {}},
            "comment": {"id": 7, "body": "/ok-to-test", "user": {"login": "member"}},
            "repository": repository(),
        });
        let ids = [
            append(&store, "g1", "pull_request", opened).await,
            append(&store, "g2", "issue_comment", ok).await,
        ];
        world.fuse.arm(point);
        let deps = world.hook(&store);
        let died = world.fuse.kills(async {
            hook::sync_once(&deps).await.unwrap();
        });
        let died = died.await;
        drop(deps);
        drop(store);
        // The next process, an hour later.
        world.fuse.disarm();
        world.clock.advance(Duration::from_secs(3_600));
        let store = world.store().await;
        hook::sync_once(&world.hook(&store)).await.unwrap();
        for id in ids {
            let delivery = store.deliveries().get(id).await.unwrap().unwrap();
            assert_eq!(
                delivery.status,
                DeliveryStatus::Handled,
                "point {point}: {}",
                delivery.note
            );
        }
        let expected = ["one", "two", "three"].map(|job| (job.to_owned(), 1));
        assert_eq!(world.started(), expected.into(), "point {point}");
        assert_eq!(world.forge.comments(5).len(), 1, "point {point}: one welcome");
        let labels: Vec<String> = world.forge.state.lock().labels[&5].iter().cloned().collect();
        assert_eq!(labels, ["ok-to-test"], "point {point}");
        assert!(store.state().list("hook/").await.unwrap().is_empty(), "point {point}");
        if !died {
            points = point;
            break;
        }
    }
    assert!(points > 30, "the sweep was cut short: {points}");
}

#[tokio::test]
async fn a_run_has_one_pod_and_ends_once_wherever_the_process_dies() {
    let mut points = 0;
    for point in 0..MOST_POINTS {
        let world = World::new("");
        let mut run = job_spec::ProwJob::default();
        run.metadata.name = "r".to_owned();
        run.spec.job = "nightly".to_owned();
        run.spec.job_type = job_spec::JobType::Periodic;
        run.spec.agent = "kubernetes".to_owned();
        run.spec.pod_spec =
            Some(job_spec::PodSpec::from_value(&json!({"containers": [{"image": "x"}]})));
        run.status.state = ProwJobState::Triggered;
        run.status.start_time = Some(Timestamp::from_seconds(NOW));
        world.cluster.jobs.put(run);
        world.fuse.arm(point);
        let evicted = std::cell::Cell::new(false);
        // Looks until the run has ended; the pod is evicted once and then succeeds.
        let story = async || {
            for _ in 0..12 {
                plank::sync_once(&world.plank()).await.unwrap();
                for pod in world.cluster.pods().all() {
                    let name = &pod.metadata.name;
                    if evicted.replace(true) {
                        world.cluster.phase(name, PodPhase::Succeeded);
                    } else {
                        world.cluster.pods().change(name, |pod| {
                            pod.status.phase = PodPhase::Failed;
                            pod.status.reason = "Evicted".to_owned();
                        });
                    }
                }
            }
        };
        let died = world.fuse.kills(story()).await;
        world.fuse.disarm();
        story().await;
        let job = world.cluster.jobs.one("r");
        assert_eq!(job.status.state, ProwJobState::Success, "{point}: {}", job.status.description);
        assert_eq!(job.status.pod_revival_count, 1, "point {point}");
        let creations =
            world.cluster.pods().log.lock().iter().filter(|what| *what == "create r").count();
        assert_eq!(creations, 2, "point {point}: the first pod and the one after the eviction");
        if !died {
            points = point;
            break;
        }
    }
    assert!(points > 20, "the sweep was cut short: {points}");
}

#[tokio::test]
async fn a_failure_is_told_once_wherever_the_process_dies() {
    let mut points = 0;
    for point in 0..MOST_POINTS {
        let world = World::new("");
        for name in ["a", "b"] {
            let mut run = job_spec::ProwJob::default();
            run.metadata.name = name.to_owned();
            run.spec.job_type = job_spec::JobType::Presubmit;
            run.spec.job = name.to_owned();
            run.spec.context = name.to_owned();
            run.spec.report = true;
            let pull = job_spec::Pull { number: 5, sha: "a".repeat(40), ..Default::default() };
            run.spec.refs = Some(job_spec::Refs {
                org: "org".to_owned(),
                repo: "repo".to_owned(),
                base_sha: "b".repeat(40),
                pulls: vec![pull],
                ..Default::default()
            });
            run.status.state = ProwJobState::Failure;
            run.status.completion_time = Some(Timestamp::from_seconds(NOW));
            world.cluster.jobs.put(run);
        }
        let store = world.store().await;
        world.fuse.arm(point);
        // The engine treats what it finds at its start as perhaps reported before.
        let tell = async || {
            let deps = world.crier(&store);
            for job in world.cluster.jobs.all() {
                let due = crier::decide::is_due("github-reporter", &job, None);
                if due && deps.reporters[0].report(&job, true).await.is_ok() {
                    let patch = json!({"status": {"prev_report_states": {"github-reporter": job.status.state}}});
                    use cluster::Api;
                    world.cluster.jobs.patch_merge(&job.metadata.name, &patch, None).await.unwrap();
                }
            }
        };
        let died = world.fuse.kills(tell()).await;
        world.fuse.disarm();
        tell().await;
        let comments = world.forge.comments(5);
        assert_eq!(comments.len(), 1, "point {point}: {comments:?}");
        for name in ["a", "b"] {
            assert_eq!(comments[0].matches(&format!("\n{name} | ")).count(), 1, "point {point}");
        }
        let statuses = world.forge.state.lock().statuses[&"a".repeat(40)].len();
        assert_eq!(statuses, 2, "point {point}: one status each");
        if !died {
            points = point;
            break;
        }
    }
    assert!(points > 15, "the sweep was cut short: {points}");
}

#[tokio::test]
async fn a_periodic_is_started_once_per_time_wherever_the_process_dies() {
    let jobs = "periodics: [{name: hourly, cron: '0 * * * *', spec: {containers: [{image: x}]}}, \
                {name: often, interval: 2h, spec: {containers: [{image: x}]}}]";
    let mut points = 0;
    for point in 0..MOST_POINTS {
        let world = World::new(jobs);
        let store = world.store().await;
        world.fuse.arm(point);
        let tick = async || {
            horologium::sync_once(&world.horologium(&store)).await.unwrap();
        };
        let died = world
            .fuse
            .kills(async {
                tick().await;
                world.clock.advance(Duration::from_secs(2_810));
                tick().await;
            })
            .await;
        world.fuse.disarm();
        world.clock.set(Timestamp::from_seconds(NOW + 2_820));
        tick().await;
        tick().await;
        let started = world.started();
        assert_eq!(started.get("often"), Some(&1), "point {point}");
        // Whoever had never seen the cron before its time waits for the next.
        let hourly = started.get("hourly").copied().unwrap_or_default();
        assert!(hourly <= 1, "point {point}: {hourly}");
        if !died {
            assert_eq!(hourly, 1);
            points = point;
            break;
        }
    }
    assert!(points > 10, "the sweep was cut short: {points}");
}
