//! The documents of TestGrid's API, field by field as its clients know them.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use grid::api::v1;

use super::{Asked, OfTab, TabPath, document, missing, tagged_by_content};
use crate::web::error::HttpResult;

/// Documents of more cells are answered for a range of columns only.
const MAX_CELLS: usize = 4_000_000;

/// All dashboards by name.
#[utoipa::path(
    get, path = "/api/v1/dashboards", tag = "testgrid",
    params(("scope" = Option<String>, Query, description = "kept in the links of the answer; there is one configuration")),
    responses((status = 200, description = "`dashboards`: name, link, dashboard_group_name.", content_type = "application/json; charset=utf-8", body = Object)),
)]
pub async fn dashboards(asked: Asked, headers: HeaderMap) -> HttpResult<Response> {
    let config = &asked.config;
    let scope = asked.scope();
    let version = format!("{}-{scope}", config.loaded_at.millis());
    document(&headers, &version, v1::list_dashboards(&config.configuration, &config.names, scope))
}

/// All dashboard groups by name.
#[utoipa::path(
    get, path = "/api/v1/dashboard-groups", tag = "testgrid",
    responses((status = 200, description = "`dashboard_groups`: name, link.", content_type = "application/json; charset=utf-8", body = Object)),
)]
pub async fn dashboard_groups(asked: Asked, headers: HeaderMap) -> HttpResult<Response> {
    let config = &asked.config;
    let scope = asked.scope();
    let version = format!("{}-{scope}", config.loaded_at.millis());
    document(&headers, &version, v1::list_dashboard_groups(&config.configuration, scope))
}

/// The dashboards of a group.
#[utoipa::path(
    get, path = "/api/v1/dashboard-groups/{group}", tag = "testgrid",
    params(("group" = String, Path, description = "the group's name, in any spelling that differs in case and punctuation only")),
    responses((status = 200, description = "`dashboards`: name, link.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such group.")),
)]
pub async fn dashboard_group(
    Path(group): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let config = &asked.config;
    let scope = asked.scope();
    let found = v1::get_dashboard_group(&config.configuration, &config.names, &group, scope);
    tagged_by_content(&headers, &found.map_err(missing)?)
}

/// How each dashboard of a group does.
#[utoipa::path(
    get, path = "/api/v1/dashboard-groups/{group}/dashboard-summaries", tag = "testgrid",
    params(("group" = String, Path, description = "the group's name")),
    responses((status = 200, description = "`dashboard_summaries`: name, overall_status, tab_status_count.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such group.")),
)]
pub async fn dashboard_summaries(
    Path(group): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let (grids, config) = (&asked.grids, &asked.config);
    let group = config.names.dashboard_group(&config.configuration, &group).map_err(missing)?;
    let statuses = group
        .dashboard_names
        .iter()
        .filter_map(|name| Some(v1::dashboard_status(name, &grids.summary(name).ok()?)));
    tagged_by_content(
        &headers,
        &serde_json::json!({"dashboard_summaries": statuses.collect::<Vec<_>>()}),
    )
}

/// A dashboard's settings.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}", tag = "testgrid",
    params(("dashboard" = String, Path, description = "the dashboard's name, in any spelling that differs in case and punctuation only")),
    responses((status = 200, description = "notifications, default_tab, suppress_failing_tabs, highlight_today.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such dashboard.")),
)]
pub async fn dashboard(
    Path(dashboard): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let config = &asked.config;
    let found = v1::get_dashboard(&config.configuration, &config.names, &dashboard);
    tagged_by_content(&headers, &found.map_err(missing)?)
}

/// The tabs of a dashboard by name.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs", tag = "testgrid",
    params(("dashboard" = String, Path, description = "the dashboard's name")),
    responses((status = 200, description = "`dashboard_tabs`: name, link.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such dashboard.")),
)]
pub async fn tabs(
    Path(dashboard): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let config = &asked.config;
    let scope = asked.scope();
    let tabs = v1::list_dashboard_tabs(&config.configuration, &config.names, &dashboard, scope);
    tagged_by_content(&headers, &tabs.map_err(missing)?)
}

