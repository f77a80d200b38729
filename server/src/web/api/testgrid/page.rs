//! What the page of a tab works with.

use std::collections::BTreeMap;

use app::model::columnar::{ColumnarAlert, ColumnarGrid, ColumnarHeader, ColumnarRow, Runs, Texts};
use app::model::encode;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob::BlobUri;
use go_compat::GoRegex;
use grid::columnar::{PageGrid, PageRow};
use grid::proto::TestStatus;
use grid::proto::config::TestGroup;
use grid::view::{Entry, view};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Asked, OfTab, TabPath, fresh, tagged};
use crate::testgrid::links::{CellOf, ColumnOf, NamedLink, TabLinks};
use crate::testgrid::service::TabGrid;
use crate::web::backend_impl::testgrid::graph::{MAX_METRICS, graph_href};
use crate::web::backend_impl::testgrid::options;
use crate::web::backend_impl::testgrid::tab::{NameParts, column_of};
use crate::web::backend_impl::testgrid::{tab_href, test_href};
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::run_page;

/// Rows of which one request can ask the values of a metric.
const MAX_METRIC_ROWS: usize = 500;
/// A part of a test's name that is shorter is not looked for in a log.
const SHORTEST_NAME: usize = 4;
/// Clusters of failures that are told.
const MAX_CLUSTERS: usize = 200;

/// The grid of a tab in the form that its page reads.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/grid.bin", tag = "testgrid",
    params(
        TabPath,
        ("columns" = Option<String>, Query, description = "a range such as 0-49; the newest column is 0"),
        ("days" = Option<u32>, Query, description = "how far back it goes, if not as the tab says"),
    ),
    responses((status = 200, description = "The columnar form that `app/src/model/columnar.rs` describes.", content_type = "application/vnd.bowsprit.grid", body = Vec<u8>), (status = 404, description = "No such tab.")),
)]
pub async fn columnar(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let found = of.cut_grid().await?;
    let (_, _, group) = of.found()?;
    tagged(&headers, &found.version, "application/vnd.bowsprit.grid", || {
        Ok(columnar_of(&found, group).encode())
    })
}

/// A grid in the form of the page.
fn columnar_of(found: &TabGrid, group: &TestGroup) -> ColumnarGrid {
    let grid = &found.assembled.grid;
    let texts = |of: &[String]| of.iter().map(String::as_str).collect::<Texts>();
    let metric_texts: Vec<u32> = {
        // Metrics are named by texts of the table; theirs come behind the grid's own.
        let first = grid.texts.len() as u32;
        (0..found.assembled.metrics.len() as u32).map(|at| first + at).collect()
    };
    let all = grid.texts.iter().chain(&found.assembled.metrics).map(String::as_str);
    let bits = |of_row: u64| {
        let set = metric_texts.iter().enumerate().filter(|(bit, _)| of_row & (1 << bit) != 0);
        set.map(|(_, number)| *number).collect::<Vec<_>>()
    };
    let rows =
        grid.rows.iter().zip(&found.assembled.row_metrics).map(|(row, metrics)| ColumnarRow {
            name: row.name.clone(),
            id: row.id.clone(),
            statuses: Runs::from_pairs(&row.statuses),
            icons: Runs::from_pairs(&row.icons),
            messages: Runs::from_pairs(&row.messages),
            metrics: bits(*metrics),
            issues: row.issues.clone(),
            alert: row.alert.as_ref().map(|alert| ColumnarAlert {
                fail_count: u32::try_from(alert.fail_count).unwrap_or(0),
                fail_build: alert.fail_build.clone(),
                fail_seconds: alert.fail_seconds,
                pass_build: alert.pass_build.clone(),
                pass_seconds: alert.pass_seconds,
                message: alert.message.clone(),
            }),
        });
    let headers = grid.columns.headers.iter().enumerate().map(|(at, values)| ColumnarHeader {
        label: group.header_label(at).to_owned(),
        values: Runs::from_pairs(values),
    });
    ColumnarGrid {
        version: found.version.clone(),
        first_column: grid.first_column as u32,
        column_count: grid.column_count as u32,
        texts: all.collect(),
        builds: texts(&grid.columns.build),
        names: texts(&grid.columns.name),
        started_ms: grid.started_ms(),
        headers: headers.collect(),
        rows: rows.collect(),
    }
}

