//! What the events of a pull request start and abort.

use forge::event::{Event, PullRequestEvent};
use forge::model::{Label, User};
use job_spec::ProwJobState;
use serde_json::json;

use super::*;
use crate::plugins::fakes::{BOT, unavailable};

fn event(fixture: &Fixture, action: &str, author: &str) -> PullRequestEvent {
    PullRequestEvent {
        action: action.to_owned(),
        number: 5,
        pull_request: fixture.pull(author),
        repo: repo(),
        sender: User { login: author.to_owned(), ..User::default() },
        ..PullRequestEvent::default()
    }
}

fn usual() -> Fixture {
    Fixture::new(&[job("auto", "always_run: true"), job("manual", "")], "")
}

async fn send(fixture: &Fixture, event: PullRequestEvent) {
    fixture.send(Event::PullRequest(Box::new(event))).await.unwrap();
}

#[tokio::test]
async fn each_action_starts_aborts_or_says_what_it_should() {
    const START: &[&str] = &["auto"];
    const NONE: &[&str] = &[];
    type Change = fn(&mut PullRequestEvent);
    let keep: Change = |_| {};
    let draft: Change = |event| event.pull_request.draft = true;
    let base: Change = |event| event.changes = json!({"base": {"ref": {"from": "old"}}});
    let sha: Change = |event| event.changes = json!({"base": {"sha": {"from": "abc"}}});
    let title: Change = |event| event.changes = json!({"title": {"from": "old"}});
    let lgtm: Change = |event| event.label = Label::named("lgtm");
    let ok: Change = |event| event.label = Label::named("ok-to-test");
    let ok_by_bot: Change = |event| {
        event.label = Label::named("ok-to-test");
        event.sender.login = BOT.to_owned();
    };
    let conflict: Change = |event| event.pull_request.mergeable = Some(false);
    let merges: Change = |event| event.pull_request.mergeable = Some(true);
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        Change,
        &'static [&'static str],
        &'static [&'static str],
        &'static str,
    );
    let table: Vec<Row> = vec![
        ("opened", "opened", "member", keep, NONE, START, ""),
        ("opened by a stranger", "opened", "stranger", keep, NONE, NONE, "I'm waiting for a [org]"),
        (
            "opened as a draft",
            "opened",
            "member",
            draft,
            NONE,
            NONE,
            "Skipping CI for Draft Pull Request.",
        ),
        ("stranger's draft", "opened", "stranger", draft, NONE, NONE, "I'm waiting for a [org]"),
        ("reopened", "reopened", "member", keep, NONE, START, ""),
        ("reopened, stranger", "reopened", "stranger", keep, NONE, NONE, ""),
        ("reopened, vouched for", "reopened", "stranger", keep, &["ok-to-test"], START, ""),
        ("reopened draft", "reopened", "member", draft, NONE, NONE, ""),
        ("ready", "ready_for_review", "member", keep, NONE, START, ""),
        ("ready, stranger", "ready_for_review", "stranger", keep, NONE, NONE, ""),
        ("title edited", "edited", "member", title, NONE, NONE, ""),
        ("nothing known edited", "edited", "member", keep, NONE, NONE, ""),
        ("base edited", "edited", "member", base, NONE, START, ""),
        ("base commit edited", "edited", "member", sha, NONE, START, ""),
        ("base edited, stranger", "edited", "stranger", base, NONE, NONE, ""),
        ("pushed", "synchronize", "member", keep, NONE, START, ""),
        ("pushed by a stranger", "synchronize", "stranger", keep, NONE, NONE, ""),
        ("pushed to a draft", "synchronize", "member", draft, NONE, NONE, ""),
        ("lgtm, stranger", "labeled", "stranger", lgtm, NONE, START, ""),
        ("lgtm, member", "labeled", "member", lgtm, NONE, NONE, ""),
        ("lgtm, vouched for", "labeled", "stranger", lgtm, &["ok-to-test"], NONE, ""),
        ("ok by a human", "labeled", "stranger", ok, NONE, START, ""),
        ("ok by the bot", "labeled", "stranger", ok_by_bot, NONE, NONE, ""),
        (
            "another label",
            "labeled",
            "member",
            |event| event.label = Label::named("x"),
            NONE,
            NONE,
            "",
        ),
        ("closed", "closed", "member", keep, NONE, NONE, ""),
        ("draft again", "converted_to_draft", "member", keep, NONE, NONE, ""),
        ("assigned", "assigned", "member", keep, NONE, NONE, ""),
        ("does not merge", "opened", "member", conflict, NONE, NONE, ""),
        ("merges", "opened", "member", merges, NONE, START, ""),
    ];
    for (name, action, author, change, labels, starts, says) in table {
        let fixture = usual();
        fixture.set_pull(fixture.pull(author));
        fixture.label(labels);
        let mut event = event(&fixture, action, author);
        change(&mut event);
        send(&fixture, event).await;
        assert_eq!(fixture.started(), starts, "{name}");
        let comments = fixture.forge.comments(5);
        match says {
            "" => assert!(comments.is_empty(), "{name}: {comments:?}"),
            says => {
                assert!(comments.len() == 1 && comments[0].contains(says), "{name}: {comments:?}")
            }
        }
    }
}

