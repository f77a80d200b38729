//! `plugins` and `external_plugins`: what runs where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use job_spec::go_struct;
use job_spec::go_struct::{GoEmpty, HasShape};
use job_spec::shape::Shape;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

go_struct! {
    /// The plugins of an organisation or repository.
    pub struct OrgPlugins {
        /// Names of the organisation's repositories that do not get them.
        pub excluded_repos: Vec<String> => "excluded_repos",
        /// The plugins.
        pub plugins: Vec<String> => "plugins",
    }
}

go_struct! {
    /// Another program that gets events.
    pub struct ExternalPlugin {
        /// Its name.
        pub name: String => "name" always,
        /// Its address; `http://<name>` unless set.
        pub endpoint: String => "endpoint",
        /// GitHub's names of the events; empty means all.
        pub events: Vec<String> => "events",
    }
}

/// Plugins by organisation or repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugins {
    /// By organisation or repository.
    pub by_repo: BTreeMap<String, OrgPlugins>,
    /// Whether an entry is a bare list, the form that Prow calls deprecated.
    pub uses_lists: bool,
}

/// Where something is enabled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnabledRepos {
    /// Organisation → its repositories, as `org/repo`, where it is not.
    pub orgs: BTreeMap<String, BTreeSet<String>>,
    /// Single repositories, as `org/repo`.
    pub repos: BTreeSet<String>,
}

impl Plugins {
    /// The plugins of a repository: those of its organisation, unless that excludes it, then its own.
    pub fn for_repo(&self, org: &str, repo: &str) -> Vec<&str> {
        let inherited = self
            .by_repo
            .get(org)
            .filter(|entry| !entry.excluded_repos.iter().any(|excluded| excluded == repo));
        let own = self.by_repo.get(&format!("{org}/{repo}"));
        inherited
            .into_iter()
            .chain(own)
            .flat_map(|entry| entry.plugins.iter().map(String::as_str))
            .collect()
    }

    /// Where a plugin is enabled. A repository with an entry of its own counts although its
    /// organisation excludes it.
    pub fn enabled_repos(&self, plugin: &str) -> EnabledRepos {
        let mut enabled = EnabledRepos::default();
        for (key, entry) in &self.by_repo {
            if !entry.plugins.iter().any(|name| name == plugin) {
                continue;
            }
            if key.contains('/') {
                enabled.repos.insert(key.clone());
            } else {
                let excluded = entry.excluded_repos.iter().map(|repo| format!("{key}/{repo}"));
                enabled.orgs.insert(key.clone(), excluded.collect());
            }
        }
        for excluded in enabled.orgs.values_mut() {
            excluded.retain(|repo| !enabled.repos.contains(repo));
        }
        enabled
    }

    /// Whether nothing is enabled anywhere.
    pub fn is_empty(&self) -> bool {
        self.by_repo.is_empty()
    }
}

impl GoEmpty for Plugins {
    fn is_go_empty(&self) -> bool {
        self.by_repo.is_empty()
    }
}

impl Serialize for Plugins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_repo.serialize(serializer)
    }
}

impl HasShape for Plugins {
    fn shape() -> Shape {
        Shape::Map(OrgPlugins::shape)
    }
}

impl<'de> Deserialize<'de> for Plugins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, ListOrEntry>::deserialize(deserializer)?;
        let uses_lists = entries.values().any(|entry| entry.is_list);
        let by_repo = entries.into_iter().map(|(key, entry)| (key, entry.plugins)).collect();
        Ok(Plugins { by_repo, uses_lists })
    }
}

/// An entry in either form.
struct ListOrEntry {
    plugins: OrgPlugins,
    is_list: bool,
}

impl<'de> Deserialize<'de> for ListOrEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = ListOrEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with `plugins`, or a list of plugins")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ListOrEntry, A::Error> {
                let mut plugins = Vec::new();
                while let Some(plugin) = seq.next_element()? {
                    plugins.push(plugin);
                }
                Ok(ListOrEntry {
                    plugins: OrgPlugins { plugins, ..OrgPlugins::default() },
                    is_list: true,
                })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ListOrEntry, A::Error> {
                let plugins = OrgPlugins::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ListOrEntry { plugins, is_list: false })
            }

            fn visit_unit<E>(self) -> Result<ListOrEntry, E> {
                Ok(ListOrEntry { plugins: OrgPlugins::default(), is_list: false })
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}
