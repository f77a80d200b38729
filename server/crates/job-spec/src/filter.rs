//! Which presubmits a comment on a pull request asks for.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use go_compat::regex::GoRegex;

use crate::job::Presubmit;
use crate::should_run::Decision;

/// The commands that a comment can give, as patterns over its whole text.
pub mod command {
    use super::*;

    macro_rules! commands {
        ($($(#[$meta:meta])* $name:ident = $pattern:literal;)*) => {$(
            $(#[$meta])*
            pub fn $name(body: &str) -> bool {
                static REGEX: LazyLock<Option<GoRegex>> =
                    LazyLock::new(|| GoRegex::new($pattern).ok());
                REGEX.as_ref().is_some_and(|regex| regex.is_match(body))
            }
        )*

            #[cfg(test)]
            pub(super) const PATTERNS: &[&str] = &[$($pattern),*];
        };
    }

    commands! {
        /// `/test all` at the start of a line, whatever follows after white space.
        test_all = r"(?m)^/test all,?($|\s.*)";
        /// `/retest` alone on a line.
        retest = r"(?m)^/retest\s*$";
        /// `/retest-required` alone on a line.
        retest_required = r"(?m)^/retest-required\s*$";
        /// `/test-manual-required` alone on a line.
        test_manual_required = r"(?m)^/test-manual-required\s*$";
        /// `/ok-to-test` alone on a line.
        ok_to_test = r"(?m)^/ok-to-test\s*$";
        /// `/ok-to-test cancel` alone on a line.
        ok_to_test_cancel = r"(?m)^/ok-to-test\s+cancel\s*$";
        /// `/test ?`: a question, not a run.
        test_help = r"(?m)^/test[ \t]*\?\s*$";
        /// `/test` without a target.
        empty_test = r"(?m)^/test\s*$";
        /// `/retest` with a target, which it does not take.
        retest_with_target = r"(?m)^/retest[ \t]+\S+";
        /// `/test` with any target.
        test_with_target = r"(?m)^/test[ \t]+\S+";
        /// Any command that begins with `/test` or `/retest`.
        any_test = r"(?m)^/(?:re)?test\b";
    }
}

/// What a filter says of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The filter is about this job.
    pub matches: bool,
    /// The job runs whatever changed.
    pub forced: bool,
    /// Whether the job runs where no change matcher says yes.
    pub default: bool,
}

/// The statuses on the head of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// Names of the statuses that failed or errored.
    pub failed: BTreeSet<String>,
    /// Names of all statuses.
    pub all: BTreeSet<String>,
}

impl Contexts {
    fn retest(&self, job: &Presubmit) -> Verdict {
        let failed = self.failed.contains(&job.reporter.context);
        let missing = !self.all.contains(&job.reporter.context);
        Verdict {
            matches: failed || (!job.needs_explicit_trigger() && missing),
            forced: false,
            default: failed,
        }
    }
}

/// One way to choose among presubmits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Jobs whose trigger matches this text.
    Command(String),
    /// Jobs that failed, and automatic ones without a status.
    Retest(Contexts),
    /// The same without the optional ones.
    RetestRequired(Contexts),
    /// Required jobs that only run when asked for, and have no change pattern.
    ManualRequired,
    /// Jobs that run without being asked.
    TestAll,
    /// The first of these that matches a job decides.
    FirstOf(Vec<Filter>),
}

impl Filter {
    /// What the filter says of `job`.
    pub fn verdict(&self, job: &Presubmit) -> Verdict {
        match self {
            Filter::Command(body) => {
                let matches = job.trigger_matches(body);
                Verdict { matches, forced: matches, default: true }
            }
            Filter::Retest(contexts) => contexts.retest(job),
            Filter::RetestRequired(_) if job.optional => Verdict::default(),
            Filter::RetestRequired(contexts) => contexts.retest(job),
            Filter::ManualRequired => {
                let matches = !job.optional && job.needs_explicit_trigger();
                Verdict { matches, forced: matches, default: false }
            }
            Filter::TestAll => {
                Verdict { matches: !job.needs_explicit_trigger(), forced: false, default: false }
            }
            Filter::FirstOf(filters) => filters
                .iter()
                .map(|filter| filter.verdict(job))
                .find(|verdict| verdict.matches)
                .unwrap_or_default(),
        }
    }
}

/// Whether [`presubmit_filter`] looks at the statuses for this comment, so that they must be fetched.
pub fn needs_contexts(body: &str) -> bool {
    command::retest(body) || command::retest_required(body)
}

/// The filter that a comment stands for. `honor_ok_to_test` says that `/ok-to-test` in it counts, which it does
/// not where the pull request was trusted already. Several commands in one comment add up.
pub fn presubmit_filter(body: &str, honor_ok_to_test: bool, contexts: &Contexts) -> Filter {
    // From the most specific to the least: the first that matches a job decides how it runs.
    let mut filters = vec![Filter::Command(body.to_owned())];
    if command::retest(body) {
        filters.push(Filter::Retest(contexts.clone()));
    }
    if command::retest_required(body) {
        filters.push(Filter::RetestRequired(contexts.clone()));
    }
    if command::test_manual_required(body) {
        filters.push(Filter::ManualRequired);
    }
    if (honor_ok_to_test && command::ok_to_test(body)) || command::test_all(body) {
        filters.push(Filter::TestAll);
    }
    Filter::FirstOf(filters)
}

fn decision(filter: &Filter, branch: &str, job: &Presubmit) -> Decision {
    let verdict = filter.verdict(job);
    if verdict.matches {
        job.decide(branch, verdict.forced, verdict.default)
    } else {
        Decision::Skip
    }
}

/// Whether [`filter_presubmits`] looks at the changed files, so that they must be fetched.
pub fn needs_changes<T: Borrow<Presubmit>>(filter: &Filter, branch: &str, jobs: &[T]) -> bool {
    jobs.iter().any(|job| decision(filter, branch, job.borrow()) == Decision::ByChanges)
}

/// The jobs that `filter` starts on a pull request against `branch` with these changed files.
pub fn filter_presubmits<'a, T: Borrow<Presubmit>, S: AsRef<str>>(
    filter: &Filter,
    branch: &str,
    changes: &[S],
    jobs: &'a [T],
) -> Vec<&'a T> {
    jobs.iter()
        .filter(|job| {
            let job: &Presubmit = (*job).borrow();
            match decision(filter, branch, job) {
                Decision::Run => true,
                Decision::Skip => false,
                Decision::ByChanges => job.change_matcher.matches(changes),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_pattern_compiles() {
        for pattern in command::PATTERNS {
            assert!(GoRegex::new(pattern).is_ok(), "{pattern}");
        }
    }
}
