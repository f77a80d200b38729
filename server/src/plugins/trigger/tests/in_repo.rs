//! Jobs that the repository defines for itself.

use forge::event::{Event, PullRequestEvent};
use job_spec::{JobBase, Presubmit, Reporter};

use super::*;

const ON: &str = "in_repo_config: {enabled: {org/repo: true}}\n";

fn own(name: &str) -> InRepoJobs {
    let presubmit = Presubmit {
        always_run: true,
        base: JobBase { name: name.to_owned(), ..JobBase::default() },
        reporter: Reporter { context: name.to_owned(), ..Reporter::default() },
        ..Presubmit::default()
    };
    InRepoJobs { presubmits: vec![Arc::new(presubmit)], ..InRepoJobs::default() }
}

fn opened(fixture: &Fixture) -> Event {
    Event::PullRequest(Box::new(PullRequestEvent {
        action: "reopened".to_owned(),
        pull_request: fixture.pull("member"),
        repo: repo(),
        ..PullRequestEvent::default()
    }))
}

fn central() -> Vec<String> {
    vec![job("central", "always_run: true")]
}

#[tokio::test]
async fn the_repositorys_own_jobs_run_beside_the_central_ones() {
    let fixture = Fixture::with(ON, &central(), &[], "");
    *fixture.own.0.lock() = Ok(own("own"));
    fixture.send(opened(&fixture)).await.unwrap();
    assert_eq!(fixture.started(), ["central", "own"]);

    let fixture = Fixture::with(ON, &[], &[], "");
    *fixture.own.0.lock() = Ok(own("own"));
    fixture.send(opened(&fixture)).await.unwrap();
    assert_eq!(fixture.started(), ["own"], "it needs no central job");

    let fixture = Fixture::with("", &central(), &[], "");
    *fixture.own.0.lock() = Ok(own("own"));
    fixture.send(opened(&fixture)).await.unwrap();
    assert_eq!(fixture.started(), ["central"], "not enabled, not read");
}

#[tokio::test]
async fn broken_definitions_leave_the_central_jobs_and_are_complained_of_once_per_commit() {
    let fixture = Fixture::with(ON, &central(), &[], "");
    let text = "`.prow.yaml` line 3: ```no``` such key".to_owned();
    *fixture.own.0.lock() = Err(InRepoError::Invalid(text.clone()));
    fixture.send(opened(&fixture)).await.unwrap();
    fixture.send(opened(&fixture)).await.unwrap();
    assert_eq!(fixture.started(), ["central", "central"]);
    let comments = fixture.forge.comments(5);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].contains(&format!("````\n{text}\n````")), "{}", comments[0]);
    assert!(comments[0].starts_with("@member: "));
}

#[tokio::test]
async fn definitions_that_cannot_be_read_now_are_tried_again_and_done_without_at_last() {
    let fixture = Fixture::with(ON, &central(), &[], "");
    let down = InRepoError::Unavailable("github.com does not answer".to_owned());
    *fixture.own.0.lock() = Err(down);
    let error = fixture.send(opened(&fixture)).await.unwrap_err();
    assert!(error.to_string().contains("github.com does not answer"), "{error}");
    assert!(fixture.started().is_empty());
    let last = Cause { last_try: true, ..fixture.cause() };
    fixture.send_as(&fixture.agent(last), opened(&fixture)).await.unwrap();
    assert_eq!(fixture.started(), ["central"]);
}
