//! `/api/v1/suggest?q=`: names of jobs and repositories for the command palette
//! and the job field of the run list.

use app::model::Suggestion;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use utoipa::IntoParams;

use super::example;
use crate::web::backend_impl::{self, SuggestionKind};
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// Suggestions at most, and when nobody says how many.
const MOST: usize = 20;

/// The parameters.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// words that the name must hold; without any, every name fits
    pub q: Option<String>,
    /// job or repository; both without it
    pub kind: Option<String>,
    /// suggestions wanted, at most 20
    pub limit: Option<usize>,
}

/// Names that hold the words, best first.
#[utoipa::path(
    get,
    path = "/api/v1/suggest",
    tag = "runs",
    params(Parameters),
    responses(
        (status = 200, description = "The suggestions, each with the page that it leads to.", body = Vec<Suggestion>, example = json!(example::suggestions())),
        (status = 400, description = "No such kind.", body = ErrorDocument, example = json!(example::no_kind())),
    ),
)]
pub async fn suggest(
    State(web): State<SharedWeb>,
    uri: Uri,
) -> HttpResult<(CachePolicy, Json<Vec<Suggestion>>)> {
    let Parameters { q, kind, limit } = parameters(uri.query().unwrap_or_default());
    let kind = match kind.as_deref() {
        None => None,
        Some("job") => Some(SuggestionKind::Job),
        Some("repository") => Some(SuggestionKind::Repository),
        Some(other) => return Err(no_kind(other)),
    };
    let limit = limit.unwrap_or(MOST).min(MOST);
    let found = backend_impl::suggest(&web, &q.unwrap_or_default(), kind, limit);
    Ok((CachePolicy::NoStore, Json(found)))
}

/// Reads the query; an unreadable number counts as none, as with the run list.
fn parameters(query: &str) -> Parameters {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut read = Parameters::default();
    for (name, value) in pairs {
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "q" => read.q = Some(value),
            "kind" => read.kind = Some(value),
            "limit" => read.limit = value.parse().ok(),
            _ => {}
        }
    }
    read
}

pub(super) fn no_kind(kind: &str) -> HttpError {
    HttpError::bad_request(format!(
        "There are no suggestions of the kind {kind}: ask for job or repository."
    ))
    .json()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::web::site::Site;
    use crate::web::testing::{get, served};

    const CONFIG: &str = "\
deck: {hidden_repos: [org/secret]}
presubmits:
  org/unit-tools: [{name: a, spec: {containers: [{image: i, command: [c]}]}}]
  org/secret: [{name: b, spec: {containers: [{image: i, command: [c]}]}}]
";

    /// The names that are suggested for a query, with their kinds.
    async fn suggested(query: &str) -> Vec<(String, String)> {
        let run = |index: usize, job: String| {
            json!({
                "metadata": {"name": format!("run-{index}")},
                "spec": {"type": "periodic", "job": job},
                "status": {"state": "success", "startTime": "2026-11-21T05:00:00Z"},
            })
        };
        let names = (0..30).map(|n| format!("e2e-{n:02}")).chain(["unit".to_owned()]);
        let jobs: Vec<_> = names.enumerate().map(|(index, job)| run(index, job)).collect();
        let (_, router) = served(CONFIG, None, &jobs, &Site::default());
        let (status, _, body) = get(&router, &format!("/api/v1/suggest?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let found: Vec<Suggestion> = serde_json::from_str(&body).unwrap();
        found.into_iter().map(|found| (found.label, found.kind)).collect()
    }

    #[tokio::test]
    async fn jobs_and_repositories_are_suggested_unless_one_kind_is_wanted() {
        let pair = |label: &str, kind: &str| (label.to_owned(), kind.to_owned());
        let job = pair("unit", "job");
        let repository = pair("org/unit-tools", "repository");
        assert_eq!(suggested("q=unit").await, [job.clone(), repository.clone()]);
        assert_eq!(suggested("q=unit&kind=job").await, [job]);
        assert_eq!(suggested("kind=repository&q=").await, [repository]);
    }

    #[tokio::test]
    async fn there_are_as_many_as_wanted_and_never_more_than_twenty() {
        for (limit, count) in [("3", 3), ("0", 0), ("500", 20), ("many", 20), ("", 20)] {
            let found = suggested(&format!("q=e2e&limit={limit}")).await;
            assert_eq!(found.len(), count, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_hidden_repository_is_not_suggested() {
        assert_eq!(suggested("q=secret").await, []);
    }

    #[tokio::test]
    async fn another_kind_is_refused_with_the_kinds_there_are() {
        let (_, router) = served("{}", None, &[], &Site::default());
        let (status, _, body) = get(&router, "/api/v1/suggest?kind=pull").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("ask for job or repository"), "{body}");
    }
}
