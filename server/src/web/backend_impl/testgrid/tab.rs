//! `/testgrid/<dashboard>/<tab>`.

use app::model::{GridCell, GridColumn, GridRow, PageError, TabPage, TabVerdict};
use go_compat::GoRegex;
use grid::columnar::{PageCell, PageGrid, PageRow};
use grid::proto::TestStatus;
use grid::proto::config::{DashboardTab, TestGroup};
use grid::view::{Entry, View, view};

use super::card::{card, issue_link};
use super::options::asked;
use super::what_if;
use super::{find, head, link, notices, page_error, segment, tab_href, test_href};
use crate::components::grid_updater::BUILDS_PER_LOOK;
use crate::testgrid::TestGrid;
use crate::testgrid::issues::RowIssues;
use crate::testgrid::links::{CellOf, ColumnOf, TabLinks};
use crate::testgrid::service::TabGrid;

/// Columns of the table without script.
const TABLE_COLUMNS: usize = 50;
/// Rows of one page of it.
const TABLE_ROWS: usize = 100;

/// A tab with the newest columns of one page of its rows.
pub async fn page(
    grids: &TestGrid,
    dashboard: &str,
    tab: &str,
    query: &str,
    now_ms: i64,
) -> Result<TabPage, PageError> {
    let config = grids.config.get();
    let (board, tab, group) = find(&config, dashboard, tab)?;
    let asked = asked(&tab.base_options, query);
    let found = grids.grid(&board.name, &tab.name, asked.days()).await.map_err(page_error)?;
    let shown = view(&found.assembled.grid, &asked.view, found.recent);
    let links = TabLinks { tab, group };
    let pairs = app::model::query_pairs(query);
    let what_if = grids.what_if(&board.name, &tab.name, &pairs).await.map_err(page_error)?;
    // A pattern that cannot be used is a finding of the configuration's check.
    let names = NameParts::of(&tab.tabular_names_regex);
    let columns = found.assembled.grid.columns.build.len();
    let table = Table {
        found: &found,
        links: &links,
        here: tab_href(&board.name, &tab.name),
        from: asked.from.min(columns.saturating_sub(1) / TABLE_COLUMNS * TABLE_COLUMNS),
        names: names.as_ref().filter(|_| asked.form.tabular),
        issues: grids.issues(&group.name),
    };
    let all = table.flat(&shown, asked.view.expand_groups);
    let pages = all.len().div_ceil(TABLE_ROWS).max(1);
    let page = asked.page.clamp(1, pages);
    let on_page = all.iter().skip((page - 1) * TABLE_ROWS).take(TABLE_ROWS);
    let api = format!("/api/v1/dashboards/{}/tabs/{}", segment(&board.name), segment(&tab.name));
    let mut head = head(grids, &config, board);
    head.notifications.extend(notices(&group.notifications));
    let card = card(grids, board, tab, Some(group));
    // A tab that was never summarized has a card alone.
    let verdict = grids.tab(&board.name, &tab.name).map(|state| what_if::verdict(&state));
    let verdict = verdict.unwrap_or_else(|| TabVerdict {
        status: card.status,
        text: card.text.clone(),
        why: card.why.clone(),
        ..TabVerdict::default()
    });
    Ok(TabPage {
        now_ms,
        card,
        verdict,
        what_if: what_if::part(what_if, &pairs),
        // The strip shows every tab of the dashboard.
        stream: format!(
            "/api/v1/testgrid/stream?dashboard={}&shown={}",
            segment(&board.name),
            segment(&tab.name)
        ),
        api,
        options: asked.form,
        base: asked.base,
        query: query.trim_start_matches('?').to_owned(),
        option_error: asked.error,
        base_error: asked.base_error,
        metrics: found.assembled.metrics.clone(),
        recent: found.recent as u64,
        shown: shown.shown as u64,
        filtered: shown.filtered as u64,
        stale: shown.stale as u64,
        not_failed: shown.not_failed as u64,
        column_total: found.assembled.grid.column_count as u64,
        has_older: found.has_older,
        unread: found.unread,
        unread_at_least: found.unread >= BUILDS_PER_LOOK as u64,
        name_parts: names.as_ref().map(NameParts::labels).unwrap_or_default(),
        newer: table.from as u64,
        columns: table.columns(),
        headers: table.headers(group),
        rows: on_page.map(|line| table.row(line)).collect(),
        page: page as u64,
        pages: pages as u64,
        about: about(tab, &links),
        head,
    })
}

