//! Limits hold at every instant.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use job_spec::Pod;
use tokio_util::sync::CancellationToken;

use super::*;

const PROW: &str = "plank: {max_concurrency: 5, job_queue_capacities: {narrow: 2, shut: 0}}\n";

fn limited(name: &str, job: &str, max: i64, queue: &str) -> ProwJob {
    let mut run = run(name);
    run.spec.job = job.to_owned();
    run.spec.max_concurrency = max;
    run.spec.job_queue_name = queue.to_owned();
    run
}

/// Counts the live pods of a cluster with each change and keeps the largest numbers.
#[derive(Default)]
struct Peaks {
    all: AtomicUsize,
    limited: AtomicUsize,
    queued: AtomicUsize,
}

impl Peaks {
    fn watch(self: &Arc<Peaks>, world: &World) {
        let (peaks, cluster) = (self.clone(), world.cluster.clone());
        let jobs: BTreeMap<String, (String, String)> = cluster
            .jobs
            .all()
            .iter()
            .map(|job| {
                let about = (job.spec.job.clone(), job.spec.job_queue_name.clone());
                (job.metadata.name.clone(), about)
            })
            .collect();
        cluster.pods().on_change(move |pods: &BTreeMap<String, Arc<Pod>>| {
            let alive = pods
                .values()
                .filter(|pod| !matches!(pod.status.phase, PodPhase::Succeeded | PodPhase::Failed));
            let about: Vec<_> = alive.filter_map(|pod| jobs.get(&pod.metadata.name)).collect();
            let most = |peak: &AtomicUsize, count: usize| {
                peak.fetch_max(count, Ordering::SeqCst);
            };
            most(&peaks.all, about.len());
            most(&peaks.limited, about.iter().filter(|(job, _)| job == "limited").count());
            most(&peaks.queued, about.iter().filter(|(_, queue)| queue == "narrow").count());
        });
    }

    fn read(&self) -> [usize; 3] {
        [&self.all, &self.limited, &self.queued].map(|peak| peak.load(Ordering::SeqCst))
    }
}

fn crowd(world: &World) {
    for n in 0..8 {
        world.put(limited(&format!("limited-{n}"), "limited", 3, ""));
        world.put(limited(&format!("queued-{n}"), &format!("q{n}"), 0, "narrow"));
        world.put(limited(&format!("free-{n}"), &format!("f{n}"), 0, ""));
    }
}

#[tokio::test]
async fn no_limit_is_passed_while_many_runs_start_and_end() {
    let world = world(PROW);
    crowd(&world);
    world.put(limited("never", "never", 0, "shut"));
    let peaks = Arc::new(Peaks::default());
    peaks.watch(&world);
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    let done = || world.cluster.jobs.all().iter().filter(|job| job.complete()).count();
    until("all have ended", || {
        // Something always ends, so that a place is always wanted.
        let alive = world.cluster.pods().all();
        if let Some(pod) = alive.iter().find(|pod| pod.status.phase != PodPhase::Succeeded) {
            world.succeed(&pod.metadata.name);
        }
        done() == 24
    })
    .await;
    cancel.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(done(), 24, "all but the one whose queue is shut");
    let [all, limited, queued] = peaks.read();
    assert!(all <= 5 && limited <= 3 && queued <= 2, "{all} {limited} {queued}");
    assert!(all >= 3, "they do run side by side: {all}");
    let never = world.job("never");
    assert_eq!(never.status.state, ProwJobState::Triggered);
    assert!(never.status.description.contains("closes the queue shut"));
    assert_eq!(world.cluster.pods().log.lock().len(), 24, "one pod each");
}

#[tokio::test]
async fn a_pod_in_its_grace_period_keeps_its_place() {
    let world = world_with("", true);
    world.put(limited("first", "limited", 1, ""));
    world.sync().await;
    world.cluster.phase("first", PodPhase::Running);
    world.advance(1);
    world.put(limited("second", "limited", 1, ""));
    world.sync().await;
    assert_eq!(
        world.job("second").status.description,
        "Waiting: max_concurrency of this job is 1."
    );
    world.cluster.jobs.change("first", |job| job.status.state = ProwJobState::Aborted);
    world.sync().await;
    assert!(world.job("first").complete());
    world.sync().await;
    assert_eq!(world.state("second"), ProwJobState::Triggered, "the first one's process may live");
    world.cluster.pods().vanish("first");
    world.sync().await;
    assert_eq!(world.state("second"), ProwJobState::Pending);
}

