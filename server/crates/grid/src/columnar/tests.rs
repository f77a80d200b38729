use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::proto::TestStatus;
use crate::proto::config::{ColumnHeader, TestGroup};
use crate::proto::state::{Column, Grid};
use crate::updater::alert::AlertOptions;
use crate::updater::cell::Cell;
use crate::updater::columns::combine;
use crate::updater::construct::{Issues, construct, inflate};
use crate::updater::convert::InflatedColumn;

/// A column of `cases` test cases: each took some milliseconds, every `nth` failed with a message
/// of its own.
fn build(number: usize, cases: usize, nth: usize) -> InflatedColumn {
    let cell = |case: usize| {
        let noise =
            case.wrapping_mul(2_654_435_761).wrapping_add(number.wrapping_mul(40_503)) % 100_000;
        let mut cell = Cell::saying(TestStatus::Pass, "");
        if case.is_multiple_of(nth) {
            let message = format!(
                "expected {noise:x} to equal {:x} at pkg/module_{case}/some_test.go:{} within {}ms...goroutine {} [running] main.go:{}",
                noise * 7919,
                noise % 900,
                noise * 31,
                noise * 17,
                noise % 77,
            );
            cell = Cell::saying(TestStatus::Fail, message).with_icon("F");
        }
        cell.metrics.insert("test-duration-minutes", (noise as f64 / 1000.0) / 60.0);
        (format!("k8s.io/pkg/module.TestSomething/case_{case}"), cell)
    };
    InflatedColumn {
        column: Column {
            build: format!("18000000000000000{number}"),
            started: 1.7e12,
            ..Column::default()
        },
        cells: (0..cases).map(cell).collect(),
    }
}

#[test]
fn a_build_of_a_thousand_cases_takes_less_than_forty_kilobytes() {
    for (nth, most) in [(1_000, 6_000), (20, 12_000), (4, 40_000)] {
        let mut rows = RowTable::default();
        let bytes = encode_column(&build(7, 1_000, nth), &mut rows);
        assert!(bytes.len() < most, "one of {nth} fails: {} bytes", bytes.len());
        assert_eq!(rows.len(), 1_000);
        assert_eq!(decode_column(&bytes, &rows).unwrap(), build(7, 1_000, nth));
    }
}

#[test]
fn another_build_adds_only_the_rows_that_are_new() {
    let mut rows = RowTable::default();
    let first = encode_column(&build(1, 10, 3), &mut rows);
    let known = rows.len();
    let second = encode_column(&build(2, 12, 3), &mut rows);
    assert_eq!(rows.names_from(known).len(), 2);
    let stored: Vec<Arc<str>> = rows.names_from(0).to_vec();
    let again = RowTable::new(stored);
    assert_eq!(decode_column(&first, &again).unwrap(), build(1, 10, 3));
    assert_eq!(decode_column(&second, &again).unwrap(), build(2, 12, 3));
}

#[test]
fn damaged_bytes_are_told_and_never_read_beyond() {
    let mut rows = RowTable::default();
    let bytes = encode_column(&build(1, 30, 3), &mut rows);
    assert_eq!(decode_column(&[], &rows), Err(ColumnError::Truncated));
    assert_eq!(decode_column(&[9, 1, 2], &rows), Err(ColumnError::Version(9)));
    for end in 1..bytes.len() {
        assert!(decode_column(&bytes[..end], &rows).is_err(), "{end}");
    }
    let fewer = RowTable::new(rows.names_from(0)[..5].to_vec());
    assert!(matches!(decode_column(&bytes, &fewer), Err(ColumnError::Damaged(_))));
}

fn any_cell() -> impl Strategy<Value = Cell> {
    let text = "[a-c]{0,2}";
    let map = proptest::collection::btree_map(text, text, 0..3);
    let number = prop_oneof![
        any::<f64>().prop_filter("not a number", |f| !f.is_nan()),
        (0u32..9_000_000).prop_map(|ms| (f64::from(ms) / 1000.0) / 60.0)
    ];
    let metrics = proptest::collection::btree_map(text, number, 0..3);
    let issues = proptest::collection::vec(text, 0..3);
    (0i32..16, [text; 5], map, metrics, issues).prop_map(
        |(status, [icon, message, cell_id, user_property, id], properties, metrics, issues)| Cell {
            status: TestStatus::from_wire(status),
            icon,
            message,
            cell_id,
            user_property,
            id,
            properties,
            metrics: metrics.into_iter().collect(),
            issues,
        },
    )
}

pub(super) fn any_column() -> impl Strategy<Value = InflatedColumn> {
    proptest::collection::btree_map("row [0-9]", any_cell(), 0..6).prop_map(|cells| {
        InflatedColumn {
            column: Column {
                build: "b".into(),
                started: 5_000.0,
                extra: vec!["x".into()],
                ..Column::default()
            },
            cells,
        }
    })
}

fn grid(columns: Vec<InflatedColumn>) -> Grid {
    let alerts = AlertOptions { open_failures: 2, ..AlertOptions::default() };
    construct(columns, &Issues::new(), &alerts, 0.0)
}

