//! The names of the configuration's fields: one table per message.

use config_load::yaml::Node;
use serde_json::Value as Written;

use super::read::{
    Field, Fields, Reader, read_alternative, read_enumerated, read_enumerated_list, written_always,
};
use crate::proto::TestStatus;
use crate::proto::config::*;
use crate::proto::rules::*;

/// Implements [`Fields`]: plain names are fields of their own type; `names NAMES` marks enumerated
/// fields, `list NAMES` lists of them; `in slot as Variant` marks alternatives.
macro_rules! fields {
    ($($message:ty { $($key:ident $(($($how:tt)+))?),* $(,)? })*) => {$(
        impl Fields for $message {
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            fn set(&mut self, position: usize, node: &Node<'_>, at: &mut Reader<'_>) {
                let mut _index = 0;
                $(
                    if position == _index {
                        fields!(@set self, $key, node, at $(, $($how)+)?);
                        return;
                    }
                    _index += 1;
                )*
                let _ = (position, node, at);
            }

            fn get(&self, position: usize) -> Option<Written> {
                let mut _index = 0;
                $(
                    if position == _index {
                        return fields!(@get self, $key $(, $($how)+)?);
                    }
                    _index += 1;
                )*
                let _ = position;
                None
            }
        }
    )*};
    (@set $self:ident, $key:ident, $node:ident, $at:ident) => {
        $self.$key.read_nullable($node, $at)
    };
    (@set $self:ident, $key:ident, $node:ident, $at:ident, names $names:expr) => {
        read_enumerated(&mut $self.$key, $names.1, $names.0, $node, $at)
    };
    (@set $self:ident, $key:ident, $node:ident, $at:ident, list $names:expr) => {
        read_enumerated_list(&mut $self.$key, $names.1, $names.0, $node, $at)
    };
    (@set $self:ident, $key:ident, $node:ident, $at:ident, $slot:ident as $make:path) => {
        read_alternative(&mut $self.$slot, $make, $node, $at)
    };
    (@set $self:ident, $key:ident, $node:ident, $at:ident, $slot:ident as status $make:path) => {
        read_alternative(&mut $self.$slot, |status: StatusValue| $make(status.0), $node, $at)
    };
    (@get $self:ident, $key:ident) => {
        $self.$key.written()
    };
    (@get $self:ident, $key:ident, names $names:expr) => {
        $self.$key.written()
    };
    (@get $self:ident, $key:ident, list $names:expr) => {
        (!$self.$key.is_empty()).then(|| $self.$key.clone().into())
    };
    (@get $self:ident, $key:ident, $slot:ident as $make:path) => {
        match &$self.$slot {
            // An alternative that is chosen is written even with its zero value.
            Some($make(value)) => Some(written_always(value)),
            #[allow(unreachable_patterns, reason = "some slots have one alternative")]
            _ => None,
        }
    };
    (@get $self:ident, $key:ident, $slot:ident as status $make:path) => {
        match &$self.$slot {
            Some($make(value)) => Some((*value).into()),
            _ => None,
        }
    };
}

