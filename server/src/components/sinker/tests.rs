//! Sinker's rules, its refusals, and passes over a cluster in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, SettableClock, SharedClock};
use config_load::LiveConfig;
use go_compat::time::Timestamp;
use job_spec::{JobType, Pod, ProwJob, ProwJobState, labels};
use prometheus::Registry;
use store::{Store, StoreOptions};

use super::decide::{Ages, Reason, empty_list, mass_deletion, old_jobs, old_pods};
use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster};

const HOUR: i64 = 3_600;
const NOW: i64 = 1_700_000_000;

fn ago(hours: i64) -> Timestamp {
    Timestamp::from_seconds(NOW - hours * HOUR)
}

fn ages() -> Ages {
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    Ages { prow_job: hours(168), pod: hours(24), terminated_pod: hours(12) }
}

fn run(name: &str, job: &str, kind: JobType, started: i64, ended: Option<i64>) -> ProwJob {
    let mut run = ProwJob::default();
    run.metadata.name = name.to_owned();
    run.spec.job = job.to_owned();
    run.spec.job_type = kind;
    run.status.start_time = Some(ago(started));
    run.status.completion_time = ended.map(ago);
    run.status.state = if ended.is_some() { ProwJobState::Success } else { ProwJobState::Pending };
    run
}

fn pod(name: &str, started: Option<i64>, created: i64) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = name.to_owned();
    pod.metadata.labels = [(labels::CREATED_BY_PROW, "true"), (labels::PROW_JOB_ID, name)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    pod.metadata.creation_timestamp = Some(ago(created));
    pod.status.start_time = started.map(ago);
    pod
}

#[test]
fn complete_prow_jobs_go_by_age_and_the_last_run_of_a_configured_periodic_stays() {
    use JobType::{Periodic, Postsubmit, Presubmit};
    let jobs: Vec<Arc<ProwJob>> = [
        run("old", "a", Presubmit, 200, Some(199)),
        run("older", "a", Postsubmit, 300, Some(299)),
        run("young", "a", Presubmit, 100, Some(99)),
        run("old and going", "a", Presubmit, 200, None),
        run("periodic 1", "nightly", Periodic, 300, Some(299)),
        run("periodic 2", "nightly", Periodic, 200, Some(199)),
        run("periodic going", "hourly", Periodic, 170, None),
        run("periodic before", "hourly", Periodic, 180, Some(179)),
        run("removed", "gone", Periodic, 200, Some(199)),
        run("removed, last", "gone", Periodic, 190, Some(189)),
    ]
    .into_iter()
    .map(Arc::new)
    .collect();
    let configured: BTreeSet<&str> = ["nightly", "hourly"].into();
    let old = old_jobs(&jobs, &configured, ages(), ago(0));
    let expected = [
        ("older", Reason::Aged),
        ("periodic 1", Reason::AgedPeriodic),
        ("old", Reason::Aged),
        ("removed", Reason::AgedPeriodic),
        ("removed, last", Reason::AgedPeriodic),
        ("periodic before", Reason::AgedPeriodic),
    ];
    let got: Vec<(&str, Reason)> = old.iter().map(|(n, r)| (n.as_str(), *r)).collect();
    assert_eq!(got, expected);
}

#[test]
fn pods_go_by_age_after_their_run_or_as_orphans() {
    let done = |name: &str, ended: i64| run(name, "a", JobType::Presubmit, 100, Some(ended));
    let going = run("going", "a", JobType::Presubmit, 100, None);
    let table = [
        ("aged", done("p", 99), pod("p", Some(25), 25), Some(Reason::Aged)),
        ("ttled", done("p", 13), pod("p", Some(23), 23), Some(Reason::Ttled)),
        ("ttled, never started", done("p", 13), pod("p", None, 90), Some(Reason::Ttled)),
        ("young", done("p", 11), pod("p", Some(23), 23), None),
        ("old, but its run goes on", going, pod("going", Some(90), 90), None),
        ("orphan", done("other", 99), pod("p", Some(1), 1), Some(Reason::Orphaned)),
        ("orphan, just made", done("other", 99), pod("p", None, 0), None),
    ];
    for (name, job, pod, expected) in table {
        let jobs: BTreeMap<&str, &ProwJob> = [(job.metadata.name.as_str(), &job)].into();
        let verdicts = old_pods(&[Arc::new(pod)], &jobs, ages(), ago(0));
        assert_eq!(verdicts.first().and_then(|v| v.delete), expected, "{name}");
    }
}

