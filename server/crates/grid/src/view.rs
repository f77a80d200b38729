//! What a view shows of a grid: which rows, in which order and groups, and how many it does not
//! show.
//!
//! The options are those of a tab or of a bookmark ([`ViewOptions`]). Nothing is hidden in silence:
//! [`View`] counts what was filtered, what is stale and what did not fail.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::columnar::{PageGrid as Grid, PageRow as Row, runs};
use crate::natural;
use crate::proto::TestStatus;
use crate::tabulator::{Group, Sort, ViewOptions};

/// Groups nested deeper are one.
const MAX_LEVELS: usize = 16;

/// What is shown of a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Rows and groups in their order.
    pub entries: Vec<Entry>,
    /// How many rows are shown, those in groups included.
    pub shown: usize,
    /// How many rows the filters leave out.
    pub filtered: usize,
    /// How many other rows are left out because they have no recent result.
    pub stale: usize,
    /// How many other rows are left out because they did not fail.
    pub not_failed: usize,
}

/// A row or a group of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The row at this place of the grid.
    Row(usize),
    /// Rows that belong together.
    Group(RowGroup),
}

/// Rows that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct RowGroup {
    /// What they have in common.
    pub name: String,
    /// The rows, and groups inside.
    pub entries: Vec<Entry>,
    /// How many rows there are, those of inner groups included.
    pub rows: usize,
    /// The worst status of the rows in each column, as pairs of status and run length.
    pub worst: Vec<u32>,
}

/// Applies options to a grid. `recent` is how many columns are recent; rows without a result in them
/// are stale.
pub fn view(grid: &Grid, options: &ViewOptions, recent: usize) -> View {
    let mut view = View::default();
    let mut rows = Vec::new();
    for (place, row) in grid.rows.iter().enumerate() {
        if !options.shows(&row.name) {
            view.filtered += 1;
        } else if !options.show_stale && !is_recent(row, recent) {
            view.stale += 1;
        } else if options.exclude_non_failed.is_some_and(|within| !has_failed(grid, row, within)) {
            view.not_failed += 1;
        } else {
            rows.push(place);
        }
    }
    sort(grid, options.sort, &mut rows);
    view.shown = rows.len();
    view.entries = grouped(grid, &options.group, rows);
    view
}

/// Whether a row failed in the newest `within` columns, or in any.
fn has_failed(grid: &Grid, row: &Row, within: Option<usize>) -> bool {
    let is_failure = |status: TestStatus| status.is_failing() || status == TestStatus::Flaky;
    statuses(grid, row).take(within.unwrap_or(usize::MAX)).any(is_failure)
}

/// The results of a row, no more than there are columns: a damaged row can claim billions.
fn statuses<'g>(grid: &'g Grid, row: &'g Row) -> impl Iterator<Item = TestStatus> + 'g {
    row.results().take(grid.columns.build.len())
}

/// Whether a row has a result that is not stale: older columns than the recent ones do not count.
fn is_recent(row: &Row, recent: usize) -> bool {
    match row.statuses[..] {
        [] => false,
        [status, run, ..] if status == TestStatus::NoResult as u32 => (run as usize) < recent,
        _ => true,
    }
}

fn sort(grid: &Grid, sort: Sort, rows: &mut [usize]) {
    let by_name = |a: &usize, b: &usize| {
        natural::compare(&grid.rows[*a].name, &grid.rows[*b].name).then(a.cmp(b))
    };
    match sort {
        Sort::None => {}
        Sort::Name => rows.sort_by(by_name),
        Sort::Failures => {
            let scores: HashMap<usize, (usize, usize)> =
                rows.iter().map(|place| (*place, failures(grid, &grid.rows[*place]))).collect();
            rows.sort_by(|a, b| {
                let ((newest_a, count_a), (newest_b, count_b)) = (scores[a], scores[b]);
                newest_a.cmp(&newest_b).then(count_b.cmp(&count_a)).then_with(|| by_name(a, b))
            });
        }
        Sort::Flakiness => {
            let scores: HashMap<usize, f64> =
                rows.iter().map(|place| (*place, flakiness(grid, &grid.rows[*place]))).collect();
            rows.sort_by(|a, b| {
                let order = scores[b].partial_cmp(&scores[a]).unwrap_or(Ordering::Equal);
                order.then_with(|| by_name(a, b))
            });
        }
    }
}

