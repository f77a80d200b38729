//! Statuses and comments on GitHub.

use forge::{Failure, ForgeError};

use super::super::github::{NAME, description};
use super::*;
use crate::plugins::fakes::{missing, unavailable};

#[tokio::test]
async fn every_state_has_its_status_on_the_tested_commit() {
    use ProwJobState::{Aborted, Error, Failure, Pending, Scheduling, Success, Triggered, Unknown};
    let table = [
        (Scheduling, Some("pending")),
        (Triggered, Some("pending")),
        (Pending, Some("pending")),
        (Success, Some("success")),
        (Failure, Some("failure")),
        (Aborted, Some("failure")),
        (Error, Some("error")),
        (Unknown("brand-new".into()), None),
    ];
    for (state, expected) in table {
        let world = world("").await;
        world.put(run("a", state.clone()));
        world.sync().await;
        let statuses = world.forge.state.lock().statuses.get(HEAD).cloned().unwrap_or_default();
        let got = statuses.first().map(|status| status.state.as_str());
        assert_eq!(got, expected, "{state}");
        if let Some(status) = statuses.first() {
            assert_eq!(status.context, "a");
            assert_eq!(status.target_url, "https://prow.example/view/a");
            assert_eq!(
                status.description,
                description::with_base_sha(&format!("Job is {state}."), BASE)
            );
        }
        let recorded = world.cluster.jobs.one("run-a").status.prev_report_states.clone();
        assert_eq!(recorded.get(NAME), Some(&state), "recorded");
    }
}

#[tokio::test]
async fn a_postsubmit_reports_on_the_commit_of_the_branch_and_writes_no_comment() {
    let world = world("").await;
    let mut job = run("a", ProwJobState::Failure);
    job.spec.job_type = JobType::Postsubmit;
    job.spec.refs.as_mut().unwrap().pulls.clear();
    world.put(job);
    world.sync().await;
    assert_eq!(world.forge.state.lock().statuses[BASE].len(), 1);
    assert_eq!(world.forge.writes(), ["status a failure"]);
}

#[tokio::test]
async fn what_is_not_to_be_reported_is_not() {
    type Change = fn(&mut ProwJob);
    let table: [(&str, &str, Change); 6] = [
        ("skip_report", "", |job| job.spec.report = false),
        ("periodic", "", |job| job.spec.job_type = JobType::Periodic),
        ("batch", "", |job| job.spec.job_type = JobType::Batch),
        ("gerrit", "", |job| {
            let label = labels::GERRIT_REPORT_LABEL.to_owned();
            job.metadata.labels.insert(label, "Code-Review".to_owned());
        }),
        ("several pulls", "", |job| {
            let refs = job.spec.refs.as_mut().unwrap();
            let pull = refs.pulls[0].clone();
            refs.pulls.push(pull);
        }),
        ("type not configured", "github_reporter: {job_types_to_report: [postsubmit]}", |_| {}),
    ];
    for (name, prow, change) in table {
        let world = world(prow).await;
        let mut job = run("a", ProwJobState::Failure);
        change(&mut job);
        world.put(job);
        world.sync().await;
        assert!(world.forge.writes().is_empty(), "{name}: {:?}", world.forge.writes());
    }
}

#[tokio::test]
async fn a_failure_gets_a_comment_a_pass_takes_it_away_and_each_state_is_told_once() {
    let world = world("").await;
    world.put(run("a", ProwJobState::Failure));
    world.sync().await;
    world.sync().await;
    assert_eq!(world.forge.writes(), ["status a failure", "comment"]);
    assert!(world.forge.comments(5)[0].contains("`/test a`"));

    let mut rerun = run("a", ProwJobState::Success);
    rerun.metadata.name = "run-a-again".to_owned();
    world.put(rerun);
    world.sync().await;
    assert_eq!(world.forge.writes()[2..], ["status a success", "delete 1"]);
    assert!(world.forge.comments(5).is_empty());
}

