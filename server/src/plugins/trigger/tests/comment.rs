//! Commands in comments.

use forge::event::{Event, IssueCommentEvent};
use forge::model::{Issue, IssueComment, IssuePullRequest, User, WorkflowRun};
use job_spec::labels;

use super::*;
use crate::plugins::fakes::BOT;

fn comment(author: &str, pull_author: &str, body: &str) -> IssueCommentEvent {
    let user = |login: &str| User { login: login.to_owned(), ..User::default() };
    IssueCommentEvent {
        action: "created".to_owned(),
        issue: Issue {
            number: 5,
            state: "open".to_owned(),
            user: user(pull_author),
            pull_request: Some(IssuePullRequest::default()),
            ..Issue::default()
        },
        comment: IssueComment {
            id: 77,
            body: body.to_owned(),
            user: user(author),
            html_url: "https://github.com/org/repo/pull/5#c77".to_owned(),
            ..IssueComment::default()
        },
        repo: repo(),
        ..IssueCommentEvent::default()
    }
}

/// `job` runs always, `jib` and `jub` when asked; main is the only branch.
fn usual_jobs() -> Vec<String> {
    vec![
        pull_job("job", "always_run: true, branches: [main]"),
        pull_job("jib", "branches: [main]"),
        pull_job("jub", "branches: [main]"),
    ]
}

const NOTHING: &str = "";
const NO_TARGET: &str = "needs one or more targets";
const RETEST_TARGET: &str = "does not accept any targets";
const NOT_FOUND: &str = "were not found";
const NONE_HERE: &str = "No presubmit jobs available for org/repo@main";
const NO_TEST_ALL: &str = "No jobs can be run";
const LISTS: &str = "The following commands are available";
const REFUSED: &str = "Cannot trigger testing until a trusted user";

/// Who writes, on whose pull request, what; which jobs start, and what is answered.
struct Row {
    name: &'static str,
    author: &'static str,
    pull_author: &'static str,
    body: &'static str,
    starts: &'static [&'static str],
    answer: &'static str,
}

const fn row(
    name: &'static str,
    body: &'static str,
    starts: &'static [&'static str],
    answer: &'static str,
) -> Row {
    Row { name, author: "member", pull_author: "stranger", body, starts, answer }
}

async fn check(fixture: &Fixture, row: &Row) {
    fixture.set_pull(fixture.pull(row.pull_author));
    let event = comment(row.author, row.pull_author, row.body);
    let sent = fixture.send(Event::IssueComment(Box::new(event))).await;
    assert!(sent.is_ok(), "{}: {sent:?}", row.name);
    assert_eq!(fixture.started(), row.starts, "{}: jobs", row.name);
    let answers = fixture.forge.comments(5);
    match row.answer {
        NOTHING => assert!(answers.is_empty(), "{}: {answers:?}", row.name),
        expected => {
            assert_eq!(answers.len(), 1, "{}: {answers:?}", row.name);
            assert!(answers[0].contains(expected), "{}: {}", row.name, answers[0]);
        }
    }
}