/// Which rows options show, in which order and groups.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/view", tag = "testgrid",
    params(TabPath),
    responses(
        (status = 200, description = "`entries`: places of rows in the grid, and groups (name, rows, worst, entries); shown, filtered, stale, not_failed: how many rows.", content_type = "application/json; charset=utf-8", body = Object),
        (status = 400, description = "An option is wrong."), (status = 404, description = "No such tab."),
    ),
)]
pub async fn view_of(of: OfTab) -> HttpResult<Response> {
    let (_, found, _) = of.found().map_err(HttpError::json)?;
    let asked = options::asked(&found.base_options, &of.asked.query);
    if !asked.error.is_empty() {
        return Err(HttpError::bad_request(asked.error).json());
    }
    let grid = of.cut_grid().await.map_err(HttpError::json)?;
    let shown = view(&grid.assembled.grid, &asked.view, grid.recent);
    Ok(fresh(json!({
        "version": grid.version,
        "entries": entries(&shown.entries),
        "shown": shown.shown,
        "filtered": shown.filtered,
        "stale": shown.stale,
        "not_failed": shown.not_failed,
    })))
}

/// How the names of rows are split into columns, where the tab's `tabular_names_regex` says so.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/names", tag = "testgrid",
    params(
        TabPath,
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "`labels`: what the columns are called; `names`: the columns of each name that matches.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn names(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let found = of.grid().await.map_err(HttpError::json)?;
    let (_, tab, _) = of.found().map_err(HttpError::json)?;
    let version = format!("{}-names", found.version);
    tagged(&headers, &version, "application/json", || {
        let parts = NameParts::of(&tab.tabular_names_regex);
        let rows = found.assembled.grid.rows.iter();
        let split = |row: &'_ PageRow| parts.as_ref().map(|parts| parts.split(&row.name));
        let names: BTreeMap<&str, Vec<String>> = rows
            .filter_map(|row| Some((row.name.as_str(), split(row)?)))
            .filter(|(_, columns)| !columns.is_empty())
            .collect();
        let labels = parts.as_ref().map(NameParts::labels).unwrap_or_default();
        serde_json::to_vec(&json!({"labels": labels, "names": names})).map_err(HttpError::internal)
    })
}

fn entries(of: &[Entry]) -> Vec<Value> {
    let entry = |entry: &Entry| match entry {
        Entry::Row(place) => json!(place),
        Entry::Group(group) => json!({
            "name": group.name,
            "rows": group.rows,
            "worst": group.worst,
            "entries": entries(&group.entries),
        }),
    };
    of.iter().map(entry).collect()
}

/// Scheme and host under which the reader knows this server.
fn origin(headers: &HeaderMap) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = header("host") else { return String::new() };
    let scheme = match header("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    format!("{scheme}://{host}")
}

/// A cell as the page shows it.
#[derive(Debug, Serialize)]
struct CellDetail<'a> {
    status: u32,
    words: &'a str,
    icon: &'a str,
    message: &'a str,
    build: &'a str,
    started_ms: i64,
    metrics: Vec<MetricValue>,
    properties: BTreeMap<&'a str, &'a str>,
    issues: &'a [String],
    links: Vec<CellLink>,
}

#[derive(Debug, Serialize)]
struct MetricValue {
    name: String,
    value: f64,
}

#[derive(Debug, Serialize)]
struct CellLink {
    kind: &'static str,
    text: String,
    href: String,
}

impl From<NamedLink> for CellLink {
    fn from(link: NamedLink) -> CellLink {
        CellLink { kind: link.kind, text: link.text, href: link.href }
    }
}

/// A row and a column of a grid, by their names.
struct Spot<'g> {
    grid: &'g PageGrid,
    row: usize,
    column: usize,
}

