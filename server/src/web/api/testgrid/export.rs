//! Exports: a tab's grid as CSV, the status of every tab as OpenMetrics.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use grid::api::v1::status_word;

use super::{Asked, OfTab, TabPath, tagged};
use crate::web::cache::CachePolicy;
use crate::web::error::HttpResult;

/// The grid of a tab as CSV: a line for each filled cell.
#[utoipa::path(
    get, path = "/api/v1/dashboards/{dashboard}/tabs/{tab}/rows.csv", tag = "testgrid",
    params(
        TabPath,
        ("days" = Option<u32>, Query, description = "how far back it goes, if not as the tab says"),
    ),
    responses((status = 200, description = "test, build, started, status, text, message: one line for each result.", content_type = "text/csv", body = String), (status = 404, description = "No such tab.")),
)]
pub async fn csv(of: OfTab, headers: HeaderMap) -> HttpResult<Response> {
    let found = of.grid().await?;
    let grid = &found.assembled.grid;
    let mut answer = tagged(&headers, &found.version, "text/csv; charset=utf-8", || {
        let started = grid.started_ms();
        let started: Vec<String> =
            started.iter().map(|ms| app::model::time::rfc3339(*ms)).collect();
        let mut out = String::from("test,build,started,status,text,message\r\n");
        for row in &grid.rows {
            for (at, cell) in row.cells().enumerate().filter(|(_, cell)| cell.status.is_filled()) {
                let fields = [
                    row.name.as_str(),
                    grid.columns.build.get(at).map_or("", String::as_str),
                    started.get(at).map_or("", String::as_str),
                    cell.status.name(),
                    grid.text(cell.icon),
                    grid.text(cell.message),
                ];
                for (number, field) in fields.into_iter().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    add_field(&mut out, field);
                }
                out.push_str("\r\n");
            }
        }
        Ok(out.into_bytes())
    })?;
    let name = HeaderValue::from_static("attachment; filename=\"grid.csv\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}

/// A field of CSV; one that a spreadsheet would take for a formula is quoted with an apostrophe.
fn add_field(out: &mut String, field: &str) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_plain = !is_formula && !field.contains(['"', ',', '\n', '\r']);
    if is_plain {
        out.push_str(field);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    out.push_str(&field.replace('"', "\"\""));
    out.push('"');
}

/// The status of every tab as OpenMetrics.
#[utoipa::path(
    get, path = "/api/v1/testgrid/metrics", tag = "testgrid",
    responses((status = 200, description = "`testgrid_tab_status` (1 for the status that a tab has), `testgrid_tab_last_run_seconds`, `testgrid_tab_updated_seconds`, `testgrid_tab_failing_tests`.", content_type = "application/openmetrics-text", body = String)),
)]
pub async fn metrics(asked: Asked) -> HttpResult<Response> {
    let (grids, config) = (&asked.grids, &asked.config);
    let mut statuses = String::new();
    let (mut runs, mut updates, mut failing) = (String::new(), String::new(), String::new());
    for dashboard in &config.configuration.dashboards {
        let Ok(summary) = grids.summary(&dashboard.name) else { continue };
        for tab in &summary.tab_summaries {
            let labels = format!(
                "dashboard=\"{}\",tab=\"{}\"",
                label(&tab.dashboard_name),
                label(&tab.dashboard_tab_name)
            );
            let word = match status_word(tab.overall_status) {
                "" => "UNKNOWN",
                word => word,
            };
            statuses.push_str(&format!("testgrid_tab_status{{{labels},status=\"{word}\"}} 1\n"));
            let tests = tab.failing_test_summaries.len();
            failing.push_str(&format!("testgrid_tab_failing_tests{{{labels}}} {tests}\n"));
            for (out, name, seconds) in [
                (&mut runs, "testgrid_tab_last_run_seconds", tab.last_run_timestamp),
                (&mut updates, "testgrid_tab_updated_seconds", tab.last_update_timestamp),
            ] {
                if seconds > 0.0 {
                    out.push_str(&format!("{name}{{{labels}}} {seconds}\n"));
                }
            }
        }
    }
    let text = format!(
        "# TYPE testgrid_tab_status gauge\n\
         # HELP testgrid_tab_status 1 for the status that the tab has.\n{statuses}\
         # TYPE testgrid_tab_last_run_seconds gauge\n\
         # UNIT testgrid_tab_last_run_seconds seconds\n\
         # HELP testgrid_tab_last_run_seconds When the newest build of the tab began.\n{runs}\
         # TYPE testgrid_tab_updated_seconds gauge\n\
         # UNIT testgrid_tab_updated_seconds seconds\n\
         # HELP testgrid_tab_updated_seconds When builds of the tab were last looked for.\n{updates}\
         # TYPE testgrid_tab_failing_tests gauge\n\
         # HELP testgrid_tab_failing_tests Tests that fail as often in a row as opens an alert.\n{failing}\
         # EOF\n"
    );
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((CachePolicy::NoStore, [(header::CONTENT_TYPE, KIND)], text).into_response())
}

fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_field_is_quoted_where_it_must_be_and_is_never_a_formula() {
        let table = [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
        ];
        for (field, written) in table {
            let mut out = String::new();
            super::add_field(&mut out, field);
            assert_eq!(out, written);
        }
    }
}
