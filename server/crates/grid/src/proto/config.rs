//! The configuration: test groups, dashboards with their tabs, dashboard groups.
//!
//! A field whose comment says *not used* is declared so that configurations keep it; nothing reads
//! it, as nothing in the open TestGrid does.

use super::rules::RuleSet;

/// Everything that TestGrid shows.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Configuration {
    /// Where results come from.
    #[prost(message, repeated, tag = "1")]
    pub test_groups: Vec<TestGroup>,
    /// What is shown.
    #[prost(message, repeated, tag = "2")]
    pub dashboards: Vec<Dashboard>,
    /// How dashboards belong together.
    #[prost(message, repeated, tag = "3")]
    pub dashboard_groups: Vec<DashboardGroup>,
}

impl Configuration {
    /// Its encoding in pieces, so that a large one need not be in memory twice: one after the other
    /// they are what [`prost::Message::encode_to_vec`] gives.
    pub fn encoded(&self) -> impl Iterator<Item = Vec<u8>> {
        fn piece<M: prost::Message>(tag: u32) -> impl Fn(&M) -> Vec<u8> {
            move |message| {
                let mut bytes = Vec::new();
                prost::encoding::message::encode(tag, message, &mut bytes);
                bytes
            }
        }
        let groups = self.test_groups.iter().map(piece(1));
        let dashboards = self.dashboards.iter().map(piece(2));
        groups.chain(dashboards).chain(self.dashboard_groups.iter().map(piece(3)))
    }
}

/// Values for what groups and tabs do not say themselves.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DefaultConfiguration {
    /// For test groups.
    #[prost(message, optional, tag = "1")]
    pub default_test_group: Option<TestGroup>,
    /// For tabs.
    #[prost(message, optional, tag = "2")]
    pub default_dashboard_tab: Option<DashboardTab>,
}

/// Dashboards that belong together.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DashboardGroup {
    /// Its name; no dashboard has the same.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its dashboards.
    #[prost(string, repeated, tag = "2")]
    pub dashboard_names: Vec<String>,
    /// A paragraph about it.
    #[prost(string, tag = "3")]
    pub description: String,
}

/// Tabs that are shown together.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dashboard {
    /// Its tabs, in the order in which they are shown.
    #[prost(message, repeated, tag = "1")]
    pub dashboard_tab: Vec<DashboardTab>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Bars on every tab.
    #[prost(message, repeated, tag = "3")]
    pub notifications: Vec<Notification>,
    /// The tab that opens first; the summary if empty.
    #[prost(string, tag = "5")]
    pub default_tab: String,
    /// Deprecated inverse of `downplay_failing_tabs`; not used.
    #[prost(bool, tag = "6")]
    pub highlight_failing_tabs: bool,
    /// Emphasise today's columns.
    #[prost(bool, tag = "7")]
    pub highlight_today: bool,
    /// Do not colour the names of failing tabs.
    #[prost(bool, tag = "8")]
    pub downplay_failing_tabs: bool,
    /// A paragraph about it.
    #[prost(string, tag = "9")]
    pub description: String,
}

/// A bar above a tab.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Notification {
    /// Its text.
    #[prost(string, tag = "1")]
    pub summary: String,
    /// Where more is told.
    #[prost(string, tag = "2")]
    pub context_link: String,
}

/// A URL with tokens such as `<changelist>`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LinkTemplate {
    /// The URL without a query.
    #[prost(string, tag = "1")]
    pub url: String,
    /// The parameters of the query.
    #[prost(message, repeated, tag = "2")]
    pub options: Vec<LinkOptionsTemplate>,
    /// What menus call it.
    #[prost(string, tag = "3")]
    pub name: String,
}

