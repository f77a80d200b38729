//! One kind of object: rows on disk, a cache in memory, and one task through which all writes go.
//!
//! The task takes whatever is queued, works out the changes in order, writes them in one
//! transaction, and only then shows them to readers and watches. So a watcher never sees what a
//! crash could undo, and many writers share one flush to disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use clock::SharedClock;
use job_spec::Interner;
use parking_lot::RwLock;
use serde_json::Value;
use store::{ClusterRow, ClusterRows, RowChange, RowKey};
use tokio::sync::{mpsc, oneshot, watch};

use super::history::{Cache, Change, watch_cache};
use crate::{
    Api, ClusterError, DeleteOptions, LabelSelector, ListResult, Precondition, Resource,
    WatchStream, merge_patch,
};

/// The most writes that share a transaction.
const MAX_BATCH: usize = 64;

/// The most writes that wait.
const MAX_QUEUED: usize = 1_024;

/// Rows read at once when the cluster starts.
const LOAD_PAGE: usize = 500;

/// The longest name of an object, as in Kubernetes.
const MAX_NAME: usize = 253;

/// The largest object, as etcd's limit is in Kubernetes.
const MAX_OBJECT_BYTES: usize = 1_500_000;

/// What the tables of a cluster share.
#[derive(Clone)]
pub(super) struct TableContext {
    pub(super) rows: Arc<dyn ClusterRows>,
    pub(super) clock: SharedClock,
    /// The last resource version given to any object of the cluster.
    pub(super) versions: Arc<AtomicI64>,
    pub(super) interner: Arc<Interner>,
    /// Changes kept for watches.
    pub(super) history: usize,
}

/// What differs between kinds.
pub(super) struct TableKind<K> {
    /// The build cluster; empty for the control plane.
    pub(super) build_cluster: String,
    pub(super) namespace: String,
    /// Checks and completes a new object.
    pub(super) admit: fn(&mut K) -> Result<(), ClusterError>,
    /// How many seconds a deleted object may take to stop; `None` if it has nothing to stop.
    pub(super) grace: fn(&K) -> Option<u32>,
}

/// One kind of object. Clones share it.
pub(super) struct Table<K> {
    cache: Arc<RwLock<Cache<K>>>,
    requests: mpsc::Sender<(Request<K>, Reply<K>)>,
    news: watch::Receiver<i64>,
}

impl<K> Clone for Table<K> {
    fn clone(&self) -> Self {
        Table {
            cache: self.cache.clone(),
            requests: self.requests.clone(),
            news: self.news.clone(),
        }
    }
}

type Reply<K> = oneshot::Sender<Result<Arc<K>, ClusterError>>;

enum Request<K> {
    Create(Box<K>),
    Patch {
        name: String,
        patch: Value,
        expected: Option<String>,
    },
    Delete {
        name: String,
        options: DeleteOptions,
    },
    /// What the object had to stop has stopped; it may go when its finalizers have.
    Stopped {
        name: String,
        uid: String,
    },
}

impl<K: Resource> Table<K> {
    /// Reads the rows and starts the writing task. It ends when the last clone is dropped.
    pub(super) async fn open(
        context: &TableContext,
        kind: TableKind<K>,
    ) -> Result<Table<K>, ClusterError> {
        let mut objects = BTreeMap::new();
        let mut after: Option<RowKey> = None;
        loop {
            let page =
                context.rows.page(&kind.build_cluster, K::KIND, after.as_ref(), LOAD_PAGE).await?;
            let last = page.len() < LOAD_PAGE;
            after = page.last().map(|row| row.key.clone());
            let interner = context.interner.clone();
            let parsed = tokio::task::spawn_blocking(move || parse_page::<K>(page, &interner))
                .await
                .map_err(|error| ClusterError::Unavailable(error.to_string()))?;
            objects.extend(parsed);
            if last {
                break;
            }
        }
        let version = context.versions.load(Ordering::SeqCst);
        let cache = Arc::new(RwLock::new(Cache::new(objects, version, context.history)));
        let (requests, queue) = mpsc::channel(MAX_QUEUED);
        let (announce, news) = watch::channel(version);
        let writer = TableWriter {
            context: context.clone(),
            kind,
            cache: cache.clone(),
            announce,
            stopped: HashMap::new(),
            suspects: BTreeSet::new(),
        };
        tokio::spawn(writer.run(queue));
        Ok(Table { cache, requests, news })
    }

