//! `/api/v1/runs/{id}/artifacts/{path}`: a file that a run left.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use blob::BlobUri;

use super::example;
use crate::web::backend_impl::find_run;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// Types that a browser shows without running anything; others are sent as
/// plain text or for download. The response's sandbox holds for all.
const SHOWN_AS_THEY_ARE: [&str; 6] =
    ["image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "application/pdf"];

/// Streams the file. Artifacts are untrusted: they are served under a policy
/// that runs nothing, and markup is shown as text.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/artifacts/{path}",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("path" = String, Path, description = "path within the run's folder"),
    ),
    responses(
        (status = 200, description = "The file, with the type that it was stored with; markup comes as plain text.", content_type = "application/octet-stream", body = String),
        (status = 400, description = "The path is none within the run's folder.", content_type = "text/plain", body = String, example = json!(example::no_path())),
        (status = 404, description = "No such run or file.", content_type = "text/plain", body = String, example = json!(example::no_file())),
        (status = 503, description = "The bucket does not answer.", content_type = "text/plain", body = String, example = json!(example::bucket_away())),
    ),
)]
pub async fn artifact(
    State(web): State<SharedWeb>,
    Path((id, path)): Path<(String, String)>,
) -> HttpResult<Response> {
    let run = find_run(&web, &id)
        .await
        .map_err(|_| HttpError::not_found(format!("There is no run {id} here.")))?;
    let missing = || HttpError::not_found(format!("The run has no file {path}."));
    let folder =
        run.artifacts.as_deref().and_then(|uri| BlobUri::parse(uri).ok()).ok_or_else(missing)?;
    let uri = folder
        .join(&path)
        .map_err(|error| HttpError::bad_request(format!("This is no path of a file: {error}.")))?;
    let (meta, stream) = web.blobs.open(&uri).await.map_err(|error| {
        if error.is_not_found() {
            missing()
        } else {
            HttpError::unavailable("The bucket does not answer.").caused_by(error)
        }
    })?;
    let stored = meta.content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let content_type = if SHOWN_AS_THEY_ARE.contains(&stored.as_str()) {
        stored
    } else if stored.starts_with("text/")
        || stored.ends_with("xml")
        || stored.contains("javascript")
    {
        "text/plain; charset=utf-8".to_owned()
    } else {
        "application/octet-stream".to_owned()
    };
    let content_type =
        HeaderValue::from_str(&content_type).unwrap_or(HeaderValue::from_static("text/plain"));
    Ok((CachePolicy::Short, [(header::CONTENT_TYPE, content_type)], Body::from_stream(stream))
        .into_response())
}
