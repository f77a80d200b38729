//! The built files: scripts, styles, images.
//!
//! `make site` names scripts and styles by their content and lists them in
//! `pkg/assets.txt`. cargo-leptos gives them plain names and no list.

use std::io::ErrorKind;
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

/// The list of built files, below the site's folder.
const LIST: &str = "pkg/assets.txt";
/// What the built files are called without a list: `site-pkg-dir` and
/// `output-name` of cargo-leptos' metadata in Cargo.toml.
pub const PLAIN: &str = "pkg/bowsprit";

/// A built site.
#[derive(Clone, Debug, Default)]
pub struct Site {
    root: Option<PathBuf>,
    /// Whether the names of scripts and styles change with their content.
    named_by_content: bool,
    /// Addresses of the files that every page loads.
    pub assets: Assets,
}

impl Site {
    /// Finds the built files below `root`, by their list or by their plain names.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let list = root.join(LIST);
        let (assets, named_by_content) = match std::fs::read_to_string(&list) {
            Ok(text) => (Assets::parse(&text).map_err(anyhow::Error::msg)?, true),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let plain = plain(root).with_context(|| {
                    format!(
                        "the pages' scripts and styles are not below {}: build them with `make \
                         site`, or say where they are with --site-root",
                        root.display()
                    )
                })?;
                (plain, false)
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", list.display()));
            }
        };
        Ok(Self { root: Some(root.to_owned()), named_by_content, assets })
    }

    /// Routes of the files. Where those under `/pkg` carry the hash of their
    /// content in their name, browsers keep them; else they ask each time.
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
        let policy = match self.named_by_content {
            true => CachePolicy::Immutable,
            false => CachePolicy::Revalidate,
        };
        let mut router = Router::new().nest_service("/pkg", files(root.join("pkg"), policy));
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

/// The addresses of files with plain names, if all of them are there.
fn plain(root: &Path) -> Option<Assets> {
    let address = |extension: &str| {
        let file = format!("{PLAIN}.{extension}");
        root.join(&file).is_file().then(|| format!("/{file}"))
    };
    Some(Assets { js: address("js")?, wasm: address("wasm")?, css: address("css")? })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::web::testing::{get, served};

    /// A site's folder with these files.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("pkg")).unwrap();
        for file in files {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        dir
    }

    const BY_CARGO_LEPTOS: [&str; 3] = ["pkg/bowsprit.js", "pkg/bowsprit.wasm", "pkg/bowsprit.css"];

    #[tokio::test]
    async fn a_site_without_a_list_is_served_under_its_plain_names_and_asked_for_each_time() {
        let dir = folder(&BY_CARGO_LEPTOS);
        let site = Site::open(dir.path()).unwrap();
        let (_, router) = served("{}", None, &[], &site);
        let (_, _, page) = get(&router, "/").await;
        for file in BY_CARGO_LEPTOS {
            assert!(page.contains(&format!("/{file}")), "the page does not load {file}");
            let (status, headers, _) = get(&router, &format!("/{file}")).await;
            assert_eq!(
                (status, headers["cache-control"].to_str().unwrap()),
                (StatusCode::OK, "no-cache")
            );
        }
    }

    #[tokio::test]
    async fn a_site_with_a_list_is_kept_for_ever() {
        let dir = folder(&["pkg/a.1.js", "pkg/a.1.wasm", "pkg/a.2.css"]);
        let list = "js=/pkg/a.1.js\nwasm=/pkg/a.1.wasm\ncss=/pkg/a.2.css\n";
        std::fs::write(dir.path().join(LIST), list).unwrap();
        let site = Site::open(dir.path()).unwrap();
        let (_, router) = served("{}", None, &[], &site);
        let (_, headers, _) = get(&router, "/pkg/a.1.js").await;
        assert!(headers["cache-control"].to_str().unwrap().ends_with("immutable"));
    }

    #[test]
    fn a_folder_without_a_whole_site_is_an_error_that_says_what_to_do() {
        for files in [&[][..], &BY_CARGO_LEPTOS[..2]] {
            let dir = folder(files);
            let error = format!("{:#}", Site::open(dir.path()).unwrap_err());
            assert!(error.contains("make site") && error.contains("--site-root"), "{error}");
        }
    }
}
