//! Plank's tables.

use std::collections::{BTreeMap, HashSet};

use go_compat::time::Timestamp;
use job_spec::pod::ContainerTerminated;
use job_spec::{
    ContainerState, ContainerStatus, JobType, Pod, PodPhase, ProwJob, ProwJobState, Pull, Refs,
    labels,
};

use super::*;

const NAME: &str = "0f1e2d3c";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn bounds() -> Bounds {
    Bounds {
        pod_pending: Duration::from_secs(600),
        pod_running: Duration::from_secs(7200),
        pod_unscheduled: Duration::from_secs(300),
        max_revivals: 3,
    }
}

fn job(state: ProwJobState) -> ProwJob {
    let mut job = ProwJob::default();
    job.metadata.name = NAME.to_owned();
    job.metadata.creation_timestamp = Some(at(0));
    job.spec.job = "unit".to_owned();
    job.spec.job_type = JobType::Presubmit;
    job.status.start_time = Some(at(0));
    job.status.state = state;
    job
}

fn pod(phase: PodPhase) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = NAME.to_owned();
    pod.metadata.uid = "uid-1".to_owned();
    pod.metadata.creation_timestamp = Some(at(0));
    pod.metadata.labels.insert(labels::PROW_JOB_ID.to_owned(), NAME.to_owned());
    pod.metadata.labels.insert(labels::BUILD_ID.to_owned(), "1001".to_owned());
    pod.status.phase = phase;
    pod.status.start_time = Some(at(0));
    pod
}

fn ended(exit_code: i64, finished: Option<Timestamp>, reason: &str) -> ContainerStatus {
    let terminated = ContainerTerminated {
        exit_code,
        finished_at: finished,
        reason: reason.to_owned(),
        ..ContainerTerminated::default()
    };
    let state = ContainerState { terminated: Some(terminated), ..ContainerState::default() };
    ContainerStatus { state, ..ContainerStatus::default() }
}

fn with(mut pod: Pod, change: impl FnOnce(&mut Pod)) -> Pod {
    change(&mut pod);
    pod
}

fn finish(state: ProwJobState, description: &str) -> Action {
    Action::Finish { state, description: description.to_owned() }
}

fn error(description: &str) -> Action {
    finish(ProwJobState::Error, description)
}

fn no_admission() -> Admission {
    panic!("admission is asked only for a triggered job without a pod")
}

fn decided(job: &ProwJob, pod: Option<&Pod>, now: i64) -> Vec<Action> {
    decide(job, pod, &bounds(), at(now), no_admission)
}

