//! `/spyglass/lens/<name>/<iframe|rerender|callback|update>`: lenses that other servers offer, by Deck's
//! protocol. What they answer is shown in a frame that reaches nothing of ours.

use std::sync::LazyLock;
use std::time::Duration;

use app::model::{PageError, RunKey, query_value};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config_load::prow::deck::LensRemoteConfig;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::backend_impl::find_run_by_key;
use super::browse::sandboxed;
use super::cache::CachePolicy;
use super::error::{HttpError, HttpResult};
use super::state::SharedWeb;
use super::view::markup::escape;
use crate::spyglass::select::{BUILT_IN, chosen};

/// How long a lens may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes that a lens may answer.
const MAX_ANSWER: usize = 10 << 20;
/// The most bytes that the page of a lens may send to it.
pub const MAX_QUESTION: usize = 1 << 20;
/// The longest `req` that is read: names of files may be many.
const MAX_REQUEST: usize = 256 * 1024;
/// Files that one request may name.
const MAX_NAMES: usize = 5_000;

/// What Deck's pages ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Files, by their paths below the run's folder; without any, those that the lens's patterns match.
    artifacts: Vec<String>,
    /// The lens's place in the configuration.
    index: i64,
    /// The run: `gs/<bucket>/<path>` or `prowjob/<job>/<build>`.
    src: String,
}

/// What a lens is asked, as Deck sends it.
#[derive(Serialize)]
struct LensRequest<'r> {
    action: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    data: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'r Value>,
    #[serde(rename = "resourceRoot")]
    resource_root: String,
    artifacts: Vec<&'r str>,
    #[serde(rename = "ArtifactSource")]
    artifact_source: &'r str,
    index: usize,
}

/// A connection never follows where a lens leads it.
static CLIENT: LazyLock<Result<reqwest::Client, reqwest::Error>> = LazyLock::new(|| {
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
});

