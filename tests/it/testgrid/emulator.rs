//! Builds are read from Google's storage as its emulators serve it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob::{BlobConfig, Blobs};
use grid::proto::config::TestGroup;
use server::testgrid::source::{self, BuildRef, ColumnReader};

/// The most keys of a page, as at Google.
const PAGE: usize = 1_000;

/// A bucket behind the XML interface, read only.
#[derive(Default)]
struct Bucket {
    /// Content and the `link` metadata by key.
    objects: BTreeMap<String, (String, Option<String>)>,
    listings: AtomicUsize,
}

impl Bucket {
    fn put(&mut self, key: &str, content: &str) {
        self.objects.insert(key.to_owned(), (content.to_owned(), None));
    }

    fn list(&self, query: &BTreeMap<String, String>) -> String {
        self.listings.fetch_add(1, Ordering::Relaxed);
        let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let (prefix, delimiter) = (get("prefix"), get("delimiter"));
        let after = get("start-after").max(get("continuation-token"));
        let most = get("max-keys").parse().unwrap_or(PAGE).min(PAGE);
        let mut text = String::from("<ListBucketResult>");
        let mut count = 0;
        let mut last = String::new();
        for key in self.objects.keys().filter(|key| key.starts_with(prefix)) {
            let end = key[prefix.len()..].find('/').filter(|_| delimiter == "/");
            let shown = end.map_or(key.as_str(), |end| &key[..=prefix.len() + end]);
            if shown <= after || shown == last {
                continue;
            }
            if count == most {
                text.push_str("<IsTruncated>true</IsTruncated>");
                text.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken>"));
                break;
            }
            count += 1;
            last = shown.to_owned();
            text.push_str(&match end {
                Some(_) => format!("<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>"),
                None => format!(
                    "<Contents><Key>{shown}</Key><Size>{}</Size>\
                     <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>",
                    self.objects[key].0.len()
                ),
            });
        }
        text + "</ListBucketResult>"
    }

    fn answer(&self, request: &Request) -> Response {
        let path = decoded(request.uri().path().trim_start_matches('/'));
        let Some((_, key)) = path.split_once('/').filter(|(_, key)| !key.is_empty()) else {
            let query = request.uri().query().unwrap_or_default();
            let query = query.split('&').filter_map(|pair| pair.split_once('='));
            let query = query.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
            return self.list(&query).into_response();
        };
        let Some((content, link)) = self.objects.get(key) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut answer = Response::builder()
            .header(header::LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT")
            .header(header::ETAG, "\"1\"")
            .header(header::CONTENT_LENGTH, content.len());
        if let Some(link) = link {
            answer = answer.header("x-goog-meta-link", link);
        }
        let is_head = request.method() == Method::HEAD;
        let body = if is_head { Body::empty() } else { Body::from(content.clone()) };
        answer.body(body).expect("an answer")
    }
}

/// A text without its percent signs.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(char::from(u8::from_str_radix(code, 16).expect("two hexadecimal digits")));
        out.push_str(rest);
    }
    out
}

async fn serve(bucket: Bucket) -> (Arc<Bucket>, Blobs) {
    let bucket = Arc::new(bucket);
    let router = Router::new()
        .fallback(|State(bucket): State<Arc<Bucket>>, request: Request| async move {
            bucket.answer(&request)
        })
        .with_state(bucket.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let blobs = Blobs::new(BlobConfig {
        gcs_anonymous: true,
        gcs_endpoint: Some(format!("http://{address}")),
        ..BlobConfig::default()
    });
    (bucket, blobs)
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
    let mut bucket = Bucket::default();
    const FIRST: u64 = 1_900_000_000_000_000_000;
    for number in 0..10_000 {
        bucket.put(&format!("logs/job/{}/started.json", FIRST + number), "{}");
    }
    bucket.put("logs/job/", "");
    bucket.put("logs/job/latest-build.txt", "1");
    let (bucket, blobs) = serve(bucket).await;
    let group = group("bucket/logs/job");
    let all = source::list(&blobs, &group, "").await.expect("a listing").builds;
    assert_eq!(all.len(), 10_000);
    assert_eq!(all[0].object(), format!("gs://bucket/logs/job/{}/", FIRST + 9_999));
    let listings = bucket.listings.swap(0, Ordering::Relaxed);
    assert!(listings <= 22, "{listings} pages");
    let last = (FIRST + 9_996).to_string();
    let new = source::list(&blobs, &group, &last).await.expect("a listing").builds;
    let ids: Vec<&str> = new.iter().map(|build| build.id.as_str()).collect();
    let expected: Vec<String> = (9_997..10_000).rev().map(|n| (FIRST + n).to_string()).collect();
    assert_eq!(ids, expected);
    assert_eq!(bucket.listings.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn builds_and_links_are_read_through_the_network_as_from_a_folder() {
    let mut bucket = Bucket::default();
    let link = Some("gs://bucket/pr-logs/pull/7/unit/12".to_owned());
    bucket.objects.insert("pr-logs/directory/unit/12.txt".to_owned(), (String::new(), link));
    let at = "pr-logs/pull/7/unit/12";
    bucket.put(&format!("{at}/started.json"), "{\"timestamp\":1790000000}");
    bucket.put(&format!("{at}/finished.json"), "{\"timestamp\":1790000060,\"passed\":true}");
    bucket.put(
        &format!("{at}/artifacts/junit_01.xml"),
        "<testsuite><testcase name='a'/></testsuite>",
    );
    bucket.put(&format!("{at}/artifacts/other.bin"), "x");
    let (_bucket, blobs) = serve(bucket).await;
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
