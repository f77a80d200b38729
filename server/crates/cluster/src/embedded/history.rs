//! Objects of one kind in memory, with the last changes, and watches over them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::{ClusterError, LabelSelector, Resource, WatchEvent, WatchStream};

/// Changes handed to a watch at once, so that it does not hold the lock for long.
const WATCH_BATCH: usize = 256;

/// One change.
pub(super) struct Change<K> {
    /// The resource version that it made.
    pub(super) version: i64,
    /// The object before; `None` for a new one.
    pub(super) before: Option<Arc<K>>,
    /// The object after; for a deletion its last state.
    pub(super) after: Arc<K>,
    /// Whether the object is gone.
    pub(super) deleted: bool,
}

impl<K: Resource> Change<K> {
    /// What a watch with this selector sees of the change.
    fn seen_by(&self, selector: &LabelSelector) -> Option<WatchEvent<K>> {
        let matched = self.before.as_ref().is_some_and(|o| selector.matches(&o.metadata().labels));
        let matches = !self.deleted && selector.matches(&self.after.metadata().labels);
        match (matched, matches) {
            (false, true) => Some(WatchEvent::Added(self.after.clone())),
            (true, true) => Some(WatchEvent::Modified(self.after.clone())),
            (true, false) => Some(WatchEvent::Deleted(self.after.clone())),
            (false, false) => None,
        }
    }
}

/// What is in memory of one kind: the objects, and the last changes for watches to resume.
pub(super) struct Cache<K> {
    pub(super) objects: BTreeMap<String, Arc<K>>,
    changes: VecDeque<Change<K>>,
    /// The most changes that are kept.
    limit: usize,
    /// Changes after this version are all in `changes`.
    complete_after: i64,
    /// The version of the last change.
    pub(super) version: i64,
}

impl<K: Resource> Cache<K> {
    pub(super) fn new(objects: BTreeMap<String, Arc<K>>, version: i64, limit: usize) -> Cache<K> {
        Cache { objects, changes: VecDeque::new(), limit, complete_after: version, version }
    }

    /// Takes a change in.
    pub(super) fn apply(&mut self, change: Change<K>) {
        let name = change.after.metadata().name.clone();
        if change.deleted {
            self.objects.remove(&name);
        } else {
            self.objects.insert(name, change.after.clone());
        }
        self.version = change.version;
        self.changes.push_back(change);
        while self.changes.len() > self.limit {
            if let Some(forgotten) = self.changes.pop_front() {
                self.complete_after = forgotten.version;
            }
        }
    }

    /// The next events after `from` for a selector, and the version up to which they reach.
    fn after(
        &self,
        from: i64,
        selector: &LabelSelector,
    ) -> Result<(Vec<WatchEvent<K>>, i64), ClusterError> {
        if from < self.complete_after {
            return Err(ClusterError::Gone(format!(
                "version {from} is too old, the history begins at {}",
                self.complete_after
            )));
        }
        if from > self.version {
            return Err(ClusterError::Gone(format!(
                "version {from} is not known here, the newest is {}",
                self.version
            )));
        }
        let first = self.changes.partition_point(|change| change.version <= from);
        let mut events = Vec::new();
        let mut reached = from;
        for change in self.changes.iter().skip(first) {
            reached = change.version;
            events.extend(change.seen_by(selector));
            if events.len() >= WATCH_BATCH {
                break;
            }
        }
        Ok((events, reached))
    }
}

/// A watch over a cache. `news` announces changes; when its sender is gone the watch ends.
pub(super) fn watch_cache<K: Resource>(
    cache: Arc<RwLock<Cache<K>>>,
    mut news: watch::Receiver<i64>,
    selector: LabelSelector,
    from: i64,
) -> Result<WatchStream<K>, ClusterError> {
    cache.read().after(from, &selector)?;
    let stream = async_stream::stream! {
        let mut at = from;
        loop {
            news.borrow_and_update();
            let next = cache.read().after(at, &selector);
            let (events, reached) = match next {
                Ok(next) => next,
                Err(error) => {
                    yield Err(error);
                    return;
                }
            };
            let idle = reached == at;
            let skipped = events.is_empty() && !idle;
            at = reached;
            for event in events {
                yield Ok(event);
            }
            if skipped {
                // So that a resumed watch does not begin in the forgotten past.
                yield Ok(WatchEvent::Bookmark(at.to_string()));
            }
            if idle && news.changed().await.is_err() {
                return;
            }
        }
    };
    Ok(stream.boxed())
}
