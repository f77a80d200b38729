//! Gubernator's addresses: they lead to what shows the same here.

use app::model::{
    HistoryQuery, RunFilter, RunKind, When, pull_history_href, query_pairs, query_value,
};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};

use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// Not for ever, as none of the old addresses: a browser must be free to go back.
fn to(address: &str) -> Response {
    (CachePolicy::NoStore, Redirect::temporary(address)).into_response()
}

/// The path, as it stands in an address.
fn encoded(path: &str) -> String {
    app::model::encode(path.trim_matches('/'))
}

/// `/build/<bucket>/<path>/<job>/<build>`: the run, with `?log` its log; with `/nodelog` behind it what
/// the logs of the nodes say.
pub async fn build(Path(path): Path<String>, uri: Uri) -> Response {
    if let Some(run) = path.strip_suffix("/nodelog") {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return to(&format!("/nodelog/gs/{}{query}", encoded(run)));
    }
    let pairs = query_pairs(uri.query().unwrap_or_default());
    let tab = if query_value(&pairs, "log").is_some() { "?tab=log" } else { "" };
    to(&format!("/view/gs/{}{tab}", encoded(&path)))
}

/// Builds on a page of Gubernator's.
const BUILDS: u64 = 40;

/// `/builds/<bucket>/<path>/<job>?before=<build>`: the runs of a job, those before a build.
pub async fn builds(Path(path): Path<String>, uri: Uri) -> Response {
    let pairs = query_pairs(uri.query().unwrap_or_default());
    let before = query_value(&pairs, "before");
    // Deck's page begins with the build that it is given.
    let first = before.and_then(|before| before.parse::<u64>().ok()?.checked_sub(1));
    let query = HistoryQuery {
        build_id: first
            .filter(|first| *first > 0)
            .map(|first| first.to_string())
            .unwrap_or_default(),
        limit: before.map(|_| BUILDS),
        ..HistoryQuery::default()
    };
    to(&query.href(&format!("/job-history/gs/{}", encoded(&path))))
}

/// `/jobs/<prefix>`: the folders of the jobs below a prefix.
pub async fn jobs(Path(path): Path<String>) -> Response {
    to(&format!("/gcs/{}/", encoded(&path)))
}

/// Batches of this age are what Gubernator means to show, in milliseconds.
const BATCHES_MS: i64 = 24 * 3_600_000;

/// `/pr/[org/][repo/]<number>`: the runs of a pull request; with `batch` for the number, those of
/// batches. Org and repository that are left out are
/// those of the default decoration.
///
/// # Errors
/// The path names no pull request.
pub async fn pull(State(web): State<SharedWeb>, Path(path): Path<String>) -> HttpResult<Response> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let config = web.config.get();
    let defaults = config.prow.plank.guess_default_decoration_config("", "");
    let defaults = defaults.gcs_configuration.unwrap_or_default();
    let (org, repo) = (defaults.default_org.as_str(), defaults.default_repo.as_str());
    let (org, repo, number) = match parts[..] {
        [number] => (org, repo, number),
        [repo, number] => (org, repo, number),
        [org, repo, number] => (org, repo, number),
        _ => ("", "", ""),
    };
    let has_repo = !org.is_empty() && !repo.is_empty();
    if has_repo && number == "batch" {
        let filter = RunFilter {
            kind: Some(RunKind::Batch),
            repo: Some(format!("{org}/{repo}")),
            since: Some(When::Ago(BATCHES_MS)),
            ..RunFilter::default()
        };
        return Ok(to(&filter.href()));
    }
    let number = number.parse::<u64>().ok().filter(|number| *number > 0 && has_repo);
    let number = number.ok_or_else(|| {
        HttpError::not_found(
            "This is no address of a pull request: /pr/<org>/<repo>/<number>. What one must look at \
             oneself is on the pages of the code host.",
        )
    })?;
    Ok(to(&pull_history_href(org, repo, number)))
}
