//! Repositories: references, commits, statuses, contents.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use forge::model::Status;
use serde_json::{Value, json};

use super::Answer;
use super::ask::{Ask, shown};
use crate::fake_github::{
    actions::Action,
    documents::Documents,
    repository::{GitRepo, NO_COMMIT, Pushed},
    world::Refusal,
};

/// Files above this size are given bare only.
const MAX_INLINE_BYTES: usize = 1 << 20;

/// Width of the lines of base64 in answers.
const BASE64_LINE: usize = 60;

impl Ask {
    /// The repository's git, and its default branch.
    fn git(&self) -> Result<(GitRepo, String), Refusal> {
        let world = self.world();
        let repository = self.readable(&world)?;
        Ok((repository.git.clone(), repository.default_branch.clone()))
    }
}

/// A commit as lists and single answers show it.
pub(super) fn commit_document(commit: &Pushed) -> Value {
    json!({
        "sha": commit.sha,
        "commit": {
            "message": commit.message,
            "author": { "name": commit.author, "date": commit.at.rfc3339() },
        },
    })
}

pub(in crate::fake_github) async fn repo(ask: Ask) -> Answer {
    let world = ask.world();
    let repository = ask.readable(&world)?;
    let mut document = ask.documents(&world).repo(repository);
    let permission = world.permission(repository, &ask.caller.login);
    document["permissions"] = json!({
        "pull": permission != "none",
        "push": matches!(permission.as_str(), "write" | "maintain" | "admin"),
        "admin": permission == "admin",
    });
    shown(document)
}

pub(in crate::fake_github) async fn reference(ask: Ask) -> Answer {
    let name = ask.part("name");
    let (git, _) = ask.git()?;
    let full = format!("refs/{name}");
    let refs = git.refs().await?;
    let found = refs.into_iter().find(|(known, _)| *known == full);
    let (_, sha) = found.ok_or_else(Refusal::not_found)?;
    shown(json!({ "ref": full, "object": { "type": "commit", "sha": sha } }))
}

pub(in crate::fake_github) async fn drop_ref(ask: Ask) -> Answer {
    let name = ask.part("name");
    ask.writable(&ask.world())?;
    let branch = name.strip_prefix("heads/").ok_or_else(Refusal::not_found)?;
    let action = Action::DeleteBranch { branch: branch.to_owned() };
    ask.act(action).await.map_err(|_| Refusal::invalid("Reference does not exist"))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `commits/<ref>`, `commits/<ref>/status` and `commits/<ref>/statuses`; a reference may hold
/// slashes.
pub(in crate::fake_github) async fn commit(ask: Ask) -> Answer {
    let rest = ask.part("rest");
    let (git, _) = ask.git()?;
    let (reference, part) = match rest.rsplit_once('/') {
        Some((reference, part @ ("status" | "statuses"))) => (reference, part),
        _ => (rest, ""),
    };
    let missing = || Refusal::invalid(format!("No commit found for SHA: {reference}"));
    let sha = git.resolve(reference).await.ok_or_else(missing)?;
    if part.is_empty() {
        let commits = git.pushed(NO_COMMIT, &sha).await?;
        let commit = commits.into_iter().next().ok_or_else(missing)?;
        return shown(commit_document(&commit));
    }
    let world = ask.world();
    let repository = ask.readable(&world)?;
    let documents = ask.documents(&world);
    if part == "statuses" {
        let entries = repository
            .statuses
            .iter()
            .rev()
            .filter(|status| status.sha == sha)
            .map(|status| documents.status(status))
            .collect();
        return ask.page(entries);
    }
    let latest = repository.latest_statuses(&sha);
    let state = Documents::combined_state(&latest);
    let total = latest.len();
    let entries = latest.iter().map(|status| documents.status(status)).collect();
    ask.page_in(
        entries,
        |entries| json!({ "sha": sha, "state": state, "total_count": total, "statuses": entries }),
    )
}

pub(in crate::fake_github) async fn create_status(ask: Ask, Json(status): Json<Status>) -> Answer {
    let sha = ask.part("sha");
    ask.writable(&ask.world())?;
    let action = Action::SetStatus { sha: sha.to_owned(), status };
    let outcome = ask.act(action).await?;
    let world = ask.world();
    let repository = ask.readable(&world)?;
    let row = repository.statuses.iter().find(|status| Some(status.id) == outcome.id);
    let row = row.ok_or_else(Refusal::not_found)?;
    Ok((StatusCode::CREATED, Json(ask.documents(&world).status(row))).into_response())
}

pub(in crate::fake_github) async fn contents(ask: Ask, headers: HeaderMap) -> Answer {
    let path = ask.part("path");
    let (git, default_branch) = ask.git()?;
    let reference = ask.query("ref").unwrap_or(default_branch);
    let missing = || Refusal::new(404, format!("No commit found for the ref {reference}"));
    let commit = git.resolve(&reference).await.ok_or_else(missing)?;
    let Some(bytes) = git.file(&commit, path).await else {
        let entries = git.folder(&commit, path).await;
        if entries.is_empty() {
            return Err(Refusal::not_found());
        }
        let entries: Vec<_> =
            entries.iter().map(|(kind, path)| json!({ "type": kind, "path": path })).collect();
        return shown(json!(entries));
    };
    let raw = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("raw"));
    if raw {
        let kind = [(header::CONTENT_TYPE, "application/vnd.github.raw+json; charset=utf-8")];
        return Ok((kind, bytes).into_response());
    }
    let mut document = json!({
        "type": "file",
        "name": path.rsplit('/').next(),
        "path": path,
        "size": bytes.len(),
        "encoding": "none",
        "content": "",
    });
    if bytes.len() <= MAX_INLINE_BYTES {
        let encoded = BASE64_STANDARD.encode(&bytes);
        let lines: Vec<&str> = encoded
            .as_bytes()
            .chunks(BASE64_LINE)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        document["encoding"] = json!("base64");
        document["content"] = json!(lines.join("\n") + "\n");
    }
    shown(document)
}
