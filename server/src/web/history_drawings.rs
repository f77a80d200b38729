//! `/job-history-chart/…`: the drawings of a job's history.

use app::model::{query_pairs, query_value};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::backend_impl::histories::job::{asked, charted};
use super::drawings::{refused, svg};
use super::error::{HttpError, HttpResult};
use super::state::SharedWeb;
use crate::histories::chart::{durations, rates};
use crate::histories::periods::periods;

/// `of=durations` or `of=rates`, of the runs up to `buildId`.
pub async fn of_job(
    State(web): State<SharedWeb>,
    Path(path): Path<String>,
    uri: Uri,
) -> HttpResult<Response> {
    let query = uri.query().unwrap_or_default();
    let pairs = query_pairs(query);
    let is_rates = match query_value(&pairs, "of") {
        Some("durations") => false,
        Some("rates") => true,
        _ => return Err(HttpError::bad_request("`of` is durations or rates.")),
    };
    let asked = asked(&web, &path, query).map_err(refused)?;
    let runs = charted(&web, &asked).await.map_err(refused)?;
    if runs.is_empty() {
        return Err(HttpError::not_found("There is no run to be drawn."));
    }
    // What a drawing shows says which one it is.
    let shown: Vec<(i64, Option<i64>, &str)> = runs
        .iter()
        .map(|run| (run.started.millis(), run.completed.map(|at| at.millis()), run.state.as_str()))
        .collect();
    let drawing = web.histories.drawing(&(is_rates, shown), || {
        let runs = runs.iter().map(AsRef::as_ref);
        if is_rates { rates(&periods(runs)) } else { durations(runs) }
    });
    Ok(svg(&drawing))
}
