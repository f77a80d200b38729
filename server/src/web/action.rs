//! What Rerun, Abort and Replay have in common: who asks, in which form they
//! want the answer, and the audit row.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use store::AuditEntry;

use super::cache::CachePolicy;
use super::error::HttpError;
use super::permission::{ANONYMOUS, Caller};
use super::state::Web;
use super::view::links::run_page;

/// The largest form that is read.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// A request to change something.
#[derive(Debug)]
pub struct Asked {
    /// The ProwJob that is meant.
    pub prowjob: String,
    /// `mode`: `latest`, or anything else for the original.
    pub mode: String,
    /// Who asks.
    pub caller: Caller,
    /// How the answer is wanted.
    pub wants: Wants,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A person's browser: go to the run.
    Page,
    /// A program of our API.
    Json,
    /// Prow's clients.
    Text,
}

#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default)]
    prowjob: String,
    #[serde(default)]
    mode: String,
}

impl Asked {
    /// An error in the form that was asked for.
    pub fn form(&self, error: HttpError) -> HttpError {
        if self.wants == Wants::Json { error.json() } else { error }
    }
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let (mut parts, body) = request.into_parts();
        let Ok(caller) =
            <Caller as axum::extract::FromRequestParts<S>>::from_request_parts(&mut parts, state)
                .await;
        let mut fields: Fields =
            serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let body: Bytes = axum::body::to_bytes(body, MAX_FORM_BYTES)
            .await
            .map_err(|_| HttpError::bad_request("The form could not be read."))?;
        if let Ok(form) = serde_urlencoded::from_bytes::<Fields>(&body) {
            if !form.prowjob.is_empty() {
                fields.prowjob = form.prowjob;
            }
            if !form.mode.is_empty() {
                fields.mode = form.mode;
            }
        }
        let wants = wants(&parts.headers);
        Ok(Self { prowjob: fields.prowjob, mode: fields.mode, caller, wants })
    }
}

/// The form that the `Accept` header asks for.
pub fn wants(headers: &HeaderMap) -> Wants {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accept.contains("text/html") {
        Wants::Page
    } else if accept.contains("application/json") {
        Wants::Json
    } else {
        Wants::Text
    }
}

/// The answer to an action that was done: it leads to the run `id`.
pub fn done(asked: &Asked, id: &str, text: &str) -> Response {
    let page = run_page(id, None);
    match asked.wants {
        Wants::Page => (StatusCode::SEE_OTHER, CachePolicy::NoStore, [(header::LOCATION, page)])
            .into_response(),
        Wants::Json => (CachePolicy::NoStore, Json(json!({"id": id, "url": page}))).into_response(),
        Wants::Text => (CachePolicy::NoStore, format!("{text}\n")).into_response(),
    }
}

/// What was done, for the run's description and the answer, in Deck's words: an
/// anonymous person is not named.
pub fn deed(who: &str, done: &str, job: &str) -> String {
    if who == ANONYMOUS {
        format!("Successfully {done} {job}.")
    } else {
        format!("{who} successfully {done} {job}.")
    }
}

/// Writes the audit row; a row that cannot be written is an error in the log,
/// not one for the person, since the action is done.
pub async fn audit(web: &Web, asked: &Asked, action: &str, result: &str) {
    audit_target(web, &asked.caller, action, &asked.prowjob, result, &asked.mode).await;
}

/// The same for what is no ProwJob.
pub async fn audit_target(
    web: &Web,
    caller: &Caller,
    action: &str,
    target: &str,
    result: &str,
    detail: &str,
) {
    let Some(store) = &web.store else { return };
    let who = match web.may_operate(caller) {
        super::permission::Permission::Allowed { who } => who,
        super::permission::Permission::Denied { .. } => {
            caller.peer.map_or("unknown".to_owned(), |peer| peer.ip().to_string())
        }
    };
    let entry = AuditEntry {
        at: web.clock.now(),
        who,
        action: action.to_owned(),
        target: target.to_owned(),
        result: result.to_owned(),
        detail: detail.to_owned(),
    };
    if let Err(error) = store.audit().record(entry).await {
        tracing::error!(audit.action = action, "the audit row could not be written: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_names_who_did_it_unless_nobody_had_to_say() {
        assert_eq!(deed("alice", "reran", "unit"), "alice successfully reran unit.");
        assert_eq!(deed(ANONYMOUS, "aborted", "unit"), "Successfully aborted unit.");
    }
}
