//! `/tests` and `/test`: rows by their names, over all tabs.

use std::collections::HashSet;

use app::model::{GridCell, Link, PageError, Suspects, TestHit, TestPage, TestRow, TestSearch};
use grid::columnar::{PageGrid, PageRow};
use grid::proto::TestStatus;
use grid::proto::config::{Dashboard, DashboardTab};
use grid::summarizer::health::{Run, changes, is_newly_flaky};
use grid::tabulator::ViewOptions;

use super::card::issue_link;
use super::graph::graph_href;
use super::tab::{build_href, cell_of, column_of};
use super::{link, page_error, tab_href, test_href};
use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;
use crate::testgrid::links::TabLinks;
use crate::testgrid::service::{GridError, TabGrid};

/// Names that a search shows.
const SHOWN_HITS: usize = 100;
/// Tabs that a hit names.
const SHOWN_TABS: usize = 4;
/// Groups of one page of a test.
const GROUPS_PER_PAGE: usize = 20;
/// Columns of a test's row.
const COLUMNS: usize = 50;

/// Names of tests that hold all the words.
pub async fn search(grids: &TestGrid, query: &str, now_ms: i64) -> Result<TestSearch, PageError> {
    let words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
    let mut page = TestSearch { now_ms, query: query.to_owned(), ..TestSearch::default() };
    if words.is_empty() {
        return Ok(page);
    }
    let found = grids.store().search_rows(&words, SHOWN_HITS).await;
    let found =
        found.map_err(|error| super::super::unavailable("The names of the tests", error))?;
    let config = grids.config.get();
    page.more = found.more;
    page.hits = found
        .hits
        .into_iter()
        .map(|hit| {
            let mut tabs = hit.groups.iter().flat_map(|group| tabs(&config, group, &hit.name));
            let shown: Vec<Link> = tabs.by_ref().take(SHOWN_TABS).collect();
            TestHit {
                href: test_href(&hit.name),
                groups: hit.group_count as u64,
                more_tabs: tabs.count() as u64,
                tabs: shown,
                name: hit.name,
            }
        })
        .collect();
    Ok(page)
}

/// The tabs of a group that show a row.
fn tabs(config: &GridConfig, group: &str, row: &str) -> Vec<Link> {
    let shows = |options: &str| ViewOptions::parse(options).is_ok_and(|view| view.shows(row));
    let tabs = config.tabs_of(group).filter(|(_, tab)| shows(&tab.base_options));
    tabs.map(|(board, tab)| {
        link(&format!("{} › {}", board.name, tab.name), &tab_href(&board.name, &tab.name))
    })
    .collect()
}

/// A test with its results in every group that has it.
pub async fn page(
    grids: &TestGrid,
    name: &str,
    page: usize,
    now_ms: i64,
) -> Result<TestPage, PageError> {
    let config = grids.config.get();
    let mut groups = groups_of(grids, &config, name).await?;
    // A tab over several groups shows a row below the name of its group.
    let below = name.split_once('/').filter(|(group, _)| config.group(group).is_some());
    let name = match below {
        Some((group, row)) if groups.is_empty() => {
            groups = groups_of(grids, &config, row).await?;
            groups.sort_by_key(|other| other != group);
            row
        }
        _ => name,
    };
    if groups.is_empty() {
        return Err(PageError::NotFound {
            message: format!(
                "No stored build has a test named \"{name}\". It may have another name by now: the \
                 search for tests knows parts of names."
            ),
        });
    }
    let pages = groups.len().div_ceil(GROUPS_PER_PAGE);
    let page = page.clamp(1, pages);
    let mut rows = Vec::new();
    for group in groups.iter().skip((page - 1) * GROUPS_PER_PAGE).take(GROUPS_PER_PAGE) {
        match row(grids, &config, group, name).await {
            Ok(row) => rows.extend(row),
            Err(error) => return Err(page_error(error)),
        }
    }
    rows.sort_by(|a, b| b.failing.cmp(&a.failing).then(b.flakiness.total_cmp(&a.flakiness)));
    Ok(TestPage {
        now_ms,
        name: name.to_owned(),
        groups: groups.len() as u64,
        rows,
        page: page as u64,
        pages: pages as u64,
    })
}

/// The groups of the configuration that have a row.
async fn groups_of(
    grids: &TestGrid,
    config: &GridConfig,
    row: &str,
) -> Result<Vec<String>, PageError> {
    let groups = grids.store().groups_of_row(row).await;
    let groups =
        groups.map_err(|error| super::super::unavailable("The names of the tests", error))?;
    Ok(groups.into_iter().filter(|group| config.group(group).is_some()).collect())
}