#[tokio::test]
async fn after_a_crash_a_pod_that_is_not_recorded_counts() {
    let world = world("");
    let mut later = limited("a-later", "limited", 1, "");
    later.metadata.creation_timestamp = Some(Timestamp::from_seconds(NOW + 5));
    world.put(limited("z-first", "limited", 1, ""));
    // The pod was created and the record lost: the new process sees the pod, so the younger run
    // waits although the older one is still `triggered`.
    let lost = cluster::ClusterError::Unavailable("killed".to_owned());
    world.cluster.jobs.fail("patch", lost);
    world.sync().await;
    assert_eq!(world.state("z-first"), ProwJobState::Triggered);
    world.put(later);
    let plank = super::super::act::Plank::new(world.deps.clone());
    plank.index.lock().replace_jobs(world.cluster.jobs.all());
    plank.index.lock().replace_pods("default", world.cluster.pods().all());
    plank.look("a-later").await;
    assert_eq!(world.state("a-later"), ProwJobState::Triggered);
    world.sync().await;
    assert_eq!(world.state("z-first"), ProwJobState::Pending);
}

#[tokio::test]
async fn runs_of_a_limited_job_start_oldest_first() {
    let world = world("");
    for (name, created) in [("c", 3), ("a", 2), ("b", 1)] {
        let mut run = limited(name, "limited", 1, "");
        run.metadata.creation_timestamp = Some(Timestamp::from_seconds(NOW + created));
        world.put(run);
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        world.sync().await;
        let pods = world.cluster.pods().all();
        let alive = pods.iter().find(|pod| pod.status.phase != PodPhase::Succeeded);
        let name = alive.map(|pod| pod.metadata.name.clone()).unwrap();
        world.succeed(&name);
        order.push(name);
        world.sync().await;
    }
    assert_eq!(order, ["b", "a", "c"]);
}

#[tokio::test]
async fn a_run_that_waits_for_a_place_on_the_machine_says_so_and_can_be_aborted() {
    let world = world("plank: {pod_unscheduled_timeout: 5m}\n");
    *world.cluster.places.lock() = Some(1);
    for (name, created) in [("first", 0), ("second", 1), ("third", 2)] {
        let mut run = run(name);
        run.metadata.creation_timestamp = Some(Timestamp::from_seconds(NOW + created));
        world.put(run);
    }
    world.sync().await;
    world.cluster.phase("first", PodPhase::Running);
    // However long it takes: it is not a pod yet, so no bound of pods ends it.
    world.advance(3_600);
    world.sync().await;
    for name in ["second", "third"] {
        let job = world.job(name);
        assert_eq!(job.status.state, ProwJobState::Triggered);
        let expected = "Waiting: 1 Pods run on this machine, as many as --parallel-pods allows.";
        assert_eq!(job.status.description, expected);
    }
    world.cluster.jobs.change("second", |job| job.status.state = ProwJobState::Aborted);
    world.sync().await;
    assert!(world.job("second").complete());
    world.succeed("first");
    world.sync().await;
    world.sync().await;
    assert_eq!(world.state("third"), ProwJobState::Pending);
    assert_eq!(world.job("third").status.description, "Job triggered.");
    assert_eq!(world.pod_names(), ["first", "third"]);
}

#[tokio::test]
async fn runs_of_other_agents_take_no_place() {
    let world = world("plank: {max_concurrency: 1}\n");
    let mut jenkins = limited("jenkins", "limited", 1, "");
    jenkins.spec.agent = "jenkins".to_owned();
    jenkins.status.state = ProwJobState::Pending;
    world.put(jenkins);
    world.put(limited("ours", "limited", 1, ""));
    world.sync().await;
    assert_eq!(world.state("ours"), ProwJobState::Pending);
}
