//! `/testgrid/<dashboard>` and `/testgrid/<dashboard group>`.

use app::model::{DashboardGroupCard, DashboardGroupPage, DashboardPage, GridPlace, PageError};

use super::{card::card, dashboard_card, head, not_found, place_href};
use crate::testgrid::TestGrid;

/// The summary of a dashboard, or the dashboards of a group.
pub fn place(grids: &TestGrid, name: &str, now_ms: i64) -> Result<GridPlace, PageError> {
    let config = grids.config.get();
    let configuration = &config.configuration;
    let missing = match config.names.dashboard(configuration, name) {
        Ok(dashboard) => {
            let tabs = dashboard.dashboard_tab.iter();
            let tabs = tabs
                .map(|tab| card(grids, dashboard, tab, config.group(&tab.test_group_name)))
                .collect();
            let head = head(grids, &config, dashboard);
            return Ok(GridPlace::Dashboard(Box::new(DashboardPage { now_ms, head, tabs })));
        }
        Err(missing) => missing,
    };
    let Ok(group) = config.names.dashboard_group(configuration, name) else {
        return Err(not_found(missing));
    };
    let members = group.dashboard_names.iter();
    let dashboards = members
        .filter_map(|name| config.names.dashboard(configuration, name).ok())
        .map(|dashboard| dashboard_card(grids, dashboard))
        .collect();
    Ok(GridPlace::Group(DashboardGroupPage {
        now_ms,
        group: DashboardGroupCard {
            name: group.name.clone(),
            href: place_href(&group.name),
            description: group.description.clone(),
            dashboards,
        },
    }))
}
