//! `/api/v1/…`: dashboards, tabs, headers, rows and summaries.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::{NameIndex, NotFound, scope_query};
use crate::config::names::normalize;
use crate::proto::Timestamp;
use crate::proto::config::{
    self, Configuration, DashboardTab, LinkTemplate, ResultSourceConfig, TestGroup,
};
use crate::proto::state::{AlertInfo, Grid, Row};
use crate::proto::summary::{
    DashboardSummary, DashboardTabSummary, FailingTestSummary, HealthinessInfo, TabStatus, Trend,
};
use crate::updater::construct::run_lengths;

/// How many failing and how many flaky tests a tab's summary names.
const TOP_TESTS: usize = 5;

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares documents: public structs whose zero fields are left out.
macro_rules! documents {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "is_zero")] pub $field: $type,)*
        }
    )*};
}

documents! {
    /// A name with the link to what it names.
    Resource {
        /// The name.
        name: String,
        /// The link.
        link: String,
    }
    /// A dashboard in a list.
    DashboardResource {
        /// The name.
        name: String,
        /// The link.
        link: String,
        /// The group that it is in.
        dashboard_group_name: String,
    }
    /// `GET /dashboards`
    ListDashboards {
        /// By name.
        dashboards: Vec<DashboardResource>,
    }
    /// `GET /dashboard-groups`
    ListDashboardGroups {
        /// By name.
        dashboard_groups: Vec<Resource>,
    }
    /// `GET /dashboard-groups/{group}`
    GetDashboardGroup {
        /// By name.
        dashboards: Vec<Resource>,
    }
    /// `GET /dashboards/{dashboard}`
    GetDashboard {
        /// Bars on every tab.
        notifications: Vec<Notification>,
        /// The tab that opens first.
        default_tab: String,
        /// Do not colour the names of failing tabs.
        suppress_failing_tabs: bool,
        /// Emphasise today's columns.
        highlight_today: bool,
    }
    /// A bar above a tab.
    Notification {
        /// Its text.
        summary: String,
        /// Where more is told.
        context_link: String,
    }
    /// `GET /dashboards/{dashboard}/tabs`
    ListDashboardTabs {
        /// By name.
        dashboard_tabs: Vec<Resource>,
    }
    /// `GET /dashboards/{dashboard}/tabs/{tab}`
    GetDashboardTab {
        /// The tab.
        name: String,
        /// Its group.
        test_group_name: String,
        /// A paragraph about it.
        description: String,
        /// Where its results come from.
        result_source: ResultSource,
        /// Links of the tab.
        tab_menu_templates: Vec<Template>,
        /// Links of a cell.
        cell_menu_templates: Vec<Template>,
        /// Links of two columns.
        column_diff_templates: Vec<Template>,
        /// When it alerts.
        alert_options: AlertOptions,
        /// Options that always apply.
        base_options: String,
        /// Times in the reader's zone.
        display_local_time: bool,
        /// Named groups that split the rows' names into columns.
        tabular_names_regex: String,
    }
    /// Where results come from.
    ResultSource {
        /// Artifacts in a bucket.
        gcs_config: Option<GcsConfig>,
        /// ResultStore.
        resultstore_config: Option<ResultStoreConfig>,
    }
    /// Artifacts in a bucket.
    GcsConfig {
        /// Bucket and path.
        gcs_prefix: String,
        /// Project of the subscription.
        pubsub_project: String,
        /// The subscription.
        pubsub_subscription: String,
    }
    /// Invocations in ResultStore.
    ResultStoreConfig {
        /// The project.
        project: String,
        /// Which invocations.
        query: String,
    }
    /// A link with tokens.
    Template {
        /// What menus call it.
        text: String,
        /// The URL.
        url: String,
        /// The parameters of its query.
        options: Vec<TemplateOption>,
    }
    /// A parameter of a link.
    TemplateOption {
        /// The key.
        key: String,
        /// The value.
        value: String,
    }
    /// When a tab alerts.
    AlertOptions {
        /// How many columns are recent.
        num_columns_recent: i32,
        /// Hours without results after which it is stale.
        alert_stale_results_hours: i32,
        /// Failures in a row that open an alert.
        num_failures_to_alert: i32,
        /// Passes that close one.
        num_passes_to_disable_alert: i32,
    }
    /// `GET /dashboards/{dashboard}/tabs/{tab}/headers`
    ListHeaders {
        /// Newest first.
        headers: Vec<Header>,
    }
    /// A column.
    Header {
        /// The build.
        build: String,
        /// The second part of its identity.
        name: String,
        /// When it began.
        started: String,
        /// Its headers.
        extra: Vec<String>,
        /// Hotlists.
        hotlist_ids: String,
    }
    /// `GET /dashboards/{dashboard}/tabs/{tab}/rows`
    ListRows {
        /// In the order of the grid.
        rows: Vec<RowDocument>,
    }
    /// A row.
    RowDocument {
        /// Its name.
        name: String,
        /// A cell per column.
        cells: Vec<CellDocument>,
        /// Issues.
        issues: Vec<String>,
        /// Its alert.
        alert: Option<Alert>,
    }
    /// A cell; one without result is empty.
    CellDocument {
        /// The status by its number.
        result: i32,
        /// The cell's id.
        cell_id: String,
        /// Its message.
        message: String,
        /// Its short text.
        icon: String,
    }
    /// A test that fails too often.
    Alert {
        /// Failures since the last pass.
        fail_count: i32,
        /// The build that failed first.
        fail_build_id: String,
        /// When it began.
        fail_time: String,
        /// Its cell.
        fail_test_id: String,
        /// The build that passed last.
        pass_build_id: String,
        /// When it began.
        pass_time: String,
        /// The message of the newest failure.
        failure_message: String,
        /// Where the build is shown.
        build_link: String,
        /// What the link says.
        build_link_text: String,
        /// What stands before the link.
        build_url_text: String,
        /// The build that failed last.
        latest_fail_build_id: String,
        /// Its cell.
        latest_fail_test_id: String,
        /// Properties of the newest failure.
        properties: BTreeMap<String, String>,
        /// Hotlists.
        hotlist_ids: Vec<String>,
        /// Whom to tell.
        email_addresses: Vec<String>,
        /// The column's headers.
        custom_column_headers: BTreeMap<String, String>,
    }
    /// `GET /dashboards/{dashboard}/tab-summaries`
    ListTabSummaries {
        /// In the order of the configuration.
        tab_summaries: Vec<TabSummary>,
    }
    /// `GET /dashboards/{dashboard}/tab-summaries/{tab}`
    GetTabSummary {
        /// The summary.
        tab_summary: TabSummary,
    }
    /// How a tab does.
    TabSummary {
        /// The dashboard.
        dashboard_name: String,
        /// The tab.
        tab_name: String,
        /// The status as a word, see [`status_word`].
        overall_status: String,
        /// The status with its numbers.
        detailed_status_message: String,
        /// When the newest column began.
        last_run_timestamp: String,
        /// When the grid changed last.
        last_update_timestamp: String,
        /// The newest build in which everything passed.
        latest_passing_build: String,
        /// The tests that fail too often.
        failures_summary: Option<FailuresSummary>,
        /// The tests that are flaky.
        healthiness_summary: Option<HealthinessSummary>,
    }
    /// The tests that fail too often.
    FailuresSummary {
        /// Those with most failures.
        top_failing_tests: Vec<FailingTest>,
        /// How many there are.
        failure_stats: FailureStats,
    }
    /// A test that fails too often.
    FailingTest {
        /// The test.
        display_name: String,
        /// Failures since the last pass.
        fail_count: i32,
        /// When the last pass began.
        pass_timestamp: String,
        /// When the first failure began.
        fail_timestamp: String,
    }
    /// How many tests fail too often.
    FailureStats {
        /// The count.
        num_failing_tests: usize,
    }
    /// The tests that are flaky.
    HealthinessSummary {
        /// The flakiest.
        top_flaky_tests: Vec<FlakyTest>,
        /// The tab as a whole.
        healthiness_stats: HealthinessStats,
    }
    /// A test that is flaky.
    FlakyTest {
        /// The test.
        display_name: String,
        /// In percent.
        flakiness: f32,
        /// Against the interval before: `NO_CHANGE`, `UP` or `DOWN`.
        change: String,
    }
    /// How flaky a tab is.
    HealthinessStats {
        /// Begin of the interval.
        start: String,
        /// Its end.
        end: String,
        /// Tests with any flakiness.
        num_flaky_tests: usize,
        /// The mean over the tests, in percent.
        average_flakiness: f32,
        /// The same in the interval before; −1 if it is not known.
        previous_flakiness: f32,
    }
    /// `GET /dashboard-groups/{group}/dashboard-summaries`
    ListDashboardSummaries {
        /// In the order of the configuration.
        dashboard_summaries: Vec<DashboardStatus>,
    }
    /// `GET /dashboards/{dashboard}/summary`
    GetDashboardSummary {
        /// The summary.
        dashboard_summary: DashboardStatus,
    }
    /// How a dashboard does.
    DashboardStatus {
        /// The dashboard.
        name: String,
        /// The worst status of its tabs.
        overall_status: String,
        /// Tabs by status; those of unknown status under the empty word.
        tab_status_count: BTreeMap<String, i32>,
    }
}

