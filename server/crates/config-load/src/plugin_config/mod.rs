//! `plugins.yaml`: which plugins run where, and their settings.
//!
//! Settings that are lists of `{repos, …}` are looked up without inheritance, as in Prow: the first
//! entry that names `org/repo` counts alone, else the first that names the organisation, else the
//! defaults.

pub mod bugzilla;
pub mod config_updater;
pub mod enablement;
pub mod finalize;
pub mod merge;
pub mod sections;

use std::collections::BTreeMap;

use job_spec::go_struct;

pub use bugzilla::Bugzilla;
pub use config_updater::{ConfigMapSpec, ConfigUpdater};
pub use enablement::{ExternalPlugin, OrgPlugins, Plugins};
pub use sections::*;

go_struct! {
    /// Everything in `plugins.yaml`.
    pub struct PluginConfig {
        /// Which plugins run where.
        pub plugins: Plugins => "plugins",
        /// Which events are passed on to other programs.
        pub external_plugins: BTreeMap<String, Vec<ExternalPlugin>> => "external_plugins",
        /// How OWNERS files are read.
        pub owners: Owners => "owners" always,
        /// The approve plugin.
        pub approve: Vec<Approve> => "approve",
        /// The blockade plugin.
        pub blockades: Vec<Blockade> => "blockades",
        /// The blunderbuss plugin.
        pub blunderbuss: ReviewerSelection => "blunderbuss" always,
        /// The rifle plugin.
        pub rifle: ReviewerSelection => "rifle" always,
        /// The bugzilla plugin.
        pub bugzilla: Bugzilla => "bugzilla" always,
        /// The branchcleaner plugin.
        pub branch_cleaner: BranchCleaner => "branch_cleaner" always,
        /// The cat plugin.
        pub cat: KeyFile => "cat" always,
        /// The cherry-pick-approved plugin.
        pub cherry_pick_approved: Vec<CherryPickApproved> => "cherry_pick_approved",
        /// The cherry-pick-unapproved plugin.
        pub cherry_pick_unapproved: CherryPickUnapproved => "cherry_pick_unapproved" always,
        /// The config-updater plugin.
        pub config_updater: ConfigUpdater => "config_updater" always,
        /// The dco plugin, by `*`, organisation or repository.
        pub dco: BTreeMap<String, Dco> => "dco",
        /// The golint plugin.
        pub golint: Golint => "golint" always,
        /// The goose plugin.
        pub goose: KeyFile => "goose" always,
        /// The heart plugin.
        pub heart: Heart => "heart" always,
        /// The label plugin.
        pub label: Label => "label" always,
        /// The lgtm plugin.
        pub lgtm: Vec<Lgtm> => "lgtm",
        /// The jira plugin.
        pub jira: Option<Jira> => "jira",
        /// The milestoneapplier plugin: repository → branch → milestone.
        pub milestone_applier: BTreeMap<String, BTreeMap<String, String>> => "milestone_applier",
        /// The releasenote plugin.
        pub release_note: ReleaseNote => "release_note" always,
        /// The milestone and milestonestatus plugins, by repository; the empty key is for all.
        pub repo_milestone: BTreeMap<String, Milestone> => "repo_milestone",
        /// The project plugin.
        pub project_config: ProjectConfig => "project_config" always,
        /// The project-manager plugin.
        pub project_manager: ProjectManager => "project_manager" always,
        /// The require-matching-label plugin.
        pub require_matching_label: Vec<RequireMatchingLabel> => "require_matching_label",
        /// The retitle plugin.
        pub retitle: Retitle => "retitle" always,
        /// The slackevents plugin.
        pub slack: Slack => "slack" always,
        /// The sigmention plugin.
        pub sigmention: SigMention => "sigmention" always,
        /// The size plugin.
        pub size: Size => "size" always,
        /// The trigger plugin.
        pub triggers: Vec<Trigger> => "triggers",
        /// The welcome plugin.
        pub welcome: Vec<Welcome> => "welcome",
        /// The override plugin.
        pub r#override: Override => "override" always,
        /// The help plugin.
        pub help: Help => "help" always,
        /// The invalidcommitmsg plugin.
        pub invalid_commit_msg: Vec<InvalidCommitMsg> => "invalid_commit_msg",
    }
}

/// Settings that are a list of entries, each for some organisations and repositories.
pub trait ForRepos {
    /// The organisations and repositories.
    fn repos(&self) -> &[String];
}

macro_rules! for_repos {
    ($($ty:ty),*) => {
        $(impl ForRepos for $ty {
            fn repos(&self) -> &[String] {
                &self.repos
            }
        })*
    };
}

for_repos!(Approve, Lgtm, Trigger, Welcome, InvalidCommitMsg, Blockade, MergeWarning);

