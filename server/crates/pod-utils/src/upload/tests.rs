use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use blob::BlobError;
use job_spec::{JobType, Pull, Refs};

use super::sink::SinkError;
use super::*;
use crate::testing::{START, World, files_below, periodic};

/// Notes what is put, and fails what it is told to fail.
#[derive(Default)]
struct Recorder {
    /// Key, and how often it fails before it succeeds.
    failures: Mutex<Vec<(String, usize)>>,
    permanent: bool,
    done: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Recorder {
    fn failing(key: &str, times: usize) -> Recorder {
        Recorder { failures: Mutex::new(vec![(key.to_owned(), times)]), ..Recorder::default() }
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }
}

#[async_trait]
impl Sink for Recorder {
    async fn put(&self, upload: &Upload) -> Result<(), SinkError> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let mut failures = self.failures.lock().unwrap();
        let failing = failures.iter_mut().find(|(key, left)| *key == upload.key && *left > 0);
        if let Some((_, left)) = failing {
            *left -= 1;
            let uri = BlobUri::parse("gs://b/x").unwrap();
            return Err(SinkError::Blob(if self.permanent {
                BlobError::InvalidUri { text: upload.key.clone(), reason: "bad".to_owned() }
            } else {
                BlobError::Unavailable { uri, source: "503".into() }
            }));
        }
        self.done.lock().unwrap().push(upload.key.clone());
        Ok(())
    }
}

fn uploads(prefix: &str, count: usize) -> Vec<Upload> {
    let one = |n| Upload::new(format!("{prefix}{n}"), Source::from("x"));
    (0..count).map(one).collect()
}

fn four_stages() -> Plan {
    Plan {
        artifacts: uploads("artifact", 9),
        logs: uploads("log", 2),
        pointers: uploads("pointer", 1),
        finished: uploads("finished", 1).pop(),
    }
}

