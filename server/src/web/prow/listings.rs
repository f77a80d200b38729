//! `/prowjobs.js` and `/data.js`: all runs for programs.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use job_spec::ProwJob;
use serde::Deserialize;

use crate::runs::listing::{Form, Omit};
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::SharedWeb;

/// The parameters of `/prowjobs.js`; `/data.js` knows `var` alone.
#[derive(Debug, Default, Deserialize)]
pub struct Parameters {
    /// A script variable to assign the list to.
    #[serde(default)]
    pub var: String,
    /// Fields to leave out.
    #[serde(default)]
    pub omit: String,
    /// Only runs of this org.
    #[serde(default)]
    pub org: String,
    /// Only runs of this repository.
    #[serde(default)]
    pub repo: String,
    /// Only runs of pull requests by this author.
    #[serde(default)]
    pub owner: String,
}

/// `/prowjobs.js`
pub async fn prowjobs(
    State(web): State<SharedWeb>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> HttpResult<Response> {
    answer(web, Form::ProwJobs(Omit::parse(&parameters.omit)), parameters, headers).await
}

/// `/data.js`
pub async fn data(
    State(web): State<SharedWeb>,
    Query(Parameters { var, .. }): Query<Parameters>,
    headers: HeaderMap,
) -> HttpResult<Response> {
    answer(web, Form::Data, Parameters { var, ..Parameters::default() }, headers).await
}

async fn answer(
    web: SharedWeb,
    form: Form,
    parameters: Parameters,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let (prefix, suffix, content_type) = frame(&parameters.var)?;
    let filtered =
        [&parameters.org, &parameters.repo, &parameters.owner].iter().any(|p| !p.is_empty());
    if filtered {
        return Ok((
            CachePolicy::NoStore,
            [(header::CONTENT_TYPE, content_type)],
            selected(&web, form, &parameters, &prefix, suffix),
        )
            .into_response());
    }
    let gzip = accepts_gzip(&headers);
    // Making the list anew costs up to a second at the first request after
    // start, so it does not hold up the other tasks of this thread.
    let web_for_list = web.clone();
    let listing = tokio::task::spawn_blocking(move || {
        let web = web_for_list;
        let snapshot = web.runs.snapshot();
        let visibility = web.visibility();
        web.listings.get(form, snapshot.version, &visibility, || {
            web.selections.visible(snapshot.version, &visibility, &snapshot.runs).to_vec()
        })
    })
    .await
    .map_err(HttpError::internal)?;
    let etag =
        format!("\"{:016x}-{}{}\"", listing.tag, parameters.var, if gzip { "-gz" } else { "" });
    let etag_value = HeaderValue::from_str(&etag).map_err(HttpError::internal)?;
    let common = [
        (header::CONTENT_TYPE, content_type),
        (header::ETAG, etag_value),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if matches_etag(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, CachePolicy::Revalidate, common).into_response());
    }
    if gzip {
        let bytes = web.listings.gzipped(form, &listing, &prefix, suffix);
        let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return Ok((CachePolicy::Revalidate, common, encoding, bytes).into_response());
    }
    let pieces = futures::stream::iter(listing.plain(&prefix, suffix));
    Ok((CachePolicy::Revalidate, common, Body::from_stream(pieces)).into_response())
}

/// What stands around the list when a script asks for a variable.
pub(super) fn frame(var: &str) -> HttpResult<(String, &'static str, HeaderValue)> {
    if var.is_empty() {
        return Ok((String::new(), "", HeaderValue::from_static("application/json")));
    }
    let identifier = var.len() <= 64
        && var.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && var.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if !identifier {
        return Err(HttpError::bad_request(
            "The parameter `var` must be a script identifier of at most 64 letters, digits, `_` or `$`.",
        ));
    }
    let javascript = HeaderValue::from_static("application/javascript");
    Ok((format!("var {var} = "), ";", javascript))
}

/// The list of runs that the exact, case-sensitive filters leave.
fn selected(
    web: &SharedWeb,
    form: Form,
    wanted: &Parameters,
    prefix: &str,
    suffix: &str,
) -> Vec<u8> {
    let snapshot = web.runs.snapshot();
    let visible = web.selections.visible(snapshot.version, &web.visibility(), &snapshot.runs);
    let mut text = prefix.as_bytes().to_vec();
    text.extend_from_slice(br#"{"items":["#);
    let mut first = true;
    for job in visible.iter().filter_map(|run| run.live.as_deref()) {
        if !passes(job, wanted) {
            continue;
        }
        if !std::mem::take(&mut first) {
            text.push(b',');
        }
        text.extend_from_slice(&form.entry(job));
    }
    text.extend_from_slice(b"]}");
    text.extend_from_slice(suffix.as_bytes());
    text
}

/// Deck's rules: org and repo look at the refs, or at any extra refs when
/// there are none; a job without refs has no owner.
fn passes(job: &ProwJob, wanted: &Parameters) -> bool {
    let own = job.spec.refs.as_ref();
    let refs = match own {
        Some(refs) => std::slice::from_ref(refs),
        None => &job.spec.extra_refs,
    };
    let org = wanted.org.is_empty() || refs.iter().any(|refs| refs.org == wanted.org);
    let repo = wanted.repo.is_empty() || refs.iter().any(|refs| refs.repo == wanted.repo);
    let owner = wanted.owner.is_empty()
        || own.is_some_and(|refs| refs.pulls.iter().any(|pull| pull.author == wanted.owner));
    org && repo && owner
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|coding| {
                let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
                matches!(name.trim(), "gzip" | "*") && weight.trim() != "q=0"
            })
        })
    })
}

/// Whether `If-None-Match` holds this tag.
pub fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|tag| {
                let tag = tag.trim();
                tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
            })
        })
    })
}
