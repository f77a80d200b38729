//! TestGrid's old addresses: `/<dashboard>`, `/<dashboard>/summary`, `/<dashboard>/table`, `/q/…` and
//! `/r/<bucket>/<dashboard>`. Bookmarks, badges, exporters and reporters use them.
//!
//! They are looked up where no other address fits, so that a dashboard cannot take a page's place; one
//! whose name is that of a page is at `/testgrid/<dashboard>`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use grid::api::legacy;
use grid::proto::summary::TabStatus;
use serde_json::{Value, json};

use super::api::testgrid::tagged_by_content;
use super::backend_impl::testgrid::{place_href, tab_href};
use super::badge::{Verdict, svg_of};
use super::cache::CachePolicy;
use super::state::Web;
use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;

mod table;

/// The answer for an old address; nothing if the path is none.
pub async fn answer(
    web: &Web,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<Response> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let grids = web.grids.as_ref()?;
    let path: Vec<String> = uri.path().split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let query = app::model::query_pairs(uri.query().unwrap_or_default());
    let config = grids.config.get();
    let raw = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match parts[..] {
        ["q", "list"] => Some(open(headers, &legacy::list(&config.configuration))),
        ["q", "summary", dashboard, tab, "tests_status"] => {
            let as_svg = query.iter().any(|(key, value)| key == "style" && value == "svg");
            Some(tests_status(grids, &config, (dashboard, tab), as_svg, headers))
        }
        ["q", "config", dashboard, tab] => Some(effective(&config, dashboard, tab)),
        ["q", "testgroup", group] => Some(test_group(&config, group)),
        ["r", bucket, dashboard] => {
            // The page says that it is not of that bucket.
            let scope = format!("scope={}", app::model::encode(&format!("gs://{bucket}")));
            let raw = if raw.is_empty() { format!("?{scope}") } else { format!("{raw}&{scope}") };
            Some(moved(&place(&config, dashboard)?, &raw))
        }
        ["r", bucket, _, "summary" | "table"] => {
            let error = format!(
                "This server reads one configuration, and the bucket {bucket} is not served here. \
                 Without /r/{bucket} the address gives what this server has."
            );
            let body = axum::Json(json!({"error": error}));
            Some((StatusCode::NOT_FOUND, CachePolicy::NoStore, body).into_response())
        }
        [name] if !name.is_empty() => Some(moved(&place(&config, name)?, &raw)),
        [dashboard, document] => {
            documents(grids, &config, dashboard, document, uri.query().unwrap_or_default(), headers)
                .await
        }
        _ => None,
    }
}

/// Where a dashboard or dashboard group of this name is. A dashboard with a default tab opens on it.
fn place(config: &GridConfig, name: &str) -> Option<String> {
    let configuration = &config.configuration;
    if let Ok(dashboard) = config.names.dashboard(configuration, name) {
        let default = dashboard.dashboard_tab.iter().find(|tab| tab.name == dashboard.default_tab);
        return Some(match default {
            Some(tab) => tab_href(&dashboard.name, &tab.name),
            None => place_href(&dashboard.name),
        });
    }
    config.names.dashboard_group(configuration, name).ok().map(|group| place_href(&group.name))
}

