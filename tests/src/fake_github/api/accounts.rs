//! Users, organizations, teams, collaborators, and the App.

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, Uri, header},
    response::IntoResponse,
};
use serde_json::json;

use super::{Answer, readable, signed_in};
use crate::fake_github::{
    FakeGitHub,
    server::{Caller, page},
    world::{Refusal, Token, key},
};

/// How long an installation token lives.
const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

pub(in crate::fake_github) async fn myself(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    signed_in(&caller)?;
    if caller.app || caller.login.ends_with("[bot]") {
        return Err(Refusal::new(403, "Resource not accessible by integration"));
    }
    let world = fake.inner.world.lock();
    Ok(Json(fake.documents(&world).user(&caller.login)).into_response())
}

pub(in crate::fake_github) async fn user(
    State(fake): State<FakeGitHub>,
    Path(user): Path<String>,
) -> Answer {
    let world = fake.inner.world.lock();
    if !world.accounts.contains_key(&key(&user)) {
        return Err(Refusal::not_found());
    }
    Ok(Json(fake.documents(&world).user(&user)).into_response())
}

pub(in crate::fake_github) async fn app(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let world = fake.inner.world.lock();
    let app = world.app.as_ref().filter(|_| caller.app);
    let app = app.ok_or_else(|| Refusal::new(401, "A JSON web token could not be decoded"))?;
    Ok(Json(json!({ "id": app.id, "slug": app.slug, "name": app.slug })).into_response())
}

pub(in crate::fake_github) async fn installations(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let app = world.app.as_ref().filter(|_| caller.app);
    let app = app.ok_or_else(|| Refusal::new(401, "A JSON web token could not be decoded"))?;
    let documents = fake.documents(&world);
    let entries = app
        .installations
        .iter()
        .map(|(id, org)| json!({ "id": id, "account": documents.user(org) }))
        .collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn installation_token(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
) -> Answer {
    let mut world = fake.inner.world.lock();
    let app = world.app.clone().filter(|_| caller.app);
    let app = app.ok_or_else(|| Refusal::new(401, "A JSON web token could not be decoded"))?;
    if !app.installations.contains_key(&id) {
        return Err(Refusal::not_found());
    }
    let token = format!("ghs_{id}_{}", world.fresh_id());
    let expires_at = fake.inner.clock.now().saturating_add(TOKEN_LIFE);
    let login = format!("{}[bot]", app.slug);
    world.ensure_account(&login, "Bot");
    world.tokens.insert(
        token.clone(),
        Token { login, budget: format!("installation {id}"), expires_at: Some(expires_at) },
    );
    let body = json!({ "token": token, "expires_at": expires_at.rfc3339() });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(in crate::fake_github) async fn members(
    State(fake): State<FakeGitHub>,
    Path(org): Path<String>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let found = world.orgs.get(&key(&org)).ok_or_else(Refusal::not_found)?;
    let documents = fake.documents(&world);
    let entries = found.members.iter().map(|login| documents.user(login)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

/// 204 or 404 for members who ask; others are sent to the public members.
pub(in crate::fake_github) async fn is_member(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, user)): Path<(String, String)>,
) -> Answer {
    let world = fake.inner.world.lock();
    if !world.orgs.contains_key(&key(&org)) {
        return Err(Refusal::not_found());
    }
    let insider =
        world.is_member(&org, &caller.login) || super::is_installed(&world, &caller, &org);
    if !insider {
        let location = format!("{}/orgs/{org}/public_members/{user}", fake.inner.base);
        return Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response());
    }
    if world.is_member(&org, &user) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::not_found())
    }
}

pub(in crate::fake_github) async fn teams(
    State(fake): State<FakeGitHub>,
    Path(org): Path<String>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let found = world.orgs.get(&key(&org)).ok_or_else(Refusal::not_found)?;
    let documents = fake.documents(&world);
    let entries = found.teams.iter().map(|(slug, team)| documents.team(&org, slug, team)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn team_members(
    State(fake): State<FakeGitHub>,
    Path((org, slug)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let found = world.orgs.get(&key(&org)).and_then(|org| org.teams.get(&key(&slug)));
    let team = found.ok_or_else(Refusal::not_found)?;
    let documents = fake.documents(&world);
    let entries = team.members.iter().map(|login| documents.user(login)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn team_membership(
    State(fake): State<FakeGitHub>,
    Path((org, slug, user)): Path<(String, String, String)>,
) -> Answer {
    let world = fake.inner.world.lock();
    let found = world.orgs.get(&key(&org)).and_then(|org| org.teams.get(&key(&slug)));
    let team = found.ok_or_else(Refusal::not_found)?;
    if !team.members.contains(&key(&user)) {
        return Err(Refusal::not_found());
    }
    Ok(Json(json!({ "role": "member", "state": "active" })).into_response())
}

pub(in crate::fake_github) async fn collaborators(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let documents = fake.documents(&world);
    let mut logins = world.orgs.get(&key(&org)).map(|org| org.members.clone()).unwrap_or_default();
    logins.extend(repository.collaborators.keys().cloned());
    let entries = logins.iter().map(|login| documents.user(login)).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn is_collaborator(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, user)): Path<(String, String, String)>,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let permission = world.permission(repository, &user);
    let outsider = matches!(permission.as_str(), "none" | "read");
    if outsider && !repository.collaborators.contains_key(&key(&user)) {
        return Err(Refusal::not_found());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(in crate::fake_github) async fn permission(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, user)): Path<(String, String, String)>,
) -> Answer {
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let permission = world.permission(repository, &user);
    let body = json!({ "permission": permission, "user": fake.documents(&world).user(&user) });
    Ok(Json(body).into_response())
}
