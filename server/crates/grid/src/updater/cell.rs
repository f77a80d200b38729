//! One result in one build, and how several under one name become one.

use std::collections::{BTreeMap, BTreeSet};

use super::metrics::{MetricName, Metrics};
use crate::proto::TestStatus;

/// A result. The default is a cell without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The status, which decides the colour.
    pub status: TestStatus,
    /// The row's name before formatting; empty if it is the same.
    pub id: String,
    /// What links use for the run, where cells of a column lead to different ones.
    pub cell_id: String,
    /// Properties for links.
    pub properties: BTreeMap<String, String>,
    /// The short text in the cell.
    pub icon: String,
    /// The text on it.
    pub message: String,
    /// Numbers by name.
    pub metrics: Metrics,
    /// The value of the group's user property.
    pub user_property: String,
    /// Issues about the result.
    pub issues: Vec<String>,
}

impl Default for Cell {
    fn default() -> Self {
        Cell {
            status: TestStatus::NoResult,
            id: String::new(),
            cell_id: String::new(),
            properties: BTreeMap::new(),
            icon: String::new(),
            message: String::new(),
            metrics: Metrics::default(),
            user_property: String::new(),
            issues: Vec::new(),
        }
    }
}

impl Cell {
    /// A cell that only has a status and a message.
    pub fn saying(status: TestStatus, message: impl Into<String>) -> Cell {
        Cell { status, message: message.into(), ..Cell::default() }
    }

    /// The same with a short text.
    #[must_use]
    pub fn with_icon(self, icon: &str) -> Cell {
        Cell { icon: icon.to_owned(), ..self }
    }
}

/// Results of one name beyond this count are shown as one, where they are not merged.
pub const MAX_DUPLICATES: usize = 20;

/// Merges the results of one name in one build.
///
/// The most severe status wins, but passes and failures together are flaky if `flaky` allows it. The
/// short text counts the passes; the message is that of the most severe failure that has one, else
/// of a pass. As with TestGrid, results milder than the first one never give the message.
pub fn merge(flaky: bool, cells: Vec<Cell>) -> Cell {
    let total = cells.len();
    let mut cells = cells.into_iter();
    let Some(first) = cells.next() else { return Cell::default() };
    if total == 1 {
        return first;
    }
    let mut worst = first.status;
    let mut passes = Tally::new(first.status);
    let mut failures = Tally::new(first.status);
    let mut metrics: BTreeMap<MetricName, (f64, u32)> = BTreeMap::new();
    let mut issues = BTreeSet::new();
    let mut out = Cell::default();
    for (turn, cell) in std::iter::once(first).chain(cells).enumerate() {
        if cell.status.severity() >= worst.severity() {
            worst = cell.status;
        }
        if cell.status.is_passing() {
            passes.add(&cell);
        } else if cell.status.is_failing() {
            failures.add(&cell);
        }
        for (name, value) in cell.metrics.iter() {
            let sum = metrics.entry(name.clone()).or_default();
            *sum = (sum.0 + value, sum.1 + 1);
        }
        issues.extend(cell.issues.iter().cloned());
        if turn == 0 {
            out = cell;
        }
    }
    out.status =
        if flaky && passes.count > 0 && failures.count > 0 { TestStatus::Flaky } else { worst };
    out.icon = format!("{}/{total}", passes.count);
    out.message = format!("{} runs passed", out.icon);
    if let Some(message) = failures.message.or(passes.message) {
        out.message.push_str(": ");
        out.message.push_str(&message);
    }
    if !metrics.is_empty() {
        out.metrics =
            metrics.into_iter().map(|(name, (sum, n))| (name, sum / f64::from(n))).collect();
    }
    if !issues.is_empty() {
        out.issues = issues.into_iter().collect();
    }
    out
}

/// How many results of a kind there were, and the message of the most severe.
struct Tally {
    count: usize,
    message: Option<String>,
    severity: u8,
}

impl Tally {
    fn new(first: TestStatus) -> Self {
        Tally { count: 0, message: None, severity: first.severity() }
    }

