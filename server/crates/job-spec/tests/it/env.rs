use job_spec::env::{env_for_spec, env_names_for_type};
use job_spec::{JobSpec, JobType, ProwJobSpec};
use serde_json::{Value, json};

fn spec(value: Value) -> JobSpec {
    let spec: ProwJobSpec = serde_json::from_value(value).expect("a spec");
    JobSpec::new(&spec, "77", "id-1")
}

fn env(value: Value) -> Value {
    let env = env_for_spec(&spec(value)).expect("an environment");
    serde_json::to_value(env).expect("JSON")
}

fn refs() -> Value {
    json!({"org": "org", "repo": "repo", "base_ref": "main", "base_sha": "abc", "pulls": [
        {"number": 7, "author": "a", "sha": "def", "title": "Fix", "head_ref": "fix"},
        {"number": 8, "author": "b", "sha": "123"},
    ]})
}

#[test]
fn every_type_is_told_what_it_runs_on() {
    let base = json!({
        "CI": "true", "JOB_NAME": "unit", "BUILD_ID": "77", "BUILD_NUMBER": "77",
        "PROW_JOB_ID": "id-1",
    });
    let refs_env = json!({
        "REPO_OWNER": "org", "REPO_NAME": "repo", "SRC_HOST": "github.com", "SRC_BASE": "org/repo",
        "PULL_BASE_REF": "main", "PULL_BASE_SHA": "abc", "PULL_REFS": "main:abc,7:def,8:123",
    });
    let pull_env = json!({
        "PULL_NUMBER": "7", "PULL_PULL_SHA": "def", "PULL_HEAD_REF": "fix", "PULL_TITLE": "Fix",
    });
    let cases = [
        ("periodic", vec![&base]),
        ("postsubmit", vec![&base, &refs_env]),
        ("batch", vec![&base, &refs_env]),
        ("presubmit", vec![&base, &refs_env, &pull_env]),
    ];
    for (job_type, parts) in cases {
        let mut got = env(json!({
            "type": job_type, "job": "unit", "agent": "kubernetes", "refs": refs(),
        }));
        let got = got.as_object_mut().expect("a mapping");
        got.remove("JOB_SPEC").expect("JOB_SPEC");
        let mut expected = json!({"JOB_TYPE": job_type});
        for part in parts {
            let part = part.as_object().expect("a mapping").clone();
            expected.as_object_mut().expect("a mapping").extend(part);
        }
        assert_eq!(Value::Object(got.clone()), expected);
        // What is set is reserved, and the other way round.
        let mut reserved = env_names_for_type(job_type.parse().expect("a type"));
        reserved.retain(|name| *name != "JOB_SPEC");
        reserved.sort_unstable();
        assert_eq!(got.keys().collect::<Vec<_>>(), reserved, "{job_type}");
    }
    assert!(env_names_for_type(JobType::Unknown).is_empty());
}

#[test]
fn only_pods_are_told_the_build_number_under_its_old_name() {
    let env = env(json!({"type": "periodic", "job": "unit", "agent": "jenkins"}));
    assert_eq!(env.get("BUILD_NUMBER"), None);
    assert_eq!(env["BUILD_ID"], "77");
}

#[test]
fn the_job_spec_is_json_as_go_writes_it() {
    let env = env(json!({
        "type": "postsubmit", "job": "unit",
        "refs": {"org": "o", "repo": "r", "repo_link": "https://h/?a&b<c>", "base_ref": "main"},
        "extra_refs": [{"org": "x", "repo": "y", "workdir": true}],
        "decoration_config": {"timeout": "90m", "run_as_user": 0,
            "scheduling_options": {"tolerations": [
                {"effect": "NoSchedule", "key": "k", "operator": "Exists"}]}},
    }));
    let expected = r#"{"type":"postsubmit","job":"unit","buildid":"77","prowjobid":"id-1","refs":{"org":"o","repo":"r","repo_link":"https://h/?a\u0026b\u003cc\u003e","base_ref":"main"},"extra_refs":[{"org":"x","repo":"y","workdir":true}],"decoration_config":{"timeout":"1h30m0s","scheduling_options":{"tolerations":[{"key":"k","operator":"Exists","effect":"NoSchedule"}]},"run_as_user":0}}"#;
    assert_eq!(env["JOB_SPEC"], expected);
}

#[test]
fn host_and_base_follow_the_place_of_the_clone() {
    let cases = [
        ("", "", "github.com", "org/repo"),
        ("k8s.io/x/y", "", "k8s.io", "x/y"),
        ("alone", "", "alone", "org/repo"),
        ("", "https://gh.example.com/a/b", "gh.example.com", "a/b"),
        ("", "ssh://git@h/x", "git@h", "x"),
        ("", "https://host", "host", "org/repo"),
        ("k8s.io/x", "https://host/a", "k8s.io", "x"),
    ];
    for (path_alias, repo_link, host, base) in cases {
        let env = env(json!({"type": "postsubmit", "job": "unit", "refs": {
            "org": "org", "repo": "repo", "path_alias": path_alias, "repo_link": repo_link,
        }}));
        assert_eq!((&env["SRC_HOST"], &env["SRC_BASE"]), (&json!(host), &json!(base)));
    }
}

#[test]
fn a_run_without_its_refs_is_refused_by_name() {
    for (value, missing) in [
        (json!({"type": "presubmit", "job": "unit"}), "unit is a presubmit and has no refs"),
        (json!({"type": "batch", "job": "unit"}), "unit is a batch and has no refs"),
        (
            json!({"type": "presubmit", "job": "unit", "refs": {"org": "o", "repo": "r"}}),
            "presubmit unit has no pull request",
        ),
    ] {
        let error = env_for_spec(&spec(value)).expect_err("refused").to_string();
        assert!(error.contains(missing), "{error}");
    }
}

#[test]
fn the_revision_is_the_pulls_the_bases_or_the_branchs() {
    let extra = json!([
        {"org": "x", "repo": "tools", "base_ref": "dev", "auxiliary": true},
        {"org": "x", "repo": "main", "base_ref": "release"},
    ]);
    let cases = [
        (json!({"refs": refs(), "extra_refs": extra}), "def"),
        (json!({"refs": {"org": "o", "repo": "r", "base_ref": "main", "base_sha": "abc"}}), "abc"),
        (json!({"refs": {"org": "o", "repo": "r", "base_ref": "main"}}), "main"),
        (json!({"extra_refs": extra}), "release"),
        (json!({"extra_refs": [extra[0]]}), ""),
        (json!({}), ""),
    ];
    for (value, expected) in cases {
        assert_eq!(spec(value.clone()).revision(), expected, "{value}");
    }
}
