//! Jobs in the tested repository.

use config_load::{Config, LoadErrors, prow_yaml};

use crate::support::{SETTINGS, config};

const CENTRAL: &str = "\
presets:
- labels: {preset-central: \"true\"}
  env: [{name: CENTRAL, value: \"1\"}]
presubmits:
  org/repo:
  - name: central
    branches: [main]
    spec: {containers: [{image: x}]}
";

fn central() -> Config {
    let settings = format!("{SETTINGS}in_repo_config: {{allowed_clusters: {{org: [build]}}}}\n");
    config(&settings, CENTRAL)
}

fn shown(errors: &LoadErrors) -> Vec<String> {
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_single_file_is_read_completed_and_checked() {
    let text = "\
presets:
- labels: {preset-own: \"true\"}
  env: [{name: OWN, value: \"2\"}]
prow_ignored: {x: 1}
presubmits:
- name: a
  always_run: true
  decorate: true
  cluster: build
  labels: {preset-own: \"true\", preset-central: \"true\"}
  spec: {containers: [{image: x, args: [a]}]}
postsubmits:
- name: b
  spec: {containers: [{image: x}]}
";
    let files = [(".prow.yaml", text), ("README.md", "no: [")];
    let done = prow_yaml::parse(&files, &central(), "org/repo").unwrap_or_else(|e| panic!("{e}"));
    let [a] = &done.presubmits[..] else { panic!("{:?}", done.presubmits) };
    assert_eq!(a.rerun_command, "/test a");
    assert_eq!(a.base.source.as_ref().expect("a source").to_string(), ".prow.yaml:6");
    assert!(a.base.utility.decoration_config.is_some());
    let container = &a.base.spec.as_ref().expect("a spec").containers()[0];
    assert_eq!(container.env_value("OWN"), Some("2"));
    assert_eq!(container.env_value("CENTRAL"), Some("1"));
    assert_eq!(done.postsubmits[0].base.cluster, "default");
    assert_eq!(done.postsubmits[0].base.namespace.as_deref(), Some("test-pods"));
    assert!(done.warnings.is_empty(), "{:?}", done.warnings);
}

#[test]
fn the_folder_wins_over_the_file_and_obeys_prowignore() {
    let job = |name: &str| {
        format!("presubmits:\n- name: {name}\n  spec: {{containers: [{{image: x}}]}}\n")
    };
    let files = [
        (".prow.yaml", job("file")),
        (".prow/b.yaml", job("b")),
        (".prow/a/x.yml", job("a")),
        (".prow/notes.txt", "no: [".to_owned()),
        (".prow/draft.yaml", job("draft")),
        (".prow/a/skip.yaml", job("skipped")),
        (".prowignore", "draft.yaml\n".to_owned()),
        (".prow/a/.prowignore", "skip.yaml\n".to_owned()),
    ];
    let read = prow_yaml::read(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let names: Vec<_> = read.presubmits.iter().map(|job| job.base.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let nothing: [(&str, &str); 1] = [("README.md", "")];
    assert!(prow_yaml::read(&nothing).expect("nothing").presubmits.is_empty());
}

#[test]
fn broken_files_are_told_by_file_and_line() {
    let files = [
        (".prow/a.yaml", "presubmits: [\n"),
        (".prow/b.yaml", "presubmits: {org/repo: []}\n"),
        (".prow/c.yaml", "presubmits:\n- name: [x]\n"),
    ];
    let errors = prow_yaml::read(&files).expect_err("broken files");
    assert_eq!(
        shown(&errors),
        [
            ".prow/a.yaml:1:13: this is not valid YAML: unclosed bracket '[' (yaml)",
            ".prow/b.yaml:1:13: presubmits: expected a list, found a mapping (field-type)",
            ".prow/c.yaml:2:9: presubmits[0]: name: expected a string, found a list (field-type)",
        ]
    );
}

#[test]
fn jobs_are_checked_with_the_central_ones_and_for_their_cluster() {
    let text = "\
periodics: []
presubmits:
- name: central
  context: other
  spec: {containers: [{image: x}]}
- name: same-context
  context: central
  spec: {containers: [{image: x}]}
- name: far
  cluster: trusted
  spec: {containers: [{image: x}]}
- name: bad name
  branches: [dev]
  spec: {containers: [{image: x}]}
postsubmits:
- name: far-too
  cluster: build
  spec: {containers: [{image: x}]}
";
    let files = [(".prow.yaml", text)];
    let central = central();
    let errors = prow_yaml::parse(&files, &central, "org/repo").expect_err("broken jobs");
    let shown = shown(&errors).join("\n");
    let central_file =
        central.jobs.presubmits["org/repo"][0].base.source.clone().expect("a source");
    insta::assert_snapshot!(shown.replace(&*central_file.file, "central.yaml"));
    let other = prow_yaml::parse(&files, &central, "other/repo").expect_err("broken jobs");
    assert!(
        other
            .to_string()
            .contains("cluster \"build\" is not allowed for repository \"other/repo\"")
    );
    let warnings = prow_yaml::read(&files).expect("files").warnings;
    assert_eq!(
        warnings[0].to_string(),
        ".prow.yaml:1:1: unknown field `periodics` (unknown-fields)"
    );
}

#[test]
fn changes_that_may_matter_are_known() {
    assert!(prow_yaml::concerns(&["a.go", ".prow.yaml"]));
    assert!(prow_yaml::concerns(&[".prow/x"]));
    assert!(!prow_yaml::concerns(&["x/.prow.yaml", ".prowlarr/x", ".prowignore"]));
}
