//! The API of the test grid: the documents of TestGrid's own API (service TestGridData), and what the
//! page of a tab works with.

use std::ops::Range;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use serde::Serialize;

use crate::testgrid::TestGrid;
use crate::testgrid::service::GridError;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::prow::listings::matches_etag;
use crate::web::state::Web;

pub mod data;
pub mod export;
pub mod page;
pub mod stream;

/// The grids of this process.
fn grids(web: &Web) -> HttpResult<&Arc<TestGrid>> {
    web.grids.as_ref().ok_or_else(|| {
        HttpError::not_found("This process has no test grid; `bowsprit serve` has one.")
    })
}

/// A failure of the grids. As TestGrid's API, what is not there is 404.
fn failed(error: GridError) -> HttpError {
    match error {
        GridError::NotFound(error) => HttpError::not_found(error.to_string()),
        GridError::Options(error) => HttpError::bad_request(error.to_string()),
        GridError::Store(cause) => {
            HttpError::unavailable("The stored builds could not be read.").caused_by(cause)
        }
    }
}

fn missing(error: grid::api::NotFound) -> HttpError {
    HttpError::not_found(error.to_string())
}

/// A document that anybody's script may read, with a tag by which it is asked for again.
fn document(headers: &HeaderMap, version: &str, body: impl Serialize) -> HttpResult<Response> {
    tagged(headers, version, "application/json", || {
        serde_json::to_vec(&body).map_err(HttpError::internal)
    })
}

/// An answer with a tag; nothing is made for a reader who has it.
fn tagged(
    headers: &HeaderMap,
    version: &str,
    content_type: &'static str,
    body: impl FnOnce() -> HttpResult<Vec<u8>>,
) -> HttpResult<Response> {
    // A tag has no quotes and no control characters.
    let plain: String = version.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
    let etag = format!("\"{plain}\"");
    let tag = HeaderValue::from_str(&etag).map_err(HttpError::internal)?;
    let open = (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let head = [(header::ETAG, tag), open];
    if matches_etag(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, CachePolicy::Revalidate, head).into_response());
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok((CachePolicy::Revalidate, head, [kind], Body::from(body()?)).into_response())
}

/// An answer that is only good for this moment.
fn fresh(body: impl Serialize) -> Response {
    let open = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))];
    (CachePolicy::NoStore, open, Json(body)).into_response()
}

/// The decoded pairs of a query.
fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    app::model::query_pairs(query.unwrap_or_default())
}

fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// `days=`: how far back the grid goes, if not as its tab says.
fn days(pairs: &[(String, String)]) -> Option<i64> {
    let days: i64 = value(pairs, "days")?.parse().ok()?;
    (1..=3_650).contains(&days).then_some(days)
}

/// `columns=A-B`: a range of columns, both ends in it, counted from the newest at 0.
fn columns(pairs: &[(String, String)]) -> HttpResult<Range<usize>> {
    let Some(text) = value(pairs, "columns") else { return Ok(0..usize::MAX) };
    let range = text.split_once('-').and_then(|(first, last)| {
        let first: usize = first.parse().ok()?;
        let end = if last.is_empty() { usize::MAX } else { last.parse::<usize>().ok()? + 1 };
        (first < end).then_some(first..end)
    });
    range.ok_or_else(|| {
        HttpError::bad_request(format!(
            "columns={text} is no range: write columns=0-49, the newest column is 0."
        ))
    })
}