#[test]
fn the_finalizer_comes_off_when_nobody_will_take_it_off() {
    let held = |name: &str| {
        let mut pod = pod(name, Some(1), 1);
        pod.metadata.finalizers = vec![labels::GCS_K8S_REPORTER_FINALIZER.to_owned()];
        Arc::new(pod)
    };
    let mut reported = run("reported", "a", JobType::Presubmit, 2, Some(1));
    reported.status.prev_report_states.insert("gcsk8sreporter".to_owned(), ProwJobState::Success);
    let unreported = run("unreported", "a", JobType::Presubmit, 2, Some(1));
    let jobs: BTreeMap<&str, &ProwJob> =
        [("reported", &reported), ("unreported", &unreported)].into();
    for (name, stripped) in [("reported", true), ("unreported", false), ("orphan", true)] {
        let verdicts = old_pods(&[held(name)], &jobs, ages(), ago(0));
        let strips = verdicts.first().is_some_and(|verdict| verdict.strip_finalizer);
        assert_eq!(strips, stripped, "{name}");
    }
}

#[test]
fn too_much_at_once_is_refused_in_words() {
    for (doomed, total, refused) in
        [(0, 0, false), (10, 10, false), (11, 12, true), (20, 100, false), (21, 100, true)]
    {
        assert_eq!(mass_deletion("pods", doomed, total).is_some(), refused, "{doomed}/{total}");
    }
    let text = mass_deletion("ProwJobs", 30, 100).unwrap();
    assert!(text.starts_with("30 of 100 ProwJobs are due for removal at once, more than 20 %"));
    assert!(empty_list(0, 0).is_none() && empty_list(1, 5).is_none());
    assert!(empty_list(0, 3).unwrap().contains("while 3 pods"));
}

struct World {
    deps: Deps,
    cluster: Arc<FakeCluster>,
    store: Store,
    clock: Arc<SettableClock>,
    _dir: tempfile::TempDir,
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SettableClock::new(ago(0)));
    let shared: SharedClock = clock.clone();
    let cluster = FakeCluster::with(&shared, &["default", "other"], false);
    let store = Store::open(StoreOptions::files(dir.path())).await.unwrap();
    let config: LiveConfig = fakes::config("", "", "");
    let deps = Deps {
        cluster: cluster.clone(),
        runs: store.runs(),
        config,
        dry_run: false,
        allow_mass_deletion: false,
        refused: Refused::default(),
        job_config_path: None,
        clock: shared,
        metrics: Metrics::new(&Registry::new()).unwrap(),
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, cluster, store, clock, _dir: dir }
}

#[tokio::test]
async fn a_run_is_in_the_history_before_its_prow_job_goes() {
    let world = world().await;
    world.cluster.jobs.put(run("old", "a", JobType::Presubmit, 200, Some(199)));
    world.cluster.jobs.put(run("young", "a", JobType::Presubmit, 2, Some(1)));
    world.cluster.pods().put(pod("young", Some(1), 1));
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.jobs, [("old".to_owned(), Reason::Aged)]);
    assert_eq!(pass.pods, []);
    let row = world.store.runs().get("old").await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.completion), ("success", Some(ago(199))));
    assert_eq!(world.cluster.jobs.all().len(), 1);
}

#[tokio::test]
async fn an_orphan_goes_only_if_a_live_look_finds_no_prow_job() {
    let world = world().await;
    world.cluster.jobs.put(run("young", "a", JobType::Presubmit, 2, Some(1)));
    world.cluster.pods().put(pod("orphan", Some(1), 1));
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.pods, [("default".to_owned(), "orphan".to_owned(), Reason::Orphaned)]);

    // The live look fails: the pod stays, and the pass says so.
    world.cluster.pods().put(pod("orphan", Some(1), 1));
    let down = cluster::ClusterError::Unavailable("no answer".to_owned());
    world.cluster.jobs.fail("get", down);
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.pods, []);
    assert!(pass.failed[0].contains("orphan") && pass.failed[0].contains("no answer"));
}

#[tokio::test]
async fn a_pod_whose_prow_job_goes_in_the_same_pass_waits_for_the_next() {
    let world = world().await;
    world.cluster.jobs.put(run("old", "a", JobType::Presubmit, 200, Some(199)));
    world.cluster.jobs.put(run("young", "a", JobType::Presubmit, 2, Some(1)));
    world.cluster.pods().put(pod("old", Some(199), 199));
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!((pass.jobs.len(), pass.pods.len()), (1, 0));
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.pods, [("default".to_owned(), "old".to_owned(), Reason::Orphaned)]);
}

#[tokio::test]
async fn an_empty_list_and_a_clock_that_jumps_remove_nothing() {
    let world = world().await;
    world.cluster.pods().put(pod("a", Some(1), 1));
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!((pass.pods.len(), pass.refused.len()), (0, 1), "{pass:?}");

    for n in 0..30 {
        world.cluster.jobs.put(run(&format!("r{n}"), "a", JobType::Presubmit, n, Some(n)));
    }
    world.clock.advance(Duration::from_secs(365 * 24 * 3_600));
    let pass = sync_once(&world.deps).await.unwrap();
    assert!(pass.jobs.is_empty() && pass.refused[0].contains("30 of 30 ProwJobs"), "{pass:?}");
    assert_eq!(world.cluster.jobs.all().len(), 30);

    // What is found again and again is believed in the end.
    world.clock.advance(Duration::from_secs(2 * 3_600 - 1));
    let pass = sync_once(&world.deps).await.unwrap();
    assert!(pass.jobs.is_empty() && pass.refused.len() == 1, "{pass:?}");
    world.clock.advance(Duration::from_secs(1));
    let patient = Deps { dry_run: true, ..world.deps.clone() };
    let pass = sync_once(&patient).await.unwrap();
    assert!(pass.refused.is_empty(), "{pass:?}");

    let deps =
        Deps { allow_mass_deletion: true, refused: Refused::default(), ..world.deps.clone() };
    let pass = sync_once(&deps).await.unwrap();
    assert_eq!((pass.jobs.len(), pass.refused.len()), (30, 0));
}

