//! What is read, from where, and how it comes together.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use config_load::{LoadOptions, load, load_plugins};
use go_compat::GoDuration;

use crate::support::{Files, SETTINGS, now};

fn job(name: &str) -> String {
    format!("periodics:\n- name: {name}\n  interval: 1h\n  spec: {{containers: [{{image: x}}]}}\n")
}

fn periodics(files: &Files) -> Vec<String> {
    let loaded = files.load().unwrap_or_else(|errors| panic!("{errors}"));
    loaded.config.jobs.periodics.iter().map(|job| job.base.name.clone()).collect()
}

#[test]
fn jobs_come_from_yaml_files_at_any_depth_in_the_order_of_their_names() {
    let files = Files::new(&format!("{SETTINGS}{}", job("main")));
    files.write("jobs/b.yaml", job("b"));
    files.write("jobs/a/z.yml", job("a-z"));
    files.write("jobs/a/deep/er/y.yaml", job("a-deep"));
    files.write("jobs/c.yaml", job("c"));
    files.write("jobs/README.md", "no jobs: [");
    files.write("jobs/..2026_11_21/old.yaml", job("generation"));
    files.write("jobs/..data.yaml", job("generation"));
    assert_eq!(periodics(&files), ["main", "a-deep", "a-z", "b", "c"]);
}

#[test]
fn a_single_job_file_will_do() {
    let files = Files::new(SETTINGS);
    files.write("one.yaml", job("one"));
    let options = files.options().with_jobs(files.path("one.yaml"));
    let loaded = load(&options, now()).expect("a configuration");
    assert_eq!(loaded.config.jobs.len(), 1);
    let source = loaded.config.jobs.periodics[0].base.source.clone().expect("a source");
    assert_eq!(source.line, 2);
    assert!(source.file.ends_with("/one.yaml"));
}

#[test]
fn prowignore_leaves_files_out_at_every_level() {
    let files = Files::new(SETTINGS);
    files.write("jobs/.prowignore", "drafts/\n*.draft.yaml\n");
    files.write("jobs/a.yaml", job("a"));
    files.write("jobs/b.draft.yaml", "not: [yaml");
    files.write("jobs/drafts/c.yaml", job("c"));
    files.write("jobs/sub/.prowignore", "d.yaml\n!keep.draft.yaml\n");
    files.write("jobs/sub/d.yaml", job("d"));
    files.write("jobs/sub/e.yaml", job("e"));
    files.write("jobs/sub/keep.draft.yaml", job("kept"));
    assert_eq!(periodics(&files), ["a", "e", "kept"]);
}

#[test]
fn two_files_of_one_name_are_refused_wherever_they_are() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a/x.yaml", job("a"));
    files.write("jobs/b/x.yaml", job("b"));
    assert_eq!(
        files.errors(),
        ["jobs/b/x.yaml: duplicated basename is not allowed: x.yaml (duplicate-basename)"]
    );
}

#[test]
fn symlinks_to_files_are_followed() {
    let files = Files::new(SETTINGS);
    files.write("jobs/..2026/a.yaml", job("a"));
    symlink(files.path("jobs/..2026/a.yaml"), files.path("jobs/a.yaml")).expect("a symlink");
    symlink(files.path("jobs/..2026"), files.path("jobs/folder")).expect("a symlink");
    assert_eq!(periodics(&files), ["a"]);
}

#[test]
fn compressed_files_are_read() {
    let files = Files::new("");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(job("compressed").as_bytes()).expect("compressed");
    files.write("jobs/a.yaml", encoder.finish().expect("compressed"));
    assert_eq!(periodics(&files), ["compressed"]);
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let files = Files::new("log_level: loud\n");
    files.write("jobs/a.yaml", "periodics: [\n");
    files.write("jobs/b.yaml", [0xff, 0xfe]);
    files.write("jobs/c.yaml", "presubmits: []\n");
    assert_eq!(
        files.errors(),
        [
            "config.yaml:1:1: not a valid logrus Level: \"loud\" (log-level)",
            "jobs/a.yaml:1:12: this is not valid YAML: unclosed bracket '[' (yaml)",
            "jobs/b.yaml:1:1: the file is not UTF-8 text (yaml)",
            "jobs/c.yaml:1:13: presubmits: expected a mapping of repositories to lists of jobs, found a list (field-type)",
        ]
    );
}

