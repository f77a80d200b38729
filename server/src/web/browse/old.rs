//! Gubernator's addresses: they lead to what shows the same here.

use axum::extract::{Path, State};
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

/// `/build/<bucket>/<path>/<job>/<build>`: the run.
pub async fn build(Path(path): Path<String>) -> Response {
    to(&format!("/view/gs/{}", encoded(&path)))
}

/// `/builds/<bucket>/<path>/<job>`: the runs of a job.
pub async fn builds(Path(path): Path<String>) -> Response {
    to(&format!("/job-history/gs/{}", encoded(&path)))
}

/// `/jobs/<prefix>`: the folders of the jobs below a prefix.
pub async fn jobs(Path(path): Path<String>) -> Response {
    to(&format!("/gcs/{}/", encoded(&path)))
}

/// `/pr/[org/][repo/]<number>`: the runs of a pull request. Org and repository that are left out are
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
    let is_number = number.parse::<u64>().is_ok_and(|number| number > 0);
    if !is_number || org.is_empty() || repo.is_empty() {
        return Err(HttpError::not_found(
            "This is no address of a pull request: /pr/<org>/<repo>/<number>. What one must look at \
             oneself is on the pages of the code host.",
        ));
    }
    let (org, repo) = (app::model::encode(org), app::model::encode(repo));
    Ok(to(&format!("/pr-history/?org={org}&repo={repo}&pr={number}")))
}
