//! Repositories: references, commits, statuses, contents.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::IntoResponse,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use forge::model::Status;
use serde_json::json;

use super::{Answer, readable, writable};
use crate::fake_github::{
    FakeGitHub,
    actions::Action,
    documents::Documents,
    repository::{GitRepo, NO_COMMIT},
    server::{Caller, page, query_value},
    world::Refusal,
};

/// Files above this size are given bare only.
const MAX_INLINE_BYTES: usize = 1 << 20;

/// Width of the lines of base64 in answers.
const BASE64_LINE: usize = 60;

fn git_of(
    fake: &FakeGitHub,
    caller: &Caller,
    org: &str,
    repo: &str,
) -> Result<(GitRepo, String), Refusal> {
    let world = fake.inner.world.lock();
    let repository = readable(&world, caller, org, repo)?;
    Ok((repository.git.clone(), repository.default_branch.clone()))
}

pub(in crate::fake_github) async fn repo(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo)): Path<(String, String)>,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let mut document = fake.documents(&world).repo(repository);
    let permission = world.permission(repository, &caller.login);
    document["permissions"] = json!({
        "pull": permission != "none",
        "push": matches!(permission.as_str(), "write" | "maintain" | "admin"),
        "admin": permission == "admin",
    });
    Ok(Json(document).into_response())
}

pub(in crate::fake_github) async fn reference(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, name)): Path<(String, String, String)>,
) -> Answer {
    let (git, _) = git_of(&fake, &caller, &org, &repo)?;
    let full = format!("refs/{name}");
    let refs = git.refs().await?;
    let found = refs.into_iter().find(|(known, _)| *known == full);
    let (_, sha) = found.ok_or_else(Refusal::not_found)?;
    let body = json!({ "ref": full, "object": { "type": "commit", "sha": sha } });
    Ok(Json(body).into_response())
}

pub(in crate::fake_github) async fn drop_ref(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, name)): Path<(String, String, String)>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    let branch = name.strip_prefix("heads/").ok_or_else(Refusal::not_found)?;
    let action = Action::DeleteBranch { branch: branch.to_owned() };
    fake.act_for(&caller, &org, &repo, action)
        .await
        .map_err(|_| Refusal::invalid("Reference does not exist"))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `commits/<ref>`, `commits/<ref>/status` and `commits/<ref>/statuses`; a reference may hold
/// slashes.
pub(in crate::fake_github) async fn commit(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, rest)): Path<(String, String, String)>,
    uri: Uri,
) -> Answer {
    let (git, _) = git_of(&fake, &caller, &org, &repo)?;
    let (reference, part) = match rest.rsplit_once('/') {
        Some((reference, part @ ("status" | "statuses"))) => (reference, part),
        _ => (rest.as_str(), ""),
    };
    let missing = || Refusal::invalid(format!("No commit found for SHA: {reference}"));
    let sha = git.resolve(reference).await.ok_or_else(missing)?;
    if part.is_empty() {
        let commits = git.pushed(NO_COMMIT, &sha).await?;
        let commit = commits.into_iter().next().ok_or_else(missing)?;
        let body = json!({
            "sha": commit.sha,
            "commit": {
                "message": commit.message,
                "author": { "name": commit.author, "date": commit.at.rfc3339() },
            },
        });
        return Ok(Json(body).into_response());
    }
    let world = fake.inner.world.lock();
    let repository = world.repo(&org, &repo)?;
    let documents = fake.documents(&world);
    if part == "statuses" {
        let entries = repository
            .statuses
            .iter()
            .rev()
            .filter(|status| status.sha == sha)
            .map(|status| documents.status(status))
            .collect();
        return Ok(page(&fake, &uri, entries, |entries| json!(entries)));
    }
    let latest = repository.latest_statuses(&sha);
    let state = Documents::combined_state(&latest);
    let total = latest.len();
    let entries = latest.iter().map(|status| documents.status(status)).collect();
    Ok(page(
        &fake,
        &uri,
        entries,
        |entries| json!({ "sha": sha, "state": state, "total_count": total, "statuses": entries }),
    ))
}

pub(in crate::fake_github) async fn create_status(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, sha)): Path<(String, String, String)>,
    Json(status): Json<Status>,
) -> Answer {
    writable(&fake.inner.world.lock(), &caller, &org, &repo)?;
    let action = Action::SetStatus { sha, status };
    let outcome = fake.act_for(&caller, &org, &repo, action).await?;
    let world = fake.inner.world.lock();
    let repository = world.repo(&org, &repo)?;
    let row = repository.statuses.iter().find(|status| Some(status.id) == outcome.id);
    let row = row.ok_or_else(Refusal::not_found)?;
    Ok((StatusCode::CREATED, Json(fake.documents(&world).status(row))).into_response())
}

pub(in crate::fake_github) async fn contents(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, path)): Path<(String, String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let (git, default_branch) = git_of(&fake, &caller, &org, &repo)?;
    let reference = query_value(&uri, "ref").unwrap_or(default_branch);
    let missing = || Refusal::new(404, format!("No commit found for the ref {reference}"));
    let commit = git.resolve(&reference).await.ok_or_else(missing)?;
    let Some(bytes) = git.file(&commit, &path).await else {
        let entries = git.folder(&commit, &path).await;
        if entries.is_empty() {
            return Err(Refusal::not_found());
        }
        let entries: Vec<_> =
            entries.iter().map(|(kind, path)| json!({ "type": kind, "path": path })).collect();
        return Ok(Json(json!(entries)).into_response());
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
    Ok(Json(document).into_response())
}
