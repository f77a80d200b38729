//! The status of a tab with its reasons, and what it would be with other options.

use axum::response::Response;
use grid::summarizer::options::{IGNORABLE, StatusOptions};
use serde_json::{Value, json};

use super::{OfTab, TabPath, failed, fresh};
use crate::testgrid::state::TabState;
use crate::web::backend_impl::testgrid::status_of;
use crate::web::error::{HttpError, HttpResult};

/// The status of a tab, the rule, rows and columns that give it, and the same with other options. All
/// rules and builds are those of the tab itself; nothing is changed by asking.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/status", tag = "testgrid",
    params(
        TabPath,
        ("num_failures_to_alert" = Option<u32>, Query, description = "what if so many failures in a row opened an alert; 0 for never"),
        ("num_passes_to_disable_alert" = Option<u32>, Query, description = "what if so many passes in a row closed it"),
        ("num_columns_recent" = Option<u32>, Query, description = "what if so many columns were recent"),
        ("alert_stale_results_hours" = Option<u32>, Query, description = "what if results were stale after so many hours; 0 for never"),
        ("broken_column_threshold" = Option<f32>, Query, description = "what if this part of a column might fail, 0 to 1; 0 for all"),
        ("max_acceptable_flakiness" = Option<f32>, Query, description = "what if flakiness up to so many percent were acceptable"),
        ("min_acceptable_runs" = Option<u32>, Query, description = "what if there had to be so many runs"),
        ("ignored_test_statuses" = Option<String>, Query, description = "what if columns with this status did not count: aborted, unknown, cancelled, blocked, or none; may be repeated"),
    ),
    responses(
        (status = 200, description = "`now`: options, status, message, alert, why, rows, row_count, builds, failing_tests; `then`: the same with the options that were asked for, null if none were.", content_type = "application/json; charset=utf-8", body = Object),
        (status = 400, description = "An option has a value that it cannot have."),
        (status = 404, description = "No such tab."),
    ),
)]
pub async fn status(of: OfTab) -> HttpResult<Response> {
    let asked = of.asked.grids.what_if(&of.dashboard, &of.tab, &of.asked.pairs).await;
    let found = asked.map_err(failed).map_err(HttpError::json)?;
    let then = found.then.map_err(|error| HttpError::bad_request(error.to_string()).json())?;
    let nothing = TabState::default();
    Ok(fresh(json!({
        "now": told(&found.options, found.now.as_deref().unwrap_or(&nothing)),
        "then": then.as_ref().map(|(options, state)| told(options, state)),
    })))
}

fn told(options: &StatusOptions, state: &TabState) -> Value {
    let ignored =
        IGNORABLE.iter().filter(|(status, _)| options.ignored_test_statuses.contains(status));
    json!({
        "options": {
            "num_failures_to_alert": options.num_failures_to_alert,
            "num_passes_to_disable_alert": options.num_passes_to_disable_alert,
            "num_columns_recent": options.num_columns_recent,
            "alert_stale_results_hours": options.alert_stale_results_hours,
            "broken_column_threshold": options.broken_column_threshold,
            "max_acceptable_flakiness": options.max_acceptable_flakiness,
            "min_acceptable_runs": options.min_acceptable_runs,
            "ignored_test_statuses": ignored.map(|(_, word)| *word).collect::<Vec<_>>(),
        },
        "status": status_of(state.status()).word(),
        "message": state.summary.status,
        "alert": state.summary.alert,
        "why": state.why,
        "rows": state.why_rows,
        "row_count": state.why_row_count,
        "builds": state.why_builds,
        "failing_tests": state.summary.failing_test_summaries.len(),
    })
}
