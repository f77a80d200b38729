//! TestGrid's old addresses: `/<dashboard>`, `/<dashboard>/summary`, `/<dashboard>/table`, `/q/…` and
//! `/r/<bucket>/<dashboard>`. Bookmarks, badges, exporters and reporters use them.
//!
//! They are looked up where no other address fits, so that a dashboard cannot take a page's place; one
//! whose name is that of a page is at `/testgrid/<dashboard>`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use grid::api::legacy;
use grid::proto::summary::TabStatus;
use serde_json::{Map, Value, json};

use super::backend_impl::testgrid::{place_href, tab::header_label, tab_href};
use super::badge::{Verdict, svg_of};
use super::cache::CachePolicy;
use super::state::Web;
use crate::testgrid::TestGrid;
use crate::testgrid::config::GridConfig;
use crate::testgrid::service::TabGrid;

/// The answer for an old address; nothing if the path is none.
pub async fn answer(web: &Web, method: &Method, uri: &Uri) -> Option<Response> {
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
        ["q", "list"] => Some(open(&legacy::list(&config.configuration))),
        ["q", "summary", dashboard, tab, "tests_status"] => {
            let as_svg = query.iter().any(|(key, value)| key == "style" && value == "svg");
            Some(tests_status(grids, &config, dashboard, tab, as_svg))
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
        [dashboard, document] => documents(grids, &config, dashboard, document, &query).await,
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
    query: &[(String, String)],
) -> Option<Response> {
    let board = config.names.dashboard(&config.configuration, dashboard).ok()?;
    match document {
        "summary" => {
            let mut summary = legacy::summary(&grids.summary(&board.name).ok()?);
            add_links(&mut summary, config, &board.name);
            Some(open(&summary))
        }
        "table" => {
            let tab = query.iter().find(|(key, _)| key == "tab").map(|(_, tab)| tab.as_str());
            Some(table(grids, config, &board.name, tab.unwrap_or_default()).await)
        }
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
    dashboard: &str,
    tab: &str,
    as_svg: bool,
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
        return open(&legacy::tests_status(of_tab));
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
fn open(document: &impl serde::Serialize) -> Response {
    let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (CachePolicy::NoStore, anybody, axum::Json(document)).into_response()
}

/// `/<dashboard>/table`: the grid as the old page got it.
async fn table(grids: &TestGrid, config: &GridConfig, dashboard: &str, tab: &str) -> Response {
    let (board, tab, group) = match config.tab(dashboard, tab) {
        Ok(found) => found,
        Err(error) => return missing(&error),
    };
    let found = match grids.grid(&board.name, &tab.name, None).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!("{error:?}");
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
        }
    };
    let summary = grids.tab(&board.name, &tab.name).map(|state| state.summary.clone());
    let page = &found.assembled.grid;
    let columns = &page.columns;
    let width = columns.build.len();
    let template = |link: &Option<grid::proto::config::LinkTemplate>| match link {
        Some(link) => {
            let options: Map<String, Value> =
                link.options.iter().map(|o| (o.key.clone(), json!(o.value))).collect();
            json!({"url": link.url, "name": link.name, "options": options})
        }
        None => json!({"url": "", "name": "", "options": {}}),
    };
    let header = |values: &Vec<u32>| -> Vec<&str> {
        let runs = values.chunks_exact(2);
        runs.flat_map(|run| std::iter::repeat_n(page.text(run[0]), run[1] as usize)).collect()
    };
    let stale = page.rows.iter().filter(|row| is_stale(row, found.recent)).count();
    let notifications = board.notifications.iter().chain(&group.notifications);
    open(&json!({
        "test-group-name": group.name,
        "query": group.gcs_prefix,
        "status": format!("Served {} rows of {width} columns", page.rows.len()),
        "cached": false,
        "summary": "",
        "bugs": {},
        "changelists": columns.build,
        "column_ids": (0..width).map(|at| {
            format!("{}\u{e000}{}", columns.name_of(at), columns.build[at])
        }).collect::<Vec<_>>(),
        "custom-columns": columns.headers.iter().map(header).collect::<Vec<_>>(),
        "column-header-names": (0..columns.headers.len())
            .map(|at| header_label(group, at)).collect::<Vec<_>>(),
        "groups": [],
        "metrics": found.assembled.metrics,
        "tests": page.rows.iter().map(|row| test(row, &found)).collect::<Vec<_>>(),
        "row_ids": page.rows.iter().map(|row| row.id.as_deref().unwrap_or(&row.name))
            .collect::<Vec<_>>(),
        "timestamps": page.started_ms(),
        "clusters": null,
        "test_id_map": null,
        "test-metadata": {},
        "stale-test-threshold": found.recent,
        "num-stale-tests": stale,
        "add-tabular-names-option": !tab.tabular_names_regex.is_empty(),
        "show-tabular-names": !tab.tabular_names_regex.is_empty(),
        "description": tab.description,
        "bug-component": tab.bug_component,
        "code-search-path": tab.code_search_path,
        "open-test-template": template(&tab.open_test_template),
        "file-bug-template": template(&tab.file_bug_template),
        "attach-bug-template": template(&tab.attach_bug_template),
        "results-url-template": template(&tab.results_url_template),
        "code-search-url-template": template(&tab.code_search_url_template),
        "open-bug-template": template(&tab.open_bug_template),
        "context-menu-template": template(&tab.context_menu_template),
        "column-diff-link-templates": tab.column_diff_link_templates.iter()
            .map(|link| template(&Some(link.clone()))).collect::<Vec<_>>(),
        "about-dashboard-url": tab.about_dashboard_url,
        "results-text": tab.results_text,
        "latest-green": summary.as_ref().map_or("", |summary| summary.latest_green.as_str()),
        "triage-enabled": false,
        "notifications": notifications.map(|notice| {
            json!({"summary": notice.summary, "context_link": notice.context_link})
        }).collect::<Vec<_>>(),
        "overall-status": summary.as_ref().map_or(0, |summary| summary.overall_status),
    }))
}

fn is_stale(row: &grid::columnar::PageRow, recent: usize) -> bool {
    matches!(row.statuses[..], [0, run, ..] if run as usize >= recent)
}

/// A row of the old page's table. Messages and short texts are one per column.
fn test(row: &grid::columnar::PageRow, found: &TabGrid) -> Value {
    let page = &found.assembled.grid;
    let runs = row.statuses.chunks_exact(2);
    let texts = |text: fn(&grid::columnar::PageCell) -> u32| -> Vec<&str> {
        row.cells().map(|cell| page.text(text(&cell))).collect()
    };
    json!({
        "name": row.name,
        "original-name": row.id.as_deref().unwrap_or(&row.name),
        "target": row.id.as_deref().unwrap_or(&row.name),
        "alert": row.alert.as_ref().map(|alert| json!({
            "fail-build-id": alert.fail_build,
            "fail-count": alert.fail_count,
            "fail-time": alert.fail_seconds,
            "message": alert.message,
            "pass-build-id": alert.pass_build,
            "pass-time": alert.pass_seconds,
            "test-name": row.name,
        })),
        "linked_bugs": row.issues,
        "messages": texts(|cell| cell.message),
        "short_texts": texts(|cell| cell.icon),
        "statuses": runs.map(|run| json!({"value": run[0], "count": run[1]})).collect::<Vec<_>>(),
        "user_property": texts(|cell| cell.user_property),
    })
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
    match answer(&web, &method, &uri).await {
        Some(response) => response,
        None => pages.render(request).await,
    }
}
