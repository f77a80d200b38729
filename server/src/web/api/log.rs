//! `/api/v1/runs/{id}/log`: lines of a run's log, and the same as they are written.

use std::convert::Infallible;
use std::time::Duration;

use app::model::{LogFold, LogHits, LogLines, LogRange};
use artifacts::log::search::{Found, LinePattern};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;

use super::example;
use crate::runs::run::Run;
use crate::web::backend_impl::find_run;
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::patience::{no_run, while_it_answers};
use crate::web::prow::log::log_error;
use crate::web::state::{SharedWeb, Web};

/// Lines that one event carries at most.
const EVENT_LINES: u64 = 1_000;
/// What is written within this time goes out as one event.
const GATHER: Duration = Duration::from_millis(100);
/// How long a stream waits before it looks again at a run without a log.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A silent stream says so often that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The parameters.
#[derive(Debug, Deserialize)]
pub struct Range {
    /// The first line, counted from 0; without it the last lines are meant.
    pub line: Option<u64>,
    /// How many lines at most.
    pub count: Option<u64>,
}

/// Lines given when nobody says how many.
const DEFAULT_LINES: u64 = 1_000;

/// A range of lines.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/log",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("line" = Option<u64>, Query, description = "first line, counted from 0; without it the last lines"),
        ("count" = Option<u64>, Query, description = "lines, at most 5000"),
    ),
    responses(
        (status = 200, description = "The lines with their colours, and how many there are.", body = LogLines, example = json!(example::log_lines())),
        (status = 404, description = "No such run, or no log (the message says why).", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The place where the log is kept does not answer.", body = ErrorDocument, example = json!(example::log_away())),
    ),
)]
pub async fn lines(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
) -> HttpResult<(CachePolicy, Json<LogLines>)> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    let count = range.count.unwrap_or(DEFAULT_LINES);
    let range = match range.line {
        Some(line) => LogRange::From { line, count },
        None => LogRange::Last(count),
    };
    let highlights = web.highlights.of(&web.config.get());
    let lines = answered(&web, &run, web.logs.lines(&run, range, &highlights)).await?;
    Ok((CachePolicy::NoStore, Json(lines.map_err(|error| log_error(error).json())?)))
}

/// What reading a run's log comes to, unless its bucket says nothing.
async fn answered<T>(web: &Web, run: &Run, work: impl Future<Output = T>) -> HttpResult<T> {
    let folder = run.folder();
    while_it_answers(web, folder.as_ref(), "the log", work).await.map_err(HttpError::json)
}

/// Lines whose numbers are told at most.
const MAX_HITS: usize = 20_000;

/// What is searched for.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// A pattern in Go's dialect; without it lines that look like errors are meant.
    pub q: Option<String>,
}

/// The lines that match a pattern, or that look like errors.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/log/search",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("q" = Option<String>, Query, description = "a pattern in Go's dialect, for one line at a time, without its colours; without it, the lines that look like errors, as deck.spyglass configures highlights"),
    ),
    responses(
        (status = 200, description = "The indices of the lines, the first 20,000 of them, and how many there are.", body = LogHits, example = json!(example::log_hits())),
        (status = 400, description = "The pattern cannot be read.", body = ErrorDocument, example = json!(example::bad_pattern())),
        (status = 404, description = "No such run, or no log (the message says why).", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The place where the log is kept does not answer.", body = ErrorDocument, example = json!(example::log_away())),
    ),
)]
pub async fn search(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> HttpResult<(CachePolicy, Json<LogHits>)> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    let found = match wanted.q.as_deref() {
        None | Some("") => {
            let highlights = web.highlights.of(&web.config.get());
            answered(&web, &run, web.logs.errors(&run, &highlights)).await?
        }
        Some(pattern) => {
            let pattern = LinePattern::search(pattern)
                .map_err(|error| HttpError::bad_request(error.to_string()).json())?;
            answered(&web, &run, web.logs.search(&run, &pattern, MAX_HITS)).await?
        }
    };
    let Found { lines, total, searched } = found.map_err(|error| log_error(error).json())?;
    Ok((CachePolicy::NoStore, Json(LogHits { lines, total, searched })))
}

