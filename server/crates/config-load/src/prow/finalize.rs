//! Fills in the defaults of `config.yaml` and checks its values, in Prow's order and words.

use std::collections::BTreeMap;

use go_compat::template::{ExtraFunction, Template};
use go_compat::{GoRegex, Timestamp};
use job_spec::{JobType, ProwJob, template_view};

use super::deck::{DefaultRerunAuthConfigEntry, LensConfig, LensFileConfig};
use super::gerrit::DEFAULT_GERRIT_RATE_LIMIT;
use super::plank::{DEFAULT_MAX_GOROUTINES, DefaultDecorationConfigEntry};
use super::reporters::DEFAULT_SLACK_REPORT_TEMPLATE;
use super::tide::{MergeBlocksPolicy, MergeMethod};
use super::tide_query;
use super::{Controller, DEFAULT_CLUSTER_ALIAS, Deck, Plank, ProwConfig, PubSubTrigger, Tide};
use crate::place::{Findings, Step, place};
use crate::rules::{selector_problem, url_problem};

/// Messages of a Pub/Sub subscription worked on at once unless the configuration says otherwise.
const DEFAULT_MAX_OUTSTANDING_MESSAGES: i64 = 10;

/// Lenses whose names have changed.
const RENAMED_LENSES: [(&str, &str); 3] =
    [("build-log-viewer", "buildlog"), ("metadata-viewer", "metadata"), ("junit-viewer", "junit")];

/// Fills in defaults and checks everything that does not depend on jobs.
pub(crate) fn finalize(config: &mut ProwConfig, now: Timestamp, findings: &mut Findings) {
    finalize_plank(&mut config.plank, findings);
    finalize_gerrit(config, findings);
    finalize_github_reporter(config, findings);
    finalize_jenkins(config, findings);
    finalize_deck(&mut config.deck, findings);
    finalize_sinker_and_gateway(config);
    finalize_tide(&mut config.tide, findings);
    finalize_names_and_links(config, findings);
    check_branch_protection(config, findings);
    finalize_in_repo_config(config);
    finalize_pubsub(config, findings);
    check_managed_webhooks(config, now, findings);
    finalize_slack(config, findings);
    for problem in config.gangway.problems() {
        findings.error("gangway", place!["gangway", "allowed_api_clients"], problem);
    }
    let queries = std::mem::take(&mut config.tide.queries);
    config.tide.queries = tide_query::deduplicate(queries, |query| {
        let names = query.orgs.iter().chain(&query.repos);
        let mut tenants: Vec<String> =
            names.map(|name| config.merge_prowjob_defaults(name, "*", None).tenant_id).collect();
        tenants.sort();
        tenants.dedup();
        tenants
    });
}

fn finalize_controller(
    controller: &mut Controller,
    at: &[Step],
    what: &str,
    functions: &[ExtraFunction],
    findings: &mut Findings,
) {
    let below = |key: &str| -> Vec<Step> {
        at.iter().cloned().chain(std::iter::once(Step::from(key))).collect()
    };
    if let Err(err) = Template::parse_with("JobURL", &controller.job_url_template, functions) {
        findings.error(
            "template",
            below("job_url_template"),
            format!("validating {what} config: parsing template: {err}"),
        );
    }
    if !controller.report_template.is_empty() {
        if !controller.report_templates.is_empty() {
            findings.error(
                "mutually-exclusive",
                below("report_template"),
                format!(
                    "validating {what} config: both report_template and report_templates are specified"
                ),
            );
        }
        controller
            .report_templates
            .entry("*".to_owned())
            .or_insert_with(|| controller.report_template.clone());
    }
    for (key, text) in &controller.report_templates {
        if let Err(err) = Template::parse("Report", text) {
            let mut place = below("report_templates");
            place.push(Step::from(key));
            findings.error(
                "template",
                place,
                format!("validating {what} config: error while parsing template for {key}: {err}"),
            );
        }
    }
    if controller.max_concurrency < 0 {
        findings.error(
            "range",
            below("max_concurrency"),
            format!(
                "validating {what} config: controller has invalid max_concurrency ({}), it needs to be a non-negative number",
                controller.max_concurrency
            ),
        );
    }
    if controller.max_goroutines == 0 {
        controller.max_goroutines = DEFAULT_MAX_GOROUTINES;
    }
    if controller.max_goroutines < 0 {
        findings.error(
            "range",
            below("max_goroutines"),
            format!(
                "validating {what} config: controller has invalid max_goroutines ({}), it needs to be a positive number",
                controller.max_goroutines
            ),
        );
    }
}

