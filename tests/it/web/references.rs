//! References: issues and pull requests that name a run stand on its page.

use serde_json::{Value, json};
use server::components::hook;
use tests::world::{Setup, World, sign};

const RUN: &str = "/api/v1/runs/nightly-1/references";

async fn world(setup: Setup) -> World {
    let world = setup.start().await;
    world.store_run("nightly-1", "nightly", "17", "failure", &[("build-log.txt", b"x\n")]).await;
    world
}

/// Delivers an event and has it handled.
async fn hear(world: &World, id: &str, event: &str, body: &Value) {
    world.deliver(&sign(event, id, body.to_string())).await.expect(200);
    hook::sync_once(&world.process.deps.hook).await.expect("hook");
}

/// What names the run, with the states.
async fn names(world: &World) -> Vec<String> {
    let found = world.get(RUN).await.expect(200).json();
    let word = |of: &Value, field: &str| of[field].as_str().expect("a text").to_owned();
    let name = |of: &Value| format!("{}#{} {}", word(of, "repo"), of["number"], word(of, "state"));
    found.as_array().expect("references").iter().map(name).collect()
}

/// A comment on issue 12 of a repository of org.
fn comment(action: &str, repo: &str, body: &str) -> Value {
    json!({
        "action": action,
        "repository": {"name": repo, "full_name": format!("org/{repo}"), "owner": {"login": "org"}},
        "issue": {"number": 12, "title": "It <b>fails</b>", "state": "open"},
        "comment": {
            "id": 34, "body": body, "user": {"login": "alice"},
            "html_url": format!("https://github.com/org/{repo}/issues/12#issuecomment-34"),
            "created_at": "2026-11-21T00:00:00Z",
        },
    })
}

#[tokio::test]
async fn a_comment_that_names_a_run_is_a_reference_until_it_no_longer_does() {
    let world = world(Setup::default()).await;
    assert!(!world.get("/run/nightly-1").await.expect(200).text().contains("References"));
    let address = "see [it](https://prow.example/view/file/artifacts/logs/nightly/17), please";
    hear(&world, "1", "issue_comment", &comment("created", "repo", address)).await;
    let page = world.get("/run/nightly-1").await.expect(200).text();
    for shown in [
        "References",
        "org/repo#12",
        "https://github.com/org/repo/issues/12#issuecomment-34",
        "It &lt;b&gt;fails&lt;/b&gt;",
        "open issue",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(names(&world).await, ["org/repo#12 open"]);
    let mut closed = comment("closed", "repo", "");
    closed["issue"]["state"] = json!("closed");
    hear(&world, "2", "issues", &closed).await;
    assert_eq!(names(&world).await, ["org/repo#12 closed"]);
    hear(&world, "3", "issue_comment", &comment("edited", "repo", "never mind")).await;
    assert!(names(&world).await.is_empty());
    assert!(!world.get("/run/nightly-1").await.expect(200).text().contains("References"));
}

#[tokio::test]
async fn every_address_of_a_run_refers_to_it_and_a_deleted_text_does_not() {
    let world = world(Setup::default()).await;
    let own = world.url("/run/nightly-1");
    for (at, address) in [
        own.as_str(),
        "https://prow.example/view/prowjob/nightly/17",
        "https://prow.example/log?job=nightly&id=17",
        "https://gcsweb.example/file/artifacts/logs/nightly/17/build-log.txt",
        "https://prow.example/nodelog/file/artifacts/logs/nightly/17?pod=a",
        "https://prow.example/api/v1/runs/nightly-1/log",
        "file://artifacts/logs/nightly/17",
        "https://prow.example/prowjob?prowjob=nightly-1",
    ]
    .into_iter()
    .enumerate()
    {
        hear(&world, &format!("a{at}"), "issue_comment", &comment("created", "repo", address))
            .await;
        assert_eq!(names(&world).await, ["org/repo#12 open"], "{address}");
        hear(&world, &format!("b{at}"), "issue_comment", &comment("deleted", "repo", address))
            .await;
        assert!(names(&world).await.is_empty(), "{address}");
    }
}

#[tokio::test]
async fn a_hidden_repository_is_told_nowhere() {
    let world = world(Setup::default().prow("deck: {hidden_repos: [org/secret]}\n")).await;
    let address = "file://artifacts/logs/nightly/17";
    hear(&world, "1", "issue_comment", &comment("created", "secret", address)).await;
    assert!(names(&world).await.is_empty());
    let page = world.get("/run/nightly-1").await.expect(200).text();
    assert!(!page.contains("org/secret") && !page.contains("References"), "{page}");
    hear(&world, "2", "issue_comment", &comment("created", "repo", address)).await;
    assert_eq!(names(&world).await, ["org/repo#12 open"]);
}

#[tokio::test]
async fn rubbish_and_very_long_texts_are_handled_like_others() {
    let world = world(Setup::default()).await;
    let run = "file://artifacts/logs/nightly/17";
    let many: String = (0..20_000).map(|at| format!("https://h/view/gs/b/logs/x/{at} ")).collect();
    let rubbish = "://\u{0}/view/gs/%zz/\u{202e}https://[::1/view/s3////?#%";
    for (at, body) in [
        format!("{run} {many}"),
        format!("{rubbish} {run}"),
        format!("{run} {}", "é".repeat(3_000_000)),
    ]
    .iter()
    .enumerate()
    {
        let mut event = comment("edited", "repo", body);
        event["issue"]["title"] = json!("\u{0}x".repeat(5_000));
        hear(&world, &at.to_string(), "issue_comment", &event).await;
        assert_eq!(names(&world).await, ["org/repo#12 open"], "{at}");
        let nothing = comment("edited", "repo", &format!("{rubbish} {at}"));
        hear(&world, &format!("{at}b"), "issue_comment", &nothing).await;
        assert!(names(&world).await.is_empty(), "{at}");
    }
    let journal = world.journal().await;
    let failed = journal.iter().filter(|line| line.status.as_str() != "handled").count();
    assert_eq!(failed, 0, "{journal:?}");
    // What a href leads to is for browsers alone.
    let mut event = comment("edited", "repo", run);
    event["comment"]["html_url"] = json!("javascript:alert(1)");
    hear(&world, "js", "issue_comment", &event).await;
    assert!(!world.get("/run/nightly-1").await.expect(200).text().contains("javascript:"));
}
