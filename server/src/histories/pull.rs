//! The runs of a pull request in a bucket, and where they may lie.

use blob::{BlobError, BlobUri, Blobs};
use config_load::Config;
use futures::{StreamExt, TryStreamExt};
use job_spec::{GcsConfiguration, gcs_path};

/// Names of one page of a listing.
const PAGE: usize = 1_000;
/// Jobs of a pull request that are looked at.
const MAX_JOBS: usize = 2_000;
/// Runs of a pull request that are looked at.
const MAX_RUNS: usize = 20_000;
/// Jobs whose runs are listed at once.
const AT_ONCE: usize = 16;

/// The folders below which runs of a pull request lie: where the decoration of each of the
/// repository's presubmits says, or the default of the repository, which is a guess, as in Deck. No
/// folder stands there twice.
pub fn places(config: &Config, org: &str, repo: &str, number: u64) -> Vec<BlobUri> {
    let full_name = format!("{org}/{repo}");
    let guess = config.prow.plank.guess_default_decoration_config(&full_name, "");
    let own = config.jobs.presubmits_for(&full_name).filter_map(|job| {
        job.base.utility.decoration_config.as_ref().and_then(|own| own.gcs_configuration.clone())
    });
    let mut places: Vec<BlobUri> = own
        .chain(guess.gcs_configuration)
        .filter(|gcs| !gcs.bucket.is_empty())
        .filter_map(|gcs| place(&gcs, org, repo, number))
        .collect();
    places.sort();
    places.dedup();
    places
}

fn place(gcs: &GcsConfiguration, org: &str, repo: &str, number: u64) -> Option<BlobUri> {
    let folder = gcs_path::pull_folder(gcs, org, repo, &number.to_string());
    BlobUri::parse(&gcs.bucket).ok()?.join(&folder).ok()
}

/// The folders of the batches of a repository's presubmits of these names, each with the job's name; jobs
/// that stand in the repository itself lie where the default says. Batches of other repositories whose
/// jobs have the same name lie there, too.
pub fn batch_places(config: &Config, org: &str, repo: &str, jobs: &[&str]) -> Vec<BlobUri> {
    let full_name = format!("{org}/{repo}");
    let guess = config.prow.plank.guess_default_decoration_config(&full_name, "");
    let guess = guess.gcs_configuration;
    let mut places = Vec::new();
    for name in jobs {
        let presubmits =
            config.jobs.presubmits_for(&full_name).filter(|job| job.base.name == *name);
        let own = presubmits.filter_map(|job| {
            job.base.utility.decoration_config.as_ref()?.gcs_configuration.clone()
        });
        let both = own.chain(guess.clone()).filter(|gcs| !gcs.bucket.is_empty());
        places.extend(both.filter_map(|gcs| {
            BlobUri::parse(&gcs.bucket).ok()?.join(&gcs_path::batch_folder(&gcs, name)).ok()
        }));
    }
    places.sort();
    places.dedup();
    places
}

/// The folders of runs below the folder of a pull request: `<job>/<build>`. Jobs that are configured
/// no more are among them.
///
/// # Errors
/// The bucket does not answer.
pub async fn folders(blobs: &Blobs, pull: &BlobUri) -> Result<Vec<BlobUri>, BlobError> {
    let jobs = children(blobs, pull, MAX_JOBS).await?;
    let builds = futures::stream::iter(jobs)
        .map(|job| async move { children(blobs, &job, PAGE).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let mut runs: Vec<BlobUri> = builds
        .into_iter()
        .flatten()
        .filter(|folder| super::listing::build_id(folder.file_name()).is_some())
        .collect();
    // Of more than are looked at, the newest.
    runs.sort_by_cached_key(|folder| {
        std::cmp::Reverse(super::listing::build_id(folder.file_name()))
    });
    runs.truncate(MAX_RUNS);
    Ok(runs)
}

/// The folders in a folder.
async fn children(blobs: &Blobs, folder: &BlobUri, max: usize) -> Result<Vec<BlobUri>, BlobError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = match blobs.list_dir(folder, &after, PAGE).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return Ok(found),
            Err(error) => return Err(error),
        };
        for key in page.dirs {
            let key = key.trim_end_matches('/');
            found.push(BlobUri::new(folder.provider(), folder.bucket(), key)?);
        }
        match page.next {
            Some(next) if found.len() < max => after = next,
            _ => return Ok(found),
        }
    }
}
