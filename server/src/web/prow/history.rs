//! Deck's addresses of job history and pull request history: bookmarks and links
//! of reports lead to the run list, filtered to what they meant.

use app::model::{RunFilter, When};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// Kinds of buckets that may stand before a bucket's name.
const PROVIDERS: [&str; 4] = ["gs", "gcs", "s3", "file"];

/// The parameter of `/job-history/`.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    /// The build that the page began with; without it, the latest one.
    #[serde(default, rename = "buildId")]
    pub build_id: String,
}

/// `/job-history/[<provider>/]<bucket>/<root>`: the runs of the job that the root
/// ends with, such as `logs/<job>` and `pr-logs/directory/<job>`.
pub async fn of_job(
    State(web): State<SharedWeb>,
    path: Option<Path<String>>,
    Query(from): Query<From>,
) -> HttpResult<Response> {
    let path = path.map(|Path(path)| path).unwrap_or_default();
    let job = job_of(&path).ok_or_else(|| {
        HttpError::bad_request(
            "This is no address of a job's history: /job-history/gs/<bucket>/logs/<job>, or \
             /job-history/gs/<bucket>/pr-logs/directory/<job>.",
        )
    })?;
    let mut filter = RunFilter { job: Some(job.to_owned()), ..RunFilter::default() };
    if !from.build_id.is_empty() {
        // Deck's rule.
        if from.build_id.parse::<u64>().is_err() || from.build_id == "0" {
            return Err(HttpError::bad_request(format!(
                "The parameter `buildId` is {}, which is no build id: a positive number.",
                from.build_id
            )));
        }
        // The page then begins with that build, where it is known.
        let run = web.runs.by_build(job, &from.build_id);
        let run = run.filter(|run| web.visibility().shows(run));
        filter.until = run.map(|run| When::At(run.started.millis() + 1_000));
    }
    Ok(to(&filter))
}

/// The job's name in the path below `/job-history/`.
fn job_of(path: &str) -> Option<&str> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A bucket may have such a name too, but then its path begins elsewhere.
    if parts.len() > 2 && PROVIDERS.contains(&parts[0]) {
        parts.remove(0);
    }
    match parts[..] {
        [_bucket, .., job] => Some(job),
        _ => None,
    }
}

/// The parameters of `/pr-history/`.
#[derive(Debug, Default, Deserialize)]
pub struct OfPull {
    /// The org.
    #[serde(default)]
    pub org: String,
    /// The repository, without its org.
    #[serde(default)]
    pub repo: String,
    /// The pull request's number.
    #[serde(default)]
    pub pr: String,
}

/// `/pr-history/?org=&repo=&pr=`: the runs of a pull request.
pub async fn of_pull(Query(OfPull { org, repo, pr }): Query<OfPull>) -> HttpResult<Response> {
    let number: Option<u64> = pr.parse().ok().filter(|number| *number > 0);
    let (false, false, Some(number)) = (org.is_empty(), repo.is_empty(), number) else {
        return Err(HttpError::bad_request(
            "This is no address of a pull request's history: /pr-history/?org=<org>&repo=<repo>&pr=<number>.",
        ));
    };
    let filter = RunFilter {
        repo: Some(format!("{org}/{repo}")),
        pulls: vec![number],
        ..RunFilter::default()
    };
    Ok(to(&filter))
}

/// Not for ever: these addresses are to have pages of their own.
fn to(filter: &RunFilter) -> Response {
    (CachePolicy::NoStore, Redirect::temporary(&filter.href())).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::web::site::Site;
    use crate::web::testing::{get, served};

    #[tokio::test]
    async fn decks_history_addresses_lead_to_the_runs_that_they_meant() {
        let run = json!({
            "metadata": {"name": "run"},
            "spec": {"type": "periodic", "job": "nightly"},
            "status": {"state": "success", "build_id": "17", "startTime": "2026-11-21T05:00:00Z"},
        });
        let (_, router) = served("{}", None, &[run], &Site::default());
        for (uri, list) in [
            ("/job-history/gs/bucket/logs/nightly", "/?job=nightly"),
            ("/job-history/bucket/logs/nightly", "/?job=nightly"),
            ("/job-history/s3/bucket/pr-logs/directory/unit/", "/?job=unit"),
            ("/job-history/gs/logs/nightly?buildId=", "/?job=nightly"),
            (
                "/job-history/gs/bucket/logs/nightly?buildId=17",
                "/?job=nightly&until=2026-11-21T05:00:01Z",
            ),
            ("/job-history/gs/bucket/logs/nightly?buildId=18", "/?job=nightly"),
            ("/pr-history?org=org&repo=repo&pr=7", "/?repo=org/repo&pull=7"),
            ("/pr-history/?org=org&repo=repo&pr=7", "/?repo=org/repo&pull=7"),
        ] {
            let (status, headers, _) = get(&router, uri).await;
            assert_eq!(status, StatusCode::TEMPORARY_REDIRECT, "{uri}");
            assert_eq!(headers["location"], list, "{uri}");
            assert_eq!(get(&router, list).await.0, StatusCode::OK, "{list}");
        }
    }

    #[tokio::test]
    async fn what_is_no_history_is_refused_with_the_form_that_it_has() {
        let (_, router) = served("{}", None, &[], &Site::default());
        for uri in [
            "/job-history/",
            "/job-history/bucket",
            "/job-history/gs/bucket/logs/nightly?buildId=-738",
            "/job-history/gs/bucket/logs/nightly?buildId=nope",
            "/job-history/gs/bucket/logs/nightly?buildId=0",
            "/pr-history/",
            "/pr-history/?org=org&repo=repo&pr=x",
        ] {
            assert_eq!(get(&router, uri).await.0, StatusCode::BAD_REQUEST, "{uri}");
        }
    }
}