/// A parameter of a URL's query; key and value may have tokens.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LinkOptionsTemplate {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Where the results of one grid come from and how they become rows and columns.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TestGroup {
    /// Its unique name, and that of the grid's object.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Bucket and path of the job's builds; several, separated by commas, for several jobs.
    #[prost(string, tag = "2")]
    pub gcs_prefix: String,
    /// How many days of results are kept.
    #[prost(int32, tag = "3")]
    pub days_of_results: i32,
    /// Leave out builds that still run.
    #[prost(bool, tag = "4")]
    pub ignore_pending: bool,
    /// Leave out results that only say that something was built.
    #[prost(bool, tag = "5")]
    pub ignore_built: bool,
    /// What becomes of the name in a result's "Tests name"; see [`TestsName`].
    #[prost(enumeration = "TestsName", tag = "6")]
    pub tests_name_policy: i32,
    /// Leave out rows whose name contains one of these.
    #[prost(string, repeated, tag = "8")]
    pub ignore_test_substring: Vec<String>,
    /// Headers above the columns.
    #[prost(message, repeated, tag = "9")]
    pub column_header: Vec<ColumnHeader>,
    /// How columns are grouped where `primary_grouping` does not; see [`FallbackGrouping`].
    #[prost(enumeration = "FallbackGrouping", tag = "10")]
    pub fallback_grouping: i32,
    /// Deprecated in favour of the tab's alert options.
    #[prost(int32, tag = "11")]
    pub alert_stale_results_hours: i32,
    /// Failures in a row that open an alert; 0 for never. The tab's option only counts where the
    /// tabulator is told so.
    #[prost(int32, tag = "12")]
    pub num_failures_to_alert: i32,
    /// Deprecated in favour of the tab's.
    #[prost(int32, tag = "13")]
    pub bug_component: i32,
    /// Default of the tabs' code search path.
    #[prost(string, tag = "14")]
    pub code_search_path: String,
    /// How many columns are recent.
    #[prost(int32, tag = "15")]
    pub num_columns_recent: i32,
    /// Read metadata about tests.
    #[prost(bool, tag = "16")]
    pub use_test_metadata: bool,
    /// Deprecated in favour of the tab's alert options.
    #[prost(string, tag = "17")]
    pub alert_mail_to_addresses: String,
    /// Deprecated in favour of the tab's alert options.
    #[prost(string, tag = "18")]
    pub alert_mail_subject: String,
    /// Deprecated in favour of the tab's alert options.
    #[prost(string, tag = "19")]
    pub alert_mail_failure_message: String,
    /// Deprecated in favour of the tab's alert options.
    #[prost(string, tag = "20")]
    pub alert_mail_debug_url: String,
    /// Deprecated in favour of the tab's alert options.
    #[prost(int32, tag = "21")]
    pub min_elapsed_minutes_between_mails: i32,
    /// Not used: results of one name are merged unless `disable_merged_status` is set.
    #[prost(bool, tag = "23")]
    pub enable_flaky_status: bool,
    /// Deprecated; always true. Marks groups whose results are artifacts in a bucket.
    #[prost(bool, tag = "24")]
    pub use_kubernetes_client: bool,
    /// Always true.
    #[prost(bool, tag = "25")]
    pub is_external: bool,
    /// How rows are named.
    #[prost(message, optional, tag = "26")]
    pub test_name_config: Option<TestNameConfig>,
    /// Bars on every tab of the group.
    #[prost(message, repeated, tag = "27")]
    pub notifications: Vec<Notification>,
    /// How columns are grouped; see [`PrimaryGrouping`].
    #[prost(enumeration = "PrimaryGrouping", tag = "29")]
    pub primary_grouping: i32,
    /// Rows for the methods of a test too.
    #[prost(bool, tag = "30")]
    pub enable_test_methods: bool,
    /// Short texts for results with certain properties.
    #[prost(message, repeated, tag = "31")]
    pub test_annotations: Vec<TestAnnotation>,
    /// A test with more methods shows none.
    #[prost(int32, tag = "32")]
    pub max_test_methods_per_test: i32,
    /// Who is told about which tests.
    #[prost(message, repeated, tag = "34")]
    pub test_metadata_options: Vec<TestMetadataOptions>,
    /// Tags of tests, such as `tag1 -tag2`.
    #[prost(string, tag = "35")]
    pub test_tag_pattern: String,
    /// Deprecated in favour of the tab's; not used.
    #[prost(message, optional, boxed, tag = "36")]
    pub auto_bug_options: Option<Box<AutoBugOptions>>,
    /// For builds that run longer than a day.
    #[prost(int32, tag = "37")]
    pub max_test_runtime_hours: i32,
    /// Passes that close an alert; one if 0 and alerts are on.
    #[prost(int32, tag = "38")]
    pub num_passes_to_disable_alert: i32,
    /// Link issues to the group.
    #[prost(bool, tag = "39")]
    pub link_bugs_by_group: bool,
    /// Keep only methods that have all of these properties.
    #[prost(message, repeated, tag = "41")]
    pub test_method_properties: Vec<KeyValue>,
    /// Look for issues.
    #[prost(bool, tag = "42")]
    pub gather_bugs: bool,
    /// The metric whose value is the cell's short text.
    #[prost(string, tag = "43")]
    pub short_text_metric: String,
    /// The key of finished.json's metadata whose value is the column's build.
    #[prost(string, tag = "44")]
    pub build_override_configuration_value: String,
    /// Link issues to methods.
    #[prost(bool, tag = "45")]
    pub link_bugs_by_test_methods: bool,
    /// Keep only methods that match.
    #[prost(string, tag = "46")]
    pub test_method_match_regex: String,
    /// Put the class before the method's name.
    #[prost(bool, tag = "47")]
    pub use_full_method_names: bool,
    /// The key for [`FallbackGrouping::ConfigurationValue`].
    #[prost(string, tag = "49")]
    pub fallback_grouping_configuration_value: String,
    /// Where results come from, in place of `gcs_prefix`.
    #[prost(message, optional, boxed, tag = "50")]
    pub result_source: Option<Box<ResultSource>>,
    /// Rules that change the status of results.
    #[prost(message, optional, tag = "51")]
    pub custom_evaluator_rule_set: Option<RuleSet>,
    /// Not used.
    #[prost(bool, tag = "52")]
    pub read_state_from_storage: bool,
    /// Of results with one name in merged columns keep only the newest.
    #[prost(bool, tag = "53")]
    pub ignore_old_results: bool,
    /// Skipped tests count as not run.
    #[prost(bool, tag = "54")]
    pub ignore_skip: bool,
    /// The column's build is the start time in this form, such as `%Y-%m-%d`.
    #[prost(string, tag = "55")]
    pub build_override_strftime: String,
    /// The property whose value links can use.
    #[prost(string, tag = "56")]
    pub user_property: String,
    /// Results of one name become `name [1]` and so on instead of one row.
    #[prost(bool, tag = "60")]
    pub disable_merged_status: bool,
    /// Leave out methods that match.
    #[prost(string, tag = "61")]
    pub test_method_unmatch_regex: String,
    /// No row about the Pod.
    #[prost(bool, tag = "62")]
    pub disable_prowjob_analysis: bool,
    /// Empty; not used.
    #[prost(message, optional, tag = "63")]
    pub issue_gather_options: Option<IssueGatherOptions>,
}

