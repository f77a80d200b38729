//! Builds are found and read from buckets.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use blob::{BlobConfig, BlobUri, Blobs, WriteOptions};
use grid::proto::TestStatus;
use grid::proto::config::TestGroup;
use grid::updater::build::{BuildError, Found};
use server::testgrid::source::{self, BuildRef, ColumnReader, SourceError, known_as};
use tempfile::TempDir;
use tests::data;

/// A time after all builds of these tests, in seconds since the epoch.
const NOW: i64 = 1_795_000_000;

fn group(prefix: &str) -> TestGroup {
    TestGroup {
        name: "group".to_owned(),
        gcs_prefix: prefix.to_owned(),
        days_of_results: 10_000,
        use_kubernetes_client: true,
        disable_prowjob_analysis: true,
        ..TestGroup::default()
    }
}

/// Buckets of all providers by the name `bucket`, kept in one folder.
struct Bucket {
    folder: TempDir,
    blobs: Blobs,
}

impl Bucket {
    fn new() -> Bucket {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = at("bucket", folder.path());
        Bucket { folder, blobs }
    }

    fn write(&self, key: &str, content: &str) {
        let path = self.folder.path().join(key);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// A build that passed, with one test of each name.
    fn build(&self, key: &str, started: i64, tests: &[&str]) {
        self.write(&format!("{key}/started.json"), &format!("{{\"timestamp\":{started}}}"));
        let finished = format!("{{\"timestamp\":{},\"passed\":true}}", started + 60);
        self.write(&format!("{key}/finished.json"), &finished);
        let cases: String = tests.iter().map(|test| format!("<testcase name='{test}'/>")).collect();
        let suite = format!("<testsuite>{cases}</testsuite>");
        self.write(&format!("{key}/artifacts/junit_01.xml"), &suite);
    }

    async fn ids(&self, group: &TestGroup, after: &str) -> String {
        let listed = source::list(&self.blobs, group, after).await.expect("a listing");
        assert_eq!(listed.left_out, 0);
        let ids: Vec<String> = listed.builds.into_iter().map(|build| build.id).collect();
        ids.join(" ")
    }
}

fn at(bucket: &str, folder: &Path) -> Blobs {
    Blobs::new(BlobConfig {
        local_buckets: BTreeMap::from([(bucket.to_owned(), folder.to_owned())]),
        ..BlobConfig::default()
    })
}

fn build_ref(object: &str) -> BuildRef {
    let folder = BlobUri::parse(object).expect("an address");
    BuildRef { id: folder.file_name().to_owned(), folder }
}

#[tokio::test]
async fn builds_come_newest_first_and_only_those_after_the_last_one() {
    let bucket = Bucket::new();
    for id in ["9", "10", "100", "1364607429106470912", "1364607429106470913"] {
        bucket.build(&format!("logs/job/{id}"), 50, &[]);
    }
    bucket.write("logs/job/latest-build.txt", "1364607429106470913");
    bucket.write("logs/job/notes.txt", "no link");
    bucket.write("logs/jobs/7/started.json", "{}");
    for prefix in ["bucket/logs/job", "gs://bucket/logs/job/", "s3://bucket/logs/job"] {
        let group = group(prefix);
        let all = "1364607429106470913 1364607429106470912 100 10 9";
        assert_eq!(bucket.ids(&group, "").await, all);
        assert_eq!(
            bucket.ids(&group, "10").await,
            "1364607429106470913 1364607429106470912 100",
            "a listing by letters would have passed over 100"
        );
        assert_eq!(bucket.ids(&group, "1364607429106470912").await, "1364607429106470913");
        assert_eq!(bucket.ids(&group, "1364607429106470913").await, "");
    }
    assert_eq!(bucket.ids(&group("bucket/logs/nothing"), "").await, "");
    let several = group("bucket/logs/job, bucket/logs/jobs");
    assert_eq!(
        bucket.ids(&several, "").await,
        "1364607429106470913 1364607429106470912 100 10 9 7"
    );
}

#[tokio::test]
async fn more_builds_than_one_page_are_all_found() {
    let bucket = Bucket::new();
    for id in 1..=2_345 {
        bucket.write(&format!("logs/job/{id}/started.json"), "{}");
    }
    let listed = source::list(&bucket.blobs, &group("bucket/logs/job"), "").await.unwrap();
    let ids: Vec<u32> = listed.builds.iter().map(|build| build.id.parse().unwrap()).collect();
    assert!(ids.into_iter().eq((1..=2_345).rev()));
    let late = source::list(&bucket.blobs, &group("bucket/logs/job"), "2340").await.unwrap();
    assert_eq!(late.builds.len(), 5);
}

#[tokio::test]
async fn a_sweep_finds_builds_that_came_late_under_a_small_id() {
    let bucket = Bucket::new();
    for id in ["11", "12", "13"] {
        bucket.build(&format!("logs/job/{id}"), 50, &[]);
    }
    bucket.write("directory/pull/12.txt", "gs://bucket/pull/1/pull/12");
    let group = group("bucket/logs/job,bucket/directory/pull");
    let known: HashSet<String> = ["gs://bucket/logs/job/11/", "gs://bucket/logs/job/13/"]
        .into_iter()
        .filter_map(known_as)
        .collect();
    let listed = source::sweep(&bucket.blobs, &group, &known).await.unwrap();
    let mut objects: Vec<String> = listed.builds.iter().map(BuildRef::object).collect();
    objects.sort();
    assert_eq!(objects, ["gs://bucket/logs/job/12/", "gs://bucket/pull/1/pull/12/"]);
    let known: HashSet<String> =
        objects.iter().map(String::as_str).filter_map(known_as).chain(known).collect();
    let listed = source::sweep(&bucket.blobs, &group, &known).await.unwrap();
    assert_eq!(listed.builds, []);
}

#[tokio::test]
async fn links_of_presubmits_are_followed_within_their_bucket() {
    let bucket = Bucket::new();
    let at = "pr-logs/directory/pull";
    bucket.write(&format!("{at}/1.txt"), " gs://bucket/pr-logs/pull/77/pull/1 \n");
    bucket.write(&format!("{at}/2.txt"), "gs://elsewhere/pr-logs/pull/77/pull/2");
    bucket.write(&format!("{at}/3.txt"), "gs://bucket/../secret/3");
    bucket.write(&format!("{at}/4.txt"), &"x".repeat(5_000));
    let metadata = |name: &str, link: &str| BTreeMap::from([(name.to_owned(), link.to_owned())]);
    for (id, metadata) in [
        (5, metadata("link", "gs://bucket/pr-logs/pull/77/pull/5")),
        (6, metadata("x-goog-meta-link", "gs://bucket/pr-logs/pull/78/pull/6/")),
    ] {
        let uri = BlobUri::parse(&format!("gs://bucket/{at}/{id}.txt")).unwrap();
        let options = WriteOptions { metadata, ..WriteOptions::default() };
        bucket.blobs.write(&uri, "", &options).await.unwrap();
    }
    let group = group(&format!("bucket/{at}"));
    let listed = source::list(&bucket.blobs, &group, "").await.unwrap();
    let objects: Vec<String> = listed.builds.iter().map(BuildRef::object).collect();
    assert_eq!(
        objects,
        [
            "gs://bucket/pr-logs/pull/78/pull/6/",
            "gs://bucket/pr-logs/pull/77/pull/5/",
            "gs://bucket/pr-logs/pull/77/pull/1/",
        ]
    );
    assert_eq!(bucket.ids(&group, "5").await, "6");
}

#[tokio::test]
async fn files_that_are_missing_too_large_or_unreadable_are_told_apart() {
    let bucket = Bucket::new();
    bucket.build("logs/job/1", 50, &["a"]);
    fs::remove_file(bucket.folder.path().join("logs/job/1/finished.json")).unwrap();
    bucket.write("logs/job/1/other.xml", "<testsuite/>");
    bucket.write("logs/job/1/podinfo.json", &" ".repeat(17 << 20));
    let huge = bucket.folder.path().join("logs/job/1/artifacts/junit_02.xml");
    fs::File::create(&huge).unwrap().set_len(100_000_001).unwrap();
    let read = source::read(&bucket.blobs, &build_ref("gs://bucket/logs/job/1/")).await;
    assert_eq!((read.files.job.as_str(), read.files.build.as_str()), ("job", "1"));
    assert_eq!(read.files.path, "gs://bucket/logs/job/1/");
    assert_eq!(read.files.started, Found::Bytes(b"{\"timestamp\":50}".to_vec()));
    assert_eq!(read.files.finished, Found::Missing);
    assert!(matches!(&read.files.podinfo, Found::Failed(why) if why.starts_with("too large")));
    let suites: Vec<&str> = read.files.suites.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(suites, ["artifacts/junit_01.xml", "artifacts/junit_02.xml"]);
    let why = "too large: 100000001 bytes > 100000000 bytes max".to_owned();
    assert_eq!(read.files.suites[1].1, Found::Failed(why));
    assert_eq!(read.failure, None, "nothing of it is the storage's fault");

    // There is no such server, so it is not known whether there is a build.
    let away = Blobs::new(BlobConfig {
        gcs_anonymous: true,
        gcs_endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..BlobConfig::default()
    });
    let read = source::read(&away, &build_ref("gs://away/logs/job/1/")).await;
    assert!(read.failure.is_some());
    assert!(matches!(read.files.started, Found::Failed(_)));
    let error = source::list(&away, &group("away/logs/job"), "").await.unwrap_err();
    assert!(matches!(error, SourceError::Listing { .. }), "{error}");
    assert!(error.to_string().contains("of the test group `group` below gs://away/logs/job"));
}

#[tokio::test]
async fn a_folder_that_may_not_be_read_fails_the_build_and_asks_for_another_try() {
    let bucket = Bucket::new();
    bucket.build("logs/job/1", 50, &["a"]);
    let artifacts = bucket.folder.path().join("logs/job/1/artifacts");
    fs::set_permissions(&artifacts, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&artifacts).is_ok() {
        // Root reads everything.
        return;
    }
    let read = source::read(&bucket.blobs, &build_ref("gs://bucket/logs/job/1/")).await;
    fs::set_permissions(&artifacts, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(read.failure.is_some());
    assert!(matches!(&read.files.started, Found::Failed(why) if why.contains("list of artifacts")));
}

#[tokio::test]
async fn a_build_that_cannot_be_read_is_a_column_that_says_so() {
    let bucket = Bucket::new();
    bucket.build("logs/job/1", 1_000, &["a"]);
    bucket.build("logs/job/2", 2_000, &[]);
    bucket.write("logs/job/2/finished.json", "{\"passed\":tr");
    bucket.write("logs/job/3/build-log.txt", "nothing else yet");
    bucket.build("logs/job/4", 4_000, &["a", "b"]);
    let group = group("bucket/logs/job");
    let mut builds = source::list(&bucket.blobs, &group, "").await.unwrap().builds;
    builds.reverse();
    let mut reader = ColumnReader::new(&bucket.blobs, &group, 3, NOW, false).unwrap().of_any_age();
    let mut columns = reader.read(&builds[..2]).await;
    columns.extend(reader.read(&builds[2..]).await);
    let overall = |at: usize| columns[at].column.cells["Overall"].status;
    assert!(columns[0].error.is_none());
    assert_eq!(columns[0].started_ms(), 1_000_000);
    assert!(matches!(columns[1].error, Some(BuildError::Unreadable { .. })));
    assert_eq!((overall(1), columns[1].is_running()), (TestStatus::ToolFail, false));
    assert_eq!(columns[2].error, Some(BuildError::NotStarted));
    assert_eq!((overall(2), columns[2].is_running()), (TestStatus::Running, true));
    let dates: Vec<f64> = columns.iter().map(|read| read.column.column.started).collect();
    assert_eq!(dates, [1_000_000.0, 1_000_000.01, 1_000_000.02, 4_000_000.0]);
    let rows: Vec<&str> = columns[3].column.cells.keys().map(String::as_str).collect();
    assert_eq!(rows, ["a", "b", "job.Overall"]);
    assert!(columns.iter().all(|read| read.failure.is_none()));

    let mut reader = ColumnReader::new(&bucket.blobs, &group, 3, NOW, false).unwrap();
    let columns = reader.read(&builds[..1]).await;
    assert!(matches!(columns[0].error, Some(BuildError::TooOld { started: 1_000, .. })));
}

#[tokio::test]
async fn a_prefix_or_a_format_that_makes_no_sense_is_named() {
    let bucket = Bucket::new();
    let error = source::list(&bucket.blobs, &group("ftp://bucket/x"), "").await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the prefix `ftp://bucket/x` of the test group `group`"), "{text}");
    let nowhere = Blobs::new(BlobConfig::default());
    let error = source::list(&nowhere, &group("file://bucket/x"), "").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("there is no folder for the bucket of file://bucket/x"), "{text}");
    let mut bad = group("bucket/x");
    bad.test_name_config = Some(grid::proto::config::TestNameConfig {
        name_format: "%s %!".to_owned(),
        ..Default::default()
    });
    let error = ColumnReader::new(&bucket.blobs, &bad, 1, NOW, false).err().expect("an error");
    let text = error.to_string();
    assert!(text.starts_with("the names of the rows of the test group `group`"), "{text}");
}

#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
#[tokio::test]
async fn real_results_are_read_whole_through_their_bucket() {
    let Some(results) = data::results() else {
        println!("skipped: no results; set BOWSPRIT_RESULTS");
        return;
    };
    let blobs = at("sample-ci", &results.join("sample-ci"));
    for (prefix, count, rows) in [
        ("sample-ci/logs/ci-testify-unit", 24, 1_000),
        ("sample-ci/pr-logs/directory/pull-pflag-unit", 18, 100),
        ("sample-ci/logs/ci-fsnotify-stress, sample-ci/logs/ci-clock-race", 21, 100),
    ] {
        let group = group(prefix);
        let mut builds = source::list(&blobs, &group, "").await.unwrap().builds;
        assert_eq!(builds.len(), count, "{prefix}");
        builds.reverse();
        let mut reader = ColumnReader::new(&blobs, &group, 4, NOW, false).unwrap();
        let columns = reader.read(&builds).await;
        assert!(columns.iter().all(|read| read.error.is_none() && read.failure.is_none()));
        let names: HashSet<&String> =
            columns.iter().flat_map(|read| read.column.cells.keys()).collect();
        assert!(names.len() > rows, "{prefix}: {} rows", names.len());
    }
}
