//! The loop: events fill the index and the queue, workers empty the queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cluster::{LabelSelector, Reflection, Reflector, ReflectorEvent};
use futures::StreamExt;
use job_spec::{Pod, PodPhase, ProwJob, labels};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Deps;
use super::act::Plank;
use super::cluster_status::{self, Trouble};
use crate::components::work_queue::{Backoff, Outcome, WorkQueue};

/// How many jobs are looked at at a time, as in Prow.
const WORKERS: usize = 10;
/// How long a job rests after looking at it failed.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(300) };
/// How often the gauges are sampled, as in Prow, and the build clusters are counted.
const SAMPLE: Duration = Duration::from_secs(30);
/// How often a build cluster that was in trouble is asked about.
const TROUBLE_POLL: Duration = Duration::from_secs(5);
/// How often [`sync_once`] looks at a job that changes under its hands.
const SYNC_LOOKS: usize = 5;

/// The pods that plank looks at.
fn our_pods() -> LabelSelector {
    LabelSelector::all().equal(labels::CREATED_BY_PROW, "true")
}

/// Runs until cancelled. Looks that have begun are finished.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    let queue = WorkQueue::new(deps.clock.clone(), BACKOFF);
    let plank = Arc::new(Plank::new(deps));
    let jobs = Reflector::spawn(plank.deps.cluster.prow_jobs(), LabelSelector::all());
    tokio::select! {
        () = jobs.synced() => {}
        () = cancel.cancelled() => return Ok(()),
    }
    plank.index.lock().replace_jobs(jobs.list());
    let watchers = TaskTracker::new();
    let watched = Arc::new(Mutex::new(BTreeSet::new()));
    watch_clusters(&plank, &queue, &cancel, &watchers, &watched);
    watchers.spawn(follow_jobs(plank.clone(), queue.clone(), jobs, cancel.clone()));
    let sampler = async {
        while !cancel.is_cancelled() {
            {
                let index = plank.index.lock();
                plank.deps.metrics.sample(index.jobs().map(|job| &**job));
            }
            plank.deps.heartbeat.pass();
            tokio::select! {
                () = plank.deps.clock.sleep(SAMPLE) => {}
                () = cancel.cancelled() => {}
            }
            // A build cluster that is added to the configuration is taken up without a restart.
            watch_clusters(&plank, &queue, &cancel, &watchers, &watched);
        }
    };
    let publisher = async {
        while !cancel.is_cancelled() {
            tokio::select! {
                () = plank.deps.clock.sleep(cluster_status::PERIOD) => publish(&plank).await,
                () = cancel.cancelled() => {}
            }
        }
    };
    let look = |name: String| {
        let plank = plank.clone();
        async move { plank.look(&name).await }
    };
    tokio::join!(sampler, publisher, queue.work(WORKERS, &cancel, look));
    watchers.close();
    watchers.wait().await;
    Ok(())
}

/// Writes the states of the build clusters where the configuration wants them.
async fn publish(plank: &Plank) {
    let config = plank.deps.config.get();
    let place = &config.prow.plank.build_cluster_status_file;
    if place.is_empty() {
        return;
    }
    let statuses = plank.index.lock().statuses();
    if let Err(error) = cluster_status::write(place, plank.deps.blobs.as_ref(), &statuses).await {
        let error = format!("plank.build_cluster_status_file {place}: {error:#}");
        plank.deps.heartbeat.failed(&error);
        tracing::warn!("{error}");
    }
}

/// Lists everything once and looks at every job. For tests
/// that crank by hand, and for nothing else: it keeps no picture between two calls.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<()> {
    let plank = Plank::new(deps.clone());
    let jobs = deps.cluster.prow_jobs().list(&LabelSelector::all()).await?;
    plank.index.lock().replace_jobs(jobs.items);
    for alias in deps.cluster.build_clusters() {
        let listed = match deps.cluster.pods(&alias) {
            Ok(pods) => pods.list(&our_pods()).await,
            Err(error) => Err(error),
        };
        let mut index = plank.index.lock();
        match listed {
            Ok(pods) => index.replace_pods(&alias, pods.items),
            Err(error) => index.set_trouble(&alias, Some(Trouble::from(&error))),
        }
    }
    let names = {
        let index = plank.index.lock();
        let mut names = index.active();
        names.extend(index.pod_names());
        names
    };
    for name in names {
        for _ in 0..SYNC_LOOKS {
            let now = deps.clock.now();
            if !matches!(plank.look(&name).await, Outcome::At(at) if at <= now) {
                break;
            }
        }
    }
    let index = plank.index.lock();
    deps.metrics.sample(index.jobs().map(|job| &**job));
    Ok(())
}

