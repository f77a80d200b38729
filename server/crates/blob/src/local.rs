//! A bucket that is a folder.
//!
//! Objects are plain files at their key's path, so the folder can be copied, served or looked at
//! with any tool. What a file system cannot say about an object lies in
//! `.bowsprit-meta/objects/d-logs/d-job/…/f-name`, and only where it differs from what the name
//! suggests. Files being written are in `.bowsprit-meta/tmp` and reach their place by one rename.
//!
//! Everything here blocks; the caller runs it on a blocking thread.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use go_compat::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::BlobError;
use crate::uri::{BlobUri, META_DIR};
use crate::{BlobEntry, BlobMeta, DirListing, Listing, Source, WriteOptions, content_type};

/// Makes temporary names differ within this process.
static NEXT_TEMP: AtomicU64 = AtomicU64::new(0);

/// A local bucket: its folder.
#[derive(Debug, Clone)]
pub(crate) struct LocalBucket {
    root: PathBuf,
}

/// The file of an object that lies in a folder, of which any part can be read at any time.
#[derive(Debug)]
pub struct StoredFile {
    uri: BlobUri,
    file: File,
    meta: BlobMeta,
}

impl StoredFile {
    /// What is known about the object.
    pub fn meta(&self) -> &BlobMeta {
        &self.meta
    }

    /// Reads stored bytes from `at` on; tells how many, which are fewer than there is room for where the
    /// object ends, or where the system has no more at once, and none behind its end. This blocks.
    ///
    /// # Errors
    /// The failures of the storage.
    pub fn read_at(&self, room: &mut [u8], at: u64) -> Result<usize, BlobError> {
        loop {
            match self.file.read_at(room, at) {
                Ok(length) => return Ok(length),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let path = Path::new(self.uri.key());
                    return Err(BlobError::from_io(&self.uri, "reading", path, e));
                }
            }
        }
    }
}

/// What the hidden file of an object says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredMeta {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

impl LocalBucket {
    pub(crate) fn new(root: PathBuf) -> LocalBucket {
        LocalBucket { root }
    }

    pub(crate) fn head(&self, uri: &BlobUri) -> Result<BlobMeta, BlobError> {
        let path = self.existing(uri)?;
        let found =
            fs::metadata(&path).map_err(|e| BlobError::from_io(uri, "reading", &path, e))?;
        self.meta(uri, &path, &found)
    }

    fn meta(
        &self,
        uri: &BlobUri,
        path: &Path,
        found: &fs::Metadata,
    ) -> Result<BlobMeta, BlobError> {
        if !found.is_file() {
            return Err(BlobError::NotFound { uri: uri.clone() });
        }
        let stored = self.stored_meta(uri)?;
        Ok(BlobMeta {
            size: found.len(),
            content_type: stored
                .content_type
                .unwrap_or_else(|| by_name_or_look(uri.key(), path).to_owned()),
            content_encoding: stored.content_encoding,
            updated: modified(found),
            version: format!("{:x}-{:x}", found.len(), modified_ns(found)),
            metadata: stored.metadata,
        })
    }

    fn file(&self, uri: &BlobUri) -> Result<(PathBuf, File, fs::Metadata), BlobError> {
        let path = self.existing(uri)?;
        let fail = |e| BlobError::from_io(uri, "reading", &path, e);
        let file = File::open(&path).map_err(fail)?;
        let found = file.metadata().map_err(fail)?;
        if !found.is_file() {
            return Err(BlobError::NotFound { uri: uri.clone() });
        }
        Ok((path, file, found))
    }

    /// Opens the object for reading at `start`; the file is positioned there.
    pub(crate) fn open(&self, uri: &BlobUri, start: u64) -> Result<(BlobMeta, File), BlobError> {
        let (path, mut file, found) = self.file(uri)?;
        if start > 0 {
            file.seek(SeekFrom::Start(start))
                .map_err(|e| BlobError::from_io(uri, "reading", &path, e))?;
        }
        Ok((self.meta(uri, &path, &found)?, file))
    }

    /// The object's file.
    pub(crate) fn stored_file(&self, uri: &BlobUri) -> Result<StoredFile, BlobError> {
        let (meta, file) = self.open(uri, 0)?;
        Ok(StoredFile { uri: uri.clone(), file, meta })
    }

    /// The whole content where it is stored unpacked; nothing where it is not, or has more than
    /// `limit` bytes.
    pub(crate) fn read(&self, uri: &BlobUri, limit: u64) -> Result<Option<Bytes>, BlobError> {
        let (_, mut file, found) = self.file(uri)?;
        if found.len() > limit || self.stored_meta(uri)?.content_encoding.is_some() {
            return Ok(None);
        }
        // A file that grows meanwhile is read as far as it went.
        let size = usize::try_from(found.len()).unwrap_or(usize::MAX);
        LocalBucket::read_chunk(uri, &mut file, size).map(Some)
    }

