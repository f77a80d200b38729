//! ProwJobs from a file, as Deck's `--pregenerated-data` has them: a cluster
//! that can be read and never changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use cluster::{
    Api, Cluster, ClusterError, DeleteOptions, LabelSelector, Lease, ListResult, PodApi, Resource,
    WatchStream,
};
use job_spec::{Interner, ProwJob};
use serde_json::Value;

/// The file in the folder.
const FILE: &str = "prowjobs.json";
/// The only version that a fixed cluster has.
const VERSION: &str = "1";

/// A cluster with the ProwJobs of `DIR/prowjobs.json`.
pub struct FixedCluster {
    jobs: Arc<Fixed<ProwJob>>,
}

/// Objects that can be read and never change.
struct Fixed<K> {
    by_name: BTreeMap<String, Arc<K>>,
}

impl FixedCluster {
    /// Reads the file, a ProwJobList. Each job is interned as it is read, so
    /// that what thousands have in common is in memory once.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let mut by_name = BTreeMap::new();
        let interner = Interner::new();
        let mut deserializer =
            serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 20, file));
        job_spec::list::read_prow_jobs(&mut deserializer, &interner, |job| {
            by_name.insert(job.metadata.name.clone(), Arc::new(job));
        })
        .with_context(|| format!("{} is no list of ProwJobs", path.display()))?;
        Ok(Self { jobs: Arc::new(Fixed { by_name }) })
    }
}

fn read_only() -> ClusterError {
    ClusterError::Forbidden("the ProwJobs come from a file and cannot be changed".to_owned())
}

#[async_trait]
impl<K: Resource> Api<K> for Fixed<K> {
    async fn create(&self, _: &K) -> Result<Arc<K>, ClusterError> {
        Err(read_only())
    }

    async fn get(&self, name: &str) -> Result<Arc<K>, ClusterError> {
        self.by_name
            .get(name)
            .cloned()
            .ok_or_else(|| ClusterError::NotFound { kind: K::KIND, name: name.to_owned() })
    }

    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<K>, ClusterError> {
        let items = self
            .by_name
            .values()
            .filter(|object| selector.matches(&object.metadata().labels))
            .cloned()
            .collect();
        Ok(ListResult { items, resource_version: VERSION.to_owned() })
    }

    async fn watch(&self, _: &LabelSelector, _: &str) -> Result<WatchStream<K>, ClusterError> {
        Ok(Box::pin(futures::stream::pending()))
    }

    async fn patch_merge(
        &self,
        _: &str,
        _: &Value,
        _: Option<&str>,
    ) -> Result<Arc<K>, ClusterError> {
        Err(read_only())
    }

    async fn delete(&self, _: &str, _: &DeleteOptions) -> Result<(), ClusterError> {
        Err(read_only())
    }
}

impl Cluster for FixedCluster {
    fn prow_jobs(&self) -> Arc<dyn Api<ProwJob>> {
        self.jobs.clone()
    }

    fn pods(&self, build_cluster: &str) -> Result<Arc<dyn PodApi>, ClusterError> {
        Err(ClusterError::UnknownBuildCluster {
            alias: build_cluster.to_owned(),
            known: String::new(),
        })
    }

    fn leases(&self) -> Arc<dyn Api<Lease>> {
        Arc::new(Fixed { by_name: BTreeMap::new() })
    }

    fn build_clusters(&self) -> Vec<String> {
        Vec::new()
    }
}
