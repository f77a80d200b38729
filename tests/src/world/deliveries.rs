//! Webhook deliveries made by hand.

use http::Method;

use super::{Answer, SECRET, World};
use crate::fake_github::signature;

/// A delivery as a code host sends it. Each header can be left out or changed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The headers in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A complete delivery: event, id and body, signed with the World's secret.
pub fn sign(event: &str, id: &str, body: impl Into<Vec<u8>>) -> Signed {
    let body = body.into();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", signature(SECRET, &body)),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Signed { headers, body }
}

impl Signed {
    /// With another value of a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Signed {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Without a header.
    pub fn without(mut self, name: &str) -> Signed {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// Puts it into a request.
    pub(super) fn request(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.body(self.body.clone());
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Signed with another secret.
    pub fn signed_with(self, secret: &str) -> Signed {
        let signature = signature(secret, &self.body);
        self.with("x-hub-signature-256", signature)
    }
}

impl World {
    /// Sends a delivery to `/hook`.
    pub async fn deliver(&self, delivery: &Signed) -> Answer {
        self.ask(delivery.request(self.request(Method::POST, "/hook"))).await
    }

    /// The journal, newest first.
    ///
    /// # Panics
    /// If it cannot be read.
    pub async fn journal(&self) -> Vec<store::Delivery> {
        let store = self.process.web.store.as_ref().expect("a store");
        let filter = store::DeliveryFilter::default();
        store.deliveries().list(&filter, 1_000).await.expect("a journal")
    }
}
