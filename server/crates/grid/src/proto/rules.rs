//! Rules that give results another status than the test tool did.

use super::TestStatus;

/// Rules in the order in which they are tried.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RuleSet {
    /// The first rule that matches decides.
    #[prost(message, repeated, tag = "1")]
    pub rules: Vec<Rule>,
}

/// A status for the results that meet all comparisons.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Rule {
    /// What must hold; a rule without comparisons always matches.
    #[prost(message, repeated, tag = "1")]
    pub test_result_comparisons: Vec<TestResultComparison>,
    /// The status that the result gets.
    #[prost(enumeration = "TestStatus", tag = "3")]
    pub computed_status: i32,
}

/// A part of a result and what it is compared with.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TestResultComparison {
    /// Operator and value.
    #[prost(message, optional, tag = "1")]
    pub comparison: Option<Comparison>,
    /// Which part of the result is looked at.
    #[prost(oneof = "TestResultInfo", tags = "2, 3, 4, 5")]
    pub test_result_info: Option<TestResultInfo>,
}

/// The parts of a result.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum TestResultInfo {
    /// The values of a property; one that satisfies the comparison is enough.
    #[prost(string, tag = "2")]
    PropertyKey(String),
    /// A field: `name`, `error_count` or `failure_count`.
    #[prost(string, tag = "3")]
    TestResultField(String),
    /// A field of the errors: `exception_type`.
    #[prost(string, tag = "4")]
    TestResultErrorField(String),
    /// The status of the target; only with results of ResultStore.
    #[prost(bool, tag = "5")]
    TargetStatus(bool),
}

/// An operator with the value on its right.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Comparison {
    /// How the result is compared with the value.
    #[prost(enumeration = "Operator", tag = "1")]
    pub op: i32,
    /// The value.
    #[prost(oneof = "ComparisonValue", tags = "2, 3, 4")]
    pub comparison_value: Option<ComparisonValue>,
}

/// What results are compared with.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ComparisonValue {
    /// A text.
    #[prost(string, tag = "2")]
    StringValue(String),
    /// A number.
    #[prost(double, tag = "3")]
    NumericalValue(f64),
    /// A status.
    #[prost(enumeration = "TestStatus", tag = "4")]
    TargetStatusValue(i32),
}

/// Ways to compare; the result stands on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Operator {
    /// None was given; never satisfied.
    OpUnknown = 0,
    /// Equal.
    OpEq = 1,
    /// Not equal.
    OpNe = 2,
    /// Less than.
    OpLt = 3,
    /// Less than or equal.
    OpLe = 4,
    /// Greater than.
    OpGt = 5,
    /// Greater than or equal.
    OpGe = 6,
    /// The result matches the pattern somewhere.
    OpRegex = 7,
    /// The result starts with the text.
    OpStartsWith = 8,
    /// The result contains the text.
    OpContains = 9,
}
