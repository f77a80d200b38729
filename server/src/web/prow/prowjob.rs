//! `/prowjob?prowjob=NAME`: a ProwJob as YAML.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cluster::ClusterError;
use job_spec::ProwJob;
use serde::Deserialize;

use crate::rerun::Mode;
use crate::runs::run::Run;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::{SharedWeb, Web};

/// The parameter.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// The ProwJob's name.
    #[serde(default)]
    pub prowjob: String,
}

/// The ProwJob as it is in the cluster now.
pub async fn prowjob(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
) -> HttpResult<Response> {
    let (job, _) = find(&web, &parameters.prowjob).await?;
    Ok(yaml(&*job))
}

/// The ProwJob of this name, read live, if this process may show it.
pub async fn find(web: &Web, name: &str) -> HttpResult<(Arc<ProwJob>, Run)> {
    if name.is_empty() {
        return Err(HttpError::bad_request("The request needs the parameter `prowjob`."));
    }
    let missing = || {
        HttpError::not_found(format!(
            "There is no ProwJob {name}. It may have been collected after its retention time."
        ))
    };
    let job = match web.cluster.prow_jobs().get(name).await {
        Ok(job) => job,
        Err(ClusterError::NotFound { .. }) => return Err(missing()),
        Err(error) => {
            return Err(HttpError::unavailable(
                "The cluster that holds the ProwJobs does not answer.",
            )
            .caused_by(error));
        }
    };
    let artifacts = web.runs.get(name).and_then(|run| run.artifacts.clone());
    let run = Run::of(&job, artifacts.as_deref(), &web.runs.strings);
    if web.visibility().shows(&run) { Ok((job, run)) } else { Err(missing()) }
}

/// The ProwJob that a rerun starts from. Once it was collected, history still
/// says which job ran on which code; the definition is then the configured one.
pub async fn find_for_rerun(
    web: &Web,
    name: &str,
    mode: Mode,
) -> HttpResult<(Arc<ProwJob>, Run, Mode)> {
    let collected = match find(web, name).await {
        Ok((job, run)) => return Ok((job, run, mode)),
        Err(error) if error.status == StatusCode::NOT_FOUND => error,
        Err(error) => return Err(error),
    };
    let Some(store) = &web.store else { return Err(collected) };
    let row = store.runs().get(name).await.map_err(|error| {
        HttpError::unavailable("The run history does not answer.").caused_by(error)
    })?;
    let Some(row) = row else { return Err(collected) };
    let run = Run::from_history(&row, &web.runs.strings);
    if !web.visibility().shows(&run) {
        return Err(collected);
    }
    Ok((Arc::new(crate::runs::history::prow_job_of(&row)), run, Mode::Latest))
}

/// A document as YAML in the form that kubectl reads and writes.
pub fn yaml(document: &impl serde::Serialize) -> Response {
    let value = match serde_json::to_value(document) {
        Ok(value) => value,
        Err(error) => return HttpError::internal(error).into_response(),
    };
    let text = go_compat::yaml_emit::to_yaml(&value);
    (CachePolicy::NoStore, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
        .into_response()
}
