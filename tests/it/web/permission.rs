//! Who may rerun, abort and replay.

use http::Method;
use serde_json::json;
use tests::world::{Setup, World, prow_job, sign};

const NEAR: &str = "127.0.0.1:5000";
const FAR: &str = "192.0.2.7:5000";

/// A peer, the headers of its request, and whether that is a person at this machine.
type Caller = (&'static str, &'static [(&'static str, &'static str)], bool);

const CALLERS: [Caller; 9] = [
    (NEAR, &[("host", "localhost:8080")], true),
    (NEAR, &[("host", "127.0.0.1")], true),
    ("[::1]:5000", &[("host", "[::1]:8080")], true),
    (NEAR, &[("host", "ci.example.com")], false),
    (NEAR, &[("host", "localhost.evil.example")], false),
    (FAR, &[("host", "localhost:8080")], false),
    (FAR, &[("host", "ci.example.com")], false),
    (NEAR, &[("host", "localhost"), ("x-forwarded-for", "192.0.2.7")], false),
    (NEAR, &[("host", "localhost"), ("forwarded", "for=192.0.2.7")], false),
];

#[tokio::test]
async fn only_a_person_at_this_machine_changes_something_and_others_are_told_why() {
    let world = World::new().await;
    world.deliver(&sign("push", "guid", r#"{"ref":"x"}"#)).await.expect(200);
    for (nth, (peer, headers, local)) in CALLERS.into_iter().enumerate() {
        let name = format!("going-{nth}");
        world.put([prow_job(&name, "nightly", "pending")]).await;
        for path in [
            format!("/rerun?prowjob={name}"),
            format!("/abort?prowjob={name}"),
            "/api/v1/deliveries/1/replay".to_owned(),
        ] {
            for accept in ["*/*", "application/json", "text/html"] {
                let mut headers = headers.to_vec();
                headers.push(("accept", accept));
                let answer = world.ask_as(peer, Method::POST, &path, &headers).await;
                let seen = format!("{path} from {peer} with {headers:?}: {}", answer.text());
                assert_eq!(answer.status != 403, local, "{seen}");
                if local {
                    continue;
                }
                assert!(answer.text().contains("login is not set up"), "{seen}");
                if accept == "application/json" {
                    assert_eq!(answer.json()["error"]["status"], 403);
                }
            }
        }
        // The pages say so before somebody tries.
        let page = world.ask_as(peer, Method::GET, &format!("/run/{name}"), headers).await;
        let says = page.text().contains("login is not set up");
        assert_eq!(says, !local, "/run/{name} from {peer} with {headers:?}");
        let list = world.ask_as(peer, Method::GET, "/api/v1/runs", headers).await.json();
        assert_eq!(list["rerun"]["allowed"], local);
        assert_eq!(list["abort"]["allowed"], local);
    }
}

#[tokio::test]
async fn without_trust_in_this_machine_nobody_may() {
    let world = Setup::default().settings(|s| s.trust_loopback = false).start().await;
    world.put([prow_job("done", "nightly", "success")]).await;
    let answer = world.post("/rerun?prowjob=done").await.expect(403);
    assert!(answer.text().contains("login is not set up"), "{}", answer.text());
    assert!(answer.text().contains("rerun_auth_config"), "{}", answer.text());
}

#[tokio::test]
async fn a_job_or_a_deck_that_allows_anyone_needs_no_place() {
    let deck = "deck:\n  default_rerun_auth_configs:\n  - repo: open/house\n    rerun_auth_configs: {allow_anyone: true}\n";
    let world = Setup::default().prow(deck).start().await;
    let mut by_job = prow_job("by-job", "nightly", "pending");
    by_job["spec"]["rerun_auth_config"] = json!({"allow_anyone": true});
    let mut by_deck = prow_job("by-deck", "nightly", "pending");
    by_deck["spec"]["extra_refs"] = json!([{"org": "open", "repo": "house", "base_ref": "main"}]);
    world.put([by_job, by_deck, prow_job("closed", "nightly", "pending")]).await;
    let from = [("host", "ci.example.com")];
    for (name, status) in [("by-job", 200), ("by-deck", 200), ("closed", 403)] {
        for action in ["rerun", "abort"] {
            let path = format!("/{action}?prowjob={name}");
            let answer = world.ask_as(FAR, Method::POST, &path, &from).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
    // A replay belongs to no job.
    world.deliver(&sign("push", "guid", r#"{"ref":"x"}"#)).await.expect(200);
    world.ask_as(FAR, Method::POST, "/api/v1/deliveries/1/replay", &from).await.expect(403);
}

#[tokio::test]
async fn reading_needs_no_permission_from_anywhere() {
    let world = World::new().await;
    world.put([prow_job("done", "nightly", "success")]).await;
    for path in ["/", "/run/done", "/prowjobs.js", "/prowjob?prowjob=done", "/rerun?prowjob=done"] {
        let from = [("host", "ci.example.com")];
        world.ask_as(FAR, Method::GET, path, &from).await.expect(200);
    }
}
