use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::*;
use crate::Interrupt;
use crate::testing::{START, World, periodic};

const RUN: &str = "logs/ci-job/1";

fn entry(world: &World, prefix: &str) -> WrapperOptions {
    WrapperOptions {
        args: vec!["make".to_owned(), "test".to_owned()],
        container_name: prefix.trim_end_matches('-').to_owned(),
        process_log: world.text(&format!("logs/{prefix}log.txt")),
        marker_file: world.text(&format!("logs/{prefix}marker.txt")),
        metadata_file: world.text(&format!("logs/artifacts/{prefix}metadata.json")),
    }
}

fn options(world: &World, prefixes: &[&str]) -> SidecarOptions {
    std::fs::create_dir_all(world.path("logs/artifacts")).unwrap();
    SidecarOptions {
        gcs_options: Some(world.upload_options(&["logs/artifacts"])),
        entries: prefixes.iter().map(|prefix| entry(world, prefix)).collect(),
        ..SidecarOptions::default()
    }
}

async fn run_to_end(world: &World, options: &SidecarOptions) -> usize {
    let (_sender, interrupts) = Interrupts::by_hand();
    run(options, &periodic("1"), interrupts, &world.context, None).await.unwrap()
}

async fn finished(world: &World) -> Value {
    let text = world.object(&format!("{RUN}/finished.json")).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_passed_test_is_uploaded_with_its_log_artifacts_and_metadata() {
    let world = World::new();
    world.write("logs/log.txt", "all good\n");
    world.write("logs/marker.txt", "0");
    world.write("logs/artifacts/junit.xml", "<testsuite/>");
    world.write("logs/artifacts/metadata.json", r#"{"node":"n1"}"#);
    let own_log = world.write("own.txt", "{\"msg\":\"hello\"}\n");
    let (_sender, interrupts) = Interrupts::by_hand();
    let options = options(&world, &[""]);
    let failures = run(&options, &periodic("1"), interrupts, &world.context, Some(own_log)).await;
    assert_eq!(failures.unwrap(), 0);
    let expected = json!({
        "timestamp": START.seconds(),
        "passed": true,
        "result": "SUCCESS",
        "metadata": {"node": "n1"},
    });
    assert_eq!(finished(&world).await, expected);
    assert_eq!(world.object(&format!("{RUN}/build-log.txt")).await.unwrap(), "all good\n");
    let own = world.object(&format!("{RUN}/sidecar-logs.json")).await.unwrap();
    assert_eq!(own, "{\"msg\":\"hello\"}\n");
    assert!(world.object(&format!("{RUN}/artifacts/junit.xml")).await.is_some());
    assert_eq!(world.object("logs/ci-job/latest-build.txt").await.unwrap(), "1");
}

#[tokio::test]
async fn codes_of_several_tests_make_one_result() {
    for (codes, result, failed) in [
        (["0", "0"], "SUCCESS", 0),
        (["0", "1"], "FAILURE", 1),
        (["1", "130"], "ABORTED", 2),
        (["127", "1130"], "FAILURE", 1),
        (["garbage", "0"], "FAILURE", 1),
    ] {
        let world = World::new();
        for (prefix, code) in ["a-", "b-"].into_iter().zip(codes) {
            world.write(&format!("logs/{prefix}log.txt"), prefix);
            world.write(&format!("logs/{prefix}marker.txt"), code);
        }
        assert_eq!(run_to_end(&world, &options(&world, &["a-", "b-"])).await, failed);
        assert_eq!(finished(&world).await["result"], result, "{codes:?}");
        assert_eq!(world.object(&format!("{RUN}/a-build-log.txt")).await.unwrap(), "a-");
        assert_eq!(world.object(&format!("{RUN}/b-build-log.txt")).await.unwrap(), "b-");
    }
}

#[tokio::test]
async fn metadata_is_merged_and_what_is_wrong_with_it_is_told() {
    let world = World::new();
    for prefix in ["a-", "b-", "c-"] {
        world.write(&format!("logs/{prefix}log.txt"), "");
        world.write(&format!("logs/{prefix}marker.txt"), "0");
    }
    world.write("logs/artifacts/a-metadata.json", r#"{"x":1,"y":{"a":1}}"#);
    world.write("logs/artifacts/b-metadata.json", r#"{"y":{"b":2}}"#);
    world.write("logs/artifacts/c-metadata.json", "not JSON");
    run_to_end(&world, &options(&world, &["a-", "b-", "c-"])).await;
    let metadata = finished(&world).await["metadata"].clone();
    assert_eq!((&metadata["x"], &metadata["y"]), (&json!(1), &json!({"b": 2})));
    let error = metadata["sidecar-errors"]["entry 2: make test"].as_str().unwrap();
    assert!(error.contains("metadata.json is not a JSON object"), "{error}");
}

#[tokio::test]
async fn a_missing_log_says_so_in_its_place() {
    let world = World::new();
    world.write("logs/marker.txt", "127");
    run_to_end(&world, &options(&world, &[""])).await;
    let log = world.object(&format!("{RUN}/build-log.txt")).await.unwrap();
    assert!(log.starts_with("Failed to open ") && log.contains("log.txt"), "{log}");
}

/// A sidecar that runs beside this test.
struct Running {
    done: JoinHandle<Result<usize, SidecarError>>,
    interrupts: UnboundedSender<Interrupt>,
}

impl Running {
    fn start(world: &World, options: SidecarOptions) -> Running {
        let (sender, interrupts) = Interrupts::by_hand();
        let context = world.context.clone();
        let done =
            tokio::spawn(
                async move { run(&options, &periodic("1"), interrupts, &context, None).await },
            );
        Running { done, interrupts: sender }
    }
}

async fn until_result_is(world: &World, result: &str) {
    loop {
        let text = world.object(&format!("{RUN}/finished.json")).await.unwrap_or_default();
        if text.contains(result) {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn told_to_stop_it_uploads_what_there_is_and_replaces_it_in_the_end() {
    let world = World::new();
    world.write("logs/log.txt", "half");
    let running = Running::start(&world, options(&world, &[""]));
    running.interrupts.send(Interrupt::Terminate).unwrap();
    until_result_is(&world, "ABORTED").await;
    assert_eq!(world.object(&format!("{RUN}/build-log.txt")).await.unwrap(), "half");
    // A second signal starts no second upload, and the test may still end well.
    running.interrupts.send(Interrupt::Terminate).unwrap();
    world.write("logs/log.txt", "half and half");
    world.write("logs/marker.txt", "0");
    assert_eq!(world.in_a_hurry(running.done).await.unwrap().unwrap(), 0);
    assert_eq!(finished(&world).await["result"], "SUCCESS");
    assert_eq!(world.object(&format!("{RUN}/build-log.txt")).await.unwrap(), "half and half");
}

#[tokio::test]
async fn interrupts_are_ignored_where_the_options_say_so() {
    let world = World::new();
    world.write("logs/log.txt", "half");
    let options = SidecarOptions { ignore_interrupts: true, ..options(&world, &[""]) };
    let running = Running::start(&world, options);
    running.interrupts.send(Interrupt::Terminate).unwrap();
    world.until_somebody_waits(Duration::from_millis(200)).await;
    assert!(world.keys().await.is_empty());
    world.write("logs/marker.txt", "1");
    assert_eq!(world.in_a_hurry(running.done).await.unwrap().unwrap(), 1);
    assert_eq!(finished(&world).await["result"], "FAILURE");
}

#[tokio::test]
async fn a_log_that_may_hold_secrets_is_withheld_with_the_reason_in_its_place() {
    let world = World::new();
    world.write("logs/log.txt", "the word is hunter2hunter2");
    world.write("logs/marker.txt", "0");
    world.write("logs/artifacts/out.txt", "hunter2hunter2");
    world.write("logs/artifacts/metadata.json", r#"{"word":"hunter2hunter2"}"#);
    world.write("secrets/word", "hunter2hunter2");
    let mut options = options(&world, &[""]);
    options.censoring_options = Some(SidecarCensoringOptions {
        secret_directories: vec![world.text("secrets")],
        ..SidecarCensoringOptions::default()
    });
    run_to_end(&world, &options).await;
    let log = world.object(&format!("{RUN}/build-log.txt")).await.unwrap();
    assert_eq!(log, "the word is XXXXXXXXXXXXXX");
    assert_eq!(finished(&world).await["metadata"]["word"], "XXXXXXXXXXXXXX");

    symlink(world.path("gone"), world.path("secrets/broken")).unwrap();
    run_to_end(&world, &options).await;
    let log = world.object(&format!("{RUN}/build-log.txt")).await.unwrap();
    assert!(log.starts_with("This log is withheld") && log.contains("secrets/broken"), "{log}");
    let note = world.object(&format!("{RUN}/withheld-artifacts.txt")).await.unwrap();
    assert!(note.contains("artifacts/out.txt: "), "{note}");
    let finished = finished(&world).await;
    assert_eq!(finished["passed"], true);
    assert!(!finished.to_string().contains("hunter2"));
}

#[tokio::test]
async fn an_upload_that_fails_is_an_error_and_leaves_no_finished_json() {
    let world = World::new();
    world.write("logs/log.txt", "x");
    world.write("logs/marker.txt", "0");
    // A file where the run's folder should be.
    world.write("buckets/ci/logs/ci-job", "in the way");
    let options = options(&world, &[""]);
    let (_sender, interrupts) = Interrupts::by_hand();
    let spec = periodic("1");
    let running = run(&options, &spec, interrupts, &world.context, None);
    let error = world.in_a_hurry(running).await.unwrap_err().to_string();
    assert!(error.contains("finished.json was not written"), "{error}");
    assert_eq!(world.keys().await, ["logs/ci-job"]);
}

#[test]
fn options_must_say_what_to_wait_for_and_where_to_upload() {
    let error = load_options(vec!["--dry-run".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("entries"), "{error}");
    let world = World::new();
    let single =
        SidecarOptions { wrapper_options: Some(entry(&world, "")), ..SidecarOptions::default() };
    assert_eq!(entries(&single), [entry(&world, "")]);
    assert_eq!(entries(&options(&world, &["a-", "b-"])).len(), 2);
    let old = SidecarOptions {
        secret_directories: vec!["/secrets".to_owned()],
        censoring_concurrency: Some(2),
        ..SidecarOptions::default()
    };
    assert_eq!(censoring_options(&old).unwrap().censoring_concurrency, Some(2));
    assert_eq!(censoring_options(&single), None);
}
