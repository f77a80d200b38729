//! A database that fails: nothing that was refused is shown, and nothing that is on disk is hidden.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use clock::SystemClock;
use cluster::{
    Cluster, DeleteOptions, EmbeddedCluster, EmbeddedOptions, LabelSelector, WatchEvent,
};
use futures::StreamExt;
use serde_json::json;
use store::{ClusterRow, ClusterRows, RowChange, RowKey, Store, StoreError, StoreOptions};

use crate::world::{prow_job, soon};

const HEALTHY: u8 = 0;
/// Refuses writes.
const REFUSING: u8 = 1;
/// Writes, but says that it could not.
const LYING: u8 = 2;

struct Faulty {
    rows: Arc<dyn ClusterRows>,
    mood: AtomicU8,
}

#[async_trait]
impl ClusterRows for Faulty {
    async fn highest_version(&self) -> Result<i64, StoreError> {
        self.rows.highest_version().await
    }

    async fn page(
        &self,
        build_cluster: &str,
        kind: &str,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<ClusterRow>, StoreError> {
        self.rows.page(build_cluster, kind, after, limit).await
    }

    async fn build_clusters(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        self.rows.build_clusters(kind).await
    }

    async fn get(&self, key: &RowKey) -> Result<Option<ClusterRow>, StoreError> {
        self.rows.get(key).await
    }

    async fn write(&self, changes: Vec<RowChange>) -> Result<(), StoreError> {
        let full = StoreError::Full { place: "here".to_string(), detail: "no space".to_string() };
        if changes.is_empty() {
            return Ok(());
        }
        match self.mood.load(Ordering::SeqCst) {
            HEALTHY => self.rows.write(changes).await,
            REFUSING => Err(full),
            _ => {
                self.rows.write(changes).await?;
                Err(full)
            }
        }
    }
}

#[tokio::test]
async fn a_refused_write_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cluster) = faulty(&folder).await;
    let jobs = cluster.prow_jobs();
    let made = jobs.create(&prow_job("a")).await.unwrap();
    rows.mood.store(REFUSING, Ordering::SeqCst);
    let patch = json!({ "status": { "state": "pending" } });
    let error = jobs.patch_merge("a", &patch, None).await.unwrap_err();
    assert!(!error.is_permanent() && error.to_string().contains("free some space"), "{error}");
    assert!(jobs.create(&prow_job("b")).await.is_err());
    assert!(jobs.delete("a", &Default::default()).await.is_err());
    assert_eq!(jobs.get("a").await.unwrap(), made);
    assert!(jobs.get("b").await.unwrap_err().is_not_found());
    rows.mood.store(HEALTHY, Ordering::SeqCst);
    let patched = jobs.patch_merge("a", &patch, None).await.unwrap();
    assert_eq!(patched.status.state.as_str(), "pending");
    jobs.create(&prow_job("b")).await.unwrap();
}

#[tokio::test]
async fn a_write_that_happened_after_all_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cluster) = faulty(&folder).await;
    let jobs = cluster.prow_jobs();
    for name in ["changed", "deleted"] {
        jobs.create(&prow_job(name)).await.unwrap();
    }
    let from = jobs.list(&LabelSelector::all()).await.unwrap().resource_version;
    let mut events = jobs.watch(&LabelSelector::all(), &from).await.unwrap();
    rows.mood.store(LYING, Ordering::SeqCst);
    let patch = json!({ "status": { "state": "pending" } });
    let (at_once, job) = (DeleteOptions::default(), prow_job("created"));
    let (changed, deleted, created) = tokio::join!(
        jobs.patch_merge("changed", &patch, None),
        jobs.delete("deleted", &at_once),
        jobs.create(&job),
    );
    assert!(changed.is_err() && deleted.is_err() && created.is_err());
    rows.mood.store(HEALTHY, Ordering::SeqCst);
    // The next request finds out, whatever it is about.
    let next = json!({ "status": { "build_id": "7" } });
    jobs.patch_merge("changed", &next, None).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(match soon("an event", events.next()).await.unwrap().unwrap() {
            WatchEvent::Added(job) => format!("added {}", job.metadata.name),
            WatchEvent::Modified(job) => {
                format!("{} {}", job.metadata.name, job.status.state.as_str())
            }
            WatchEvent::Deleted(job) => format!("deleted {}", job.metadata.name),
            WatchEvent::Bookmark(version) => format!("bookmark {version}"),
        });
    }
    assert_eq!(seen.pop().unwrap(), "changed pending");
    seen.sort();
    assert_eq!(seen, ["added created", "changed pending", "deleted deleted"]);
    assert!(jobs.get("deleted").await.unwrap_err().is_not_found());
    assert!(jobs.create(&prow_job("created")).await.unwrap_err().is_already_exists());
}

async fn faulty(folder: &tempfile::TempDir) -> (Arc<Faulty>, EmbeddedCluster) {
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    let rows = Arc::new(Faulty { rows: store.cluster_rows(), mood: AtomicU8::new(HEALTHY) });
    let options = EmbeddedOptions::new(folder.path(), Arc::new(SystemClock));
    let cluster = EmbeddedCluster::over(rows.clone(), options).await.unwrap();
    (rows, cluster)
}
