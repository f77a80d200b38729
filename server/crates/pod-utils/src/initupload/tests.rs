use job_spec::{JobType, Pull, Refs};
use serde_json::{Value, json};

use super::*;
use crate::testing::{START, World, periodic};

fn refs() -> Refs {
    Refs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        base_ref: "main".to_owned(),
        base_sha: "base".to_owned(),
        pulls: vec![Pull { number: 12, sha: "head".to_owned(), ..Pull::default() }],
        ..Refs::default()
    }
}

fn presubmit() -> JobSpec {
    let extra = Refs { repo: "other".to_owned(), pulls: Vec::new(), ..refs() };
    JobSpec {
        job_type: JobType::Presubmit,
        refs: Some(refs()),
        extra_refs: vec![extra],
        ..periodic("7")
    }
}

fn options(world: &World, log: &str) -> InituploadOptions {
    let log = if log.is_empty() { String::new() } else { world.text(log) };
    InituploadOptions { upload: world.upload_options(&[]), log }
}

async fn document(world: &World, key: &str) -> Value {
    serde_json::from_str(&world.object(key).await.unwrap()).unwrap()
}

const PULL_RUN: &str = "pr-logs/pull/org_repo/12/ci-job/7";

#[tokio::test]
async fn a_run_that_clones_begins_with_the_commit_that_was_cloned() {
    let world = World::new();
    let records = json!([
        {"refs": {"org": "", "repo": ""}},
        {"refs": refs(), "commands": [{"command": "git init"}], "final_sha": "merged"},
    ]);
    world.write("logs/clone.json", records.to_string());
    let options = options(&world, "logs/clone.json");
    run(&options, &presubmit(), &world.context).await.unwrap();
    assert_eq!(
        document(&world, &format!("{PULL_RUN}/started.json")).await,
        json!({
            "timestamp": START.seconds(),
            "pull": "12",
            "repos": {"org/other": "main:base", "org/repo": "main:base,12:head"},
            "repo-commit": "merged",
            "repo-version": "merged",
        })
    );
    let log = world.object(&format!("{PULL_RUN}/clone-log.txt")).await.unwrap();
    assert!(log.contains("# Cloning org/repo at main(base)"), "{log}");
    assert_eq!(document(&world, &format!("{PULL_RUN}/clone-records.json")).await, records);
    assert!(world.object(&format!("{PULL_RUN}/finished.json")).await.is_none());
    assert!(world.object("pr-logs/directory/ci-job/7.txt").await.is_some());
}

#[tokio::test]
async fn a_run_without_a_clone_begins_with_what_was_asked_for() {
    let world = World::new();
    run(&options(&world, ""), &presubmit(), &world.context).await.unwrap();
    let started = document(&world, &format!("{PULL_RUN}/started.json")).await;
    assert_eq!(started["repo-commit"], "head");
    run(&options(&world, ""), &periodic("1"), &world.context).await.unwrap();
    let started = document(&world, "logs/ci-job/1/started.json").await;
    assert_eq!(started, json!({"timestamp": START.seconds()}));
}

#[tokio::test]
async fn a_failed_clone_ends_the_run_with_its_log_as_build_log() {
    let world = World::new();
    let records = json!([{"refs": refs(), "failed": true,
        "commands": [{"command": "git merge", "output": "CONFLICT\n", "error": "exit status 1"}]}]);
    world.write("logs/clone.json", records.to_string());
    let error = run(&options(&world, "logs/clone.json"), &presubmit(), &world.context).await;
    assert!(matches!(error, Err(InituploadError::CloneFailed)));
    let log = world.object(&format!("{PULL_RUN}/build-log.txt")).await.unwrap();
    assert!(log.starts_with("# FAILED\n") && log.contains("CONFLICT"), "{log}");
    assert_eq!(
        document(&world, &format!("{PULL_RUN}/finished.json")).await,
        json!({"timestamp": START.seconds(), "passed": false, "result": "FAILURE"})
    );
}

#[tokio::test]
async fn an_unusable_clone_log_is_named() {
    let world = World::new();
    let missing = options(&world, "logs/clone.json");
    let error = run(&missing, &presubmit(), &world.context).await.unwrap_err().to_string();
    assert!(error.contains("logs/clone.json cannot be read"), "{error}");
    world.write("logs/clone.json", "{");
    let error = run(&missing, &presubmit(), &world.context).await.unwrap_err().to_string();
    assert!(error.contains("clone-records.json is not a JSON list"), "{error}");
    assert!(world.keys().await.is_empty());
}
