//! `POST /abort?prowjob=NAME`: stops a run that goes on.

use axum::extract::State;
use axum::response::Response;
use job_spec::ProwJobState;
use serde_json::json;

use super::prowjob::find;
use crate::web::action::{Asked, audit, deed, done};
use crate::web::error::{HttpError, HttpResult};
use crate::web::permission::Permission;
use crate::web::state::SharedWeb;

/// Sets the state; plank then ends the Pod and completes the ProwJob.
pub async fn abort(State(web): State<SharedWeb>, asked: Asked) -> HttpResult<Response> {
    let answer = try_abort(&web, &asked).await;
    let result = match &answer {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    audit(&web, &asked, "abort", &result).await;
    answer.map_err(|error| asked.form(error))
}

async fn try_abort(web: &SharedWeb, asked: &Asked) -> HttpResult<Response> {
    let (job, run) = find(web, &asked.prowjob).await?;
    let who = match web.may_change(&asked.caller, &run) {
        Permission::Allowed { who } => who,
        Permission::Denied { reason } => return Err(HttpError::forbidden(reason)),
    };
    if !run.is_going() {
        return Err(HttpError::conflict(format!(
            "The run cannot be aborted: it is {} already.",
            job.status.state
        )));
    }
    let text = deed(&who, "aborted", &job.spec.job);
    let patch = json!({"status": {
        "state": ProwJobState::Aborted.as_str(),
        "description": text,
    }});
    // Only if nothing changed since it was read, or a result could be lost.
    web.cluster
        .prow_jobs()
        .patch_merge(&job.metadata.name, &patch, job.metadata.resource_version.as_deref())
        .await
        .map_err(|error| match error {
            cluster::ClusterError::Conflict { .. } => {
                HttpError::conflict("The run changed at the same moment. Look at it and try again.")
            }
            error => HttpError::unavailable("The run could not be aborted.").caused_by(error),
        })?;
    Ok(done(asked, &job.metadata.name, &text))
}