#[test]
fn a_pending_job_follows_its_pod() {
    use PodPhase::{Failed, Pending, Running, Succeeded, Unknown};
    let running = pod(Running);
    let deleted = |pod: Pod| with(pod, |pod| pod.metadata.deletion_timestamp = Some(at(1)));
    let oom = with(pod(Running), |pod| {
        pod.status.container_statuses = vec![ended(137, Some(at(1)), "OOMKilled")];
    });
    let oom_in_init = with(pod(Running), |pod| {
        pod.status.init_container_statuses = vec![ended(137, Some(at(1)), "OOMKilled")];
    });
    let all_ended = with(pod(Succeeded), |pod| {
        pod.status.container_statuses = vec![ended(0, Some(at(1)), ""), ended(0, Some(at(1)), "")];
    });
    let one_without_end = with(pod(Succeeded), |pod| {
        pod.status.container_statuses = vec![ended(0, Some(at(1)), ""), ended(0, None, "")];
    });
    let unscheduled = with(pod(Pending), |pod| pod.status.start_time = None);
    let unfinished = "Pod was in succeeded phase but some containers didn't finish";
    let table: Vec<(&str, Pod, i64, Vec<Action>)> = vec![
        ("succeeded", all_ended, 5, vec![finish(ProwJobState::Success, "Job succeeded.")]),
        ("succeeded without an end", one_without_end, 5, vec![error(unfinished)]),
        ("failed", pod(Failed), 5, vec![finish(ProwJobState::Failure, "Job failed.")]),
        ("oom", oom, 5, vec![error("Job pod was OOM killed by the cluster.")]),
        (
            "oom in an init container",
            oom_in_init,
            5,
            vec![error("Job pod was OOM killed by the cluster.")],
        ),
        ("unscheduled, in time", unscheduled.clone(), 299, vec![Action::LookAgain(at(300))]),
        (
            "unscheduled, late",
            unscheduled,
            300,
            vec![error("Pod scheduling timeout."), Action::DeletePod],
        ),
        ("pending, in time", pod(Pending), 599, vec![Action::LookAgain(at(600))]),
        (
            "pending, late",
            pod(Pending),
            600,
            vec![error("Pod pending timeout."), Action::DeletePod],
        ),
        ("pending, deleted", deleted(pod(Pending)), 5, vec![error("Pod got deleted unexpectedly")]),
        ("running, in time", running.clone(), 7199, vec![Action::LookAgain(at(7200))]),
        (
            "running, late",
            running.clone(),
            7200,
            vec![
                Action::Abort { description: "Pod running timeout.".to_owned() },
                Action::DeletePod,
                Action::Complete,
            ],
        ),
        ("running, deleted", deleted(running), 5, vec![error("Pod got deleted unexpectedly")]),
        (
            "failed and deleted",
            deleted(pod(Failed)),
            5,
            vec![finish(ProwJobState::Failure, "Job failed.")],
        ),
        (
            "unknown phase",
            pod(Unknown),
            5,
            vec![
                Action::CountRevival { count: 1, pod_uid: "uid-1".to_owned() },
                Action::DeletePod,
                Action::LookAgain(at(15)),
            ],
        ),
        (
            "of another run",
            with(pod(Running), |pod| pod.metadata.labels.clear()),
            5,
            vec![error(&format!(
                "Pod can not be created: a pod named {NAME} exists that was not made for this run"
            ))],
        ),
    ];
    for (name, pod, now, expected) in table {
        assert_eq!(decided(&job(ProwJobState::Pending), Some(&pod), now), expected, "{name}");
    }
    assert_eq!(decided(&job(ProwJobState::Pending), None, 5), [Action::StartPod], "pod missing");
}

#[test]
fn a_pod_stopped_from_outside_is_revived_until_the_bound() {
    let evicted = with(pod(PodPhase::Failed), |pod| pod.status.reason = "Evicted".to_owned());
    let lost = with(pod(PodPhase::Running), |pod| pod.status.reason = "NodeLost".to_owned());
    let lost_and_deleted = with(lost.clone(), |pod| pod.metadata.deletion_timestamp = Some(at(1)));
    let held = with(evicted.clone(), |pod| {
        pod.metadata.finalizers = vec![labels::GCS_K8S_REPORTER_FINALIZER.to_owned()];
    });
    let count = |count| Action::CountRevival { count, pod_uid: "uid-1".to_owned() };
    let again = Action::LookAgain(at(15));

    let mut fresh = job(ProwJobState::Pending);
    assert_eq!(
        decided(&fresh, Some(&evicted), 5),
        [count(1), Action::DeletePod, again.clone()],
        "counted before the pod goes"
    );
    assert_eq!(
        decided(&fresh, Some(&held), 5),
        [count(1), Action::StripFinalizer, Action::DeletePod, again.clone()],
        "the reporter's finalizer would keep it"
    );
    assert_eq!(decided(&fresh, Some(&lost), 5), [Action::LookAgain(at(7200))], "a node may return");
    assert_eq!(decided(&fresh, Some(&lost_and_deleted), 5), [count(1), again.clone()]);

    fresh.metadata.annotations.insert(REPLACED_POD_ANNOTATION.to_owned(), "uid-1".to_owned());
    fresh.status.pod_revival_count = 1;
    assert_eq!(
        decided(&fresh, Some(&evicted), 5),
        [Action::DeletePod, again.clone()],
        "a crash between count and deletion counts once"
    );
    let next = with(evicted.clone(), |pod| pod.metadata.uid = "uid-2".to_owned());
    assert_eq!(
        decided(&fresh, Some(&next), 5)[0],
        Action::CountRevival { count: 2, pod_uid: "uid-2".to_owned() },
        "the next pod counts again"
    );

    fresh.status.pod_revival_count = 3;
    assert_eq!(
        decided(&fresh, Some(&next), 5),
        [error("Job pod reached max revivals (3) after being stopped unexpectedly (evicted)")]
    );
    let never = Bounds { max_revivals: 0, ..bounds() };
    assert_eq!(
        decide(&job(ProwJobState::Pending), Some(&evicted), &never, at(5), no_admission),
        [error("Job pod reached max revivals (0) after being stopped unexpectedly (evicted)")]
    );
    let mut strict = job(ProwJobState::Pending);
    strict.spec.error_on_eviction = true;
    assert_eq!(decided(&strict, Some(&evicted), 5), [error("Job pod was evicted by the cluster.")]);
}

