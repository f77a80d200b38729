//! When a test command needs help, and what the help says.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use go_compat::regex::GoRegex;

/// A command names no target.
pub const WITHOUT_TARGET: &str = "The `/test` command needs one or more targets.\n";
/// `/retest` was given a target.
pub const RETEST_WITH_TARGET: &str = "The `/retest` command does not accept any targets.\n";
/// No job answers to the target.
pub const TARGET_NOT_FOUND: &str = "The specified target(s) for `/test` were not found.\n";
/// `/test all` selected nothing.
pub const NO_TEST_ALL_JOBS: &str = "No jobs can be run with `/test all`.\n";

const REQUIRED_HEADING: &str = "The following commands are available to trigger required jobs:";
const OPTIONAL_HEADING: &str = "The following commands are available to trigger optional jobs:";

/// Compiles a constant pattern of this room in Go's dialect.
fn constant(pattern: &str) -> GoRegex {
    GoRegex::new(pattern).expect("a constant pattern")
}

static TEST_LIST: LazyLock<GoRegex> = LazyLock::new(|| constant(r"(?m)^/test[ \t]*\?\s*$"));
static EMPTY_TEST: LazyLock<GoRegex> = LazyLock::new(|| constant(r"(?m)^/test\s*$"));
static RETEST_TARGET: LazyLock<GoRegex> = LazyLock::new(|| constant(r"(?m)^/retest[ \t]+\S+"));
static TEST_TARGET: LazyLock<GoRegex> = LazyLock::new(|| constant(r"(?m)^/test[ \t]+\S+"));
static ANY_TEST: LazyLock<GoRegex> = LazyLock::new(|| constant(r"(?m)^/(?:re)?test\b"));

/// Whether the text holds a form that may be answered with help.
#[must_use]
pub fn may_need_help(text: &str) -> bool {
    [&EMPTY_TEST, &RETEST_TARGET, &TEST_TARGET, &TEST_LIST].iter().any(|p| p.is_match(text))
}

/// The note of the help that is due, given how many jobs the comment selected; the first rule
/// that holds wins. `Some("")` is help without a note.
#[must_use]
pub fn note_of_due_help(text: &str, selected: usize, is_test_all: bool) -> Option<&'static str> {
    if TEST_LIST.is_match(text) {
        Some("")
    } else if EMPTY_TEST.is_match(text) {
        Some(WITHOUT_TARGET)
    } else if RETEST_TARGET.is_match(text) {
        Some(RETEST_WITH_TARGET)
    } else if selected == 0 && is_test_all {
        Some(NO_TEST_ALL_JOBS)
    } else if selected == 0 && TEST_TARGET.is_match(text) {
        Some(TARGET_NOT_FOUND)
    } else {
        None
    }
}

/// Whether a comment starts tests by `/test…` or `/retest…`, which makes earlier help obsolete.
#[must_use]
pub fn obsoletes_help(text: &str) -> bool {
    ANY_TEST.is_match(text)
}

/// Whether a comment is one of our help answers.
#[must_use]
pub fn is_help_comment(body: &str) -> bool {
    [
        WITHOUT_TARGET,
        RETEST_WITH_TARGET,
        TARGET_NOT_FOUND,
        NO_TEST_ALL_JOBS,
        REQUIRED_HEADING,
        OPTIONAL_HEADING,
    ]
    .iter()
    .any(|mark| body.contains(mark))
}

/// What can be run on a branch: names for `/test all`, commands by kind. Sets, so that jobs with
/// an equal rerun command are listed once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Available {
    /// Names of the jobs that `/test all` starts.
    pub test_all: BTreeSet<String>,
    /// Rerun commands of optional jobs.
    pub optional: BTreeSet<String>,
    /// Rerun commands of required jobs.
    pub required: BTreeSet<String>,
}

