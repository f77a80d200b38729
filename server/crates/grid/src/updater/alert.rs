//! Rows that fail too often.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::construct::run_lengths;
use crate::proto::config::{ColumnHeader, TestGroup};
use crate::proto::state::{AlertInfo, Column, Row};
use crate::proto::{Coalesced, TestStatus, Timestamp};
use crate::updater::naming;

/// When a row alerts, and how its alert names builds.
#[derive(Clone, Debug, Default)]
pub struct AlertOptions {
    /// Failures in a row that open an alert; 0 for never.
    pub open_failures: usize,
    /// Passes that close it; one if 0.
    pub close_passes: usize,
    /// Builds are named by their first header, where there is one.
    pub builds_by_header: bool,
    /// The name of the group's user property.
    pub user_property: String,
    /// The group's column headers.
    pub headers: Vec<ColumnHeader>,
}

impl AlertOptions {
    /// The options of a group.
    pub fn of_group(group: &TestGroup) -> AlertOptions {
        let count = |number: i32| usize::try_from(number).unwrap_or(0);
        AlertOptions {
            open_failures: count(group.num_failures_to_alert),
            close_passes: count(group.num_passes_to_disable_alert),
            builds_by_header: naming::is_bucket_source(group),
            user_property: group.user_property.clone(),
            headers: group.column_header.clone(),
        }
    }
}

/// What makes a row alert. Columns are counted from the newest, at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// All failures on the way back to the pass that ended it.
    pub failures: i32,
    /// The column of the first failure.
    pub first: usize,
    /// The column of the newest failure.
    pub latest: usize,
    /// The column of the newest pass before the first failure.
    pub pass: Option<usize>,
    /// The place of the first failure among the filled cells.
    first_filled: usize,
    /// The place of the newest failure among the filled cells.
    latest_filled: usize,
    /// The oldest column that was looked at and counted.
    walked: Option<usize>,
}

/// Walks a row's results from the newest and finds the outage that is going on, if there is one:
/// `open` failures without a pass between them, more recent than `close` passes.
///
/// Blank and running cells do not count. A flaky result ends the walk once the alert is open, since
/// nobody knows which build is to blame, and begins the count anew before.
pub fn find_outage(
    results: impl IntoIterator<Item = TestStatus>,
    open: usize,
    close: usize,
) -> Option<Outage> {
    if open == 0 {
        return None;
    }
    let close = close.max(1);
    let (mut in_a_row, mut passes, mut filled) = (0, 0, 0);
    let mut outage = Outage {
        failures: 0,
        first: 0,
        latest: 0,
        pass: None,
        first_filled: 0,
        latest_filled: 0,
        walked: None,
    };
    for (column, status) in results.into_iter().enumerate() {
        match status.coalesced_without_running() {
            Coalesced::NoResult => {
                // A running cell has a message of its own.
                filled += usize::from(status.is_filled());
                continue;
            }
            Coalesced::Pass => {
                passes += 1;
                if in_a_row >= open {
                    outage.pass.get_or_insert(column);
                    if passes >= close {
                        break;
                    }
                } else if passes >= close {
                    return None;
                } else {
                    in_a_row = 0;
                }
            }
            Coalesced::Fail => {
                passes = 0;
                outage.pass = None;
                in_a_row += 1;
                outage.failures += 1;
                if outage.failures == 1 {
                    outage.latest = column;
                    outage.latest_filled = filled;
                }
                outage.first = column;
                outage.first_filled = filled;
            }
            Coalesced::Flaky => {
                passes = 0;
                if in_a_row >= open {
                    break;
                }
                in_a_row = 0;
            }
            Coalesced::Unknown => {}
        }
        filled += 1;
        outage.walked = Some(column);
    }
    (in_a_row >= open).then_some(outage)
}

/// Sets or clears the alert of every row.
pub fn alert_rows(columns: &[Column], rows: &mut [Row], options: &AlertOptions) {
    for row in rows {
        row.alert_info = alert_row(columns, row, options);
    }
}

/// The alert of a row.
pub fn alert_row(columns: &[Column], row: &Row, options: &AlertOptions) -> Option<AlertInfo> {
    let results = run_lengths(&row.results).take(columns.len());
    let outage = find_outage(results, options.open_failures, options.close_passes)?;
    Some(alert_info(columns, row, &outage, options))
}

