//! Failures of a grid that belong together: the list at the foot of TestGrid's page.

use std::collections::{BTreeMap, BTreeSet};

use crate::columnar::PageGrid;
use crate::proto::TestStatus;

/// Cells of one status, or of one status and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The status.
    pub status: TestStatus,
    /// The message, as a text number of the grid; 0 if messages do not count.
    pub message: u32,
    /// The rows, by their places.
    pub rows: Vec<u32>,
    /// The columns, by their places.
    pub columns: Vec<u32>,
    /// How many cells there are.
    pub cells: usize,
}

impl Cluster {
    /// How much of the grid it spans: rows times columns.
    pub fn area(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

/// The clusters of the cells that neither passed nor are blank, the largest area first.
pub fn clusters(grid: &PageGrid, by_message: bool) -> Vec<Cluster> {
    type Places = (BTreeSet<u32>, BTreeSet<u32>, usize);
    let mut found: BTreeMap<(u8, u32), Places> = BTreeMap::new();
    for (row, of_row) in grid.rows.iter().enumerate() {
        for (column, cell) in of_row.cells().take(grid.columns.build.len()).enumerate() {
            if !cell.status.is_filled() || cell.status.is_passing() {
                continue;
            }
            let message = if by_message { cell.message } else { 0 };
            let places = found.entry((cell.status as u8, message)).or_default();
            places.0.insert(row as u32);
            places.1.insert(column as u32);
            places.2 += 1;
        }
    }
    let mut clusters: Vec<Cluster> = found
        .into_iter()
        .map(|((status, message), (rows, columns, cells))| Cluster {
            status: TestStatus::from_wire(i32::from(status)),
            message,
            rows: rows.into_iter().collect(),
            columns: columns.into_iter().collect(),
            cells,
        })
        .collect();
    clusters.sort_by(|a, b| {
        let by_size = b.area().cmp(&a.area()).then(b.cells.cmp(&a.cells));
        by_size.then_with(|| a.message.cmp(&b.message))
    });
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columnar::{PageColumns, PageRow};

    #[test]
    fn failures_are_put_together_by_status_or_by_message() {
        let row = |statuses: &[u32], messages: &[u32]| PageRow {
            statuses: statuses.to_vec(),
            messages: messages.to_vec(),
            ..PageRow::default()
        };
        let grid = PageGrid {
            columns: PageColumns { build: vec![String::new(); 3], ..PageColumns::default() },
            texts: ["", "timeout", "refused"].map(str::to_owned).to_vec(),
            rows: vec![
                row(&[12, 2, 1, 1], &[1, 2, 0, 1]),
                row(&[12, 1, 0, 1, 12, 1], &[1, 1, 2, 1]),
            ],
            ..PageGrid::default()
        };
        let found = clusters(&grid, true);
        let told: Vec<_> =
            found.iter().map(|c| (grid.text(c.message), c.area(), c.cells)).collect();
        assert_eq!(told, [("timeout", 4, 3), ("refused", 1, 1)]);
        let by_status = clusters(&grid, false);
        assert_eq!((by_status.len(), by_status[0].area(), by_status[0].cells), (1, 6, 4));
    }
}
