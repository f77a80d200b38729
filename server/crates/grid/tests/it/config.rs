//! Reading, defaults, validation, annotations and merging.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use grid::config::jobs::{AnnotatedJob, Descriptions};
use grid::config::lint::{Policy, lint, lint_slips};
use grid::config::lookup::{TabIndex, test_filter};
use grid::config::merge::merge;
use grid::config::{Assembly, ConfigFile, Inputs, assemble, to_yaml};
use grid::proto::config::{
    Configuration, Dashboard, DashboardGroup, DashboardTab, ResultSourceConfig, TestGroup,
};
use grid::proto::rules::{ComparisonValue, TestResultInfo};
use job_spec::JobType;

use crate::support::{annotations, assembled, defaults, file, job, shown};

const GOOD: &str = "\
test_groups:
- name: group-one
  gcs_prefix: bucket/logs/group-one
dashboards:
- name: board-one
  dashboard_tab:
  - name: tab-one
    test_group_name: group-one
dashboard_groups:
- name: boards
  dashboard_names: [board-one]
";

#[test]
fn unset_fields_get_the_default_values_and_no_others() {
    let assembly = assembled(&[file("a.yaml", GOOD)]);
    assert_eq!(shown(&assembly), Vec::<String>::new());
    let group = &assembly.configuration.test_groups[0];
    assert_eq!(
        (group.days_of_results, group.num_columns_recent, group.tests_name_policy),
        (15, 10, 2)
    );
    assert!(group.is_external && group.use_kubernetes_client);
    let tab = &assembly.configuration.dashboards[0].dashboard_tab[0];
    assert_eq!(tab.num_columns_recent, 10);
    assert_eq!(tab.alert_options.as_ref().unwrap().alert_stale_results_hours, 5);

    let own = GOOD.replace(
        "test_group_name: group-one",
        "test_group_name: group-one\n    alert_options: {num_failures_to_alert: 3}",
    );
    let tab = assembled(&[file("a.yaml", &own)])
        .configuration
        .dashboards
        .remove(0)
        .dashboard_tab
        .remove(0);
    let options = tab.alert_options.unwrap();
    assert_eq!((options.num_failures_to_alert, options.alert_stale_results_hours), (3, 0));
}

#[test]
fn a_folder_with_default_values_uses_them_and_its_subfolders_do_not() {
    let local = "default_test_group: {days_of_results: 3, num_columns_recent: 4}\ndefault_dashboard_tab: {}";
    let group = |name: &str| format!("test_groups: [{{name: {name}, gcs_prefix: b/p}}]");
    let assembly = assembled(&[
        file("x/default.yaml", local),
        file("x/in.yaml", &group("inside")),
        file("x/y/below.yaml", &group("below")),
        file("out.yaml", &group("outside")),
    ]);
    let days: Vec<_> =
        assembly.configuration.test_groups.iter().map(|g| (&*g.name, g.days_of_results)).collect();
    assert_eq!(days, [("inside", 3), ("below", 15), ("outside", 15)]);

    let assembly = assembled(&[
        file("x/default.yaml", local),
        file("x/default.yml", local),
        file("a.yaml", GOOD),
    ]);
    let expected = "x/default.yml: two default files found in dir \"x\": x/default.yaml is used \
                    (testgrid-two-defaults)";
    assert_eq!(shown(&assembly), [expected]);
}

