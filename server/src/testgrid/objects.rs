//! The objects of TestGrid's programs: configuration, grids, tabs and summaries, at the places where
//! those programs look for them, so that both can share a bucket.

use std::path::Path;

use anyhow::{Context as _, bail};
use blob::{BlobConfig, BlobError, BlobUri, Blobs, Provider, WriteOptions};
use go_compat::Timestamp;
use grid::config::names::normalize;
use grid::proto::config::Configuration;
use grid::proto::wire;

/// The most bytes of an object.
const MAX_OBJECT_BYTES: u64 = 512 << 20;

/// The name by which the folder of a configuration that is a plain file is addressed.
const FOLDER: &str = "folder";

/// Objects below the folder of a configuration.
#[derive(Debug, Clone)]
pub struct Objects {
    blobs: Blobs,
    config: BlobUri,
    /// The folder, if the configuration is a plain file.
    folder: Option<String>,
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its content.
    pub bytes: Vec<u8>,
    /// By what it is known again.
    pub version: Version,
}

/// By what an object is known again: one with another version was written meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// When it was written.
    pub updated: Timestamp,
    /// Its size in bytes.
    pub size: u64,
}

impl Objects {
    /// The objects around the configuration at `place`: `gs://…`, `s3://…`, `file:///path`, or the
    /// path of a file.
    ///
    /// # Errors
    /// The place is no address.
    pub fn around(place: &str, mut config: BlobConfig) -> anyhow::Result<Objects> {
        let path = match place.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Some(path),
            Some(_) => None,
            None if place.contains("://") => None,
            None => Some(place),
        };
        let Some(path) = path.map(Path::new) else {
            let uri = BlobUri::parse(place)?;
            return Ok(Objects { blobs: Blobs::new(config), config: uri, folder: None });
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("`{place}` does not name a file");
        };
        config.local_buckets.insert(FOLDER.to_owned(), folder.to_owned());
        Ok(Objects {
            blobs: Blobs::new(config),
            config: BlobUri::new(Provider::File, FOLDER, name)?,
            folder: Some(folder.display().to_string()),
        })
    }

    /// The bucket in which all of them are.
    pub fn bucket(&self) -> &str {
        self.config.bucket()
    }

    /// Where the configuration is.
    pub fn config(&self) -> &BlobUri {
        &self.config
    }

    /// The configuration.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is something else.
    pub async fn configuration(&self) -> anyhow::Result<Configuration> {
        let shown = self.shown(&self.config);
        let stored = self.read(&self.config).await?;
        let Some(stored) = stored else { bail!("the configuration {shown} does not exist") };
        wire::decode("configuration", &stored.bytes).with_context(|| format!("reading {shown}"))
    }

    /// The grid of a group.
    ///
    /// # Errors
    /// As [`Objects::below`].
    pub fn grid(&self, prefix: &str, group: &str) -> anyhow::Result<BlobUri> {
        self.below(prefix, group)
    }

    /// The grid of a tab.
    ///
    /// # Errors
    /// As [`Objects::below`].
    pub fn tab(&self, prefix: &str, dashboard: &str, tab: &str) -> anyhow::Result<BlobUri> {
        self.below(prefix, &format!("{dashboard}/{tab}"))
    }

    /// The summaries of a dashboard.
    ///
    /// # Errors
    /// As [`Objects::below`].
    pub fn summary(&self, prefix: &str, dashboard: &str) -> anyhow::Result<BlobUri> {
        self.below(prefix, &format!("summary-{}", normalize(dashboard)))
    }

    /// The object `name` below `prefix`, which goes on from the configuration's folder, from the
    /// bucket if it begins with a slash, or names the bucket itself.
    ///
    /// # Errors
    /// That would be another bucket, or the name cannot be one of an object.
    pub fn below(&self, prefix: &str, name: &str) -> anyhow::Result<BlobUri> {
        let base = if prefix.contains("://") {
            let base = BlobUri::parse(prefix)?;
            if (base.provider(), base.bucket()) != (self.config.provider(), self.config.bucket()) {
                bail!("{prefix} is not in the bucket of the configuration, {}", self.bucket());
            }
            base
        } else {
            let bucket = BlobUri::new(self.config.provider(), self.config.bucket(), "")?;
            match prefix.strip_prefix('/') {
                Some(_) if self.folder.is_some() => {
                    bail!("{prefix} is not below the folder of the configuration; leave out the /")
                }
                Some(absolute) => bucket.join(absolute.trim_end_matches('/'))?,
                None => {
                    let folder = self.config.parent().unwrap_or(bucket);
                    folder.join(prefix.trim_end_matches('/'))?
                }
            }
        };
        Ok(base.join(name)?)
    }

    /// An object for people: its path if it is a plain file.
    pub fn shown(&self, uri: &BlobUri) -> String {
        match &self.folder {
            Some(folder) => Path::new(folder).join(uri.key()).display().to_string(),
            None => uri.to_string(),
        }
    }

    /// An object, if it is there.
    ///
    /// # Errors
    /// The storage failed, or the object is too large.
    pub async fn read(&self, uri: &BlobUri) -> anyhow::Result<Option<Stored>> {
        // The version is asked for first: what is written in between is then taken for a change.
        let Some(version) = self.version(uri).await? else { return Ok(None) };
        match self.blobs.read(uri, MAX_OBJECT_BYTES).await {
            Ok(bytes) => Ok(Some(Stored { bytes: bytes.into(), version })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(self.failed("reading", uri, error)),
        }
    }

    /// The version of an object, if it is there.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn version(&self, uri: &BlobUri) -> anyhow::Result<Option<Version>> {
        match self.blobs.head(uri).await {
            Ok(meta) => Ok(Some(Version { updated: meta.updated, size: meta.size })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(self.failed("reading", uri, error)),
        }
    }

    /// Writes an object if it is still as it was read (`None`: not there). Tells whether it did.
    ///
    /// The storage refuses to replace an object that came into being; one that was replaced is
    /// noticed up to the moment before it is written.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn replace(
        &self,
        uri: &BlobUri,
        bytes: Vec<u8>,
        before: Option<Version>,
    ) -> anyhow::Result<bool> {
        // As TestGrid's programs store it; a plain file has no such property.
        let cache_control = self.folder.is_none().then(|| "no-cache".to_owned());
        let options = WriteOptions { cache_control, ..WriteOptions::default() };
        let written = match before {
            None => self.blobs.write_if_absent(uri, bytes, &options).await,
            Some(before) => {
                if self.version(uri).await? != Some(before) {
                    return Ok(false);
                }
                self.blobs.write(uri, bytes, &options).await.map(|()| true)
            }
        };
        written.map_err(|error| self.failed("writing", uri, error))
    }

    fn failed(&self, what: &str, uri: &BlobUri, error: BlobError) -> anyhow::Error {
        anyhow::Error::new(error).context(format!("{what} {}", self.shown(uri)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(place: &str) -> Objects {
        Objects::around(place, BlobConfig::default()).unwrap()
    }

    #[test]
    fn objects_are_where_testgrid_has_them() {
        let objects = around("gs://bucket/scope/config");
        let at = |uri: anyhow::Result<BlobUri>| uri.unwrap().to_string();
        assert_eq!(at(objects.grid("grid", "a (b), c")), "gs://bucket/scope/grid/a (b), c");
        assert_eq!(at(objects.grid("", "a")), "gs://bucket/scope/a");
        assert_eq!(at(objects.grid("/grid/", "a")), "gs://bucket/grid/a");
        assert_eq!(at(objects.grid("gs://bucket/x", "a")), "gs://bucket/x/a");
        assert_eq!(
            at(objects.tab("tabs", "Dash One", "Tab 1")),
            "gs://bucket/scope/tabs/Dash One/Tab 1"
        );
        assert_eq!(
            at(objects.summary("summary", "Dash-One")),
            "gs://bucket/scope/summary/summary-dashone"
        );
        assert_eq!(at(around("s3://bucket/config").grid("grid", "a")), "s3://bucket/grid/a");
        for (prefix, name) in
            [("gs://other/grid", "a"), ("s3://bucket/grid", "a"), ("grid", "../a")]
        {
            assert!(objects.below(prefix, name).is_err(), "{prefix} {name}");
        }
    }

    #[test]
    fn a_configuration_can_be_a_plain_file() {
        for place in ["/data/grids/config", "file:///data/grids/config"] {
            let objects = around(place);
            let uri = objects.grid("grid", "a/b").unwrap();
            assert_eq!(objects.shown(&uri), "/data/grids/grid/a/b");
            assert!(objects.grid("/grid", "a").is_err());
        }
        let objects = around("config");
        assert_eq!(objects.shown(&objects.grid("grid", "a").unwrap()), "./grid/a");
        assert!(Objects::around("/", BlobConfig::default()).is_err());
    }

    #[tokio::test]
    async fn an_object_that_somebody_else_wrote_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let objects = around(&folder.path().join("config").display().to_string());
        let uri = objects.grid("grid", "a").unwrap();
        assert!(objects.read(&uri).await.unwrap().is_none());
        assert!(objects.replace(&uri, b"one".to_vec(), None).await.unwrap());
        assert!(!objects.replace(&uri, b"two".to_vec(), None).await.unwrap());
        let read = objects.read(&uri).await.unwrap().unwrap();
        assert_eq!(read.bytes, b"one");
        std::fs::write(folder.path().join("grid/a"), "three").unwrap();
        assert!(!objects.replace(&uri, b"four".to_vec(), Some(read.version)).await.unwrap());
        let read = objects.read(&uri).await.unwrap().unwrap();
        assert!(objects.replace(&uri, b"four".to_vec(), Some(read.version)).await.unwrap());
        assert_eq!(std::fs::read(folder.path().join("grid/a")).unwrap(), b"four");
    }
}
