//! What can go wrong between plank and its clusters.

use cluster::ClusterError;
use job_spec::labels;
use tokio_util::sync::CancellationToken;

use super::*;

fn refused(class: &str) -> ClusterError {
    let text = "the API server says no".to_owned();
    match class {
        "invalid" => ClusterError::Invalid(text),
        "forbidden" => ClusterError::Forbidden(text),
        "too many" => {
            ClusterError::TooManyRequests { retry_after: std::time::Duration::from_secs(1) }
        }
        _ => ClusterError::Unavailable(text),
    }
}

#[tokio::test]
async fn only_a_refusal_that_stays_ends_the_run() {
    for (class, ends) in
        [("invalid", true), ("forbidden", false), ("too many", false), ("unavailable", false)]
    {
        let world = world("");
        world.put(run("r"));
        world.cluster.pods().fail("create", refused(class));
        world.sync().await;
        let job = world.job("r");
        if ends {
            assert_eq!(job.status.state, ProwJobState::Error, "{class}");
            assert_eq!(job.status.description, "Pod can not be created: the API server says no");
        } else {
            assert_eq!(job.status.state, ProwJobState::Triggered, "{class}");
            assert!(job.status.description.starts_with("Waiting: the pod could not be created"));
            world.sync().await;
            assert_eq!(world.state("r"), ProwJobState::Pending, "{class}");
        }
    }
}

#[tokio::test]
async fn a_spec_that_makes_no_pod_ends_the_run() {
    let world = world("");
    let mut nothing = run("r");
    nothing.spec.pod_spec = None;
    world.put(nothing);
    world.sync().await;
    assert_eq!(world.state("r"), ProwJobState::Error);
    assert!(world.job("r").status.description.starts_with("Pod can not be created: "));
}

#[tokio::test]
async fn a_crash_between_pod_and_record_leaves_one_pod_that_is_adopted() {
    let world = world("");
    world.put(run("r"));
    world.cluster.jobs.fail("patch", refused("unavailable"));
    world.sync().await;
    assert_eq!(world.state("r"), ProwJobState::Triggered, "the record was lost");
    let pod = world.cluster.pods().one("r");
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Pending);
    assert_eq!(job.status.build_id, pod.metadata.labels[labels::BUILD_ID]);
    assert_eq!(world.cluster.pods().one("r").metadata.uid, pod.metadata.uid);
    assert_eq!(*world.cluster.pods().log.lock(), ["create r"]);
}

#[tokio::test]
async fn a_pod_of_that_name_that_is_not_ours_is_never_adopted() {
    let world = world("");
    world.put(run("r"));
    let mut foreign = job_spec::Pod::default();
    foreign.metadata.name = "r".to_owned();
    // Without the label that plank's list asks for, only the creation meets it.
    world.cluster.pods().put(foreign);
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Error);
    assert!(job.status.description.contains("not made for this run"), "{}", job.status.description);
    assert_eq!(world.pod_names(), ["r"], "and it is left alone");
}

#[tokio::test]
async fn a_run_that_was_aborted_meanwhile_gets_no_pod() {
    let world = world("");
    world.put(run("r"));
    // The list is read, then somebody aborts the run: the live look before the creation sees it.
    let cluster = world.cluster.clone();
    let plank = super::super::act::Plank::new(world.deps.clone());
    plank.index.lock().replace_jobs(world.cluster.jobs.all());
    plank.index.lock().replace_pods("default", Vec::new());
    cluster.jobs.change("r", |job| job.status.state = ProwJobState::Aborted);
    plank.look("r").await;
    assert!(world.pod_names().is_empty());
    plank.look("r").await;
    assert!(world.job("r").complete());
}

#[tokio::test]
async fn an_unknown_build_cluster_is_the_end_and_a_silent_one_is_waited_for() {
    let world = world("");
    let mut lost = run("lost");
    lost.spec.cluster = "nowhere".to_owned();
    world.put(lost);
    let mut waits = run("waits");
    waits.spec.cluster = "other".to_owned();
    world.put(waits);
    world.put(run("goes"));
    world.cluster.down.lock().insert("other".to_owned(), "connection refused".to_owned());
    world.sync().await;
    let lost = world.job("lost");
    assert_eq!(lost.status.state, ProwJobState::Error);
    assert!(
        lost.status.description.starts_with("Terminal error: there is no build cluster `nowhere`")
    );
    let waits = world.job("waits");
    assert_eq!(waits.status.state, ProwJobState::Triggered);
    assert!(
        waits.status.description.contains("connection refused"),
        "{}",
        waits.status.description
    );
    assert_eq!(world.state("goes"), ProwJobState::Pending, "other clusters go on");
    world.cluster.down.lock().clear();
    world.sync().await;
    assert_eq!(world.state("waits"), ProwJobState::Pending);
}

#[tokio::test]
async fn a_silent_cluster_makes_no_second_pod_for_what_runs_there() {
    let world = world("");
    world.put(run("r"));
    world.sync().await;
    world.cluster.down.lock().insert("default".to_owned(), "timeout".to_owned());
    world.advance(3_600 * 72);
    world.sync().await;
    assert_eq!(world.state("r"), ProwJobState::Pending, "nothing is decided from ignorance");
    let pods = world.cluster.pods();
    assert_eq!(*pods.log.lock(), ["create r"]);
}

#[tokio::test]
async fn one_run_that_always_fails_delays_no_other() {
    let world = world("");
    world.put(run("bad"));
    world.put(run("good"));
    // The first failure of each is noted in its description, which is a change and is looked at
    // at once; the third one leaves one of them to its backoff.
    for _ in 0..3 {
        world.cluster.pods().fail("create", refused("unavailable"));
    }
    let cancel = CancellationToken::new();
    let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
    let states = || ["bad", "good"].map(|name| world.state(name) == ProwJobState::Pending);
    until("one is pending", || states().into_iter().any(|pending| pending)).await;
    assert_eq!(states().iter().filter(|pending| **pending).count(), 1);
    // The backoff of the failed one is the clock's.
    until("both are pending", || {
        world.clock.advance(std::time::Duration::from_secs(1));
        states() == [true, true]
    })
    .await;
    assert_eq!(states(), [true, true]);
    cancel.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(world.deps.cluster.build_clusters().len(), 2);
}