proptest! {
    #[test]
    fn stored_columns_come_back_as_they_were(columns in proptest::collection::vec(any_column(), 0..5)) {
        let mut rows = RowTable::default();
        let stored: Vec<_> = columns.iter().map(|column| encode_column(column, &mut rows)).collect();
        for (bytes, column) in stored.iter().zip(&columns) {
            prop_assert_eq!(&decode_column(bytes, &rows).unwrap(), column);
        }
    }

    #[test]
    fn any_bytes_are_a_column_or_an_error(bytes in proptest::collection::vec(0u8..=255, 0..200), flip in 0usize..400) {
        let mut rows = RowTable::default();
        let mut good = encode_column(&build(1, 20, 3), &mut rows);
        let at = flip % good.len();
        good[at] ^= 0x15;
        let _ = decode_column(&good, &rows);
        let _ = decode_column(&[&[1], &bytes[..]].concat(), &rows);
    }

    #[test]
    fn stored_columns_make_the_same_page_as_whole_cells(
        mut columns in proptest::collection::vec((any_column(), 0..3u8, 0..9u8), 0..7),
        list_all in any::<bool>(),
    ) {
        columns.sort_by_key(|(_, _, started)| std::cmp::Reverse(*started));
        let columns: Vec<_> = columns.into_iter().map(|(mut column, build, started)| {
            column.column.build = build.to_string();
            column.column.started = f64::from(started) * 1e3;
            column
        }).collect();
        let group = TestGroup {
            num_failures_to_alert: 2,
            column_header: vec![ColumnHeader { list_all_values: list_all, ..Default::default() }],
            ..TestGroup::default()
        };
        let alerts = AlertOptions::of_group(&group);
        let keep = |name: &str| !name.starts_with("row 3");
        let mut rows = RowTable::default();
        let stored: Vec<_> = columns.iter().map(|column| encode_column(column, &mut rows)).collect();
        let found = assemble(&stored, &rows, &group, &alerts, keep);
        prop_assert!(found.damaged.is_empty());

        let mut whole = combine(&group, columns, Vec::new());
        for column in &mut whole {
            column.cells.retain(|name, _| keep(name));
        }
        let whole = crate::tabulator::without_empty(whole);
        let whole = PageGrid::new(&construct(whole, &Issues::new(), &alerts, 0.0), 0..100);
        prop_assert_eq!(&found.grid.columns.build, &whole.columns.build);
        prop_assert_eq!(&found.grid.columns.started_ms, &whole.columns.started_ms);
        let texts = |grid: &PageGrid| -> Vec<_> {
            grid.rows.iter().map(|row| {
                let cells: Vec<_> = row.cells().map(|cell| {
                    let numbers = [cell.icon, cell.message, cell.cell_id, cell.user_property];
                    (cell.status, numbers.map(|number| grid.text(number).to_owned()))
                }).collect();
                (row.name.clone(), row.id.clone(), cells, row.issues.clone(), row.alert.clone())
            }).collect()
        };
        // A row whose cells are all blank is no row; one that has a metric and no result is none here.
        let whole_rows: Vec<_> = texts(&whole).into_iter()
            .filter(|(_, _, cells, ..)| cells.iter().any(|(status, _)| status.is_filled())).collect();
        prop_assert_eq!(texts(&found.grid), whole_rows);
    }

    #[test]
    fn a_page_shows_the_cells_of_its_range(
        columns in proptest::collection::vec(any_column(), 0..7), start in 0usize..8, length in 0usize..8,
    ) {
        let grid = grid(columns);
        let range = start..start + length;
        let page = PageGrid::new(&grid, range.clone());
        let json = serde_json::to_string(&page).unwrap();
        prop_assert_eq!(&serde_json::from_str::<PageGrid>(&json).unwrap(), &page);
        prop_assert_eq!(page.started_ms().len(), page.columns.build.len());
        let (inflated, _) = inflate(grid.clone(), 0, 10);
        let shown: BTreeMap<&str, &PageRow> = page.rows.iter().map(|row| (row.name.as_str(), row)).collect();
        for (at, column) in inflated.iter().enumerate().filter(|(at, _)| range.contains(at)) {
            for (name, cell) in &column.cells {
                let Some(row) = shown.get(name.as_str()) else {
                    prop_assert!(!cell.status.is_filled());
                    continue;
                };
                let found = row.cells().nth(at - range.start).unwrap();
                prop_assert_eq!(found.status, cell.status);
                if cell.status.is_filled() {
                    let texts = [found.icon, found.message, found.cell_id, found.user_property];
                    let texts = texts.map(|number| page.text(number));
                    prop_assert_eq!(texts, [&*cell.icon, &*cell.message, &*cell.cell_id, &*cell.user_property]);
                }
            }
        }
    }
}

#[test]
fn a_page_joins_equal_headers_and_counts_time_back() {
    let mut columns: Vec<_> = (0..4).map(|at| build(at, 3, 2)).collect();
    for (at, column) in columns.iter_mut().enumerate() {
        column.column.started = 1e6 - 1e3 * at as f64;
        column.column.extra = vec![["a", "a", "b", "b"][at].to_owned(), at.to_string()];
    }
    let page = PageGrid::new(&grid(columns), 1..4);
    assert_eq!((page.first_column, page.column_count), (1, 4));
    assert_eq!(page.columns.started_ms, [999_000, 1_000, 1_000]);
    assert_eq!(page.started_ms(), [999_000, 998_000, 997_000]);
    let first: Vec<_> =
        page.columns.headers[0].chunks(2).map(|run| (page.text(run[0]), run[1])).collect();
    assert_eq!(first, [("a", 1), ("b", 2)]);
    let failing = &page.rows[0];
    assert_eq!(failing.statuses, [TestStatus::Fail as u32, 3]);
    assert_eq!(failing.metrics[0].indices, [0, 3]);
    assert_eq!(failing.alert.as_ref().unwrap().fail_count, 4);
    assert!(page.rows[1].messages.is_empty());
}