/// The prefix of an enumeration's names, and the names with their numbers.
type Names = (&'static str, &'static [(&'static str, i32)]);

const TESTS_NAMES: Names =
    ("TESTS_NAME_", &[("UNSPECIFIED", 0), ("IGNORE", 1), ("REPLACE", 2), ("APPEND", 3)]);
const FALLBACK_GROUPINGS: Names = (
    "FALLBACK_GROUPING_",
    &[("NONE", 0), ("DATE", 1), ("LABELS", 2), ("ID", 3), ("BUILD", 4), ("CONFIGURATION_VALUE", 5)],
);
const PRIMARY_GROUPINGS: Names = ("PRIMARY_GROUPING_", &[("NONE", 0), ("BUILD", 1)]);
const PRIORITIES: Names =
    ("PRIORITY_", &[("UNSPECIFIED", 0), ("P0", 1), ("P1", 2), ("P2", 3), ("P3", 4), ("P4", 5)]);
const IGNORED_STATUSES: Names = (
    "TEST_STATUS_",
    &[("UNSPECIFIED", 0), ("CATEGORIZED_ABORT", 1), ("UNKNOWN", 2), ("CANCEL", 3), ("BLOCKED", 4)],
);
const OPERATORS: Names = (
    "OP_",
    &[
        ("UNKNOWN", 0),
        ("EQ", 1),
        ("NE", 2),
        ("LT", 3),
        ("LE", 4),
        ("GT", 5),
        ("GE", 6),
        ("REGEX", 7),
        ("STARTS_WITH", 8),
        ("CONTAINS", 9),
    ],
);
const STATUSES: Names = (
    "",
    &[
        ("NO_RESULT", TestStatus::NoResult as i32),
        ("PASS", TestStatus::Pass as i32),
        ("PASS_WITH_ERRORS", TestStatus::PassWithErrors as i32),
        ("PASS_WITH_SKIPS", TestStatus::PassWithSkips as i32),
        ("RUNNING", TestStatus::Running as i32),
        ("CATEGORIZED_ABORT", TestStatus::CategorizedAbort as i32),
        ("UNKNOWN", TestStatus::Unknown as i32),
        ("CANCEL", TestStatus::Cancel as i32),
        ("BLOCKED", TestStatus::Blocked as i32),
        ("TIMED_OUT", TestStatus::TimedOut as i32),
        ("CATEGORIZED_FAIL", TestStatus::CategorizedFail as i32),
        ("BUILD_FAIL", TestStatus::BuildFail as i32),
        ("FAIL", TestStatus::Fail as i32),
        ("FLAKY", TestStatus::Flaky as i32),
        ("TOOL_FAIL", TestStatus::ToolFail as i32),
        ("BUILD_PASSED", TestStatus::BuildPassed as i32),
    ],
);

/// A status as the value of a comparison: a number or a name.
#[derive(Default)]
struct StatusValue(i32);

impl Field for StatusValue {
    fn read(&mut self, node: &Node<'_>, at: &mut Reader<'_>) {
        read_enumerated(&mut self.0, STATUSES.1, STATUSES.0, node, at);
    }

    fn written(&self) -> Option<Written> {
        self.0.written()
    }
}

fields! {
    Configuration { test_groups, dashboards, dashboard_groups }
    DashboardGroup { name, dashboard_names, description }
    Dashboard {
        dashboard_tab, name, notifications, default_tab, highlight_failing_tabs, highlight_today,
        downplay_failing_tabs, description,
    }
    Notification { summary, context_link }
    LinkTemplate { url, options, name }
    LinkOptionsTemplate { key, value }
    TestGroup {
        name, gcs_prefix, days_of_results, ignore_pending, ignore_built,
        tests_name_policy(names TESTS_NAMES), ignore_test_substring, column_header,
        fallback_grouping(names FALLBACK_GROUPINGS), alert_stale_results_hours,
        num_failures_to_alert, bug_component, code_search_path, num_columns_recent,
        use_test_metadata, alert_mail_to_addresses, alert_mail_subject, alert_mail_failure_message,
        alert_mail_debug_url, min_elapsed_minutes_between_mails, enable_flaky_status,
        use_kubernetes_client, is_external, test_name_config, notifications,
        primary_grouping(names PRIMARY_GROUPINGS), enable_test_methods, test_annotations,
        max_test_methods_per_test, test_metadata_options, test_tag_pattern, auto_bug_options,
        max_test_runtime_hours, num_passes_to_disable_alert, link_bugs_by_group,
        test_method_properties, gather_bugs, short_text_metric, build_override_configuration_value,
        link_bugs_by_test_methods, test_method_match_regex, use_full_method_names,
        fallback_grouping_configuration_value, result_source, custom_evaluator_rule_set,
        read_state_from_storage, ignore_old_results, ignore_skip, build_override_strftime,
        user_property, disable_merged_status, test_method_unmatch_regex, disable_prowjob_analysis,
        issue_gather_options,
    }
    ColumnHeader { label, property, configuration_value, list_all_values }
    TestAnnotation {
        short_text,
        property_name(short_text_message_source as ShortTextMessageSource::PropertyName),
    }
    KeyValue { key, value }
    ResultSource {
        gcs_config(result_source_config as ResultSourceConfig::GcsConfig),
        resultstore_config(result_source_config as ResultSourceConfig::ResultstoreConfig),
    }
    GcsConfig { gcs_prefix, pubsub_project, pubsub_subscription }
    ResultStoreConfig { project, query }
    TestNameConfig { name_elements, name_format }
    NameElement { labels, target_config, build_target, tags, test_property }
    TestMetadataOptions { test_name_regex, bug_component, owner, cc, message_regex }
    IssueGatherOptions {}
    AutoBugOptions {
        auto_close, hotlist_ids, priority(names PRIORITIES), hotlist_ids_from_source,
        file_individual, singleton_autobug, max_allowed_individual_bugs, file_overall,
        default_test_metadata, beta_autobug_component, advanced_test_metadata, file_stale,
        ignore_overall, note,
    }
    HotlistIdFromSource {
        value(hotlist_id_source as HotlistIdSource::Value),
        label(hotlist_id_source as HotlistIdSource::Label),
    }
    DefaultTestMetadata { bug_component, owner, cc }
    DashboardTab {
        name, test_group_name, bug_component, code_search_path, num_columns_recent, base_options,
        open_test_template, file_bug_template, attach_bug_template, results_text,
        results_url_template, code_search_url_template, description, tabular_names_regex,
        alert_options, about_dashboard_url, open_bug_template, auto_file_bugs, display_local_time,
        context_menu_template, broken_column_threshold, beta_autobug_options,
        health_analysis_options, flakiness_alert_options, column_diff_link_templates,
        status_customization_options, additional_test_group_names,
    }
    DashboardTabAlertOptions {
        alert_stale_results_hours, num_failures_to_alert, alert_mail_to_addresses,
        num_passes_to_disable_alert, subject, debug_url, debug_message,
        wait_minutes_between_emails, alert_mail_failure_message,
    }
    DashboardTabFlakinessAlertOptions {
        minimum_flakiness_to_alert, alert_mail_to_addresses, subject, wait_minutes_between_emails,
        alert_mail_failure_message,
    }
    DashboardTabStatusCustomizationOptions {
        max_acceptable_flakiness, ignored_test_statuses(list IGNORED_STATUSES),
        min_acceptable_runs,
    }
    HealthAnalysisOptions {
        enable, days_of_analysis, email_schedule, email_recipients, grouping_regex,
    }
    RuleSet { rules }
    Rule { test_result_comparisons, computed_status(names STATUSES) }
    TestResultComparison {
        comparison,
        property_key(test_result_info as TestResultInfo::PropertyKey),
        test_result_field(test_result_info as TestResultInfo::TestResultField),
        test_result_error_field(test_result_info as TestResultInfo::TestResultErrorField),
        target_status(test_result_info as TestResultInfo::TargetStatus),
    }
    Comparison {
        op(names OPERATORS),
        string_value(comparison_value as ComparisonValue::StringValue),
        numerical_value(comparison_value as ComparisonValue::NumericalValue),
        target_status_value(comparison_value as status ComparisonValue::TargetStatusValue),
    }
    DefaultConfiguration { default_test_group, default_dashboard_tab }
}
