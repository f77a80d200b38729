//! The traits through which components see a cluster.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use job_spec::{Interner, ObjectMeta, Pod, ProwJob};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ClusterError, LabelSelector, Lease};

/// A kind of object.
pub trait Resource: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// `ProwJob`, `Pod`, `Lease`.
    const KIND: &'static str;
    /// Such as `prow.k8s.io/v1`.
    const API_VERSION: &'static str;

    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;

    /// Its metadata, to change.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;

    /// Sets `apiVersion` and `kind`.
    fn set_type(&mut self);

    /// Shares what many objects have in common.
    fn share(&mut self, _interner: &Interner) {}
}

impl Resource for ProwJob {
    const KIND: &'static str = "ProwJob";
    const API_VERSION: &'static str = "prow.k8s.io/v1";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }

    fn set_type(&mut self) {
        self.api_version = Self::API_VERSION.to_string();
        self.kind = Self::KIND.to_string();
    }

    fn share(&mut self, interner: &Interner) {
        interner.intern(self);
    }
}

impl Resource for Pod {
    const KIND: &'static str = "Pod";
    const API_VERSION: &'static str = "v1";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }

    fn set_type(&mut self) {
        self.api_version = Self::API_VERSION.to_string();
        self.kind = Self::KIND.to_string();
    }
}

/// Objects at one moment.
#[derive(Debug, Clone)]
pub struct ListResult<K> {
    /// The objects, by name. Do not change them: they are shared.
    pub items: Vec<Arc<K>>,
    /// The moment: watch from here to miss nothing.
    pub resource_version: String,
}

/// A change.
#[derive(Debug, Clone)]
pub enum WatchEvent<K> {
    /// The object came into being, or into the selection.
    Added(Arc<K>),
    /// It changed.
    Modified(Arc<K>),
    /// It went, or left the selection; its last state.
    Deleted(Arc<K>),
    /// Nothing of the selection changed up to this version.
    Bookmark(String),
}

/// Changes in order. Ends with [`ClusterError::Gone`] when the reader was too slow, or silently
/// when the connection (or the process) ends: then watch again from the last version seen.
pub type WatchStream<K> = BoxStream<'static, Result<WatchEvent<K>, ClusterError>>;

/// What must be true of an object for it to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// It has this uid.
    pub uid: Option<String>,
    /// It has this resource version.
    pub resource_version: Option<String>,
}

/// How to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Seconds between SIGTERM and SIGKILL, for Pods; `None` is what the Pod's spec says.
    pub grace_period_seconds: Option<u32>,
    /// Delete only this very object; otherwise the answer is [`ClusterError::Conflict`].
    pub precondition: Precondition,
}

/// The objects of one kind in one namespace.
#[async_trait]
pub trait Api<K: Resource>: Send + Sync {
    /// Creates an object. The cluster sets uid, creation time and resource version; the answer is
    /// the object as it is now. A second object of the same name is
    /// [`ClusterError::AlreadyExists`].
    async fn create(&self, object: &K) -> Result<Arc<K>, ClusterError>;

    /// The object of this name, read live. [`ClusterError::NotFound`] if there is none.
    async fn get(&self, name: &str) -> Result<Arc<K>, ClusterError>;

    /// All objects that the selector matches.
    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<K>, ClusterError>;

    /// The changes after `from` (a resource version of a list or an event), of objects that the
    /// selector matches or matched. [`ClusterError::Gone`], here or in the stream, means that the
    /// history does not reach back to `from`.
    async fn watch(
        &self,
        selector: &LabelSelector,
        from: &str,
    ) -> Result<WatchStream<K>, ClusterError>;

    /// Applies a JSON merge patch (RFC 7386). With `expected`, or with
    /// `metadata.resourceVersion` in the patch, only if the object still has that version;
    /// otherwise [`ClusterError::Conflict`]. The answer is the object as it is now.
    async fn patch_merge(
        &self,
        name: &str,
        patch: &Value,
        expected: Option<&str>,
    ) -> Result<Arc<K>, ClusterError>;

    /// Asks for deletion. The object is gone when its finalizers are, and for a Pod when its
    /// containers have ended.
    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ClusterError>;
}

/// Pieces of a log.
pub type ByteStream = BoxStream<'static, Result<Bytes, ClusterError>>;

/// Which part of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on with what the container writes, until it ends.
    pub follow: bool,
    /// Leave out this many bytes at the beginning.
    pub since_bytes: u64,
    /// Begin at most this many bytes before the present end.
    pub tail_bytes: Option<u64>,
}

/// The Pods of one build cluster.
#[async_trait]
pub trait PodApi: Api<Pod> {
    /// What a container wrote. An empty container name means the only container of the Pod.
    /// [`ClusterError::NotFound`] without the Pod, [`ClusterError::Invalid`] without the
    /// container; a container that has not started has an empty log.
    async fn logs(
        &self,
        name: &str,
        container: &str,
        options: &LogOptions,
    ) -> Result<ByteStream, ClusterError>;
}

/// A control plane with its build clusters.
pub trait Cluster: Send + Sync {
    /// The ProwJobs.
    fn prow_jobs(&self) -> Arc<dyn Api<ProwJob>>;

    /// The Pods of a build cluster; an empty alias means `default`.
    fn pods(&self, build_cluster: &str) -> Result<Arc<dyn PodApi>, ClusterError>;

    /// The leases of leader election.
    fn leases(&self) -> Arc<dyn Api<Lease>>;

    /// The aliases of the build clusters.
    fn build_clusters(&self) -> Vec<String>;

    /// How many Pods can run at once over all build clusters, where that is known beforehand.
    /// `None` where each cluster's own scheduler decides.
    fn places(&self) -> Option<usize> {
        None
    }
}
