//! Running a configured job by its name: `POST /api/v1/runs`, and `mkpj --trigger-job` over it.

use std::process::ExitCode;

use clap::Parser;
use http::Method;
use serde_json::{Value, json};
use server::cli::mkpj;
use tests::world::{Answer, Setup, World};

const JOBS: &str = r#"
periodics:
- name: good
  cron: "0 0 1 1 *"
  spec: {containers: [{image: i, command: ["true"]}]}
- name: bad
  cron: "0 0 1 1 *"
  spec: {containers: [{image: i, command: ["false"]}]}
presubmits:
  org/other:
  - name: unit
    spec: {containers: [{image: other, command: ["true"]}]}
  org/repo:
  - name: unit
    labels: {team: a}
    spec: {containers: [{image: i, command: ["true"]}]}
  - name: secret
    hidden: true
    spec: {containers: [{image: i, command: ["true"]}]}
postsubmits:
  org/repo:
  - name: push
    spec: {containers: [{image: i, command: ["true"]}]}
"#;

async fn start(world: &World, wanted: Value) -> Answer {
    world.ask(world.request(Method::POST, "/api/v1/runs").body(wanted.to_string())).await
}

fn refs() -> Value {
    json!({
        "org": "org", "repo": "repo", "base_ref": "main", "base_sha": "1234",
        "pulls": [{"number": 7, "author": "ann", "sha": "5678", "head_ref": "fix"}],
        "clone_uri": "file:///etc",
    })
}

#[tokio::test]
async fn a_configured_job_is_run_on_the_code_that_was_named() {
    let world = Setup::default().jobs(JOBS).start().await;
    let answer = start(&world, json!({"job": "unit", "refs": refs()})).await.expect(201).json();
    let id = answer["id"].as_str().unwrap_or_default();
    assert_eq!(answer["url"], format!("/run/{id}"));
    let jobs = world.prow_jobs().await;
    let [job] = &jobs[..] else { panic!("{} ProwJobs", jobs.len()) };
    assert_eq!((job.metadata.name.as_str(), job.spec.job.as_str()), (id, "unit"));
    assert_eq!(job.metadata.labels["team"], "a");
    assert_eq!(job.status.description, "localhost started unit.");
    let tested = job.spec.refs.as_ref().expect("refs");
    assert_eq!((tested.repo.as_str(), tested.base_sha.as_str()), ("repo", "1234"));
    assert_eq!((tested.pulls[0].number, tested.pulls[0].head_ref.as_str()), (7, "fix"));
    assert_eq!(tested.clone_uri, "", "where the code comes from is not the caller's to say");

    // A postsubmit tests the branch alone.
    start(&world, json!({"job": "push", "refs": refs()})).await.expect(201);
    let jobs = world.prow_jobs().await;
    let push = jobs.iter().find(|job| job.spec.job == "push").expect("the postsubmit");
    assert!(push.spec.refs.as_ref().is_some_and(|refs| refs.pulls.is_empty()));
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_with_the_reason_and_starts_nothing() {
    let world = Setup::default().jobs(JOBS).start().await;
    let mut elsewhere = refs();
    elsewhere["repo"] = json!("third");
    for (wanted, status, words) in [
        (json!("unit"), 400, "no JSON of a job"),
        (json!({"job": "nope"}), 404, "No job nope is configured"),
        (json!({"job": "unit", "refs": elsewhere}), 404, "for this repository"),
        (json!({"job": "secret", "refs": refs()}), 404, "No job secret"),
        (json!({"job": "unit"}), 400, "refs.base_ref"),
        (json!({"job": "unit", "refs": {"base_ref": "main"}}), 400, "refs.pulls"),
    ] {
        let answer = start(&world, wanted.clone()).await.expect(status).json();
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{wanted}: {message}");
    }
    assert!(world.prow_jobs().await.is_empty());
}

#[tokio::test]
async fn other_machines_and_other_sites_start_nothing() {
    let world = Setup::default()
        .jobs(JOBS)
        .settings(|settings| settings.trust_loopback = false)
        .start()
        .await;
    let answer = start(&world, json!({"job": "good"})).await.expect(403).json();
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("login is not set up"), "{message}");

    let world = Setup::default().jobs(JOBS).start().await;
    let request = world
        .request(Method::POST, "/api/v1/runs")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
        .body(json!({"job": "good"}).to_string());
    world.ask(request).await.expect(403);
    assert!(world.prow_jobs().await.is_empty());
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: mkpj::Args,
}

/// How `mkpj --trigger-job` ends that asks this World.
async fn triggered(world: &World, flags: &[&str]) -> anyhow::Result<ExitCode> {
    let line = [
        "mkpj".to_owned(),
        "--trigger-job".to_owned(),
        format!("--server={}", world.url("/")),
        format!("--config-path={}", world.config_file("config.yaml").display()),
        format!("--job-config-path={}", world.config_file("jobs.yaml").display()),
    ];
    let flags = flags.iter().map(|flag| (*flag).to_owned());
    let line = Line::try_parse_from(line.into_iter().chain(flags))?;
    mkpj::run(line.args).await
}

#[tokio::test]
async fn mkpj_waits_for_the_run_and_ends_as_it_ends_if_told_to() {
    let world = Setup::default().jobs(JOBS).running().start().await;
    let end = triggered(&world, &["--job=good", "--fail-with-job"]).await.expect("a run");
    assert_eq!(end, ExitCode::SUCCESS);
    let end = triggered(&world, &["--job=bad"]).await.expect("a run");
    assert_eq!(end, ExitCode::SUCCESS);
    let end = triggered(&world, &["--job=bad", "--fail-with-job"]).await.expect("a run");
    assert_eq!(end, ExitCode::FAILURE);
    let states = world.prow_jobs().await;
    let mut states: Vec<_> = states.iter().map(|job| job.status.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["failure", "failure", "success"]);
}

#[tokio::test]
async fn mkpj_says_why_the_server_does_not_run_the_job() {
    let world = Setup::default()
        .jobs(JOBS)
        .settings(|settings| settings.trust_loopback = false)
        .start()
        .await;
    let error = format!("{:#}", triggered(&world, &["--job=good"]).await.expect_err("refused"));
    assert!(error.contains("403") && error.contains("login is not set up"), "{error}");
}
