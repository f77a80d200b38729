//! One call, from credential to judged answer: the loop that every call of [`super::GitHub`]
//! goes through.

use std::{collections::HashSet, future::Future, hash::Hash, sync::Arc, time::Instant};

use bytes::Bytes;
use clock::SharedClock;
use go_compat::time::Timestamp;
use http::{HeaderMap, Method, StatusCode, header};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    auth::{Authenticator, Credential, Identity, InstallationToken, Installations, Who},
    etag::{CacheKey, EtagCache, Kept},
    gate::{Gate, Gates, Resource},
    observe::{CacheMode, Exchange, Observer},
    pace::Weight,
    retry::{RetryLimits, Seen, Tally, Verdict, judge, number, server_time},
    transport::{Answer, Request, Transport},
};
use crate::error::{ErrorClass, Failure, ForgeError};

/// How many pages of one list are read; GitHub's longest lists have fewer.
const MAX_PAGES: usize = 400;

/// How many redirects of one call are followed, as after a repository was renamed.
const MAX_REDIRECTS: usize = 3;

/// How much of an answer that is no JSON goes into an error.
const MAX_PLAIN_MESSAGE: usize = 200;

/// The media type of ordinary answers.
const JSON: &str = "application/vnd.github+json";

/// A call to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path and query, escaped.
    pub(crate) path: String,
    /// The path with placeholders, for metrics.
    pub(crate) route: &'static str,
    pub(crate) who: Who<'a>,
    pub(crate) body: Option<Value>,
    pub(crate) accept: &'static str,
    pub(crate) weight: Weight,
    /// Statuses that are answers of this call and neither errors nor reasons to try again.
    pub(crate) expected: &'static [u16],
    /// Whether doing it twice is no different from doing it once. If not, a lost answer is
    /// reported instead of repeating the call.
    pub(crate) repeatable: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn get(route: &'static str, path: String, who: Who<'a>) -> Call<'a> {
        Call {
            method: Method::GET,
            path,
            route,
            who,
            body: None,
            accept: JSON,
            weight: Weight::Read,
            expected: &[],
            repeatable: true,
        }
    }

    pub(crate) fn write(
        method: Method,
        route: &'static str,
        path: String,
        who: Who<'a>,
    ) -> Call<'a> {
        Call { method, weight: Weight::Write, ..Call::get(route, path, who) }
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(crate) fn expect(mut self, statuses: &'static [u16]) -> Self {
        self.expected = statuses;
        self
    }

    /// A text that people are notified of.
    pub(crate) fn content(mut self) -> Self {
        self.weight = Weight::Content;
        self
    }

    pub(crate) fn not_repeatable(mut self) -> Self {
        self.repeatable = false;
        self
    }

    fn failure(&self, status: Option<StatusCode>, message: String) -> Failure {
        let path = self.path.split('?').next().unwrap_or_default();
        Failure {
            call: format!("{} {path}", self.method),
            status: status.map(|status| status.as_u16()),
            message,
        }
    }
}

/// Why a call came to no answer.
pub(crate) enum Stop {
    /// It failed.
    Failed(ForgeError),
    /// Nobody knows whether it had its effect. After the pause, if there is one, it may be
    /// looked up and then tried again; without one the tries are used up.
    Unknown { failure: Failure, pause: Option<std::time::Duration> },
}

impl From<ForgeError> for Stop {
    fn from(error: ForgeError) -> Stop {
        Stop::Failed(error)
    }
}

/// The client below [`super::GitHub`].
pub(crate) struct Client {
    pub(crate) transport: Transport,
    pub(crate) auth: Authenticator,
    pub(crate) gates: Gates,
    pub(crate) cache: EtagCache,
    pub(crate) limits: RetryLimits,
    pub(crate) clock: SharedClock,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The error document of the API.
#[derive(Deserialize)]
struct ApiError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Value,
}

/// An App's installation, as far as it is needed.
#[derive(Deserialize)]
struct Installation {
    id: u64,
    account: Option<crate::model::User>,
}

/// The answer to the request for an installation's token.
#[derive(Deserialize)]
struct IssuedToken {
    token: SecretString,
    expires_at: Timestamp,
}

