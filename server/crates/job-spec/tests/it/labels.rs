use std::collections::BTreeMap;

use job_spec::labels::{
    MAX_VALUE_LENGTH, is_valid_value, labels_and_annotations, labels_and_annotations_for_job,
    sanitize, truncate,
};
use job_spec::{ProwJobSpec, labels};
use proptest::prelude::*;
use serde_json::json;

use crate::prow_job;

fn spec(value: serde_json::Value) -> ProwJobSpec {
    serde_json::from_value(value).expect("a spec")
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn labels_tell_what_runs_on_what() {
    let spec = spec(json!({
        "type": "presubmit", "job": "pull-unit", "context": "unit",
        "refs": {"org": "org", "repo": "repo", "base_ref": "main", "pulls": [
            {"number": 12, "author": "a", "sha": "1"}, {"number": 13, "author": "b", "sha": "2"},
        ]},
        "extra_refs": [{"org": "other", "repo": "tools", "base_ref": "dev"}],
    }));
    let (labels, annotations) = labels_and_annotations(&spec, &map(&[]), &map(&[]));
    assert_eq!(
        labels,
        map(&[
            ("created-by-prow", "true"),
            ("prow.k8s.io/type", "presubmit"),
            ("prow.k8s.io/job", "pull-unit"),
            ("prow.k8s.io/context", "unit"),
            ("prow.k8s.io/refs.org", "org"),
            ("prow.k8s.io/refs.repo", "repo"),
            ("prow.k8s.io/refs.base_ref", "main"),
            ("prow.k8s.io/refs.pull", "12"),
        ])
    );
    assert_eq!(
        annotations,
        map(&[("prow.k8s.io/job", "pull-unit"), ("prow.k8s.io/context", "unit")])
    );
}

#[test]
fn a_periodic_is_labelled_by_its_first_extra_refs() {
    let spec = spec(json!({"type": "periodic", "job": "nightly",
        "extra_refs": [{"org": "org", "repo": "repo", "base_ref": "main"}]}));
    let (labels, _) = labels_and_annotations(&spec, &map(&[]), &map(&[]));
    assert_eq!(labels[labels::REPO], "repo");
    assert_eq!(labels[labels::CONTEXT], "");
    assert!(!labels.contains_key(labels::PULL));
}

#[test]
fn users_labels_win_and_what_cannot_be_a_label_goes() {
    let long = "pull-".to_owned() + &"x".repeat(57) + "-and-more";
    let spec = spec(json!({
        "type": "presubmit", "job": long, "context": long,
        "refs": {"org": "https://host.example/gerrit", "repo": "a b", "base_ref": "release/1.0"},
    }));
    let extra = map(&[("prow.k8s.io/context", "mine"), ("team", "a/b/"), ("bad", "//")]);
    let (labels, annotations) =
        labels_and_annotations(&spec, &extra, &map(&[("prow.k8s.io/job", "named")]));
    assert_eq!(labels[labels::JOB].len(), 62, "cut, and the dash at the cut is gone");
    assert_eq!(labels[labels::CONTEXT], "mine");
    assert_eq!(labels[labels::ORG], "gerrit");
    assert_eq!(labels[labels::BASE_REF], "1.0");
    assert_eq!(labels["team"], "b");
    assert!(!labels.contains_key(labels::REPO), "no part of `a b` is a label");
    assert!(!labels.contains_key("bad"));
    assert_eq!(annotations[labels::JOB], "named");
    assert_eq!(annotations[labels::CONTEXT], long);
}

#[test]
fn a_pod_carries_its_prowjobs_name_and_build() {
    let job = prow_job(json!({
        "metadata": {"name": "1-2-3", "labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {"type": "periodic", "job": "nightly"},
        "status": {"build_id": "77"},
    }));
    let (labels, annotations) = labels_and_annotations_for_job(&job);
    assert_eq!(labels[labels::PROW_JOB_ID], "1-2-3");
    assert_eq!(labels[labels::BUILD_ID], "77");
    assert_eq!(labels["team"], "a");
    assert_eq!(annotations["note"], "b");
}

proptest! {
    #[test]
    fn whatever_becomes_a_label_is_a_valid_one(text in "\\PC{0,80}|[a-z/._-]{0,80}") {
        if let Some(value) = sanitize(&text) {
            prop_assert!(is_valid_value(value), "{text:?} became {value:?}");
            prop_assert!(text.contains(value));
        }
        prop_assert_eq!(sanitize(&text) == Some(text.as_str()), is_valid_value(&text));
    }

    #[test]
    fn a_job_name_cut_to_size_is_a_valid_label(name in "[A-Za-z0-9][A-Za-z0-9._-]{0,120}[A-Za-z0-9]") {
        let cut = truncate(&name);
        prop_assert!(cut.len() <= MAX_VALUE_LENGTH);
        prop_assert!(name.starts_with(&*cut));
        prop_assert!(is_valid_value(&cut), "{cut:?}");
    }
}