fn finalize_plank(plank: &mut Plank, findings: &mut Findings) {
    finalize_controller(&mut plank.controller, &place!["plank"], "plank", &[], findings);
    plank.pod_pending_timeout = Some(plank.pod_pending_timeout());
    plank.pod_running_timeout = Some(plank.pod_running_timeout());
    plank.pod_unscheduled_timeout = Some(plank.pod_unscheduled_timeout());
    plank.max_revivals = Some(plank.max_revivals());
    let mapped = !plank.default_decoration_configs.is_empty();
    if mapped && !plank.default_decoration_config_entries.is_empty() {
        findings.error(
            "mutually-exclusive",
            place!["plank", "default_decoration_configs"],
            "plank.default_decoration_configs and plank.default_decoration_config_entries are mutually exclusive, please use one or the other",
        );
    }
    plank.decoration_defaults = if mapped {
        // `*` first, then organisations, then repositories, so that the narrowest wins.
        by_breadth(&plank.default_decoration_configs)
            .map(|(key, config)| DefaultDecorationConfigEntry {
                repo: key.clone(),
                config: config.clone(),
                ..DefaultDecorationConfigEntry::default()
            })
            .collect()
    } else {
        plank.default_decoration_config_entries.clone()
    };
    for (key, url) in &plank.job_url_prefix_config {
        if let Some(problem) = url_problem(url) {
            findings.error(
                "url",
                place!["plank", "job_url_prefix_config", key],
                format!("invalid value for Planks job_url_prefix_config[\"{key}\"]: {problem}"),
            );
        }
    }
}

/// The entries of a map by `*`, organisation or repository, the widest first.
fn by_breadth<T>(map: &BTreeMap<String, T>) -> impl Iterator<Item = (&String, &T)> {
    let breadth = |key: &str| match key {
        "" => 0,
        "*" => 1,
        org if !org.contains('/') => 2,
        _ => 3,
    };
    (0..4).flat_map(move |level| map.iter().filter(move |(key, _)| breadth(key) == level))
}

fn finalize_gerrit(config: &mut ProwConfig, findings: &mut Findings) {
    let gerrit = &mut config.gerrit;
    gerrit.tick_interval = Some(gerrit.tick_interval());
    if gerrit.ratelimit == 0 {
        gerrit.ratelimit = DEFAULT_GERRIT_RATE_LIMIT;
    }
    match GoRegex::new(&gerrit.allowed_presubmit_trigger_re) {
        Ok(regex) => gerrit.allowed_presubmit_trigger_regex = Some(regex),
        Err(err) => findings.error(
            "regex",
            place!["gerrit", "allowed_presubmit_trigger_re"],
            format!(
                "validating gerrit config: failed to compile regex for allowed presubmit triggers: {err}"
            ),
        ),
    }
    if let Some(problem) = url_problem(&gerrit.deck_url) {
        findings.error(
            "url",
            place!["gerrit", "deck_url"],
            format!("invalid value for gerrit.deck_url: {problem}"),
        );
    }
}

fn finalize_github_reporter(config: &mut ProwConfig, findings: &mut Findings) {
    let reporter = &mut config.github_reporter;
    if reporter.job_types_to_report.is_empty() {
        reporter.job_types_to_report = vec![JobType::Presubmit, JobType::Postsubmit];
    }
    for (index, job_type) in reporter.job_types_to_report.iter().enumerate() {
        if !matches!(job_type, JobType::Presubmit | JobType::Postsubmit) {
            findings.error(
                "job-type",
                place!["github_reporter", "job_types_to_report", index],
                format!("invalid job_types_to_report: {job_type}"),
            );
        }
    }
}

