//! Postsubmits: what a push to a branch starts.

use std::collections::BTreeSet;

use forge::event::PushEvent;
use job_spec::Refs;

use super::jobs::postsubmits;
use super::run::start_postsubmit;
use crate::plugins::{Agent, Several};

/// The commit of a branch that is gone.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Handles a `push` event. A branch that is deleted starts nothing.
pub async fn handle(agent: &Agent, event: &PushEvent) -> anyhow::Result<()> {
    if event.deleted || event.after == NO_COMMIT {
        return Ok(());
    }
    let branch = event.branch();
    // The code host caps the lists in the payload, so a very large push may miss files.
    let changes: BTreeSet<&String> = event
        .commits
        .iter()
        .flat_map(|commit| commit.added.iter().chain(&commit.removed).chain(&commit.modified))
        .collect();
    let changes: Vec<&String> = changes.into_iter().collect();
    let jobs = postsubmits(agent, &event.repo, &event.after).await?;
    let mut failures = Vec::new();
    for job in jobs.jobs.iter().filter(|job| job.should_run(branch, &changes)) {
        failures.extend(start_postsubmit(agent, job, refs(event)).await.err());
    }
    Several::check(failures)
}

fn refs(event: &PushEvent) -> Refs {
    let owner = &event.repo.owner;
    // In a push the owner has a name and, newer, a login.
    let org = if owner.login.is_empty() { &owner.name } else { &owner.login };
    Refs {
        org: org.clone(),
        repo: event.repo.name.clone(),
        repo_link: event.repo.html_url.clone(),
        base_ref: event.branch().to_owned(),
        base_sha: event.after.clone(),
        base_link: event.compare.clone(),
        ..Refs::default()
    }
}
