//! The checks of a whole configuration, as TestGrid's `config.Validate` makes them.

use std::collections::{HashMap, HashSet};

use config_load::{Diagnostic, Severity};
use go_compat::GoRegex;

use super::names::{normalize, problem};
use crate::name_format::NameFormat;
use crate::proto::config::{
    Configuration, Dashboard, DashboardTab, FallbackGrouping, ResultSourceConfig, TestGroup,
};
use crate::proto::rules::{ComparisonValue, Operator};
use crate::tabulator::ViewOptions;

/// What a finding is about; the numbers are positions in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    Whole,
    Group(usize),
    Dashboard(usize),
    Tab(usize, usize),
    DashboardGroup(usize),
}

/// Something wrong with an entity.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) entity: Entity,
    /// The field, if it is one.
    pub(crate) field: Option<&'static str>,
    pub(crate) severity: Severity,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
    /// Whether the entity cannot be used for it.
    pub(crate) rejects: bool,
}

impl Finding {
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::error(self.rule, &self.message) }
    }
}

/// Collects what is wrong with one entity after the other.
pub(crate) struct Findings {
    found: Vec<Finding>,
    entity: Entity,
    /// How messages call the entity.
    called: String,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Findings { found: Vec::new(), entity: Entity::Whole, called: String::new() }
    }

    pub(crate) fn of(&mut self, entity: Entity, kind: &str, name: &str) -> &mut Self {
        self.entity = entity;
        self.called = format!("{kind} \"{name}\"");
        self
    }

    pub(crate) fn into_found(self) -> Vec<Finding> {
        self.found
    }

    pub(crate) fn error(&mut self, rule: &'static str, field: &'static str, message: &str) {
        self.add(Severity::Error, rule, field, message, true);
    }

    pub(crate) fn warning(&mut self, rule: &'static str, field: &'static str, message: &str) {
        self.add(Severity::Warning, rule, field, message, false);
    }

    /// An error for which the entity can still be used.
    fn harmless(&mut self, rule: &'static str, field: &'static str, message: &str) {
        self.add(Severity::Error, rule, field, message, false);
    }

    fn add(
        &mut self,
        severity: Severity,
        rule: &'static str,
        field: &'static str,
        message: &str,
        rejects: bool,
    ) {
        let message = if self.called.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", self.called)
        };
        let field = (!field.is_empty()).then_some(field);
        let entity = self.entity;
        self.found.push(Finding { entity, field, severity, rule, message, rejects });
    }
}

/// Everything that is wrong with a configuration.
pub(crate) fn check(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = Findings::new();
    if configuration.test_groups.is_empty() {
        findings.error("testgrid-empty", "", "field missing or unset: TestGroups");
        return findings.into_found();
    }
    if configuration.dashboards.is_empty() {
        findings.error("testgrid-empty", "", "field missing or unset: Dashboards");
        return findings.into_found();
    }
    check_names(configuration, &mut findings);
    check_references(configuration, &mut findings);
    for (at, group) in configuration.test_groups.iter().enumerate() {
        check_group(group, findings.of(Entity::Group(at), "test group", &group.name));
    }
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        if dashboard.dashboard_tab.is_empty() {
            findings.of(Entity::Dashboard(at), "dashboard", &dashboard.name).error(
                "testgrid-no-tabs",
                "name",
                "contains no tabs",
            );
        }
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            check_tab(tab, of_tab(&mut findings, at, tab_at, dashboard));
        }
    }
    findings.into_found()
}

fn of_tab<'f>(
    findings: &'f mut Findings,
    at: usize,
    tab_at: usize,
    dashboard: &Dashboard,
) -> &'f mut Findings {
    let name = dashboard.dashboard_tab.get(tab_at).map_or("", |tab| &tab.name);
    let called = format!("{}#{name}", dashboard.name);
    findings.of(Entity::Tab(at, tab_at), "tab", &called)
}

