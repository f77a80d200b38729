//! The API of the test grid: the documents of TestGrid's own API (service TestGridData), and what the
//! page of a tab works with.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use grid::proto::config::{Dashboard, DashboardTab, TestGroup};
use grid::proto::state::Grid;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;

use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;
use crate::testgrid::service::{GridError, TabGrid};
use crate::web::backend_impl::testgrid::options;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::prow::listings::matches_etag;
use crate::web::state::SharedWeb;

/// How much of a document's hash its tag has.
const TAG_BYTES: usize = 16;

pub mod data;
pub mod export;
pub mod junit;
pub mod page;
pub mod status;
pub mod stream;

/// What every handler works with: the grids, their configuration of now, and the query.
pub struct Asked {
    grids: Arc<TestGrid>,
    config: Arc<GridConfig>,
    query: String,
    pairs: Vec<(String, String)>,
}

impl FromRequestParts<SharedWeb> for Asked {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, web: &SharedWeb) -> HttpResult<Self> {
        let grids = web.grids.clone().ok_or_else(|| {
            HttpError::not_found("This process has no test grid; `bowsprit serve` has one.")
        })?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let pairs = app::model::query_pairs(&query);
        Ok(Asked { config: grids.config.get(), grids, query, pairs })
    }
}

impl Asked {
    /// The first value of a parameter.
    fn value(&self, name: &str) -> Option<&str> {
        app::model::query_value(&self.pairs, name)
    }

    /// `scope=`: kept in the links of an answer.
    fn scope(&self) -> &str {
        self.value("scope").unwrap_or_default()
    }

    /// `days=`: how far back a grid goes, if not as its tab says.
    fn days(&self) -> Option<i64> {
        let days: i64 = self.value("days")?.parse().ok()?;
        (days > 0).then_some(days.min(options::MAX_DAYS.into()))
    }

    /// `columns=A-B`: a range of columns, both ends in it, counted from the newest at 0.
    fn columns(&self) -> HttpResult<Range<usize>> {
        let Some(text) = self.value("columns") else { return Ok(0..usize::MAX) };
        let range = text.split_once('-').and_then(|(first, last)| {
            let first: usize = first.parse().ok()?;
            let end = if last.is_empty() { usize::MAX } else { last.parse::<usize>().ok()? + 1 };
            (first < end).then_some(first..end)
        });
        range.ok_or_else(|| {
            HttpError::bad_request(format!(
                "columns={text} is no range: write columns=0-49, the newest column is 0."
            ))
        })
    }
}

/// How a path names a tab, for the description of the API.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the fields are read by the description alone")]
pub struct TabPath {
    /// the dashboard's name
    dashboard: String,
    /// the tab's name
    tab: String,
}

/// The same for a tab, which the path names.
pub struct OfTab {
    asked: Asked,
    dashboard: String,
    tab: String,
}

impl FromRequestParts<SharedWeb> for OfTab {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &SharedWeb) -> Result<Self, Response> {
        let path = Path::<(String, String)>::from_request_parts(parts, web).await;
        let Path((dashboard, tab)) = path.map_err(IntoResponse::into_response)?;
        let asked = Asked::from_request_parts(parts, web).await;
        Ok(OfTab { asked: asked.map_err(IntoResponse::into_response)?, dashboard, tab })
    }
}

impl OfTab {
    /// The tab with its dashboard and group.
    fn found(&self) -> HttpResult<(&Dashboard, &DashboardTab, &TestGroup)> {
        let config = &self.asked.config;
        config.tab(&self.dashboard, &self.tab).map_err(missing)
    }

    /// The tab's grid, as far back as `days=` says.
    async fn grid(&self) -> HttpResult<Arc<TabGrid>> {
        self.grid_of(self.asked.days()).await
    }

    async fn grid_of(&self, days: Option<i64>) -> HttpResult<Arc<TabGrid>> {
        self.asked.grids.grid(&self.dashboard, &self.tab, days).await.map_err(failed)
    }

    /// The same, of it the columns that `columns=` says.
    async fn cut_grid(&self) -> HttpResult<Arc<TabGrid>> {
        let range = self.asked.columns()?;
        let found = self.grid().await?;
        if range == (0..usize::MAX) {
            return Ok(found);
        }
        let cut = tokio::task::spawn_blocking(move || Arc::new(found.cut(range)));
        cut.await.map_err(HttpError::internal)
    }

    /// The values of a metric by row: pairs of column and value.
    async fn metric(
        &self,
        metric: &str,
        rows: Vec<String>,
    ) -> HttpResult<BTreeMap<String, Vec<(usize, f64)>>> {
        let (dashboard, tab, days) = (&self.dashboard, &self.tab, self.asked.days());
        self.asked.grids.metric(dashboard, tab, days, metric, rows).await.map_err(failed)
    }

    /// The tab's grid as TestGrid's message.
    async fn message(&self) -> HttpResult<Grid> {
        self.asked
            .grids
            .message(&self.dashboard, &self.tab, self.asked.days())
            .await
            .map_err(failed)
    }
}

/// A failure of the grids. As TestGrid's API, what is not there is 404.
fn failed(error: GridError) -> HttpError {
    match error {
        GridError::NotFound(error) => HttpError::not_found(error.to_string()),
        GridError::Options(error) => HttpError::bad_request(error.to_string()),
        GridError::Store(cause) => {
            HttpError::unavailable("The stored builds could not be read.").caused_by(cause)
        }
    }
}

fn missing(error: grid::api::NotFound) -> HttpError {
    HttpError::not_found(error.to_string())
}

/// A document that anybody's script may read, with a tag by which it is asked for again.
fn document(headers: &HeaderMap, version: &str, body: impl Serialize) -> HttpResult<Response> {
    tagged(headers, version, "application/json", || {
        serde_json::to_vec(&body).map_err(HttpError::internal)
    })
}

/// A document that is made in no time, tagged by what it says.
pub fn tagged_by_content(headers: &HeaderMap, body: &impl Serialize) -> HttpResult<Response> {
    let body = serde_json::to_vec(body).map_err(HttpError::internal)?;
    let version = hex::encode(&Sha256::digest(&body)[..TAG_BYTES]);
    tagged(headers, &version, "application/json", || Ok(body))
}

/// An answer with a tag; nothing is made for a reader who has it.
pub fn tagged(
    headers: &HeaderMap,
    version: &str,
    content_type: &'static str,
    body: impl FnOnce() -> HttpResult<Vec<u8>>,
) -> HttpResult<Response> {
    // A tag has no quotes and no control characters.
    let plain: String = version.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
    let etag = format!("\"{plain}\"");
    let tag = HeaderValue::from_str(&etag).map_err(HttpError::internal)?;
    let open = (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let head = [(header::ETAG, tag), open];
    if matches_etag(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, CachePolicy::Revalidate, head).into_response());
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok((CachePolicy::Revalidate, head, [kind], Body::from(body()?)).into_response())
}

/// An answer that is only good for this moment.
fn fresh(body: impl Serialize) -> Response {
    let open = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))];
    (CachePolicy::NoStore, open, Json(body)).into_response()
}
