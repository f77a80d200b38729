//! Runs of GitHub Actions workflows.

use axum::{Json, http::StatusCode, response::IntoResponse};
use forge::model::WorkflowRun;
use serde_json::json;

use super::Answer;
use super::ask::Ask;
use crate::fake_github::world::Refusal;

pub(in crate::fake_github) async fn list(ask: Ask) -> Answer {
    let wished = |name: &str| ask.query(name);
    let (sha, branch) = (wished("head_sha"), wished("branch"));
    let (event, status) = (wished("event"), wished("status"));
    let fits =
        |wish: &Option<String>, value: &str| wish.as_deref().is_none_or(|wish| wish == value);
    let world = ask.world();
    let repository = ask.readable(&world)?;
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
    ask.page_in(entries, |entries| json!({ "total_count": total, "workflow_runs": entries }))
}

pub(in crate::fake_github) async fn approve(ask: Ask) -> Answer {
    change(&ask, |run| {
        if run.status != "action_required" && run.conclusion != "action_required" {
            return Err(Refusal::not_found());
        }
        run.status = "queued".to_owned();
        run.conclusion = String::new();
        Ok(())
    })
}

pub(in crate::fake_github) async fn rerun(ask: Ask) -> Answer {
    change(&ask, start_again)
}

pub(in crate::fake_github) async fn rerun_failed(ask: Ask) -> Answer {
    change(&ask, |run| {
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

fn change(ask: &Ask, change: impl FnOnce(&mut WorkflowRun) -> Result<(), Refusal>) -> Answer {
    let id = ask.id("id")?;
    let mut world = ask.world();
    ask.writable(&world)?;
    let repository = world.repo_mut(&ask.org, &ask.repo)?;
    let run = repository.runs.iter_mut().find(|run| run.id == id);
    change(run.ok_or_else(Refusal::not_found)?)?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}
