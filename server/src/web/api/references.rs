//! `/api/v1/runs/{id}/references`: issues and pull requests whose texts name a run.

use app::model::RunReference;
use axum::Json;
use axum::extract::{Path, State};

use super::example;
use crate::web::backend_impl::{find_run, references_of};
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::patience::no_run;
use crate::web::state::SharedWeb;

/// The issues and pull requests whose descriptions, comments or reviews name a run by an address, the one
/// that did so last first. They are known from webhooks.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/references",
    tag = "runs",
    params(("id" = String, Path, description = "the ProwJob's name")),
    responses(
        (status = 200, description = "The references, at most 30.", body = [RunReference], example = json!(example::references())),
        (status = 404, description = "No such run.", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::pins_away())),
    ),
)]
pub async fn references(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
) -> HttpResult<(CachePolicy, Json<Vec<RunReference>>)> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    let found = references_of(&web, &run).await.map_err(|error| {
        HttpError::unavailable("The store does not answer.").caused_by(error).json()
    })?;
    Ok((CachePolicy::NoStore, Json(found)))
}
