//! Policies that the Kubernetes project tests its configuration against, as warnings.

use std::collections::{BTreeMap, HashMap, HashSet};

use config_load::Diagnostic;

use super::assemble::{Assembly, Inputs, at_job};
use super::jobs::AnnotatedJob;
use super::validate::{Entity, Findings};
use crate::proto::config::{Configuration, DashboardTab, TestGroup};

/// What the policies go by.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Names of dashboards and dashboard groups begin with one of these; unchecked if empty.
    pub name_prefixes: Vec<String>,
    /// Prefixes of `gcs_prefix` under which this Prow instance writes, such as
    /// `kubernetes-ci-logs/logs/`.
    pub prow_prefixes: Vec<String>,
    /// Repositories (`org/repo` or `org`) whose jobs need no group.
    pub repos_without_groups: Vec<String>,
    /// The dashboard that shows exactly the jobs that keep pull requests of a repository from
    /// merging: its name, and the repository.
    pub blocking_dashboard: Option<(String, String)>,
    /// Dashboards whose tabs need a description.
    pub described_dashboards: Vec<String>,
    /// Dashboards whose tabs need addresses for alerts.
    pub mailed_dashboards: Vec<String>,
}

/// Fewest recent columns of a presubmit's group.
const MIN_PRESUBMIT_COLUMNS: i32 = super::jobs::MIN_PRESUBMIT_COLUMNS_RECENT;

/// Where a configuration does not follow the policies: warnings with file and line, where what they
/// are about has some. `inputs` are those that were assembled.
pub fn lint(assembly: &Assembly, inputs: &Inputs<'_>, policy: &Policy) -> Vec<Diagnostic> {
    let configuration = &assembly.configuration;
    let mut findings = Findings::new();
    lint_names(configuration, policy, &mut findings);
    lint_groups(configuration, policy, &mut findings);
    lint_tabs(configuration, policy, &mut findings);
    let mut diagnostics = Vec::new();
    if !inputs.jobs.is_empty() {
        lint_jobs(configuration, inputs.jobs, policy, &mut diagnostics);
        lint_blocking(configuration, inputs.jobs, policy, &mut findings, &mut diagnostics);
    }
    let groups = configuration.test_groups.iter().enumerate();
    let names: HashSet<&str> = inputs.jobs.iter().map(|job| job.name).collect();
    for (at, group) in groups.filter(|_| !inputs.jobs.is_empty()) {
        let prow = policy.prow_prefixes.iter().any(|prefix| group.gcs_prefix.contains(&**prefix));
        if prow && !names.contains(&*group.name) {
            const RULE: &str = "testgrid-lint-group-without-job";
            let of_group = findings.of(Entity::Group(at), "test group", &group.name);
            of_group.warning(RULE, "gcs_prefix", "has no Prow job");
        }
    }
    let mut placed = assembly.placed(findings.into_found(), inputs);
    placed.append(&mut diagnostics);
    placed
}

/// What would not do what whoever wrote it wants, whatever the policies of a project are: warnings as
/// those of [`lint`].
pub fn lint_slips(assembly: &Assembly, inputs: &Inputs<'_>) -> Vec<Diagnostic> {
    let configuration = &assembly.configuration;
    let mut findings = Findings::new();
    for (at, group) in configuration.test_groups.iter().enumerate() {
        findings.of(Entity::Group(at), "test group", &group.name);
        lint_header(group, &mut findings);
    }
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            let called = format!("{}#{}", dashboard.name, tab.name);
            findings.of(Entity::Tab(at, tab_at), "tab", &called);
            lint_report(tab, &mut findings);
            lint_addresses(tab, &mut findings);
        }
    }
    assembly.placed(findings.into_found(), inputs)
}