/// The column of the newest failure, and how many failures there are. Rows without one come last.
fn failures(grid: &Grid, row: &Row) -> (usize, usize) {
    let failed = statuses(grid, row).enumerate().filter(|(_, status)| status.is_failing());
    let columns: Vec<usize> = failed.map(|(column, _)| column).collect();
    (columns.first().copied().unwrap_or(usize::MAX), columns.len())
}

/// How often a row changes between passing and failing; a change counts the less the older it is,
/// and a flaky cell counts as one.
fn flakiness(grid: &Grid, row: &Row) -> f64 {
    let mut score = 0.0;
    let mut newer: Option<bool> = None;
    for (column, status) in statuses(grid, row).enumerate() {
        let weight = 1.0 / (column as f64 + 1.0);
        if status == TestStatus::Flaky {
            score += weight;
        }
        let passed = match (status.is_passing(), status.is_failing()) {
            (true, _) => true,
            (_, true) => false,
            _ => continue,
        };
        if newer.is_some_and(|newer| newer != passed) {
            score += weight;
        }
        newer = Some(passed);
    }
    score
}

/// The rows under the names of their groups. A row whose group would be its own name alone stays
/// outside; a group stands where its first row does.
fn grouped(grid: &Grid, group: &Group, rows: Vec<usize>) -> Vec<Entry> {
    let levels: Vec<(usize, Vec<String>)> =
        rows.into_iter().map(|place| (place, levels(&grid.rows[place], group))).collect();
    nest(grid, levels, 0)
}

/// The names of the groups that a row is in, the outermost first.
fn levels(row: &Row, group: &Group) -> Vec<String> {
    match group {
        Group::None => Vec::new(),
        Group::Target => vec![row.id.clone().unwrap_or_else(|| row.name.clone())],
        Group::RegexMask(mask) => vec![mask.replace_all(&row.name, |_| String::new())],
        Group::Directory => match row.name.rsplit_once('/') {
            Some((folders, _)) => folders.split('/').map(str::to_owned).take(MAX_LEVELS).collect(),
            None => Vec::new(),
        },
        Group::Hierarchy(pattern) => {
            let matches = pattern.captures_iter(&row.name);
            let mut levels: Vec<String> =
                matches.filter_map(|found| found.get(0).map(str::to_owned)).collect();
            // The last match is the row itself.
            levels.pop();
            levels.truncate(MAX_LEVELS);
            levels
        }
    }
}

fn nest(grid: &Grid, rows: Vec<(usize, Vec<String>)>, level: usize) -> Vec<Entry> {
    enum Slot {
        Row(usize),
        Group(String, Vec<(usize, Vec<String>)>),
    }
    let mut slots: Vec<Slot> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (place, levels) in rows {
        let Some(name) = levels.get(level).cloned() else {
            slots.push(Slot::Row(place));
            continue;
        };
        let at = *by_name.entry(name.clone()).or_insert_with(|| {
            slots.push(Slot::Group(name, Vec::new()));
            slots.len() - 1
        });
        if let Slot::Group(_, members) = &mut slots[at] {
            members.push((place, levels));
        }
    }
    let entries = slots.into_iter().map(|slot| match slot {
        Slot::Row(place) => Entry::Row(place),
        Slot::Group(_, members) if members.len() == 1 => Entry::Row(members[0].0),
        Slot::Group(name, members) => {
            let worst = worst(grid, members.iter().map(|(place, _)| *place));
            let rows = members.len();
            let entries = nest(grid, members, level + 1);
            Entry::Group(RowGroup { name, entries, rows, worst })
        }
    });
    entries.collect()
}