#[tokio::test]
async fn pushing_closing_and_drafting_abort_what_runs() {
    for (action, aborted) in [
        ("synchronize", true),
        ("closed", true),
        ("converted_to_draft", true),
        ("opened", false),
        ("reopened", false),
        ("labeled", false),
    ] {
        let fixture = usual();
        fixture.running("running", |_| {});
        fixture.running("waiting", |run| run.status.state = ProwJobState::Triggered);
        // Whoever wrote it may not be trusted: what runs is out of date all the same.
        send(&fixture, event(&fixture, action, "stranger")).await;
        for name in ["running", "waiting"] {
            let run = fixture.cluster.jobs.one(name);
            assert_eq!(run.status.state == ProwJobState::Aborted, aborted, "{action} {name}");
            assert!(!run.complete(), "completion is left to whoever runs it");
            if aborted {
                assert_eq!(run.status.description, "Aborted by trigger plugin.");
            }
        }
    }
}

#[tokio::test]
async fn a_pull_request_whose_base_went_with_it_still_loses_its_runs() {
    for action in ["closed", "converted_to_draft"] {
        let fixture = usual();
        fixture.running("running", |_| {});
        fixture.forge.state.lock().refs.clear();
        send(&fixture, event(&fixture, action, "member")).await;
        let run = fixture.cluster.jobs.one("running");
        assert_eq!(run.status.state, ProwJobState::Aborted, "{action}");
    }
}

#[tokio::test]
async fn an_event_that_starts_nothing_costs_no_call() {
    for (action, label) in [("assigned", ""), ("edited", ""), ("labeled", "kind/bug")] {
        let fixture = usual();
        for call in ["get_ref", "get_pull_request", "is_member"] {
            fixture.forge.fail(call, unavailable(call));
        }
        let mut event = event(&fixture, action, "member");
        event.label = Label::named(label);
        send(&fixture, event).await;
        assert!(fixture.started().is_empty(), "{action}");
    }
}

#[tokio::test]
async fn only_the_pull_requests_own_unfinished_presubmits_are_aborted() {
    type Change = fn(&mut ProwJob);
    let label = |key: &'static str, value: &'static str| {
        move |run: &mut ProwJob| {
            run.metadata.labels.insert(key.to_owned(), value.to_owned());
        }
    };
    let complete: Change = |run| run.status.completion_time = Some(Timestamp::from_seconds(5));
    let fixture = usual();
    fixture.running("org", label(labels::ORG, "other"));
    fixture.running("repo", label(labels::REPO, "other"));
    fixture.running("number", label(labels::PULL, "6"));
    fixture.running("type", label(labels::TYPE, "batch"));
    fixture.running("complete", complete);
    send(&fixture, event(&fixture, "closed", "member")).await;
    for run in fixture.cluster.jobs.all() {
        assert_eq!(run.status.state, ProwJobState::Pending, "{}", run.metadata.name);
    }
}

