//! `/hook`: which deliveries are taken, and what the sender is told.

use http::Method;
use tests::fake_github::signature;
use tests::world::{Setup, Signed, World, sign};

const PUSH: &str = r#"{"repository":{"full_name":"org/repo"},"ref":"refs/heads/topic"}"#;
const THANKS: &str = "Event received. Have a nice day.";

fn push() -> Signed {
    sign("push", "guid-1", PUSH)
}

#[tokio::test]
async fn deliveries_are_checked_in_prows_order_with_prows_answers() {
    let world = World::new().await;
    let wrong = signature("another secret", PUSH.as_bytes());
    let no_json = sign("push", "guid", "ref=refs/heads/topic");
    let table: [(&str, Signed, u16, &str); 12] = [
        ("whole", push(), 200, THANKS),
        ("no event", push().without("x-github-event"), 400, "Missing X-GitHub-Event Header"),
        ("no id", push().without("x-github-delivery"), 400, "Missing X-GitHub-Delivery Header"),
        ("no signature", push().without("x-hub-signature-256"), 403, "Missing X-Hub-Signature-256"),
        (
            "a form",
            push().with("content-type", "application/x-www-form-urlencoded"),
            400,
            "Hook only accepts content-type: application/json",
        ),
        (
            "a charset",
            push().with("content-type", "application/json; charset=utf-8"),
            400,
            "Hook only accepts content-type: application/json",
        ),
        ("no type", push().without("content-type"), 400, "Hook only accepts content-type"),
        (
            "another secret",
            push().with("x-hub-signature-256", wrong),
            403,
            "Invalid X-Hub-Signature-256 - ",
        ),
        (
            "SHA-1",
            push().with("x-hub-signature-256", "sha1=0123"),
            403,
            "Invalid X-Hub-Signature-256 - ",
        ),
        (
            "no hex",
            push().with("x-hub-signature-256", "sha256=zz"),
            403,
            "Invalid X-Hub-Signature-256 - ",
        ),
        ("no JSON", no_json, 403, "Invalid X-Hub-Signature-256 - "),
        // The event comes before the id, the id before the signature, that before the type.
        (
            "nothing at all",
            Signed { headers: Vec::new(), body: Vec::new() },
            400,
            "Missing X-GitHub-Event Header",
        ),
    ];
    for (name, delivery, status, text) in table {
        let answer = world.deliver(&delivery).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(answer.text().contains(text), "{name}: {}", answer.text());
        if status != 200 {
            assert!(answer.text().starts_with(&status.to_string()), "{name}: {}", answer.text());
        }
    }
    let signed_wrongly_and_no_type = push().without("x-hub-signature-256").without("content-type");
    assert_eq!(world.deliver(&signed_wrongly_and_no_type).await.status, 403);
    assert_eq!(world.journal().await.len(), 1, "only the whole one is journaled");
}

#[tokio::test]
async fn only_post_delivers() {
    let world = World::new().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = world.ask(world.request(method.clone(), "/hook")).await;
        assert_eq!((answer.status, answer.text().as_str()), (405, "405 Method not allowed"));
    }
    assert!(world.journal().await.is_empty());
}

#[tokio::test]
async fn a_delivery_is_taken_once_by_its_id_and_body() {
    let world = World::new().await;
    let other = r#"{"repository":{"full_name":"org/repo"},"ref":"refs/heads/other"}"#;
    for (delivery, journaled) in [
        (push(), 1),
        // GitHub's redelivery: the same id, the same body.
        (push(), 1),
        // phony sends every payload under one id.
        (sign("push", "guid-1", other), 2),
        // A second hook of the same repository has ids of its own.
        (sign("push", "guid-2", PUSH), 3),
    ] {
        let answer = world.deliver(&delivery).await.expect(200);
        assert_eq!(answer.text(), THANKS);
        assert_eq!(world.journal().await.len(), journaled);
    }
    let journal = world.journal().await;
    let ids: Vec<&str> = journal.iter().map(|line| line.delivery_id.as_str()).collect();
    assert_eq!(ids, ["guid-2", "guid-1", "guid-1"]);
    assert!(journal.iter().all(|line| line.repository == "org/repo" && line.event == "push"));
}