fn finalize_jenkins(config: &mut ProwConfig, findings: &mut Findings) {
    let count = config.jenkins_operators.len();
    for (index, operator) in config.jenkins_operators.iter_mut().enumerate() {
        let at = place!["jenkins_operators", index];
        finalize_controller(
            &mut operator.controller,
            &at,
            "jenkins_operators",
            &[ExtraFunction::Replace],
            findings,
        );
        let selector = &operator.label_selector;
        let at = place!["jenkins_operators", index, "label_selector"];
        if let Some(problem) = selector_problem(selector) {
            findings.error(
                "selector",
                at,
                format!("invalid jenkins_operators.label_selector option: {problem}"),
            );
        } else if count > 1 && selector.is_empty() {
            findings.error(
                "selector",
                at,
                "selector overlap: cannot use an empty label_selector with multiple selectors",
            );
        } else if count == 1 && !selector.is_empty() {
            findings.error(
                "selector",
                at,
                "label_selector is invalid when used for a single jenkins-operator",
            );
        }
    }
}

fn finalize_deck(deck: &mut Deck, findings: &mut Findings) {
    for (index, log) in deck.external_agent_logs.iter().enumerate() {
        if let Err(err) = Template::parse(&log.agent, &log.url_template) {
            findings.error(
                "template",
                place!["deck", "external_agent_logs", index, "url_template"],
                format!("parsing template for agent {:?}: {err}", log.agent),
            );
        }
        if let Some(problem) = selector_problem(&log.selector) {
            findings.error(
                "selector",
                place!["deck", "external_agent_logs", index, "selector"],
                format!("error parsing selector {:?}: {problem}", log.selector),
            );
        }
    }
    deck.tide_update_period = Some(deck.tide_update_period());
    finalize_spyglass(deck, findings);
    let by_repo = !deck.rerun_auth_configs.is_empty();
    if by_repo {
        if !deck.default_rerun_auth_configs.is_empty() {
            findings.error(
                "mutually-exclusive",
                place!["deck", "rerun_auth_configs"],
                "deck.rerun_auth_configs and deck.default_rerun_auth_configs are mutually exclusive, please use one or the other",
            );
        }
        deck.default_rerun_auth_configs = by_breadth(&deck.rerun_auth_configs)
            .map(|(key, config)| DefaultRerunAuthConfigEntry {
                repo: key.clone(),
                cluster: String::new(),
                rerun_auth_configs: Some(config.clone()),
            })
            .collect();
        // As in Prow, only the newer form is left, so that what is written can be read again.
        deck.rerun_auth_configs.clear();
    }
    if !deck.additional_allowed_buckets.is_empty() && !deck.validates_storage_buckets() {
        findings.error(
            "buckets",
            place!["deck", "additional_allowed_buckets"],
            format!(
                "deck.skip_storage_path_validation is enabled despite deck.additional_allowed_buckets being configured: [{}]",
                deck.additional_allowed_buckets.join(" ")
            ),
        );
    }
    for (index, entry) in deck.default_rerun_auth_configs.iter().enumerate() {
        if let Some(Err(err)) = entry.rerun_auth_configs.as_ref().map(|config| config.validate()) {
            let place = if by_repo {
                place!["deck", "rerun_auth_configs", &entry.repo]
            } else {
                place!["deck", "default_rerun_auth_configs", index]
            };
            findings.error(
                "rerun-auth",
                place,
                format!("default_rerun_auth_configs[{index}]: {err}"),
            );
        }
    }
}

