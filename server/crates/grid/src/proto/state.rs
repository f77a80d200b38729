//! The grid of a test group or of a dashboard tab.

use std::collections::BTreeMap;

use super::Timestamp;
use super::config::TestGroup;

/// Columns (builds) and rows (tests) with their cells.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Grid {
    /// The builds, newest first.
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Column>,
    /// The tests, in natural order of their names.
    #[prost(message, repeated, tag = "2")]
    pub rows: Vec<Row>,
    /// The group's configuration when the grid was written.
    #[prost(message, optional, tag = "4")]
    pub config: Option<TestGroup>,
    /// When the grid was written, in seconds since the epoch.
    #[prost(double, tag = "6")]
    pub last_time_updated: f64,
    /// How long the phases of past updates took.
    #[prost(message, repeated, tag = "8")]
    pub update_info: Vec<UpdateInfo>,
    /// Who to tell about which tests.
    #[prost(message, repeated, tag = "9")]
    pub test_metadata: Vec<TestMetadata>,
    /// Failures that look alike.
    #[prost(message, repeated, tag = "10")]
    pub cluster: Vec<Cluster>,
    /// When the clusters were made, in seconds since the epoch.
    #[prost(double, tag = "11")]
    pub most_recent_cluster_timestamp: f64,
}

/// One build, or several that were merged. Build and name together are its identity.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Column {
    /// The build's id, or what the group's configuration puts in its place.
    #[prost(string, tag = "1")]
    pub build: String,
    /// The second part of the identity.
    #[prost(string, tag = "2")]
    pub name: String,
    /// When the build began, in milliseconds since the epoch.
    #[prost(double, tag = "3")]
    pub started: f64,
    /// One value for each of the group's column headers.
    #[prost(string, repeated, tag = "4")]
    pub extra: Vec<String>,
    /// Ids of hotlists, separated by commas.
    #[prost(string, tag = "5")]
    pub hotlist_ids: String,
    /// Where an update goes on from: the build's id.
    #[prost(string, tag = "6")]
    pub hint: String,
    /// Whom the build wants to be told of failures.
    #[prost(string, repeated, tag = "7")]
    pub email_addresses: Vec<String>,
    /// Counts over the cells; only in the grids of tabs with a threshold for broken columns.
    #[prost(message, optional, tag = "8")]
    pub stats: Option<Stats>,
}

/// Counts over the cells of a column.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Stats {
    /// Failing cells.
    #[prost(int32, tag = "1")]
    pub fail_count: i32,
    /// Passing cells.
    #[prost(int32, tag = "2")]
    pub pass_count: i32,
    /// Filled cells.
    #[prost(int32, tag = "3")]
    pub total_count: i32,
    /// Whether a cell still runs.
    #[prost(bool, tag = "4")]
    pub pending: bool,
    /// Whether more cells fail than the tab's threshold allows.
    #[prost(bool, tag = "5")]
    pub broken: bool,
}

/// One test over all columns.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Row {
    /// What is shown; unique in the grid.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The name before formatting.
    #[prost(string, tag = "2")]
    pub id: String,
    /// Pairs of status and run length over all columns, newest first.
    #[prost(int32, repeated, tag = "3")]
    pub results: Vec<i32>,
    /// For each filled cell the id of its run; absent for rows of test methods.
    #[prost(string, repeated, tag = "4")]
    pub cell_ids: Vec<String>,
    /// For each filled cell its message.
    #[prost(string, repeated, tag = "5")]
    pub messages: Vec<String>,
    /// The names of the metrics.
    #[prost(string, repeated, tag = "7")]
    pub metric: Vec<String>,
    /// The values of the metrics.
    #[prost(message, repeated, tag = "8")]
    pub metrics: Vec<Metric>,
    /// For each filled cell its short text.
    #[prost(string, repeated, tag = "9")]
    pub icons: Vec<String>,
    /// Ids of issues, newest first.
    #[prost(string, repeated, tag = "10")]
    pub issues: Vec<String>,
    /// Set while the test fails too often.
    #[prost(message, optional, tag = "11")]
    pub alert_info: Option<AlertInfo>,
    /// For each filled cell the value of the group's user property; absent if all are empty.
    #[prost(string, repeated, tag = "12")]
    pub user_property: Vec<String>,
    /// For each filled cell its properties; absent for rows of test methods.
    #[prost(message, repeated, tag = "13")]
    pub properties: Vec<Property>,
}

