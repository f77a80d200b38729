//! `/healthz`, `/healthz/ready` and `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::cache::CachePolicy;
use super::error::{HttpError, HttpResult};
use super::state::SharedWeb;
use crate::supervisor::Phase;

/// The process answers.
pub async fn alive() -> (CachePolicy, &'static str) {
    (CachePolicy::NoStore, "OK")
}

/// Every component runs and the lists are whole; if not, the answer names what is not.
pub async fn ready(State(web): State<SharedWeb>) -> Response {
    let mut waiting = web.supervisor.not_ready();
    if !web.runs.is_filled() && !waiting.contains(&crate::feed::NAME) {
        waiting.push(crate::feed::NAME);
    }
    if waiting.is_empty() {
        return (CachePolicy::NoStore, "OK").into_response();
    }
    let text = format!("not running: {}\n", waiting.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, CachePolicy::NoStore, text).into_response()
}

/// What Prometheus scrapes.
pub async fn metrics(State(web): State<SharedWeb>) -> HttpResult<Response> {
    let status = web.config.status();
    web.metrics.config_load_failed.set(i64::from(status.last_error.is_some()));
    web.metrics.config_loaded_at.set(status.loaded_at.seconds());
    for component in web.supervisor.status() {
        let up = component.phase == Phase::Running;
        web.metrics.component_up.with_label_values(&[component.name]).set(i64::from(up));
    }
    let text = web.metrics.text().map_err(HttpError::internal)?;
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    Ok((CachePolicy::NoStore, [(header::CONTENT_TYPE, content_type)], text).into_response())
}
