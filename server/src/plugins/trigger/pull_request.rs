//! What the events of a pull request itself start and abort.

use std::collections::BTreeMap;
use std::sync::Arc;

use config_load::plugin_config::Trigger;
use forge::event::PullRequestEvent;
use forge::model::{PullRequest, has_label};
use job_spec::Presubmit;
use job_spec::filter::Filter;

use super::jobs::{Jobs, complain, may_have_presubmits, presubmits};
use super::run::{abort_all, select, start_presubmits};
use super::trust::{self, LGTM, NEEDS_OK_TO_TEST, OK_TO_TEST};
use super::welcome::welcome;
use crate::plugins::{Agent, Several};

/// What a draft's author is told.
const DRAFT: &str = "Skipping CI for Draft Pull Request.\n\
    If you want CI signal for your change, please convert it to an actual PR.\n\
    You can still manually trigger a test run with `/test all`";

/// One event with what was found out about it.
struct Context<'a> {
    agent: &'a Agent,
    rules: Trigger,
    event: &'a PullRequestEvent,
    pull: &'a PullRequest,
    base_sha: String,
    jobs: Jobs<Presubmit>,
}

/// Handles a `pull_request` event. A repository without presubmits is left alone altogether, and
/// the code host is asked nothing about an event that starts nothing. What ends a pull request
/// aborts its runs without a look at the base, which may be gone with it.
pub async fn handle(agent: &Agent, event: &PullRequestEvent) -> anyhow::Result<()> {
    let pull = &event.pull_request;
    let (org, repo) = (&pull.base.repo.owner.login, &pull.base.repo.name);
    if !may_have_presubmits(agent, &pull.base.repo) {
        return Ok(());
    }
    if matches!(event.action.as_str(), "closed" | "converted_to_draft") {
        return abort_all(agent, pull).await;
    }
    if !may_start(event) {
        return Ok(());
    }
    let base = format!("heads/{}", pull.base.reference);
    let base_sha = agent.forge().get_ref(org, repo, &base).await?;
    let jobs = presubmits(agent, pull, &base_sha).await?;
    if jobs.jobs.is_empty() && jobs.broken.is_none() {
        return Ok(());
    }
    let rules = agent.plugin_config.triggers_for(org, repo);
    Context { agent, rules, event, pull, base_sha, jobs }.handle().await
}

/// Whether the event can start or say anything.
fn may_start(event: &PullRequestEvent) -> bool {
    match event.action.as_str() {
        "opened" | "reopened" | "ready_for_review" | "synchronize" => true,
        "edited" => event.base_change() != (None, None),
        "labeled" => [LGTM, OK_TO_TEST].contains(&event.label.name.as_str()),
        _ => false,
    }
}

impl Context<'_> {
    async fn handle(&self) -> anyhow::Result<()> {
        let author = &self.pull.user.login;
        match self.event.action.as_str() {
            "opened" => {
                let trust = trust::user(self.agent, &self.rules, author, self.org(), self.repo());
                match (trust.await?.is_yes(), self.pull.draft) {
                    (true, true) => Ok(self
                        .agent
                        .comment(self.org(), self.repo(), self.pull.number, DRAFT)
                        .await?),
                    (true, false) => self.start_all().await,
                    (false, _) => welcome(self.agent, &self.rules, self.pull).await,
                }
            }
            "reopened" | "ready_for_review" => self.start_all_if_trusted().await,
            "edited" => self.start_all_if_trusted().await,
            "synchronize" => {
                let mut failures = Vec::new();
                failures.extend(abort_all(self.agent, self.pull).await.err());
                failures.extend(self.start_all_if_trusted().await.err());
                Several::check(failures)
            }
            "labeled" if self.event.label.name == LGTM => {
                // Approval of an untrusted change is worth one run.
                if self.trusted().await? { Ok(()) } else { self.start_all().await }
            }
            "labeled" if self.event.label.name == OK_TO_TEST => {
                // The bot adds the label for a comment, and the comment starts the tests.
                let bot = self.agent.forge().bot_user().await?;
                if bot.is(&self.event.sender.login) { Ok(()) } else { self.start_all().await }
            }
            _ => Ok(()),
        }
    }

    fn org(&self) -> &str {
        &self.pull.base.repo.owner.login
    }

    fn repo(&self) -> &str {
        &self.pull.base.repo.name
    }

    async fn trusted(&self) -> anyhow::Result<bool> {
        let (org, repo, number) = (self.org(), self.repo(), self.pull.number);
        let author = &self.pull.user.login;
        Ok(trust::pull_request(self.agent, &self.rules, author, org, repo, number).await?.0)
    }

    async fn start_all_if_trusted(&self) -> anyhow::Result<()> {
        let (org, repo, number) = (self.org(), self.repo(), self.pull.number);
        let author = &self.pull.user.login;
        let (trusted, labels) =
            trust::pull_request(self.agent, &self.rules, author, org, repo, number).await?;
        if !trusted {
            return Ok(());
        }
        // Labels are known only if it is the label that makes the pull request trusted.
        if labels.is_some_and(|labels| has_label(NEEDS_OK_TO_TEST, &labels)) {
            self.agent.forge().remove_label(org, repo, number, NEEDS_OK_TO_TEST).await?;
        }
        self.start_all().await
    }

    /// Starts everything that runs by itself, unless the pull request is a draft or the event is
    /// no longer true of it.
    async fn start_all(&self) -> anyhow::Result<()> {
        if self.pull.draft {
            return Ok(());
        }
        let Some(now) = self.current().await? else { return Ok(()) };
        let mut failures = Vec::new();
        if let Some(broken) = &self.jobs.broken {
            failures.extend(complain(self.agent, self.pull, broken).await.err());
        }
        let jobs: &[Arc<Presubmit>] = &self.jobs.jobs;
        let selected = select(self.agent, self.pull, &Filter::TestAll, jobs).await?;
        let none = BTreeMap::new();
        let started = start_presubmits(self.agent, &now, &self.base_sha, &selected, &none);
        failures.extend(started.await.err());
        Several::check(failures)
    }

    /// The pull request of the event if it still has the commit of the event and is open, else
    /// `None`: the journal may hand out an event late, and events may come out of order. The
    /// events of the newer commit start its runs. Whether it merges is what either says.
    async fn current(&self) -> anyhow::Result<Option<PullRequest>> {
        let (org, repo, number) = (self.org(), self.repo(), self.pull.number);
        let live = match self.agent.forge().get_pull_request(org, repo, number).await {
            Ok(live) => live,
            // Not there (any more), or not for us to see: the signed event is what we have.
            Err(error) if error.is_not_found() => return Ok(Some(self.pull.clone())),
            Err(error) => return Err(error.into()),
        };
        if live.state == "closed" || live.head.sha != self.pull.head.sha {
            tracing::info!(
                org,
                repo,
                number,
                action = self.event.action,
                "nothing started: the pull request has moved on from {} to {} ({})",
                self.pull.head.sha,
                live.head.sha,
                live.state
            );
            return Ok(None);
        }
        let mut pull = self.pull.clone();
        if live.mergeable == Some(false) {
            pull.mergeable = Some(false);
        }
        Ok(Some(pull))
    }
}
