//! The table of plugins, and their help.

use std::collections::{BTreeMap, BTreeSet};

use config_load::PluginConfig;
use forge::event::{
    Event, GenericComment, IssueCommentEvent, IssuesEvent, PullRequestEvent, PushEvent,
    ReviewCommentEvent, ReviewEvent, StatusEvent,
};
use futures::future::BoxFuture;

use super::help::{Help, PluginHelp};
use super::{Agent, trigger};

/// Every plugin there is. A new one gets a file of its own beside `trigger` and a line here.
pub const PLUGINS: &[Plugin] = &[trigger::PLUGIN];

/// The plugins of Prow's hook. A configuration may enable them, and nothing else; those that are
/// not in [`PLUGINS`] do nothing.
const PROW_PLUGINS: [&str; 52] = [
    "approve",
    "assign",
    "blockade",
    "blunderbuss",
    "branchcleaner",
    "bugzilla",
    "buildifier",
    "cat",
    "cherry-pick-approved",
    "cherry-pick-unapproved",
    "cla",
    "config-updater",
    "dco",
    "dog",
    "golint",
    "goose",
    "heart",
    "help",
    "hold",
    "invalidcommitmsg",
    "issue-management",
    "jira",
    "label",
    "lgtm",
    "lifecycle",
    "merge-method-comment",
    "mergecommitblocker",
    "milestone",
    "milestoneapplier",
    "milestonestatus",
    "override",
    "owners-label",
    "pony",
    "project",
    "project-manager",
    "release-note",
    "require-matching-label",
    "retitle",
    "rifle",
    "shrug",
    "sigmention",
    "size",
    "skip",
    "slackevents",
    "stage",
    "testfreeze",
    "trick-or-treat",
    "trigger",
    "verify-owners",
    "welcome",
    "wip",
    "yuks",
];

/// What handles an event of type `E`.
pub type Handler<E> = for<'a> fn(&'a Agent, &'a E) -> BoxFuture<'a, anyhow::Result<()>>;

/// The events that a plugin handles.
#[derive(Clone, Copy)]
pub struct Handlers {
    /// Text with possible commands, from any event that carries some.
    pub generic_comment: Option<Handler<GenericComment>>,
    /// `issues`
    pub issues: Option<Handler<IssuesEvent>>,
    /// `issue_comment`
    pub issue_comment: Option<Handler<IssueCommentEvent>>,
    /// `pull_request`
    pub pull_request: Option<Handler<PullRequestEvent>>,
    /// `push`
    pub push: Option<Handler<PushEvent>>,
    /// `pull_request_review`
    pub review: Option<Handler<ReviewEvent>>,
    /// `pull_request_review_comment`
    pub review_comment: Option<Handler<ReviewCommentEvent>>,
    /// `status`
    pub status: Option<Handler<StatusEvent>>,
}

impl Handlers {
    /// No event at all; the base that a plugin's own handlers are added to.
    pub const NONE: Handlers = Handlers {
        generic_comment: None,
        issues: None,
        issue_comment: None,
        pull_request: None,
        push: None,
        review: None,
        review_comment: None,
        status: None,
    };

    /// The events as help names them.
    fn names(&self) -> Vec<String> {
        let table = [
            (self.generic_comment.is_some(), "GenericCommentEvent (any event for user text)"),
            (self.issues.is_some(), "issue"),
            (self.issue_comment.is_some(), "issue_comment"),
            (self.pull_request.is_some(), "pull_request"),
            (self.push.is_some(), "push"),
            (self.review.is_some(), "pull_request_review"),
            (self.review_comment.is_some(), "pull_request_review_comment"),
            (self.status.is_some(), "status"),
        ];
        table.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned()).collect()
    }

    /// Whether anything here handles the event.
    #[must_use]
    pub fn handle(&self, event: &Event, comment: Option<&GenericComment>) -> bool {
        let specific = match event {
            Event::Issues(_) => self.issues.is_some(),
            Event::IssueComment(_) => self.issue_comment.is_some(),
            Event::PullRequest(_) => self.pull_request.is_some(),
            Event::Push(_) => self.push.is_some(),
            Event::Review(_) => self.review.is_some(),
            Event::ReviewComment(_) => self.review_comment.is_some(),
            Event::Status(_) => self.status.is_some(),
            Event::Ping(_) | Event::Other(_) => false,
        };
        specific || (comment.is_some() && self.generic_comment.is_some())
    }

    /// Runs what handles the event: the handler of its type, then the one for text. The second
    /// runs even if the first failed.
    pub async fn run(
        &self,
        agent: &Agent,
        event: &Event,
        comment: Option<&GenericComment>,
    ) -> anyhow::Result<()> {
        macro_rules! call {
            ($handler:expr, $event:expr) => {
                match $handler {
                    Some(handler) => handler(agent, $event).await,
                    None => Ok(()),
                }
            };
        }
        let specific = match event {
            Event::Issues(event) => call!(self.issues, event),
            Event::IssueComment(event) => call!(self.issue_comment, event),
            Event::PullRequest(event) => call!(self.pull_request, event),
            Event::Push(event) => call!(self.push, event),
            Event::Review(event) => call!(self.review, event),
            Event::ReviewComment(event) => call!(self.review_comment, event),
            Event::Status(event) => call!(self.status, event),
            Event::Ping(_) | Event::Other(_) => Ok(()),
        };
        let text = match comment {
            Some(comment) => call!(self.generic_comment, comment),
            None => Ok(()),
        };
        super::Several::check([specific.err(), text.err()].into_iter().flatten().collect())
    }
}

