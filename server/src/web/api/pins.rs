//! `/api/v1/runs/{id}/pins`: lines of a run's log that somebody pinned for others to see.

use app::model::LogPin;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use store::{MAX_RUN_PINS, StoreError};
use utoipa::ToSchema;

use super::example;
use crate::runs::run::Run;
use crate::web::action::{Wants, audit_target, wants};
use crate::web::backend_impl::{find_run, pins_of};
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::patience::no_run;
use crate::web::permission::{Caller, Permission};
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::run_page;

/// The largest form that is read.
const MAX_FORM_BYTES: usize = 16 * 1024;
/// Characters of a note.
const MAX_NOTE: usize = 300;
/// No log has a line behind this one.
const LAST_LINE: u64 = 1_000_000_000_000;

/// The lines to pin.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct PinForm {
    /// The first line, counted from 1.
    #[serde(default)]
    pub from: String,
    /// The last line; without it the first one alone.
    #[serde(default)]
    pub to: String,
    /// A word on why, at most 300 characters.
    #[serde(default)]
    pub note: String,
}

/// A pin that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unpinned {
    /// Its number.
    pub id: i64,
}

/// The pinned lines of a run's log.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/pins",
    tag = "runs",
    params(("id" = String, Path, description = "the ProwJob's name")),
    responses(
        (status = 200, description = "The pins, by line.", body = [LogPin], example = json!(example::pins())),
        (status = 404, description = "No such run.", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::pins_away())),
    ),
)]
pub async fn list(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
) -> HttpResult<(CachePolicy, Json<Vec<LogPin>>)> {
    let run = find_run(&web, &id).await.map_err(|error| no_run(error, &id).json())?;
    let pins = pins_of(&web, &run).await.map_err(|error| away(error).json())?;
    Ok((CachePolicy::NoStore, Json(pins)))
}

/// Pins lines of a run's log; lines that are pinned already get the new note.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/pins",
    tag = "runs",
    params(("id" = String, Path, description = "the ProwJob's name")),
    request_body(content = PinForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The pin.", body = LogPin, example = json!(example::pin())),
        (status = 303, description = "The same, for a browser (`Accept: text/html`): leads to the lines."),
        (status = 400, description = "These are no lines.", body = ErrorDocument, example = json!(example::no_lines())),
        (status = 403, description = "Not allowed (the message says why).", body = ErrorDocument, example = json!(example::not_allowed())),
        (status = 404, description = "No such run.", body = ErrorDocument, example = json!(example::no_run())),
        (status = 409, description = "The run has as many pins as it may have.", body = ErrorDocument, example = json!(example::too_many_pins())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::pins_away())),
    ),
)]
pub async fn pin(
    State(web): State<SharedWeb>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResult<Response> {
    let wanted = read_form(&body);
    let answer = match &wanted {
        Ok(pin) => try_pin(&web, &id, &caller, pin.clone()).await,
        Err(error) => Err(HttpError::bad_request(error.clone())),
    };
    let detail = wanted.map_or_else(|_| String::new(), |pin| lines_of(&pin));
    audit_target(&web, &caller, "pin", &id, &result_of(&answer), &detail).await;
    match (answer, wants(&headers)) {
        (Ok((run, pin)), Wants::Page) => {
            let fragment = lines_of(&pin);
            let page = format!("{}?tab=log&from={}#{fragment}", page_of(&run), pin.from);
            Ok(see(page))
        }
        (Ok((_, pin)), _) => Ok((CachePolicy::NoStore, Json(pin)).into_response()),
        (Err(error), Wants::Text) => Err(error),
        (Err(error), _) => Err(error.json()),
    }
}

/// Removes a pin.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/pins/{pin}/remove",
    tag = "runs",
    params(
        ("id" = String, Path, description = "the ProwJob's name"),
        ("pin" = i64, Path, description = "the pin's number"),
    ),
    responses(
        (status = 200, description = "It is gone.", body = Unpinned, example = json!(example::unpinned())),
        (status = 303, description = "The same, for a browser (`Accept: text/html`): leads to the run's page."),
        (status = 403, description = "Not allowed (the message says why).", body = ErrorDocument, example = json!(example::not_allowed())),
        (status = 404, description = "No such run, or it has no such pin.", body = ErrorDocument, example = json!(example::no_run())),
        (status = 503, description = "The store does not answer.", body = ErrorDocument, example = json!(example::pins_away())),
    ),
)]
pub async fn remove(
    State(web): State<SharedWeb>,
    Path((id, pin)): Path<(String, i64)>,
    caller: Caller,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let answer = try_remove(&web, &id, pin, &caller).await;
    audit_target(&web, &caller, "unpin", &id, &result_of(&answer), &pin.to_string()).await;
    match (answer, wants(&headers)) {
        (Ok(run), Wants::Page) => Ok(see(page_of(&run))),
        (Ok(_), _) => Ok((CachePolicy::NoStore, Json(Unpinned { id: pin })).into_response()),
        (Err(error), Wants::Text) => Err(error),
        (Err(error), _) => Err(error.json()),
    }
}