/// A browser keeps the fragment, in which TestGrid has tab and options.
fn moved(to: &str, query: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(&format!("{to}{query}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    (StatusCode::FOUND, CachePolicy::NoStore, [(header::LOCATION, location)]).into_response()
}

async fn documents(
    grids: &TestGrid,
    config: &GridConfig,
    dashboard: &str,
    document: &str,
    query: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    let board = config.names.dashboard(&config.configuration, dashboard).ok()?;
    match document {
        "summary" => {
            let mut summary = legacy::summary(&grids.summary(&board.name).ok()?);
            add_links(&mut summary, config, &board.name);
            Some(open(headers, &summary))
        }
        "table" => Some(table::table(grids, config, &board.name, query, headers).await),
        _ => None,
    }
}

/// The links that the summaries of the old pages have.
fn add_links(summary: &mut Value, config: &GridConfig, dashboard: &str) {
    let Some(tabs) = summary.as_object_mut() else { return };
    for (name, tab) in tabs {
        let Ok((_, found, _)) = config.tab(dashboard, name) else {
            continue;
        };
        if let (Some(tab), Some(template)) = (tab.as_object_mut(), &found.open_bug_template) {
            tab.insert("bug_url".to_owned(), json!(template.url));
        }
    }
}

fn tests_status(
    grids: &TestGrid,
    config: &GridConfig,
    (dashboard, tab): (&str, &str),
    as_svg: bool,
    headers: &HeaderMap,
) -> Response {
    let found = config.tab(dashboard, tab);
    let (board, tab, _) = match found {
        Ok(found) => found,
        Err(error) if as_svg => {
            let verdict = Verdict { text: "unknown".to_owned(), colour: "darkgrey" };
            tracing::debug!("a badge of nothing: {error}");
            return badge(dashboard, &verdict);
        }
        Err(error) => return missing(&error),
    };
    let summaries = grids.summary(&board.name).unwrap_or_default();
    let of_tab = summaries.tab_summaries.iter().find(|one| one.dashboard_tab_name == tab.name);
    let Some(of_tab) = of_tab else { return StatusCode::NOT_FOUND.into_response() };
    if !as_svg {
        return open(headers, &legacy::tests_status(of_tab));
    }
    let status = TabStatus::try_from(of_tab.overall_status).unwrap_or(TabStatus::Unknown);
    let (text, colour) = match status {
        TabStatus::Pass => ("passing", "#4c1"),
        TabStatus::Acceptable => ("acceptable", "#97ca00"),
        TabStatus::Flaky => ("flaky", "#7a3fd0"),
        TabStatus::Fail => ("failing", "#e05d44"),
        TabStatus::Broken => ("broken", "#c2185b"),
        TabStatus::Stale => ("stale", "darkgrey"),
        TabStatus::Pending => ("pending", "#007ec6"),
        TabStatus::NotSet | TabStatus::Unknown => ("unknown", "darkgrey"),
    };
    badge(&tab.name, &Verdict { text: text.to_owned(), colour })
}

fn badge(subject: &str, verdict: &Verdict) -> Response {
    let kind = [(header::CONTENT_TYPE, "image/svg+xml")];
    (CachePolicy::Short, kind, svg_of(subject, verdict)).into_response()
}

/// A tab and its group with everything that defaults gave them.
fn effective(config: &GridConfig, dashboard: &str, tab: &str) -> Response {
    let found = config.tab(dashboard, tab);
    let (board, tab, group) = match found {
        Ok(found) => found,
        Err(error) => return missing(&error),
    };
    let configuration = grid::proto::config::Configuration {
        test_groups: vec![group.clone()],
        dashboards: vec![grid::proto::config::Dashboard {
            name: board.name.clone(),
            dashboard_tab: vec![tab.clone()],
            ..Default::default()
        }],
        ..Default::default()
    };
    text(grid::config::to_yaml(&configuration))
}

fn test_group(config: &GridConfig, name: &str) -> Response {
    let Some(group) = config.group(name) else {
        return missing(&format!("Test group {name:?} not found"));
    };
    let configuration = grid::proto::config::Configuration {
        test_groups: vec![group.clone()],
        ..Default::default()
    };
    text(grid::config::to_yaml(&configuration))
}

fn text(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (CachePolicy::NoStore, kind, text).into_response()
}

fn missing(error: &dyn std::fmt::Display) -> Response {
    (StatusCode::NOT_FOUND, CachePolicy::NoStore, format!("{error}\n")).into_response()
}

/// JSON that scripts of any site may read, as TestGrid's.
fn open(headers: &HeaderMap, document: &impl serde::Serialize) -> Response {
    tagged_by_content(headers, document).unwrap_or_else(IntoResponse::into_response)
}

fn decoded(segment: &str) -> String {
    // A plus in a path is a plus.
    let pairs = app::model::query_pairs(&format!("s={}", segment.replace('+', "%2B")));
    pairs.into_iter().next().map(|(_, value)| value).unwrap_or_default()
}

/// The fallback of the router: an old address, else a page.
pub async fn or_page(
    web: super::state::SharedWeb,
    pages: super::pages::Pages,
    request: Request,
) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let headers = request.headers().clone();
    match answer(&web, &method, &uri, &headers).await {
        Some(response) => response,
        None => pages.render(request).await,
    }
}
