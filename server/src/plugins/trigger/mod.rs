//! The plugin `trigger`: starts presubmits and postsubmits, decides who may, and aborts runs that
//! nobody waits for any more.
//!
//! | Room | Holds |
//! |---|---|
//! | [`pull_request`] | what a pull request's own events start and abort |
//! | [`comment`] | `/test`, `/retest`, `/ok-to-test` and the rest, wherever they are written |
//! | [`push`] | postsubmits |
//! | [`trust`] | whose code runs without anybody looking first |
//! | [`jobs`] | which jobs a repository has, its own definitions included |
//! | [`run`] | which of them run, and making the ProwJobs |

pub mod code_block;
pub mod comment;
pub mod in_repo;
pub mod jobs;
pub mod pull_request;
pub mod push;
pub mod run;
pub mod trust;
pub mod welcome;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use config_load::PluginConfig;
use futures::FutureExt;

use super::help::{Command, PluginHelp};
use super::registry::{Handlers, Plugin};

pub use in_repo::{GitInRepo, InRepo, InRepoError, InRepoJobs};

/// The name in the configuration.
pub const NAME: &str = "trigger";

/// The plugin's line in the registry.
pub const PLUGIN: Plugin = Plugin {
    name: NAME,
    help,
    handlers: Handlers {
        generic_comment: Some(|agent, comment| comment::handle(agent, comment).boxed()),
        pull_request: Some(|agent, event| pull_request::handle(agent, event).boxed()),
        push: Some(|agent, event| push::handle(agent, event).boxed()),
        ..Handlers::NONE
    },
};

const SNIPPET: &str = "\
triggers:
  - # Organisations and repositories that this entry is for.
    repos:
      - org/repo1
      - org/repo2
    # Where people read how to join the organisation.
    join_org_url: https://github.com/kubernetes/community/blob/master/community-membership.md
    # Collaborators of a repository are not trusted, only members of its organisation.
    only_org_members: true
    # `/ok-to-test` does nothing: whoever is not trusted can never start tests.
    ignore_ok_to_test: true
";

fn help(config: &PluginConfig, repos: &[String]) -> PluginHelp {
    let trusted_org = |full: &String| {
        let (org, repo) = full.split_once('/').unwrap_or((full, ""));
        let rules = config.triggers_for(org, repo);
        let trusted = if rules.trusted_org.is_empty() { org } else { &rules.trusted_org };
        let text = format!("The trusted GitHub organization for this repository is \"{trusted}\".");
        (full.clone(), text)
    };
    PluginHelp {
        description: "The trigger plugin starts jobs in reaction to various events.\
            <br>Presubmit jobs run automatically on pull requests that are trusted and no drafts, \
            if the changed files and the target branch match the filters of the job.\
            <br>A pull request is trusted if its author is a member of the trusted organization, \
            or if such a member answered it with '/ok-to-test'. '/ok-to-test cancel' takes that \
            back and restores the label 'needs-ok-to-test'.\
            <br>Runs are aborted when the pull request gets new commits, is closed or becomes a \
            draft.\
            <br>Where jobs do not run automatically, a trusted user can start them with '/test'; \
            '/retest' runs again what failed.\
            <br>Postsubmit jobs run when commits are pushed to a branch, if the filters of the \
            job match."
            .to_owned(),
        config: repos.iter().map(trusted_org).collect::<BTreeMap<_, _>>(),
        snippet: SNIPPET.to_owned(),
        events: Vec::new(),
        commands: commands(),
    }
}

fn commands() -> Vec<Command> {
    const MEMBERS: &str = "Members of the trusted organization for the repo.";
    const ANYONE: &str = "Anyone can trigger this command on a trusted PR.";
    let table: [(&str, bool, &str, &str, &[&str]); 7] = [
        (
            "/ok-to-test",
            false,
            "Marks a PR as 'trusted' and starts tests.",
            MEMBERS,
            &["/ok-to-test"],
        ),
        (
            "/ok-to-test cancel",
            false,
            "Takes '/ok-to-test' back: the PR is no longer trusted.",
            MEMBERS,
            &["/ok-to-test cancel"],
        ),
        (
            "/test [<job name>|all]",
            true,
            "Starts a job, or all jobs that run automatically. Lists the jobs there are if none \
             or an unknown one is named.",
            ANYONE,
            &["/test all", "/test pull-bazel-test"],
        ),
        ("/retest", true, "Runs the jobs that failed again.", ANYONE, &["/retest"]),
        (
            "/retest-required",
            true,
            "Runs the required jobs that failed again.",
            ANYONE,
            &["/retest-required"],
        ),
        (
            "/test-manual-required",
            true,
            "Starts the required jobs that never start by themselves.",
            ANYONE,
            &["/test-manual-required"],
        ),
        ("/test ?", true, "Lists the jobs there are.", ANYONE, &["/test ?"]),
    ];
    table
        .into_iter()
        .map(|(usage, featured, description, who_can_use, examples)| Command {
            usage: usage.to_owned(),
            featured,
            description: description.to_owned(),
            examples: examples.iter().map(|example| (*example).to_owned()).collect(),
            who_can_use: who_can_use.to_owned(),
        })
        .collect()
}
