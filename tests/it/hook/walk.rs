//! A pull request from its opening to its last status.

use super::*;

const JOBS: &str = r#"
presubmits:
  org/repo:
  - name: unit
    always_run: true
    spec: {containers: [{image: none, command: [sh, -c, "echo fine"]}]}
  - name: lint
    always_run: true
    spec: {containers: [{image: none, command: [sh, -c, "echo bad; exit 1"]}]}
  - name: manual
    optional: true
    spec: {containers: [{image: none, command: [sh, -c, "true"]}]}
postsubmits:
  org/repo:
  - name: after-merge
    branches: [^main$]
    spec: {containers: [{image: none, command: [sh, -c, "true"]}]}
"#;

const FILES: &[(&str, &str)] = &[("README.md", "# Repo\n")];

#[tokio::test]
async fn a_strangers_pull_request_is_vouched_for_tested_and_reported() {
    let world = Installation::new("", JOBS, FILES).await;
    world.github.fork("stranger", ORG, REPO).await;
    world.github.push("stranger", "stranger", REPO, "topic", &[("a.txt", "a\n")]).await;
    let number = world.github.open_pull("stranger", ORG, REPO, "stranger:topic", "Add a").await;
    world.hear().await;
    assert_eq!(world.github.labels(ORG, REPO, number), ["needs-ok-to-test"]);
    assert!(world.answers(number)[0].starts_with("Hi @stranger. Thanks for your PR."));
    assert!(world.runs().await.is_empty());

    world.github.comment("stranger", ORG, REPO, number, "/test all").await;
    world.hear().await;
    assert!(world.answers(number)[1].contains("until a trusted user reviews the PR"));
    assert!(world.runs().await.is_empty());

    world.github.comment("member", ORG, REPO, number, "Nice!\n/ok-to-test").await;
    world.hear().await;
    assert_eq!(world.github.labels(ORG, REPO, number), ["ok-to-test"]);
    assert_eq!(world.outline().await, ["lint triggered", "unit triggered"]);
    world.settle().await;
    assert_eq!(world.outline().await, ["lint failure", "unit success"]);
    let head = world.github.pull(ORG, REPO, number).head.sha;
    let states = world.github.states(ORG, REPO, &head);
    let states: Vec<(&str, &str)> =
        states.iter().map(|(context, state)| (context.as_str(), state.as_str())).collect();
    assert_eq!(states, [("lint", "failure"), ("unit", "success")]);
    let table = world.answers(number).pop().expect("the table of failures");
    assert!(table.contains("The following test **failed**"), "{table}");
    assert!(table.contains(&format!("lint | {head} | ")), "{table}");
    let statuses = world.github.statuses(ORG, REPO, &head);
    let base = world.github.pull(ORG, REPO, number).base.sha;
    assert!(statuses.iter().all(|s| s.description.ends_with(&format!(" BaseSHA:{base}"))));

    // Only what failed runs again, and the table follows.
    world.github.comment("stranger", ORG, REPO, number, "/retest").await;
    world.hear().await;
    assert_eq!(world.outline().await, ["lint failure", "lint triggered", "unit success"]);
    world.settle().await;
    let tables = world.answers(number);
    assert_eq!(tables.iter().filter(|body| body.contains("<!-- test report -->")).count(), 1);

    // The label still vouches for what is pushed later.
    world.github.push("stranger", "stranger", REPO, "topic", &[("b.txt", "b\n")]).await;
    world.hear().await;
    world.settle().await;
    let head = world.github.pull(ORG, REPO, number).head.sha;
    assert_eq!(world.github.states(ORG, REPO, &head).len(), 2);

    // The history has every run, with its end.
    let filter = store::RunFilter::default();
    let history = world.process.web.store.as_ref().expect("a store").runs();
    let page = history.page(&filter, None, 50).await.expect("a page");
    assert_eq!(page.rows.len(), world.runs().await.len());
    assert!(page.rows.iter().all(|row| row.completion.is_some() && !row.build_id.is_empty()));
}

#[tokio::test]
async fn a_merge_starts_the_postsubmits_of_the_branch() {
    let world = Installation::new("", JOBS, FILES).await;
    world.github.push("member", ORG, REPO, "topic", &[("a.txt", "a\n")]).await;
    world.hear().await;
    assert!(world.runs().await.is_empty(), "the job is for main");
    let number = world.github.open_pull("member", ORG, REPO, "topic", "Add a").await;
    let commit = world.github.merge("member", ORG, REPO, number).await;
    world.hear().await;
    let runs = world.runs().await;
    let after: Vec<_> = runs.iter().filter(|run| run.spec.job == "after-merge").collect();
    assert_eq!(after.len(), 1, "{:?}", world.outline().await);
    assert_eq!(after[0].spec.refs.as_ref().map(|refs| refs.base_sha.clone()), Some(commit));
    // The pull request was closed before its opening was handled, so its tests are not started.
    assert_eq!(runs.len(), 1, "{:?}", world.outline().await);
}

#[tokio::test]
async fn pushing_aborts_what_runs_and_only_the_newest_commit_keeps_its_status() {
    let slow = r#"
presubmits:
  org/repo:
  - name: slow
    always_run: true
    spec: {terminationGracePeriodSeconds: 1, containers: [{image: none, command: [sh, -c, "test -e /nonexistent || exec sleep 600"]}]}
"#;
    let world = Installation::new("", slow, FILES).await;
    world.github.push("member", ORG, REPO, "topic", &[("a.txt", "a\n")]).await;
    let number = world.github.open_pull("member", ORG, REPO, "topic", "Add a").await;
    world.hear().await;
    world.crank().await;
    let first = world.github.pull(ORG, REPO, number).head.sha;
    assert_eq!(world.github.states(ORG, REPO, &first)["slow"], "pending");

    world.github.close("member", ORG, REPO, number).await;
    world.hear().await;
    world.settle().await;
    assert_eq!(world.outline().await, ["slow aborted"]);
    assert_eq!(world.github.states(ORG, REPO, &first)["slow"], "failure");
}
