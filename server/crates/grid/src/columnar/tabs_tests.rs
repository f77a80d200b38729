use proptest::prelude::*;

use super::tests::any_column;
use super::*;
use crate::proto::TestStatus;
use crate::proto::config::{
    ColumnHeader, DashboardTab, DashboardTabAlertOptions, HealthAnalysisOptions, TestGroup,
};
use crate::summarizer::health::Rules;
use crate::summarizer::{Features, GridRef, Summarized, TabContext, summarize};
use crate::tabulator::{TabulateOptions, tabulate};
use crate::updater::cell::Cell;
use crate::updater::construct::{Issues, group_grid};
use crate::updater::convert::InflatedColumn;

/// The moment of the tests, in seconds since the epoch; a few columns are from the future.
const NOW: i64 = 60;

fn group() -> TestGroup {
    TestGroup {
        num_failures_to_alert: 2,
        num_passes_to_disable_alert: 2,
        num_columns_recent: 3,
        user_property: "u".to_owned(),
        column_header: vec![
            ColumnHeader { label: "h".to_owned(), ..ColumnHeader::default() },
            ColumnHeader { label: "i".to_owned(), ..ColumnHeader::default() },
        ],
        ..TestGroup::default()
    }
}

fn tab(health: bool) -> DashboardTab {
    DashboardTab {
        base_options: "exclude-filter-by-regex=row%203".to_owned(),
        broken_column_threshold: 0.9,
        alert_options: Some(Box::new(DashboardTabAlertOptions {
            alert_stale_results_hours: 1,
            ..DashboardTabAlertOptions::default()
        })),
        health_analysis_options: Some(Box::new(HealthAnalysisOptions {
            enable: health,
            ..HealthAnalysisOptions::default()
        })),
        ..DashboardTab::default()
    }
}

fn summarized(grid: &GridRef<'_>, tab: &DashboardTab) -> Summarized {
    let now = go_compat::Timestamp::from_millis(NOW * 1_000);
    let context = TabContext {
        dashboard: "d",
        tab,
        group: &group(),
        modified: Some(now),
        now,
        features: Features::default(),
        health: Rules::TestGrid,
    };
    summarize(grid, &context)
}

/// As TestGrid does it: the grid of the group as a message, then that of the tab.
fn by_messages(stored: &[Vec<u8>], rows: &RowTable, tab: &DashboardTab) -> Summarized {
    let (columns, _) = inflate_stored(stored, rows, &group());
    let grid = group_grid(&group(), columns, &Issues::new());
    let options = TabulateOptions::default();
    let grid = tabulate(grid, tab, &group(), options, None, NOW).unwrap();
    summarized(&GridRef::from(&grid), tab)
}

fn keys(stored: &[Vec<u8>]) -> Vec<ColumnKey> {
    let key = |at: usize| ColumnKey {
        object: format!("build {at}"),
        started_ms: (stored.len() - at) as i64,
        read_ms: 1,
    };
    (0..stored.len()).map(key).collect()
}

proptest! {
    #[test]
    fn stored_columns_make_the_same_summary_as_messages(
        mut columns in proptest::collection::vec((any_column(), 0..9u8, 0..64u8), 0..9),
        health in any::<bool>(),
    ) {
        columns.sort_by_key(|(_, _, started)| std::cmp::Reverse(*started));
        let mut rows = RowTable::default();
        let stored: Vec<_> = columns.into_iter().map(|(mut column, build, started)| {
            column.column.build = build.to_string();
            column.column.started = f64::from(started) * 1e3;
            encode_column(&column, &mut rows)
        }).collect();
        let tab = tab(health);
        let columns = GroupColumns::read(&stored, &rows, &group());
        let grid = columns.tab_grid(&tab, &group(), NOW, health, None).unwrap().unwrap();
        prop_assert_eq!(summarized(&grid, &tab), by_messages(&stored, &rows, &tab));
    }

    #[test]
    fn a_kept_past_says_what_all_columns_say(
        statuses in proptest::collection::vec(proptest::collection::vec(0usize..9, 4), 12..40),
        first in 6usize..12,
        steps in proptest::collection::vec(1usize..4, 1..5),
        left in 0usize..6,
    ) {
        // Mostly failures, so that alerts reach far; the last row ended its life early.
        let of = [
            TestStatus::Fail, TestStatus::Fail, TestStatus::Fail, TestStatus::Fail, TestStatus::Pass,
            TestStatus::NoResult, TestStatus::Flaky, TestStatus::Running, TestStatus::TimedOut,
        ];
        let total = statuses.len();
        let columns: Vec<InflatedColumn> = statuses.iter().enumerate().map(|(at, cells)| {
            let cells = cells.iter().enumerate().filter(|(row, _)| *row != 3 || at > total / 2);
            let mut cells: std::collections::BTreeMap<String, Cell> = cells.map(|(row, status)| {
                let mut cell = Cell::saying(of[*status], format!("message {at}"));
                cell.cell_id = format!("cell {at}");
                if row == 1 && at % 5 == 0 {
                    cell.issues.push(at.to_string());
                }
                (format!("row {}", row + 5), cell)
            }).collect();
            let mut overall = Cell::saying(TestStatus::Fail, "no").with_icon("F");
            overall.cell_id = format!("cell {at}");
            cells.insert("Overall".to_owned(), overall);
            let mut column = InflatedColumn { cells, ..InflatedColumn::default() };
            column.column.build = at.to_string();
            column.column.started = (total - at) as f64 * 1e3;
            column.column.extra = vec![format!("commit {at}"), at.to_string()];
            column
        }).collect();
        let mut rows = RowTable::default();
        let stored: Vec<_> = columns.iter().map(|column| encode_column(column, &mut rows)).collect();
        let all_keys = keys(&stored);
        let tab = tab(false);
        // As time goes on the newest column is one further to the front, and some leave at the end.
        let mut newest = steps.iter().sum::<usize>().min(total - first);
        let mut end = total;
        let read = |from: usize, to: usize| {
            let columns = GroupColumns::read(&stored[from..to], &rows, &group());
            assert!(columns.is_plain());
            columns
        };
        let mut past = Past::of(&read(newest, end), &all_keys[newest..end], 4, true).unwrap();
        for step in steps {
            newest = newest.saturating_sub(step);
            end -= left.min(end - newest - first) / 3;
            past.forget(all_keys[end - 1].started_ms, total);
            let look = newest..newest + first;
            let columns = read(look.start, look.end);
            let keys = &all_keys[look.clone()];
            let Some(seam) = past.seam(keys) else { break };
            prop_assert_eq!(seam + past.len(), end - newest);
            let grid = columns.tab_grid(&tab, &group(), NOW, false, Some((&past, seam))).unwrap();
            if let Some(grid) = grid {
                let expected = by_messages(&stored[newest..end], &rows, &tab);
                prop_assert_eq!(summarized(&grid, &tab), expected);
            }
            prop_assert!(past.advance(&columns, keys, 4));
            prop_assert_eq!(past.len(), end - newest - 4);
        }
    }
}

