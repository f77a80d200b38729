//! The tabs of a dashboard as a matrix by two tags of their names: what runs against which version.

use std::collections::BTreeMap;

use go_compat::GoRegex;

use crate::natural;

/// Tabs by two tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The tags that stand above the columns, in natural order; the empty one is of tabs without.
    pub columns: Vec<String>,
    /// The tags that stand before the rows, each with the places of the tabs per column.
    pub rows: Vec<(String, Vec<Vec<usize>>)>,
}

/// Words that tell branches and channels apart, besides versions.
const CHANNELS: [&str; 14] = [
    "alpha", "beta", "canary", "dev", "latest", "main", "master", "nightly", "next", "old", "prev",
    "release", "stable", "tip",
];

/// Puts tabs into a matrix.
///
/// A pattern with two groups says both tags, the row's first; one with a single group says the
/// column's, and the rest of the name is the row's. Without a pattern the column's tag is the last part
/// of the name that is a version or the name of a branch, such as `1.36`, `k132` or `master`.
pub fn matrix(names: &[&str], by: Option<&GoRegex>) -> Matrix {
    let mut cells: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        let tags = match by {
            Some(pattern) => tags_by(name, pattern),
            None => tags_of(name),
        };
        cells.entry(tags).or_default().push(place);
    }
    let ordered = |tags: Vec<&String>| {
        let mut tags: Vec<String> = tags.into_iter().cloned().collect();
        tags.sort_by(|a, b| natural::compare(a, b));
        tags.dedup();
        tags
    };
    let columns = ordered(cells.keys().map(|(_, column)| column).collect());
    let rows = ordered(cells.keys().map(|(row, _)| row).collect());
    let rows = rows.into_iter().map(|row| {
        let tabs = columns
            .iter()
            .map(|column| cells.get(&(row.clone(), column.clone())).cloned().unwrap_or_default());
        let tabs = tabs.collect();
        (row, tabs)
    });
    Matrix { rows: rows.collect(), columns }
}

fn tags_by(name: &str, pattern: &GoRegex) -> (String, String) {
    let Some(found) = pattern.captures_iter(name).next() else {
        return (name.to_owned(), String::new());
    };
    match (found.get(1), found.get(2)) {
        (Some(row), Some(column)) => (row.to_owned(), column.to_owned()),
        (Some(column), None) => (without(name, column), column.to_owned()),
        (None, _) => {
            let column = found.get(0).unwrap_or_default();
            (without(name, column), column.to_owned())
        }
    }
}

fn tags_of(name: &str) -> (String, String) {
    let is_separator = |c: char| !c.is_alphanumeric() && c != '.';
    let tag = name.split(is_separator).rev().find(|part| is_tag(part));
    match tag {
        Some(tag) => (without(name, tag), tag.to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

/// Whether a part of a name is a version or a branch.
fn is_tag(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    let word = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    if CHANNELS.contains(&word) {
        return true;
    }
    let number = lower.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = lower.len() - number.len();
    letters <= 2
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 'x')
}

/// The name without its last part of these letters, and without what joined it.
fn without(name: &str, part: &str) -> String {
    let Some(at) = name.rfind(part).filter(|_| !part.is_empty()) else { return name.to_owned() };
    let (before, after) = (&name[..at], &name[at + part.len()..]);
    let joint = |c: char| !c.is_alphanumeric() && c != ')' && c != '(';
    let before = before.trim_end_matches(joint);
    match (before.is_empty(), after.trim_matches(joint).is_empty()) {
        (true, _) => after.trim_start_matches(joint).to_owned(),
        (false, true) => before.to_owned(),
        (false, false) => format!("{before} … {}", after.trim_start_matches(joint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = [
        "kops-aws-calico-k132",
        "kops-aws-calico-k133",
        "kops-gce-calico-k133",
        "e2e 1.36 slow",
        "e2e master slow",
        "lint",
    ];

    #[test]
    fn versions_and_branches_are_columns_without_being_asked_for() {
        let found = matrix(&NAMES, None);
        assert_eq!(found.columns, ["", "1.36", "k132", "k133", "master"]);
        let rows: Vec<&str> = found.rows.iter().map(|(row, _)| row.as_str()).collect();
        assert_eq!(rows, ["e2e … slow", "kops-aws-calico", "kops-gce-calico", "lint"]);
        assert_eq!(found.rows[1].1, [vec![], vec![], vec![0], vec![1], vec![]]);
    }

    #[test]
    fn a_pattern_says_what_rows_and_columns_are() {
        let two = GoRegex::new("kops-([a-z]+)-.*-(k\\d+)").unwrap();
        let found = matrix(&NAMES, Some(&two));
        assert_eq!(found.columns, ["", "k132", "k133"]);
        assert!(found.rows.iter().any(|(row, tabs)| row == "aws" && tabs[1] == [0]));
        let one = GoRegex::new("kops-(aws|gce)").unwrap();
        let found = matrix(&NAMES[..3], Some(&one));
        assert_eq!(found.columns, ["aws", "gce"]);
        assert_eq!(found.rows.len(), 2, "{:?}", found.rows);
    }
}
