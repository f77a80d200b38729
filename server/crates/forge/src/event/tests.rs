use serde_json::{Value, json};

use super::*;

fn parse(kind: &str, body: &Value) -> Event {
    Event::parse(kind, "guid-1", body.to_string().as_bytes()).expect("a payload")
}

fn repo() -> Value {
    json!({
        "id": 10, "name": "repo", "full_name": "org/repo", "private": false,
        "owner": {"login": "org", "id": 2, "type": "Organization"},
        "html_url": "https://github.com/org/repo", "clone_url": "https://github.com/org/repo.git",
        "default_branch": "main", "created_at": 1700000000, "pushed_at": "2026-11-21T00:05:37Z",
        "permissions": {"admin": false, "push": false, "pull": true}
    })
}

fn issue(is_pull: bool) -> Value {
    let mut issue = json!({
        "id": 501, "node_id": "I_501", "number": 12, "title": "Broken", "state": "open",
        "html_url": "https://github.com/org/repo/issues/12", "body": "issue body",
        "user": {"login": "author", "id": 5, "type": "User"},
        "assignees": [{"login": "helper", "id": 6, "type": "User"}],
        "labels": [{"name": "kind/bug", "color": "ff0000", "description": null}],
        "milestone": null, "created_at": "2026-11-21T00:05:37Z", "closed_at": null
    });
    if is_pull {
        issue["pull_request"] = json!({"url": "u", "html_url": "h", "merged_at": null});
    }
    issue
}

fn pull() -> Value {
    json!({
        "id": 601, "node_id": "PR_601", "number": 12, "title": "Mend it", "state": "open",
        "html_url": "https://github.com/org/repo/pull/12", "body": null, "draft": false,
        "user": {"login": "author", "id": 5, "type": "User"},
        "assignees": [], "assignee": null, "labels": [], "merged": false, "mergeable": null,
        "merge_commit_sha": null, "milestone": null, "commits": 1,
        "base": {"ref": "main", "sha": "b".repeat(40), "repo": repo()},
        "head": {"ref": "topic", "sha": "a".repeat(40), "repo": null},
        "author_association": "MEMBER", "created_at": "2026-11-21T02:05:37+02:00"
    })
}

#[test]
fn a_pull_request_event_gives_the_fields_that_trigger_reads() {
    let event = parse(
        "pull_request",
        &json!({"action": "labeled", "number": 12, "pull_request": pull(), "repository": repo(),
            "label": {"name": "ok-to-test"}, "sender": {"login": "member", "type": "User"},
            "installation": {"id": 77}, "organization": {"login": "org", "id": 2}}),
    );
    let Event::PullRequest(event) = event else { panic!("{event:?}") };
    assert_eq!(event.guid, "guid-1");
    assert_eq!(event.label.name, "ok-to-test");
    assert_eq!(event.sender.login, "member");
    assert_eq!(event.repo.owner.login, "org");
    assert_eq!(event.pull_request.base.reference, "main");
    assert_eq!(event.pull_request.head.sha, "a".repeat(40));
    assert_eq!(event.pull_request.mergeable, None);
    assert_eq!(event.pull_request.body, "");
    assert_eq!(
        event.pull_request.created_at.map(|at| at.rfc3339()),
        Some("2026-11-21T00:05:37Z".to_owned())
    );
    assert_eq!(event.base_change(), (None, None));
}

#[test]
fn an_edited_event_tells_which_part_of_the_base_changed() {
    let edited = |changes: Value| {
        let event = parse(
            "pull_request",
            &json!({"action": "edited", "pull_request": pull(), "changes": changes}),
        );
        let Event::PullRequest(event) = event else { panic!("{event:?}") };
        event
    };
    let both = edited(json!({"base": {"ref": {"from": "old"}, "sha": {"from": "123"}}}));
    assert_eq!(both.base_change(), (Some("old"), Some("123")));
    let title = edited(json!({"title": {"from": "old"}}));
    assert_eq!(title.base_change(), (None, None));
    assert_eq!(edited(Value::Null).base_change(), (None, None));
}

#[test]
fn a_push_keeps_the_slashes_of_its_branch() {
    let push = |reference: &str| {
        let event = parse(
            "push",
            &json!({"ref": reference, "after": "0".repeat(40), "deleted": true,
                "commits": [{"id": "1", "added": ["a"], "removed": null, "modified": ["b"],
                    "timestamp": "2026-11-21T02:05:37+02:00"}],
                "head_commit": null, "pusher": {"name": "author", "email": null},
                "repository": repo()}),
        );
        let Event::Push(event) = event else { panic!("{event:?}") };
        event
    };
    let event = push("refs/heads/release/1.35");
    assert_eq!(event.branch(), "release/1.35");
    assert!(event.deleted);
    assert_eq!(event.commits[0].added, ["a"]);
    assert!(event.commits[0].removed.is_empty());
    assert_eq!(event.pusher.name, "author");
    assert_eq!(push("refs/tags/v1").branch(), "v1");
}

#[test]
fn a_status_a_ping_and_an_unknown_event_are_read() {
    let status = parse(
        "status",
        &json!({"id": 3, "sha": "c".repeat(40), "state": "failure", "context": "ci/unit",
            "description": null, "target_url": null, "name": "org/repo",
            "branches": [{"name": "main", "protected": true}], "repository": repo()}),
    );
    let Event::Status(status) = status else { panic!("{status:?}") };
    assert_eq!((status.context.as_str(), status.branches[0].name.as_str()), ("ci/unit", "main"));

    let ping = parse("ping", &json!({"zen": "Keep it logically awesome.", "hook_id": 9}));
    assert_eq!(ping.repo(), None);
    assert_eq!(ping.action(), "");

    assert_eq!(parse("check_run", &json!({})), Event::Other("check_run".into()));
}