fn about(tab: &DashboardTab, links: &TabLinks<'_>) -> Vec<app::model::Link> {
    let mut about = Vec::new();
    about.extend(links.results().map(|found| link(&found.text, &found.href)));
    if !tab.about_dashboard_url.is_empty() {
        about.push(link("About this tab", &tab.about_dashboard_url));
    }
    about
}

/// A line of the table.
enum Line<'v> {
    Row(usize, u32),
    Group(&'v grid::view::RowGroup, u32),
}

/// How the names of a tab's rows are split into columns.
pub struct NameParts {
    pattern: GoRegex,
    /// The named groups: which one of all, and its name.
    named: Vec<(usize, String)>,
}

impl NameParts {
    /// By the named groups of a pattern; nothing for one that has none or cannot be used.
    pub fn of(pattern: &str) -> Option<NameParts> {
        let pattern = Some(pattern).filter(|pattern| !pattern.is_empty())?;
        let pattern = GoRegex::new(pattern).ok()?;
        let named = pattern.group_names().enumerate();
        let named = named.filter_map(|(at, name)| Some((at, name?.to_owned()))).collect();
        Some(NameParts { pattern, named }).filter(|names| !names.named.is_empty())
    }

    /// What the columns are called.
    pub fn labels(&self) -> Vec<String> {
        self.named.iter().map(|(_, name)| name.clone()).collect()
    }

    /// The columns of a name; nothing if it does not match.
    pub fn split(&self, name: &str) -> Vec<String> {
        let Some(found) = self.pattern.captures(name) else { return Vec::new() };
        let part = |(at, _): &(usize, String)| found.get(*at).unwrap_or_default().to_owned();
        self.named.iter().map(part).collect()
    }
}

struct Table<'a> {
    found: &'a TabGrid,
    links: &'a TabLinks<'a>,
    here: String,
    /// The newest columns that are left out.
    from: usize,
    /// How names are split, if they are.
    names: Option<&'a NameParts>,
    /// Issues that were gathered, for their titles.
    issues: RowIssues,
}

