//! `/<dashboard>/table`: the grid as TestGrid's old page got it, with the options that this page sent.

use std::collections::{BTreeMap, HashMap};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grid::clusters::clusters;
use grid::columnar::{PageCell, PageGrid, PageRow};
use grid::proto::TestStatus;
use grid::proto::config::{DashboardTab, LinkTemplate, TestGroup};
use grid::view::{Entry, view};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::missing;
use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;
use crate::testgrid::links::{CellOf, TabLinks};
use crate::testgrid::service::{GridError, TabGrid};
use crate::web::api::testgrid::tagged;
use crate::web::backend_impl::testgrid::options::asked;
use crate::web::backend_impl::testgrid::tab::{NameParts, column_of};
use crate::web::cache::CachePolicy;

/// Rows whose values are drawn; more of them are no picture any more.
const MAX_GRAPHS: usize = 500;
/// Clusters of failures that are told.
const MAX_CLUSTERS: usize = 200;

/// The values of a metric by row: pairs of column and value.
type Values = BTreeMap<String, Vec<(usize, f64)>>;

/// The document. `query` is what the address has: `tab=` and the options of a view.
pub(super) async fn table(
    grids: &TestGrid,
    config: &GridConfig,
    dashboard: &str,
    query: &str,
    headers: &HeaderMap,
) -> Response {
    let pairs = app::model::query_pairs(query);
    let tab = app::model::query_value(&pairs, "tab").unwrap_or_default();
    let (board, tab, group) = match config.tab(dashboard, tab) {
        Ok(found) => found,
        Err(error) => return missing(&error),
    };
    let mut timer = Timer::new(grids);
    let asked = asked(&tab.base_options, query);
    let wrong = [&asked.base_error, &asked.error].into_iter().find(|error| !error.is_empty());
    if let Some(error) = wrong {
        return refused(StatusCode::BAD_REQUEST, error);
    }
    let found = match grids.grid(&board.name, &tab.name, asked.days()).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    timer.lap("grid");
    let summary = grids.tab(&board.name, &tab.name).map(|state| state.summary.clone());
    let status = summary.as_ref().map_or(0, |summary| summary.overall_status);
    let of_query = hex::encode(&Sha256::digest(query)[..8]);
    let version = format!("{}-{status}-{of_query}", found.version);
    let shown = view(&found.assembled.grid, &asked.view, found.recent);
    let mut places = Vec::new();
    flatten(&shown.entries, &mut places);
    let page = &found.assembled.grid;
    let mut graphs = Vec::new();
    for metric in &asked.view.graph_metrics {
        let rows = places.iter().take(MAX_GRAPHS).map(|at| page.rows[*at].name.clone()).collect();
        match grids.metric(&board.name, &tab.name, asked.days(), metric, rows).await {
            Ok(values) => graphs.push((metric.clone(), values)),
            Err(error) => return failed(&error),
        }
    }
    timer.lap("view");
    let names = NameParts::of(&tab.tabular_names_regex);
    let table = Table { found: &found, tab, group, graphs: &graphs, names: names.as_ref() };
    let columns = &page.columns;
    let width = columns.build.len();
    let notifications = board.notifications.iter().chain(&group.notifications);
    let notifications: Vec<Value> = notifications
        .map(|notice| json!({"summary": notice.summary, "context_link": notice.context_link}))
        .collect();
    let header = |values: &Vec<u32>| -> Vec<&str> {
        let runs = values.chunks_exact(2);
        runs.flat_map(|run| std::iter::repeat_n(page.text(run[0]), run[1] as usize)).collect()
    };
    let tests: Vec<Value> = shown.entries.iter().map(|entry| table.entry(entry)).collect();
    let ids = |at: &usize| id_of(&page.rows[*at]).to_owned();
    let of_names: Map<String, Value> = places
        .iter()
        .map(|at| (page.rows[*at].name.clone(), json!(id_of(&page.rows[*at]))))
        .collect();
    timer.lap("table");
    let cells = places.len() * width;
    let known = grids.issues(&group.name);
    let issues = places.iter().flat_map(|at| &page.rows[*at].issues);
    let bugs: Map<String, Value> =
        issues.map(|issue| (issue.clone(), json!({"title": known.title(issue)}))).collect();
    let mut document = json!({
        "test-group-name": group.name,
        "query": group.gcs_prefix,
        "status": format!(
            "Served {} rows and {cells} cells in {:.3} seconds", places.len(), timer.total()
        ),
        "phase-timer": timer.told(),
        "cached": false,
        "summary": "",
        "bugs": bugs,
        "changelists": columns.build,
        "column_ids": (0..width).map(|at| {
            format!("{}\u{e000}{}", columns.name_of(at), columns.build[at])
        }).collect::<Vec<_>>(),
        "custom-columns": columns.headers.iter().map(header).collect::<Vec<_>>(),
        "column-header-names": (0..columns.headers.len())
            .map(|at| group.header_label(at)).collect::<Vec<_>>(),
        "groups": shown.entries.iter().filter_map(|entry| match entry {
            Entry::Row(_) => None,
            Entry::Group(group) => Some(&group.name),
        }).collect::<Vec<_>>(),
        "metrics": found.assembled.metrics,
        "tests": tests,
        "row_ids": places.iter().map(ids).collect::<Vec<_>>(),
        "timestamps": page.started_ms(),
        "clusters": table.clusters(&places),
        "test_id_map": of_names,
        "idMap": of_names,
        "test-metadata": {},
        "stale-test-threshold": found.recent,
        "num-stale-tests": page.rows.iter().filter(|row| is_stale(row, found.recent)).count(),
        "add-tabular-names-option": names.is_some(),
        "show-tabular-names": names.is_some() && asked.form.tabular,
        "latest-green": summary.as_ref().map_or("", |summary| summary.latest_green.as_str()),
        "triage-enabled": false,
        "notifications": notifications,
        "overall-status": status,
    });
    if let (Value::Object(document), Value::Object(settings)) =
        (&mut document, settings(tab, &table))
    {
        document.extend(settings);
    }
    let answer = tagged(headers, &version, "application/json", || Ok(document.to_string().into()));
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// What the document says of a tab whatever its results are.
fn settings(tab: &DashboardTab, table: &Table<'_>) -> Value {
    json!({
        "description": tab.description,
        "bug-component": tab.bug_component,
        "code-search-path": table.code_search_path(),
        "open-test-template": template(tab.open_test_template.as_ref()),
        "file-bug-template": template(tab.file_bug_template.as_ref()),
        "attach-bug-template": template(tab.attach_bug_template.as_ref()),
        "results-url-template": template(tab.results_url_template.as_ref()),
        "code-search-url-template": template(tab.code_search_url_template.as_ref()),
        "open-bug-template": template(tab.open_bug_template.as_ref()),
        "context-menu-template": template(tab.context_menu_template.as_ref()),
        "column-diff-link-templates": tab.column_diff_link_templates.iter()
            .map(|link| template(Some(link))).collect::<Vec<_>>(),
        "about-dashboard-url": tab.about_dashboard_url,
        "results-text": tab.results_text,
    })
}

/// How long the parts of the work took.
struct Timer<'a> {
    grids: &'a TestGrid,
    start_ms: i64,
    laps: Vec<(&'static str, f64)>,
}

impl<'a> Timer<'a> {
    fn new(grids: &'a TestGrid) -> Timer<'a> {
        Timer { grids, start_ms: grids.now().millis(), laps: Vec::new() }
    }

    /// Ends a phase.
    fn lap(&mut self, phase: &'static str) {
        let since = (self.grids.now().millis() - self.start_ms) as f64 / 1_000.0;
        let before: f64 = self.total();
        self.laps.push((phase, (since - before).max(0.0)));
    }

    /// Seconds of all phases.
    fn total(&self) -> f64 {
        self.laps.iter().map(|(_, seconds)| seconds).sum()
    }

    fn told(&self) -> Value {
        let (phases, delta): (Vec<_>, Vec<_>) = self.laps.iter().copied().unzip();
        json!({"phases": phases, "delta": delta, "total": self.total()})
    }
}

/// The rows of a view in their order, those in groups too.
fn flatten(entries: &[Entry], places: &mut Vec<usize>) {
    for entry in entries {
        match entry {
            Entry::Row(place) => places.push(*place),
            Entry::Group(group) => flatten(&group.entries, places),
        }
    }
}

fn id_of(row: &PageRow) -> &str {
    row.id.as_deref().unwrap_or(&row.name)
}

fn is_stale(row: &PageRow, recent: usize) -> bool {
    matches!(row.statuses[..], [0, run, ..] if run as usize >= recent)
}

fn template(link: Option<&LinkTemplate>) -> Value {
    let Some(link) = link else { return json!({"url": "", "name": "", "options": {}}) };
    let options: Map<String, Value> =
        link.options.iter().map(|o| (o.key.clone(), json!(o.value))).collect();
    json!({"url": link.url, "name": link.name, "options": options})
}

/// What is wrong, for scripts that read JSON and nothing else.
fn refused(status: StatusCode, error: &str) -> Response {
    let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    let body = axum::Json(json!({"error": error}));
    (status, CachePolicy::NoStore, anybody, body).into_response()
}

fn failed(error: &GridError) -> Response {
    match error {
        GridError::NotFound(_) => refused(StatusCode::NOT_FOUND, &error.to_string()),
        GridError::Options(_) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        GridError::Store(cause) => {
            tracing::error!("the stored builds could not be read: {cause:#}");
            let told = "The stored builds could not be read. Try again in a moment.";
            refused(StatusCode::SERVICE_UNAVAILABLE, told)
        }
    }
}

/// What rows are made of.
struct Table<'a> {
    found: &'a TabGrid,
    tab: &'a DashboardTab,
    group: &'a TestGroup,
    graphs: &'a [(String, Values)],
    names: Option<&'a NameParts>,
}

impl Table<'_> {
    fn grid(&self) -> &PageGrid {
        &self.found.assembled.grid
    }

    fn code_search_path(&self) -> &str {
        match self.tab.code_search_path.as_str() {
            "" => &self.group.code_search_path,
            path => path,
        }
    }

    /// A row, or a group with its rows as `tests`.
    fn entry(&self, entry: &Entry) -> Value {
        match entry {
            Entry::Row(place) => self.test(&self.grid().rows[*place]),
            Entry::Group(group) => json!({
                "name": group.name,
                "original-name": group.name,
                "target": group.name,
                "alert": null,
                "linked_bugs": [],
                "messages": [],
                "short_texts": [],
                "user_property": [],
                "statuses": statuses(&group.worst),
                "tests": group.entries.iter().map(|entry| self.entry(entry)).collect::<Vec<_>>(),
            }),
        }
    }

    /// A row. Messages and short texts are one per column.
    fn test(&self, row: &PageRow) -> Value {
        let grid = self.grid();
        let texts = |text: fn(&PageCell) -> u32| -> Vec<&str> {
            row.cells().map(|cell| grid.text(text(&cell))).collect()
        };
        let mut test = json!({
            "name": row.name,
            "original-name": id_of(row),
            "target": id_of(row),
            "alert": self.alert(row),
            "linked_bugs": row.issues,
            "messages": texts(|cell| cell.message),
            "short_texts": texts(|cell| cell.icon),
            "statuses": statuses(&row.statuses),
            "user_property": texts(|cell| cell.user_property),
        });
        if !self.graphs.is_empty() {
            test["graphs"] =
                self.graphs.iter().map(|(metric, of)| self.graph(metric, of, row)).collect();
        }
        if let Some(names) = self.names {
            test["tabular-name-groups"] = json!(names.split(&row.name));
        }
        test
    }

    /// The values of a metric, one per column; none where there is none.
    fn graph(&self, metric: &str, values: &Values, row: &PageRow) -> Value {
        let mut line = vec![None; self.grid().columns.build.len()];
        for (at, value) in values.get(&row.name).into_iter().flatten() {
            if let Some(place) = line.get_mut(*at) {
                *place = Some(*value);
            }
        }
        json!({"metric": metric, "labels": [metric], "values": [line]})
    }

    fn alert(&self, row: &PageRow) -> Value {
        let Some(alert) = &row.alert else { return Value::Null };
        let grid = self.grid();
        let cells: Vec<PageCell> = row.cells().collect();
        // Alerts may name builds by a header; when they began is theirs alone.
        let began = grid.started_ms();
        let first = began.iter().zip(&cells).position(|(started, cell)| {
            started.div_euclid(1_000) == alert.fail_seconds && cell.status.is_filled()
        });
        let newest_failure = cells.iter().position(|cell| {
            cell.status.is_filled()
                && !cell.status.is_passing()
                && cell.status != TestStatus::Running
        });
        let passes = cells.iter().take(newest_failure.unwrap_or(0));
        let cell = first.map(|at| &cells[at]);
        let build = first.map_or(alert.fail_build.as_str(), |at| &grid.columns.build[at]);
        let id = cell.map_or("", |cell| grid.text(cell.cell_id));
        let links = TabLinks { tab: self.tab, group: self.group };
        let link = first.zip(cell).and_then(|(at, cell)| {
            let of = CellOf {
                row: &row.name,
                row_id: id_of(row),
                cell_id: id,
                status: cell.status.words(),
                user_property: grid.text(cell.user_property),
            };
            links.cell(&column_of(grid, at), &of)
        });
        json!({
            "fail-build-id": alert.fail_build,
            "fail-count": alert.fail_count,
            "fail-time": alert.fail_seconds,
            "text": format!("{} failed {} times since {}", row.name, alert.fail_count, build),
            "message": alert.message,
            "link-text": if link.is_some() { build } else { "" },
            "link": link.unwrap_or_default(),
            "url-text": build,
            "test-id": id,
            "pass-build-id": alert.pass_build,
            "pass-count": passes.filter(|cell| cell.status.is_passing()).count(),
            "pass-time": alert.pass_seconds,
            "code-search-path": self.code_search_path(),
            "test-name": row.name,
        })
    }

    /// Failures that belong together, with the places of their rows in this document.
    fn clusters(&self, places: &[usize]) -> Vec<Value> {
        let grid = self.grid();
        let place_of: HashMap<usize, usize> =
            places.iter().enumerate().map(|(at, place)| (*place, at)).collect();
        let found = clusters(grid, true);
        let told = found.iter().filter_map(|cluster| {
            let rows: Vec<usize> = cluster
                .rows
                .iter()
                .filter_map(|row| place_of.get(&(*row as usize)).copied())
                .collect();
            (!rows.is_empty()).then(|| {
                json!({
                    "status": cluster.status as u32,
                    "message": grid.text(cluster.message),
                    "area": rows.len() * cluster.columns.len(),
                    "rows": rows,
                    "columns": cluster.columns,
                })
            })
        });
        told.take(MAX_CLUSTERS).collect()
    }
}

fn statuses(runs: &[u32]) -> Vec<Value> {
    runs.chunks_exact(2).map(|run| json!({"value": run[0], "count": run[1]})).collect()
}
