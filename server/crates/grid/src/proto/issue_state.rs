//! Issues that mention tests of a group, written beside the grid by TestGrid's issue gatherer.

/// The issues of a test group.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IssueState {
    /// The issues.
    #[prost(message, repeated, tag = "1")]
    pub issue_info: Vec<IssueInfo>,
}

/// One issue and the tests that it is about.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IssueInfo {
    /// Number or key of the issue.
    #[prost(string, tag = "1")]
    pub issue_id: String,
    /// Its title.
    #[prost(string, tag = "2")]
    pub title: String,
    /// Whether it was filed for a failing test without a person.
    #[prost(bool, tag = "3")]
    pub is_autobug: bool,
    /// When it changed last, in seconds since the epoch.
    #[prost(double, tag = "4")]
    pub last_modified: f64,
    /// The ids of the rows that it mentions.
    #[prost(string, repeated, tag = "5")]
    pub row_ids: Vec<String>,
    /// The runs that it mentions.
    #[prost(string, repeated, tag = "6")]
    pub run_ids: Vec<String>,
    /// The targets and methods that it mentions.
    #[prost(message, repeated, tag = "7")]
    pub targets_and_methods: Vec<TargetAndMethods>,
    /// Whether it was filed for a flaky test without a person.
    #[prost(bool, tag = "8")]
    pub is_flakiness_bug: bool,
}

/// A target and some of its methods.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TargetAndMethods {
    /// The target.
    #[prost(string, tag = "1")]
    pub target_name: String,
    /// Its methods.
    #[prost(string, repeated, tag = "2")]
    pub method_names: Vec<String>,
}
