//! `/api/v1/testgrid/stream`: tells of tabs that change, as server-sent events.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::json;

use super::Asked;
use crate::testgrid::service::TabKey;
use crate::web::backend_impl::testgrid::status_of;
use crate::web::error::HttpResult;
use crate::web::state::SharedWeb;

/// A silent stream says so often that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Changes are gathered for so long.
const GATHER: Duration = Duration::from_millis(100);

/// Changes of a tab, or of all tabs of a dashboard: `hello` at the start, with the version of the tab that
/// the reader shows; `tab` with version and status whenever the grid or the status of one is another.
#[utoipa::path(
    get, path = "/api/v1/testgrid/stream", tag = "testgrid",
    params(("dashboard" = String, Query, description = "the dashboard's name"), ("tab" = Option<String>, Query, description = "one of its tabs; without it, all"), ("shown" = Option<String>, Query, description = "the tab that the reader shows, whose version `hello` tells")),
    responses((status = 200, description = "Server-sent events: `hello` (at, version), `tab` (dashboard, tab, version, status, message), each with JSON as data.", content_type = "text/event-stream", body = String), (status = 404, description = "No such dashboard.")),
)]
pub async fn stream(
    State(web): State<SharedWeb>,
    asked: Asked,
) -> HttpResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let (grids, config) = (asked.grids.clone(), &asked.config);
    let name = asked.value("dashboard").unwrap_or_default();
    let board = config.names.dashboard(&config.configuration, name).map_err(super::missing)?;
    let dashboard = board.name.clone();
    let tab = match asked.value("tab") {
        Some(tab) => {
            let found = config.tab(&dashboard, tab);
            Some(found.map_err(super::missing)?.1.name.clone())
        }
        None => None,
    };
    let shown = asked.value("shown").map(str::to_owned);
    let clock = web.clock.clone();
    let events = async_stream::stream! {
        let mut changes = grids.subscribe();
        let version = shown.and_then(|tab| {
            let state = states(&grids, &dashboard, Some(&tab)).into_values().next();
            state.map(|(version, ..)| version)
        });
        let hello = json!({"at": clock.now().millis(), "version": version});
        yield Ok(Event::default().event("hello").data(hello.to_string()));
        let mut told = states(&grids, &dashboard, tab.as_deref());
        loop {
            if changes.changed().await.is_err() {
                break;
            }
            clock.sleep(GATHER).await;
            changes.mark_unchanged();
            let now = states(&grids, &dashboard, tab.as_deref());
            for (key, state) in &now {
                if told.get(key) == Some(state) {
                    continue;
                }
                let (version, status, message) = state;
                let data = json!({
                    "dashboard": key.dashboard,
                    "tab": key.tab,
                    "version": version,
                    "status": status,
                    "message": message,
                });
                yield Ok(Event::default().event("tab").data(data.to_string()));
            }
            told = now;
        }
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

type State3 = (String, &'static str, String);

/// Version, status and message of the tabs that are wanted.
fn states(
    grids: &crate::testgrid::TestGrid,
    dashboard: &str,
    tab: Option<&str>,
) -> HashMap<TabKey, State3> {
    let config = grids.config.get();
    let Ok(board) = config.names.dashboard(&config.configuration, dashboard) else {
        return HashMap::new();
    };
    let tabs = board.dashboard_tab.iter().filter(|found| tab.is_none_or(|tab| found.name == tab));
    let states = tabs.map(|found| {
        let state = grids.tab(&board.name, &found.name);
        let status = state.as_ref().map(|state| status_of(state.status())).unwrap_or_default();
        let message = state.map(|state| state.summary.status.clone()).unwrap_or_default();
        let group = config.shown_with(board, found).map(|group| group.name.as_str());
        let version = grids.version(group.unwrap_or(&found.test_group_name));
        (TabKey::new(&board.name, &found.name), (version, status.word(), message))
    });
    states.collect()
}
