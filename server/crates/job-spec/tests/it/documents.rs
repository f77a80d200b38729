//! How resources and configuration read and write JSON.

use job_spec::shape::unknown_keys;
use job_spec::{
    JobType, Periodic, Pod, PodPhase, PodSpec, Presubmit, ProwJob, ProwJobState, RerunAuthConfig,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::prow_job;

#[test]
fn what_this_version_does_not_know_survives_a_round_trip() {
    let document = json!({
        "apiVersion": "prow.k8s.io/v1",
        "kind": "ProwJob",
        "metadata": {
            "name": "id", "namespace": "default", "generation": 4, "resourceVersion": "99",
            "creationTimestamp": "2026-11-21T00:00:00Z", "managedFields": [{"manager": "x"}],
            "labels": {"a": "b"}, "finalizers": ["f"],
        },
        "spec": {
            "type": "presubmit", "job": "unit", "agent": "something-new",
            "refs": {"org": "o", "repo": "r", "lfs": true,
                "pulls": [{"number": 1, "author": "a", "sha": "s", "draft": true}]},
            "pod_spec": {"containers": [{"name": "", "newField": {"x": [1, 2.5, null]}}]},
            "pipeline_run_spec": {"pipelineRef": {"name": "p"}},
            "timeout_policy": {"kind": "soft"},
        },
        "status": {"startTime": "2026-11-21T00:00:00Z", "state": "frozen", "cost": 1.5},
        "later": true,
    });
    let job = prow_job(document.clone());
    assert_eq!(job.status.state, ProwJobState::Unknown("frozen".into()));
    assert_eq!(serde_json::to_value(&job).expect("JSON"), document);
    let text = serde_json::to_string(&job).expect("JSON");
    assert_eq!(serde_json::from_str::<ProwJob>(&text).expect("a ProwJob"), job);
}

#[test]
fn null_and_missing_are_the_same() {
    let job = prow_job(json!({
        "metadata": null,
        "spec": {"refs": null, "extra_refs": null, "job": null, "report": null,
            "decoration_config": {"ssh_key_secrets": null, "timeout": null}},
        "status": {"startTime": null, "prev_report_states": null, "state": null},
    }));
    assert_eq!(job.spec.refs, None);
    assert_eq!(
        serde_json::to_value(&job).expect("JSON"),
        json!({"metadata": {}, "spec": {"decoration_config": {}}, "status": {"startTime": null}})
    );
}

#[test]
fn a_wrong_type_is_an_error_that_says_what_was_expected() {
    for (document, expected) in [
        (json!({"spec": []}), "a mapping (ProwJobSpec)"),
        (json!({"spec": {"max_concurrency": "3"}}), "i64"),
        (json!({"status": {"startTime": "yesterday"}}), "RFC 3339"),
        (json!({"spec": {"decoration_config": {"timeout": "1 day"}}}), "1 day"),
    ] {
        let error = serde_json::from_value::<ProwJob>(document.clone()).expect_err("refused");
        assert!(error.to_string().contains(expected), "{document}: {error}");
    }
}

#[test]
fn an_unknown_type_is_shown_as_none_rather_than_refused() {
    let job = prow_job(json!({"spec": {"type": "nightly"}}));
    assert_eq!(job.spec.job_type, JobType::Unknown);
    assert!("nightly".parse::<JobType>().is_err());
    for job_type in JobType::ALL {
        assert_eq!(job_type.as_str().parse(), Ok(job_type));
    }
    for state in ProwJobState::ALL {
        assert_eq!(ProwJobState::from(state.as_str()), state);
    }
}

#[test]
fn embedded_settings_lie_flat_in_a_job() {
    let document = json!({
        "name": "unit", "always_run": false, "optional": true, "max_concurrency": 2,
        "decorate": true, "path_alias": "k8s.io/x", "branches": ["main"], "skip_branches": ["old"],
        "run_if_changed": "go$", "context": "ci/unit", "skip_report": true, "labels": {"a": "b"},
        "extra_refs": [{"org": "o", "repo": "r"}], "cluster": "c",
    });
    let job: Presubmit = serde_json::from_value(document.clone()).expect("a presubmit");
    assert_eq!(job.base.name, "unit");
    assert_eq!(job.base.utility.decorate, Some(true));
    assert_eq!(job.brancher.branches, ["main"]);
    assert_eq!(job.change_matcher.run_if_changed, "go$");
    assert_eq!(job.reporter.context, "ci/unit");
    assert_eq!(serde_json::to_value(&job).expect("JSON"), document);
}

#[test]
fn a_retrys_interval_is_its_own() {
    let job: Periodic = serde_json::from_value(json!({
        "name": "nightly", "interval": "6h", "retry": {"attempts": 3, "interval": "1h"},
    }))
    .expect("a periodic");
    assert_eq!(job.interval, "6h");
    assert_eq!(job.retry.map(|retry| retry.interval).as_deref(), Some("1h"));
}

#[test]
fn keys_that_nothing_reads_are_named_with_their_path() {
    let document = json!({
        "name": "unit",
        "branch": ["main"],
        "labels": {"anything": "goes"},
        "extra_refs": [{"org": "o"}, {"org": "o", "rpo": "r"}],
        "decoration_config": {"timeout": "2h", "gcs_configuration": {"buckt": "b"}},
        "spec": {
            "containers": [{"comand": ["x"], "resources": {"limits": {"example.com/gpu": 1}},
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"nam": "s"}}}]}],
            "nodeSelector": {"anything": "goes"},
            "volume": [],
        },
        "pipeline_run_spec": {"any": {"thing": 1}},
    });
    let mut found = unknown_keys::<Presubmit>(&document);
    found.sort();
    assert_eq!(
        found,
        [
            "branch",
            "decoration_config.gcs_configuration.buckt",
            "extra_refs[1].rpo",
            "spec.containers[0].comand",
            "spec.containers[0].env[0].valueFrom.secretKeyRef.nam",
            "spec.volume",
        ]
    );
}

