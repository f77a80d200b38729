//! The run's folder.

use ::blob::BlobUri;
use job_spec::{DecorationConfig, GcsConfiguration};
use serde_json::Value;

use super::*;

const PROW: &str = "\
plank:
  default_decoration_configs:
    '*':
      gcs_configuration: {bucket: 'file://guess', path_strategy: explicit}
      utility_images: {clonerefs: a, initupload: b, entrypoint: c, sidecar: d}
";

fn decorated(name: &str, state: ProwJobState) -> ProwJob {
    let mut job = run(name, state);
    job.spec.decoration_config = Some(Arc::new(DecorationConfig {
        gcs_configuration: Some(GcsConfiguration {
            bucket: "file://results".to_owned(),
            path_strategy: "explicit".to_owned(),
            ..GcsConfiguration::default()
        }),
        ..DecorationConfig::default()
    }));
    job.status.build_id = "42".to_owned();
    job
}

async fn read(world: &World, file: &str) -> Option<String> {
    let uri: BlobUri = file.parse().unwrap();
    let bytes = world.blobs.read(&uri, 1 << 20).await.ok()?;
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

const DIR: &str = "file://results/pr-logs/pull/org_repo/5/a/42";

#[tokio::test]
async fn the_folder_gets_the_prow_job_and_what_the_pod_did_not_write() {
    let world = world(PROW).await;
    world.put(decorated("a", ProwJobState::Pending));
    world.sync().await;
    let prowjob = read(&world, &format!("{DIR}/prowjob.json")).await.unwrap();
    assert!(prowjob.starts_with("{\n\t\""), "{prowjob}");
    let parsed: Value = serde_json::from_str(&prowjob).unwrap();
    assert_eq!(parsed["status"]["state"], "pending");
    let started = read(&world, &format!("{DIR}/started.json")).await.unwrap();
    let started: Value = serde_json::from_str(&started).unwrap();
    assert_eq!(started["timestamp"], NOW - 60);
    assert_eq!(started["pull"], "5");
    assert_eq!(started["repos"]["org/repo"], format!("main:{BASE},5:{HEAD}"));
    assert_eq!(started["repo-commit"], HEAD);
    assert_eq!(started["metadata"]["uploader"], "crier");
    assert_eq!(read(&world, &format!("{DIR}/finished.json")).await, None);

    world.put(decorated("a", ProwJobState::Failure));
    world.sync().await;
    let finished = read(&world, &format!("{DIR}/finished.json")).await.unwrap();
    let finished: Value = serde_json::from_str(&finished).unwrap();
    assert_eq!(finished["result"], "failure");
    assert_eq!(finished["passed"], false);
    assert_eq!(finished["timestamp"], NOW - 1);
    assert_eq!(finished["metadata"]["uploader"], "crier");
    let prowjob = read(&world, &format!("{DIR}/prowjob.json")).await.unwrap();
    assert!(prowjob.contains("\"failure\""));
}

#[tokio::test]
async fn what_the_pod_wrote_stays() {
    let world = world(PROW).await;
    let options = ::blob::WriteOptions::default();
    for (file, text) in [
        ("started.json", r#"{"timestamp":1,"repo-commit":"abc"}"#),
        ("finished.json", r#"{"timestamp":2,"passed":true,"result":"SUCCESS"}"#),
    ] {
        let uri: BlobUri = format!("{DIR}/{file}").parse().unwrap();
        world.blobs.write(&uri, text, &options).await.unwrap();
    }
    world.put(decorated("a", ProwJobState::Success));
    world.sync().await;
    let started = read(&world, &format!("{DIR}/started.json")).await.unwrap();
    assert_eq!(started, r#"{"timestamp":1,"repo-commit":"abc"}"#);
    let finished = read(&world, &format!("{DIR}/finished.json")).await.unwrap();
    assert!(finished.contains("SUCCESS"));
}

#[tokio::test]
async fn criers_own_start_is_brought_up_to_the_commit_that_was_cloned() {
    let world = world(PROW).await;
    let job = decorated("a", ProwJobState::Pending);
    world.put(job.clone());
    world.sync().await;
    let records = serde_json::json!([
        {"refs": {"org": "", "repo": ""}, "commands": []},
        {"refs": job.spec.refs, "final_sha": "cafe"},
    ]);
    let uri: BlobUri = format!("{DIR}/clone-records.json").parse().unwrap();
    let text = serde_json::to_vec(&records).unwrap();
    world.blobs.write(&uri, text, &::blob::WriteOptions::default()).await.unwrap();
    world.put(decorated("a", ProwJobState::Failure));
    world.sync().await;
    let started = read(&world, &format!("{DIR}/started.json")).await.unwrap();
    assert!(started.contains("\"repo-commit\": \"cafe\""), "{started}");
}

#[tokio::test]
async fn a_job_without_decoration_is_filed_by_a_guess_and_a_periodic_has_no_start_of_criers() {
    let world = world(PROW).await;
    let mut job = run("a", ProwJobState::Success);
    job.status.build_id = "42".to_owned();
    job.spec.job_type = JobType::Periodic;
    job.spec.refs = None;
    world.put(job);
    world.sync().await;
    assert!(read(&world, "file://guess/logs/a/42/prowjob.json").await.is_some());
    assert!(read(&world, "file://guess/logs/a/42/finished.json").await.is_some());
    assert!(read(&world, "file://guess/logs/a/42/started.json").await.is_none());
}

#[tokio::test]
async fn a_run_without_a_build_id_or_a_bucket_is_no_error() {
    let world = world("").await;
    let mut nowhere = run("a", ProwJobState::Success);
    nowhere.status.build_id = "42".to_owned();
    world.put(nowhere);
    world.put(run("b", ProwJobState::Triggered));
    world.sync().await;
    let reported = |name: &str| {
        let states = world.cluster.jobs.one(name).status.prev_report_states.clone();
        states.contains_key(super::super::blob::NAME)
    };
    assert!(reported("run-a"), "nowhere to write is reported");
    assert!(!reported("run-b"), "without a build id it comes again");
}
