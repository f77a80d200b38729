//! The summary of a dashboard: one entry per tab.

use std::collections::BTreeMap;

use super::Timestamp;

/// The summaries of a dashboard's tabs, in the order of the configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DashboardSummary {
    /// One per tab.
    #[prost(message, repeated, tag = "1")]
    pub tab_summaries: Vec<DashboardTabSummary>,
}

/// How a tab does.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DashboardTabSummary {
    /// The dashboard.
    #[prost(string, tag = "1")]
    pub dashboard_name: String,
    /// The tab.
    #[prost(string, tag = "2")]
    pub dashboard_tab_name: String,
    /// Why the tab is stale or could not be summarized; empty if neither.
    #[prost(string, tag = "3")]
    pub alert: String,
    /// The tests that fail too often.
    #[prost(message, repeated, tag = "4")]
    pub failing_test_summaries: Vec<FailingTestSummary>,
    /// When the grid changed last, in seconds since the epoch.
    #[prost(double, tag = "5")]
    pub last_update_timestamp: f64,
    /// The status in a sentence with its numbers.
    #[prost(string, tag = "6")]
    pub status: String,
    /// The status.
    #[prost(enumeration = "TabStatus", tag = "7")]
    pub overall_status: i32,
    /// The newest build in which everything passed.
    #[prost(string, tag = "8")]
    pub latest_green: String,
    /// When the newest column began, in seconds since the epoch.
    #[prost(double, tag = "9")]
    pub last_run_timestamp: f64,
    /// Where issues are.
    #[prost(string, tag = "10")]
    pub bug_url: String,
    /// How flaky the tests are, where the tab wants to know.
    #[prost(message, optional, tag = "12")]
    pub healthiness: Option<HealthinessInfo>,
    /// Issues of the tab's rows.
    #[prost(string, repeated, tag = "13")]
    pub linked_issues: Vec<String>,
    /// What the mailer remembers.
    #[prost(message, optional, tag = "14")]
    pub alerting_data: Option<AlertingData>,
    /// Deprecated in favour of [`TabStatus::Acceptable`].
    #[prost(bool, tag = "15")]
    pub acceptably_flaky: bool,
    /// The numbers behind the status.
    #[prost(message, optional, tag = "16")]
    pub summary_metrics: Option<DashboardTabSummaryMetrics>,
}

/// The status of a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum TabStatus {
    /// Nothing was written.
    NotSet = 0,
    /// There is nothing to judge.
    Unknown = 1,
    /// Everything passed in the recent columns.
    Pass = 2,
    /// A test fails too often.
    Fail = 3,
    /// Something failed in the recent columns, but no test too often.
    Flaky = 4,
    /// There are no recent results.
    Stale = 5,
    /// Too much of a recent column failed.
    Broken = 6,
    /// There are too few results to judge.
    Pending = 7,
    /// Flaky, but not more than the tab accepts.
    Acceptable = 8,
}

