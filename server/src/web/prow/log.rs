//! `/log?job=&id=`: a run's raw log, streamed.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::logs::LogError;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::patience::while_it_answers;
use crate::web::state::SharedWeb;

/// The parameters.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// The job's name.
    #[serde(default)]
    pub job: String,
    /// The run's build id.
    #[serde(default)]
    pub id: String,
    /// The container; `test` if none is named.
    pub container: Option<String>,
}

/// The log as it is now, from the Pod or, once the Pod is gone, from the bucket.
pub async fn log(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
) -> HttpResult<Response> {
    if parameters.job.is_empty() {
        return Err(HttpError::bad_request("request did not provide the 'job' query parameter"));
    }
    if parameters.id.is_empty() {
        return Err(HttpError::bad_request("request did not provide the 'id' query parameter"));
    }
    let run = web
        .runs
        .by_build(&parameters.job, &parameters.id)
        .filter(|run| web.visibility().shows(run))
        .ok_or_else(|| {
            HttpError::not_found(format!(
                "Log not found: there is no run {} of the job {}.",
                parameters.id, parameters.job
            ))
        })?;
    let work = web.logs.raw(&run, parameters.container.as_deref());
    let stream = while_it_answers(&web, run.folder().as_ref(), "the log", work).await?;
    let stream = stream.map_err(log_error)?;
    Ok((
        CachePolicy::NoStore,
        [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        ],
        Body::from_stream(stream),
    )
        .into_response())
}

/// A log's error as an answer.
pub fn log_error(error: LogError) -> HttpError {
    match error {
        LogError::None(reason) => HttpError::not_found(format!("Log not found: {reason}")),
        LogError::Unavailable(cause) => {
            HttpError::unavailable("The place where the log is kept does not answer.")
                .caused_by(cause)
        }
    }
}
