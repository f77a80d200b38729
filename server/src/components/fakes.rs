//! A cluster in memory, whose pods do what a test says, and configurations from YAML.
//!
//! The embedded cluster runs real processes, so evictions, lost nodes and refusing API servers
//! cannot be had from it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use clock::SharedClock;
use cluster::{
    Api, ByteStream, Cluster, ClusterError, DeleteOptions, LabelSelector, Lease, ListResult,
    LogOptions, PodApi, Resource, WatchEvent, WatchStream, merge_patch,
};
use config_load::{LiveConfig, LoadOptions};
use futures::StreamExt;
use go_compat::time::Timestamp;
use job_spec::{Pod, PodPhase, ProwJob};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// A configuration as it is loaded from files with these texts.
pub(crate) fn config(prow: &str, jobs: &str, plugins: &str) -> LiveConfig {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let options = LoadOptions::new(file("config.yaml", prow))
        .with_jobs(file("jobs.yaml", jobs))
        .with_plugins(file("plugins.yaml", plugins));
    let now = Timestamp::from_seconds(1_700_000_000);
    let loaded = config_load::load(&options, now).unwrap_or_else(|errors| panic!("{errors}"));
    let plugins = config_load::load_plugins(&options).unwrap_or_else(|errors| panic!("{errors}"));
    LiveConfig::new(loaded.config, plugins.plugins, Vec::new(), now)
}

/// A process that dies at its n-th call: before the call has its effect, or after it and before
/// the answer arrives. A test that waits for [`Fuse::blown`] then drops what was running.
#[derive(Default)]
pub(crate) struct Fuse {
    left: Mutex<Option<u32>>,
    blown: tokio::sync::Notify,
}

impl Fuse {
    /// Lets so many half-calls pass; each call has two.
    pub(crate) fn arm(&self, left: u32) {
        *self.left.lock() = Some(left);
    }

    pub(crate) fn disarm(&self) {
        *self.left.lock() = None;
    }

