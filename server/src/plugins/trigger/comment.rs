//! The commands of `trigger`, in whatever text they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config_load::plugin_config::Trigger;
use forge::ErrorClass;
use forge::event::{CommentAction, GenericComment};
use forge::model::{PullRequest, WorkflowRun, has_label};
use job_spec::filter::{Contexts, command, needs_contexts, presubmit_filter};
use job_spec::help::{self, available_presubmits, help_message};
use job_spec::{Presubmit, labels};

use super::code_block::drop_code_blocks;
use super::jobs::{complain, may_have_presubmits, presubmits};
use super::run::{changed_files, select, start_presubmits};
use super::trust::{self, NEEDS_OK_TO_TEST, OK_TO_TEST};
use crate::plugins::Agent;
use crate::plugins::respond::format_response_raw;

const NOT_TRUSTED: &str = "Cannot trigger testing until a trusted user reviews the PR and leaves \
    an `/ok-to-test` message.";
const NEVER_TRUSTED: &str = "PRs from untrusted users cannot be marked as trusted with \
    `/ok-to-test` in this repo meaning untrusted PR authors can never trigger tests themselves. \
    Collaborators can still trigger tests on the PR using `/test`.";
const NOT_YOURS_TO_REVOKE: &str = "Only trusted users can revoke `/ok-to-test`.";

/// Handles a text. In order, as Prow: is it for us, does it say anything to us, may its author
/// say so, labels, help, and only then runs.
pub async fn handle(agent: &Agent, comment: &GenericComment) -> anyhow::Result<()> {
    let is_ours =
        comment.action == CommentAction::Created && comment.is_pr && comment.issue_state == "open";
    if !is_ours || !mentions_a_command(agent, comment) {
        return Ok(());
    }
    if agent.forge().bot_user().await?.is(&comment.user.login) {
        return Ok(());
    }
    let (org, repo, number) = (&comment.repo.owner.login, &comment.repo.name, comment.number);
    let pull = agent.forge().get_pull_request(org, repo, number).await?;
    if pull.state == "closed" {
        // It was open when the comment was written; the journal may hand out events late.
        return Ok(());
    }
    let base = format!("heads/{}", pull.base.reference);
    let base_sha = agent.forge().get_ref(org, repo, &base).await?;
    let jobs = presubmits(agent, &pull, &base_sha).await?;
    // Commands in code blocks are talk about commands.
    let text = drop_code_blocks(&comment.body);
    if !is_command(&text, &jobs.jobs) {
        return Ok(());
    }
    let rules = agent.plugin_config.triggers_for(org, repo);
    let command = Command { agent, rules, comment, pull, base_sha, text };
    if !command.settle_trust().await? {
        return Ok(());
    }
    if let Some(broken) = &jobs.broken {
        complain(agent, &command.pull, broken).await?;
    }
    command.run(&jobs.jobs).await
}

/// Whether the text can concern this plugin at all, told without asking the code host: most
/// comments do not. A repository's own jobs may have any trigger, so there every text may.
fn mentions_a_command(agent: &Agent, comment: &GenericComment) -> bool {
    let full = format!("{}/{}", comment.repo.owner.login, comment.repo.name);
    let text = drop_code_blocks(&comment.body);
    let central = agent.config.jobs.presubmits.get(&full).map(Vec::as_slice).unwrap_or_default();
    is_command(&text, central)
        || (agent.config.prow.in_repo_config.is_enabled(&full)
            && may_have_presubmits(agent, &comment.repo)
            && !text.trim().is_empty())
}

fn is_command(text: &str, jobs: &[Arc<Presubmit>]) -> bool {
    command::retest(text)
        || command::retest_required(text)
        || command::test_manual_required(text)
        || command::ok_to_test(text)
        || command::ok_to_test_cancel(text)
        || command::test_all(text)
        || help::may_need_help(text)
        || jobs.iter().any(|job| job.trigger_matches(text))
}

