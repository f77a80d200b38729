//! Writes whose answer is lost: what was done is not done twice, what was not done is.

use forge::{Forge, model::Status};
use tests::fake_github::{Fault, FaultKind};

use super::{BOT, ORG, REPO, Setup, class};

/// Ways in which an answer is lost although the request had its effect.
fn lost_after() -> [FaultKind; 4] {
    [
        FaultKind::DropReply,
        FaultKind::CutReply,
        FaultKind::AnswerAfter { status: 502 },
        FaultKind::AnswerAfter { status: 504 },
    ]
}

/// Ways in which a request has no effect, and nobody can tell.
fn lost_before() -> [FaultKind; 2] {
    let body = String::new();
    [FaultKind::DropRequest, FaultKind::Answer { status: 502, headers: Vec::new(), body }]
}

fn status(state: &str) -> Status {
    Status {
        state: state.into(),
        context: "ci/unit".into(),
        description: "Job triggered.".into(),
        target_url: "http://localhost/run".into(),
    }
}

fn bodies(setup: &Setup, number: u64) -> Vec<String> {
    setup.fake.comments(ORG, REPO, number).into_iter().map(|comment| comment.body).collect()
}

#[tokio::test]
async fn a_comment_whose_reply_was_lost_is_found_and_not_written_again() {
    for kind in lost_after() {
        let setup = Setup::new().await;
        let number = setup.pull().await;
        setup.fake.fail(Fault::new(kind.clone()).on("POST", "/comments"));
        let call = setup.github.create_comment(ORG, REPO, number, "Tests failed.");
        let (result, _) = setup.timed(call).await;
        let comment = result.expect("a comment");
        assert_eq!(comment.user.login, BOT, "{kind:?}");
        assert_eq!(bodies(&setup, number), ["Tests failed."], "{kind:?}");
        assert_eq!(setup.fake.comments(ORG, REPO, number)[0].id, comment.id, "{kind:?}");
    }
}

#[tokio::test]
async fn a_comment_that_was_not_written_is_written_once() {
    for kind in lost_before() {
        let setup = Setup::new().await;
        let number = setup.pull().await;
        setup.fake.fail(Fault::new(kind.clone()).on("POST", "/comments").times(3));
        let call = setup.github.create_comment(ORG, REPO, number, "Tests failed.");
        let (result, _) = setup.timed(call).await;
        result.expect("a comment");
        assert_eq!(bodies(&setup, number), ["Tests failed."], "{kind:?}");
        assert_eq!(setup.timeline("POST", "/comments"), [0, 2, 6, 14], "{kind:?}");
    }
}

#[tokio::test]
async fn an_equal_comment_of_before_is_not_taken_for_the_lost_one() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let github = &setup.github;
    github.create_comment(ORG, REPO, number, "Same words.").await.expect("a comment");
    setup.fake.fail(Fault::new(FaultKind::DropRequest).on("POST", "/comments"));
    let (result, _) = setup.timed(github.create_comment(ORG, REPO, number, "Same words.")).await;
    result.expect("another comment");
    assert_eq!(bodies(&setup, number), ["Same words.", "Same words."]);
}

#[tokio::test]
async fn an_equal_comment_of_somebody_else_is_not_taken_for_the_lost_one() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    setup.fake.comment("stranger", ORG, REPO, number, "Same words.").await;
    setup.fake.fail(Fault::new(FaultKind::DropRequest).on("POST", "/comments"));
    let call = setup.github.create_comment(ORG, REPO, number, "Same words.");
    let (result, _) = setup.timed(call).await;
    assert_eq!(result.expect("a comment").user.login, BOT);
    assert_eq!(bodies(&setup, number).len(), 2);
}

#[tokio::test]
async fn a_comment_is_not_repeated_blindly_when_it_cannot_be_looked_up() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    setup.fake.fail(Fault::new(FaultKind::DropReply).on("POST", "/comments"));
    setup.fake.fail(Fault::limit(403, &[], "no permission").on("GET", "/comments"));
    let call = setup.github.create_comment(ORG, REPO, number, "Tests failed.");
    let (result, _) = setup.timed(call).await;
    assert_eq!(class(result), "transient");
    assert_eq!(bodies(&setup, number), ["Tests failed."]);
}

#[tokio::test]
async fn even_the_last_try_is_looked_up() {
    let setup = Setup::with(|options| options.limits.max_tries = 1).await;
    let number = setup.pull().await;
    setup.github.bot_user().await.expect("the bot");
    setup.fake.fail(Fault::new(FaultKind::DropReply).on("POST", "/comments"));
    let call = setup.github.create_comment(ORG, REPO, number, "Tests failed.");
    let (result, _) = setup.timed(call).await;
    result.expect("it was done");
}

#[tokio::test]
async fn a_status_whose_reply_was_lost_is_not_set_again() {
    for kind in lost_after() {
        let setup = Setup::new().await;
        let head = setup.fake.head(ORG, REPO, "main").await;
        setup.fake.fail(Fault::new(kind.clone()).on("POST", "/statuses/"));
        let wanted = status("pending");
        let (result, _) = setup.timed(setup.github.create_status(ORG, REPO, &head, &wanted)).await;
        result.expect("a status");
        assert_eq!(setup.fake.statuses(ORG, REPO, &head), [wanted], "{kind:?}");
    }
}

#[tokio::test]
async fn a_status_that_was_not_set_is_set() {
    for kind in lost_before() {
        let setup = Setup::new().await;
        let head = setup.fake.head(ORG, REPO, "main").await;
        setup.github.create_status(ORG, REPO, &head, &status("pending")).await.expect("a status");
        setup.fake.fail(Fault::new(kind.clone()).on("POST", "/statuses/"));
        let wanted = status("success");
        let (result, _) = setup.timed(setup.github.create_status(ORG, REPO, &head, &wanted)).await;
        result.expect("a status");
        let all = setup.fake.statuses(ORG, REPO, &head);
        assert_eq!(all, [status("pending"), wanted], "{kind:?}");
    }
}

#[tokio::test]
async fn a_workflow_run_that_started_although_the_reply_was_lost_is_no_error() {
    let setup = Setup::new().await;
    let run = forge::model::WorkflowRun {
        status: "completed".into(),
        conclusion: "failure".into(),
        ..Default::default()
    };
    let id = setup.fake.add_workflow_run(ORG, REPO, run);
    setup.fake.fail(Fault::new(FaultKind::DropReply).on("POST", "/rerun-failed-jobs"));
    let (result, _) = setup.timed(setup.github.rerun_failed_jobs(ORG, REPO, id)).await;
    result.expect("it runs");
    assert_eq!(setup.fake.workflow_runs(ORG, REPO)[0].status, "queued");
}

#[tokio::test]
async fn writes_that_may_be_repeated_are() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let id = setup.fake.comment("member", ORG, REPO, number, "old").await;
    for method in ["POST", "PATCH", "DELETE"] {
        setup.fake.fail(Fault::new(FaultKind::DropReply).on(method, "/issues/"));
    }
    let github = &setup.github;
    let (results, _) = setup
        .timed(async {
            [
                github.add_label(ORG, REPO, number, "ok-to-test").await,
                github.edit_comment(ORG, REPO, id, "new").await,
                github.delete_comment(ORG, REPO, id).await,
            ]
        })
        .await;
    assert_eq!(results, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(setup.fake.labels(ORG, REPO, number), ["ok-to-test"]);
    assert!(bodies(&setup, number).is_empty());
}
