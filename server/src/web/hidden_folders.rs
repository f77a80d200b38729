//! Folders of buckets that belong to runs that are not shown. A folder's name tells of a job or a
//! repository that is hidden now; what was hidden when it ran, or by what its ProwJob says, only the
//! run knows: the run table, the run history, or else the documents in its folder.

use std::collections::HashSet;

use blob::{BlobUri, Provider};
use futures::FutureExt as _;

use super::backend_impl::found_run;
use super::error::{HttpError, HttpResult};
use super::state::Web;
use crate::histories::{Patience, Place};
use crate::references::run_folder;
use crate::runs::run::Run;

/// The key of a place and those of the folders above it, the outermost first.
pub fn steps(key: &str) -> impl Iterator<Item = &str> {
    let key = key.trim_end_matches('/');
    let above = key.match_indices('/').map(|(at, _)| &key[..at]);
    above.chain(std::iter::once(key)).filter(|step| !step.is_empty())
}

/// Runs of a listing whose documents are read to see whether they may be named.
const READ: usize = 200;

/// Those of these keys, without a slash at their ends, that are folders of runs that are not shown. The
/// bucket is that of `within`. With patience, folders of which nothing is known are read as far as that
/// reaches; of others only the numbers can be told. Without, every one of them is read.
///
/// # Errors
/// The run history does not answer; or without patience the bucket.
pub async fn hidden(
    web: &Web,
    within: &BlobUri,
    keys: HashSet<String>,
    patience: Option<&Patience>,
) -> HttpResult<HashSet<String>> {
    let visibility = web.visibility();
    let roots = roots(web, within);
    let (mut hidden, mut unknown) = (HashSet::new(), Vec::new());
    let mut known: HashSet<String> = HashSet::new();
    for key in &keys {
        for root in &roots {
            let folder = format!("{root}{key}");
            match web.runs.by_artifacts(&folder) {
                Some(run) => {
                    known.insert(key.clone());
                    if !visibility.shows(&run) {
                        hidden.insert(key.clone());
                    }
                }
                None => unknown.push(folder),
            }
        }
    }
    let rows = match &web.store {
        Some(store) => store.runs().by_run_dirs(&unknown).await.map_err(|error| {
            HttpError::unavailable("The run history does not answer.").caused_by(error)
        })?,
        None => Vec::new(),
    };
    for row in rows {
        let run = Run::from_history(&row, &web.runs.strings);
        let key = roots.iter().find_map(|root| row.run_dir.strip_prefix(root.as_str()));
        let Some(key) = key else { continue };
        known.insert(key.to_owned());
        if !visibility.shows(&run) {
            hidden.insert(key.to_owned());
        }
    }
    let unknown = keys.into_iter().filter(|key| !known.contains(key)).collect();
    hidden.extend(by_documents(web, within, unknown, patience).await?);
    Ok(hidden)
}

/// Those of these keys that are folders of runs that are hidden by what their documents say, or whose
/// job is hidden in some repositories while nobody knows theirs.
async fn by_documents(
    web: &Web,
    within: &BlobUri,
    keys: Vec<String>,
    patience: Option<&Patience>,
) -> HttpResult<Vec<String>> {
    let is_run = |key: &String| {
        let place = BlobUri::new(within.provider(), within.bucket(), key).ok()?;
        run_folder(&place).filter(|folder| *folder == place)
    };
    let mut runs: Vec<BlobUri> = keys.iter().filter_map(is_run).collect();
    if patience.is_some() {
        runs.truncate(READ);
    }
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let places = runs.iter().map(|uri| Place { uri: uri.clone(), is_link: false, of: None });
    let (places, never) = (places.collect(), std::future::pending().boxed().shared());
    let found = web.histories.read(places, patience.unwrap_or(&never)).await;
    let (visibility, config) = (web.visibility(), web.config.get());
    let doubtful = visibility.doubtful(&config.jobs);
    let mut hidden = Vec::new();
    for uri in runs {
        let found = found.get(&uri.to_string()).filter(|found| !found.is_unread());
        let Some(found) = found else {
            match patience {
                Some(_) => continue,
                None => return Err(HttpError::unavailable("The bucket does not answer.")),
            }
        };
        let shows = match found_run(web, found) {
            Some(run) => visibility.shows(&run),
            None => !uri.key().split('/').any(|part| doubtful.contains(part)),
        };
        if !shows {
            hidden.push(uri.key().to_owned());
        }
    }
    Ok(hidden)
}

/// Whether a place lies in the folder of a run that is not shown.
///
/// # Errors
/// As [`hidden`].
pub async fn is_hidden(web: &Web, place: &BlobUri) -> HttpResult<bool> {
    let keys = steps(place.key()).map(str::to_owned).collect();
    Ok(!hidden(web, place, keys, None).await?.is_empty())
}

/// What the folders of a bucket's runs begin with. One that is kept in a folder of this machine is the
/// same under each provider's name.
pub fn roots(web: &Web, within: &BlobUri) -> Vec<String> {
    let root = |provider: Provider| format!("{provider}://{}/", within.bucket());
    if web.blobs.config().local_buckets.contains_key(within.bucket()) {
        return [Provider::Gs, Provider::S3, Provider::File].map(root).to_vec();
    }
    vec![root(within.provider())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_each_folder_above_it() {
        let of = |key: &'static str| steps(key).collect::<Vec<_>>();
        assert_eq!(of("logs/job/1"), ["logs", "logs/job", "logs/job/1"]);
        assert_eq!(of("logs/"), ["logs"]);
        assert!(of("").is_empty());
    }
}
