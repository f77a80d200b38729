//! A local copy of a list that follows the cluster: list, then watch, and list again when the
//! watch cannot go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Api, ClusterError, LabelSelector, Resource, WatchEvent};

/// Changes that a subscriber may fall behind before it is handed the whole copy again.
const SUBSCRIBER_LAG: usize = 4_096;

/// Wait after the first failure; doubled after each further one.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// The longest wait between two tries.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// A change of the local copy.
#[derive(Debug, Clone)]
pub enum ReflectorEvent<K> {
    /// The whole copy: the first event of every subscription, and again when the subscriber was
    /// too slow.
    Restarted(Vec<Arc<K>>),
    /// The object is new or changed.
    Applied(Arc<K>),
    /// The object is gone; its last known state.
    Deleted(Arc<K>),
}

/// The local copy. Clones share it; when the last is dropped, its reflector ends.
pub struct Reflection<K> {
    shared: Arc<Shared<K>>,
    alive: Arc<DropGuard>,
}

impl<K> Clone for Reflection<K> {
    fn clone(&self) -> Self {
        Reflection { shared: self.shared.clone(), alive: self.alive.clone() }
    }
}

struct Shared<K> {
    objects: RwLock<BTreeMap<String, Arc<K>>>,
    events: broadcast::Sender<ReflectorEvent<K>>,
    synced: watch::Sender<bool>,
    contact: Mutex<Contact>,
}

/// When the cluster last answered, and what it said if that was an error.
#[derive(Default)]
struct Contact {
    last: Option<Instant>,
    error: Option<ClusterError>,
}

impl<K: Resource> Reflection<K> {
    /// The object of this name, as far as the copy knows.
    pub fn get(&self, name: &str) -> Option<Arc<K>> {
        self.shared.objects.read().get(name).cloned()
    }

    /// All objects, by name.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.shared.objects.read().values().cloned().collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.shared.objects.read().len()
    }

    /// Whether the copy holds nothing (also before it is synced).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the first list has arrived. Decide nothing from an unsynced copy.
    pub fn is_synced(&self) -> bool {
        *self.shared.synced.borrow()
    }

    /// Completes when the first list has arrived.
    pub async fn synced(&self) {
        // The sender lives as long as `self`.
        self.shared.synced.subscribe().wait_for(|synced| *synced).await.ok();
    }

    /// How long ago the cluster last answered; `None` before the first answer.
    pub fn since_contact(&self) -> Option<Duration> {
        self.shared.contact.lock().last.map(|at| at.elapsed())
    }

    /// The error that the copy suffers from now.
    pub fn last_error(&self) -> Option<ClusterError> {
        self.shared.contact.lock().error.clone()
    }

    /// The copy as it is, then its changes. It never ends; holding it keeps the reflector going.
    pub fn subscribe(&self) -> BoxStream<'static, ReflectorEvent<K>> {
        let Reflection { shared, alive } = self.clone();
        async_stream::stream! {
            let _alive = alive;
            loop {
                let (all, mut events) = {
                    // Changes are announced under this lock, so none is missed or seen twice.
                    let objects = shared.objects.read();
                    (objects.values().cloned().collect(), shared.events.subscribe())
                };
                yield ReflectorEvent::Restarted(all);
                loop {
                    match events.recv().await {
                        Ok(event) => yield event,
                        Err(broadcast::error::RecvError::Lagged(_)) => break,
                        Err(broadcast::error::RecvError::Closed) => return,
                    }
                }
            }
        }
        .boxed()
    }
}

/// Keeps a [`Reflection`] up to date.
pub struct Reflector<K: Resource> {
    api: Arc<dyn Api<K>>,
    selector: LabelSelector,
    shared: Arc<Shared<K>>,
    unused: CancellationToken,
}

impl<K: Resource> Reflector<K> {
    /// A reflector of the objects that the selector matches, and its copy, still empty.
    pub fn new(api: Arc<dyn Api<K>>, selector: LabelSelector) -> (Reflector<K>, Reflection<K>) {
        let shared = Arc::new(Shared {
            objects: RwLock::default(),
            events: broadcast::Sender::new(SUBSCRIBER_LAG),
            synced: watch::Sender::new(false),
            contact: Mutex::default(),
        });
        let unused = CancellationToken::new();
        let alive = Arc::new(unused.clone().drop_guard());
        let reflection = Reflection { shared: shared.clone(), alive };
        (Reflector { api, selector, shared, unused }, reflection)
    }

