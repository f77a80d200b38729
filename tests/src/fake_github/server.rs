//! The HTTP side: the route table, and what every API request goes through.

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post, put},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::stream;
use go_compat::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    FakeGitHub, api, app_key, control,
    faults::{Fault, FaultKind},
    git_http,
    world::{Budget, HOURLY_LIMIT, Refusal, Seen},
};

/// Requests in an hour without a credential.
const ANONYMOUS_LIMIT: u64 = 60;

/// Searches in a minute.
const SEARCH_LIMIT: u64 = 30;

/// The longest life of an App's assertion that is accepted, in seconds.
const MAX_ASSERTION_LIFE: i64 = 600;

/// The largest request body; GitHub's limit for webhooks, and more than any call needs.
pub(super) const MAX_BODY_BYTES: usize = 64 << 20;

/// How many requests the log keeps.
const MAX_SEEN: usize = 100_000;

/// Entries per page unless asked for otherwise, and at most.
const PAGE_SIZE: (usize, usize) = (30, 100);

/// Who makes a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// The account; empty without a credential.
    pub(super) login: String,
    /// Whose budget the request uses.
    pub(super) budget: String,
    /// Whether it is the App itself and no account.
    pub(super) app: bool,
}

/// Every route of the API, top to bottom.
pub(super) fn router(fake: FakeGitHub) -> Router {
    const REPO: &str = "/repos/{org}/{repo}";
    let at = |rest: &str| format!("{REPO}{rest}");
    Router::new()
        .route("/user", get(api::accounts::myself))
        .route("/users/{user}", get(api::accounts::user))
        .route("/rate_limit", get(rate_limit))
        .route("/app", get(api::accounts::app))
        .route("/app/installations", get(api::accounts::installations))
        .route("/app/installations/{id}/access_tokens", post(api::accounts::installation_token))
        .route("/orgs/{org}/members", get(api::accounts::members))
        .route("/orgs/{org}/members/{user}", get(api::accounts::is_member))
        .route("/orgs/{org}/teams", get(api::accounts::teams))
        .route("/orgs/{org}/teams/{slug}/members", get(api::accounts::team_members))
        .route("/orgs/{org}/teams/{slug}/memberships/{user}", get(api::accounts::team_membership))
        .route("/search/issues", get(api::search::issues))
        .route(REPO, get(api::repos::repo))
        .route(&at("/collaborators"), get(api::accounts::collaborators))
        .route(&at("/collaborators/{user}"), get(api::accounts::is_collaborator))
        .route(&at("/collaborators/{user}/permission"), get(api::accounts::permission))
        .route(&at("/labels"), get(api::issues::repo_labels))
        .route(&at("/pulls"), get(api::pulls::list))
        .route(&at("/pulls/{number}"), get(api::pulls::pull).patch(api::pulls::edit))
        .route(&at("/pulls/{number}/files"), get(api::pulls::files))
        .route(&at("/pulls/{number}/commits"), get(api::pulls::commits))
        .route(&at("/pulls/{number}/reviews"), get(api::pulls::reviews))
        .route(&at("/pulls/{number}/comments"), get(api::pulls::comments))
        .route(&at("/pulls/{number}/merge"), put(api::pulls::merge))
        .route(&at("/issues/{number}"), get(api::issues::issue).patch(api::issues::edit))
        .route(
            &at("/issues/{number}/labels"),
            get(api::issues::labels).post(api::issues::add_labels),
        )
        .route(&at("/issues/{number}/labels/{label}"), delete(api::issues::remove_label))
        .route(&at("/issues/{number}/assignees"), post(api::issues::assign))
        .route(
            &at("/issues/{number}/comments"),
            get(api::issues::comments).post(api::issues::create_comment),
        )
        .route(
            &at("/issues/comments/{id}"),
            patch(api::issues::edit_comment).delete(api::issues::delete_comment),
        )
        .route(&at("/git/ref/{*name}"), get(api::repos::reference))
        .route(&at("/git/refs/{*name}"), get(api::repos::reference).delete(api::repos::drop_ref))
        .route(&at("/commits/{*rest}"), get(api::repos::commit))
        .route(&at("/statuses/{sha}"), post(api::repos::create_status))
        .route(&at("/contents/{*path}"), get(api::repos::contents))
        .route(&at("/actions/runs"), get(api::runs::list))
        .route(&at("/actions/runs/{id}/approve"), post(api::runs::approve))
        .route(&at("/actions/runs/{id}/rerun"), post(api::runs::rerun))
        .route(&at("/actions/runs/{id}/rerun-failed-jobs"), post(api::runs::rerun_failed))
        .route(&at("/hooks/{hook}/deliveries"), get(api::deliveries::list))
        .route(&at("/hooks/{hook}/deliveries/{id}"), get(api::deliveries::delivery))
        .route(&at("/hooks/{hook}/deliveries/{id}/attempts"), post(api::deliveries::redeliver))
        .layer(middleware::from_fn_with_state(fake.clone(), guard))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .nest("/_control", control::router())
        .fallback(git_http::handle)
        .with_state(fake)
}

