use std::collections::{BTreeMap, BTreeSet};

use go_compat::time::Timestamp;
use job_spec::create::{
    Extra, JobNames, batch_spec, new_prow_job, periodic_spec, postsubmit_spec, presubmit_spec,
    repeated,
};
use job_spec::{Periodic, ProwJob, ProwJobSpec, ProwJobState, Refs};
use serde_json::json;

use crate::{postsubmit, presubmit};

fn refs() -> Refs {
    "main:abc,7:def".parse().expect("refs")
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_219_200_900)
}

fn made(spec: ProwJobSpec, extra: &Extra) -> ProwJob {
    let state = ProwJobState::Triggered;
    new_prow_job(spec, &extra.labels, &extra.annotations, "id".to_owned(), now(), state)
}

#[test]
fn each_type_takes_over_what_it_should() {
    let config = json!({
        "name": "unit", "context": "ci/unit", "agent": "kubernetes", "cluster": "c",
        "namespace": "pods", "max_concurrency": 3, "error_on_eviction": true, "hidden": true,
        "job_queue_name": "q", "jenkins_spec": {"github_branch_source_job": true},
        "spec": {"containers": [{"image": "i"}]},
    });
    let job = presubmit(config.clone());
    let value = |spec: &ProwJobSpec| serde_json::to_value(spec).expect("a spec");
    let common = |spec: &ProwJobSpec| {
        let spec = value(spec);
        assert_eq!(spec["job"], "unit");
        assert_eq!(spec["cluster"], "c");
        assert_eq!(spec["namespace"], "pods");
        assert_eq!(spec["max_concurrency"], 3);
        assert_eq!(spec["error_on_eviction"], true);
        assert_eq!(spec["hidden"], true);
        assert_eq!(spec["job_queue_name"], "q");
        assert_eq!(
            spec["pod_spec"],
            json!({"containers": [{"name": "", "image": "i", "resources": {}}]})
        );
        spec
    };

    let spec = common(&presubmit_spec(&job, refs()));
    assert_eq!(spec["type"], "presubmit");
    assert_eq!(spec["report"], true);
    assert_eq!(spec["context"], "ci/unit");
    assert_eq!(spec["rerun_command"], "/test unit");
    assert_eq!(spec["jenkins_spec"], json!({"github_branch_source_job": true}));
    assert_eq!(spec["refs"]["pulls"][0]["number"], 7);

    let spec = common(&batch_spec(&job, refs()));
    assert_eq!(spec["type"], "batch");
    assert_eq!(spec["context"], "ci/unit");
    assert!(spec.get("report").is_none() && spec.get("rerun_command").is_none());

    let spec = common(&postsubmit_spec(&postsubmit(config.clone()), refs()));
    assert_eq!(spec["type"], "postsubmit");
    assert_eq!(spec["report"], true);
    assert!(spec.get("rerun_command").is_none());

    let periodic: Periodic = serde_json::from_value(config).expect("a periodic");
    let spec = common(&periodic_spec(&periodic));
    assert_eq!(spec["type"], "periodic");
    assert_eq!(spec["report"], true);
    assert!(spec.get("refs").is_none() && spec.get("context").is_none());
}

#[test]
fn skipping_reports_is_the_jobs_choice() {
    let silent = json!({"name": "unit", "skip_report": true});
    assert!(!presubmit_spec(&presubmit(silent.clone()), refs()).report);
    assert!(!postsubmit_spec(&postsubmit(silent), refs()).report);
}

#[test]
fn settings_for_cloning_go_to_the_refs() {
    let job = presubmit(json!({
        "name": "unit", "path_alias": "k8s.io/x", "clone_uri": "git@h:x", "clone_depth": 5,
        "skip_submodules": true, "skip_fetch_head": true,
        "extra_refs": [
            {"org": "o", "repo": "plain", "base_ref": "main"},
            {"org": "o", "repo": "own", "base_ref": "main", "blobless_fetch": false},
        ],
        "decoration_config": {"blobless_fetch": true, "sparse_checkout_files": ["Makefile"]},
    }));
    let spec = presubmit_spec(&job, refs());
    let main = spec.refs.expect("refs");
    assert_eq!(main.path_alias, "k8s.io/x");
    assert_eq!(main.clone_uri, "git@h:x");
    assert_eq!(main.clone_depth, 5);
    assert!(main.skip_submodules && main.skip_fetch_head);
    assert_eq!(main.blobless_fetch, Some(true));
    assert_eq!(main.sparse_checkout_files, ["Makefile"]);
    assert_eq!(spec.extra_refs[0].blobless_fetch, Some(true));
    assert_eq!(spec.extra_refs[1].blobless_fetch, Some(false));
    assert!(spec.extra_refs[0].sparse_checkout_files.is_empty());
}