#[tokio::test]
async fn an_abort_that_meets_a_change_is_tried_again_on_the_new_state() {
    let fixture = usual();
    fixture.running("a", |_| {});
    let conflict = cluster::ClusterError::Conflict {
        kind: "ProwJob",
        name: "a".to_owned(),
        message: "changed".to_owned(),
    };
    fixture.cluster.jobs.fail("patch", conflict);
    send(&fixture, event(&fixture, "closed", "member")).await;
    assert_eq!(fixture.cluster.jobs.one("a").status.state, ProwJobState::Aborted);
}

#[tokio::test]
async fn a_repository_without_presubmits_is_left_alone() {
    let fixture = Fixture::new(&[], "");
    for action in ["opened", "synchronize", "closed", "labeled"] {
        fixture.running("a", |_| {});
        send(&fixture, event(&fixture, action, "stranger")).await;
        assert_eq!(fixture.cluster.jobs.one("a").status.state, ProwJobState::Pending);
    }
    assert!(fixture.forge.writes().is_empty());
}

#[tokio::test]
async fn a_stale_event_starts_nothing() {
    let fixture = usual();
    let mut pull = fixture.pull("member");
    pull.head.sha = "3333333333333333333333333333333333333333".to_owned();
    fixture.set_pull(pull);
    send(&fixture, event(&fixture, "opened", "member")).await;
    assert!(fixture.started().is_empty(), "the push's own event starts the jobs");

    let mut pull = fixture.pull("member");
    pull.state = "closed".to_owned();
    fixture.set_pull(pull);
    send(&fixture, event(&fixture, "synchronize", "member")).await;
    assert!(fixture.started().is_empty(), "closed meanwhile");

    fixture.forge.state.lock().pulls.clear();
    send(&fixture, event(&fixture, "reopened", "member")).await;
    assert_eq!(fixture.started(), ["auto"], "what the code host does not know is believed");
}

#[tokio::test]
async fn a_conflict_that_only_the_code_host_knows_of_counts() {
    let fixture = usual();
    let mut pull = fixture.pull("member");
    pull.mergeable = Some(false);
    fixture.set_pull(pull);
    send(&fixture, event(&fixture, "opened", "member")).await;
    assert!(fixture.started().is_empty());
}

#[tokio::test]
async fn vouching_takes_the_asking_label_off() {
    let fixture = usual();
    fixture.label(&["ok-to-test", "needs-ok-to-test"]);
    send(&fixture, event(&fixture, "synchronize", "stranger")).await;
    assert_eq!(fixture.labels(), ["ok-to-test"]);
    assert_eq!(fixture.started(), ["auto"]);
}

#[tokio::test]
async fn the_welcome_marks_the_pull_request_and_tells_the_author_what_is_needed() {
    let fixture = usual();
    send(&fixture, event(&fixture, "opened", "stranger")).await;
    assert_eq!(fixture.labels(), ["needs-ok-to-test"]);
    let text = &fixture.forge.comments(5)[0];
    for part in [
        "Hi @stranger. Thanks for your PR.",
        "[org](https://github.com/orgs/org/people) member",
        "should reply with `/ok-to-test` on its own line",
        "[join the org](https://github.com/orgs/org/people) to skip this step",
        "reflected by the `ok-to-test` label",
        "bot-commands?repo=org%2Frepo",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }

    let fixture = usual();
    fixture.label(&["ok-to-test"]);
    send(&fixture, event(&fixture, "opened", "stranger")).await;
    assert_eq!(fixture.labels(), ["ok-to-test"], "another bot vouched for it");

    let jobs = [job("auto", "always_run: true")];
    let fixture = Fixture::new(&jobs, "ignore_ok_to_test: true");
    send(&fixture, event(&fixture, "opened", "stranger")).await;
    assert!(fixture.labels().is_empty());
    assert!(fixture.forge.comments(5)[0].contains("can never trigger tests themselves"));

    let rules = "trusted_org: other, join_org_url: \"https://join.example\"";
    let fixture = Fixture::new(&jobs, rules);
    send(&fixture, event(&fixture, "opened", "stranger")).await;
    let text = &fixture.forge.comments(5)[0];
    assert!(
        text.contains("people) or [other](https://github.com/orgs/other/people) member"),
        "{text}"
    );
    assert!(text.contains("[join the org](https://join.example)"), "{text}");
}