/// The alert that tells of an outage.
pub fn alert_info(
    columns: &[Column],
    row: &Row,
    outage: &Outage,
    options: &AlertOptions,
) -> AlertInfo {
    // Rows of others can have fewer messages or ids than filled cells.
    let text = |of: &[String], at: usize| of.get(at).cloned().unwrap_or_default();
    let texts = AlertTexts {
        first_cell_id: text(&row.cell_ids, outage.first_filled),
        latest_cell_id: text(&row.cell_ids, outage.latest_filled),
        message: text(&row.messages, outage.latest_filled),
        property: text(&row.user_property, outage.latest_filled),
    };
    info_of(columns, texts, outage, options)
}

/// What an alert says of the cells that failed first and last.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertTexts {
    /// The id of the first.
    pub(crate) first_cell_id: String,
    /// The id of the last.
    pub(crate) latest_cell_id: String,
    /// The message of the last.
    pub(crate) message: String,
    /// The user property of the last.
    pub(crate) property: String,
}

/// The alert that tells of an outage, with the texts of its cells.
pub(crate) fn info_of<C: Borrow<Column>>(
    columns: &[C],
    texts: AlertTexts,
    outage: &Outage,
    options: &AlertOptions,
) -> AlertInfo {
    let column = |at: usize| columns.get(at).map(C::borrow);
    let first = column(outage.first);
    let pass = outage.pass.and_then(column);
    AlertInfo {
        fail_count: outage.failures,
        fail_build_id: build_id(first, options),
        latest_fail_build_id: build_id(column(outage.latest), options),
        fail_time: first.map(|column| Timestamp::from_millis(column.started)),
        fail_test_id: texts.first_cell_id,
        latest_fail_test_id: texts.latest_cell_id,
        failure_message: texts.message,
        pass_time: pass.map(|column| Timestamp::from_millis(column.started)),
        pass_build_id: build_id(pass, options),
        email_addresses: first.map(|column| column.email_addresses.clone()).unwrap_or_default(),
        hotlist_ids: first.map(hotlist_ids).unwrap_or_default(),
        properties: if texts.property.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([(options.user_property.clone(), texts.property)])
        },
        custom_column_headers: outage
            .walked
            .and_then(column)
            .map(|last| custom_headers(columns, outage, last, options))
            .unwrap_or_default(),
        ..AlertInfo::default()
    }
}

/// The headers of the last column walked. A column that lacks some keeps those of the one before.
fn custom_headers<C: Borrow<Column>>(
    columns: &[C],
    outage: &Outage,
    last: &Column,
    options: &AlertOptions,
) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    let walked = outage.walked.unwrap_or(0);
    for (at, header) in options.headers.iter().enumerate() {
        let name = [&header.label, &header.property, &header.configuration_value]
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_default();
        let mut before = columns[..walked].iter().rev().map(C::borrow);
        let value = last.extra.get(at).or_else(|| before.find_map(|column| column.extra.get(at)));
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    headers
}

pub(crate) fn build_id(column: Option<&Column>, options: &AlertOptions) -> String {
    let Some(column) = column else { return String::new() };
    match column.extra.first() {
        Some(header) if options.builds_by_header => header.clone(),
        _ => column.build.clone(),
    }
}

