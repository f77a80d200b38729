//! Watches the Pods of a build cluster and runs them: the part of a node.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use clock::SharedClock;
use futures::{FutureExt, StreamExt};
use job_spec::{Pod, PodPhase};
use tokio::sync::{Semaphore, mpsc, watch};

use super::container::Running;
use super::plan::{Host, PodFolder};
use super::pod_run::PodRun;
use super::table::Table;
use super::volumes::remove_folder;
use crate::{Api, ClusterError, LabelSelector, WatchEvent};

/// The Pods of one build cluster.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) alias: String,
    pub(super) table: Table<Pod>,
    /// Where its Pods have their folders.
    pub(super) folder: PathBuf,
}

/// Runs Pods.
pub(super) struct Runner {
    pub(super) host: Host,
    pub(super) clock: SharedClock,
    pub(super) parallel_pods: usize,
    places: Arc<Semaphore>,
}

/// Pods that are being run or deleted: by uid, where to send the Pod when it changes.
type Driven = HashMap<String, watch::Sender<Arc<Pod>>>;

impl Runner {
    pub(super) fn new(host: Host, parallel_pods: usize, clock: SharedClock) -> Arc<Runner> {
        let places = Arc::new(Semaphore::new(parallel_pods));
        Arc::new(Runner { host, clock, parallel_pods, places })
    }

    /// Runs the Pods of a build cluster, for ever.
    pub(super) async fn follow(self: Arc<Self>, lane: Lane) {
        let mut driven = Driven::new();
        // Drivers say here that they are done. They end with this function: dropping the set
        // drops them, and what they started goes on without us.
        let (done, mut finished) = mpsc::unbounded_channel::<String>();
        let mut drivers = tokio::task::JoinSet::new();
        let mut first = true;
        loop {
            let listed = match lane.table.list(&LabelSelector::all()).await {
                Ok(listed) => listed,
                Err(_) => return,
            };
            let mut pods = listed.items;
            if first {
                first = false;
                self.sweep(&lane, &pods).await;
            }
            // Those that had a place before the restart come first, then the oldest.
            pods.sort_by_key(|pod| {
                (pod.status.start_time.is_none(), pod.metadata.creation_timestamp)
            });
            for pod in pods {
                self.consider(&lane, pod, &mut driven, &mut drivers, &done);
            }
            let all = LabelSelector::all();
            let Ok(mut events) = lane.table.watch(&all, &listed.resource_version).await else {
                continue;
            };
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod))) => {
                            self.consider(&lane, pod, &mut driven, &mut drivers, &done);
                        }
                        Some(Ok(WatchEvent::Deleted(_) | WatchEvent::Bookmark(_))) => {}
                        Some(Err(ClusterError::Gone(_))) => break,
                        Some(Err(_)) | None => return,
                    },
                    Some(uid) = finished.recv() => {
                        driven.remove(&uid);
                        // Its deletion may have been asked for as it finished.
                        let listed = lane.table.list(&all).await.map(|listed| listed.items);
                        let again = listed.into_iter().flatten().find(|p| p.metadata.uid == uid);
                        if let Some(pod) = again.filter(|pod| deletion_asked(pod)) {
                            self.consider(&lane, pod, &mut driven, &mut drivers, &done);
                        }
                    }
                    Some(_) = drivers.join_next() => {}
                }
            }
        }
    }

    /// Starts a driver for a Pod that needs one, or tells the one there is.
    fn consider(
        self: &Arc<Self>,
        lane: &Lane,
        pod: Arc<Pod>,
        driven: &mut Driven,
        drivers: &mut tokio::task::JoinSet<()>,
        done: &mpsc::UnboundedSender<String>,
    ) {
        let uid = pod.metadata.uid.clone();
        if let Some(driver) = driven.get(&uid) {
            driver.send_replace(pod);
            return;
        }
        let over = matches!(pod.status.phase, PodPhase::Succeeded | PodPhase::Failed);
        if over && !deletion_asked(&pod) {
            return;
        }
        let (tell, changes) = watch::channel(pod.clone());
        driven.insert(uid.clone(), tell);
        let run = PodRun::new(self.clone(), lane.clone(), pod);
        let (places, done) = (self.places.clone(), done.clone());
        drivers.spawn(async move {
            let driven = AssertUnwindSafe(drive(run.clone(), changes, places)).catch_unwind();
            if driven.await.is_err() {
                run.give_up().await;
            }
            done.send(uid).ok();
        });
    }

    /// Removes the folders of Pods that no longer exist, and ends what still runs in them.
    async fn sweep(&self, lane: &Lane, pods: &[Arc<Pod>]) {
        let Ok(entries) = std::fs::read_dir(&lane.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let folder = PodFolder(entry.path());
            let uid = std::fs::read_to_string(folder.uid_file()).unwrap_or_default();
            let known = pods.iter().any(|pod| pod.metadata.name == name && pod.metadata.uid == uid);
            // A folder without a uid belongs to a Pod that was being prepared.
            if known || (uid.is_empty() && pods.iter().any(|pod| pod.metadata.name == name)) {
                continue;
            }
            tracing::info!(
                cluster.pod = %name,
                cluster.build_cluster = %lane.alias,
                "removing the folder of Pod `{name}`, which no longer exists"
            );
            for running in left_in(&folder, &self.clock) {
                running.end(std::time::Duration::ZERO, &self.clock).await;
            }
            if let Err(error) = remove_folder(&folder.0) {
                tracing::warn!("`{}` cannot be removed: {error}", folder.0.display());
            }
        }
    }
}

/// Runs a Pod until it is over or its deletion is asked for, and deletes it then.
async fn drive(run: Arc<PodRun>, mut changes: watch::Receiver<Arc<Pod>>, places: Arc<Semaphore>) {
    let asked = changes.borrow_and_update().clone();
    let asked = if deletion_asked(&asked) {
        Some(asked)
    } else {
        tokio::select! {
            () = run.to_the_end(&places) => None,
            asked = changes.wait_for(|pod| deletion_asked(pod)) => {
                asked.ok().map(|pod| pod.clone())
            }
        }
    };
    let Some(mut asked) = asked else { return };
    // A second deletion may shorten the grace period of the first.
    loop {
        let grace = PodRun::deletion_grace(&asked);
        tokio::select! {
            () = run.delete(grace) => return,
            shorter = changes.wait_for(|pod| PodRun::deletion_grace(pod) < grace) => {
                match shorter {
                    Ok(pod) => asked = pod.clone(),
                    Err(_) => return,
                }
            }
        }
    }
}

fn deletion_asked(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Containers that still run in a folder whose Pod is not known.
fn left_in(folder: &PodFolder, clock: &SharedClock) -> Vec<Running> {
    let Ok(entries) = std::fs::read_dir(folder.state_dir()) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let (container, start) = name.strip_suffix(".lock")?.rsplit_once('.')?;
            let files = folder.files(container, start.parse().ok()?);
            Running::resume(container, &files, clock).filter(|running| running.ended().is_none())
        })
        .collect()
}
