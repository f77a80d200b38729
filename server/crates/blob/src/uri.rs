//! Addresses of objects: `gs://bucket/key`, `s3://bucket/key`, `file://bucket/key`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::BlobError;

/// The hidden folder at the root of a local bucket that holds what a file system cannot say about
/// an object (content type, encoding, metadata) and files that are still being written. Keys below
/// it are refused, so that nobody can forge metadata by uploading an artifact of that name.
pub const META_DIR: &str = ".bowsprit-meta";

/// Longest key that is accepted, in bytes: the limit that GCS and S3 share.
pub const MAX_KEY_BYTES: usize = 1024;

/// Where a bucket lives. The names are those of Prow's URLs (`/view/gs/…`, `/view/s3/…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Google Cloud Storage, `gs://`.
    Gs,
    /// Amazon S3 and whatever speaks its protocol, `s3://`.
    S3,
    /// A folder of this machine, `file://`.
    File,
}

impl Provider {
    /// The scheme without `://`, as in Prow's view URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Gs => "gs",
            Provider::S3 => "s3",
            Provider::File => "file",
        }
    }

    /// Reads a scheme; `gcs` is the alias that old Deck bookmarks carry.
    pub fn parse(text: &str) -> Option<Provider> {
        match text {
            "gs" | "gcs" => Some(Provider::Gs),
            "s3" => Some(Provider::S3),
            "file" => Some(Provider::File),
            _ => None,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of an object, of a bucket (empty key), or of everything below a prefix.
///
/// A value always holds a safe key: no empty, `.` or `..` segment, no control character, no
/// backslash, nothing below [`META_DIR`]. A key may end in one `/` where it stands for a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobUri {
    provider: Provider,
    bucket: String,
    key: String,
}

impl BlobUri {
    /// Builds an address from its parts.
    ///
    /// # Errors
    /// [`BlobError::InvalidUri`] when the bucket name or the key is not acceptable; the message says
    /// which rule was broken.
    pub fn new(
        provider: Provider,
        bucket: impl Into<String>,
        key: impl Into<String>,
    ) -> Result<BlobUri, BlobError> {
        let (bucket, key) = (bucket.into(), key.into());
        let refuse = |reason: &str| BlobError::InvalidUri {
            text: format!("{provider}://{bucket}/{key}"),
            reason: reason.to_owned(),
        };
        check_bucket(&bucket).map_err(refuse)?;
        check_key(&key).map_err(refuse)?;
        Ok(BlobUri { provider, bucket, key })
    }

    /// Reads an address. A text without a scheme is a GCS bucket and key, as in Prow's
    /// configuration.
    ///
    /// # Errors
    /// [`BlobError::InvalidUri`] for an unknown scheme, an absolute local path, or a bucket or key
    /// that [`BlobUri::new`] refuses.
    pub fn parse(text: &str) -> Result<BlobUri, BlobError> {
        let refuse = |reason: &str| BlobError::InvalidUri {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (provider, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (
                Provider::parse(scheme)
                    .ok_or_else(|| refuse("its scheme is none of gs, s3 and file"))?,
                rest,
            ),
            None => (Provider::Gs, text),
        };
        if rest.starts_with('/') {
            return Err(refuse(
                "it has no bucket name; name a bucket and map that name to a folder",
            ));
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        BlobUri::new(provider, bucket, key)
    }

    /// Which kind of storage holds it.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's name inside the bucket, without a leading `/`; empty for the bucket itself.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key's last segment, ignoring a trailing `/`; empty for the bucket itself.
    pub fn file_name(&self) -> &str {
        self.key.trim_end_matches('/').rsplit('/').next().unwrap_or("")
    }

    /// The address of `path` below this one.
    ///
    /// # Errors
    /// [`BlobError::InvalidUri`] when `path` has a segment that [`BlobUri::new`] refuses, `..` among
    /// them: a join never leaves the prefix.
    pub fn join(&self, path: &str) -> Result<BlobUri, BlobError> {
        let base = self.key.trim_end_matches('/');
        let path = path.strip_prefix('/').unwrap_or(path);
        let key = match (base.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => base.to_owned(),
            _ => format!("{base}/{path}"),
        };
        BlobUri::new(self.provider, self.bucket.clone(), key)
    }

    /// The address one folder up; `None` for a bucket.
    pub fn parent(&self) -> Option<BlobUri> {
        let key = self.key.trim_end_matches('/');
        if key.is_empty() {
            return None;
        }
        let parent = key.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(BlobUri {
            provider: self.provider,
            bucket: self.bucket.clone(),
            key: parent.to_owned(),
        })
    }
}

impl fmt::Display for BlobUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.provider, self.bucket)?;
        if !self.key.is_empty() {
            write!(f, "/{}", self.key)?;
        }
        Ok(())
    }
}

impl FromStr for BlobUri {
    type Err = BlobError;

    fn from_str(text: &str) -> Result<BlobUri, BlobError> {
        BlobUri::parse(text)
    }
}

impl Serialize for BlobUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BlobUri, D::Error> {
        let text = String::deserialize(deserializer)?;
        BlobUri::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn check_bucket(bucket: &str) -> Result<(), &'static str> {
    if bucket.is_empty() {
        return Err("the bucket name is empty");
    }
    if bucket.starts_with('.') || bucket.len() > 222 {
        return Err("the bucket name begins with a dot or is longer than 222 characters");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !bucket.chars().all(fits) {
        return Err("the bucket name may hold letters, digits, `-`, `_` and `.` only");
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() {
        return Ok(());
    }
    if key.len() > MAX_KEY_BYTES {
        return Err("the object name is longer than 1024 bytes");
    }
    if key.chars().any(char::is_control) || key.contains('\\') {
        return Err("the object name holds a control character or a backslash");
    }
    let folder = key.strip_suffix('/').unwrap_or(key);
    if folder.split('/').any(|s| matches!(s, "" | "." | "..")) {
        return Err("the object name has an empty, `.` or `..` segment");
    }
    if folder.split('/').next() == Some(META_DIR) {
        return Err("that folder belongs to Bowsprit");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_and_print_alike() {
        for text in
            ["gs://kubernetes-ci-logs/logs/job/1/build-log.txt", "s3://b/x", "file://sample-ci"]
        {
            assert_eq!(BlobUri::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(BlobUri::parse("bare/a/b").unwrap().to_string(), "gs://bare/a/b");
        assert_eq!(BlobUri::parse("gcs://b/a").unwrap().to_string(), "gs://b/a");
    }

    #[test]
    fn names_that_could_leave_the_bucket_are_refused() {
        for text in [
            "gs://b/../c",
            "gs://b/a/../../c",
            "gs://b/a/./c",
            "gs://b/a//c",
            "file:///etc/passwd",
            "/etc/passwd",
            "file://../x",
            "file://./x",
            "gs://b/a\\..\\c",
            "gs://b/a\0c",
            "gs://b/.bowsprit-meta/d-logs/f-x",
            "ftp://b/a",
            "gs:///a",
            "gs://user@host/a",
        ] {
            assert!(BlobUri::parse(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn joining_stays_below_the_prefix() {
        let base = BlobUri::parse("gs://b/logs/job/1/").unwrap();
        assert_eq!(
            base.join("artifacts/junit.xml").unwrap().key(),
            "logs/job/1/artifacts/junit.xml"
        );
        assert_eq!(base.join("/x").unwrap().key(), "logs/job/1/x");
        assert!(base.join("../2/finished.json").is_err());
        assert_eq!(base.parent().unwrap().key(), "logs/job");
        assert_eq!(base.file_name(), "1");
    }
}
