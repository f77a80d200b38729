//! Columns of old and new builds come together: which old ones are read again, which belong
//! together, and in which order they stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use go_compat::Timestamp;

use super::cell::{Cell, split};
use super::construct::{Issues, inflate};
use super::convert::InflatedColumn;
use crate::natural;
use crate::proto::TestStatus;
use crate::proto::config::{ColumnHeader, TestGroup};
use crate::proto::state::{Column, Grid};

/// Columns that began so recently are read again, so that what is uploaded late is seen.
pub const REPROCESS_SECONDS: i64 = 20 * 60;
/// The window of a group that does not say one.
pub const DEFAULT_DAYS_OF_RESULTS: i64 = 7;
/// After a change of its configuration so much of a group is read again.
const REPROCESS_DAYS: i64 = 7;
const SECONDS_PER_DAY: i64 = 86_400;

/// When a group's window begins, in seconds since the epoch.
pub fn window_start(group: &TestGroup, now: i64) -> i64 {
    let days = match i64::from(group.days_of_results) {
        days if days > 0 => days,
        _ => DEFAULT_DAYS_OF_RESULTS,
    };
    now.saturating_sub(days * SECONDS_PER_DAY)
}

/// The columns of a stored grid that are kept as they are; the builds after them are read (again).
/// `now` is in seconds since the epoch.
///
/// Dropped are columns outside of the group's window, those of the last [`REPROCESS_SECONDS`],
/// everything since the oldest build that still runs, and everything of the last week if the group's
/// configuration has changed.
pub fn kept_columns(old: Grid, group: &TestGroup, now: i64) -> (Vec<InflatedColumn>, Issues) {
    let changed = old.config.as_ref().is_some_and(|config| config != group);
    let (mut columns, issues) =
        inflate(old, window_start(group, now), now.saturating_sub(REPROCESS_SECONDS));
    let mut floor = f64::NEG_INFINITY;
    if changed {
        let since = now.saturating_sub(REPROCESS_DAYS * SECONDS_PER_DAY);
        floor = since as f64 * 1000.0;
        columns.push(InflatedColumn {
            column: Column { started: floor, ..Column::default() },
            cells: BTreeMap::from([(
                "reprocess".to_owned(),
                Cell::saying(TestStatus::Running, ""),
            )]),
        });
    }
    sort_newest_first(&mut columns);
    truncate_running(&mut columns, floor);
    (columns, issues)
}

/// Drops the oldest column with a running cell and all that are newer. Columns that began before
/// `floor` (milliseconds since the epoch) are not looked at.
pub fn truncate_running(columns: &mut Vec<InflatedColumn>, floor: f64) {
    let is_running = |column: &InflatedColumn| {
        column.column.started >= floor
            && column.cells.values().any(|cell| cell.status == TestStatus::Running)
    };
    if let Some(oldest) = columns.iter().rposition(is_running) {
        columns.drain(..=oldest);
    }
}

/// Where reading goes on: the greatest hint of the columns in natural order, or nothing.
pub fn resume_hint(columns: &[InflatedColumn]) -> &str {
    let hints = columns.iter().map(|column| column.column.hint.as_str());
    hints.max_by(|a, b| natural::compare(a, b)).unwrap_or_default()
}

/// Sorts by start time, newest first; of equal times the order stays.
pub fn sort_newest_first(columns: &mut [InflatedColumn]) {
    columns.sort_by(|a, b| b.column.started.total_cmp(&a.column.started));
}

/// Puts new columns before the kept ones, merges those that belong together, and sorts.
pub fn combine(
    group: &TestGroup,
    mut new: Vec<InflatedColumn>,
    kept: Vec<InflatedColumn>,
) -> Vec<InflatedColumn> {
    for column in &mut new {
        if column.cells.is_empty() {
            // All empty columns become one.
            column.column.build.clear();
            column.column.name.clear();
        }
    }
    override_builds(group, &mut new);
    new.extend(kept);
    let mut columns = merge_same_builds(group, new);
    sort_newest_first(&mut columns);
    columns
}

/// Puts the start time in the place of the build's id, where the group says so. Times are UTC,
/// where TestGrid takes the zone of its machine.
pub fn override_builds(group: &TestGroup, columns: &mut [InflatedColumn]) {
    let format = group.build_override_strftime.as_str();
    if format.is_empty() {
        return;
    }
    for column in columns {
        // The cast saturates.
        let when = Timestamp::from_millis(column.column.started as i64);
        column.column.build = strftime(format, when);
    }
}

