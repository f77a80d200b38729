//! The documents of TestGrid's public API (`/api/v1/…`) and of its old pages, from configuration,
//! grids and summaries.
//!
//! As protobuf writes JSON: names with underscores, zero values left out, times in RFC 3339. Names in
//! requests are compared normalized. An unknown name is [`NotFound`], which the API answers with 404.

pub mod legacy;
pub mod v1;

use std::collections::HashMap;

use crate::config::names::normalize;
use crate::proto::config::{Configuration, Dashboard, DashboardGroup, DashboardTab, TestGroup};
use crate::url::{Part, escape};

/// A name that the configuration does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// No dashboard of this name.
    #[error("Dashboard {0:?} not found")]
    Dashboard(String),
    /// No dashboard group of this name.
    #[error("Dashboard group {0:?} not found")]
    DashboardGroup(String),
    /// No tab of this name on the dashboard.
    #[error("Tab {tab:?} not found on dashboard {dashboard:?}")]
    Tab {
        /// The dashboard.
        dashboard: String,
        /// The tab.
        tab: String,
    },
    /// The tab's group is not in the configuration.
    #[error("test group {group:?} backing dashboard tab {tab:?} not found")]
    TestGroup {
        /// The tab.
        tab: String,
        /// The group.
        group: String,
    },
}

/// Where the entities of a configuration stand, by their normalized names.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    groups: HashMap<String, usize>,
    dashboards: HashMap<String, (usize, HashMap<String, usize>)>,
    dashboard_groups: HashMap<String, usize>,
    group_of_dashboard: HashMap<String, usize>,
}

impl NameIndex {
    /// Indexes a configuration. Of equal names the first counts.
    pub fn new(configuration: &Configuration) -> NameIndex {
        let mut index = NameIndex::default();
        for (at, group) in configuration.test_groups.iter().enumerate() {
            index.groups.entry(group.name.clone()).or_insert(at);
        }
        for (at, dashboard) in configuration.dashboards.iter().enumerate() {
            index.dashboards.entry(normalize(&dashboard.name)).or_insert_with(|| {
                let mut tabs = HashMap::new();
                for (at, tab) in dashboard.dashboard_tab.iter().enumerate() {
                    tabs.entry(normalize(&tab.name)).or_insert(at);
                }
                (at, tabs)
            });
        }
        for (at, group) in configuration.dashboard_groups.iter().enumerate() {
            index.dashboard_groups.entry(normalize(&group.name)).or_insert(at);
            for name in &group.dashboard_names {
                index.group_of_dashboard.entry(name.clone()).or_insert(at);
            }
        }
        index
    }

    /// The dashboard of a name, in any spelling that normalizes alike.
    ///
    /// # Errors
    /// There is none.
    pub fn dashboard<'c>(
        &self,
        configuration: &'c Configuration,
        name: &str,
    ) -> Result<&'c Dashboard, NotFound> {
        let found = self.dashboards.get(&normalize(name));
        let dashboard = found.and_then(|(at, _)| configuration.dashboards.get(*at));
        dashboard.ok_or_else(|| NotFound::Dashboard(name.to_owned()))
    }

    /// The tab of a dashboard, with its group.
    ///
    /// # Errors
    /// There is no such dashboard, tab or group.
    pub fn tab<'c>(
        &self,
        configuration: &'c Configuration,
        dashboard: &str,
        tab: &str,
    ) -> Result<(&'c Dashboard, &'c DashboardTab, &'c TestGroup), NotFound> {
        let board = self.dashboard(configuration, dashboard)?;
        let tabs = self.dashboards.get(&normalize(dashboard)).map(|(_, tabs)| tabs);
        let at = tabs.and_then(|tabs| tabs.get(&normalize(tab)));
        let found = at.and_then(|at| board.dashboard_tab.get(*at)).ok_or_else(|| {
            NotFound::Tab { dashboard: dashboard.to_owned(), tab: tab.to_owned() }
        })?;
        let group = self.groups.get(&found.test_group_name);
        let group = group.and_then(|at| configuration.test_groups.get(*at)).ok_or_else(|| {
            NotFound::TestGroup { tab: found.name.clone(), group: found.test_group_name.clone() }
        })?;
        Ok((board, found, group))
    }

    /// The dashboard group of a name, in any spelling that normalizes alike.
    ///
    /// # Errors
    /// There is none.
    pub fn dashboard_group<'c>(
        &self,
        configuration: &'c Configuration,
        name: &str,
    ) -> Result<&'c DashboardGroup, NotFound> {
        let at = self.dashboard_groups.get(&normalize(name));
        let group = at.and_then(|at| configuration.dashboard_groups.get(*at));
        group.ok_or_else(|| NotFound::DashboardGroup(name.to_owned()))
    }

    /// The dashboard group that a dashboard is in.
    pub fn group_of_dashboard<'c>(
        &self,
        configuration: &'c Configuration,
        dashboard: &str,
    ) -> Option<&'c DashboardGroup> {
        configuration.dashboard_groups.get(*self.group_of_dashboard.get(dashboard)?)
    }
}

/// The query that keeps a link in a scope other than the default; empty for the default.
fn scope_query(scope: &str) -> String {
    if scope.is_empty() {
        return String::new();
    }
    // A scope is a URL and stays readable; everything else of it is escaped.
    let escaped = escape(scope, Part::Query).replace("%3A", ":").replace("%2F", "/");
    format!("?scope={escaped}")
}
