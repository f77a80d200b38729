//! A run from its creation to its end.

use job_spec::labels;

use super::*;
use crate::components::plank::decide::{POD_UID_ANNOTATION, REPLACED_POD_ANNOTATION};

#[tokio::test]
async fn a_run_becomes_a_pod_and_ends_with_it() {
    let prow =
        "plank: {job_url_template: 'https://prow.example/{{.Spec.Job}}/{{.Status.BuildID}}'}\n";
    let world = world(prow);
    world.put(run("r"));
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Pending);
    assert_eq!(job.status.pending_time, Some(Timestamp::from_seconds(NOW)));
    assert_eq!(job.status.description, "Job triggered.");
    assert_eq!(job.status.pod_name, "r");
    assert_eq!(job.status.build_id.len(), 19);
    assert_eq!(job.status.url, format!("https://prow.example/unit/{}", job.status.build_id));
    let pod = world.cluster.pods().one("r");
    assert_eq!(pod.metadata.labels[labels::BUILD_ID], job.status.build_id);
    assert_eq!(pod.metadata.labels[labels::PROW_JOB_ID], "r");
    assert_eq!(pod.metadata.labels[labels::CREATED_BY_PROW], "true");
    assert_eq!(pod.metadata.labels[labels::PLANK_VERSION], "v1");
    assert_eq!(job.metadata.annotations[POD_UID_ANNOTATION], pod.metadata.uid);

    world.cluster.phase("r", PodPhase::Running);
    world.sync().await;
    assert_eq!(world.state("r"), ProwJobState::Pending);
    world.advance(60);
    world.succeed("r");
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Success);
    assert_eq!(job.status.completion_time, Some(Timestamp::from_seconds(NOW + 60)));
    let writes = world.cluster.jobs.log.lock().len();
    world.sync().await;
    assert_eq!(world.cluster.jobs.log.lock().len(), writes, "nothing is written twice");
}

#[tokio::test]
async fn an_aborted_run_loses_its_pod_and_is_completed() {
    let world = world("");
    world.put(run("r"));
    world.sync().await;
    world.cluster.phase("r", PodPhase::Running);
    world.cluster.jobs.change("r", |job| {
        job.status.state = ProwJobState::Aborted;
        job.status.description = "Aborted by Ana.".to_owned();
    });
    world.sync().await;
    let job = world.job("r");
    assert!(job.complete());
    assert_eq!(job.status.description, "Aborted by Ana.");
    assert!(world.pod_names().is_empty());

    let mut early = run("early");
    early.status.state = ProwJobState::Aborted;
    world.put(early);
    world.sync().await;
    assert!(world.job("early").complete(), "it never had a pod");
}

#[tokio::test]
async fn a_newer_run_of_a_pull_request_replaces_the_older_one_quietly() {
    let world = world("");
    world.put(presubmit("old", 0));
    world.sync().await;
    world.cluster.phase("old", PodPhase::Running);
    world.put(presubmit("new", 60));
    world.sync().await;
    let old = world.job("old");
    assert_eq!(old.status.state, ProwJobState::Aborted);
    assert!(old.complete());
    assert_eq!(old.status.prev_report_states["github-reporter"], ProwJobState::Aborted);
    assert_eq!(world.state("new"), ProwJobState::Pending);
    assert_eq!(world.pod_names(), ["new"]);
}

#[tokio::test]
async fn a_pod_that_is_deleted_by_hand_is_made_anew_with_another_build_id() {
    let world = world("");
    world.put(run("r"));
    world.sync().await;
    let first = world.job("r").status.build_id.clone();
    world.cluster.pods().vanish("r");
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Pending);
    assert_ne!(job.status.build_id, first);
    let pod = world.cluster.pods().one("r");
    assert_eq!(pod.metadata.labels[labels::BUILD_ID], job.status.build_id);
    assert_eq!(job.status.pod_revival_count, 0);
}

#[tokio::test]
async fn evictions_are_counted_one_by_one_up_to_the_bound() {
    let world = world_with("plank: {max_revivals: 2}\n", true);
    world.put(run("r"));
    world.sync().await;
    for count in 1..=2 {
        world.cluster.pods().change("r", |pod| {
            pod.status.phase = PodPhase::Failed;
            pod.status.reason = "Evicted".to_owned();
        });
        let uid = world.cluster.pods().one("r").metadata.uid.clone();
        // However often it is looked at while the pod is on its way out, it counts once.
        for _ in 0..3 {
            world.sync().await;
            assert_eq!(world.job("r").status.pod_revival_count, count);
        }
        assert_eq!(world.job("r").metadata.annotations[REPLACED_POD_ANNOTATION], uid);
        world.cluster.pods().vanish("r");
        world.sync().await;
        assert_eq!(world.state("r"), ProwJobState::Pending);
        assert_ne!(world.cluster.pods().one("r").metadata.uid, uid);
    }
    world.cluster.pods().change("r", |pod| pod.status.reason = "Evicted".to_owned());
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Error);
    assert_eq!(
        job.status.description,
        "Job pod reached max revivals (2) after being stopped unexpectedly (evicted)"
    );
}

#[tokio::test]
async fn deadlines_end_runs_at_their_time() {
    let prow =
        "plank: {pod_running_timeout: 1h, pod_pending_timeout: 10m, pod_unscheduled_timeout: 5m}\n";
    let world = world(prow);
    for name in ["unscheduled", "pending", "running"] {
        world.put(run(name));
    }
    world.sync().await;
    world.cluster.pods().change("unscheduled", |pod| pod.status.phase = PodPhase::Pending);
    world.cluster.phase("pending", PodPhase::Pending);
    world.cluster.phase("running", PodPhase::Running);
    let steps = [
        (299, ["pending", "pending", "pending"]),
        (1, ["error", "pending", "pending"]),
        (300, ["error", "error", "pending"]),
        (2_999, ["error", "error", "pending"]),
        (1, ["error", "error", "aborted"]),
    ];
    for (seconds, expected) in steps {
        world.advance(seconds);
        world.sync().await;
        let states =
            ["unscheduled", "pending", "running"].map(|name| world.state(name).to_string());
        assert_eq!(states, expected);
    }
    assert!(world.job("running").complete());
    assert_eq!(world.job("running").status.description, "Pod running timeout.");
    assert!(world.pod_names().is_empty());
}

#[tokio::test]
async fn runs_of_other_agents_and_of_the_scheduler_are_left_alone() {
    let world = world("");
    let mut jenkins = run("jenkins");
    jenkins.spec.agent = "jenkins".to_owned();
    world.put(jenkins);
    let mut scheduling = run("scheduling");
    scheduling.status.state = ProwJobState::Scheduling;
    world.put(scheduling);
    world.sync().await;
    assert!(world.pod_names().is_empty());
    assert!(world.cluster.jobs.log.lock().is_empty());
}

#[tokio::test]
async fn code_that_nobody_trusts_is_refused_where_nothing_isolates_it() {
    let mut world = world("");
    world.deps.trust = Trust { embedded: true, ..Trust::default() };
    world.put(run("r"));
    world.sync().await;
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Error);
    assert!(job.complete());
    assert!(job.status.description.contains("org/repo is not trusted here"));
    assert!(job.status.description.contains("--trust-repo=org/repo"));
    assert!(world.pod_names().is_empty());

    world.deps.trust.repositories = vec!["org/repo".to_owned()];
    world.put(run("s"));
    world.sync().await;
    assert_eq!(world.state("s"), ProwJobState::Pending);
}
