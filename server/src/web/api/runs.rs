//! `/api/v1/runs`: the run list.

use app::model::{RunFilter, RunPage};
use axum::Json;
use axum::extract::{RawQuery, State};

use crate::web::backend_impl::run_page;
use crate::web::cache::CachePolicy;
use crate::web::permission::Caller;
use crate::web::state::SharedWeb;

/// A page of runs under the filter of the query.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "runs",
    params(
        ("type" = Option<String>, Query, description = "presubmit, postsubmit, periodic or batch"),
        ("org" = Option<String>, Query, description = "organisation or user"),
        ("repo" = Option<String>, Query, description = "org/repo"),
        ("author" = Option<String>, Query, description = "author of a pull request"),
        ("pull" = Option<String>, Query, description = "pull request numbers, separated by commas"),
        ("base" = Option<String>, Query, description = "base branch"),
        ("job" = Option<String>, Query, description = "a job's name, a pattern with *, or words of it"),
        ("state" = Option<String>, Query, description = "state of the run"),
        ("cluster" = Option<String>, Query, description = "build cluster alias"),
        ("since" = Option<String>, Query, description = "started no earlier: 3h, 7d, a date or RFC 3339"),
        ("until" = Option<String>, Query, description = "started earlier"),
        ("before" = Option<String>, Query, description = "key of an older page (`older` of the answer)"),
        ("after" = Option<String>, Query, description = "key of a newer page (`newer` of the answer)"),
        ("limit" = Option<usize>, Query, description = "rows, at most 250"),
    ),
    responses((status = 200, description = "The page: rows, counts, menus, histogram.", body = Object)),
)]
pub async fn runs(
    State(web): State<SharedWeb>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> (CachePolicy, Json<RunPage>) {
    let filter = filter(query.as_deref());
    (CachePolicy::NoStore, Json(run_page(&web, &web.viewer(&caller), &filter)))
}

/// The filter of a raw query string.
pub fn filter(query: Option<&str>) -> RunFilter {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query.unwrap_or_default()).unwrap_or_default();
    RunFilter::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}