/// What becomes of the name in a result's "Tests name".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum TestsName {
    /// Not said.
    Unspecified = 0,
    /// It is ignored.
    Ignore = 1,
    /// It replaces the name.
    Replace = 2,
    /// It is appended to the name.
    Append = 3,
}

/// How columns are grouped where nothing else groups them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum FallbackGrouping {
    /// Not at all.
    None = 0,
    /// By day.
    Date = 1,
    /// By labels.
    Labels = 2,
    /// By id.
    Id = 3,
    /// By build.
    Build = 4,
    /// By a value of the configuration.
    ConfigurationValue = 5,
}

/// How columns are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum PrimaryGrouping {
    /// Not at all.
    None = 0,
    /// By build.
    Build = 1,
}

/// A header above the columns. Exactly one of the first three says where its value comes from.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ColumnHeader {
    /// Begin of a label.
    #[prost(string, tag = "1")]
    pub label: String,
    /// A property.
    #[prost(string, tag = "2")]
    pub property: String,
    /// A key of finished.json's metadata.
    #[prost(string, tag = "3")]
    pub configuration_value: String,
    /// Of merged columns show all values instead of `*`.
    #[prost(bool, tag = "4")]
    pub list_all_values: bool,
}

/// A short text for results that have a property.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TestAnnotation {
    /// One to five characters.
    #[prost(string, tag = "1")]
    pub short_text: String,
    /// What a result must have.
    #[prost(oneof = "ShortTextMessageSource", tags = "2")]
    pub short_text_message_source: Option<ShortTextMessageSource>,
}

impl TestAnnotation {
    /// The property that a result must have; empty if none is named.
    pub fn property_name(&self) -> &str {
        match &self.short_text_message_source {
            Some(ShortTextMessageSource::PropertyName(name)) => name,
            None => "",
        }
    }
}

/// What a result must have to get a short text.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum ShortTextMessageSource {
    /// A property of this name.
    #[prost(string, tag = "2")]
    PropertyName(String),
}

