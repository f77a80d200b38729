//! What components ask the configuration.

use config_load::{Config, PluginConfig, ProwConfig, load_plugins};
use go_compat::GoDuration;
use job_spec::{ProwJobSpec, Refs};

use crate::support::{Files, config};

fn prow(settings: &str) -> ProwConfig {
    config(settings, "").prow
}

fn plugins(text: &str) -> PluginConfig {
    let files = Files::new("");
    files.write("plugins.yaml", text);
    PluginConfig::clone(&load_plugins(&files.options()).unwrap_or_else(|e| panic!("{e}")).plugins)
}

fn refs(org: &str, repo: &str) -> Refs {
    Refs { org: org.to_owned(), repo: repo.to_owned(), ..Refs::default() }
}

#[test]
fn an_empty_file_gives_prows_defaults() {
    let prow = prow("");
    assert_eq!(prow.plank.pod_pending_timeout(), GoDuration::from_mins(10));
    assert_eq!(prow.plank.pod_running_timeout(), GoDuration::from_hours(48));
    assert_eq!(prow.plank.pod_unscheduled_timeout(), GoDuration::from_mins(5));
    assert_eq!(prow.plank.max_revivals(), 3);
    assert_eq!(prow.plank.controller.max_goroutines, 20);
    assert_eq!(prow.sinker.resync_period(), GoDuration::from_hours(1));
    assert_eq!(prow.sinker.max_prowjob_age(), GoDuration::from_hours(168));
    assert_eq!(prow.sinker.max_pod_age(), GoDuration::from_hours(24));
    assert_eq!(prow.sinker.terminated_pod_ttl(), GoDuration::from_hours(24));
    assert_eq!(prow.horologium.tick_interval(), GoDuration::from_mins(1));
    assert_eq!(prow.tide.sync_period(), GoDuration::from_mins(1));
    assert_eq!(prow.tide.status_update_period(), GoDuration::from_mins(1));
    assert_eq!(prow.tide.max_goroutines(), 20);
    assert_eq!(prow.deck.tide_update_period(), GoDuration::from_secs(10));
    assert_eq!(prow.deck.spyglass.size_limit(), 100_000_000);
    assert_eq!(prow.gerrit.tick_interval(), GoDuration::from_mins(1));
    assert_eq!(prow.gerrit.ratelimit, 5);
    assert!(prow.gerrit.is_allowed_presubmit_trigger("anything"));
    assert_eq!(prow.push_gateway.interval(), GoDuration::from_mins(1));
    assert_eq!(prow.moonraker.client_timeout(), GoDuration::from_mins(10));
    assert_eq!(prow.default_job_timeout(), GoDuration::from_hours(24));
    assert_eq!(
        (prow.prowjob_namespace.as_str(), prow.pod_namespace.as_str()),
        ("default", "default")
    );
    assert_eq!(prow.log_level, "info");
    assert_eq!(prow.github.link_url, "https://github.com");
    assert_eq!(prow.status_error_link, "https://github.com/kubernetes/test-infra/issues");
    assert_eq!(prow.in_repo_config.allowed_clusters["*"], ["default"]);
    assert_eq!(prow.list_ignored_owners_dirs("o", "r"), ["\\.git$", "_output$", "vendor/.*/.*"]);
    assert!(!prow.deck.validates_storage_buckets());
    // A configuration that was never completed answers the same.
    let untouched = ProwConfig::default();
    assert_eq!(untouched.sinker.terminated_pod_ttl(), prow.sinker.terminated_pod_ttl());
    assert_eq!(config_load::prow::finalize::defaults(), prow);
}

