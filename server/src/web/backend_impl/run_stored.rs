//! A run by its folder, or by a text that names the folder, as those of `pr-logs/directory` do.

use std::sync::Arc;

use app::model::PageError;
use blob::{BlobError, BlobUri, Provider};

use super::{refused, unavailable};
use crate::run_files::within;
use crate::runs::run::Run;
use crate::web::browse::shown;
use crate::web::state::Web;

/// The longest text that is followed as a link, in bytes, as Deck has it.
const LINK_BYTES: u64 = 4095;
/// Links that are followed from one to the next.
const MAX_LINKS: usize = 3;

/// A run by its folder: from the table, from history, else from the bucket.
pub(super) async fn stored(
    web: &Web,
    provider: &str,
    bucket: &str,
    path: &str,
) -> Result<Arc<Run>, PageError> {
    let provider = Provider::parse(provider)
        .ok_or_else(|| wrong(format!("{provider} is no kind of bucket: gs, s3 or file.")))?;
    let config = web.config.get();
    let bucket = config.prow.deck.spyglass.resolve_bucket(bucket);
    if !config.prow.deck.allows_bucket(bucket) {
        return Err(PageError::Forbidden {
            reason: format!(
                "The bucket {bucket} is not one of those that this server shows \
                 (deck.additional_allowed_buckets)."
            ),
        });
    }
    let uri = BlobUri::new(provider, bucket, path.trim_end_matches('/'))
        .map_err(|error| wrong(format!("This is no address of a run's folder: {error}.")))?;
    // What is known is shown whatever the bucket does.
    if let Some(run) = indexed(web, &uri).await? {
        return if web.visibility().shows(&run) { Ok(run) } else { Err(missing(&uri)) };
    }
    let slow = || away(format!("The bucket {} is slow to answer.", uri.bucket()));
    within(&web.clock, from_bucket(web, &uri)).await.ok_or_else(slow)?
}

/// The run of a folder that the run table or the run history has.
async fn indexed(web: &Web, uri: &BlobUri) -> Result<Option<Arc<Run>>, PageError> {
    let folder = uri.to_string();
    if let Some(run) = web.runs.by_artifacts(&folder) {
        return Ok(Some(run));
    }
    let Some(store) = &web.store else { return Ok(None) };
    let row = store.runs().by_run_dir(&folder).await;
    let row = row.map_err(|error| unavailable("The run history", error))?;
    Ok(row.map(|row| Arc::new(Run::from_history(&row, &web.runs.strings))))
}

/// A run that only the bucket knows, or to which it has a link. Each place on the way is one that may
/// be shown: who writes a link may not thereby read what is hidden, or another bucket.
async fn from_bucket(web: &Web, uri: &BlobUri) -> Result<Arc<Run>, PageError> {
    let mut passed = vec![allowed(web, uri, uri).await?];
    loop {
        let place = passed.last().unwrap_or(uri);
        let Some(target) = target(web, place).await? else { break };
        if passed.contains(&target) {
            return Err(wrong(format!("The links at {uri} lead back to {target}.")));
        }
        if passed.len() > MAX_LINKS {
            return Err(wrong(format!(
                "The link at {uri} leads to a run's folder over more than {MAX_LINKS} others."
            )));
        }
        if let Some(run) = indexed(web, &target).await? {
            let is_shown = web.visibility().shows(&run) && web_allows(web, &target);
            return if is_shown { Ok(run) } else { Err(missing(uri)) };
        }
        passed.push(allowed(web, &target, uri).await?);
    }
    let folder = passed.last().unwrap_or(uri);
    let found = web.histories.run_in(folder).await.map_err(|error| {
        tracing::warn!("the documents in {folder} could not be read: {error}");
        away(format!("The files in {folder} could not be read from the bucket."))
    })?;
    let stored = found.run.as_ref().ok_or_else(|| missing(uri))?;
    let job = Arc::new(stored.job.clone());
    let run = Run::of(&job, Some(&folder.to_string()), &web.runs.strings);
    match web.visibility().shows(&run) {
        true => Ok(Arc::new(Run { live: None, ..run })),
        false => Err(missing(uri)),
    }
}

/// A place without its bucket's aliases, if it may be shown; else it is as if nothing were at `asked`.
async fn allowed(web: &Web, place: &BlobUri, asked: &BlobUri) -> Result<BlobUri, PageError> {
    let path = format!("{}/{}", place.bucket(), place.key());
    shown(web, place.provider().as_str(), &path).await.map_err(|error| match refused(error) {
        away @ PageError::Unavailable { .. } => away,
        _ => missing(asked),
    })
}

fn web_allows(web: &Web, place: &BlobUri) -> bool {
    web.config.get().prow.deck.allows_bucket(place.bucket())
}

/// What the text beside a place names, if there is one.
async fn target(web: &Web, place: &BlobUri) -> Result<Option<BlobUri>, PageError> {
    let link = BlobUri::new(place.provider(), place.bucket(), format!("{}.txt", place.key()))
        .map_err(|error| wrong(error.to_string()))?;
    match web.blobs.read(&link, LINK_BYTES).await {
        Ok(content) => {
            let content = String::from_utf8_lossy(&content);
            // Some tools end a folder's name with a slash.
            let target = content.trim().trim_end_matches('/');
            let target = BlobUri::parse(target).ok().filter(|target| !target.key().is_empty());
            target.map(Some).ok_or_else(|| {
                wrong(format!("{link} should name a run's folder, but holds something else."))
            })
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(BlobError::TooLarge { .. }) => {
            Err(wrong(format!("{link} should name a run's folder, but is too long for that.")))
        }
        Err(error) => Err(unavailable("The bucket", error)),
    }
}

fn wrong(message: String) -> PageError {
    PageError::BadRequest { message }
}

fn away(message: String) -> PageError {
    PageError::Unavailable { message, since_ms: None }
}

fn missing(folder: &BlobUri) -> PageError {
    PageError::NotFound {
        message: format!(
            "There is no run in {folder}. It may have expired in the bucket, not be uploaded yet, \
             or the address may be wrong."
        ),
    }
}
