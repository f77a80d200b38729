use job_spec::should_run::Decision;
use serde_json::json;

use crate::{postsubmit, presubmit};

#[test]
fn branches_are_unanchored_patterns_and_skipping_wins() {
    let cases = [
        (json!({}), "anything", true),
        (json!({"branches": ["main"]}), "main", true),
        (json!({"branches": ["main"]}), "main-2", true),
        (json!({"branches": ["main"]}), "dev/main", true),
        (json!({"branches": ["^main$"]}), "main-2", false),
        (json!({"branches": ["^main$"]}), "main", true),
        (json!({"branches": ["release-1", "^dev$"]}), "dev", true),
        (json!({"branches": ["release-1", "^dev$"]}), "developer", false),
        (json!({"skip_branches": ["old"]}), "main", true),
        (json!({"skip_branches": ["old"]}), "very-old-one", false),
        (json!({"branches": ["main"], "skip_branches": ["main"]}), "main", false),
        (json!({"branches": ["main"], "skip_branches": ["main-"]}), "main", true),
        (json!({"branches": ["main"], "skip_branches": ["main-"]}), "main-2", false),
        (json!({"branches": [r"^release-\d+\.\d+$"]}), "release-1.30", true),
        (json!({"branches": [r"^release-\d+\.\d+$"]}), "release-1.30-beta", false),
    ];
    for (config, branch, expected) in cases {
        let mut config = config;
        config["name"] = json!("unit");
        assert_eq!(presubmit(config.clone()).could_run(branch), expected, "{config} on {branch}");
        assert_eq!(postsubmit(config.clone()).could_run(branch), expected, "{config} on {branch}");
    }
}

#[test]
fn two_branchers_intersect_by_the_texts_of_their_patterns() {
    let all = json!({});
    let main = json!({"branches": ["main"]});
    let anchored = json!({"branches": ["^main$"]});
    let both = json!({"branches": ["main", "dev"]});
    let dev = json!({"branches": ["dev"]});
    let not_main = json!({"skip_branches": ["main"]});
    let not_dev = json!({"skip_branches": ["dev"]});
    let cases = [
        (&all, &main, true),
        (&all, &not_main, true),
        (&main, &main, true),
        (&main, &dev, false),
        (&main, &both, true),
        // They match the same branch, but do not say it in the same words.
        (&main, &anchored, false),
        (&main, &not_main, false),
        (&main, &not_dev, true),
        (&both, &not_main, true),
        (&not_main, &not_dev, true),
    ];
    for (left, right, expected) in cases {
        let brancher = |config: &serde_json::Value| {
            let mut config = config.clone();
            config["name"] = json!("unit");
            presubmit(config).brancher
        };
        let (a, b) = (brancher(left), brancher(right));
        assert_eq!(a.intersects(&b), expected, "{left} and {right}");
        assert_eq!(b.intersects(&a), expected, "{right} and {left}");
    }
}

#[test]
fn a_presubmit_runs_when_always_forced_changed_or_by_default() {
    const NONE: &[&str] = &[];
    let go = json!({"run_if_changed": r"\.go$"});
    let not_docs = json!({"skip_if_only_changed": r"^docs/|\.md$"});
    let always = json!({"always_run": true});
    let manual = json!({});
    // config, changes, forced, default, expected
    let cases = [
        (&always, NONE, false, false, true),
        (&manual, &["a.go"][..], false, false, false),
        (&manual, NONE, true, false, true),
        (&manual, NONE, false, true, true),
        (&go, &["a.go"], false, false, true),
        (&go, &["README.md", "b/a.go"], false, false, true),
        (&go, &["README.md"], false, false, false),
        (&go, &["README.md"], true, false, true),
        (&go, &["README.md"], false, true, true),
        (&go, NONE, false, false, false),
        (&not_docs, &["docs/a.txt", "README.md"], false, false, false),
        (&not_docs, &["docs/a.txt", "main.go"], false, false, true),
        (&not_docs, &["main.go"], false, false, true),
        // No changes at all start neither kind.
        (&not_docs, NONE, false, false, false),
    ];
    for (config, changes, forced, default, expected) in cases {
        let mut config = config.clone();
        config["name"] = json!("unit");
        config["branches"] = json!(["main"]);
        let job = presubmit(config.clone());
        let what = format!("{config} with {changes:?}, forced {forced}, default {default}");
        assert_eq!(job.should_run("main", changes, forced, default), expected, "{what}");
        assert!(!job.should_run("other", changes, forced, default), "other branch: {what}");
    }
}

