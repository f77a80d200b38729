//! Issues that another program gathered, as the rows of tabs have them.

use std::sync::Arc;

use grid::issues::GroupIssues;
use grid::proto::state::Row;

use super::TestGrid;

/// The issues of the groups that a tab shows.
#[derive(Clone, Debug, Default)]
pub struct RowIssues(
    /// What the names of a group's rows begin with in a tab over several groups, and its issues.
    Vec<(String, Arc<GroupIssues>)>,
);

impl RowIssues {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of a row, by its name and its id.
    pub fn add(&self, name: &str, id: &str, issues: &mut Vec<String>) {
        for (prefix, of_group) in &self.0 {
            if let Some(own) = name.strip_prefix(prefix.as_str()) {
                of_group.add(own, id.strip_prefix(prefix.as_str()).unwrap_or(id), issues);
            }
        }
    }

    /// The same for the rows of a grid.
    pub fn add_to(&self, rows: &mut [Row]) {
        for row in rows {
            self.add(&row.name, &row.id, &mut row.issues);
        }
    }

    /// What an issue is about; empty if that is not known.
    pub fn title(&self, issue: &str) -> &str {
        let mut titles = self.0.iter().map(|(_, of_group)| of_group.title(issue));
        titles.find(|title| !title.is_empty()).unwrap_or_default()
    }
}

impl TestGrid {
    /// The issues of a group, or of those that it stands for.
    pub fn issues(&self, group: &str) -> RowIssues {
        let config = self.config.get();
        let known = self.gathered.read();
        let Some(composite) = config.composite(group) else {
            let own = known.get(group).map(|issues| (String::new(), Arc::clone(issues)));
            return RowIssues(own.into_iter().collect());
        };
        let members = composite.members.iter();
        let of_member = |member: &String| Some((format!("{member}/"), known.get(member)?.clone()));
        RowIssues(members.filter_map(of_member).collect())
    }

    /// Takes the issues that were gathered for a group. Its tabs are summarized anew if they are others
    /// than before.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn set_issues(&self, group: &str, issues: GroupIssues) -> anyhow::Result<()> {
        {
            let mut known = self.gathered.write();
            let before = known.get(group);
            if before.map_or(issues.is_empty(), |before| **before == issues) {
                return Ok(());
            }
            if issues.is_empty() {
                known.remove(group);
            } else {
                known.insert(group.to_owned(), Arc::new(issues));
            }
        }
        self.refresh(group, true).await
    }
}