/// What every API request goes through: faults, credential, budget, tag, log.
async fn guard(State(fake): State<FakeGitHub>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let uri = request.uri().clone();
    let headers = request.headers().clone();
    let path = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let fault = {
        let mut world = fake.inner.world.lock();
        Fault::take(&mut world.faults, method.as_str(), &path)
    };
    let caller = fake.authenticate(&headers);
    let (login, budget) = caller
        .as_ref()
        .map(|caller| (caller.login.clone(), caller.budget.clone()))
        .unwrap_or_default();
    let seen = |status: u16| {
        let mut world = fake.inner.world.lock();
        if world.seen.len() < MAX_SEEN {
            let at = fake.inner.clock.now();
            let (method, path) = (method.to_string(), path.clone());
            world.seen.push(Seen { at, method, path, login: login.clone(), status });
        }
        drop(world);
        fake.inner.changes.send_modify(|count| *count += 1);
    };
    match &fault {
        Some(FaultKind::DropRequest) => {
            seen(0);
            hang_up();
        }
        Some(FaultKind::Answer { status, headers, body }) => {
            seen(*status);
            return fake.scripted(*status, headers, body.clone());
        }
        Some(FaultKind::Hold(gate)) => gate.pass().await,
        _ => {}
    }
    let resource = if uri.path().starts_with("/search/") { "search" } else { "core" };
    let response = match caller {
        Err(refusal) => refusal.into_response(),
        Ok(caller) if caller.app && !uri.path().starts_with("/app") => {
            let message = "A JSON web token is good for the App's own endpoints only";
            Refusal::new(401, message).into_response()
        }
        Ok(_) if fake.is_spent(&budget, resource) => {
            let who = if login.is_empty() { "your address" } else { &login };
            Refusal::new(403, format!("API rate limit exceeded for {who}.")).into_response()
        }
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    let response = tagged(&method, &headers, &budget, response).await;
    let free = response.status() == StatusCode::NOT_MODIFIED || uri.path() == "/rate_limit";
    let response = fake.metered(response, &budget, resource, free);
    match fault {
        Some(FaultKind::DropReply) => {
            seen(0);
            hang_up();
        }
        Some(FaultKind::CutReply) => {
            seen(response.status().as_u16());
            cut(response).await
        }
        Some(FaultKind::AnswerAfter { status }) => {
            seen(status);
            fake.scripted(status, &[], "{\"message\":\"scripted\"}".to_owned())
        }
        _ => {
            seen(response.status().as_u16());
            response
        }
    }
}

/// Closes the connection without a word: the task that serves it ends. The panic hook stays
/// silent, since this is no panic.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("the connection is dropped by script"))
}

/// An answer that promises more than it gives.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len() + 1));
    let half = bytes.slice(..bytes.len() / 2);
    let broken = std::io::Error::other("the answer is cut by script");
    let body = stream::iter([Ok::<Bytes, std::io::Error>(half), Err(broken)]);
    Response::from_parts(parts, Body::from_stream(body))
}