#[tokio::test]
async fn commands_start_what_they_name() {
    let rows = [
        row("all", "/test all", &["job"], NOTHING),
        row("all with a comma", "/test all, please", &["job"], NOTHING),
        row("one", "/test jib", &["jib"], NOTHING),
        row("two", "/test jib jub", &["jib", "jub"], NOTHING),
        row("two with a comma", "/test jib, jub", &["jib", "jub"], NOTHING),
        row("after other lines", "hello\r\n/test jib\r\nbye", &["jib"], NOTHING),
        row("retest: only what failed", "/retest", &["jib"], NOTHING),
        row("retest, trailing blank and CR", "/retest \r", &["jib"], NOTHING),
        row("retest and another command", "/retest \r\n/other-command", &["jib"], NOTHING),
        row("ok-to-test", "looks great\n/ok-to-test", &["job"], NOTHING),
        row("ok-to-test, trailing blank and CR", "/ok-to-test \r", &["job"], NOTHING),
        row("not at the start of a line", "not /ok-to-test", &[], NOTHING),
        row("nothing to us", "Nice weather outside, right?", &[], NOTHING),
        row("retest and a job", "/retest\n/test jub", &["jib", "jub"], NOTHING),
        row("help: unknown", "/test FOO", &[], NOT_FOUND),
        row("help: no target", "/test", &[], NO_TARGET),
        row("help: question on the next line", "/test \r\n?", &[], NO_TARGET),
        row("help: retest with a target", "/retest FOO", &[], RETEST_TARGET),
        row("help: list", "/test ?", &[], LISTS),
        row("help beats running", "/test jib\n/test ?", &[], LISTS),
        row("fenced", "```\n/test FOO\n```", &[], NOTHING),
        row("fenced with tildes", "~~~\n/test FOO\n~~~", &[], NOTHING),
        row("fenced, no target", "```\n/test\n```", &[], NOTHING),
        row("fenced list", "```\n/test ?\n```\n", &[], NOTHING),
        row("one fenced, one not", "```\n/test FOO\n```\n/test BAR", &[], NOT_FOUND),
        row(
            "fenced counts beside one that is not",
            "```\n/test jub\n```\n/test jib",
            &["jib", "jub"],
            NOTHING,
        ),
    ];
    for row in &rows {
        check(&Fixture::new(&usual_jobs(), ""), row).await;
    }
}

#[tokio::test]
async fn only_the_trusted_may_command() {
    let by = |name, author, pull_author, body, starts, answer| Row {
        name,
        author,
        pull_author,
        body,
        starts,
        answer,
    };
    let rows = [
        (by("member", "member", "member", "/test all", &["job"], NOTHING), "", &[][..], &[][..]),
        (
            by("stranger on a member's", "stranger", "member", "/test all", &["job"], NOTHING),
            "",
            &[],
            &[],
        ),
        (
            by("stranger on a stranger's", "stranger", "stranger", "/test all", &[], REFUSED),
            "",
            &[],
            &[],
        ),
        (by("stranger says ok", "stranger", "stranger", "/ok-to-test", &[], REFUSED), "", &[], &[]),
        (
            by("labelled ok", "stranger", "stranger", "/test all", &["job"], NOTHING),
            "",
            &["ok-to-test"],
            &["ok-to-test"],
        ),
        (
            by("labelled both", "stranger", "stranger", "/test all", &["job"], NOTHING),
            "",
            &["needs-ok-to-test", "ok-to-test"],
            &["ok-to-test"],
        ),
        (
            by("lgtm and approved are not trust", "stranger", "stranger", "/retest", &[], REFUSED),
            "",
            &["approved", "lgtm"],
            &["approved", "lgtm"],
        ),
        (
            by("ok adds the label", "member", "stranger", "/ok-to-test", &["job"], NOTHING),
            "",
            &[],
            &["ok-to-test"],
        ),
        (
            by(
                "ok removes the other label",
                "member",
                "stranger",
                "/ok-to-test",
                &["job"],
                NOTHING,
            ),
            "",
            &["needs-ok-to-test"],
            &["ok-to-test"],
        ),
        (
            by("ok ignored", "member", "stranger", "/ok-to-test", &[], NOTHING),
            "ignore_ok_to_test: true",
            &[],
            &[],
        ),
        (
            by(
                "never trusted",
                "stranger",
                "stranger",
                "/test all",
                &[],
                "cannot be marked as trusted",
            ),
            "ignore_ok_to_test: true",
            &[],
            &[],
        ),
        (by("collaborator", "helper", "stranger", "/test all", &["job"], NOTHING), "", &[], &[]),
        (
            by(
                "collaborator where only members count",
                "helper",
                "stranger",
                "/test all",
                &[],
                REFUSED,
            ),
            "only_org_members: true",
            &[],
            &[],
        ),
        (
            by("trusted app", "dependabot[bot]", "stranger", "/test all", &["job"], NOTHING),
            "trusted_apps: [dependabot]",
            &[],
            &[],
        ),
        (
            by("app without its suffix", "dependabot", "stranger", "/test all", &[], REFUSED),
            "trusted_apps: [dependabot]",
            &[],
            &[],
        ),
        (
            by("not quite an app", "x[bot]y", "stranger", "/test all", &[], REFUSED),
            "trusted_apps: [x]",
            &[],
            &[],
        ),
        (
            by("second org", "friend", "stranger", "/test all", &["job"], NOTHING),
            "trusted_org: other",
            &[],
            &[],
        ),
        (by("the bot", BOT, "stranger", "/test all", &[], NOTHING), "", &[], &[]),
    ];
    for (row, rules, before, after) in &rows {
        let fixture = Fixture::new(&usual_jobs(), rules);
        {
            let mut state = fixture.forge.state.lock();
            state.members.entry("other".to_owned()).or_default().insert("friend".to_owned());
            state
                .collaborators
                .entry("org/repo".to_owned())
                .or_default()
                .insert("helper".to_owned());
        }
        fixture.label(before);
        check(&fixture, row).await;
        assert_eq!(fixture.labels(), *after, "{}: labels", row.name);
    }
}

