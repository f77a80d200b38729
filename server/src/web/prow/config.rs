//! `/config` and `/plugin-config`: what is loaded, defaults filled in.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::prowjob::yaml;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// The parameters.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// Nothing for all of it, or `disabled-clusters`.
    #[serde(default)]
    pub key: String,
}

/// The Prow configuration with jobs. Repositories that this process does not
/// show are left out.
pub async fn config(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
) -> HttpResult<Response> {
    let config = web.config.get();
    match parameters.key.as_str() {
        "" => Ok(yaml(&config.document(|org_repo| web.visibility().shows_repo(org_repo)))),
        "disabled-clusters" => Ok(yaml(&config.prow.disabled_clusters)),
        other => Err(HttpError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            format!("getting config for key {other} is not supported"),
        )),
    }
}

/// The plugin configuration.
pub async fn plugin_config(State(web): State<SharedWeb>) -> HttpResult<Response> {
    match web.config.plugins() {
        Some(plugins) => Ok(yaml(&*plugins)),
        None => Err(HttpError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "No plugin configuration is in use: the server was started without --plugin-config.",
        )),
    }
}
