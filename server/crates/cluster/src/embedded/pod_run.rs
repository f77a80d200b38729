//! One Pod from its place in the queue to the exit codes of its containers.
//!
//! Every step looks first at what is already there, so the same code starts a new Pod and takes
//! up one that the server before this one left running.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use job_spec::{Pod, PodPhase};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::container::Running;
use super::logs::end_of_log;
use super::plan::{ContainerPlan, PodFolder, PodPlan, plan_pod};
use super::runner::{Lane, Runner};
use super::status::Report;
use super::supervise::ContainerExit;
use super::volumes::{Refusal, remove_folder};
use super::{DEFAULT_GRACE_SECONDS, grace_seconds};
use crate::{Api, ClusterError};

/// Wait before a status that could not be written is tried again.
const STATUS_RETRY: Duration = Duration::from_secs(1);

/// Wait before a sidecar that ended is started again; doubled each time.
const FIRST_RESTART: Duration = Duration::from_secs(1);

/// The longest wait before a sidecar is started again, as in Kubernetes.
const LAST_RESTART: Duration = Duration::from_secs(300);

/// One Pod under way.
pub(super) struct PodRun {
    runner: Arc<Runner>,
    lane: Lane,
    pod: Arc<Pod>,
    folder: PodFolder,
    report: Mutex<Report>,
    /// Everything started, in order.
    containers: Mutex<Vec<Running>>,
    /// Containers whose status repeats the end of their log when they fail.
    tells_end_of_log: BTreeSet<String>,
    /// One status write at a time, so that the newest is written last.
    publishing: tokio::sync::Mutex<()>,
    /// Sidecars are started again until this is cancelled.
    tending: CancellationToken,
    _tended: DropGuard,
}

impl PodRun {
    pub(super) fn new(runner: Arc<Runner>, lane: Lane, pod: Arc<Pod>) -> Arc<PodRun> {
        let tending = CancellationToken::new();
        let fields = pod.spec.fields();
        let tells_end_of_log = fields
            .init_containers
            .into_iter()
            .chain(fields.containers)
            .filter(|container| container.termination_message_policy == "FallbackToLogsOnError")
            .map(|container| container.name)
            .collect();
        Arc::new(PodRun {
            tells_end_of_log,
            folder: PodFolder(lane.folder.join(&pod.metadata.name)),
            report: Mutex::new(Report::new(&pod)),
            containers: Mutex::default(),
            publishing: tokio::sync::Mutex::default(),
            _tended: tending.clone().drop_guard(),
            tending,
            runner,
            lane,
            pod,
        })
    }

    /// Runs the Pod to its last phase. May be dropped at any await; [`PodRun::end`] then ends what
    /// was started.
    pub(super) async fn to_the_end(self: &Arc<Self>, places: &Arc<Semaphore>) {
        let place = self.place(places).await;
        let deadline = self.pod.spec.fields().active_deadline_seconds;
        let deadline = deadline.and_then(|seconds| u64::try_from(seconds).ok());
        let finished = match deadline {
            None => {
                self.containers().await;
                true
            }
            Some(seconds) => {
                let since = self.report.lock().status.start_time;
                let used = since.map_or(Duration::ZERO, |at| self.runner.clock.now().since(at));
                let left = Duration::from_secs(seconds).saturating_sub(used);
                tokio::time::timeout(left, self.containers()).await.is_ok()
            }
        };
        if !finished {
            self.end(self.grace()).await;
            let message = "the Pod was active longer than its activeDeadlineSeconds";
            self.report.lock().failed("DeadlineExceeded", message);
            self.publish().await;
        }
        drop(place);
    }

    /// Waits for one of the machine's places. A Pod that had one before a restart goes on without
    /// waiting.
    async fn place(&self, places: &Arc<Semaphore>) -> Option<tokio::sync::OwnedSemaphorePermit> {
        if let Ok(place) = places.clone().try_acquire_owned() {
            self.scheduled().await;
            return Some(place);
        }
        if self.pod.status.start_time.is_some() {
            return None;
        }
        let now = self.runner.clock.now().truncated_to_seconds();
        self.report.lock().unscheduled(now, self.runner.parallel_pods);
        self.publish().await;
        let place = places.clone().acquire_owned().await.ok();
        self.scheduled().await;
        place
    }

    async fn scheduled(&self) {
        if self.pod.status.start_time.is_none() {
            let now = self.runner.clock.now().truncated_to_seconds();
            self.report.lock().scheduled(now);
            self.publish().await;
        }
    }

