//! Sets of repositories given as whole organisations without some, and single repositories.

use std::collections::{BTreeMap, BTreeSet};

use crate::plugin_config::enablement::EnabledRepos;
use crate::prow::tide_query::Coverage;

/// A set of repositories. The repositories of an organisation are not known, so the operations are
/// those that checkconfig needs, with its simplifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgRepos {
    /// Organisation → its repositories, as `org/repo`, that are not in the set.
    pub orgs: BTreeMap<String, BTreeSet<String>>,
    /// Single repositories, as `org/repo`.
    pub repos: BTreeSet<String>,
}

impl From<Coverage> for OrgRepos {
    fn from(coverage: Coverage) -> Self {
        OrgRepos { orgs: coverage.orgs, repos: coverage.repos }
    }
}

impl From<EnabledRepos> for OrgRepos {
    fn from(enabled: EnabledRepos) -> Self {
        OrgRepos { orgs: enabled.orgs, repos: enabled.repos }
    }
}

/// The organisation of `org/repo`.
fn org_of(repo: &str) -> Option<&str> {
    repo.split_once('/').map(|(org, _)| org)
}

impl OrgRepos {
    /// What is in the set, in words.
    pub fn items(&self) -> Vec<String> {
        let orgs = self.orgs.iter().map(|(org, except)| {
            if except.is_empty() {
                return format!("org: {org}");
            }
            let names: Vec<_> = except.iter().map(String::as_str).collect();
            let quoted: String = except.iter().map(|repo| format!(" '{repo}'")).collect();
            format!("org: {org} without repo(s) {}{quoted}", names.join(", "))
        });
        orgs.chain(self.repos.iter().map(|repo| format!("repo: {repo}"))).collect()
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &OrgRepos) -> OrgRepos {
        let mut result = OrgRepos { orgs: BTreeMap::new(), repos: self.repos.clone() };
        for (org, except) in &self.orgs {
            if let Some(other_except) = other.orgs.get(org) {
                result.repos.extend(other_except.difference(except).cloned());
            } else {
                let mut except = except.clone();
                except.extend(other.repos.iter().filter(|repo| org_of(repo) == Some(org)).cloned());
                result.orgs.insert(org.clone(), except);
            }
        }
        result.repos.retain(|repo| {
            let covered = org_of(repo)
                .and_then(|org| other.orgs.get(org))
                .is_some_and(|except| !except.contains(repo));
            !other.repos.contains(repo) && !covered
        });
        result
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &OrgRepos) -> OrgRepos {
        let mut result = OrgRepos::default();
        for (org, except) in &self.orgs {
            match other.orgs.get(org) {
                Some(other_except) => {
                    result.orgs.insert(org.clone(), except.union(other_except).cloned().collect());
                }
                None => result.repos.extend(
                    other
                        .repos
                        .iter()
                        .filter(|repo| org_of(repo) == Some(org) && !except.contains(*repo))
                        .cloned(),
                ),
            }
        }
        for repo in &self.repos {
            let covered = org_of(repo)
                .and_then(|org| other.orgs.get(org))
                .is_some_and(|except| !except.contains(repo));
            if other.repos.contains(repo) || covered {
                result.repos.insert(repo.clone());
            }
        }
        result
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &OrgRepos) -> OrgRepos {
        let mut result = OrgRepos::default();
        for (org, except) in &self.orgs {
            let mut except: BTreeSet<String> = except.difference(&other.repos).cloned().collect();
            if let Some(other_except) = other.orgs.get(org) {
                except.retain(|repo| other_except.contains(repo) && !self.repos.contains(repo));
            }
            result.orgs.insert(org.clone(), except);
        }
        for (org, except) in &other.orgs {
            result
                .orgs
                .entry(org.clone())
                .or_insert_with(|| except.difference(&self.repos).cloned().collect());
        }
        result.repos = self
            .repos
            .union(&other.repos)
            .filter(|repo| org_of(repo).is_some_and(|org| !result.orgs.contains_key(org)))
            .cloned()
            .collect();
        result
    }
}
