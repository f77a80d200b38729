//! `/testgrid/<dashboard>/<tab>/graph?row=`: the numbers of a row.

use std::collections::BTreeMap;

use app::model::{GraphColumn, GraphMetric, PageError, RowGraph, encode, query_pairs, query_value};
use grid::columnar::{PageGrid, PageRow};
use grid::proto::TestStatus;

use super::options::MAX_DAYS;
use super::tab::{build_href, cell_of};
use super::{find, link, page_error, place_href, tab_href, test_href};
use crate::testgrid::TestGrid;
use crate::testgrid::links::TabLinks;

/// Metrics that are drawn together.
pub const MAX_METRICS: usize = 6;
/// Metrics that are drawn if nobody says which.
const FIRST_METRICS: usize = 2;
/// Columns of the table.
const TABLE_COLUMNS: usize = 200;
/// Columns of the drawing.
const DRAWN_COLUMNS: usize = 500;

/// The values of a metric by column, the newest first.
pub type Values = BTreeMap<usize, f64>;

/// A row with the numbers that were asked for.
pub struct Numbers {
    /// What the page says of them.
    pub page: RowGraph,
    /// The metrics that are drawn: name and values by column.
    pub drawn: Vec<(String, Values)>,
    /// The statuses of the row in the columns that are drawn, the newest first.
    pub results: Vec<TestStatus>,
    /// When these columns began, in milliseconds since the epoch.
    pub started_ms: Vec<i64>,
}

/// The numbers of a row.
///
/// # Errors
/// There is no such tab or row, or the store does not answer.
pub async fn numbers(
    grids: &TestGrid,
    dashboard: &str,
    tab: &str,
    query: &str,
    now_ms: i64,
) -> Result<Numbers, PageError> {
    let config = grids.config.get();
    let (board, tab, group) = find(&config, dashboard, tab)?;
    let pairs = query_pairs(query);
    let name = query_value(&pairs, "row").unwrap_or_default();
    let days = query_value(&pairs, "days").and_then(|days| days.parse::<u32>().ok());
    let days = days.filter(|days| *days > 0).map(|days| days.min(MAX_DAYS));
    let range = days.map(i64::from);
    let found = grids.grid(&board.name, &tab.name, range).await.map_err(page_error)?;
    let grid = &found.assembled.grid;
    let at = grid.rows.iter().position(|row| row.name == name).ok_or_else(|| {
        let message = format!("The tab {} has no row named \"{name}\" in these days.", tab.name);
        PageError::NotFound { message }
    })?;
    let row = &grid.rows[at];
    let bits = found.assembled.row_metrics.get(at).copied().unwrap_or(0);
    let has = |bit: usize| bit < 64 && bits & (1 << bit) != 0;
    let metrics = found.assembled.metrics.iter().enumerate().filter(|(bit, _)| has(*bit));
    let metrics: Vec<String> = metrics.map(|(_, name)| name.clone()).collect();
    let asked: Vec<&str> =
        pairs.iter().filter(|(key, _)| key == "metric").map(|(_, value)| value.as_str()).collect();
    let wanted: Vec<String> = match asked.is_empty() {
        true => metrics.iter().take(FIRST_METRICS).cloned().collect(),
        false => metrics.iter().filter(|name| asked.contains(&name.as_str())).cloned().collect(),
    };
    let left_out = wanted.len().saturating_sub(MAX_METRICS);
    let mut drawn = Vec::new();
    for metric in wanted.into_iter().take(MAX_METRICS) {
        let of_rows = grids.metric(&board.name, &tab.name, range, &metric, vec![name.to_owned()]);
        let mut of_rows = of_rows.await.map_err(page_error)?;
        let values: Values = of_rows.remove(name).unwrap_or_default().into_iter().collect();
        drawn.push((metric, values));
    }
    let links = TabLinks { tab, group };
    let (columns, more) = columns(grid, row, &links, &drawn);
    let shown = metrics.into_iter().map(|name| {
        let values = drawn.iter().find(|(drawn, _)| *drawn == name);
        GraphMetric {
            chosen: values.is_some(),
            range: values.and_then(|(_, values)| span(values)),
            name,
        }
    });
    let is_drawn = drawn.iter().any(|(_, values)| !values.is_empty());
    let here = tab_href(&board.name, &tab.name);
    let page = RowGraph {
        now_ms,
        dashboard: link(&board.name, &place_href(&board.name)),
        tab: link(&tab.name, &here),
        row: link(name, &test_href(name)),
        days,
        metrics: shown.collect(),
        left_out: left_out as u64,
        drawing: if is_drawn { drawing(&here, name, days, &drawn) } else { String::new() },
        columns,
        more: more as u64,
    };
    let results: Vec<TestStatus> = row.results().take(DRAWN_COLUMNS).collect();
    let started_ms = grid.started_ms().into_iter().take(results.len()).collect();
    Ok(Numbers { page, drawn, results, started_ms })
}

/// The page of a row's numbers.
pub fn graph_href(dashboard: &str, tab: &str, row: &str) -> String {
    format!("{}/graph?row={}", tab_href(dashboard, tab), encode(row))
}

fn drawing(here: &str, row: &str, days: Option<u32>, drawn: &[(String, Values)]) -> String {
    let mut address = format!("{here}/graph.svg?row={}", encode(row));
    for (name, _) in drawn {
        address.push_str("&metric=");
        address.push_str(&encode(name));
    }
    if let Some(days) = days {
        address.push_str(&format!("&days={days}"));
    }
    address
}

/// The columns with a result or a number, the newest first, and how many more there are.
fn columns(
    grid: &PageGrid,
    row: &PageRow,
    links: &TabLinks<'_>,
    drawn: &[(String, Values)],
) -> (Vec<GraphColumn>, usize) {
    let started = grid.started_ms();
    let mut columns = Vec::new();
    let mut more = 0;
    for (at, cell) in row.cells().enumerate() {
        let values: Vec<Option<f64>> =
            drawn.iter().map(|(_, values)| values.get(&at).copied()).collect();
        if !cell.status.is_filled() && values.iter().all(Option::is_none) {
            continue;
        }
        if columns.len() == TABLE_COLUMNS {
            more += 1;
            continue;
        }
        // A cell of a group of several jobs leads to its own one.
        let own = cell_of(grid, links, row, at, cell).href;
        let href = if own.is_empty() { build_href(grid, links, at) } else { own };
        columns.push(GraphColumn {
            build: link(&grid.columns.build[at], &href),
            started_ms: started.get(at).copied().unwrap_or(0),
            status: cell.status as u8,
            words: cell.status.words().to_owned(),
            values,
        });
    }
    (columns, more)
}

/// The least, the middle and the greatest value.
fn span(values: &Values) -> Option<(f64, f64, f64)> {
    let mut sorted: Vec<f64> = values.values().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    Some((*sorted.first()?, sorted[sorted.len() / 2], *sorted.last()?))
}
