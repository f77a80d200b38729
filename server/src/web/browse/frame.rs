//! HTML of strangers in a frame: it may draw with its own scripts, and reach nothing.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use blob::BlobUri;
use futures::StreamExt as _;

use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::Web;

/// What HTML of a run may do, in a frame and opened by itself: its origin is nobody's, it loads nothing,
/// sends nothing, opens nothing and cannot leave its frame. Only our own pages may frame it.
const NOTHING_BUT_ITSELF: &str = "sandbox allow-scripts; default-src 'none'; \
    script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; \
    font-src data:; media-src data:; connect-src 'none'; frame-src 'none'; worker-src 'none'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// Headers of a document that a page of ours may show in a frame under a policy, which must have
/// `sandbox`.
pub fn sandboxed(policy: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    let policy = HeaderValue::from_str(policy)
        .unwrap_or(HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers
}

/// A file of HTML for a frame.
///
/// # Errors
/// It is no file of HTML by its name, is larger than a lens may read, or is not there.
pub(super) async fn framed(web: &Web, uri: &BlobUri) -> HttpResult<Response> {
    let name = uri.file_name().to_ascii_lowercase();
    if !name.ends_with(".html") && !name.ends_with(".htm") {
        return Err(HttpError::bad_request(format!("{uri} is no HTML by its name.")));
    }
    let failed = |error: blob::BlobError| match error.is_not_found() {
        true => HttpError::not_found(format!("There is no object {uri}.")),
        false => HttpError::unavailable("The bucket does not answer.").caused_by(error),
    };
    let (meta, bytes) = web.blobs.open(uri).await.map_err(failed)?;
    let limit = u64::try_from(web.config.get().prow.deck.spyglass.size_limit()).unwrap_or(0);
    if meta.size > limit {
        return Err(HttpError::bad_request(format!(
            "{uri} has {} bytes, more than a lens shows (deck.spyglass.size_limit: {limit}).",
            meta.size
        )));
    }
    // What is packed may come to far more than it takes in the bucket: it ends at the limit.
    let mut sent = 0_u64;
    let bytes = bytes.take_while(move |chunk| {
        sent += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        std::future::ready(sent <= limit)
    });
    Ok((CachePolicy::Short, sandboxed(NOTHING_BUT_ITSELF), Body::from_stream(bytes))
        .into_response())
}