    /// Prepares and runs all containers.
    async fn containers(self: &Arc<Self>) {
        let plan = match self.prepare().await {
            Ok(plan) => plan,
            Err(refusal) => {
                // On a restart some may be running already.
                self.end(self.grace()).await;
                self.report.lock().refused(&refusal);
                self.publish().await;
                return;
            }
        };
        for container in &plan.init {
            if container.sidecar {
                self.start_sidecar(container.clone()).await;
                continue;
            }
            let running = self.start(container, 0);
            running.started().await;
            self.show(&running, 0);
            self.publish().await;
            let exit = running.exit(&self.runner.clock).await;
            self.show(&running, 0);
            if exit.code != 0 {
                self.end_sidecars(&plan).await;
                self.report.lock().conclude();
                self.publish().await;
                return;
            }
        }
        let running: Vec<Running> = plan.main.iter().map(|plan| self.start(plan, 0)).collect();
        for container in &running {
            container.started().await;
            self.show(container, 0);
        }
        self.publish().await;
        let mut ends: FuturesUnordered<_> = running
            .iter()
            .map(|container| async move {
                container.exit(&self.runner.clock).await;
                container
            })
            .collect();
        let mut left = running.len();
        while let Some(container) = ends.next().await {
            self.show(container, 0);
            left -= 1;
            if left > 0 {
                self.publish().await;
            }
        }
        self.end_sidecars(&plan).await;
        self.report.lock().conclude();
        self.publish().await;
    }

    /// Makes the volumes and plans the containers. The uid file says that the volumes are whole.
    async fn prepare(&self) -> Result<PodPlan, Refusal> {
        let (pod, folder, runner) = (self.pod.clone(), self.folder.clone(), self.runner.clone());
        let work = move || {
            let uid = pod.metadata.uid.as_bytes();
            let uid_file = folder.uid_file();
            let failed = |error: std::io::Error| {
                Refusal::mount(format!("`{}`: {error}", folder.0.display()))
            };
            if std::fs::read(&uid_file).ok().as_deref() != Some(uid) {
                // Left by an earlier Pod of this name, or half made.
                remove_folder(&folder.0).map_err(failed)?;
            }
            let plan = plan_pod(&pod, &folder, &runner.host)?;
            std::fs::write(&uid_file, uid).map_err(failed)?;
            Ok(plan)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(plan) => plan,
            Err(error) => Err(Refusal::mount(format!("the Pod cannot be prepared: {error}"))),
        }
    }

    /// Starts a container, or takes it up where it is.
    fn start(&self, plan: &ContainerPlan, attempt: u32) -> Running {
        let running = Running::resume_or_start(
            plan,
            self.folder.files(&plan.name, attempt),
            self.runner.host.exe.as_ref(),
            self.grace(),
            &self.runner.clock,
        );
        self.containers.lock().push(running.clone());
        running
    }

