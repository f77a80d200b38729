//! Buckets that do not answer as they should: the page of a run arrives with what is known, and says
//! what is missing.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::model::LogRange;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clock::Clock as _;
use futures::StreamExt as _;
use serde_json::json;
use server::components::coverage_reader::{read_run, sync_once};
use server::run_files::PATIENCE;
use tests::world::{Answer, START, Setup, World, prow_job, with_refs};
use tokio::sync::Notify;

/// How long a page may take on a busy machine; it should take a second.
const BOUND: Duration = Duration::from_secs(15);

/// The listing of a run's folder that has a profile.
const PROFILES: &str = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents>\
    <Key>logs/nightly/1/artifacts/cover.out</Key><Size>1000</Size><ETag>\"1\"</ETag>\
    <LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents></ListBucketResult>";

/// A storage whose buckets are called after what is wrong with them.
async fn storage() -> SocketAddr {
    async fn answer(request: Request) -> Response {
        let path = request.uri().path().trim_start_matches('/');
        let bucket = path.split('/').next().unwrap_or_default();
        let is_listing = request.uri().query().is_some_and(|query| query.contains("list-type"));
        // Some tell what they hold, and fail only where it is read.
        let bucket = match bucket.strip_prefix("listed-") {
            Some(_) if is_listing => return PROFILES.into_response(),
            Some(bucket) => bucket,
            None => bucket,
        };
        match bucket {
            "hangs" => std::future::pending().await,
            "fails" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            "forbids" => StatusCode::FORBIDDEN.into_response(),
            "babbles" => "<this is no listing".into_response(),
            "breaks" => {
                let half = futures::stream::iter([
                    Ok(Bytes::from_static(b"{\"timestamp\": ")),
                    Err(std::io::Error::other("the line is cut")),
                ]);
                let headers = [
                    ("content-length", "1000"),
                    ("etag", "\"1\""),
                    ("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT"),
                ];
                (headers, Body::from_stream(half)).into_response()
            }
            // There is nothing in it.
            _ if is_listing => {
                "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
                    .into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
    address
}

async fn world() -> World {
    let address = storage().await;
    Setup::default().real_time().s3(address).start().await
}

#[tokio::test]
async fn the_page_of_a_run_arrives_whatever_its_bucket_does() {
    let world = world().await;
    for (at, bucket) in
        ["hangs", "fails", "forbids", "babbles", "breaks", "gone"].iter().enumerate()
    {
        let name = format!("nightly-{at}");
        let mut job = prow_job(&name, "nightly", "failure");
        job["status"]["build_id"] = json!(format!("{}", at + 10));
        job["status"]["description"] = json!("Job failed.");
        job["spec"]["decoration_config"] = json!({
            "gcs_configuration": {"bucket": format!("s3://{bucket}"), "path_strategy": "explicit"},
        });
        world.put([job]).await;
        for tab in ["", "?tab=metadata", "?tab=artifacts", "?tab=log"] {
            let asked = Instant::now();
            let page = world.get(&format!("/run/{name}{tab}")).await.expect(200).text();
            assert!(asked.elapsed() < BOUND, "{bucket}{tab}: {:?}", asked.elapsed());
            assert!(page.contains("Job failed."), "{bucket}{tab}: what is known is shown");
            if *bucket != "gone" {
                let told =
                    ["Try again in a moment", "could not be", "cannot be", "does not answer"];
                assert!(told.iter().any(|words| page.contains(words)), "{bucket}{tab}: {page}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_only_the_bucket_knows_is_asked_for_again_later() {
    let world = world().await;
    for bucket in ["hangs", "fails"] {
        let asked = Instant::now();
        let page = world.get(&format!("/view/s3/{bucket}/logs/job/1")).await.expect(503);
        assert!(asked.elapsed() < BOUND, "{bucket}");
        assert!(!page.header("retry-after").is_empty(), "{bucket}");
        world.get(&format!("/s3/{bucket}/logs/")).await.expect(503);
        world.get(&format!("/s3/{bucket}/logs/a.txt?preview")).await.expect(503);
    }
    world.get("/view/s3/gone/logs/job/1").await.expect(404);
    world.get("/s3/gone/logs/").await.expect(404);
}

/// A World whose clock stands, with runs whose files lie in a bucket.
async fn standing(bucket: &str) -> World {
    with_runs(Setup::default(), bucket).await
}

/// A World with runs whose files lie in a bucket.
async fn with_runs(setup: Setup, bucket: &str) -> World {
    let world = setup.s3(storage().await).start().await;
    let stored = json!({
        "gcs_configuration": {"bucket": format!("s3://{bucket}"), "path_strategy": "explicit"},
    });
    for (build, hour) in [("1", "21"), ("2", "22")] {
        let mut nightly = prow_job(&format!("nightly-{build}"), "nightly", "failure");
        let mut unit = prow_job(&format!("unit-{build}"), "unit", "failure");
        unit = with_refs(unit, "org", "repo", "ann");
        for job in [&mut nightly, &mut unit] {
            job["status"]["build_id"] = json!(build);
            job["status"]["startTime"] = json!(format!("2026-11-20T{hour}:00:00Z"));
            job["status"]["description"] = json!("Job failed.");
            job["spec"]["decoration_config"] = stored.clone();
        }
        world.put([nightly, unit]).await;
    }
    world
}

/// Asks for a page while the clock goes on only where somebody waits for it, and no further than just
/// below a second.
async fn within_a_second(world: &World, path: &str) -> Answer {
    within(world, world.get(path)).await
}

/// The same for any other work.
async fn within<T>(world: &World, work: impl Future<Output = T>) -> T {
    let asked = world.clock.now();
    let end = asked.saturating_add(Duration::from_millis(999));
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            answer = &mut work => return answer,
            () = tokio::task::yield_now() => {}
        }
        if let Some(next) = world.clock.next_deadline().filter(|next| *next <= end) {
            world.clock.set(next);
        }
    }
}

#[tokio::test]
async fn no_page_waits_a_second_for_a_bucket_that_never_answers() {
    let world = standing("hangs").await;
    for (path, status, words) in [
        ("/run/nightly-1", 200, "Job failed."),
        ("/run/nightly-1?tab=tests", 200, "Try again in a moment"),
        ("/run/nightly-1?tab=log", 200, "Try again in a moment"),
        ("/run/nightly-1?tab=artifacts", 200, "Try again in a moment"),
        ("/run/nightly-1?tab=metadata", 200, "Job failed."),
        ("/view/s3/hangs/logs/nightly/1", 200, "Job failed."),
        ("/view/s3/hangs/logs/nobody/1", 503, "slow to answer"),
        ("/s3/hangs/logs/", 503, "slow to answer"),
        ("/s3/hangs/logs/a.txt?preview", 503, "slow to answer"),
        ("/job-history/s3/hangs/logs/nightly", 200, "Runs that only the bucket has are missing"),
        ("/job-history/s3/hangs/logs/nobody", 200, "Runs that only the bucket has are missing"),
        ("/pr-history/?org=org&repo=repo&pr=7", 200, "unit"),
        ("/compare?new=nightly-2&old=nightly-1", 200, "could not be read in time"),
        ("/coverage", 200, "overage"),
        ("/coverage/nightly", 404, "nightly"),
    ] {
        let answer = within_a_second(&world, path).await;
        let text = answer.text();
        assert_eq!(answer.status, status, "{path}: {text}");
        assert!(text.contains(words), "{path} says what is missing: {text}");
    }
}

#[tokio::test]
async fn no_program_waits_for_a_bucket_that_never_answers() {
    let world = with_runs(Setup::default().real_time(), "hangs").await;
    for (path, missing) in [
        ("/api/v1/runs/nightly-1/log", "the log is missing"),
        ("/api/v1/runs/nightly-1/log?line=0&count=10", "the log is missing"),
        ("/api/v1/runs/nightly-1/log/folds", "the log is missing"),
        ("/api/v1/runs/nightly-1/log/search?q=a", "the log is missing"),
        ("/api/v1/runs/nightly-1/log/search", "the log is missing"),
        ("/api/v1/runs/nightly-1/tests", "does not answer"),
        ("/api/v1/runs/nightly-1/artifacts/a.txt", "the file is missing"),
        ("/api/v1/runs/s3%3A%2F%2Fhangs%2Flogs%2Fnobody%2F1/log", "slow to answer"),
        ("/log?job=nightly&id=1", "the log is missing"),
        ("/s3/hangs/logs/nightly/1/a.txt", "the file is missing"),
        ("/s3/hangs/logs/nobody/1/a.txt", "the file is missing"),
        ("/s3/hangs/logs/nightly/1/?zip", "the zip is missing"),
    ] {
        let asked = Instant::now();
        let answer = world.get(path).await.expect(503);
        assert!(asked.elapsed() < BOUND, "{path}: {:?}", asked.elapsed());
        assert!(answer.text().contains(missing), "{path}: {}", answer.text());
        assert!(!answer.header("retry-after").is_empty(), "{path}");
        if path.contains("/log") && path.starts_with("/api/") {
            assert_eq!(answer.json()["error"]["status"], 503, "{path}");
        }
    }
    // What is in no bucket is there.
    world.get("/api/v1/runs/nightly-1/references").await.expect(200);
    world.get("/api/v1/runs/nightly-1/pins").await.expect(200);
}

#[tokio::test]
async fn two_runs_are_compared_by_what_is_known_whatever_their_bucket_does() {
    for bucket in ["fails", "forbids", "babbles", "breaks", "gone"] {
        let world = standing(bucket).await;
        for path in [
            "/compare?new=nightly-2&old=nightly-1",
            "/job-history/s3/hangs/logs/nightly",
            "/pr-history/?org=org&repo=repo&pr=7",
        ] {
            let path = path.replace("hangs", bucket);
            within_a_second(&world, &path).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_file_of_a_profile_is_shown_without_its_source_while_the_bucket_hangs() {
    let world = standing("hangs").await;
    let profile = b"mode: set\nexample.com/a/b.go:1.1,2.2 1 1\n";
    world.store_run("kept-1", "kept", "1", "success", &[("artifacts/cover.out", profile)]).await;
    let coverage = world.process.web.coverage.as_ref().expect("coverage");
    let kept = world.process.web.runs.get("kept-1").expect("a run");
    let rows = read_run(&world.process.web.blobs, &kept, START).await.expect("a profile");
    let store = world.process.deps.coverage_reader.coverage.clone();
    store.put_run("kept-1", START, rows).await.expect("a row");
    let id = coverage.of_run("kept-1").await.expect("keys")[0].id;
    // The other runs lie in a bucket that hangs: no page waits until they are read.
    let reader = world.process.deps.coverage_reader.clone();
    let reading = tokio::spawn(async move { sync_once(&reader).await });
    // Since then the bucket is another one, which says nothing.
    world
        .patch(
            "kept-1",
            json!({"spec": {"decoration_config": {"gcs_configuration": {"bucket": "s3://hangs"}}}}),
        )
        .await;
    let page = format!("/coverage/kept/file?profile={id}&name=example.com/a/b.go");
    let page = within_a_second(&world, &page).await.expect(200).text();
    assert!(page.contains("example.com/a/b.go"), "{page}");
    within_a_second(&world, "/coverage/kept").await.expect(200);
    reading.abort();
}

#[tokio::test]
async fn a_profile_that_its_bucket_does_not_give_is_read_another_time() {
    let world = standing("listed-forbids").await;
    // A refusal does not pass by itself: what is missing is told.
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    let problem = index["series"][0]["newest"]["problem"].as_str().expect("a sentence");
    assert!(problem.contains("cover.out"), "{problem}");
    world.get("/coverage/nightly").await.expect(200);

    // Half a body, or one that comes later, is none: the run is looked through again.
    for bucket in ["listed-breaks", "listed-fails"] {
        let world = standing(bucket).await;
        let error = sync_once(&world.process.deps.coverage_reader).await.expect_err(bucket);
        assert!(format!("{error:#}").contains("cover.out"), "{bucket}: {error:#}");
        let index = within_a_second(&world, "/api/v1/coverage").await.expect(200).json();
        assert_eq!(index["series"], json!([]), "{bucket}");
        let coverage = world.process.deps.coverage_reader.coverage.clone();
        assert!(coverage.looked(&["nightly-1".to_owned()]).await.expect("an answer").is_empty());
    }
    // One that expired since it was listed is told like one that is refused.
    let world = standing("listed-gone").await;
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
    within_a_second(&world, "/coverage").await.expect(200);
}

#[tokio::test]
async fn a_packed_profile_that_unpacks_without_end_is_not_read_and_says_so() {
    let world = Setup::default().start().await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(b"mode: set\n").expect("packed");
    let lines = b"example.com/a/b.go:1.1,2.2 1 1\n".repeat(32 << 10);
    for _ in 0..140 {
        packer.write_all(&lines).expect("packed");
    }
    let packed = packer.finish().expect("packed");
    assert!(packed.len() < 1 << 20, "{}", packed.len());
    world.store_run("run-1", "unit", "1", "success", &[("artifacts/a.txt", b"a")]).await;
    let uri = blob::BlobUri::parse("file://artifacts/logs/unit/1/artifacts/cover.out");
    let options = blob::WriteOptions {
        content_encoding: Some("gzip".to_owned()),
        ..blob::WriteOptions::default()
    };
    let blobs = &world.process.web.blobs;
    blobs.write(&uri.expect("a place"), packed.clone(), &options).await.expect("written");
    // And the same without saying that it is packed.
    let raw = world.stored_file("unit", "1", "artifacts/deep/coverage.out");
    std::fs::create_dir_all(raw.parent().expect("a folder")).expect("a folder");
    std::fs::write(raw, &packed).expect("a file");
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    let series = index["series"].as_array().expect("series");
    let of = |path: &str| series.iter().find(|one| one["path"] == path);
    let problem = &of("artifacts/cover.out").expect("the packed one")["newest"]["problem"];
    assert!(problem.as_str().unwrap_or_default().contains("more than"), "{index}");
    world.get("/coverage/unit").await.expect(200);
    // The lens of the run says the same and costs no more.
    let page = world.get("/run/run-1?tab=lens-coverage").await.expect(200).text();
    assert!(page.contains("cover.out"), "{page}");
}

/// A storage of one log, whose first part comes at once, whose second one when it is let go, and whose
/// end never comes. Parts that are asked for are there.
async fn slow_log(parts: [String; 2], go_on: Arc<Notify>) -> SocketAddr {
    let size = 3 * parts.iter().map(String::len).sum::<usize>();
    let answer = move |request: Request| {
        let (parts, go_on) = (parts.clone(), go_on.clone());
        async move {
            if !request.uri().path().ends_with("build-log.txt") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let dated = [("etag", "\"1\""), ("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT")];
            let range = request.headers().get("range").and_then(|range| range.to_str().ok());
            if let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) {
                let (start, end) = range.split_once('-').expect("a range");
                let start: usize = start.parse().expect("a number");
                let end = end.parse::<usize>().expect("a number") + 1;
                let all = parts.concat();
                let part = all[start..end.min(all.len())].to_owned();
                let range = format!("bytes {start}-{}/{size}", end - 1);
                let status = StatusCode::PARTIAL_CONTENT;
                return (status, dated, [("content-range", range)], part).into_response();
            }
            let [first, second] = parts;
            let later = async move {
                go_on.notified().await;
                Ok(Bytes::from(second))
            };
            let body = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(first))])
                .chain(futures::stream::once(later))
                .chain(futures::stream::pending());
            (dated, [("content-length", size.to_string())], Body::from_stream(body)).into_response()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
    address
}

#[tokio::test]
async fn a_log_opens_at_its_first_error_before_its_end_has_come() {
    let go_on = Arc::new(Notify::new());
    let lines = |from: u32| (from..from + 2_000).map(|n| format!("line {n}\n")).collect::<String>();
    let parts = [lines(1), format!("ERROR: lost\n{}", lines(2_002))];
    let world = Setup::default().s3(slow_log(parts, go_on.clone()).await).start().await;
    let mut job = prow_job("nightly-1", "nightly", "failure");
    job["status"]["build_id"] = json!("1");
    job["spec"]["decoration_config"] = json!({
        "gcs_configuration": {"bucket": "s3://logs", "path_strategy": "explicit"},
    });
    world.put([job]).await;
    let web = &world.process.web;
    let run = web.runs.get("nightly-1").expect("a run");
    let highlights = web.highlights.of(&web.config.get());
    // Someone has come before and seen the first part.
    loop {
        let last = within(&world, web.logs.lines(&run, LogRange::Last(1), &highlights)).await;
        if last.expect("lines").total_lines >= 2_000 {
            break;
        }
    }
    // The clock goes on for the wait that every page allows a bucket, and no further.
    let end = world.clock.now().saturating_add(PATIENCE);
    let mut opened = std::pin::pin!(web.logs.lines(&run, LogRange::FirstError(400), &highlights));
    let opened = loop {
        tokio::select! {
            biased;
            lines = &mut opened => break lines.expect("lines"),
            () = tokio::task::yield_now() => {}
        }
        if world.clock.next_deadline() == Some(end) {
            world.clock.set(end);
            go_on.notify_one();
        }
    };
    assert!(!opened.complete);
    let error = opened.lines.iter().find(|line| line.error).expect("the error");
    assert_eq!((error.n, opened.first_line), (2_001, 1_900));
    assert_eq!(opened.lines.len(), 400, "with what is around it");
}
