//! checkconfig's warnings.

use std::collections::BTreeMap;

use config_load::checks::{self, CheckInput, WarningSet};
use config_load::{load, load_plugins};

use crate::support::{Files, SETTINGS, now};

/// The warnings of a set for these files, with their places.
fn warnings(files: &Files, names: &[&str]) -> Vec<String> {
    warnings_with(files, names, &[], None)
}

fn warnings_with(
    files: &Files,
    names: &[&str],
    annotations: &[&str],
    statuses: Option<&BTreeMap<String, String>>,
) -> Vec<String> {
    let options = files.options();
    let loaded = load(&options, now()).unwrap_or_else(|errors| panic!("{errors}"));
    let plugins = load_plugins(&options).unwrap_or_else(|errors| panic!("{errors}"));
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let set = WarningSet::from_flags(&names, &[], false, false).expect("known warnings");
    let annotations: Vec<String> = annotations.iter().map(|name| (*name).to_owned()).collect();
    let load_warnings = [loaded.warnings, plugins.warnings].concat();
    let input = CheckInput {
        config: &loaded.config,
        plugins: options.plugin_config_path.is_some().then_some(&*plugins.plugins),
        load_warnings: &load_warnings,
        options: &options,
        required_job_annotations: &annotations,
        cluster_statuses: statuses,
    };
    files.shown(&checks::run(&input, &set))
}

const SPEC: &str = "spec: {containers: [{image: x}]}";

#[test]
fn flags_choose_warnings() {
    let choose = |warnings: &[&str], exclude: &[&str], defaults, expensive| {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        WarningSet::from_flags(&owned(warnings), &owned(exclude), defaults, expensive)
    };
    assert_eq!(choose(&[], &[], false, false).expect("a set"), WarningSet::defaults());
    assert_eq!(choose(&["long-job-names"], &[], false, false).expect("a set").iter().count(), 1);
    assert_eq!(
        choose(&["unknown-fields-all"], &[], true, false).expect("a set").iter().count(),
        21
    );
    assert_eq!(choose(&[], &["long-job-names"], false, true).expect("a set").iter().count(), 23);
    let unknown = choose(&["nonsense"], &[], false, false).expect_err("no warning");
    assert!(
        unknown
            .to_string()
            .starts_with("no such warning \"nonsense\", valid warnings: [mismatched-tide ")
    );
}

