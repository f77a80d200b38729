//! Folders of buckets that belong to runs that are not shown. A folder's name tells of a job or a
//! repository that is hidden now; what was hidden when it ran, or by what its ProwJob says, only the
//! run knows.

use std::collections::HashSet;

use blob::{BlobUri, Provider};

use super::error::{HttpError, HttpResult};
use super::state::Web;
use crate::runs::run::Run;

/// The key of a place and those of the folders above it, the outermost first.
pub fn steps(key: &str) -> impl Iterator<Item = &str> {
    let key = key.trim_end_matches('/');
    let above = key.match_indices('/').map(|(at, _)| &key[..at]);
    above.chain(std::iter::once(key)).filter(|step| !step.is_empty())
}

/// Those of these keys, without a slash at their ends, that are folders of runs that are not shown. The
/// bucket is that of `within`.
///
/// # Errors
/// The run history does not answer.
pub async fn hidden(
    web: &Web,
    within: &BlobUri,
    keys: HashSet<String>,
) -> HttpResult<HashSet<String>> {
    let visibility = web.visibility();
    let roots = roots(web, within);
    let (mut hidden, mut unknown) = (HashSet::new(), Vec::new());
    for key in keys {
        for root in &roots {
            let folder = format!("{root}{key}");
            match web.runs.by_artifacts(&folder) {
                Some(run) if visibility.shows(&run) => {}
                Some(_) => {
                    hidden.insert(key.clone());
                }
                None => unknown.push(folder),
            }
        }
    }
    let Some(store) = &web.store else { return Ok(hidden) };
    let rows = store.runs().by_run_dirs(&unknown).await.map_err(|error| {
        HttpError::unavailable("The run history does not answer.").caused_by(error)
    })?;
    for row in rows {
        let run = Run::from_history(&row, &web.runs.strings);
        let key = roots.iter().find_map(|root| row.run_dir.strip_prefix(root.as_str()));
        if let (false, Some(key)) = (visibility.shows(&run), key) {
            hidden.insert(key.to_owned());
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
    Ok(!hidden(web, place, keys).await?.is_empty())
}

/// What the folders of a bucket's runs begin with. One that is kept in a folder of this machine is the
/// same under each provider's name.
fn roots(web: &Web, within: &BlobUri) -> Vec<String> {
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