#[test]
fn changed_files_are_asked_for_only_where_they_decide() {
    let go = presubmit(json!({"name": "unit", "run_if_changed": "go", "branches": ["main"]}));
    assert_eq!(go.decide("main", false, false), Decision::ByChanges);
    assert_eq!(go.decide("main", true, false), Decision::Run);
    assert_eq!(go.decide("main", false, true), Decision::Run);
    assert_eq!(go.decide("other", true, true), Decision::Skip);
    let manual = presubmit(json!({"name": "unit"}));
    assert_eq!(manual.decide("main", false, false), Decision::Skip);
}

#[test]
fn a_postsubmit_runs_unless_told_otherwise() {
    let cases = [
        (json!({}), &["a"][..], true),
        (json!({"always_run": true}), &[], true),
        (json!({"always_run": false}), &["a"], false),
        (json!({"run_if_changed": "^a$"}), &["a"], true),
        (json!({"run_if_changed": "^a$"}), &["b"], false),
        (json!({"run_if_changed": "^a$"}), &[], false),
        (json!({"skip_if_only_changed": "^a$"}), &["a"], false),
        (json!({"skip_if_only_changed": "^a$"}), &["a", "b"], true),
        // A change pattern decides alone.
        (json!({"run_if_changed": "^a$", "always_run": false}), &["a"], true),
        (json!({"branches": ["dev"]}), &["a"], false),
    ];
    for (config, changes, expected) in cases {
        let mut config = config;
        config["name"] = json!("publish");
        assert_eq!(postsubmit(config.clone()).should_run("main", changes), expected, "{config}");
    }
}

#[test]
fn what_a_presubmit_needs_to_start_follows_from_its_settings() {
    // config, needs explicit trigger, triggers conditionally, context required
    let cases = [
        (json!({"always_run": true}), false, false, true),
        (json!({"always_run": true, "optional": true}), false, false, false),
        (json!({"always_run": true, "skip_report": true}), false, false, false),
        (json!({"run_if_changed": "x"}), false, true, true),
        (json!({"skip_if_only_changed": "x"}), false, true, true),
        (json!({}), true, true, true),
    ];
    for (config, explicit, conditional, required) in cases {
        let mut config = config;
        config["name"] = json!("unit");
        let job = presubmit(config.clone());
        assert_eq!(job.needs_explicit_trigger(), explicit, "{config}");
        assert_eq!(job.triggers_conditionally(), conditional, "{config}");
        assert_eq!(job.context_required(), required, "{config}");
    }
}

#[test]
fn the_default_trigger_takes_several_names_on_a_line() {
    let job = presubmit(json!({"name": "pull-unit"}));
    for body in [
        "/test pull-unit",
        "/test pull-unit,",
        "/test pull-lint pull-unit",
        "/test pull-unit pull-lint",
        "/test pull-lint, pull-unit",
        "first\n/test pull-unit\nlast",
        "/test pull-unit\r\n/assign somebody",
        "/test pull-unit   ",
    ] {
        assert!(job.trigger_matches(body), "{body:?}");
    }
    for body in [
        "/test pull-units",
        "/test my-pull-unit",
        "please /test pull-unit",
        "/testing pull-unit",
        "/retest pull-unit",
        "/test",
        " /test pull-unit",
    ] {
        assert!(!job.trigger_matches(body), "{body:?}");
    }
    // The name is part of the pattern as it is.
    let dotted = presubmit(json!({"name": "pull.unit"}));
    assert!(dotted.trigger_matches("/test pull-unit"));
}

#[test]
fn a_pattern_that_does_not_compile_names_its_key() {
    for (key, value) in [
        ("trigger", json!("(")),
        ("branches", json!(["("])),
        ("skip_branches", json!(["ok", "["])),
        ("run_if_changed", json!("a{2,1}")),
        ("skip_if_only_changed", json!("(?P<")),
    ] {
        let config = json!({"name": "unit", key: value});
        let mut job: job_spec::Presubmit = serde_json::from_value(config).expect("a presubmit");
        let error = job.compile().expect_err(key).to_string();
        assert!(error.contains(key), "{error}");
    }
}