#[tokio::test]
async fn stages_follow_each_other_and_four_uploads_run_at_once() {
    let world = World::new();
    let sink = Recorder::default();
    carry_out(&four_stages(), &sink, Attempts::All, &world.context).await.unwrap();
    let kinds: Vec<String> =
        sink.done().iter().map(|key| key.trim_end_matches(char::is_numeric).to_owned()).collect();
    let mut order = kinds.clone();
    order.dedup();
    assert_eq!(order, ["artifact", "log", "pointer", "finished"]);
    assert_eq!(kinds.len(), 13);
    assert_eq!(sink.most_under_way.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_failure_is_retried_after_1_4_and_9_seconds() {
    let world = World::new();
    let sink = Recorder::failing("log1", 3);
    let plan = four_stages();
    world.in_a_hurry(carry_out(&plan, &sink, Attempts::All, &world.context)).await.unwrap();
    assert_eq!(world.context.clock.now().since(START), Duration::from_secs(14));
    assert_eq!(sink.done().last().unwrap(), "finished0");
}

#[tokio::test]
async fn finished_is_held_back_when_anything_before_it_failed() {
    let world = World::new();
    let sink = Recorder::failing("artifact3", 4);
    let plan = four_stages();
    let failed = world.in_a_hurry(carry_out(&plan, &sink, Attempts::All, &world.context)).await;
    let message = failed.unwrap_err().to_string();
    assert!(message.starts_with("1 of 13 files could not be uploaded, so finished.json was not"));
    assert!(message.contains("503"), "{message}");
    // Everything else went up: a person wants the log of just such a run.
    assert_eq!(sink.done().len(), 11);
    assert!(!sink.done().contains(&"finished0".to_owned()));
}

#[tokio::test]
async fn what_cannot_succeed_is_not_retried() {
    let world = World::new();
    let sink = Recorder { permanent: true, ..Recorder::failing("log0", 9) };
    carry_out(&four_stages(), &sink, Attempts::All, &world.context).await.unwrap_err();
    let sink = Recorder::failing("log0", 9);
    carry_out(&four_stages(), &sink, Attempts::One, &world.context).await.unwrap_err();
    assert_eq!(world.clock.sleepers(), 0);
}

async fn upload(world: &World, options: &GcsUploadOptions, spec: &JobSpec, extra: Extra) {
    let nothing = Censored::nothing();
    run(options, spec, extra, &nothing, Attempts::All, &world.context).await.unwrap();
}

#[tokio::test]
async fn a_presubmit_gets_prows_layout() {
    let world = World::new();
    world.write("artifacts/junit.xml", "<testsuite/>");
    world.write("artifacts/deep/er/a#b.txt", "x");
    world.write("artifacts/log.txt.gz", "packed by the job");
    world.write("single.txt", "y");
    let mut options = world.upload_options(&["artifacts", "single.txt", "missing"]);
    options.gcs.path_prefix = "prefix".to_owned();
    let pull = Pull { number: 12, sha: "abc".to_owned(), ..Pull::default() };
    let refs = Refs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        pulls: vec![pull],
        ..Refs::default()
    };
    let spec = JobSpec { job_type: JobType::Presubmit, refs: Some(refs), ..periodic("7") };
    let extra = Extra {
        logs: vec![("build-log.txt".to_owned(), Source::from("log"))],
        finished: Some(Finished { passed: Some(true), ..Finished::default() }),
    };
    upload(&world, &options, &spec, extra).await;
    let run = "prefix/pr-logs/pull/org_repo/12/ci-job/7";
    let mut expected = vec![
        format!("{run}/artifacts/deep/er/a%23b.txt"),
        format!("{run}/artifacts/junit.xml"),
        format!("{run}/artifacts/log.txt"),
        format!("{run}/single.txt"),
        format!("{run}/build-log.txt"),
        format!("{run}/finished.json"),
        "pr-logs/directory/ci-job/7.txt".to_owned(),
        "pr-logs/directory/ci-job/latest-build.txt".to_owned(),
        "pr-logs/pull/org_repo/12/ci-job/latest-build.txt".to_owned(),
    ];
    expected.sort();
    assert_eq!(world.keys().await, expected);
    assert_eq!(
        world.object("pr-logs/directory/ci-job/7.txt").await.unwrap(),
        format!("file://ci/{run}")
    );
    let blobs = Blobs::new(world.context.blobs.clone());
    let meta = |key: &str| BlobUri::parse("file://ci").unwrap().join(key).unwrap();
    let alias = blobs.head(&meta("pr-logs/directory/ci-job/7.txt")).await.unwrap();
    assert_eq!(alias.metadata["link"], format!("file://ci/{run}"));
    let log = blobs.head(&meta(&format!("{run}/artifacts/log.txt"))).await.unwrap();
    assert!(log.is_gzip());
}

#[tokio::test]
async fn the_newest_build_stays_the_latest() {
    let world = World::new();
    let options = world.upload_options(&[]);
    for (build, latest) in [("9", "9"), ("10", "10"), ("8", "10"), ("11", "11"), ("x", "x")] {
        upload(&world, &options, &periodic(build), Extra::default()).await;
        assert_eq!(world.object("logs/ci-job/latest-build.txt").await.unwrap(), latest);
    }
}

#[tokio::test]
async fn files_are_packed_where_the_configuration_asks_for_it() {
    let world = World::new();
    let long = "a line of a log\n".repeat(1000);
    world.write("a/long.txt", &long);
    world.write("a/short.txt", "short");
    world.write("a/long.json", &long);
    let mut options = world.upload_options(&["a"]);
    options.gcs.compress_file_types = Some(vec!["txt".to_owned()]);
    upload(&world, &options, &periodic("1"), Extra::default()).await;
    let stored = |name: &str| {
        std::fs::metadata(world.path(&format!("buckets/ci/logs/ci-job/1/a/{name}"))).unwrap().len()
    };
    assert!(stored("long.txt") < 1000);
    assert_eq!(stored("short.txt"), 5);
    assert_eq!(stored("long.json"), long.len() as u64);
    assert_eq!(world.object("logs/ci-job/1/a/long.txt").await.unwrap(), long);
}

#[tokio::test]
async fn local_mode_copies_files_without_pointers() {
    let world = World::new();
    world.write("artifacts/x.txt", "x");
    let mut options = world.upload_options(&["artifacts"]);
    options.gcs.local_output_dir = world.text("output");
    let extra = Extra { finished: Some(Finished::default()), ..Extra::default() };
    upload(&world, &options, &periodic("1"), extra).await;
    assert_eq!(files_below(&world.path("output")), ["artifacts/x.txt", "finished.json"]);
}

#[tokio::test]
async fn a_dry_run_uploads_nothing() {
    let world = World::new();
    let options = GcsUploadOptions { dry_run: true, ..world.upload_options(&[]) };
    upload(&world, &options, &periodic("1"), Extra::default()).await;
    assert!(world.keys().await.is_empty());
}

#[tokio::test]
async fn links_are_followed_within_the_artifacts_only() {
    let world = World::new();
    world.write("artifacts/real.txt", "real");
    world.write("outside.txt", "outside");
    symlink(world.path("artifacts/real.txt"), world.path("artifacts/in.txt")).unwrap();
    symlink(world.path("outside.txt"), world.path("artifacts/out.txt")).unwrap();
    symlink(world.path("nowhere"), world.path("artifacts/dangling.txt")).unwrap();
    symlink(world.path("artifacts"), world.path("artifacts/loop")).unwrap();
    let options = world.upload_options(&["artifacts"]);
    upload(&world, &options, &periodic("1"), Extra::default()).await;
    assert_eq!(
        world.keys().await,
        [
            "logs/ci-job/1/artifacts/in.txt",
            "logs/ci-job/1/artifacts/real.txt",
            "logs/ci-job/latest-build.txt"
        ]
    );
}

#[tokio::test]
async fn an_unusable_bucket_is_named() {
    let world = World::new();
    let mut options = world.upload_options(&[]);
    options.gcs.bucket = "ftp://x".to_owned();
    let nothing = Censored::nothing();
    let spec = periodic("1");
    let error = run(&options, &spec, Extra::default(), &nothing, Attempts::All, &world.context)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("ftp://x"), "{error}");
}

#[test]
fn packed_files_are_still_readable_by_gzip() {
    let text = "x".repeat(5000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let packed = runtime.block_on(sink::pack(&Source::from(text.as_str()))).unwrap().unwrap();
    let mut unpacked = String::new();
    let file = std::fs::File::open(&packed).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    assert!(runtime.block_on(sink::pack(&Source::from("short"))).unwrap().is_none());
}

#[test]
fn flags_describe_an_upload() {
    let words = ["--gcs-path=gs://b/p", "--media-type=a:text/a,b:text/b", "--dry-run=false", "x"];
    let (valued, boolean) = flag_names();
    let words = words.iter().map(|w| (*w).to_owned()).collect();
    let options = options_from_flags(&Flags::parse(words, &valued, &boolean).unwrap()).unwrap();
    assert_eq!((options.gcs.bucket.as_str(), options.gcs.path_prefix.as_str()), ("gs://b", "p"));
    assert_eq!(options.gcs.media_types["b"], "text/b");
    assert_eq!((options.dry_run, options.items.as_slice()), (false, &["x".to_owned()][..]));
    assert_eq!(options.gcs.path_strategy, "explicit");
}