fn hotlist_ids(column: &Column) -> Vec<String> {
    let ids = column.hotlist_ids.split(',').map(str::trim);
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `F3 P . R ~ U`: letters with counts, newest first.
    fn results(text: &str) -> Vec<TestStatus> {
        let mut found = Vec::new();
        for word in text.split_whitespace() {
            let status = match &word[..1] {
                "P" => TestStatus::Pass,
                "F" => TestStatus::Fail,
                "~" => TestStatus::Flaky,
                "R" => TestStatus::Running,
                "U" => TestStatus::Unknown,
                _ => TestStatus::NoResult,
            };
            found.extend(std::iter::repeat_n(status, word[1..].parse().unwrap_or(1)));
        }
        found
    }

    #[test]
    fn alerts_open_and_close_by_the_table() {
        // results, open, close, (failures, first, latest, pass)
        type Case = (&'static str, usize, usize, Option<(i32, usize, usize, Option<usize>)>);
        let table: &[Case] = &[
            ("F6", 0, 0, None),
            ("P6", 1, 3, None),
            ("~6", 1, 0, None),
            ("F2 P F2", 3, 0, None),
            ("F3 P3", 3, 0, Some((3, 2, 0, Some(3)))),
            ("P2 F4", 1, 3, Some((4, 5, 2, None))),
            ("~2 F4", 1, 0, Some((4, 5, 2, None))),
            ("F ~ F P F2", 2, 2, Some((4, 5, 0, None))),
            ("P F5", 1, 0, None),
            ("F . F4", 5, 2, Some((5, 5, 0, None))),
            ("P . P F3", 1, 2, None),
            ("R F5", 1, 0, Some((5, 5, 1, None))),
            ("P F P F2 P", 2, 2, Some((3, 4, 1, Some(5)))),
            ("P F P F P3", 2, 3, None),
            ("P2 F3 P", 3, 3, Some((3, 4, 2, Some(5)))),
            ("F2 U F P", 3, 1, Some((3, 3, 0, Some(4)))),
            ("F2 ~ F3", 2, 1, Some((2, 1, 0, None))),
            // Three reds and then a green.
            ("P F3", 3, 1, None),
            ("P F3", 3, 2, Some((3, 3, 1, None))),
        ];
        for (text, open, close, expected) in table {
            let found = find_outage(results(text), *open, *close)
                .map(|outage| (outage.failures, outage.first, outage.latest, outage.pass));
            assert_eq!(found, *expected, "{text} {open}/{close}");
        }
    }

    fn columns(count: usize) -> Vec<Column> {
        (0..count)
            .map(|at| Column {
                build: format!("build-{at}"),
                started: (count - at) as f64 * 1_000.5,
                extra: vec![format!("commit-{at}")],
                hotlist_ids: format!("{at}, ,x"),
                email_addresses: vec![format!("{at}@b")],
                ..Column::default()
            })
            .collect()
    }

    fn row(text: &str) -> Row {
        let results = results(text);
        let filled = results.iter().filter(|status| status.is_filled()).count();
        let numbered = |name: &str| (0..filled).map(|at| format!("{name}-{at}")).collect();
        Row {
            results: results.iter().flat_map(|status| [*status as i32, 1]).collect(),
            messages: numbered("message"),
            cell_ids: numbered("cell"),
            user_property: numbered("user"),
            ..Row::default()
        }
    }

    fn options(open: usize, close: usize) -> AlertOptions {
        AlertOptions {
            open_failures: open,
            close_passes: close,
            builds_by_header: false,
            user_property: "prop".to_owned(),
            headers: vec![ColumnHeader {
                configuration_value: "Commit".to_owned(),
                ..ColumnHeader::default()
            }],
        }
    }

    #[test]
    fn the_alert_names_builds_cells_and_messages() {
        let alert = alert_row(&columns(6), &row("F3 P3"), &options(3, 1)).unwrap();
        assert_eq!((&*alert.fail_build_id, &*alert.latest_fail_build_id), ("build-2", "build-0"));
        assert_eq!(&*alert.pass_build_id, "build-3");
        assert_eq!((&*alert.fail_test_id, &*alert.latest_fail_test_id), ("cell-2", "cell-0"));
        assert_eq!(&*alert.failure_message, "message-0");
        assert_eq!(alert.fail_time, Some(Timestamp { seconds: 4, nanos: 2_000_000 }));
        assert_eq!(alert.email_addresses, ["2@b"]);
        assert_eq!(alert.hotlist_ids, ["2", "x"]);
        assert_eq!(alert.properties, BTreeMap::from([("prop".to_owned(), "user-0".to_owned())]));
        // The walk ends at the pass that closes the outage, which is not counted any more.
        let headers = BTreeMap::from([("Commit".to_owned(), "commit-2".to_owned())]);
        assert_eq!(alert.custom_column_headers, headers);

        let by_header = AlertOptions { builds_by_header: true, ..options(3, 1) };
        let alert = alert_row(&columns(6), &row("F3 P3"), &by_header).unwrap();
        assert_eq!((&*alert.fail_build_id, &*alert.pass_build_id), ("commit-2", "commit-3"));
    }

    #[test]
    fn running_cells_take_a_message_and_blank_ones_do_not() {
        let alert = alert_row(&columns(6), &row("R F5"), &options(1, 1)).unwrap();
        assert_eq!(&*alert.failure_message, "message-1");
        let alert = alert_row(&columns(6), &row(". F5"), &options(1, 1)).unwrap();
        assert_eq!(
            (&*alert.failure_message, &*alert.latest_fail_build_id),
            ("message-0", "build-1")
        );
    }

    #[test]
    fn a_row_that_lacks_ids_or_messages_still_alerts() {
        let bare = Row { cell_ids: vec![], messages: vec![], user_property: vec![], ..row("F5") };
        let alert = alert_row(&columns(5), &bare, &options(3, 1)).unwrap();
        assert_eq!((&*alert.fail_test_id, &*alert.failure_message), ("", ""));
        assert!(alert.properties.is_empty());
        // More results than columns, as in a damaged grid.
        assert!(alert_row(&columns(2), &row("F5"), &options(3, 1)).is_none());
    }
}