/// All dashboards.
pub fn list_dashboards(c: &Configuration, index: &NameIndex, scope: &str) -> ListDashboards {
    let query = scope_query(scope);
    let mut dashboards: Vec<_> = c
        .dashboards
        .iter()
        .map(|dashboard| DashboardResource {
            name: dashboard.name.clone(),
            link: format!("/dashboards/{}{query}", normalize(&dashboard.name)),
            dashboard_group_name: index
                .group_of_dashboard(c, &dashboard.name)
                .map(|group| group.name.clone())
                .unwrap_or_default(),
        })
        .collect();
    dashboards.sort_by(|a, b| a.name.cmp(&b.name));
    ListDashboards { dashboards }
}

/// All dashboard groups.
pub fn list_dashboard_groups(c: &Configuration, scope: &str) -> ListDashboardGroups {
    let names = c.dashboard_groups.iter().map(|group| group.name.as_str());
    ListDashboardGroups { dashboard_groups: resources(names, "/dashboard-groups/", scope) }
}

/// The dashboards of a group.
///
/// # Errors
/// There is no such group.
pub fn get_dashboard_group(
    c: &Configuration,
    index: &NameIndex,
    group: &str,
    scope: &str,
) -> Result<GetDashboardGroup, NotFound> {
    let group = index.dashboard_group(c, group)?;
    let names = group.dashboard_names.iter().map(String::as_str);
    Ok(GetDashboardGroup { dashboards: resources(names, "/dashboards/", scope) })
}

