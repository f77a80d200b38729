//! Where the options come from: one environment variable with JSON, else flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use job_spec::JobSpec;
use serde::de::DeserializeOwned;

use crate::flags::Flags;

/// The options cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The environment variable holds something else.
    #[error(
        "the environment variable {variable} does not hold the options of this program: {source}"
    )]
    Json {
        /// Its name.
        variable: &'static str,
        /// What is wrong, without the value.
        source: serde_json::Error,
    },
    /// A variable that decoration always sets is missing.
    #[error(
        "the environment variable {0} is not set: this program runs in a Pod that was decorated for it"
    )]
    Missing(&'static str),
    /// No such flag.
    #[error("there is no flag --{0}")]
    UnknownFlag(String),
    /// A flag that needs a value stands at the end.
    #[error("the flag --{0} needs a value")]
    FlagWithoutValue(String),
    /// The value does not fit.
    #[error("the flag --{flag} cannot be `{value}`")]
    BadFlag {
        /// Its name.
        flag: String,
        /// What was given.
        value: String,
    },
    /// The options contradict each other or leave something out.
    #[error("invalid options: {0}")]
    Invalid(String),
    /// The configuration of the buckets cannot be read.
    #[error(transparent)]
    Blobs(#[from] blob::BlobError),
}

/// The JSON in the variable, if it is set.
pub(crate) fn from_env<T: DeserializeOwned>(
    variable: &'static str,
) -> Result<Option<T>, OptionsError> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let read = serde_json::from_slice(text.as_encoded_bytes());
    read.map(Some).map_err(|source| OptionsError::Json { variable, source })
}

/// The variable that tells every container about its run.
const JOB_SPEC: &str = "JOB_SPEC";

/// What the environment tells about this run.
pub(crate) fn job_spec() -> Result<JobSpec, OptionsError> {
    from_env(JOB_SPEC)?.ok_or(OptionsError::Missing(JOB_SPEC))
}

/// The options of `variable`, else what `read` makes of the flags.
pub(crate) fn load<T: DeserializeOwned>(
    variable: &'static str,
    arguments: Vec<String>,
    valued: &[&'static str],
    boolean: &[&'static str],
    read: impl FnOnce(&Flags) -> Result<T, OptionsError>,
) -> Result<T, OptionsError> {
    match from_env(variable)? {
        Some(options) => Ok(options),
        None => read(&Flags::parse(arguments, valued, boolean)?),
    }
}

/// Where a cluster that has no containers keeps the mounts of this one: a JSON object of mount path to
/// folder. It moves the few paths that are built into the utilities; paths in options are moved by
/// whoever writes the options.
pub const MOUNTS_ENV: &str = "BOWSPRIT_MOUNTS";

/// A built-in path, moved if [`MOUNTS_ENV`] says so.
pub(crate) fn built_in_path(path: &str) -> PathBuf {
    let mounts: BTreeMap<String, PathBuf> = from_env(MOUNTS_ENV).ok().flatten().unwrap_or_default();
    moved(path, &mounts)
}

fn moved(path: &str, mounts: &BTreeMap<String, PathBuf>) -> PathBuf {
    let found = mounts.iter().rev().find_map(|(mount, folder)| {
        let below = Path::new(path).strip_prefix(mount).ok()?;
        Some(folder.join(below))
    });
    found.unwrap_or_else(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_paths_follow_their_mounts() {
        let mounts = BTreeMap::from([
            ("/tools".to_owned(), PathBuf::from("/data/pods/1/tools")),
            ("/tools/deep".to_owned(), PathBuf::from("/elsewhere")),
        ]);
        assert_eq!(moved("/tools/entrypoint", &mounts), Path::new("/data/pods/1/tools/entrypoint"));
        assert_eq!(moved("/tools/deep/x", &mounts), Path::new("/elsewhere/x"));
        assert_eq!(moved("/toolshed", &mounts), Path::new("/toolshed"));
    }
}
