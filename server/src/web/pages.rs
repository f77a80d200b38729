//! Mounts the pages of `app` under their routes.

use std::sync::Arc;

use app::Assets;
use app::backend::{Backend, PageContext};
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use leptos::prelude::provide_context;

use super::cache::CachePolicy;
use super::permission::Caller;
use super::state::SharedWeb;

/// Renders whatever page the path names; `app::routes` knows them.
#[derive(Clone)]
pub struct Pages {
    web: SharedWeb,
    backend: Arc<dyn Backend>,
    assets: Assets,
}

impl Pages {
    /// The pages over a backend, with the built files that they load.
    pub fn new(web: SharedWeb, backend: Arc<dyn Backend>, assets: Assets) -> Self {
        Self { web, backend, assets }
    }

    /// Answers a request for a page. Its status code comes from its data, so
    /// it is whole before its first byte leaves.
    pub async fn render(self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let Ok(caller) = Caller::from_request_parts(&mut parts, &()).await;
        let context =
            PageContext { backend: self.backend.clone(), viewer: self.web.viewer(&caller) };
        let assets = self.assets.clone();
        let handler = leptos_axum::render_app_async_with_context(
            move || provide_context(context.clone()),
            move || app::shell(assets.clone()),
        );
        let response = handler(Request::from_parts(parts, body)).await;
        (CachePolicy::NoStore, response.map(Body::new)).into_response()
    }
}
