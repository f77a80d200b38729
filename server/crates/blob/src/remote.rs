//! A bucket at Google or in S3, over `object_store`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use go_compat::time::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{
    Attribute, Attributes, BackoffConfig, Error, GetOptions, GetRange, GetResult, ListResult,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    StaticCredentialProvider,
};
use tokio::io::AsyncWriteExt;

use crate::config::{BlobConfig, S3Credentials};
use crate::error::BlobError;
use crate::uri::{BlobUri, Provider};
use crate::{BlobEntry, BlobMeta, DirListing, Listing, Source, WriteOptions, content_type};

/// Tries of one request inside the client. Callers that can wait longer retry on top of it.
const REQUEST_RETRIES: usize = 3;

/// How long one request with its retries may take before its error is reported.
const REQUEST_RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// The most keys that one request for a listing may ask for, at Google and at Amazon.
const MAX_KEYS: usize = 1_000;

/// Larger uploads go up in parts of this size, so that memory stays bounded.
const PART_BYTES: usize = 10 * 1024 * 1024;

/// A remote bucket.
#[derive(Clone)]
pub(crate) struct RemoteBucket {
    store: Arc<dyn ObjectStore>,
    signer: Option<Arc<dyn Signer>>,
    /// Lists a folder from the middle on; without it a folder is listed whole.
    pages: Option<Arc<dyn PaginatedListStore>>,
}

impl std::fmt::Debug for RemoteBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteBucket").field("store", &self.store).finish_non_exhaustive()
    }
}

impl RemoteBucket {
    /// Connects nothing yet: the first request does.
    pub(crate) fn new(
        provider: Provider,
        bucket: &str,
        config: &BlobConfig,
    ) -> Result<RemoteBucket, BlobError> {
        match provider {
            Provider::S3 => s3(bucket, config),
            _ => gcs(bucket, config),
        }
    }

    #[cfg(test)]
    pub(crate) fn in_memory() -> RemoteBucket {
        RemoteBucket {
            store: Arc::new(object_store::memory::InMemory::new()),
            signer: None,
            pages: None,
        }
    }