impl<'g> Spot<'g> {
    /// What `row=`, `build=` and `name=` say.
    fn find(grid: &'g PageGrid, asked: &Asked) -> HttpResult<Spot<'g>> {
        let row = asked.value("row").unwrap_or_default();
        let place =
            grid.rows.iter().position(|found| found.name == row).ok_or_else(|| {
                HttpError::not_found(format!("The grid has no row {row:?}.")).json()
            })?;
        let mut columns = columns_of(grid, asked, "build", "name");
        let first = columns.next().ok_or_else(|| no_build(asked, "build"))?;
        // Jobs of a tab over several groups may number their builds alike; a row has one of them.
        let statuses: Vec<TestStatus> = grid.rows[place].results().collect();
        let filled = |at: &usize| statuses.get(*at).is_some_and(|status| status.is_filled());
        let column = std::iter::once(first).chain(columns).find(filled).unwrap_or(first);
        Ok(Spot { grid, row: place, column })
    }

    fn with_cell<T>(&self, act: impl FnOnce(&CellOf<'_>) -> T) -> T {
        let row = &self.grid.rows[self.row];
        let cell = row.cells().nth(self.column);
        let text = |number: Option<u32>| number.map_or("", |number| self.grid.text(number));
        act(&CellOf {
            row: &row.name,
            row_id: row.id.as_deref().unwrap_or(&row.name),
            cell_id: text(cell.map(|cell| cell.cell_id)),
            status: cell.map_or(TestStatus::NoResult, |cell| cell.status).words(),
            user_property: text(cell.map(|cell| cell.user_property)),
        })
    }
}

/// The columns that two parameters name, newest first: by the build, and by the second part of their
/// identity if it is given.
fn columns_of<'g>(
    grid: &'g PageGrid,
    asked: &'g Asked,
    build: &str,
    name: &str,
) -> impl Iterator<Item = usize> + use<'g> {
    let build = asked.value(build).unwrap_or_default();
    let name = asked.value(name);
    let is_named = move |at: &usize| name.is_none_or(|name| grid.columns.name_of(*at) == name);
    let of_build = grid.columns.build.iter().enumerate().filter(move |(_, found)| *found == build);
    of_build.map(|(at, _)| at).filter(is_named)
}

/// The newest of them.
pub(super) fn column_at(
    grid: &PageGrid,
    asked: &Asked,
    build: &str,
    name: &str,
) -> HttpResult<usize> {
    columns_of(grid, asked, build, name).next().ok_or_else(|| no_build(asked, build))
}

fn no_build(asked: &Asked, build: &str) -> HttpError {
    let build = asked.value(build).unwrap_or_default();
    HttpError::not_found(format!("The grid has no build {build:?}.")).json()
}

/// What is known of a cell, and where its menu leads.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/cell", tag = "testgrid",
    params(
        TabPath,
        ("row" = String, Query, description = "the row's name"), ("build" = String, Query, description = "the column's build"),
        ("name" = Option<String>, Query, description = "the second part of the column's identity, where several columns have that build"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "status, words, icon, message, build, started_ms, metrics, properties, issues, links.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab, row or build.")),
)]
pub async fn cell(
    State(web): State<SharedWeb>,
    of: OfTab,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let row = of.asked.value("row").unwrap_or_default();
    let build = of.asked.value("build").unwrap_or_default();
    let found = of.grid().await.map_err(HttpError::json)?;
    let (board, tab, group) = of.found().map_err(HttpError::json)?;
    let grid = &found.assembled.grid;
    let spot = Spot::find(grid, &of.asked)?;
    let cell = grid.rows[spot.row].cells().nth(spot.column);
    let status = cell.map_or(TestStatus::NoResult, |cell| cell.status);
    let links = TabLinks { tab, group };
    let here = format!("{}{}", origin(&headers), tab_href(&board.name, &tab.name));
    let column = column_of(grid, spot.column);
    let mut menu: Vec<CellLink> = spot
        .with_cell(|cell| links.menu(&column, cell, &here))
        .into_iter()
        .map(CellLink::from)
        .collect();
    if status.is_filled() {
        menu.extend(spot.with_cell(|cell| of_run(&web, &links, &column, cell)));
    }
    menu.push(CellLink {
        kind: "history",
        text: "History of this test".to_owned(),
        href: test_href(row),
    });
    let known = of.asked.grids.issues(&group.name);
    menu.extend(grid.rows[spot.row].issues.iter().map(|issue| CellLink {
        kind: "issue",
        text: ["Issue", issue, known.title(issue)].join(" ").trim_end().to_owned(),
        href: links.issue(issue).unwrap_or_default(),
    }));
    if found.assembled.row_metrics.get(spot.row).is_some_and(|metrics| *metrics != 0) {
        menu.push(CellLink {
            kind: "graph",
            text: "Numbers of this test".to_owned(),
            href: graph_href(&board.name, &tab.name, row),
        });
    }
    let mut metrics = Vec::new();
    for name in &found.assembled.metrics {
        let values = of.metric(name, vec![row.to_owned()]).await.map_err(HttpError::json)?;
        let at = values.get(row).into_iter().flatten().find(|(at, _)| *at == spot.column);
        metrics.extend(at.map(|(_, value)| MetricValue { name: name.clone(), value: *value }));
    }
    let text = |number: Option<u32>| number.map_or("", |number| grid.text(number));
    let property = text(cell.map(|cell| cell.user_property));
    let properties = (!property.is_empty()).then_some((group.user_property.as_str(), property));
    Ok(fresh(CellDetail {
        status: status as u32,
        words: status.words(),
        icon: text(cell.map(|cell| cell.icon)),
        message: text(cell.map(|cell| cell.message)),
        build,
        started_ms: grid.started_ms().get(spot.column).copied().unwrap_or(0),
        metrics,
        properties: properties.into_iter().collect(),
        issues: &grid.rows[spot.row].issues,
        links: menu,
    }))
}

