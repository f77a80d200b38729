//! What every request passes: measures, security headers, redirects.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use prometheus::Histogram;

use crate::metrics::Metrics;

/// Records Deck's request metrics under the route's pattern, so that the
/// labels stay few whatever is asked for. The size is that of the bytes that
/// went out, compressed where they were.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status();
    let labels = [path.as_str(), method.as_str(), status.as_str()];
    metrics.request_duration.with_label_values(&labels).observe(started.elapsed().as_secs_f64());
    let sizes = metrics.response_size.with_label_values(&labels);
    response.map(|body| Body::new(Counted { body, bytes: 0, sizes }))
}

/// A body that tells how long it was once it is sent or given up.
struct Counted {
    body: Body,
    bytes: u64,
    sizes: Histogram,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.bytes += data.len() as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.sizes.observe(self.bytes as f64);
    }
}

/// Headers that hold for everything that we send. Pages bring their own
/// content security policy with a nonce; whatever is not a page may load
/// nothing at all.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // What is made to be shown in a frame of a page says so itself.
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    response
}

/// Deck's `--redirect-http-to`: a request that reached the proxy by plain http
/// is sent to https on the given host.
pub async fn redirect_http(
    State(host): State<Option<String>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(host) = host else { return next.run(request).await };
    let plain = request.headers().get("x-forwarded-proto").is_some_and(|proto| proto == "http");
    if !plain {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match HeaderValue::from_str(&format!("https://{host}{path}")) {
        Ok(location) => {
            (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
