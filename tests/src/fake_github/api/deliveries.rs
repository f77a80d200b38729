//! The delivery log of webhooks, and redelivery.

use axum::{Json, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::Answer;
use super::ask::{Ask, shown};
use crate::fake_github::world::{Delivery, Refusal, World, key};

/// The deliveries of a repository to one receiver.
fn of_hook<'a>(ask: &Ask, world: &'a World) -> Result<Vec<&'a Delivery>, Refusal> {
    ask.writable(world)?;
    let hook = ask.id("hook")?;
    let hook = world.hooks.iter().find(|found| found.id == hook);
    let url = &hook.ok_or_else(Refusal::not_found)?.url;
    let name = key(&format!("{}/{}", ask.org, ask.repo));
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

pub(in crate::fake_github) async fn list(ask: Ask) -> Answer {
    let world = ask.world();
    let entries = of_hook(&ask, &world)?.into_iter().rev().map(document).collect();
    ask.page(entries)
}

pub(in crate::fake_github) async fn delivery(ask: Ask) -> Answer {
    let id = ask.id("id")?;
    let world = ask.world();
    let deliveries = of_hook(&ask, &world)?;
    let found = deliveries.into_iter().find(|delivery| delivery.id == id);
    let found = found.ok_or_else(Refusal::not_found)?;
    let mut body = document(found);
    let payload: Value = serde_json::from_slice(&found.body).unwrap_or(Value::Null);
    body["request"] = json!({ "payload": payload });
    shown(body)
}

pub(in crate::fake_github) async fn redeliver(ask: Ask) -> Answer {
    let id = ask.id("id")?;
    {
        let world = ask.world();
        let known = of_hook(&ask, &world)?;
        if !known.iter().any(|delivery| delivery.id == id) {
            return Err(Refusal::not_found());
        }
    }
    ask.fake.in_background(|fake| async move {
        fake.redeliver(id).await;
    });
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}