/// The entry for a repository: the first that names it, else the first that names its organisation.
pub fn entry_for<'a, T: ForRepos>(entries: &'a [T], org: &str, repo: &str) -> Option<&'a T> {
    let full = format!("{org}/{repo}");
    let names = |name: &str| entries.iter().find(|entry| entry.repos().iter().any(|r| r == name));
    names(&full).or_else(|| names(org))
}

impl PluginConfig {
    /// The plugins that run for a repository, in the order of the file: those of its organisation,
    /// unless that excludes it, then its own.
    pub fn plugins_for(&self, org: &str, repo: &str) -> Vec<&str> {
        self.plugins.for_repo(org, repo)
    }

    /// Whether a plugin runs for a repository.
    pub fn is_enabled(&self, plugin: &str, org: &str, repo: &str) -> bool {
        self.plugins_for(org, repo).contains(&plugin)
    }

    /// The programs that events of a repository are passed on to: those of its organisation, then
    /// its own. Exclusions do not apply to them.
    pub fn external_plugins_for(&self, org: &str, repo: &str) -> Vec<&ExternalPlugin> {
        [org.to_owned(), format!("{org}/{repo}")]
            .iter()
            .filter_map(|key| self.external_plugins.get(key))
            .flatten()
            .collect()
    }

    /// Settings of the trigger plugin for a repository.
    pub fn triggers_for(&self, org: &str, repo: &str) -> Trigger {
        entry_for(&self.triggers, org, repo).cloned().unwrap_or_default()
    }

    /// Settings of the approve plugin for a repository, with its default links.
    pub fn approve_for(&self, org: &str, repo: &str) -> Approve {
        let mut approve = entry_for(&self.approve, org, repo).cloned().unwrap_or_default();
        if approve.command_help_link.is_empty() {
            approve.command_help_link = "https://go.k8s.io/bot-commands".to_owned();
        }
        if approve.pr_process_link.is_empty() {
            approve.pr_process_link =
                "https://git.k8s.io/community/contributors/guide/owners.md#the-code-review-process"
                    .to_owned();
        }
        approve
    }

    /// Settings of the lgtm plugin for a repository.
    pub fn lgtm_for(&self, org: &str, repo: &str) -> Lgtm {
        entry_for(&self.lgtm, org, repo).cloned().unwrap_or_default()
    }

    /// Settings of the welcome plugin for a repository.
    pub fn welcome_for(&self, org: &str, repo: &str) -> Welcome {
        entry_for(&self.welcome, org, repo).cloned().unwrap_or_default()
    }

    /// Settings of the invalidcommitmsg plugin for a repository.
    pub fn invalid_commit_msg_for(&self, org: &str, repo: &str) -> InvalidCommitMsg {
        entry_for(&self.invalid_commit_msg, org, repo).cloned().unwrap_or_default()
    }

    /// Settings of the dco plugin for a repository: its own, its organisation's, or those of `*`.
    pub fn dco_for(&self, org: &str, repo: &str) -> Dco {
        self.dco
            .get(&format!("{org}/{repo}"))
            .or_else(|| self.dco.get(org))
            .or_else(|| self.dco.get("*"))
            .cloned()
            .unwrap_or_default()
    }

    /// Names of the OWNERS and OWNERS_ALIASES files of a repository.
    pub fn owners_filenames(&self, org: &str, repo: &str) -> OwnersFilenames {
        self.owners
            .filenames
            .get(&format!("{org}/{repo}"))
            .or_else(|| self.owners.filenames.get(org))
            .cloned()
            .unwrap_or_else(|| OwnersFilenames {
                owners: "OWNERS".to_owned(),
                owners_aliases: "OWNERS_ALIASES".to_owned(),
            })
    }

    /// Whether Markdown files of a repository may begin with OWNERS settings.
    pub fn mdyaml_enabled(&self, org: &str, repo: &str) -> bool {
        names(&self.owners.mdyamlrepos, org, repo)
    }

    /// Whether a repository's collaborators get no rights beyond its OWNERS files.
    pub fn skip_collaborators(&self, org: &str, repo: &str) -> bool {
        names(&self.owners.skip_collaborators, org, repo)
    }

    /// Where a plugin is enabled.
    pub fn enabled_repos_for_plugin(&self, plugin: &str) -> enablement::EnabledRepos {
        self.plugins.enabled_repos(plugin)
    }

    /// Where an external plugin is enabled.
    pub fn enabled_repos_for_external_plugin(&self, plugin: &str) -> enablement::EnabledRepos {
        let mut enabled = enablement::EnabledRepos::default();
        for (key, plugins) in &self.external_plugins {
            if plugins.iter().any(|candidate| candidate.name == plugin) {
                if key.contains('/') {
                    enabled.repos.insert(key.clone());
                } else {
                    enabled.orgs.insert(key.clone(), Default::default());
                }
            }
        }
        enabled
    }
}

/// Whether a list of organisations and repositories names a repository.
fn names(list: &[String], org: &str, repo: &str) -> bool {
    list.iter().any(|entry| entry == org || entry.split_once('/') == Some((org, repo)))
}
