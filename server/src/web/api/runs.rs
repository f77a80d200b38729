//! `/api/v1/runs`: the run list.

use app::model::{RunFilter, RunPage};
use axum::Json;
use axum::extract::{RawQuery, State};
use utoipa::IntoParams;

use super::example;
use crate::web::backend_impl::run_page;
use crate::web::cache::CachePolicy;
use crate::web::permission::Caller;
use crate::web::state::SharedWeb;

/// The filters of the run list, as `RunFilter` reads them: all of them must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterParameters {
    /// presubmit, postsubmit, periodic or batch
    pub r#type: Option<String>,
    /// organisation or user
    pub org: Option<String>,
    /// org/repo
    pub repo: Option<String>,
    /// author of a pull request
    pub author: Option<String>,
    /// pull request numbers, separated by commas
    pub pull: Option<String>,
    /// base branch
    pub base: Option<String>,
    /// a job's name, a pattern with *, or words of it
    pub job: Option<String>,
    /// state of the run
    pub state: Option<String>,
    /// build cluster alias
    pub cluster: Option<String>,
    /// started no earlier: 3h, 7d, a date or RFC 3339
    pub since: Option<String>,
    /// started earlier
    pub until: Option<String>,
}

/// A page of runs under the filter of the query.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "runs",
    params(
        FilterParameters,
        ("before" = Option<String>, Query, description = "key of an older page (`older` of the answer)"),
        ("after" = Option<String>, Query, description = "key of a newer page (`newer` of the answer)"),
        ("limit" = Option<usize>, Query, description = "rows, at most 250"),
    ),
    responses((status = 200, description = "The page: rows, counts, menus, histogram.", body = RunPage, example = json!(example::run_page()))),
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