#[test]
fn missing_files_are_told_by_name() {
    let files = Files::new("");
    let mut options = LoadOptions::new(files.path("nowhere.yaml"));
    options.job_config_path = Some(files.path("no-jobs"));
    options.supplemental_prow_config_dirs = vec![files.path("no-folder")];
    let errors = load(&options, now()).expect_err("nothing to load");
    assert_eq!(
        files.shown(&errors.0),
        [
            "no-jobs: cannot read the file or folder: No such file or directory (os error 2) (unreadable)",
            "nowhere.yaml: cannot read the file: No such file or directory (os error 2) (unreadable)",
        ]
    );
    let options = LoadOptions::new(files.path(""));
    let errors = load(&options, now()).expect_err("a folder");
    assert!(errors.to_string().contains("a file is needed here, this is a folder"), "{errors}");
}

#[test]
fn version_names_the_commit() {
    let files = Files::new("config_version_sha: old\n");
    files.write("VERSION", "abc123\n");
    let loaded = files.load().expect("a configuration");
    assert_eq!(loaded.config.prow.config_version_sha, "abc123");
}

#[test]
fn the_hash_changes_with_any_file_and_with_nothing_else() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    let sha = || files.load().expect("a configuration").config.sha.clone();
    let first = sha();
    assert_eq!(sha(), first);
    files.write("jobs/a.yaml", format!("{}# c\n", job("a")));
    let second = sha();
    assert_ne!(second, first);
    files.write("config.yaml", format!("{SETTINGS}# c\n"));
    assert_ne!(sha(), second);
}

#[test]
fn supplemental_files_add_what_may_be_added() {
    let files = Files::new(
        "tide: {queries: [{orgs: [a], labels: [x]}], merge_method: {a: squash}}\nslack_reporter_configs: {a: {channel: c}}\nbranch-protection: {protect-tested-repos: true, orgs: {a: {protect: true}}}\n",
    );
    files.write(
        "more/b_prowconfig.yaml",
        "tide: {queries: [{orgs: [b], labels: [x]}], merge_method: {b: rebase}}\nslack_reporter_configs: {b: {channel: d}}\nbranch-protection: {orgs: {a: {repos: {r: {protect: false}}}, b: {protect: true}}}\n",
    );
    files.write("more/..2026/b_prowconfig.yaml", "log_level: debug\n");
    files.write("more/other.yaml", "log_level: debug\n");
    let mut options = files.options();
    options.supplemental_prow_config_dirs = vec![files.path("more")];
    let config = load(&options, now()).unwrap_or_else(|errors| panic!("{errors}")).config;
    let prow = &config.prow;
    // The two queries ask for the same, so they are one.
    assert_eq!(prow.tide.queries.len(), 1);
    assert_eq!(prow.tide.queries[0].orgs, ["a", "b"]);
    assert_eq!(prow.tide.repo_merge_method("b", "r").as_str(), "rebase");
    assert_eq!(prow.slack_reporter_configs.len(), 2);
    assert_eq!(
        prow.branch_protection.branch("a", "r", "main").expect("a policy").protect,
        Some(false)
    );
    assert_eq!(
        prow.branch_protection.branch("b", "r", "main").expect("a policy").protect,
        Some(true)
    );
}

#[test]
fn supplemental_files_may_not_say_twice_or_say_other_things() {
    let files = Files::new(
        "tide: {merge_method: {a: squash}}\nslack_reporter_configs: {a: {channel: c}}\nbranch-protection: {protect: true, protect-tested-repos: true, orgs: {a: {protect: true}}}\n",
    );
    files.write(
        "more/a_prowconfig.yaml",
        "log_level: debug\ntide: {merge_method: {a: rebase}, sync_period: 1m}\nslack_reporter_configs: {a: {channel: d}}\nbranch-protection: {protect: false, protect-tested-repos: true, orgs: {a: {protect: false}}}\n",
    );
    let mut options = files.options();
    options.supplemental_prow_config_dirs = vec![files.path("more")];
    let errors = load(&options, now()).expect_err("contradictions");
    let shown =
        files.shown(&errors.0).join("\n").replace(&files.path("").display().to_string(), "");
    insta::assert_snapshot!(shown);
}