fn finalize_spyglass(deck: &mut Deck, findings: &mut Findings) {
    let spyglass = &mut deck.spyglass;
    if spyglass.size_limit < 0 {
        findings.error(
            "range",
            place!["deck", "spyglass", "size_limit"],
            "invalid value for deck.spyglass.size_limit, must be >=0",
        );
    }
    spyglass.size_limit = spyglass.size_limit();
    let mut migrated: Vec<LensFileConfig> = spyglass
        .viewers
        .iter()
        .flat_map(|(pattern, names)| {
            names.iter().map(|name| LensFileConfig {
                required_files: vec![pattern.clone()],
                lens: LensConfig { name: renamed_lens(name).to_owned(), config: None },
                ..LensFileConfig::default()
            })
        })
        .collect();
    // Lenses are referred to by their place in the list, so it must be the same each time.
    migrated.sort_by(|a, b| a.lens.name.cmp(&b.lens.name));
    spyglass.lenses.append(&mut migrated);
    for name in spyglass.viewers.values_mut().flatten() {
        *name = renamed_lens(name).to_owned();
    }
    for (index, lens) in spyglass.lenses.iter().enumerate() {
        for (key, patterns) in
            [("required_files", &lens.required_files), ("optional_files", &lens.optional_files)]
        {
            for (at, pattern) in patterns.iter().enumerate() {
                if spyglass.regex_cache.contains_key(pattern) {
                    continue;
                }
                match GoRegex::new(pattern) {
                    Ok(regex) => {
                        spyglass.regex_cache.insert(pattern.clone(), regex);
                    }
                    Err(err) => findings.error(
                        "regex",
                        place!["deck", "spyglass", "lenses", index, key, at],
                        format!("cannot compile regexp {pattern:?}, err: {err}"),
                    ),
                }
            }
        }
    }
    let prefix = spyglass.gcs_browser_prefix.clone();
    for (key, map) in [
        ("gcs_browser_prefixes", &mut spyglass.gcs_browser_prefixes),
        ("gcs_browser_prefixes_by_bucket", &mut spyglass.gcs_browser_prefixes_by_bucket),
    ] {
        if map.contains_key("*") && !prefix.is_empty() {
            findings.error(
                "mutually-exclusive",
                place!["deck", "spyglass", key, "*"],
                format!("both gcs_browser_prefix and {key}['*'] are specified."),
            );
        }
        map.entry("*".to_owned()).or_insert_with(|| prefix.clone());
    }
}

fn renamed_lens(name: &str) -> &str {
    RENAMED_LENSES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new)
}

fn finalize_sinker_and_gateway(config: &mut ProwConfig) {
    let sinker = &mut config.sinker;
    sinker.resync_period = Some(sinker.resync_period());
    sinker.max_prowjob_age = Some(sinker.max_prowjob_age());
    sinker.max_pod_age = Some(sinker.max_pod_age());
    sinker.terminated_pod_ttl = Some(sinker.terminated_pod_ttl());
    config.push_gateway.interval = Some(config.push_gateway.interval());
    config.moonraker.client_timeout = Some(config.moonraker.client_timeout());
    config.default_job_timeout = Some(config.default_job_timeout());
}

