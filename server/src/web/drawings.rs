//! Drawings as answers.

use app::model::PageError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::cache::CachePolicy;
use super::error::HttpError;

/// An SVG document that runs nothing.
pub fn svg(drawing: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (CachePolicy::Short, headers, drawing.to_owned()).into_response()
}

/// Why there is no drawing: its page says more.
pub fn refused(error: PageError) -> HttpError {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::NOT_FOUND);
    HttpError::new(status, "This drawing cannot be made; its page says why.")
}