    pub(crate) fn read_chunk(
        uri: &BlobUri,
        file: &mut File,
        max: usize,
    ) -> Result<Bytes, BlobError> {
        // What is left of a file says how much room one step needs; zeroes need not be written first.
        let fail = |e| BlobError::from_io(uri, "reading", Path::new(uri.key()), e);
        let at = file.stream_position().map_err(fail)?;
        let left = file.metadata().map_err(fail)?.len().saturating_sub(at);
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(max);
        let mut buffer = Vec::with_capacity(room);
        file.take(max as u64).read_to_end(&mut buffer).map_err(fail)?;
        Ok(buffer.into())
    }

    /// Writes the object; with `only_if_absent` answers `false` and changes nothing when it exists.
    pub(crate) fn write(
        &self,
        uri: &BlobUri,
        source: &Source,
        options: &WriteOptions,
        only_if_absent: bool,
    ) -> Result<bool, BlobError> {
        let target = self.prepare(uri)?;
        if only_if_absent && target.symlink_metadata().is_ok() {
            return Ok(false);
        }
        if target.is_dir() {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(BlobError::from_io(uri, "writing", &target, source));
        }
        let temp = self.temp_path(uri)?;
        let cleanup = RemoveOnDrop(&temp);
        fill(&temp, source).map_err(|e| write_error(uri, source, &temp, e))?;
        if only_if_absent {
            // A hard link is the one step that both publishes the file and fails when it exists.
            match fs::hard_link(&temp, &target) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                Err(e) => return Err(BlobError::from_io(uri, "writing", &target, e)),
            }
            self.store_meta(uri, options)?;
        } else {
            self.store_meta(uri, options)?;
            fs::rename(&temp, &target)
                .map_err(|e| BlobError::from_io(uri, "writing", &target, e))?;
        }
        drop(cleanup);
        Ok(true)
    }

    pub(crate) fn delete(&self, uri: &BlobUri) -> Result<(), BlobError> {
        let path = match self.existing(uri) {
            Ok(path) => path,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        if path.is_dir() {
            return Ok(());
        }
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(BlobError::from_io(uri, "deleting", &path, e)),
        }
        let meta = self.meta_path(uri.key());
        match fs::remove_file(&meta) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::from_io(uri, "deleting", &meta, e))
            }
            _ => Ok(()),
        }
    }

    /// Objects whose key begins with the prefix's key, in the order of their keys' bytes.
    pub(crate) fn list(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<Listing, BlobError> {
        let mut entries = Vec::new();
        let folder = prefix.key().rsplit_once('/').map_or("", |(folder, _)| folder);
        // One more than asked for tells whether there is a next page.
        self.walk(prefix, folder, start_after, max.saturating_add(1), &mut entries)?;
        let more = entries.len() > max;
        entries.truncate(max);
        let next = entries.last().filter(|_| more).map(|e: &BlobEntry| e.key.clone());
        Ok(Listing { entries, next })
    }

    fn walk(
        &self,
        prefix: &BlobUri,
        folder: &str,
        start_after: &str,
        max: usize,
        found: &mut Vec<BlobEntry>,
    ) -> Result<(), BlobError> {
        for child in self.children(prefix, folder)? {
            if found.len() >= max {
                break;
            }
            let wanted = if child.is_dir {
                // A folder matters if keys below it can match the prefix and come after the start.
                (child.key.starts_with(prefix.key()) || prefix.key().starts_with(&child.key))
                    && (child.key.as_str() > start_after || start_after.starts_with(&child.key))
            } else {
                child.key.starts_with(prefix.key()) && child.key.as_str() > start_after
            };
            if !wanted {
                continue;
            }
            if child.is_dir {
                let below = child.key.trim_end_matches('/').to_owned();
                self.walk(prefix, &below, start_after, max, found)?;
            } else if let Some(entry) = child.entry() {
                found.push(entry);
            }
        }
        Ok(())
    }

    /// Folders and objects directly below the prefix, which stands for a folder.
    pub(crate) fn list_dir(
        &self,
        prefix: &BlobUri,
        start_after: &str,
        max: usize,
    ) -> Result<DirListing, BlobError> {
        let folder = prefix.key().trim_end_matches('/');
        let mut listing = DirListing::default();
        let mut last = None;
        for child in self.children(prefix, folder)? {
            if child.key.as_str() <= start_after {
                continue;
            }
            if listing.dirs.len() + listing.entries.len() == max {
                listing.next = last;
                break;
            }
            last = Some(child.key.clone());
            if child.is_dir {
                listing.dirs.push(child.key);
            } else if let Some(entry) = child.entry() {
                listing.entries.push(entry);
            }
        }
        Ok(listing)
    }

    /// A folder's children sorted as their keys sort; folders' keys end in `/`. Links that lead out
    /// of the bucket, and names that are not UTF-8, are left out.
    fn children(&self, prefix: &BlobUri, folder: &str) -> Result<Vec<Child>, BlobError> {
        let path = if folder.is_empty() {
            self.root.clone()
        } else {
            let uri = BlobUri::new(prefix.provider(), prefix.bucket(), folder)?;
            match self.existing(&uri) {
                Ok(path) => path,
                Err(error) if error.is_not_found() => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        };
        let reader = match fs::read_dir(&path) {
            Ok(reader) => reader,
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                return Ok(Vec::new());
            }
            Err(e) => return Err(BlobError::from_io(prefix, "listing", &path, e)),
        };
        let mut children = Vec::new();
        for item in reader {
            let item = item.map_err(|e| BlobError::from_io(prefix, "listing", &path, e))?;
            let Ok(name) = item.file_name().into_string() else {
                continue;
            };
            if folder.is_empty() && name == META_DIR {
                continue;
            }
            let Ok(kind) = item.file_type() else { continue };
            if kind.is_symlink() && !self.contains(&item.path()) {
                continue;
            }
            let is_dir = kind.is_dir() || (kind.is_symlink() && item.path().is_dir());
            let slash = if is_dir { "/" } else { "" };
            let key = match folder {
                "" => format!("{name}{slash}"),
                _ => format!("{folder}/{name}{slash}"),
            };
            // Names that no address can hold cannot be read either.
            if BlobUri::new(prefix.provider(), prefix.bucket(), key.clone()).is_ok() {
                children.push(Child { key, is_dir, path: item.path() });
            }
        }
        children.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(children)
    }

    /// The file of an object that should exist, after following links; never outside the folder.
    fn existing(&self, uri: &BlobUri) -> Result<PathBuf, BlobError> {
        let path = self.root.join(uri.key().trim_end_matches('/'));
        let real = path.canonicalize().map_err(|e| match e.kind() {
            io::ErrorKind::NotADirectory => BlobError::NotFound { uri: uri.clone() },
            _ => BlobError::from_io(uri, "reading", &path, e),
        })?;
        if !self.root.canonicalize().is_ok_and(|root| real.starts_with(root)) {
            return Err(BlobError::BadPath {
                uri: uri.clone(),
                path,
                reason: "it is a symbolic link that leads out of the bucket".to_owned(),
            });
        }
        Ok(real)
    }

    fn contains(&self, path: &Path) -> bool {
        match (self.root.canonicalize(), path.canonicalize()) {
            (Ok(root), Ok(path)) => path.starts_with(root),
            _ => false,
        }
    }

    /// Makes the folders above the object, one by one, so that no link is followed on the way.
    fn prepare(&self, uri: &BlobUri) -> Result<PathBuf, BlobError> {
        if uri.key().is_empty() || uri.key().ends_with('/') {
            return Err(BlobError::InvalidUri {
                text: uri.to_string(),
                reason: "it names a folder, not an object".to_owned(),
            });
        }
        fs::create_dir_all(&self.root)
            .map_err(|e| BlobError::from_io(uri, "making the folder", &self.root, e))?;
        let mut path = self.root.clone();
        let mut segments = uri.key().split('/').peekable();
        while let Some(segment) = segments.next() {
            path.push(segment);
            if segments.peek().is_none() {
                break;
            }
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    let kind = fs::symlink_metadata(&path)
                        .map_err(|e| BlobError::from_io(uri, "reading", &path, e))?;
                    if kind.is_symlink() && !(path.is_dir() && self.contains(&path)) {
                        return Err(BlobError::BadPath {
                            uri: uri.clone(),
                            path,
                            reason: "it is a symbolic link that leads out of the bucket".to_owned(),
                        });
                    }
                    if kind.is_file() {
                        let source = io::Error::from(io::ErrorKind::NotADirectory);
                        return Err(BlobError::from_io(uri, "making the folder", &path, source));
                    }
                }
                Err(e) => return Err(BlobError::from_io(uri, "making the folder", &path, e)),
            }
        }
        Ok(path)
    }

    fn temp_path(&self, uri: &BlobUri) -> Result<PathBuf, BlobError> {
        let folder = self.root.join(META_DIR).join("tmp");
        fs::create_dir_all(&folder)
            .map_err(|e| BlobError::from_io(uri, "making the folder", &folder, e))?;
        let count = NEXT_TEMP.fetch_add(1, Ordering::Relaxed);
        Ok(folder.join(format!("{}-{count}", std::process::id())))
    }

    /// Folders and files get different prefixes, so that the metadata of `a` and of `a/b` can stand
    /// beside each other.
    fn meta_path(&self, key: &str) -> PathBuf {
        let mut path = self.root.join(META_DIR).join("objects");
        let mut segments = key.split('/').peekable();
        while let Some(segment) = segments.next() {
            let kind = if segments.peek().is_some() { "d-" } else { "f-" };
            path.push(format!("{kind}{segment}"));
        }
        path
    }

    fn stored_meta(&self, uri: &BlobUri) -> Result<StoredMeta, BlobError> {
        let path = self.meta_path(uri.key());
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| BlobError::Corrupt {
                uri: uri.clone(),
                reason: format!("its metadata file {} is damaged: {error}", path.display()),
            }),
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Ok(StoredMeta::default())
            }
            Err(e) => Err(BlobError::from_io(uri, "reading", &path, e)),
        }
    }

    fn store_meta(&self, uri: &BlobUri, options: &WriteOptions) -> Result<(), BlobError> {
        let by_name = content_type::by_name(uri.key());
        let stored = StoredMeta {
            content_type: options
                .content_type
                .clone()
                .filter(|given| Some(given.as_str()) != by_name),
            content_encoding: options.content_encoding.clone().filter(|e| !e.is_empty()),
            metadata: options.metadata.clone(),
        };
        let path = self.meta_path(uri.key());
        let plain = stored.content_type.is_none()
            && stored.content_encoding.is_none()
            && stored.metadata.is_empty();
        if plain {
            return match fs::remove_file(&path) {
                Err(e)
                    if !matches!(
                        e.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    Err(BlobError::from_io(uri, "deleting", &path, e))
                }
                _ => Ok(()),
            };
        }
        let temp = self.temp_path(uri)?;
        let cleanup = RemoveOnDrop(&temp);
        let text = serde_json::to_vec(&stored).map_err(|error| BlobError::Configuration {
            reason: format!("the metadata of {uri} cannot be written: {error}"),
        })?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|e| BlobError::from_io(uri, "making the folder", folder, e))?;
        }
        fs::write(&temp, text).map_err(|e| BlobError::from_io(uri, "writing", &temp, e))?;
        fs::rename(&temp, &path).map_err(|e| BlobError::from_io(uri, "writing", &path, e))?;
        drop(cleanup);
        Ok(())
    }
}