#[test]
fn supplemental_plugin_files_add_what_may_be_added() {
    let files = Files::new("");
    files.write(
        "plugins.yaml",
        "plugins: {a: {plugins: [trigger]}}\nlabel: {additional_labels: [x], restricted_labels: {a: [{label: l}]}}\nbugzilla: {default: {'*': {is_open: true}}, orgs: {a: {default: {'*': {}}}}}\n",
    );
    files.write(
        "more/b_pluginconfig.yaml",
        "plugins: {b: {plugins: [trigger]}}\ntriggers: [{repos: [b], only_org_members: true}]\nexternal_plugins: {b: [{name: e}]}\nbugzilla: {orgs: {a: {repos: {r: {branches: {main: {is_open: false}}}}}}}\n",
    );
    let mut options = files.options();
    options.supplemental_plugin_config_dirs = vec![files.path("more")];
    let plugins = load_plugins(&options).unwrap_or_else(|errors| panic!("{errors}")).plugins;
    assert_eq!(plugins.plugins_for("b", "r"), ["trigger"]);
    assert!(plugins.triggers_for("b", "r").only_org_members);
    assert_eq!(plugins.external_plugins_for("b", "r")[0].endpoint, "http://e");
    assert_eq!(plugins.bugzilla.options_for_branch("a", "r", "main").is_open, Some(false));

    files.write(
        "more/c_pluginconfig.yaml",
        "plugins: {a: {plugins: [lgtm]}}\nsize: {s: 1}\nlabel: {additional_labels: [z], restricted_labels: {a: [{label: l}]}}\nexternal_plugins: {b: []}\nbugzilla: {default: {}, orgs: {a: {default: {}}}}\n",
    );
    let errors = load_plugins(&options).expect_err("contradictions");
    insta::assert_snapshot!(files.shown(&errors.0).join("\n"));
}

#[test]
fn unknown_plugins_are_refused_where_the_known_are_told() {
    let files = Files::new("");
    files.write("plugins.yaml", "plugins:\n  org:\n    plugins: [trigger, tirgger]\n");
    let mut options = files.options();
    assert!(load_plugins(&options).is_ok());
    options.known_plugins = Some(["trigger".to_owned()].into());
    let errors = load_plugins(&options).expect_err("an unknown plugin");
    assert_eq!(
        files.shown(&errors.0),
        ["plugins.yaml:3:24: unknown plugin: tirgger (unknown-plugin)"]
    );
}

#[test]
fn plugins_that_are_not_built_in_are_warned_of_once_each() {
    let files = Files::new("");
    files.write(
        "plugins.yaml",
        "plugins:\n  org:\n    plugins: [trigger, lgtm]\n  other:\n    plugins: [lgtm, size]\n",
    );
    let mut options = files.options();
    let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    options.known_plugins = set(&["trigger", "lgtm", "size"]);
    assert!(load_plugins(&options).unwrap().warnings.is_empty());
    options.built_in_plugins = set(&["trigger"]);
    let loaded = load_plugins(&options).expect("what is not built in is no error");
    assert_eq!(
        files.shown(&loaded.warnings),
        [
            "plugins.yaml:3:24: the plugin lgtm is not built in: it does nothing here, nor in the \
             1 other places that enable it (plugin-not-built-in)",
            "plugins.yaml:5:21: the plugin size is not built in: it does nothing here \
             (plugin-not-built-in)",
        ]
    );
    assert_eq!(loaded.plugins.plugins_for("org", "repo"), ["trigger", "lgtm"]);
}

