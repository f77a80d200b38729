//! `/metrics`, `/healthz`, `/healthz/ready`, `/status`.

use serde_json::json;
use tests::fake_github::{Fault, FaultKind};
use tests::world::{MEMBER, ORG, REPO, Setup, World};

const JOBS: &str = r#"
presubmits:
  org/repo:
  - name: unit
    always_run: true
    spec: {containers: [{image: none, command: ["true"]}]}
"#;

#[tokio::test]
async fn a_run_from_end_to_end_shows_in_the_metrics_under_prows_names() {
    let world = Setup::default().jobs(JOBS).running().start().await;
    world.github.push(MEMBER, ORG, REPO, "topic", &[("a.txt", "a\n")]).await;
    let number = world.github.open_pull(MEMBER, ORG, REPO, "topic", "Add a").await;
    world.run_when("unit succeeds", |job| job.status.state.as_str() == "success").await;
    let head = world.github.pull(ORG, REPO, number).head.sha;
    let green = world.github.until(|github| {
        github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state == "success")
    });
    tokio::time::timeout(tests::world::SOON, green).await.expect("a status");
    world.get("/prowjobs.js").await.expect(200);
    world.get("/no/such/page").await.expect(404);
    // plank takes a sample twice a minute.
    let jobs = world.prow_jobs().await;
    world.process.deps.plank.metrics.sample(jobs.iter().map(|job| &**job));
    let text = world.get("/metrics").await.expect(200);
    assert!(text.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = text.text();
    let missing: Vec<&str> = [
        "prow_webhook_counter{event_type=\"pull_request\"} 1",
        "prow_webhook_response_codes{response_code=\"200\"} ",
        "prow_plugin_handle_duration_seconds_count{",
        "prowjobs{",
        "prowjob_state_transitions{",
        "crier_reporting_results{",
        "crier_report_latency_bucket{",
        "sinker_pods_existing ",
        "sinker_prow_jobs_existing ",
        "sinker_loop_duration_seconds",
        "deck_http_request_duration_seconds_bucket{method=\"GET\",path=\"/prowjobs.js\",status=\"200\",le=\"0.005\"}",
        "deck_http_request_duration_seconds_count{method=\"GET\",path=\"unmatched\",status=\"404\"}",
        "deck_http_response_size_bytes_bucket{method=\"GET\",path=\"/prowjobs.js\",status=\"200\",le=\"16384\"}",
        "bowsprit_config_load_failed 0",
        "bowsprit_component_up{component=\"plank\"} 1",
    ]
    .into_iter()
    .filter(|name| !text.lines().any(|line| line.starts_with(name)))
    .collect();
    assert!(missing.is_empty(), "{missing:#?} are missing in:\n{text}");
    for label in [
        "job_namespace",
        "job_name",
        "type",
        "state",
        "org",
        "repo",
        "base_ref",
        "cluster",
        "retest",
    ] {
        let line = text.lines().find(|line| line.starts_with("prowjobs{")).unwrap_or_default();
        assert!(line.contains(&format!("{label}=\"")), "{label} is missing in {line}");
    }
}

#[tokio::test]
async fn a_process_is_ready_when_every_component_runs_and_its_lists_are_whole() {
    let world = Setup::default().by_hand().start().await;
    assert_eq!(world.get("/healthz").await.expect(200).text(), "OK");
    let answer = world.get("/healthz/ready").await.expect(503);
    assert_eq!(answer.text(), "not running: run-feed\n");
    world.process.start();
    world.process.web.runs.filled().await;
    assert_eq!(world.get("/healthz/ready").await.expect(200).text(), "OK");
}

#[tokio::test]
async fn a_component_that_fails_is_named_with_its_error_and_the_others_go_on() {
    let world = World::new().await;
    world
        .process
        .web
        .supervisor
        .spawn("tide", |_, _| async { anyhow::bail!("the pool <b>cannot</b> be read") });
    let named = async { while world.get("/healthz/ready").await.status != 503 {} };
    tokio::time::timeout(tests::world::SOON, named).await.expect("a failure");
    assert!(world.get("/healthz/ready").await.text().contains("tide"));
    assert_eq!(world.get("/healthz").await.status, 200);
    let status = world.get("/status").await.expect(200).text();
    assert!(status.contains("the pool &lt;b&gt;cannot&lt;/b&gt; be read"), "{status}");
    assert!(status.contains("run-feed"));
    let metrics = world.get("/metrics").await.text();
    for line in [
        "bowsprit_component_up{component=\"tide\"} 0",
        "bowsprit_component_up{component=\"run-feed\"} 1",
    ] {
        assert!(metrics.lines().any(|have| have == line), "{line}:\n{metrics}");
    }
    world.get("/").await.expect(200);
}

#[tokio::test]
async fn a_report_that_is_refused_is_said_on_the_status_page_and_the_next_one_is_made() {
    let world = Setup::default().jobs(JOBS).running().start().await;
    world.github.push(MEMBER, ORG, REPO, "topic", &[("a.txt", "a\n")]).await;
    let message = json!({"message": "the statuses are closed today"});
    let answer = FaultKind::Answer { status: 422, headers: Vec::new(), body: message.to_string() };
    world.github.fail(Fault::new(answer).on("POST", "/statuses/").times(1));
    let number = world.github.open_pull(MEMBER, ORG, REPO, "topic", "Add a").await;
    let head = world.github.pull(ORG, REPO, number).head.sha;
    let green = world.github.until(|github| {
        github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state == "success")
    });
    tokio::time::timeout(tests::world::SOON, green).await.expect("the last state is reported");
    let page = world.get("/status").await.expect(200).text();
    assert!(page.contains("the statuses are closed today"), "{page}");
    world.get("/healthz/ready").await.expect(200);
}

#[tokio::test]
async fn metrics_with_a_port_of_their_own_are_nowhere_else() {
    let world =
        Setup::default().settings(|settings| settings.metrics_port = Some(9090)).start().await;
    world.get("/metrics").await.expect(404);
    let page = world.get("/status").await.expect(200).text();
    assert!(!page.contains("\"/metrics\""), "{page}");
    let metrics = server::web::router::metrics_routes().with_state(world.process.web.clone());
    let request = axum::http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(metrics, request).await.unwrap();
    assert_eq!(answer.status(), 200);
}
