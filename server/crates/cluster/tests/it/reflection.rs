//! The local copy that controllers work from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cluster::{
    Api, ClusterError, DeleteOptions, LabelSelector, ListResult, Reflector, ReflectorEvent,
    WatchStream,
};
use futures::StreamExt;
use job_spec::ProwJob;
use serde_json::{Value, json};

use crate::world::{World, prow_job, soon};

fn named(event: ReflectorEvent<ProwJob>) -> String {
    match event {
        ReflectorEvent::Restarted(all) => {
            let names: Vec<&str> = all.iter().map(|job| job.metadata.name.as_str()).collect();
            format!("restarted {}", names.join(","))
        }
        ReflectorEvent::Applied(job) => {
            format!("applied {} {}", job.metadata.name, job.status.state.as_str())
        }
        ReflectorEvent::Deleted(job) => format!("deleted {}", job.metadata.name),
    }
}

#[tokio::test]
async fn a_copy_follows_the_cluster() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    jobs.create(&prow_job("a")).await.unwrap();
    let copy = Reflector::spawn(jobs.clone(), LabelSelector::all());
    soon("the first list", copy.synced()).await;
    assert!(copy.is_synced() && copy.last_error().is_none());
    assert_eq!(copy.len(), 1);
    let mut events = copy.subscribe();
    let mut next = async || named(soon("an event", events.next()).await.unwrap());
    assert_eq!(next().await, "restarted a");
    jobs.create(&prow_job("b")).await.unwrap();
    assert_eq!(next().await, "applied b triggered");
    jobs.patch_merge("a", &json!({ "status": { "state": "pending" } }), None).await.unwrap();
    assert_eq!(next().await, "applied a pending");
    jobs.delete("a", &DeleteOptions::default()).await.unwrap();
    assert_eq!(next().await, "deleted a");
    assert!(copy.get("a").is_none() && copy.get("b").is_some());
    assert_eq!(copy.list().len(), 1);
    assert!(copy.since_contact().is_some());
}

/// An API whose watches are cut and whose history is forgotten, again and again.
struct Troubled {
    inner: Arc<dyn Api<ProwJob>>,
    calls: AtomicUsize,
}

#[async_trait]
impl Api<ProwJob> for Troubled {
    async fn create(&self, object: &ProwJob) -> Result<Arc<ProwJob>, ClusterError> {
        self.inner.create(object).await
    }

    async fn get(&self, name: &str) -> Result<Arc<ProwJob>, ClusterError> {
        self.inner.get(name).await
    }

    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<ProwJob>, ClusterError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(ClusterError::Unavailable("not yet".to_string()));
        }
        self.inner.list(selector).await
    }

    async fn watch(
        &self,
        selector: &LabelSelector,
        from: &str,
    ) -> Result<WatchStream<ProwJob>, ClusterError> {
        let watch = self.inner.watch(selector, from).await?;
        let gone = || ClusterError::Gone("forgotten".to_string());
        match self.calls.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Err(gone()),
            1 => Ok(watch.take(1).boxed()),
            _ => Ok(watch.take(1).chain(futures::stream::iter([Err(gone())])).boxed()),
        }
    }

    async fn patch_merge(
        &self,
        name: &str,
        patch: &Value,
        expected: Option<&str>,
    ) -> Result<Arc<ProwJob>, ClusterError> {
        self.inner.patch_merge(name, patch, expected).await
    }

    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.inner.delete(name, options).await
    }
}

#[tokio::test]
async fn a_copy_over_a_troubled_cluster_misses_nothing_and_repeats_nothing() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let troubled = Arc::new(Troubled { inner: jobs.clone(), calls: AtomicUsize::new(0) });
    jobs.create(&prow_job("a")).await.unwrap();
    let copy = Reflector::spawn(troubled, LabelSelector::all());
    soon("the first list", copy.synced()).await;
    let mut events = copy.subscribe();
    let mut next = async || named(soon("an event", events.next()).await.unwrap());
    assert_eq!(next().await, "restarted a");
    for number in 0..20 {
        let name = format!("b{number}");
        jobs.create(&prow_job(&name)).await.unwrap();
        assert_eq!(next().await, format!("applied {name} triggered"));
        jobs.delete(&name, &DeleteOptions::default()).await.unwrap();
        assert_eq!(next().await, format!("deleted {name}"));
    }
    assert_eq!(copy.len(), 1);
}

#[tokio::test]
async fn a_copy_that_nobody_holds_ends() {
    let world = World::without_program().await;
    let (reflector, copy) = Reflector::new(world.prow_jobs(), LabelSelector::all());
    let task = tokio::spawn(reflector.run());
    soon("the first list", copy.synced()).await;
    let events = copy.subscribe();
    drop(copy);
    assert!(!task.is_finished());
    drop(events);
    soon("the reflector to end", task).await.unwrap();
}
