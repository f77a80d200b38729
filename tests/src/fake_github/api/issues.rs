//! Issues, labels and comments; pull requests are issues, too.

use axum::{Json, http::StatusCode, response::IntoResponse};
use go_compat::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Answer;
use super::ask::{Ask, shown};
use crate::fake_github::{actions::Action, world::Refusal};

pub(in crate::fake_github) async fn issue(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    shown(ask.documents(&world).issue(repository, issue))
}

/// What may be changed of an issue.
#[derive(Deserialize)]
pub(in crate::fake_github) struct IssuePatch {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

pub(in crate::fake_github) async fn edit(ask: Ask, Json(patch): Json<IssuePatch>) -> Answer {
    let IssuePatch { title, body, state } = patch;
    ask.edit(title, body, None, state).await?;
    issue(ask).await
}

impl Ask {
    /// Changes an issue or pull request, and closes or opens it as `state` asks for.
    pub(super) async fn edit(
        &self,
        title: Option<String>,
        body: Option<String>,
        base: Option<String>,
        state: Option<String>,
    ) -> Result<(), Refusal> {
        self.writable(&self.world())?;
        let number = self.number()?;
        if title.is_some() || body.is_some() || base.is_some() {
            self.act(Action::Edit { number, title, body, base }).await?;
        }
        let action = match state.as_deref() {
            Some("closed") => Action::Close { number },
            Some("open") => Action::Reopen { number },
            _ => return Ok(()),
        };
        self.act(action).await.map(drop)
    }
}

pub(in crate::fake_github) async fn repo_labels(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, documents) = (ask.readable(&world)?, ask.documents(&world));
    ask.page(repository.labels.iter().map(|name| documents.label(repository, name)).collect())
}

pub(in crate::fake_github) async fn labels(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    let documents = ask.documents(&world);
    ask.page(issue.labels.iter().map(|name| documents.label(repository, name)).collect())
}

/// Labels to be added.
#[derive(Deserialize)]
pub(in crate::fake_github) struct LabelNames {
    labels: Vec<String>,
}

pub(in crate::fake_github) async fn add_labels(ask: Ask, Json(names): Json<LabelNames>) -> Answer {
    ask.writable(&ask.world())?;
    let number = ask.number()?;
    for label in names.labels {
        ask.act(Action::Label { number, label }).await?;
    }
    labels(ask).await
}

pub(in crate::fake_github) async fn remove_label(ask: Ask) -> Answer {
    ask.writable(&ask.world())?;
    let (number, label) = (ask.number()?, ask.part("label").to_owned());
    ask.act(Action::Unlabel { number, label }).await?;
    labels(ask).await
}

/// Users to be assigned.
#[derive(Deserialize)]
pub(in crate::fake_github) struct Assignees {
    assignees: Vec<String>,
}

pub(in crate::fake_github) async fn assign(ask: Ask, Json(body): Json<Assignees>) -> Answer {
    ask.writable(&ask.world())?;
    let number = ask.number()?;
    for user in body.assignees {
        let may = {
            let world = ask.world();
            let permission = world.permission(ask.readable(&world)?, &user);
            !matches!(permission.as_str(), "none" | "read")
        };
        // Who may not be assigned is left out without a word.
        if may {
            ask.act(Action::Assign { number, user }).await?;
        }
    }
    let shown = issue(ask).await?;
    Ok((StatusCode::CREATED, shown.into_body()).into_response())
}

pub(in crate::fake_github) async fn comments(ask: Ask) -> Answer {
    let since = ask
        .query("since")
        .and_then(|text| Timestamp::parse_rfc3339(&text).ok())
        .unwrap_or(Timestamp::EPOCH);
    let world = ask.world();
    let (repository, issue) = ask.issue(&world)?;
    let documents = ask.documents(&world);
    let since = issue.comments.iter().filter(|comment| comment.updated_at >= since);
    ask.page(since.map(|comment| documents.comment(repository, issue.number, comment)).collect())
}

/// The text of a comment.
#[derive(Deserialize)]
pub(in crate::fake_github) struct CommentBody {
    body: String,
}

pub(in crate::fake_github) async fn create_comment(
    ask: Ask,
    Json(text): Json<CommentBody>,
) -> Answer {
    let action = Action::Comment { number: ask.number()?, body: text.body };
    let outcome = ask.act(action).await?;
    let document = ask.comment(outcome.id)?;
    Ok((StatusCode::CREATED, Json(document)).into_response())
}

pub(in crate::fake_github) async fn edit_comment(
    ask: Ask,
    Json(text): Json<CommentBody>,
) -> Answer {
    let id = ask.id("id")?;
    ask.act(Action::EditComment { id, body: text.body }).await?;
    shown(ask.comment(Some(id))?)
}

pub(in crate::fake_github) async fn delete_comment(ask: Ask) -> Answer {
    ask.act(Action::DeleteComment { id: ask.id("id")? }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Ask {
    fn comment(&self, id: Option<u64>) -> Result<Value, Refusal> {
        let world = self.world();
        let repository = self.readable(&world)?;
        let found = repository.issues.values().find_map(|issue| {
            let comment = issue.comments.iter().find(|comment| Some(comment.id) == id)?;
            Some(self.documents(&world).comment(repository, issue.number, comment))
        });
        found.ok_or_else(Refusal::not_found)
    }
}
