use std::sync::Arc;

use job_spec::{Interner, ProwJob};
use serde_json::json;

use crate::prow_job;

fn job(image: &str) -> ProwJob {
    prow_job(json!({"spec": {
        "pod_spec": {"containers": [{"name": "", "image": image}]},
        "decoration_config": {"timeout": "2h"},
    }}))
}

#[test]
fn equal_specs_are_held_once() {
    let interner = Interner::new();
    assert!(interner.is_empty());
    let mut jobs: Vec<ProwJob> = ["a", "b", "a", "a"].map(job).into();
    for job in &mut jobs {
        interner.intern(job);
    }
    assert_eq!(interner.len(), 3, "two pod specs and one decoration");
    let text = |job: &ProwJob| job.spec.pod_spec.clone().map(|spec| spec.as_json().as_ptr());
    assert_eq!(text(&jobs[0]), text(&jobs[2]));
    assert_ne!(text(&jobs[0]), text(&jobs[1]));
    let decoration = |job: &ProwJob| job.spec.decoration_config.clone().expect("decoration");
    assert!(Arc::ptr_eq(&decoration(&jobs[0]), &decoration(&jobs[1])));
    assert_eq!(jobs[3], job("a"));
}

#[test]
fn specs_that_nobody_holds_are_let_go() {
    let interner = Interner::new();
    for number in 0..10_000 {
        interner.intern(&mut job(&number.to_string()));
    }
    assert!(interner.len() < 5000, "{} of 10001 are held", interner.len());
}