fn finalize_tide(tide: &mut Tide, findings: &mut Findings) {
    if let Some(gerrit) = &mut tide.gerrit
        && gerrit.ratelimit == 0
    {
        gerrit.ratelimit = DEFAULT_GERRIT_RATE_LIMIT;
    }
    tide.sync_period = Some(tide.sync_period());
    tide.status_update_period = Some(tide.status_update_period());
    tide.max_goroutines = tide.max_goroutines();
    if tide.max_goroutines < 0 {
        findings.error(
            "range",
            place!["tide", "max_goroutines"],
            format!(
                "tide has invalid max_goroutines ({}), it needs to be a positive number",
                tide.max_goroutines
            ),
        );
    }
    if !tide.target_url.is_empty() {
        if !tide.target_urls.is_empty() {
            findings.error(
                "mutually-exclusive",
                place!["tide", "target_url"],
                "tide.target_url and tide.target_urls are mutually exclusive",
            );
        }
        tide.target_urls.entry("*".to_owned()).or_insert_with(|| tide.target_url.clone());
    }
    if !tide.pr_status_base_url.is_empty() {
        if !tide.pr_status_base_urls.is_empty() {
            findings.error(
                "mutually-exclusive",
                place!["tide", "pr_status_base_url"],
                "both pr_status_base_url and pr_status_base_urls are defined",
            );
        }
        let url = tide.pr_status_base_url.clone();
        tide.pr_status_base_urls.entry("*".to_owned()).or_insert(url);
    }
    if !tide.pr_status_base_urls.is_empty() && !tide.pr_status_base_urls.contains_key("*") {
        findings.error(
            "missing-default",
            place!["tide", "pr_status_base_urls"],
            "pr_status_base_urls is defined but the default value ('*') is missing",
        );
    }
    finalize_merge_methods(tide, findings);
    for (key, templates) in &tide.merge_commit_template {
        for (part, name, text) in
            [("title", "CommitTitle", &templates.title), ("body", "CommitBody", &templates.body)]
        {
            if let Err(err) = Template::parse(name, text) {
                findings.error(
                    "template",
                    place!["tide", "merge_commit_template", key, part],
                    format!("parsing template for commit {part}: {err}"),
                );
            }
        }
    }
    for (index, query) in tide.queries.iter().enumerate() {
        for problem in query.problems() {
            findings.error(
                "tide-query",
                place!["tide", "queries", index],
                format!("tide query (index {index}) is invalid: {problem}"),
            );
        }
    }
    for (key, policy) in &tide.github_merge_blocks_policy {
        if MergeBlocksPolicy::parse(policy).is_none() {
            findings.error(
                "merge-blocks-policy",
                place!["tide", "github_merge_blocks_policy", key],
                format!(
                    "tide.github_merge_blocks_policy[{key:?}] has invalid value {policy:?}, must be one of: ignore, permit, block"
                ),
            );
        }
    }
}

fn finalize_merge_methods(tide: &mut Tide, findings: &mut Findings) {
    let mut check = |method: &MergeMethod, of: &str, place: Vec<Step>| {
        if let MergeMethod::Unknown(word) = method {
            findings.error(
                "merge-method",
                place,
                format!("tide merge type: merge type {word:?} for {of} is not a valid type"),
            );
        }
    };
    let mut bad_patterns = Vec::new();
    for (org, entry) in &mut tide.merge_method {
        if let Some(method) = &entry.method {
            check(method, org, place!["tide", "merge_method", org]);
        }
        for (repo, entry) in &mut entry.repos {
            if let Some(method) = &entry.method {
                check(method, &format!("{org}/{repo}"), place!["tide", "merge_method", org, repo]);
            }
            for (pattern, entry) in &mut entry.branches {
                let place = place!["tide", "merge_method", org, repo, pattern];
                match GoRegex::new(pattern) {
                    Ok(regex) => entry.regex = Some(regex),
                    Err(_) => bad_patterns.push((place.clone(), pattern.clone())),
                }
                check(&entry.method, &format!("{org}/{repo}@{pattern}"), place);
            }
        }
    }
    for (place, pattern) in bad_patterns {
        findings.error("regex", place, format!("tide merge type: regex {pattern:?} is not valid"));
    }
}

fn finalize_names_and_links(config: &mut ProwConfig, findings: &mut Findings) {
    let or_default = |value: &mut String, default: &str| {
        if value.is_empty() {
            default.clone_into(value);
        }
    };
    or_default(&mut config.prowjob_namespace, "default");
    or_default(&mut config.pod_namespace, "default");
    or_default(&mut config.github.link_url, "https://github.com");
    or_default(&mut config.status_error_link, "https://github.com/kubernetes/test-infra/issues");
    or_default(&mut config.log_level, "info");
    if let Some(problem) = url_problem(&config.github.link_url) {
        findings.error(
            "url",
            place!["github", "link_url"],
            format!("unable to parse github.link_url, might not be a valid url: {problem}"),
        );
    }
    let level = config.log_level.to_lowercase();
    let levels = ["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"];
    if !levels.contains(&level.as_str()) {
        findings.error(
            "log-level",
            place!["log_level"],
            format!("not a valid logrus Level: {:?}", config.log_level),
        );
    }
}

