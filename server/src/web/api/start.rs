//! `POST /api/v1/runs`: runs a configured job.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use job_spec::create::new_prow_job;
use job_spec::{JobType, Pull, Refs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::example;
use crate::rerun::first_state;
use crate::start::configured_run;
use crate::web::action::audit_target;
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::permission::{Caller, Permission};
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::run_page;

/// Which job to run, and on what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Start {
    /// The job's name. Its definition is the configured one.
    pub job: String,
    /// What to test; a periodic needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refs: Option<StartRefs>,
}

/// What to test, under the names of a ProwJob's refs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartRefs {
    /// The org; together with the repository it chooses between jobs of one name.
    pub org: String,
    /// The repository.
    pub repo: String,
    /// The branch.
    pub base_ref: String,
    /// The branch's commit.
    pub base_sha: String,
    /// The pull request, for a presubmit.
    pub pulls: Vec<StartPull>,
}

/// A pull request to test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartPull {
    /// Its number.
    pub number: i64,
    /// Its author.
    pub author: String,
    /// Its commit.
    pub sha: String,
    /// The branch that it comes from.
    pub head_ref: String,
}

/// A run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// The ProwJob's name.
    pub id: String,
    /// The run's page.
    pub url: String,
}

/// Runs a configured job; for those who may rerun any.
#[utoipa::path(
    post,
    path = "/api/v1/runs",
    tag = "runs",
    request_body(content = Start, content_type = "application/json", example = json!(example::start())),
    responses(
        (status = 201, description = "The run exists.", body = Started, example = json!(example::started())),
        (status = 400, description = "The request is none, or lacks what the job needs.", body = ErrorDocument, example = json!(example::no_pull())),
        (status = 403, description = "Not allowed (the message says why).", body = ErrorDocument, example = json!(example::not_allowed())),
        (status = 404, description = "No such job.", body = ErrorDocument, example = json!(example::no_job())),
        (status = 503, description = "The run could not be made.", body = ErrorDocument, example = json!(example::not_made())),
    ),
)]
pub async fn start(
    State(web): State<SharedWeb>,
    caller: Caller,
    body: Bytes,
) -> HttpResult<Response> {
    let wanted: Start = serde_json::from_slice(&body).map_err(|error| {
        HttpError::bad_request(format!("The request is no JSON of a job and its refs: {error}."))
            .json()
    })?;
    let answer = try_start(&web, &wanted, &caller).await;
    let (result, id) = match &answer {
        Ok(started) => ("done".to_owned(), started.id.as_str()),
        Err(error) => (format!("refused: {error}"), ""),
    };
    audit_target(&web, &caller, "start", &wanted.job, &result, id).await;
    let started = answer.map_err(HttpError::json)?;
    Ok((StatusCode::CREATED, CachePolicy::NoStore, Json(started)).into_response())
}

async fn try_start(web: &Web, wanted: &Start, caller: &Caller) -> HttpResult<Started> {
    let who = match web.may_operate(caller) {
        Permission::Allowed { who } => who,
        Permission::Denied { reason } => return Err(HttpError::forbidden(reason)),
    };
    let config = web.config.get();
    let refs = refs(wanted.refs.clone().unwrap_or_default());
    let (job, spec) = configured_run(&config, &wanted.job, &refs)
        .filter(|(job, spec)| {
            let refs = spec.refs.as_ref();
            let repo = refs.map(|refs| format!("{}/{}", refs.org, refs.repo)).unwrap_or_default();
            web.visibility().shows_job(&repo, job)
        })
        .ok_or_else(|| no_job(&wanted.job))?;
    if let Some(refs) = &spec.refs {
        if refs.base_ref.is_empty() {
            return Err(HttpError::bad_request(format!(
                "The job {} tests a branch: the request needs refs.base_ref.",
                wanted.job
            )));
        }
        if spec.job_type == JobType::Presubmit && refs.pulls.iter().all(|pull| pull.number < 1) {
            return Err(no_pull(&wanted.job));
        }
    }
    let now = web.clock.now();
    let name = web.names.next(now);
    let state = first_state(&config);
    let mut new = new_prow_job(spec, &job.labels, &job.annotations, name, now, state);
    new.status.description = format!("{who} started {}.", wanted.job);
    let created = web.cluster.prow_jobs().create(&new).await.map_err(|error| {
        HttpError::unavailable("The new run could not be created.").caused_by(error)
    })?;
    let id = created.metadata.name.clone();
    tracing::info!(prowjob.name = id, "{}", new.status.description);
    Ok(Started { url: run_page(&id, None), id })
}

/// Only what says which code to test: where it is cloned from and to is the job's to say.
fn refs(wanted: StartRefs) -> Refs {
    let StartRefs { org, repo, base_ref, base_sha, pulls } = wanted;
    let pull = |StartPull { number, author, sha, head_ref }| Pull {
        number,
        author,
        sha,
        head_ref,
        ..Pull::default()
    };
    let pulls = pulls.into_iter().map(pull).collect();
    Refs { org, repo, base_ref, base_sha, pulls, ..Refs::default() }
}

pub(super) fn no_job(name: &str) -> HttpError {
    HttpError::not_found(format!("No job {name} is configured for this repository."))
}

pub(super) fn no_pull(name: &str) -> HttpError {
    HttpError::bad_request(format!(
        "The job {name} tests a pull request: the request needs refs.pulls with a number."
    ))
}
