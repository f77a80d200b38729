//! Pull requests: documents, files, commits, reviews, merging.

use axum::Json;
use serde::Deserialize;
use serde_json::json;

use super::Answer;
use super::ask::{Ask, shown};
use super::repos::commit_document;
use crate::fake_github::{
    actions::Action,
    repository::GitRepo,
    world::{Pull, Refusal, Repository, World},
};

/// How many files of a pull request are listed at most.
const MAX_FILES: usize = 3_000;

impl Ask {
    /// The pull request, if the caller may read its repository.
    fn pull<'a>(&self, world: &'a World) -> Result<(&'a Repository, &'a Pull), Refusal> {
        let (repository, issue) = self.issue(world)?;
        Ok((repository, issue.pull.as_ref().ok_or_else(Refusal::not_found)?))
    }

    /// The repository and the two ends of a pull request's own changes.
    async fn ends(&self) -> Result<(GitRepo, String, String), Refusal> {
        let (git, base_ref, head) = {
            let world = self.world();
            let (repository, pull) = self.pull(&world)?;
            (repository.git.clone(), pull.base_ref.clone(), pull.head_sha.clone())
        };
        let base = git.resolve(&format!("refs/heads/{base_ref}")).await;
        let base = base.ok_or_else(Refusal::not_found)?;
        let fork = git.merge_base(&base, &head).await.unwrap_or(base);
        Ok((git, fork, head))
    }
}

pub(in crate::fake_github) async fn list(ask: Ask) -> Answer {
    let state = ask.query("state").unwrap_or_else(|| "open".to_owned());
    let world = ask.world();
    let (repository, documents) = (ask.readable(&world)?, ask.documents(&world));
    // Newest first, as the API lists them.
    let wanted = repository.issues.values().rev();
    let wanted = wanted.filter(|issue| state == "all" || issue.open == (state == "open"));
    ask.page(
        wanted
            .filter_map(|issue| Some(documents.pull(repository, issue, issue.pull.as_ref()?)))
            .collect(),
    )
}

pub(in crate::fake_github) async fn pull(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    let (_, pull) = ask.pull(&world)?;
    shown(ask.documents(&world).pull(repository, issue, pull))
}

/// What may be changed of a pull request.
#[derive(Deserialize)]
pub(in crate::fake_github) struct PullPatch {
    title: Option<String>,
    body: Option<String>,
    base: Option<String>,
    state: Option<String>,
}

pub(in crate::fake_github) async fn edit(ask: Ask, Json(patch): Json<PullPatch>) -> Answer {
    let PullPatch { title, body, base, state } = patch;
    ask.edit(title, body, base, state).await?;
    pull(ask).await
}

pub(in crate::fake_github) async fn files(ask: Ask) -> Answer {
    let (git, fork, head) = ask.ends().await?;
    let files = git.changes(&fork, &head).await?;
    ask.page(files.iter().take(MAX_FILES).map(|file| json!(file)).collect())
}

pub(in crate::fake_github) async fn commits(ask: Ask) -> Answer {
    let (git, fork, head) = ask.ends().await?;
    let commits = git.pushed(&fork, &head).await?;
    ask.page(commits.iter().map(commit_document).collect())
}

pub(in crate::fake_github) async fn reviews(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    let (documents, number) = (ask.documents(&world), issue.number);
    let reviews = issue.reviews.iter();
    ask.page(reviews.map(|one| documents.review(repository, number, one, false)).collect())
}

pub(in crate::fake_github) async fn comments(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    let (documents, number) = (ask.documents(&world), issue.number);
    let comments = issue.review_comments.iter();
    ask.page(comments.map(|one| documents.review_comment(repository, number, one)).collect())
}

/// How to merge, and which head is meant.
#[derive(Deserialize)]
pub(in crate::fake_github) struct MergeRequest {
    #[serde(default)]
    merge_method: String,
    #[serde(default)]
    sha: String,
}

pub(in crate::fake_github) async fn merge(ask: Ask, Json(request): Json<MergeRequest>) -> Answer {
    let head = {
        let world = ask.world();
        ask.writable(&world)?;
        ask.pull(&world)?.1.head_sha.clone()
    };
    if !request.sha.is_empty() && request.sha != head {
        return Err(Refusal::new(409, "Head branch was modified. Review and try the merge again."));
    }
    let squash = match request.merge_method.as_str() {
        "" | "merge" => false,
        "squash" => true,
        _ => return Err(Refusal::new(405, "Rebase merges are not allowed on this repository.")),
    };
    let outcome = ask.act(Action::Merge { number: ask.number()?, squash }).await?;
    shown(json!({
        "sha": outcome.sha,
        "merged": true,
        "message": "Pull Request successfully merged",
    }))
}