/// The ways to a test in its run on this server: the log where it names the test, and the test among
/// those of the run. None if the server does not show the bucket.
fn of_run(
    web: &Web,
    links: &TabLinks<'_>,
    column: &ColumnOf<'_>,
    cell: &CellOf<'_>,
) -> Vec<CellLink> {
    let folder = links.folder(column, cell).and_then(|folder| BlobUri::parse(&folder).ok());
    let config = web.config.get();
    let Some(folder) = folder.filter(|folder| config.prow.deck.allows_bucket(folder.bucket()))
    else {
        return Vec::new();
    };
    let run = run_page("", Some(&folder.to_string()));
    let link = |kind, text: &str, query: String| CellLink {
        kind,
        text: text.to_owned(),
        href: format!("{run}?tab={query}"),
    };
    // In a group of several jobs, `<job>.Overall`.
    let own = ["Overall", "Pod"];
    if own.contains(&cell.row_id.rsplit('.').next().unwrap_or_default()) {
        return vec![link("log", "Open log", "log".to_owned())];
    }
    let find = encode(&log_pattern(cell.row_id));
    vec![
        link("log", "Open log at the test", format!("log&find={find}")),
        link("test", "The test in its run", format!("tests&row={}", encode(cell.row_id))),
    ]
}

/// What finds a test in a log: its name, or the last part of a name with dots, since tools write a
/// test's class or package apart from it.
fn log_pattern(test: &str) -> String {
    let whole = GoRegex::quote_meta(test);
    let words = test.contains(char::is_whitespace);
    match test.rsplit_once('.').filter(|(_, last)| !words && last.len() >= SHORTEST_NAME) {
        Some((_, last)) => format!("{whole}|{}", GoRegex::quote_meta(last)),
        None => whole,
    }
}

/// Leads to where a click on a cell does, or on a column if no row is named.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/open", tag = "testgrid",
    params(
        TabPath,
        ("row" = Option<String>, Query, description = "the row's name"), ("build" = String, Query, description = "the column's build"),
        ("name" = Option<String>, Query, description = "the second part of the column's identity, where several columns have that build"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 302, description = "Where the tab's template leads."), (status = 404, description = "No such tab, row or build, or the tab has no template.")),
)]
pub async fn open(of: OfTab) -> HttpResult<Response> {
    let found = of.grid().await?;
    let (_, tab, group) = of.found()?;
    let grid = &found.assembled.grid;
    let links = TabLinks { tab, group };
    let href = match of.asked.value("row") {
        Some(_) => {
            let spot = Spot::find(grid, &of.asked)?;
            let column = column_of(grid, spot.column);
            spot.with_cell(|cell| links.cell(&column, cell))
        }
        None => links.column(&column_of(grid, column_at(grid, &of.asked, "build", "name")?)),
    };
    let href = href.ok_or_else(|| {
        HttpError::not_found("The tab has no open_test_template, so a cell leads nowhere.")
    })?;
    Ok((StatusCode::FOUND, CachePolicy::NoStore, [(header::LOCATION, href)]).into_response())
}

