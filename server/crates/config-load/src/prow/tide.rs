//! `tide`: the merge queue.

use std::collections::BTreeMap;

use go_compat::{GoDuration, GoRegex};
use job_spec::go_struct;
use job_spec::go_struct::HasShape;
use job_spec::shape::Shape;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::gerrit::GerritOrgRepoConfigs;
use super::tide_policy::ContextPolicyOptions;
use super::tide_query::TideQuery;

/// Pools worked on at once unless the configuration says otherwise.
pub const DEFAULT_MAX_GOROUTINES: i64 = 20;

go_struct! {
    /// The merge queue.
    pub struct Tide {
        /// Gerrit's side.
        pub gerrit: Option<TideGerritConfig> => "gerrit",
        /// Time between two rounds; 1 minute unless set.
        pub sync_period: Option<GoDuration> => "sync_period",
        /// Pools worked on at once; 20 unless set.
        pub max_goroutines: i64 => "max_goroutines",
        /// Largest batch by `*`, organisation or repository: 0 is unlimited, -1 turns batches off.
        pub batch_size_limit: BTreeMap<String, i64> => "batch_size_limit",
        /// Whether a batch under test is kept when new pull requests come, by `*`, organisation or
        /// repository; true unless set.
        pub prioritize_existing_batches: BTreeMap<String, bool> => "prioritize_existing_batches",
        /// What to do where GitHub says that merging is blocked: `ignore`, `permit` (unless set) or
        /// `block`, by `*`, organisation or repository.
        pub github_merge_blocks_policy: BTreeMap<String, String> => "github_merge_blocks_policy",
        /// Time between two rounds of statuses; `sync_period` unless set.
        pub status_update_period: Option<GoDuration> => "status_update_period",
        /// Which pull requests may merge.
        pub queries: Vec<TideQuery> => "queries",
        /// How they are merged, by organisation, repository and branch.
        pub merge_method: BTreeMap<String, OrgMergeMethod> => "merge_method",
        /// Go templates for merge commits, by organisation or repository.
        pub merge_commit_template: BTreeMap<String, MergeCommitTemplate> => "merge_commit_template",
        /// Link of the status.
        pub target_url: String => "target_url",
        /// The same by `*`, organisation or repository. Not together with `target_url`.
        pub target_urls: BTreeMap<String, String> => "target_urls",
        /// Older form of the next key.
        pub pr_status_base_url: String => "pr_status_base_url",
        /// Address of the pull request page, by `*`, organisation or repository.
        pub pr_status_base_urls: BTreeMap<String, String> => "pr_status_base_urls",
        /// Label of issues that block merging; empty turns this off.
        pub blocker_label: String => "blocker_label",
        /// Label that asks for squashing.
        pub squash_label: String => "squash_label",
        /// Label that asks for rebasing.
        pub rebase_label: String => "rebase_label",
        /// Label that asks for a merge commit.
        pub merge_label: String => "merge_label",
        /// Which contexts count.
        pub context_options: ContextPolicyOptions => "context_options" always,
        /// Sets of labels that come first, in order.
        pub priority: Vec<TidePriority> => "priority",
        /// The status explains all queries, not only the nearest one.
        pub display_all_tide_queries_in_status: bool => "display_all_tide_queries_in_status",
    }
}

go_struct! {
    /// Gerrit's side of the merge queue.
    pub struct TideGerritConfig {
        /// The repositories.
        pub queries: GerritOrgRepoConfigs => "queries" always,
        /// Changes asked for per call; 5 unless set.
        pub ratelimit: i64 => "ratelimit",
    }
}

go_struct! {
    /// Go templates over the pull request for merge commits.
    pub struct MergeCommitTemplate {
        /// The first line.
        pub title: String => "title",
        /// The rest.
        pub body: String => "body",
    }
}

go_struct! {
    /// A set of labels; pull requests that have all of them come first.
    pub struct TidePriority {
        /// The labels.
        pub labels: Vec<String> => "labels",
    }
}

/// How a pull request is merged. Unknown words are kept so that validation can name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MergeMethod {
    /// A merge commit.
    #[default]
    Merge,
    /// One commit.
    Squash,
    /// The commits on top of the base.
    Rebase,
    /// Not a method.
    Unknown(String),
}

