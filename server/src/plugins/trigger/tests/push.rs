//! Postsubmits.

use forge::event::{Event, PushEvent};
use forge::model::PushCommit;

use super::*;

const AFTER: &str = "5555555555555555555555555555555555555555";

fn push(reference: &str, files: &[&str]) -> PushEvent {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    PushEvent {
        reference: format!("refs/heads/{reference}"),
        after: AFTER.to_owned(),
        compare: "https://github.com/org/repo/compare/a...b".to_owned(),
        commits: vec![PushCommit { modified: files, ..PushCommit::default() }],
        repo: repo(),
        ..PushEvent::default()
    }
}

#[tokio::test]
async fn a_push_starts_the_postsubmits_whose_filters_match() {
    let jobs = [
        job("plain", ""),
        job("never", "always_run: false"),
        job("main-only", "branches: [^main$]"),
        job("not-main", "skip_branches: [^main$]"),
        job("if-go", r#"run_if_changed: "\\.go$""#),
        job("unless-docs", r#"skip_if_only_changed: "^docs/""#),
    ];
    type Change = fn(&mut PushEvent);
    let keep: Change = |_| {};
    type Row =
        (&'static str, &'static str, &'static [&'static str], Change, &'static [&'static str]);
    let table: [Row; 8] = [
        ("go on main", "main", &["a.go"], keep, &["if-go", "main-only", "plain", "unless-docs"]),
        ("docs on main", "main", &["docs/x"], keep, &["main-only", "plain"]),
        (
            "both",
            "main",
            &["docs/x", "b.go"],
            keep,
            &["if-go", "main-only", "plain", "unless-docs"],
        ),
        ("other branch", "feature/x", &["docs/x"], keep, &["not-main", "plain"]),
        ("no files", "main", &[], keep, &["main-only", "plain"]),
        ("branch deleted", "main", &["a.go"], |event| event.deleted = true, &[]),
        ("no commit after", "main", &["a.go"], |event| event.after = "0".repeat(40), &[]),
        (
            "added and removed count",
            "main",
            &[],
            |event| {
                event.commits[0].added = vec!["x.go".to_owned()];
                event.commits[0].removed = vec!["docs/y".to_owned()];
            },
            &["if-go", "main-only", "plain", "unless-docs"],
        ),
    ];
    for (name, branch, files, change, starts) in table {
        let fixture = Fixture::with("", &[], &jobs, "");
        let mut event = push(branch, files);
        change(&mut event);
        fixture.send(Event::Push(Box::new(event))).await.unwrap();
        assert_eq!(fixture.started(), starts, "{name}");
    }
}

#[tokio::test]
async fn a_postsubmit_runs_on_the_commit_that_was_pushed() {
    let fixture = Fixture::with("", &[], &[job("plain", "")], "");
    fixture.send(Event::Push(Box::new(push("release/1.0", &["x"])))).await.unwrap();
    let run = &fixture.cluster.jobs.all()[0];
    assert_eq!(run.spec.job_type, JobType::Postsubmit);
    let refs = run.spec.refs.as_ref().unwrap();
    assert_eq!(refs.to_string(), format!("release/1.0:{AFTER}"));
    assert_eq!(refs.base_link, "https://github.com/org/repo/compare/a...b");
    assert_eq!((refs.org.as_str(), refs.repo.as_str()), ("org", "repo"));
    assert_eq!(run.metadata.labels[labels::EVENT_GUID], "guid-1");
    assert_eq!(run.metadata.labels[labels::BASE_REF], "1.0");
    assert_eq!(run.status.state, ProwJobState::Triggered);
}

#[tokio::test]
async fn handling_a_push_again_makes_the_same_runs() {
    let fixture = Fixture::with("", &[], &[job("one", ""), job("two", "")], "");
    let cause = fixture.cause();
    // The process died after the first of two.
    let full = cluster::ClusterError::Invalid("no".to_owned());
    fixture.cluster.jobs.fail("create", full);
    let sent = || Event::Push(Box::new(push("main", &["x"])));
    fixture.send_as(&fixture.agent(cause.clone()), sent()).await.unwrap_err();
    assert_eq!(fixture.started(), ["two"]);
    for _ in 0..2 {
        fixture.send_as(&fixture.agent(cause.clone()), sent()).await.unwrap();
        assert_eq!(fixture.started(), ["one", "two"]);
    }
}

#[tokio::test]
async fn with_the_scheduler_on_runs_wait_for_it() {
    let fixture = Fixture::with("scheduler: {enabled: true}\n", &[], &[job("one", "")], "");
    fixture.send(Event::Push(Box::new(push("main", &["x"])))).await.unwrap();
    assert_eq!(fixture.cluster.jobs.all()[0].status.state, ProwJobState::Scheduling);
}
