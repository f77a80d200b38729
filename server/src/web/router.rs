//! Every route, in one table.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{MethodRouter, any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;

use super::backend_impl::PageBackend;
use super::pages::Pages;
use super::site::Site;
use super::state::SharedWeb;
use super::webhook::{Intake, receive};
use super::{
    api, browse, coverage_drawings, grid_drawings, health, history_drawings, lens, middleware,
    prow, testgrid_old,
};

/// All that the process serves on its main address.
pub fn router(web: SharedWeb, webhook: Option<(&str, Arc<Intake>)>, site: &Site) -> Router {
    // The pages' reactive system spawns on this runtime; a second call changes nothing.
    let _ = any_spawner::Executor::init_tokio();
    let pages = Pages::new(web.clone(), PageBackend::over(web.clone()), site.assets.clone());
    let (old, old_pages, browsing) = (web.clone(), pages.clone(), pages.clone());
    let page = move |request| pages.clone().render(request);

    let api = api_routes()
        .into_iter()
        .fold(Router::new(), |routes, (path, handlers)| routes.route(path, handlers));
    let routes = Router::new()
        // Pages. Those that Deck has end in a slash where Deck's do.
        .route("/", get(page.clone()))
        .route("/run/{id}", get(page.clone()))
        .route("/view/{*source}", get(page.clone()))
        .route("/testgrid", get(page.clone()))
        .route("/testgrid/", get(|| async { Redirect::permanent("/testgrid") }))
        .route("/testgrid/{name}", get(page.clone()))
        .route("/testgrid/{name}/{tab}", get(page.clone()))
        .route("/testgrid/{name}/{tab}/graph", get(page.clone()))
        .route("/testgrid/{name}/{tab}/graph.svg", get(grid_drawings::graph))
        .route("/nodelog/{*source}", get(page.clone()))
        .route("/job-history", get(page.clone()))
        .route("/job-history/", get(page.clone()))
        .route("/job-history/{*path}", get(page.clone()))
        .route("/job-history-chart/{*path}", get(history_drawings::of_job))
        .route("/pr-history", get(page.clone()))
        .route("/pr-history/", get(page.clone()))
        .route("/compare", get(page.clone()))
        .route("/gcs/{*path}", browser("gs", &browsing))
        .route("/s3/{*path}", browser("s3", &browsing))
        .route("/file/{*path}", browser("file", &browsing))
        // Gubernator's addresses.
        .route("/build/{*path}", get(browse::old::build))
        .route("/builds/{*path}", get(browse::old::builds))
        .route("/jobs/{*path}", get(browse::old::jobs))
        .route("/pr/{*path}", get(browse::old::pull))
        .route("/alerts", get(page.clone()))
        .route("/tests", get(page.clone()))
        .route("/test", get(page.clone()))
        .route("/coverage", get(page.clone()))
        .route("/coverage/", get(|| async { Redirect::permanent("/coverage") }))
        .route("/coverage/{job}", get(page.clone()))
        .route("/coverage/{job}/file", get(page.clone()))
        .route("/coverage/{job}/compare", get(page.clone()))
        .route("/coverage/{job}/trend.svg", get(coverage_drawings::trend))
        .route("/coverage/{job}/tree.svg", get(coverage_drawings::tree))
        .route("/configured-jobs", get(page.clone()))
        .route("/configured-jobs/", get(|| async { Redirect::permanent("/configured-jobs") }))
        .route("/configured-jobs/{org}", get(page.clone()))
        .route("/configured-jobs/{org}/{repo}", get(page.clone()))
        .route("/deliveries", get(page.clone()))
        .route("/deliveries/{id}", get(page.clone()))
        .route("/status", get(page.clone()))
        .route(
            "/spyglass/lens/{name}/{resource}",
            get(lens::lens).post(lens::lens).layer(DefaultBodyLimit::max(lens::MAX_QUESTION)),
        )
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
        .route("/plugin-help", get(prow::plugin_help::plugin_help))
        .route("/plugin-help.js", get(prow::plugin_help::plugin_help_js))
        // Operation.
        .route("/healthz", get(health::alive))
        .route("/healthz/ready", get(health::ready))
        .merge(api)
        .merge(match web.settings.metrics_port {
            None => metrics_routes(),
            Some(_) => Router::new(),
        })
        .merge(site.routes())
        .fallback(move |request| testgrid_old::or_page(old.clone(), old_pages.clone(), request))
        .layer(CsrfLayer::new())
        .with_state(web.clone());

    let routes = match webhook {
        Some((path, intake)) => routes.merge(hook_routes(path, intake)),
        None => routes,
    };
    // The stream of events must not wait for a compressor's buffer.
    // What is packed already gains nothing.
    let compressible = DefaultPredicate::new()
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("application/zip"));
    routes
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn(middleware::security_headers))
        .layer(from_fn_with_state(web.settings.redirect_http_to.clone(), middleware::redirect_http))
        .layer(from_fn_with_state(web.metrics.clone(), middleware::measure))
        .layer(CatchPanicLayer::new())
}

