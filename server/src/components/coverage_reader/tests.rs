use std::sync::Arc;

use go_compat::time::Timestamp;

use super::decide::{BACKLOG_PER_JOB, Queue, TRIES, backlog};
use crate::runs::run::{Run, Strings};

fn run(id: &str, ended: bool) -> Arc<Run> {
    let job = serde_json::from_value(serde_json::json!({
        "metadata": {"name": id},
        "spec": {"type": "periodic", "agent": "kubernetes", "job": "unit"},
        "status": {"state": "success", "build_id": id, "startTime": "2026-11-21T05:00:00Z"},
    }))
    .expect("a ProwJob");
    let mut run = Run::of(&Arc::new(job), Some("gs://b/logs/unit/1"), &Strings::default());
    run.completed = ended.then(|| Timestamp::from_seconds(7));
    Arc::new(run)
}

fn ids(queue: &mut Queue) -> Vec<String> {
    std::iter::from_fn(|| queue.next(Timestamp::from_seconds(0)))
        .map(|run| run.id.to_string())
        .collect()
}

#[test]
fn a_run_is_taken_once_when_it_is_over_and_news_come_before_the_past() {
    let mut queue = Queue::default();
    queue.append([run("old", true)]);
    queue.hear(&run("going", false));
    queue.hear(&run("new", true));
    queue.hear(&run("new", true));
    queue.hear(&run("old", true));
    assert_eq!(ids(&mut queue), ["new", "old"]);
}

#[test]
fn a_run_that_is_gone_is_not_looked_through() {
    let mut queue = Queue::default();
    queue.hear(&run("a", true));
    queue.forget("a");
    assert!(queue.is_empty());
    queue.hear(&run("a", true));
    assert_eq!(ids(&mut queue), ["a"]);
}

#[test]
fn a_run_that_failed_is_tried_again_later_and_not_for_ever() {
    let mut queue = Queue::default();
    let mut now = Timestamp::from_seconds(0);
    for _ in 1..TRIES {
        assert!(queue.failed(run("a", true), now));
        assert!(queue.next(now).is_none());
        now = queue.next_due().expect("another try");
        assert!(queue.next(now).is_some());
    }
    assert!(!queue.failed(run("a", true), now));
    assert_eq!(queue.next_due(), None);
}

#[test]
fn a_start_looks_for_the_newest_runs_of_each_job() {
    let runs: Vec<_> = (0..BACKLOG_PER_JOB + 5).map(|at| run(&at.to_string(), at != 1)).collect();
    let found = backlog(&runs);
    assert_eq!(found.len(), BACKLOG_PER_JOB);
    assert_eq!((&*found[0].id, &*found[1].id), ("0", "2"));
}