impl Table<'_> {
    fn grid(&self) -> &PageGrid {
        &self.found.assembled.grid
    }

    /// The columns that it has.
    fn range(&self) -> std::ops::Range<usize> {
        self.from..self.grid().columns.build.len().min(self.from + TABLE_COLUMNS)
    }

    /// Rows and groups in one list; the rows of closed groups are not in it.
    fn flat<'v>(&self, view: &'v View, open: bool) -> Vec<Line<'v>> {
        fn add<'v>(entries: &'v [Entry], depth: u32, open: bool, lines: &mut Vec<Line<'v>>) {
            for entry in entries {
                match entry {
                    Entry::Row(place) => lines.push(Line::Row(*place, depth)),
                    Entry::Group(group) => {
                        lines.push(Line::Group(group, depth));
                        if open {
                            add(&group.entries, depth + 1, open, lines);
                        }
                    }
                }
            }
        }
        let mut lines = Vec::new();
        add(&view.entries, 0, open, &mut lines);
        lines
    }

    fn columns(&self) -> Vec<GridColumn> {
        let started = self.grid().started_ms();
        self.range()
            .map(|at| GridColumn {
                build: self.grid().columns.build[at].clone(),
                href: build_href(self.grid(), self.links, at),
                started_ms: started[at],
            })
            .collect()
    }

    fn headers(&self, group: &TestGroup) -> Vec<(String, Vec<(String, u64)>)> {
        let range = self.range();
        let rows = self.grid().columns.headers.iter().enumerate();
        rows.map(|(at, runs)| {
            let mut start = 0;
            let mut values = Vec::new();
            for run in runs.chunks_exact(2) {
                let end = start + run[1] as usize;
                let length = end.min(range.end).saturating_sub(start.max(range.start));
                if length > 0 {
                    values.push((self.grid().text(run[0]).to_owned(), length as u64));
                }
                start = end;
            }
            (group.header_label(at).to_owned(), values)
        })
        .collect()
    }

    fn row(&self, line: &Line<'_>) -> GridRow {
        match line {
            Line::Row(place, depth) => self.test(&self.grid().rows[*place], *depth),
            Line::Group(group, depth) => GridRow {
                name: group.name.clone(),
                depth: *depth,
                members: Some(group.rows as u64),
                cells: group
                    .worst
                    .chunks_exact(2)
                    .flat_map(|run| std::iter::repeat_n(run[0], run[1] as usize))
                    .skip(self.from)
                    .take(TABLE_COLUMNS)
                    .map(|status| GridCell {
                        status: u8::try_from(status).unwrap_or(0),
                        ..GridCell::default()
                    })
                    .collect(),
                ..GridRow::default()
            },
        }
    }

    fn test(&self, row: &PageRow, depth: u32) -> GridRow {
        let alert = row.alert.as_ref().map(|alert| {
            let last = match alert.pass_build.as_str() {
                "" => "no pass is known before".to_owned(),
                build => format!("passed last in {build}"),
            };
            format!("failed {} times since {}, {last}", alert.fail_count, alert.fail_build)
        });
        GridRow {
            parts: self.names.map(|names| names.split(&row.name)).unwrap_or_default(),
            name: row.name.clone(),
            href: test_href(&row.name),
            depth,
            members: None,
            alert: alert.unwrap_or_default(),
            issues: row
                .issues
                .iter()
                .map(|issue| issue_link(issue, self.links, &self.issues))
                .collect(),
            cells: row
                .cells()
                .enumerate()
                .skip(self.from)
                .take(TABLE_COLUMNS)
                .map(|(at, cell)| self.cell(row, at, cell))
                .collect(),
        }
    }

    fn cell(&self, row: &PageRow, at: usize, cell: PageCell) -> GridCell {
        let mut cell = cell_of(self.grid(), self.links, row, at, cell);
        if !cell.title.is_empty() && cell.href.is_empty() {
            cell.href.clone_from(&self.here);
        }
        cell
    }
}

/// A cell of a table. What passed in silence is one of many, and its column says where it ran: it has
/// no title and no address of its own.
pub fn cell_of(
    grid: &PageGrid,
    links: &TabLinks<'_>,
    row: &PageRow,
    at: usize,
    cell: PageCell,
) -> GridCell {
    let icon = grid.text(cell.icon);
    if !cell.status.is_filled() || (cell.status == TestStatus::Pass && icon.is_empty()) {
        return GridCell { status: cell.status as u8, ..GridCell::default() };
    }
    let message = grid.text(cell.message);
    let joint = if message.is_empty() { "" } else { ": " };
    let title = format!("{}{joint}{message} @ {}", cell.status.words(), grid.columns.build[at]);
    let of = CellOf {
        row: &row.name,
        row_id: row.id.as_deref().unwrap_or(&row.name),
        cell_id: grid.text(cell.cell_id),
        status: cell.status.words(),
        user_property: grid.text(cell.user_property),
    };
    let href = links.cell(&column_of(grid, at), &of).unwrap_or_default();
    GridCell { status: cell.status as u8, icon: icon.to_owned(), title, href }
}

/// Where the build of a column is shown; empty if nowhere.
pub fn build_href(grid: &PageGrid, links: &TabLinks<'_>, at: usize) -> String {
    links.column(&column_of(grid, at)).unwrap_or_default()
}

/// A column, as links need it.
pub fn column_of(grid: &PageGrid, at: usize) -> ColumnOf<'_> {
    // Links lead to the build itself, also where the column goes by another name.
    let build = grid.columns.id_of(at);
    let headers = (0..grid.columns.headers.len()).map(|row| grid.header(row, at)).collect();
    ColumnOf { build, headers }
}