/// Tags a good answer to a read, and answers 304 if the caller has it already. As on github.com
/// the tag depends on the credential.
async fn tagged(method: &Method, asked: &HeaderMap, who: &str, response: Response) -> Response {
    if method != Method::GET || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update(who);
    digest.update(&bytes);
    // The next page is part of what is tagged.
    digest.update(parts.headers.get(header::LINK).map_or(&b""[..], HeaderValue::as_bytes));
    let etag = format!("W/\"{}\"", hex::encode(digest.finalize()));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        parts.headers.insert(header::ETAG, etag);
    }
    if known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

impl FakeGitHub {
    /// Who a request is from; an unknown credential is refused.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::default()) };
        let bad = || Refusal::new(401, "Bad credentials");
        let text = value.to_str().map_err(|_| bad())?;
        let (scheme, credential) = text.split_once(' ').ok_or_else(bad)?;
        let token = if scheme.eq_ignore_ascii_case("basic") {
            let decoded = BASE64_STANDARD.decode(credential).map_err(|_| bad())?;
            let pair = String::from_utf8(decoded).map_err(|_| bad())?;
            match pair.split_once(':').ok_or_else(bad)? {
                // Either part may be the token.
                (token, "" | "x-oauth-basic") => token.to_owned(),
                (_, token) => token.to_owned(),
            }
        } else {
            credential.to_owned()
        };
        if token.matches('.').count() == 2 {
            return self.authenticate_app(&token);
        }
        let world = self.inner.world.lock();
        let found = world.tokens.get(&token).ok_or_else(bad)?;
        if found.expires_at.is_some_and(|at| at <= self.inner.clock.now()) {
            return Err(bad());
        }
        Ok(Caller { login: found.login.clone(), budget: found.budget.clone(), app: false })
    }

    /// Checks an App's assertion as strictly as github.com does.
    fn authenticate_app(&self, assertion: &str) -> Result<Caller, Refusal> {
        #[derive(Deserialize)]
        struct Claims {
            iss: Value,
            iat: i64,
            exp: i64,
        }
        let refuse = |message: &str| Refusal::new(401, message);
        let world = self.inner.world.lock();
        let app = world.app.as_ref().ok_or_else(|| refuse("Integration not found"))?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let wrong = "A JSON web token could not be decoded";
        let key = DecodingKey::from_rsa_der(app_key::public_der());
        let claims = jsonwebtoken::decode::<Claims>(assertion, &key, &validation)
            .map_err(|_| refuse(wrong))?
            .claims;
        let issuer = claims.iss.as_str().map_or_else(|| claims.iss.to_string(), str::to_owned);
        if issuer != app.id {
            return Err(refuse("Integration not found"));
        }
        let now = self.inner.clock.now().seconds();
        if claims.iat > now {
            return Err(refuse(
                "'Issued at' claim ('iat') must be an Integer representing the time that the \
                 assertion was issued",
            ));
        }
        if claims.exp <= now {
            return Err(refuse("'Expiration time' claim ('exp') must be in the future"));
        }
        if claims.exp > now + MAX_ASSERTION_LIFE {
            return Err(refuse("'Expiration time' claim ('exp') is too far in the future"));
        }
        let login = format!("{}[bot]", app.slug);
        Ok(Caller { budget: format!("app {}", app.id), login, app: true })
    }

    fn limit(who: &str, resource: &str) -> (u64, i64) {
        match (resource, who.is_empty()) {
            ("search", _) => (SEARCH_LIMIT, 60),
            (_, true) => (ANONYMOUS_LIMIT, 3_600),
            (_, false) => (HOURLY_LIMIT, 3_600),
        }
    }

    /// The budget of the current period; a new period begins when the old one ended.
    fn budget(&self, who: &str, resource: &str) -> Budget {
        let now = self.inner.clock.now();
        let (limit, seconds) = Self::limit(who, resource);
        let mut world = self.inner.world.lock();
        let budget = world
            .budgets
            .entry(format!("{who}/{resource}"))
            .or_insert(Budget { remaining: limit, reset: Timestamp::EPOCH });
        if budget.reset <= now {
            let reset = Timestamp::from_seconds(now.seconds() + seconds);
            *budget = Budget { remaining: limit, reset };
        }
        *budget
    }

    fn is_spent(&self, who: &str, resource: &str) -> bool {
        self.budget(who, resource).remaining == 0
    }

    /// Takes the request off the budget and adds what every answer carries.
    fn metered(&self, mut response: Response, who: &str, resource: &str, free: bool) -> Response {
        let mut budget = self.budget(who, resource);
        if !free && budget.remaining > 0 {
            budget.remaining -= 1;
            let name = format!("{who}/{resource}");
            self.inner.world.lock().budgets.insert(name, budget);
        }
        let (limit, _) = Self::limit(who, resource);
        let headers = response.headers_mut();
        for (name, value) in [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", budget.remaining.to_string()),
            ("x-ratelimit-used", limit.saturating_sub(budget.remaining).to_string()),
            ("x-ratelimit-reset", budget.reset.seconds().to_string()),
            ("x-ratelimit-resource", resource.to_owned()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        self.dated(response)
    }

    /// The `Date` header by the fake's clock.
    fn dated(&self, mut response: Response) -> Response {
        if let Ok(date) = HeaderValue::from_str(&http_date(self.inner.clock.now())) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }

    fn scripted(&self, status: u16, headers: &[(String, String)], body: String) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        for (name, value) in headers {
            let name = header::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        self.dated(response)
    }
}

/// `Sat, 21 Nov 2026 00:05:37 GMT`.
fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let civil = at.civil();
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        DAYS[usize::from(civil.weekday) % 7],
        civil.day,
        MONTHS[usize::from(civil.month).saturating_sub(1) % 12],
        civil.year,
        civil.hour,
        civil.minute,
        civil.second
    )
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Details follow the first colon, as in `Validation Failed: description is too long`.
        let body = match self.message.split_once(": ") {
            Some(("Validation Failed", detail)) => json!({
                "message": "Validation Failed",
                "errors": [{ "resource": "", "code": "custom", "message": detail }],
            }),
            _ => {
                json!({ "message": self.message, "documentation_url": "https://docs.github.com/rest" })
            }
        };
        (status, Json(body)).into_response()
    }
}

