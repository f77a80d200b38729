//! Whether a job runs for a branch and a set of changed files.

use std::collections::BTreeSet;

use crate::job::{Brancher, Postsubmit, Presubmit, RegexpChangeMatcher};

/// The answer as far as it can be given without the changed files, which cost a call to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It runs.
    Run,
    /// It does not run.
    Skip,
    /// It runs if the job's change matcher says so.
    ByChanges,
}

impl Brancher {
    /// True if neither list is set.
    pub fn runs_against_all_branches(&self) -> bool {
        self.skip_branches.is_empty() && self.branches.is_empty()
    }

    /// Whether the job runs on `branch`. A branch on both lists is skipped. A list that was not compiled
    /// matches nothing.
    pub fn should_run(&self, branch: &str) -> bool {
        if self.skip_regex.as_ref().is_some_and(|regex| regex.is_match(branch)) {
            return false;
        }
        self.branches.is_empty() || self.regex.as_ref().is_some_and(|regex| regex.is_match(branch))
    }

    /// Whether some branch may be meant by both, as far as Prow looks: two lists of branches are compared
    /// by their texts, a list of branches against a list of skipped ones by taking its patterns as names.
    pub fn intersects(&self, other: &Brancher) -> bool {
        if self.runs_against_all_branches() || other.runs_against_all_branches() {
            return true;
        }
        match (self.branches.is_empty(), other.branches.is_empty()) {
            (false, false) => {
                let own: BTreeSet<_> = self.branches.iter().collect();
                other.branches.iter().any(|branch| own.contains(branch))
            }
            (false, true) => self.branches.iter().any(|branch| other.should_run(branch)),
            (true, false) => other.branches.iter().any(|branch| self.should_run(branch)),
            (true, true) => true,
        }
    }
}

impl RegexpChangeMatcher {
    /// Whether a change pattern is set at all.
    pub fn could_run(&self) -> bool {
        !self.run_if_changed.is_empty() || !self.skip_if_only_changed.is_empty()
    }

    /// Whether these changed files make the job run: one that matches `run_if_changed`, or one that does
    /// not match `skip_if_only_changed`. No files, no run.
    pub fn matches<S: AsRef<str>>(&self, changes: &[S]) -> bool {
        let Some(regex) = &self.regex else { return false };
        let wanted = !self.run_if_changed.is_empty();
        changes.iter().any(|change| regex.is_match(change.as_ref()) == wanted)
    }
}

impl Presubmit {
    /// Whether the job may run on pull requests against `branch` at all.
    pub fn could_run(&self, branch: &str) -> bool {
        self.brancher.should_run(branch)
    }

    /// Whether the job runs, given what a comment filter said of it: `forced` runs whatever changed,
    /// `default` runs where no change matcher says yes.
    pub fn decide(&self, branch: &str, forced: bool, default: bool) -> Decision {
        if !self.could_run(branch) {
            Decision::Skip
        } else if self.always_run || forced || default {
            Decision::Run
        } else if self.change_matcher.could_run() {
            Decision::ByChanges
        } else {
            Decision::Skip
        }
    }

    /// As [`Presubmit::decide`], with the changed files at hand.
    pub fn should_run<S: AsRef<str>>(
        &self,
        branch: &str,
        changes: &[S],
        forced: bool,
        default: bool,
    ) -> bool {
        match self.decide(branch, forced, default) {
            Decision::Run => true,
            Decision::Skip => false,
            Decision::ByChanges => self.change_matcher.matches(changes),
        }
    }

    /// Whether it may or may not run for a given pull request.
    pub fn triggers_conditionally(&self) -> bool {
        self.needs_explicit_trigger() || self.change_matcher.could_run()
    }

    /// Whether it only runs when somebody asks.
    pub fn needs_explicit_trigger(&self) -> bool {
        !self.always_run && !self.change_matcher.could_run()
    }

    /// Whether a comment with this text starts it.
    pub fn trigger_matches(&self, body: &str) -> bool {
        self.trigger_regex.as_ref().is_some_and(|regex| regex.is_match(body))
    }

    /// Whether its status is required for merging.
    pub fn context_required(&self) -> bool {
        !self.optional && !self.reporter.skip_report
    }
}

impl Postsubmit {
    /// Whether the job may run on pushes to `branch` at all.
    pub fn could_run(&self, branch: &str) -> bool {
        self.brancher.should_run(branch)
    }

    /// Whether the job runs on a push to `branch`, as far as that is known without the changed files.
    pub fn decide(&self, branch: &str) -> Decision {
        if !self.could_run(branch) {
            Decision::Skip
        } else if self.change_matcher.could_run() {
            Decision::ByChanges
        } else if self.always_run.unwrap_or(true) {
            Decision::Run
        } else {
            Decision::Skip
        }
    }

    /// As [`Postsubmit::decide`], with the changed files at hand.
    pub fn should_run<S: AsRef<str>>(&self, branch: &str, changes: &[S]) -> bool {
        match self.decide(branch) {
            Decision::Run => true,
            Decision::Skip => false,
            Decision::ByChanges => self.change_matcher.matches(changes),
        }
    }
}
