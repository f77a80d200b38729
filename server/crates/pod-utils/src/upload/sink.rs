//! Where uploads go: a bucket, or a folder in local mode.

use std::fs::Permissions;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use blob::{BlobError, BlobUri, Blobs, Source, content_type};
use flate2::Compression;
use flate2::read::GzEncoder;

use super::Upload;
use super::name::should_compress;

/// Content of at most this many bytes is not worth packing.
const SMALLEST_COMPRESSED: usize = 1024;

/// Bytes of a build number; a longer object is none.
const MAX_BUILD_ID_BYTES: u64 = 64;

/// One upload failed once.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl SinkError {
    /// Trying again may help. Access rights count as such: they take time to spread.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            SinkError::Blob(error) => {
                error.is_transient() || matches!(error, BlobError::Forbidden { .. })
            }
            SinkError::Io { source, .. } => source.kind() != io::ErrorKind::NotFound,
        }
    }
}

/// Takes uploads.
#[async_trait]
pub(crate) trait Sink: Sync {
    async fn put(&self, upload: &Upload) -> Result<(), SinkError>;
}

/// A bucket.
pub(super) struct BucketSink {
    blobs: Blobs,
    bucket: BlobUri,
    compress: Vec<String>,
}

impl BucketSink {
    pub(super) fn new(blobs: Blobs, bucket: BlobUri, compress: Vec<String>) -> BucketSink {
        BucketSink { blobs, bucket, compress }
    }

    async fn is_older_build(&self, uri: &BlobUri, source: &Source) -> Result<bool, SinkError> {
        let Source::Bytes(ours) = source else { return Ok(false) };
        let theirs = match self.blobs.read(uri, MAX_BUILD_ID_BYTES).await {
            Ok(theirs) => theirs,
            Err(BlobError::TooLarge { .. }) => return Ok(false),
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.trim().parse::<u64>().ok();
        Ok(matches!((number(ours), number(&theirs)), (Some(ours), Some(theirs)) if ours < theirs))
    }
}

#[async_trait]
impl Sink for BucketSink {
    async fn put(&self, upload: &Upload) -> Result<(), SinkError> {
        let uri = self.bucket.join(&upload.key)?;
        if upload.newest_build_wins && self.is_older_build(&uri, &upload.source).await? {
            tracing::info!(dest = upload.key, "A newer build is noted already");
            return Ok(());
        }
        let mut options = upload.options.clone();
        let packing = upload.compressible
            && options.content_encoding.is_none()
            && should_compress(&upload.key, &self.compress);
        if packing && let Some(packed) = pack(&upload.source).await? {
            options.content_type.get_or_insert_with(|| {
                content_type::by_name(&upload.key).unwrap_or(content_type::TEXT).to_owned()
            });
            options.content_encoding = Some("gzip".to_owned());
            self.blobs.write(&uri, Source::File(packed.to_path_buf()), &options).await?;
            return Ok(());
        }
        if options.content_type.is_none() {
            options.content_type = Some(type_of(&upload.key, &upload.source));
        }
        self.blobs.write(&uri, upload.source.clone(), &options).await?;
        Ok(())
    }
}

fn type_of(key: &str, source: &Source) -> String {
    let mut head = Vec::new();
    match source {
        Source::Bytes(bytes) => head.extend_from_slice(&bytes[..bytes.len().min(512)]),
        Source::File(path) => {
            // Unreadable files fail in the write that follows, with a better message.
            let _ = std::fs::File::open(path).and_then(|f| f.take(512).read_to_end(&mut head));
        }
    }
    content_type::guess(key, &head).to_owned()
}

/// The content packed into a temporary file; `None` where that is not worth it.
pub(super) async fn pack(source: &Source) -> Result<Option<tempfile::TempPath>, SinkError> {
    let source = source.clone();
    let fail = |path: &Path, source: io::Error| SinkError::Io { path: path.to_owned(), source };
    let work = move || {
        let (path, mut content): (PathBuf, Box<dyn Read>) = match source {
            Source::Bytes(bytes) => (PathBuf::new(), Box::new(io::Cursor::new(bytes))),
            Source::File(path) => {
                let file = std::fs::File::open(&path).map_err(|e| fail(&path, e))?;
                (path, Box::new(file))
            }
        };
        let mut head = Vec::new();
        let limit = SMALLEST_COMPRESSED as u64 + 1;
        content.by_ref().take(limit).read_to_end(&mut head).map_err(|e| fail(&path, e))?;
        if head.len() <= SMALLEST_COMPRESSED || head.starts_with(&[0x1f, 0x8b]) {
            return Ok(None);
        }
        let temp = tempfile::NamedTempFile::new().map_err(|e| fail(Path::new("/tmp"), e))?;
        let mut packer = GzEncoder::new(head.as_slice().chain(content), Compression::default());
        io::copy(&mut packer, &mut temp.as_file()).map_err(|e| fail(&path, e))?;
        Ok(Some(temp.into_temp_path()))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(SinkError::Io { path: PathBuf::new(), source: io::Error::other(error) }),
    }
}

/// A folder: files are copied as they are.
pub(super) struct FolderSink {
    folder: PathBuf,
}

impl FolderSink {
    pub(super) fn new(folder: PathBuf) -> FolderSink {
        FolderSink { folder }
    }

    fn copy(target: &Path, source: &Source) -> io::Result<()> {
        let folder = target.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut temp = tempfile::Builder::new().prefix(".upload").tempfile_in(folder)?;
        match source {
            Source::Bytes(bytes) => io::copy(&mut bytes.as_ref(), &mut temp)?,
            Source::File(path) => io::copy(&mut std::fs::File::open(path)?, &mut temp)?,
        };
        // Temporary files are private; these are for whoever owns the folder.
        std::fs::set_permissions(temp.path(), Permissions::from_mode(0o644))?;
        temp.persist(target).map_err(|error| error.error)?;
        Ok(())
    }
}

#[async_trait]
impl Sink for FolderSink {
    async fn put(&self, upload: &Upload) -> Result<(), SinkError> {
        // Keys come from file names and the job's name; neither may lead out of the folder.
        BlobUri::parse("file://output")?.join(&upload.key)?;
        let target = self.folder.join(&upload.key);
        FolderSink::copy(&target, &upload.source)
            .map_err(|source| SinkError::Io { path: target, source })
    }
}
