//! `/api/v1/suggest?q=`: jobs and repositories for the command palette.

use app::model::Suggestion;
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;

use crate::web::backend_impl;
use crate::web::cache::CachePolicy;
use crate::web::state::SharedWeb;

/// Suggestions at most.
const MOST: usize = 20;

/// The parameters.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// Words of the name.
    #[serde(default)]
    pub q: String,
}

/// Names that hold the words, best first.
#[utoipa::path(
    get,
    path = "/api/v1/suggest",
    tag = "runs",
    params(("q" = String, Query, description = "words of a job's or repository's name")),
    responses((status = 200, description = "At most 20 suggestions with label, kind and link.", body = Object)),
)]
pub async fn suggest(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
) -> (CachePolicy, Json<Vec<Suggestion>>) {
    let found = backend_impl::suggest(&web, &parameters.q, MOST);
    (CachePolicy::NoStore, Json(found))
}
