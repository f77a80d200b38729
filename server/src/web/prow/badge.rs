//! `/badge.svg?jobs=glob[,glob]`

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use go_compat::glob::path_match;
use job_spec::ProwJobState;
use serde::Deserialize;

use crate::web::badge::{svg, verdict};
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// The parameters.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// Shell patterns, separated by commas.
    #[serde(default)]
    pub jobs: String,
}

/// The badge over the newest finished or running run of each job that matches.
/// Unlike Deck's, history counts, so a weekly job keeps its colour.
pub async fn badge(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
) -> HttpResult<Response> {
    if parameters.jobs.is_empty() {
        return Err(HttpError::bad_request(
            "Say which jobs: /badge.svg?jobs=<pattern>[,<pattern>].",
        ));
    }
    let patterns: Vec<&str> = parameters.jobs.split(',').collect();
    let snapshot = web.runs.snapshot();
    let visible = web.selections.visible(snapshot.version, &web.visibility(), &snapshot.runs);
    let mut latest: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    for run in visible.iter() {
        latest.entry(&run.job).or_insert_with(|| {
            let wanted =
                patterns.iter().any(|pattern| path_match(pattern, &run.job).unwrap_or(false));
            wanted.then_some(run.state == ProwJobState::Failure)
        });
    }
    let latest: Vec<(String, bool)> =
        latest.into_iter().filter_map(|(job, failed)| Some((job.to_owned(), failed?))).collect();
    let svg = svg(&verdict(&latest));
    Ok((CachePolicy::NoStore, [(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}