#[test]
fn default_values_need_both_parts() {
    let text = "default_test_group: {}";
    let file = ConfigFile::read_as_defaults(Path::new("d.yaml").into(), text.into());
    assert!(file.defaults().is_none() && file.has_errors());
    assert!(file.diagnostics[0].message.contains("default_dashboard_tab"));
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_line_and_leaves_out_its_entity_only() {
    let text = "\
test_groups:
- name: group-one
  gcs_prefix: bucket/logs/group-one
- name: group-two
  gcs_prefix: bucket/logs/group-two
  days_of_results: many
dashboards:
- name: board-one
  dashboard_tab:
  - name: tab-one
    test_group_name: group-one
  - name: tab-two
    test_group_name: group-two
  - name: tab-three
    test_group_name: group-one
    num_columns_recent: [3]
";
    let assembly = assembled(&[file("a.yaml", text)]);
    assert_eq!(
        shown(&assembly),
        [
            "a.yaml:6:20: test_groups[1].days_of_results: expected a whole number, found the text \
             \"many\" (testgrid-value)",
            "a.yaml:16:25: dashboards[0].dashboard_tab[2].num_columns_recent: expected a whole \
             number, found a list (testgrid-value)",
            "a.yaml:13:5: tab \"board-one#tab-two\": could not find the referenced test group \
             \"group-two\" (testgrid-reference)",
        ]
    );
    let usable = assembly.into_usable();
    assert_eq!(usable.test_groups.len(), 1);
    let tabs: Vec<_> = usable.dashboards[0].dashboard_tab.iter().map(|tab| &*tab.name).collect();
    assert_eq!(tabs, ["tab-one"]);
}

#[test]
fn a_file_that_is_not_yaml_does_not_stop_the_others() {
    let assembly = assembled(&[file("bad.yaml", "test_groups: [\n"), file("good.yaml", GOOD)]);
    assert_eq!(assembly.configuration.test_groups.len(), 1);
    assert!(shown(&assembly)[0].starts_with("bad.yaml:"), "{:?}", shown(&assembly));
}

#[test]
fn an_unknown_field_is_a_warning_and_with_strict_an_error() {
    let text = GOOD.replace("  gcs_prefix:", "  gsc_prefix: x\n  gcs_prefix:");
    let lax = file("a.yaml", &text);
    assert!(!lax.has_errors());
    assert_eq!(
        lax.diagnostics[0].to_string(),
        "a.yaml:3:3: test_groups[0]: unknown field `gsc_prefix`; did you mean `gcs_prefix`? \
         (testgrid-unknown-field)"
    );
    let strict = ConfigFile::read(Path::new("a.yaml").into(), text.into(), true);
    assert!(strict.has_errors());
}

#[test]
fn alternatives_and_names_of_enumerations_can_be_written() {
    let text = "
test_groups:
- name: group-one
  tests_name_policy: TESTS_NAME_APPEND
  Fallback_Grouping: date
  test_annotations: [{short_text: abc, property_name: prop}]
  result_source: {gcs_config: {gcs_prefix: b/p}}
  custom_evaluator_rule_set:
    rules:
    - computed_status: CATEGORIZED_ABORT
      test_result_comparisons:
      - property_key: exit
        comparison: {op: OP_STARTS_WITH, string_value: 3}
      - target_status: true
        comparison: {op: 1, target_status_value: FAIL}
";
    let read = file("a.yaml", text);
    assert_eq!(read.diagnostics, []);
    let assembly = assemble(&Inputs { files: &[read], ..Inputs::default() });
    let group = &assembly.configuration.test_groups[0];
    assert_eq!((group.tests_name_policy, group.fallback_grouping), (3, 1));
    assert_eq!(group.test_annotations[0].property_name(), "prop");
    let source = group.result_source.as_ref().unwrap().result_source_config.as_ref().unwrap();
    assert!(matches!(source, ResultSourceConfig::GcsConfig(gcs) if gcs.gcs_prefix == "b/p"));
    let rule = &group.custom_evaluator_rule_set.as_ref().unwrap().rules[0];
    assert_eq!(rule.computed_status, 5);
    let [first, second] = &rule.test_result_comparisons[..] else { panic!("two comparisons") };
    assert_eq!(first.test_result_info, Some(TestResultInfo::PropertyKey("exit".into())));
    let value = |c: &grid::proto::rules::TestResultComparison| c.comparison.clone().unwrap();
    assert_eq!(value(first).op, 8);
    assert_eq!(value(first).comparison_value, Some(ComparisonValue::StringValue("3".into())));
    assert_eq!(value(second).comparison_value, Some(ComparisonValue::TargetStatusValue(12)));

    let twice =
        "test_groups: [{name: abc, result_source: {gcs_config: {}, resultstore_config: {}}}]";
    assert!(file("a.yaml", twice).diagnostics[0].message.contains("another alternative"));
}

#[test]
fn a_configuration_written_as_yaml_reads_the_same() {
    let text = "
test_groups:
- name: group-one
  tests_name_policy: 3
  num_columns_recent: -2
  test_annotations: [{short_text: abc, property_name: ''}]
  result_source: {gcs_config: {}}
  issue_gather_options: {}
  auto_bug_options: {hotlist_ids: [1, 2], hotlist_ids_from_source: [{value: 0}, {label: x}]}
  custom_evaluator_rule_set:
    rules:
    - test_result_comparisons:
      - {target_status: false, comparison: {op: 1, target_status_value: 0}}
      - {property_key: k, comparison: {numerical_value: 1.5}}
dashboards:
- name: 'true'
  dashboard_tab:
  - name: '12'
    broken_column_threshold: 0.1
    alert_options: {}
    status_customization_options: {ignored_test_statuses: [1, 4]}
";
    let read = |text: &str| {
        let read = file("a.yaml", text);
        assert_eq!(read.diagnostics, []);
        assemble(&Inputs { files: &[read], ..Inputs::default() }).configuration
    };
    let configuration = read(text);
    let written = to_yaml(&configuration);
    assert_eq!(read(&written), configuration, "{written}");
    assert!(written.contains("broken_column_threshold: 0.1\n"), "{written}");
    assert_eq!(to_yaml(&Configuration::default()), "{}\n");
}

#[test]
fn whatever_is_wrong_with_the_whole_is_told_at_once() {
    let text = "\
test_groups:
- name: group-one
  num_columns_recent: -1
  test_method_match_regex: '('
  test_method_unmatch_regex: '['
  alert_mail_to_addresses: a@b,c
  test_metadata_options: [{owner: me}]
  notifications: [{context_link: x}]
  test_annotations: [{short_text: toolong, property_name: p}]
  fallback_grouping: 5
  column_header: [{}, {label: a, property: b}]
  test_name_config: {name_format: '%s %d', name_elements: [{}, {}]}
- name: Group_One
  gcs_prefix: b/p
- name: '#bad'
  gcs_prefix: b/p
dashboards:
- name: board-one
  dashboard_tab:
  - {name: Summary, test_group_name: group-one}
  - {name: tab-two, test_group_name: ''}
  - {name: tab-three, test_group_name: nowhere, tabular_names_regex: '(x)'}
  - name: tab-four
    test_group_name: group-one
    status_customization_options: {max_acceptable_flakiness: 101}
- name: empty-board
dashboard_groups:
- name: boardone
  dashboard_names: [board-one, missing]
- name: second
  dashboard_names: [board-one]
";
    let assembly = assembled(&[file("a.yaml", text)]);
    let found = shown(&assembly).join("\n");
    for part in [
        "a.yaml:2:3: test group \"group-one\": require one of gcs_prefix or result_source",
        "a.yaml:3:3: test group \"group-one\": num_columns_recent should be positive",
        "a.yaml:4:3: test group \"group-one\": test_method_match_regex doesn't compile",
        "a.yaml:5:3: test group \"group-one\": test_method_unmatch_regex doesn't compile",
        "a.yaml:6:3: test group \"group-one\": bad emails [\"c\"]",
        "at least one of message_regex or test_name_regex",
        "a notification's summary is required",
        "short_text must be 1-5 characters long",
        "fallback_grouping_configuration_value and fallback_grouping",
        "column header 0 is empty",
        "column header 1 must only set one value",
        "has the verb %d",
        "a.yaml:13:3: test group \"Group_One\": found duplicate name after normalizing",
        "a.yaml:15:3: test group \"#bad\": names may hold",
        "tab can't be named 'Summary'",
        "test_group_name can't be empty",
        "could not find the referenced test group \"nowhere\"",
        "all tabular_names_regex capture groups must be named",
        "max_acceptable_flakiness (should be between 0.0 and 100.0)",
        "a.yaml:26:3: dashboard \"empty-board\": contains no tabs",
        "dashboard group \"boardone\": found duplicate name after normalizing",
        "could not find the referenced dashboard \"missing\"",
        "a dashboard cannot be in more than 1 dashboard group",
        "each test group must be referenced by at least 1 dashboard tab",
    ] {
        assert!(found.contains(part), "{part}\nis not in\n{found}");
    }
    assert!(assembly.has_errors());

    let nothing = assembled(&[file("a.yaml", "dashboards: []")]);
    assert_eq!(shown(&nothing), ["field missing or unset: TestGroups (testgrid-empty)"]);
    assert_eq!(nothing.into_usable(), Configuration::default());
}

#[test]
fn sources_other_than_a_prefix_exclude_what_yaml_always_sets() {
    let group = |source: &str| {
        let text = format!(
            "test_groups: [{{name: abc, result_source: {source}}}]\n{}",
            &GOOD[GOOD.find("dash").unwrap()..]
        );
        shown(&assembled(&[file("a.yaml", &text)])).join("\n")
    };
    let found = group("{resultstore_config: {query: 'tag:x'}}");
    assert!(found.contains("cannot define both resultstore_config and use_kubernetes_client"));
    assert!(found.contains("project ID in resultstore_config cannot be empty"));
    assert!(found.contains("invalid ResultStore query \"tag:x\""));
    let found = group("{gcs_config: {pubsub_project: p}}");
    assert!(found.contains("gcs_prefix in gcs_config cannot be empty"));
    assert!(found.contains("pubsub project and subscription must both be empty or filled"));
}

const BOARDS: &str = "
test_groups: [{name: by-hand, gcs_prefix: b/p}]
dashboards:
- name: one
  dashboard_tab: [{name: by-hand, test_group_name: by-hand}]
- name: two
  dashboard_tab: [{name: by-hand, test_group_name: by-hand}]
";

fn with_job(job: AnnotatedJob<'_>) -> Assembly {
    let defaults = defaults();
    assemble(&Inputs {
        files: &[file("a.yaml", BOARDS)],
        defaults: Some(&defaults),
        jobs: &[job],
        descriptions: None,
        ..Inputs::default()
    })
}

type Pairs = &'static [(&'static str, &'static str)];

/// The group of a job with these annotations, and how many tabs it got; or what is wrong.
fn outcome(
    name: &str,
    kind: JobType,
    pairs: &[(&str, &str)],
) -> Result<(Option<TestGroup>, usize), String> {
    let assembly = with_job(job(name, kind, &annotations(pairs)));
    if let Some(error) =
        assembly.diagnostics.iter().find(|found| found.rule == "testgrid-annotation")
    {
        return Err(error.to_string());
    }
    let tabs = assembly.configuration.dashboards.iter().flat_map(|d| &d.dashboard_tab);
    let tabs = tabs.filter(|tab| tab.test_group_name == name).count();
    Ok((assembly.configuration.test_groups.into_iter().find(|group| group.name == name), tabs))
}

#[test]
fn annotations_make_groups_and_tabs() {
    use JobType::{Periodic, Postsubmit, Presubmit};
    const CREATE: &str = "testgrid-create-test-group";
    const BOARDS: &str = "testgrid-dashboards";
    const COLUMNS: &str = "testgrid-num-columns-recent";
    // kind, annotations, prefix and recent columns of the group, count of tabs
    type Made = (JobType, Pairs, Option<(&'static str, i32)>, usize);
    let table: &[Made] = &[
        (Presubmit, &[], None, 0),
        (Postsubmit, &[], Some(("bucket/logs/job-x", 10)), 0),
        (Periodic, &[], Some(("bucket/logs/job-x", 10)), 0),
        (Presubmit, &[(CREATE, "true")], Some(("bucket/pr-logs/directory/job-x", 20)), 0),
        (
            Presubmit,
            &[(CREATE, "true"), (COLUMNS, "10")],
            Some(("bucket/pr-logs/directory/job-x", 10)),
            0,
        ),
        (Presubmit, &[(CREATE, "whatever")], None, 0),
        (Postsubmit, &[(CREATE, "false")], None, 0),
        (Postsubmit, &[(BOARDS, "one, two")], Some(("bucket/logs/job-x", 10)), 2),
        (Presubmit, &[(BOARDS, "one")], Some(("bucket/pr-logs/directory/job-x", 20)), 1),
    ];
    for (kind, pairs, group, tabs) in table {
        let (found, found_tabs) = outcome("job-x", *kind, pairs).unwrap();
        let found = found.as_ref().map(|group| (&*group.gcs_prefix, group.num_columns_recent));
        assert_eq!((found, found_tabs), (*group, *tabs), "{kind:?} {pairs:?}");
    }
    let refused: &[(&str, JobType, Pairs, &str)] = &[
        ("by-hand", Postsubmit, &[(CREATE, "true")], "already exists"),
        ("job-x", Postsubmit, &[(BOARDS, "one,three")], "couldn't find dashboard \"three\""),
        ("job-x", Presubmit, &[(COLUMNS, "3")], "no testgroup exists for job \"job-x\""),
        ("job-x", Postsubmit, &[(COLUMNS, "3.5")], "is not a valid integer"),
        (
            "job-x",
            Postsubmit,
            &[("testgrid-disable-prowjob-analysis", "yes")],
            "is not a valid boolean",
        ),
        ("job-x", Postsubmit, &[("testgrid-broken-column-threshold", "x")], "is not a valid float"),
    ];
    for (name, kind, pairs, part) in refused {
        let error = outcome(name, *kind, pairs).unwrap_err();
        assert!(error.starts_with("jobs/x.yaml:7: ") && error.contains(part), "{error}");
    }
    let none = BTreeMap::new();
    let nowhere = AnnotatedJob { results: None, ..job("job-x", Periodic, &none) };
    assert!(
        shown(&with_job(nowhere))[0].contains("couldn't figure out a default decoration config")
    );
}

#[test]
fn annotations_set_fields_of_group_and_tabs() {
    let all = annotations(&[
        ("testgrid-dashboards", "one,two"),
        ("testgrid-tab-name", "shown"),
        ("testgrid-alert-email", "a@b"),
        ("testgrid-num-failures-to-alert", "4"),
        ("testgrid-alert-stale-results-hours", "24"),
        ("testgrid-days-of-results", "90"),
        ("testgrid-in-cell-metric", "coverage"),
        ("testgrid-disable-prowjob-analysis", "T"),
        ("testgrid-base-options", "width=10"),
        ("testgrid-broken-column-threshold", "0.5"),
        ("description", "what it does"),
    ]);
    let job = AnnotatedJob {
        job_url_prefix: "https://x/".to_owned(),
        ..job("job-x", JobType::Presubmit, &all)
    };
    let assembly = with_job(job);
    assert_eq!(shown(&assembly), Vec::<String>::new());
    let group = &assembly.configuration.test_groups[1];
    assert_eq!((group.num_failures_to_alert, group.days_of_results), (4, 90));
    assert_eq!((&*group.short_text_metric, group.disable_prowjob_analysis), ("coverage", true));
    let [one, two] = &assembly.configuration.dashboards[..] else { panic!("two dashboards") };
    let (first, second) = (&one.dashboard_tab[1], &two.dashboard_tab[1]);
    assert_eq!((&*first.name, &*first.base_options), ("shown", "width=10"));
    assert_eq!((first.broken_column_threshold, &*first.description), (0.5, "what it does"));
    let url = |link: &Option<grid::proto::config::LinkTemplate>| link.as_ref().unwrap().url.clone();
    assert_eq!(url(&first.open_test_template), "https://x/gs/<gcs_prefix>/<changelist>");
    assert_eq!(url(&first.open_bug_template), "https://github.com/org/repo/issues/");
    assert_eq!(
        url(&first.code_search_url_template),
        "https://github.com/org/repo/compare/<start-custom-0>...<end-custom-0>"
    );
    let mails = |tab: &DashboardTab| tab.alert_options.clone().unwrap().alert_mail_to_addresses;
    assert_eq!((&*mails(first), &*mails(second)), ("a@b", ""));
    let options = second.alert_options.as_ref().unwrap();
    assert_eq!((options.num_failures_to_alert, options.alert_stale_results_hours), (4, 24));
}

#[test]
fn descriptions_can_name_the_job_and_its_file() {
    let described = annotations(&[("testgrid-dashboards", "one"), ("description", "what it does")]);
    let plain = annotations(&[("testgrid-dashboards", "one")]);
    let descriptions = Descriptions {
        update: true,
        job_config_path: "jobs/".to_owned(),
        url_prefix: "https://git/".to_owned(),
    };
    for (pairs, descriptions, text) in [
        (
            &described,
            Some(&descriptions),
            "prowjob_name: job-x\nprowjob_config_url: https://git/x.yaml\nprowjob_description: what it does",
        ),
        (
            &plain,
            Some(&descriptions),
            "prowjob_name: job-x\nprowjob_config_url: https://git/x.yaml",
        ),
        (&plain, None, "prowjob_name: job-x"),
        (&described, None, "what it does"),
    ] {
        let assembly = assemble(&Inputs {
            files: &[file("a.yaml", BOARDS)],
            jobs: &[job("job-x", JobType::Periodic, pairs)],
            descriptions,
            ..Inputs::default()
        });
        assert_eq!(assembly.configuration.dashboards[0].dashboard_tab[1].description, text);
    }
}

fn named(groups: &[&str], boards: &[&str]) -> Configuration {
    Configuration {
        test_groups: groups
            .iter()
            .map(|name| TestGroup { name: (*name).to_owned(), ..TestGroup::default() })
            .collect(),
        dashboards: boards
            .iter()
            .zip(groups)
            .map(|(name, group)| Dashboard {
                name: (*name).to_owned(),
                dashboard_tab: vec![DashboardTab {
                    name: "tab".to_owned(),
                    test_group_name: (*group).to_owned(),
                    ..DashboardTab::default()
                }],
                ..Dashboard::default()
            })
            .collect(),
        dashboard_groups: vec![DashboardGroup {
            name: "all".to_owned(),
            dashboard_names: boards.iter().map(|name| (*name).to_owned()).collect(),
            ..DashboardGroup::default()
        }],
    }
}

#[test]
fn merging_renames_what_collides_and_what_refers_to_it() {
    let (merged, _) = merge(BTreeMap::from([
        (String::new(), named(&["ichi", "ni", "prefix-ichi"], &["one", "two"])),
        ("prefix".to_owned(), named(&["ichi", "ni", "prefix-ni"], &["two", "three"])),
    ]));
    let groups: Vec<_> = merged.test_groups.iter().map(|group| &*group.name).collect();
    assert_eq!(groups, ["ichi", "ni", "prefix-ichi", "prefix-2-ichi", "prefix-2-ni", "prefix-ni"]);
    let boards: Vec<_> = merged
        .dashboards
        .iter()
        .map(|board| (&*board.name, &*board.dashboard_tab[0].test_group_name))
        .collect();
    assert_eq!(
        boards,
        [("one", "ichi"), ("two", "ni"), ("prefix-two", "prefix-2-ichi"), ("three", "prefix-2-ni")]
    );
    let second = &merged.dashboard_groups[1];
    assert_eq!(
        (&*second.name, &second.dashboard_names[..]),
        ("prefix-all", &["prefix-two".to_owned(), "three".to_owned()][..])
    );
    // Names that differ only in punctuation stay, and are told.
    let (_, diagnostics) = merge(BTreeMap::from([
        ("a".to_owned(), named(&["group"], &["board-x"])),
        ("b".to_owned(), named(&["other"], &["boardx"])),
    ]));
    assert!(diagnostics.iter().any(|found| found.message.contains("after normalizing")));
}

#[test]
fn patterns_that_testgrid_never_tries_are_warnings_with_their_line() {
    let text = "\
test_groups:
- name: abc
  gcs_prefix: b/logs/abc
  days_of_results: 7
  num_columns_recent: 5
  custom_evaluator_rule_set:
    rules:
    - test_result_comparisons:
      - {test_result_field: name, comparison: {op: 7, string_value: 'a('}}
dashboards:
- name: board
  dashboard_tab:
  - name: broken
    test_group_name: abc
    base_options: 'include-filter-by-regex=%28'
  - {name: whole, test_group_name: abc, base_options: 'include-filter-by-regex=a'}
";
    let files = [file("a.yaml", text)];
    let assembly = assemble(&Inputs { files: &files, ..Inputs::default() });
    let found: Vec<String> = assembly.diagnostics.iter().map(ToString::to_string).collect();
    let told = |line: &str, words: &str| {
        found.iter().any(|found| found.starts_with(line) && found.contains(words))
    };
    assert!(
        told("a.yaml:6", "a pattern of custom_evaluator_rule_set doesn't compile"),
        "{found:?}"
    );
    assert!(told("a.yaml:15", "bad include-filter-by-regex=("), "{found:?}");
    assert!(assembly.diagnostics.iter().all(|found| !found.is_error()), "{found:?}");
    assert_eq!(assembly.into_usable().dashboards[0].dashboard_tab.len(), 2, "both tabs stay");
}

#[test]
fn policies_are_warnings() {
    let text = "\
test_groups:
- {name: abc, gcs_prefix: ci-logs/logs/xyz, column_header: [{label: x}]}
- {name: pull-abc, gcs_prefix: ci-logs/pr-logs/directory/pull-abc}
dashboards:
- name: sig-one
  dashboard_tab:
  - {name: tab-one, test_group_name: abc, alert_options: {alert_mail_to_addresses: 'a b@c'}}
  - {name: tab-two, test_group_name: abc, alert_options: {alert_mail_to_addresses: 'The Team <team@c>'}, flakiness_alert_options: {alert_mail_to_addresses: 'x y@c'}, health_analysis_options: {email_recipients: 'Z <@c>'}}
- name: odd
  dashboard_tab: [{name: tab, test_group_name: pull-abc}]
dashboard_groups:
- {name: sig, dashboard_names: [odd]}
";
    let files = [file("a.yaml", text)];
    let none = BTreeMap::new();
    let mut blocking = job("pull-xyz", JobType::Presubmit, &none);
    blocking.blocks_merging = true;
    blocking.source = Some(("jobs.yaml", 12));
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let policy = Policy {
        name_prefixes: strings(&["sig"]),
        prow_prefixes: strings(&["ci-logs/logs/", "ci-logs/pr-logs/directory/"]),
        repos_without_groups: Vec::new(),
        blocking_dashboard: Some(("odd".to_owned(), "org/repo".to_owned())),
        described_dashboards: strings(&["sig-one"]),
        mailed_dashboards: strings(&["sig-one", "odd"]),
    };
    let jobs = [blocking];
    let inputs = Inputs { files: &files, jobs: &jobs, ..Inputs::default() };
    let assembly = assemble(&Inputs { jobs: &[], ..inputs });
    let found = lint(&assembly, &inputs, &policy);
    assert!(found.iter().all(|found| !found.is_error()));
    let prefix = found.iter().find(|found| found.rule == "testgrid-lint-prefix").unwrap();
    assert!(prefix.to_string().starts_with("a.yaml:"), "{prefix}");
    assert!(prefix.line > 1, "{prefix}");
    let of_rule = |rule: &str| -> Vec<String> {
        let found = found.iter().filter(|found| found.rule == rule);
        found.map(ToString::to_string).collect()
    };
    let addresses = of_rule("testgrid-lint-address");
    for (bad, line) in [("a b@c", "a.yaml:7:"), ("x y@c", "a.yaml:8:"), ("Z <@c>", "a.yaml:8:")] {
        let is_told = |found: &String| found.starts_with(line) && found.contains(bad);
        assert!(addresses.iter().any(is_told), "{bad}: {addresses:?}");
    }
    assert_eq!(addresses.len(), 3, "a name may stand before an address: {addresses:?}");
    let blocking = of_rule("testgrid-lint-blocking");
    assert!(blocking.iter().any(|found| found.starts_with("a.yaml:10:")), "{blocking:?}");
    assert!(blocking.iter().any(|found| found.starts_with("jobs.yaml:12:")), "{blocking:?}");
    let slips: Vec<_> = lint_slips(&assembly, &inputs).iter().map(|found| found.rule).collect();
    assert_eq!(slips.iter().filter(|rule| **rule == "testgrid-lint-address").count(), 3);
    assert_eq!(slips.iter().filter(|rule| **rule == "testgrid-lint-header").count(), 1);
    assert_eq!(slips.len(), 4, "policies are nobody's slips");
    let mut rules: Vec<_> = found.iter().map(|found| found.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(
        rules,
        [
            "testgrid-lint-address",
            "testgrid-lint-blocking",
            "testgrid-lint-columns",
            "testgrid-lint-description",
            "testgrid-lint-group-without-job",
            "testgrid-lint-header",
            "testgrid-lint-job-without-group",
            "testgrid-lint-mail",
            "testgrid-lint-member",
            "testgrid-lint-prefix",
            "testgrid-lint-prow-prefix",
            "testgrid-lint-same-group",
        ]
    );
}

#[test]
fn a_job_is_found_on_the_tab_without_options_of_the_largest_dashboard() {
    let text = "\
test_groups: [{name: abc, gcs_prefix: 'b/logs/abc'}, {name: pull, gcs_prefix: 'b/pr-logs/directory/pull'}]
dashboards:
- name: small
  dashboard_tab: [{name: tab-s, test_group_name: abc}]
- name: large
  dashboard_tab: [{name: tab-l, test_group_name: abc}, {name: other, test_group_name: pull}]
- name: largest
  dashboard_tab: [{name: x1x, test_group_name: abc, base_options: width=3}, {name: x2x, test_group_name: pull, base_options: y=}, {name: x3x, test_group_name: pull, base_options: z=}]
";
    let index = TabIndex::new(&assembled(&[file("a.yaml", text)]).configuration);
    assert_eq!(index.tab_of_group("abc"), Some(("large", "tab-l")));
    assert_eq!(index.tab_of_group("nothing"), None);
    assert_eq!(test_filter("a.b"), "include-filter-by-regex=(^|\\.)Overall$|a\\.b");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_configuration_or_told_to_be_none(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "test_groups:", "dashboards:", "dashboard_tab:", "name:", "- ", "  ", "    ", "\n", "\n- ", "\n  ",
                "abc", "{", "}", "[", "]", "12", "~", "true", "column_header:", "test_name_config:", "name_format:",
                "'%s %'", "result_source:", "gcs_config:", "&a ", "*a", "default_test_group:", "|", "\"", "#", ",",
            ]),
            0..30,
        )
    ) {
        grid::config::fuzz(words.concat().as_bytes());
        grid::config::fuzz(format!("test_groups:\n- {}", words.concat()).as_bytes());
    }
}

#[test]
fn lines_are_looked_up_in_a_text_that_was_forgotten() {
    const TEXT: &str = "\
test_groups:
- name: g
  gcs_prefix: bucket/g
dashboards:
- name: one
  dashboard_tab:
  - name: a
    test_group_name: g
  - name: b
    test_group_name: nowhere
";
    let read = || ConfigFile::read(Path::new("a.yaml").into(), TEXT.into(), false);
    let whole = shown(&assembled(&[Arc::new(read())]));
    assert!(whole.iter().any(|found| found.starts_with("a.yaml:10:5: ")), "{whole:?}");
    let defaults = defaults();
    let files = [Arc::new(read().without_text())];
    let inputs = Inputs { files: &files, defaults: Some(&defaults), ..Inputs::default() };
    let asked = Inputs { texts: Some(|_| Some(TEXT.to_owned())), ..inputs };
    assert_eq!(shown(&assemble(&asked)), whole);
    let gone = shown(&assemble(&Inputs { texts: Some(|_| None), ..inputs }));
    assert!(gone.iter().any(|found| found.starts_with("a.yaml: ")), "{gone:?}");
}