    pub(crate) async fn head(&self, uri: &BlobUri) -> Result<BlobMeta, BlobError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let found = self.get(uri, options).await?;
        Ok(blob_meta(uri, &found.meta, &found.attributes))
    }

    /// The stored bytes from `start` on, with what the storage says about the object.
    pub(crate) async fn open(
        &self,
        uri: &BlobUri,
        start: u64,
    ) -> Result<(BlobMeta, BoxStream<'static, Result<Bytes, BlobError>>), BlobError> {
        let options = GetOptions {
            range: (start > 0).then_some(GetRange::Offset(start)),
            ..GetOptions::default()
        };
        let found = self.get(uri, options).await?;
        let meta = blob_meta(uri, &found.meta, &found.attributes);
        let expected = found.range.end - found.range.start;
        let counted = whole(uri.clone(), expected, found.into_stream().boxed());
        Ok((meta, counted))
    }

    /// Stored bytes `start..end`; fewer when the object ends before.
    pub(crate) async fn range(
        &self,
        uri: &BlobUri,
        start: u64,
        end: u64,
    ) -> Result<Bytes, BlobError> {
        let options =
            GetOptions { range: Some(GetRange::Bounded(start..end)), ..GetOptions::default() };
        let found = self.get(uri, options).await?;
        found.bytes().await.map_err(|e| convert(uri, e))
    }

    pub(crate) async fn write(
        &self,
        uri: &BlobUri,
        source: &Source,
        options: &WriteOptions,
        only_if_absent: bool,
    ) -> Result<bool, BlobError> {
        let location = path(uri)?;
        let attributes = attributes(uri, options);
        let small = match source {
            Source::Bytes(bytes) => Some(bytes.clone()),
            Source::File(file) => read_if_small(uri, file, only_if_absent).await?,
        };
        let Some(bytes) = small else {
            let Source::File(file) = source else {
                return Ok(true);
            };
            self.stream_up(uri, location, file, attributes).await?;
            return Ok(true);
        };
        let mode = if only_if_absent { PutMode::Create } else { PutMode::Overwrite };
        let put = PutOptions { mode, attributes, ..PutOptions::default() };
        match self.store.put_opts(&location, bytes.into(), put).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) if only_if_absent => {
                Ok(false)
            }
            Err(error) => Err(convert(uri, error)),
        }
    }

    async fn stream_up(
        &self,
        uri: &BlobUri,
        location: Path,
        file: &FilePath,
        attributes: Attributes,
    ) -> Result<(), BlobError> {
        let fail = |e| BlobError::from_io(uri, "uploading", file, e);
        let mut reader = tokio::fs::File::open(file).await.map_err(fail)?;
        let mut writer = BufWriter::with_capacity(self.store.clone(), location, PART_BYTES)
            .with_attributes(attributes);
        let copied = tokio::io::copy(&mut reader, &mut writer).await;
        let ended = match copied {
            Ok(_) => writer.shutdown().await,
            Err(error) => {
                // The parts sent so far would be kept, and billed, for ever.
                if let Err(abort) = writer.abort().await {
                    tracing::warn!(blob.uri = %uri, error = %abort, "an unfinished upload could not be cleared away");
                }
                Err(error)
            }
        };
        ended.map_err(|error| BlobError::Unavailable { uri: uri.clone(), source: Box::new(error) })
    }

    pub(crate) async fn list(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<Listing, BlobError> {
        // The client lists whole folders only, so a prefix that ends inside a name is filtered here.
        let folder = prefix.key().rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = Path::parse(folder).map_err(|e| convert(prefix, e.into()))?;
        let mut found = if start_after.is_empty() {
            self.store.list(Some(&folder))
        } else {
            let offset = Path::parse(start_after).map_err(|e| convert(prefix, e.into()))?;
            self.store.list_with_offset(Some(&folder), &offset)
        };
        let mut listing = Listing::default();
        while let Some(meta) = found.try_next().await.map_err(|e| convert(prefix, e))? {
            let entry = entry(&meta);
            if !entry.key.starts_with(prefix.key()) {
                if entry.key.as_str() > prefix.key() {
                    break;
                }
                continue;
            }
            if listing.entries.len() == max {
                listing.next = listing.entries.last().map(|e| e.key.clone());
                break;
            }
            listing.entries.push(entry);
        }
        Ok(listing)
    }

    pub(crate) async fn list_dir(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<DirListing, BlobError> {
        let mut all = match &self.pages {
            Some(pages) => listed_from(&**pages, prefix, start_after, max).await?,
            None => {
                let folder = Path::parse(prefix.key()).map_err(|e| convert(prefix, e.into()))?;
                let found = self.store.list_with_delimiter(Some(&folder)).await;
                children(found.map_err(|e| convert(prefix, e))?, start_after)
            }
        };
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let more = all.len() > max;
        all.truncate(max);
        let mut listing = DirListing {
            next: all.last().filter(|_| more).map(|(key, _)| key.clone()),
            ..DirListing::default()
        };
        for (key, entry) in all {
            match entry {
                Some(entry) => listing.entries.push(entry),
                None => listing.dirs.push(key),
            }
        }
        Ok(listing)
    }

    pub(crate) async fn delete(&self, uri: &BlobUri) -> Result<(), BlobError> {
        match self.store.delete(&path(uri)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(convert(uri, error)),
        }
    }

    pub(crate) async fn signed_url(
        &self,
        uri: &BlobUri,
        valid_for: Duration,
    ) -> Result<Option<String>, BlobError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let url = signer
            .signed_url(Method::GET, &path(uri)?, valid_for)
            .await
            .map_err(|e| convert(uri, e))?;
        Ok(Some(url.to_string()))
    }

    async fn get(&self, uri: &BlobUri, options: GetOptions) -> Result<GetResult, BlobError> {
        self.store.get_opts(&path(uri)?, options).await.map_err(|e| convert(uri, e))
    }
}

/// A key with what is known of its object; folders have none.
type Child = (String, Option<BlobEntry>);

/// What a listing shows behind `start_after`.
fn children(found: ListResult, start_after: &str) -> Vec<Child> {
    let dirs = found.common_prefixes.iter().map(|p| (format!("{p}/"), None));
    let objects = found.objects.iter().map(entry).map(|e| (e.key.clone(), Some(e)));
    dirs.chain(objects).filter(|(key, _)| key.as_str() > start_after).collect()
}