    fn add(&mut self, cell: &Cell) {
        self.count += 1;
        if !cell.message.is_empty() && cell.status.severity() >= self.severity {
            self.message = Some(cell.message.clone());
            self.severity = cell.status.severity();
        }
    }
}

/// Gives the results of one name names of their own: `name`, `name [1]`, `name [2]`…; beyond
/// [`MAX_DUPLICATES`] a single failing `name [overflow]`.
pub fn split(name: &str, cells: Vec<Cell>) -> Vec<(String, Cell)> {
    let mut named = Vec::with_capacity(cells.len().min(MAX_DUPLICATES + 1));
    for (turn, cell) in cells.into_iter().enumerate() {
        match turn {
            0 => named.push((name.to_owned(), cell)),
            MAX_DUPLICATES => {
                let overflow = Cell::saying(TestStatus::Fail, "Too many duplicately named rows")
                    .with_icon("...");
                named.push((format!("{name} [overflow]"), overflow));
                break;
            }
            _ => named.push((format!("{name} [{turn}]"), cell)),
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestStatus::*;

    fn merged(flaky: bool, cells: &[(TestStatus, &str)]) -> (TestStatus, String, String) {
        let cells = cells.iter().map(|(status, message)| Cell::saying(*status, *message)).collect();
        let cell = merge(flaky, cells);
        (cell.status, cell.icon, cell.message)
    }

    #[test]
    fn results_of_one_name_merge_by_severity() {
        type Case =
            (bool, &'static [(TestStatus, &'static str)], TestStatus, &'static str, &'static str);
        let table: &[Case] = &[
            (true, &[(Pass, "yay"), (Fail, "boom")], Flaky, "1/2", "1/2 runs passed: boom"),
            (
                false,
                &[(Pass, "yay"), (ToolFail, "boom"), (Fail, "bang"), (BuildFail, "missing")],
                Fail,
                "1/4",
                "1/4 runs passed: bang",
            ),
            (
                true,
                &[(TimedOut, "slow"), (CategorizedFail, "wrong"), (BuildFail, "")],
                BuildFail,
                "0/3",
                "0/3 runs passed: wrong",
            ),
            (true, &[(Pass, ""), (Pass, "")], Pass, "2/2", "2/2 runs passed"),
            (true, &[(Fail, ""), (Pass, "yay")], Flaky, "1/2", "1/2 runs passed"),
            (
                true,
                &[(Pass, "yay"), (Running, "r"), (Unknown, "u")],
                Unknown,
                "1/3",
                "1/3 runs passed: yay",
            ),
        ];
        for (flaky, cells, status, icon, message) in table {
            let expected = (*status, (*icon).to_owned(), (*message).to_owned());
            assert_eq!(merged(*flaky, cells), expected, "{cells:?}");
        }
        let one = Cell::saying(Fail, "as is").with_icon("F");
        assert_eq!(merge(true, vec![one.clone()]), one);
    }

    #[test]
    fn merged_metrics_are_means_and_issues_are_united() {
        let cell = |value: f64, issue: &str| Cell {
            metrics: [("m", value)].into(),
            issues: vec![issue.to_owned()],
            ..Cell::saying(Pass, "")
        };
        let merged = merge(true, vec![cell(1.0, "b"), cell(3.0, "a"), Cell::saying(Pass, "")]);
        assert_eq!(merged.metrics.get("m"), Some(2.0));
        assert_eq!(merged.issues, ["a", "b"]);
    }

    #[test]
    fn too_many_results_of_one_name_overflow() {
        let named = split("name", vec![Cell::saying(Pass, ""); 40]);
        let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), 21);
        assert_eq!(
            (names[0], names[1], names[19], names[20]),
            ("name", "name [1]", "name [19]", "name [overflow]")
        );
        assert_eq!((named[20].1.status, &*named[20].1.icon), (Fail, "..."));
        assert_eq!(split("x", vec![Cell::default(); 20]).len(), 20);
    }
}