fn lint_names(configuration: &Configuration, policy: &Policy, findings: &mut Findings) {
    const RULE: &str = "testgrid-lint-prefix";
    const MEMBER_RULE: &str = "testgrid-lint-member";
    let is_prefixed = |name: &str| {
        policy.name_prefixes.is_empty()
            || policy.name_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    };
    let member_of: HashMap<&str, &str> = configuration
        .dashboard_groups
        .iter()
        .flat_map(|group| group.dashboard_names.iter().map(|name| (&**name, &*group.name)))
        .collect();
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        let name = dashboard.name.as_str();
        findings.of(Entity::Dashboard(at), "dashboard", name);
        if !is_prefixed(name) {
            let message = format!("must be prefixed with one of {:?}", policy.name_prefixes);
            findings.warning(RULE, "name", &message);
        }
        for group in &configuration.dashboard_groups {
            let belongs = name.strip_prefix(&*group.name).is_some_and(|rest| rest.starts_with('-'));
            if belongs && !member_of.contains_key(name) {
                let message = format!("should be in dashboard group \"{}\"", group.name);
                findings.warning(MEMBER_RULE, "name", &message);
            }
        }
    }
    for (at, group) in configuration.dashboard_groups.iter().enumerate() {
        findings.of(Entity::DashboardGroup(at), "dashboard group", &group.name);
        if !is_prefixed(&group.name) {
            let message = format!("must be prefixed with one of {:?}", policy.name_prefixes);
            findings.warning(RULE, "name", &message);
        }
        for name in &group.dashboard_names {
            if !name.strip_prefix(&*group.name).is_some_and(|rest| rest.starts_with('-')) {
                let message = format!("its dashboard \"{name}\" must be prefixed with its name");
                findings.warning(MEMBER_RULE, "dashboard_names", &message);
            }
        }
    }
}

fn lint_groups(configuration: &Configuration, policy: &Policy, findings: &mut Findings) {
    for (at, group) in configuration.test_groups.iter().enumerate() {
        findings.of(Entity::Group(at), "test group", &group.name);
        lint_header(group, findings);
        let prow = policy.prow_prefixes.iter().find(|prefix| group.gcs_prefix.contains(&***prefix));
        let Some(prow) = prow else { continue };
        if group.gcs_prefix.rsplit('/').next() != Some(group.name.as_str()) {
            let message =
                format!("gcs_prefix \"{}\" must end in the group's name", group.gcs_prefix);
            findings.warning("testgrid-lint-prow-prefix", "gcs_prefix", &message);
        }
        if prow.contains("pr-logs/") && group.num_columns_recent < MIN_PRESUBMIT_COLUMNS {
            let message = format!(
                "presubmit num_columns_recent want >={MIN_PRESUBMIT_COLUMNS}, got {}",
                group.num_columns_recent
            );
            findings.warning("testgrid-lint-columns", "num_columns_recent", &message);
        }
    }
}

/// A header that would have no values.
fn lint_header(group: &TestGroup, findings: &mut Findings) {
    if group.column_header.iter().any(|header| header.configuration_value.is_empty()) {
        findings.warning(
            "testgrid-lint-header",
            "column_header",
            "a column header without configuration_value shows `missing`",
        );
    }
}

/// Addresses that no mail server takes.
fn lint_addresses(tab: &DashboardTab, findings: &mut Findings) {
    let flakiness = tab.flakiness_alert_options.as_ref();
    let flakiness = flakiness.map_or("", |options| &options.alert_mail_to_addresses);
    let health = tab.health_analysis_options.as_ref();
    let health = health.map_or("", |options| &options.email_recipients);
    for (field, list) in [
        ("alert_options", addresses(tab)),
        ("flakiness_alert_options", flakiness),
        ("health_analysis_options", health),
    ] {
        for address in list.split(',').map(str::trim).filter(|address| !address.is_empty()) {
            if !is_mail_address(address) {
                let message = format!("{address:?} is not a mail address");
                findings.warning("testgrid-lint-address", field, &message);
            }
        }
    }
}

/// A report on flakiness that would never come.
fn lint_report(tab: &DashboardTab, findings: &mut Findings) {
    const RULE: &str = "testgrid-lint-report";
    let Some(options) = &tab.health_analysis_options else { return };
    if options.email_schedule.is_empty() {
        return;
    }
    if let Err(error) = go_compat::cron::Schedule::parse(&options.email_schedule) {
        let message = format!("no report is mailed: {error}");
        findings.warning(RULE, "email_schedule", &message);
    } else if options.email_recipients.is_empty() {
        findings.warning(RULE, "email_recipients", "a report is due and nobody is to get it");
    }
    if let Err(error) = go_compat::GoRegex::new(&options.grouping_regex) {
        let message = format!("reports have no groups: {error}");
        findings.warning(RULE, "grouping_regex", &message);
    }
}

