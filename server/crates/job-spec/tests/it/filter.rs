use std::collections::BTreeSet;

use job_spec::Presubmit;
use job_spec::filter::{
    Contexts, Filter, command, filter_presubmits, needs_changes, needs_contexts, presubmit_filter,
};
use serde_json::json;

use crate::presubmit;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A pull request on which `build` failed, `unit` passed and `slow` is still running.
fn contexts() -> Contexts {
    Contexts { failed: set(&["build"]), all: set(&["build", "unit", "slow"]) }
}

fn jobs() -> Vec<Presubmit> {
    [
        json!({"name": "build", "always_run": true}),
        json!({"name": "unit", "always_run": true}),
        json!({"name": "slow", "always_run": true}),
        json!({"name": "lint", "always_run": true, "optional": true}),
        json!({"name": "go", "run_if_changed": "\\.go$"}),
        json!({"name": "manual"}),
        json!({"name": "manual-optional", "optional": true}),
        json!({"name": "silly", "trigger": "(?m)please run it", "rerun_command": "please run it"}),
        json!({"name": "other-branch", "always_run": true, "branches": ["^release-"]}),
    ]
    .into_iter()
    .map(presubmit)
    .collect()
}

fn selected(body: &str, honor_ok_to_test: bool, changes: &[&str]) -> Vec<String> {
    let jobs = jobs();
    let filter = presubmit_filter(body, honor_ok_to_test, &contexts());
    filter_presubmits(&filter, "main", changes, &jobs)
        .into_iter()
        .map(|job| job.base.name.clone())
        .collect()
}

#[test]
fn a_comment_selects_the_jobs_it_asks_for() {
    let docs: &[&str] = &["README.md"];
    let code: &[&str] = &["main.go"];
    let automatic = ["build", "unit", "slow", "lint"];
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("/test all", docs, &automatic),
        ("/test all", code, &["build", "unit", "slow", "lint", "go"]),
        ("/test all,", docs, &automatic),
        ("/test all please", docs, &automatic),
        ("/test all\r\n", docs, &automatic),
        ("/test allofit", docs, &[]),
        ("not /test all", docs, &[]),
        ("/test build", docs, &["build"]),
        ("/test build unit", docs, &["build", "unit"]),
        ("/test build\n/test manual", docs, &["build", "manual"]),
        ("/test go", docs, &["go"]),
        ("/test nothing-like-it", docs, &[]),
        ("/test other-branch", docs, &[]),
        ("well, please run it now", docs, &["silly"]),
        // Failed ones, and automatic ones that have no status yet; passed and running ones stay.
        ("/retest", docs, &["build", "lint"]),
        ("/retest\r\n/assign somebody", docs, &["build", "lint"]),
        ("/retest", code, &["build", "lint", "go"]),
        ("/retest build", docs, &[]),
        ("/retest-required", docs, &["build"]),
        ("/retest-required", code, &["build", "go"]),
        ("/test-manual-required", docs, &["manual", "silly"]),
        ("/retest\n/test manual", docs, &["build", "lint", "manual"]),
        ("/ok-to-test", docs, &automatic),
        ("/test ?", docs, &[]),
    ];
    for (body, changes, expected) in cases {
        assert_eq!(selected(body, true, changes), *expected, "{body:?} with {changes:?}");
    }
}

#[test]
fn ok_to_test_counts_only_where_it_is_honoured() {
    assert!(selected("/ok-to-test", false, &[]).is_empty());
    assert_eq!(selected("/test all", false, &[]).len(), 4);
}

#[test]
fn a_failed_conditional_job_is_retested_although_nothing_it_watches_changed() {
    let jobs = [presubmit(json!({"name": "go", "run_if_changed": "\\.go$"}))];
    let failed = Contexts { failed: set(&["go"]), all: set(&["go"]) };
    let run = |contexts: &Contexts| {
        let filter = presubmit_filter("/retest", false, contexts);
        filter_presubmits(&filter, "main", &["README.md"], &jobs).len()
    };
    assert_eq!(run(&failed), 1);
    assert_eq!(run(&Contexts::default()), 0);
    assert_eq!(run(&Contexts { failed: set(&[]), all: set(&["go"]) }), 0);
}

#[test]
fn contexts_and_changes_are_asked_for_only_where_they_decide() {
    assert!(needs_contexts("/retest"));
    assert!(needs_contexts("/retest-required"));
    assert!(!needs_contexts("/test all"));
    let jobs = jobs();
    let asks =
        |body: &str| needs_changes(&presubmit_filter(body, false, &contexts()), "main", &jobs);
    assert!(asks("/test all"));
    assert!(asks("/retest"));
    assert!(!asks("/test build"));
    assert!(!asks("/test go"));
    assert!(!needs_changes(&Filter::TestAll, "main", &jobs[..4]));
}

#[test]
fn the_first_filter_that_matches_decides() {
    // The command forces a job that the test-all filter would leave to its change pattern.
    let jobs = jobs();
    let filter = presubmit_filter("/test all\n/test go", false, &contexts());
    let names: Vec<&str> = filter_presubmits(&filter, "main", &["README.md"], &jobs)
        .into_iter()
        .map(|job| job.base.name.as_str())
        .collect();
    assert_eq!(names, ["build", "unit", "slow", "lint", "go"]);
}

#[test]
fn of_two_jobs_of_one_name_the_one_for_the_branch_runs() {
    let jobs = [
        presubmit(json!({"name": "unit", "context": "old", "branches": ["^release-1$"]})),
        presubmit(json!({"name": "unit", "context": "new", "branches": ["^main$"]})),
    ];
    let filter = presubmit_filter("/test unit", false, &Contexts::default());
    let changes: &[&str] = &[];
    let run = filter_presubmits(&filter, "main", changes, &jobs);
    assert_eq!(run.len(), 1);
    assert_eq!(run[0].reporter.context, "new");
}

#[test]
fn commands_stand_alone_on_their_line() {
    type Command = fn(&str) -> bool;
    let cases: &[(Command, &[&str], &[&str])] = &[
        (
            command::ok_to_test,
            &["/ok-to-test", "/ok-to-test \r\n", "hello\n/ok-to-test\nthere"],
            &["not /ok-to-test", "/ok-to-test cancel", "/ok-to-testing"],
        ),
        (
            command::ok_to_test_cancel,
            &["/ok-to-test cancel", "/ok-to-test   cancel \r\n", "/ok-to-test\ncancel"],
            &["/ok-to-test", "/ok-to-test cancel it"],
        ),
        (
            command::retest,
            &["/retest", "/retest\r\n/lgtm", "/retest   "],
            &["/retest x", "/retest-required", "do /retest"],
        ),
        (command::test_help, &["/test ?", "/test?", "/test \t ?  "], &["/test x?", "/test ? x"]),
        (command::empty_test, &["/test", "/test  \r\n?", "/test\n"], &["/test x", "/testing"]),
        (command::any_test, &["/test", "/retest", "/retest x", "/test-x"], &["/tests", "a /test"]),
    ];
    for (matches, yes, no) in cases {
        for body in *yes {
            assert!(matches(body), "{body:?}");
        }
        for body in *no {
            assert!(!matches(body), "{body:?}");
        }
    }
}