/// Objects and folders of one kind of bucket.
fn browser(provider: &'static str, pages: &Pages) -> MethodRouter<SharedWeb> {
    let pages = pages.clone();
    get(async move |State(web): State<SharedWeb>, Path(path): Path<String>, request: Request| {
        let headers = request.headers().clone();
        browse::browse(web, provider, &path, headers, pages.clone(), request).await
    })
}

/// The JSON API: each path with its handlers. `api::openapi` describes exactly these.
pub fn api_routes() -> Vec<(&'static str, MethodRouter<SharedWeb>)> {
    use api::testgrid::{data, export, junit, page, status, stream};
    vec![
        ("/api/v1/runs", get(api::runs::runs).post(api::start::start)),
        ("/api/v1/runs/stream", get(api::stream::stream)),
        ("/api/v1/runs/{id}/log", get(api::log::lines)),
        ("/api/v1/runs/{id}/log/folds", get(api::log::folds)),
        ("/api/v1/runs/{id}/log/search", get(api::log::search)),
        ("/api/v1/runs/{id}/log/stream", get(api::log::stream)),
        ("/api/v1/runs/{id}/pins", get(api::pins::list).post(api::pins::pin)),
        ("/api/v1/runs/{id}/pins/{pin}/remove", post(api::pins::remove)),
        ("/api/v1/runs/{id}/references", get(api::references::references)),
        ("/api/v1/runs/{id}/tests", get(api::tests::tests)),
        ("/api/v1/runs/{id}/artifacts/{*path}", get(api::artifacts::artifact)),
        ("/api/v1/runs/compare", get(api::histories::compare)),
        ("/api/v1/job-history/{*path}", get(api::histories::job)),
        ("/api/v1/pr-history", get(api::histories::pull)),
        ("/api/v1/suggest", get(api::suggest::suggest)),
        ("/api/v1/deliveries/{id}/replay", post(api::deliveries::replay)),
        ("/api/v1/coverage", get(api::coverage::index)),
        ("/api/v1/coverage/{job}", get(api::coverage::job)),
        ("/api/v1/coverage/{job}/file", get(api::coverage::file)),
        ("/api/v1/coverage/{job}/compare", get(api::coverage::compare)),
        ("/api/v1/coverage/{job}/table", get(api::coverage::table)),
        ("/api/v1/coverage/{job}/profile", get(api::coverage::profile)),
        ("/api/v1/dashboards", get(data::dashboards)),
        ("/api/v1/dashboards/{dashboard}", get(data::dashboard)),
        ("/api/v1/dashboards/{dashboard}/summary", get(data::summary)),
        ("/api/v1/dashboards/{dashboard}/tab-summaries", get(data::tab_summaries)),
        ("/api/v1/dashboards/{dashboard}/tab-summaries/{tab}", get(data::tab_summary)),
        ("/api/v1/dashboards/{dashboard}/tabs", get(data::tabs)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}", get(data::tab)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/headers", get(data::headers)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/rows", get(data::rows)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/rows.csv", get(export::csv)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/junit.xml", get(junit::junit)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/status", get(status::status)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/grid", get(data::grid)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/grid.bin", get(page::columnar)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/view", get(page::view_of)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/names", get(page::names)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/cell", get(page::cell)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/open", get(page::open)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/diff", get(page::diff)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/metric", get(page::metric)),
        ("/api/v1/dashboards/{dashboard}/tabs/{tab}/clusters", get(page::clusters)),
        ("/api/v1/dashboard-groups", get(data::dashboard_groups)),
        ("/api/v1/dashboard-groups/{group}", get(data::dashboard_group)),
        ("/api/v1/dashboard-groups/{group}/dashboard-summaries", get(data::dashboard_summaries)),
        ("/api/v1/testgrid/metrics", get(export::metrics)),
        ("/api/v1/testgrid/stream", get(stream::stream)),
        ("/api/v1/openapi.json", get(api::openapi::openapi)),
    ]
}

