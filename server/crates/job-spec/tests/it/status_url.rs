use std::collections::BTreeMap;

use job_spec::ProwJob;
use job_spec::status_url::{job_url_prefix, prefixed_url};
use job_spec::template_view;
use serde_json::{Value, json};

use crate::prow_job;

fn job(bucket: &str, own_prefix: &str) -> ProwJob {
    prow_job(json!({
        "metadata": {"name": "id"},
        "spec": {
            "type": "presubmit", "job": "unit",
            "refs": {"org": "org", "repo": "repo", "pulls": [{"number": 7, "author": "a", "sha": "b"}]},
            "decoration_config": {"gcs_configuration": {
                "bucket": bucket, "path_strategy": "explicit", "job_url_prefix": own_prefix,
            }},
        },
        "status": {"build_id": "55"},
    }))
}

fn prefixes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_narrowest_prefix_wins() {
    let all = [("*", "any"), ("org", "org"), ("org/repo", "repo")];
    let job = job("b", "");
    assert_eq!(job_url_prefix(&job, &prefixes(&all)), "repo");
    assert_eq!(job_url_prefix(&job, &prefixes(&all[..2])), "org");
    assert_eq!(job_url_prefix(&job, &prefixes(&all[..1])), "any");
    assert_eq!(job_url_prefix(&job, &prefixes(&[])), "");
    // An empty entry is none.
    assert_eq!(job_url_prefix(&job, &prefixes(&[("org/repo", ""), ("*", "any")])), "any");
    assert_eq!(job_url_prefix(&self::job("b", "own"), &prefixes(&all)), "own");

    let periodic = prow_job(json!({"spec": {"type": "periodic", "job": "nightly",
        "extra_refs": [{"org": "org", "repo": "repo"}]}}));
    assert_eq!(job_url_prefix(&periodic, &prefixes(&all)), "repo");
    let bare = prow_job(json!({"spec": {"type": "periodic", "job": "nightly"}}));
    assert_eq!(job_url_prefix(&bare, &prefixes(&all)), "any");
}

#[test]
fn a_link_is_prefix_provider_bucket_and_folder() {
    let folder = "pr-logs/pull/org_repo/7/unit/55";
    let cases = [
        ("https://ci.example/view", "b", true, "https://ci.example/view/gs/b/"),
        ("https://ci.example/view/", "gs://b", true, "https://ci.example/view/gs/b/"),
        ("https://ci.example/view/", "s3://b/p", true, "https://ci.example/view/s3/b/p/"),
        ("https://ci.example/view/gs", "b", false, "https://ci.example/view/gs/b/"),
        ("https://ci.example", "b", true, "https://ci.example/gs/b/"),
        ("http://localhost:8080/view/", "file://b", true, "http://localhost:8080/view/file/b/"),
    ];
    for (prefix, bucket, append, expected) in cases {
        let url = prefixed_url(&job(bucket, ""), &prefixes(&[("*", prefix)]), append);
        assert_eq!(url, Ok(Some(format!("{expected}{folder}"))), "{prefix} {bucket}");
    }
    let tail = prefixed_url(&job("b", "https://x/v?a=1#top"), &prefixes(&[]), true);
    assert_eq!(tail, Ok(Some(format!("https://x/v/gs/b/{folder}?a=1#top"))));
}

#[test]
fn an_undecorated_run_or_one_without_prefix_is_left_to_the_template() {
    assert_eq!(prefixed_url(&job("b", ""), &prefixes(&[]), true), Ok(None));
    let mut undecorated = job("b", "");
    undecorated.spec.decoration_config = None;
    assert_eq!(prefixed_url(&undecorated, &prefixes(&[("*", "https://x")]), true), Ok(None));
    assert!(prefixed_url(&job("a b", ""), &prefixes(&[("*", "https://x")]), true).is_err());
}

#[test]
fn a_template_sees_gos_field_names() {
    let view = template_view::prow_job(&job("b", ""));
    assert_eq!(view["Spec"]["Refs"]["Pulls"][0]["Number"], 7);
    assert_eq!(view["Spec"]["Type"], "presubmit");
    assert_eq!(view["ObjectMeta"]["Name"], "id");
    assert_eq!(view["Name"], "id");
    assert_eq!(view["Status"]["BuildID"], "55");
    // Fields that are not set are there, so that a template may ask for them.
    assert_eq!(view["Spec"].get("JenkinsSpec"), Some(&Value::Null));
    assert_eq!(view["Spec"]["Context"], "");
}