    /// Starts a sidecar and keeps it going, in a task of its own.
    async fn start_sidecar(self: &Arc<Self>, plan: ContainerPlan) {
        // After a restart of the server the last start counts.
        let mut attempt = 0;
        while self.folder.files(&plan.name, attempt + 1).lock.exists() {
            attempt += 1;
        }
        let first = self.start(&plan, attempt);
        first.started().await;
        self.show(&first, attempt);
        self.publish().await;
        let run = Arc::downgrade(self);
        let (tending, clock) = (self.tending.clone(), self.runner.clock.clone());
        let tend = async move {
            let mut running = first;
            let mut wait = FIRST_RESTART;
            loop {
                running.exit(&clock).await;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LAST_RESTART);
                attempt += 1;
                let Some(run) = run.upgrade() else { return };
                running = run.start(&plan, attempt);
                running.started().await;
                run.show(&running, attempt);
                run.publish().await;
            }
        };
        tokio::spawn(tending.run_until_cancelled_owned(tend));
    }

    /// Ends the sidecars, the last one first.
    async fn end_sidecars(&self, plan: &PodPlan) {
        self.tending.cancel();
        let sidecars: Vec<&str> =
            plan.init.iter().filter(|c| c.sidecar).map(|c| c.name.as_str()).collect();
        let running: Vec<Running> = self
            .containers
            .lock()
            .iter()
            .filter(|running| sidecars.contains(&running.name.as_str()))
            .cloned()
            .collect();
        for sidecar in running.iter().rev() {
            sidecar.end(self.grace(), &self.runner.clock).await;
            self.show(sidecar, 0);
        }
    }

    /// Ends everything that was started, by this process or the one before.
    pub(super) async fn end(&self, grace: Duration) {
        self.tending.cancel();
        let mut running = self.containers.lock().clone();
        if running.is_empty() {
            running = self.left_running();
        }
        let ends = running.iter().map(|container| async move {
            container.end(grace, &self.runner.clock).await;
            self.show(container, 0);
        });
        futures::future::join_all(ends).await;
    }

    /// What the folder says was started and has not ended.
    fn left_running(&self) -> Vec<Running> {
        let fields = self.pod.spec.fields();
        let containers = fields.init_containers.iter().chain(&fields.containers);
        let mut found = Vec::new();
        for container in containers {
            let mut attempt = 0;
            loop {
                let files = self.folder.files(&container.name, attempt);
                if !files.lock.exists() {
                    break;
                }
                found.extend(Running::resume(&container.name, &files, &self.runner.clock));
                attempt += 1;
            }
        }
        found
    }

    /// Ends everything, writes the last status, removes the folder and lets the Pod go.
    pub(super) async fn delete(&self, grace: Duration) {
        let before = self.report.lock().status.phase;
        self.end(grace).await;
        let over = matches!(self.pod.status.phase, PodPhase::Succeeded | PodPhase::Failed)
            || matches!(before, PodPhase::Succeeded | PodPhase::Failed);
        if !over {
            self.report.lock().conclude();
            self.publish().await;
        }
        let folder = self.folder.0.clone();
        let removed = tokio::task::spawn_blocking(move || remove_folder(&folder)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(
                cluster.pod = %self.pod.metadata.name,
                "the folder `{}` of a deleted Pod cannot be removed: {error}",
                self.folder.0.display()
            );
        }
        let metadata = &self.pod.metadata;
        self.persist(|| self.lane.table.stopped(&metadata.name, &metadata.uid)).await;
    }

    /// Ends the Pod after a mistake in this program, so that nobody waits for it.
    pub(super) async fn give_up(&self) {
        self.end(self.grace()).await;
        let message = "the embedded cluster failed while running the Pod; its log says more";
        self.report.lock().failed("InternalError", message);
        self.publish().await;
    }

    /// Takes a container's present state into the report.
    fn show(&self, container: &Running, restarts: u32) {
        let started = container.started_ms();
        let mut report = self.report.lock();
        match container.ended() {
            None => report.running(&container.name, started, restarts),
            Some(mut exit) => {
                if exit.code != 0
                    && exit.message.is_empty()
                    && self.tells_end_of_log.contains(&container.name)
                {
                    exit.message = end_of_log(&container.files.log);
                }
                report.terminated(&container.name, started, &exit);
                if exit.reason == "ContainerCannotRun" {
                    let ContainerExit { message, .. } = exit;
                    report.status.message = format!("container `{}`: {message}", container.name);
                }
            }
        }
    }

    /// Writes the status, with patience: it must not be lost.
    async fn publish(&self) {
        let _one = self.publishing.lock().await;
        self.persist(|| async {
            let status = self.report.lock().status.clone();
            let status = serde_json::to_value(&status)
                .map_err(|error| ClusterError::Invalid(error.to_string()))?;
            let metadata = &self.pod.metadata;
            let current = self.lane.table.get(&metadata.name).await?;
            if current.metadata.uid != metadata.uid {
                return Ok(());
            }
            let patch = json!({ "status": status });
            self.lane.table.patch_merge(&metadata.name, &patch, None).await.map(drop)
        })
        .await;
    }

    /// Tries a write until it is done, or until it is clear that it never will be.
    async fn persist<F, W>(&self, write: F)
    where
        F: Fn() -> W,
        W: Future<Output = Result<(), ClusterError>>,
    {
        let mut told = false;
        loop {
            let error = match write().await {
                Ok(()) | Err(ClusterError::NotFound { .. }) => return,
                Err(error) => error,
            };
            if !told {
                told = true;
                tracing::error!(
                    cluster.pod = %self.pod.metadata.name,
                    "the status of a Pod cannot be written: {error}"
                );
            }
            if error.is_permanent() {
                return;
            }
            tokio::time::sleep(STATUS_RETRY).await;
        }
    }

    fn grace(&self) -> Duration {
        let seconds = grace_seconds(&self.pod);
        Duration::from_secs(u64::from(seconds))
    }

    /// The grace period of a deletion that was asked for.
    pub(super) fn deletion_grace(pod: &Pod) -> Duration {
        let seconds = pod.metadata.deletion_grace_period_seconds;
        let seconds = seconds.unwrap_or(i64::from(DEFAULT_GRACE_SECONDS));
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }
}
