//! Asking a World, and reading its answers.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{SOON, World};

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came, compressed if it was.
    pub body: Bytes,
}

impl Answer {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The answer itself, if it has this status.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// The client of tests: no proxy, no redirects, no decompression.
pub(super) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(SOON)
        .build()
        .expect("a client")
}

/// Sends a request and reads the answer.
pub(super) async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    Ok(Answer { status, headers, body: response.bytes().await? })
}

impl World {
    /// A request to this World, to be completed and given to [`World::ask`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends a request over the loopback address.
    ///
    /// # Panics
    /// If nobody answers.
    pub async fn ask(&self, request: reqwest::RequestBuilder) -> Answer {
        send(request).await.expect("an answer")
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(self.request(Method::GET, path)).await
    }

    /// `POST path` without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.ask(self.request(Method::POST, path)).await
    }

    /// The answer to a request whose path may hold what a client would tidy up (`..`), or that
    /// comes from another machine.
    ///
    /// # Panics
    /// If the request cannot be made.
    pub async fn ask_as(
        &self,
        peer: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        let peer: SocketAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let Ok(response) = self.process.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Opens a stream of server-sent events.
    ///
    /// # Panics
    /// If it is none.
    pub async fn events(&self, path: &str, last_event_id: Option<&str>) -> Events {
        let mut request = self.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let bytes = response.bytes_stream().map(|piece| piece.unwrap_or_default()).boxed();
        Events { bytes, text: String::new() }
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `event`.
    pub name: String,
    /// `id`.
    pub id: String,
    /// `data`.
    pub data: String,
}

impl Event {
    /// The data as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A stream of server-sent events.
pub struct Events {
    bytes: BoxStream<'static, Bytes>,
    text: String,
}

impl Events {
    /// The next event; nothing at the end of the stream.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(SOON, self.read()).await.expect("an event in time")
    }

    /// Whether nothing comes for this long.
    pub async fn is_silent(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.read()).await.is_err()
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                // A block of comments keeps the connection alive and says nothing.
                if !event.name.is_empty() || !event.data.is_empty() {
                    return Some(event);
                }
            }
            let piece = self.bytes.next().await?;
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(':') {
            Some(("event", value)) => event.name = value.trim().to_owned(),
            Some(("id", value)) => event.id = value.trim().to_owned(),
            Some(("data", value)) => event.data.push_str(value.trim()),
            _ => {}
        }
    }
    event
}
