use job_spec::help::{
    Available, NO_TEST_ALL_JOBS, RETEST_WITH_TARGET, TARGET_NOT_FOUND, TEST_WITHOUT_TARGET,
    available_presubmits, help_message, help_note, is_help_comment, may_need_help, prunes_help,
};
use serde_json::json;

use crate::presubmit;

#[test]
fn help_is_due_for_questions_and_for_commands_that_select_nothing() {
    let cases = [
        ("/test ?", 3, Some("")),
        ("/test?", 0, Some("")),
        ("/test", 3, Some(TEST_WITHOUT_TARGET)),
        // The question mark is on the next line, so it belongs to nothing.
        ("/test \r\n?", 0, Some(TEST_WITHOUT_TARGET)),
        ("/retest something", 3, Some(RETEST_WITH_TARGET)),
        ("/test all", 0, Some(NO_TEST_ALL_JOBS)),
        ("/test all", 1, None),
        ("/test something", 0, Some(TARGET_NOT_FOUND)),
        ("/test something", 1, None),
        ("/retest", 0, None),
        ("/ok-to-test", 0, None),
        ("nothing to see", 0, None),
        // The first condition that holds words the answer.
        ("/test something\n/test ?", 1, Some("")),
        ("/retest something\n/test", 0, Some(TEST_WITHOUT_TARGET)),
    ];
    for (body, selected, expected) in cases {
        assert_eq!(help_note(body, selected), expected, "{body:?} selecting {selected}");
        if expected.is_some() {
            assert!(may_need_help(body), "{body:?}");
        }
    }
    assert!(!may_need_help("/retest"));
    assert!(prunes_help("/retest") && prunes_help("/test x") && !prunes_help("/lgtm"));
}

#[test]
fn help_answers_are_recognised_again() {
    let available =
        Available { required: ["/test unit".to_owned()].into(), ..Available::default() };
    assert!(is_help_comment(&help_message("org", "repo", "main", "", &available)));
    assert!(is_help_comment(&format!("@user: {TARGET_NOT_FOUND}")));
    assert!(!is_help_comment("/test ?"));
}

#[test]
fn the_answer_lists_what_can_be_started_on_the_branch() {
    let jobs = [
        presubmit(json!({"name": "unit", "always_run": true})),
        presubmit(json!({"name": "docs", "run_if_changed": "md$"})),
        presubmit(json!({"name": "manual"})),
        presubmit(json!({"name": "perf", "optional": true})),
        presubmit(json!({"name": "elsewhere", "always_run": true, "branches": ["^dev$"]})),
        // Two jobs of one command are listed once.
        presubmit(json!({"name": "perf-2", "optional": true, "trigger": "/test perf",
            "rerun_command": "/test perf"})),
    ];
    let available = available_presubmits("main", &["main.go"], &jobs);
    insta::assert_snapshot!(help_message("org", "repo", "main", TARGET_NOT_FOUND, &available), @r"
    The specified target(s) for `/test` were not found.
    The following commands are available to trigger required jobs:
    ```
    /test docs
    ```
    ```
    /test manual
    ```
    ```
    /test unit
    ```

    The following commands are available to trigger optional jobs:
    ```
    /test perf
    ```

    Use `/test all` to run the following jobs that were automatically triggered:
    ```
    unit
    ```
    ");
}

#[test]
fn the_answer_is_short_where_test_all_runs_everything_or_nothing_exists() {
    let jobs = [presubmit(json!({"name": "unit", "always_run": true}))];
    let none: &[&str] = &[];
    let available = available_presubmits("main", none, &jobs);
    assert_eq!(
        help_message("org", "repo", "main", "", &available),
        "The following commands are available to trigger required jobs:\n```\n/test unit\n```\n\n\
         Use `/test all` to run all jobs.\n"
    );
    assert_eq!(
        help_message("org", "repo", "main", TEST_WITHOUT_TARGET, &Available::default()),
        "No presubmit jobs available for org/repo@main"
    );
}
