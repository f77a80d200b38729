//! Which jobs a repository has: the central ones and its own.

use std::sync::Arc;

use forge::model::{PullRequest, Repo};
use job_spec::{Postsubmit, Presubmit};

use super::in_repo::{InRepoError, InRepoJobs};
use crate::plugins::Agent;

/// The jobs of a repository, and what is wrong with those it defines itself.
#[derive(Debug, Clone)]
pub struct Jobs<J> {
    /// The jobs; only the central ones if `broken`.
    pub jobs: Vec<Arc<J>>,
    /// Why the repository's own jobs are missing.
    pub broken: Option<String>,
}

fn full_name(repo: &Repo) -> String {
    format!("{}/{}", repo.owner.login, repo.name)
}

/// Whether a repository can have presubmits at all, told without asking anybody.
#[must_use]
pub fn may_have_presubmits(agent: &Agent, repo: &Repo) -> bool {
    let full = full_name(repo);
    agent.config.jobs.presubmits_for(&full).next().is_some()
        || agent.config.prow.in_repo_config.is_enabled(&full)
}

/// The presubmits for a pull request. If its own definitions are wrong, the central ones alone:
/// the job that checks the definitions must be able to run.
pub async fn presubmits(
    agent: &Agent,
    pull: &PullRequest,
    base_sha: &str,
) -> anyhow::Result<Jobs<Presubmit>> {
    let repo = &pull.base.repo;
    let full = full_name(repo);
    let mut jobs: Vec<_> = agent.config.jobs.presubmits_for(&full).cloned().collect();
    let heads = [pull.head.sha.clone()];
    let broken = match own(agent, repo, base_sha, &heads).await? {
        Ok(own) => {
            jobs.extend(own.presubmits);
            None
        }
        Err(text) => Some(text),
    };
    Ok(Jobs { jobs, broken })
}

/// The postsubmits for a commit that was pushed.
pub async fn postsubmits(
    agent: &Agent,
    repo: &Repo,
    sha: &str,
) -> anyhow::Result<Jobs<Postsubmit>> {
    let full = full_name(repo);
    let mut jobs: Vec<_> = agent.config.jobs.postsubmits_for(&full).cloned().collect();
    let broken = match own(agent, repo, sha, &[]).await? {
        Ok(own) => {
            jobs.extend(own.postsubmits);
            None
        }
        Err(text) => Some(text),
    };
    Ok(Jobs { jobs, broken })
}

/// The repository's own definitions; `Ok(Err)` says what is wrong with them. A failure that may
/// pass is an error, so that the event is handled again, until the last try, which does without.
async fn own(
    agent: &Agent,
    repo: &Repo,
    base_sha: &str,
    heads: &[String],
) -> anyhow::Result<Result<InRepoJobs, String>> {
    let full = full_name(repo);
    if !agent.config.prow.in_repo_config.is_enabled(&full) {
        return Ok(Ok(InRepoJobs::default()));
    }
    match agent.in_repo.read(repo, base_sha, heads, &agent.config).await {
        Ok(own) => Ok(Ok(own)),
        Err(InRepoError::Unavailable(text)) if !agent.cause.last_try => {
            Err(anyhow::anyhow!("the job definitions in {full} could not be read: {text}"))
        }
        Err(error) => {
            tracing::info!(repo = full, "only central jobs are used: {error}");
            Ok(Err(error.to_string()))
        }
    }
}

/// Tells the author that the definitions in the pull request are not usable: once per head.
pub async fn complain(agent: &Agent, pull: &PullRequest, broken: &str) -> anyhow::Result<()> {
    let (org, repo) = (&pull.base.repo.owner.login, &pull.base.repo.name);
    let mark = format!("<!-- bowsprit:in-repo-config {} -->", pull.head.sha);
    let bot = agent.forge().bot_user().await?;
    let comments = agent.forge().list_issue_comments(org, repo, pull.number).await?;
    if comments.iter().any(|c| bot.is(&c.user.login) && c.body.contains(&mark)) {
        return Ok(());
    }
    // The text quotes the pull request's own files; a fence longer than any run of backticks in
    // it keeps it text.
    let fence = "`".repeat(longest_run(broken, '`').max(2) + 1);
    let body = format!(
        "@{}: The jobs that this pull request defines in `.prow.yaml` or `.prow/` cannot be used, \
         so only the centrally configured jobs run:\n\n{fence}\n{broken}\n{fence}\n\n\
         If this is a conflict, rebase; otherwise mend the file and push.\n{mark}",
        pull.user.login
    );
    agent.forge().create_comment(org, repo, pull.number, &body).await?;
    Ok(())
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or_default()
}