/// The text of the help answer, without quote and address.
#[must_use]
pub fn help_message(org: &str, repo: &str, branch: &str, note: &str, can: &Available) -> String {
    if can.test_all.is_empty() && can.optional.is_empty() && can.required.is_empty() {
        return format!("No presubmit jobs available for {org}/{repo}@{branch}");
    }
    let list = |names: &BTreeSet<String>| -> String {
        names.iter().map(|name| format!("\n```\n{name}\n```")).collect()
    };
    let mut text = note.to_owned();
    for (heading, commands) in
        [(REQUIRED_HEADING, &can.required), (OPTIONAL_HEADING, &can.optional)]
    {
        if !commands.is_empty() {
            text.push_str(heading);
            text.push_str(&list(commands));
            text.push_str("\n\n");
        }
    }
    if can.test_all.len() == can.optional.len() + can.required.len() {
        text.push_str("Use `/test all` to run all jobs.\n");
    } else if !can.test_all.is_empty() {
        text.push_str(
            "Use `/test all` to run the following jobs that were automatically triggered:",
        );
        text.push_str(&list(&can.test_all));
        text.push_str("\n\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_holds_decides_which_help_is_due() {
        let table: &[(&str, usize, bool, Option<&str>)] = &[
            ("/test ?", 0, false, Some("")),
            ("/test?", 0, false, Some("")),
            ("/test", 3, false, Some(WITHOUT_TARGET)),
            ("/test \r\n?", 0, false, Some(WITHOUT_TARGET)),
            ("/retest foo", 2, false, Some(RETEST_WITH_TARGET)),
            ("/test all", 0, true, Some(NO_TEST_ALL_JOBS)),
            ("/test all", 1, true, None),
            ("/test foo", 0, false, Some(TARGET_NOT_FOUND)),
            ("/test foo", 1, false, None),
            ("/retest", 0, false, None),
            ("/ok-to-test", 0, false, None),
            ("/test foo\n/test ?", 1, false, Some("")),
            ("/testing is fun", 0, false, None),
        ];
        for (text, selected, all, expected) in table {
            assert_eq!(note_of_due_help(text, *selected, *all), *expected, "{text:?} {selected}");
        }
    }

    #[test]
    fn our_own_answers_are_recognised_for_pruning() {
        for note in [WITHOUT_TARGET, RETEST_WITH_TARGET, TARGET_NOT_FOUND, NO_TEST_ALL_JOBS] {
            assert!(is_help_comment(&format!("@a: {note}x")), "{note}");
        }
        let can = Available { required: ["/test a".to_owned()].into(), ..Available::default() };
        assert!(is_help_comment(&help_message("o", "r", "main", "", &can)));
        assert!(!is_help_comment("thanks, /test looks fine"));
    }

    #[test]
    fn the_message_lists_required_then_optional_then_test_all() {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let can = Available {
            test_all: set(&["job-b", "job-a"]),
            optional: set(&["/test opt"]),
            required: set(&["/test b", "/test a"]),
        };
        assert_eq!(
            help_message("o", "r", "main", TARGET_NOT_FOUND, &can),
            "The specified target(s) for `/test` were not found.\n\
             The following commands are available to trigger required jobs:\
             \n```\n/test a\n```\n```\n/test b\n```\n\n\
             The following commands are available to trigger optional jobs:\
             \n```\n/test opt\n```\n\n\
             Use `/test all` to run the following jobs that were automatically triggered:\
             \n```\njob-a\n```\n```\njob-b\n```\n\n"
        );
        let all = Available { test_all: set(&["a"]), required: set(&["/test a"]), ..can };
        let all = Available { optional: BTreeSet::new(), ..all };
        assert!(
            help_message("o", "r", "main", "", &all)
                .ends_with("Use `/test all` to run all jobs.\n")
        );
        assert_eq!(
            help_message("o", "r", "main", TARGET_NOT_FOUND, &Available::default()),
            "No presubmit jobs available for o/r@main"
        );
    }
}
