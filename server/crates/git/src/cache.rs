//! Mirrors of all the repositories that are asked for, and what was read from them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::{
    command::DEFAULT_TIMEOUT,
    error::GitError,
    inspect::Inspector,
    merge::{MergeMethod, merge_heads},
    mirror::{CredentialSource, Mirror, NoCredentials, check_commits, looks_corrupt},
    prow_files,
};

/// How many readings are remembered unless told otherwise, as Prow's
/// `--in-repo-config-cache-size`.
const DEFAULT_CACHE_SIZE: u64 = 200;

/// How much of a repository's address goes into the name of its folder, for people who look.
const FOLDER_NAME_LENGTH: usize = 80;

/// The files of one repository's configuration: path and content, sorted by path.
pub type ProwFiles = Arc<Vec<(String, Vec<u8>)>>;

/// What a [`RepoCache`] may be told.
#[derive(Clone)]
pub struct RepoCacheOptions {
    /// How many readings to remember (`--in-repo-config-cache-size`).
    pub cache_size: u64,
    /// How long one git command may take.
    pub timeout: Duration,
    /// Where the credentials of remotes come from.
    pub credentials: Arc<dyn CredentialSource>,
}

impl Default for RepoCacheOptions {
    fn default() -> Self {
        RepoCacheOptions {
            cache_size: DEFAULT_CACHE_SIZE,
            timeout: DEFAULT_TIMEOUT,
            credentials: Arc::new(NoCredentials),
        }
    }
}

impl fmt::Debug for RepoCacheOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepoCacheOptions")
            .field("cache_size", &self.cache_size)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What a reading depends on; the same key gives the same files for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    uri: String,
    base: String,
    heads: Vec<String>,
    method: MergeMethod,
}

/// Bare mirrors under one folder. Cheap to clone.
///
/// One task at a time works on one repository; others wait. A folder may be shared by processes.
/// What a killed process left locked is unlocked, and a mirror that git finds corrupt is made
/// anew once.
#[derive(Clone)]
pub struct RepoCache {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    options: RepoCacheOptions,
    locks: Mutex<BTreeMap<PathBuf, Arc<AsyncMutex<()>>>>,
    inspector: OnceCell<Inspector>,
    readings: moka::future::Cache<Key, ProwFiles>,
}

impl RepoCache {
    /// Mirrors under `dir`, which is created when needed, with default options.
    pub fn new(dir: impl Into<PathBuf>) -> RepoCache {
        RepoCache::with_options(dir, RepoCacheOptions::default())
    }

    /// Mirrors under `dir`, which is created when needed.
    pub fn with_options(dir: impl Into<PathBuf>, options: RepoCacheOptions) -> RepoCache {
        let readings = moka::future::Cache::new(options.cache_size);
        RepoCache {
            inner: Arc::new(Inner {
                dir: dir.into(),
                options,
                locks: Mutex::new(BTreeMap::new()),
                inspector: OnceCell::new(),
                readings,
            }),
        }
    }

    /// The in-repository configuration at `base_sha` with the heads merged onto it in order:
    /// `.prow/**.yaml|yml` with `.prowignore` files, or else `.prow.yaml`; empty if there is
    /// neither. The same question at the same time is answered by one reading, and an answer is
    /// remembered. Errors are not.
    ///
    /// A head that conflicts is [`GitError::MergeConflict`], a commit that the remote does not
    /// have is [`GitError::MissingCommit`].
    pub async fn read_prow_files(
        &self,
        clone_uri: &str,
        base_sha: &str,
        head_shas: &[String],
        method: MergeMethod,
    ) -> Result<ProwFiles, GitError> {
        check_commits(head_shas.iter().map(String::as_str).chain([base_sha]))?;
        let key = Key {
            uri: clone_uri.to_owned(),
            base: base_sha.to_owned(),
            heads: head_shas.to_vec(),
            method,
        };
        let reading = self.read_uncached(clone_uri, base_sha, head_shas, method);
        self.inner
            .readings
            .try_get_with(key, reading)
            .await
            .map_err(|error: Arc<GitError>| GitError::clone(&error))
    }

    /// How many readings are remembered right now.
    pub fn remembered(&self) -> u64 {
        self.inner.readings.entry_count()
    }

    async fn read_uncached(
        &self,
        uri: &str,
        base: &str,
        heads: &[String],
        method: MergeMethod,
    ) -> Result<ProwFiles, GitError> {
        let path = self.mirror_path(uri);
        let lock = self.inner.locks.lock().entry(path.clone()).or_default().clone();
        let _guard = lock.lock().await;
        let inspector = self
            .inner
            .inspector
            .get_or_try_init(|| Inspector::create(&self.inner.dir))
            .await?
            .clone();
        let mirror = Mirror::open(
            path,
            uri,
            self.inner.options.timeout,
            self.inner.options.credentials.clone(),
            inspector,
        )
        .await?;
        match read(&mirror, base, heads, method).await {
            Err(GitError::Failed { command, message, .. }) if looks_corrupt(&message) => {
                tracing::warn!(
                    repository = %mirror.shown_uri(),
                    command,
                    message,
                    "the mirror is corrupt; fetching it anew"
                );
                mirror.recreate().await?;
                read(&mirror, base, heads, method).await
            }
            // A blob was needed that was not fetched yet, and could not be.
            Err(GitError::Failed { message, .. }) if message.contains("promisor remote") => {
                Err(GitError::Remote { uri: mirror.shown_uri(), message })
            }
            result => result,
        }
        .map(Arc::new)
    }

    /// The folder of a repository's mirror: readable, and distinct for distinct addresses.
    fn mirror_path(&self, uri: &str) -> PathBuf {
        let shown = uri.rsplit('@').next().unwrap_or(uri);
        let readable: String = shown
            .split("://")
            .last()
            .unwrap_or(shown)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
            .collect();
        let tail = readable.len().saturating_sub(FOLDER_NAME_LENGTH);
        let digest = hex::encode(&Sha256::digest(uri)[..8]);
        let name = format!("{}-{digest}.git", readable[tail..].trim_matches('-'));
        Path::new(&self.inner.dir).join(name)
    }
}

impl fmt::Debug for RepoCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepoCache").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

async fn read(
    mirror: &Mirror,
    base: &str,
    heads: &[String],
    method: MergeMethod,
) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    let commits: Vec<&str> =
        std::iter::once(base).chain(heads.iter().map(String::as_str)).collect();
    mirror.ensure_commits(&commits).await?;
    let merged = merge_heads(mirror, base, heads, method).await?;
    prow_files::read(mirror, &merged).await
}

#[cfg(test)]
mod tests;
