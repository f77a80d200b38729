//! A column of a grid as a JUnit file, for programs that read nothing else.

use std::collections::HashMap;
use std::fmt::Write;

use go_compat::Timestamp;
use go_compat::xml::escaped;

use crate::columnar::{PageCell, PageGrid};
use crate::proto::TestStatus;
use crate::proto::config::TestGroup;

/// The results of a column, counted from the newest, as one suite of this name: a case for each filled
/// cell. What stands above the column is in the suite's properties, by the labels that the group gives
/// it. `minutes` says of rows by their names how long they took.
///
/// What failed is a failure with its message. What passed and failed is a case that passed, with
/// Surefire's `flakyFailure`. What neither passed nor failed, as a test that still runs, is skipped and
/// says why.
pub fn junit(
    grid: &PageGrid,
    column: usize,
    suite: &str,
    group: &TestGroup,
    minutes: &HashMap<String, f64>,
) -> String {
    let (mut cases, mut seconds) = (String::new(), 0.0);
    let (mut tests, mut failures, mut skipped) = (0_usize, 0_usize, 0_usize);
    for row in &grid.rows {
        let Some(cell) = row.cells().nth(column).filter(|cell| cell.status.is_filled()) else {
            continue;
        };
        let took = minutes.get(&row.name).map_or(0.0, |minutes| minutes * 60.0);
        let inner = outcome(grid, cell);
        tests += 1;
        failures += usize::from(inner.starts_with("<failure"));
        skipped += usize::from(inner.starts_with("<skipped"));
        seconds += took;
        let id = row.id.as_deref().unwrap_or(suite);
        // Writing into a String cannot fail.
        let _ = write!(
            cases,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{took:.3}\"",
            escaped(id),
            escaped(&row.name)
        );
        if inner.is_empty() {
            cases.push_str("/>\n");
        } else {
            let _ = writeln!(cases, ">\n    {inner}\n  </testcase>");
        }
    }
    let build = grid.columns.build.get(column).map_or("", String::as_str);
    let started = grid.started_ms().get(column).copied().unwrap_or(0);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = write!(
        text,
        "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" \
         skipped=\"{skipped}\" time=\"{seconds:.3}\" timestamp=\"{}\">\n  <properties>\n    \
         <property name=\"build\" value=\"{}\"/>\n",
        escaped(suite),
        Timestamp::from_millis(started).rfc3339(),
        escaped(build)
    );
    for at in 0..grid.columns.headers.len() {
        let (label, value) = (escaped(group.header_label(at)), escaped(grid.header(at, column)));
        let _ = writeln!(text, "    <property name=\"{label}\" value=\"{value}\"/>");
    }
    text + "  </properties>\n" + &cases + "</testsuite>\n"
}

/// What stands in a case: nothing for one that passed.
fn outcome(grid: &PageGrid, cell: PageCell) -> String {
    let (words, message) = (escaped(cell.status.words()), escaped(grid.text(cell.message)));
    match cell.status {
        TestStatus::PassWithSkips => format!("<skipped message=\"{message}\"/>"),
        TestStatus::Flaky => {
            format!("<flakyFailure type=\"{words}\" message=\"{message}\">{message}</flakyFailure>")
        }
        status if status.is_passing() => String::new(),
        status if status.is_failing() => {
            format!("<failure type=\"{words}\" message=\"{message}\">{message}</failure>")
        }
        _ => {
            let joint = if message.is_empty() { "" } else { ": " };
            format!("<skipped message=\"{words}{joint}{message}\"/>")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::ColumnHeader;
    use crate::proto::state::{Column, Grid, Row};

    #[test]
    fn a_column_is_a_suite_that_junit_readers_understand_whatever_its_names_hold() {
        let row = |name: &str, status: TestStatus, message: &str| Row {
            name: name.to_owned(),
            id: name.to_owned(),
            results: vec![TestStatus::NoResult as i32, 1, status as i32, 1],
            messages: vec![message.to_owned()],
            icons: vec![String::new()],
            ..Row::default()
        };
        let grid = Grid {
            columns: vec![
                Column { build: "2".into(), started: 1.8e12, ..Column::default() },
                Column {
                    build: "1".into(),
                    started: 1.79e12,
                    extra: vec!["v1 & <more>".into()],
                    ..Column::default()
                },
            ],
            rows: vec![
                row("passes", TestStatus::Pass, ""),
                row("fails \"<a>\"", TestStatus::Fail, "1 < 2 \u{1b}[31m]]>"),
                row("both", TestStatus::Flaky, "1/2 runs passed: boom"),
                row("skipped", TestStatus::PassWithSkips, "not here"),
                row("runs", TestStatus::Running, ""),
            ],
            ..Grid::default()
        };
        let page = PageGrid::new(&grid, 0..2);
        let minutes = HashMap::from([("passes".to_owned(), 0.5)]);
        let commit =
            ColumnHeader { configuration_value: "Commit".into(), ..ColumnHeader::default() };
        let group = TestGroup { column_header: vec![commit], ..TestGroup::default() };
        let text = junit(&page, 1, "board › tab", &group, &minutes);
        let read = artifacts::junit::parse(text.as_bytes()).expect("a JUnit file");
        let tests = artifacts::results::tests([read]);
        assert_eq!(tests.len(), 5, "{text}");
        assert!(text.contains("tests=\"5\" failures=\"1\" errors=\"0\" skipped=\"2\""), "{text}");
        assert!(
            text.contains("name=\"Commit\" value=\"v1 &amp; &lt;more&gt;\"")
                && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(text.contains("name=\"passes\" time=\"30.000\"/>"), "{text}");
        assert!(
            junit(&page, 0, "s", &group, &minutes).contains("tests=\"0\""),
            "nothing ran there"
        );
        assert!(junit(&page, 9, "s", &group, &minutes).contains("tests=\"0\""), "no such column");
    }
}
