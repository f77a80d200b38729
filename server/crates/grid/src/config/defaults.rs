//! Default values: exactly the fields that TestGrid fills, and no others.
//!
//! A field is filled where it has its zero value, so `false` or 0 cannot be said against a default,
//! and a tab with any alert option of its own gets none of the default ones.

use crate::proto::config::{DashboardTab, TestGroup, TestsName};

/// Fills a group's unset fields.
pub fn fill_test_group(group: &mut TestGroup, default: &TestGroup) {
    number(&mut group.days_of_results, default.days_of_results);
    if group.tests_name_policy == TestsName::Unspecified as i32 {
        group.tests_name_policy = default.tests_name_policy;
    }
    group.ignore_pending |= default.ignore_pending;
    group.ignore_skip |= default.ignore_skip;
    if group.column_header.is_empty() {
        group.column_header.clone_from(&default.column_header);
    }
    number(&mut group.num_columns_recent, default.num_columns_recent);
    number(&mut group.alert_stale_results_hours, default.alert_stale_results_hours);
    number(&mut group.num_failures_to_alert, default.num_failures_to_alert);
    text(&mut group.code_search_path, &default.code_search_path);
    number(&mut group.num_passes_to_disable_alert, default.num_passes_to_disable_alert);
    // Every group has been external and read by the Kubernetes client since there was only one.
    group.is_external = true;
    group.use_kubernetes_client = true;
}

/// Fills a tab's unset fields.
pub fn fill_dashboard_tab(tab: &mut DashboardTab, default: &DashboardTab) {
    number(&mut tab.bug_component, default.bug_component);
    text(&mut tab.code_search_path, &default.code_search_path);
    number(&mut tab.num_columns_recent, default.num_columns_recent);
    message(&mut tab.open_test_template, &default.open_test_template);
    message(&mut tab.file_bug_template, &default.file_bug_template);
    message(&mut tab.attach_bug_template, &default.attach_bug_template);
    text(&mut tab.results_text, &default.results_text);
    message(&mut tab.results_url_template, &default.results_url_template);
    message(&mut tab.code_search_url_template, &default.code_search_url_template);
    message(&mut tab.alert_options, &default.alert_options);
    message(&mut tab.open_bug_template, &default.open_bug_template);
}

fn number(value: &mut i32, default: i32) {
    if *value == 0 {
        *value = default;
    }
}

fn text(value: &mut String, default: &str) {
    if value.is_empty() {
        default.clone_into(value);
    }
}

fn message<M: Clone>(value: &mut Option<M>, default: &Option<M>) {
    if value.is_none() {
        value.clone_from(default);
    }
}
