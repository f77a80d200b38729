//! One object of a bucket: its bytes, or a range of them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob::{BlobMeta, BlobUri, ByteStream};
use futures::{StreamExt as _, TryStreamExt as _};

use super::range::{Wanted, wanted};
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::patience::while_it_answers;
use crate::web::state::Web;

/// Bytes of a range that are read at once.
const STEP: u64 = 1 << 20;

/// Types that a browser shows without running anything; others are sent as plain text or for
/// download. The response's sandbox holds for all.
const SHOWN_AS_THEY_ARE: [&str; 6] =
    ["image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "application/pdf"];

/// The type that an object is sent with: markup comes as text, since whoever wrote it is not trusted.
fn content_type(meta: &BlobMeta) -> HeaderValue {
    let stored = meta.content_type.split(';').next().unwrap_or_default().trim();
    let is_text =
        stored.starts_with("text/") || stored.ends_with("xml") || stored.contains("javascript");
    let sent = match stored {
        stored if SHOWN_AS_THEY_ARE.contains(&stored) => stored,
        _ if is_text => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    HeaderValue::from_str(sent).unwrap_or(HeaderValue::from_static("text/plain"))
}

/// Answers with an object: a range, nothing new, its headers alone, or all of it, unpacked.
///
/// # Errors
/// 404 and 503 with a sentence.
pub async fn serve(
    web: &Web,
    uri: &BlobUri,
    method: &Method,
    headers: &HeaderMap,
    download: bool,
) -> HttpResult<Response> {
    let work = answer(web, uri, method, headers, download);
    while_it_answers(web, Some(uri), "the file", work).await?
}

async fn answer(
    web: &Web,
    uri: &BlobUri,
    method: &Method,
    headers: &HeaderMap,
    download: bool,
) -> HttpResult<Response> {
    let failed = |error: blob::BlobError| match error.is_not_found() {
        true => HttpError::not_found(format!("There is no object {uri}.")),
        false => HttpError::unavailable("The bucket does not answer.").caused_by(error),
    };
    let meta = web.blobs.head(uri).await.map_err(failed)?;
    let tag = format!("\"{:x}-{:x}\"", meta.size, meta.updated.millis());
    let etag = if meta.is_gzip() { format!("W/{tag}") } else { tag.clone() };
    let named = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut response = HeaderMap::new();
    response.insert(header::CONTENT_TYPE, content_type(&meta));
    let mut put = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.insert(name, value);
        }
    };
    put(header::ETAG, etag.clone());
    put(header::LAST_MODIFIED, http_date(meta.updated));
    if !meta.is_gzip() {
        put(header::ACCEPT_RANGES, "bytes".to_owned());
    }
    if download {
        let name = uri.key().rsplit('/').next().unwrap_or("file").replace(['"', '\\'], "_");
        put(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    }
    let known = named(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| {
        known == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, CachePolicy::Short, response).into_response());
    }
    // What is packed has no ranges: a part of it cannot be read without what comes before.
    let range = match meta.is_gzip() {
        true => Wanted::All,
        false => wanted(named(header::RANGE), meta.size),
    };
    // A range of what has changed meanwhile would be mixed with the old.
    let range = match named(header::IF_RANGE) {
        Some(seen) if seen != etag => Wanted::All,
        _ => range,
    };
    let mut put = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.insert(name, value);
        }
    };
    let (status, body) = match range {
        Wanted::Beyond => {
            put(header::CONTENT_RANGE, format!("bytes */{}", meta.size));
            (StatusCode::RANGE_NOT_SATISFIABLE, Body::empty())
        }
        Wanted::Part(first, last) => {
            put(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", meta.size));
            put(header::CONTENT_LENGTH, (last - first + 1).to_string());
            let bytes = part(web, uri, first, last + 1);
            (StatusCode::PARTIAL_CONTENT, Body::from_stream(bytes))
        }
        Wanted::All if *method == Method::HEAD => {
            if !meta.is_gzip() {
                put(header::CONTENT_LENGTH, meta.size.to_string());
            }
            (StatusCode::OK, Body::empty())
        }
        Wanted::All => {
            let (_, bytes) = web.blobs.open(uri).await.map_err(failed)?;
            (StatusCode::OK, Body::from_stream(bytes))
        }
    };
    let body = if *method == Method::HEAD { Body::empty() } else { body };
    Ok((status, CachePolicy::Short, response, body).into_response())
}

/// Bytes of an object, read step by step so that a large range is never in memory.
fn part(web: &Web, uri: &BlobUri, first: u64, end: u64) -> ByteStream {
    let (blobs, uri) = (web.blobs.clone(), uri.clone());
    let steps = (first..end).step_by(STEP as usize);
    futures::stream::iter(steps)
        .then(move |start| {
            let (blobs, uri) = (blobs.clone(), uri.clone());
            async move { blobs.read_range(&uri, start, STEP.min(end - start)).await }
        })
        .into_stream()
        .boxed()
}

/// As HTTP writes times: `Sat, 21 Nov 2026 14:42:08 GMT`.
fn http_date(at: go_compat::Timestamp) -> String {
    use std::time::{Duration, UNIX_EPOCH};
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}
