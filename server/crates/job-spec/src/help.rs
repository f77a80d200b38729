//! What the bot answers when a `/test` or `/retest` comment asks for something that cannot be started.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use crate::filter::{Filter, command, filter_presubmits};
use crate::job::Presubmit;

/// Note for `/test` without a target.
pub const TEST_WITHOUT_TARGET: &str = "The `/test` command needs one or more targets.\n";
/// Note for `/retest` with a target.
pub const RETEST_WITH_TARGET: &str = "The `/retest` command does not accept any targets.\n";
/// Note for `/test` with a target that no job has.
pub const TARGET_NOT_FOUND: &str = "The specified target(s) for `/test` were not found.\n";
/// Note for `/test all` where it selects nothing.
pub const NO_TEST_ALL_JOBS: &str = "No jobs can be run with `/test all`.\n";

const REQUIRED_HEADING: &str = "The following commands are available to trigger required jobs:";
const OPTIONAL_HEADING: &str = "The following commands are available to trigger optional jobs:";

/// Whether a comment may be answered with help, depending on what it selects.
pub fn may_need_help(body: &str) -> bool {
    command::empty_test(body)
        || command::retest_with_target(body)
        || command::test_with_target(body)
        || command::test_help(body)
}

/// The note that a help answer to this comment starts with (empty for `/test ?`), or None where no help is due.
/// `selected` is how many jobs the comment selects.
pub fn help_note(body: &str, selected: usize) -> Option<&'static str> {
    if command::test_help(body) {
        Some("")
    } else if command::empty_test(body) {
        Some(TEST_WITHOUT_TARGET)
    } else if command::retest_with_target(body) {
        Some(RETEST_WITH_TARGET)
    } else if selected == 0 && command::test_all(body) {
        Some(NO_TEST_ALL_JOBS)
    } else if selected == 0 && command::test_with_target(body) {
        Some(TARGET_NOT_FOUND)
    } else {
        None
    }
}

/// Whether earlier help answers are out of date after this comment and should go.
pub fn prunes_help(body: &str) -> bool {
    command::any_test(body)
}

/// Whether a comment of the bot is a help answer.
pub fn is_help_comment(body: &str) -> bool {
    [
        TEST_WITHOUT_TARGET,
        RETEST_WITH_TARGET,
        TARGET_NOT_FOUND,
        NO_TEST_ALL_JOBS,
        // The answer to `/test ?` has no note, only its lists.
        REQUIRED_HEADING,
        OPTIONAL_HEADING,
    ]
    .iter()
    .any(|text| body.contains(text))
}

/// What can be started on a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Available {
    /// Names of the jobs that `/test all` starts.
    pub test_all: BTreeSet<String>,
    /// Commands that start optional jobs.
    pub optional: BTreeSet<String>,
    /// Commands that start required jobs.
    pub required: BTreeSet<String>,
}

/// What can be started on a pull request against `branch` with these changed files. Jobs that do not run on
/// that branch are left out.
pub fn available_presubmits<T: Borrow<Presubmit>, S: AsRef<str>>(
    branch: &str,
    changes: &[S],
    jobs: &[T],
) -> Available {
    let mut available = Available::default();
    for job in filter_presubmits(&Filter::TestAll, branch, changes, jobs) {
        available.test_all.insert(job.borrow().base.name.clone());
    }
    for job in jobs.iter().map(Borrow::borrow) {
        // A job counts if any job's command starts it: its own nearly always does.
        let startable = job.could_run(branch)
            && (job.trigger_matches(&job.rerun_command)
                || jobs.iter().any(|other| job.trigger_matches(&other.borrow().rerun_command)));
        if startable {
            let commands =
                if job.optional { &mut available.optional } else { &mut available.required };
            commands.insert(job.rerun_command.clone());
        }
    }
    available
}

/// The help answer, for the repository and branch that it is about.
pub fn help_message(
    org: &str,
    repo: &str,
    branch: &str,
    note: &str,
    available: &Available,
) -> String {
    let Available { test_all, optional, required } = available;
    if test_all.is_empty() && optional.is_empty() && required.is_empty() {
        return format!("No presubmit jobs available for {org}/{repo}@{branch}");
    }
    let mut message = note.to_owned();
    if !required.is_empty() {
        message.push_str(&format!("{REQUIRED_HEADING}{}\n\n", fenced(required)));
    }
    if !optional.is_empty() {
        message.push_str(&format!("{OPTIONAL_HEADING}{}\n\n", fenced(optional)));
    }
    if test_all.len() == optional.len() + required.len() {
        message.push_str("Use `/test all` to run all jobs.\n");
    } else if !test_all.is_empty() {
        message.push_str(&format!(
            "Use `/test all` to run the following jobs that were automatically triggered:{}\n\n",
            fenced(test_all)
        ));
    }
    message
}

/// Each text in a code fence of its own, so that it can be copied with one click.
fn fenced(texts: &BTreeSet<String>) -> String {
    texts.iter().map(|text| format!("\n```\n{text}\n```")).collect()
}
