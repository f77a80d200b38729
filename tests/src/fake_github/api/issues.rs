//! Issues, labels and comments; pull requests are issues, too.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::IntoResponse,
};
use go_compat::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, readable, writable};
use crate::fake_github::{
    FakeGitHub,
    actions::Action,
    server::{Caller, page, query_value},
    world::Refusal,
};

type At = Path<(String, String, u64)>;

pub(in crate::fake_github) async fn issue(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let issue = world.issue(&org, &repo, number)?;
    Ok(Json(fake.documents(&world).issue(repository, issue)).into_response())
}

/// What may be changed of an issue.
#[derive(Deserialize)]
pub(in crate::fake_github) struct IssuePatch {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

pub(in crate::fake_github) async fn edit(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    Json(patch): Json<IssuePatch>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    let IssuePatch { title, body, state } = patch;
    if title.is_some() || body.is_some() {
        let action = Action::Edit { number, title, body, base: None };
        fake.act_for(&caller, &org, &repo, action).await?;
    }
    fake.set_open(&caller, &org, &repo, number, state.as_deref()).await?;
    issue(State(fake), Extension(caller), Path((org, repo, number))).await
}

impl FakeGitHub {
    /// Closes or opens again, as a `state` in an edit asks for.
    pub(in crate::fake_github) async fn set_open(
        &self,
        caller: &Caller,
        org: &str,
        repo: &str,
        number: u64,
        state: Option<&str>,
    ) -> Result<(), Refusal> {
        let action = match state {
            Some("closed") => Action::Close { number },
            Some("open") => Action::Reopen { number },
            _ => return Ok(()),
        };
        self.act_for(caller, org, repo, action).await.map(drop)
    }
}

pub(in crate::fake_github) async fn repo_labels(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let documents = fake.documents(&world);
    let entries = repository.labels.iter().map(|name| documents.label(repository, name)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn labels(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let documents = fake.documents(&world);
    let issue = world.issue(&org, &repo, number)?;
    let entries = issue.labels.iter().map(|name| documents.label(repository, name)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

/// Labels to be added.
#[derive(Deserialize)]
pub(in crate::fake_github) struct LabelNames {
    labels: Vec<String>,
}

pub(in crate::fake_github) async fn add_labels(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
    Json(names): Json<LabelNames>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    for label in names.labels {
        fake.act_for(&caller, &org, &repo, Action::Label { number, label }).await?;
    }
    labels(State(fake), Extension(caller), Path((org, repo, number)), uri).await
}

pub(in crate::fake_github) async fn remove_label(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number, label)): Path<(String, String, u64, String)>,
    uri: Uri,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    fake.act_for(&caller, &org, &repo, Action::Unlabel { number, label }).await?;
    labels(State(fake), Extension(caller), Path((org, repo, number)), uri).await
}

/// Users to be assigned.
#[derive(Deserialize)]
pub(in crate::fake_github) struct Assignees {
    assignees: Vec<String>,
}

pub(in crate::fake_github) async fn assign(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    Json(body): Json<Assignees>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    for user in body.assignees {
        let may = {
            let world = fake.inner.world.lock();
            let permission = world.permission(world.repo(&org, &repo)?, &user);
            !matches!(permission.as_str(), "none" | "read")
        };
        // Who may not be assigned is left out without a word.
        if may {
            fake.act_for(&caller, &org, &repo, Action::Assign { number, user }).await?;
        }
    }
    let shown = issue(State(fake), Extension(caller), Path((org, repo, number))).await?;
    Ok((StatusCode::CREATED, shown.into_body()).into_response())
}

pub(in crate::fake_github) async fn comments(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    uri: Uri,
) -> Answer {
    let since = query_value(&uri, "since")
        .and_then(|text| Timestamp::parse_rfc3339(&text).ok())
        .unwrap_or(Timestamp::EPOCH);
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let documents = fake.documents(&world);
    let entries = world
        .issue(&org, &repo, number)?
        .comments
        .iter()
        .filter(|comment| comment.updated_at >= since)
        .map(|comment| documents.comment(repository, number, comment))
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

/// The text of a comment.
#[derive(Deserialize)]
pub(in crate::fake_github) struct CommentBody {
    body: String,
}

pub(in crate::fake_github) async fn create_comment(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, number)): At,
    Json(text): Json<CommentBody>,
) -> Answer {
    let action = Action::Comment { number, body: text.body };
    let outcome = fake.act_for(&caller, &org, &repo, action).await?;
    let shown = shown_comment(&fake, &org, &repo, outcome.id)?;
    Ok((StatusCode::CREATED, shown).into_response())
}

pub(in crate::fake_github) async fn edit_comment(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, id)): At,
    Json(text): Json<CommentBody>,
) -> Answer {
    let action = Action::EditComment { id, body: text.body };
    fake.act_for(&caller, &org, &repo, action).await?;
    Ok(shown_comment(&fake, &org, &repo, Some(id))?.into_response())
}

pub(in crate::fake_github) async fn delete_comment(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, id)): At,
) -> Answer {
    fake.act_for(&caller, &org, &repo, Action::DeleteComment { id }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown_comment(
    fake: &FakeGitHub,
    org: &str,
    repo: &str,
    id: Option<u64>,
) -> Result<Json<Value>, Refusal> {
    let world = fake.inner.world.lock();
    let repository = world.repo(org, repo)?;
    let found = repository.issues.values().find_map(|issue| {
        let comment = issue.comments.iter().find(|comment| Some(comment.id) == id)?;
        Some(fake.documents(&world).comment(repository, issue.number, comment))
    });
    found.map(Json).ok_or_else(Refusal::not_found)
}
