//! The REST calls, by subject.

pub(super) mod accounts;
mod ask;
pub(super) mod deliveries;
pub(super) mod issues;
pub(super) mod pulls;
pub(super) mod repos;
pub(super) mod runs;
pub(super) mod search;

use axum::response::Response;

use super::{
    FakeGitHub,
    actions::{Action, Outcome},
    documents::Documents,
    server::Caller,
    world::{Refusal, Repository, World},
};

/// What a handler gives.
type Answer = Result<Response, Refusal>;

impl FakeGitHub {
    /// Renders documents of the world that is locked.
    pub(super) fn documents<'a>(&'a self, world: &'a World) -> Documents<'a> {
        Documents { world, base: &self.inner.base }
    }

    /// Does an action for an API call; its webhooks follow in the background.
    async fn act_for(
        &self,
        caller: &Caller,
        org: &str,
        repo: &str,
        action: Action,
    ) -> Result<Outcome, Refusal> {
        signed_in(caller)?;
        let (outcome, emissions) = self.act(&caller.login, org, repo, action).await?;
        let ids = self.log_deliveries(emissions);
        if !ids.is_empty() {
            self.send_in_background(ids);
        }
        Ok(outcome)
    }
}

/// Refuses callers without a credential.
fn signed_in(caller: &Caller) -> Result<(), Refusal> {
    if caller.login.is_empty() { Err(Refusal::new(401, "Requires authentication")) } else { Ok(()) }
}

/// A repository that the caller may read; any other is said not to exist.
fn readable<'a>(
    world: &'a World,
    caller: &Caller,
    org: &str,
    repo: &str,
) -> Result<&'a Repository, Refusal> {
    let repository = world.repo(org, repo)?;
    let hidden =
        world.permission(repository, &caller.login) == "none" && !is_installed(world, caller, org);
    if hidden { Err(Refusal::not_found()) } else { Ok(repository) }
}

/// Refuses callers that may not write to the repository.
fn writable(world: &World, caller: &Caller, org: &str, repo: &str) -> Result<(), Refusal> {
    signed_in(caller)?;
    let repository = readable(world, caller, org, repo)?;
    let permission = world.permission(repository, &caller.login);
    let may = matches!(permission.as_str(), "triage" | "write" | "maintain" | "admin");
    if may || is_installed(world, caller, org) {
        return Ok(());
    }
    Err(Refusal::new(403, "Resource not accessible by personal access token"))
}

/// Whether the caller is the App's installation in this organization.
fn is_installed(world: &World, caller: &Caller, org: &str) -> bool {
    world.app.as_ref().is_some_and(|app| {
        caller.login == format!("{}[bot]", app.slug)
            && app.installations.values().any(|installed| installed.eq_ignore_ascii_case(org))
    })
}
