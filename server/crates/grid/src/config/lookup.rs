//! From a job to the tab that shows it, for links from runs to the grid.

use std::collections::HashMap;

use go_compat::GoRegex;

use crate::proto::config::Configuration;

/// What makes one tab of a group better than another; the smallest wins.
type Rank = (bool, bool, usize);

/// Dashboard and tab.
type Place<'c> = (&'c str, &'c str);

/// The best tab of each group.
#[derive(Clone, Debug, Default)]
pub struct TabIndex {
    by_group: HashMap<String, (String, String)>,
}

impl TabIndex {
    /// Indexes a configuration.
    pub fn new(configuration: &Configuration) -> TabIndex {
        let mut best: HashMap<&str, (Rank, Place<'_>)> = HashMap::new();
        for dashboard in &configuration.dashboards {
            for tab in &dashboard.dashboard_tab {
                // A tab with options shows a part of the rows. Among the others the dashboard with
                // most tabs wins, as with Prow's spyglass; dashboard `k8s` first, as with Gubernator.
                let rank = (
                    !tab.base_options.is_empty(),
                    dashboard.name != "k8s",
                    usize::MAX - dashboard.dashboard_tab.len(),
                );
                let place = (dashboard.name.as_str(), tab.name.as_str());
                best.entry(&tab.test_group_name)
                    .and_modify(|found| {
                        if rank < found.0 {
                            *found = (rank, place);
                        }
                    })
                    .or_insert((rank, place));
            }
        }
        TabIndex {
            by_group: best
                .into_iter()
                .map(|(group, (_, (dashboard, tab)))| {
                    (group.to_owned(), (dashboard.to_owned(), tab.to_owned()))
                })
                .collect(),
        }
    }

    /// Dashboard and tab of a group, which has the name of its job.
    pub fn tab_of_group(&self, group: &str) -> Option<(&str, &str)> {
        let (dashboard, tab) = self.by_group.get(group)?;
        Some((dashboard, tab))
    }
}

/// The filter that shows a test beside the row about the whole run, which is `<job>.Overall`, for the
/// fragment of a tab's URL.
pub fn test_filter(test: &str) -> String {
    format!("include-filter-by-regex=(^|\\.)Overall$|{}", GoRegex::quote_meta(test))
}
