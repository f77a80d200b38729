//! `/rerun` and `/abort`.

use http::Method;
use serde_json::json;
use tests::world::{Answer, Setup, World, prow_job, with_refs};

const JOBS: &str = r#"
periodics:
- name: nightly
  interval: 24h
  labels: {new: label}
  spec: {containers: [{image: newer, command: ["true"]}]}
presubmits:
  org/repo:
  - name: unit
    branches: [^main$]
    spec: {containers: [{image: newer, command: ["true"]}]}
  - name: elsewhere
    branches: [^release$]
    spec: {containers: [{image: newer, command: ["true"]}]}
"#;

async fn world() -> World {
    let world = Setup::default().jobs(JOBS).start().await;
    world
        .put([
            prow_job("done", "nightly", "failure"),
            prow_job("retired", "no-longer-there", "success"),
            with_refs(prow_job("pull", "unit", "success"), "org", "repo", "ann"),
            with_refs(prow_job("branch", "elsewhere", "success"), "org", "repo", "ann"),
        ])
        .await;
    world
}

async fn accepting(world: &World, path: &str, accept: &str) -> Answer {
    world.ask(world.request(Method::POST, path).header("accept", accept)).await
}

#[tokio::test]
async fn rerun_shows_what_it_would_create_and_creates_nothing() {
    let world = world().await;
    let answer = world.get("/rerun?prowjob=done").await.expect(200);
    let yaml: serde_json::Value = serde_saphyr::from_str(&answer.text()).expect("YAML");
    assert_eq!(yaml["kind"], "ProwJob");
    assert_eq!(yaml["spec"]["job"], "nightly");
    assert_eq!(yaml["spec"]["pod_spec"]["containers"][0]["image"], "none");
    assert_eq!(yaml["status"]["state"], "triggered");
    assert_ne!(yaml["metadata"]["name"], "done");
    assert!(yaml["status"].get("completionTime").is_none());
    let latest = world.get("/rerun?prowjob=done&mode=latest").await.expect(200);
    let yaml: serde_json::Value = serde_saphyr::from_str(&latest.text()).expect("YAML");
    assert_eq!(yaml["spec"]["pod_spec"]["containers"][0]["image"], "newer");
    assert_eq!(yaml["metadata"]["labels"]["new"], "label");
    assert_eq!(world.prow_jobs().await.len(), 4);
}

#[tokio::test]
async fn rerun_creates_a_run_and_leads_to_it_in_the_form_that_was_asked_for() {
    let world = world().await;
    let page = accepting(&world, "/rerun?prowjob=done", "text/html").await.expect(303);
    let place = page.header("location").to_owned();
    assert!(place.starts_with("/run/"), "{place}");
    let json = accepting(&world, "/rerun?prowjob=pull&mode=latest", "application/json").await;
    let json = json.expect(200).json();
    assert_eq!(json["url"], format!("/run/{}", json["id"].as_str().unwrap_or_default()));
    let text = accepting(&world, "/rerun?prowjob=done", "*/*").await.expect(200).text();
    assert_eq!(text, "localhost successfully reran nightly.\n");
    // A form without script.
    let form = world
        .request(Method::POST, "/rerun")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("prowjob=done&mode=original");
    world.ask(form).await.expect(200);
    let jobs = world.prow_jobs().await;
    assert_eq!(jobs.len(), 8);
    let made = jobs.iter().find(|job| place.ends_with(&job.metadata.name)).expect("the run");
    assert_eq!(made.status.description, "localhost successfully reran nightly.");
    assert_eq!(made.status.state.as_str(), "triggered");
}

#[tokio::test]
async fn the_latest_definition_must_be_there_for_the_branch() {
    let world = world().await;
    for method in [Method::GET, Method::POST] {
        for (name, words) in [("retired", "not configured"), ("branch", "branch main")] {
            let path = format!("/rerun?prowjob={name}&mode=latest");
            let answer = world.ask(world.request(method.clone(), &path)).await.expect(400);
            assert!(answer.text().contains(words), "{}", answer.text());
        }
    }
    assert_eq!(world.prow_jobs().await.len(), 4);
}

#[tokio::test]
async fn only_a_run_that_goes_on_is_aborted() {
    let world = world().await;
    for (state, status) in [
        ("scheduling", 200),
        ("triggered", 200),
        ("pending", 200),
        ("success", 409),
        ("failure", 409),
        ("aborted", 409),
        ("error", 409),
    ] {
        let name = format!("in-{state}");
        world.put([prow_job(&name, "nightly", state)]).await;
        let answer = world.post(&format!("/abort?prowjob={name}")).await;
        assert_eq!(answer.status, status, "{state}: {}", answer.text());
        let jobs = world.prow_jobs().await;
        let job = jobs.iter().find(|job| job.metadata.name == name).expect("the run");
        if status == 200 {
            assert_eq!(job.status.state.as_str(), "aborted");
            assert_eq!(job.status.description, "localhost successfully aborted nightly.");
            // plank ends the Pod first.
            assert!(job.status.completion_time.is_none(), "{state}");
        } else {
            assert_eq!(job.status.state.as_str(), state);
            assert!(answer.text().contains(state), "{}", answer.text());
        }
    }
    assert_eq!(world.post("/abort").await.status, 400);
    assert_eq!(world.post("/abort?prowjob=nobody").await.status, 404);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = world.request(method, "/abort?prowjob=in-pending");
        assert_eq!(world.ask(request).await.status, 405);
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(world.ask(world.request(method, "/rerun?prowjob=done")).await.status, 405);
    }
}

#[tokio::test]
async fn an_abort_does_not_overwrite_what_changed_meanwhile() {
    let world = world().await;
    world.put([prow_job("going", "nightly", "pending")]).await;
    world.patch("going", json!({"status": {"pod_name": "going", "build_id": "42"}})).await;
    world.post("/abort?prowjob=going").await.expect(200);
    let jobs = world.prow_jobs().await;
    let job = jobs.iter().find(|job| job.metadata.name == "going").expect("the run");
    assert_eq!((job.status.pod_name.as_str(), job.status.build_id.as_str()), ("going", "42"));
}

#[tokio::test]
async fn every_change_leaves_an_audit_row_with_its_result() {
    let world = world().await;
    world.post("/rerun?prowjob=done").await.expect(200);
    world.post("/abort?prowjob=done").await.expect(409);
    world.ask_as("192.0.2.7:1000", Method::POST, "/rerun?prowjob=pull", &[]).await.expect(403);
    let store = world.process.web.store.as_ref().expect("a store");
    let rows = store.audit().list(&store::AuditFilter::default(), 10).await.expect("rows");
    let seen: Vec<(&str, &str, &str, bool)> = rows
        .iter()
        .map(|row| {
            let entry = &row.entry;
            let refused = entry.result.starts_with("refused: ");
            (entry.who.as_str(), entry.action.as_str(), entry.target.as_str(), refused)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("192.0.2.7", "rerun", "pull", true),
            ("localhost", "abort", "done", true),
            ("localhost", "rerun", "done", false),
        ]
    );
}
