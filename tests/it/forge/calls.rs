//! Each call of the code host.

use std::collections::BTreeMap;

use forge::{Forge, model::WorkflowRun};
use tests::fake_github::Action;

use super::{BOT, ORG, REPO, Setup, class};

#[tokio::test]
async fn membership_is_asked_of_the_organization() {
    let setup = Setup::new().await;
    let github = &setup.github;
    assert_eq!(github.is_member(ORG, "member").await, Ok(true));
    assert_eq!(github.is_member(ORG, "MEMBER").await, Ok(true));
    assert_eq!(github.is_member(ORG, "stranger").await, Ok(false));
    let before = setup.fake.requests().len();
    assert_eq!(github.is_member("someone", "someone").await, Ok(true));
    assert_eq!(setup.fake.requests().len(), before, "nobody is asked about one's own");

    setup.fake.add_org("closed", &["insider"]);
    let error = github.is_member("closed", "insider").await.expect_err("the bot is outside");
    assert_eq!(error.class().label(), "forbidden");
    assert!(error.message().contains("the bot is no member of closed"), "{error}");
}

#[tokio::test]
async fn collaborators_are_asked_of_the_repository() {
    let setup = Setup::new().await;
    setup.fake.add_collaborator(ORG, REPO, "helper", "triage");
    for (user, expected) in [("helper", true), ("member", true), ("stranger", false), (ORG, true)] {
        assert_eq!(setup.github.is_collaborator(ORG, REPO, user).await, Ok(expected), "{user}");
    }
}

#[tokio::test]
async fn a_pull_request_comes_with_what_git_says_about_it() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let pull = setup.github.get_pull_request(ORG, REPO, number).await.expect("a pull request");
    assert_eq!((pull.state.as_str(), pull.title.as_str()), ("open", "Change it"));
    assert_eq!(pull.user.login, "member");
    assert_eq!(pull.author_association, "MEMBER");
    assert_eq!(pull.base.reference, "main");
    assert_eq!(pull.base.sha, setup.fake.head(ORG, REPO, "main").await);
    assert_eq!(pull.head.sha, setup.fake.head(ORG, REPO, "topic").await);
    assert_eq!(pull.mergeable, Some(true));
    assert_eq!(pull.commits, 1);

    // The same line changed on main: a conflict.
    setup.fake.push("member", ORG, REPO, "main", &[("src/main.go", "package other\n")]).await;
    let pull = setup.github.get_pull_request(ORG, REPO, number).await.expect("a pull request");
    assert_eq!(pull.mergeable, Some(false));
    setup.fake.forget_mergeability(ORG, REPO, number);
    let pull = setup.github.get_pull_request(ORG, REPO, number).await.expect("a pull request");
    assert_eq!(pull.mergeable, None);

    let open = setup.github.list_open_pull_requests(ORG, REPO).await.expect("a list");
    assert_eq!(open.iter().map(|pull| pull.number).collect::<Vec<_>>(), [number]);
    setup.fake.close("member", ORG, REPO, number).await;
    assert_eq!(setup.github.list_open_pull_requests(ORG, REPO).await, Ok(Vec::new()));
}

#[tokio::test]
async fn the_files_of_a_pull_request_are_its_own_changes_all_pages() {
    let setup = Setup::new().await;
    let names: Vec<String> = (0..230).map(|n| format!("dir/file-{n:03}.txt")).collect();
    let mut files: BTreeMap<String, Option<String>> =
        names.iter().map(|name| (name.clone(), Some(format!("{name}\n")))).collect();
    files.insert("README.md".into(), None);
    files.insert("src/main.go".into(), None);
    files.insert("cmd/main.go".into(), Some("package main\n".into()));
    let push = Action::Push {
        branch: "topic".into(),
        files,
        message: "Many".into(),
        from: Some("refs/heads/main".into()),
    };
    setup.fake.try_act("member", ORG, REPO, push).await.expect("a push");
    // What main changes meanwhile is not part of it.
    setup.fake.push("member", ORG, REPO, "main", &[("elsewhere", "x")]).await;
    let number = setup.fake.open_pull("member", ORG, REPO, "topic", "Many files").await;
    let files = setup.github.list_pull_request_files(ORG, REPO, number).await.expect("files");
    assert_eq!(files.len(), 232);
    let file = |name: &str| files.iter().find(|file| file.filename == name).expect("a file");
    assert_eq!(file("README.md").status, "removed");
    assert_eq!(file("dir/file-007.txt").status, "added");
    assert_eq!(file("dir/file-007.txt").additions, 1);
    let renamed = file("cmd/main.go");
    assert_eq!(
        (renamed.status.as_str(), renamed.previous_filename.as_str()),
        ("renamed", "src/main.go")
    );
    assert_eq!(setup.fake.requests_to("GET", "/files").len(), 3);
}

