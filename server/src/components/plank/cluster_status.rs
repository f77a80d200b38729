//! `plank.build_cluster_status_file`: which build clusters can be worked with, for `checkconfig`,
//! which then refuses jobs for those that cannot.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use blob::{BlobUri, Blobs, WriteOptions};
use cluster::ClusterError;

/// How often the file is written, as in Prow.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// The state of a build cluster, in the words of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterStatus {
    /// It answers.
    Reachable,
    /// There is no client for it.
    NoManager,
    /// It does not answer, or with an error.
    Error,
    /// It answers that we may not.
    MissingPermissions,
}

impl Display for ClusterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClusterStatus::Reachable => "Reachable",
            ClusterStatus::NoManager => "No-Manager",
            ClusterStatus::Error => "Error",
            ClusterStatus::MissingPermissions => "MissingPermissions",
        })
    }
}

/// Why a build cluster cannot be relied on now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// For people.
    pub(super) text: String,
    /// For the file.
    pub(super) status: ClusterStatus,
}

impl Trouble {
    /// It has said nothing at all yet.
    pub(super) fn silent() -> Trouble {
        let text = "it has not answered yet".to_owned();
        Trouble { text, status: ClusterStatus::Error }
    }

    /// There is no client for it.
    pub(super) fn no_client(error: &ClusterError) -> Trouble {
        Trouble { status: ClusterStatus::NoManager, ..Trouble::from(error) }
    }
}

impl From<&ClusterError> for Trouble {
    fn from(error: &ClusterError) -> Trouble {
        let status = match error {
            ClusterError::Forbidden(_) => ClusterStatus::MissingPermissions,
            _ => ClusterStatus::Error,
        };
        Trouble { text: error.to_string(), status }
    }
}

/// Writes the file: a JSON object from alias to state. `place` is an object in a bucket or a path.
pub(super) async fn write(
    place: &str,
    blobs: Option<&Blobs>,
    statuses: &BTreeMap<String, ClusterStatus>,
) -> anyhow::Result<()> {
    let words: BTreeMap<&String, String> =
        statuses.iter().map(|(alias, status)| (alias, status.to_string())).collect();
    let text = serde_json::to_vec(&words)?;
    if !place.contains("://") {
        return replace(Path::new(place), &text).await;
    }
    let uri = BlobUri::parse(place)?;
    let Some(blobs) = blobs else { bail!("there is no access to buckets") };
    let options =
        WriteOptions { cache_control: Some("no-cache".to_owned()), ..WriteOptions::default() };
    blobs.write(&uri, text, &options).await.map_err(anyhow::Error::from)
}

/// Replaces a file at once, so that nobody reads half of it.
async fn replace(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    tokio::fs::write(&next, text)
        .await
        .with_context(|| format!("writing {}", Path::new(&next).display()))?;
    tokio::fs::rename(&next, path).await.with_context(|| format!("replacing {}", path.display()))
}
