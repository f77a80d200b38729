//! Objects in buckets: `gs://`, `s3://` and folders of this machine, behind one handle.
//!
//! [`Blobs`] reads, writes and lists objects by [`BlobUri`]. Which buckets are folders and which
//! credentials open the others is a [`BlobConfig`]. Content that is stored with
//! `Content-Encoding: gzip`, as Prow stores compressed logs, is unpacked on the way out, so offsets
//! and sizes of the read functions always mean the text that a person sees.
//!
//! This is the only crate that names `object_store`.

mod config;
pub mod content_type;
mod error;
mod gunzip;
mod local;
mod remote;
mod uri;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use go_compat::time::Timestamp;

pub use config::{BLOBS_ENV, BlobConfig};
pub use error::BlobError;
pub use local::StoredFile;
pub use uri::{BlobUri, MAX_KEY_BYTES, META_DIR, Provider};

use local::LocalBucket;
use remote::RemoteBucket;

/// Bytes of a local file that one step of a stream holds.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A stream of an object's content.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// What is known about an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobMeta {
    /// Stored size in bytes: the packed size where the content is gzip-encoded.
    pub size: u64,
    /// The content type: stored, else by the name, else by the first bytes.
    pub content_type: String,
    /// The stored content encoding, such as `gzip`.
    pub content_encoding: Option<String>,
    /// When it was last written.
    pub updated: Timestamp,
    /// Another content of the object has another one: the storage's ETag or generation, or size and
    /// time to the nanosecond where it has none.
    pub version: String,
    /// User metadata (`x-goog-meta-*`, `x-amz-meta-*`), names without that prefix.
    pub metadata: BTreeMap<String, String>,
}

impl BlobMeta {
    /// The content is packed, so the stored size is not the size of the text and a part of it
    /// cannot be read without what comes before.
    pub fn is_gzip(&self) -> bool {
        self.content_encoding.as_deref() == Some("gzip")
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its key in the bucket.
    pub key: String,
    /// Stored size in bytes.
    pub size: u64,
    /// When it was last written.
    pub updated: Timestamp,
}

/// One page of [`Blobs::list`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Objects in the order of their keys' bytes.
    pub entries: Vec<BlobEntry>,
    /// Where to continue (`start_after` of the next call); `None` on the last page.
    pub next: Option<String>,
}

/// One page of [`Blobs::list_dir`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirListing {
    /// Keys of the folders directly below, each ending in `/`.
    pub dirs: Vec<String>,
    /// Objects directly below.
    pub entries: Vec<BlobEntry>,
    /// Where to continue (`start_after` of the next call); `None` on the last page.
    pub next: Option<String>,
}