#[test]
fn explicit_zeros_are_kept() {
    let prow = prow(
        "plank: {max_revivals: 0, pod_pending_timeout: 0s}\nsinker: {max_pod_age: 2h}\ntide: {sync_period: 5m}\nin_repo_config: {allowed_clusters: {'*': []}}\n",
    );
    assert_eq!(prow.plank.max_revivals(), 0);
    assert_eq!(prow.plank.pod_pending_timeout(), GoDuration::ZERO);
    assert_eq!(prow.sinker.terminated_pod_ttl(), GoDuration::from_hours(2));
    assert_eq!(prow.tide.status_update_period(), GoDuration::from_mins(5));
    assert!(!prow.in_repo_config.allows_cluster("default", "o/r"));
}

#[test]
fn in_repo_config_is_enabled_by_the_narrowest_key_and_allowed_by_all() {
    let prow = prow(
        "in_repo_config:\n  enabled: {'*': true, org: false, org/repo: true, foo.example.com/bar: true}\n  allowed_clusters: {org: [a], org/repo: [b]}\n",
    );
    let in_repo = &prow.in_repo_config;
    assert!(in_repo.is_enabled("other/x"));
    assert!(!in_repo.is_enabled("org/x"));
    assert!(in_repo.is_enabled("org/repo"));
    assert!(in_repo.is_enabled("https://foo.example.com/bar"));
    for cluster in ["default", "a", "b"] {
        assert!(in_repo.allows_cluster(cluster, "org/repo"), "{cluster}");
    }
    assert!(!in_repo.allows_cluster("b", "org/x"));
}

#[test]
fn templates_prefixes_and_queues_are_found_for_a_run() {
    let prow = prow(
        "plank:\n  report_templates: {'*': all, org: o, org/repo: r}\n  job_url_prefix_config: {'*': https://all/, org: https://org/}\n  job_queue_capacities: {blocked: 0, free: -1, two: 2}\n",
    );
    let template = |org, repo| prow.plank.controller.report_template_for(Some(&refs(org, repo)));
    assert_eq!(template("org", "repo"), Some("r"));
    assert_eq!(template("org", "x"), Some("o"));
    assert_eq!(template("x", "x"), Some("all"));
    assert_eq!(prow.plank.controller.report_template_for(None), Some("all"));
    let mut spec = ProwJobSpec { extra_refs: vec![refs("org", "x")], ..ProwJobSpec::default() };
    assert_eq!(prow.plank.job_url_prefix(&spec), "https://org/");
    spec.refs = Some(refs("other", "x"));
    assert_eq!(prow.plank.job_url_prefix(&spec), "https://all/");
    let mut own = job_spec::DecorationConfig::default();
    own.gcs_configuration.get_or_insert_default().job_url_prefix = "https://own/".to_owned();
    spec.decoration_config = Some(own.into());
    assert_eq!(prow.plank.job_url_prefix(&spec), "https://own/");
    assert_eq!(prow.plank.job_queue_capacity("blocked"), Some(0));
    assert_eq!(prow.plank.job_queue_capacity("free"), None);
    assert_eq!(prow.plank.job_queue_capacity("two"), Some(2));
}

#[test]
fn report_template_is_the_general_one() {
    let prow = prow("plank: {report_template: x}\n");
    assert_eq!(prow.plank.controller.report_template_for(None), Some("x"));
}

#[test]
fn old_viewers_become_lenses() {
    let prow = prow(
        "deck:\n  spyglass:\n    viewers:\n      'finished.json|started.json': [metadata-viewer]\n      'build-log.txt': [build-log-viewer]\n    gcs_browser_prefix: https://p/\n    gcs_browser_prefixes: {org: https://o/}\n    gcs_browser_prefixes_by_bucket: {bucket: https://b/}\n    bucket_aliases: {alias: real}\n",
    );
    let spyglass = &prow.deck.spyglass;
    let lenses: Vec<_> = spyglass
        .lenses
        .iter()
        .map(|lens| (lens.lens.name.as_str(), lens.required_files[0].as_str()))
        .collect();
    assert_eq!(lenses, [("buildlog", "build-log.txt"), ("metadata", "finished.json|started.json")]);
    assert!(spyglass.regex_cache["build-log.txt"].is_match("build-log.txt"));
    assert_eq!(spyglass.gcs_browser_prefix_for("org", "r", "bucket"), "https://o/");
    assert_eq!(spyglass.gcs_browser_prefix_for("x", "r", "bucket"), "https://b/");
    assert_eq!(spyglass.gcs_browser_prefix_for("", "", ""), "https://p/");
    assert_eq!(spyglass.resolve_bucket("alias"), "real");
}

