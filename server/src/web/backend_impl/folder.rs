//! A folder of a bucket, as its page shows it.

use app::model::{FolderEntry, FolderPage, Link, PageError, encode, query_pairs, query_value};
use artifacts::results::quoted;
use blob::{BlobUri, Provider};

use super::{refused, unavailable};
use crate::histories::patience;
use crate::run_files::within;
use crate::web::browse::{folder_href, kind_of, shown};
use crate::web::hidden_folders;
use crate::web::state::Web;

/// Entries of one page.
const PER_PAGE: usize = 1_000;

/// The folder at an address such as `/gcs/<bucket>/<path>/`.
pub(super) async fn page(
    web: &Web,
    kind: &str,
    path: &str,
    query: &str,
) -> Result<FolderPage, PageError> {
    let slow = || PageError::Unavailable {
        message: format!("The bucket of {path} is slow to answer."),
        since_ms: None,
    };
    let uri = within(&web.clock, shown(web, kind, path.trim_end_matches('/'))).await;
    let uri = uri.ok_or_else(slow)?.map_err(refused)?;
    let pairs = query_pairs(query);
    let value = |name: &str| query_value(&pairs, name).unwrap_or_default();
    let patience = patience(&web.clock);
    let listing = within(&web.clock, web.blobs.list_dir(&uri, value("after"), PER_PAGE)).await;
    let listing = listing.ok_or_else(|| PageError::Unavailable {
        message: format!("The bucket {} is slow to answer.", uri.bucket()),
        since_ms: None,
    })?;
    let mut listing = match listing {
        Ok(listing) => listing,
        Err(error) if error.is_not_found() => blob::DirListing::default(),
        Err(error) => return Err(unavailable("The bucket", error)),
    };
    if listing.dirs.is_empty() && listing.entries.is_empty() && value("after").is_empty() {
        return Err(PageError::NotFound {
            message: format!(
                "There is nothing in {uri}. It may have expired in the bucket, not be uploaded yet, \
                 or the address may be wrong."
            ),
        });
    }
    let (visibility, config) = (web.visibility(), web.config.get());
    let concealed = visibility.concealed(&config.jobs);
    listing.dirs.retain(|key| !concealed(name_of(key).trim_end_matches('/')));
    let keys = listing.dirs.iter().map(|key| key.trim_end_matches('/').to_owned()).collect();
    let hidden = hidden_folders::hidden(web, &uri, keys, Some(&patience)).await.map_err(refused)?;
    listing.dirs.retain(|key| !hidden.contains(key.trim_end_matches('/')));
    let all = (listing.dirs.len() + listing.entries.len()) as u64;
    let search = value("q").trim().to_lowercase();
    let is_shown = |name: &str| search.is_empty() || name.to_lowercase().contains(&search);
    let here = folder_href(&uri);
    let folders = listing.dirs.iter().map(|key| (name_of(key), None, None));
    let files = listing
        .entries
        .iter()
        .map(|entry| (name_of(&entry.key), Some(entry.size), Some(entry.updated.millis())));
    let mut entries: Vec<FolderEntry> = folders
        .chain(files)
        // Some tools make an empty object of the folder's own name.
        .filter(|(name, ..)| !name.is_empty() && is_shown(name))
        .map(|(name, size_bytes, updated_ms)| FolderEntry {
            href: format!("{here}{}", encode(name)),
            name: name.to_owned(),
            size_bytes,
            updated_ms,
        })
        .collect();
    let sort = match value("sort") {
        by @ ("size" | "time") => by,
        _ => "name",
    };
    match sort {
        "size" => entries.sort_by_key(|entry| std::cmp::Reverse(entry.size_bytes)),
        "time" => entries.sort_by_key(|entry| std::cmp::Reverse(entry.updated_ms)),
        _ => {}
    }
    let key = uri.key().trim_matches('/');
    let (above, name) = steps(&uri);
    let is_run = listing.entries.iter().any(|entry| {
        matches!(name_of(&entry.key), "started.json" | "finished.json" | "prowjob.json")
    });
    Ok(FolderPage {
        now_ms: web.clock.now().millis(),
        bucket: uri.bucket().to_owned(),
        commands: commands(&uri),
        run: is_run.then(|| format!("/view/{}/{}/{}", uri.provider(), uri.bucket(), encode(key))),
        above,
        name,
        left_out: all - entries.len() as u64,
        bytes: entries.iter().filter_map(|entry| entry.size_bytes).sum(),
        entries,
        query: value("q").trim().to_owned(),
        sort: sort.to_owned(),
        next: listing.next.map(|after| {
            format!("{here}?after={}&q={}&sort={sort}", encode(&after), encode(value("q")))
        }),
        uri: uri.to_string(),
    })
}

/// The folders above a place, the bucket first, and the place's own name.
pub(super) fn steps(uri: &BlobUri) -> (Vec<Link>, String) {
    let key = uri.key().trim_matches('/');
    let mut steps: Vec<&str> = std::iter::once(uri.bucket())
        .chain(key.split('/').filter(|step| !step.is_empty()))
        .collect();
    let name = steps.pop().unwrap_or_default().to_owned();
    let mut href = format!("/{}/", kind_of(uri.provider()));
    let above = steps.into_iter().map(|step| {
        href = format!("{href}{}/", encode(step));
        Link { text: step.to_owned(), href: href.clone(), title: String::new() }
    });
    (above.collect(), name)
}

/// The last part of a key; that of a folder with its slash.
fn name_of(key: &str) -> &str {
    let end = key.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
    &key[end..]
}

/// Commands that copy a folder to where one is.
fn commands(uri: &BlobUri) -> Vec<String> {
    let quoted = quoted(&uri.to_string());
    match uri.provider() {
        Provider::Gs => {
            vec![format!("gcloud storage cp -r {quoted} ."), format!("gsutil -m cp -r {quoted} .")]
        }
        Provider::S3 => vec![format!("aws s3 cp --recursive {quoted} .")],
        Provider::File => Vec::new(),
    }
}