fn check_names(configuration: &Configuration, findings: &mut Findings) {
    const RULE: &str = "testgrid-name";
    let mut seen = HashMap::new();
    for (at, group) in configuration.test_groups.iter().enumerate() {
        let findings = findings.of(Entity::Group(at), "test group", &group.name);
        if let Some(problem) = problem(&group.name) {
            findings.error(RULE, "name", &problem);
        }
        unique(&mut seen, &group.name, "test group", findings);
    }
    // Dashboards and dashboard groups are parts of one URL.
    let mut seen = HashMap::new();
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        findings.of(Entity::Dashboard(at), "dashboard", &dashboard.name);
        if let Some(problem) = problem(&dashboard.name) {
            findings.error(RULE, "name", &problem);
        }
        unique(&mut seen, &dashboard.name, "dashboard", findings);
        let mut seen_tabs = HashMap::new();
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            let findings = of_tab(findings, at, tab_at, dashboard);
            if let Some(problem) = problem(&tab.name) {
                findings.error(RULE, "name", &problem);
            }
            unique(&mut seen_tabs, &tab.name, "tab of the dashboard", findings);
        }
    }
    for (at, group) in configuration.dashboard_groups.iter().enumerate() {
        findings.of(Entity::DashboardGroup(at), "dashboard group", &group.name);
        if let Some(problem) = problem(&group.name) {
            findings.error(RULE, "name", &problem);
        }
        unique(&mut seen, &group.name, "dashboard or dashboard group", findings);
    }
}

fn unique<'n>(
    seen: &mut HashMap<String, &'n str>,
    name: &'n str,
    kind: &str,
    findings: &mut Findings,
) {
    if let Some(first) = seen.insert(normalize(name), name) {
        let message = if first == name {
            format!("found duplicate name: there is another {kind} of this name")
        } else {
            format!("found duplicate name after normalizing: there is the {kind} \"{first}\" too")
        };
        findings.error("testgrid-duplicate-name", "name", &message);
    }
}

fn check_references(configuration: &Configuration, findings: &mut Findings) {
    const RULE: &str = "testgrid-reference";
    let groups: HashSet<&str> =
        configuration.test_groups.iter().map(|group| group.name.as_str()).collect();
    let mut used = HashSet::new();
    for (at, dashboard) in configuration.dashboards.iter().enumerate() {
        for (tab_at, tab) in dashboard.dashboard_tab.iter().enumerate() {
            used.extend(tab.test_groups());
            // An empty name is another rule's business.
            let known = tab.test_group_name.is_empty() || groups.contains(&*tab.test_group_name);
            if !known {
                let message =
                    format!("could not find the referenced test group \"{}\"", tab.test_group_name);
                of_tab(findings, at, tab_at, dashboard).error(RULE, "test_group_name", &message);
            }
            const MORE: &str = "additional_test_group_names";
            let mut seen = HashSet::from([tab.test_group_name.as_str()]);
            for name in &tab.additional_test_group_names {
                let message = if !groups.contains(name.as_str()) {
                    format!("could not find the referenced test group \"{name}\"")
                } else if !seen.insert(name) {
                    format!("the tab shows test group \"{name}\" already")
                } else {
                    continue;
                };
                of_tab(findings, at, tab_at, dashboard).harmless(RULE, MORE, &message);
            }
        }
    }
    for (at, group) in configuration.test_groups.iter().enumerate() {
        if !used.contains(&*group.name) {
            findings.of(Entity::Group(at), "test group", &group.name).harmless(
                "testgrid-unused-group",
                "name",
                "each test group must be referenced by at least 1 dashboard tab",
            );
        }
    }
    let dashboards: HashSet<&str> =
        configuration.dashboards.iter().map(|dashboard| dashboard.name.as_str()).collect();
    let mut grouped: HashMap<&str, &str> = HashMap::new();
    for (at, group) in configuration.dashboard_groups.iter().enumerate() {
        findings.of(Entity::DashboardGroup(at), "dashboard group", &group.name);
        for name in &group.dashboard_names {
            if !dashboards.contains(&**name) {
                let message = format!("could not find the referenced dashboard \"{name}\"");
                findings.harmless(RULE, "dashboard_names", &message);
            } else if let Some(first) = grouped.insert(name, &group.name) {
                let message = format!(
                    "a dashboard cannot be in more than 1 dashboard group: \"{name}\" is in \
                     \"{first}\" too"
                );
                findings.harmless(RULE, "dashboard_names", &message);
            }
        }
    }
}