#[test]
fn a_triggered_job_adopts_its_pod_or_asks_for_a_slot() {
    let triggered = job(ProwJobState::Triggered);
    let adopt = |id: &str| vec![Action::Adopt { build_id: id.to_owned() }];
    assert_eq!(decided(&triggered, Some(&pod(PodPhase::Running)), 5), adopt("1001"));

    let spec = serde_json::json!({"containers": [{"name": "test", "env": [{"name": "BUILD_ID", "value": "7"}]}]});
    let old = with(pod(PodPhase::Running), |pod| {
        pod.metadata.labels.remove(labels::BUILD_ID);
        pod.spec = job_spec::PodSpec::from_value(&spec);
    });
    assert_eq!(decided(&triggered, Some(&old), 5), adopt("7"));

    let ask = |admission: Admission| decide(&triggered, None, &bounds(), at(5), || admission);
    assert_eq!(ask(Admission::Start), [Action::StartPod]);
    assert_eq!(
        ask(Admission::Wait { reason: "Waiting.".to_owned() }),
        [Action::Describe { description: "Waiting.".to_owned() }, Action::LookAgain(at(15))]
    );
    assert_eq!(ask(Admission::Refuse { reason: "No.".to_owned() }), [error("No.")]);
}

#[test]
fn an_aborted_job_is_completed_after_its_pod_is_deleted() {
    let aborted = job(ProwJobState::Aborted);
    let running = pod(PodPhase::Running);
    assert_eq!(decided(&aborted, Some(&running), 5), [Action::DeletePod, Action::Complete]);
    assert_eq!(decided(&aborted, None, 5), [Action::Complete]);
    assert_eq!(decided(&job(ProwJobState::Scheduling), None, 5), []);
    assert_eq!(decided(&job(ProwJobState::from("brand-new")), Some(&running), 5), []);
}

#[test]
fn a_complete_job_is_left_alone_except_for_a_pod_that_should_have_gone() {
    let complete = |state: ProwJobState| {
        let mut job = job(state);
        job.status.completion_time = Some(at(3));
        job
    };
    let table = [
        (ProwJobState::Aborted, PodPhase::Running, true),
        (ProwJobState::Aborted, PodPhase::Succeeded, false),
        (ProwJobState::Error, PodPhase::Pending, true),
        (ProwJobState::Error, PodPhase::Running, false),
        (ProwJobState::Success, PodPhase::Running, false),
    ];
    for (state, phase, deleted) in table {
        let expected: &[Action] = if deleted { &[Action::DeletePod] } else { &[] };
        let got = decided(&complete(state.clone()), Some(&pod(phase)), 5);
        assert_eq!(got, expected, "{state} {phase}");
    }
    assert_eq!(decided(&complete(ProwJobState::Success), None, 5), []);
}

fn named(name: &str, state: ProwJobState, created: i64) -> ProwJob {
    let mut job = job(state);
    job.metadata.name = name.to_owned();
    job.metadata.creation_timestamp = Some(at(created));
    job
}