/// What is left of the caller's budgets.
async fn rate_limit(
    State(fake): State<FakeGitHub>,
    axum::Extension(caller): axum::Extension<Caller>,
) -> Json<Value> {
    let entry = |resource: &str| {
        let budget = fake.budget(&caller.budget, resource);
        let (limit, _) = FakeGitHub::limit(&caller.budget, resource);
        json!({
            "limit": limit,
            "remaining": budget.remaining,
            "used": limit.saturating_sub(budget.remaining),
            "reset": budget.reset.seconds(),
        })
    };
    Json(json!({ "resources": { "core": entry("core"), "search": entry("search") } }))
}

/// The page of a list that the query asks for, with links to its neighbours. `wrap` makes the
/// body of the entries on the page.
pub(super) fn page(
    fake: &FakeGitHub,
    uri: &Uri,
    entries: Vec<Value>,
    wrap: impl FnOnce(Vec<Value>) -> Value,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let number = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let size = number("per_page").unwrap_or(PAGE_SIZE.0).clamp(1, PAGE_SIZE.1);
    let current: usize = number("page").unwrap_or(1).max(1);
    let last = entries.len().div_ceil(size).max(1);
    let shown: Vec<Value> = entries.into_iter().skip((current - 1) * size).take(size).collect();
    let mut response = Json(wrap(shown)).into_response();
    let link = |page: usize, relation: &str| {
        let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        let mut pairs: Vec<String> = others.map(str::to_owned).collect();
        pairs.push(format!("page={page}"));
        format!("<{}{}?{}>; rel=\"{relation}\"", fake.inner.base, uri.path(), pairs.join("&"))
    };
    let mut links = Vec::new();
    if current < last {
        links.push(link(current + 1, "next"));
        links.push(link(last, "last"));
    }
    if current > 1 {
        links.push(link(current - 1, "prev"));
        links.push(link(1, "first"));
    }
    if let (false, Ok(value)) = (links.is_empty(), HeaderValue::from_str(&links.join(", "))) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}

/// A value of the query, its escapes undone.
pub(super) fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    let text = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let bytes = text.replace('+', " ").into_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    Some(String::from_utf8_lossy(&plain).into_owned())
}
