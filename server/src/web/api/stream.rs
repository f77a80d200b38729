//! `/api/v1/runs/stream`: rows as they change, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use app::model::RunFilter;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::example;
use super::runs::{FilterParameters, filter};
use crate::runs::filter::Matcher;
use crate::runs::table::Change;
use crate::web::state::{SharedWeb, Web};
use crate::web::view::run_row::run_row;

/// A silent stream says so often that it lives, so that a dead connection shows.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Changes are gathered for so long, so that a burst is a few events.
const GATHER: Duration = Duration::from_millis(100);

/// The changes of the runs that pass the filter: `run` with a row, `gone` with
/// an id, `hello` at the start. Event ids resume the stream; when it cannot
/// be resumed without a gap, `hello` says `resync` and the list is read again.
#[utoipa::path(
    get,
    path = "/api/v1/runs/stream",
    tag = "runs",
    params(
        FilterParameters,
        ("from" = Option<String>, Query, description = "resumes after this event id, such as `stream_id` of a page"),
        ("last-event-id" = Option<String>, Header, description = "the same, as browsers send it"),
    ),
    responses((status = 200, description = "Server-sent events: `hello` (Hello), `run` (RunRow), `gone` (Gone), each with JSON as data.", content_type = "text/event-stream", body = String, example = json!(example::run_events()))),
)]
pub async fn stream(
    State(web): State<SharedWeb>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let from = query_value(query.as_deref(), "from");
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .or(from);
    let filter = filter(query.as_deref()).first_page();
    Sse::new(events(web, filter, last)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// The data of `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// The server's clock, in milliseconds.
    pub at: i64,
    /// Whether changes were missed, so that the list must be read again.
    pub resync: bool,
}

/// The data of `gone`: a run that no longer passes the filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gone {
    /// The ProwJob's name.
    pub id: String,
}

/// The id of an event: the process's start and the table's version, so that an
/// id of an earlier process is not taken for one of this.
pub fn event_id(web: &Web, version: u64) -> String {
    let epoch = web.settings.started.map_or(0, |started| started.millis());
    format!("{epoch}-{version}")
}

fn version_of(web: &Web, id: &str) -> Option<u64> {
    let (epoch, version) = id.split_once('-')?;
    let same = event_id(web, 0).split_once('-').is_some_and(|(ours, _)| ours == epoch);
    same.then(|| version.parse().ok()).flatten()
}

fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query?).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn events(
    web: SharedWeb,
    filter: RunFilter,
    last: Option<String>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut versions = web.runs.subscribe();
        let resumed = last.as_deref().and_then(|id| version_of(&web, id));
        let mut version = resumed.unwrap_or_else(|| web.runs.snapshot().version);
        let resync = last.is_some() && resumed.is_none_or(|v| web.runs.changes_after(v).is_none());
        if resync {
            version = web.runs.snapshot().version;
        }
        yield Ok(hello(&web, version, resync));
        loop {
            match web.runs.changes_after(version) {
                None => {
                    version = web.runs.snapshot().version;
                    yield Ok(hello(&web, version, true));
                }
                Some((reached, changes)) => {
                    let events = latest(&web, &filter, &changes);
                    version = reached;
                    for (name, data) in events {
                        yield Ok(Event::default().event(name).id(event_id(&web, version)).data(data));
                    }
                }
            }
            if versions.wait_for(|current| *current > version).await.is_err() {
                break;
            }
            web.clock.sleep(GATHER).await;
        }
    }
}

fn hello(web: &Web, version: u64, resync: bool) -> Event {
    let hello = Hello { at: web.clock.now().millis(), resync };
    let data = serde_json::to_string(&hello).unwrap_or_default();
    Event::default().event("hello").id(event_id(web, version)).data(data)
}

fn gone(id: &str) -> Option<String> {
    serde_json::to_string(&Gone { id: id.to_owned() }).ok()
}

/// The last change of each run, as events.
fn latest(web: &Web, filter: &RunFilter, changes: &[Change]) -> Vec<(&'static str, String)> {
    let visibility = web.visibility();
    let host = web.code_host();
    let now_ms = web.clock.now().millis();
    // A job's exact name, should it be one, is also a pattern for itself.
    let matcher = Matcher::new(filter, now_ms, |name| !name.contains(['*', ' ']));
    let mut seen = std::collections::HashSet::new();
    let mut events: Vec<(&'static str, String)> = changes
        .iter()
        .rev()
        .filter_map(|change| match change {
            Change::Put(run) if !seen.insert(run.id.clone()) => None,
            Change::Put(run) if !visibility.shows(run) => None,
            Change::Put(run) if matcher.matches(run) => {
                Some(("run", serde_json::to_string(&run_row(run, &host)).ok()?))
            }
            Change::Put(run) => Some(("gone", gone(&run.id)?)),
            Change::Gone(id) if seen.insert(id.clone()) => Some(("gone", gone(id)?)),
            Change::Gone(_) => None,
        })
        .collect();
    events.reverse();
    events
}