/// The children of a folder behind `start_after`, until there are more than `max` of them or no
/// further ones. What comes before is not asked for, so that the newest of many cost little.
async fn listed_from(
    pages: &dyn PaginatedListStore,
    prefix: &BlobUri,
    start_after: &str,
    max: usize,
) -> Result<Vec<Child>, BlobError> {
    let folder = prefix.key().trim_end_matches('/');
    let folder = (!folder.is_empty()).then(|| format!("{folder}/"));
    let mut all = Vec::new();
    let mut page_token = None;
    loop {
        let options = PaginatedListOptions {
            offset: (!start_after.is_empty()).then(|| start_after.to_owned()),
            delimiter: Some(Cow::Borrowed("/")),
            max_keys: Some(max.saturating_add(1).min(MAX_KEYS)),
            page_token,
            ..PaginatedListOptions::default()
        };
        let page = pages.list_paginated(folder.as_deref(), options).await;
        let page = page.map_err(|e| convert(prefix, e))?;
        let found = children(page.result, start_after);
        // A folder may have an object of its own name, made by a file manager.
        let below = folder.as_deref().unwrap_or_default();
        all.extend(found.into_iter().filter(|(key, _)| key.starts_with(below)));
        match page.page_token {
            Some(token) if all.len() <= max => page_token = Some(token),
            _ => return Ok(all),
        }
    }
}

fn s3(bucket: &str, config: &BlobConfig) -> Result<RemoteBucket, BlobError> {
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry());
    if let Some(file) = &config.s3_credentials_file {
        let given = S3Credentials::read(file)?;
        if !given.region.is_empty() {
            builder = builder.with_region(given.region);
        }
        if !given.endpoint.is_empty() {
            let scheme = if given.insecure { "http" } else { "https" };
            let endpoint = if given.endpoint.contains("://") {
                given.endpoint
            } else {
                format!("{scheme}://{}", given.endpoint)
            };
            builder = builder
                .with_allow_http(given.insecure)
                .with_endpoint(endpoint)
                .with_virtual_hosted_style_request(!given.s3_force_path_style);
        }
        if !given.access_key.is_empty() {
            builder = builder
                .with_access_key_id(given.access_key)
                .with_secret_access_key(given.secret_key);
        }
        if !given.session_token.is_empty() {
            builder = builder.with_token(given.session_token);
        }
    }
    let store = Arc::new(builder.build().map_err(unusable)?);
    Ok(RemoteBucket { store: store.clone(), signer: Some(store.clone()), pages: Some(store) })
}

fn gcs(bucket: &str, config: &BlobConfig) -> Result<RemoteBucket, BlobError> {
    let mut builder =
        GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry());
    if let Some(file) = &config.gcs_credentials_file {
        // A service account key signs by itself; anything else is an application-default file.
        let text = std::fs::read(file).map_err(|error| BlobError::Configuration {
            reason: format!("the GCS credentials file {}: {error}", file.display()),
        })?;
        let kind: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let name = file.to_string_lossy();
        builder = if kind["type"] == "service_account" {
            builder.with_service_account_path(name)
        } else {
            builder.with_application_credentials(name)
        };
    }
    if config.gcs_anonymous {
        builder = builder.with_skip_signature(true);
    }
    if let Some(endpoint) = &config.gcs_endpoint {
        if config.gcs_anonymous {
            // Writes ask for a token even where nothing is signed; an emulator takes any.
            let token = GcpCredential { bearer: "anonymous".to_owned() };
            builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(token)));
        }
        builder = builder
            .with_base_url(endpoint)
            .with_client_options(object_store::ClientOptions::new().with_allow_http(true));
    }
    let store = Arc::new(builder.build().map_err(unusable)?);
    Ok(RemoteBucket { store: store.clone(), signer: Some(store.clone()), pages: Some(store) })
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: REQUEST_RETRIES,
        retry_timeout: REQUEST_RETRY_TIMEOUT,
    }
}

fn unusable(error: Error) -> BlobError {
    BlobError::Configuration { reason: error.to_string() }
}

fn path(uri: &BlobUri) -> Result<Path, BlobError> {
    Path::parse(uri.key()).map_err(|e| convert(uri, e.into()))
}

