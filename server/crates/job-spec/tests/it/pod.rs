use go_compat::yaml_emit::to_yaml;
use job_spec::pod_decoration::{PlankPodOptions, prow_job_to_pod, reserved_volumes};
use job_spec::{DecorationConfig, ProwJob};
use serde_json::{Value, json};

use crate::prow_job;

fn images() -> Value {
    json!({"clonerefs": "clonerefs:1", "initupload": "initupload:1", "entrypoint": "entrypoint:1",
        "sidecar": "sidecar:1"})
}

/// Puts `b` over `a`, mapping by mapping.
fn over(a: &mut Value, b: &Value) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in b {
                over(a.entry(key).or_insert(Value::Null), value);
            }
        }
        (a, b) => *a = b.clone(),
    }
}

/// A decorated presubmit with one container, and `changes` to its spec.
fn job(changes: Value) -> ProwJob {
    let mut spec = json!({
        "type": "presubmit", "agent": "kubernetes", "job": "pull-unit", "context": "unit",
        "refs": {"org": "org", "repo": "repo", "base_ref": "main", "base_sha": "abc",
            "pulls": [{"number": 7, "author": "ann", "sha": "def", "title": "Fix <it>"}]},
        "pod_spec": {"containers": [{"image": "golang:1", "command": ["make"], "args": ["test"]}]},
        "decoration_config": {
            "timeout": "2h", "grace_period": "15s", "utility_images": images(),
            "gcs_configuration": {"bucket": "gs://results", "path_strategy": "explicit"},
        },
    });
    over(&mut spec, &changes);
    prow_job(json!({"metadata": {"name": "pod-1"}, "spec": spec}))
}

fn pod_with(job: &ProwJob, options: &PlankPodOptions) -> Value {
    let pod = prow_job_to_pod(job, "42", options).expect("a Pod");
    serde_json::to_value(pod).expect("JSON")
}

fn pod(changes: Value) -> Value {
    pod_with(&job(changes), &PlankPodOptions::default())
}

/// The object of that name in a list.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().into_iter().flatten().find(|item| item["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
}