#[test]
fn buckets_are_checked_only_when_asked_for() {
    let settings = "deck: {skip_storage_path_validation: false, additional_allowed_buckets: [more], spyglass: {bucket_aliases: {alias: more}}}\nplank: {default_decoration_configs: {'*': {gcs_configuration: {bucket: 'gs://default'}}}}\n";
    let deck = prow(settings).deck;
    for (bucket, allowed) in [("more", true), ("alias", true), ("default", true), ("other", false)]
    {
        assert_eq!(deck.allows_bucket(bucket), allowed, "{bucket}");
    }
    assert!(prow("").deck.allows_bucket("other"));
}

#[test]
fn the_last_matching_entry_says_who_may_rerun() {
    let deck = prow("deck:\n  default_rerun_auth_configs:\n  - rerun_auth_configs: {github_users: [all]}\n  - {repo: org, rerun_auth_configs: {github_users: [org]}}\n  - {cluster: c, rerun_auth_configs: {allow_anyone: true}}\n").deck;
    let users = |org: &str, cluster: &str| {
        let spec = ProwJobSpec {
            refs: Some(refs(org, "r")),
            cluster: cluster.to_owned(),
            ..ProwJobSpec::default()
        };
        let found = deck.rerun_auth_config(&spec).expect("an entry");
        (found.github_users.clone(), found.allow_anyone)
    };
    assert_eq!(users("x", "d"), (vec!["all".to_owned()], false));
    assert_eq!(users("org", "d"), (vec!["org".to_owned()], false));
    assert_eq!(users("org", "c"), (vec![], true));
}

#[test]
fn hidden_repositories_are_known() {
    let deck = prow("deck: {hidden_repos: [secret, org/hidden]}\n").deck;
    assert!(deck.hides("secret", "x") && deck.hides("org", "hidden") && !deck.hides("org", "x"));
}

#[test]
fn merge_methods_are_found_in_prows_order() {
    let tide = prow("tide:\n  merge_method:\n    org: squash\n    org/repo: rebase\n    org/repo@main: merge\n    nested:\n      r:\n        ma(ster|in): rebase\n        .*: squash\n      '*': squash\n    nested/r: merge\n").tide;
    for (org, repo, branch, method) in [
        ("org", "x", "main", "squash"),
        ("org", "repo", "dev", "rebase"),
        ("org", "repo", "main", "merge"),
        ("nested", "r", "master", "squash"),
        ("nested", "x", "any", "squash"),
        ("nobody", "x", "any", "merge"),
    ] {
        assert_eq!(tide.merge_method(org, repo, branch).as_str(), method, "{org}/{repo}@{branch}");
    }
}

#[test]
fn limits_of_tide_are_found_by_the_narrowest_key() {
    let tide = prow("tide:\n  batch_size_limit: {'*': 5, org: -1}\n  prioritize_existing_batches: {org/repo: false}\n  github_merge_blocks_policy: {org: block}\n  target_url: https://t/\n  pr_status_base_urls: {'*': https://p/}\n").tide;
    assert_eq!((tide.batch_size_limit("org", "r"), tide.batch_size_limit("x", "r")), (-1, 5));
    assert!(
        !tide.prioritize_existing_batches("org", "repo")
            && tide.prioritize_existing_batches("org", "x")
    );
    assert_eq!(tide.target_url_for("x", "r"), "https://t/");
    assert_eq!(tide.pr_status_base_url_for("x", "r"), "https://p/");
}

