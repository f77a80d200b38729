//! The lenses of a run: which it has, what they show, and that nothing of strangers runs in a page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method as Asked, StatusCode};
use axum::routing::any;
use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::world::{Setup, World};

const ATTACK: &[u8] = b"<title>Report \"><script>top.hurt=1</script></title>\
    <meta name=description content=\"what <b>it</b> is\">\
    <script>parent.document.body.remove(); fetch('/rerun', {method: 'POST'})</script>";
const MARKDOWN: &[u8] =
    b"# Summary\n\n<script>hurt()</script>\n\n[bad](javascript:hurt()) [good](report.html)\n";
const REST: &[u8] = br#"{"uniqueHits": 1, "expectedUniqueHits": 4, "percent": 25.0,
    "endpoints": {"/pets/{id}": {"get": {"percent": 5.0, "expectedUniqueHits": 4, "uniqueHits": 1}}}}"#;
const PROFILE: &[u8] =
    b"mode: set\nexample.com/a/x.go:1.1,2.2 3 1\nexample.com/b/y.go:1.1,2.2 1 0\n";

async fn run_with(world: &World, files: &[(&str, &[u8])]) {
    world.store_run("nightly-1", "nightly", "17", "success", files).await;
}

#[tokio::test]
async fn every_lens_whose_files_are_there_has_a_tab_and_shows_them() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("finished.json", b"{}"),
        ("artifacts/report.html", ATTACK),
        ("artifacts/summary.md", MARKDOWN),
        ("artifacts/node-logs.link.txt", b"gs://elsewhere/logs/"),
        ("artifacts/bad.link.txt", b"javascript:hurt()"),
        ("artifacts/rest-coverage.json", REST),
        ("artifacts/filtered.cov", PROFILE),
    ];
    run_with(&world, files).await;
    let page = world.get("/run/nightly-1").await.expect(200).text();
    let at =
        |word: &str| page.find(&format!("tab=lens-{word}\"")).unwrap_or_else(|| panic!("{word}"));
    let order = ["restcoverage", "html", "markdown", "coverage", "links"].map(at);
    assert!(order.is_sorted(), "by priority and name: {order:?}");

    let html = world.get("/run/nightly-1?tab=lens-html").await.expect(200).text();
    assert!(
        html.contains("Report &quot;")
            || html.contains("Report \"&gt;")
            || html.contains("Report \">&lt;")
    );
    assert!(!html.contains("<script>top.hurt"), "a title is text");
    assert!(html.contains("sandbox=\"allow-scripts\""), "without an origin");
    let frame = "/file/artifacts/logs/nightly/17/artifacts/report.html?frame";
    assert!(html.contains(frame));
    let frame = world.get(frame).await.expect(200);
    assert!(frame.header("content-type").starts_with("text/html"));
    let policy = frame.header("content-security-policy");
    for rule in [
        "sandbox allow-scripts;",
        "default-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("allow-same-origin") && !policy.contains("allow-top-navigation"));
    assert_eq!(frame.header("x-frame-options"), "SAMEORIGIN");

    let markdown = world.get("/run/nightly-1?tab=lens-markdown").await.expect(200).text();
    assert!(markdown.contains("<h1>Summary</h1>") && markdown.contains("&lt;script&gt;"));
    assert!(!markdown.contains("href=\"javascript"));
    assert!(markdown.contains("/file/artifacts/logs/nightly/17/artifacts/report.html?preview"));

    let links = world.get("/run/nightly-1?tab=lens-links").await.expect(200).text();
    assert!(links.contains("Node logs") && links.contains("href=\"/gcs/elsewhere/logs"));
    assert!(!links.contains("href=\"javascript"));

    let rest = world.get("/run/nightly-1?tab=lens-restcoverage").await.expect(200).text();
    assert!(rest.contains("/pets/{id}") && rest.contains("never called"));

    let coverage = world.get("/run/nightly-1?tab=lens-coverage").await.expect(200).text();
    assert!(coverage.contains("75.0") && coverage.contains("example.com/a/"));
}

