//! `/api/v1/runs/{id}/tests`: the tests of a run, and all that a file says about one of them.

use app::model::RunTests;
use artifacts::log::plain;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::runs::run::Run;
use crate::web::backend_impl::{find_run, run_tests};
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::patience::{no_run, while_it_answers};
use crate::web::state::{SharedWeb, Web};

/// The tests, or with `file`, `case` and `part` a text of one of them.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/tests",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("q" = Option<String>, Query, description = "words that the names hold, or /pattern/"),
        ("sort" = Option<String>, Query, description = "duration: the slowest first"),
        ("only" = Option<String>, Query, description = "failed, flaky, passed or skipped: these alone, all of them"),
        ("group" = Option<u64>, Query, description = "the tests of a configured group, by its number from 1; without it those of none"),
        ("page" = Option<u64>, Query, description = "a page of those, from 1"),
        ("file" = Option<String>, Query, description = "the text of a case in this file"),
        ("case" = Option<u64>, Query, description = "its place in the file, from 0"),
        ("part" = Option<String>, Query, description = "text (why it failed), out or err"),
    ),
    responses(
        (status = 200, description = "The tests; or a text, as text/plain.", content_type = "application/json; charset=utf-8", body = Object),
        (status = 400, description = "The parameters name no part of a case.", content_type = "text/plain", body = String),
        (status = 404, description = "No such run, file or case, or the run has no results.", content_type = "text/plain", body = String),
        (status = 503, description = "The bucket does not answer.", content_type = "text/plain", body = String),
    ),
)]
pub async fn tests(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let query = query.unwrap_or_default();
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id))?;
    let none = || HttpError::not_found(format!("The run {id} left no files of results."));
    let pairs = app::model::query_pairs(&query);
    let value = |name: &str| app::model::query_value(&pairs, name);
    let away = |error| {
        HttpError::unavailable("The bucket does not answer.")
            .caused_by(anyhow::anyhow!("{error:?}"))
    };
    let Some(file) = value("file") else {
        let work = run_tests::page(&web, &run, &query);
        let found = answered(&web, &run, work).await?.map_err(away)?.ok_or_else(none)?;
        return Ok((CachePolicy::Short, Json::<RunTests>(found)).into_response());
    };
    let work = run_tests::files(&web, &run);
    let (folder, files) = answered(&web, &run, work).await?.map_err(away)?.ok_or_else(none)?;
    if !files.iter().any(|known| known.name == file) {
        return Err(HttpError::not_found(format!("{file} is no file of results of the run.")));
    }
    let bad = || HttpError::bad_request("`case` is a number and `part` one of text, out and err.");
    let place = value("case").and_then(|case| case.parse().ok()).ok_or_else(bad)?;
    let work = web.results.case(&folder, file, place, run_tests::size_limit(&web));
    let case = answered(&web, &run, work)
        .await?
        .map_err(|error| {
            HttpError::unavailable(format!("{file} cannot be read: {error}.")).caused_by(error)
        })?
        .ok_or_else(|| HttpError::not_found(format!("{file} has no case {place}.")))?;
    let text = match value("part").unwrap_or("text") {
        "text" => [&case.failure, &case.error, &case.skipped]
            .into_iter()
            .flatten()
            .map(artifacts::junit::Verdict::text)
            .collect::<Vec<_>>()
            .join("\n"),
        "out" => case.system_out.unwrap_or_default(),
        "err" => case.system_err.unwrap_or_default(),
        _ => return Err(bad()),
    };
    let plain_text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((CachePolicy::Short, plain_text, plain(&text)).into_response())
}

/// What reading a run's results comes to, unless its bucket says nothing.
async fn answered<T>(web: &Web, run: &Run, work: impl Future<Output = T>) -> HttpResult<T> {
    while_it_answers(web, run.folder().as_ref(), "what the tests say", work).await
}
