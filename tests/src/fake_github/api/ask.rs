//! What every call about a repository begins with.

use axum::{
    Extension, Json,
    extract::{FromRequestParts, RawPathParams},
    http::{Uri, request::Parts},
    response::{IntoResponse, Response},
};
use parking_lot::MutexGuard;
use serde_json::{Value, json};

use super::{Answer, readable, writable};
use crate::fake_github::{
    FakeGitHub,
    actions::{Action, Outcome},
    documents::Documents,
    server::{Caller, page, query_value},
    world::{Issue, Refusal, Repository, World},
};

/// Who asks, and of what: the parts of the path by their names in the route.
pub(in crate::fake_github) struct Ask {
    pub(super) fake: FakeGitHub,
    pub(super) caller: Caller,
    pub(super) org: String,
    pub(super) repo: String,
    pub(super) uri: Uri,
    parts: Vec<(String, String)>,
}

impl FromRequestParts<FakeGitHub> for Ask {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, fake: &FakeGitHub) -> Result<Ask, Response> {
        let refused =
            |rejection: axum::extract::rejection::RawPathParamsRejection| rejection.into_response();
        let path = RawPathParams::from_request_parts(parts, fake).await.map_err(refused)?;
        let caller = Extension::<Caller>::from_request_parts(parts, fake).await;
        let Extension(caller) = caller.map_err(IntoResponse::into_response)?;
        let mut ask = Ask {
            fake: fake.clone(),
            caller,
            org: String::new(),
            repo: String::new(),
            uri: parts.uri.clone(),
            parts: path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        ask.org = ask.part("org").to_owned();
        ask.repo = ask.part("repo").to_owned();
        Ok(ask)
    }
}

impl Ask {
    /// A part of the path; empty if the route has none of that name.
    pub(super) fn part(&self, name: &str) -> &str {
        let found = self.parts.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A part of the path that is a number.
    pub(super) fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.part(name).parse().map_err(|_| Refusal::not_found())
    }

    /// The number of an issue or pull request.
    pub(super) fn number(&self) -> Result<u64, Refusal> {
        self.id("number")
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        query_value(&self.uri, name)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.fake.inner.world.lock()
    }

    pub(super) fn documents<'a>(&'a self, world: &'a World) -> Documents<'a> {
        self.fake.documents(world)
    }

    /// The repository, if the caller may read it.
    pub(super) fn readable<'a>(&self, world: &'a World) -> Result<&'a Repository, Refusal> {
        readable(world, &self.caller, &self.org, &self.repo)
    }

    /// The issue, if the caller may read its repository.
    pub(super) fn issue<'a>(
        &self,
        world: &'a World,
    ) -> Result<(&'a Repository, &'a Issue), Refusal> {
        let repository = self.readable(world)?;
        Ok((repository, world.issue(&self.org, &self.repo, self.number()?)?))
    }

    /// Refuses a caller that may not write to the repository.
    pub(super) fn writable(&self, world: &World) -> Result<(), Refusal> {
        writable(world, &self.caller, &self.org, &self.repo)
    }

    /// Does something in the caller's name.
    pub(super) async fn act(&self, action: Action) -> Result<Outcome, Refusal> {
        self.fake.act_for(&self.caller, &self.org, &self.repo, action).await
    }

    /// The page of a list that the query asks for.
    pub(super) fn page(&self, entries: Vec<Value>) -> Answer {
        self.page_in(entries, |entries| json!(entries))
    }

    /// As [`Ask::page`], within a document.
    pub(super) fn page_in(
        &self,
        entries: Vec<Value>,
        wrap: impl FnOnce(Vec<Value>) -> Value,
    ) -> Answer {
        Ok(page(&self.fake, &self.uri, entries, wrap))
    }
}

/// A document as the whole answer.
pub(super) fn shown(document: Value) -> Answer {
    Ok(Json(document).into_response())
}