#[tokio::test]
async fn files_of_a_wrong_shape_are_told_and_cost_nothing_else() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("artifacts/a.link.json", b"[1, 2"),
        (
            "artifacts/b.link.json",
            br#"{"title": "Logs", "links": [{"name": "x", "url": "https://x/"}]}"#,
        ),
        ("artifacts/large.link.txt", &[b'x'; 40_000]),
        ("artifacts/rest-coverage.json", b"[]"),
        ("artifacts/filtered.cov", b"\x00\x01 no profile"),
        ("artifacts/x.html", b"\xff\xfe"),
        ("artifacts/x.md", b"\xff\xfe # ok"),
    ];
    run_with(&world, files).await;
    let links = world.get("/run/nightly-1?tab=lens-links").await.expect(200).text();
    assert!(links.contains("artifacts/a.link.json holds no group of links"));
    assert!(links.contains("artifacts/large.link.txt is larger") && links.contains("https://x/"));
    let rest = world.get("/run/nightly-1?tab=lens-restcoverage").await.expect(200).text();
    assert!(rest.contains("no report of REST coverage"));
    let coverage = world.get("/run/nightly-1?tab=lens-coverage").await.expect(200).text();
    assert!(coverage.contains("artifacts/filtered.cov"));
    for lens in ["html", "markdown"] {
        world.get(&format!("/run/nightly-1?tab=lens-{lens}")).await.expect(200);
    }
    // A lens that is not there is not shown; the page is.
    world.get("/run/nightly-1?tab=lens-nothing").await.expect(200);
    // A frame shows HTML alone.
    world.get("/file/artifacts/logs/nightly/17/artifacts/x.md?frame").await.expect(400);
    world.get("/file/artifacts/logs/nightly/17/artifacts/none.html?frame").await.expect(404);
}

/// What a lens's server was asked.
type Heard = Arc<Mutex<Vec<(Asked, Value)>>>;

