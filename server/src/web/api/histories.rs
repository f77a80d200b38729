//! `/api/v1/job-history/…`, `/api/v1/pr-history` and `/api/v1/runs/compare`: what the pages of the past
//! show.

use app::model::{JobHistory, PageError, PullHistory, RunComparison};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use utoipa::IntoParams;

use super::coverage::refused;
use super::histories_example as example;
use crate::web::backend_impl::histories as pages;
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpResult};
use crate::web::state::SharedWeb;

/// What chooses a page of a job's history.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct JobParameters {
    /// the page begins with this build, or the next older one; `older` and `newer` of an answer
    #[param(rename = "buildId")]
    build_id: Option<String>,
    /// runs of this state alone
    state: Option<String>,
    /// rows, at most 100
    limit: Option<u64>,
    /// the page begins with the last build of this day in UTC, such as 2026-11-21
    date: Option<String>,
}

/// Which pull request.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct PullParameters {
    /// organisation or user
    org: String,
    /// repository, without its organisation
    repo: String,
    /// number of the pull request
    pr: u64,
    /// a page of its commits, from 1
    page: Option<u64>,
}

/// Which two runs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct CompareParameters {
    /// id of the run after
    new: String,
    /// id of the run before; without it the last one of the job that passed, or the last one
    old: Option<String>,
}

type Answer<T> = HttpResult<(CachePolicy, Json<T>)>;

/// The runs of a job, by build.
#[utoipa::path(
    get,
    path = "/api/v1/job-history/{path}",
    tag = "runs",
    params(
        ("path" = String, Path, description = "where the builds lie, as in Deck's address: gs/bucket/logs/job, gs/bucket/pr-logs/directory/job"),
        JobParameters,
    ),
    responses(
        (status = 200, description = "A page of runs from the index and the bucket, the greatest build first; `notes` says what is missing.", body = JobHistory, example = json!(example::job())),
        (status = 400, description = "A parameter cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "There is no run of such a job.", body = ErrorDocument, example = json!(example::no_job())),
        (status = 503, description = "The run history does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn job(
    State(web): State<SharedWeb>,
    Path(path): Path<String>,
    uri: Uri,
) -> Answer<JobHistory> {
    answered(pages::job::page(&web, &path, uri.query().unwrap_or_default()).await)
}

/// The runs of a pull request, jobs by commits.
#[utoipa::path(
    get,
    path = "/api/v1/pr-history",
    tag = "runs",
    params(PullParameters),
    responses(
        (status = 200, description = "The commits, the newest first, and for each job its runs of each commit.", body = PullHistory, example = json!(example::pull())),
        (status = 400, description = "A parameter is missing or cannot be read.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "There is no run of this pull request.", body = ErrorDocument, example = json!(example::no_pull())),
        (status = 503, description = "The run history does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn pull(State(web): State<SharedWeb>, uri: Uri) -> Answer<PullHistory> {
    answered(pages::pull::page(&web, uri.query().unwrap_or_default()).await)
}

/// Two runs compared.
#[utoipa::path(
    get,
    path = "/api/v1/runs/compare",
    tag = "runs",
    params(CompareParameters),
    responses(
        (status = 200, description = "What differs in their parameters, commits, tests and logs.", body = RunComparison, example = json!(example::comparison())),
        (status = 400, description = "A parameter is missing.", body = ErrorDocument, example = json!(example::bad())),
        (status = 404, description = "There is no such run, or none before it.", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The run history does not answer.", body = ErrorDocument, example = json!(example::away())),
    ),
)]
pub async fn compare(State(web): State<SharedWeb>, uri: Uri) -> Answer<RunComparison> {
    answered(pages::compare::page(&web, uri.query().unwrap_or_default()).await)
}

fn answered<T>(page: Result<T, PageError>) -> Answer<T> {
    Ok((CachePolicy::NoStore, Json(page.map_err(refused)?)))
}