/// A dashboard's settings.
///
/// # Errors
/// There is no such dashboard.
pub fn get_dashboard(
    c: &Configuration,
    index: &NameIndex,
    dashboard: &str,
) -> Result<GetDashboard, NotFound> {
    let dashboard = index.dashboard(c, dashboard)?;
    let notification = |from: &config::Notification| Notification {
        summary: from.summary.clone(),
        context_link: from.context_link.clone(),
    };
    Ok(GetDashboard {
        notifications: dashboard.notifications.iter().map(notification).collect(),
        default_tab: dashboard.default_tab.clone(),
        suppress_failing_tabs: dashboard.downplay_failing_tabs,
        highlight_today: dashboard.highlight_today,
    })
}

/// The tabs of a dashboard.
///
/// # Errors
/// There is no such dashboard.
pub fn list_dashboard_tabs(
    c: &Configuration,
    index: &NameIndex,
    dashboard: &str,
    scope: &str,
) -> Result<ListDashboardTabs, NotFound> {
    let dashboard = index.dashboard(c, dashboard)?;
    let names = dashboard.dashboard_tab.iter().map(|tab| tab.name.as_str());
    let base = format!("/dashboards/{}/tabs/", normalize(&dashboard.name));
    Ok(ListDashboardTabs { dashboard_tabs: resources(names, &base, scope) })
}

