//! `/rerun?prowjob=NAME&mode=`: run it again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;

use super::prowjob::{find_for_rerun, yaml};
use crate::rerun::{Mode, rerun};
use crate::runs::run::Run;
use crate::web::action::{Asked, audit, deed, done};
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
    let (old, _, mode) = find_for_rerun(web, &asked.prowjob, mode).await?;
    let now = web.clock.now();
    let name = web.names.next(now);
    let mut new = rerun(&old, mode, &web.config.get(), name, now)
        .map_err(|error| HttpError::bad_request(error.to_string()))?;
    new.metadata.namespace = old.metadata.namespace.clone();
    // As with Deck, the rules of what would run decide, which for the latest
    // definition are not those of the old run.
    let run = Run::of(&Arc::new(new.clone()), None, &web.runs.strings);
    let who = match web.may_change(&asked.caller, &run) {
        Permission::Allowed { who } => who,
        Permission::Denied { reason } => return Err(HttpError::forbidden(reason)),
    };
    let text = deed(&who, "reran", &new.spec.job);
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use serde_json::{Value, json};

    use crate::web::site::Site;
    use crate::web::testing::{answer, get, served};

    fn config(allow_anyone: bool) -> String {
        format!(
            "periodics:\n- name: nightly\n  interval: 24h\n  \
             rerun_auth_config: {{allow_anyone: {allow_anyone}}}\n  \
             spec: {{containers: [{{image: new, command: [c]}}]}}\n"
        )
    }

    /// A run of the job whose own rules are these.
    fn run(allow_anyone: bool) -> Value {
        json!({
            "metadata": {"name": "old", "labels": {
                "prow.k8s.io/gerrit-revision": "1234", "team": "a",
            }},
            "spec": {
                "type": "periodic", "agent": "kubernetes", "job": "nightly",
                "pod_spec": {"containers": [{"image": "old"}]},
                "rerun_auth_config": {"allow_anyone": allow_anyone},
            },
            "status": {"state": "failure", "startTime": "2026-11-21T05:00:00Z"},
        })
    }

    /// The status of the answer to a person far away who asks for a rerun.
    async fn asked(configured: bool, of_run: bool, mode: &str) -> StatusCode {
        let (_, router) = served(&config(configured), None, &[run(of_run)], &Site::default());
        let uri = format!("/rerun?prowjob=old&mode={mode}");
        let request = Request::post(uri).header("host", "ci.example.com").body(Body::empty());
        answer(&router, request.unwrap()).await.0
    }

    #[tokio::test]
    async fn the_rules_of_what_would_run_decide() {
        // These ProwJobs come from a file, so what is allowed ends in 503: they cannot be changed.
        for (configured, of_run, mode, allowed) in [
            (false, false, "original", false),
            (false, true, "original", true),
            (true, false, "original", false),
            (false, true, "latest", false),
            (true, false, "latest", true),
        ] {
            let expected =
                if allowed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN };
            let status = asked(configured, of_run, mode).await;
            assert_eq!(status, expected, "configured {configured}, run {of_run}, {mode}");
        }
    }

    #[tokio::test]
    async fn everybody_may_look_at_what_would_run() {
        let (_, router) = served(&config(false), None, &[run(false)], &Site::default());
        let (status, headers, original) = get(&router, "/rerun?prowjob=old").await;
        assert_eq!(
            (status, &headers["content-type"]),
            (StatusCode::OK, &"text/plain; charset=utf-8".parse().unwrap())
        );
        assert!(original.contains("image: old") && original.contains("team: a"), "{original}");
        assert!(original.contains("state: triggered"), "{original}");
        // The latest definition keeps what components wrote and drops what the job said.
        let (_, _, latest) = get(&router, "/rerun?prowjob=old&mode=latest").await;
        assert!(latest.contains("image: new") && !latest.contains("team: a"), "{latest}");
        assert!(latest.contains("gerrit-revision: \"1234\""), "{latest}");
    }

    #[tokio::test]
    async fn what_cannot_be_rerun_is_refused_as_prow_refuses_it() {
        let (_, router) = served("{}", None, &[run(true)], &Site::default());
        for (uri, status) in [
            ("/rerun", StatusCode::BAD_REQUEST),
            ("/rerun?prowjob=none", StatusCode::NOT_FOUND),
            ("/rerun?prowjob=old&mode=latest", StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(get(&router, uri).await.0, status, "{uri}");
        }
        let put = Request::put("/rerun?prowjob=old").body(Body::empty()).unwrap();
        assert_eq!(answer(&router, put).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