/// A key and its value.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyValue {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Where results come from.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ResultSource {
    /// One of the sources.
    #[prost(oneof = "ResultSourceConfig", tags = "2, 6")]
    pub result_source_config: Option<ResultSourceConfig>,
}

/// The sources of results.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum ResultSourceConfig {
    /// Artifacts in a bucket.
    #[prost(message, tag = "2")]
    GcsConfig(GcsConfig),
    /// ResultStore.
    #[prost(message, tag = "6")]
    ResultstoreConfig(ResultStoreConfig),
}

/// Artifacts in a bucket.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GcsConfig {
    /// Bucket and path of the job's builds.
    #[prost(string, tag = "1")]
    pub gcs_prefix: String,
    /// The project of the subscription that tells of new artifacts.
    #[prost(string, tag = "2")]
    pub pubsub_project: String,
    /// The subscription that tells of new artifacts.
    #[prost(string, tag = "3")]
    pub pubsub_subscription: String,
}

/// Invocations in ResultStore.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ResultStoreConfig {
    /// The project.
    #[prost(string, tag = "1")]
    pub project: String,
    /// Which invocations: empty or `target:"…"`.
    #[prost(string, tag = "2")]
    pub query: String,
}

/// How rows are named.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TestNameConfig {
    /// What stands for each `%s` of the format.
    #[prost(message, repeated, tag = "1")]
    pub name_elements: Vec<NameElement>,
    /// The name, with a `%s` for each element.
    #[prost(string, tag = "2")]
    pub name_format: String,
}

/// A part of a row's name.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct NameElement {
    /// Labels of the target; only with ResultStore.
    #[prost(string, tag = "1")]
    pub labels: String,
    /// `Tests name`, `Job name`, or a key of the result's properties or the build's metadata.
    #[prost(string, tag = "2")]
    pub target_config: String,
    /// The target that was built; only with ResultStore.
    #[prost(bool, tag = "3")]
    pub build_target: bool,
    /// Tags of the target; only with ResultStore.
    #[prost(string, tag = "4")]
    pub tags: String,
    /// A property of the result.
    #[prost(string, tag = "5")]
    pub test_property: String,
}

/// Who is told about tests that match. At least one pattern is given.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TestMetadataOptions {
    /// Matches the test's name.
    #[prost(string, tag = "1")]
    pub test_name_regex: String,
    /// Component of the bug tracker.
    #[prost(int32, tag = "2")]
    pub bug_component: i32,
    /// Who owns the test.
    #[prost(string, tag = "3")]
    pub owner: String,
    /// Who is told too.
    #[prost(string, repeated, tag = "4")]
    pub cc: Vec<String>,
    /// Matches the failure's message.
    #[prost(string, tag = "5")]
    pub message_regex: String,
}

/// Empty.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct IssueGatherOptions {}

/// How issues are filed without a person; not used.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AutoBugOptions {
    /// Close issues of tests that pass again.
    #[prost(bool, tag = "1")]
    pub auto_close: bool,
    /// Hotlists of the issues.
    #[prost(int64, repeated, tag = "2")]
    pub hotlist_ids: Vec<i64>,
    /// Priority of the issues; see [`Priority`].
    #[prost(enumeration = "Priority", tag = "3")]
    pub priority: i32,
    /// Hotlists of the issues by label.
    #[prost(message, repeated, tag = "4")]
    pub hotlist_ids_from_source: Vec<HotlistIdFromSource>,
    /// One issue per test.
    #[prost(bool, tag = "5")]
    pub file_individual: bool,
    /// One issue at a time; needs `file_individual`.
    #[prost(bool, tag = "6")]
    pub singleton_autobug: bool,
    /// At most so many issues; needs `file_individual`.
    #[prost(int32, tag = "7")]
    pub max_allowed_individual_bugs: i32,
    /// One issue for the tab.
    #[prost(bool, tag = "8")]
    pub file_overall: bool,
    /// For tests that nobody owns.
    #[prost(message, optional, tag = "9")]
    pub default_test_metadata: Option<DefaultTestMetadata>,
    /// Component of the bug tracker.
    #[prost(int32, tag = "10")]
    pub beta_autobug_component: i32,
    /// Use all metadata of tests.
    #[prost(bool, tag = "11")]
    pub advanced_test_metadata: bool,
    /// Issues for stale tabs.
    #[prost(bool, tag = "12")]
    pub file_stale: bool,
    /// No issue for the overall row.
    #[prost(bool, tag = "13")]
    pub ignore_overall: bool,
    /// A text for the issues.
    #[prost(string, tag = "14")]
    pub note: String,
}

