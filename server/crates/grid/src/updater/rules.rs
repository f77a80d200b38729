//! Custom evaluator rules: another status for results that meet comparisons.
//!
//! Differences to TestGrid's evaluator, which are mistakes there: the orderings (`OP_LT` …) work,
//! for numbers and for names; `OP_STARTS_WITH` asks whether the result starts with the rule's text;
//! an operator that the compared value does not have never matches, instead of crashing.

use go_compat::GoRegex;

use crate::junit::Case;
use crate::proto::TestStatus;
use crate::proto::rules::{
    Comparison, ComparisonValue, Operator, Rule, TestResultComparison, TestResultInfo,
};

/// The rules of a group, ready to be tried.
#[derive(Clone, Debug, Default)]
pub struct Evaluator {
    rules: Vec<(Vec<Test>, TestStatus)>,
}

#[derive(Clone, Debug)]
enum Test {
    Property(String, TextTest),
    Name(TextTest),
    Count {
        of_errors: bool,
        test: NumberTest,
    },
    Exception(TextTest),
    /// Nothing meets it: the comparison is not complete, or asks for what a test result has not.
    Never,
}

#[derive(Clone, Debug)]
enum TextTest {
    Ordering(Operator, String),
    StartsWith(String),
    Contains(String),
    Regex(Option<GoRegex>),
    Never,
}

#[derive(Clone, Copy, Debug)]
struct NumberTest {
    op: Operator,
    value: f64,
}

impl Evaluator {
    /// Compiles rules. A pattern that does not compile matches nothing, as with TestGrid; the
    /// configuration's check tells of it.
    pub fn new(rules: &[Rule]) -> Evaluator {
        let rules = rules
            .iter()
            .map(|rule| {
                let tests = rule.test_result_comparisons.iter().map(test).collect();
                (tests, TestStatus::from_wire(rule.computed_status))
            })
            .collect();
        Evaluator { rules }
    }

    /// The status that the first matching rule gives.
    pub fn status(&self, case: &Case) -> Option<TestStatus> {
        let rule =
            self.rules.iter().find(|(tests, _)| tests.iter().all(|test| test.holds(case)))?;
        Some(rule.1)
    }
}

fn test(comparison: &TestResultComparison) -> Test {
    let Some(how) = &comparison.comparison else { return Test::Never };
    match &comparison.test_result_info {
        Some(TestResultInfo::PropertyKey(key)) if !key.is_empty() => {
            Test::Property(key.clone(), text_test(how))
        }
        Some(TestResultInfo::TestResultField(field)) => match field.as_str() {
            "name" => Test::Name(text_test(how)),
            "error_count" => Test::Count { of_errors: true, test: number_test(how) },
            "failure_count" => Test::Count { of_errors: false, test: number_test(how) },
            _ => Test::Never,
        },
        Some(TestResultInfo::TestResultErrorField(field)) if field == "exception_type" => {
            Test::Exception(text_test(how))
        }
        _ => Test::Never,
    }
}

fn operator(comparison: &Comparison) -> Operator {
    Operator::try_from(comparison.op).unwrap_or(Operator::OpUnknown)
}

fn text_test(comparison: &Comparison) -> TextTest {
    let value = match &comparison.comparison_value {
        Some(ComparisonValue::StringValue(value)) => value.clone(),
        _ => String::new(),
    };
    match operator(comparison) {
        Operator::OpUnknown => TextTest::Never,
        Operator::OpRegex => TextTest::Regex(GoRegex::new(&value).ok()),
        Operator::OpStartsWith => TextTest::StartsWith(value),
        Operator::OpContains => TextTest::Contains(value),
        op => TextTest::Ordering(op, value),
    }
}

fn number_test(comparison: &Comparison) -> NumberTest {
    let value = match comparison.comparison_value {
        Some(ComparisonValue::NumericalValue(value)) => value,
        _ => 0.0,
    };
    NumberTest { op: operator(comparison), value }
}

fn ordered<T: PartialOrd>(left: T, op: Operator, right: T) -> bool {
    match op {
        Operator::OpEq => left == right,
        Operator::OpNe => left != right,
        Operator::OpLt => left < right,
        Operator::OpLe => left <= right,
        Operator::OpGt => left > right,
        Operator::OpGe => left >= right,
        _ => false,
    }
}

impl Test {
    fn holds(&self, case: &Case) -> bool {
        match self {
            Test::Property(key, test) => {
                let mut values = case.properties.iter().filter(|(name, _)| name == key);
                values.any(|(_, value)| test.holds(value))
            }
            Test::Name(test) => test.holds(&case.name),
            Test::Count { of_errors, test } => {
                let verdict = if *of_errors { &case.error } else { &case.failure };
                let count = if verdict.is_some() { 1.0 } else { 0.0 };
                ordered(count, test.op, test.value)
            }
            Test::Exception(test) => {
                let verdicts = [&case.error, &case.failure];
                verdicts.into_iter().flatten().any(|verdict| test.holds(&verdict.body))
            }
            Test::Never => false,
        }
    }
}