    /// Runs the reflector in a task of its own, until all copies are dropped.
    pub fn spawn(api: Arc<dyn Api<K>>, selector: LabelSelector) -> Reflection<K> {
        let (reflector, reflection) = Reflector::new(api, selector);
        tokio::spawn(reflector.run());
        reflection
    }

    /// Lists and watches until all copies are dropped. Failures are retried, ever more slowly.
    pub async fn run(self) {
        let unused = self.unused.clone();
        unused.run_until_cancelled(self.run_forever()).await;
    }

    async fn run_forever(&self) {
        let mut wait = FIRST_RETRY;
        let mut version = None;
        loop {
            let result = match version.take() {
                None => self.list().await.map(Some),
                Some(from) => self.follow(from).await,
            };
            match result {
                Ok(next) => {
                    version = next;
                    wait = FIRST_RETRY;
                }
                Err(error) => {
                    tracing::warn!(
                        cluster.kind = K::KIND,
                        "watching {}s failed: {error}; trying again in {} ms",
                        K::KIND,
                        wait.as_millis()
                    );
                    self.shared.contact.lock().error = Some(error);
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(LAST_RETRY);
                }
            }
        }
    }

    /// Brings the copy up to date with a list, announcing only what differs.
    async fn list(&self) -> Result<String, ClusterError> {
        let listed = self.api.list(&self.selector).await?;
        let mut objects = self.shared.objects.write();
        let mut before = std::mem::take(&mut *objects);
        for object in listed.items {
            let metadata = object.metadata();
            let name = metadata.name.clone();
            let known = before.remove(&name);
            let same = known.is_some_and(|known| {
                known.metadata().resource_version == metadata.resource_version
                    && known.metadata().uid == metadata.uid
            });
            if !same {
                self.shared.events.send(ReflectorEvent::Applied(object.clone())).ok();
            }
            objects.insert(name, object);
        }
        for gone in before.into_values() {
            self.shared.events.send(ReflectorEvent::Deleted(gone)).ok();
        }
        drop(objects);
        self.touch();
        self.shared.synced.send_replace(true);
        Ok(listed.resource_version)
    }

    /// Follows a watch to its end. The answer is where to go on, or `None` to list again.
    async fn follow(&self, from: String) -> Result<Option<String>, ClusterError> {
        let mut stream = match self.api.watch(&self.selector, &from).await {
            Err(ClusterError::Gone(_)) => return Ok(None),
            other => other?,
        };
        let mut version = from;
        let mut events = 0_u64;
        while let Some(event) = stream.next().await {
            let (object, deleted) = match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => (object, false),
                Ok(WatchEvent::Deleted(object)) => (object, true),
                Ok(WatchEvent::Bookmark(at)) => {
                    version = at;
                    self.touch();
                    continue;
                }
                Err(ClusterError::Gone(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(at) = &object.metadata().resource_version {
                version.clone_from(at);
            }
            self.touch();
            let mut objects = self.shared.objects.write();
            let name = &object.metadata().name;
            if deleted {
                if objects.remove(name).is_some() {
                    self.shared.events.send(ReflectorEvent::Deleted(object)).ok();
                }
            } else {
                objects.insert(name.clone(), object.clone());
                self.shared.events.send(ReflectorEvent::Applied(object)).ok();
            }
            events += 1;
        }
        // Clusters cut long watches; but one that ends before it says anything must not make us
        // spin.
        match events {
            0 => Err(ClusterError::Unavailable("the watch ended at once".to_string())),
            _ => Ok(Some(version)),
        }
    }

    fn touch(&self) {
        let mut contact = self.shared.contact.lock();
        contact.last = Some(Instant::now());
        contact.error = None;
    }
}

/// Up to half as much again, so that many reflectors do not come back at the same moment.
fn jittered(wait: Duration) -> Duration {
    let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
    wait + wait * random / 512
}
