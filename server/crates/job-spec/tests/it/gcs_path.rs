use job_spec::gcs_path::{alias, alias_target, job_dir, latest_build_files, repo_segment, run_dir};
use job_spec::{Bucket, GcsConfiguration, JobSpec, ProwJobSpec};
use serde_json::{Value, json};

fn config(value: Value) -> GcsConfiguration {
    serde_json::from_value(value).expect("a configuration")
}

fn spec(job_type: &str) -> JobSpec {
    let spec: ProwJobSpec = serde_json::from_value(json!({
        "type": job_type, "job": "unit",
        "refs": {"org": "org", "repo": "repo", "pulls": [{"number": 7, "author": "a", "sha": "b"}]},
    }))
    .expect("a spec");
    JobSpec::new(&spec, "55", "id")
}

#[test]
fn every_type_has_its_folder() {
    let explicit = config(json!({"path_strategy": "explicit", "bucket": "b"}));
    let prefixed =
        config(json!({"path_strategy": "explicit", "bucket": "b", "path_prefix": "p/q/"}));
    let latest = |spec: &JobSpec| latest_build_files(&explicit, spec);
    let cases = [
        ("periodic", "logs/unit/55", None, vec!["logs/unit/latest-build.txt"], "logs/unit"),
        ("postsubmit", "logs/unit/55", None, vec!["logs/unit/latest-build.txt"], "logs/unit"),
        (
            "presubmit",
            "pr-logs/pull/org_repo/7/unit/55",
            Some("pr-logs/directory/unit/55.txt"),
            vec![
                "pr-logs/directory/unit/latest-build.txt",
                "pr-logs/pull/org_repo/7/unit/latest-build.txt",
            ],
            "pr-logs/directory/unit",
        ),
        (
            "batch",
            "pr-logs/pull/batch/unit/55",
            None,
            vec!["pr-logs/directory/unit/latest-build.txt"],
            "pr-logs/directory/unit",
        ),
    ];
    for (job_type, folder, alias_file, latest_files, job_folder) in cases {
        let spec = spec(job_type);
        assert_eq!(run_dir(&explicit, &spec).as_deref(), Ok(folder));
        assert_eq!(run_dir(&prefixed, &spec), Ok(format!("p/q/{folder}")));
        // These two ignore the prefix.
        assert_eq!(alias(&spec).as_deref(), alias_file);
        assert_eq!(latest(&spec), latest_files);
        assert_eq!(latest_build_files(&prefixed, &spec), latest_files);
        assert_eq!(job_dir(&spec), job_folder);
    }
}

#[test]
fn the_strategy_decides_how_a_repository_is_written() {
    let cases = [
        ("explicit", "org", "repo", "org_repo"),
        ("explicit", "k8s", "main", "k8s_main"),
        ("legacy", "k8s", "main", ""),
        ("legacy", "k8s", "other", "other"),
        ("legacy", "org", "main", "org_main"),
        ("single", "k8s", "main", ""),
        ("single", "k8s", "other", "k8s_other"),
        ("single", "org", "repo", "org_repo"),
        // Gerrit.
        ("explicit", "https://host.example/", "a/b", "host.example_a_b"),
        ("single", "http://host", "a/b", "host_a_b"),
    ];
    for (strategy, org, repo, expected) in cases {
        let config = config(json!({
            "path_strategy": strategy, "default_org": "k8s", "default_repo": "main",
        }));
        assert_eq!(repo_segment(&config, org, repo), expected, "{strategy} {org}/{repo}");
    }
}

#[test]
fn a_default_repositorys_pulls_lie_directly_below() {
    let config = config(json!({
        "path_strategy": "legacy", "default_org": "org", "default_repo": "repo",
    }));
    assert_eq!(run_dir(&config, &spec("presubmit")).as_deref(), Ok("pr-logs/pull/7/unit/55"));
}

#[test]
fn the_alias_holds_the_url_of_the_folder() {
    for (bucket, expected) in [
        ("b", "gs://b/pr-logs/pull/org_repo/7/unit/55"),
        ("gs://b", "gs://b/pr-logs/pull/org_repo/7/unit/55"),
        ("s3://b", "s3://b/pr-logs/pull/org_repo/7/unit/55"),
    ] {
        let config = config(json!({"path_strategy": "explicit", "bucket": bucket}));
        assert_eq!(alias_target(&config, &spec("presubmit")).as_deref(), Ok(expected));
    }
}

#[test]
fn a_run_without_type_or_pull_has_no_folder() {
    let config = config(json!({"path_strategy": "explicit"}));
    let mut unknown = spec("presubmit");
    unknown.job_type = job_spec::JobType::Unknown;
    assert!(run_dir(&config, &unknown).is_err());
    assert!(latest_build_files(&config, &unknown).is_empty());
    let mut no_pull = spec("presubmit");
    no_pull.refs = None;
    let error = run_dir(&config, &no_pull).expect_err("no folder").to_string();
    assert!(error.contains("presubmit unit has no pull request"), "{error}");
    assert_eq!(latest_build_files(&config, &no_pull).len(), 1);
}

#[test]
fn a_bucket_is_a_name_or_a_url() {
    let cases = [
        ("name", "gs", "name", "", "gs://name"),
        ("gs://name", "gs", "name", "", "gs://name"),
        ("s3://name/below", "s3", "name", "/below", "s3://name/below"),
        ("name/below", "gs", "name", "/below", "gs://name/below"),
        ("file:///var/x", "file", "", "/var/x", "file:///var/x"),
    ];
    for (text, provider, name, path, shown) in cases {
        let bucket = Bucket::parse(text).expect(text);
        assert_eq!((&*bucket.provider, &*bucket.name, &*bucket.path), (provider, name, path));
        assert_eq!(bucket.to_string(), shown);
    }
    for text in ["a b", "1x://b", "gs://a%zz", "://b"] {
        assert!(Bucket::parse(text).is_err(), "{text}");
    }
}
