//! Webhooks: signed, sent, logged, and sent again on demand.

use std::time::Duration;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    FakeGitHub,
    actions::Emission,
    documents::Documents,
    world::{Delivery, Refusal, key},
};

/// How long a receiver may take; github.com waits as long.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(10);

/// The value of `X-Hub-Signature-256` for a body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    // A key of any length is fine for HMAC.
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(body);
            format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
        }
        Err(_) => String::new(),
    }
}

impl FakeGitHub {
    /// Logs one delivery per webhook and receiver and gives their numbers.
    pub(super) fn log_deliveries(&self, emissions: Vec<Emission>) -> Vec<u64> {
        let mut world = self.inner.world.lock();
        let now = self.inner.clock.now();
        let mut ids = Vec::new();
        for emission in emissions {
            let Ok(payload) = self.payload(&world, &emission) else { continue };
            let body = payload.to_string().into_bytes();
            let action = payload["action"].as_str().unwrap_or_default().to_owned();
            for hook in world.hooks.clone() {
                let id = world.fresh_id();
                let delivery = Delivery {
                    id,
                    guid: format!("{id:08x}-0000-11f0-8000-000000000000"),
                    event: emission.event.to_owned(),
                    action: action.clone(),
                    repository: format!("{}/{}", emission.org, emission.repo),
                    url: hook.url,
                    at: now,
                    redelivery: false,
                    status: None,
                    body: body.clone(),
                };
                world.deliveries.push(delivery);
                ids.push(id);
            }
        }
        ids
    }

    /// A payload with what every payload has.
    fn payload(&self, world: &super::world::World, emission: &Emission) -> Result<Value, Refusal> {
        let documents = Documents { world, base: &self.inner.base };
        let repository = world.repo(&emission.org, &emission.repo)?;
        let mut payload = emission.payload.clone();
        payload["repository"] = documents.repo(repository);
        payload["sender"] = documents.user(&emission.sender);
        if world.orgs.contains_key(&key(&emission.org)) {
            payload["organization"] = documents.user(&emission.org);
        }
        if let Some(app) = &world.app {
            let installed =
                app.installations.iter().find(|(_, org)| key(org) == key(&emission.org));
            if let Some((id, _)) = installed {
                payload["installation"] = json!({ "id": id });
            }
        }
        Ok(payload)
    }

    /// Sends deliveries one after the other, unless they are held back.
    pub(super) async fn send_logged(&self, ids: Vec<u64>) {
        if self.inner.world.lock().held {
            return;
        }
        for id in ids {
            self.deliver(id).await;
        }
    }

    /// Sends them without waiting for the receivers; for API calls, whose answer does not wait.
    pub(super) fn send_in_background(&self, ids: Vec<u64>) {
        self.in_background(|fake| async move { fake.send_logged(ids).await });
    }

    /// Does something beside the request; [`FakeGitHub::settled`] waits for it.
    pub(super) fn in_background<Fut>(&self, work: impl FnOnce(FakeGitHub) -> Fut)
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let pending = self.inner.pending.clone();
        pending.send_modify(|count| *count += 1);
        let work = work(self.clone());
        tokio::spawn(async move {
            work.await;
            pending.send_modify(|count| *count -= 1);
        });
    }

    /// Waits until no delivery is under way.
    pub async fn settled(&self) {
        let mut pending = self.inner.pending.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = pending.wait_for(|count| *count == 0).await;
    }

    /// Sends a delivery of the log, whether it was sent before or not, and gives the receiver's
    /// status; `None` if nobody answered or there is no such delivery.
    pub async fn deliver(&self, id: u64) -> Option<u16> {
        let (delivery, secret) = {
            let world = self.inner.world.lock();
            let delivery = world.deliveries.iter().find(|delivery| delivery.id == id)?.clone();
            let hook = world.hooks.iter().find(|hook| hook.url == delivery.url)?;
            (delivery, hook.secret.clone())
        };
        let answer = self
            .inner
            .http
            .post(&delivery.url)
            .timeout(RECEIVER_TIMEOUT)
            .header("content-type", "application/json")
            .header("user-agent", "GitHub-Hookshot/fake")
            .header("x-github-event", &delivery.event)
            .header("x-github-delivery", &delivery.guid)
            .header("x-hub-signature-256", signature(&secret, &delivery.body))
            .body(delivery.body)
            .send()
            .await;
        let status = match answer {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(error) => {
                tracing::warn!(url = delivery.url, %error, "a webhook was not delivered");
                None
            }
        };
        let mut world = self.inner.world.lock();
        if let Some(logged) = world.deliveries.iter_mut().find(|logged| logged.id == id) {
            logged.status = status;
        }
        status
    }

    /// Logs a repetition of a delivery under its old guid and sends it.
    pub async fn redeliver(&self, id: u64) -> Option<u16> {
        let again = {
            let mut world = self.inner.world.lock();
            let now = self.inner.clock.now();
            let mut delivery = world.deliveries.iter().find(|delivery| delivery.id == id)?.clone();
            delivery.id = world.fresh_id();
            delivery.at = now;
            delivery.redelivery = true;
            delivery.status = None;
            let again = delivery.id;
            world.deliveries.push(delivery);
            again
        };
        self.deliver(again).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_github_documents_it() {
        // The example of GitHub's documentation on validating deliveries.
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