/// The worst status in each column.
fn worst(grid: &Grid, rows: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut worst = vec![TestStatus::NoResult; grid.columns.build.len()];
    for place in rows {
        for (of_column, status) in worst.iter_mut().zip(grid.rows[place].results()) {
            if status.severity() > of_column.severity() {
                *of_column = status;
            }
        }
    }
    runs(worst.into_iter().map(|status| status as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::state::{self, Column};

    fn grid(rows: &[(&str, &[i32])]) -> Grid {
        let grid = state::Grid {
            columns: vec![Column::default(); 6],
            rows: rows
                .iter()
                .map(|(name, results)| state::Row {
                    name: (*name).to_owned(),
                    id: name.split(' ').next().unwrap_or_default().to_owned(),
                    results: results.to_vec(),
                    ..state::Row::default()
                })
                .collect(),
            ..state::Grid::default()
        };
        Grid::new(&grid, 0..6)
    }

    /// Entries as text: rows by name, groups with their members in brackets.
    fn shown(grid: &Grid, entries: &[Entry]) -> String {
        let texts = entries.iter().map(|entry| match entry {
            Entry::Row(place) => grid.rows[*place].name.clone(),
            Entry::Group(group) => format!("{}[{}]", group.name, shown(grid, &group.entries)),
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn ordered(grid: &Grid, options: &str) -> String {
        let view = view(grid, &ViewOptions::parse(options).unwrap(), 3);
        shown(grid, &view.entries)
    }

    const PASS: &[i32] = &[1, 6];

    #[test]
    fn what_is_not_shown_is_counted() {
        let grid = grid(&[
            ("sig-a fails", &[12, 1, 1, 5]),
            ("sig-a passes", PASS),
            ("sig-a failed long ago", &[1, 5, 12, 1]),
            ("sig-a stale", &[0, 3, 12, 3]),
            ("sig-b fails", &[12, 6]),
        ]);
        let view = |options: &str| view(&grid, &ViewOptions::parse(options).unwrap(), 3);
        let filtered = view("include-filter-by-regex=sig-a&exclude-non-failed-tests=2");
        assert_eq!(
            (filtered.shown, filtered.filtered, filtered.stale, filtered.not_failed),
            (1, 1, 1, 2)
        );
        let any = view("exclude-non-failed-tests=&show-stale-tests=");
        assert_eq!((any.shown, any.filtered, any.stale, any.not_failed), (4, 0, 0, 1));
        assert_eq!(view("").stale, 1);
    }

    #[test]
    fn rows_are_sorted_by_name_failures_or_flakiness() {
        let grid = grid(&[
            ("row 10", PASS),
            ("row 9", PASS),
            ("old failures", &[1, 3, 12, 3]),
            ("one new failure", &[12, 1, 1, 5]),
            ("two new failures", &[12, 2, 1, 4]),
            ("changes often", &[1, 1, 12, 1, 1, 1, 12, 1, 1, 2]),
            ("flaky once", &[1, 2, 13, 1, 1, 3]),
        ]);
        assert_eq!(
            ordered(&grid, "sort-by-failures="),
            "two new failures, one new failure, changes often, old failures, flaky once, row 9, row 10"
        );
        assert_eq!(
            ordered(&grid, "sort-by-flakiness="),
            "changes often, one new failure, flaky once, two new failures, old failures, row 9, row 10"
        );
        assert!(ordered(&grid, "sort-by-name=").ends_with("row 9, row 10, two new failures"));
        assert!(ordered(&grid, "").starts_with("row 10, row 9"));
    }

    #[test]
    fn a_row_that_claims_billions_of_results_has_as_many_as_there_are_columns() {
        let grid = grid(&[("damaged", &[12, i32::MAX, 1, i32::MAX]), ("whole", PASS)]);
        assert_eq!(ordered(&grid, "sort-by-failures="), "damaged, whole");
        assert_eq!(ordered(&grid, "sort-by-flakiness=&exclude-non-failed-tests="), "damaged");
    }

    #[test]
    fn rows_can_be_grouped_in_four_ways() {
        let grid = grid(&[
            ("a/b/one", PASS),
            ("top", PASS),
            ("a/b/two", &[12, 1, 1, 5]),
            ("a/c/three", &[0, 1, 13, 1, 1, 4]),
            ("x [v1]", PASS),
            ("x [v2]", PASS),
        ]);
        assert_eq!(
            ordered(&grid, "group-by-directory="),
            "a[b[a/b/one, a/b/two], a/c/three], top, x [v1], x [v2]"
        );
        assert_eq!(
            ordered(&grid, "group-by-regex-mask=%20%5C%5Bv%5Cd%5C%5D"),
            "a/b/one, top, a/b/two, a/c/three, x[x [v1], x [v2]]"
        );
        assert_eq!(
            ordered(&grid, "group-by-target="),
            "a/b/one, top, a/b/two, a/c/three, x[x [v1], x [v2]]"
        );
        assert_eq!(
            ordered(&grid, "group-by-hierarchy-pattern=%5Cw%2B"),
            "a[b[a/b/one, a/b/two], a/c/three], top, x[x [v1], x [v2]]"
        );
        let view = view(&grid, &ViewOptions::parse("group-by-directory=").unwrap(), 3);
        let Entry::Group(group) = &view.entries[0] else { panic!("a group first") };
        assert_eq!((group.rows, &group.worst[..]), (3, &[12, 1, 13, 1, 1, 4][..]));
        assert_eq!(view.shown, 6);
    }
}