    /// The object of this name.
    pub(super) fn lookup(&self, name: &str) -> Option<Arc<K>> {
        self.cache.read().objects.get(name).cloned()
    }

    /// Says that what the object had to stop has stopped.
    pub(super) async fn stopped(&self, name: &str, uid: &str) -> Result<(), ClusterError> {
        let request = Request::Stopped { name: name.to_string(), uid: uid.to_string() };
        self.request(request).await.map(drop)
    }

    async fn request(&self, request: Request<K>) -> Result<Arc<K>, ClusterError> {
        let stopping = || ClusterError::Unavailable("the embedded cluster is stopping".to_string());
        let (reply, answer) = oneshot::channel();
        self.requests.send((request, reply)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

#[async_trait]
impl<K: Resource> Api<K> for Table<K> {
    async fn create(&self, object: &K) -> Result<Arc<K>, ClusterError> {
        self.request(Request::Create(Box::new(object.clone()))).await
    }

    async fn get(&self, name: &str) -> Result<Arc<K>, ClusterError> {
        self.lookup(name).ok_or_else(|| not_found::<K>(name))
    }

    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<K>, ClusterError> {
        let cache = self.cache.read();
        let items = cache
            .objects
            .values()
            .filter(|object| selector.matches(&object.metadata().labels))
            .cloned()
            .collect();
        Ok(ListResult { items, resource_version: cache.version.to_string() })
    }

    async fn watch(
        &self,
        selector: &LabelSelector,
        from: &str,
    ) -> Result<WatchStream<K>, ClusterError> {
        let from = from.parse().map_err(|_| {
            ClusterError::Invalid(format!("`{from}` is not a resource version of this cluster"))
        })?;
        watch_cache(self.cache.clone(), self.news.clone(), selector.clone(), from)
    }

    async fn patch_merge(
        &self,
        name: &str,
        patch: &Value,
        expected: Option<&str>,
    ) -> Result<Arc<K>, ClusterError> {
        let expected = expected.map(str::to_string);
        let (name, patch) = (name.to_string(), patch.clone());
        self.request(Request::Patch { name, patch, expected }).await
    }

    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ClusterError> {
        let (name, options) = (name.to_string(), options.clone());
        self.request(Request::Delete { name, options }).await.map(drop)
    }
}

/// The writing task of one table.
struct TableWriter<K> {
    context: TableContext,
    kind: TableKind<K>,
    cache: Arc<RwLock<Cache<K>>>,
    announce: watch::Sender<i64>,
    /// Objects (name → uid) that have stopped but still have finalizers.
    stopped: HashMap<String, String>,
    /// Objects whose last write failed in a way that does not tell whether it happened.
    suspects: BTreeSet<String>,
}

/// An object as the batch under work has made it.
struct Current<K> {
    raw: Value,
    object: Arc<K>,
    version: i64,
}

impl<K> Clone for Current<K> {
    fn clone(&self) -> Self {
        Current { raw: self.raw.clone(), object: self.object.clone(), version: self.version }
    }
}

/// The changes of one batch, not yet written.
struct Batch<K> {
    rows: Vec<RowChange>,
    changes: Vec<Change<K>>,
    /// Objects that the batch has changed; `None` for deleted ones.
    touched: HashMap<String, Option<Current<K>>>,
}

impl<K> Default for Batch<K> {
    fn default() -> Self {
        Batch { rows: Vec::new(), changes: Vec::new(), touched: HashMap::new() }
    }
}

impl<K: Resource> TableWriter<K> {
    async fn run(mut self, mut queue: mpsc::Receiver<(Request<K>, Reply<K>)>) {
        let mut requests = Vec::with_capacity(MAX_BATCH);
        while queue.recv_many(&mut requests, MAX_BATCH).await > 0 {
            let mut answers = Vec::with_capacity(requests.len());
            let mut batch = Batch::default();
            let mut outcome = self.reconcile().await;
            for (request, reply) in requests.drain(..) {
                let answer = match &outcome {
                    Ok(()) => self.work_out(request, &mut batch).await,
                    Err(error) => Err(error.clone()),
                };
                answers.push((answer, reply));
            }
            if outcome.is_ok() {
                outcome = self.commit(batch).await;
            }
            for (answer, reply) in answers {
                let answer = match &outcome {
                    Ok(()) => answer,
                    Err(error) => answer.and(Err(error.clone())),
                };
                // Whoever asked may have gone away.
                reply.send(answer).ok();
            }
        }
    }

    /// Writes a batch, then shows it.
    async fn commit(&mut self, batch: Batch<K>) -> Result<(), ClusterError> {
        let Batch { rows, changes, touched } = batch;
        if let Err(error) = self.context.rows.write(rows).await {
            // A commit whose flush failed may be found on disk after all.
            self.suspects.extend(touched.into_keys());
            return Err(error.into());
        }
        self.show(changes);
        Ok(())
    }

    /// Takes changes that are on disk into the cache and tells the watches.
    fn show(&mut self, changes: Vec<Change<K>>) {
        let mut cache = self.cache.write();
        for change in changes {
            if change.deleted {
                self.stopped.remove(&change.after.metadata().name);
            }
            cache.apply(change);
        }
        self.announce.send_replace(cache.version);
    }

    /// Reads again what a failed write may or may not have changed, so that the cache is what is
    /// on disk before anything else is worked out.
    async fn reconcile(&mut self) -> Result<(), ClusterError> {
        let mut changes = Vec::new();
        for name in &self.suspects {
            let row = self.context.rows.get(&self.key(name)).await?;
            let before = self.cache.read().objects.get(name).cloned();
            let known = before.as_ref().and_then(|k| k.metadata().resource_version.clone());
            match (row, before) {
                (Some(row), before) if known != Some(row.version.to_string()) => {
                    let object = parse::<K>(&row.object, row.version, &self.context.interner)
                        .map_err(|error| unreadable::<K>(name, &error))?;
                    let (version, after) = (row.version, Arc::new(object));
                    changes.push(Change { version, before, after, deleted: false });
                }
                (None, Some(before)) => {
                    let version = self.context.versions.fetch_add(1, Ordering::SeqCst) + 1;
                    let after = with_version(&*before, version);
                    changes.push(Change { version, before: Some(before), after, deleted: true });
                }
                _ => {}
            }
        }
        self.suspects.clear();
        if !changes.is_empty() {
            changes.sort_by_key(|change| change.version);
            self.show(changes);
        }
        Ok(())
    }

    async fn work_out(
        &mut self,
        request: Request<K>,
        batch: &mut Batch<K>,
    ) -> Result<Arc<K>, ClusterError> {
        match request {
            Request::Create(object) => self.create(*object, batch),
            Request::Patch { name, patch, expected } => {
                self.patch(&name, patch, expected, batch).await
            }
            Request::Delete { name, options } => self.delete(&name, &options, batch).await,
            Request::Stopped { name, uid } => {
                let current = self.current(&name, batch).await?;
                if current.object.metadata().uid != uid {
                    return Err(not_found::<K>(&name));
                }
                if !current.object.metadata().finalizers.is_empty() {
                    self.stopped.insert(name, uid);
                    return Ok(current.object);
                }
                Ok(self.remove(&name, current, batch))
            }
        }
    }

    fn create(&mut self, mut object: K, batch: &mut Batch<K>) -> Result<Arc<K>, ClusterError> {
        let now = self.context.clock.now();
        let metadata = object.metadata_mut();
        check_name(K::KIND, &metadata.name)?;
        if metadata.namespace.is_empty() {
            metadata.namespace.clone_from(&self.kind.namespace);
        } else if metadata.namespace != self.kind.namespace {
            return Err(ClusterError::Invalid(format!(
                "{} `{}` has namespace `{}`, but this cluster keeps {}s in `{}`",
                K::KIND,
                metadata.name,
                metadata.namespace,
                K::KIND,
                self.kind.namespace
            )));
        }
        metadata.uid = uuid::Uuid::new_v4().to_string();
        metadata.creation_timestamp = Some(now.truncated_to_seconds());
        metadata.deletion_timestamp = None;
        metadata.deletion_grace_period_seconds = None;
        metadata.resource_version = None;
        let name = metadata.name.clone();
        let taken = match batch.touched.get(&name) {
            Some(touched) => touched.is_some(),
            None => self.cache.read().objects.contains_key(&name),
        };
        if taken {
            return Err(ClusterError::AlreadyExists { kind: K::KIND, name });
        }
        object.set_type();
        (self.kind.admit)(&mut object)?;
        let raw = serde_json::to_value(&object).map_err(|error| unreadable::<K>(&name, &error))?;
        self.put(&name, raw, None, batch)
    }

    async fn patch(
        &mut self,
        name: &str,
        mut patch: Value,
        expected: Option<String>,
        batch: &mut Batch<K>,
    ) -> Result<Arc<K>, ClusterError> {
        if !patch.is_object() {
            return Err(ClusterError::Invalid(format!(
                "a patch of {} `{name}` must be a JSON object",
                K::KIND
            )));
        }
        let current = self.current(name, batch).await?;
        let in_patch = patch.get_mut("metadata").and_then(Value::as_object_mut).and_then(|meta| {
            // The cluster's own fields cannot be patched; a version is a precondition.
            for own in ["uid", "creationTimestamp", "deletionTimestamp", "name", "namespace"] {
                meta.remove(own);
            }
            meta.remove("resourceVersion")
        });
        let in_patch = in_patch.as_ref().and_then(Value::as_str);
        for wanted in [expected.as_deref(), in_patch].into_iter().flatten() {
            if wanted != current.version.to_string() {
                return Err(ClusterError::Conflict {
                    kind: K::KIND,
                    name: name.to_string(),
                    message: format!(
                        "it was to have version {wanted}, but has {}",
                        current.version
                    ),
                });
            }
        }
        let mut raw = current.raw.clone();
        merge_patch::apply(&mut raw, &patch);
        if raw == current.raw {
            return Ok(current.object);
        }
        let object = self.put(name, raw, Some(&current), batch)?;
        let metadata = object.metadata();
        let free = metadata.finalizers.is_empty() && metadata.deletion_timestamp.is_some();
        let stopped =
            self.stopped.get(name) == Some(&metadata.uid) || (self.kind.grace)(&object).is_none();
        if free && stopped {
            let current = self.current(name, batch).await?;
            return Ok(self.remove(name, current, batch));
        }
        Ok(object)
    }

    async fn delete(
        &mut self,
        name: &str,
        options: &DeleteOptions,
        batch: &mut Batch<K>,
    ) -> Result<Arc<K>, ClusterError> {
        let current = self.current(name, batch).await?;
        let metadata = current.object.metadata();
        let Precondition { uid, resource_version } = &options.precondition;
        let mismatch = match (uid, resource_version) {
            (Some(uid), _) if *uid != metadata.uid => Some(format!("uid {uid}")),
            (_, Some(wanted)) if *wanted != current.version.to_string() => {
                Some(format!("version {wanted}"))
            }
            _ => None,
        };
        if let Some(wanted) = mismatch {
            return Err(ClusterError::Conflict {
                kind: K::KIND,
                name: name.to_string(),
                message: format!(
                    "the one to delete has {wanted}, but it has uid {} and version {}",
                    metadata.uid, current.version
                ),
            });
        }
        let grace = (self.kind.grace)(&current.object)
            .map(|usual| i64::from(options.grace_period_seconds.unwrap_or(usual)));
        if grace.is_none() && metadata.finalizers.is_empty() {
            return Ok(self.remove(name, current, batch));
        }
        let grace = grace.unwrap_or(0);
        let known = metadata.deletion_grace_period_seconds.unwrap_or(i64::MAX);
        if metadata.deletion_timestamp.is_some() && grace >= known {
            return Ok(current.object);
        }
        let mut raw = current.raw.clone();
        let at = metadata.deletion_timestamp.unwrap_or_else(|| self.context.clock.now());
        raw["metadata"]["deletionTimestamp"] = Value::from(at.rfc3339());
        raw["metadata"]["deletionGracePeriodSeconds"] = Value::from(grace);
        self.put(name, raw, Some(&current), batch)
    }

    /// The object as it is after what the batch has done so far, with its whole JSON.
    async fn current(&self, name: &str, batch: &Batch<K>) -> Result<Current<K>, ClusterError> {
        if let Some(touched) = batch.touched.get(name) {
            return touched.clone().ok_or_else(|| not_found::<K>(name));
        }
        let Some(object) = self.cache.read().objects.get(name).cloned() else {
            return Err(not_found::<K>(name));
        };
        let row = self.context.rows.get(&self.key(name)).await?;
        let known = object.metadata().resource_version.as_deref();
        let Some(row) = row.filter(|row| known == Some(row.version.to_string().as_str())) else {
            return Err(ClusterError::Unavailable(format!(
                "the row of {} `{name}` is not as this server left it: another server writes to \
                 the same database; stop one of them",
                K::KIND
            )));
        };
        let raw =
            serde_json::from_str(&row.object).map_err(|error| unreadable::<K>(name, &error))?;
        Ok(Current { raw, object, version: row.version })
    }

    /// Adds a new or changed object to the batch.
    fn put(
        &mut self,
        name: &str,
        mut raw: Value,
        previous: Option<&Current<K>>,
        batch: &mut Batch<K>,
    ) -> Result<Arc<K>, ClusterError> {
        if let Some(metadata) = raw.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        let text = raw.to_string();
        if text.len() > MAX_OBJECT_BYTES {
            return Err(ClusterError::Invalid(format!(
                "{} `{name}` has {} bytes; at most {MAX_OBJECT_BYTES} are allowed",
                K::KIND,
                text.len()
            )));
        }
        let version = self.context.versions.fetch_add(1, Ordering::SeqCst) + 1;
        let object = Arc::new(
            parse::<K>(&text, version, &self.context.interner)
                .map_err(|error| unreadable::<K>(name, &error))?,
        );
        let row = ClusterRow { key: self.key(name), version, object: text };
        batch.rows.push(match previous {
            None => RowChange::Insert(row),
            Some(previous) => RowChange::Update { row, previous: previous.version },
        });
        batch.changes.push(Change {
            version,
            before: previous.map(|previous| previous.object.clone()),
            after: object.clone(),
            deleted: false,
        });
        let current = Current { raw, object: object.clone(), version };
        batch.touched.insert(name.to_string(), Some(current));
        Ok(object)
    }

    /// Adds a deletion to the batch.
    fn remove(&mut self, name: &str, current: Current<K>, batch: &mut Batch<K>) -> Arc<K> {
        let version = self.context.versions.fetch_add(1, Ordering::SeqCst) + 1;
        let last = with_version(&*current.object, version);
        batch.rows.push(RowChange::Delete {
            key: self.key(name),
            previous: current.version,
            version,
        });
        batch.changes.push(Change {
            version,
            before: Some(current.object),
            after: last.clone(),
            deleted: true,
        });
        batch.touched.insert(name.to_string(), None);
        last
    }

    fn key(&self, name: &str) -> RowKey {
        RowKey {
            build_cluster: self.kind.build_cluster.clone(),
            kind: K::KIND.to_string(),
            namespace: self.kind.namespace.clone(),
            name: name.to_string(),
        }
    }
}

/// Parses rows. A damaged row is left where it is and reported; the others are not affected.
fn parse_page<K: Resource>(page: Vec<ClusterRow>, interner: &Interner) -> Vec<(String, Arc<K>)> {
    let mut parsed = Vec::with_capacity(page.len());
    for row in page {
        match parse::<K>(&row.object, row.version, interner) {
            Ok(object) => parsed.push((row.key.name, Arc::new(object))),
            Err(error) => tracing::error!(
                cluster.kind = K::KIND,
                cluster.name = %row.key.name,
                "the row of {} `{}` cannot be read and is left out: {error}",
                K::KIND,
                row.key.name
            ),
        }
    }
    parsed
}

fn parse<K: Resource>(
    text: &str,
    version: i64,
    interner: &Interner,
) -> Result<K, serde_json::Error> {
    let mut object: K = serde_json::from_str(text)?;
    object.metadata_mut().resource_version = Some(version.to_string());
    object.share(interner);
    Ok(object)
}

/// The object under another resource version.
fn with_version<K: Resource>(object: &K, version: i64) -> Arc<K> {
    let mut object = object.clone();
    object.metadata_mut().resource_version = Some(version.to_string());
    Arc::new(object)
}

fn not_found<K: Resource>(name: &str) -> ClusterError {
    ClusterError::NotFound { kind: K::KIND, name: name.to_string() }
}

fn unreadable<K: Resource>(name: &str, error: &serde_json::Error) -> ClusterError {
    ClusterError::Invalid(format!("{} `{name}` is not a valid object: {error}", K::KIND))
}

/// Names become row keys and, for Pods, folder names: only what Kubernetes allows passes.
pub(super) fn check_name(kind: &str, name: &str) -> Result<(), ClusterError> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.bytes().all(|c| allowed(c) || c == b'-')
            && part.bytes().next().is_some_and(allowed)
            && part.bytes().last().is_some_and(allowed)
    };
    if name.len() <= MAX_NAME && name.split('.').all(part) {
        return Ok(());
    }
    Err(ClusterError::Invalid(format!(
        "`{name}` is not a name for a {kind}: at most {MAX_NAME} lower case letters, digits, `-` \
         and `.`, beginning and ending with a letter or digit"
    )))
}