#[test]
fn queries_are_githubs_searches() {
    let tide = prow("tide:\n  queries:\n  - orgs: [o]\n    repos: [p/r]\n    excludedRepos: [o/x]\n    author: me\n    labels: ['a', 'b,c']\n    missingLabels: [d]\n    includedBranches: [main]\n    milestone: m\n    reviewApprovedRequired: true\n").tide;
    let query = &tide.queries[0];
    assert_eq!(
        query.query(),
        "is:pr state:open archived:false author:\"me\" base:\"main\" label:\"a\" label:\"b\",\"c\" -label:\"d\" milestone:\"m\" review:approved org:\"o\" -repo:\"o/x\" repo:\"p/r\""
    );
    assert_eq!(query.org_queries().len(), 2);
    assert!(
        query.is_for_repo("o", "y") && !query.is_for_repo("o", "x") && query.is_for_repo("p", "r")
    );
}

#[test]
fn branch_protection_inherits_unites_and_adds_required_jobs() {
    let config: Config = config(
        "branch-protection:\n  required_status_checks: {contexts: [all]}\n  protect-tested-repos: true\n  orgs:\n    org:\n      required_status_checks: {contexts: [org], strict: true}\n      repos:\n        repo:\n          branches:\n            main: {protect: true, required_status_checks: {strict: false}}\n            vague: {enforce_admins: true}\n        lax: {protect: false}\n",
        "presubmits:\n  org/repo:\n  - {name: always, always_run: true, spec: {containers: [{image: x}]}}\n  - {name: manual, spec: {containers: [{image: x}]}}\n  - {name: optional, always_run: true, optional: true, spec: {containers: [{image: x}]}}\n",
    );
    let protection = &config.prow.branch_protection;
    let jobs = || config.jobs.presubmits_for("org/repo").map(|job| &**job);
    let main =
        protection.effective("org", "repo", "main", jobs()).expect("valid").expect("managed");
    let checks = main.required_status_checks.expect("checks");
    assert_eq!(checks.contexts, ["all", "always", "org"]);
    assert_eq!(checks.strict, Some(false));
    assert_eq!(main.protect, Some(true));
    let dev = protection.effective("org", "repo", "dev", jobs()).expect("valid").expect("managed");
    assert_eq!(dev.protect, Some(true));
    let vague = protection.effective("org", "repo", "vague", jobs()).expect_err("undecided");
    assert_eq!(vague.to_string(), "defined branch policies must set protect or unmanaged=true");
    let lax =
        protection.effective("org", "lax", "main", []).expect_err("a policy without protection");
    assert_eq!(lax.to_string(), "org/lax=main defines a policy, which requires protect: true");
    let lax =
        protection.effective("org", "lax", "main", jobs()).expect_err("jobs without protection");
    assert_eq!(lax.to_string(), "required prow jobs require branch protection");
    assert_eq!(protection.effective("other", "x", "main", []).expect("valid"), None);
}

#[test]
fn context_policies_unite_configuration_protection_and_jobs() {
    let config: Config = config(
        "tide:\n  context_options:\n    optional-contexts: [o]\n    orgs:\n      org:\n        from-branch-protection: true\n        skip-unknown-contexts: true\n        optional-regex-contexts: ['^x-']\n        repos: {repo: {branches: {main: {required-contexts: [r]}}}}\nbranch-protection: {orgs: {org: {protect: true, required_status_checks: {contexts: [b]}}}}\n",
        "presubmits:\n  org/repo:\n  - {name: always, always_run: true, spec: {containers: [{image: x}]}}\n  - {name: manual, spec: {containers: [{image: x}]}}\n  - {name: quiet, always_run: true, skip_report: true, spec: {containers: [{image: x}]}}\n",
    );
    let jobs: Vec<_> = config.jobs.presubmits_for("org/repo").map(|job| &**job).collect();
    let policy = config
        .prow
        .tide_context_policy("org", "repo", "main", jobs.iter().copied())
        .expect("a policy");
    assert_eq!(policy.required_contexts, ["always", "b", "r"]);
    assert_eq!(policy.required_if_present_contexts, ["manual"]);
    for (context, optional) in [
        ("o", true),
        ("quiet", true),
        ("x-1", true),
        ("unknown", true),
        ("r", false),
        ("manual", false),
    ] {
        assert_eq!(policy.is_optional(context), optional, "{context}");
    }
    assert_eq!(policy.missing_required_contexts(&["b".to_owned()]), ["always", "r"]);
}