#[test]
fn a_past_with_another_reading_of_a_build_is_not_used() {
    let mut rows = RowTable::default();
    let column = |at: usize| {
        let mut column = InflatedColumn::default();
        column.column.build = at.to_string();
        column.cells.insert("Overall".to_owned(), Cell::saying(TestStatus::Fail, ""));
        column
    };
    let stored: Vec<_> = (0..9).map(|at| encode_column(&column(at), &mut rows)).collect();
    let mut keys = keys(&stored);
    let columns = GroupColumns::read(&stored, &rows, &group());
    let past = Past::of(&columns, &keys, 3, true).unwrap();
    assert_eq!((past.seam(&keys), past.len(), past.newest_ms()), (Some(3), 6, Some(6)));
    assert_eq!(past.seam(&keys[..3]), None, "the look does not reach it");
    keys[1].read_ms += 1;
    assert_eq!(past.seam(&keys), Some(3), "what is newer may change");
    keys[5].read_ms += 1;
    assert_eq!(past.seam(&keys), None);
}

#[test]
fn columns_that_were_merged_have_no_past() {
    let mut rows = RowTable::default();
    let mut column = InflatedColumn::default();
    column.cells.insert("Overall".to_owned(), Cell::saying(TestStatus::Fail, ""));
    let stored = vec![encode_column(&column, &mut rows); 2];
    let columns = GroupColumns::read(&stored, &rows, &group());
    assert!(Past::of(&columns, &keys(&stored), 1, true).is_none());
}

#[test]
fn columns_that_leave_take_their_runs_with_them() {
    let mut rows = RowTable::default();
    let stored: Vec<_> = (0..700)
        .map(|at| {
            let mut column = InflatedColumn::default();
            column.column.build = at.to_string();
            let status = if at % 2 == 0 { TestStatus::Fail } else { TestStatus::Pass };
            column.cells.insert("changes".to_owned(), Cell::saying(status, ""));
            encode_column(&column, &mut rows)
        })
        .collect();
    let keys = keys(&stored);
    let columns = GroupColumns::read(&stored, &rows, &group());
    let mut past = Past::of(&columns, &keys, 0, true).unwrap();
    let whole = past.size();
    past.forget(i64::MIN, 70);
    assert_eq!(past.len(), 70);
    assert!(past.size() < whole / 4, "{} of {whole}", past.size());
    let mut results = Vec::new();
    past.append(0, &mut results);
    assert_eq!(results.len(), 140);
}

#[test]
fn an_alert_from_the_past_is_told_without_reading_it_again() {
    // Row 5 failed once and has only flaked since.
    let columns: Vec<InflatedColumn> = (0..30)
        .map(|at| {
            let status = if at < 20 { TestStatus::Flaky } else { TestStatus::Fail };
            let cell = Cell::saying(status, format!("message {at}"));
            let mut column = InflatedColumn {
                cells: [("row 5".to_owned(), cell)].into(),
                ..InflatedColumn::default()
            };
            column.column.build = at.to_string();
            column.column.started = f64::from(30 - at) * 1e3;
            column
        })
        .collect();
    let mut rows = RowTable::default();
    let stored: Vec<_> = columns.iter().map(|column| encode_column(column, &mut rows)).collect();
    let keys = keys(&stored);
    let tab = tab(false);
    let read = |to: usize| GroupColumns::read(&stored[..to], &rows, &group());
    let past = Past::of(&read(30), &keys, 12, true).unwrap();
    let seam = past.seam(&keys[..16]).unwrap();
    let newest = read(16);
    let grid = newest.tab_grid(&tab, &group(), NOW, false, Some((&past, seam))).unwrap().unwrap();
    assert_eq!(summarized(&grid, &tab), by_messages(&stored, &rows, &tab));
    let alert = grid.rows[0].alert_info.as_ref().unwrap();
    assert_eq!((alert.fail_count, alert.failure_message.as_str()), (10, "message 20"));
}