impl MergeMethod {
    /// The method's name in configuration and in GitHub's API.
    pub fn as_str(&self) -> &str {
        match self {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
            MergeMethod::Rebase => "rebase",
            MergeMethod::Unknown(text) => text,
        }
    }

    fn parse(text: &str) -> MergeMethod {
        match text {
            "merge" => MergeMethod::Merge,
            "squash" => MergeMethod::Squash,
            "rebase" => MergeMethod::Rebase,
            other => MergeMethod::Unknown(other.to_owned()),
        }
    }
}

/// Merge methods of an organisation, of a repository (`org/repo`) or of a branch
/// (`org/repo@branch`): one word for all, or a mapping by repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrgMergeMethod {
    /// The method of everything below.
    pub method: Option<MergeMethod>,
    /// By repository; `*` for all others.
    pub repos: BTreeMap<String, RepoMergeMethod>,
}

/// Merge methods of a repository: one word for all branches, or a mapping by branch pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepoMergeMethod {
    /// The method of all branches.
    pub method: Option<MergeMethod>,
    /// By pattern of branches; the first in alphabetical order that matches counts.
    pub branches: BTreeMap<String, BranchMergeMethod>,
}

/// The merge method of the branches that match a pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BranchMergeMethod {
    /// The method.
    pub method: MergeMethod,
    /// The pattern, compiled when the configuration is completed.
    pub regex: Option<GoRegex>,
}

/// A word or a mapping.
#[derive(Deserialize)]
#[serde(untagged)]
enum WordOr<T> {
    Word(String),
    Mapping(BTreeMap<String, T>),
}

/// The method that a word names; an empty word says nothing.
fn method_of(word: &str) -> Option<MergeMethod> {
    (!word.is_empty()).then(|| MergeMethod::parse(word))
}

impl<'de> Deserialize<'de> for OrgMergeMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordOr::deserialize(deserializer).map_err(not_a_method)? {
            WordOr::Word(word) => {
                Ok(OrgMergeMethod { method: method_of(&word), repos: BTreeMap::new() })
            }
            WordOr::Mapping(repos) => Ok(OrgMergeMethod { method: None, repos }),
        }
    }
}

impl<'de> Deserialize<'de> for RepoMergeMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordOr::<String>::deserialize(deserializer).map_err(not_a_method)? {
            WordOr::Word(word) => {
                Ok(RepoMergeMethod { method: method_of(&word), branches: BTreeMap::new() })
            }
            WordOr::Mapping(branches) => Ok(RepoMergeMethod {
                method: None,
                branches: branches
                    .into_iter()
                    .map(|(pattern, word)| {
                        let method = MergeMethod::parse(&word);
                        (pattern, BranchMergeMethod { method, regex: None })
                    })
                    .collect(),
            }),
        }
    }
}

fn not_a_method<E: de::Error>(_: E) -> E {
    E::custom(
        "a merge method is `merge`, `squash` or `rebase`, or a mapping of repositories or branches to these",
    )
}

impl Serialize for OrgMergeMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.method {
            Some(method) => serializer.serialize_str(method.as_str()),
            None if self.repos.is_empty() => serializer.serialize_str(""),
            None => self.repos.serialize(serializer),
        }
    }
}

impl Serialize for RepoMergeMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.method {
            Some(method) => serializer.serialize_str(method.as_str()),
            None if self.branches.is_empty() => serializer.serialize_str(""),
            None => self.branches.serialize(serializer),
        }
    }
}

impl Serialize for BranchMergeMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.method.as_str())
    }
}

// The keys are repositories and branches, which are free.
impl HasShape for OrgMergeMethod {
    fn shape() -> Shape {
        Shape::Any
    }
}

/// What to do where GitHub says that merging is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeBlocksPolicy {
    /// Do not look.
    Ignore,
    /// Merge, and show it.
    Permit,
    /// Do not merge.
    Block,
}

impl MergeBlocksPolicy {
    /// The policy of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ignore" => Some(MergeBlocksPolicy::Ignore),
            "permit" => Some(MergeBlocksPolicy::Permit),
            "block" => Some(MergeBlocksPolicy::Block),
            _ => None,
        }
    }
}

