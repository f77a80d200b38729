//! Jobs that the pull request brings along, read with git.

use tests::world::Setup;

use super::*;

const ON: &str = "in_repo_config: {enabled: {org/repo: true}}\n";
const CENTRAL: &str = r#"
presubmits:
  org/repo:
  - name: central
    always_run: true
    spec: {containers: [{image: none, command: [sh, -c, "true"]}]}
"#;
const OWN: &str = r#"
presubmits:
- name: own
  always_run: true
  spec: {containers: [{image: none, command: [sh, -c, "true"]}]}
"#;

#[tokio::test]
async fn a_pull_request_that_adds_a_job_runs_it() {
    let world = Installation::new(ON, CENTRAL, &[("README.md", "# Repo\n")]).await;
    world.github.push("member", ORG, REPO, "topic", &[(".prow.yaml", OWN)]).await;
    let number = world.github.open_pull("member", ORG, REPO, "topic", "Add a job").await;
    world.hear().await;
    assert_eq!(world.outline().await, ["central triggered", "own triggered"]);
    world.github.comment("member", ORG, REPO, number, "/test ?").await;
    world.hear().await;
    let help = world.answers(number).pop().expect("help");
    assert!(help.contains("/test own") && help.contains("/test central"), "{help}");
    world.settle().await;
    assert_eq!(world.outline().await, ["central success", "own success"]);
}

#[tokio::test]
async fn definitions_that_are_broken_or_conflict_leave_the_central_jobs() {
    let world = Installation::new(ON, CENTRAL, &[(".prow.yaml", OWN)]).await;
    let broken = "presubmits:\n- name: own\n  always_run: perhaps\n";
    world.github.push("member", ORG, REPO, "topic", &[(".prow.yaml", broken)]).await;
    let number = world.github.open_pull("member", ORG, REPO, "topic", "Break it").await;
    world.hear().await;
    assert_eq!(world.outline().await, ["central triggered"]);
    let complaint = world.answers(number).pop().expect("a complaint");
    assert!(
        complaint.contains("cannot be used") && complaint.contains(".prow.yaml"),
        "{complaint}"
    );
    assert!(complaint.contains("always_run"), "{complaint}");
    world.github.comment("member", ORG, REPO, number, "/test central").await;
    world.hear().await;
    assert_eq!(world.answers(number).len(), 1, "it is said once per commit");
}

#[tokio::test]
async fn the_jobs_of_a_private_repository_are_read_with_the_token_of_the_code_host() {
    let world = Setup::default().prow(ON).jobs(CENTRAL).running().start().await;
    world.github.make_private(ORG, REPO);
    world.github.push("member", ORG, REPO, "topic", &[(".prow.yaml", OWN)]).await;
    world.github.open_pull("member", ORG, REPO, "topic", "Add a job").await;
    world.run_when("its own job runs", |run| run.spec.job == "own").await;
}