#[tokio::test]
async fn an_error_of_the_code_host_is_never_taken_for_trust() {
    let fixture = Fixture::new(&usual_jobs(), "");
    fixture.forge.fail("is_member", crate::plugins::fakes::unavailable("GET member"));
    let event = comment("stranger", "stranger", "/test all");
    let error = fixture.send(Event::IssueComment(Box::new(event))).await.unwrap_err();
    assert!(error.to_string().contains("GET member"), "{error}");
    assert!(fixture.started().is_empty());
    assert!(fixture.forge.writes().is_empty());
}

#[tokio::test]
async fn trust_is_taken_back_by_the_trusted_only() {
    type Revocation = (
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
        &'static str,
    );
    let table: [Revocation; 5] = [
        ("revoked", "member", "stranger", &["ok-to-test"], &["needs-ok-to-test"], NOTHING),
        (
            "nothing to revoke",
            "member",
            "stranger",
            &["needs-ok-to-test"],
            &["needs-ok-to-test"],
            NOTHING,
        ),
        (
            "by a stranger",
            "stranger",
            "stranger",
            &["ok-to-test"],
            &["ok-to-test"],
            "Only trusted users",
        ),
        (
            "a trusted author keeps no label that nobody removes",
            "member",
            "member",
            &["ok-to-test"],
            &[],
            NOTHING,
        ),
        ("by a stranger, not trusted at all", "stranger", "stranger", &[], &[], REFUSED),
    ];
    for (name, author, pull_author, before, after, answer) in table {
        for body in ["/ok-to-test cancel", "/ok-to-test  \tcancel \r", "/ok-to-test\ncancel"] {
            let fixture = Fixture::new(&usual_jobs(), "");
            fixture.label(before);
            let row = Row { name, author, pull_author, body, starts: &[], answer };
            check(&fixture, &row).await;
            assert_eq!(fixture.labels(), after, "{name} {body:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_new_comment_on_an_open_pull_request_is_left_alone() {
    type Change = fn(&mut IssueCommentEvent);
    let table: [(&str, Change); 5] = [
        ("an issue", |event| event.issue.pull_request = None),
        ("closed", |event| event.issue.state = "closed".to_owned()),
        ("edited", |event| event.action = "edited".to_owned()),
        ("deleted", |event| event.action = "deleted".to_owned()),
        ("by the bot", |event| event.comment.user.login = BOT.to_owned()),
    ];
    for (name, change) in table {
        let fixture = Fixture::new(&usual_jobs(), "");
        let mut event = comment("member", "member", "/test all");
        change(&mut event);
        fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
        assert!(fixture.started().is_empty(), "{name}");
        assert!(fixture.forge.writes().is_empty(), "{name}");
    }
    let fixture = Fixture::new(&usual_jobs(), "");
    let mut pull = fixture.pull("member");
    pull.state = "closed".to_owned();
    fixture.set_pull(pull);
    let event = comment("member", "member", "/test all");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert!(fixture.started().is_empty(), "closed before the comment was handled");
}

#[tokio::test]
async fn change_patterns_and_branches_decide_for_each_command() {
    let needs = "run_if_changed: CHANGED";
    let needs_not = "run_if_changed: OTHER";
    let skips = "skip_if_only_changed: OTHER";
    let skips_it = "skip_if_only_changed: CHANGED";
    // The contexts: pull-job pending, pull-jib failure, pull-jub success, no pull-jab.
    type Decision = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
        &'static str,
    );
    let table: [Decision; 26] = [
        ("missing, needed", "jab", needs, "/retest", &["jab"], NOTHING),
        ("missing, not skipped", "jab", skips, "/retest", &["jab"], NOTHING),
        ("missing, not needed", "jab", needs_not, "/retest", &[], NOTHING),
        ("missing, skipped", "jab", skips_it, "/retest", &[], NOTHING),
        ("failed, needed", "jib", needs, "/retest", &["jib"], NOTHING),
        ("failed, not needed any more", "jib", needs_not, "/retest", &["jib"], NOTHING),
        ("failed, skipped now", "jib", skips_it, "/retest", &["jib"], NOTHING),
        ("failed, optional", "jib", "optional: true", "/retest", &["jib"], NOTHING),
        ("required again", "jib", "always_run: true", "/retest-required", &["jib"], NOTHING),
        ("required again, optional", "jib", "optional: true", "/retest-required", &[], NOTHING),
        ("passed, asked for", "jub", needs, "/test jub", &["jub"], NOTHING),
        ("passed, asked for, not needed", "jub", needs_not, "/test jub", &["jub"], NOTHING),
        ("passed, all, needed", "jub", needs, "/test all", &["jub"], NOTHING),
        ("passed, all, not needed", "jub", needs_not, "/test all", &[], NO_TEST_ALL),
        ("passed, all, skipped", "jub", skips_it, "/test all", &[], NO_TEST_ALL),
        ("trusted, needed", "jub", needs, "/ok-to-test", &["jub"], NOTHING),
        ("trusted, nothing runs by itself", "jub", "", "/ok-to-test", &[], NOTHING),
        ("all, nothing runs by itself", "jub", "", "/test all", &[], NO_TEST_ALL),
        ("manual, required", "jab", "", "/test-manual-required", &["jab"], NOTHING),
        ("manual, optional", "jab", "optional: true", "/test-manual-required", &[], NOTHING),
        ("manual, always", "jab", "always_run: true", "/test-manual-required", &[], NOTHING),
        ("manual, conditional", "jab", needs, "/test-manual-required", &[], NOTHING),
        ("wrong branch", "jab", "branches: [release]", "/test jab", &[], NONE_HERE),
        ("skipped branch", "jab", "skip_branches: [main]", "/test jab", &[], NONE_HERE),
        ("unanchored branch", "jab", "branches: [mai]", "/test jab", &["jab"], NOTHING),
        ("pending is not run again", "job", "always_run: true", "/retest", &[], NOTHING),
    ];
    for (name, job, keys, body, starts, answer) in table {
        let fixture = Fixture::new(&[pull_job(job, keys)], "");
        let row = Row { name, author: "member", pull_author: "stranger", body, starts, answer };
        check(&fixture, &row).await;
    }
}

#[tokio::test]
async fn of_two_jobs_of_one_name_the_one_for_the_branch_runs() {
    let jobs = [
        pull_job("jab", "branches: [release], max_concurrency: 1"),
        pull_job("jab", "branches: [main], max_concurrency: 2"),
    ];
    let fixture = Fixture::new(&jobs, "");
    check(&fixture, &row("sharded", "/test jab", &["jab"], NOTHING)).await;
    assert_eq!(fixture.cluster.jobs.all()[0].spec.max_concurrency, 2);
}

#[tokio::test]
async fn a_job_may_be_started_by_any_sentence() {
    let trigger = r#"trigger: "Nice weather outside, right\\?", rerun_command: "Nice weather outside, right?""#;
    let fixture = Fixture::new(&[pull_job("jab", trigger)], "");
    fixture.forge.write_as(BOT, 5, "The `/test` command needs one or more targets.\n");
    let event = comment("member", "member", "Nice weather outside, right?");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert_eq!(fixture.started(), ["jab"]);
    assert_eq!(fixture.forge.comments(5).len(), 1, "such a sentence prunes no help");
}

#[tokio::test]
async fn a_test_command_makes_earlier_help_go() {
    let fixture = Fixture::new(&usual_jobs(), "");
    fixture.forge.write_as(BOT, 5, "@a: The `/test` command needs one or more targets.\nx");
    fixture.forge.write_as(BOT, 5, "unrelated");
    fixture.forge.write_as("member", 5, "The `/test` command needs one or more targets.\n");
    let event = comment("member", "member", "/test jib");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert_eq!(fixture.forge.comments(5).len(), 2, "only the bot's own help goes");
    assert_eq!(fixture.started(), ["jib"]);

    let fixture = Fixture::new(&usual_jobs(), "");
    fixture.forge.write_as(BOT, 5, "@a: The `/test` command needs one or more targets.\nx");
    let event = comment("member", "member", "/ok-to-test");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert_eq!(fixture.forge.comments(5).len(), 1, "/ok-to-test prunes nothing");
}

#[tokio::test]
async fn help_lists_each_command_once_and_only_for_the_branch() {
    let jobs = [
        pull_job(
            "one",
            r#"always_run: true, trigger: "(?m)^/test same$", rerun_command: "/test same""#,
        ),
        pull_job("two", r#"trigger: "(?m)^/test same$", rerun_command: "/test same""#),
        pull_job("extra", "optional: true"),
        pull_job("elsewhere", "branches: [release]"),
    ];
    let fixture = Fixture::new(&jobs, "");
    check(&fixture, &row("list", "/test ?", &[], LISTS)).await;
    let text = &fixture.forge.comments(5)[0];
    assert_eq!(text.matches("\n/test same\n").count(), 1, "{text}");
    assert!(text.contains("\n/test extra\n"), "{text}");
    assert!(!text.contains("elsewhere"), "{text}");
    assert!(text.starts_with("@member: The following commands"), "{text}");
    assert!(text.contains("\n>/test ?\n"), "the question is quoted: {text}");
    assert!(text.lines().filter(|line| line.starts_with("/test")).all(|line| line != "/test ?"));
}

#[tokio::test]
async fn runs_say_what_caused_them() {
    let fixture = Fixture::new(&usual_jobs(), "");
    let event = comment("member", "member", "/retest");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    let run = &fixture.cluster.jobs.all()[0];
    assert_eq!(run.metadata.labels[labels::RETEST], "true");
    assert_eq!(run.metadata.labels[labels::EVENT_GUID], "guid-1");
    assert_eq!(run.metadata.labels[labels::IS_OPTIONAL], "false");
    assert_eq!(run.spec.rerun_command, "/test jib");
    let refs = run.spec.refs.as_ref().unwrap();
    assert_eq!(refs.to_string(), format!("main:{BASE},5:{HEAD}"));
    assert_eq!(refs.base_link, format!("https://github.com/org/repo/commit/{BASE}"));
    assert_eq!(
        refs.pulls[0].commit_link,
        format!("https://github.com/org/repo/pull/5/commits/{HEAD}")
    );
    assert_eq!(refs.pulls[0].head_ref, "topic");

    let fixture = Fixture::new(&usual_jobs(), "");
    let event = comment("member", "member", "/test jib");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    let run = &fixture.cluster.jobs.all()[0];
    assert!(!run.metadata.labels.contains_key(labels::RETEST));
}

#[tokio::test]
async fn a_pull_request_that_does_not_merge_gets_nothing_and_hears_nothing() {
    let fixture = Fixture::new(&usual_jobs(), "");
    let mut pull = fixture.pull("member");
    pull.mergeable = Some(false);
    fixture.set_pull(pull);
    let event = comment("member", "member", "/test all");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert!(fixture.started().is_empty());
    assert!(fixture.forge.comments(5).is_empty());
}

#[tokio::test]
async fn one_job_that_cannot_be_made_does_not_stop_the_others() {
    let fixture = Fixture::new(&usual_jobs(), "");
    let refused = cluster::ClusterError::Invalid("spec is too large".to_owned());
    fixture.cluster.jobs.fail("create", refused);
    let event = comment("member", "member", "/test jib jub");
    let error = fixture.send(Event::IssueComment(Box::new(event))).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("jib could not be started: spec is too large"),
        "{error:#}"
    );
    assert_eq!(fixture.started(), ["jub"]);
}

#[tokio::test]
async fn handling_a_comment_again_makes_nothing_twice() {
    let fixture = Fixture::new(&usual_jobs(), "");
    let cause = fixture.cause();
    let event =
        || Event::IssueComment(Box::new(comment("member", "stranger", "/ok-to-test\n/test jib")));
    fixture.send_as(&fixture.agent(cause.clone()), event()).await.unwrap();
    let started = fixture.started();
    let again = Cause { repeated: true, ..cause };
    fixture.send_as(&fixture.agent(again), event()).await.unwrap();
    assert_eq!(fixture.started(), started);

    let fixture = Fixture::new(&usual_jobs(), "");
    let cause = fixture.cause();
    let event = || Event::IssueComment(Box::new(comment("member", "member", "/test ?")));
    for repeated in [false, true, true] {
        let cause = Cause { repeated, ..cause.clone() };
        fixture.send_as(&fixture.agent(cause), event()).await.unwrap();
    }
    assert_eq!(fixture.forge.comments(5).len(), 1, "one answer");
    fixture.send(event()).await.unwrap();
    assert_eq!(fixture.forge.comments(5).len(), 2, "another comment has an answer of its own");
}

#[tokio::test]
async fn githubs_own_workflows_follow_if_that_is_wanted() {
    let run = |id: u64| WorkflowRun { id, ..WorkflowRun::default() };
    let table: [(&str, &str, &str, &[&str]); 6] = [
        (
            "approved",
            "trigger_github_workflows: true",
            "/ok-to-test",
            &["approve run 1", "approve run 2"],
        ),
        ("not wanted", "", "/ok-to-test", &[]),
        (
            "ok ignored",
            "trigger_github_workflows: true, ignore_ok_to_test: true",
            "/ok-to-test",
            &[],
        ),
        ("retest", "trigger_github_workflows: true", "/retest", &["rerun 3"]),
        ("test all", "trigger_github_workflows: true", "/test all", &["rerun 3"]),
        ("one test", "trigger_github_workflows: true", "/test jib", &[]),
    ];
    for (name, rules, body, expected) in table {
        let fixture = Fixture::new(&usual_jobs(), rules);
        {
            let mut state = fixture.forge.state.lock();
            state.waiting_runs = vec![run(1), run(2)];
            state.failed_runs = vec![run(3)];
        }
        fixture.label(&["ok-to-test"]);
        let event = comment("member", "stranger", body);
        fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
        let writes = fixture.forge.writes();
        assert_eq!(writes, expected, "{name}");
    }
}

#[tokio::test]
async fn a_workflow_run_that_cannot_be_approved_stops_nothing() {
    let fixture = Fixture::new(&usual_jobs(), "trigger_github_workflows: true");
    fixture.forge.state.lock().waiting_runs = vec![WorkflowRun { id: 1, ..WorkflowRun::default() }];
    fixture.forge.fail("approve_workflow_run", crate::plugins::fakes::missing("POST approve"));
    let event = comment("member", "stranger", "/ok-to-test");
    fixture.send(Event::IssueComment(Box::new(event))).await.unwrap();
    assert_eq!(fixture.started(), ["job"]);
}
