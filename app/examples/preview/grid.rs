//! A made-up tab of 5,000 tests and 500 builds, and the part of the API that its island asks.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use app::model::columnar::{ColumnarAlert, ColumnarGrid, ColumnarHeader, ColumnarRow, Row, Runs};
use app::model::grid_query::GridQuery;
use app::model::{
    DashboardCard, DashboardGroupCard, DashboardHead, DashboardPage, GridColumn, GridIndex,
    GridOptions, GridPlace, GridRow, GridStatus, StatusCounts, TabCard, TabLink, TabPage,
};
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Redirect, Response, Sse};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_stream::StreamExt;

/// Builds of the big tab.
const COLUMNS: u32 = 500;

/// Tests of the big tab.
const ROWS: u32 = 5_000;

/// When the newest build began.
const NEWEST_MS: i64 = 1_795_222_800_000;

/// Builds that are recent.
const RECENT: u32 = 10;

static BIG: LazyLock<ColumnarGrid> = LazyLock::new(|| made_up(ROWS, COLUMNS));
static SMALL: LazyLock<ColumnarGrid> = LazyLock::new(|| made_up(60, 40));

/// The addresses below a tab.
pub(crate) fn api() -> Router<leptos::prelude::LeptosOptions> {
    let tab = Router::new()
        .route(
            "/grid.bin",
            get(|Path(tab): Path<(String, String)>| async move { grid(&tab.1).encode() }),
        )
        .route("/view", get(view))
        .route("/cell", get(cell))
        .route("/open", get(|| async { Redirect::to("/") }))
        .route("/diff", get(diff))
        .route("/metric", get(metric))
        .route("/clusters", get(clusters));
    Router::new()
        .nest("/api/v1/dashboards/{dashboard}/tabs/{tab}", tab)
        .route("/api/v1/testgrid/stream", get(stream))
}

fn grid(tab: &str) -> &'static ColumnarGrid {
    if tab == "big" { &BIG } else { &SMALL }
}

fn row(grid: &ColumnarGrid, place: usize) -> Row<'_> {
    grid.rows.get(place).expect("places are those of rows")
}

/// Numbers that are the same on every start.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(sides)) as u32
    }
}

const TEXTS: [&str; 12] = [
    "",
    "F",
    "S",
    "R",
    "2/3",
    "T",
    "Timed out waiting for the condition after 5m0s",
    "expected 3 replicas, got 2 <nil> & nothing else",
    "volume.go:412: mount failed: exit status 32",
    "v1.36.0-alpha",
    "a1b2c3d4e",
    "test-duration-minutes",
];

fn made_up(rows: u32, columns: u32) -> ColumnarGrid {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let started = |at: u32| NEWEST_MS - i64::from(at) * 3_600_000 * 5;
    let mut grid = ColumnarGrid {
        version: format!("{rows}x{columns}"),
        column_count: columns,
        texts: TEXTS.into_iter().collect(),
        builds: (0..columns)
            .map(|at| (1_990_000_000_000_000_000 + u64::from(columns - at)).to_string())
            .collect(),
        started_ms: (0..columns).map(started).collect(),
        headers: vec![
            ColumnarHeader {
                label: "Commit".into(),
                values: (0..columns).map(|at| 9 + u32::from(at / 3 % 2 == 1)).collect(),
            },
            ColumnarHeader {
                label: "infra-commit".into(),
                values: (0..columns).map(|at| if at < columns / 2 { 10 } else { 0 }).collect(),
            },
        ],
        ..ColumnarGrid::default()
    };
    for at in 0..rows {
        let name = match at % 5 {
            _ if at == 0 => "ci-kubernetes-e2e-gce.Overall".to_owned(),
            0 => format!(
                "Kubernetes e2e suite.[It] [sig-storage] CSI Mock volume limits should report attach limit when persistent volume is attached [Slow] case {at}"
            ),
            1 => format!("k8s.io/kubernetes/pkg/volume/util/TestCase{at}"),
            2 => format!("[sig-node] Pods should be restarted {at}"),
            3 => format!("k8s.io/apimachinery/pkg/api/resource/TestQuantity{at}"),
            _ => format!("[sig-network] Services should serve endpoints on same port {at}"),
        };
        let mut row = ColumnarRow { name, metrics: vec![11], ..ColumnarRow::default() };
        let mood = dice.roll(20);
        let broken = if mood == 0 { 1 + dice.roll(6) } else { 0 };
        for column in 0..columns {
            let (status, icon, message) = match dice.roll(if mood < 4 { 12 } else { 400 }) {
                _ if column < broken => (12, 1, 6 + at % 3),
                _ if column == 0 && at % 7 == 0 => (4, 3, 0),
                _ if at % 41 == 40 && column < 14 => (0, 0, 0),
                0 => (12, 1, 6 + dice.roll(3)),
                1 => (13, 4, 8),
                2 => (0, 0, 0),
                3 => (3, 2, 0),
                4 if mood == 1 => {
                    ([2, 5, 6, 7, 8, 9, 10, 11, 14, 15][dice.roll(10) as usize], 0, 6)
                }
                5 if mood == 2 => (12, 0, 0),
                _ => (1, 0, 0),
            };
            row.statuses.push(status, 1);
            if status != 0 {
                row.icons.push(icon, 1);
                row.messages.push(message, 1);
            }
        }
        if broken > 2 {
            row.alert = Some(ColumnarAlert {
                fail_count: broken,
                fail_build: grid.builds.get(broken - 1).to_owned(),
                fail_seconds: started(broken - 1) / 1_000,
                pass_build: grid.builds.get(broken).to_owned(),
                pass_seconds: started(broken) / 1_000,
                message: TEXTS[6 + at as usize % 3].to_owned(),
            });
            row.issues = vec!["kubernetes/kubernetes#123456".to_owned()];
        }
        grid.rows.push(row);
    }
    grid
}

