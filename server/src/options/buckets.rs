use std::path::PathBuf;

use blob::BlobConfig;
use clap::Args;

use super::name_and_dir;

/// The address of an emulator of Google's storage, as Google's client libraries read it.
const EMULATOR_ENV: &str = "STORAGE_EMULATOR_HOST";

/// How the tools that work on buckets reach them.
#[derive(Args, Clone, Debug)]
pub struct BucketOptions {
    /// A Google service account for gs:// buckets.
    #[arg(long, value_name = "FILE")]
    gcp_service_account: Option<PathBuf>,
    /// Prow's JSON file with keys and endpoint for s3:// buckets.
    #[arg(long, value_name = "FILE")]
    s3_credentials_file: Option<PathBuf>,
    /// Read the bucket NAME from a folder, whatever its scheme (repeatable).
    #[arg(long, value_name = "NAME=DIR", value_parser = name_and_dir)]
    local_bucket: Vec<(String, PathBuf)>,
}

impl BucketOptions {
    /// How to reach buckets: by flags, and by the variables of the pod utilities and of Google's
    /// client libraries.
    pub fn config(&self) -> anyhow::Result<BlobConfig> {
        let mut config = BlobConfig::from_env()?.unwrap_or_default();
        if let Some(host) = std::env::var(EMULATOR_ENV).ok().filter(|host| !host.is_empty()) {
            let scheme = if host.contains("://") { "" } else { "http://" };
            config.gcs_endpoint = Some(format!("{scheme}{}", host.trim_end_matches('/')));
            config.gcs_anonymous = true;
        }
        config.local_buckets.extend(self.local_bucket.iter().cloned());
        config.gcs_credentials_file =
            self.gcp_service_account.clone().or(config.gcs_credentials_file);
        config.s3_credentials_file =
            self.s3_credentials_file.clone().or(config.s3_credentials_file);
        Ok(config)
    }
}