/// What to write.
#[derive(Debug, Clone)]
pub enum Source {
    /// These bytes.
    Bytes(Bytes),
    /// The content of this file, streamed.
    File(PathBuf),
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Source {
        Source::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Source {
        Source::Bytes(bytes.into())
    }
}

impl From<&str> for Source {
    fn from(text: &str) -> Source {
        Source::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Source {
    fn from(text: String) -> Source {
        Source::Bytes(text.into())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Source {
        Source::File(path)
    }
}

/// What is stored with an object besides its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// `None`: by the name's extension.
    pub content_type: Option<String>,
    /// `gzip` when the bytes given are packed and readers shall see them unpacked.
    pub content_encoding: Option<String>,
    /// How long readers may keep it, such as `no-cache`; `None` is what the storage does.
    pub cache_control: Option<String>,
    /// User metadata, names without `x-goog-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// The buckets. Cloning is cheap and shares connections.
#[derive(Debug, Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: BlobConfig,
    /// Keyed by provider *and* name: a gs and an s3 bucket of one name are different buckets.
    remote: Mutex<HashMap<(Provider, String), RemoteBucket>>,
}

enum Bucket {
    Local(LocalBucket),
    Remote(RemoteBucket),
}

impl Blobs {
    /// Opens nothing yet; wrong credentials show at the first use of their bucket.
    pub fn new(config: BlobConfig) -> Blobs {
        Blobs { inner: Arc::new(Inner { config, remote: Mutex::default() }) }
    }

    /// The configuration this was made from, to be passed on to the pod utilities.
    pub fn config(&self) -> &BlobConfig {
        &self.inner.config
    }

    /// The whole content, unpacked.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] when it has more than `limit` bytes (nothing beyond is held in
    /// memory); [`BlobError::NotFound`] and the failures of the storage.
    pub async fn read(&self, uri: &BlobUri, limit: u64) -> Result<Bytes, BlobError> {
        if let Bucket::Local(bucket) = self.bucket(uri)? {
            let asked = uri.clone();
            if let Some(content) = blocking(move || bucket.read(&asked, limit)).await? {
                return Ok(content);
            }
        }
        let (_, mut content) = self.open(uri).await?;
        let mut all = BytesMut::new();
        while let Some(chunk) = content.try_next().await? {
            if all.len() as u64 + chunk.len() as u64 > limit {
                return Err(BlobError::TooLarge { uri: uri.clone(), limit });
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The content from its first byte, unpacked, with what is known about the object.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] and the failures of the storage; the stream ends with an error when
    /// the content is cut short.
    pub async fn open(&self, uri: &BlobUri) -> Result<(BlobMeta, ByteStream), BlobError> {
        let (meta, stored) = self.open_stored(uri, 0).await?;
        let content = if meta.is_gzip() { gunzip::unpack(uri.clone(), stored) } else { stored };
        Ok((meta, content))
    }

    /// The object's file where the bucket is a folder, to be read in any order by several threads; `None`
    /// elsewhere.
    ///
    /// # Errors
    /// As [`Blobs::open`].
    pub async fn file(&self, uri: &BlobUri) -> Result<Option<StoredFile>, BlobError> {
        match self.bucket(uri)? {
            Bucket::Local(bucket) => {
                let uri = uri.clone();
                blocking(move || bucket.stored_file(&uri).map(Some)).await
            }
            Bucket::Remote(_) => Ok(None),
        }
    }

    /// Content bytes `start..start + length`, fewer when the content ends before. Packed content is
    /// unpacked from its beginning, so prefer [`Blobs::open`] for many ranges of such an object.
    ///
    /// # Errors
    /// [`BlobError::OutOfRange`] when `start` lies behind the end (reading at the very end gives no
    /// bytes); [`BlobError::NotFound`] and the failures of the storage.
    pub async fn read_range(
        &self,
        uri: &BlobUri,
        start: u64,
        length: u64,
    ) -> Result<Bytes, BlobError> {
        let meta = self.head(uri).await?;
        if meta.is_gzip() {
            return self.unpacked_range(uri, start, length).await;
        }
        if start > meta.size {
            return Err(BlobError::OutOfRange { uri: uri.clone(), start, size: meta.size });
        }
        self.stored_range(uri, start, start.saturating_add(length).min(meta.size)).await
    }

    /// The last `length` content bytes, or all of them.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] and the failures of the storage.
    pub async fn read_tail(&self, uri: &BlobUri, length: u64) -> Result<Bytes, BlobError> {
        let meta = self.head(uri).await?;
        if !meta.is_gzip() {
            let start = meta.size.saturating_sub(length);
            return self.stored_range(uri, start, meta.size).await;
        }
        let keep = usize::try_from(length).unwrap_or(usize::MAX);
        let (_, mut content) = self.open(uri).await?;
        let mut tail = BytesMut::new();
        while let Some(chunk) = content.try_next().await? {
            tail.extend_from_slice(&chunk);
            let surplus = tail.len().saturating_sub(keep);
            let _ = tail.split_to(surplus);
        }
        Ok(tail.freeze())
    }

    /// Size, type and metadata.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] and the failures of the storage.
    pub async fn head(&self, uri: &BlobUri) -> Result<BlobMeta, BlobError> {
        match self.bucket(uri)? {
            Bucket::Local(bucket) => {
                let uri = uri.clone();
                blocking(move || bucket.head(&uri)).await
            }
            Bucket::Remote(bucket) => bucket.head(uri).await,
        }
    }

    /// Writes an object, replacing one of that name. Readers see the old content or the new one,
    /// never a part.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Forbidden`], [`BlobError::BadPath`] and the failures of
    /// the storage.
    pub async fn write(
        &self,
        uri: &BlobUri,
        source: impl Into<Source>,
        options: &WriteOptions,
    ) -> Result<(), BlobError> {
        self.put(uri, source.into(), options, false).await.map(drop)
    }

    /// Writes an object unless one of that name exists; tells whether it was written.
    ///
    /// # Errors
    /// As [`Blobs::write`].
    pub async fn write_if_absent(
        &self,
        uri: &BlobUri,
        source: impl Into<Source>,
        options: &WriteOptions,
    ) -> Result<bool, BlobError> {
        self.put(uri, source.into(), options, true).await
    }

    /// Objects whose key begins with the prefix's key, folders not regarded, ordered by key: at most
    /// `max` of those behind `start_after` (a key; empty for the beginning).
    ///
    /// # Errors
    /// The failures of the storage. A missing local bucket is empty.
    pub async fn list(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<Listing, BlobError> {
        match self.bucket(prefix)? {
            Bucket::Local(bucket) => {
                let (prefix, start_after) = (prefix.clone(), start_after.to_owned());
                blocking(move || bucket.list(&prefix, &start_after, max)).await
            }
            Bucket::Remote(bucket) => bucket.list(prefix, start_after, max).await,
        }
    }

    /// Folders and objects directly below the prefix, which stands for a folder with or without its
    /// trailing `/`.
    ///
    /// # Errors
    /// The failures of the storage. A missing folder is empty.
    pub async fn list_dir(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<DirListing, BlobError> {
        match self.bucket(prefix)? {
            Bucket::Local(bucket) => {
                let (prefix, start_after) = (prefix.clone(), start_after.to_owned());
                blocking(move || bucket.list_dir(&prefix, &start_after, max)).await
            }
            Bucket::Remote(bucket) => bucket.list_dir(prefix, start_after, max).await,
        }
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// The failures of the storage.
    pub async fn delete(&self, uri: &BlobUri) -> Result<(), BlobError> {
        match self.bucket(uri)? {
            Bucket::Local(bucket) => {
                let uri = uri.clone();
                blocking(move || bucket.delete(&uri)).await
            }
            Bucket::Remote(bucket) => bucket.delete(uri).await,
        }
    }

    /// A link that lets anyone who has it read the object for a while; `None` where the bucket is a
    /// folder, whose objects only this server can serve.
    ///
    /// # Errors
    /// The credentials cannot sign.
    pub async fn signed_url(
        &self,
        uri: &BlobUri,
        valid_for: Duration,
    ) -> Result<Option<String>, BlobError> {
        match self.bucket(uri)? {
            Bucket::Local(_) => Ok(None),
            Bucket::Remote(bucket) => bucket.signed_url(uri, valid_for).await,
        }
    }

    async fn put(
        &self,
        uri: &BlobUri,
        source: Source,
        options: &WriteOptions,
        only_if_absent: bool,
    ) -> Result<bool, BlobError> {
        match self.bucket(uri)? {
            Bucket::Local(bucket) => {
                let (uri, options) = (uri.clone(), options.clone());
                blocking(move || bucket.write(&uri, &source, &options, only_if_absent)).await
            }
            Bucket::Remote(bucket) => bucket.write(uri, &source, options, only_if_absent).await,
        }
    }

    async fn open_stored(
        &self,
        uri: &BlobUri,
        start: u64,
    ) -> Result<(BlobMeta, ByteStream), BlobError> {
        let bucket = match self.bucket(uri)? {
            Bucket::Local(bucket) => bucket,
            Bucket::Remote(bucket) => return bucket.open(uri, start).await,
        };
        let asked = uri.clone();
        let (meta, file) = blocking(move || bucket.open(&asked, start)).await?;
        let chunks = futures::stream::try_unfold((uri.clone(), file), |(uri, mut file)| async {
            blocking(move || {
                let chunk = LocalBucket::read_chunk(&uri, &mut file, CHUNK_BYTES)?;
                Ok((!chunk.is_empty()).then_some((chunk, (uri, file))))
            })
            .await
        });
        Ok((meta, chunks.boxed()))
    }

    async fn stored_range(&self, uri: &BlobUri, start: u64, end: u64) -> Result<Bytes, BlobError> {
        if start >= end {
            return Ok(Bytes::new());
        }
        match self.bucket(uri)? {
            Bucket::Local(bucket) => {
                let uri = uri.clone();
                let length = usize::try_from(end - start).unwrap_or(usize::MAX);
                blocking(move || {
                    let (_, mut file) = bucket.open(&uri, start)?;
                    LocalBucket::read_chunk(&uri, &mut file, length)
                })
                .await
            }
            Bucket::Remote(bucket) => bucket.range(uri, start, end).await,
        }
    }

    async fn unpacked_range(
        &self,
        uri: &BlobUri,
        start: u64,
        length: u64,
    ) -> Result<Bytes, BlobError> {
        let (_, mut content) = self.open(uri).await?;
        let end = start.saturating_add(length);
        let mut at = 0u64;
        let mut wanted = BytesMut::new();
        while let Some(chunk) = content.try_next().await? {
            let next = at + chunk.len() as u64;
            // Both bounds are within this chunk, so they fit an index.
            let from = start.clamp(at, next) - at;
            let to = end.clamp(at, next) - at;
            wanted.extend_from_slice(&chunk[from as usize..to as usize]);
            at = next;
            if at >= end {
                return Ok(wanted.freeze());
            }
        }
        if start > at {
            return Err(BlobError::OutOfRange { uri: uri.clone(), start, size: at });
        }
        Ok(wanted.freeze())
    }

    fn bucket(&self, uri: &BlobUri) -> Result<Bucket, BlobError> {
        let config = &self.inner.config;
        if let Some(folder) = config.local_buckets.get(uri.bucket()) {
            return Ok(Bucket::Local(LocalBucket::new(folder.clone())));
        }
        if uri.provider() == Provider::File {
            let root = config.local_root.as_ref();
            let root = root.ok_or_else(|| BlobError::NoFolder { uri: uri.clone() })?;
            return Ok(Bucket::Local(LocalBucket::new(root.join(uri.bucket()))));
        }
        let mut remote = self.inner.remote.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (uri.provider(), uri.bucket().to_owned());
        if let Some(bucket) = remote.get(&key) {
            return Ok(Bucket::Remote(bucket.clone()));
        }
        let bucket = RemoteBucket::new(uri.provider(), uri.bucket(), config)?;
        remote.insert(key, bucket.clone());
        Ok(Bucket::Remote(bucket))
    }
}

/// Runs file work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A panic goes on in the caller; a task of this kind is cancelled only at shutdown.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                Err(BlobError::Configuration { reason: "the program is shutting down".to_owned() })
            }
        },
    }
}

#[cfg(test)]
mod tests;