fn check_group(group: &TestGroup, findings: &mut Findings) {
    const RULE: &str = "testgrid-group";
    if group.gcs_prefix.is_empty() && group.result_source.is_none() {
        findings.error(RULE, "gcs_prefix", "require one of gcs_prefix or result_source");
    }
    if group.days_of_results <= 0 {
        findings.error(RULE, "days_of_results", "days_of_results should be positive");
    }
    if group.num_columns_recent <= 0 {
        findings.error(RULE, "num_columns_recent", "num_columns_recent should be positive");
    }
    check_source(group, findings);
    // The unmatch pattern is checked too, which TestGrid forgets: it would never match.
    regex(findings, "test_method_match_regex", &group.test_method_match_regex);
    regex(findings, "test_method_unmatch_regex", &group.test_method_unmatch_regex);
    check_rules(group, findings);
    emails(findings, "alert_mail_to_addresses", &group.alert_mail_to_addresses);
    for option in &group.test_metadata_options {
        if option.message_regex.is_empty() && option.test_name_regex.is_empty() {
            findings.error(
                RULE,
                "test_metadata_options",
                "at least one of message_regex or test_name_regex must be specified",
            );
        }
        regex(findings, "test_metadata_options", &option.message_regex);
        regex(findings, "test_metadata_options", &option.test_name_regex);
    }
    if group.notifications.iter().any(|notification| notification.summary.is_empty()) {
        findings.error(RULE, "notifications", "a notification's summary is required");
    }
    for annotation in &group.test_annotations {
        if annotation.property_name().is_empty() {
            findings.error(RULE, "test_annotations", "property_name is required");
        }
        if !(1..=5).contains(&annotation.short_text.chars().count()) {
            findings.error(RULE, "test_annotations", "short_text must be 1-5 characters long");
        }
    }
    let by_value = group.fallback_grouping == FallbackGrouping::ConfigurationValue as i32;
    if by_value == group.fallback_grouping_configuration_value.is_empty() {
        findings.error(
            RULE,
            "fallback_grouping",
            "fallback_grouping_configuration_value and fallback_grouping = \
             FALLBACK_GROUPING_CONFIGURATION_VALUE require each other",
        );
    }
    for (at, header) in group.column_header.iter().enumerate() {
        let sources = [&header.configuration_value, &header.property, &header.label];
        match sources.iter().filter(|source| !source.is_empty()).count() {
            0 => findings.error(RULE, "column_header", &format!("column header {at} is empty")),
            1 => {}
            _ => {
                let message = format!(
                    "column header {at} must only set one value, got configuration_value: {:?}, \
                     property: {:?}, label: {:?}",
                    sources[0], sources[1], sources[2]
                );
                findings.error(RULE, "column_header", &message);
            }
        }
    }
    if let Some(names) = &group.test_name_config {
        const FIELD: &str = "test_name_config";
        if names.name_elements.is_empty() {
            findings.error(RULE, FIELD, "TestNameConfig.NameElements must be specified");
        }
        if names.name_format.is_empty() {
            findings.error(RULE, FIELD, "TestNameConfig.NameFormat must be specified");
        } else {
            let wanted = names.name_format.matches('%').count();
            match NameFormat::parse(&names.name_format) {
                Err(error) => findings.error(RULE, FIELD, &error.to_string()),
                Ok(_) if wanted != names.name_elements.len() => {
                    let message = format!(
                        "TestNameConfig has {} elements, format {:?} wants {wanted}",
                        names.name_elements.len(),
                        names.name_format
                    );
                    findings.error(RULE, FIELD, &message);
                }
                Ok(_) => {}
            }
        }
    }
}

/// Patterns of rules that do not compile match nothing, which TestGrid does not tell.
fn check_rules(group: &TestGroup, findings: &mut Findings) {
    const FIELD: &str = "custom_evaluator_rule_set";
    let rules = group.custom_evaluator_rule_set.iter().flat_map(|set| &set.rules);
    let comparisons = rules.flat_map(|rule| &rule.test_result_comparisons);
    for comparison in comparisons.filter_map(|of_result| of_result.comparison.as_ref()) {
        if let (Operator::OpRegex, Some(ComparisonValue::StringValue(pattern))) =
            (comparison.op(), &comparison.comparison_value)
            && let Err(error) = GoRegex::new(pattern)
        {
            let message = format!("a pattern of {FIELD} doesn't compile: {error}");
            findings.warning("testgrid-regex", FIELD, &message);
        }
    }
}

