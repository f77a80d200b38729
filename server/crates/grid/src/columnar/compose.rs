//! Several groups as one: what a tab over more than one group shows.

use super::column::{RowTable, decode_column, encode_column};
use crate::proto::config::TestGroup;
use crate::updater::cell::Cell;
use crate::updater::columns::sort_newest_first;
use crate::updater::naming::prefixes;

/// The stored columns of a group, newest first, with its rows.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The group.
    pub group: &'a TestGroup,
    /// The columns as they are stored.
    pub columns: Vec<Vec<u8>>,
    /// Its rows.
    pub rows: RowTable,
}

/// Groups put together.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The columns of all, newest first.
    pub columns: Vec<Vec<u8>>,
    /// Their rows.
    pub rows: RowTable,
    /// How many columns are recent.
    pub recent: usize,
}

/// The group that a tab over these groups, of which the first is the tab's own, is shown with: its
/// options are those of the first group, its prefixes those of all.
pub fn composite_group(name: String, groups: &[&TestGroup]) -> TestGroup {
    let first = groups.first().map(|group| (*group).clone()).unwrap_or_default();
    let all: Vec<&str> = groups.iter().flat_map(|group| prefixes(group)).collect();
    TestGroup { name, gcs_prefix: all.join(","), result_source: None, ..first }
}

/// The columns of all groups as those of one. Rows stand below the name of their group,
/// `<group>/<row>`, so that rows of one name stay apart and directories group them, and keep their
/// ids, so that links name the test and targets group it; a cell knows the
/// build that it leads to as `<job>/<build>`, as cells of several jobs do. Columns have as many
/// headers as the first group configures. What cannot be read stays as it is and is told by who reads
/// it next.
///
/// `recent` is how many columns of a group are recent. Of all columns together so many are that the
/// recent ones of every group are among them: rows of a job that runs once a day are not stale beside
/// those of one that runs every hour.
pub fn compose(parts: &[Part<'_>], recent: usize) -> Composed {
    let headers = parts.first().map_or(0, |part| part.group.column_header.len());
    let mut rows = RowTable::default();
    let (mut columns, mut unreadable) = (Vec::new(), Vec::new());
    let mut oldest_recent = f64::INFINITY;
    for part in parts {
        let mut started: Vec<f64> = Vec::new();
        let mut jobs = prefixes(part.group);
        let job = match (jobs.next(), jobs.next()) {
            (Some(prefix), None) => prefix.rsplit('/').next(),
            // Cells of a group with several jobs know theirs.
            _ => None,
        };
        for bytes in &part.columns {
            let Ok(mut column) = decode_column(bytes, &part.rows) else {
                unreadable.push(bytes.clone());
                continue;
            };
            column.column.extra.resize(headers, String::new());
            started.push(column.column.started);
            let build = column.column.build.clone();
            let of_group = |(name, mut cell): (String, Cell)| {
                if let Some(job) = job.filter(|_| cell.cell_id.is_empty()) {
                    cell.cell_id = format!("{job}/{build}");
                }
                let shown = format!("{}/{name}", part.group.name);
                if cell.id.is_empty() {
                    cell.id = name;
                }
                (shown, cell)
            };
            column.cells = std::mem::take(&mut column.cells).into_iter().map(of_group).collect();
            columns.push(column);
        }
        started.sort_by(|a, b| b.total_cmp(a));
        let last = started.get(recent.saturating_sub(1)).or(started.last());
        oldest_recent = last.copied().unwrap_or(f64::INFINITY).min(oldest_recent);
    }
    sort_newest_first(&mut columns);
    let recent = columns.iter().filter(|c| c.column.started >= oldest_recent).count().max(recent);
    let mut stored: Vec<Vec<u8>> =
        columns.iter().map(|column| encode_column(column, &mut rows)).collect();
    stored.extend(unreadable);
    Composed { columns: stored, rows, recent }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::assemble;
    use super::*;
    use crate::proto::TestStatus;
    use crate::proto::config::ColumnHeader;
    use crate::proto::state::Column;
    use crate::updater::alert::AlertOptions;
    use crate::updater::convert::InflatedColumn;

    fn group(name: &str, headers: usize) -> TestGroup {
        TestGroup {
            name: name.to_owned(),
            gcs_prefix: format!("bucket/logs/job-{name}"),
            column_header: vec![ColumnHeader::default(); headers],
            ..TestGroup::default()
        }
    }

    /// Columns that began at these seconds, each with a row `Overall`.
    fn part<'a>(group: &'a TestGroup, started: &[(i32, TestStatus)]) -> Part<'a> {
        let mut rows = RowTable::default();
        let encode = |(at, status): &(i32, TestStatus)| {
            let cell = Cell { status: *status, ..Cell::default() };
            let column = Column {
                build: format!("{}-{at}", group.name),
                name: format!("{}-{at}", group.name),
                started: f64::from(*at) * 1_000.0,
                extra: vec![format!("commit {at}"); group.column_header.len()],
                ..Column::default()
            };
            let cells = BTreeMap::from([("Overall".to_owned(), cell)]);
            encode_column(&InflatedColumn { column, cells }, &mut rows)
        };
        let columns = started.iter().map(encode).collect();
        Part { group, columns, rows }
    }

    #[test]
    fn groups_stand_below_each_other_over_the_columns_of_all() {
        let (a, b) = (group("a", 1), group("b", 0));
        let parts = [
            part(&a, &[(30, TestStatus::Pass), (10, TestStatus::Fail)]),
            part(&b, &[(20, TestStatus::Fail)]),
        ];
        let Composed { columns, rows, recent } = compose(&parts, 1);
        assert_eq!(recent, 2, "the newest of each group");
        assert_eq!(compose(&parts, 2).recent, 3);
        assert_eq!(compose(&parts, 9).recent, 9, "more than there are");
        let composite = composite_group("d#t".to_owned(), &[&a, &b]);
        assert_eq!(composite.gcs_prefix, "bucket/logs/job-a,bucket/logs/job-b");
        let made =
            assemble(&columns, &rows, &composite, &AlertOptions::of_group(&composite), |_| true);
        assert_eq!(made.damaged, []);
        assert_eq!(made.grid.columns.build, ["a-30", "b-20", "a-10"]);
        let shown: Vec<(&str, Vec<(TestStatus, &str)>)> = made
            .grid
            .rows
            .iter()
            .map(|row| {
                let cells = row.cells().map(|cell| (cell.status, made.grid.text(cell.cell_id)));
                (row.name.as_str(), cells.collect())
            })
            .collect();
        use TestStatus::{Fail, NoResult, Pass};
        assert_eq!(
            shown,
            [
                ("a/Overall", vec![(Pass, "job-a/a-30"), (NoResult, ""), (Fail, "job-a/a-10")]),
                ("b/Overall", vec![(NoResult, ""), (Fail, "job-b/b-20"), (NoResult, "")]),
            ]
        );
        assert_eq!(made.grid.columns.headers.len(), 1, "as many headers as the first group has");
    }

    #[test]
    fn a_column_that_cannot_be_read_is_still_told() {
        let a = group("a", 0);
        let mut broken = part(&a, &[(30, TestStatus::Pass)]);
        broken.columns.push(vec![0xff; 9]);
        let Composed { columns, rows, .. } = compose(&[broken], 5);
        let made = assemble(&columns, &rows, &a, &AlertOptions::of_group(&a), |_| true);
        assert_eq!(made.damaged.len(), 1);
        assert_eq!(made.grid.rows.len(), 1);
    }
}