#[test]
fn limits_hold_over_all_jobs_per_job_and_per_queue() {
    let queues: BTreeMap<String, i64> =
        [("q", 2), ("shut", 0), ("open", -1)].map(|(k, v)| (k.to_owned(), v)).into();
    let ask = |job: &ProwJob, others: &[ProwJob], taken: &[&str], max: i64| {
        let taken: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        let capacity = Capacity { max_concurrency: max, places: None, queues: &queues };
        admit(job, others.iter(), &taken, capacity) == Admission::Start
    };
    let limited = |name: &str, state: ProwJobState, created: i64, max: i64, queue: &str| {
        let mut job = named(name, state, created);
        job.spec.max_concurrency = max;
        job.spec.job_queue_name = queue.to_owned();
        job
    };
    use ProwJobState::{Pending, Triggered};
    let me = limited("me", Triggered, 10, 1, "");
    let older = limited("older", Triggered, 9, 1, "");
    let younger = limited("younger", Triggered, 11, 1, "");
    let same_second = limited("a-me", Triggered, 10, 1, "");
    let pending = limited("pending", Pending, 1, 1, "");
    let free = named("free", Triggered, 10);
    let queued = limited("me", Triggered, 10, 0, "q");
    let q1 = limited("q1", Pending, 1, 0, "q");
    let q2 = limited("q2", Triggered, 2, 0, "q");
    type Row = (&'static str, ProwJob, Vec<ProwJob>, Vec<&'static str>, i64, bool);
    let table: Vec<Row> = vec![
        ("no limit", free.clone(), vec![pending.clone()], vec!["pending"], 0, true),
        ("global limit reached", free.clone(), vec![pending.clone()], vec!["pending"], 1, false),
        ("global limit not reached", free.clone(), vec![pending.clone()], vec!["pending"], 2, true),
        ("own claim does not count", free.clone(), vec![], vec!["free"], 1, true),
        ("job limit reached", me.clone(), vec![pending.clone()], vec!["pending"], 0, false),
        ("an older one goes first", me.clone(), vec![older], vec![], 0, false),
        ("a younger one waits", me.clone(), vec![younger], vec![], 0, true),
        ("one second, by name", me.clone(), vec![same_second], vec![], 0, false),
        ("queue has room", queued.clone(), vec![q1.clone()], vec!["q1"], 0, true),
        ("queue is full", queued.clone(), vec![q1, q2], vec!["q1"], 0, false),
        ("queue is shut", limited("me", Triggered, 1, 0, "shut"), vec![], vec![], 0, false),
        (
            "queue is open",
            limited("me", Triggered, 1, 0, "open"),
            vec![pending],
            vec!["pending"],
            0,
            true,
        ),
        ("queue is unknown", limited("me", Triggered, 1, 0, "what"), vec![], vec![], 0, false),
    ];
    for (name, job, others, taken, max, expected) in table {
        assert_eq!(ask(&job, &others, &taken, max), expected, "{name}");
    }
}

#[test]
fn a_slot_is_held_from_the_pods_creation_to_its_end() {
    use PodPhase::{Failed, Running, Succeeded};
    use ProwJobState::{Aborted, Pending, Success, Triggered};
    let complete = |state| {
        let mut job = job(state);
        job.status.completion_time = Some(at(0));
        job
    };
    let leaving = with(pod(Running), |pod| pod.metadata.deletion_timestamp = Some(at(0)));
    let table = [
        ("waiting", job(Triggered), None, 0, false),
        ("created, not recorded", job(Triggered), Some(pod(Running)), 0, true),
        ("pending, pod not seen yet", job(Pending), None, 0, true),
        ("being aborted", job(Aborted), Some(pod(Running)), 0, true),
        ("aborted before it started", job(Aborted), None, 0, false),
        ("complete, pod in its grace period", complete(Aborted), Some(leaving.clone()), 20, true),
        ("complete, pod never goes", complete(Aborted), Some(leaving), 31, false),
        ("complete, pod ended", complete(Success), Some(pod(Succeeded)), 0, false),
        ("complete, pod failed", complete(Success), Some(pod(Failed)), 0, false),
    ];
    for (name, job, pod, now, expected) in table {
        assert_eq!(holds_slot(&job, pod.as_ref(), at(now)), expected, "{name}");
    }
}

