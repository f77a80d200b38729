//! The embedded cluster's objects as rows: one JSON document each, with its resource version.

use async_trait::async_trait;

use crate::StoreError;

/// Names one object of the embedded cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The build cluster it lives in; empty for objects of the control plane.
    pub build_cluster: String,
    /// `ProwJob`, `Pod` or `Lease`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name, unique within the three above.
    pub name: String,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// Which one.
    pub key: RowKey,
    /// Its resource version.
    pub version: i64,
    /// The whole object as JSON, without `metadata.resourceVersion`.
    pub object: String,
}

/// One step of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// A new object; the row must not exist.
    Insert(ClusterRow),
    /// A changed object; the row must have version `previous`.
    Update {
        /// The object as it is to be.
        row: ClusterRow,
        /// The version it has until now.
        previous: i64,
    },
    /// A deleted object; the row must have version `previous`.
    Delete {
        /// Which one.
        key: RowKey,
        /// The version it has until now.
        previous: i64,
        /// The resource version of the deletion itself.
        version: i64,
    },
}

/// The rows behind the embedded cluster. One owner at a time: the owner hands out resource
/// versions, and a row that is not as the owner remembers it fails the whole write.
#[async_trait]
pub trait ClusterRows: Send + Sync {
    /// The greatest resource version ever written, deletions included; 0 at first. An owner
    /// starts above it, so that versions never repeat.
    async fn highest_version(&self) -> Result<i64, StoreError>;

    /// Up to `limit` rows of a kind in key order, starting behind `after`. Reading page by page
    /// keeps 22,000 ProwJobs from lying in memory twice.
    async fn page(
        &self,
        build_cluster: &str,
        kind: &str,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<ClusterRow>, StoreError>;

    /// The build clusters that hold rows of a kind.
    async fn build_clusters(&self, kind: &str) -> Result<Vec<String>, StoreError>;

    /// One object.
    async fn get(&self, key: &RowKey) -> Result<Option<ClusterRow>, StoreError>;

    /// Writes all changes or none, and returns when they are flushed to disk.
    /// [`StoreError::Conflict`] if a row is not as its change expects: then somebody else writes
    /// to the same database.
    async fn write(&self, changes: Vec<RowChange>) -> Result<(), StoreError>;
}