#[test]
fn what_the_refs_say_stays_where_the_job_is_silent() {
    let given = Refs {
        path_alias: "from/refs".to_owned(),
        clone_depth: 9,
        skip_submodules: true,
        ..refs()
    };
    let spec = presubmit_spec(&presubmit(json!({"name": "unit"})), given.clone());
    assert_eq!(spec.refs, Some(given));
}

#[test]
fn a_new_prowjob_starts_now_with_labels_of_job_and_event() {
    let job = presubmit(json!({
        "name": "unit", "optional": true, "labels": {"team": "a"}, "annotations": {"note": "b"},
    }));
    let prow_job = made(presubmit_spec(&job, refs()), &Extra::of_presubmit(&job, "guid-1"));
    assert_eq!(prow_job.api_version, "prow.k8s.io/v1");
    assert_eq!(prow_job.kind, "ProwJob");
    assert_eq!(prow_job.metadata.labels["team"], "a");
    assert_eq!(prow_job.metadata.labels["event-GUID"], "guid-1");
    assert_eq!(prow_job.metadata.labels["prow.k8s.io/is-optional"], "true");
    assert_eq!(prow_job.metadata.annotations["note"], "b");
    assert_eq!(prow_job.status.state, ProwJobState::Triggered);
    assert_eq!(
        prow_job.status.start_time.map(|time| time.rfc3339_millis()),
        Some("2026-11-21T00:00:00.000Z".to_owned()),
        "resources carry whole seconds"
    );
    assert!(!prow_job.complete());
    assert_eq!(prow_job.cluster_alias(), "default");
}

#[test]
fn slack_reporting_is_made_explicit_at_creation() {
    let cases = [
        (json!({"channel": "c"}), json!({"channel": "c", "report": true})),
        (
            json!({"channel": "c", "job_states_to_report": ["failure"]}),
            json!({"channel": "c", "job_states_to_report": ["failure"], "report": true}),
        ),
        // An empty list means never, and would be lost when the resource is stored.
        (
            json!({"channel": "c", "job_states_to_report": []}),
            json!({"channel": "c", "report": false}),
        ),
        (
            json!({"channel": "c", "job_states_to_report": [], "report": true}),
            json!({"channel": "c", "report": true}),
        ),
    ];
    for (slack, expected) in cases {
        let job = presubmit(json!({"name": "unit", "reporter_config": {"slack": slack}}));
        let prow_job = made(presubmit_spec(&job, refs()), &Extra::default());
        let written = serde_json::to_value(&prow_job).expect("JSON");
        assert_eq!(written["spec"]["reporter_config"]["slack"], expected, "{slack}");
    }
}

#[test]
fn fields_that_kubernetes_does_not_know_stay_out_of_the_resource() {
    let job = presubmit(json!({
        "name": "unit",
        "spec": {"containers": [{"image": "i", "comand": ["x"]}], "bogus": 1},
        "extra_refs": [{"org": "o", "repo": "r", "bogus": 1}],
    }));
    assert!(job.base.spec.as_ref().is_some_and(|spec| spec.as_json().contains("comand")));
    let spec = serde_json::to_string(&presubmit_spec(&job, refs())).expect("JSON");
    assert!(!spec.contains("bogus") && !spec.contains("comand"), "{spec}");
}

#[test]
fn a_repetition_is_the_same_run_under_a_new_name() {
    let job = presubmit(json!({"name": "unit", "labels": {"team": "a"}}));
    let mut old = made(presubmit_spec(&job, refs()), &Extra::of_presubmit(&job, "guid-1"));
    old.status.build_id = "5".to_owned();
    old.set_complete(now());
    let new = repeated(&old, "id-2".to_owned(), now(), ProwJobState::Scheduling);
    assert_eq!(new.spec, old.spec);
    assert_eq!(new.metadata.labels, old.metadata.labels);
    assert_eq!(new.metadata.name, "id-2");
    assert_eq!(new.status.state, ProwJobState::Scheduling);
    assert!(new.status.build_id.is_empty() && !new.complete());
}

#[test]
fn names_are_version_one_uuids_and_never_repeat() {
    let names = JobNames::new(0x0102_0304_0506_0708);
    let made: BTreeSet<String> = (0..1000).map(|_| names.next(now())).collect();
    assert_eq!(made.len(), 1000);
    assert!(made.iter().all(|name| name.len() == 36 && name.as_bytes()[14] == b'1'));
    let other = JobNames::new(0x0102_0304_0506_0709);
    assert!(!made.contains(&other.next(now())));
}

#[test]
fn no_labels_at_all_make_a_prowjob_too() {
    let spec = periodic_spec(&Periodic::default());
    let none = BTreeMap::new();
    let job = new_prow_job(spec, &none, &none, "x".into(), now(), ProwJobState::Triggered);
    assert_eq!(job.metadata.labels["created-by-prow"], "true");
}