#[test]
fn a_pods_status_is_read_as_far_as_plank_looks() {
    let document = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "id", "deletionTimestamp": "2026-11-21T00:00:00Z"},
        "spec": {"containers": [{"name": "test"}], "nodeName": "n1"},
        "status": {
            "phase": "Running", "reason": "Evicted", "startTime": "2026-11-21T00:00:00Z",
            "hostIP": "10.0.0.1",
            "containerStatuses": [
                {"name": "test", "restartCount": 0, "ready": false, "image": "i", "imageID": "",
                    "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                        "finishedAt": "2026-11-21T00:01:00Z"}}},
                {"name": "sidecar", "restartCount": 1, "ready": true, "image": "i", "imageID": "x",
                    "started": true, "state": {"running": {"startedAt": "2026-11-21T00:00:00Z"}}},
            ],
        },
    });
    let pod: Pod = serde_json::from_value(document.clone()).expect("a Pod");
    assert_eq!(pod.status.phase, PodPhase::Running);
    let terminated = pod.status.container_statuses[0].state.terminated.as_ref();
    assert_eq!(terminated.map(|state| state.exit_code), Some(137));
    assert!(pod.status.container_statuses[1].state.running.is_some());
    assert_eq!(pod.spec.fields().node_name, "n1");
    assert_eq!(serde_json::to_value(&pod).expect("JSON"), document);
}

#[test]
fn a_pod_spec_is_compact_text_that_keeps_its_order() {
    let text = r#"{"volumes":[],"containers":[{"name":"b\u0001\n\"é","args":["<&>"],"n":1.5}]}"#;
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).expect("JSON"));
    let spec: PodSpec = serde_json::from_str(text).expect("a spec");
    assert_eq!(spec.as_json(), text);
    assert_eq!(serde_json::to_string(&spec).expect("JSON"), text);
    let same: PodSpec = serde_json::from_str(&pretty.expect("JSON")).expect("a spec");
    assert_eq!(same.to_value(), spec.to_value());
    assert_eq!(spec.containers()[0].args, ["<&>"]);
    assert_eq!(PodSpec::from_value(&spec.to_value()).to_value(), spec.to_value());
}

#[test]
fn only_one_of_anyone_and_a_list_may_be_given() {
    let config = |value: Value| serde_json::from_value::<RerunAuthConfig>(value).expect("a config");
    assert!(config(json!({"allow_anyone": true})).validate().is_ok());
    assert!(config(json!({"github_users": ["a"]})).validate().is_ok());
    for list in [
        json!({"github_users": ["a"]}),
        json!({"github_orgs": ["a"]}),
        json!({"github_team_ids": [1]}),
        json!({"github_team_slugs": [{"slug": "s", "org": "o"}]}),
    ] {
        let mut value = list;
        value["allow_anyone"] = json!(true);
        assert!(config(value.clone()).validate().is_err(), "{value}");
    }
    let users = config(json!({"github_users": ["@Some-Body", "robot[bot]"]}));
    assert!(users.lists_user("some-body") && !users.lists_user("somebody"));
    assert!(users.lists_user("Robot[bot]") && !users.lists_user("robot"));
}

/// Any JSON value, four levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,8}|[\u{0}-\u{1f}\"\\\\\u{2028}]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,5}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_survives_as_the_text_of_a_pod_spec(value in any_json()) {
        let text = value.to_string();
        let from_text: PodSpec = serde_json::from_str(&text).expect("a spec");
        prop_assert_eq!(from_text.as_json(), &text);
        let from_value: PodSpec = serde_json::from_value(value.clone()).expect("a spec");
        prop_assert_eq!(from_value.to_value(), value.clone());
        prop_assert_eq!(serde_json::to_value(&from_value).expect("JSON"), value);
    }
}