async fn view(Path(tab): Path<(String, String)>, RawQuery(query): RawQuery) -> Response {
    let grid = grid(&tab.1);
    let options = GridQuery::parse(&query.unwrap_or_default());
    for name in ["include-filter-by-regex", "exclude-filter-by-regex"] {
        if options.all(name).any(|pattern| pattern.contains('(') && !pattern.contains(')')) {
            let message = format!("{name}: the group that begins with ( does not end");
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": { "message": message } })))
                .into_response();
        }
    }
    let (mut filtered, mut stale, mut not_failed) = (0, 0, 0);
    let mut places = Vec::new();
    for (place, row) in grid.rows.iter().enumerate() {
        let has =
            |name: &str| options.all(name).map(|part| row.name.contains(part)).collect::<Vec<_>>();
        let statuses = |most: u32| (0..most.min(grid.columns())).map(|column| row.cell(column).0);
        if has("include-filter-by-regex").contains(&false)
            || has("exclude-filter-by-regex").contains(&true)
        {
            filtered += 1;
        } else if options.get("show-stale-tests").is_none()
            && statuses(RECENT).all(|status| status == 0)
        {
            stale += 1;
        } else if options.get("exclude-non-failed-tests").is_some_and(|within| {
            !statuses(within.parse().unwrap_or(u32::MAX)).any(|status| status == 12)
        }) {
            not_failed += 1;
        } else {
            places.push(place);
        }
    }
    if options.get("sort-by-failures").is_some() {
        places.sort_by_key(|place| {
            (0..grid.columns())
                .find(|column| row(grid, *place).cell(*column).0 == 12)
                .unwrap_or(u32::MAX)
        });
    }
    if options.get("sort-by-name").is_some() {
        places.sort_by(|a, b| row(grid, *a).name.cmp(row(grid, *b).name));
    }
    let shown = places.len();
    let entries: Vec<Value> = if options.get("group-by-directory").is_some() {
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for place in places {
            let name =
                row(grid, place).name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            match groups.iter_mut().find(|group| group.0 == name) {
                Some(group) => group.1.push(place),
                None => groups.push((name, vec![place])),
            }
        }
        groups
            .into_iter()
            .map(|(name, rows)| {
                let worst: Runs = (0..grid.columns())
                    .map(|column| {
                        rows.iter().map(|place| row(grid, *place).cell(column).0).max().unwrap_or(0)
                    })
                    .collect();
                let worst: Vec<u32> =
                    worst.iter().flat_map(|(status, run)| [status, run]).collect();
                json!({ "name": name, "rows": rows.len(), "worst": worst, "entries": rows })
            })
            .collect()
    } else {
        places.into_iter().map(Value::from).collect()
    };
    Json(json!({
        "version": grid.version, "entries": entries, "shown": shown,
        "filtered": filtered, "stale": stale, "not_failed": not_failed,
    }))
    .into_response()
}

async fn cell() -> Json<Value> {
    let link = |kind: &str, text: &str| json!({ "kind": kind, "text": text, "href": "/" });
    Json(json!({
        "status": 12, "words": "failed", "icon": "F", "message": "it failed", "issues": ["#4711"],
        "metrics": [{ "name": "test-duration-minutes", "value": 4.25 }],
        "links": [link("open", "Open run"), link("log", "Open log at the test"), link("bug", "File a bug"), link("attach", "Attach to a bug"), link("results", "Results")],
    }))
}

async fn diff() -> Json<Value> {
    Json(
        json!([{ "text": "Search for changes", "href": "/" }, { "text": "compare on GitHub", "href": "/" }]),
    )
}

