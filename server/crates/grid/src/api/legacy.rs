//! The documents of TestGrid's old pages, which exporters and reporters still read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::v1::status_word;
use crate::proto::config::Configuration;
use crate::proto::summary::{
    DashboardSummary, DashboardTabSummary, FailingTestSummary, HealthinessInfo,
};

/// `GET /<dashboard>/summary`: an object keyed by tab. Times of runs and tests are in milliseconds
/// since the epoch, those of updates in seconds.
pub fn summary(summary: &DashboardSummary) -> Value {
    let tabs = summary.tab_summaries.iter().map(|tab| (tab.dashboard_tab_name.clone(), entry(tab)));
    Value::Object(tabs.collect::<Map<String, Value>>())
}

/// `GET /q/list`: the names of the tabs by dashboard.
pub fn list(configuration: &Configuration) -> BTreeMap<&str, Vec<&str>> {
    let boards = configuration.dashboards.iter().map(|dashboard| {
        let tabs = dashboard.dashboard_tab.iter().map(|tab| tab.name.as_str());
        (dashboard.name.as_str(), tabs.collect())
    });
    boards.collect()
}

/// `GET /q/summary/<dashboard>/<tab>/tests_status`: the status of a tab alone.
pub fn tests_status(tab: &DashboardTabSummary) -> Value {
    json!({
        "dashboard": tab.dashboard_name,
        "tab": tab.dashboard_tab_name,
        "status": word(tab.overall_status),
        "message": tab.status,
    })
}

/// The name of the Material icon that the old pages show for a status.
pub fn status_icon(status: i32) -> &'static str {
    match status_word(status) {
        "PASSING" => "done",
        "FAILING" => "warning",
        "FLAKY" => "remove_circle_outline",
        "STALE" => "error_outline",
        "BROKEN" => "broken_image",
        "PENDING" => "schedule",
        "ACCEPTABLE" => "add_circle_outline",
        _ => "help_outline",
    }
}

fn word(status: i32) -> &'static str {
    match status_word(status) {
        "" => "UNKNOWN",
        word => word,
    }
}

fn millis(seconds: f64) -> i64 {
    // The cast saturates.
    (seconds * 1000.0) as i64
}

fn entry(tab: &DashboardTabSummary) -> Value {
    json!({
        "alert": tab.alert,
        "last_run_timestamp": millis(tab.last_run_timestamp),
        "last_update_timestamp": tab.last_update_timestamp as i64,
        "latest_green": tab.latest_green,
        "overall_status": word(tab.overall_status),
        "overall_status_icon": status_icon(tab.overall_status),
        "status": tab.status,
        "tests": tab.failing_test_summaries.iter().map(test).collect::<Vec<_>>(),
        "dashboard_name": tab.dashboard_name,
        "healthiness": healthiness(tab.healthiness.as_ref()),
        "bug_url": tab.bug_url,
    })
}

fn test(test: &FailingTestSummary) -> Value {
    json!({
        "display_name": test.display_name,
        "test_name": test.test_name,
        "fail_count": test.fail_count,
        "fail_timestamp": millis(test.fail_timestamp),
        "pass_timestamp": millis(test.pass_timestamp),
        "fail_build_id": test.fail_build_id,
        "pass_build_id": test.pass_build_id,
        "latest_fail_build_id": test.latest_fail_build_id,
        "build_link": test.build_link,
        "build_link_text": test.build_link_text,
        "build_url_text": test.build_url_text,
        "failure_message": test.failure_message,
        "linked_bugs": test.linked_bugs,
        "fail_test_link": test.fail_test_link,
        "latest_fail_test_link": test.latest_fail_test_link,
        "properties": test.properties,
        "hotlist_ids": test.hotlist_ids,
        "email_addresses": test.email_addresses,
        "custom_column_headers": test.custom_column_headers,
    })
}

fn healthiness(health: Option<&HealthinessInfo>) -> Value {
    let tests = health.map(|health| health.tests.as_slice()).unwrap_or_default();
    let tests = tests.iter().map(|test| {
        json!({
            "displayName": test.display_name,
            "flakiness": test.flakiness,
            "totalNonInfraRuns": test.total_non_infra_runs,
            "passedNonInfraRuns": test.passed_non_infra_runs,
            "failedNonInfraRuns": test.failed_non_infra_runs,
            "failedInfraRuns": test.failed_infra_runs,
        })
    });
    let previous = health.and_then(|health| health.previous_flakiness.first().copied());
    json!({
        "tests": tests.collect::<Vec<_>>(),
        "previousFlakiness": previous.unwrap_or(-1.0),
    })
}