/// A plugin.
#[derive(Clone, Copy)]
pub struct Plugin {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its help, for these repositories (`org` or `org/repo`).
    pub help: fn(&PluginConfig, &[String]) -> PluginHelp,
    /// What it handles.
    pub handlers: Handlers,
}

/// The plugin of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Plugin> {
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// The names that a configuration may use.
#[must_use]
pub fn prow_names() -> BTreeSet<String> {
    PROW_PLUGINS.iter().map(|name| (*name).to_owned()).collect()
}

/// The names of [`PLUGINS`].
#[must_use]
pub fn built_in_names() -> BTreeSet<String> {
    PLUGINS.iter().map(|plugin| plugin.name.to_owned()).collect()
}

/// What `/plugin-help` answers: the help of all plugins, and which repositories have them on.
/// Organisations stand as they are configured, for only the code host knows all their
/// repositories; `expand` turns one into its repositories where they are known.
#[must_use]
pub fn help(config: &PluginConfig, expand: impl Fn(&str) -> Vec<String>) -> Help {
    let mut help = Help::default();
    let every: Vec<String> = PLUGINS.iter().map(|plugin| plugin.name.to_owned()).collect();
    help.repo_plugins.insert(String::new(), every);
    let mut by_plugin: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for key in config.plugins.by_repo.keys() {
        let mut repos = vec![key.clone()];
        if !key.contains('/') {
            repos.extend(expand(key));
        }
        for full in repos {
            let (org, repo) = full.split_once('/').unwrap_or((&full, ""));
            // Unlike Prow's help, this leaves out the plugins of an org's excluded repositories.
            let names = config.plugins_for(org, repo);
            for name in &names {
                by_plugin.entry(name).or_default().push(full.clone());
            }
            let names = names.into_iter().map(str::to_owned).collect();
            help.repo_plugins.insert(full.clone(), names);
        }
    }
    for (key, external) in &config.external_plugins {
        let names = external.iter().map(|plugin| plugin.name.clone()).collect();
        help.repo_external_plugins.insert(key.clone(), names);
    }
    let repos = help.repo_plugins.keys().chain(help.repo_external_plugins.keys());
    let mut repos: Vec<String> = repos.filter(|repo| !repo.is_empty()).cloned().collect();
    repos.sort();
    repos.dedup();
    help.all_repos = repos;
    for plugin in PLUGINS {
        let repos = by_plugin.get(plugin.name).map(Vec::as_slice).unwrap_or_default();
        let mut one = (plugin.help)(config, repos);
        one.events = plugin.handlers.names();
        help.plugin_help.insert(plugin.name.to_owned(), one);
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_has_a_name_of_its_own_and_help() {
        for (index, plugin) in PLUGINS.iter().enumerate() {
            let found = find(plugin.name).map(|found| found.name);
            assert_eq!(found, Some(plugin.name));
            assert!(PLUGINS[..index].iter().all(|other| other.name != plugin.name));
        }
        let help = help(&PluginConfig::default(), |_| Vec::new());
        for plugin in PLUGINS {
            let one = &help.plugin_help[plugin.name];
            assert!(!one.description.is_empty(), "{}", plugin.name);
            assert!(!one.events.is_empty(), "{}", plugin.name);
            assert!(one.commands.iter().all(|command| !command.examples.is_empty()));
        }
        assert_eq!(help.repo_plugins[""].len(), PLUGINS.len());
        assert!(built_in_names().is_subset(&prow_names()));
    }
}