/// A text that is a command, with what was found out about it.
struct Command<'a> {
    agent: &'a Agent,
    rules: Trigger,
    comment: &'a GenericComment,
    pull: PullRequest,
    base_sha: String,
    /// The text without its code blocks.
    text: String,
}

impl Command<'_> {
    fn org(&self) -> &str {
        &self.comment.repo.owner.login
    }

    fn repo(&self) -> &str {
        &self.comment.repo.name
    }

    async fn answer(&self, reply: &str) -> anyhow::Result<()> {
        let comment = self.comment;
        let text =
            format_response_raw(&comment.body, &comment.html_url, &comment.user.login, reply);
        self.agent.comment(self.org(), self.repo(), comment.number, &text).await?;
        Ok(())
    }

    /// Whether `/ok-to-test` counts and is said. A `cancel` on the next line is part of the same
    /// command, so it wins.
    fn says_ok_to_test(&self) -> bool {
        !self.rules.ignore_ok_to_test
            && command::ok_to_test(&self.text)
            && !command::ok_to_test_cancel(&self.text)
    }

    /// Checks that the author may command and brings the labels up to date; `false` if that was
    /// all there is to do.
    async fn settle_trust(&self) -> anyhow::Result<bool> {
        let (agent, org, repo, number) = (self.agent, self.org(), self.repo(), self.comment.number);
        let commenter = trust::user(agent, &self.rules, &self.comment.user.login, org, repo);
        let commenter = commenter.await?.is_yes();
        let author = &self.comment.issue_author.login;
        let mut labels = None;
        if !commenter {
            let (trusted, found) =
                trust::pull_request(agent, &self.rules, author, org, repo, number).await?;
            if !trusted {
                let ignored = self.rules.ignore_ok_to_test;
                self.answer(if ignored { NEVER_TRUSTED } else { NOT_TRUSTED }).await?;
                return Ok(false);
            }
            labels = found;
        }
        let labels = match labels {
            Some(labels) => labels,
            None => agent.forge().get_issue_labels(org, repo, number).await?,
        };
        let (ok, needs) = (has_label(OK_TO_TEST, &labels), has_label(NEEDS_OK_TO_TEST, &labels));
        if !self.rules.ignore_ok_to_test && command::ok_to_test_cancel(&self.text) {
            self.revoke(commenter, ok, needs).await?;
            return Ok(false);
        }
        let says_ok = self.says_ok_to_test();
        if says_ok && !ok {
            agent.forge().add_label(org, repo, number, OK_TO_TEST).await?;
            agent.did("trusted the pull request");
        }
        if (says_ok || ok) && needs {
            agent.forge().remove_label(org, repo, number, NEEDS_OK_TO_TEST).await?;
        }
        Ok(true)
    }

    /// `/ok-to-test cancel`. What runs goes on.
    async fn revoke(&self, commenter_trusted: bool, ok: bool, needs: bool) -> anyhow::Result<()> {
        if !commenter_trusted {
            return self.answer(NOT_YOURS_TO_REVOKE).await;
        }
        let (agent, org, repo, number) = (self.agent, self.org(), self.repo(), self.comment.number);
        if ok {
            agent.forge().remove_label(org, repo, number, OK_TO_TEST).await?;
            agent.did("took the trust back");
        }
        let author = &self.comment.issue_author.login;
        // A trusted author needs nobody's word, and nothing would ever take the label off again.
        if !needs && !trust::user(agent, &self.rules, author, org, repo).await?.is_yes() {
            agent.forge().add_label(org, repo, number, NEEDS_OK_TO_TEST).await?;
        }
        Ok(())
    }

    /// Starts what the text asks for, or answers with help.
    async fn run(&self, jobs: &[Arc<Presubmit>]) -> anyhow::Result<()> {
        let says_ok = self.says_ok_to_test();
        if says_ok && self.rules.trigger_github_workflows {
            self.approve_workflows().await;
        }
        // Prow reads the raw text here: once a command stands outside of the code blocks, those
        // inside count as well.
        let body = &self.comment.body;
        let contexts =
            if needs_contexts(body) { self.contexts().await? } else { Contexts::default() };
        let honor = !self.rules.ignore_ok_to_test;
        let filter = presubmit_filter(body, honor, &contexts);
        let selected = select(self.agent, &self.pull, &filter, jobs).await?;
        if let Some(note) = help::help_note(&self.text, selected.len()) {
            return self.help(note, jobs).await;
        }
        let retest = command::retest(&self.text);
        let mut more = BTreeMap::new();
        if retest || command::retest_required(&self.text) {
            more.insert(labels::RETEST.to_owned(), "true".to_owned());
        }
        if self.rules.trigger_github_workflows && (retest || command::test_all(&self.text)) {
            self.rerun_workflows().await;
        }
        if help::prunes_help(&self.text) {
            let (org, repo) = (self.org(), self.repo());
            let stale = |old: &forge::model::IssueComment| help::is_help_comment(&old.body);
            self.agent.prune_comments(org, repo, self.comment.number, stale).await;
        }
        start_presubmits(self.agent, &self.pull, &self.base_sha, &selected, &more).await
    }

    async fn contexts(&self) -> anyhow::Result<Contexts> {
        let sha = &self.pull.head.sha;
        let combined = self.agent.forge().combined_status(self.org(), self.repo(), sha).await?;
        let failed: BTreeSet<String> = combined
            .statuses
            .iter()
            .filter(|status| matches!(status.state.as_str(), "error" | "failure"))
            .map(|status| status.context.clone())
            .collect();
        let all = combined.statuses.into_iter().map(|status| status.context).collect();
        Ok(Contexts { failed, all })
    }

    async fn help(&self, note: &str, jobs: &[Arc<Presubmit>]) -> anyhow::Result<()> {
        let branch = &self.pull.base.reference;
        let conditional = jobs.iter().any(|job| job.change_matcher.could_run());
        let changes =
            if conditional { changed_files(self.agent, &self.pull).await? } else { Vec::new() };
        let available = available_presubmits(branch, &changes, jobs);
        self.answer(&help_message(self.org(), self.repo(), branch, note, &available)).await
    }

    /// Lets GitHub's own workflows run on a pull request that was just trusted. They are a help,
    /// not our work: failures are logged.
    async fn approve_workflows(&self) {
        let (branch, sha) = (&self.pull.head.reference, &self.pull.head.sha);
        let forge = self.agent.forge();
        let waiting = forge.list_runs_awaiting_approval(self.org(), self.repo(), branch, sha).await;
        for run in self.listed("waiting for approval", waiting) {
            let done = forge.approve_workflow_run(self.org(), self.repo(), run.id).await;
            match done.as_ref().err().map(forge::ForgeError::class) {
                None => {}
                Some(ErrorClass::NotFound) => {
                    tracing::info!(run = run.name, "the workflow run was approved or ended before");
                }
                Some(_) => self.not_done("approved", &run, done),
            }
        }
    }

    /// Runs the failed jobs of GitHub's own workflows again.
    async fn rerun_workflows(&self) {
        let (branch, sha) = (&self.pull.head.reference, &self.pull.head.sha);
        let forge = self.agent.forge();
        let failed = forge.list_failed_runs(self.org(), self.repo(), branch, sha).await;
        for run in self.listed("that failed", failed) {
            let done = forge.rerun_failed_jobs(self.org(), self.repo(), run.id).await;
            self.not_done("run again", &run, done);
        }
    }

    fn listed(
        &self,
        which: &str,
        runs: Result<Vec<WorkflowRun>, forge::ForgeError>,
    ) -> Vec<WorkflowRun> {
        runs.unwrap_or_else(|error| {
            tracing::warn!("workflow runs {which} were not listed: {error}");
            Vec::new()
        })
    }

    fn not_done(&self, what: &str, run: &WorkflowRun, done: Result<(), forge::ForgeError>) {
        if let Err(error) = done {
            tracing::warn!(run = run.name, "the workflow run was not {what}: {error}");
        }
    }
}
