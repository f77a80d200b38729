//! Jobs that cannot be run.

use tests::world::{ORG, Program, REPO, Setup};

use crate::program::*;

/// A job, what is wrong with it, and words that its page or log must say.
const JOBS: [(&str, &str, &str); 6] = [
    (
        "bare-command",
        "spec: {containers: [{image: none, command: [/no/such/program]}]}",
        "/no/such/program",
    ),
    (
        "decorated-command",
        "decorate: true\n    spec: {containers: [{image: none, command: [/no/such/program]}]}",
        "/no/such/program",
    ),
    (
        "clone-path",
        "decorate: true\n    clone_uri: /no/such/repository.git\n    spec: {containers: [{image: none, command: [\"true\"]}]}",
        "/no/such/repository.git",
    ),
    (
        "clone-address",
        "decorate: true\n    clone_uri: http://127.0.0.1:9/none.git\n    spec: {containers: [{image: none, command: [\"true\"]}]}",
        "127.0.0.1:9",
    ),
    (
        "foreign",
        "decorate: true\n    clone_uri: https://example.invalid/none.git\n    spec: {containers: [{image: none, command: [\"true\"]}]}",
        "--trust-repo",
    ),
    ("good", "decorate: true\n    spec: {containers: [{image: none, command: [\"true\"]}]}", ""),
];

#[tokio::test]
async fn a_job_that_cannot_run_says_why_and_the_others_run() {
    let mut yaml = "presubmits:\n  org/repo:\n".to_owned();
    for (name, rest, _) in JOBS {
        yaml.push_str(&format!("  - name: {name}\n    always_run: true\n    {rest}\n"));
    }
    let program = Program::new(EXE, Setup::default().prow(PROW).jobs(yaml)).await;
    let (_, head) = program.open_pull("topic").await;
    let serving = program.start().await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    program
        .github_when("every job has ended", |github| {
            let states = github.states(ORG, REPO, &head);
            states.len() == JOBS.len() && states.values().all(|state| state != "pending")
        })
        .await;
    let states = program.github.states(ORG, REPO, &head);
    let list = serving.get("/prowjobs.js").await.expect(200).json();
    for (name, _, words) in JOBS {
        let items = list["items"].as_array().expect("items");
        let job = items.iter().find(|job| job["spec"]["job"] == name).expect("a run");
        let state = job["status"]["state"].as_str().unwrap_or_default();
        if name == "good" {
            assert_eq!((state, states[name].as_str()), ("success", "success"));
            continue;
        }
        assert!(state == "failure" || state == "error", "{name} is {state}");
        assert!(["failure", "error"].contains(&states[name].as_str()), "{states:?}");
        assert!(job["status"]["description"].as_str().is_some_and(|text| !text.is_empty()));
        let id = job["metadata"]["name"].as_str().unwrap_or_default();
        let page = serving.get(&format!("/run/{id}")).await.expect(200).text();
        assert!(page.contains(words), "{name}: {page}");
    }
    serving.kill().await;
}
