//! `/config` and `/plugin-config`: what is loaded, defaults filled in.

use axum::extract::{Query, State};
use axum::response::Response;
use config_load::Config;
use serde::Deserialize;

use super::hidden::without_hidden;
use super::prowjob::yaml;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;
use crate::web::visibility::Visibility;

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
        "" => {
            let visibility = web.visibility();
            Ok(yaml(&without_hidden(&visible(&config, &visibility), &visibility)?))
        }
        "disabled-clusters" => Ok(yaml(&config.prow.disabled_clusters)),
        other => Err(HttpError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            format!("getting config for key {other} is not supported"),
        )),
    }
}

/// The plugin configuration without repositories that this process does not show.
pub async fn plugin_config(State(web): State<SharedWeb>) -> HttpResult<Response> {
    if web.settings.has_plugins {
        return Ok(yaml(&without_hidden(&*web.config.plugins(), &web.visibility())?));
    }
    Err(HttpError::new(
        axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        "No plugin configuration is in use: the server was started without --plugin-config.",
    ))
}

/// The configuration without the jobs and repositories that are not shown.
fn visible(config: &Config, visibility: &Visibility) -> Config {
    let mut config = config.clone();
    let jobs = &mut config.jobs;
    // A repository none of whose jobs are shown is not named either.
    jobs.presubmits.retain(|repo, jobs| {
        jobs.retain(|job| visibility.shows_job(repo, &job.base));
        !jobs.is_empty()
    });
    jobs.postsubmits.retain(|repo, jobs| {
        jobs.retain(|job| visibility.shows_job(repo, &job.base));
        !jobs.is_empty()
    });
    jobs.periodics.retain(|job| visibility.shows_job("", &job.base));
    config
}