#[test]
fn jobs_are_completed_in_prows_order() {
    let files = Files::new(
        "pod_namespace: test-pods\ndecorate_all_jobs: true\nplank:\n  default_decoration_configs:\n    '*':\n      timeout: 2h\n      grace_period: 15s\n      utility_images: {clonerefs: c, initupload: i, entrypoint: e, sidecar: s}\n      gcs_configuration: {bucket: all, path_strategy: explicit, mediaTypes: {log: text/x}}\n    org: {timeout: 3h, gcs_configuration: {bucket: org}}\n    org/repo: {gcs_configuration: {bucket: repo}}\nprowjob_default_entries:\n- {repo: '*', config: {tenant_id: all}}\n- {repo: org, cluster: build, config: {tenant_id: org}}\n",
    );
    files.write(
        "jobs/a.yaml",
        "presets:\n- labels: {preset-a: \"true\"}\n  env: [{name: A, value: a}]\n  volumes: [{name: v, emptyDir: {}}]\n  volumeMounts: [{name: v, mountPath: /v}]\n  tolerations: [{key: k, operator: Exists}]\n- env: [{name: ALL, value: b}]\npresubmits:\n  org/repo:\n  - name: plain\n    spec: {containers: [{image: x, args: [a]}]}\n  - name: full\n    labels: {preset-a: \"true\"}\n    cluster: build\n    context: ctx\n    trigger: (?m)^/go$\n    rerun_command: /go\n    decoration_config: {timeout: 30m, gcs_configuration: {mediaTypes: {log: text/y, txt: text/z}}}\n    branches: [main, release-.*]\n    run_if_changed: \\.go$\n    spec:\n      initContainers: [{name: s, image: z, restartPolicy: Always}]\n      containers: [{image: x, args: [a]}]\npostsubmits:\n  org/repo:\n  - name: bare\n    decorate: false\n    spec: {containers: [{image: x}]}\nperiodics:\n- name: timed\n  interval: 6h\n  retry: {attempts: 2, interval: 1h}\n  extra_refs: [{org: org, repo: other, base_ref: main}]\n  spec: {containers: [{image: x, args: [a]}]}\n- name: homeless\n  cron: '@daily'\n  spec: {containers: [{image: x, args: [a]}]}\n",
    );
    let config = files.load().unwrap_or_else(|errors| panic!("{errors}")).config;
    let presubmits = &config.jobs.presubmits["org/repo"];
    let [plain, full] = &presubmits[..] else { panic!("{presubmits:?}") };

    assert_eq!(plain.base.agent, "kubernetes");
    assert_eq!(plain.base.namespace.as_deref(), Some("test-pods"));
    assert_eq!(plain.base.cluster, "default");
    assert_eq!(plain.reporter.context, "plain");
    assert_eq!(plain.trigger, r"(?m)^/test( | .* )plain,?($|\s.*)");
    assert_eq!(plain.rerun_command, "/test plain");
    assert!(plain.trigger_matches("/test plain"));
    assert!(!plain.trigger_matches("/test full"));
    assert_eq!(plain.base.utility.decorate, Some(true));
    let decoration = plain.base.utility.decoration_config.as_ref().expect("decorated");
    assert_eq!(decoration.timeout, Some(GoDuration::from_hours(3)));
    assert_eq!(decoration.gcs_configuration.as_ref().expect("a bucket").bucket, "repo");
    assert_eq!(plain.base.prowjob_defaults.as_ref().expect("defaults").tenant_id, "all");
    assert_eq!(
        plain.base.spec.as_ref().expect("a spec").containers()[0].env_value("ALL"),
        Some("b")
    );

    assert_eq!(full.reporter.context, "ctx");
    assert!(full.could_run("release-1") && !full.could_run("dev"));
    assert!(full.change_matcher.matches(&["a.go"]) && !full.change_matcher.matches(&["a.rs"]));
    let decoration = full.base.utility.decoration_config.as_ref().expect("decorated");
    assert_eq!(decoration.timeout, Some(GoDuration::from_mins(30)));
    let media = &decoration.gcs_configuration.as_ref().expect("a bucket").media_types;
    // As in Prow, the defaults' media types win over the job's.
    assert_eq!(media.get("log").map(String::as_str), Some("text/x"));
    assert_eq!(media.get("txt").map(String::as_str), Some("text/z"));
    assert_eq!(full.base.prowjob_defaults.as_ref().expect("defaults").tenant_id, "org");
    let spec = full.base.spec.as_ref().expect("a spec");
    assert_eq!(spec.containers()[0].env_value("A"), Some("a"));
    assert_eq!(spec.containers()[0].volume_mounts[0].mount_path, "/v");
    assert_eq!(spec.volumes()[0].name, "v");
    assert!(spec.init_containers()[0].env.is_empty());
    assert!(spec.as_json().contains(r#""tolerations":[{"#), "{}", spec.as_json());

    let bare = &config.jobs.postsubmits["org/repo"][0];
    assert_eq!(bare.base.utility.decoration_config, None);
    assert_eq!(bare.reporter.context, "bare");

    let timed = config.jobs.periodic("timed").expect("a periodic");
    assert_eq!(timed.interval_duration, Some(GoDuration::from_hours(6)));
    let retry = timed.retry.as_ref().expect("a retry");
    assert_eq!(retry.interval_duration, Some(GoDuration::from_hours(1)));
    let decoration = timed.base.utility.decoration_config.as_ref().expect("decorated");
    assert_eq!(decoration.gcs_configuration.as_ref().expect("a bucket").bucket, "org");
    let homeless = config.jobs.periodic("homeless").expect("a periodic");
    let decoration = homeless.base.utility.decoration_config.as_ref().expect("decorated");
    assert_eq!(decoration.gcs_configuration.as_ref().expect("a bucket").bucket, "all");

    assert_eq!(config.all_repos, ["org/repo".to_owned()].into());
    let buckets: Vec<_> = config.prow.deck.all_known_storage_buckets.iter().collect();
    assert_eq!(buckets, ["all", "org", "repo"]);
}

#[test]
fn numbers_and_booleans_in_presets_become_what_go_makes_of_them() {
    let files = Files::new("");
    files.write(
        "jobs/a.yaml",
        "presets:\n- labels: {preset-a: true}\n  env: [{name: A, value: 1.20}, {name: B, value: 0400}, {name: C, value: on}, {name: D, value: }]\nperiodics:\n- name: a\n  interval: 1h\n  tags: [1.20, no]\n  labels: {preset-a: \"true\"}\n  spec: {containers: [{image: x}]}\n",
    );
    let config = files.load().unwrap_or_else(|errors| panic!("{errors}")).config;
    let job = &config.jobs.periodics[0];
    let container = &job.base.spec.as_ref().expect("a spec").containers()[0];
    let values =
        ["A", "B", "C", "D"].map(|name| container.env_value(name).expect("a variable").to_owned());
    assert_eq!(values, ["1.2", "256", "true", ""]);
    assert_eq!(job.tags, ["1.2", "false"]);
}

#[test]
fn decoration_entries_match_repository_and_cluster_and_equal_results_are_shared() {
    let files = Files::new(
        "plank:\n  default_decoration_config_entries:\n  - config:\n      timeout: 2h\n      gcs_credentials_secret: account\n      utility_images: {clonerefs: c, initupload: i, entrypoint: e, sidecar: s}\n      gcs_configuration: {bucket: b, path_strategy: explicit}\n  - cluster: other\n    config: {gcs_credentials_secret: \"\"}\n",
    );
    let spec = "spec: {containers: [{image: x, args: [a]}]}";
    files.write(
        "jobs/a.yaml",
        format!("periodics:\n- {{name: a, interval: 1h, decorate: true, {spec}}}\n- {{name: b, interval: 1h, decorate: true, {spec}}}\n- {{name: c, interval: 1h, decorate: true, cluster: other, {spec}}}\n"),
    );
    let config = files.load().unwrap_or_else(|errors| panic!("{errors}")).config;
    let decoration = |index: usize| {
        config.jobs.periodics[index].base.utility.decoration_config.clone().expect("decorated")
    };
    assert!(std::sync::Arc::ptr_eq(&decoration(0), &decoration(1)));
    assert_eq!(decoration(0).gcs_credentials_secret.as_deref(), Some("account"));
    assert_eq!(decoration(2).gcs_credentials_secret.as_deref(), Some(""));
}

#[test]
fn a_whole_configuration_is_written_as_yaml() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    let text = files.load().expect("a configuration").config.to_yaml();
    for line in
        ["periodics:", "  name: a", "pod_namespace: test-pods", "  max_goroutines: 20", "sinker:"]
    {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    // What was written is read again as the same.
    let again = Files::new(&text);
    let loaded = again.load().unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(loaded.config.jobs.len(), 1);
}

#[test]
fn paths_are_named_as_they_were_given() {
    let files = Files::new("log_level: loud\n");
    let relative: PathBuf = files.path("config.yaml").components().collect();
    let errors = load(&LoadOptions::new(&relative), now()).expect_err("a bad level");
    assert_eq!(errors.0[0].file.as_deref(), Some(&*relative));
}
