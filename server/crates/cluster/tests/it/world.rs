//! A cluster in a temporary folder, and ways to wait that have a bound.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clock::{SharedClock, SystemClock};
use cluster::{
    Api, Cluster, ClusterError, EmbeddedCluster, EmbeddedOptions, LabelSelector, LogOptions,
    PodApi, Resource, WatchEvent,
};
use futures::{StreamExt, TryStreamExt};
use job_spec::{Pod, PodPhase, ProwJob};
use serde_json::{Value, json};
use store::{Store, StoreOptions};
use tempfile::TempDir;

/// The bound of every wait: generous, for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A temporary data directory. What still runs in it, after a test that failed, ends with it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let pods = std::fs::read_dir(self.path().join("pods")).into_iter().flatten().flatten();
        for pod in pods {
            let states =
                std::fs::read_dir(pod.path().join("state")).into_iter().flatten().flatten();
            for file in states.filter(|file| file.path().extension().is_some_and(|e| e == "json")) {
                let text = std::fs::read(file.path()).unwrap_or_default();
                let state: Value = serde_json::from_slice(&text).unwrap_or_default();
                if let (Some(pid @ 2..), true) =
                    (state["supervisor"].as_i64(), state["exit"].is_null())
                {
                    Command::new("kill").args(["-QUIT", &pid.to_string()]).status().ok();
                }
            }
        }
    }
}

/// A data directory with an open cluster.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) options: EmbeddedOptions,
    pub(crate) store: Store,
    pub(crate) cluster: EmbeddedCluster,
}

impl World {
    /// Containers are watched over by the supervisor program, as in production.
    pub(crate) async fn new() -> World {
        World::with(|options| {
            options.exe = Some(PathBuf::from(env!("CARGO_BIN_EXE_container-supervisor")));
        })
        .await
    }

    /// Containers are children of the test.
    pub(crate) async fn without_program() -> World {
        World::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EmbeddedOptions)) -> World {
        let folder = Folder(tempfile::tempdir().unwrap());
        let clock: SharedClock = Arc::new(SystemClock);
        let mut options = EmbeddedOptions::new(folder.path(), clock);
        change(&mut options);
        let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
        let cluster = EmbeddedCluster::open(&store, options.clone()).await.unwrap();
        World { folder, options, store, cluster }
    }

    /// What a restart of the server does: everything in memory is gone, processes are not.
    pub(crate) async fn restart(self) -> World {
        self.restart_with(|_| {}).await
    }

    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut EmbeddedOptions)) -> World {
        let World { folder, mut options, store, cluster } = self;
        drop(cluster);
        store.close().await;
        change(&mut options);
        let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
        let cluster = EmbeddedCluster::open(&store, options.clone()).await.unwrap();
        World { folder, options, store, cluster }
    }

    pub(crate) fn pods(&self) -> Arc<dyn PodApi> {
        self.cluster.pods("").unwrap()
    }

    pub(crate) fn prow_jobs(&self) -> Arc<dyn Api<ProwJob>> {
        self.cluster.prow_jobs()
    }

    /// Creates a Pod and waits for its end.
    pub(crate) async fn run(&self, pod: &Pod) -> Arc<Pod> {
        self.pods().create(pod).await.unwrap();
        self.finished(&pod.metadata.name).await
    }

    pub(crate) async fn finished(&self, name: &str) -> Arc<Pod> {
        self.pod_when(name, "ended", |pod| {
            matches!(pod.status.phase, PodPhase::Succeeded | PodPhase::Failed)
        })
        .await
    }

    /// Waits until a Pod is as wanted.
    pub(crate) async fn pod_when(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Pod) -> bool,
    ) -> Arc<Pod> {
        let pods: Arc<dyn Api<Pod>> = self.pods();
        when(&pods, name, what, |pod| pod.is_some_and(&wanted)).await.unwrap()
    }

    /// Waits until a Pod is gone.
    pub(crate) async fn pod_gone(&self, name: &str) {
        let pods: Arc<dyn Api<Pod>> = self.pods();
        when(&pods, name, "gone", |pod| pod.is_none()).await;
    }

    /// The whole log of a container.
    pub(crate) async fn log(&self, name: &str, container: &str) -> String {
        self.log_with(name, container, &LogOptions::default()).await
    }

    pub(crate) async fn log_with(
        &self,
        name: &str,
        container: &str,
        options: &LogOptions,
    ) -> String {
        let stream = self.pods().logs(name, container, options).await.unwrap();
        let chunks: Vec<bytes::Bytes> = soon("the log", stream.try_collect()).await.unwrap();
        String::from_utf8(chunks.concat()).unwrap()
    }

    /// Follows a container's log until a line holds this text.
    pub(crate) async fn log_line(&self, name: &str, container: &str, text: &str) -> String {
        let options = LogOptions { follow: true, ..Default::default() };
        let mut stream = self.pods().logs(name, container, &options).await.unwrap();
        let mut log = String::new();
        let search = async {
            while let Some(chunk) = stream.next().await {
                log.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
                let whole = log.rfind('\n').map_or("", |end| &log[..end]);
                if let Some(line) = whole.lines().find(|line| line.contains(text)) {
                    return line.to_string();
                }
            }
            panic!("the log of {name}/{container} ended without `{text}`:\n{log}");
        };
        soon("a line of the log", search).await
    }
}