#[test]
fn a_body_that_is_not_json_is_an_error_that_says_where() {
    let error = Event::parse("push", "g", b"{\"ref\": }").expect_err("not JSON");
    assert!(error.to_string().contains("line 1 column 9"), "{error}");
}

#[test]
fn the_envelope_of_any_payload_tells_organization_and_repository() {
    let with_repo = json!({"repository": repo(), "organization": {"login": "org"}}).to_string();
    let envelope = Envelope::parse(with_repo.as_bytes()).expect("an envelope");
    assert_eq!((envelope.org(), envelope.repo.full_name.as_str()), ("org", "org/repo"));

    let org_only = json!({"action": "member_added", "organization": {"login": "org"}}).to_string();
    let envelope = Envelope::parse(org_only.as_bytes()).expect("an envelope");
    assert_eq!((envelope.org(), envelope.action.as_str()), ("org", "member_added"));
}

#[test]
fn actions_map_to_what_happened_to_the_text() {
    use CommentAction::{Created, Deleted, Edited};
    for (action, expected) in [
        ("created", Some(Created)),
        ("opened", Some(Created)),
        ("submitted", Some(Created)),
        ("edited", Some(Edited)),
        ("deleted", Some(Deleted)),
        ("dismissed", Some(Deleted)),
        ("labeled", None),
        ("synchronize", None),
        ("closed", None),
        ("invented", None),
    ] {
        assert_eq!(CommentAction::from_action(action), expected, "{action}");
    }
    assert!(is_known_non_comment_action("labeled"));
    assert!(!is_known_non_comment_action("invented"));
    assert!(!is_known_non_comment_action("created"));
}

/// The synthesis table, one row per event: (event, payload, comment id, id, node id, body, user,
/// is a pull request).
#[test]
fn five_events_become_generic_comments() {
    let comment = json!({"id": 900, "node_id": "IC_900", "body": "/test all",
        "user": {"login": "commenter"}, "html_url": "https://github.com/c"});
    let mut opened_pull = pull();
    opened_pull["body"] = json!("/hold");
    let rows = [
        (
            "issues",
            json!({"action": "opened", "issue": issue(false), "repository": repo(),
                "sender": {"login": "sender"}}),
            None,
            (501, "I_501"),
            "issue body",
            "author",
            false,
        ),
        (
            "issues",
            json!({"action": "deleted", "issue": issue(false), "repository": repo()}),
            None,
            (501, "I_501"),
            "issue body",
            "author",
            false,
        ),
        (
            "issue_comment",
            json!({"action": "created", "issue": issue(true), "comment": comment,
                "repository": repo()}),
            Some(900),
            (501, "I_501"),
            "/test all",
            "commenter",
            true,
        ),
        (
            "issue_comment",
            json!({"action": "created", "issue": issue(false), "comment": comment,
                "repository": repo()}),
            Some(900),
            (501, "I_501"),
            "/test all",
            "commenter",
            false,
        ),
        (
            "pull_request",
            json!({"action": "opened", "number": 12, "pull_request": opened_pull,
                "repository": repo(), "sender": {"login": "sender"}}),
            None,
            (601, "PR_601"),
            "/hold",
            "author",
            true,
        ),
        (
            "pull_request_review",
            json!({"action": "submitted", "pull_request": pull(), "repository": repo(),
                "review": {"id": 700, "node_id": "PRR_700", "body": "/lgtm", "state": "approved",
                    "user": {"login": "reviewer"}}}),
            None,
            (0, "PRR_700"),
            "/lgtm",
            "reviewer",
            true,
        ),
        (
            "pull_request_review_comment",
            json!({"action": "created", "pull_request": pull(), "repository": repo(),
                "comment": {"id": 800, "node_id": "PRRC_800", "body": "/hold", "position": null,
                    "user": {"login": "commenter"}}}),
            Some(800),
            (800, "PRRC_800"),
            "/hold",
            "commenter",
            true,
        ),
    ];
    for (kind, payload, comment_id, (id, node_id), body, user, is_pr) in rows {
        let generic = GenericComment::from_event(&parse(kind, &payload)).expect(kind);
        assert_eq!(generic.comment_id, comment_id, "{kind}");
        assert_eq!((generic.id, generic.node_id.as_str()), (id, node_id), "{kind}");
        assert_eq!(generic.body, body, "{kind}");
        assert_eq!(generic.user.login, user, "{kind}");
        assert_eq!(generic.is_pr, is_pr, "{kind}");
        assert_eq!(generic.number, 12, "{kind}");
        assert_eq!(generic.issue_author.login, "author", "{kind}");
        assert_eq!(generic.issue_state, "open", "{kind}");
        assert_eq!(generic.repo.full_name, "org/repo", "{kind}");
        assert_eq!(generic.guid, "guid-1", "{kind}");
    }
}

#[test]
fn events_without_text_become_no_comment() {
    for (kind, payload) in [
        ("pull_request", json!({"action": "synchronize", "pull_request": pull()})),
        ("issues", json!({"action": "labeled", "issue": issue(false)})),
        ("push", json!({"ref": "refs/heads/main"})),
        ("status", json!({"state": "success"})),
        ("check_run", json!({"action": "created"})),
    ] {
        assert_eq!(GenericComment::from_event(&parse(kind, &payload)), None, "{kind}");
    }
}
