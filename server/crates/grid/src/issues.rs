//! Issues of a group that another program wrote beside its grid, by the rows that they are about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::natural;
use crate::proto::issue_state::IssueState;
use crate::proto::state::Row;
use crate::updater::construct::METHOD_MARK;

/// Issues beyond this of one row are left out.
const MAX_OF_ROW: usize = 100;

/// The issues of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupIssues {
    titles: BTreeMap<String, String>,
    /// By ids of rows, targets, and methods of targets.
    by_row: HashMap<String, BTreeSet<String>>,
}

impl GroupIssues {
    /// From what TestGrid's issue gatherer writes as `bugs-<group>`.
    pub fn of(state: IssueState) -> GroupIssues {
        let mut issues = GroupIssues::default();
        for issue in state.issue_info {
            if issue.issue_id.is_empty() {
                continue;
            }
            let methods = issue.targets_and_methods.iter().flat_map(|target| {
                let of_target =
                    |method: &String| format!("{}{METHOD_MARK}{method}", target.target_name);
                let methods: Vec<String> = target.method_names.iter().map(of_target).collect();
                // Of a target alone it is about the target.
                let whole = methods.is_empty().then(|| target.target_name.clone());
                methods.into_iter().chain(whole)
            });
            for row in issue.row_ids.iter().cloned().chain(methods).filter(|row| !row.is_empty()) {
                issues.by_row.entry(row).or_default().insert(issue.issue_id.clone());
            }
            issues.titles.insert(issue.issue_id, issue.title);
        }
        issues
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }

    /// The title of an issue; empty if it is not known.
    pub fn title(&self, issue: &str) -> &str {
        self.titles.get(issue).map_or("", String::as_str)
    }

    /// Adds those of a row, which it is known by its name and its id; in TestGrid's order, the greatest
    /// number first.
    pub fn add(&self, name: &str, id: &str, issues: &mut Vec<String>) {
        let found = [name, id].into_iter().filter_map(|key| self.by_row.get(key)).flatten();
        let all: BTreeSet<String> = issues.drain(..).chain(found.cloned()).collect();
        issues.extend(all);
        issues.sort_by(|a, b| natural::compare(b, a));
        issues.truncate(MAX_OF_ROW);
    }

    /// The same for the rows of a grid.
    pub fn add_to(&self, rows: &mut [Row]) {
        for row in rows {
            self.add(&row.name, &row.id, &mut row.issues);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::issue_state::{IssueInfo, TargetAndMethods};

    #[test]
    fn issues_are_of_the_rows_that_they_name_by_id_or_target() {
        let info = |id: &str, rows: &[&str], targets: &[(&str, &[&str])]| IssueInfo {
            issue_id: id.to_owned(),
            title: format!("about {id}"),
            row_ids: rows.iter().map(|row| (*row).to_owned()).collect(),
            targets_and_methods: targets
                .iter()
                .map(|(target, methods)| TargetAndMethods {
                    target_name: (*target).to_owned(),
                    method_names: methods.iter().map(|method| (*method).to_owned()).collect(),
                })
                .collect(),
            ..IssueInfo::default()
        };
        let state = IssueState {
            issue_info: vec![
                info("9", &["one"], &[("two", &[])]),
                info("10", &["one"], &[("three", &["m"])]),
                info("", &["one"], &[]),
            ],
        };
        let issues = GroupIssues::of(state);
        let of = |name: &str, id: &str, before: &[&str]| {
            let mut found = before.iter().map(|issue| (*issue).to_owned()).collect();
            issues.add(name, id, &mut found);
            found
        };
        assert_eq!(of("shown", "one", &["7", "9"]), ["10", "9", "7"]);
        assert_eq!(of("two", "x", &[]), ["9"]);
        assert_eq!(of("three@TESTGRID@m", "", &[]), ["10"]);
        assert!(of("three", "three", &[]).is_empty(), "it is about one method");
        assert_eq!((issues.title("9"), issues.title("1")), ("about 9", ""));
    }
}
