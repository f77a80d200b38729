//! How to reach the buckets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::BlobError;

/// The environment variable through which the pod utilities are told a [`BlobConfig`], as JSON.
pub const BLOBS_ENV: &str = "BOWSPRIT_BLOBS";

/// Which buckets are folders and which credentials open the others. Every field may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobConfig {
    /// The folder in which every `file://NAME` bucket is the folder `NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_root: Option<PathBuf>,
    /// Buckets of any provider that are kept in a folder: bucket name → folder. So a configuration
    /// written for `gs://` works on a laptop. They are found before [`BlobConfig::local_root`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub local_buckets: BTreeMap<String, PathBuf>,
    /// A Google service account key, or application-default credentials, as a JSON file. Without it
    /// the ambient identity is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs_credentials_file: Option<PathBuf>,
    /// Reads public GCS buckets without any identity.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gcs_anonymous: bool,
    /// The base URL of a GCS emulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs_endpoint: Option<String>,
    /// Prow's S3 credentials file (see [`S3Credentials`]). Without it the ambient identity is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_credentials_file: Option<PathBuf>,
}

impl BlobConfig {
    /// Reads the configuration from [`BLOBS_ENV`]; `None` when the variable is not set.
    ///
    /// # Errors
    /// [`BlobError::Configuration`] when it is set to something else than the JSON of this type.
    pub fn from_env() -> Result<Option<BlobConfig>, BlobError> {
        let Some(text) = std::env::var_os(BLOBS_ENV) else {
            return Ok(None);
        };
        serde_json::from_slice(text.as_encoded_bytes()).map(Some).map_err(|error| {
            BlobError::Configuration {
                reason: format!(
                    "the environment variable {BLOBS_ENV} holds no blob configuration: {error}"
                ),
            }
        })
    }

    /// The value for [`BLOBS_ENV`].
    pub fn to_env(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// Prow's file of S3 credentials (`s3_credentials_secret`, key `service-account.json`).
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct S3Credentials {
    pub(crate) region: String,
    pub(crate) endpoint: String,
    pub(crate) insecure: bool,
    pub(crate) s3_force_path_style: bool,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) session_token: String,
}

impl S3Credentials {
    pub(crate) fn read(path: &Path) -> Result<S3Credentials, BlobError> {
        let refuse = |reason: String| BlobError::Configuration {
            reason: format!("the S3 credentials file {}: {reason}", path.display()),
        };
        let text = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        // serde_json's message would quote the offending value, which may be the secret.
        serde_json::from_slice(&text)
            .map_err(|error| refuse(format!("not the expected JSON, line {}", error.line())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_passes_through_the_environment_variable() {
        let config = BlobConfig {
            local_root: Some("/data/buckets".into()),
            local_buckets: BTreeMap::from([("sample-ci".to_owned(), "/data/sample-ci".into())]),
            ..BlobConfig::default()
        };
        assert_eq!(
            config.to_env(),
            r#"{"local_root":"/data/buckets","local_buckets":{"sample-ci":"/data/sample-ci"}}"#
        );
        let read: BlobConfig = serde_json::from_str(&config.to_env()).unwrap();
        assert_eq!(read, config);
        assert!(serde_json::from_str::<BlobConfig>(r#"{"local_rot":"/x"}"#).is_err());
    }
}
