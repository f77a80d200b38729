//! The documents of the API.

use grid::api::v1::{self, dashboard_status, status_word};
use grid::api::{NameIndex, NotFound, legacy};
use grid::proto::Timestamp;
use grid::proto::config::Configuration;
use grid::proto::state::{AlertInfo, Column, Grid, Row};
use grid::proto::summary::{
    DashboardSummary, DashboardTabSummary, FailingTestSummary, HealthinessInfo, TabStatus,
    TestInfo, Trend,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{assembled, file};

fn configuration() -> Configuration {
    let text = "
test_groups: [{name: group-one, gcs_prefix: b/p}]
dashboards:
- name: Marco
  default_tab: polo
  downplay_failing_tabs: true
  notifications: [{summary: hello}]
  dashboard_tab:
  - name: polo
    test_group_name: group-one
    results_text: See these results
    results_url_template: {url: 'https://r/'}
    about_dashboard_url: https://about
    file_bug_template: {url: 'https://bug/', options: [{key: t, value: <test-name>}]}
    code_search_url_template: {url: 'https://c/'}
    column_diff_link_templates: [{name: More, url: 'https://d/'}]
  - {name: another, test_group_name: group-one}
- name: Alone
  dashboard_tab: [{name: tab, test_group_name: group-one}]
dashboard_groups: [{name: Second Group, dashboard_names: [Marco]}, {name: Empty Group}]
";
    assembled(&[file("a.yaml", text)]).configuration
}

fn json(document: impl Serialize) -> Value {
    serde_json::to_value(document).expect("a document")
}

#[test]
fn lists_are_sorted_and_link_by_normalized_names() {
    let c = configuration();
    let index = NameIndex::new(&c);
    assert_eq!(
        json(v1::list_dashboard_groups(&c, "")),
        json!({"dashboard_groups": [
            {"name": "Empty Group", "link": "/dashboard-groups/emptygroup"},
            {"name": "Second Group", "link": "/dashboard-groups/secondgroup"},
        ]})
    );
    assert_eq!(
        json(v1::list_dashboards(&c, &index, "gs://example")),
        json!({"dashboards": [
            {"name": "Alone", "link": "/dashboards/alone?scope=gs://example"},
            {"name": "Marco", "link": "/dashboards/marco?scope=gs://example", "dashboard_group_name": "Second Group"},
        ]})
    );
    let escaped = json(v1::list_dashboard_groups(&c, "gs://x&y=<z>"));
    assert_eq!(
        escaped["dashboard_groups"][0]["link"],
        "/dashboard-groups/emptygroup?scope=gs://x%26y%3D%3Cz%3E"
    );
    assert_eq!(
        json(v1::list_dashboard_tabs(&c, &index, "MARCO", "").unwrap())["dashboard_tabs"][0],
        json!({"name": "another", "link": "/dashboards/marco/tabs/another"})
    );
    assert_eq!(json(v1::get_dashboard_group(&c, &index, "empty-group", "").unwrap()), json!({}));
    assert_eq!(
        json(v1::get_dashboard(&c, &index, "marco").unwrap()),
        json!({"notifications": [{"summary": "hello"}], "default_tab": "polo", "suppress_failing_tabs": true})
    );
}

#[test]
fn unknown_names_are_not_found() {
    let c = configuration();
    let index = NameIndex::new(&c);
    assert_eq!(
        v1::get_dashboard(&c, &index, "nope").unwrap_err().to_string(),
        "Dashboard \"nope\" not found"
    );
    assert!(matches!(
        v1::get_dashboard_group(&c, &index, "x", ""),
        Err(NotFound::DashboardGroup(_))
    ));
    assert!(matches!(index.tab(&c, "marco", "x"), Err(NotFound::Tab { .. })));
    let mut lost = c.clone();
    lost.test_groups.clear();
    assert!(matches!(
        NameIndex::new(&lost).tab(&lost, "marco", "polo"),
        Err(NotFound::TestGroup { .. })
    ));
}

#[test]
fn a_tab_tells_its_links_and_options() {
    let c = configuration();
    let index = NameIndex::new(&c);
    let (_, tab, group) = index.tab(&c, "m-a-r-c-o", "POLO").unwrap();
    let document = json(v1::get_dashboard_tab(tab, group));
    assert_eq!(document["result_source"], json!({"gcs_config": {"gcs_prefix": "b/p"}}));
    assert_eq!(
        document["tab_menu_templates"],
        json!([{"text": "See these results", "url": "https://r/"}, {"text": "About this tab", "url": "https://about"}])
    );
    assert_eq!(document["cell_menu_templates"][0]["text"], "Open Test");
    assert_eq!(
        document["cell_menu_templates"][1],
        json!({"text": "File a Bug", "url": "https://bug/", "options": [{"key": "t", "value": "<test-name>"}]})
    );
    assert_eq!(
        document["column_diff_templates"],
        json!([{"text": "Search for Changes", "url": "https://c/"}, {"text": "More", "url": "https://d/"}])
    );
    assert_eq!(
        document["alert_options"],
        json!({"num_columns_recent": 10, "alert_stale_results_hours": 5, "num_passes_to_disable_alert": 2})
    );
}

#[test]
fn rows_are_expanded_and_blank_cells_take_no_text() {
    let grid = Grid {
        columns: vec![
            Column {
                build: "1".into(),
                started: 1_500.0,
                extra: vec!["c".into()],
                ..Column::default()
            };
            4
        ],
        rows: vec![
            Row {
                name: "row".into(),
                results: vec![1, 2, 0, 1, 12, 1],
                messages: ["a", "b", "c"].map(String::from).into(),
                icons: vec!["x".into()],
                alert_info: Some(AlertInfo {
                    fail_count: 1,
                    fail_time: Some(Timestamp { seconds: 915_166_800, nanos: 500_000_000 }),
                    ..AlertInfo::default()
                }),
                ..Row::default()
            },
            Row { name: "odd".into(), results: vec![1, 2, 3], ..Row::default() },
        ],
        ..Grid::default()
    };
    assert_eq!(
        json(v1::list_rows(&grid, 0..10)),
        json!({"rows": [
            {
                "name": "row",
                "cells": [
                    {"result": 1, "message": "a", "icon": "x"},
                    {"result": 1, "message": "b"},
                    {},
                    {"result": 12, "message": "c"},
                ],
                "alert": {"fail_count": 1, "fail_time": "1999-01-01T05:00:00.500Z"},
            },
            {"name": "odd"},
        ]})
    );
    let part = json(v1::list_rows(&grid, 1..3));
    assert_eq!(part["rows"][0]["cells"], json!([{"result": 1, "message": "b"}, {}]));
    let headers = json(v1::list_headers(&grid, 3..9));
    assert_eq!(
        headers,
        json!({"headers": [{"build": "1", "started": "1970-01-01T00:00:01.500Z", "extra": ["c"]}]})
    );
}

fn summaries() -> DashboardSummary {
    let tab = |name: &str, status: TabStatus| DashboardTabSummary {
        dashboard_name: "Marco".into(),
        dashboard_tab_name: name.into(),
        overall_status: status as i32,
        ..DashboardTabSummary::default()
    };
    let failing = |name: &str, count| FailingTestSummary {
        display_name: name.into(),
        fail_count: count,
        fail_timestamp: 915_166_800.0,
        ..FailingTestSummary::default()
    };
    let flaky = |name: &str, flakiness| TestInfo {
        display_name: name.into(),
        flakiness,
        change_from_last_interval: Trend::Up as i32,
        ..TestInfo::default()
    };
    DashboardSummary {
        tab_summaries: vec![
            DashboardTabSummary {
                last_run_timestamp: 915_166_800.0,
                status: "Tab stats".into(),
                failing_test_summaries: (1..=7).map(|n| failing(&n.to_string(), n)).collect(),
                healthiness: Some(HealthinessInfo {
                    tests: vec![flaky("calm", 0.0), flaky("low", 1.0), flaky("high", 50.0)],
                    average_flakiness: 17.0,
                    ..HealthinessInfo::default()
                }),
                ..tab("polo", TabStatus::Flaky)
            },
            tab("good", TabStatus::Acceptable),
            tab("new", TabStatus::Unknown),
        ],
    }
}

#[test]
fn summaries_name_the_worst_tests() {
    let document = json(v1::list_tab_summaries(&summaries()));
    let polo = &document["tab_summaries"][0];
    assert_eq!((&polo["overall_status"], &polo["tab_name"]), (&json!("FLAKY"), &json!("polo")));
    assert_eq!(polo["last_run_timestamp"], "1999-01-01T05:00:00Z");
    assert_eq!(polo["failures_summary"]["failure_stats"], json!({"num_failing_tests": 7}));
    let top = polo["failures_summary"]["top_failing_tests"].as_array().unwrap();
    assert_eq!(
        (top.len(), &top[0]["display_name"], &top[0]["fail_count"]),
        (5, &json!("7"), &json!(7))
    );
    let health = &polo["healthiness_summary"];
    assert_eq!(
        health["top_flaky_tests"][0],
        json!({"display_name": "high", "flakiness": 50.0, "change": "UP"})
    );
    assert_eq!(
        health["healthiness_stats"],
        json!({"num_flaky_tests": 2, "average_flakiness": 17.0, "previous_flakiness": -1.0})
    );
    assert_eq!(document["tab_summaries"][1]["overall_status"], "ACCEPTABLE");
    assert!(document["tab_summaries"][2].get("overall_status").is_none());
}

#[test]
fn a_dashboard_is_as_bad_as_its_worst_tab() {
    let status = json(dashboard_status("Marco", &summaries()));
    assert_eq!(
        status,
        json!({"name": "Marco", "overall_status": "FLAKY", "tab_status_count": {"": 1, "ACCEPTABLE": 1, "FLAKY": 1}})
    );
    assert_eq!(dashboard_status("x", &DashboardSummary::default()).overall_status, "UNKNOWN");
    assert_eq!((status_word(TabStatus::Broken as i32), status_word(99)), ("BROKEN", ""));
}

#[test]
fn old_documents_keep_their_form() {
    let document = legacy::summary(&summaries());
    let polo = &document["polo"];
    assert_eq!(polo["overall_status"], "FLAKY");
    assert_eq!(polo["overall_status_icon"], "remove_circle_outline");
    assert_eq!(polo["last_run_timestamp"], 915_166_800_000_i64);
    assert_eq!(polo["tests"][0]["fail_timestamp"], 915_166_800_000_i64);
    assert_eq!(document["new"]["overall_status"], "UNKNOWN");
    assert_eq!(document["new"]["healthiness"], json!({"tests": [], "previousFlakiness": -1.0}));
    assert_eq!(legacy::tests_status(&summaries().tab_summaries[0])["status"], "FLAKY");
    let c = configuration();
    assert_eq!(json(legacy::list(&c)), json!({"Alone": ["tab"], "Marco": ["polo", "another"]}));
}