impl TextTest {
    fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::Ordering(op, value) => ordered(text, *op, value),
            TextTest::StartsWith(value) => text.starts_with(value.as_str()),
            TextTest::Contains(value) => text.contains(value.as_str()),
            TextTest::Regex(regex) => regex.as_ref().is_some_and(|regex| regex.is_match(text)),
            TextTest::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::junit::Verdict;
    use Operator::*;

    fn case() -> Case {
        Case {
            name: "hello".into(),
            failure: Some(Verdict { message: "m".into(), body: "java.io.IOException".into() }),
            properties: vec![("p".into(), "one".into()), ("p".into(), "two".into())],
            ..Case::default()
        }
    }

    fn matches(info: Option<TestResultInfo>, op: Operator, value: ComparisonValue) -> bool {
        let comparison = Comparison { op: op as i32, comparison_value: Some(value) };
        let rule = Rule {
            test_result_comparisons: vec![TestResultComparison {
                comparison: Some(comparison),
                test_result_info: info,
            }],
            computed_status: TestStatus::Cancel as i32,
        };
        Evaluator::new(&[rule]).status(&case()) == Some(TestStatus::Cancel)
    }

    #[test]
    fn every_operator_compares_text() {
        let table = [
            (OpEq, "hello", true),
            (OpEq, "hell", false),
            (OpNe, "hell", true),
            (OpNe, "hello", false),
            (OpLt, "help", true),
            (OpLt, "hello", false),
            (OpLe, "hello", true),
            (OpGt, "hell", true),
            (OpGt, "hello", false),
            (OpGe, "hello", true),
            (OpRegex, "^h.*o$", true),
            (OpRegex, "x", false),
            (OpRegex, "(", false),
            (OpStartsWith, "he", true),
            (OpStartsWith, "hello world", false),
            (OpContains, "ell", true),
            (OpContains, "hello world", false),
            (OpUnknown, "hello", false),
        ];
        for (op, value, expected) in table {
            let field = Some(TestResultInfo::TestResultField("name".into()));
            let found = matches(field, op, ComparisonValue::StringValue(value.into()));
            assert_eq!(found, expected, "{op:?} {value}");
        }
    }

    #[test]
    fn every_operator_compares_counts() {
        let table = [
            ("failure_count", OpEq, 1.0, true),
            ("failure_count", OpNe, 1.0, false),
            ("failure_count", OpGt, 0.0, true),
            ("failure_count", OpGe, 1.0, true),
            ("error_count", OpLt, 1.0, true),
            ("error_count", OpLe, 0.0, true),
            ("error_count", OpEq, 1.0, false),
            ("error_count", OpContains, 0.0, false),
            ("error_count", OpUnknown, 0.0, false),
            ("nonsense", OpEq, 0.0, false),
        ];
        for (field, op, value, expected) in table {
            let info = Some(TestResultInfo::TestResultField(field.into()));
            let found = matches(info, op, ComparisonValue::NumericalValue(value));
            assert_eq!(found, expected, "{field} {op:?} {value}");
        }
    }

    #[test]
    fn any_value_of_a_property_and_any_error_may_match() {
        let text = |value: &str| ComparisonValue::StringValue(value.to_owned());
        let property = |key: &str| Some(TestResultInfo::PropertyKey(key.to_owned()));
        let error = |key: &str| Some(TestResultInfo::TestResultErrorField(key.to_owned()));
        assert!(matches(property("p"), OpEq, text("two")));
        assert!(!matches(property("p"), OpEq, text("three")));
        assert!(!matches(property("q"), OpNe, text("three")));
        assert!(matches(error("exception_type"), OpContains, text("IOException")));
        assert!(!matches(error("exception_type"), OpEq, text("IOException")));
        assert!(!matches(error("other"), OpContains, text("")));
        assert!(!matches(Some(TestResultInfo::TargetStatus(true)), OpEq, text("")));
        assert!(!matches(None, OpEq, text("")));
    }

    #[test]
    fn the_first_rule_whose_comparisons_all_hold_decides() {
        let rule = |names: &[&str], status: TestStatus| Rule {
            test_result_comparisons: names
                .iter()
                .map(|name| TestResultComparison {
                    comparison: Some(Comparison {
                        op: OpContains as i32,
                        comparison_value: Some(ComparisonValue::StringValue((*name).to_owned())),
                    }),
                    test_result_info: Some(TestResultInfo::TestResultField("name".into())),
                })
                .collect(),
            computed_status: status as i32,
        };
        let rules = [
            rule(&["h", "x"], TestStatus::Fail),
            rule(&["h", "o"], TestStatus::Blocked),
            rule(&[], TestStatus::Pass),
        ];
        assert_eq!(Evaluator::new(&rules).status(&case()), Some(TestStatus::Blocked));
        assert_eq!(Evaluator::new(&rules[2..]).status(&case()), Some(TestStatus::Pass));
        assert_eq!(Evaluator::new(&rules[..1]).status(&case()), None);
    }
}
