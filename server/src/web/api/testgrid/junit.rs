//! A column of a tab as a JUnit file.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use grid::export::junit as to_junit;
use grid::updater::convert::DURATION_METRIC;

use super::page::column_at;
use super::{OfTab, TabPath, failed, tagged};
use crate::web::error::{HttpError, HttpResult};

/// A column of a tab as a JUnit file: the newest, or that of a build. Rows that the tab does not show are
/// not in it.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/junit.xml", tag = "testgrid",
    params(
        TabPath,
        ("build" = Option<String>, Query, description = "the column's build; the newest column without it"),
        ("name" = Option<String>, Query, description = "the second part of the column's identity, where several columns have that build"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "One suite with a case for each result: failures with their messages, what passed and failed as `flakyFailure`, what neither passed nor failed as skipped.", content_type = "application/xml", body = String), (status = 404, description = "No such tab or build, or the tab has no results.")),
)]
pub async fn junit(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let found = of.grid().await?;
    let (board, tab, group) = of.found()?;
    let grid = &found.assembled.grid;
    let column = match of.asked.value("build") {
        Some(_) => column_at(grid, &of.asked, "build", "name")?,
        None if grid.columns.build.is_empty() => {
            return Err(HttpError::not_found("The tab has no results yet."));
        }
        None => 0,
    };
    let days = of.asked.days();
    let minutes =
        of.asked.grids.metric_of_column(&of.dashboard, &of.tab, days, DURATION_METRIC, column);
    let minutes = minutes.await.map_err(failed)?;
    let version = format!("{}-{column}-junit", found.version);
    let mut answer = tagged(&headers, &version, "application/xml; charset=utf-8", || {
        let suite = format!("{} › {}", board.name, tab.name);
        Ok(to_junit(grid, column, &suite, group, &minutes).into_bytes())
    })?;
    let name = HeaderValue::from_static("attachment; filename=\"junit.xml\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}