/// Asks a lens and passes on what it answers.
///
/// # Errors
/// 400 and 404 as Deck answers them. A lens that fails is told in its frame.
pub async fn lens(
    State(web): State<SharedWeb>,
    Path((name, resource)): Path<(String, String)>,
    method: Method,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> HttpResult<Response> {
    let action = match resource.as_str() {
        "iframe" => "initial",
        "rerender" => "rerender",
        "callback" => "callback",
        "update" => "update",
        _ => return Err(HttpError::not_found(format!("A lens has no {resource}."))),
    };
    let asked = asked(query.as_deref().unwrap_or_default())?;
    let key = run_key(&asked.src)?;
    let config = web.config.get();
    let spyglass = &config.prow.deck.spyglass;
    let is_known = spyglass.lenses.iter().any(|entry| entry.lens.name == name);
    if !is_known {
        let here = BUILT_IN.iter().any(|lens| lens.name == name);
        let is = if here { "is part of the run's page" } else { "is not configured" };
        return Err(HttpError::not_found(format!("The lens {name} {is}.")));
    }
    let index = usize::try_from(asked.index).ok().filter(|at| *at < spyglass.lenses.len());
    let index = index.ok_or_else(|| {
        HttpError::bad_request(format!("There is no lens at the place {}.", asked.index))
    })?;
    let run = find_run_by_key(&web, &key).await.map_err(|error| match error {
        PageError::Unavailable { message, .. } => HttpError::unavailable(message),
        PageError::BadRequest { message } => HttpError::bad_request(message),
        PageError::Forbidden { reason } => HttpError::bad_request(reason),
        _ => HttpError::not_found(format!("There is no run at {}.", asked.src)),
    })?;
    let nothing = || HttpError::not_found("no artifacts found");
    let folder = run.folder().ok_or_else(nothing)?;
    for file in &asked.artifacts {
        if file.starts_with('/') {
            return Err(HttpError::bad_request(format!(
                "{file} is no path below the run's folder."
            )));
        }
        folder.join(file).map_err(|error| {
            HttpError::bad_request(format!("This is no path of a file of the run: {error}."))
        })?;
    }
    let listed = web.files.of(&folder).await.ok_or_else(|| {
        HttpError::unavailable("The run's files have not been listed yet. Try again in a moment.")
    })?;
    let names: Vec<&str> = listed.files.iter().map(|file| file.name.as_str()).collect();
    // The configuration may have changed since the page was made: then the name counts.
    let of_name = chosen(spyglass, &names).into_iter().filter(|lens| lens.name == name);
    let mut of_name: Vec<_> = of_name.collect();
    let at = of_name.iter().position(|lens| lens.index == index).unwrap_or(0);
    if of_name.is_empty() {
        return Err(nothing());
    }
    let mut lens = of_name.swap_remove(at);
    let Some(remote) = lens.remote else {
        return Err(HttpError::not_found(format!("The lens {name} is part of the run's page.")));
    };
    if !asked.artifacts.is_empty() {
        lens.files.retain(|file| asked.artifacts.iter().any(|wanted| wanted == file));
    }
    if lens.files.is_empty() {
        return Err(nothing());
    }
    let data = match action {
        "initial" => String::new(),
        "update" => {
            let fields = app::model::query_pairs(&String::from_utf8_lossy(&body));
            query_value(&fields, "data").unwrap_or_default().to_owned()
        }
        _ => String::from_utf8_lossy(&body).into_owned(),
    };
    let source = folder.to_string().replacen("://", "/", 1);
    let mut request = LensRequest {
        action,
        data: &data,
        config: lens.config,
        resource_root: resource_root(&name, remote),
        artifacts: lens.files.clone(),
        artifact_source: &source,
        index: lens.index,
    };
    let answer = if action == "update" {
        (request.action, request.data) = ("initial", "");
        let whole = ask(remote, Method::GET, &request).await;
        (request.action, request.data) = ("rerender", &data);
        let part = ask(remote, Method::POST, &request).await;
        whole.and_then(|(_, whole)| part.map(|(status, part)| (status, with_body(&whole, part))))
    } else {
        ask(remote, method, &request).await
    };
    Ok(match (action, answer) {
        ("initial" | "update", Ok((status, body))) => {
            (status, CachePolicy::NoStore, sandboxed(&policy(remote)), body).into_response()
        }
        ("initial" | "update", Err(problem)) => {
            tracing::warn!("the lens {name} failed: {problem}");
            let page = failed(&lens.title);
            let headers = sandboxed("sandbox; default-src 'none'; frame-ancestors 'self'");
            (StatusCode::BAD_GATEWAY, CachePolicy::NoStore, headers, page).into_response()
        }
        (_, Ok((status, body))) => {
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            (status, CachePolicy::NoStore, [(header::CONTENT_TYPE, text)], body).into_response()
        }
        (_, Err(problem)) => {
            let words = format!("The server of the lens {name} does not answer.");
            return Err(HttpError::new(StatusCode::BAD_GATEWAY, words)
                .caused_by(anyhow::anyhow!("{problem}")));
        }
    })
}

/// Reads `req`.
fn asked(query: &str) -> HttpResult<Asked> {
    let pairs = app::model::query_pairs(query);
    let request = query_value(&pairs, "req").unwrap_or_default();
    if request.len() > MAX_REQUEST {
        return Err(HttpError::bad_request("`req` is too long."));
    }
    let asked: Asked = serde_json::from_str(request)
        .map_err(|error| HttpError::bad_request(format!("Failed to parse request: {error}")))?;
    if asked.artifacts.len() > MAX_NAMES {
        return Err(HttpError::bad_request(format!(
            "`req` names {} files; {MAX_NAMES} are the most.",
            asked.artifacts.len()
        )));
    }
    Ok(asked)
}

/// The run of a source such as `gs/bucket/logs/job/1`.
fn run_key(source: &str) -> HttpResult<RunKey> {
    RunKey::parse(source)
        .map_err(|_| HttpError::bad_request(format!("{source} is no source of a run.")))
}

/// Where the lens's page finds its own files: its `static_root`, else Deck's address for it.
fn resource_root(name: &str, remote: &LensRemoteConfig) -> String {
    match remote.static_root.as_str() {
        "" => format!("/spyglass/static/{name}/"),
        root => format!("{}/", root.trim_end_matches('/')),
    }
}

/// What the page of a lens may do: run scripts and load what it is made of, from its own server and by
/// https. Its origin is nobody's, so that it reads nothing of ours.
fn policy(remote: &LensRemoteConfig) -> String {
    let origin =
        |url: &str| reqwest::Url::parse(url).ok().map(|url| url.origin().ascii_serialization());
    let own: Vec<String> = [&remote.endpoint, &remote.static_root]
        .into_iter()
        .filter_map(|url| origin(url))
        .filter(|origin| origin != "null")
        .collect();
    let own = own.join(" ");
    format!(
        "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; \
         default-src https: data: blob: {own}; script-src 'unsafe-inline' 'unsafe-eval' https: {own}; \
         style-src 'unsafe-inline' https: {own}; connect-src https: {own}; form-action 'none'; \
         object-src 'none'; frame-ancestors 'self'"
    )
}

/// Sends a request to a lens. The error says what went wrong.
async fn ask(
    remote: &LensRemoteConfig,
    method: Method,
    request: &LensRequest<'_>,
) -> Result<(StatusCode, Vec<u8>), String> {
    let client = CLIENT.as_ref().map_err(ToString::to_string)?;
    let sent = client.request(method, &remote.endpoint).json(request).send();
    let answer = sent.await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    let mut body = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| error.without_url().to_string())?;
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(format!("it answered more than {MAX_ANSWER} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_redirection() || status.is_server_error() {
        return Err(format!("it answered {status}"));
    }
    Ok((status, body))
}

/// A document with another content. Deck's own page never replaces the content of a lens that asks for
/// it; here its frame is loaded with this, as nobody else may reach into it.
fn with_body(document: &[u8], content: Vec<u8>) -> Vec<u8> {
    let tag = document.windows(5).position(|part| part.eq_ignore_ascii_case(b"<body"));
    let start =
        tag.and_then(|tag| Some(tag + document[tag..].iter().position(|byte| *byte == b'>')? + 1));
    let Some(start) = start else { return content };
    let end = document.windows(6).rposition(|part| part.eq_ignore_ascii_case(b"</body"));
    let behind = end.filter(|end| *end >= start).map_or(&[][..], |end| &document[end..]);
    [&document[..start], &content, behind].concat()
}

/// The document that stands in the frame of a lens that failed.
fn failed(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\
         <body><p>The server of this lens ({title}) does not answer as it should. The rest of the \
         page does not depend on it; the server's log says more.</p></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_those_of_deck() {
        let stored = |provider: &str| RunKey::Stored {
            provider: provider.to_owned(),
            bucket: "b".to_owned(),
            path: "logs/j/1".to_owned(),
        };
        assert_eq!(run_key("gs/b/logs/j/1").unwrap(), stored("gs"));
        assert_eq!(run_key("/s3/b/logs/j/1/").unwrap(), stored("s3"));
        let build = RunKey::Build { job: "j".to_owned(), build: "1".to_owned() };
        assert_eq!(run_key("prowjob/j/1").unwrap(), build);
        for wrong in ["", "gs", "gs/b", "gs//x", "oh/my/glob", "http://x/y"] {
            assert_eq!(run_key(wrong).unwrap_err().status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    }

    #[test]
    fn a_request_that_is_none_or_too_large_is_refused() {
        assert_eq!(asked("req=%7B%22src%22%3A%22gs%2Fb%2Fc%22%7D").unwrap().src, "gs/b/c");
        let names = vec!["\"a\""; MAX_NAMES + 1].join(",");
        let many = format!("req=%7B%22artifacts%22%3A%5B{names}%5D%7D");
        let long = format!("req=%22{}%22", "x".repeat(MAX_REQUEST));
        for wrong in ["", "req=", "req=7", "req=%7B%22index%22%3A%22a%22%7D", &many, &long] {
            assert!(asked(wrong).is_err(), "{}", &wrong[..wrong.len().min(60)]);
        }
    }

    #[test]
    fn a_document_gets_another_content_and_keeps_its_head() {
        for (document, whole) in [
            (
                "<html><style>a</style><BODY class=x>old</Body></html>",
                "<html><style>a</style><BODY class=x>new</Body></html>",
            ),
            ("<body>old", "<body>new"),
            ("<p>no body", "new"),
            ("<body", "new"),
        ] {
            let made = with_body(document.as_bytes(), b"new".to_vec());
            assert_eq!(String::from_utf8_lossy(&made), whole);
        }
    }

    #[test]
    fn the_page_of_a_lens_is_in_a_sandbox_without_an_origin() {
        let remote = LensRemoteConfig {
            endpoint: "http://lens.internal:8000/api".to_owned(),
            ..LensRemoteConfig::default()
        };
        let policy = policy(&remote);
        assert!(policy.starts_with("sandbox allow-scripts") && !policy.contains("same-origin"));
        assert!(!policy.contains("'self' ") && policy.contains("http://lens.internal:8000"));
        assert!(!failed("<b>").contains("<b>"));
    }
}
