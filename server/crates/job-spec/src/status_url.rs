//! The link from a run's status to its page.

use std::collections::BTreeMap;

use crate::downward::JobSpec;
use crate::gcs::{Bucket, BucketError, GcsConfiguration};
use crate::gcs_path::{self, PathError};
use crate::go_path;
use crate::prow_job::ProwJob;

/// A run whose page has no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusUrlError {
    /// The bucket is not a name or URL.
    #[error("could not make the job URL: {0}")]
    Bucket(#[from] BucketError),
    /// The run has no folder.
    #[error("could not make the job URL: {0}")]
    Path(#[from] PathError),
}

/// The base of links to this run: its decoration's own, else the configured one of its repository, its
/// organisation or `*`. Periodics go by their first extra refs. Empty if there is none.
pub fn job_url_prefix<'a>(job: &'a ProwJob, prefixes: &'a BTreeMap<String, String>) -> &'a str {
    if let Some(gcs) = gcs_configuration(job)
        && !gcs.job_url_prefix.is_empty()
    {
        return &gcs.job_url_prefix;
    }
    let configured =
        |key: &str| prefixes.get(key).map(String::as_str).filter(|prefix| !prefix.is_empty());
    job.main_refs()
        .filter(|refs| !refs.org.is_empty())
        .and_then(|refs| {
            configured(&format!("{}/{}", refs.org, refs.repo)).or_else(|| configured(&refs.org))
        })
        .or_else(|| configured("*"))
        .unwrap_or_default()
}

fn gcs_configuration(job: &ProwJob) -> Option<&GcsConfiguration> {
    job.spec.decoration_config.as_ref()?.gcs_configuration.as_ref()
}

/// The link `<prefix>/<provider>/<bucket>/<run folder>` of a decorated run, or None where the run is not
/// decorated or has no prefix, and the configured URL template is to be rendered instead.
///
/// `append_provider` is false where the configuration sets `jobURLPrefixDisableAppendStorageProvider`.
pub fn prefixed_url(
    job: &ProwJob,
    prefixes: &BTreeMap<String, String>,
    append_provider: bool,
) -> Result<Option<String>, StatusUrlError> {
    let prefix = job_url_prefix(job, prefixes);
    let Some(gcs) = gcs_configuration(job).filter(|_| !prefix.is_empty()) else {
        return Ok(None);
    };
    let spec = JobSpec::new(&job.spec, &job.status.build_id, &job.metadata.name);
    let directory = gcs_path::run_dir(gcs, &spec)?;
    let bucket = Bucket::parse(&gcs.bucket)?;
    let provider = if append_provider { bucket.provider.as_str() } else { "" };
    let appended = go_path::join(&[provider, &bucket.full_path(), &directory]);
    Ok(Some(append_to_url(prefix, &appended)))
}

/// Appends a path to a URL's path, leaving query and fragment behind it.
fn append_to_url(url: &str, path: &str) -> String {
    let (url, tail) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let split = url[authority..].find('/').map_or(url.len(), |slash| authority + slash);
    let (origin, base) = url.split_at(split);
    let joined = go_path::join(&[base, &escape_path(path)]);
    let slash = if joined.starts_with('/') || origin.is_empty() { "" } else { "/" };
    format!("{origin}{slash}{joined}{tail}")
}

/// Percent-encodes what may not stand in a URL's path.
fn escape_path(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}