/// A tab's settings.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}", tag = "testgrid",
    params(TabPath),
    responses((status = 200, description = "name, test_group_name, description, templates, alert_options, base_options …", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn tab(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let (_, tab, group) = of.found()?;
    tagged_by_content(&headers, &v1::get_dashboard_tab(tab, group))
}

/// The columns of a tab's grid.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/headers", tag = "testgrid",
    params(
        TabPath,
        ("columns" = Option<String>, Query, description = "a range such as 0-49; the newest column is 0"),
        ("days" = Option<u32>, Query, description = "how far back it goes, if not as the tab says"),
    ),
    responses((status = 200, description = "`headers`: build, name, started, extra, hotlist_ids.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn headers(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let range = of.asked.columns()?;
    let version = of.grid().await?.version.clone();
    let message = of.message().await?;
    let version = format!("{version}-{}-{}", range.start, range.end);
    document(&headers, &version, v1::list_headers(&message, range))
}

/// The rows of a tab's grid with a document for each cell; `columns` keeps it small.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/rows", tag = "testgrid",
    params(
        TabPath,
        ("columns" = Option<String>, Query, description = "a range such as 0-49; the newest column is 0"),
        ("days" = Option<u32>, Query, description = "how far back it goes, if not as the tab says"),
    ),
    responses(
        (status = 200, description = "`rows`: name, cells (result, cell_id, message, icon), issues, alert.", content_type = "application/json; charset=utf-8", body = Object),
        (status = 400, description = "The grid is too large to be one document: ask for a range of columns."),
        (status = 404, description = "No such tab."),
    ),
)]
pub async fn rows(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let range = of.asked.columns()?;
    let grid = of.grid().await?;
    let page = &grid.assembled.grid;
    let width = range.end.min(page.column_count).saturating_sub(range.start);
    if width.saturating_mul(page.rows.len()) > MAX_CELLS {
        return Err(crate::web::error::HttpError::bad_request(format!(
            "{} rows of {width} columns are too many cells for one document: ask for columns=0-49, or \
             for the tab's grid, which has runs instead of cells.",
            page.rows.len()
        )));
    }
    let message = of.message().await?;
    let version = format!("{}-{}-{}", grid.version, range.start, range.end);
    document(&headers, &version, v1::list_rows(&message, range))
}

/// The summaries of a dashboard's tabs.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tab-summaries", tag = "testgrid",
    params(("dashboard" = String, Path, description = "the dashboard's name")),
    responses((status = 200, description = "`tab_summaries`: status, message, times, failing and flaky tests.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such dashboard.")),
)]
pub async fn tab_summaries(
    Path(dashboard): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let summary = asked.grids.summary(&dashboard).map_err(missing)?;
    tagged_by_content(&headers, &v1::list_tab_summaries(&summary))
}

/// The summary of a tab.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tab-summaries/{tab}", tag = "testgrid",
    params(TabPath),
    responses((status = 200, description = "`tab_summary`.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn tab_summary(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let (board, tab, _) = of.found()?;
    let summary = of.asked.grids.summary(&board.name).map_err(missing)?;
    let of_tab = summary.tab_summaries.iter().find(|one| one.dashboard_tab_name == tab.name);
    let of_tab = of_tab.ok_or_else(|| {
        missing(grid::api::NotFound::Tab { dashboard: board.name.clone(), tab: tab.name.clone() })
    })?;
    tagged_by_content(&headers, &v1::get_tab_summary(of_tab))
}

/// How a dashboard does.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/summary", tag = "testgrid",
    params(("dashboard" = String, Path, description = "the dashboard's name")),
    responses((status = 200, description = "`dashboard_summary`: name, overall_status, tab_status_count.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such dashboard.")),
)]
pub async fn summary(
    Path(dashboard): Path<String>,
    asked: Asked,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let (grids, config) = (&asked.grids, &asked.config);
    let found = config.names.dashboard(&config.configuration, &dashboard).map_err(missing)?;
    let summary = grids.summary(&found.name).map_err(missing)?;
    let status = v1::dashboard_status(&found.name, &summary);
    tagged_by_content(&headers, &serde_json::json!({"dashboard_summary": status}))
}

/// The grid of a tab with run lengths instead of cells.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/grid", tag = "testgrid",
    params(
        TabPath,
        ("columns" = Option<String>, Query, description = "a range such as 0-49; the newest column is 0"),
        ("days" = Option<u32>, Query, description = "how far back it goes, if not as the tab says"),
    ),
    responses((status = 200, description = "columns, texts by number, and rows whose statuses and texts are pairs of value and run length.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn grid(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let found = of.cut_grid().await?;
    document(&headers, &found.version, &found.assembled.grid)
}
