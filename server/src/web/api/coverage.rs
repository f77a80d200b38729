//! `/api/v1/coverage…`: what the pages of coverage show, and profiles to take away.

use app::model::{CoverageComparison, CoverageFile, CoverageHeatmap, CoverageIndex, PageError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use coverage::Profile;
use utoipa::IntoParams;

use super::coverage_example as example;
use crate::coverage::CoverageError;
use crate::web::backend_impl::coverage::{self as pages, Query};
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::state::{SharedWeb, Web};

/// Below this share, in percent, the coverage robot calls a file low unless it is told otherwise.
const ROBOT_THRESHOLD: f64 = 80.0;

/// What chooses the heatmap of a job.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct HeatmapParameters {
    /// where the job's runs keep the profile; without it the first of the job's
    path: Option<String>,
    /// `runs`, or `versions`: the newest run of each
    by: Option<String>,
    /// the directory, `/` for all; without it the one in which all files lie
    dir: Option<String>,
    /// shares below this percentage are marked
    threshold: Option<f64>,
    /// `started_ms-id` of a profile: columns older than it
    before: Option<String>,
}

/// Which file of which profile.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct FileParameters {
    /// the profile's number
    profile: i64,
    /// the file's name as the profile has it
    name: String,
}

/// Which two profiles.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct ComparisonParameters {
    /// the number of the profile after
    new: i64,
    /// the number of the profile before, of this or another job
    old: i64,
    /// changed files below this percentage are low
    threshold: Option<f64>,
}

/// Which profile.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct ProfileParameters {
    /// the profile's number
    profile: i64,
}

type Answer<T> = HttpResult<(CachePolicy, Json<T>)>;

/// The newest coverage profile of each job.
#[utoipa::path(
    get,
    path = "/api/v1/coverage",
    tag = "coverage",
    responses(
        (status = 200, description = "The newest profile of each job, compared with the one before.", body = CoverageIndex, example = json!(example::index())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn index(State(web): State<SharedWeb>) -> Answer<CoverageIndex> {
    answered(pages::index::page(&web).await)
}

/// Directories of a job's profiles by runs or versions.
#[utoipa::path(
    get,
    path = "/api/v1/coverage/{job}",
    tag = "coverage",
    params(("job" = String, Path, description = "the job's name"), HeatmapParameters),
    responses(
        (status = 200, description = "The entries of a directory in each profile, the newest first; `change` compares with the column to the right.", body = CoverageHeatmap, example = json!(example::heatmap())),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "The job has no profile.", body = ErrorDocument, example = json!(example::missing())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn job(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> Answer<CoverageHeatmap> {
    answered(pages::job::page(&web, &job, uri.query().unwrap_or_default()).await)
}

/// A file of a profile line by line.
#[utoipa::path(
    get,
    path = "/api/v1/coverage/{job}/file",
    tag = "coverage",
    params(("job" = String, Path, description = "the job's name"), FileParameters),
    responses(
        (status = 200, description = "Its lines; where the source is not known, runs of lines of the same state.", body = CoverageFile, example = json!(example::file())),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "No such profile or file.", body = ErrorDocument, example = json!(example::missing())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn file(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> Answer<CoverageFile> {
    answered(pages::file::page(&web, &job, uri.query().unwrap_or_default()).await)
}

/// Two profiles compared.
#[utoipa::path(
    get,
    path = "/api/v1/coverage/{job}/compare",
    tag = "coverage",
    params(("job" = String, Path, description = "the job's name"), ComparisonParameters),
    responses(
        (status = 200, description = "The files whose share moved by more than a tenth of a point, new ones and those that are gone.", body = CoverageComparison, example = json!(example::comparison())),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "No such profile.", body = ErrorDocument, example = json!(example::missing())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn compare(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> Answer<CoverageComparison> {
    answered(pages::compare::page(&web, &job, uri.query().unwrap_or_default()).await)
}

/// Two profiles compared, as the coverage robot posts it on a pull request.
#[utoipa::path(
    get,
    path = "/api/v1/coverage/{job}/table",
    tag = "coverage",
    params(("job" = String, Path, description = "the job's name"), ComparisonParameters),
    responses(
        (status = 200, description = "Whether a changed file is low, and a table in Markdown.", content_type = "text/markdown", body = String),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "No such profile, or its blocks are not kept any more.", body = ErrorDocument, example = json!(example::missing())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn table(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> HttpResult<Response> {
    let query = Query::of(uri.query().unwrap_or_default());
    let (new, old) = (asked(&query, "new")?, asked(&query, "old")?);
    let threshold = query.threshold().map_err(refused)?.unwrap_or(ROBOT_THRESHOLD);
    let old_job = pages::any_profile_key(&web, old).await.map_err(refused)?.job;
    let (new, old) = (profile_of(&web, &job, new).await?, profile_of(&web, &old_job, old).await?);
    let post = coverage::table::post(&old, &new, &job, threshold as f32 / 100.0);
    let kind = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
    Ok((CachePolicy::NoStore, kind, post.document()).into_response())
}

/// A profile in Go's text form, whatever it was read from.
#[utoipa::path(
    get,
    path = "/api/v1/coverage/{job}/profile",
    tag = "coverage",
    params(("job" = String, Path, description = "the job's name"), ProfileParameters),
    responses(
        (status = 200, description = "The profile.", content_type = "text/plain", body = String),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "No such profile, or its blocks are not kept any more.", body = ErrorDocument, example = json!(example::missing())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn profile(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> HttpResult<Response> {
    let query = Query::of(uri.query().unwrap_or_default());
    let profile = profile_of(&web, &job, asked(&query, "profile")?).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"coverage.cov\""),
    ];
    Ok((CachePolicy::NoStore, headers, profile.to_go()).into_response())
}

fn asked(query: &Query, name: &str) -> HttpResult<i64> {
    query.profile(name).map_err(refused)
}

/// A whole profile that this process shows.
async fn profile_of(web: &Web, job: &str, id: i64) -> HttpResult<Profile> {
    let key = pages::profile_key(web, job, id).await.map_err(refused)?;
    let coverage = pages::coverage(web).map_err(refused)?;
    match coverage.profile(key.id).await {
        Ok(Some(profile)) => Ok(profile),
        Ok(None) => {
            let message = "The blocks of this profile are not kept any more.";
            Err(HttpError::not_found(message).json())
        }
        Err(error) => Err(unreadable(error)),
    }
}

fn unreadable(error: CoverageError) -> HttpError {
    HttpError::unavailable("The coverage could not be read.").caused_by(error).json()
}

fn answered<T>(page: Result<T, PageError>) -> Answer<T> {
    Ok((CachePolicy::NoStore, Json(page.map_err(refused)?)))
}

/// The error of a page as one of the API.
pub(super) fn refused(error: PageError) -> HttpError {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::NOT_FOUND);
    let message = match error {
        PageError::BadRequest { message }
        | PageError::NotFound { message }
        | PageError::Unavailable { message, .. } => message,
        PageError::Forbidden { reason } => reason,
        PageError::Internal { reference } => {
            format!("Something went wrong; the log has it under {reference}.")
        }
    };
    HttpError::new(status, message).json()
}
