//! `/testgrid`.

use std::collections::HashMap;

use app::model::{DashboardGroupCard, GridIndex, Suggestion, TabHit};

use super::{dashboard_card, place_href, tab_href, tab_status};
use crate::testgrid::TestGrid;

/// Tabs that a search shows.
const SHOWN_TABS: usize = 200;

/// All dashboards, or what a search finds.
pub fn page(grids: &TestGrid, query: &str, now_ms: i64) -> GridIndex {
    let config = grids.config.get();
    let configuration = &config.configuration;
    let words = words(query);
    let mut cards: HashMap<&str, _> = configuration
        .dashboards
        .iter()
        .filter(|dashboard| holds(&dashboard.name, &words))
        .map(|dashboard| (dashboard.name.as_str(), dashboard_card(grids, dashboard)))
        .collect();
    let mut groups: Vec<DashboardGroupCard> = configuration
        .dashboard_groups
        .iter()
        .map(|group| {
            let members = group.dashboard_names.iter();
            DashboardGroupCard {
                name: group.name.clone(),
                href: place_href(&group.name),
                description: group.description.clone(),
                dashboards: members.filter_map(|name| cards.remove(name.as_str())).collect(),
            }
        })
        .filter(|group| !group.dashboards.is_empty())
        .collect();
    groups.sort_by(|a, b| grid::natural::compare(&a.name, &b.name));
    let mut alone: Vec<_> = cards.into_values().collect();
    alone.sort_by(|a, b| grid::natural::compare(&a.name, &b.name));
    if !alone.is_empty() {
        groups.push(DashboardGroupCard { dashboards: alone, ..DashboardGroupCard::default() });
    }
    let found = if words.is_empty() { Vec::new() } else { tabs(grids, &words) };
    GridIndex {
        now_ms,
        query: query.to_owned(),
        groups,
        more_tabs: found.len().saturating_sub(SHOWN_TABS) as u64,
        tabs: found
            .into_iter()
            .take(SHOWN_TABS)
            .map(|(dashboard, tab)| TabHit {
                href: tab_href(&dashboard, &tab),
                status: tab_status(grids, &dashboard, &tab),
                dashboard,
                tab,
            })
            .collect(),
        dashboard_total: configuration.dashboards.len() as u64,
        tab_total: config.tab_count() as u64,
        errors: config.findings.iter().filter(|found| found.is_error()).count() as u64,
    }
}

/// Dashboards and tabs for the palette, best first.
pub fn suggestions(grids: &TestGrid, text: &str, limit: usize) -> Vec<Suggestion> {
    let words = words(text);
    if words.is_empty() {
        return Vec::new();
    }
    let config = grids.config.get();
    let mut dashboards: Vec<&str> = config
        .configuration
        .dashboards
        .iter()
        .map(|dashboard| dashboard.name.as_str())
        .filter(|name| holds(name, &words))
        .collect();
    dashboards.sort_by_key(|name| name.len());
    let dashboards = dashboards.into_iter().map(|name| Suggestion {
        label: name.to_owned(),
        kind: "dashboard".to_owned(),
        href: place_href(name),
    });
    let tabs = tabs(grids, &words).into_iter().map(|(dashboard, tab)| Suggestion {
        href: tab_href(&dashboard, &tab),
        label: format!("{dashboard} › {tab}"),
        kind: "tab".to_owned(),
    });
    dashboards.take(limit.div_ceil(2)).chain(tabs).take(limit).collect()
}

/// The tabs whose name, with that of their dashboard, holds all words: those first whose own name
/// holds them, the shortest first.
fn tabs(grids: &TestGrid, words: &[String]) -> Vec<(String, String)> {
    let config = grids.config.get();
    let mut found: Vec<(bool, usize, &str, &str)> = Vec::new();
    for dashboard in &config.configuration.dashboards {
        let board = dashboard.name.to_lowercase();
        for tab in &dashboard.dashboard_tab {
            let name = tab.name.to_lowercase();
            let own = words.iter().all(|word| name.contains(word.as_str()));
            if own || words.iter().all(|w| name.contains(w.as_str()) || board.contains(w.as_str()))
            {
                found.push((!own, tab.name.len(), &dashboard.name, &tab.name));
            }
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, _, board, tab)| (board.to_owned(), tab.to_owned())).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

fn holds(name: &str, words: &[String]) -> bool {
    let name = name.to_lowercase();
    words.iter().all(|word| name.contains(word.as_str()))
}
