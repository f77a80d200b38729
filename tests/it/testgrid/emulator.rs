//! Builds are read from Google's storage as its emulators serve it.

use std::sync::Arc;

use blob::{BlobConfig, Blobs};
use grid::proto::config::TestGroup;
use server::testgrid::source::{self, BuildRef, ColumnReader};
use tests::emulator::Emulator;

async fn serve(emulator: &Arc<Emulator>) -> Blobs {
    let address = emulator.serve().await.expect("a port");
    Blobs::new(BlobConfig {
        gcs_anonymous: true,
        gcs_endpoint: Some(format!("http://{address}")),
        ..BlobConfig::default()
    })
}

fn group(prefix: &str) -> TestGroup {
    TestGroup {
        name: "group".to_owned(),
        gcs_prefix: prefix.to_owned(),
        disable_prowjob_analysis: true,
        ..TestGroup::default()
    }
}

#[tokio::test]
async fn what_a_listing_costs_depends_on_what_is_new_and_not_on_the_history() {
    let emulator = Arc::new(Emulator::default());
    const FIRST: u64 = 1_900_000_000_000_000_000;
    for number in 0..10_000 {
        emulator.put("bucket", &format!("logs/job/{}/started.json", FIRST + number), "{}");
    }
    emulator.put("bucket", "logs/job/", "");
    emulator.put("bucket", "logs/job/latest-build.txt", "1");
    let blobs = serve(&emulator).await;
    let group = group("bucket/logs/job");
    let all = source::list(&blobs, &group, "").await.expect("a listing").builds;
    assert_eq!(all.len(), 10_000);
    assert_eq!(all[0].object(), format!("gs://bucket/logs/job/{}/", FIRST + 9_999));
    let listings = emulator.take_listings();
    assert!(listings <= 22, "{listings} pages");
    let last = (FIRST + 9_996).to_string();
    let new = source::list(&blobs, &group, &last).await.expect("a listing").builds;
    let ids: Vec<&str> = new.iter().map(|build| build.id.as_str()).collect();
    let expected: Vec<String> = (9_997..10_000).rev().map(|n| (FIRST + n).to_string()).collect();
    assert_eq!(ids, expected);
    assert_eq!(emulator.take_listings(), 1);
}

#[tokio::test]
async fn builds_and_links_are_read_through_the_network_as_from_a_folder() {
    let emulator = Arc::new(Emulator::default());
    let at = "pr-logs/pull/7/unit/12";
    emulator.link("bucket", "pr-logs/directory/unit/12.txt", &format!("gs://bucket/{at}"));
    emulator.put("bucket", &format!("{at}/started.json"), "{\"timestamp\":1790000000}");
    emulator.put(
        "bucket",
        &format!("{at}/finished.json"),
        "{\"timestamp\":1790000060,\"passed\":true}",
    );
    emulator.put(
        "bucket",
        &format!("{at}/artifacts/junit_01.xml"),
        "<testsuite><testcase name='a'/></testsuite>",
    );
    emulator.put("bucket", &format!("{at}/artifacts/other.bin"), "x");
    let blobs = serve(&emulator).await;
    let group = group("bucket/pr-logs/directory/unit");
    let builds = source::list(&blobs, &group, "").await.expect("a listing").builds;
    assert_eq!(
        builds.iter().map(BuildRef::object).collect::<Vec<_>>(),
        [format!("gs://bucket/{at}/")]
    );
    let mut reader = ColumnReader::new(&blobs, &group, 4, 1_790_000_100, false).expect("a reader");
    let read = reader.read(&builds).await.pop().expect("a build");
    assert_eq!((read.error, read.failure), (None, None));
    assert_eq!(read.column.cells.keys().collect::<Vec<_>>(), ["a", "unit.Overall"]);
}