/// A tab's settings.
pub fn get_dashboard_tab(tab: &DashboardTab, group: &TestGroup) -> GetDashboardTab {
    let alerts = tab.alert_options.clone().unwrap_or_default();
    let templates = |named: &[(&str, &Option<LinkTemplate>)]| -> Vec<Template> {
        let links = named.iter().filter_map(|(text, link)| Some((*text, link.as_ref()?)));
        links.map(|(text, link)| template(text, link)).collect()
    };
    let mut tab_menu = templates(&[(tab.results_text.as_str(), &tab.results_url_template)]);
    if !tab.about_dashboard_url.is_empty() {
        tab_menu.push(Template {
            text: "About this tab".to_owned(),
            url: tab.about_dashboard_url.clone(),
            options: Vec::new(),
        });
    }
    let mut diffs = templates(&[("Search for Changes", &tab.code_search_url_template)]);
    diffs.extend(tab.column_diff_link_templates.iter().map(|link| template(&link.name, link)));
    GetDashboardTab {
        name: tab.name.clone(),
        test_group_name: tab.test_group_name.clone(),
        description: tab.description.clone(),
        result_source: result_source(group),
        tab_menu_templates: tab_menu,
        cell_menu_templates: templates(&[
            ("Open Test", &tab.open_test_template),
            ("File a Bug", &tab.file_bug_template),
            ("Attach to Bug", &tab.attach_bug_template),
        ]),
        column_diff_templates: diffs,
        alert_options: AlertOptions {
            num_columns_recent: tab.num_columns_recent,
            alert_stale_results_hours: alerts.alert_stale_results_hours,
            num_failures_to_alert: alerts.num_failures_to_alert,
            num_passes_to_disable_alert: alerts.num_passes_to_disable_alert,
        },
        base_options: tab.base_options.clone(),
        display_local_time: tab.display_local_time,
        tabular_names_regex: tab.tabular_names_regex.clone(),
    }
}

/// The columns in a range.
pub fn list_headers(grid: &Grid, range: Range<usize>) -> ListHeaders {
    let end = range.end.min(grid.columns.len());
    let columns = grid.columns.get(range.start.min(end)..end).unwrap_or_default();
    let header = columns.iter().map(|column| Header {
        build: column.build.clone(),
        name: column.name.clone(),
        started: rfc3339(Timestamp::from_millis(column.started)),
        extra: column.extra.clone(),
        hotlist_ids: column.hotlist_ids.clone(),
    });
    ListHeaders { headers: header.collect() }
}

/// The rows with their cells in a range of columns.
pub fn list_rows(grid: &Grid, range: Range<usize>) -> ListRows {
    // A damaged row can claim billions of results.
    let range = range.start..range.end.min(grid.columns.len());
    ListRows { rows: grid.rows.iter().map(|row| row_document(row, &range)).collect() }
}

fn row_document(row: &Row, range: &Range<usize>) -> RowDocument {
    let text = |of: &[String], at: usize| of.get(at).cloned().unwrap_or_default();
    let mut filled = 0;
    let mut cells = Vec::new();
    // As TestGrid, a row whose results are no pairs has no cells.
    let results = if row.results.len().is_multiple_of(2) { &row.results[..] } else { &[] };
    for (column, status) in run_lengths(results).take(range.end).enumerate() {
        let place = filled;
        filled += usize::from(status.is_filled());
        if column < range.start {
            continue;
        }
        cells.push(if status.is_filled() {
            CellDocument {
                result: status as i32,
                cell_id: text(&row.cell_ids, place),
                message: text(&row.messages, place),
                icon: text(&row.icons, place),
            }
        } else {
            CellDocument::default()
        });
    }
    RowDocument {
        name: row.name.clone(),
        cells,
        issues: row.issues.clone(),
        alert: row.alert_info.as_ref().map(alert),
    }
}

