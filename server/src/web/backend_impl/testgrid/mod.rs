//! The pages of the test grid.

use std::sync::Arc;

use app::model::{
    DashboardCard, DashboardHead, GridStatus, Link, PageError, StatusCounts, TabLink, encode,
};
use grid::config::lookup::test_filter;
use grid::proto::config::{Dashboard, DashboardTab, Notification, TestGroup};
use grid::proto::summary::TabStatus;

use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;
use crate::testgrid::service::GridError;
use crate::web::state::Web;

pub mod alerts;
mod card;
pub mod dashboard;
pub mod graph;
pub mod index;
pub mod options;
pub mod tab;
pub mod test;
pub mod what_if;

/// The grids of this process.
///
/// # Errors
/// It has none, since it keeps nothing.
pub fn grids(web: &Web) -> Result<&Arc<TestGrid>, PageError> {
    web.grids.as_ref().ok_or_else(|| PageError::NotFound {
        message: "This process has no test grid: it shows ProwJobs alone. `bowsprit serve` has \
                  one."
            .to_owned(),
    })
}

/// The status in the words of the pages.
pub fn status_of(status: TabStatus) -> GridStatus {
    match status {
        TabStatus::Pass => GridStatus::Passing,
        TabStatus::Fail => GridStatus::Failing,
        TabStatus::Flaky => GridStatus::Flaky,
        TabStatus::Stale => GridStatus::Stale,
        TabStatus::Broken => GridStatus::Broken,
        TabStatus::Pending => GridStatus::Pending,
        TabStatus::Acceptable => GridStatus::Acceptable,
        TabStatus::NotSet | TabStatus::Unknown => GridStatus::Unknown,
    }
}

/// A part of a path.
pub fn segment(name: &str) -> String {
    app::model::segment(name).replace(',', "%2C")
}

/// The page of a dashboard's summary, or of a dashboard group.
pub fn place_href(name: &str) -> String {
    format!("/testgrid/{}", segment(name))
}

/// The page of a tab.
pub fn tab_href(dashboard: &str, tab: &str) -> String {
    format!("/testgrid/{}/{}", segment(dashboard), segment(tab))
}

/// The page of a tab with a test's row, beside that about the whole run, alone.
pub fn tab_href_of_row(dashboard: &str, tab: &str, row: &str) -> String {
    let filter = test_filter(row);
    let (option, pattern) = filter.split_once('=').unwrap_or((&filter, ""));
    format!("{}?{option}={}", tab_href(dashboard, tab), encode(pattern))
}

/// The page of a test.
pub fn test_href(name: &str) -> String {
    format!("/test?name={}", encode(name))
}

/// How a tab does.
fn tab_status(grids: &TestGrid, dashboard: &str, tab: &str) -> GridStatus {
    grids.tab(dashboard, tab).map_or(GridStatus::Unknown, |state| status_of(state.status()))
}

/// A dashboard in a list.
fn dashboard_card(grids: &TestGrid, dashboard: &Dashboard) -> DashboardCard {
    let mut counts = StatusCounts::default();
    for tab in &dashboard.dashboard_tab {
        counts.add(tab_status(grids, &dashboard.name, &tab.name));
    }
    DashboardCard { name: dashboard.name.clone(), href: place_href(&dashboard.name), counts }
}

/// What stands above every page of a dashboard.
fn head(grids: &TestGrid, config: &GridConfig, dashboard: &Dashboard) -> DashboardHead {
    let configuration = &config.configuration;
    let group = config.names.group_of_dashboard(configuration, &dashboard.name);
    let members = group.into_iter().flat_map(|group| &group.dashboard_names);
    let siblings = members
        .filter_map(|name| config.names.dashboard(configuration, name).ok())
        .map(|sibling| dashboard_card(grids, sibling))
        .collect();
    DashboardHead {
        name: dashboard.name.clone(),
        href: place_href(&dashboard.name),
        group: group.map(|group| link(&group.name, &place_href(&group.name))),
        siblings,
        tabs: dashboard
            .dashboard_tab
            .iter()
            .map(|tab| TabLink {
                name: tab.name.clone(),
                href: tab_href(&dashboard.name, &tab.name),
                status: tab_status(grids, &dashboard.name, &tab.name),
            })
            .collect(),
        description: dashboard.description.clone(),
        notifications: notices(&dashboard.notifications),
        highlight_today: dashboard.highlight_today,
        downplay: dashboard.downplay_failing_tabs,
    }
}

fn notices(notifications: &[Notification]) -> Vec<Link> {
    let notices = notifications.iter().map(|n| link(&n.summary, &n.context_link));
    notices.collect()
}

fn link(text: &str, href: &str) -> Link {
    Link { text: text.to_owned(), href: href.to_owned(), title: String::new() }
}

/// A tab with its dashboard and group, by their names in any spelling.
fn find<'c>(
    config: &'c GridConfig,
    dashboard: &str,
    tab: &str,
) -> Result<(&'c Dashboard, &'c DashboardTab, &'c TestGroup), PageError> {
    config.tab(dashboard, tab).map_err(not_found)
}

fn not_found(error: grid::api::NotFound) -> PageError {
    PageError::NotFound {
        message: format!("{error}. The test grid's index has all dashboards and tabs."),
    }
}

/// A failure of the grids as a page tells it.
pub fn page_error(error: GridError) -> PageError {
    match error {
        GridError::NotFound(error) => not_found(error),
        GridError::Options(error) => PageError::BadRequest { message: error.to_string() },
        GridError::Store(cause) => super::unavailable("The stored builds", format!("{cause:#}")),
    }
}

/// Seconds of the messages as milliseconds; nothing for 0.
fn millis(seconds: f64) -> Option<i64> {
    (seconds > 0.0).then_some((seconds * 1_000.0) as i64)
}