/// A test that fails too often.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FailingTestSummary {
    /// What is shown.
    #[prost(string, tag = "1")]
    pub display_name: String,
    /// The row's id.
    #[prost(string, tag = "2")]
    pub test_name: String,
    /// The build that failed first.
    #[prost(string, tag = "3")]
    pub fail_build_id: String,
    /// When it began, in seconds since the epoch.
    #[prost(double, tag = "4")]
    pub fail_timestamp: f64,
    /// The last build that passed before.
    #[prost(string, tag = "5")]
    pub pass_build_id: String,
    /// When it began, in seconds since the epoch.
    #[prost(double, tag = "6")]
    pub pass_timestamp: f64,
    /// Failures since then.
    #[prost(int32, tag = "7")]
    pub fail_count: i32,
    /// Where the build is shown.
    #[prost(string, tag = "8")]
    pub build_link: String,
    /// What the link says.
    #[prost(string, tag = "9")]
    pub build_link_text: String,
    /// What stands before the link.
    #[prost(string, tag = "10")]
    pub build_url_text: String,
    /// The message of the newest failure.
    #[prost(string, tag = "11")]
    pub failure_message: String,
    /// Issues about the test.
    #[prost(string, repeated, tag = "12")]
    pub linked_bugs: Vec<String>,
    /// The first failure.
    #[prost(string, tag = "13")]
    pub fail_test_link: String,
    /// The build that failed last.
    #[prost(string, tag = "14")]
    pub latest_fail_build_id: String,
    /// Properties of the newest failure.
    #[prost(btree_map = "string, string", tag = "15")]
    pub properties: BTreeMap<String, String>,
    /// Hotlists of the build that failed first.
    #[prost(string, repeated, tag = "16")]
    pub hotlist_ids: Vec<String>,
    /// The newest failure.
    #[prost(string, tag = "17")]
    pub latest_fail_test_link: String,
    /// Whom the build that failed first wants to be told.
    #[prost(string, repeated, tag = "18")]
    pub email_addresses: Vec<String>,
    /// The column's headers by name.
    #[prost(btree_map = "string, string", tag = "19")]
    pub custom_column_headers: BTreeMap<String, String>,
}

/// How flaky the tests of a tab are.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthinessInfo {
    /// Begin of the interval.
    #[prost(message, optional, tag = "1")]
    pub start: Option<Timestamp>,
    /// End of the interval.
    #[prost(message, optional, tag = "2")]
    pub end: Option<Timestamp>,
    /// The tests.
    #[prost(message, repeated, tag = "3")]
    pub tests: Vec<TestInfo>,
    /// The mean over the tests, in percent.
    #[prost(float, tag = "4")]
    pub average_flakiness: f32,
    /// The same for the intervals before, newest first.
    #[prost(float, repeated, tag = "5")]
    pub previous_flakiness: Vec<f32>,
}

/// How flaky a test is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TestInfo {
    /// The test.
    #[prost(string, tag = "1")]
    pub display_name: String,
    /// Runs that the infrastructure did not spoil.
    #[prost(int32, tag = "2")]
    pub total_non_infra_runs: i32,
    /// Those that passed.
    #[prost(int32, tag = "3")]
    pub passed_non_infra_runs: i32,
    /// Those that failed.
    #[prost(int32, tag = "4")]
    pub failed_non_infra_runs: i32,
    /// Runs that the infrastructure spoiled.
    #[prost(int32, tag = "5")]
    pub failed_infra_runs: i32,
    /// All runs that passed or failed.
    #[prost(int32, tag = "6")]
    pub total_runs_with_infra: i32,
    /// Other runs, such as flaky ones.
    #[prost(int32, tag = "7")]
    pub other_runs: i32,
    /// In percent.
    #[prost(float, tag = "8")]
    pub flakiness: f32,
    /// Against the interval before.
    #[prost(enumeration = "Trend", tag = "9")]
    pub change_from_last_interval: i32,
    /// The intervals before, newest first.
    #[prost(float, repeated, tag = "10")]
    pub previous_flakiness: Vec<f32>,
    /// How often which infrastructure failure was seen.
    #[prost(btree_map = "string, int32", tag = "11")]
    pub infra_failures: BTreeMap<String, i32>,
}

/// How a number changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Trend {
    /// There is nothing to compare with.
    Unknown = 0,
    /// Not at all.
    NoChange = 1,
    /// It grew.
    Up = 2,
    /// It shrank.
    Down = 3,
}

/// What the mailer remembers of a tab.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct AlertingData {
    /// When the last mail went out.
    #[prost(message, optional, tag = "1")]
    pub last_email_time: Option<Timestamp>,
}

/// Counts of recent columns.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct DashboardTabSummaryMetrics {
    /// Columns with a result.
    #[prost(int32, tag = "1")]
    pub completed_columns: i32,
    /// Columns in which nothing failed.
    #[prost(int32, tag = "2")]
    pub passing_columns: i32,
    /// Columns that the tab's options leave out.
    #[prost(int32, tag = "3")]
    pub ignored_columns: i32,
}
