//! Google's storage in memory: the XML interface as `object_store` speaks it, and as much of the JSON
//! interface as Google's own client for Go does. Buckets come to be when something is put into them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use parking_lot::RwLock;
use serde_json::{Value, json};

/// The most keys of a page, as at Google.
const PAGE: usize = 1_000;
/// The most bytes of an upload.
const MAX_UPLOAD: usize = 256 << 20;
/// When everything was changed last.
const CHANGED: &str = "2026-01-01T00:00:00.000Z";

/// The buckets.
#[derive(Debug, Default)]
pub struct Emulator {
    buckets: RwLock<HashMap<String, BTreeMap<String, Object>>>,
    listings: AtomicUsize,
}

#[derive(Clone, Debug, Default)]
struct Object {
    bytes: Bytes,
    /// The `link` metadata.
    link: Option<String>,
    /// Rises with every write.
    generation: u64,
}

/// One page of a listing.
#[derive(Default)]
struct Listing {
    /// Key and size.
    objects: Vec<(String, Object)>,
    prefixes: Vec<String>,
    /// What the next page comes after.
    next: Option<String>,
}

impl Emulator {
    /// Puts an object into a bucket.
    pub fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        self.store(bucket, key, content.into(), None);
    }

    /// Puts an object without content whose metadata names another place.
    pub fn link(&self, bucket: &str, key: &str, target: &str) {
        self.store(bucket, key, Bytes::new(), Some(target.to_owned()));
    }

    /// Puts every file below a folder into a bucket. A text below `pr-logs/directory` becomes a link, as
    /// Prow makes it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn put_folder(&self, bucket: &str, folder: &Path) -> anyhow::Result<()> {
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            let entries = std::fs::read_dir(&inner)
                .with_context(|| format!("listing {}", inner.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let key = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                let bytes =
                    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                // The number of the newest build stands there as a text.
                let is_link = key.starts_with("pr-logs/directory/")
                    && key.ends_with(".txt")
                    && !key.ends_with("/latest-build.txt");
                let link = is_link.then(|| String::from_utf8_lossy(&bytes).trim().to_owned());
                self.store(bucket, &key, bytes.into(), link);
            }
        }
        Ok(())
    }

    /// Keys and contents of a bucket.
    pub fn objects(&self, bucket: &str) -> Vec<(String, Bytes)> {
        let buckets = self.buckets.read();
        let objects = buckets.get(bucket).into_iter().flatten();
        objects.map(|(key, object)| (key.clone(), object.bytes.clone())).collect()
    }

    /// How many pages were listed since this was asked last.
    pub fn take_listings(&self) -> usize {
        self.listings.swap(0, Ordering::Relaxed)
    }

    /// Serves the buckets on a free port of this machine for as long as the runtime lives.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn serve(self: &Arc<Self>) -> anyhow::Result<SocketAddr> {
        let answer = |State(buckets): State<Arc<Emulator>>, request: Request| async move {
            buckets.answer(request).await
        };
        let router = Router::new().fallback(answer).with_state(Arc::clone(self));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    fn store(&self, bucket: &str, key: &str, bytes: Bytes, link: Option<String>) -> u64 {
        let mut buckets = self.buckets.write();
        let object =
            buckets.entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default();
        let generation = object.generation + 1;
        *object = Object { bytes, link, generation };
        generation
    }

    fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        self.buckets.read().get(bucket)?.get(key).cloned()
    }

    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let query: HashMap<String, String> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decoded(&value.replace('+', " "))))
            .collect();
        if let Some(path) = path.strip_prefix("upload/storage/v1/b/") {
            let bucket = path.split('/').next().unwrap_or_default().to_owned();
            return self.upload(&bucket, &query, request).await;
        }
        if let Some(path) = path.strip_prefix("storage/v1/b/") {
            return self.json(path, &query);
        }
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let (bucket, key) = (decoded(bucket), decoded(key));
        match *request.method() {
            Method::PUT => self.replace(&bucket, &key, request).await,
            _ if key.is_empty() => self.xml(&bucket, &query),
            _ => match self.get(&bucket, &key) {
                Some(object) => object.answer(*request.method() == Method::HEAD),
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }

    /// A page of what begins with a prefix and comes after `after`, or at `from`.
    fn list(&self, bucket: &str, query: &HashMap<String, String>, after: &str) -> Listing {
        self.listings.fetch_add(1, Ordering::Relaxed);
        let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let (prefix, delimiter, from) = (get("prefix"), get("delimiter"), get("startOffset"));
        let most = ["max-keys", "maxResults"].iter().find_map(|name| get(name).parse().ok());
        let most = most.unwrap_or(PAGE).min(PAGE);
        let mut listing = Listing::default();
        let buckets = self.buckets.read();
        let Some(objects) = buckets.get(bucket) else { return listing };
        let mut last = String::new();
        let start = prefix.max(from).max(after).to_owned();
        for (key, object) in objects.range(start..) {
            if !key.starts_with(prefix) {
                break;
            }
            let end = key[prefix.len()..].find('/').filter(|_| delimiter == "/");
            let shown = end.map_or(key.as_str(), |end| &key[..=prefix.len() + end]);
            if shown <= after || shown == last {
                continue;
            }
            if listing.objects.len() + listing.prefixes.len() == most {
                listing.next = Some(last);
                break;
            }
            last = shown.to_owned();
            match end {
                Some(_) => listing.prefixes.push(last.clone()),
                None => listing.objects.push((last.clone(), object.clone())),
            }
        }
        listing
    }

    fn xml(&self, bucket: &str, query: &HashMap<String, String>) -> Response {
        let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let listing = self.list(bucket, query, get("start-after").max(get("continuation-token")));
        let mut text = String::from("<ListBucketResult>");
        for (key, object) in &listing.objects {
            text.push_str(&format!(
                "<Contents><Key>{}</Key><Size>{}</Size>\
                 <LastModified>{CHANGED}</LastModified></Contents>",
                escaped(key),
                object.bytes.len()
            ));
        }
        for prefix in &listing.prefixes {
            let prefix = escaped(prefix);
            text.push_str(&format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"));
        }
        if let Some(next) = &listing.next {
            let next = escaped(next);
            text.push_str("<IsTruncated>true</IsTruncated>");
            text.push_str(&format!("<NextContinuationToken>{next}</NextContinuationToken>"));
        }
        (text + "</ListBucketResult>").into_response()
    }

    fn json(&self, path: &str, query: &HashMap<String, String>) -> Response {
        let (bucket, rest) = path.split_once('/').unwrap_or((path, ""));
        let Some(key) = rest.strip_prefix("o/") else {
            let after = query.get("pageToken").map(String::as_str).unwrap_or_default();
            let listing = self.list(bucket, query, after);
            let items: Vec<Value> =
                listing.objects.iter().map(|(key, object)| object.about(bucket, key)).collect();
            let page = json!({
                "kind": "storage#objects",
                "items": items,
                "prefixes": listing.prefixes,
                "nextPageToken": listing.next,
            });
            return axum::Json(page).into_response();
        };
        let key = decoded(key);
        match self.get(bucket, &key) {
            Some(object) if query.get("alt").is_some_and(|alt| alt == "media") => {
                object.answer(false)
            }
            Some(object) => axum::Json(object.about(bucket, &key)).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// Whether a write that is only to replace a certain generation may go on.
    fn may_replace(&self, bucket: &str, key: &str, wanted: Option<&str>) -> bool {
        let generation = self.get(bucket, key).map_or(0, |object| object.generation);
        wanted.is_none_or(|wanted| wanted == generation.to_string())
    }

    async fn replace(&self, bucket: &str, key: &str, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let wanted = head.headers.get("x-goog-if-generation-match");
        if !self.may_replace(bucket, key, wanted.and_then(|wanted| wanted.to_str().ok())) {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        let Ok(bytes) = axum::body::to_bytes(body, MAX_UPLOAD).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let generation = self.store(bucket, key, bytes, None).to_string();
        let etag = format!("\"{generation}\"");
        ([("etag", etag), ("x-goog-generation", generation)], "").into_response()
    }

    /// An upload of two parts: what is to be known of the object, and its bytes.
    async fn upload(
        &self,
        bucket: &str,
        query: &HashMap<String, String>,
        request: Request,
    ) -> Response {
        let (head, body) = request.into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, MAX_UPLOAD).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let Some((about, content)) = two_parts(&head.headers, &bytes) else {
            return (StatusCode::BAD_REQUEST, "an upload has two parts here").into_response();
        };
        let name = about["name"].as_str().or(query.get("name").map(String::as_str));
        let key = name.unwrap_or_default().to_owned();
        let wanted = query.get("ifGenerationMatch").map(String::as_str);
        if !self.may_replace(bucket, &key, wanted) {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        self.store(bucket, &key, content, None);
        let object = self.get(bucket, &key).unwrap_or_default();
        axum::Json(object.about(bucket, &key)).into_response()
    }
}

impl Object {
    fn answer(&self, is_head: bool) -> Response {
        let mut answer = Response::builder()
            .header(header::LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT")
            .header(header::ETAG, format!("\"{}\"", self.generation))
            .header("x-goog-generation", self.generation)
            .header("x-goog-metageneration", 1)
            .header(header::CONTENT_LENGTH, self.bytes.len());
        if let Some(link) = &self.link {
            answer = answer.header("x-goog-meta-link", link);
        }
        let body = if is_head { Body::empty() } else { Body::from(self.bytes.clone()) };
        answer.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }

    fn about(&self, bucket: &str, key: &str) -> Value {
        let mut about = json!({
            "kind": "storage#object",
            "bucket": bucket,
            "name": key,
            "size": self.bytes.len().to_string(),
            "generation": self.generation.to_string(),
            "metageneration": "1",
            "updated": CHANGED,
        });
        if let Some(link) = &self.link {
            about["metadata"] = json!({ "link": link });
        }
        about
    }
}

/// The two parts of an upload: JSON, and the bytes.
fn two_parts(headers: &HeaderMap, body: &Bytes) -> Option<(Value, Bytes)> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = kind.split("boundary=").nth(1)?.trim_matches('"');
    let mark = format!("--{boundary}");
    let find = |from: usize, what: &[u8]| {
        let rest = body.get(from..)?;
        rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let part = |from: usize| {
        let start = find(from, b"\r\n\r\n")? + 4;
        let end = find(start, format!("\r\n{mark}").as_bytes())?;
        Some(start..end)
    };
    let about = part(find(0, mark.as_bytes())?)?;
    let content = part(about.end)?;
    Some((serde_json::from_slice(&body[about]).ok()?, body.slice(content)))
}

/// A text without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