#[test]
fn jobs_are_warned_of_with_their_line() {
    let files = Files::new(SETTINGS);
    let long = "x".repeat(64);
    files.write(
        "jobs/a.yaml",
        format!(
            "presubmits:\n  org/repo:\n  - {{name: twice, decorate: true, extra_refs: [{{org: org, repo: repo, base_ref: m}}, {{org: o, repo: r, base_ref: m}}, {{org: o, repo: r, base_ref: m}}], spec: {{containers: [{{image: x, args: [a]}}]}}}}\n  - {{name: jenkins, agent: jenkins, cluster: build}}\npostsubmits:\n  org/repo:\n  - {{name: {long}, cluster: nowhere, {SPEC}}}\nperiodics:\n- {{name: p, interval: 1h, clone_depth: 1, annotations: {{a: b}}, {SPEC}}}\n"
        ),
    );
    let statuses = BTreeMap::from([
        ("default".to_owned(), "Reachable".to_owned()),
        ("build".to_owned(), "Error".to_owned()),
    ]);
    let found = warnings_with(
        &files,
        &[
            "non-decorated-jobs",
            "long-job-names",
            "duplicate-job-refs",
            "periodic-default-clone-config",
            "required-job-annotations",
            "validate-cluster-field",
        ],
        &["a", "z"],
        Some(&statuses),
    );
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn incomplete_decoration_configs_are_warned_of() {
    // Jobs without containers are not checked when loading, so something is left for the warning.
    let files = Files::new("");
    files.write(
        "jobs/a.yaml",
        "periodics:\n- name: a\n  agent: kubernetes\n  decorate: false\n  interval: 1h\n  spec: {containers: [{image: x}]}\n",
    );
    assert_eq!(warnings(&files, &["valid-decoration-config"]), Vec::<String>::new());
}

#[test]
fn rerun_commands_must_please_gerrit() {
    let files = Files::new("gerrit: {allowed_presubmit_trigger_re: '^/test .*$'}\n");
    files.write(
        "jobs/a.yaml",
        format!("presubmits:\n  org/repo:\n  - {{name: a, {SPEC}}}\n  - {{name: b, trigger: /go, rerun_command: /go, {SPEC}}}\n"),
    );
    assert_eq!(
        warnings(&files, &["validate-urls"]),
        [
            "jobs/a.yaml:4: rerun command /go in job b does not conform to test command requirements,please make sure the trigger regex is a subset of ^/test .*$ and the rerun command matches the trigger regex (rerun-command)"
        ]
    );
}

#[test]
fn queries_and_plugins_must_fit_in_both_directions() {
    let files = Files::new(
        "tide:\n  queries:\n  - {orgs: [org], excludedRepos: [org/out], labels: [lgtm, approved], missingLabels: [do-not-merge/hold, needs-rebase]}\n  - {repos: [solo/repo], labels: [lgtm]}\n",
    );
    files.write(
        "plugins.yaml",
        "plugins:\n  org: {plugins: [lgtm, wip], excluded_repos: [free]}\n  solo/repo: {plugins: [lgtm, approve]}\n  elsewhere: {plugins: [approve]}\n",
    );
    insta::assert_snapshot!("mismatched_tide", warnings(&files, &["mismatched-tide"]).join("\n"));
    insta::assert_snapshot!(
        "mismatched_tide_lenient",
        warnings(&files, &["mismatched-tide-lenient"]).join("\n")
    );
}

#[test]
fn tide_does_not_need_what_slows_it_down() {
    let files = Files::new(
        "tide:\n  queries:\n  - {orgs: [org], labels: [lgtm], missingLabels: [needs-ok-to-test]}\n  context_options: {required-contexts: [a], orgs: {org: {repos: {repo: {optional-contexts: [a]}}}}}\nbranch-protection:\n  orgs:\n    org:\n      protect: true\n      required_status_checks: {strict: true}\n      repos: {lax: {required_status_checks: {strict: false}}}\n",
    );
    let found =
        warnings(&files, &["needs-ok-to-test", "tide-strict-branch", "tide-context-policy"]);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn owners_files_are_verified_and_jobs_have_the_trigger_plugin() {
    let files = Files::new("");
    files.write(
        "jobs/a.yaml",
        format!(
            "presubmits:\n  org/repo:\n  - {{name: a, {SPEC}}}\n  x/y:\n  - {{name: a, {SPEC}}}\n"
        ),
    );
    files.write(
        "plugins.yaml",
        "plugins:\n  org: {plugins: [approve, trigger, verify-owners], excluded_repos: [repo]}\n  x: {plugins: [blunderbuss]}\n  x/y: {plugins: [owners-label]}\nlabel: {additional_labels: [a], restricted_labels: {org: [{label: a}, {label: ''}]}}\nconfig_updater: {maps: {f: {name: n, allowed_repos: ['', a/b/c, /x], denied_repos: [ok, o/k]}}}\n",
    );
    let found = warnings(
        &files,
        &["validate-owners", "missing-trigger", "validate-label", "validate-config-updater-acls"],
    );
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn unmanaged_branches_and_doubled_webhooks_are_warned_of() {
    let files = Files::new(
        "branch-protection:\n  unmanaged: true\n  protect: true\n  orgs:\n    a:\n      unmanaged: true\n      enforce_admins: true\n      repos: {r: {unmanaged: true, protect: true, branches: {main: {protect: true}}}}\n    b: {repos: {r: {branches: {main: {unmanaged: true, protect: true}}}}}\nmanaged_webhooks: {org_repo_config: {a: {token_created_after: 2020-01-01T00:00:00Z}, a/r: {token_created_after: 2020-01-01T00:00:00Z}}}\n",
    );
    let found =
        warnings(&files, &["validate-unmanaged-branchconfig-has-no-subconfig", "managed-webhooks"]);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn unknown_fields_of_the_main_files_or_of_all() {
    let files = Files::new("planck: {}\n");
    files.write("plugins.yaml", "plugin: {}\n");
    files.write("jobs/a.yaml", "presubmit: {}\n");
    let main = [
        "config.yaml:1:1: unknown field `planck`; did you mean `plank`? (unknown-fields)",
        "plugins.yaml:1:1: unknown field `plugin`; did you mean `plugins`? (unknown-fields)",
    ];
    assert_eq!(warnings(&files, &["unknown-fields"]), main);
    let all = warnings(&files, &["unknown-fields-all"]);
    assert_eq!(all.len(), 3);
    assert_eq!(all[1], "jobs/a.yaml:1:1: unknown field `presubmit` (unknown-fields)");
}

#[test]
fn supplemental_files_lie_where_they_belong() {
    let files = Files::new("");
    files.write("more/top_prowconfig.yaml", "tide: {queries: [{orgs: [any]}]}\n");
    files.write("more/org/_prowconfig.yaml", "tide: {queries: [{orgs: [org]}]}\n");
    files.write("more/org/repo/_prowconfig.yaml", "tide: {merge_method: {org/repo: squash}}\n");
    files.write(
        "more/org/other/_prowconfig.yaml",
        "slack_reporter_configs: {'*': {channel: c}, org: {channel: c}, org/x: {channel: c}}\n",
    );
    files.write(
        "more/wrong/_prowconfig.yaml",
        "branch-protection: {orgs: {org: {protect: true, repos: {r: {protect: true}}}}}\n",
    );
    files.write("more/a/b/c/_prowconfig.yaml", "{}\n");
    files.write("more/org/_pluginconfig.yaml", "plugins: {else: {plugins: [a]}}\n");
    let mut options = files.options();
    options.supplemental_prow_config_dirs = vec![files.path("more")];
    options.supplemental_plugin_config_dirs = vec![files.path("more")];
    let mut found = Vec::new();
    checks::supplemental::hierarchy(&options, &mut found);
    let folder = format!("{}/", files.path("").display()).replace("//", "/");
    insta::assert_snapshot!(files.shown(&found).join("\n").replace(&folder, ""));
}