fn check_branch_protection(config: &ProwConfig, findings: &mut Findings) {
    let policy = &config.branch_protection.policy;
    if !policy.include.is_empty() && !policy.exclude.is_empty() {
        findings.error(
            "mutually-exclusive",
            place!["branch-protection", "include"],
            "Forbidden to set both Policy.Include and Policy.Exclude, Please use either Include or Exclude!",
        );
    }
}

fn finalize_in_repo_config(config: &mut ProwConfig) {
    // An explicit `"*": []` forbids the default cluster.
    config
        .in_repo_config
        .allowed_clusters
        .entry("*".to_owned())
        .or_insert_with(|| vec![DEFAULT_CLUSTER_ALIAS.to_owned()]);
}

fn finalize_pubsub(config: &mut ProwConfig, findings: &mut Findings) {
    if let Some(subscriptions) = &config.pubsub_subscriptions {
        if !config.pubsub_triggers.is_empty() {
            findings.error(
                "mutually-exclusive",
                place!["pubsub_subscriptions"],
                "pubsub_subscriptions and pubsub_triggers are mutually exclusive",
            );
        }
        config.pubsub_triggers.extend(subscriptions.iter().map(|(project, topics)| {
            PubSubTrigger {
                project: project.clone(),
                topics: topics.clone(),
                allowed_clusters: vec!["*".to_owned()],
                max_outstanding_messages: 0,
            }
        }));
    }
    for trigger in &mut config.pubsub_triggers {
        if trigger.max_outstanding_messages == 0 {
            trigger.max_outstanding_messages = DEFAULT_MAX_OUTSTANDING_MESSAGES;
        }
    }
}

fn check_managed_webhooks(config: &ProwConfig, now: Timestamp, findings: &mut Findings) {
    for (key, info) in &config.managed_webhooks.org_repo_config {
        if let Some(time) = info.token_created_after.filter(|time| *time > now) {
            findings.error(
                "managed-webhooks",
                place!["managed_webhooks", "org_repo_config", key, "token_created_after"],
                format!(
                    "token_created_after {time} can be no later than current time for repo/org {key}"
                ),
            );
        }
    }
}

fn finalize_slack(config: &mut ProwConfig, findings: &mut Findings) {
    let empty = template_view::prow_job(&ProwJob::default());
    for (key, reporter) in &mut config.slack_reporter_configs {
        let slack = &mut reporter.slack;
        if slack.report_template.is_empty() {
            slack.report_template = DEFAULT_SLACK_REPORT_TEMPLATE.to_owned();
        }
        if slack.channel.is_empty() {
            findings.error(
                "slack-channel",
                place!["slack_reporter_configs", key],
                "failed to validate slackreporter config: channel must be set",
            );
        }
        let problem = match Template::parse("", &slack.report_template) {
            Err(err) => Some(format!("failed to parse template: {err}")),
            Ok(template) => match template.render(&empty) {
                Err(err) => Some(format!("failed to execute report_template: {err}")),
                // Every field of a ProwJob is there, so only one that it does not have has no value.
                Ok(text) if text.contains("<no value>") => Some(
                    "failed to execute report_template: it reads a field that a ProwJob does not have"
                        .to_owned(),
                ),
                Ok(_) => None,
            },
        };
        if let Some(problem) = problem {
            findings.error(
                "template",
                place!["slack_reporter_configs", key, "report_template"],
                format!("failed to validate slackreporter config: {problem}"),
            );
        }
    }
}

/// The defaults of an empty `config.yaml`, for tests and tools.
pub fn defaults() -> ProwConfig {
    let mut config = ProwConfig::default();
    finalize(&mut config, Timestamp::EPOCH, &mut Findings::default());
    config
}