#[tokio::test]
async fn one_build_cluster_that_does_not_answer_leaves_the_others_clean() {
    let world = world().await;
    world.cluster.down.lock().insert("default".to_owned(), "connection refused".to_owned());
    world.cluster.jobs.put(run("done", "a", JobType::Presubmit, 90, Some(89)));
    let other = world.deps.cluster.pods("other").unwrap();
    other.create(&pod("done", Some(89), 89)).await.unwrap();
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.pods, [("other".to_owned(), "done".to_owned(), Reason::Aged)]);
    assert!(pass.failed[0].contains("connection refused"), "{pass:?}");
}

#[tokio::test]
async fn a_dry_run_removes_nothing() {
    let world = world().await;
    world.cluster.jobs.put(run("old", "a", JobType::Presubmit, 200, Some(199)));
    world.cluster.jobs.put(run("done", "a", JobType::Presubmit, 90, Some(89)));
    world.cluster.pods().put(pod("done", Some(89), 89));
    let deps = Deps { dry_run: true, ..world.deps.clone() };
    let pass = sync_once(&deps).await.unwrap();
    assert!(pass.jobs.is_empty() && pass.pods.is_empty());
    assert_eq!(world.cluster.jobs.all().len(), 2);
    assert_eq!(world.cluster.pods().all().len(), 1);
    assert_eq!(world.clock.now(), ago(0));
}

#[tokio::test]
async fn the_metrics_have_prows_names() {
    let mut world = world().await;
    let registry = Registry::new();
    world.deps.metrics = Metrics::new(&registry).unwrap();
    world.cluster.jobs.put(run("old", "a", JobType::Presubmit, 200, Some(199)));
    world.cluster.jobs.put(run("done", "a", JobType::Presubmit, 90, Some(89)));
    world.cluster.pods().put(pod("done", Some(89), 89));
    sync_once(&world.deps).await.unwrap();
    let families = registry.gather();
    let value = |name: &str, reason: &str| {
        let family = families.iter().find(|family| family.name() == name);
        let metrics = family.map(|family| family.get_metric()).unwrap_or_default();
        let found = metrics.iter().find(|metric| {
            reason.is_empty() || metric.get_label().iter().any(|label| label.value() == reason)
        });
        found.map(|metric| metric.get_gauge().get_value())
    };
    assert_eq!(value("sinker_prow_jobs_existing", ""), Some(2.0));
    assert_eq!(value("sinker_prow_jobs_cleaned", "aged"), Some(1.0));
    assert_eq!(value("sinker_pods_existing", ""), Some(1.0));
    assert_eq!(value("sinker_pods_removed", "aged"), Some(1.0));
    assert_eq!(value("sinker_loop_duration_seconds", ""), Some(0.0));

    let down = cluster::ClusterError::Unavailable("no answer".to_owned());
    world.cluster.jobs.put(run("older", "a", JobType::Presubmit, 300, Some(299)));
    world.cluster.jobs.fail("delete", down);
    sync_once(&world.deps).await.unwrap();
    let families = registry.gather();
    let errors = families.iter().find(|one| one.name() == "sinker_prow_jobs_cleaning_errors");
    let errors = errors.expect("errors are counted").get_metric();
    assert_eq!(errors[0].get_label()[0].value(), "unavailable");
    let cleaned = families.iter().find(|one| one.name() == "sinker_prow_jobs_cleaned");
    assert!(cleaned.is_none(), "the last pass cleaned nothing");
}

#[tokio::test]
async fn an_excluded_build_cluster_is_left_alone() {
    let mut world = world().await;
    world.deps.config = fakes::config("sinker: {exclude_clusters: [other]}\n", "", "");
    world.cluster.jobs.put(run("done", "a", JobType::Presubmit, 90, Some(89)));
    for cluster in ["default", "other"] {
        let pods = world.deps.cluster.pods(cluster).unwrap();
        pods.create(&pod("done", Some(89), 89)).await.unwrap();
    }
    let pass = sync_once(&world.deps).await.unwrap();
    assert_eq!(pass.pods, [("default".to_owned(), "done".to_owned(), Reason::Aged)]);
    assert_eq!(world.cluster.pods["other"].all().len(), 1);
}
