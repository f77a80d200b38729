//! Pull requests: documents, files, commits, reviews, merging.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::Uri,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, readable, writable};
use crate::fake_github::{
    FakeGitHub,
    actions::Action,
    repository::GitRepo,
    server::{Caller, page, query_value},
    world::Refusal,
};

/// How many files of a pull request are listed at most.
const MAX_FILES: usize = 3_000;

type At = Path<(String, String, u64)>;

pub(in crate::fake_github) async fn list(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let state = query_value(&uri, "state").unwrap_or_else(|| "open".to_owned());
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let documents = fake.documents(&world);
    // Newest first, as the API lists them.
    let entries = repository
        .issues
        .values()
        .rev()
        .filter(|issue| state == "all" || issue.open == (state == "open"))
        .filter_map(|issue| Some(documents.pull(repository, issue, issue.pull.as_ref()?)))
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn pull(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let issue = world.issue(&org, &repo, number)?;
    let pull = issue.pull.as_ref().ok_or_else(Refusal::not_found)?;
    Ok(Json(fake.documents(&world).pull(repository, issue, pull)).into_response())
}

/// What may be changed of a pull request.
#[derive(Deserialize)]
pub(in crate::fake_github) struct PullPatch {
    title: Option<String>,
    body: Option<String>,
    base: Option<String>,
    state: Option<String>,
}

pub(in crate::fake_github) async fn edit(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    Json(patch): Json<PullPatch>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    let PullPatch { title, body, base, state } = patch;
    if title.is_some() || body.is_some() || base.is_some() {
        let action = Action::Edit { number, title, body, base };
        fake.act_for(&caller, &org, &repo, action).await?;
    }
    fake.set_open(&caller, &org, &repo, number, state.as_deref()).await?;
    pull(State(fake), Extension(caller), Path((org, repo, number))).await
}

/// The repository and the two ends of a pull request's own changes.
async fn ends(
    fake: &FakeGitHub,
    caller: &Caller,
    org: &str,
    repo: &str,
    number: u64,
) -> Result<(GitRepo, String, String), Refusal> {
    let (git, base_ref, head) = {
        let world = fake.inner.world.lock();
        let repository = readable(&world, caller, org, repo)?;
        let pull = world.issue(org, repo, number)?.pull.as_ref().ok_or_else(Refusal::not_found)?;
        (repository.git.clone(), pull.base_ref.clone(), pull.head_sha.clone())
    };
    let base = git.resolve(&format!("refs/heads/{base_ref}")).await;
    let base = base.ok_or_else(Refusal::not_found)?;
    let fork = git.merge_base(&base, &head).await.unwrap_or(base);
    Ok((git, fork, head))
}

pub(in crate::fake_github) async fn files(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let (git, fork, head) = ends(&fake, &caller, &org, &repo, number).await?;
    let files = git.changes(&fork, &head).await?;
    let entries = files.iter().take(MAX_FILES).map(|file| json!(file)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn commits(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let (git, fork, head) = ends(&fake, &caller, &org, &repo, number).await?;
    let commits = git.pushed(&fork, &head).await?;
    let entries = commits
        .iter()
        .map(|commit| {
            json!({
                "sha": commit.sha,
                "commit": {
                    "message": commit.message,
                    "author": { "name": commit.author, "date": commit.at.rfc3339() },
                },
            })
        })
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn reviews(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let issue = world.issue(&org, &repo, number)?;
    let documents = fake.documents(&world);
    let entries: Vec<Value> = issue
        .reviews
        .iter()
        .map(|review| documents.review(repository, number, review, false))
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn comments(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let issue = world.issue(&org, &repo, number)?;
    let documents = fake.documents(&world);
    let entries: Vec<Value> = issue
        .review_comments
        .iter()
        .map(|comment| documents.review_comment(repository, number, comment))
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

/// How to merge, and which head is meant.
#[derive(Deserialize)]
pub(in crate::fake_github) struct MergeRequest {
    #[serde(default)]
    merge_method: String,
    #[serde(default)]
    sha: String,
}

pub(in crate::fake_github) async fn merge(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    Json(request): Json<MergeRequest>,
) -> Answer {
    let head = {
        let world = fake.inner.world.lock();
        writable(&world, &caller, &org, &repo)?;
        let issue = world.issue(&org, &repo, number)?;
        issue.pull.as_ref().ok_or_else(Refusal::not_found)?.head_sha.clone()
    };
    if !request.sha.is_empty() && request.sha != head {
        return Err(Refusal::new(409, "Head branch was modified. Review and try the merge again."));
    }
    let squash = match request.merge_method.as_str() {
        "" | "merge" => false,
        "squash" => true,
        _ => return Err(Refusal::new(405, "Rebase merges are not allowed on this repository.")),
    };
    let outcome = fake.act_for(&caller, &org, &repo, Action::Merge { number, squash }).await?;
    let body = json!({
        "sha": outcome.sha,
        "merged": true,
        "message": "Pull Request successfully merged",
    });
    Ok(Json(body).into_response())
}