fn check_source(group: &TestGroup, findings: &mut Findings) {
    const RULE: &str = "testgrid-result-source";
    const FIELD: &str = "result_source";
    let Some(source) = group.result_source.as_ref().and_then(|s| s.result_source_config.as_ref())
    else {
        return;
    };
    let kind = match source {
        ResultSourceConfig::GcsConfig(_) => "gcs_config",
        ResultSourceConfig::ResultstoreConfig(_) => "resultstore_config",
    };
    if !group.gcs_prefix.is_empty() {
        findings.error(RULE, FIELD, &format!("cannot define both {kind} and gcs_prefix"));
    }
    if group.use_kubernetes_client {
        let message = format!("cannot define both {kind} and use_kubernetes_client");
        findings.error(RULE, FIELD, &message);
    }
    match source {
        ResultSourceConfig::GcsConfig(gcs) => {
            if gcs.gcs_prefix.is_empty() {
                findings.error(RULE, FIELD, "gcs_prefix in gcs_config cannot be empty");
            }
            if gcs.pubsub_project.is_empty() != gcs.pubsub_subscription.is_empty() {
                let message = format!(
                    "pubsub project and subscription must both be empty or filled; got project \
                     {:?} and subscription {:?}",
                    gcs.pubsub_project, gcs.pubsub_subscription
                );
                findings.error(RULE, FIELD, &message);
            }
        }
        ResultSourceConfig::ResultstoreConfig(store) => {
            if store.project.is_empty() {
                findings.error(RULE, FIELD, "project ID in resultstore_config cannot be empty");
            }
            let query = &store.query;
            let target = query.strip_prefix("target:\"").and_then(|rest| rest.strip_suffix('"'));
            if !query.is_empty() && target.is_none() {
                let message =
                    format!("invalid ResultStore query {query:?}: write target:\"…\" or nothing");
                findings.error(RULE, FIELD, &message);
            }
        }
    }
}

fn check_tab(tab: &DashboardTab, findings: &mut Findings) {
    const RULE: &str = "testgrid-tab";
    if tab.test_group_name.is_empty() {
        findings.error(RULE, "test_group_name", "test_group_name can't be empty");
    }
    if tab.name == "Summary" {
        findings.error(RULE, "name", "tab can't be named 'Summary'");
    }
    if !tab.tabular_names_regex.is_empty() {
        const FIELD: &str = "tabular_names_regex";
        regex(findings, FIELD, &tab.tabular_names_regex);
        let (groups, named) = capture_groups(&tab.tabular_names_regex);
        if groups != named {
            findings.error(RULE, FIELD, "all tabular_names_regex capture groups must be named");
        }
        if named == 0 {
            findings.error(RULE, FIELD, "tabular_names_regex requires at least one capture group");
        }
    }
    // TestGrid takes such a tab, and then has no grid of it.
    if let Err(error) = ViewOptions::parse(&tab.base_options) {
        findings.warning("testgrid-base-options", "base_options", &error.to_string());
    }
    if let Some(options) = &tab.alert_options {
        emails(findings, "alert_options", &options.alert_mail_to_addresses);
    }
    if let Some(options) = &tab.status_customization_options
        && !(0.0..=100.0).contains(&options.max_acceptable_flakiness)
    {
        findings.error(
            RULE,
            "status_customization_options",
            "invalid value provided for max_acceptable_flakiness (should be between 0.0 and 100.0)",
        );
    }
}

fn regex(findings: &mut Findings, field: &'static str, pattern: &str) {
    if pattern.is_empty() {
        return;
    }
    if let Err(error) = GoRegex::new(pattern) {
        findings.error("testgrid-regex", field, &format!("{field} doesn't compile: {error}"));
    }
}

