use super::*;
use proptest::prelude::*;

fn column(build: &str, started: f64, cells: Vec<(&str, Cell)>) -> InflatedColumn {
    InflatedColumn {
        column: Column {
            build: build.to_owned(),
            hint: build.to_owned(),
            started,
            ..Column::default()
        },
        cells: cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).collect(),
    }
}

fn built(columns: Vec<InflatedColumn>) -> Grid {
    construct(columns, &Issues::new(), &AlertOptions::default(), 0.0)
}

#[test]
fn results_are_run_lengths_and_texts_are_of_filled_cells_only() {
    let pass = |message: &str| Cell::saying(TestStatus::Pass, message).with_icon("i");
    let grid = built(vec![
        column(
            "3",
            3.0,
            vec![("row 10", pass("a")), ("row 9", Cell::saying(TestStatus::Running, "r"))],
        ),
        column("2", 2.0, vec![("row 10", pass("b"))]),
        column("1", 1.0, vec![("new", pass("n")), ("blank", Cell::default())]),
        column("0", 0.0, vec![("row 10", Cell::saying(TestStatus::Fail, "c"))]),
    ]);
    let names: Vec<_> = grid.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["new", "row 9", "row 10"]);
    let [new, nine, ten] = &grid.rows[..] else { panic!("three rows") };
    assert_eq!(new.results, [0, 2, 1, 1, 0, 1]);
    assert_eq!(nine.results, [4, 1, 0, 3]);
    assert_eq!((&nine.messages[..], nine.icons.len()), (&["r".to_owned()][..], 1));
    assert_eq!(ten.results, [1, 2, 0, 1, 12, 1]);
    assert_eq!(
        (&ten.messages[..], &ten.cell_ids[..]),
        (&["a", "b", "c"].map(String::from)[..], &[const { String::new() }; 3][..])
    );
    assert!(ten.user_property.is_empty());
}

#[test]
fn rows_of_methods_have_no_ids_of_their_own() {
    let cell = Cell { cell_id: "x".into(), ..Cell::saying(TestStatus::Pass, "") };
    let grid = built(vec![column("1", 1.0, vec![("t@TESTGRID@m", cell.clone()), ("t", cell)])]);
    assert_eq!(grid.rows[0].cell_ids, ["x"]);
    assert!(grid.rows[1].cell_ids.is_empty() && grid.rows[1].properties.is_empty());
}

#[test]
fn metrics_are_sparse() {
    let cell = |value: Option<f64>| Cell {
        metrics: value.map(|value| ("m", value)).into_iter().collect(),
        ..Cell::saying(TestStatus::Pass, "")
    };
    let values =
        [Some(0.1), Some(0.2), None, None, None, None, Some(6.1), Some(6.2), Some(6.3), Some(6.4)];
    let columns =
        values.iter().map(|value| column("b", 1.0, vec![("row", cell(*value))])).collect();
    let grid = built(columns);
    assert_eq!(grid.rows[0].metrics[0].indices, [0, 2, 6, 4]);
    assert_eq!(grid.rows[0].metrics[0].values.len(), 6);
    let by_column = metric_values(&grid.rows[0].metrics[0]);
    assert_eq!(
        (by_column.get(&1), by_column.get(&2), by_column.get(&9)),
        (Some(&0.2), None, Some(&6.4))
    );
}

#[test]
fn issues_are_united_and_newest_first() {
    let cell = Cell { issues: vec!["9".into(), "10".into()], ..Cell::saying(TestStatus::Pass, "") };
    let issues = Issues::from([("row".to_owned(), vec!["9".to_owned(), "100".to_owned()])]);
    let columns = vec![column("1", 1.0, vec![("row", cell)])];
    let grid = construct(columns, &issues, &AlertOptions::default(), 0.0);
    assert_eq!(grid.rows[0].issues, ["100", "10", "9"]);
    let (_, inflated) = inflate(grid, 0, 10);
    assert_eq!(inflated["row"].len(), 3);
}