/// The options in an environment variable of a container.
fn options(container: &Value, variable: &str) -> Value {
    let text = named(&container["env"], variable)["value"].as_str().expect("the variable");
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_decorated_presubmit() {
    let text = to_yaml(&pod(json!({})));
    insta::assert_snapshot!(text);
}

#[test]
fn an_undecorated_periodic() {
    let job = prow_job(json!({
        "metadata": {"name": "pod-1", "labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {
            "type": "periodic", "agent": "kubernetes", "job": "nightly",
            "pod_spec": {
                "initContainers": [{"name": "prepare", "terminationMessagePolicy": "File"}],
                "containers": [
                    {"name": "a", "env": [{"name": "X", "value": "1"}]},
                    {"name": "b"},
                ],
            },
        },
    }));
    let options = PlankPodOptions {
        pod_namespace: "test-pods".to_owned(),
        plank_version: Some("v1".to_owned()),
        local_output_dir: None,
    };
    let text = to_yaml(&pod_with(&job, &options));
    insta::assert_snapshot!(text);
}

#[test]
fn every_way_to_clone_and_upload_at_once() {
    let text = to_yaml(&pod(json!({
        "refs": {"path_alias": "example.org/repo"},
        "extra_refs": [{"org": "org", "repo": "tools", "base_ref": "main", "workdir": true}],
        "pod_spec": {
            "initContainers": [{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}],
            "containers": [
                {"name": "one", "command": ["a"], "workingDir": "/elsewhere",
                    "volumeMounts": [{"name": "token", "mountPath": "/etc/token"}],
                    "resources": {"requests": {"memory": "3Gi"}}},
                {"name": "two", "args": ["b"]},
            ],
            "volumes": [{"name": "token", "secret": {"secretName": "s"}}, {"name": "tmp"}],
        },
        "decoration_config": {
            "gcs_credentials_secret": "gcs", "s3_credentials_secret": "s3",
            "ssh_key_secrets": ["key-a", "key-b"], "ssh_host_fingerprints": ["host ssh-rsa A"],
            "cookiefile_secret": "cookies/key",
            "oauth_token_secret": {"name": "oauth", "key": "token"},
            "github_api_endpoints": ["https://ghe/api"], "github_app_id": "12",
            "github_app_private_key_secret": {"name": "app", "key": "pem"},
            "censor_secrets": true, "censoring_options": {"minimum_secret_length": 4},
            "upload_ignores_interrupts": true, "default_service_account_name": "runner",
            "set_limit_equals_memory_request": true, "default_memory_request": "1Gi",
            "run_as_user": 1000, "run_as_group": 1001, "fs_group": 1002,
            "resources": {"clonerefs": {"requests": {"cpu": "100m"}},
                "sidecar": {"limits": {"memory": "2048Mi"}}},
            "scheduling_options": {"tolerations": [{"key": "ci", "operator": "Exists"}],
                "affinity": {"nodeAffinity": {}}},
        },
    })));
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_is_cloned_without_refs_or_where_cloning_is_skipped() {
    let mut without_refs = job(json!({"type": "periodic"}));
    without_refs.spec.refs = None;
    let without_refs = pod_with(&without_refs, &PlankPodOptions::default());
    let skipped = pod(json!({"decoration_config": {"skip_cloning": true}}));
    for pod in [without_refs, skipped] {
        let spec = &pod["spec"];
        assert_eq!(names(&spec["initContainers"]), ["initupload", "place-entrypoint"]);
        assert_eq!(names(&spec["volumes"]), ["logs", "tools"]);
        assert_eq!(spec["initContainers"][0].get("volumeMounts"), None);
        assert_eq!(options(&spec["initContainers"][0], "INITUPLOAD_OPTIONS").get("log"), None);
        let test = &spec["containers"][0];
        assert_eq!(names(&test["volumeMounts"]), ["logs", "tools"]);
        assert_eq!(test.get("workingDir"), None);
    }
}

#[test]
fn the_test_starts_in_the_clone_that_asks_for_it_else_in_the_first() {
    let extra = |workdir: bool| {
        json!({"pod_spec": {"containers": [{"command": ["x"], "workingDir": "/mine"}]},
            "extra_refs": [{"org": "o", "repo": "r", "workdir": workdir}]})
    };
    let dir = |pod: &Value| pod["spec"]["containers"][0]["workingDir"].clone();
    assert_eq!(dir(&pod(extra(false))), "/home/prow/go/src/github.com/org/repo");
    assert_eq!(dir(&pod(extra(true))), "/home/prow/go/src/github.com/o/r");
}

#[test]
fn local_mode_copies_to_a_folder_of_the_node_and_needs_no_credentials() {
    let job = job(json!({"decoration_config": {"gcs_credentials_secret": "creds"}}));
    let local = PlankPodOptions {
        local_output_dir: Some("/out/42".to_owned()),
        ..PlankPodOptions::default()
    };
    let pod = pod_with(&job, &local);
    let spec = &pod["spec"];
    assert_eq!(names(&spec["volumes"]), ["logs", "tools", "output", "clonerefs-tmp", "code"]);
    assert_eq!(named(&spec["volumes"], "output")["hostPath"], json!({"path": "/out/42"}));
    for (container, variable, key) in [
        (named(&spec["initContainers"], "initupload"), "INITUPLOAD_OPTIONS", None),
        (named(&spec["containers"], "sidecar"), "SIDECAR_OPTIONS", Some("gcs_options")),
    ] {
        let options = options(container, variable);
        let upload = key.map_or(&options, |key| &options[key]);
        assert_eq!(upload["local_output_dir"], "/output");
        assert_eq!(upload.get("gcs_credentials_file"), None);
        assert_eq!(names(&container["volumeMounts"]), ["logs", "output"]);
    }
    // The job spec tells the configuration as it was.
    let spec = options(&spec["containers"][0], "JOB_SPEC");
    assert_eq!(spec["decoration_config"]["gcs_configuration"].get("local_output_dir"), None);
}

#[test]
fn files_of_one_container_are_plain_and_of_several_bear_its_name() {
    let one = pod(json!({}));
    let entry = options(&one["spec"]["containers"][0], "ENTRYPOINT_OPTIONS");
    assert_eq!(entry["container_name"], "test");
    assert_eq!(entry["process_log"], "/logs/process-log.txt");
    assert_eq!(entry["marker_file"], "/logs/marker-file.txt");
    assert_eq!(entry["metadata_file"], "/logs/artifacts/metadata.json");
    assert_eq!(entry["timeout"], 7_200_000_000_000_i64);
    assert_eq!(entry["args"], json!(["make", "test"]));

    let two = pod(json!({"pod_spec": {"containers": [
        {"name": "a", "command": ["x"]}, {"name": "b", "args": ["y"]}]}}));
    let entry = options(&two["spec"]["containers"][1], "ENTRYPOINT_OPTIONS");
    assert_eq!(entry["process_log"], "/logs/b-log.txt");
    assert_eq!(entry["marker_file"], "/logs/b-marker.txt");
    assert_eq!(entry["metadata_file"], "/logs/artifacts/b-metadata.json");
    let sidecar = options(&two["spec"]["containers"][2], "SIDECAR_OPTIONS");
    assert_eq!(sidecar["entries"][0]["container_name"], "a");
    assert_eq!(sidecar["entries"][1]["args"], json!(["y"]));
}

#[test]
fn a_service_account_token_is_mounted_only_on_request() {
    let cases = [
        (json!({}), json!(false), json!(null)),
        (json!({"serviceAccountName": "own"}), json!(null), json!("own")),
        (json!({"automountServiceAccountToken": true}), json!(true), json!(null)),
    ];
    for (pod_spec, automount, account) in cases {
        let got = pod(json!({"pod_spec": pod_spec}));
        assert_eq!(got["spec"]["automountServiceAccountToken"], automount, "{pod_spec}");
        assert_eq!(got["spec"]["serviceAccountName"], account, "{pod_spec}");
        let with_default = pod(json!({"pod_spec": pod_spec,
            "decoration_config": {"default_service_account_name": "default"}}));
        // The default account's token stays unmounted unless asked for.
        assert_eq!(with_default["spec"]["automountServiceAccountToken"], automount, "{pod_spec}");
        let expected = if account.is_null() { json!("default") } else { account };
        assert_eq!(with_default["spec"]["serviceAccountName"], expected, "{pod_spec}");
    }
}

#[test]
fn memory_rules_fill_requests_first_and_limits_then() {
    let resources = |decoration: Value, own: Value| {
        let pod = pod(json!({"decoration_config": decoration,
            "pod_spec": {"containers": [{"command": ["x"], "resources": own}]}}));
        pod["spec"]["containers"][0]["resources"].clone()
    };
    let default = json!({"default_memory_request": "1Gi"});
    let equal = json!({"set_limit_equals_memory_request": true});
    let both = json!({"default_memory_request": "1Gi", "set_limit_equals_memory_request": true});
    let own = json!({"requests": {"memory": "2Gi", "cpu": "1"}, "limits": {"memory": "9Gi"}});
    assert_eq!(resources(json!({}), json!({})), json!({}));
    assert_eq!(resources(default.clone(), json!({})), json!({"requests": {"memory": "1Gi"}}));
    assert_eq!(resources(default, own.clone()), own);
    assert_eq!(resources(equal.clone(), json!({})), json!({}));
    assert_eq!(
        resources(equal, own),
        json!({"requests": {"memory": "2Gi", "cpu": "1"}, "limits": {"memory": "2Gi"}})
    );
    assert_eq!(
        resources(both, json!({"requests": {"cpu": "1"}})),
        json!({"requests": {"memory": "1Gi", "cpu": "1"}, "limits": {"memory": "1Gi"}})
    );
}

#[test]
fn the_pods_own_settings_win_over_the_decorations() {
    let got = pod(json!({
        "pod_spec": {
            "securityContext": {"runAsUser": 1}, "tolerations": [{"key": "own"}],
            "affinity": {}, "terminationGracePeriodSeconds": 5,
            "containers": [{"command": ["x"], "terminationMessagePolicy": "File"}],
        },
        "decoration_config": {
            "run_as_user": 2, "fs_group": 3, "grace_period": "100s",
            "scheduling_options": {"tolerations": [{"key": "default"}],
                "affinity": {"podAffinity": {}}},
        },
    }));
    let spec = &got["spec"];
    assert_eq!(spec["securityContext"], json!({"runAsUser": 1, "fsGroup": 3}));
    assert_eq!(spec["tolerations"], json!([{"key": "own"}]));
    assert_eq!(spec["affinity"], json!({}));
    assert_eq!(spec["terminationGracePeriodSeconds"], 5);
    assert_eq!(spec["containers"][0]["terminationMessagePolicy"], "File");
}

#[test]
fn a_fifth_of_the_time_to_stop_is_for_uploading() {
    for (grace, seconds) in [("15s", 18), ("10m", 750), ("1m31s", 113), ("2.9s", 2), ("0s", 0)] {
        let got = pod(json!({"decoration_config": {"grace_period": grace}}));
        assert_eq!(got["spec"]["terminationGracePeriodSeconds"], seconds, "{grace}");
    }
}

#[test]
fn secrets_are_shown_to_the_sidecar_only_where_it_censors_them() {
    let with = |censor: Value| {
        pod(json!({
            "decoration_config": {"censor_secrets": censor},
            "pod_spec": {
                "volumes": [{"name": "s", "secret": {"secretName": "x"}},
                    {"name": "c", "configMap": {"name": "y"}}],
                "containers": [{"command": ["x"], "volumeMounts": [
                    {"name": "s", "mountPath": "/s", "readOnly": true},
                    {"name": "c", "mountPath": "/c"}]}],
            },
        }))
    };
    let sidecar = |pod: &Value| named(&pod["spec"]["containers"], "sidecar").clone();
    let censoring =
        |pod: &Value| options(&sidecar(pod), "SIDECAR_OPTIONS")["censoring_options"].clone();
    let on = with(json!(true));
    assert_eq!(names(&sidecar(&on)["volumeMounts"]), ["logs", "s"]);
    assert_eq!(censoring(&on), json!({"secret_directories": ["/s"]}));
    for off in [with(json!(false)), with(Value::Null)] {
        assert_eq!(names(&sidecar(&off)["volumeMounts"]), ["logs"]);
        assert_eq!(censoring(&off), json!({}));
    }
}

#[test]
fn what_cannot_become_a_pod_is_refused_with_the_reason() {
    type Change = fn(&mut ProwJob);
    let without = |change: Change| {
        let mut job = job(json!({}));
        change(&mut job);
        prow_job_to_pod(&job, "1", &PlankPodOptions::default()).expect_err("refused").to_string()
    };
    let cases: [(Change, &str); 4] = [
        (|job| job.spec.pod_spec = None, "prowjob \"pod-1\" lacks a pod spec"),
        (|job| job.spec.refs = None, "has no refs"),
        (
            |job| job.spec.decoration_config = Some(DecorationConfig::default().into()),
            "utility_images of the decoration config is not set",
        ),
        (
            |job| {
                let broken = json!({"containers": {"a": 1}});
                job.spec.pod_spec = Some(job_spec::PodSpec::from_value(&broken));
            },
            "a list at containers",
        ),
    ];
    for (change, expected) in cases {
        let error = without(change);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn volumes_of_the_decoration_are_reserved() {
    let config: DecorationConfig = serde_json::from_value(json!({
        "oauth_token_secret": {"name": "oauth"}, "ssh_key_secrets": ["a", "b"],
    }))
    .expect("a config");
    let always = ["logs", "code", "tools", "gcs-credentials", "s3-credentials"];
    assert_eq!(reserved_volumes(None), always);
    assert_eq!(reserved_volumes(Some(&config))[5..], ["oauth", "a", "b"]);
}
