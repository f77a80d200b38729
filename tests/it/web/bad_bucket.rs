//! Buckets that do not answer as they should: the page of a run arrives with what is known, and says
//! what is missing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tests::world::{Setup, World, prow_job};

/// How long a page may take on a busy machine; it should take a second.
const BOUND: Duration = Duration::from_secs(15);

/// A storage whose buckets are called after what is wrong with them.
async fn storage() -> SocketAddr {
    async fn answer(request: Request) -> Response {
        let path = request.uri().path().trim_start_matches('/');
        match path.split('/').next().unwrap_or_default() {
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
            _ if request.uri().query().is_some_and(|query| query.contains("list-type")) => {
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