/// TestGrid's check of mail addresses: each of the list has exactly one at sign, with something on
/// both sides.
fn emails(findings: &mut Findings, field: &'static str, addresses: &str) {
    if addresses.is_empty() {
        return;
    }
    let is_good = |address: &&str| {
        address
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
    };
    let bad: Vec<&str> = addresses.split(',').filter(|address| !is_good(address)).collect();
    if !bad.is_empty() {
        let message = format!(
            "bad emails {bad:?} specified in {addresses:?}; an email address should have exactly \
             one at (@) symbol"
        );
        findings.error("testgrid-email", field, &message);
    }
}

/// How many capturing groups a pattern has, and how many of them have a name.
fn capture_groups(pattern: &str) -> (usize, usize) {
    let (mut groups, mut named) = (0, 0);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                if let Some(quoted) = rest.strip_prefix('Q') {
                    rest = quoted.split_once("\\E").map_or("", |(_, after)| after);
                } else {
                    let escaped = rest.chars().next().map_or(0, char::len_utf8);
                    rest = &rest[escaped..];
                }
            }
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first in a class stands for itself.
                rest = rest.strip_prefix('^').unwrap_or(rest);
                rest = rest.strip_prefix(']').unwrap_or(rest);
            }
            ']' => in_class = false,
            '(' if !in_class => {
                if rest.starts_with("?P<") || rest.starts_with("?<") {
                    groups += 1;
                    named += 1;
                } else if !rest.starts_with('?') {
                    groups += 1;
                }
            }
            _ => {}
        }
    }
    (groups, named)
}

/// The configuration without rejected entities and what depends on them.
pub(crate) fn without(mut configuration: Configuration, rejected: &[Entity]) -> Configuration {
    if rejected.is_empty() {
        return drop_dangling(configuration);
    }
    let rejected: HashSet<Entity> = rejected.iter().copied().collect();
    if rejected.contains(&Entity::Whole) {
        return Configuration::default();
    }
    retain(&mut configuration.test_groups, |at| !rejected.contains(&Entity::Group(at)));
    for (at, dashboard) in configuration.dashboards.iter_mut().enumerate() {
        retain(&mut dashboard.dashboard_tab, |tab| !rejected.contains(&Entity::Tab(at, tab)));
    }
    retain(&mut configuration.dashboards, |at| !rejected.contains(&Entity::Dashboard(at)));
    retain(&mut configuration.dashboard_groups, |at| {
        !rejected.contains(&Entity::DashboardGroup(at))
    });
    drop_dangling(configuration)
}

fn drop_dangling(mut configuration: Configuration) -> Configuration {
    let groups: HashSet<String> =
        configuration.test_groups.iter().map(|group| group.name.clone()).collect();
    for dashboard in &mut configuration.dashboards {
        dashboard.dashboard_tab.retain(|tab| groups.contains(&tab.test_group_name));
        for tab in &mut dashboard.dashboard_tab {
            let mut seen = HashSet::from([tab.test_group_name.clone()]);
            tab.additional_test_group_names
                .retain(|name| groups.contains(name) && seen.insert(name.clone()));
        }
    }
    configuration.dashboards.retain(|dashboard| !dashboard.dashboard_tab.is_empty());
    let dashboards: HashSet<String> =
        configuration.dashboards.iter().map(|dashboard| dashboard.name.clone()).collect();
    let mut grouped = HashSet::new();
    for group in &mut configuration.dashboard_groups {
        group
            .dashboard_names
            .retain(|name| dashboards.contains(name) && grouped.insert(name.clone()));
    }
    configuration
}

fn retain<T>(values: &mut Vec<T>, mut keep: impl FnMut(usize) -> bool) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        keep(at - 1)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capturing_groups_are_counted_by_kind() {
        let table = [
            ("(?P<a>x)(?<b>y)", (2, 2)),
            ("(x)(?P<b>y)", (2, 1)),
            (r"(?:x)\((?i)[(](y)", (1, 0)),
            (r"\Q(a)\E(?P<n>z)", (1, 1)),
            ("[]()](?P<n>z)", (1, 1)),
        ];
        for (pattern, counts) in table {
            assert_eq!(capture_groups(pattern), counts, "{pattern}");
        }
    }
}