/// The parts into which a log divides itself.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/log/folds",
    tag = "runs",
    params(("id" = String, Path, description = "the ProwJob's name")),
    responses(
        (status = 200, description = "Sections of GitLab, groups of GitHub and headers of Buildkite, in the order in which they begin, the first 2,000 of them.", body = [LogFold], example = json!(example::log_folds())),
        (status = 404, description = "No such run, or no log (the message says why).", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The place where the log is kept does not answer.", body = ErrorDocument, example = json!(example::log_away())),
    ),
)]
pub async fn folds(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
) -> HttpResult<(CachePolicy, Json<Vec<LogFold>>)> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    let highlights = web.highlights.of(&web.config.get());
    let folds = answered(&web, &run, web.logs.folds(&run, &highlights)).await?;
    Ok((CachePolicy::NoStore, Json(folds.map_err(|error| log_error(error).json())?)))
}

/// The lines from a number on, as they are written; `end` when there will be no more.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/log/stream",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("line" = Option<u64>, Query, description = "first line wanted, counted from 0"),
        ("last-event-id" = Option<String>, Header, description = "resumes after the event of this id"),
    ),
    responses(
        (status = 200, description = "Server-sent events: `lines` with LogLines as data, then `end` when there will be no more. An event's id is the line that comes next; the last line of an event may come again, grown.", content_type = "text/event-stream", body = String, example = json!(example::log_events())),
        (status = 404, description = "No such run.", body = ErrorDocument, example = json!(example::no_run())),
    ),
)]
pub async fn stream(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
    headers: axum::http::HeaderMap,
) -> HttpResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    // A resumed stream names the line after the last one that it got.
    let resumed = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok());
    let first = resumed.or(range.line).unwrap_or(0);
    let events = follow(web, id, first);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn follow(web: SharedWeb, id: String, first: u64) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut next = first;
        let mut last_partial: Option<(u64, u64)> = None;
        let mut being_read = false;
        let mut versions = web.runs.subscribe();
        loop {
            versions.borrow_and_update();
            let Ok(run) = find_run(&web, &id).await else { break };
            let mut over = run.completed.is_some();
            let highlights = web.highlights.of(&web.config.get());
            let wanted = LogRange::From { line: next, count: EVENT_LINES };
            let read = web.logs.lines(&run, wanted, &highlights).await;
            let size = match read {
                // The log of a run that ended is read for the first time: its lines are there to be
                // asked for, and here only their number is told.
                Ok(lines) if being_read || run.completed.is_some() && !lines.complete => {
                    being_read = true;
                    over = lines.complete;
                    next = lines.total_lines;
                    let head = LogLines { first_line: next, lines: Vec::new(), ..lines };
                    if let Ok(data) = serde_json::to_string(&head) {
                        yield Ok(Event::default().event("lines").id(next.to_string()).data(data));
                    }
                    Some(head.size_bytes)
                }
                Ok(lines) => {
                    over = lines.complete;
                    let seen = (lines.total_lines, lines.size_bytes);
                    let more = lines.first_line + (lines.lines.len() as u64) < lines.total_lines;
                    if !lines.lines.is_empty() && last_partial != Some(seen) {
                        let reached = lines.first_line + lines.lines.len() as u64;
                        // The last line may still grow, so it is sent again with the next ones.
                        next = if more || over { reached } else { reached.saturating_sub(1) };
                        last_partial = Some(seen);
                        if let Ok(data) = serde_json::to_string(&lines) {
                            yield Ok(Event::default().event("lines").id(next.to_string()).data(data));
                        }
                    }
                    if more {
                        continue;
                    }
                    Some(lines.size_bytes)
                }
                Err(_) => None,
            };
            if over {
                break;
            }
            let grown = async {
                match size {
                    Some(size) => {
                        if web.logs.grown(&run, size).await.is_err() {
                            web.clock.sleep(LOOK_AGAIN).await;
                        }
                        web.clock.sleep(GATHER).await;
                    }
                    None => web.clock.sleep(LOOK_AGAIN).await,
                }
            };
            tokio::select! {
                () = grown => {}
                // The run may have ended, or moved from its Pod to the bucket.
                changed = versions.changed() => {
                    if changed.is_err() { break }
                    web.clock.sleep(GATHER).await;
                }
            }
        }
        yield Ok(Event::default().event("end").data("{}"));
    }
}
