//! `/testgrid/<dashboard>` and `/testgrid/<dashboard group>`.

use app::model::{
    DashboardGroupCard, DashboardGroupPage, DashboardHead, DashboardPage, GridPlace, PageError,
    TabLink, TabMatrix, query_pairs, query_value,
};

use super::{card::card, dashboard_card, head, not_found, place_href};
use crate::testgrid::TestGrid;
use go_compat::GoRegex;
use grid::matrix::matrix;

/// The summary of a dashboard, or the dashboards of a group.
pub fn place(
    grids: &TestGrid,
    name: &str,
    query: &str,
    now_ms: i64,
) -> Result<GridPlace, PageError> {
    let config = grids.config.get();
    let configuration = &config.configuration;
    let missing = match config.names.dashboard(configuration, name) {
        Ok(dashboard) => {
            let tabs = dashboard.dashboard_tab.iter();
            let tabs = tabs
                .map(|tab| {
                    let group = config.shown_with(dashboard, tab);
                    card(
                        grids,
                        dashboard,
                        tab,
                        group.or_else(|| config.group(&tab.test_group_name)),
                    )
                })
                .collect();
            let head = head(grids, &config, dashboard);
            let pairs = query_pairs(query);
            let by = || query_value(&pairs, "by").unwrap_or_default();
            let matrix =
                (query_value(&pairs, "view") == Some("matrix")).then(|| matrix_of(&head, by()));
            let page = DashboardPage { now_ms, head, tabs, matrix };
            return Ok(GridPlace::Dashboard(Box::new(page)));
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

/// The tabs by two tags of their names.
fn matrix_of(head: &DashboardHead, by: &str) -> TabMatrix {
    let names: Vec<&str> = head.tabs.iter().map(|tab| tab.name.as_str()).collect();
    let (pattern, error) = match by {
        "" => (None, String::new()),
        by => match GoRegex::new(by) {
            Ok(pattern) => (Some(pattern), String::new()),
            Err(error) => (None, format!("{by} is no pattern: {error}")),
        },
    };
    let found = matrix(&names, pattern.as_ref());
    let links = |places: Vec<usize>| -> Vec<TabLink> {
        places.into_iter().filter_map(|place| head.tabs.get(place).cloned()).collect()
    };
    TabMatrix {
        by: by.to_owned(),
        error,
        columns: found.columns,
        rows: found
            .rows
            .into_iter()
            .map(|(row, cells)| (row, cells.into_iter().map(links).collect()))
            .collect(),
    }
}