/// The file's bytes, unless it is so large that it must go up in parts. Parts cannot be made
/// conditional, so `anyway` reads it whole.
async fn read_if_small(
    uri: &BlobUri,
    file: &FilePath,
    anyway: bool,
) -> Result<Option<Bytes>, BlobError> {
    let fail = |e| BlobError::from_io(uri, "reading", file, e);
    let size = tokio::fs::metadata(file).await.map_err(fail)?.len();
    if size > PART_BYTES as u64 && !anyway {
        return Ok(None);
    }
    Ok(Some(tokio::fs::read(file).await.map_err(fail)?.into()))
}

/// Passes the chunks on and fails at the end when bytes are missing: a connection that closes
/// cleanly in the middle must not look like a short object.
fn whole(
    uri: BlobUri,
    expected: u64,
    chunks: BoxStream<'static, Result<Bytes, Error>>,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    futures::stream::try_unfold((uri, chunks, 0u64), move |(uri, mut chunks, seen)| async move {
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let seen = seen + chunk.len() as u64;
                Ok(Some((chunk, (uri, chunks, seen))))
            }
            Some(Err(error)) => Err(convert(&uri, error)),
            None if seen < expected => Err(BlobError::Unavailable {
                source: format!("the answer ended after {seen} of {expected} bytes").into(),
                uri,
            }),
            None => Ok(None),
        }
    })
    .boxed()
}

fn attributes(uri: &BlobUri, options: &WriteOptions) -> Attributes {
    let mut attributes = Attributes::new();
    let content_type = options
        .content_type
        .clone()
        .or_else(|| content_type::by_name(uri.key()).map(str::to_owned));
    if let Some(content_type) = content_type {
        attributes.insert(Attribute::ContentType, content_type.into());
    }
    if let Some(encoding) = options.content_encoding.clone().filter(|e| !e.is_empty()) {
        attributes.insert(Attribute::ContentEncoding, encoding.into());
    }
    if let Some(caching) = options.cache_control.clone().filter(|c| !c.is_empty()) {
        attributes.insert(Attribute::CacheControl, caching.into());
    }
    for (key, value) in &options.metadata {
        attributes.insert(Attribute::Metadata(Cow::Owned(key.clone())), value.clone().into());
    }
    attributes
}

fn blob_meta(uri: &BlobUri, meta: &ObjectMeta, attributes: &Attributes) -> BlobMeta {
    let get = |name| attributes.get(&name).map(|value| value.as_ref().to_owned());
    let metadata: BTreeMap<String, String> = attributes
        .iter()
        .filter_map(|(name, value)| match name {
            Attribute::Metadata(key) => Some((key.to_string(), value.as_ref().to_owned())),
            _ => None,
        })
        .collect();
    BlobMeta {
        size: meta.size,
        content_type: get(Attribute::ContentType)
            .unwrap_or_else(|| content_type::guess(uri.key(), b"\0").to_owned()),
        content_encoding: get(Attribute::ContentEncoding).filter(|e| !e.is_empty()),
        updated: Timestamp::from_millis(meta.last_modified.timestamp_millis()),
        version: match (&meta.version, &meta.e_tag) {
            (Some(version), _) | (None, Some(version)) => version.clone(),
            (None, None) => {
                format!("{:x}-{:x}", meta.size, meta.last_modified.timestamp_micros())
            }
        },
        metadata,
    }
}

fn entry(meta: &ObjectMeta) -> BlobEntry {
    BlobEntry {
        key: meta.location.to_string(),
        size: meta.size,
        updated: Timestamp::from_millis(meta.last_modified.timestamp_millis()),
    }
}

fn convert(uri: &BlobUri, error: Error) -> BlobError {
    let uri = uri.clone();
    match error {
        Error::NotFound { .. } => BlobError::NotFound { uri },
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            BlobError::Forbidden { uri, source: Box::new(error) }
        }
        Error::InvalidPath { source } => {
            BlobError::InvalidUri { text: uri.to_string(), reason: source.to_string() }
        }
        Error::UnknownConfigurationKey { .. } => unusable(error),
        _ => BlobError::Unavailable { uri, source: Box::new(error) },
    }
}