#[tokio::test]
async fn those_who_come_back_are_invited_more_loudly() {
    let plain = "Regular contributors should [join the org]";
    let loud = "We noticed you've done this a few times!";
    let prominent = |keys: &str| format!("org_invite: {{prominent: {{{keys}}}}}");
    let table = [
        ("new", String::new(), 2, "User", plain),
        ("three times", String::new(), 3, "User", loud),
        ("a bot", String::new(), 9, "Bot", plain),
        ("disabled", prominent("disabled: true"), 9, "User", plain),
        ("other threshold", prominent("merged_pr_threshold: 1"), 1, "User", loud),
        ("threshold 0", prominent("merged_pr_threshold: 0"), 0, "User", loud),
        (
            "own message",
            prominent(r#"message: "Come in: {join_org_url}!""#),
            3,
            "User",
            "Come in: https://github.com/orgs/org/people!",
        ),
    ];
    for (name, rules, merged, kind, expected) in table {
        let fixture = Fixture::new(&[job("auto", "always_run: true")], &rules);
        fixture.forge.state.lock().merged.insert("stranger".to_owned(), merged);
        let mut event = event(&fixture, "opened", "stranger");
        event.pull_request.user.kind = kind.to_owned();
        send(&fixture, event).await;
        let text = &fixture.forge.comments(5)[0];
        assert!(text.contains(expected), "{name}: {text}");
    }
    let fixture = usual();
    fixture.forge.state.lock().merged.insert("stranger".to_owned(), 9);
    fixture.forge.fail("search_merged_count", unavailable("GET search"));
    send(&fixture, event(&fixture, "opened", "stranger")).await;
    assert!(fixture.forge.comments(5)[0].contains(plain), "a failing search spoils nothing");
}

#[tokio::test]
async fn the_welcome_is_written_although_the_label_fails_and_only_once() {
    let fixture = usual();
    fixture.forge.fail("add_label", unavailable("POST label"));
    let cause = fixture.cause();
    let opened = || Event::PullRequest(Box::new(event(&fixture, "opened", "stranger")));
    let error = fixture.send_as(&fixture.agent(cause.clone()), opened()).await.unwrap_err();
    assert!(format!("{error:#}").contains("needs-ok-to-test"), "{error:#}");
    assert_eq!(fixture.forge.comments(5).len(), 1);
    let again = Cause { repeated: true, ..cause };
    fixture.send_as(&fixture.agent(again), opened()).await.unwrap();
    assert_eq!(fixture.forge.comments(5).len(), 1, "the retry mends the label alone");
    assert_eq!(fixture.labels(), ["needs-ok-to-test"]);
}

#[tokio::test]
async fn a_command_in_the_opening_text_and_the_opening_itself_make_one_run_each() {
    let fixture = usual();
    let mut opened = event(&fixture, "opened", "member");
    opened.pull_request.body = "/test auto\n/test manual".to_owned();
    fixture.set_pull(fixture.pull("member"));
    send(&fixture, opened).await;
    assert_eq!(fixture.started(), ["auto", "manual"]);
}

#[tokio::test]
async fn events_in_any_order_end_with_runs_for_the_newest_commit_only() {
    // The pull request was opened with an old commit and then pushed to.
    let old = "4444444444444444444444444444444444444444";
    for order in [["opened", "synchronize"], ["synchronize", "opened"]] {
        let fixture = usual();
        fixture.set_pull(fixture.pull("member"));
        for action in order {
            let mut event = event(&fixture, action, "member");
            if action == "opened" {
                event.pull_request.head.sha = old.to_owned();
            }
            send(&fixture, event).await;
        }
        let live: Vec<String> = fixture
            .cluster
            .jobs
            .all()
            .iter()
            .filter(|run| run.status.state != ProwJobState::Aborted)
            .map(|run| run.spec.refs.as_ref().unwrap().pulls[0].sha.clone())
            .collect();
        assert_eq!(live, [HEAD], "{order:?}");
    }
}
