//! `/rerun?prowjob=NAME&mode=`: run it again.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;

use super::prowjob::{find_for_rerun, yaml};
use crate::rerun::{Mode, rerun};
use crate::web::action::{Asked, audit, done};
use crate::web::error::{HttpError, HttpResult};
use crate::web::permission::Permission;
use crate::web::state::SharedWeb;

/// GET shows the ProwJob that would be created, for `kubectl create -f`; POST
/// creates it.
pub async fn rerun_job(
    State(web): State<SharedWeb>,
    method: Method,
    asked: Asked,
) -> HttpResult<Response> {
    match method {
        Method::GET | Method::HEAD => preview(&web, &asked).await,
        _ => {
            let answer = create(&web, &asked).await;
            let result = match &answer {
                Ok(_) => "done".to_owned(),
                Err(error) => format!("refused: {error}"),
            };
            audit(&web, &asked, "rerun", &result).await;
            answer.map_err(|error| asked.form(error))
        }
    }
}

async fn preview(web: &SharedWeb, asked: &Asked) -> HttpResult<Response> {
    let mode = Mode::parse(&asked.mode);
    let (old, _, mode) = find_for_rerun(web, &asked.prowjob, mode).await?;
    let name = web.names.next(web.clock.now());
    let new = rerun(&old, mode, &web.config.get(), name, web.clock.now())
        .map_err(|error| HttpError::bad_request(error.to_string()))?;
    Ok(yaml(&new))
}

async fn create(web: &SharedWeb, asked: &Asked) -> HttpResult<Response> {
    let mode = Mode::parse(&asked.mode);
    let (old, run, mode) = find_for_rerun(web, &asked.prowjob, mode).await?;
    let who = match web.may_change(&asked.caller, &run) {
        Permission::Allowed { who } => who,
        Permission::Denied { reason } => return Err(HttpError::forbidden(reason)),
    };
    let now = web.clock.now();
    let name = web.names.next(now);
    let mut new = rerun(&old, mode, &web.config.get(), name, now)
        .map_err(|error| HttpError::bad_request(error.to_string()))?;
    new.metadata.namespace = old.metadata.namespace.clone();
    let text = format!("{who} successfully reran {}.", new.spec.job);
    new.status.description = text.clone();
    let created = web.cluster.prow_jobs().create(&new).await.map_err(|error| {
        HttpError::unavailable("The new run could not be created.").caused_by(error)
    })?;
    tracing::info!(
        prowjob.name = created.metadata.name,
        rerun.of = asked.prowjob,
        rerun.mode = asked.mode,
        "{text}"
    );
    Ok(done(asked, &created.metadata.name, &text))
}