/// Awaits with a bound.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {} s for {what}", SOON.as_secs()),
    }
}

/// Waits, by a watch, until an object is as wanted.
pub(crate) async fn when<K: Resource>(
    api: &Arc<dyn Api<K>>,
    name: &str,
    what: &str,
    wanted: impl Fn(Option<&K>) -> bool,
) -> Option<Arc<K>> {
    let search = async {
        loop {
            let listed = api.list(&LabelSelector::all()).await.unwrap();
            let found = listed.items.into_iter().find(|k| k.metadata().name == name);
            if wanted(found.as_deref()) {
                return found;
            }
            let mut events =
                api.watch(&LabelSelector::all(), &listed.resource_version).await.unwrap();
            while let Some(event) = events.next().await {
                match event {
                    Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))
                        if object.metadata().name == name && wanted(Some(&*object)) =>
                    {
                        return Some(object);
                    }
                    Ok(WatchEvent::Deleted(object))
                        if object.metadata().name == name && wanted(None) =>
                    {
                        return None;
                    }
                    Ok(_) => {}
                    Err(ClusterError::Gone(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    match tokio::time::timeout(SOON, search).await {
        Ok(found) => found,
        Err(_) => {
            let last = api.get(name).await.ok();
            let last = last.map(|last| serde_json::to_string_pretty(&*last).unwrap());
            panic!("waited {} s for {name} to be {what}: {last:?}", SOON.as_secs());
        }
    }
}

/// A Pod with this spec; `restartPolicy` is Never.
pub(crate) fn pod(name: &str, mut spec: Value) -> Pod {
    spec["restartPolicy"] = json!("Never");
    serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap()
}

/// A Pod with one container `test` that runs a shell script.
pub(crate) fn script(name: &str, script: &str) -> Pod {
    pod(name, json!({ "containers": [shell("test", script)] }))
}

/// A container that runs a shell script. Kubernetes makes `$` of `$$`, so it is doubled.
pub(crate) fn shell(name: &str, script: &str) -> Value {
    let script = script.replace("$$", "$$$$");
    json!({ "name": name, "image": "alpine", "command": ["sh", "-c", script] })
}

/// A ProwJob of this name.
pub(crate) fn prow_job(name: &str) -> ProwJob {
    serde_json::from_value(json!({
        "metadata": { "name": name, "labels": { "prow.k8s.io/job": "ci-unit" } },
        "spec": { "type": "periodic", "job": "ci-unit", "agent": "kubernetes" },
        "status": { "state": "triggered" }
    }))
    .unwrap()
}

/// Whether a process runs. A zombie does not.
pub(crate) fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z")))
}