struct Child {
    key: String,
    is_dir: bool,
    path: PathBuf,
}

impl Child {
    /// `None` when it vanished meanwhile or is no file (a socket, a pipe).
    fn entry(self) -> Option<BlobEntry> {
        let found = fs::metadata(&self.path).ok().filter(fs::Metadata::is_file)?;
        Some(BlobEntry { key: self.key, size: found.len(), updated: modified(&found) })
    }
}

/// Removes the temporary file unless it was renamed, also on the way out of an error.
struct RemoveOnDrop<'a>(&'a Path);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        // Absent after a rename; anything else leaves a stray temporary file and nothing worse.
        let _ = fs::remove_file(self.0);
    }
}

fn fill(temp: &Path, source: &Source) -> io::Result<()> {
    let mut file = File::create(temp)?;
    match source {
        Source::Bytes(bytes) => file.write_all(bytes)?,
        Source::File(path) => {
            io::copy(&mut File::open(path)?, &mut file)?;
        }
    }
    // After this the content survives a power loss; before it a rename could publish an empty file.
    file.sync_all()
}

/// Names the file that failed: the source where it cannot be read, else the one being written.
fn write_error(uri: &BlobUri, source: &Source, temp: &Path, error: io::Error) -> BlobError {
    match source {
        Source::File(path) if File::open(path).is_err() => BlobError::Io {
            uri: uri.clone(),
            operation: "reading",
            path: path.clone(),
            source: error,
        },
        _ => BlobError::from_io(uri, "writing", temp, error),
    }
}

fn by_name_or_look(key: &str, path: &Path) -> &'static str {
    content_type::by_name(key).unwrap_or_else(|| {
        let mut head = Vec::new();
        let looked = File::open(path).and_then(|f| f.take(512).read_to_end(&mut head));
        match looked {
            Ok(_) => content_type::guess(key, &head),
            Err(_) => content_type::BINARY,
        }
    })
}

fn modified(found: &fs::Metadata) -> Timestamp {
    let since_epoch = modified_ns(found) / 1_000_000;
    Timestamp::from_millis(i64::try_from(since_epoch).unwrap_or(i64::MAX))
}

/// When it was last written, in nanoseconds since 1970.
fn modified_ns(found: &fs::Metadata) -> u128 {
    let time = found.modified().ok();
    let since_epoch = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.map_or(0, |elapsed| elapsed.as_nanos())
}