impl Client {
    /// Makes a call that may be repeated.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Answer, ForgeError> {
        match self.attempt(call, &mut Tally::default()).await {
            Ok(answer) => Ok(answer),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Unknown { failure, .. }) => Err(ForgeError::Transient(failure)),
        }
    }

    /// Makes a call that must have its effect once. When an answer is lost, `find` looks whether
    /// the call had its effect, and only if not it is made again.
    pub(crate) async fn send_once<T, F, Fut>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Call<'_>, &Answer) -> Result<T, ForgeError> + Send + Sync,
        find: F,
    ) -> Result<T, ForgeError>
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<Option<T>, ForgeError>> + Send,
    {
        let mut tally = Tally::default();
        loop {
            match self.attempt(call, &mut tally).await {
                Ok(answer) => return read(call, &answer),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Unknown { failure, pause }) => {
                    if let Some(pause) = pause {
                        self.clock.sleep(pause).await;
                    }
                    match find().await {
                        Ok(Some(found)) => {
                            tracing::info!(call = failure.call, "its answer was lost, it was done");
                            return Ok(found);
                        }
                        Ok(None) if pause.is_some() => {}
                        Ok(None) => return Err(ForgeError::Transient(failure)),
                        // Repeating blindly could do it twice.
                        Err(error) => {
                            tracing::warn!(%error, call = failure.call, "cannot look it up");
                            return Err(ForgeError::Transient(failure));
                        }
                    }
                }
            }
        }
    }

    /// Makes a call and reads its answer as JSON.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<T, ForgeError> {
        let answer = self.send(call).await?;
        read_json(call, &answer)
    }

    /// Reads a list, all its pages. `key` tells entries apart: a list that changes between two
    /// pages shows an entry twice.
    pub(crate) async fn pages<P, T, K>(
        &self,
        first: Call<'_>,
        entries: impl Fn(P) -> Vec<T> + Send,
        key: impl Fn(&T) -> K + Send,
    ) -> Result<Vec<T>, ForgeError>
    where
        P: DeserializeOwned,
        T: Send,
        K: Eq + Hash + Send,
    {
        let mut call = first;
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut visited = HashSet::new();
        for _ in 0..MAX_PAGES {
            visited.insert(call.path.clone());
            let answer = self.send(&call).await?;
            let page: P = read_json(&call, &answer)?;
            all.extend(entries(page).into_iter().filter(|entry| seen.insert(key(entry))));
            let next =
                next_link(&answer.headers).and_then(|link| self.transport.path_of_link(&link));
            match next {
                Some(next) if !visited.contains(&next) => call.path = next,
                _ => return Ok(all),
            }
        }
        let message = format!("the list has more than {MAX_PAGES} pages");
        Err(ForgeError::Unexpected(call.failure(Some(StatusCode::OK), message)))
    }

    /// The loop: pass the gate, exchange, judge, and again.
    async fn attempt(&self, call: &Call<'_>, tally: &mut Tally) -> Result<Answer, Stop> {
        let mut call = call.clone();
        let mut redirects = 0;
        let mut limited: Option<Failure> = None;
        loop {
            let credential = self.credential(call.who).await?;
            let gate = self.gates.of(&credential.identity, resource(&call));
            let pass = gate.enter(call.weight, self.limits.max_wait).await.map_err(|until| {
                let failure = limited.take().unwrap_or_else(|| {
                    let message = "it was not sent, the budget of this credential is spent";
                    call.failure(None, message.to_owned())
                });
                ForgeError::RateLimited { failure, until }
            })?;
            if !pass.waited.is_zero() {
                self.observer.waited(credential.identity.label(), pass.waited);
            }
            tally.tries += 1;
            let (status, verdict, message) = match self.exchange(&call, &credential, &gate).await {
                Ok(answer) => match self.judge_answer(&call, tally, &answer) {
                    (Verdict::Accept, message) => {
                        gate.passed(false);
                        let expected = call.expected.contains(&answer.status.as_u16());
                        if expected || !answer.status.is_redirection() {
                            return Ok(answer);
                        }
                        redirects += 1;
                        match self.redirected(&call, &answer) {
                            Some(path) if redirects <= MAX_REDIRECTS => call.path = path,
                            _ => {
                                let failure = call.failure(Some(answer.status), message);
                                return Err(ForgeError::Unexpected(failure).into());
                            }
                        }
                        continue;
                    }
                    (verdict, message) => (Some(answer.status), verdict, message),
                },
                Err(message) => {
                    let verdict = judge(&self.limits, tally, Seen::Nothing, self.clock.now());
                    (None, verdict, message)
                }
            };
            let failure = call.failure(status, message);
            match verdict {
                Verdict::Accept => return Err(ForgeError::Unexpected(failure).into()),
                Verdict::Again(pause) => {
                    drop(pass);
                    tally.pauses += 1;
                    // A 404 and a 408 say that nothing was done.
                    let unknown = status.is_none_or(|status| status.is_server_error());
                    if unknown && !call.repeatable {
                        return Err(Stop::Unknown { failure, pause: Some(pause) });
                    }
                    // The next endpoint may be reached at once.
                    let spare = status.is_none() && tally.pauses < self.spare_endpoints();
                    let pause = if spare { std::time::Duration::ZERO } else { pause };
                    tracing::debug!(%failure, ?pause, "trying again");
                    if !pause.is_zero() {
                        self.observer.waited(credential.identity.label(), pause);
                        self.clock.sleep(pause).await;
                    }
                }
                Verdict::Limited(pause) => {
                    let until = gate.park(pause);
                    tracing::info!(
                        %failure,
                        credential = credential.identity.label(),
                        until = until.rfc3339(),
                        "over a rate limit: holding this credential's calls back"
                    );
                    limited = Some(failure);
                }
                Verdict::Renew => {
                    tally.renewed = true;
                    drop(pass);
                    if !self.auth.renew(&credential).await {
                        return Err(ForgeError::Unauthorized(failure).into());
                    }
                }
                Verdict::Refuse(ErrorClass::Transient) if !call.repeatable => {
                    return Err(Stop::Unknown { failure, pause: None });
                }
                Verdict::Refuse(class) => {
                    if class == ErrorClass::RateLimited {
                        let until = gate.park(None);
                        return Err(ForgeError::RateLimited { failure, until }.into());
                    }
                    if class != ErrorClass::Transient {
                        gate.passed(false);
                    }
                    return Err(refusal(class, failure).into());
                }
            }
        }
    }

    /// What an answer means for its call, and the message in it.
    fn judge_answer(
        &self,
        call: &Call<'_>,
        tally: &mut Tally,
        answer: &Answer,
    ) -> (Verdict, String) {
        let status = answer.status;
        if call.expected.contains(&status.as_u16()) {
            return (Verdict::Accept, String::new());
        }
        if matches!(status.as_u16(), 404 | 410) {
            tally.not_found += 1;
        }
        let message = api_message(answer);
        let seen = Seen::Answer { status, headers: &answer.headers, message: &message };
        (judge(&self.limits, tally, seen, self.clock.now()), message)
    }

    /// One exchange, through the cache, observed.
    async fn exchange(
        &self,
        call: &Call<'_>,
        credential: &Credential,
        gate: &Gate,
    ) -> Result<Answer, String> {
        let key = (call.method == Method::GET).then(|| CacheKey {
            identity: credential.identity.clone(),
            accept: call.accept,
            path: call.path.clone(),
        });
        let kept: Option<Arc<Kept>> = key.as_ref().and_then(|key| self.cache.get(key));
        let request = Request {
            method: call.method.clone(),
            path: &call.path,
            accept: call.accept,
            body: call.body.as_ref(),
            token: credential.token.as_ref(),
            if_none_match: kept.as_ref().map(|kept| &kept.etag),
        };
        let begin = Instant::now();
        let mut result = self.transport.exchange(&request).await;
        let time = begin.elapsed();
        let status = result.as_ref().ok().map(|answer| answer.status);
        if let Ok(answer) = &result {
            self.learn(&answer.headers, &credential.identity, gate);
        }
        let mode = match (&mut result, key, kept) {
            (Ok(answer), _, Some(kept)) if answer.status == StatusCode::NOT_MODIFIED => {
                gate.passed(true);
                *answer = Answer {
                    status: StatusCode::OK,
                    headers: kept.headers.clone(),
                    body: kept.body.clone(),
                };
                CacheMode::Revalidated
            }
            (Ok(answer), Some(key), kept) if answer.status == StatusCode::OK => {
                self.cache.put(key, &answer.headers, &answer.body);
                if kept.is_some() { CacheMode::Changed } else { CacheMode::Miss }
            }
            (Ok(answer), _, _) if answer.status.as_u16() >= 400 => CacheMode::Error,
            (Ok(_), Some(_), _) => CacheMode::Miss,
            (Ok(_), None, _) => CacheMode::Skip,
            (Err(_), _, _) => CacheMode::Error,
        };
        self.observer.exchanged(&Exchange {
            method: call.method.as_str(),
            route: call.route,
            status: status.map(|status| status.as_u16()),
            cache: mode,
            identity: credential.identity.label(),
            time,
        });
        result
    }

    /// What every answer tells besides its content: GitHub's clock and what is left.
    fn learn(&self, headers: &HeaderMap, identity: &Identity, gate: &Gate) {
        if let Some(time) = server_time(headers) {
            self.auth.learn_time(time);
        }
        let (Some(remaining), Some(reset)) =
            (number(headers, "x-ratelimit-remaining"), number(headers, "x-ratelimit-reset"))
        else {
            return;
        };
        let reset = Timestamp::from_seconds(i64::try_from(reset).unwrap_or(i64::MAX));
        let resource = headers.get("x-ratelimit-resource").and_then(|value| value.to_str().ok());
        self.observer.budget(identity.label(), resource.unwrap_or("core"), remaining, reset);
        let pause = reset.since(self.auth.server_now());
        if remaining == 0 && !pause.is_zero() {
            gate.hold(pause + std::time::Duration::from_secs(1));
        }
    }

    /// The credential for a call; under an App an installation's token, bought when needed.
    pub(crate) async fn credential(&self, who: Who<'_>) -> Result<Credential, ForgeError> {
        let Who::Org(org) = who else { return self.auth.own() };
        if !self.auth.is_app() {
            return self.auth.own();
        }
        let org = org.to_lowercase();
        let slot = self.auth.token_slot(&org);
        let mut slot = slot.lock().await;
        let fresh = slot.as_ref().filter(|token| self.auth.is_fresh(token)).cloned();
        let token = match fresh {
            Some(token) => token,
            // Boxed: buying a token is a call of its own.
            None => Box::pin(self.buy_token(&org)).await?,
        };
        let credential =
            Credential { identity: Identity::Installation(org), token: Some(token.token.clone()) };
        *slot = Some(token);
        Ok(credential)
    }

    async fn buy_token(&self, org: &str) -> Result<InstallationToken, ForgeError> {
        let id = self.installation(org).await?;
        let call = Call::write(
            Method::POST,
            "/app/installations/:installationId/access_tokens",
            format!("/app/installations/{id}/access_tokens"),
            Who::Bot,
        );
        let issued: IssuedToken = self.fetch(&call).await?;
        Ok(InstallationToken { token: issued.token, expires_at: issued.expires_at })
    }

    /// Some organization that the App is installed in, for calls that belong to none: the App by
    /// itself may only ask about itself. `None` where there is no App.
    pub(crate) async fn any_installation(&self) -> Result<Option<String>, ForgeError> {
        if !self.auth.is_app() {
            return Ok(None);
        }
        let mut installations = self.auth.installations().lock().await;
        self.list_installations(&mut installations).await?;
        match installations.by_org.keys().min() {
            Some(org) => Ok(Some(org.clone())),
            None => Err(ForgeError::Credentials(
                "the GitHub App is not installed anywhere; install it in an organization"
                    .to_owned(),
            )),
        }
    }

    /// The App's installation in an organization.
    async fn installation(&self, org: &str) -> Result<u64, ForgeError> {
        let mut installations = self.auth.installations().lock().await;
        if let Some(id) = installations.by_org.get(org) {
            return Ok(*id);
        }
        self.list_installations(&mut installations).await?;
        installations.by_org.get(org).copied().ok_or_else(|| {
            ForgeError::Credentials(format!(
                "the GitHub App is not installed in {org}; install it there or take {org} out of \
                 the configuration"
            ))
        })
    }

    /// Lists the installations unless that was just done.
    async fn list_installations(
        &self,
        installations: &mut Installations,
    ) -> Result<(), ForgeError> {
        if !self.auth.is_current(installations) {
            let first = Call::get(
                "/app/installations",
                "/app/installations?per_page=100".to_owned(),
                Who::Bot,
            );
            let all: Vec<Installation> = self
                .pages(first, |page| page, |installation: &Installation| installation.id)
                .await?;
            installations.by_org = all
                .into_iter()
                .filter_map(|found| Some((found.account?.login.to_lowercase(), found.id)))
                .collect();
            installations.listed_at = Some(self.clock.now());
        }
        Ok(())
    }

    fn redirected(&self, call: &Call<'_>, answer: &Answer) -> Option<String> {
        let code = answer.status.as_u16();
        let same_method = matches!(code, 307 | 308);
        if !(same_method || matches!(code, 301 | 302) && call.method == Method::GET) {
            return None;
        }
        let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
        self.transport.path_of_link(location)
    }

    fn spare_endpoints(&self) -> u32 {
        u32::try_from(self.transport.endpoints()).unwrap_or(u32::MAX)
    }
}