async fn follow_jobs(
    plank: Arc<Plank>,
    queue: WorkQueue,
    jobs: Reflection<ProwJob>,
    cancel: CancellationToken,
) {
    let mut events = jobs.subscribe();
    while let Some(event) = next(&mut events, &cancel).await {
        let mut freed = false;
        {
            let mut index = plank.index.lock();
            match event {
                ReflectorEvent::Restarted(list) => {
                    index.replace_jobs(list);
                    for name in index.active().into_iter().chain(index.pod_names()) {
                        queue.add(name);
                    }
                }
                ReflectorEvent::Applied(job) => {
                    freed = job.complete();
                    let name = job.metadata.name.clone();
                    index.apply_job(job);
                    // A job that waits for a slot is woken by the slot.
                    let waits = index.job(&name).is_some_and(|job| index.waits(&job));
                    if !waits {
                        queue.add(name);
                    }
                }
                ReflectorEvent::Deleted(job) => {
                    freed = true;
                    index.remove_job(&job.metadata.name);
                }
            }
        }
        if freed {
            wake(&plank, &queue);
        }
    }
}

/// Starts to watch every build cluster that is not watched yet.
fn watch_clusters(
    plank: &Arc<Plank>,
    queue: &WorkQueue,
    cancel: &CancellationToken,
    watchers: &TaskTracker,
    watched: &Arc<Mutex<BTreeSet<String>>>,
) {
    for alias in plank.deps.cluster.build_clusters() {
        if watched.lock().contains(&alias) {
            continue;
        }
        let pods = match plank.deps.cluster.pods(&alias) {
            Ok(pods) => pods,
            Err(error) => {
                plank.index.lock().set_trouble(&alias, Some(Trouble::no_client(&error)));
                continue;
            }
        };
        watched.lock().insert(alias.clone());
        plank.index.lock().set_trouble(&alias, Some(Trouble::silent()));
        // The upcast from `PodApi` keeps one object for both uses.
        let pods = Reflector::spawn(pods, our_pods());
        let (plank, queue, cancel) = (plank.clone(), queue.clone(), cancel.clone());
        watchers.spawn(follow_pods(plank, queue, alias, pods, cancel));
    }
}

async fn follow_pods(
    plank: Arc<Plank>,
    queue: WorkQueue,
    alias: String,
    pods: Reflection<Pod>,
    cancel: CancellationToken,
) {
    // Until the first list has arrived nothing is known of the cluster, not even that it is empty.
    while !pods.is_synced() {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = pods.synced() => {}
            () = plank.deps.clock.sleep(TROUBLE_POLL) => {
                plank.index.lock().set_trouble(&alias, trouble(&pods));
            }
        }
    }
    let mut events = pods.subscribe();
    loop {
        let event = tokio::select! {
            event = next(&mut events, &cancel) => event,
            () = plank.deps.clock.sleep(TROUBLE_POLL) => {
                let trouble = trouble(&pods);
                plank.index.lock().set_trouble(&alias, trouble);
                continue;
            }
        };
        let Some(event) = event else { return };
        let mut freed = false;
        {
            let mut index = plank.index.lock();
            match event {
                ReflectorEvent::Restarted(list) => {
                    for pod in &list {
                        queue.add(pod.metadata.name.clone());
                    }
                    index.replace_pods(&alias, list);
                    for name in index.active() {
                        queue.add(name);
                    }
                }
                ReflectorEvent::Applied(pod) => {
                    freed = matches!(pod.status.phase, PodPhase::Succeeded | PodPhase::Failed);
                    queue.add(pod.metadata.name.clone());
                    index.apply_pod(&alias, pod);
                }
                ReflectorEvent::Deleted(pod) => {
                    freed = true;
                    queue.add(pod.metadata.name.clone());
                    index.remove_pod(&alias, &pod.metadata.name, &pod.metadata.uid);
                }
            }
            index.set_trouble(&alias, trouble(&pods));
        }
        if freed {
            wake(&plank, &queue);
        }
    }
}

/// Why the picture of a cluster's pods is not to be relied on.
fn trouble(pods: &Reflection<Pod>) -> Option<Trouble> {
    match pods.last_error() {
        Some(error) => Some(Trouble::from(&error)),
        None => (!pods.is_synced()).then(Trouble::silent),
    }
}

/// Lets those that wait for a slot ask again.
fn wake(plank: &Plank, queue: &WorkQueue) {
    let waiting = plank.index.lock().take_waiting();
    for name in waiting {
        queue.add(name);
    }
}

async fn next<E>(
    events: &mut futures::stream::BoxStream<'static, E>,
    cancel: &CancellationToken,
) -> Option<E> {
    tokio::select! {
        () = cancel.cancelled() => None,
        event = events.next() => event,
    }
}