/// The metrics, for the main address or one of their own.
pub fn metrics_routes() -> Router<SharedWeb> {
    Router::new().route("/metrics", get(health::metrics))
}

/// What Prow's hook serves, for an address of its own: the webhook, the help of
/// the plugins, and an empty answer to probes of `/`.
pub fn hook_router(web: SharedWeb, path: &str, intake: Arc<Intake>) -> Router {
    let mut routes = Router::new().route("/plugin-help", get(prow::plugin_help::plugin_help));
    if path != "/" {
        routes = routes.route("/", any(|| async {}));
    }
    routes.with_state(web).merge(hook_routes(path, intake))
}

/// The webhook alone. A code host's deliveries are
/// cross-site by nature; their signature is what protects them.
fn hook_routes(path: &str, intake: Arc<Intake>) -> Router {
    Router::new().route(path, any(receive)).layer(DefaultBodyLimit::disable()).with_state(intake)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::StatusCode;
    use serde_json::json;

    use crate::web::site::Site;
    use crate::web::testing::{get, served};

    /// The addresses on this server that the links of a page lead to.
    fn links(page: &str) -> BTreeSet<String> {
        let links = page.split("<a ").skip(1).filter_map(|rest| {
            let tag = rest.split('>').next()?;
            let href = tag.split("href=\"").nth(1)?.split('"').next()?;
            let local = href.starts_with('/') && !href.starts_with("//");
            let address = href.split('#').next().unwrap_or_default().replace("&amp;", "&");
            local.then_some(address)
        });
        links.collect()
    }

    #[tokio::test]
    async fn every_link_of_the_run_list_and_of_a_run_leads_somewhere() {
        const CONFIG: &str = "\
presubmits:
  org/repo: [{name: unit, spec: {containers: [{image: i, command: [c]}]}}]
";
        let run = json!({
            "metadata": {"name": "run-1"},
            "spec": {
                "type": "presubmit", "agent": "kubernetes", "job": "unit",
                "refs": {
                    "org": "org", "repo": "repo", "base_ref": "main", "base_sha": "1234",
                    "pulls": [{"number": 7, "author": "alice", "sha": "5678"}],
                },
                "pod_spec": {"containers": [{"image": "i"}]},
            },
            "status": {"state": "failure", "build_id": "17", "startTime": "2026-11-21T05:00:00Z"},
        });
        let (_, router) = served(CONFIG, None, &[run], &Site::default());
        let mut followed = BTreeSet::new();
        for page in ["/", "/run/run-1", "/configured-jobs/org/repo"] {
            let (status, _, text) = get(&router, page).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let links = links(&text);
            assert!(!links.is_empty(), "{page} has no links");
            for link in links {
                let (status, _, _) = get(&router, &link).await;
                assert!(
                    status.is_success() || status.is_redirection(),
                    "{page} links {link}, which answers {status}"
                );
                followed.insert(link);
            }
        }
        let expected = ["/?job=unit", "/prowjob?prowjob=run-1", "/run/run-1", "/status"];
        for link in expected {
            assert!(followed.contains(link), "no page links {link}: {followed:?}");
        }
    }
}