fn alert(from: &AlertInfo) -> Alert {
    let from = from.clone();
    Alert {
        fail_count: from.fail_count,
        fail_build_id: from.fail_build_id,
        fail_time: from.fail_time.map(rfc3339).unwrap_or_default(),
        fail_test_id: from.fail_test_id,
        pass_build_id: from.pass_build_id,
        pass_time: from.pass_time.map(rfc3339).unwrap_or_default(),
        failure_message: from.failure_message,
        build_link: from.build_link,
        build_link_text: from.build_link_text,
        build_url_text: from.build_url_text,
        latest_fail_build_id: from.latest_fail_build_id,
        latest_fail_test_id: from.latest_fail_test_id,
        properties: from.properties,
        hotlist_ids: from.hotlist_ids,
        email_addresses: from.email_addresses,
        custom_column_headers: from.custom_column_headers,
    }
}

/// The summaries of a dashboard's tabs.
pub fn list_tab_summaries(summary: &DashboardSummary) -> ListTabSummaries {
    ListTabSummaries { tab_summaries: summary.tab_summaries.iter().map(tab_summary).collect() }
}

/// The summary of a tab.
pub fn get_tab_summary(summary: &DashboardTabSummary) -> GetTabSummary {
    GetTabSummary { tab_summary: tab_summary(summary) }
}

fn tab_summary(from: &DashboardTabSummary) -> TabSummary {
    TabSummary {
        dashboard_name: from.dashboard_name.clone(),
        tab_name: from.dashboard_tab_name.clone(),
        overall_status: status_word(from.overall_status).to_owned(),
        detailed_status_message: from.status.clone(),
        last_run_timestamp: seconds(from.last_run_timestamp),
        last_update_timestamp: seconds(from.last_update_timestamp),
        latest_passing_build: from.latest_green.clone(),
        failures_summary: failures(&from.failing_test_summaries),
        healthiness_summary: from.healthiness.as_ref().map(healthiness),
    }
}

fn failures(failing: &[FailingTestSummary]) -> Option<FailuresSummary> {
    if failing.is_empty() {
        return None;
    }
    let mut sorted: Vec<&FailingTestSummary> = failing.iter().collect();
    sorted.sort_by_key(|test| std::cmp::Reverse(test.fail_count));
    let top = sorted.into_iter().take(TOP_TESTS).map(|test| FailingTest {
        display_name: test.display_name.clone(),
        fail_count: test.fail_count,
        pass_timestamp: seconds(test.pass_timestamp),
        fail_timestamp: seconds(test.fail_timestamp),
    });
    Some(FailuresSummary {
        top_failing_tests: top.collect(),
        failure_stats: FailureStats { num_failing_tests: failing.len() },
    })
}

fn healthiness(from: &HealthinessInfo) -> HealthinessSummary {
    let mut flaky: Vec<_> = from.tests.iter().filter(|test| test.flakiness > 0.0).collect();
    flaky.sort_by(|a, b| b.flakiness.total_cmp(&a.flakiness));
    let count = flaky.len();
    let top = flaky.into_iter().take(TOP_TESTS).map(|test| FlakyTest {
        display_name: test.display_name.clone(),
        flakiness: test.flakiness,
        change: match Trend::try_from(test.change_from_last_interval) {
            Ok(Trend::NoChange) => "NO_CHANGE",
            Ok(Trend::Up) => "UP",
            Ok(Trend::Down) => "DOWN",
            Ok(Trend::Unknown) | Err(_) => "",
        }
        .to_owned(),
    });
    HealthinessSummary {
        top_flaky_tests: top.collect(),
        healthiness_stats: HealthinessStats {
            start: from.start.map(rfc3339).unwrap_or_default(),
            end: from.end.map(rfc3339).unwrap_or_default(),
            num_flaky_tests: count,
            average_flakiness: from.average_flakiness,
            previous_flakiness: from.previous_flakiness.first().copied().unwrap_or(-1.0),
        },
    }
}