/// A server that offers lenses: `/good` answers, `/bad` fails, `/long` never ends.
async fn lens_server() -> (SocketAddr, Heard) {
    async fn good(State(heard): State<Heard>, method: Asked, body: Bytes) -> String {
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let action = request["action"].as_str().unwrap_or_default().to_owned();
        heard.lock().push((method, request));
        match action.as_str() {
            "initial" => "<html><body><script>drawn()</script></body></html>".to_owned(),
            other => format!("<b>{other}</b>"),
        }
    }
    let heard = Heard::default();
    let long = || async { vec![b'x'; 11 << 20] };
    let moved = || async { axum::response::Redirect::temporary("http://127.0.0.1:1/") };
    let router = Router::new()
        .route("/good", any(good))
        .route("/bad", any(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/long", any(long))
        .route("/moved", any(moved))
        .with_state(heard.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
    (address, heard)
}

fn request(fields: Value) -> String {
    let text: String = fields
        .to_string()
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("req={text}")
}

#[tokio::test]
async fn a_lens_of_another_server_is_asked_as_deck_asks_it() {
    let (server, heard) = lens_server().await;
    let entry = |name: &str, path: &str, priority: u8| {
        format!(
            "- {{required_files: ['^artifacts/.*\\.data$'], lens: {{name: {name}, config: {{deep: 1}}}}, \
             remote_config: {{endpoint: 'http://{server}/{path}', static_root: 'https://assets.example/x', \
             title: 'The {name}', priority: {priority}, hide_title: false}}}}\n"
        )
    };
    let lenses: String = [
        "- {required_files: [build-log.txt], lens: {name: buildlog}}\n".to_owned(),
        entry("good", "good", 9),
        entry("bad", "bad", 8),
        entry("long", "long", 7),
        entry("moved", "moved", 6),
        entry("gone", "gone", 5).replace(&server.to_string(), "127.0.0.1:1"),
    ]
    .concat();
    let lenses: String = lenses.lines().map(|line| format!("    {line}\n")).collect();
    let world =
        Setup::default().prow(format!("deck:\n  spyglass:\n    lenses:\n{lenses}")).start().await;
    run_with(
        &world,
        &[("artifacts/a.data", b"x"), ("artifacts/b.data", b"y"), ("secret.txt", b"z")],
    )
    .await;
    let page = world.get("/run/nightly-1?tab=lens-good").await.expect(200).text();
    assert!(page.contains("The good") && page.contains("sandbox=\"allow-scripts allow-popups"));
    assert!(!page.contains("tab=lens-html"), "a lens that is not configured is none");

    let source = "file/artifacts/logs/nightly/17";
    let ask = |lens: &str, resource: &str, fields: Value| {
        let address = format!("/spyglass/lens/{lens}/{resource}?{}", request(fields));
        let method = if resource == "iframe" { Method::GET } else { Method::POST };
        world.ask(world.request(method, &address).body("the question"))
    };
    let own = |index: i64| json!({"src": source, "index": index});
    let frame = ask("good", "iframe", own(1)).await.expect(200);
    assert_eq!(frame.text(), "<html><body><script>drawn()</script></body></html>");
    let policy = frame.header("content-security-policy");
    assert!(policy.starts_with("sandbox allow-scripts") && !policy.contains("allow-same-origin"));
    assert_eq!(frame.header("x-frame-options"), "SAMEORIGIN");
    let answer = ask("good", "callback", own(1)).await.expect(200);
    assert_eq!(answer.text(), "<b>callback</b>");
    assert!(answer.header("content-type").starts_with("text/plain"));
    ask("good", "rerender", own(1)).await.expect(200);
    let address = format!("/spyglass/lens/good/update?{}", request(own(1)));
    let update = world.request(Method::POST, &address).body("data=page%202+of+3");
    let updated = world.ask(update).await.expect(200);
    assert_eq!(updated.text(), "<html><body><b>rerender</b></body></html>");
    assert!(updated.header("content-security-policy").starts_with("sandbox allow-scripts"));
    {
        let heard = heard.lock();
        let first = &heard[0].1;
        assert_eq!(first["artifacts"], json!(["artifacts/a.data", "artifacts/b.data"]));
        assert_eq!(first["ArtifactSource"], source);
        assert_eq!((&first["config"], &first["index"]), (&json!({"deep": 1}), &json!(1)));
        assert_eq!(first["resourceRoot"], "https://assets.example/x/");
        assert_eq!(first.get("data"), None);
        assert_eq!((heard[1].0.as_str(), &heard[1].1["data"]), ("POST", &json!("the question")));
        assert_eq!(heard[2].1["action"], "rerender");
        assert_eq!((heard[3].0.as_str(), &heard[3].1["action"]), ("GET", &json!("initial")));
        assert_eq!((heard[4].0.as_str(), &heard[4].1["data"]), ("POST", &json!("page 2 of 3")));
    }

    // A lens that fails says so in its frame; the page does not depend on it.
    for (lens, index) in [("bad", 2), ("long", 3), ("moved", 4), ("gone", 5)] {
        let frame = ask(lens, "iframe", own(index)).await.expect(502);
        assert!(frame.text().contains("does not answer as it should"), "{lens}");
        assert!(frame.header("content-security-policy").starts_with("sandbox;"), "{lens}");
        ask(lens, "callback", own(index)).await.expect(502);
        world.get(&format!("/run/nightly-1?tab=lens-{lens}")).await.expect(200);
    }

    // Requests that no page of ours makes.
    for (fields, status) in [
        (json!({"src": source, "index": -1}), 400),
        (json!({"src": source, "index": 1_000_000_000}), 400),
        (json!({"src": source, "index": "1"}), 400),
        (json!({"src": "file/other-bucket", "index": 1}), 400),
        (json!({"src": "ftp/a/b/c", "index": 1}), 400),
        (json!({"src": "file/artifacts/logs/nightly/99", "index": 1}), 404),
        (json!({"src": source, "index": 1, "artifacts": ["../../x"]}), 400),
        (json!({"src": source, "index": 1, "artifacts": ["/etc/passwd"]}), 400),
        (json!({"src": source, "index": 1, "artifacts": ["secret.txt"]}), 404),
        (json!({"src": source, "index": 1, "artifacts": vec!["a"; 6_000]}), 400),
        // The configuration changed under the page: the name counts.
        (json!({"src": source, "index": 3}), 200),
    ] {
        let said = ask("good", "iframe", fields.clone()).await;
        let short = fields.to_string().chars().take(90).collect::<String>();
        assert_eq!(said.status, status, "{short}: {}", said.text());
    }
    ask("nobody", "iframe", own(1)).await.expect(404);
    ask("buildlog", "iframe", own(0)).await.expect(404);
    ask("good", "other", own(1)).await.expect(404);
    world.get("/spyglass/lens/good/iframe?req=%7B").await.expect(400);
}

#[tokio::test]
async fn a_frame_of_a_hidden_job_is_as_if_it_were_not_there() {
    let jobs = "\
periodics:
- {name: secret, interval: 1h, hidden: true, spec: {containers: [{image: i}]}}
";
    let world = Setup::default().jobs(jobs).start().await;
    world.store_run("secret-1", "secret", "1", "success", &[("a.html", b"x")]).await;
    world.get("/file/artifacts/logs/secret/1/a.html?frame").await.expect(404);
}
