//! `/api/v1/runs/{id}/artifacts/{path}`: a file that a run left.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::example;
use crate::web::backend_impl::find_run;
use crate::web::browse::serve;
use crate::web::error::{HttpError, HttpResult};
use crate::web::patience::no_run;
use crate::web::state::SharedWeb;

/// Streams the file, or a range of it. Artifacts are untrusted: they are served under a policy that
/// runs nothing, and markup is shown as text.
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
        (status = 206, description = "The range that `Range` asked for.", content_type = "application/octet-stream", body = String),
        (status = 304, description = "The file is the one of the ETag that `If-None-Match` has."),
        (status = 400, description = "The path is none within the run's folder.", content_type = "text/plain", body = String, example = json!(example::no_path())),
        (status = 404, description = "No such run or file.", content_type = "text/plain", body = String, example = json!(example::no_file())),
        (status = 503, description = "The bucket does not answer.", content_type = "text/plain", body = String, example = json!(example::bucket_away())),
    ),
)]
pub async fn artifact(
    State(web): State<SharedWeb>,
    Path((id, path)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id))?;
    let missing = || HttpError::not_found(format!("The run has no file {path}."));
    let folder = run.folder().ok_or_else(missing)?;
    let uri = folder
        .join(&path)
        .map_err(|error| HttpError::bad_request(format!("This is no path of a file: {error}.")))?;
    serve(&web, &uri, &method, &headers, false)
        .await
        .map_err(|error| if error.status == StatusCode::NOT_FOUND { missing() } else { error })
}