async fn metric(RawQuery(query): RawQuery) -> Json<Value> {
    let options = GridQuery::parse(&query.unwrap_or_default());
    let rows: serde_json::Map<String, Value> = options
        .all("row")
        .map(|row| {
            let mut dice = Dice(row.len() as u64 * 7_919 + 1);
            let base = f64::from(dice.roll(90)) / 10.0;
            let values: Vec<Value> = (0..COLUMNS)
                .map(|column| json!([column, base + f64::from(dice.roll(100)) / 50.0]))
                .collect();
            (row.to_owned(), Value::from(values))
        })
        .collect();
    Json(json!({ "columns": COLUMNS, "rows": rows }))
}

async fn clusters(Path(tab): Path<(String, String)>) -> Json<Value> {
    let grid = grid(&tab.1);
    let mut found: Vec<Value> = Vec::new();
    for message in 6..9 {
        let (mut rows, mut columns, mut area) = (Vec::new(), Vec::new(), 0);
        for (place, row) in grid.rows.iter().enumerate() {
            for column in 0..grid.columns() {
                let (status, _, text) = row.cell(column);
                if status == 12 && text == message {
                    area += 1;
                    if rows.last() != Some(&place) {
                        rows.push(place);
                    }
                    if !columns.contains(&column) {
                        columns.push(column);
                    }
                }
            }
        }
        found.push(json!({ "status": 12, "message": TEXTS[message as usize], "area": area, "rows": rows, "columns": columns }));
    }
    Json(Value::from(found))
}

async fn stream() -> Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>> {
    let hello = tokio_stream::iter([Ok(Event::default().event("hello").data("{}"))]);
    let silence = tokio_stream::iter(0..).throttle(Duration::from_secs(3_600));
    Sse::new(hello.chain(silence.map(|_| Ok(Event::default().comment("")))))
}

/// The card of a tab.
fn card(name: &str) -> TabCard {
    let failing = name == "small";
    TabCard {
        name: name.to_owned(),
        href: format!("/testgrid/dev/{name}"),
        description: "Made-up tests.".to_owned(),
        status: if failing { GridStatus::Failing } else { GridStatus::Flaky },
        text: "Tab stats: 8 of 10 (80.0%) recent columns passed (2301 of 2400 or 95.9% cells)"
            .to_owned(),
        why: "2 tests failed in 3 columns in a row.".to_owned(),
        updated_ms: Some(NEWEST_MS - 12_000),
        last_run_ms: Some(NEWEST_MS - 3_600_000),
        ..TabCard::default()
    }
}

fn head() -> DashboardHead {
    let tab = |name: &str| TabLink {
        name: name.to_owned(),
        href: format!("/testgrid/dev/{name}"),
        status: card(name).status,
    };
    DashboardHead {
        name: "dev".to_owned(),
        href: "/testgrid/dev".to_owned(),
        tabs: vec![tab("small"), tab("big")],
        ..DashboardHead::default()
    }
}

/// The index.
pub(crate) fn index() -> GridIndex {
    let mut counts = StatusCounts::default();
    counts.add(GridStatus::Failing);
    counts.add(GridStatus::Flaky);
    let dashboard =
        DashboardCard { name: "dev".to_owned(), href: "/testgrid/dev".to_owned(), counts };
    GridIndex {
        now_ms: NEWEST_MS,
        groups: vec![DashboardGroupCard {
            dashboards: vec![dashboard],
            ..DashboardGroupCard::default()
        }],
        dashboard_total: 1,
        tab_total: 2,
        ..GridIndex::default()
    }
}

/// The dashboard.
pub(crate) fn place() -> GridPlace {
    GridPlace::Dashboard(Box::new(DashboardPage {
        matrix: None,
        now_ms: NEWEST_MS,
        head: head(),
        tabs: vec![card("small"), card("big")],
    }))
}

/// A tab; its rows come by the island.
pub(crate) fn tab(name: &str, query: &str) -> TabPage {
    let options = GridQuery::parse(query);
    let grid = grid(name);
    TabPage {
        now_ms: NEWEST_MS,
        head: head(),
        card: card(name),
        api: format!("/api/v1/dashboards/dev/tabs/{name}"),
        stream: format!("/api/v1/testgrid/stream?dashboard=dev&tab={name}"),
        options: GridOptions {
            width: options.get("width").and_then(|width| width.parse().ok()),
            metrics: options.all("graph-metrics").map(str::to_owned).collect(),
            ..GridOptions::default()
        },
        query: query.to_owned(),
        metrics: vec!["test-duration-minutes".to_owned()],
        recent: u64::from(RECENT),
        shown: grid.rows.len() as u64,
        column_total: u64::from(grid.columns()),
        columns: vec![GridColumn {
            build: grid.builds.get(0).to_owned(),
            href: String::new(),
            started_ms: NEWEST_MS,
        }],
        rows: vec![GridRow { name: row(grid, 0).name.to_owned(), ..GridRow::default() }],
        page: 1,
        pages: 1,
        ..TabPage::default()
    }
}