#[test]
fn slack_settings_are_those_of_one_level() {
    let prow = prow(
        "slack_reporter_configs:\n  '*': {channel: all, job_types_to_report: [periodic]}\n  org: {channel: org}\n",
    );
    let find = |org| {
        config_load::prow::reporters::slack_reporter_for(
            &prow.slack_reporter_configs,
            Some(&refs(org, "r")),
        )
    };
    assert_eq!(find("x").expect("general settings").slack.channel, "all");
    let org = find("org").expect("settings");
    assert!(org.job_types_to_report.is_empty());
    assert!(org.slack.report_template.starts_with("Job {{.Spec.Job}} of type"));
}

#[test]
fn plugins_run_where_they_are_enabled() {
    let plugins = plugins(
        "plugins:\n  org: {plugins: [trigger, lgtm], excluded_repos: [free]}\n  org/repo: {plugins: [approve]}\n  org/free: {plugins: [size]}\n  old: [cat]\nexternal_plugins:\n  org: [{name: a}]\n  org/free: [{name: b, endpoint: 'http://c', events: [push]}]\n",
    );
    assert_eq!(plugins.plugins_for("org", "x"), ["trigger", "lgtm"]);
    assert_eq!(plugins.plugins_for("org", "repo"), ["trigger", "lgtm", "approve"]);
    assert_eq!(plugins.plugins_for("org", "free"), ["size"]);
    assert_eq!(plugins.plugins_for("old", "x"), ["cat"]);
    assert!(plugins.plugins_for("nobody", "x").is_empty());
    let external: Vec<_> =
        plugins.external_plugins_for("org", "free").iter().map(|p| p.endpoint.as_str()).collect();
    assert_eq!(external, ["http://a", "http://c"]);
    let enabled = plugins.enabled_repos_for_plugin("trigger");
    assert_eq!(enabled.orgs["org"], ["org/free".to_owned()].into());
}

#[test]
fn settings_of_plugins_are_those_of_one_entry() {
    let plugins = plugins(
        "triggers:\n- {repos: [org], only_org_members: true}\n- {repos: [org/repo], ignore_ok_to_test: true}\n- {repos: [t], trusted_org: trusted}\nlgtm: [{repos: [org], store_tree_hash: true}]\napprove: [{repos: [org], require_self_approval: true, commandHelpLink: mine}]\ndco: {'*': {trusted_org: all}, org: {trusted_org: o}}\n",
    );
    let repo = plugins.triggers_for("org", "repo");
    assert!(repo.ignore_ok_to_test && !repo.only_org_members);
    assert!(plugins.triggers_for("org", "x").only_org_members);
    assert_eq!(plugins.triggers_for("nobody", "x"), Default::default());
    assert_eq!(
        plugins.triggers_for("t", "x").join_org_url,
        "https://github.com/orgs/trusted/people"
    );
    assert_eq!(plugins.triggers_for("t", "x").org_invite.prominent.merged_pr_threshold(), 3);
    assert!(plugins.lgtm_for("org", "x").store_tree_hash);
    let approve = plugins.approve_for("org", "x");
    assert_eq!(approve.command_help_link, "mine");
    assert!(!approve.has_self_approval() && approve.considers_review_state());
    assert_eq!(plugins.approve_for("x", "x").command_help_link, "https://go.k8s.io/bot-commands");
    assert_eq!(plugins.dco_for("org", "x").trusted_org, "o");
    assert_eq!(plugins.dco_for("x", "x").trusted_org, "all");
}

