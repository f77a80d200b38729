//! Runs of GitHub Actions workflows.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::IntoResponse,
};
use forge::model::WorkflowRun;
use serde_json::json;

use super::{Answer, readable, writable};
use crate::fake_github::{
    FakeGitHub,
    server::{Caller, page, query_value},
    world::Refusal,
};

type At = Path<(String, String, u64)>;

pub(in crate::fake_github) async fn list(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let wished = |name: &str| query_value(&uri, name);
    let (sha, branch) = (wished("head_sha"), wished("branch"));
    let (event, status) = (wished("event"), wished("status"));
    let fits =
        |wish: &Option<String>, value: &str| wish.as_deref().is_none_or(|wish| wish == value);
    let world = fake.inner.world.lock();
    let repository = readable(&world, &caller, &org, &repo)?;
    let entries: Vec<_> = repository
        .runs
        .iter()
        .filter(|run| fits(&sha, &run.head_sha) && fits(&branch, &run.head_branch))
        .filter(|run| {
            let events = event.as_deref();
            events.is_none_or(|events| events.split(" OR ").any(|event| event == run.event))
        })
        // The parameter stands for the status or the conclusion.
        .filter(|run| fits(&status, &run.status) || fits(&status, &run.conclusion))
        .map(|run| json!(run))
        .collect();
    let total = entries.len();
    Ok(page(
        &fake,
        &uri,
        entries,
        |entries| json!({ "total_count": total, "workflow_runs": entries }),
    ))
}

pub(in crate::fake_github) async fn approve(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    at: At,
) -> Answer {
    change(&fake, &caller, at, |run| {
        if run.status != "action_required" && run.conclusion != "action_required" {
            return Err(Refusal::not_found());
        }
        run.status = "queued".to_owned();
        run.conclusion = String::new();
        Ok(())
    })
}

pub(in crate::fake_github) async fn rerun(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    at: At,
) -> Answer {
    change(&fake, &caller, at, start_again)
}

pub(in crate::fake_github) async fn rerun_failed(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    at: At,
) -> Answer {
    change(&fake, &caller, at, |run| {
        if run.status == "completed" && !run.failed() {
            return Err(Refusal::new(403, "The workflow run has no failed jobs"));
        }
        start_again(run)
    })
}

fn start_again(run: &mut WorkflowRun) -> Result<(), Refusal> {
    if run.status != "completed" {
        return Err(Refusal::new(403, "This workflow is already running"));
    }
    run.status = "queued".to_owned();
    run.conclusion = String::new();
    Ok(())
}

fn change(
    fake: &FakeGitHub,
    caller: &Caller,
    Path((org, repo, id)): At,
    change: impl FnOnce(&mut WorkflowRun) -> Result<(), Refusal>,
) -> Answer {
    let mut world = fake.inner.world.lock();
    writable(&world, caller, &org, &repo)?;
    let repository = world.repo_mut(&org, &repo)?;
    let run = repository.runs.iter_mut().find(|run| run.id == id);
    change(run.ok_or_else(Refusal::not_found)?)?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}