#[tokio::test]
async fn a_body_of_30_megabytes_is_refused_and_the_next_delivery_taken() {
    let world = World::new().await;
    let padding = "x".repeat(30_000_000);
    let large = format!(r#"{{"repository":{{"full_name":"org/repo"}},"padding":"{padding}"}}"#);
    // The connection may be closed before the whole body was sent, so the answer is read from the
    // router itself.
    let request = {
        let delivery = sign("push", "large", large);
        let mut request = http::Request::post("/hook").header("host", "localhost");
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        request.body(axum::body::Body::from(delivery.body)).expect("a request")
    };
    let Ok(response) = tower::ServiceExt::oneshot(world.process.router.clone(), request).await;
    assert_eq!(response.status().as_u16(), 413);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body");
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    assert!(text.contains("the body is larger than 26214400 bytes"), "{text}");
    assert_eq!(world.deliver(&push()).await.status, 200);
    assert_eq!(world.journal().await.len(), 1);
}

#[tokio::test]
async fn a_body_of_20_megabytes_is_taken_whole() {
    let world = World::new().await;
    let padding = "x".repeat(20_000_000);
    let large = format!(r#"{{"repository":{{"full_name":"org/repo"}},"padding":"{padding}"}}"#);
    let size = large.len() as u64;
    world.deliver(&sign("push", "large", large)).await.expect(200);
    assert_eq!(world.journal().await[0].body_bytes, size);
}

const SECRETS: &str = r#"
"*":
- value: for-all
  created_at: 2020-01-01T00:00:00Z
org:
- value: old
  created_at: 2020-01-01T00:00:00Z
- value: new
  created_at: 2021-01-01T00:00:00Z
org/repo:
- value: own
  created_at: 2021-01-01T00:00:00Z
"#;

#[tokio::test]
async fn the_secret_of_the_repository_then_of_the_org_then_of_all_signs() {
    let world = Setup::default().secrets(SECRETS).start().await;
    for (body, secret, status) in [
        (r#"{"repository":{"full_name":"org/repo"}}"#, "own", 200),
        (r#"{"repository":{"full_name":"org/repo"}}"#, "new", 403),
        (r#"{"repository":{"full_name":"org/repo"}}"#, "for-all", 403),
        (r#"{"repository":{"full_name":"org/other"}}"#, "old", 200),
        (r#"{"repository":{"full_name":"org/third"}}"#, "new", 200),
        (r#"{"repository":{"full_name":"org/other"}}"#, "own", 403),
        (r#"{"organization":{"login":"org"}}"#, "new", 200),
        (r#"{"repository":{"full_name":"else/where"}}"#, "for-all", 200),
        (r#"{"repository":{"full_name":"else/where"}}"#, "new", 403),
        (r#"{"zen":"no repository"}"#, "for-all", 200),
    ] {
        let delivery = sign("push", "guid", body).signed_with(secret);
        assert_eq!(world.deliver(&delivery).await.status, status, "{body} with {secret}");
    }
}

#[tokio::test]
async fn without_a_secret_for_a_repository_its_deliveries_are_refused() {
    let world = Setup::default().secrets("org/repo: [{value: own}]\n").start().await;
    let body = r#"{"repository":{"full_name":"else/where"}}"#;
    let answer = world.deliver(&sign("push", "guid", body).signed_with("own")).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("no webhook secret is configured"), "{}", answer.text());
}

#[tokio::test]
async fn a_changed_secret_file_is_followed() {
    let world = World::new().await;
    assert_eq!(world.deliver(&push()).await.status, 200);
    // File systems keep times too coarsely for two writes of one test.
    let file = world.config_file("secret");
    std::fs::write(&file, "rotated\n").expect("a file");
    let opened = std::fs::File::options().write(true).open(&file).expect("a file");
    let written = opened.metadata().and_then(|file| file.modified()).expect("a time");
    opened.set_modified(written + std::time::Duration::from_secs(10)).expect("a time");
    world.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(world.deliver(&push()).await.status, 403);
    let delivery = sign("push", "guid-2", PUSH).signed_with("rotated");
    assert_eq!(world.deliver(&delivery).await.status, 200);
}

#[tokio::test]
async fn every_answer_is_counted_and_every_taken_event() {
    let world = World::new().await;
    world.deliver(&push()).await.expect(200);
    world.deliver(&push().without("x-github-event")).await.expect(400);
    world.deliver(&push().without("x-hub-signature-256")).await.expect(403);
    world.deliver(&sign("Not An Event!", "guid", PUSH)).await.expect(200);
    let metrics = world.get("/metrics").await.text();
    for line in [
        r#"prow_webhook_counter{event_type="push"} 1"#,
        r#"prow_webhook_counter{event_type="other"} 1"#,
        r#"prow_webhook_response_codes{response_code="200"} 2"#,
        r#"prow_webhook_response_codes{response_code="400"} 1"#,
        r#"prow_webhook_response_codes{response_code="403"} 1"#,
    ] {
        assert!(metrics.lines().any(|have| have == line), "{line} is missing in:\n{metrics}");
    }
}