#[test]
fn restricted_labels_of_all_levels_count_together() {
    let plugins = plugins(
        "label:\n  restricted_labels:\n    '*': [{label: CLA, allowed_users: [b]}]\n    org: [{label: cla, allowed_users: [a], allowed_teams: [t]}]\n    org/repo: [{label: x}]\n",
    );
    let labels = plugins.label.restricted_labels_for("org", "repo");
    assert_eq!(labels.len(), 2);
    assert_eq!(labels["cla"].allowed_users, ["a", "b"]);
    assert_eq!(labels["cla"].allowed_teams, ["t"]);
    assert!(plugins.label.restricted_labels_for("other", "x")["cla"].allowed_teams.is_empty());
}

#[test]
fn empty_plugin_settings_get_prows_defaults() {
    let plugins = plugins(
        "plugins: {o: {plugins: [a]}}\nconfig_updater: {maps: {x: {name: m, cluster_groups: [g]}}, cluster_groups: {g: {clusters: [c, d], namespaces: [ns]}}}\nrequire_matching_label: [{org: o, regexp: ^a$, missing_label: b, prs: true}]\nblunderbuss: {wait_for_status: {}}\nrepo_milestone: {'': {maintainers_team: t}}\n",
    );
    assert_eq!(plugins.blunderbuss.request_count(), 2);
    let wait = plugins.blunderbuss.wait_for_status.as_ref().expect("a status");
    assert_eq!((wait.context.as_str(), wait.state.as_str()), ("tide", "pending"));
    assert!(
        wait.description_regex
            .as_ref()
            .expect("a pattern")
            .is_match("Not mergeable. Needs lgtm label.")
    );
    assert_eq!(
        plugins.owners.labels_denylist.as_deref(),
        Some(&["approved".to_owned(), "lgtm".to_owned()][..])
    );
    assert!(
        plugins.sigmention.regex.as_ref().expect("a pattern").is_match("@kubernetes/sig-node-bugs")
    );
    assert_eq!(plugins.config_updater.maps["x"].clusters["d"], ["ns"]);
    assert_eq!(
        plugins.require_matching_label[0].grace_period_duration,
        Some(GoDuration::from_secs(5))
    );
    assert_eq!(plugins.repo_milestone[""].maintainers_friendly_name, "SIG Chairs/TLs");
    assert_eq!(plugins.cherry_pick_unapproved.branchregexp, "^release-.*$");
    assert_eq!(plugins.owners_filenames("o", "r").owners_aliases, "OWNERS_ALIASES");
}

#[test]
fn bugzilla_options_narrow_down() {
    let plugins = plugins(
        "bugzilla:\n  default:\n    '*': {is_open: true, statuses: [NEW]}\n    main: {target_release: '4'}\n  orgs:\n    org:\n      default: {'*': {valid_states: [{status: ON_QA, resolution: x}]}}\n      repos:\n        fresh: {branches: {'*': {exclude_defaults: true, add_external_link: true}}}\n",
    );
    let options = plugins.bugzilla.options_for_branch("x", "x", "main");
    assert_eq!(options.target_release.as_deref(), Some("4"));
    assert_eq!(options.valid_states.expect("states")[0].status, "NEW");
    assert_eq!(options.statuses, None);
    let options = plugins.bugzilla.options_for_branch("org", "x", "dev");
    assert_eq!(options.valid_states.expect("states")[0].status, "ON_QA");
    let options = plugins.bugzilla.options_for_branch("org", "fresh", "main");
    assert_eq!((options.is_open, options.add_external_link), (None, Some(true)));
}