#[test]
fn a_newer_run_replaces_older_runs_of_the_same_pull_requests() {
    let run = |name: &str, start: i64, pulls: &[i64], sha: &str| {
        let mut job = named(name, ProwJobState::Pending, start);
        job.status.start_time = Some(at(start));
        let pull = |number: &i64| Pull { number: *number, sha: sha.to_owned(), ..Pull::default() };
        job.spec.refs = Some(Refs {
            org: "o".to_owned(),
            repo: "r".to_owned(),
            base_ref: "main".to_owned(),
            pulls: pulls.iter().map(pull).collect(),
            ..Refs::default()
        });
        job
    };
    let change = |mut job: ProwJob, change: fn(&mut ProwJob)| {
        change(&mut job);
        job
    };
    let old = || run("a", 1, &[1], "s1");
    let new = || run("b", 2, &[1], "s2");
    let table: Vec<(&str, Vec<ProwJob>, Vec<&str>)> = vec![
        ("newer commit", vec![old(), new()], vec!["a"]),
        ("in any order", vec![new(), old()], vec!["a"]),
        ("three", vec![old(), new(), run("c", 3, &[1], "s3")], vec!["a", "b"]),
        ("same second: the later name goes", vec![old(), run("b", 1, &[1], "s2")], vec!["b"]),
        ("other pull request", vec![old(), run("b", 2, &[2], "s2")], vec![]),
        (
            "pulls in another order",
            vec![run("a", 1, &[1, 2], "s"), run("b", 2, &[2, 1], "s")],
            vec!["a"],
        ),
        (
            "complete",
            vec![change(old(), |job| job.status.completion_time = Some(at(1))), new()],
            vec![],
        ),
        ("batch", vec![change(old(), |job| job.spec.job_type = JobType::Batch), new()], vec![]),
        (
            "aborted already",
            vec![change(old(), |job| job.status.state = ProwJobState::Aborted), new()],
            vec![],
        ),
        (
            "scheduling is not seen",
            vec![change(old(), |job| job.status.state = ProwJobState::Scheduling), new()],
            vec![],
        ),
        ("other job", vec![change(old(), |job| job.spec.job = "lint".to_owned()), new()], vec![]),
        (
            "other extra refs",
            vec![change(old(), |job| job.spec.extra_refs = vec![Refs::default()]), new()],
            vec![],
        ),
    ];
    for (name, jobs, expected) in table {
        let jobs: Vec<&ProwJob> = jobs.iter().collect();
        assert_eq!(superseded(&jobs), expected, "{name}");
    }
}

#[test]
fn untrusted_code_is_refused_where_nothing_isolates_it() {
    let trust = Trust {
        embedded: true,
        allow_untrusted: false,
        repositories: vec!["good-org".to_owned(), "org/named".to_owned()],
    };
    let refs = |org: &str, repo: &str, link: &str, clone_uri: &str| Refs {
        org: org.to_owned(),
        repo: repo.to_owned(),
        repo_link: link.to_owned(),
        clone_uri: clone_uri.to_owned(),
        ..Refs::default()
    };
    let table = [
        ("remote", refs("org", "r", "https://github.com/org/r", ""), true, true),
        ("no link at all", refs("org", "r", "", ""), true, true),
        ("named repository", refs("org", "named", "https://github.com/org/named", ""), true, false),
        ("named org", refs("good-org", "r", "", ""), true, false),
        ("prefix of a named org", refs("good", "r", "", ""), true, true),
        ("loopback link", refs("org", "r", "http://127.0.0.1:9000/org/r", ""), false, false),
        ("localhost link", refs("org", "r", "http://localhost:9000/org/r", ""), false, false),
        ("ipv6 loopback", refs("org", "r", "http://[::1]:9000/org/r", ""), false, false),
        (
            "loopback as a user name",
            refs("org", "r", "http://localhost@evil.example/r", ""),
            true,
            true,
        ),
        (
            "loopback as a prefix",
            refs("org", "r", "http://localhost.evil.example/r", ""),
            true,
            true,
        ),
        ("path in the operator's job", refs("org", "r", "", "/srv/git/r"), true, false),
        ("file URL in the operator's job", refs("org", "r", "", "file:///srv/git/r"), true, false),
        ("path claimed by the repository itself", refs("org", "r", "", "/srv/git/r"), false, true),
        ("ssh is not a path", refs("org", "r", "", "git@host:/srv/git/r"), true, true),
        (
            "remote clone_uri behind a local link",
            refs("org", "r", "http://localhost/r", "https://x.example/r"),
            true,
            true,
        ),
    ];
    for (name, refs, central, refused) in table {
        let mut job = job(ProwJobState::Triggered);
        job.spec.refs = Some(refs.clone());
        let found = untrusted_repository(&job, &trust, central);
        assert_eq!(found.is_some(), refused, "{name}");
        let open = Trust { allow_untrusted: true, ..trust.clone() };
        assert_eq!(untrusted_repository(&job, &open, central), None, "{name}, allowed");
        let isolated = Trust { embedded: false, ..trust.clone() };
        assert_eq!(untrusted_repository(&job, &isolated, central), None, "{name}, isolated");
        job.spec.extra_refs = vec![refs];
        job.spec.refs = None;
        assert_eq!(untrusted_repository(&job, &trust, central).is_some(), refused, "{name}, extra");
    }
    assert_eq!(untrusted_repository(&job(ProwJobState::Triggered), &trust, false), None, "no code");
}