#[tokio::test]
async fn a_run_marked_as_replaced_is_not_reported() {
    let world = world("").await;
    let mut job = run("a", ProwJobState::Aborted);
    job.status.prev_report_states.insert(NAME.to_owned(), ProwJobState::Aborted);
    world.put(job);
    world.sync().await;
    assert!(world.forge.writes().is_empty());
}

#[tokio::test]
async fn comments_can_be_turned_off_or_summed_up() {
    let world = world("github_reporter: {no_comment_repos: [org/repo]}").await;
    world.put(run("a", ProwJobState::Failure));
    world.sync().await;
    assert_eq!(world.forge.writes(), ["status a failure"]);

    let summary = "github_reporter: {summary_comment_repos: [org]}";
    let world = super::world(summary).await;
    world.put(run("a", ProwJobState::Success));
    world.put(run("b", ProwJobState::Pending));
    world.sync().await;
    assert!(world.forge.comments(5).is_empty(), "one is still going");
    world.cluster.jobs.change("run-b", |job| {
        job.status.state = ProwJobState::Success;
        job.status.completion_time = Some(Timestamp::from_seconds(NOW));
    });
    world.sync().await;
    assert!(world.forge.comments(5)[0].contains("all tests **passed!**"));
}

#[tokio::test]
async fn the_report_template_of_the_repository_is_part_of_the_comment() {
    let prow = "plank: {report_templates: {org/repo: 'Full PR history of {{.Spec.Refs.Repo}}'}}";
    let world = world(prow).await;
    world.put(run("a", ProwJobState::Failure));
    world.sync().await;
    assert!(world.forge.comments(5)[0].contains("\n\nFull PR history of repo\n\n"));
}

#[tokio::test]
async fn what_can_never_be_reported_is_done_with_and_what_may_is_tried_again() {
    let invalid = |message: &str| {
        ForgeError::Invalid(Failure { message: message.to_owned(), ..Failure::default() })
    };
    let hopeless = [
        missing("POST status"),
        invalid("This SHA and context has reached the maximum number of statuses."),
        invalid("No commit found for SHA: 1111"),
    ];
    for error in hopeless {
        let world = world("").await;
        world.forge.fail("create_status", error.clone());
        world.put(run("a", ProwJobState::Failure));
        world.sync().await;
        world.sync().await;
        assert!(world.forge.writes().is_empty(), "no comment without its status: {error}");
    }
    let world = world("").await;
    world.forge.fail("create_status", unavailable("POST status"));
    world.put(run("a", ProwJobState::Success));
    let error = sync_once(&world.deps).await.unwrap_err();
    assert!(error.to_string().contains("github-reporter of run-a"), "{error}");
    world.sync().await;
    assert_eq!(world.forge.writes(), ["status a success"]);
}

#[tokio::test]
async fn a_report_that_was_made_and_not_recorded_is_not_made_twice() {
    let world = world("").await;
    let job = Arc::new(run("a", ProwJobState::Failure));
    let reporter = &world.deps.reporters[0];
    reporter.report(&job, false).await.unwrap();
    assert_eq!(world.forge.writes(), ["status a failure", "comment"]);
    reporter.report(&job, true).await.unwrap();
    assert_eq!(world.forge.writes(), ["status a failure", "comment"]);

    // Killed between the new comment and the deletion of the old one.
    let other = Arc::new(run("b", ProwJobState::Failure));
    world.forge.fail("delete_comment", unavailable("DELETE comment"));
    reporter.report(&other, false).await.unwrap_err();
    assert_eq!(world.forge.comments(5).len(), 2);
    reporter.report(&other, true).await.unwrap();
    let comments = world.forge.comments(5);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].contains("`/test a`") && comments[0].contains("`/test b`"));
    assert_eq!(world.forge.writes().iter().filter(|write| *write == "comment").count(), 2);
}
