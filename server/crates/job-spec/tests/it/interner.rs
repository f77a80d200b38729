use std::sync::Arc;

use job_spec::{Interner, ProwJob};
use serde_json::json;

use crate::prow_job;

fn job(image: &str) -> ProwJob {
    prow_job(json!({
        "metadata": {"annotations": {"note": "same for all"}},
        "spec": {
            "pod_spec": {"containers": [{"name": "", "image": image}]},
            "decoration_config": {"timeout": "2h"},
        },
    }))
}

#[test]
fn equal_specs_are_held_once() {
    let interner = Interner::new();
    assert!(interner.is_empty());
    let mut jobs: Vec<ProwJob> = ["a", "b", "a", "a"].map(job).into();
    for job in &mut jobs {
        interner.intern(job);
    }
    assert_eq!(interner.len(), 4, "two pod specs, a decoration, annotations");
    let text = |job: &ProwJob| job.spec.pod_spec.clone().map(|spec| spec.as_json().as_ptr());
    assert_eq!(text(&jobs[0]), text(&jobs[2]));
    assert_ne!(text(&jobs[0]), text(&jobs[1]));
    let decoration = |job: &ProwJob| job.spec.decoration_config.clone().expect("decoration");
    assert!(Arc::ptr_eq(&decoration(&jobs[0]), &decoration(&jobs[1])));
    assert!(jobs[0].metadata.annotations.is_shared_with(&jobs[1].metadata.annotations));
    assert_eq!(jobs[3], job("a"));

    // Who writes gets a copy of its own.
    jobs[0].metadata.annotations.insert("note".to_owned(), "changed".to_owned());
    assert_eq!(jobs[1].metadata.annotations["note"], "same for all");
}

#[test]
fn specs_that_nobody_holds_are_let_go() {
    let interner = Interner::new();
    for number in 0..10_000 {
        interner.intern(&mut job(&number.to_string()));
    }
    assert!(interner.len() < 5000, "{} of 10002 are held", interner.len());
}

#[test]
fn a_list_is_handed_over_job_by_job() {
    let item = json!({"spec": {"job": "unit", "pod_spec": {"containers": []}}});
    for list in [
        json!([item, item]),
        json!({"kind": "ProwJobList", "metadata": {}, "items": [item, item], "apiVersion": "v1"}),
    ] {
        let interner = Interner::new();
        let mut names = Vec::new();
        job_spec::list::read_prow_jobs(&list, &interner, |job| names.push(job.spec.job))
            .expect("a list");
        assert_eq!(names, ["unit", "unit"], "{list}");
    }
    let interner = Interner::new();
    let none = json!({"items": null});
    assert!(job_spec::list::read_prow_jobs(&none, &interner, |_| panic!("there is none")).is_ok());
    assert!(job_spec::list::read_prow_jobs(&json!("x"), &interner, drop).is_err());
}
