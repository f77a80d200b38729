//! Buckets as gcsweb shows them: `/gcs/<bucket>/<path>`, `/s3/…` and `/file/…`. What ends in a slash is
//! a folder and has a page; everything else is an object.

mod frame;
mod object;
pub mod old;
mod range;
mod zip;

use app::model::{encode, query_pairs};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use blob::{BlobUri, Provider};

use super::error::{HttpError, HttpResult};
use super::hidden_folders;
use super::pages::Pages;
use super::patience::while_it_answers;
use super::state::{SharedWeb, Web};

pub use frame::sandboxed;
pub use object::serve;

/// A place in a bucket that this process may show.
///
/// # Errors
/// The bucket is none of those that are shown, the path is none, or belongs to a hidden job or
/// repository: then it is as if it were not there.
pub fn place(web: &Web, provider: &str, path: &str) -> HttpResult<BlobUri> {
    let provider = Provider::parse(provider)
        .ok_or_else(|| HttpError::bad_request(format!("{provider} is no kind of bucket.")))?;
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let config = web.config.get();
    let bucket = config.prow.deck.spyglass.resolve_bucket(bucket);
    let missing = || HttpError::not_found(format!("There is nothing at {path}."));
    if bucket.is_empty() || !config.prow.deck.allows_bucket(bucket) {
        return Err(HttpError::not_found(format!(
            "The bucket {bucket} is not one of those that this server shows \
             (deck.additional_allowed_buckets)."
        )));
    }
    let visibility = web.visibility();
    if key.split('/').any(visibility.concealed(&config.jobs)) {
        return Err(missing());
    }
    BlobUri::new(provider, bucket, key.trim_end_matches('/'))
        .map_err(|error| HttpError::bad_request(format!("This is no path in a bucket: {error}.")))
}

/// As [`place`], unless the place lies in the folder of a run that is not shown.
///
/// # Errors
/// As [`place`]; or the run history does not answer.
pub async fn shown(web: &Web, provider: &str, path: &str) -> HttpResult<BlobUri> {
    let uri = place(web, provider, path)?;
    match hidden_folders::is_hidden(web, &uri).await? {
        true => Err(HttpError::not_found(format!("There is nothing at {path}."))),
        false => Ok(uri),
    }
}

/// The first part of the address of what a provider holds, as gcsweb has it.
pub fn kind_of(provider: Provider) -> &'static str {
    match provider {
        Provider::Gs => "gcs",
        other => other.as_str(),
    }
}

/// The page of a folder.
pub fn folder_href(folder: &BlobUri) -> String {
    let (bucket, key) = (folder.bucket(), encode(folder.key().trim_matches('/')));
    let end = if key.is_empty() { "" } else { "/" };
    format!("/{}/{}/{key}{end}", kind_of(folder.provider()), encode(bucket))
}

/// The address of an object on this server; a folder's is [`folder_href`].
pub fn address(uri: &BlobUri) -> String {
    folder_href(uri).trim_end_matches('/').to_owned()
}

/// An object, or the page of a folder.
///
/// # Errors
/// As [`place`] and [`serve`].
pub async fn browse(
    web: SharedWeb,
    provider: &str,
    path: &str,
    headers: HeaderMap,
    pages: Pages,
    request: Request,
) -> HttpResult<Response> {
    let asked = query_pairs(request.uri().query().unwrap_or_default());
    let asks_for = |what: &str| asked.iter().any(|(key, _)| key == what);
    if path.ends_with('/') && asks_for("zip") {
        let folder = place(&web, provider, path.trim_end_matches('/'))?;
        let work = async {
            shown(&web, provider, path.trim_end_matches('/')).await?;
            zip::zip(&web, &folder).await
        };
        return while_it_answers(&web, Some(&folder), "the zip", work).await?;
    }
    // A folder, or the page of a file, which says what it cannot show.
    if path.ends_with('/') || path.contains('/') && asks_for("preview") {
        return Ok(pages.render(request).await);
    }
    // gcsweb leads `/gcs/<bucket>` to the form with a slash.
    if !path.contains('/') {
        let folder = format!("{}/", request.uri().path());
        return Ok(Redirect::permanent(&folder).into_response());
    }
    let uri = place(&web, provider, path)?;
    let work = shown(&web, provider, path);
    while_it_answers(&web, Some(&uri), "the file", work).await??;
    if asks_for("frame") {
        return frame::framed(&web, &uri).await;
    }
    let download = asks_for("download");
    match serve(&web, &uri, request.method(), &headers, download).await {
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            let listing = web.blobs.list_dir(&uri, "", 1).await;
            let is_folder =
                listing.is_ok_and(|found| !found.dirs.is_empty() || !found.entries.is_empty());
            match is_folder {
                true => {
                    Ok(Redirect::permanent(&format!("{}/", request.uri().path())).into_response())
                }
                false => Err(error),
            }
        }
        answer => answer,
    }
}