/// A time in a form such as `%Y-%m-%d %H:%M:%S %p`; Go's reference time (`2006-01-02 15:04:05 PM`)
/// can be written instead.
pub fn strftime(format: &str, when: Timestamp) -> String {
    let civil = when.civil();
    let two = |number: u8| format!("{number:02}");
    let half = if civil.hour < 12 { "AM" } else { "PM" };
    // The longer code comes before the one that it begins with.
    let codes: [(&str, String); 15] = [
        ("%p", half.to_owned()),
        ("%Y", format!("{:04}", civil.year)),
        ("%y", format!("{:02}", civil.year.rem_euclid(100))),
        ("%m", two(civil.month)),
        ("%d", two(civil.day)),
        ("%H", two(civil.hour)),
        ("%M", two(civil.minute)),
        ("%S", two(civil.second)),
        ("2006", format!("{:04}", civil.year)),
        ("PM", half.to_owned()),
        ("15", two(civil.hour)),
        ("01", two(civil.month)),
        ("02", two(civil.day)),
        ("04", two(civil.minute)),
        ("05", two(civil.second)),
    ];
    let mut out = String::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        match codes.iter().find(|(code, _)| rest.starts_with(code)) {
            Some((code, value)) => {
                out.push_str(value);
                rest = &rest[code.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// Merges columns of the same name and build: the earliest start, the greatest hint, headers joined.
/// A row that several of them have becomes `row`, `row [1]` and so on, or is taken from the newest
/// only where the group ignores old results.
pub fn merge_same_builds(group: &TestGroup, columns: Vec<InflatedColumn>) -> Vec<InflatedColumn> {
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut together: Vec<Vec<InflatedColumn>> = Vec::new();
    for column in columns {
        let key = (column.column.name.clone(), column.column.build.clone());
        match places.get(&key) {
            Some(place) => together[*place].push(column),
            None => {
                places.insert(key, together.len());
                together.push(vec![column]);
            }
        }
    }
    together.into_iter().map(|same| merged(group, same)).collect()
}

fn merged(group: &TestGroup, same: Vec<InflatedColumn>) -> InflatedColumn {
    let several = same.len() > 1;
    let mut same = same.into_iter();
    let Some(first) = same.next() else { return InflatedColumn::default() };
    if !several {
        return first;
    }
    let mut column = first.column;
    let mut cells: BTreeMap<String, Vec<Cell>> =
        first.cells.into_iter().map(|(name, cell)| (name, vec![cell])).collect();
    for other in same {
        join_header(&group.column_header, &mut column, other.column);
        for (name, cell) in other.cells {
            cells.entry(name).or_default().push(cell);
        }
    }
    let mut out = InflatedColumn { column, cells: BTreeMap::new() };
    for (name, mut of_name) in cells {
        if group.ignore_old_results {
            out.cells.insert(name, of_name.swap_remove(0));
        } else {
            out.cells.extend(split(&name, of_name));
        }
    }
    out
}

fn join_header(headers: &[ColumnHeader], column: &mut Column, other: Column) {
    column.started = column.started.min(other.started);
    if natural::compare(&other.hint, &column.hint).is_ge() {
        column.hint = other.hint;
    }
    for (at, value) in other.extra.into_iter().enumerate() {
        let Some(joined) = column.extra.get_mut(at) else {
            column.extra.push(value);
            continue;
        };
        if value.is_empty() || value == *joined {
            continue;
        }
        if joined.is_empty() {
            *joined = value;
        } else if headers.get(at).is_some_and(|header| header.list_all_values) {
            let all: BTreeSet<&str> =
                joined.split("||").chain(value.split("||")).filter(|v| !v.is_empty()).collect();
            *joined = Vec::from_iter(all).join("||");
        } else {
            *joined = "*".to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(build: &str, started: f64, hint: &str, extra: &[&str]) -> InflatedColumn {
        InflatedColumn {
            column: Column {
                build: build.to_owned(),
                started,
                hint: hint.to_owned(),
                extra: extra.iter().map(|value| (*value).to_owned()).collect(),
                ..Column::default()
            },
            cells: BTreeMap::from([("row".to_owned(), Cell::saying(TestStatus::Pass, hint))]),
        }
    }

    fn with_status(started: f64, status: TestStatus) -> InflatedColumn {
        let mut column = column("b", started, "", &[]);
        column.cells.insert("row".to_owned(), Cell::saying(status, ""));
        column
    }

    #[test]
    fn columns_of_one_build_are_merged() {
        let mut group =
            TestGroup { column_header: vec![ColumnHeader::default(); 4], ..TestGroup::default() };
        let same = || {
            vec![
                column("x", 9.0, "99", &["first", "", "same", "different"]),
                column("y", 8.0, "1", &["first"]),
                column("x", 7.0, "100", &["", "second", "same", "changed"]),
            ]
        };
        let out = merge_same_builds(&group, same());
        assert_eq!(out.len(), 2);
        let joined = &out[0].column;
        assert_eq!((joined.started, &*joined.hint), (7.0, "100"));
        assert_eq!(joined.extra, ["first", "second", "same", "*"]);
        let rows: Vec<_> =
            out[0].cells.iter().map(|(n, c)| (n.as_str(), c.message.as_str())).collect();
        assert_eq!(rows, [("row", "99"), ("row [1]", "100")]);

        group.column_header[3].list_all_values = true;
        group.ignore_old_results = true;
        let out = merge_same_builds(&group, same());
        assert_eq!(out[0].column.extra[3], "changed||different");
        assert_eq!(out[0].cells.len(), 1);
        assert_eq!(out[0].cells["row"].message, "99");
        group.column_header =
            vec![ColumnHeader { list_all_values: true, ..ColumnHeader::default() }];
        let overlapping = vec![
            column("x", 1.0, "", &["overlap||some"]),
            column("x", 1.0, "", &["other||overlap", "more"]),
        ];
        let out = merge_same_builds(&group, overlapping);
        assert_eq!(out[0].column.extra, ["other||overlap||some", "more"]);
    }

    #[test]
    fn different_names_never_merge() {
        let mut other = column("x", 1.0, "", &[]);
        other.column.name = "name".to_owned();
        let out = merge_same_builds(&TestGroup::default(), vec![column("x", 1.0, "", &[]), other]);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn everything_since_the_oldest_running_build_is_read_again() {
        use TestStatus::{Pass, Running};
        let columns = || {
            vec![
                with_status(5e3, Pass),
                with_status(4e3, Running),
                with_status(3e3, Pass),
                with_status(2e3, Running),
                with_status(1e3, Pass),
            ]
        };
        let kept = |floor: f64| {
            let mut columns = columns();
            truncate_running(&mut columns, floor);
            columns.iter().map(|c| c.column.started / 1e3).collect::<Vec<_>>()
        };
        assert_eq!(kept(f64::NEG_INFINITY), [1.0]);
        assert_eq!(kept(2_500.0), [3.0, 2.0, 1.0]);
        assert_eq!(kept(9_000.0).len(), 5);
    }

    #[test]
    fn reading_goes_on_after_the_greatest_hint_whenever_it_began() {
        let columns = [column("", 9.0, "hint2", &[]), column("", 1.0, "hint10", &[])];
        assert_eq!(resume_hint(&columns), "hint10");
        assert_eq!(resume_hint(&[]), "");
    }

    #[test]
    fn a_changed_configuration_reads_the_last_week_again() {
        const NOW: i64 = 100 * SECONDS_PER_DAY;
        let group = TestGroup { days_of_results: 30, ..TestGroup::default() };
        let days = [0, 1, 6, 8, 20, 40];
        let grid = |config: Option<TestGroup>| {
            let columns = days.map(|ago| {
                let started = (NOW - ago * SECONDS_PER_DAY) as f64 * 1e3;
                column(&ago.to_string(), started, &ago.to_string(), &[])
            });
            let mut grid = super::super::construct::construct(
                columns.into(),
                &Issues::new(),
                &Default::default(),
                0.0,
            );
            grid.config = config;
            grid
        };
        let kept = |config: Option<TestGroup>| {
            let (columns, _) = kept_columns(grid(config), &group, NOW);
            columns.iter().map(|c| c.column.build.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kept(Some(group.clone())), ["1", "6", "8", "20"]);
        assert_eq!(kept(None), ["1", "6", "8", "20"]);
        assert_eq!(kept(Some(TestGroup { name: "old".into(), ..group.clone() })), ["8", "20"]);
        let unsaid = TestGroup::default();
        assert_eq!(window_start(&unsaid, NOW), NOW - 7 * SECONDS_PER_DAY);
    }

    #[test]
    fn builds_can_be_named_by_their_time() {
        let when = Timestamp::parse_rfc3339("2026-11-05T07:08:09Z").unwrap();
        let table = [
            ("%Y-%m-%d", "2026-11-05"),
            ("%y%m%d %H:%M:%S %p", "261105 07:08:09 AM"),
            ("2006-01-02 15:04:05 PM", "2026-11-05 07:08:09 AM"),
            ("week %d é", "week 05 é"),
        ];
        for (format, text) in table {
            assert_eq!(strftime(format, when), text, "{format}");
        }
        let group =
            TestGroup { build_override_strftime: "%Y-%m-%d".into(), ..TestGroup::default() };
        let new = vec![column("1", 86_400_500.0, "2", &[]), column("2", 86_400_100.0, "1", &[])];
        let columns = combine(&group, new, vec![column("1970-01-01", 0.0, "0", &[])]);
        let builds: Vec<_> = columns.iter().map(|c| c.column.build.as_str()).collect();
        assert_eq!(builds, ["1970-01-02", "1970-01-01"]);
    }

    #[test]
    fn empty_columns_become_one() {
        let empty = |build: &str| InflatedColumn {
            cells: BTreeMap::new(),
            ..column(build, 1.0, build, &[])
        };
        let columns = combine(&TestGroup::default(), vec![empty("1"), empty("2")], vec![]);
        assert_eq!(
            (columns.len(), &*columns[0].column.build, &*columns[0].column.hint),
            (1, "", "2")
        );
    }
}