/// Priority of issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Priority {
    /// Not said.
    Unspecified = 0,
    /// Highest.
    P0 = 1,
    /// High.
    P1 = 2,
    /// Middle.
    P2 = 3,
    /// Low.
    P3 = 4,
    /// Lowest.
    P4 = 5,
}

/// A hotlist by number or by label.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct HotlistIdFromSource {
    /// One of both.
    #[prost(oneof = "HotlistIdSource", tags = "1, 2")]
    pub hotlist_id_source: Option<HotlistIdSource>,
}

/// How a hotlist is named.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum HotlistIdSource {
    /// Its number.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A label that holds its number.
    #[prost(string, tag = "2")]
    Label(String),
}

/// Who is told about tests that nobody owns.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DefaultTestMetadata {
    /// Component of the bug tracker.
    #[prost(int32, tag = "1")]
    pub bug_component: i32,
    /// Who owns the test.
    #[prost(string, tag = "2")]
    pub owner: String,
    /// Who is told too.
    #[prost(string, repeated, tag = "3")]
    pub cc: Vec<String>,
}

/// A grid as it is shown: of which group, with which links, alerts and options.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DashboardTab {
    /// Its name, unique in the dashboard.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The group whose results it shows.
    #[prost(string, tag = "2")]
    pub test_group_name: String,
    /// Component of the bug tracker.
    #[prost(int32, tag = "3")]
    pub bug_component: i32,
    /// The token `<cs-path>` of links.
    #[prost(string, tag = "4")]
    pub code_search_path: String,
    /// How many columns are recent; the group's number if 0.
    #[prost(int32, tag = "5")]
    pub num_columns_recent: i32,
    /// Options of the view that always apply, in the form of a URL's query.
    #[prost(string, tag = "6")]
    pub base_options: String,
    /// Where a click on a cell leads.
    #[prost(message, optional, tag = "7")]
    pub open_test_template: Option<LinkTemplate>,
    /// Where a bug is filed.
    #[prost(message, optional, tag = "8")]
    pub file_bug_template: Option<LinkTemplate>,
    /// Where a result is attached to a bug.
    #[prost(message, optional, tag = "9")]
    pub attach_bug_template: Option<LinkTemplate>,
    /// What the link to other results says.
    #[prost(string, tag = "10")]
    pub results_text: String,
    /// Other results.
    #[prost(message, optional, tag = "11")]
    pub results_url_template: Option<LinkTemplate>,
    /// Where two columns are compared.
    #[prost(message, optional, tag = "12")]
    pub code_search_url_template: Option<LinkTemplate>,
    /// A paragraph about it.
    #[prost(string, tag = "13")]
    pub description: String,
    /// Named groups that split the rows' names into columns.
    #[prost(string, tag = "14")]
    pub tabular_names_regex: String,
    /// When and whom to tell of failures.
    #[prost(message, optional, boxed, tag = "15")]
    pub alert_options: Option<Box<DashboardTabAlertOptions>>,
    /// "About this tab".
    #[prost(string, tag = "16")]
    pub about_dashboard_url: String,
    /// Where issues are.
    #[prost(message, optional, tag = "17")]
    pub open_bug_template: Option<LinkTemplate>,
    /// File bugs without a person.
    #[prost(bool, tag = "18")]
    pub auto_file_bugs: bool,
    /// Times in the reader's zone.
    #[prost(bool, tag = "19")]
    pub display_local_time: bool,
    /// One more entry of the cell's menu.
    #[prost(message, optional, tag = "20")]
    pub context_menu_template: Option<LinkTemplate>,
    /// The tab is broken if a greater part of a recent column fails; 0 to 1, 0 for never.
    #[prost(float, tag = "21")]
    pub broken_column_threshold: f32,
    /// How bugs are filed; not used.
    #[prost(message, optional, boxed, tag = "22")]
    pub beta_autobug_options: Option<Box<AutoBugOptions>>,
    /// Whether and how flakiness is reported.
    #[prost(message, optional, boxed, tag = "23")]
    pub health_analysis_options: Option<Box<HealthAnalysisOptions>>,
    /// When and whom to tell of flakiness.
    #[prost(message, optional, boxed, tag = "24")]
    pub flakiness_alert_options: Option<Box<DashboardTabFlakinessAlertOptions>>,
    /// More ways to compare two columns.
    #[prost(message, repeated, tag = "25")]
    pub column_diff_link_templates: Vec<LinkTemplate>,
    /// What the status leaves out or accepts.
    #[prost(message, optional, tag = "26")]
    pub status_customization_options: Option<DashboardTabStatusCustomizationOptions>,
    /// More groups whose results the tab shows below those of `test_group_name`. Bowsprit's own:
    /// TestGrid's programs skip the field and show the first group alone.
    #[prost(string, repeated, tag = "10001")]
    pub additional_test_group_names: Vec<String>,
}