fn lint_tabs(configuration: &Configuration, policy: &Policy, findings: &mut Findings) {
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        let mut shown = HashSet::new();
        let described = policy.described_dashboards.contains(&dashboard.name);
        let mailed = policy.mailed_dashboards.contains(&dashboard.name);
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            let called = format!("{}#{}", dashboard.name, tab.name);
            findings.of(Entity::Tab(at, tab_at), "tab", &called);
            if !shown.insert(tab.test_group_name.as_str()) {
                let message =
                    format!("another tab of the dashboard shows \"{}\" too", tab.test_group_name);
                findings.warning("testgrid-lint-same-group", "test_group_name", &message);
            }
            lint_report(tab, findings);
            if described && tab.description.is_empty() {
                findings.warning(
                    "testgrid-lint-description",
                    "description",
                    "tabs of this dashboard need a description",
                );
            }
            if mailed && addresses(tab).is_empty() {
                findings.warning(
                    "testgrid-lint-mail",
                    "alert_options",
                    "tabs of this dashboard need alert_mail_to_addresses",
                );
            }
            lint_addresses(tab, findings);
        }
    }
}

fn addresses(tab: &DashboardTab) -> &str {
    tab.alert_options.as_ref().map_or("", |options| &options.alert_mail_to_addresses)
}

/// The address form of RFC 5322 as far as lists use it: a dotted local part and a host, without
/// blanks, or that in angle brackets behind a name.
fn is_mail_address(text: &str) -> bool {
    let text = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, _)) if name.contains(['<', '>', '@']) => return false,
        Some((_, address)) => address,
        None => text,
    };
    let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dotted = |text: &str, allowed: &dyn Fn(char) -> bool| {
        text.split('.').all(|part| !part.is_empty() && part.chars().all(allowed))
    };
    text.split_once('@').is_some_and(|(local, host)| {
        dotted(local, &plain) && dotted(host, &|c| c.is_alphanumeric() || c == '-')
    })
}

fn lint_jobs(
    configuration: &Configuration,
    jobs: &[AnnotatedJob<'_>],
    policy: &Policy,
    out: &mut Vec<Diagnostic>,
) {
    let groups: HashSet<&str> = configuration.test_groups.iter().map(|g| g.name.as_str()).collect();
    for job in jobs {
        let org = job.repo.split('/').next().unwrap_or_default();
        let exempt = policy.repos_without_groups.iter().any(|r| *r == job.repo || r == org);
        if !exempt && !groups.contains(job.name) {
            let message = format!("job \"{}\" has no test group", job.name);
            let warning = Diagnostic::warning("testgrid-lint-job-without-group", message);
            out.push(at_job(warning, job));
        }
    }
}

fn lint_blocking(
    configuration: &Configuration,
    jobs: &[AnnotatedJob<'_>],
    policy: &Policy,
    findings: &mut Findings,
    of_jobs: &mut Vec<Diagnostic>,
) {
    const RULE: &str = "testgrid-lint-blocking";
    let Some((name, repo)) = &policy.blocking_dashboard else { return };
    let mut blocking: BTreeMap<&str, &AnnotatedJob<'_>> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.blocks_merging && job.repo == *repo) {
        blocking.insert(job.name, job);
    }
    let mut shown = HashSet::new();
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        if dashboard.name != *name {
            continue;
        }
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            let job = tab.test_group_name.as_str();
            if shown.insert(job) && !blocking.contains_key(job) {
                let called = format!("{}#{}", dashboard.name, tab.name);
                let message = format!("shows \"{job}\", which does not block merging in {repo}");
                let of_tab = findings.of(Entity::Tab(at, tab_at), "tab", &called);
                of_tab.warning(RULE, "test_group_name", &message);
            }
        }
    }
    for (_, job) in blocking.iter().filter(|(job, _)| !shown.contains(*job)) {
        let message =
            format!("job \"{}\" blocks merging in {repo} but is not on \"{name}\"", job.name);
        of_jobs.push(at_job(Diagnostic::warning(RULE, message), job));
    }
}