/// The value for a repository: its own, else its organisation's, else that of `*`.
fn narrowest<'a, T>(map: &'a BTreeMap<String, T>, org: &str, repo: &str) -> Option<&'a T> {
    map.get(&format!("{org}/{repo}")).or_else(|| map.get(org)).or_else(|| map.get("*"))
}

impl Tide {
    /// Time between two rounds.
    pub fn sync_period(&self) -> GoDuration {
        self.sync_period.unwrap_or(GoDuration::from_mins(1))
    }

    /// Time between two rounds of statuses.
    pub fn status_update_period(&self) -> GoDuration {
        self.status_update_period.unwrap_or(self.sync_period())
    }

    /// Pools worked on at once.
    pub fn max_goroutines(&self) -> i64 {
        if self.max_goroutines == 0 { DEFAULT_MAX_GOROUTINES } else { self.max_goroutines }
    }

    /// Largest batch of a repository: 0 is unlimited, -1 turns batches off.
    pub fn batch_size_limit(&self, org: &str, repo: &str) -> i64 {
        narrowest(&self.batch_size_limit, org, repo).copied().unwrap_or(0)
    }

    /// Whether a batch under test is kept when new pull requests come.
    pub fn prioritize_existing_batches(&self, org: &str, repo: &str) -> bool {
        narrowest(&self.prioritize_existing_batches, org, repo).copied().unwrap_or(true)
    }

    /// What to do where GitHub says that merging is blocked.
    pub fn merge_blocks_policy(&self, org: &str, repo: &str) -> MergeBlocksPolicy {
        narrowest(&self.github_merge_blocks_policy, org, repo)
            .and_then(|text| MergeBlocksPolicy::parse(text))
            .unwrap_or(MergeBlocksPolicy::Permit)
    }

    /// Link of the status in a repository; empty if none is configured.
    pub fn target_url_for(&self, org: &str, repo: &str) -> &str {
        narrowest(&self.target_urls, org, repo).map_or(&*self.target_url, String::as_str)
    }

    /// Address of the pull request page for a repository; empty if none is configured.
    pub fn pr_status_base_url_for(&self, org: &str, repo: &str) -> &str {
        narrowest(&self.pr_status_base_urls, org, repo)
            .map_or(&*self.pr_status_base_url, String::as_str)
    }

    /// Templates for merge commits in a repository.
    pub fn merge_commit_template_for(&self, org: &str, repo: &str) -> Option<&MergeCommitTemplate> {
        self.merge_commit_template
            .get(&format!("{org}/{repo}"))
            .or_else(|| self.merge_commit_template.get(org))
    }

    /// The merge method of a repository whatever the branch.
    pub fn repo_merge_method(&self, org: &str, repo: &str) -> MergeMethod {
        self.merge_method(org, repo, "")
    }

    /// The merge method of a branch: `org/repo@branch`, then the organisation's entry for the
    /// repository (or `*`) by branch pattern, then `org/repo`, then that entry's word, then the
    /// organisation's word, else a merge commit.
    pub fn merge_method(&self, org: &str, repo: &str, branch: &str) -> MergeMethod {
        let word = |key: &str| self.merge_method.get(key).and_then(|entry| entry.method.clone());
        let org_entry = self.merge_method.get(org).filter(|_| !org.is_empty());
        let repo_entry = org_entry
            .filter(|_| !repo.is_empty())
            .and_then(|entry| entry.repos.get(repo).or_else(|| entry.repos.get("*")));
        let by_branch = || {
            repo_entry.and_then(|entry| {
                entry
                    .branches
                    .values()
                    .find(|candidate| {
                        candidate.regex.as_ref().is_some_and(|regex| regex.is_match(branch))
                    })
                    .map(|candidate| candidate.method.clone())
            })
        };
        let shorthand = format!("{org}/{repo}");
        (!branch.is_empty())
            .then(|| word(&format!("{shorthand}@{branch}")))
            .flatten()
            .or_else(by_branch)
            .or_else(|| word(&shorthand))
            .or_else(|| repo_entry.and_then(|entry| entry.method.clone()))
            .or_else(|| org_entry.and_then(|entry| entry.method.clone()))
            .unwrap_or_default()
    }
}
