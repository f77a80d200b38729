//! Where a run's logs and artifacts go.

use std::collections::BTreeMap;
use std::fmt;

use crate::go_struct::go_struct;

go_struct! {
    /// Where a run's logs and artifacts go, and how they lie there. Prow's name for it is kept, but the bucket
    /// may as well be S3's or a folder.
    pub struct GcsConfiguration {
        /// `gs://name`, `s3://name`, `file://name`; without a scheme it is GCS.
        pub bucket: String => "bucket",
        /// Path below the bucket under which run directories lie.
        pub path_prefix: String => "path_prefix",
        /// How organisation and repository appear in paths: `explicit`, `legacy` or `single`.
        pub path_strategy: String => "path_strategy",
        /// Organisation left out of paths by the last two.
        pub default_org: String => "default_org",
        /// Repository left out of paths by the last two.
        pub default_repo: String => "default_repo",
        /// Media types by file name extension, in addition to the usual ones.
        pub media_types: BTreeMap<String, String> => "mediaTypes",
        /// Base of links to runs; empty takes the configuration's by repository.
        pub job_url_prefix: String => "job_url_prefix",
        /// Copy files here instead of uploading them.
        pub local_output_dir: String => "local_output_dir",
        /// Extensions of files that are compressed on upload; `*` means all.
        pub compress_file_types: Option<Vec<String>> => "compress_file_types" slice,
    }
}

/// What is wrong with a place to upload to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GcsConfigurationError {
    /// The bucket is not a name or URL.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A media type is not `type/subtype`.
    #[error("invalid extension media type {0:?}: write `type/subtype`")]
    MediaType(String),
    /// The path strategy is none of the three.
    #[error("gcs_path_strategy must be one of \"legacy\", \"explicit\", or \"single\", not {0:?}")]
    PathStrategy(String),
    /// A strategy that leaves the default out does not know it.
    #[error("default org and repo must be provided for GCS strategy {0:?}")]
    NoDefaults(String),
}

/// A bucket that is not a name or URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "path {0:?} has invalid format, expected either <bucket-name>[/<path>] or \
     <storage-provider>://<bucket-name>[/<path>]"
)]
pub struct BucketError(pub String);

/// A bucket with its storage provider, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// `gs`, `s3` or `file`.
    pub provider: String,
    /// The bucket's name.
    pub name: String,
    /// What stands after the name, with its leading slash; usually empty.
    pub path: String,
}

impl Bucket {
    /// Takes a bucket as written in a configuration apart; without a scheme it is GCS.
    pub fn parse(text: &str) -> Result<Bucket, BucketError> {
        let (provider, rest) = text.split_once("://").unwrap_or(("gs", text));
        let bad = |c: char| c.is_control() || c == ' ' || c == '%';
        let scheme_fits = provider.starts_with(|c: char| c.is_ascii_alphabetic())
            && provider.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !scheme_fits || rest.contains(bad) {
            return Err(BucketError(text.to_owned()));
        }
        let split = rest.find('/').unwrap_or(rest.len());
        let (name, path) = rest.split_at(split);
        Ok(Bucket {
            provider: provider.to_ascii_lowercase(),
            name: name.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The bucket's name and the path after it.
    pub fn full_path(&self) -> String {
        format!("{}{}", self.name, self.path)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.provider, self.name, self.path)
    }
}

impl GcsConfiguration {
    /// The configuration with what it does not set taken from `default`; entries of the default's media
    /// types replace own entries, as in Prow.
    pub fn apply_default(&self, default: &GcsConfiguration) -> GcsConfiguration {
        let text = |own: &String, default: &String| {
            if own.is_empty() { default.clone() } else { own.clone() }
        };
        let mut media_types = self.media_types.clone();
        media_types.extend(default.media_types.iter().map(|(k, v)| (k.clone(), v.clone())));
        GcsConfiguration {
            bucket: text(&self.bucket, &default.bucket),
            path_prefix: text(&self.path_prefix, &default.path_prefix),
            path_strategy: text(&self.path_strategy, &default.path_strategy),
            default_org: text(&self.default_org, &default.default_org),
            default_repo: text(&self.default_repo, &default.default_repo),
            media_types,
            job_url_prefix: text(&self.job_url_prefix, &default.job_url_prefix),
            local_output_dir: text(&self.local_output_dir, &default.local_output_dir),
            compress_file_types: self
                .compress_file_types
                .clone()
                .or_else(|| default.compress_file_types.clone()),
        }
    }

    /// Checks bucket, media types and path strategy, as Prow's configuration check does.
    pub fn validate(&self) -> Result<(), GcsConfigurationError> {
        Bucket::parse(&self.bucket)?;
        if let Some(media) = self.media_types.values().find(|media| !is_media_type(media)) {
            return Err(GcsConfigurationError::MediaType(media.clone()));
        }
        match self.path_strategy.as_str() {
            "explicit" => Ok(()),
            "legacy" | "single" if self.default_org.is_empty() || self.default_repo.is_empty() => {
                Err(GcsConfigurationError::NoDefaults(self.path_strategy.clone()))
            }
            "legacy" | "single" => Ok(()),
            other => Err(GcsConfigurationError::PathStrategy(other.to_owned())),
        }
    }
}

/// `token`, or `token/token`, with optional `; name=value` parameters.
fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_graphic() && !br#"()<>@,;:\"/[]?="#.contains(&b))
    };
    let mut parts = text.split(';');
    let media = parts.next().unwrap_or_default().trim();
    let media_fits = match media.split_once('/') {
        Some((kind, subtype)) => is_token(kind) && is_token(subtype),
        None => is_token(media),
    };
    media_fits
        && parts.map(str::trim).filter(|part| !part.is_empty()).all(|part| {
            part.split_once('=').is_some_and(|(name, value)| {
                let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
                is_token(name.trim()) && (quoted || is_token(value.trim()))
            })
        })
}
