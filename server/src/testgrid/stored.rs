//! Builds as the store gives them, and grids made of them.

use grid::columnar::{Assembled, ColumnKey, RowTable};
use grid::proto::config::{DashboardTab, TestGroup};
use grid::proto::state::Grid;
use grid::tabulator::{OptionsError, TabulateOptions, tabulate};
use grid::updater::construct::{Issues, group_grid};
use grid::updater::convert::InflatedColumn;
use store::GridBuildKey;

/// Builds as they are stored.
pub(super) struct Stored {
    pub(super) keys: Vec<ColumnKey>,
    pub(super) columns: Vec<Vec<u8>>,
    pub(super) rows: RowTable,
    pub(super) has_older: bool,
    /// Whether there are more builds in the window than were asked for.
    pub(super) cut: bool,
    /// How many columns are recent, where the tab alone does not say.
    pub(super) recent: Option<usize>,
    /// When the builds began, in milliseconds since the epoch.
    pub(super) starts: Vec<i64>,
    /// How far back the window goes, in milliseconds.
    pub(super) window_ms: i64,
}

/// The grid of a tab from the columns of its group.
pub(super) fn tab_grid(
    columns: &[InflatedColumn],
    tab: &DashboardTab,
    group: &TestGroup,
    now: i64,
) -> Result<Grid, OptionsError> {
    let grid = group_grid(group, columns.to_vec(), &Issues::new());
    tabulate(grid, tab, group, TabulateOptions::default(), None, now)
}

/// What names a stored column.
pub(super) fn key_of(key: GridBuildKey) -> ColumnKey {
    ColumnKey { object: key.object, started_ms: key.started_ms, read_ms: key.read_ms }
}

/// About how much memory a grid takes.
pub(super) fn size(assembled: &Assembled) -> u64 {
    let grid = &assembled.grid;
    let texts: usize = grid.texts.iter().map(|text| text.len() + 24).sum();
    let rows: usize = grid
        .rows
        .iter()
        .map(|row| {
            let runs = [&row.statuses, &row.icons, &row.messages, &row.cell_ids];
            row.name.len() + 256 + runs.iter().map(|runs| runs.len() * 4).sum::<usize>()
        })
        .sum();
    (texts + rows + grid.columns.build.len() * 64) as u64
}
