//! Several configurations become one, as config_merger does it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use config_load::Diagnostic;

use super::validate;
use crate::proto::config::Configuration;

/// Merges configurations by name of their source, in the order of the names; the one of the empty
/// name keeps all of its names.
///
/// Where a later one has a group, dashboard or dashboard group of a name that is taken, it is renamed
/// to `<source>-<name>`, else `<source>-2-<name>` and so on, and with it what refers to it.
///
/// Findings of the merged whole come along: names are compared as written, so two that differ only
/// in punctuation can still stand beside each other.
pub fn merge(shards: BTreeMap<String, Configuration>) -> (Configuration, Vec<Diagnostic>) {
    let mut merged = Configuration::default();
    let mut dashboards_and_groups = HashSet::new();
    let mut test_groups = HashSet::new();
    for (source, mut shard) in shards {
        let own_groups: BTreeSet<String> =
            shard.test_groups.iter().map(|group| group.name.clone()).collect();
        let own_dashboards: BTreeSet<String> = shard
            .dashboards
            .iter()
            .map(|dashboard| dashboard.name.clone())
            .chain(shard.dashboard_groups.iter().map(|group| group.name.clone()))
            .collect();
        rename_dashboards(&mut shard, &renames(&source, &dashboards_and_groups, &own_dashboards));
        rename_test_groups(&mut shard, &renames(&source, &test_groups, &own_groups));
        test_groups.extend(shard.test_groups.iter().map(|group| group.name.clone()));
        dashboards_and_groups.extend(shard.dashboards.iter().map(|d| d.name.clone()));
        dashboards_and_groups.extend(shard.dashboard_groups.iter().map(|group| group.name.clone()));
        merged.test_groups.append(&mut shard.test_groups);
        merged.dashboards.append(&mut shard.dashboards);
        merged.dashboard_groups.append(&mut shard.dashboard_groups);
    }
    let diagnostics = problems(&merged);
    (merged, diagnostics)
}

/// What is wrong with a configuration by itself.
pub fn problems(shard: &Configuration) -> Vec<Diagnostic> {
    validate::check(shard).iter().map(|finding| finding.diagnostic()).collect()
}

/// New names for those of `own` that are taken.
fn renames(
    source: &str,
    taken: &HashSet<String>,
    own: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut renames = BTreeMap::new();
    for name in own.iter().filter(|name| taken.contains(*name)) {
        let mut candidate = format!("{source}-{name}");
        let mut attempt = 1;
        while taken.contains(&candidate) || own.contains(&candidate) {
            attempt += 1;
            candidate = format!("{source}-{attempt}-{name}");
        }
        renames.insert(name.clone(), candidate);
    }
    renames
}

fn rename(name: &mut String, renames: &BTreeMap<String, String>) {
    if let Some(new) = renames.get(name) {
        name.clone_from(new);
    }
}

fn rename_dashboards(shard: &mut Configuration, renames: &BTreeMap<String, String>) {
    for dashboard in &mut shard.dashboards {
        rename(&mut dashboard.name, renames);
    }
    for group in &mut shard.dashboard_groups {
        rename(&mut group.name, renames);
        for name in &mut group.dashboard_names {
            rename(name, renames);
        }
    }
}

fn rename_test_groups(shard: &mut Configuration, renames: &BTreeMap<String, String>) {
    for group in &mut shard.test_groups {
        rename(&mut group.name, renames);
    }
    for dashboard in &mut shard.dashboards {
        for tab in &mut dashboard.dashboard_tab {
            rename(&mut tab.test_group_name, renames);
            for name in &mut tab.additional_test_group_names {
                rename(name, renames);
            }
        }
    }
}