/// Which budget a call uses.
fn resource(call: &Call<'_>) -> Resource {
    if call.path.starts_with("/search/") { Resource::Search } else { Resource::Core }
}

fn refusal(class: ErrorClass, failure: Failure) -> ForgeError {
    match class {
        ErrorClass::NotFound => ForgeError::NotFound(failure),
        ErrorClass::Unauthorized => ForgeError::Unauthorized(failure),
        ErrorClass::Forbidden => ForgeError::Forbidden(failure),
        ErrorClass::Conflict => ForgeError::Conflict(failure),
        ErrorClass::Invalid => ForgeError::Invalid(failure),
        ErrorClass::Transient => ForgeError::Transient(failure),
        ErrorClass::RateLimited | ErrorClass::Unexpected | ErrorClass::Credentials => {
            ForgeError::Unexpected(failure)
        }
    }
}

/// Reads an answer as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(
    call: &Call<'_>,
    answer: &Answer,
) -> Result<T, ForgeError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let message = format!("the body cannot be read: {error}");
        ForgeError::Unexpected(call.failure(Some(answer.status), message))
    })
}

/// The API's message with its details, or the beginning of a body that is no error document, as a
/// proxy's.
fn api_message(answer: &Answer) -> String {
    if answer.status.is_success() {
        return String::new();
    }
    let Ok(error) = serde_json::from_slice::<ApiError>(&answer.body) else {
        return plain_message(&answer.body);
    };
    let details: Vec<String> = match error.errors {
        Value::Array(errors) => errors.iter().map(detail).collect(),
        Value::Null => Vec::new(),
        other => vec![detail(&other)],
    };
    let details: Vec<String> = details.into_iter().filter(|detail| !detail.is_empty()).collect();
    match (error.message.is_empty(), details.is_empty()) {
        (_, true) => error.message,
        (true, false) => details.join("; "),
        (false, false) => format!("{}: {}", error.message, details.join("; ")),
    }
}

