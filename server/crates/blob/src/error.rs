//! What can go wrong with an object, in sentences that name the object and the next step.

use std::path::PathBuf;

use crate::uri::BlobUri;

/// A failed operation on an object or a bucket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The text is no acceptable address.
    #[error("`{text}` is not the address of an object: {reason}")]
    InvalidUri {
        /// What was given.
        text: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// No such object (or, for a listing of a local bucket, no such bucket).
    #[error("{uri} does not exist")]
    NotFound {
        /// The object asked for.
        uri: BlobUri,
    },
    /// A `file://` bucket that no folder is configured for.
    #[error(
        "there is no folder for the bucket of {uri}: set the folder of local buckets (the server does so from --data-dir) or map the bucket to a folder"
    )]
    NoFolder {
        /// The object asked for.
        uri: BlobUri,
    },
    /// The object, or its unpacked content, is larger than the reader allows.
    #[error("{uri} is larger than the {limit} bytes that are read at once; read a range instead")]
    TooLarge {
        /// The object asked for.
        uri: BlobUri,
        /// The limit that was passed, in bytes.
        limit: u64,
    },
    /// The range begins behind the object's end.
    #[error("{uri} has {size} bytes, so nothing can be read from byte {start} on")]
    OutOfRange {
        /// The object asked for.
        uri: BlobUri,
        /// Where the range begins.
        start: u64,
        /// The object's size in bytes.
        size: u64,
    },
    /// The content says it is gzip and is not, or ends early.
    #[error("{uri} cannot be read: {reason}")]
    Corrupt {
        /// The object asked for.
        uri: BlobUri,
        /// What is wrong with its bytes.
        reason: String,
    },
    /// A name on the way to the object is a file, a symbolic link out of the bucket, or too long.
    #[error("{uri} cannot be kept in the folder {path}: {reason}")]
    BadPath {
        /// The object asked for.
        uri: BlobUri,
        /// The offending file or folder.
        path: PathBuf,
        /// Why it is refused.
        reason: String,
    },
    /// The disk, or the quota on it, is full.
    #[error(
        "{uri} could not be written: no space is left for {path}. Free some space; the upload is tried again"
    )]
    NoSpace {
        /// The object being written.
        uri: BlobUri,
        /// The file being written.
        path: PathBuf,
    },
    /// The storage refuses these credentials.
    #[error("access to {uri} was denied: check the credentials and the bucket's permissions")]
    Forbidden {
        /// The object asked for.
        uri: BlobUri,
        /// What the storage said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A credentials file or the configuration of a provider cannot be used.
    #[error("the storage configuration cannot be used: {reason}")]
    Configuration {
        /// What is wrong with which file or key.
        reason: String,
    },
    /// A local file operation failed.
    #[error("{operation} {path} for {uri} failed: {source}")]
    Io {
        /// The object asked for.
        uri: BlobUri,
        /// A verb, for example `reading`.
        operation: &'static str,
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The storage did not answer, or answered with an error of its own.
    #[error("the storage of {uri} failed: {source}")]
    Unavailable {
        /// The object asked for.
        uri: BlobUri,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BlobError {
    /// The object is not there (as opposed to: cannot be read now).
    pub fn is_not_found(&self) -> bool {
        matches!(self, BlobError::NotFound { .. } | BlobError::NoFolder { .. })
    }

    /// Trying the same again later may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            BlobError::NoSpace { .. } | BlobError::Io { .. } | BlobError::Unavailable { .. }
        )
    }

    /// Turns an error of the local file system into one that names the object.
    pub(crate) fn from_io(
        uri: &BlobUri,
        operation: &'static str,
        path: &std::path::Path,
        source: std::io::Error,
    ) -> BlobError {
        use std::io::ErrorKind;
        let (uri, path) = (uri.clone(), path.to_owned());
        match source.kind() {
            ErrorKind::NotFound => BlobError::NotFound { uri },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobError::NoSpace { uri, path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                BlobError::Forbidden { uri, source: Box::new(source) }
            }
            ErrorKind::NotADirectory => BlobError::BadPath {
                uri,
                path,
                reason: "a part of its name is already an object".to_owned(),
            },
            ErrorKind::IsADirectory => BlobError::BadPath {
                uri,
                path,
                reason: "other objects lie below this name already".to_owned(),
            },
            ErrorKind::InvalidFilename => BlobError::BadPath {
                uri,
                path,
                reason: "a part of its name is too long for this file system".to_owned(),
            },
            _ => BlobError::Io { uri, operation, path, source },
        }
    }
}