#[test]
fn columns_outside_of_the_window_are_dropped_but_one() {
    let pass = || vec![("row", Cell::saying(TestStatus::Pass, ""))];
    let grid = |starts: &[f64]| {
        built(starts.iter().map(|s| column(&s.to_string(), *s * 1000.0, pass())).collect())
    };
    let kept = |starts: &[f64]| {
        let (columns, _) = inflate(grid(starts), 100, 200);
        columns.iter().map(|c| c.column.started / 1000.0).collect::<Vec<_>>()
    };
    assert_eq!(kept(&[250.0, 201.0, 200.0, 150.0, 100.0, 99.0]), [200.0, 150.0, 100.0]);
    assert_eq!(kept(&[50.0, 40.0]), [50.0]);
    assert_eq!(kept(&[f64::NAN, 150.0]).len(), 2);
}

#[test]
fn counts_tell_broken_and_pending_columns() {
    let cells = |statuses: &[TestStatus]| -> BTreeMap<String, Cell> {
        statuses.iter().enumerate().map(|(i, s)| (i.to_string(), Cell::saying(*s, ""))).collect()
    };
    use TestStatus::*;
    let stats = column_stats(&cells(&[Pass, Fail, Flaky, NoResult, Running]), 0.2);
    assert_eq!((stats.pass_count, stats.fail_count, stats.total_count), (1, 1, 4));
    assert!(stats.pending && stats.broken);
    assert!(!column_stats(&cells(&[Pass, Fail]), 0.5).broken);
    assert_eq!(column_stats(&cells(&[]), 0.5), Stats::default());
}

#[test]
fn damaged_rows_lose_texts_and_nothing_else() {
    let grid = Grid {
        columns: vec![Column { started: 5_000.0, ..Column::default() }; 3],
        rows: vec![Row {
            name: "row".into(),
            results: vec![12, 2, 99, -5, 1, 100, 7],
            metrics: vec![Metric {
                name: String::new(),
                indices: vec![0, 9, -1, 4, 3],
                values: vec![1.0],
            }],
            ..Row::default()
        }],
        ..Grid::default()
    };
    let (columns, _) = inflate(grid, 0, 10);
    let statuses: Vec<_> = columns.iter().map(|c| c.cells["row"].status).collect();
    assert_eq!(statuses, [TestStatus::Fail, TestStatus::Fail, TestStatus::Pass]);
    assert_eq!(columns[0].cells["row"].metrics.get(""), Some(1.0));
}

fn any_cell() -> impl Strategy<Value = Cell> {
    let text = "[a-z]{0,3}";
    (0i32..16, text, text, text, proptest::option::of(0.0..9.0f64), proptest::bool::ANY).prop_map(
        |(status, icon, message, cell_id, metric, property)| {
            let status = TestStatus::from_wire(status);
            let mut cell = Cell { status, ..Cell::default() };
            cell.metrics.extend(metric.map(|value| ("m", value)));
            if status.is_filled() {
                cell = Cell { icon, message, cell_id, ..cell };
                if property {
                    cell.user_property = "u".into();
                    cell.properties.insert("k".into(), "v".into());
                }
            }
            cell
        },
    )
}

proptest! {
    #[test]
    fn inflating_a_grid_gives_the_columns_it_was_made_of(
        cells in proptest::collection::vec(
            proptest::collection::btree_map("row [0-9]{1,2}", any_cell(), 0..5), 0..8,
        )
    ) {
        let columns: Vec<_> = cells
            .into_iter()
            .enumerate()
            .map(|(at, cells)| InflatedColumn { cells, ..column(&at.to_string(), 5_000.0, vec![]) })
            .collect();
        let grid = built(columns.clone());
        let (again, _) = inflate(grid.clone(), 0, 10);
        prop_assert_eq!(again.len(), columns.len());
        for (before, after) in columns.iter().zip(&again) {
            prop_assert_eq!(&before.column, &after.column);
            for (name, cell) in &after.cells {
                let expected = before.cells.get(name).cloned().unwrap_or_default();
                prop_assert_eq!(&Cell { id: name.clone(), ..expected }, cell);
            }
            for (name, cell) in &before.cells {
                let row_is_there = grid.rows.iter().any(|row| row.name == *name);
                prop_assert!(after.cells.contains_key(name) == row_is_there || !cell.status.is_filled());
            }
        }
        prop_assert_eq!(built(again), grid);
    }
}