type Found = std::sync::Arc<Run>;

async fn try_pin(web: &Web, id: &str, caller: &Caller, pin: LogPin) -> HttpResult<(Found, LogPin)> {
    let (run, who) = may_pin(web, id, caller).await?;
    let store = web.store.as_ref().ok_or_else(no_store)?;
    let pin = LogPin { who, at_ms: web.clock.now().millis(), ..pin };
    let row = store::LogPin {
        id: 0,
        run: run.id.to_string(),
        first_line: number(pin.from),
        last_line: number(pin.to),
        note: pin.note.clone(),
        who: pin.who.clone(),
        at_ms: pin.at_ms,
    };
    match store.log_pins().pin(row).await {
        Ok(id) => Ok((run, LogPin { id, ..pin })),
        Err(StoreError::Conflict(_)) => Err(too_many()),
        Err(error) => Err(away(error)),
    }
}

async fn try_remove(web: &Web, id: &str, pin: i64, caller: &Caller) -> HttpResult<Found> {
    let (run, _) = may_pin(web, id, caller).await?;
    let store = web.store.as_ref().ok_or_else(no_store)?;
    match store.log_pins().unpin(&run.id, pin).await {
        Ok(true) => Ok(run),
        Ok(false) => Err(HttpError::not_found(format!("The run {id} has no pin number {pin}."))),
        Err(error) => Err(away(error)),
    }
}

/// The run and who asks, if they may change something about it.
async fn may_pin(web: &Web, id: &str, caller: &Caller) -> HttpResult<(Found, String)> {
    let run = find_run(web, id).await.map_err(|error| no_run(error, id))?;
    match web.may_change(caller, &run) {
        Permission::Allowed { who } => Ok((run, who)),
        Permission::Denied { reason } => Err(HttpError::forbidden(reason)),
    }
}

fn read_form(body: &[u8]) -> Result<LogPin, String> {
    if body.len() > MAX_FORM_BYTES {
        return Err("The form is too large.".to_owned());
    }
    let form: PinForm = serde_urlencoded::from_bytes(body)
        .map_err(|error| format!("The form cannot be read: {error}."))?;
    let line = |text: &str| -> Result<u64, String> {
        let number = text.trim().parse::<u64>().ok();
        number.filter(|number| (1..=LAST_LINE).contains(number)).ok_or_else(|| {
            format!(
                "`{}` is no number of a line; the first line is 1.",
                text.chars().take(40).collect::<String>()
            )
        })
    };
    let from = line(&form.from)?;
    let to = if form.to.trim().is_empty() { from } else { line(&form.to)? };
    let note = artifacts::log::plain(form.note.trim()).replace('\n', " ");
    let note: String = note.chars().take(MAX_NOTE).collect();
    Ok(LogPin { from: from.min(to), to: from.max(to), note, ..LogPin::default() })
}

fn lines_of(pin: &LogPin) -> String {
    match pin.from == pin.to {
        true => format!("L{}", pin.from),
        false => format!("L{}-L{}", pin.from, pin.to),
    }
}

fn result_of<T>(answer: &HttpResult<T>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

fn page_of(run: &Run) -> String {
    run_page(&run.id, run.artifacts.as_deref())
}

fn see(page: String) -> Response {
    (StatusCode::SEE_OTHER, CachePolicy::NoStore, [(header::LOCATION, page)]).into_response()
}

fn number(line: u64) -> i64 {
    i64::try_from(line).unwrap_or(i64::MAX)
}

fn no_store() -> HttpError {
    HttpError::not_found("This process keeps no pins: it has no store.")
}

pub(super) fn too_many() -> HttpError {
    HttpError::conflict(format!("The run has {MAX_RUN_PINS} pins already. Remove one first."))
}

fn away(error: StoreError) -> HttpError {
    HttpError::unavailable("The store does not answer.").caused_by(error)
}
