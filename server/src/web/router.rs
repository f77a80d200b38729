//! Every route, in one table.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;

use super::backend_impl::PageBackend;
use super::pages::Pages;
use super::site::Site;
use super::state::SharedWeb;
use super::webhook::{Intake, receive};
use super::{api, health, middleware, prow};

/// All that the process serves on its main address.
pub fn router(web: SharedWeb, webhook: Option<(&str, Arc<Intake>)>, site: &Site) -> Router {
    // The pages' reactive system spawns on this runtime; a second call changes nothing.
    let _ = any_spawner::Executor::init_tokio();
    let pages = Pages::new(web.clone(), PageBackend::over(web.clone()), site.assets.clone());
    let page = move |request| pages.clone().render(request);

    let routes = Router::new()
        // Pages. Those that Deck has end in a slash where Deck's do.
        .route("/", get(page.clone()))
        .route("/run/{id}", get(page.clone()))
        .route("/view/{*source}", get(page.clone()))
        .route("/configured-jobs", get(page.clone()))
        .route("/configured-jobs/", get(|| async { Redirect::permanent("/configured-jobs") }))
        .route("/configured-jobs/{org}", get(page.clone()))
        .route("/configured-jobs/{org}/{repo}", get(page.clone()))
        .route("/deliveries", get(page.clone()))
        .route("/deliveries/{id}", get(page.clone()))
        .route("/status", get(page.clone()))
        // Prow's machine URLs.
        .route("/prowjobs.js", any(prow::listings::prowjobs))
        .route("/data.js", any(prow::listings::data))
        .route("/prowjob", get(prow::prowjob::prowjob))
        .route("/log", get(prow::log::log))
        .route("/rerun", get(prow::rerun::rerun_job).post(prow::rerun::rerun_job))
        .route("/abort", post(prow::abort::abort))
        .route("/config", any(prow::config::config))
        .route("/plugin-config", any(prow::config::plugin_config))
        .route("/badge.svg", any(prow::badge::badge))
        // The JSON API.
        .route("/api/v1/runs", get(api::runs::runs))
        .route("/api/v1/runs/stream", get(api::stream::stream))
        .route("/api/v1/runs/{id}/log", get(api::log::lines))
        .route("/api/v1/runs/{id}/log/stream", get(api::log::stream))
        .route("/api/v1/runs/{id}/artifacts/{*path}", get(api::artifacts::artifact))
        .route("/api/v1/suggest", get(api::suggest::suggest))
        .route("/api/v1/deliveries/{id}/replay", post(api::deliveries::replay))
        .route("/api/v1/openapi.json", get(api::openapi::openapi))
        // Operation.
        .route("/healthz", get(health::alive))
        .route("/healthz/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(site.routes())
        .fallback(page)
        .layer(CsrfLayer::new())
        .with_state(web.clone());

    let routes = match webhook {
        Some((path, intake)) => routes.merge(hook_routes(path, intake)),
        None => routes,
    };
    // The stream of events must not wait for a compressor's buffer.
    let compressible =
        DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"));
    routes
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn(middleware::security_headers))
        .layer(from_fn_with_state(web.settings.redirect_http_to.clone(), middleware::redirect_http))
        .layer(from_fn_with_state(web.metrics.clone(), middleware::measure))
        .layer(CatchPanicLayer::new())
}

/// The webhook alone, for an address of its own. A code host's deliveries are
/// cross-site by nature; their signature is what protects them.
pub fn hook_routes(path: &str, intake: Arc<Intake>) -> Router {
    Router::new().route(path, any(receive)).layer(DefaultBodyLimit::disable()).with_state(intake)
}