/// The properties of a cell.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Property {
    /// Value by name.
    #[prost(btree_map = "string, string", tag = "1")]
    pub property: BTreeMap<String, String>,
}

/// A number per column, where there is one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Metric {
    /// Its name, such as `test-duration-minutes`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Pairs of first column and count of columns.
    #[prost(int32, repeated, tag = "2")]
    pub indices: Vec<i32>,
    /// The values of those columns, one after the other.
    #[prost(double, repeated, tag = "3")]
    pub values: Vec<f64>,
}

/// A test that fails too often: since when, how often, and where it passed last.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AlertInfo {
    /// Failures since the last pass.
    #[prost(int32, tag = "1")]
    pub fail_count: i32,
    /// The build that failed first.
    #[prost(string, tag = "2")]
    pub fail_build_id: String,
    /// When that build began.
    #[prost(message, optional, tag = "3")]
    pub fail_time: Option<Timestamp>,
    /// The cell id of the first failure.
    #[prost(string, tag = "4")]
    pub fail_test_id: String,
    /// The last build that passed before; empty if none is known.
    #[prost(string, tag = "5")]
    pub pass_build_id: String,
    /// When that build began.
    #[prost(message, optional, tag = "6")]
    pub pass_time: Option<Timestamp>,
    /// The message of the newest failure.
    #[prost(string, tag = "7")]
    pub failure_message: String,
    /// Where the build is shown.
    #[prost(string, tag = "8")]
    pub build_link: String,
    /// What the link says.
    #[prost(string, tag = "9")]
    pub build_link_text: String,
    /// What stands before the link.
    #[prost(string, tag = "10")]
    pub build_url_text: String,
    /// The build that failed last.
    #[prost(string, tag = "11")]
    pub latest_fail_build_id: String,
    /// Properties of the newest failure.
    #[prost(btree_map = "string, string", tag = "12")]
    pub properties: BTreeMap<String, String>,
    /// Hotlists of the build that failed first.
    #[prost(string, repeated, tag = "13")]
    pub hotlist_ids: Vec<String>,
    /// The cell id of the newest failure.
    #[prost(string, tag = "14")]
    pub latest_fail_test_id: String,
    /// Whom the build that failed first wants to be told.
    #[prost(string, repeated, tag = "15")]
    pub email_addresses: Vec<String>,
    /// The column's headers by name.
    #[prost(btree_map = "string, string", tag = "16")]
    pub custom_column_headers: BTreeMap<String, String>,
}

/// Failures that look alike.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Cluster {
    /// Their status.
    #[prost(int32, tag = "1")]
    pub test_status: i32,
    /// Their message.
    #[prost(string, tag = "2")]
    pub message: String,
    /// The rows that have them.
    #[prost(message, repeated, tag = "3")]
    pub cluster_row: Vec<ClusterRow>,
}

/// The cells of a row that belong to a cluster.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ClusterRow {
    /// The row's name.
    #[prost(string, tag = "1")]
    pub display_name: String,
    /// The columns.
    #[prost(int32, repeated, tag = "2")]
    pub index: Vec<i32>,
}

/// How long an update took.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UpdateInfo {
    /// Its phases.
    #[prost(message, repeated, tag = "1")]
    pub update_phase_data: Vec<UpdatePhaseData>,
}

/// How long a phase of an update took.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UpdatePhaseData {
    /// The phase.
    #[prost(string, tag = "1")]
    pub phase_name: String,
    /// Its time in seconds.
    #[prost(double, tag = "2")]
    pub phase_seconds: f64,
}

/// Who to tell about a test.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TestMetadata {
    /// The test.
    #[prost(string, tag = "1")]
    pub test_name: String,
    /// Component of the bug tracker.
    #[prost(int32, tag = "2")]
    pub bug_component: i32,
    /// Who owns the test.
    #[prost(string, tag = "3")]
    pub owner: String,
    /// Who is told too.
    #[prost(string, repeated, tag = "4")]
    pub cc: Vec<String>,
    /// Kind of failure.
    #[prost(string, tag = "5")]
    pub error_type: String,
}
