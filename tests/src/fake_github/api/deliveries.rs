//! The delivery log of webhooks, and redelivery.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{Answer, writable};
use crate::fake_github::{
    FakeGitHub,
    server::{Caller, page},
    world::{Delivery, Refusal, World, key},
};

/// The deliveries of a repository to one receiver.
fn of_hook<'a>(
    world: &'a World,
    org: &str,
    repo: &str,
    hook: u64,
) -> Result<Vec<&'a Delivery>, Refusal> {
    let hook = world.hooks.iter().find(|found| found.id == hook);
    let url = &hook.ok_or_else(Refusal::not_found)?.url;
    let name = key(&format!("{org}/{repo}"));
    Ok(world
        .deliveries
        .iter()
        .filter(|delivery| delivery.url == *url && key(&delivery.repository) == name)
        .collect())
}

fn document(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": delivery.at.rfc3339(),
        "redelivery": delivery.redelivery,
        "status": if delivery.status.is_some_and(|status| status < 300) { "OK" } else { "failed" },
        "status_code": delivery.status.unwrap_or_default(),
        "event": delivery.event,
        "action": if delivery.action.is_empty() { Value::Null } else { json!(delivery.action) },
    })
}

pub(in crate::fake_github) async fn list(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, hook)): Path<(String, String, u64)>,
    uri: Uri,
) -> Answer {
    let world = fake.inner.world.lock();
    writable(&world, &caller, &org, &repo)?;
    let entries = of_hook(&world, &org, &repo, hook)?.into_iter().rev().map(document).collect();
    Ok(page(&fake, &uri, entries, |entries| json!(entries)))
}

pub(in crate::fake_github) async fn delivery(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, hook, id)): Path<(String, String, u64, u64)>,
) -> Answer {
    let world = fake.inner.world.lock();
    writable(&world, &caller, &org, &repo)?;
    let deliveries = of_hook(&world, &org, &repo, hook)?;
    let found = deliveries.into_iter().find(|delivery| delivery.id == id);
    let found = found.ok_or_else(Refusal::not_found)?;
    let mut body = document(found);
    let payload: Value = serde_json::from_slice(&found.body).unwrap_or(Value::Null);
    body["request"] = json!({ "payload": payload });
    Ok(Json(body).into_response())
}

pub(in crate::fake_github) async fn redeliver(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    Path((org, repo, hook, id)): Path<(String, String, u64, u64)>,
) -> Answer {
    {
        let world = fake.inner.world.lock();
        writable(&world, &caller, &org, &repo)?;
        let known = of_hook(&world, &org, &repo, hook)?;
        if !known.iter().any(|delivery| delivery.id == id) {
            return Err(Refusal::not_found());
        }
    }
    fake.in_background(|fake| async move {
        fake.redeliver(id).await;
    });
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}
