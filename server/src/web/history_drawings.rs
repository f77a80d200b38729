//! `/job-history-chart/…`: the drawings of a job's history.

use app::model::PageError;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::backend_impl::histories::job::{asked, charted};
use super::cache::CachePolicy;
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
    let pairs = app::model::query_pairs(query);
    let of = pairs.iter().find(|(name, _)| name == "of").map(|(_, value)| value.as_str());
    let is_rates = match of {
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
    let svg = web.histories.drawing(&(is_rates, shown), || {
        let runs = runs.iter().map(AsRef::as_ref);
        if is_rates { rates(&periods(runs)) } else { durations(runs) }
    });
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((CachePolicy::Short, headers, svg.to_string()).into_response())
}

fn refused(error: PageError) -> HttpError {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::NOT_FOUND);
    HttpError::new(status, "This drawing cannot be made; its page says why.")
}