/// What shows the changes between two columns.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/diff", tag = "testgrid",
    params(
        TabPath,
        ("from" = String, Query, description = "a build"), ("to" = String, Query, description = "another build; which is earlier is found out"),
        ("from-name" = Option<String>, Query, description = "the second part of the column's identity, where several columns have that build"), ("to-name" = Option<String>, Query, description = "the same of the other"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "A list of text and href.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab or build.")),
)]
pub async fn diff(of: OfTab) -> HttpResult<Response> {
    let found = of.grid().await.map_err(HttpError::json)?;
    let grid = &found.assembled.grid;
    let one = column_at(grid, &of.asked, "from", "from-name")?;
    let other = column_at(grid, &of.asked, "to", "to-name")?;
    let (_, tab, group) = of.found().map_err(HttpError::json)?;
    // The newest column is the first.
    let (earlier, later) = (column_of(grid, one.max(other)), column_of(grid, one.min(other)));
    let links = TabLinks { tab, group }.between(&earlier, &later);
    Ok(fresh(links.into_iter().map(CellLink::from).collect::<Vec<_>>()))
}

/// The values of a metric in some rows.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/metric", tag = "testgrid",
    params(
        TabPath,
        ("name" = Vec<String>, Query, description = "the metric, such as test-duration-minutes; at most 6 of them"), ("row" = Vec<String>, Query, description = "names of rows, at most 500"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "`columns`: how many; `rows`: by name, pairs of column and value of the first metric; `metrics`: the same of each metric, by its name.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn metric(of: OfTab) -> HttpResult<Response> {
    let all = |wanted: &'static str| {
        let pairs = of.asked.pairs.iter().filter(move |(key, _)| key == wanted);
        pairs.map(|(_, value)| value.clone())
    };
    let rows: Vec<String> = all("row").take(MAX_METRIC_ROWS).collect();
    let range = of.asked.columns().map_err(HttpError::json)?;
    let found = of.grid().await.map_err(HttpError::json)?;
    let mut metrics = BTreeMap::new();
    for name in all("name").take(MAX_METRICS) {
        let mut values = of.metric(&name, rows.clone()).await.map_err(HttpError::json)?;
        for of_row in values.values_mut() {
            of_row.retain_mut(|(at, _)| {
                let is_in = range.contains(at);
                *at = at.saturating_sub(range.start);
                is_in
            });
        }
        metrics.insert(name, values);
    }
    let first = of.asked.value("name").and_then(|name| metrics.get(name)).cloned();
    Ok(fresh(json!({
        "columns": found.assembled.grid.column_count,
        "rows": first.unwrap_or_default(),
        "metrics": metrics,
    })))
}

/// Failures of a grid that belong together, the largest area first.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/clusters", tag = "testgrid",
    params(
        TabPath,
        ("by" = Option<String>, Query, description = "status, or message (the default)"),
        ("days" = Option<u32>, Query, description = "how far back the grid goes, if not as the tab says"),
    ),
    responses((status = 200, description = "A list of status, message, area, rows and columns by their places.", content_type = "application/json; charset=utf-8", body = Object), (status = 404, description = "No such tab.")),
)]
pub async fn clusters(of: OfTab) -> HttpResult<Response> {
    let by_status = of.asked.value("by") == Some("status");
    let found = of.cut_grid().await.map_err(HttpError::json)?;
    let clusters = grid::clusters::clusters(&found.assembled.grid, !by_status);
    let text = |number: u32| found.assembled.grid.text(number);
    let told = clusters.iter().take(MAX_CLUSTERS).map(|cluster| {
        json!({
            "status": cluster.status as u32,
            "message": text(cluster.message),
            "area": cluster.area(),
            "rows": cluster.rows,
            "columns": cluster.columns,
        })
    });
    Ok(fresh(told.collect::<Vec<_>>()))
}
