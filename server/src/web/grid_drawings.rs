//! `/testgrid/{dashboard}/{tab}/graph.svg`: the numbers of a row.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::backend_impl::testgrid::graph::numbers;
use super::backend_impl::testgrid::grids;
use super::drawings::{refused, svg};
use super::error::HttpResult;
use super::state::SharedWeb;
use crate::testgrid::chart;

/// The metrics that `metric=` names, one below the other.
pub async fn graph(
    State(web): State<SharedWeb>,
    Path((dashboard, tab)): Path<(String, String)>,
    uri: Uri,
) -> HttpResult<Response> {
    let grids = grids(&web).map_err(refused)?;
    let now = web.clock.now().millis();
    let query = uri.query().unwrap_or_default();
    let found = numbers(grids, &dashboard, &tab, query, now).await.map_err(refused)?;
    let drawing = tokio::task::spawn_blocking(move || {
        chart::numbers(&found.drawn, &found.results, &found.started_ms)
    });
    Ok(svg(&drawing.await.map_err(super::error::HttpError::internal)?))
}