impl DashboardTab {
    /// The groups whose results it shows, in order.
    pub fn test_groups(&self) -> impl Iterator<Item = &str> {
        let more = self.additional_test_group_names.iter().map(String::as_str);
        std::iter::once(self.test_group_name.as_str()).chain(more)
    }

    /// Whether it shows several groups.
    pub fn is_composite(&self) -> bool {
        !self.additional_test_group_names.is_empty()
    }
}

/// When and whom to tell of failures.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DashboardTabAlertOptions {
    /// The tab is stale without results for so many hours; 0 for never.
    #[prost(int32, tag = "1")]
    pub alert_stale_results_hours: i32,
    /// Failures in a row that open an alert; 0 for never.
    #[prost(int32, tag = "2")]
    pub num_failures_to_alert: i32,
    /// Addresses, separated by commas.
    #[prost(string, tag = "3")]
    pub alert_mail_to_addresses: String,
    /// Passes that close an alert.
    #[prost(int32, tag = "4")]
    pub num_passes_to_disable_alert: i32,
    /// The mail's subject.
    #[prost(string, tag = "5")]
    pub subject: String,
    /// A link in the mail.
    #[prost(string, tag = "6")]
    pub debug_url: String,
    /// What the link says.
    #[prost(string, tag = "7")]
    pub debug_message: String,
    /// Minutes after which a failure is told again; 0 for only once.
    #[prost(int32, tag = "8")]
    pub wait_minutes_between_emails: i32,
    /// A text in the mail.
    #[prost(string, tag = "9")]
    pub alert_mail_failure_message: String,
}

/// When and whom to tell of flakiness.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DashboardTabFlakinessAlertOptions {
    /// In percent; 0 for never.
    #[prost(float, tag = "1")]
    pub minimum_flakiness_to_alert: f32,
    /// Addresses, separated by commas.
    #[prost(string, tag = "2")]
    pub alert_mail_to_addresses: String,
    /// The mail's subject.
    #[prost(string, tag = "3")]
    pub subject: String,
    /// Minutes after which it is told again.
    #[prost(int32, tag = "4")]
    pub wait_minutes_between_emails: i32,
    /// A text in the mail.
    #[prost(string, tag = "5")]
    pub alert_mail_failure_message: String,
}

/// What a tab's status leaves out or accepts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DashboardTabStatusCustomizationOptions {
    /// Flakiness up to so many percent is acceptable; 0 for none.
    #[prost(float, tag = "1")]
    pub max_acceptable_flakiness: f32,
    /// Columns with one of these are left out; see [`IgnoredTestStatus`].
    #[prost(enumeration = "IgnoredTestStatus", repeated, tag = "2")]
    pub ignored_test_statuses: Vec<i32>,
    /// With fewer runs the tab is pending.
    #[prost(int32, tag = "3")]
    pub min_acceptable_runs: i32,
}

/// Statuses that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum IgnoredTestStatus {
    /// None.
    TestStatusUnspecified = 0,
    /// Aborted.
    CategorizedAbort = 1,
    /// Unknown.
    Unknown = 2,
    /// Cancelled.
    Cancel = 3,
    /// Blocked.
    Blocked = 4,
}

/// Whether and how flakiness is reported.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct HealthAnalysisOptions {
    /// Whether at all.
    #[prost(bool, tag = "1")]
    pub enable: bool,
    /// Length of the interval; a week if 0.
    #[prost(int32, tag = "2")]
    pub days_of_analysis: i32,
    /// When a report is mailed, as cron writes it.
    #[prost(string, tag = "3")]
    pub email_schedule: String,
    /// Addresses, separated by commas.
    #[prost(string, tag = "4")]
    pub email_recipients: String,
    /// How tests are grouped in the report.
    #[prost(string, tag = "5")]
    pub grouping_regex: String,
}