/// How a dashboard does: the worst status of its tabs, and how many tabs have which.
pub fn dashboard_status(name: &str, summary: &DashboardSummary) -> DashboardStatus {
    let mut count: BTreeMap<String, i32> = BTreeMap::new();
    for tab in &summary.tab_summaries {
        *count.entry(status_word(tab.overall_status).to_owned()).or_default() += 1;
    }
    let worst = WORST_FIRST.into_iter().find(|word| count.contains_key(*word));
    DashboardStatus {
        name: name.to_owned(),
        overall_status: worst.unwrap_or("UNKNOWN").to_owned(),
        tab_status_count: count,
    }
}

/// The words of statuses, the worst first.
const WORST_FIRST: [&str; 7] =
    ["BROKEN", "STALE", "FAILING", "FLAKY", "PENDING", "ACCEPTABLE", "PASSING"];

/// The word of a tab's status; empty for an unknown one.
pub fn status_word(status: i32) -> &'static str {
    match TabStatus::try_from(status) {
        Ok(TabStatus::Pass) => "PASSING",
        Ok(TabStatus::Fail) => "FAILING",
        Ok(TabStatus::Flaky) => "FLAKY",
        Ok(TabStatus::Stale) => "STALE",
        Ok(TabStatus::Broken) => "BROKEN",
        Ok(TabStatus::Pending) => "PENDING",
        Ok(TabStatus::Acceptable) => "ACCEPTABLE",
        Ok(TabStatus::NotSet | TabStatus::Unknown) | Err(_) => "",
    }
}

fn resources<'n>(names: impl Iterator<Item = &'n str>, base: &str, scope: &str) -> Vec<Resource> {
    let query = scope_query(scope);
    let mut resources: Vec<Resource> = names
        .map(|name| Resource {
            name: name.to_owned(),
            link: format!("{base}{}{query}", normalize(name)),
        })
        .collect();
    resources.sort_by(|a, b| a.name.cmp(&b.name));
    resources
}

fn template(text: &str, link: &LinkTemplate) -> Template {
    let option = |option: &config::LinkOptionsTemplate| TemplateOption {
        key: option.key.clone(),
        value: option.value.clone(),
    };
    Template {
        text: text.to_owned(),
        url: link.url.clone(),
        options: link.options.iter().map(option).collect(),
    }
}

fn result_source(group: &TestGroup) -> ResultSource {
    let source = group.result_source.as_ref().and_then(|s| s.result_source_config.as_ref());
    match source {
        Some(ResultSourceConfig::ResultstoreConfig(store)) => ResultSource {
            resultstore_config: Some(ResultStoreConfig {
                project: store.project.clone(),
                query: store.query.clone(),
            }),
            gcs_config: None,
        },
        Some(ResultSourceConfig::GcsConfig(gcs)) => ResultSource {
            gcs_config: Some(GcsConfig {
                gcs_prefix: gcs.gcs_prefix.clone(),
                pubsub_project: gcs.pubsub_project.clone(),
                pubsub_subscription: gcs.pubsub_subscription.clone(),
            }),
            resultstore_config: None,
        },
        None => ResultSource {
            gcs_config: Some(GcsConfig {
                gcs_prefix: group.gcs_prefix.clone(),
                ..GcsConfig::default()
            }),
            resultstore_config: None,
        },
    }
}

fn seconds(seconds: f64) -> String {
    rfc3339(Timestamp::from_millis(seconds * 1000.0))
}

/// A time as protobuf writes it: with no, three, six or nine digits of a second's fraction.
fn rfc3339(time: Timestamp) -> String {
    let whole = go_compat::Timestamp::from_seconds(time.seconds).rfc3339();
    let nanos = time.nanos;
    if nanos == 0 {
        return whole;
    }
    let (digits, fraction) = match nanos {
        _ if nanos % 1_000_000 == 0 => (3, nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => (6, nanos / 1_000),
        _ => (9, nanos),
    };
    format!("{}.{fraction:0digits$}Z", whole.trim_end_matches('Z'))
}