#[tokio::test]
async fn references_keep_their_slashes() {
    let setup = Setup::new().await;
    let sha = setup.fake.push("member", ORG, REPO, "release/1.35", &[("a", "b")]).await;
    assert_eq!(setup.github.get_ref(ORG, REPO, "heads/release/1.35").await, Ok(sha));
    let (result, _) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/release")).await;
    assert_eq!(class(result), "not_found");
}

#[tokio::test]
async fn labels_of_any_name_are_added_listed_and_removed() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let github = &setup.github;
    let odd = "kind/bug fix? #1 100%";
    for label in ["ok-to-test", odd, "OK-to-test"] {
        github.add_label(ORG, REPO, number, label).await.expect("a label");
    }
    let names = |labels: Vec<forge::model::Label>| {
        labels.into_iter().map(|label| label.name).collect::<Vec<_>>()
    };
    let labels = github.get_issue_labels(ORG, REPO, number).await.expect("labels");
    assert_eq!(names(labels), ["ok-to-test", odd], "a label is one label in any case");
    for label in [odd, "Ok-To-Test", "never there"] {
        github.remove_label(ORG, REPO, number, label).await.expect("no label");
    }
    assert!(setup.fake.labels(ORG, REPO, number).is_empty());
}

#[tokio::test]
async fn comments_are_written_listed_edited_and_deleted() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let github = &setup.github;
    setup.fake.comment("stranger", ORG, REPO, number, "/test all").await;
    let mine = github.create_comment(ORG, REPO, number, "Hello").await.expect("a comment");
    let other = github.create_comment(ORG, REPO, number, "Bye").await.expect("a comment");
    github.edit_comment(ORG, REPO, mine.id, "Hello again").await.expect("edited");
    github.delete_comment(ORG, REPO, other.id).await.expect("deleted");
    let comments = github.list_issue_comments(ORG, REPO, number).await.expect("comments");
    let shown: Vec<(&str, &str)> = comments
        .iter()
        .map(|comment| (comment.user.login.as_str(), comment.body.as_str()))
        .collect();
    assert_eq!(shown, [("stranger", "/test all"), (BOT, "Hello again")]);
}

#[tokio::test]
async fn the_combined_status_holds_the_newest_of_every_context_all_pages() {
    let setup = Setup::new().await;
    let head = setup.fake.head(ORG, REPO, "main").await;
    let status = |context: &str, state: &str| forge::model::Status {
        state: state.into(),
        context: context.into(),
        description: "words".into(),
        target_url: "http://localhost/x".into(),
    };
    for n in 0..120 {
        let context = format!("ci/{n}");
        for state in ["pending", "success"] {
            let set = Action::SetStatus { sha: head.clone(), status: status(&context, state) };
            setup.fake.try_act("member", ORG, REPO, set).await.expect("a status");
        }
    }
    setup.github.create_status(ORG, REPO, &head, &status("ci/7", "failure")).await.expect("set");
    let combined = setup.github.combined_status(ORG, REPO, &head).await.expect("statuses");
    assert_eq!((combined.sha.as_str(), combined.state.as_str()), (head.as_str(), "failure"));
    assert_eq!(combined.statuses.len(), 120);
    assert!(combined.statuses.contains(&status("ci/7", "failure")));
    assert!(combined.statuses.contains(&status("ci/119", "success")));
    // A branch name does as well as a commit.
    let by_branch = setup.github.combined_status(ORG, REPO, "main").await.expect("statuses");
    assert_eq!(by_branch, combined);
}

#[tokio::test]
async fn merged_pull_requests_of_an_author_are_counted_in_one_organization() {
    let setup = Setup::new().await;
    setup.fake.add_repo("elsewhere", REPO, &[("x", "y")]).await;
    for (org, branch, merged) in
        [(ORG, "one", true), (ORG, "two", true), (ORG, "three", false), ("elsewhere", "one", true)]
    {
        setup.fake.push("stranger", org, REPO, branch, &[(branch, "x")]).await;
        let number = setup.fake.open_pull("stranger", org, REPO, branch, branch).await;
        if merged {
            setup.fake.merge("member", org, REPO, number).await;
        }
    }
    assert_eq!(setup.github.search_merged_count(ORG, "stranger").await, Ok(2));
    assert_eq!(setup.github.search_merged_count(ORG, "member").await, Ok(0));
}

