//! The built files: scripts, styles, images.

use std::path::{Path, PathBuf};

use anyhow::Context;
use app::Assets;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::services::fs::ServeFileSystemResponseBody;
use tower_http::set_header::SetResponseHeaderLayer;

use super::cache::CachePolicy;

/// A built site.
#[derive(Clone, Debug, Default)]
pub struct Site {
    root: Option<PathBuf>,
    /// Addresses of the files that every page loads.
    pub assets: Assets,
}

impl Site {
    /// Reads the list of built files below `root`.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let list = root.join("pkg/assets.txt");
        let text = std::fs::read_to_string(&list).with_context(|| {
            format!(
                "the pages' scripts and styles are not at {}: build them with `make site`, or say \
                 where they are with --site-root",
                list.display()
            )
        })?;
        let assets = Assets::parse(&text).map_err(anyhow::Error::msg)?;
        Ok(Self { root: Some(root.to_owned()), assets })
    }

    /// Routes of the files. Those under `/pkg` carry the hash of their content
    /// in their name, so browsers keep them.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let Some(root) = &self.root else { return Router::new() };
        let files = |dir: PathBuf, policy: CachePolicy| {
            ServiceBuilder::new()
                .layer(SetResponseHeaderLayer::overriding(
                    HeaderName::from_static("cache-control"),
                    // A file that is missing may come with the next build.
                    move |response: &Response<ServeFileSystemResponseBody>| {
                        let there = response.status().is_success()
                            || response.status() == StatusCode::NOT_MODIFIED;
                        Some(if there { policy } else { CachePolicy::NoStore }.header())
                    },
                ))
                .layer(SetResponseHeaderLayer::overriding(
                    HeaderName::from_static("cross-origin-resource-policy"),
                    HeaderValue::from_static("same-origin"),
                ))
                .service(ServeDir::new(dir).precompressed_br().precompressed_gzip())
        };
        let mut router =
            Router::new().nest_service("/pkg", files(root.join("pkg"), CachePolicy::Immutable));
        for name in ["favicon.svg", "robots.txt", "sprite.svg"] {
            let file = root.join(name);
            if file.is_file() {
                router = router
                    .route_service(&format!("/{name}"), tower_http::services::ServeFile::new(file));
            }
        }
        router
    }
}