    /// Passes, or never returns.
    pub(crate) async fn spend(&self) {
        let dead = match &mut *self.left.lock() {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        };
        if dead {
            self.blown.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Runs something until it ends or the process dies; `true` if it died.
    pub(crate) async fn kills(&self, work: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = work => false,
            () = self.blown.notified() => true,
        }
    }
}

/// What the next calls fail with, by operation.
pub(crate) struct Faults<E>(Mutex<VecDeque<(&'static str, E)>>);

impl<E> Default for Faults<E> {
    fn default() -> Faults<E> {
        Faults(Mutex::default())
    }
}

impl<E> Faults<E> {
    /// Lets the next `operation` fail with this.
    pub(crate) fn plan(&self, operation: &'static str, error: E) {
        self.0.lock().push_back((operation, error));
    }

    /// The planned failure, once.
    pub(crate) fn take(&self, operation: &str) -> Result<(), E> {
        let mut faults = self.0.lock();
        let found = faults.iter().position(|(planned, _)| *planned == operation);
        match found.and_then(|index| faults.remove(index)) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}

/// Objects of one kind.
pub(crate) struct FakeApi<K> {
    /// When the process that uses it dies.
    pub(crate) fuse: Mutex<Arc<Fuse>>,
    clock: SharedClock,
    versions: Arc<AtomicU64>,
    objects: Mutex<BTreeMap<String, Arc<K>>>,
    events: broadcast::Sender<WatchEvent<K>>,
    faults: Faults<ClusterError>,
    /// The operations that changed something, in order.
    pub(crate) log: Mutex<Vec<String>>,
    /// Whether a deleted object stays until [`FakeApi::vanish`].
    lingers: bool,
    /// Called after each change with all objects.
    #[allow(clippy::type_complexity)]
    watcher: Mutex<Option<Box<dyn Fn(&BTreeMap<String, Arc<K>>) + Send>>>,
}

impl<K: Resource> FakeApi<K> {
    fn new(clock: &SharedClock, versions: &Arc<AtomicU64>, lingers: bool) -> Arc<FakeApi<K>> {
        Arc::new(FakeApi {
            fuse: Mutex::default(),
            clock: clock.clone(),
            versions: versions.clone(),
            objects: Mutex::default(),
            events: broadcast::channel(4_096).0,
            faults: Faults::default(),
            log: Mutex::default(),
            lingers,
            watcher: Mutex::default(),
        })
    }

    /// Lets the next `operation` fail with this.
    pub(crate) fn fail(&self, operation: &'static str, error: ClusterError) {
        self.faults.plan(operation, error);
    }

    /// Calls this after every change.
    pub(crate) fn on_change(&self, watcher: impl Fn(&BTreeMap<String, Arc<K>>) + Send + 'static) {
        *self.watcher.lock() = Some(Box::new(watcher));
    }

    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.objects.lock().values().cloned().collect()
    }

    pub(crate) fn one(&self, name: &str) -> Arc<K> {
        self.objects.lock().get(name).cloned().unwrap_or_else(|| panic!("no {} {name}", K::KIND))
    }

    /// Puts an object in, or changes it, as its owner does.
    pub(crate) fn put(&self, object: K) -> Arc<K> {
        let mut object = object;
        let meta = object.metadata_mut();
        if meta.uid.is_empty() {
            meta.uid = format!("uid-{}", self.versions.load(Ordering::SeqCst));
        }
        meta.creation_timestamp = meta.creation_timestamp.or(Some(self.clock.now()));
        self.store(object)
    }

    /// Changes an object, as its owner does.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut K)) -> Arc<K> {
        let mut object = (*self.one(name)).clone();
        change(&mut object);
        self.store(object)
    }

    /// Removes an object for good.
    pub(crate) fn vanish(&self, name: &str) {
        let gone = self.objects.lock().remove(name);
        if let Some(gone) = gone {
            self.events.send(WatchEvent::Deleted(gone)).ok();
            self.changed();
        }
    }

    fn store(&self, mut object: K) -> Arc<K> {
        let version = self.versions.fetch_add(1, Ordering::SeqCst) + 1;
        object.metadata_mut().resource_version = Some(version.to_string());
        object.set_type();
        let name = object.metadata().name.clone();
        let object = Arc::new(object);
        let before = self.objects.lock().insert(name, object.clone());
        let event = match before {
            None => WatchEvent::Added(object.clone()),
            Some(_) => WatchEvent::Modified(object.clone()),
        };
        self.events.send(event).ok();
        self.changed();
        object
    }

    fn changed(&self) {
        if let Some(watcher) = &*self.watcher.lock() {
            watcher(&self.objects.lock());
        }
    }

    fn find(&self, name: &str) -> Result<Arc<K>, ClusterError> {
        let missing = || ClusterError::NotFound { kind: K::KIND, name: name.to_owned() };
        self.objects.lock().get(name).cloned().ok_or_else(missing)
    }

    /// A point at which the process may die.
    async fn point(&self) {
        let fuse = self.fuse.lock().clone();
        fuse.spend().await;
    }

    fn expect(&self, object: &K, version: Option<&str>) -> Result<(), ClusterError> {
        let meta = object.metadata();
        match version {
            Some(version) if meta.resource_version.as_deref() != Some(version) => {
                Err(ClusterError::Conflict {
                    kind: K::KIND,
                    name: meta.name.clone(),
                    message: format!("version {version} was expected"),
                })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl<K: Resource> Api<K> for FakeApi<K> {
    async fn create(&self, object: &K) -> Result<Arc<K>, ClusterError> {
        self.point().await;
        self.faults.take("create")?;
        let name = object.metadata().name.clone();
        if self.objects.lock().contains_key(&name) {
            return Err(ClusterError::AlreadyExists { kind: K::KIND, name });
        }
        self.log.lock().push(format!("create {name}"));
        let made = self.put(object.clone());
        self.point().await;
        Ok(made)
    }

    async fn get(&self, name: &str) -> Result<Arc<K>, ClusterError> {
        self.point().await;
        self.faults.take("get")?;
        self.find(name)
    }

    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<K>, ClusterError> {
        self.point().await;
        self.faults.take("list")?;
        let all = self.all();
        Ok(ListResult {
            items: all.into_iter().filter(|o| selector.matches(&o.metadata().labels)).collect(),
            resource_version: self.versions.load(Ordering::SeqCst).to_string(),
        })
    }

    async fn watch(
        &self,
        selector: &LabelSelector,
        from: &str,
    ) -> Result<WatchStream<K>, ClusterError> {
        self.faults.take("watch")?;
        // Nothing is kept for later: who is not in time lists again.
        if from != self.versions.load(Ordering::SeqCst).to_string() {
            return Err(ClusterError::Gone(from.to_owned()));
        }
        let selector = selector.clone();
        let events = tokio_stream::wrappers::BroadcastStream::new(self.events.subscribe());
        let wanted = move |event: &WatchEvent<K>| match event {
            WatchEvent::Added(o) | WatchEvent::Modified(o) | WatchEvent::Deleted(o) => {
                selector.matches(&o.metadata().labels)
            }
            WatchEvent::Bookmark(_) => true,
        };
        let events = events.filter_map(move |event| {
            let event = match event {
                Ok(event) => wanted(&event).then_some(Ok(event)),
                Err(lagged) => Some(Err(ClusterError::Gone(lagged.to_string()))),
            };
            async move { event }
        });
        Ok(events.boxed())
    }

    async fn patch_merge(
        &self,
        name: &str,
        patch: &Value,
        expected: Option<&str>,
    ) -> Result<Arc<K>, ClusterError> {
        self.point().await;
        self.faults.take("patch")?;
        let object = self.find(name)?;
        self.expect(&object, expected)?;
        let mut value = serde_json::to_value(&*object).unwrap();
        merge_patch::apply(&mut value, patch);
        self.log.lock().push(format!("patch {name}"));
        let written = self.store(serde_json::from_value(value).unwrap());
        self.point().await;
        Ok(written)
    }

    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.point().await;
        self.faults.take("delete")?;
        let object = self.find(name)?;
        let wanted = &options.precondition;
        self.expect(&object, wanted.resource_version.as_deref())?;
        if wanted.uid.as_ref().is_some_and(|uid| *uid != object.metadata().uid) {
            let message = "another uid was expected".to_owned();
            return Err(ClusterError::Conflict { kind: K::KIND, name: name.to_owned(), message });
        }
        self.log.lock().push(format!("delete {name}"));
        if self.lingers || !object.metadata().finalizers.is_empty() {
            let now = self.clock.now();
            self.change(name, |object| object.metadata_mut().deletion_timestamp = Some(now));
        } else {
            self.vanish(name);
        }
        self.point().await;
        Ok(())
    }
}

#[async_trait]
impl PodApi for FakeApi<Pod> {
    async fn logs(
        &self,
        name: &str,
        _container: &str,
        _options: &LogOptions,
    ) -> Result<ByteStream, ClusterError> {
        self.find(name)?;
        Ok(futures::stream::empty().boxed())
    }
}

/// A control plane with the build cluster `default` and whatever [`FakeCluster::with`] adds.
pub(crate) struct FakeCluster {
    pub(crate) jobs: Arc<FakeApi<ProwJob>>,
    pub(crate) pods: BTreeMap<String, Arc<FakeApi<Pod>>>,
    leases: Arc<FakeApi<Lease>>,
    /// Build clusters that are known and do not answer.
    pub(crate) down: Mutex<BTreeMap<String, String>>,
    /// How many Pods they run at once, if they say so.
    pub(crate) places: Mutex<Option<usize>>,
}

impl FakeCluster {
    pub(crate) fn new(clock: &SharedClock) -> Arc<FakeCluster> {
        FakeCluster::with(clock, &["default"], false)
    }

    /// A control plane with these build clusters; `lingers` leaves deleted pods until they vanish.
    pub(crate) fn with(clock: &SharedClock, clusters: &[&str], lingers: bool) -> Arc<FakeCluster> {
        let versions = Arc::new(AtomicU64::new(100));
        let pods = clusters
            .iter()
            .map(|alias| ((*alias).to_owned(), FakeApi::new(clock, &versions, lingers)));
        Arc::new(FakeCluster {
            jobs: FakeApi::new(clock, &versions, false),
            pods: pods.collect(),
            leases: FakeApi::new(clock, &versions, false),
            down: Mutex::default(),
            places: Mutex::default(),
        })
    }

    /// The pods of the cluster `default`.
    pub(crate) fn pods(&self) -> &Arc<FakeApi<Pod>> {
        &self.pods["default"]
    }

    /// Moves a pod on, as a kubelet does.
    pub(crate) fn phase(&self, name: &str, phase: PodPhase) {
        self.pods().change(name, |pod| {
            pod.status.phase = phase;
            pod.status.start_time = pod.status.start_time.or(pod.metadata.creation_timestamp);
        });
    }
}

impl Cluster for FakeCluster {
    fn prow_jobs(&self) -> Arc<dyn Api<ProwJob>> {
        self.jobs.clone()
    }

    fn pods(&self, build_cluster: &str) -> Result<Arc<dyn PodApi>, ClusterError> {
        let alias = if build_cluster.is_empty() { "default" } else { build_cluster };
        if let Some(why) = self.down.lock().get(alias) {
            return Err(ClusterError::Unavailable(why.clone()));
        }
        match self.pods.get(alias) {
            Some(pods) => Ok(pods.clone()),
            None => Err(ClusterError::UnknownBuildCluster {
                alias: alias.to_owned(),
                known: self.build_clusters().join(", "),
            }),
        }
    }

    fn leases(&self) -> Arc<dyn Api<Lease>> {
        self.leases.clone()
    }

    fn build_clusters(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    fn places(&self) -> Option<usize> {
        *self.places.lock()
    }
}

/// Answers one request after the other with these statuses (the last one for ever) and this body,
/// and keeps what was asked.
pub(crate) async fn service(
    statuses: &'static [&'static str],
    body: &'static str,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        let mut count = 0;
        loop {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut request = Vec::new();
            let mut buffer = [0; 4_096];
            while let Ok(n) = socket.read(&mut buffer).await {
                request.extend_from_slice(&buffer[..n]);
                if n == 0 || is_whole(&request) {
                    break;
                }
            }
            seen.lock().push(String::from_utf8_lossy(&request).into_owned());
            let status = statuses[count.min(statuses.len() - 1)];
            count += 1;
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}"), asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_none_or(|length| body.len() >= length)
}

/// Lets other tasks run until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waits = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let came = tokio::time::timeout(std::time::Duration::from_secs(30), waits).await;
    assert!(came.is_ok(), "it never came true: {what}");
}