#[tokio::test]
async fn workflow_runs_are_found_by_head_and_state_and_started() {
    let setup = Setup::new().await;
    let run = |branch: &str, event: &str, status: &str, conclusion: &str| {
        let run = WorkflowRun {
            head_sha: "a".repeat(40),
            head_branch: branch.into(),
            event: event.into(),
            status: status.into(),
            conclusion: conclusion.into(),
            ..WorkflowRun::default()
        };
        setup.fake.add_workflow_run(ORG, REPO, run)
    };
    let waiting = run("topic", "pull_request", "completed", "action_required");
    let failed = run("topic", "pull_request_target", "completed", "failure");
    let cancelled = run("topic", "workflow_call", "completed", "cancelled");
    run("topic", "pull_request", "completed", "success");
    run("topic", "pull_request", "completed", "skipped");
    run("topic", "pull_request", "in_progress", "");
    run("topic", "push", "completed", "failure");
    run("other", "pull_request", "completed", "failure");

    let github = &setup.github;
    let sha = "a".repeat(40);
    let ids = |runs: Vec<WorkflowRun>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    let awaiting = github.list_runs_awaiting_approval(ORG, REPO, "topic", &sha).await;
    assert_eq!(ids(awaiting.expect("runs")), [waiting]);
    let to_rerun = github.list_failed_runs(ORG, REPO, "topic", &sha).await.expect("runs");
    assert_eq!(ids(to_rerun), [waiting, failed, cancelled]);

    github.approve_workflow_run(ORG, REPO, waiting).await.expect("approved");
    github.rerun_failed_jobs(ORG, REPO, failed).await.expect("started");
    let states: Vec<String> =
        setup.fake.workflow_runs(ORG, REPO).into_iter().map(|run| run.status).take(3).collect();
    assert_eq!(states, ["queued", "queued", "completed"]);
    // Approved by somebody else in the meantime.
    let (again, _) = setup.timed(github.approve_workflow_run(ORG, REPO, waiting)).await;
    assert_eq!(class(again), "not_found");
}

#[tokio::test]
async fn files_are_read_at_a_commit_whatever_their_size() {
    let setup = Setup::new().await;
    let large = "0123456789abcdef\n".repeat(100_000);
    setup.fake.push("member", ORG, REPO, "data", &[("a b/large.txt", &large)]).await;
    let github = &setup.github;
    let read = github.get_file(ORG, REPO, "README.md", "").await.expect("a file");
    assert_eq!(read, b"# Repo\n");
    let read = github.get_file(ORG, REPO, "a b/large.txt", "data").await.expect("a file");
    assert_eq!(read.len(), large.len());
    for (path, reference) in [("src", ""), ("nothing", ""), ("README.md", "no-branch")] {
        let (result, _) = setup.timed(github.get_file(ORG, REPO, path, reference)).await;
        assert_eq!(class(result), "not_found", "{path} at {reference:?}");
    }
}

#[tokio::test]
async fn a_dry_run_reads_and_does_not_write() {
    let setup = Setup::with(|options| options.dry_run = true).await;
    let number = setup.pull().await;
    let id = setup.fake.comment("member", ORG, REPO, number, "stays").await;
    let head = setup.fake.head(ORG, REPO, "main").await;
    setup.fake.clear_requests();
    let github = &setup.github;
    let comment = github.create_comment(ORG, REPO, number, "unsaid").await.expect("nothing");
    assert_eq!(comment.body, "unsaid");
    github.edit_comment(ORG, REPO, id, "changed").await.expect("nothing");
    github.delete_comment(ORG, REPO, id).await.expect("nothing");
    github.add_label(ORG, REPO, number, "x").await.expect("nothing");
    github.remove_label(ORG, REPO, number, "x").await.expect("nothing");
    github.create_status(ORG, REPO, &head, &Default::default()).await.expect("nothing");
    github.approve_workflow_run(ORG, REPO, 1).await.expect("nothing");
    github.rerun_failed_jobs(ORG, REPO, 1).await.expect("nothing");
    assert_eq!(setup.fake.requests(), []);
    let comments = github.list_issue_comments(ORG, REPO, number).await.expect("comments");
    assert_eq!(comments[0].body, "stays");
}

#[tokio::test]
async fn users_and_the_bot_are_known() {
    let setup = Setup::new().await;
    let bot = setup.github.bot_user().await.expect("the bot");
    assert_eq!(bot.login, BOT);
    setup.github.bot_user().await.expect("the bot");
    assert_eq!(setup.fake.requests().len(), 1, "asked once");
    let user = setup.github.get_user("stranger").await.expect("a user");
    assert_eq!((user.login.as_str(), user.kind.as_str()), ("stranger", "User"));
}