async fn row(
    grids: &TestGrid,
    config: &GridConfig,
    name: &str,
    test: &str,
) -> Result<Option<TestRow>, GridError> {
    let Some(group) = config.group(name) else { return Ok(None) };
    let Some((board, tab)) = config.tabs_of(name).next() else { return Ok(None) };
    let found = grids.rows(group, HashSet::from([test.to_owned()]), COLUMNS).await?;
    let grid = &found.assembled.grid;
    let Some(row) = grid.rows.first() else { return Ok(None) };
    let links = TabLinks { tab, group };
    let issues = grids.issues(name);
    let started = grid.started_ms();
    let cells: Vec<GridCell> = row
        .cells()
        .enumerate()
        .map(|(at, cell)| {
            let mut shown = cell_of(grid, &links, row, at, cell);
            if shown.href.is_empty() && cell.status.is_filled() {
                shown.href = build_href(grid, &links, at);
                shown.title = format!("{} @ {}", cell.status.words(), grid.columns.build[at]);
            }
            shown
        })
        .collect();
    let of = |at: usize| {
        let build = &grid.columns.build[at];
        (link(build, &build_href(grid, &links, at)), started[at])
    };
    let (passed, failed, flaky) = counts(row);
    let first_bad = first_bad(row);
    let last_pass = row.results().position(|status| status.is_passing());
    let suspects = first_bad.zip(last_pass).map(|(bad, good)| suspects(grid, &links, bad, good));
    let (first_bad, last_pass) = (first_bad.map(of), last_pass.map(of));
    let runs = runs(row, &started);
    let changed = changes(&runs.iter().map(|(_, run)| *run).collect::<Vec<_>>());
    Ok(Some(TestRow {
        group: name.to_owned(),
        tabs: tabs(config, name, test),
        failing: first_bad.is_some(),
        cells,
        passed,
        failed,
        flaky,
        flakiness: changed.flakiness(),
        between: (changed.considered > 0).then(|| changed.between()),
        newly_flaky: is_newly_flaky(&runs, grids.now().millis()),
        suspects,
        first_bad,
        last_pass,
        message: newest_message(row, grid),
        issues: row.issues.iter().map(|issue| issue_link(issue, &links, &issues)).collect(),
        numbers: numbers_of(&found, board, tab, test),
    }))
}

/// The page of a row's numbers, if it has some and the tab is of its group alone.
fn numbers_of(
    found: &TabGrid,
    board: &Dashboard,
    tab: &DashboardTab,
    test: &str,
) -> Option<String> {
    let has = found.assembled.row_metrics.first().is_some_and(|metrics| *metrics != 0);
    let shows = ViewOptions::parse(&tab.base_options).is_ok_and(|view| view.shows(test));
    (has && shows && !tab.is_composite()).then(|| graph_href(&board.name, &tab.name, test))
}

/// The first column of the failures that go on now: none if the newest result is none.
fn first_bad(row: &PageRow) -> Option<usize> {
    let mut first = None;
    for (at, status) in row.results().enumerate() {
        if status.is_failing() {
            first = Some(at);
        } else if status.is_passing() || status == TestStatus::Flaky {
            break;
        }
    }
    first
}

fn counts(row: &PageRow) -> (u64, u64, u64) {
    row.results().fold((0, 0, 0), |(passed, failed, flaky), status| match status {
        TestStatus::Flaky => (passed, failed, flaky + 1),
        status if status.is_passing() => (passed + 1, failed, flaky),
        status if status.is_failing() => (passed, failed + 1, flaky),
        _ => (passed, failed, flaky),
    })
}

/// The runs of a row, newest first, each with when its column started.
fn runs(row: &PageRow, started_ms: &[i64]) -> Vec<(i64, Run)> {
    let results = started_ms.iter().zip(row.results());
    let runs = results.filter_map(|(started, status)| match status {
        TestStatus::Flaky => Some((*started, Run::Flaky)),
        status if status.is_passing() => Some((*started, Run::Pass)),
        status if status.is_failing() => Some((*started, Run::Fail)),
        _ => None,
    });
    runs.collect()
}

/// What changed from the column `good` to the newer column `bad`.
fn suspects(grid: &PageGrid, links: &TabLinks<'_>, bad: usize, good: usize) -> Suspects {
    let headers = (0..grid.columns.headers.len()).filter_map(|row| {
        let (from, to) = (grid.header(row, good), grid.header(row, bad));
        let label = links.group.header_label(row).to_owned();
        (from != to).then(|| (label, from.to_owned(), to.to_owned()))
    });
    let shown = links.between(&column_of(grid, good), &column_of(grid, bad));
    Suspects {
        headers: headers.collect(),
        between: good.saturating_sub(bad + 1) as u64,
        links: shown.iter().map(|found| link(&found.text, &found.href)).collect(),
    }
}

fn newest_message(row: &PageRow, grid: &PageGrid) -> String {
    let failed = row.cells().find(|cell| cell.status.is_failing());
    failed.map(|cell| grid.text(cell.message).to_owned()).unwrap_or_default()
}
