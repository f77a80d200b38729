//! Mounts the pages of `app` under their routes.

use std::sync::Arc;
use std::time::Duration;

use app::Assets;
use app::backend::{Backend, PageContext};
use app::model::Viewer;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use leptos::nonce::Nonce;
use leptos::prelude::provide_context;

use super::cache::CachePolicy;
use super::permission::Caller;
use super::state::SharedWeb;

/// How long a large page is given to others who ask for it: many open the same one in the morning,
/// and its times are told in minutes.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// The bytes of all pages that are kept.
const KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// Renders whatever page the path names; `app::routes` knows them.
#[derive(Clone)]
pub struct Pages {
    web: SharedWeb,
    backend: Arc<dyn Backend>,
    assets: Assets,
    kept: moka::future::Cache<PageKey, Arc<Page>>,
}

/// What a page is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PageKey {
    address: String,
    viewer: (Option<String>, bool),
    /// Of settings and jobs, of the test grid's configuration, and of its tabs.
    versions: (u64, u64, u64),
    /// The second in which it was made.
    at: i64,
}

/// A page as it was made, with the nonce of its scripts, which no other answer may have.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    nonce: Option<String>,
}

impl Pages {
    /// The pages over a backend, with the built files that they load.
    pub fn new(web: SharedWeb, backend: Arc<dyn Backend>, assets: Assets) -> Self {
        let kept = moka::future::Cache::builder()
            .time_to_live(KEPT_FOR)
            .max_capacity(KEPT_BYTES)
            .weigher(|_, page: &Arc<Page>| u32::try_from(page.body.len()).unwrap_or(u32::MAX))
            .build();
        Self { web, backend, assets, kept }
    }

    /// Answers a request for a page. Its status code comes from its data, so
    /// it is whole before its first byte leaves.
    pub async fn render(self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let Ok(caller) = Caller::from_request_parts(&mut parts, &()).await;
        let viewer = self.web.viewer(&caller);
        let key = self.key(&parts.method, &parts.uri, &viewer);
        let request = Request::from_parts(parts, body);
        let Some(key) = key else { return self.made(request, viewer).await };
        let pages = self.clone();
        let page = self.kept.try_get_with(key, async move {
            let page = Page::read(pages.made(request, viewer).await).await;
            if page.status == StatusCode::OK { Ok(Arc::new(page)) } else { Err(page) }
        });
        match page.await {
            Ok(page) => page.answer(),
            Err(page) => page.answer(),
        }
    }

    /// Pages that are long and the same for all who have the same rights.
    fn key(&self, method: &Method, uri: &Uri, viewer: &Viewer) -> Option<PageKey> {
        let first = uri.path().split('/').nth(1)?;
        if method != Method::GET || !matches!(first, "testgrid" | "coverage") {
            return None;
        }
        let grids = self.web.grids.as_ref()?;
        Some(PageKey {
            address: uri.path_and_query()?.as_str().to_owned(),
            viewer: (viewer.login.clone(), viewer.local),
            versions: (
                self.web.config.snapshot().generation,
                grids.config.get().version,
                grids.changes(),
            ),
            at: self.web.clock.now().seconds(),
        })
    }

    async fn made(&self, request: Request, viewer: Viewer) -> Response {
        let context = PageContext { backend: self.backend.clone(), viewer };
        let assets = self.assets.clone();
        let handler = leptos_axum::render_app_async_with_context(
            move || provide_context(context.clone()),
            move || app::shell(assets.clone()),
        );
        let response = handler(request).await;
        (CachePolicy::NoStore, response.map(Body::new)).into_response()
    }
}

impl Page {
    async fn read(response: Response) -> Page {
        let (parts, body) = response.into_parts();
        // It is whole already, and of our own making.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let policy = parts.headers.get(header::CONTENT_SECURITY_POLICY);
        let nonce = policy.and_then(|policy| {
            let (_, rest) = policy.to_str().ok()?.split_once("'nonce-")?;
            Some(rest.split_once('\'')?.0.to_owned())
        });
        Page {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            nonce,
        }
    }

    /// The page with a nonce of its own.
    fn answer(&self) -> Response {
        let mut headers = self.headers.clone();
        let fresh = self.nonce.as_deref().and_then(|old| {
            let nonce = Nonce::new();
            let policy = HeaderValue::from_str(&app::content_security_policy(&nonce)).ok()?;
            Some((policy, self.body.replace(old, &nonce)))
        });
        let body = match fresh {
            Some((policy, body)) => {
                headers.insert(header::CONTENT_SECURITY_POLICY, policy);
                body
            }
            None => self.body.clone(),
        };
        (self.status, headers, body).into_response()
    }
}
