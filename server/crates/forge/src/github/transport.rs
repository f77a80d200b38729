//! One HTTP exchange with one of the endpoints. The only file that names octocrab.

use std::{
    sync::atomic::{AtomicI64, AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use clock::SharedClock;
use go_compat::time::Timestamp;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, IF_NONE_MATCH, USER_AGENT},
};
use http_body_util::{BodyExt, Limited};
use octocrab::Octocrab;
use secrecy::{ExposeSecret, SecretString};

use crate::error::ForgeError;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read; GitHub's own largest are far below.
const MAX_BODY_BYTES: usize = 64 << 20;

/// After this long on a spare endpoint the first one is tried again.
const FAIL_BACK_AFTER: Duration = Duration::from_secs(300);

/// The version of GitHub's REST API that the answers are read by.
const API_VERSION: &str = "2022-11-28";

/// A request to be made.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Path and query, from the endpoint's root.
    pub(crate) path: &'a str,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<&'a serde_json::Value>,
    pub(crate) token: Option<&'a SecretString>,
    pub(crate) if_none_match: Option<&'a HeaderValue>,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The endpoints, the first preferred.
pub(crate) struct Transport {
    endpoints: Vec<Endpoint>,
    current: AtomicUsize,
    /// When the first endpoint was left, in milliseconds.
    left_at: AtomicI64,
    clock: SharedClock,
    timeout: Duration,
}

struct Endpoint {
    base: Uri,
    client: Octocrab,
}

impl Transport {
    pub(crate) fn new(
        endpoints: &[String],
        user_agent: &str,
        timeout: Duration,
        clock: SharedClock,
    ) -> Result<Transport, ForgeError> {
        let wrong = |endpoint: &str, reason: String| {
            ForgeError::Credentials(format!("`--github-endpoint {endpoint}` is wrong: {reason}"))
        };
        if endpoints.is_empty() {
            return Err(wrong("", "at least one endpoint is needed".to_owned()));
        }
        let endpoints = endpoints
            .iter()
            .map(|endpoint| {
                let base: Uri = endpoint
                    .trim_end_matches('/')
                    .parse()
                    .map_err(|error: http::uri::InvalidUri| wrong(endpoint, error.to_string()))?;
                if !matches!(base.scheme_str(), Some("http" | "https")) || base.host().is_none() {
                    return Err(wrong(endpoint, "it is no http or https address".to_owned()));
                }
                let client =
                    http_client(&base).map_err(|error| wrong(endpoint, describe(&error)))?;
                // No credential and no retry of octocrab's own: both are decided here, once.
                let client = Octocrab::builder()
                    .base_uri(base.clone())
                    .and_then(|builder| {
                        builder
                            .add_header(USER_AGENT, user_agent.to_owned())
                            .build_with_reqwest(client)
                    })
                    .map_err(|error| wrong(endpoint, describe(&error)))?;
                Ok(Endpoint { base, client })
            })
            .collect::<Result<_, ForgeError>>()?;
        Ok(Transport {
            endpoints,
            current: AtomicUsize::new(0),
            left_at: AtomicI64::new(0),
            clock,
            timeout,
        })
    }

    /// How many endpoints there are.
    pub(crate) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    /// Makes the request to the current endpoint. An error is a sentence about why no whole
    /// answer came; the request may have had its effect all the same. The next request goes to
    /// the next endpoint then.
    pub(crate) async fn exchange(&self, request: &Request<'_>) -> Result<Answer, String> {
        let index = self.current_endpoint();
        let endpoint = &self.endpoints[index];
        let result = match tokio::time::timeout(self.timeout, endpoint.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", self.timeout.as_secs_f64())),
        };
        result.map_err(|reason| {
            self.leave(index);
            format!("{}: {reason}", endpoint.base)
        })
    }

    /// The path and query of a link that GitHub gave, without the endpoint's own prefix; `None`
    /// if it cannot be read.
    pub(crate) fn path_of_link(&self, link: &str) -> Option<String> {
        let uri: Uri = link.parse().ok()?;
        let path = uri.path_and_query()?.as_str();
        let prefixes = self.endpoints.iter().map(|endpoint| endpoint.base.path());
        let prefix = prefixes
            .filter(|prefix| *prefix != "/")
            .find(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')));
        Some(prefix.map_or(path, |prefix| &path[prefix.len()..]).to_owned())
    }

    fn current_endpoint(&self) -> usize {
        let index = self.current.load(Ordering::Relaxed);
        if index != 0 {
            let left = Timestamp::from_millis(self.left_at.load(Ordering::Relaxed));
            if self.clock.now().since(left) >= FAIL_BACK_AFTER {
                self.current.store(0, Ordering::Relaxed);
                return 0;
            }
        }
        index
    }

    fn leave(&self, index: usize) {
        let next = (index + 1) % self.endpoints.len();
        let moved =
            self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() && index == 0 {
            self.left_at.store(self.clock.now().millis(), Ordering::Relaxed);
        }
    }
}

impl Endpoint {
    async fn exchange(&self, request: &Request<'_>) -> Result<Answer, String> {
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(request.path)
            .header(ACCEPT, request.accept)
            .header(HeaderName::from_static("x-github-api-version"), API_VERSION);
        if let Some(token) = request.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "the token holds characters that no header may hold".to_owned())?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(etag) = request.if_none_match {
            builder = builder.header(IF_NONE_MATCH, etag);
        }
        let request =
            self.client.build_request(builder, request.body).map_err(|error| describe(&error))?;
        let response = self.client.execute(request).await.map_err(|error| describe(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES)
            .collect()
            .await
            .map_err(|error| format!("the answer broke off: {error}"))?
            .to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// The HTTP client below octocrab. Redirects are followed by the caller, who keeps the credential
/// to the endpoint. Proxies come from the environment, but as in Go's client none stands between
/// a program and its own machine.
fn http_client(base: &Uri) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    let builder = if base.host().is_some_and(is_loopback) { builder.no_proxy() } else { builder };
    builder.build()
}

/// Whether a host name or address, with or without a port, is this very machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') || host.matches(':').count() == 1 {
        host.rsplit_once(':')
            .filter(|(_, port)| !port.ends_with(']'))
            .map_or(host, |(name, _)| name)
    } else {
        host
    };
    name == "localhost"
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// An error with its causes, without backtraces.
fn describe(error: &dyn std::error::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default().trim().to_owned();
        if !text.is_empty() && !causes.iter().any(|cause| cause.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        for host in
            ["localhost", "localhost:8090", "127.0.0.1", "127.9.9.9:80", "[::1]", "::1", "[::1]:80"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["github.com", "localhost.example", "10.0.0.1", "[2001:db8::1]:80", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