/// One entry of `errors`: a text, or a document with a message or a code.
fn detail(error: &Value) -> String {
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    if !field("message").is_empty() {
        return field("message").to_owned();
    }
    [field("resource"), field("field"), field("code")]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn plain_message(body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(MAX_PLAIN_MESSAGE).collect()
}

/// The address of the next page.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(header::LINK)?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (address, parameters) = link.split_once(';')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| address.trim().trim_matches(['<', '>']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn the_message_of_an_error_is_put_together_from_its_parts() {
        for (body, expected) in [
            (r#"{"message":"Not Found","documentation_url":"x"}"#, "Not Found"),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Status","code":"custom",
                    "message":"This SHA and context has reached the maximum number of statuses."}]}"#,
                "Validation Failed: This SHA and context has reached the maximum number of statuses.",
            ),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Label","field":"name",
                    "code":"missing_field"},"and a text"]}"#,
                "Validation Failed: Label name missing_field; and a text",
            ),
            (
                r#"{"message":"No commit found for SHA: abc","errors":null}"#,
                "No commit found for SHA: abc",
            ),
            (r#"{"errors":"one text"}"#, "one text"),
            ("<html>\n <b>502</b>  Bad Gateway", "<html> <b>502</b> Bad Gateway"),
            ("", ""),
        ] {
            assert_eq!(api_message(&answer(422, body)), expected, "{body}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let link = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, text.parse().expect("a header"));
            next_link(&headers)
        };
        assert_eq!(
            link(r#"<https://h/x?page=1>; rel="prev", <https://h/x?page=3>; rel="next""#),
            Some("https://h/x?page=3".into())
        );
        assert_eq!(link(r#"<https://h/x?page=1>; rel="first""#), None);
        assert_eq!(next_link(&HeaderMap::new()), None);
    }
}
