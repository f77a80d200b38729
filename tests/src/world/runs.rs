//! ProwJobs that a test puts into the cluster, and waiting for them.

use std::sync::Arc;

use cluster::LabelSelector;
use job_spec::ProwJob;
use serde_json::{Value, json};

use super::{SOON, World};

/// A periodic's ProwJob that began at midnight; one whose state is terminal ended after a minute.
pub fn prow_job(name: &str, job: &str, state: &str) -> Value {
    let mut value = json!({
        "apiVersion": "prow.k8s.io/v1",
        "kind": "ProwJob",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"created-by-prow": "true", "prow.k8s.io/job": job},
            "annotations": {"prow.k8s.io/job": job},
        },
        "spec": {
            "type": "periodic",
            "agent": "kubernetes",
            "cluster": "default",
            "job": job,
            "report": true,
            "pod_spec": {"containers": [
                {"name": "test", "image": "none", "command": ["true"], "resources": {}}
            ]},
        },
        "status": {
            "startTime": "2026-11-21T00:00:00Z",
            "state": state,
            "build_id": "1",
        },
    });
    if !["scheduling", "triggered", "pending"].contains(&state) {
        value["status"]["completionTime"] = json!("2026-11-21T00:01:00Z");
    }
    value
}

/// The same as a presubmit of a repository's pull request 7 by `author`.
pub fn with_refs(mut job: Value, org: &str, repo: &str, author: &str) -> Value {
    job["spec"]["type"] = json!("presubmit");
    job["spec"]["context"] = job["spec"]["job"].clone();
    job["spec"]["refs"] = json!({
        "org": org,
        "repo": repo,
        "base_ref": "main",
        "base_sha": "b1",
        "pulls": [{"number": 7, "author": author, "sha": "c1"}],
    });
    job
}

impl World {
    /// Puts ProwJobs into the cluster and waits until the pages know them.
    ///
    /// # Panics
    /// If one is refused or the feed does not follow.
    pub async fn put(&self, jobs: impl IntoIterator<Item = Value>) {
        let api = self.process.web.cluster.prow_jobs();
        for job in jobs {
            let job: ProwJob = serde_json::from_value(job).expect("a ProwJob");
            let made = api.create(&job).await.expect("a created ProwJob");
            self.until_shown(&made).await;
        }
    }

    /// Changes a ProwJob and waits until the pages know it.
    ///
    /// # Panics
    /// If it is refused or the feed does not follow.
    pub async fn patch(&self, name: &str, patch: Value) {
        let api = self.process.web.cluster.prow_jobs();
        let changed = api.patch_merge(name, &patch, None).await.expect("a patched ProwJob");
        self.until_shown(&changed).await;
    }

    async fn until_shown(&self, job: &ProwJob) {
        let runs = &self.process.web.runs;
        let mut versions = runs.subscribe();
        // A component may have changed it again already.
        let version = |job: &ProwJob| -> Option<u64> {
            job.metadata.resource_version.as_deref()?.parse().ok()
        };
        let known = versions.wait_for(|_| {
            runs.get(&job.metadata.name).is_some_and(|run| {
                run.live.as_ref().is_some_and(|live| version(live) >= version(job))
            })
        });
        let known = tokio::time::timeout(SOON, known).await;
        assert!(known.is_ok(), "the run table did not take {}", job.metadata.name);
    }

    /// The ProwJobs of the cluster.
    ///
    /// # Panics
    /// If it cannot be asked.
    pub async fn prow_jobs(&self) -> Vec<Arc<ProwJob>> {
        let api = self.process.web.cluster.prow_jobs();
        api.list(&LabelSelector::all()).await.expect("a list").items
    }

    /// The run table's view of a ProwJob, once it is as wanted.
    ///
    /// # Panics
    /// If it does not become so in time.
    pub async fn run_when(&self, what: &str, wanted: impl Fn(&ProwJob) -> bool) -> Arc<ProwJob> {
        let runs = &self.process.web.runs;
        let mut versions = runs.subscribe();
        let found = async {
            loop {
                versions.borrow_and_update();
                let snapshot = runs.snapshot();
                let live = snapshot.runs.iter().filter_map(|run| run.live.clone());
                if let Some(job) = live.into_iter().find(|job| wanted(job)) {
                    return job;
                }
                if versions.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(SOON, found).await {
            Ok(job) => job,
            Err(_) => {
                let all = runs.snapshot();
                let all: Vec<String> =
                    all.runs.iter().map(|run| format!("{} {}", run.job, run.state)).collect();
                panic!("no run came to be: {what}; there are {all:?}")
            }
        }
    }
}

/// The configuration under which [`World::store_run`] finds a run's folder again.
pub const STORED: &str = "file://artifacts";

impl World {
    /// A finished periodic whose files lie in a bucket.
    ///
    /// # Panics
    /// If the files cannot be written or the ProwJob is refused.
    pub async fn store_run(
        &self,
        name: &str,
        job: &str,
        build_id: &str,
        state: &str,
        files: &[(&str, &[u8])],
    ) {
        for (file, content) in files {
            let path = self.stored_file(job, build_id, file);
            let folder = path.parent().expect("a folder");
            std::fs::create_dir_all(folder).expect("a folder");
            std::fs::write(path, content).expect("a file");
        }
        let mut value = prow_job(name, job, state);
        value["status"]["build_id"] = json!(build_id);
        value["spec"]["decoration_config"] = json!({
            "gcs_configuration": {"bucket": STORED, "path_strategy": "explicit"},
        });
        self.put([value]).await;
    }

    /// Where a file of a periodic's run lies on this machine.
    pub fn stored_file(&self, job: &str, build_id: &str, file: &str) -> std::path::PathBuf {
        let run = format!("buckets/artifacts/logs/{job}/{build_id}");
        self.data_dir().join(run).join(file)
    }
}
