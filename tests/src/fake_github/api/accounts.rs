//! Users, organizations, teams, collaborators, and the App.

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, Uri, header},
    response::IntoResponse,
};
use serde_json::json;

use super::ask::{Ask, shown};
use super::{Answer, signed_in};
use crate::fake_github::{
    FakeGitHub,
    server::{Caller, page},
    world::{App, Refusal, Team, Token, World, key},
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

/// The App, if it is the caller itself.
fn app_of<'a>(world: &'a World, caller: &Caller) -> Result<&'a App, Refusal> {
    let app = world.app.as_ref().filter(|_| caller.app);
    app.ok_or_else(|| Refusal::new(401, "A JSON web token could not be decoded"))
}

pub(in crate::fake_github) async fn app(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let world = fake.inner.world.lock();
    let app = app_of(&world, &caller)?;
    Ok(Json(json!({ "id": app.id, "slug": app.slug, "name": app.slug })).into_response())
}

pub(in crate::fake_github) async fn installations(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    let app = app_of(&world, &caller)?;
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
    let app = app_of(&world, &caller)?.clone();
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

pub(in crate::fake_github) async fn members(ask: Ask) -> Answer {
    let world = ask.world();
    let found = world.orgs.get(&key(&ask.org)).ok_or_else(Refusal::not_found)?;
    let documents = ask.documents(&world);
    ask.page(found.members.iter().map(|login| documents.user(login)).collect())
}

/// 204 or 404 for members who ask; others are sent to the public members.
pub(in crate::fake_github) async fn is_member(ask: Ask) -> Answer {
    let (world, org, user) = (ask.world(), ask.org.as_str(), ask.part("user"));
    if !world.orgs.contains_key(&key(org)) {
        return Err(Refusal::not_found());
    }
    let caller = &ask.caller;
    let insider = world.is_member(org, &caller.login) || super::is_installed(&world, caller, org);
    if !insider {
        let location = format!("{}/orgs/{org}/public_members/{user}", ask.fake.inner.base);
        return Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response());
    }
    if world.is_member(org, user) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::not_found())
    }
}

pub(in crate::fake_github) async fn teams(ask: Ask) -> Answer {
    let world = ask.world();
    let found = world.orgs.get(&key(&ask.org)).ok_or_else(Refusal::not_found)?;
    let documents = ask.documents(&world);
    ask.page(found.teams.iter().map(|(slug, one)| documents.team(&ask.org, slug, one)).collect())
}

impl Ask {
    fn team<'a>(&self, world: &'a World) -> Result<&'a Team, Refusal> {
        let org = world.orgs.get(&key(&self.org));
        let team = org.and_then(|org| org.teams.get(&key(self.part("slug"))));
        team.ok_or_else(Refusal::not_found)
    }
}

pub(in crate::fake_github) async fn team_members(ask: Ask) -> Answer {
    let world = ask.world();
    let (team, documents) = (ask.team(&world)?, ask.documents(&world));
    ask.page(team.members.iter().map(|login| documents.user(login)).collect())
}

pub(in crate::fake_github) async fn team_membership(ask: Ask) -> Answer {
    if !ask.team(&ask.world())?.members.contains(&key(ask.part("user"))) {
        return Err(Refusal::not_found());
    }
    shown(json!({ "role": "member", "state": "active" }))
}

pub(in crate::fake_github) async fn collaborators(ask: Ask) -> Answer {
    let world = ask.world();
    let (repository, documents) = (ask.readable(&world)?, ask.documents(&world));
    let org = world.orgs.get(&key(&ask.org));
    let mut logins = org.map(|org| org.members.clone()).unwrap_or_default();
    logins.extend(repository.collaborators.keys().cloned());
    ask.page(logins.iter().map(|login| documents.user(login)).collect())
}

pub(in crate::fake_github) async fn is_collaborator(ask: Ask) -> Answer {
    let (world, user) = (ask.world(), ask.part("user"));
    let repository = ask.readable(&world)?;
    let permission = world.permission(repository, user);
    let outsider = matches!(permission.as_str(), "none" | "read");
    if outsider && !repository.collaborators.contains_key(&key(user)) {
        return Err(Refusal::not_found());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(in crate::fake_github) async fn permission(ask: Ask) -> Answer {
    let (world, user) = (ask.world(), ask.part("user"));
    let permission = world.permission(ask.readable(&world)?, user);
    shown(json!({ "permission": permission, "user": ask.documents(&world).user(user) }))
}
