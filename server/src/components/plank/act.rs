//! Carrying out what was decided about one job.

use std::sync::Arc;

use cluster::{ClusterError, DeleteOptions, PodApi, Precondition};
use config_load::Config;
use go_compat::template::Template;
use go_compat::time::Timestamp;
use job_spec::pod_decoration::{PlankPodOptions, prow_job_to_pod};
use job_spec::prow_job::KUBERNETES_AGENT;
use job_spec::status_url::prefixed_url;
use job_spec::{JobBase, JobType, Pod, ProwJob, ProwJobState, template_view};
use serde_json::{Map, Value, json};

use super::Deps;
use super::decide::{
    Action, Admission, Bounds, Capacity, POD_UID_ANNOTATION, REPLACED_POD_ANNOTATION, decide,
    untrusted_repository,
};
use super::index::{Index, PodView};
use crate::components::without_reporter_finalizer;
use crate::components::work_queue::Outcome;

/// The reporter that must not tell GitHub of a run that a newer one replaces.
const GITHUB_REPORTER: &str = "github-reporter";
/// What a replaced run says.
const SUPERSEDED: &str = "Aborted as the newer version of this job is running.";
/// How soon a job is looked at again whose build cluster does not answer.
const CLUSTER_PAUSE: std::time::Duration = std::time::Duration::from_secs(10);

/// Everything that a look at a job needs.
pub(super) struct Plank {
    pub(super) deps: Deps,
    pub(super) index: parking_lot::Mutex<Index>,
}

/// Why a look ended early.
#[derive(Debug)]
enum Stop {
    /// Somebody else changed the object: look again at once.
    Changed,
    /// The cluster failed, or another service that is needed.
    Failed(String),
}

impl From<ClusterError> for Stop {
    fn from(error: ClusterError) -> Stop {
        if error.is_conflict() || error.is_not_found() {
            Stop::Changed
        } else {
            Stop::Failed(error.to_string())
        }
    }
}

impl Plank {
    pub(super) fn new(deps: Deps) -> Plank {
        Plank { deps, index: parking_lot::Mutex::default() }
    }

    /// Looks at one job: replaces older runs, decides, acts.
    pub(super) async fn look(&self, name: &str) -> Outcome {
        let Some(job) = self.index.lock().job(name) else { return Outcome::Done };
        if job.spec.agent != KUBERNETES_AGENT {
            return Outcome::Done;
        }
        match self.reconcile(job).await {
            Ok(outcome) => outcome,
            Err(Stop::Changed) => {
                self.refresh(name).await;
                Outcome::At(self.deps.clock.now())
            }
            Err(Stop::Failed(error)) => {
                self.deps.heartbeat.failed(&format!("ProwJob {name}: {error}"));
                tracing::warn!(prowjob = name, "{error}");
                Outcome::Retry
            }
        }
    }

    async fn reconcile(&self, job: Arc<ProwJob>) -> Result<Outcome, Stop> {
        self.abort_older(&job).await?;
        let name = job.metadata.name.as_str();
        // The abort of an older run may have been of this very one.
        let Some(job) = self.index.lock().job(name) else { return Ok(Outcome::Done) };
        let config = self.deps.config.get();
        let now = self.deps.clock.now();
        let alias = job.cluster_alias();
        let pods = match self.deps.cluster.pods(alias) {
            Ok(pods) => pods,
            Err(error @ ClusterError::UnknownBuildCluster { .. }) if !job.complete() => {
                let state = ProwJobState::Error;
                let description = format!("Terminal error: {error}.");
                self.act(&job, None, Action::Finish { state, description }, &config).await?;
                return Ok(Outcome::Done);
            }
            Err(_) if job.complete() => return Ok(Outcome::Done),
            Err(error) => return self.wait_for_cluster(&job, &error.to_string()).await,
        };
        // Looked up before the match, whose arms wait: the lock must not be held meanwhile.
        let seen = self.index.lock().pod(alias, name);
        let pod = match seen {
            PodView::Known(pod) => pod,
            PodView::Unknown(_) if job.complete() => return Ok(Outcome::Done),
            PodView::Unknown(trouble) => return self.wait_for_cluster(&job, &trouble).await,
        };
        let pod = match pod {
            // A watch may be behind: that there is no pod is believed only if read live.
            None if job.status.state == ProwJobState::Pending && !job.complete() => {
                live_pod(&*pods, name).await?
            }
            pod => pod,
        };
        let actions = decide(&job, pod.as_deref(), &bounds(&config, &job), now, || {
            self.admission(&job, &config, now)
        });
        let outcome = self.carry_out(job.clone(), pod, &*pods, actions, &config).await;
        self.index.lock().release(name);
        outcome
    }

    fn admission(&self, job: &ProwJob, config: &Config, now: Timestamp) -> Admission {
        let central = is_central(config, job);
        if let Some(repository) = untrusted_repository(job, &self.deps.trust, central) {
            return Admission::Refuse {
                reason: format!(
                    "Refused: jobs run as processes of this machine, and {repository} is not \
                     trusted here. Allow it with --trust-repo={repository}."
                ),
            };
        }
        let plank = &config.prow.plank;
        let capacity = Capacity {
            max_concurrency: plank.controller.max_concurrency,
            places: self.deps.cluster.places(),
            queues: &plank.job_queue_capacities,
        };
        self.index.lock().claim(job, capacity, now)
    }

    /// Aborts the runs that a newer one replaces, with GitHub told nothing: the newer run owns
    /// the status.
    async fn abort_older(&self, job: &ProwJob) -> Result<(), Stop> {
        if job.complete() || job.spec.job_type != JobType::Presubmit {
            return Ok(());
        }
        let old: Vec<Arc<ProwJob>> = {
            let index = self.index.lock();
            index.superseded(job).iter().filter_map(|name| index.job(name)).collect()
        };
        for old in old {
            tracing::info!(
                prowjob = old.metadata.name,
                job = old.spec.job,
                "a newer run replaces it"
            );
            let patch = json!({"status": {
                "state": "aborted",
                "description": SUPERSEDED,
                "prev_report_states": {GITHUB_REPORTER: "aborted"},
            }});
            match self.patch(&old, &patch).await {
                Ok(_) => {}
                // It changed meanwhile; its own event brings us back to it.
                Err(Stop::Changed) => self.refresh(&old.metadata.name).await,
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        mut job: Arc<ProwJob>,
        pod: Option<Arc<Pod>>,
        pods: &dyn PodApi,
        actions: Vec<Action>,
        config: &Config,
    ) -> Result<Outcome, Stop> {
        let mut outcome = Outcome::Done;
        for action in actions {
            match action {
                Action::LookAgain(at) => outcome = Outcome::At(at),
                Action::StartPod => job = self.start_pod(&job, pods, config).await?,
                Action::Adopt { build_id } => {
                    let uid = pod.as_ref().map(|pod| pod.metadata.uid.as_str());
                    job = self.record_pod(&job, &build_id, uid.unwrap_or_default(), config).await?;
                    outcome = Outcome::At(self.deps.clock.now());
                }
                Action::DeletePod => self.delete_pod(&job, pod.as_deref(), pods).await?,
                Action::StripFinalizer => {
                    if let Some(pod) = &pod {
                        self.strip_finalizer(&job, pod, pods).await?;
                    }
                }
                action => job = self.act(&job, pod.as_deref(), action, config).await?,
            }
        }
        Ok(outcome)
    }

    /// The actions that are one write to the ProwJob.
    async fn act(
        &self,
        job: &Arc<ProwJob>,
        pod: Option<&Pod>,
        action: Action,
        config: &Config,
    ) -> Result<Arc<ProwJob>, Stop> {
        let now = self.deps.clock.now();
        let patch = match action {
            Action::CountRevival { count, pod_uid } => {
                let cause = pod.map(|pod| pod.status.reason.as_str()).unwrap_or_default();
                tracing::info!(prowjob = job.metadata.name, cause, count, "the pod is made anew");
                json!({
                    "metadata": {"annotations": {REPLACED_POD_ANNOTATION: pod_uid}},
                    "status": {"pod_revival_count": count},
                })
            }
            Action::Abort { description } => {
                json!({"status": ended(job, ProwJobState::Aborted, description, config)})
            }
            Action::Complete => json!({"status": {"completionTime": now.rfc3339()}}),
            Action::Finish { state, description } => {
                tracing::info!(
                    prowjob = job.metadata.name,
                    job = job.spec.job,
                    from = job.status.state.as_str(),
                    to = state.as_str(),
                    "{description}"
                );
                let mut status = ended(job, state, description, config);
                status.insert("completionTime".to_owned(), json!(now.rfc3339()));
                json!({"status": status})
            }
            Action::Describe { description } if job.status.description == description => {
                return Ok(job.clone());
            }
            Action::Describe { description } => json!({"status": {"description": description}}),
            Action::StartPod
            | Action::Adopt { .. }
            | Action::DeletePod
            | Action::StripFinalizer
            | Action::LookAgain(_) => return Ok(job.clone()),
        };
        self.patch(job, &patch).await
    }

    /// Writes to a ProwJob as it was read; the index has the answer before anybody decides again.
    async fn patch(&self, job: &ProwJob, patch: &Value) -> Result<Arc<ProwJob>, Stop> {
        let version = job.metadata.resource_version.as_deref();
        let api = self.deps.cluster.prow_jobs();
        let written = api.patch_merge(&job.metadata.name, patch, version).await?;
        self.index.lock().apply_job(written.clone());
        Ok(written)
    }

    /// Reads a ProwJob live.
    async fn refresh(&self, name: &str) {
        match self.deps.cluster.prow_jobs().get(name).await {
            Ok(job) => self.index.lock().apply_job(job),
            Err(error) if error.is_not_found() => self.index.lock().remove_job(name),
            Err(error) => tracing::debug!(prowjob = name, "not refreshed: {error}"),
        }
    }

    /// Creates the pod and records it. The ProwJob is read live first: from a stale picture a
    /// second pod could be made for a job that has ended.
    async fn start_pod(
        &self,
        job: &Arc<ProwJob>,
        pods: &dyn PodApi,
        config: &Config,
    ) -> Result<Arc<ProwJob>, Stop> {
        let name = job.metadata.name.as_str();
        let live = self.deps.cluster.prow_jobs().get(name).await?;
        if live.metadata.resource_version != job.metadata.resource_version {
            return Err(Stop::Changed);
        }
        let build_id = match self.deps.build_ids.next(&job.spec.job, &self.deps.clock).await {
            Ok(build_id) => build_id,
            Err(error) => {
                let waits = format!("Waiting: no build id: {error:#}");
                self.act(job, None, Action::Describe { description: waits.clone() }, config)
                    .await?;
                return Err(Stop::Failed(waits));
            }
        };
        let options = PlankPodOptions {
            pod_namespace: config.prow.pod_namespace.clone(),
            plank_version: Some(self.deps.version.clone()),
            local_output_dir: None,
        };
        let pod = match prow_job_to_pod(job, &build_id, &options) {
            Ok(pod) => pod,
            Err(error) => return self.not_created(job, &error.to_string(), config).await,
        };
        let made = match pods.create(&pod).await {
            Ok(made) => made,
            Err(error) if error.is_already_exists() => {
                // Our picture was old, or a crash came between creating and recording.
                let Some(found) = live_pod(pods, name).await? else { return Err(Stop::Changed) };
                self.index.lock().apply_pod(job.cluster_alias(), found);
                return Err(Stop::Changed);
            }
            Err(error) if error.is_permanent() => {
                return self.not_created(job, &error.to_string(), config).await;
            }
            Err(error) => {
                // An answer that may change (401, 403, 408, 429, 5xx): the job waits and says so.
                let waits = format!(
                    "Waiting: the pod could not be created in build cluster {}: {error}",
                    job.cluster_alias()
                );
                self.act(job, None, Action::Describe { description: waits }, config).await?;
                return Err(Stop::Failed(error.to_string()));
            }
        };
        self.index.lock().apply_pod(job.cluster_alias(), made.clone());
        self.record_pod(job, &build_id, &made.metadata.uid, config).await
    }

    async fn not_created(
        &self,
        job: &Arc<ProwJob>,
        why: &str,
        config: &Config,
    ) -> Result<Arc<ProwJob>, Stop> {
        let description = format!("Pod can not be created: {why}");
        self.act(job, None, Action::Finish { state: ProwJobState::Error, description }, config)
            .await
    }

    /// Records the pod of a job: a triggered one is pending from now.
    async fn record_pod(
        &self,
        job: &Arc<ProwJob>,
        build_id: &str,
        uid: &str,
        config: &Config,
    ) -> Result<Arc<ProwJob>, Stop> {
        let mut after = (**job).clone();
        after.status.build_id = build_id.to_owned();
        let mut status = Map::new();
        if job.status.state == ProwJobState::Triggered {
            after.status.state = ProwJobState::Pending;
            status.insert("state".to_owned(), json!("pending"));
            status.insert("pendingTime".to_owned(), json!(self.deps.clock.now().rfc3339()));
        }
        status.insert("description".to_owned(), json!("Job triggered."));
        status.insert("pod_name".to_owned(), json!(job.metadata.name));
        status.insert("build_id".to_owned(), json!(build_id));
        status.insert("url".to_owned(), json!(url(&after, config)));
        tracing::info!(
            prowjob = job.metadata.name,
            job = job.spec.job,
            build_id,
            "its pod is made"
        );
        let patch = json!({
            "metadata": {"annotations": {POD_UID_ANNOTATION: uid}},
            "status": status,
        });
        self.patch(job, &patch).await
    }

    async fn delete_pod(
        &self,
        job: &ProwJob,
        pod: Option<&Pod>,
        pods: &dyn PodApi,
    ) -> Result<(), Stop> {
        let uid = pod.map(|pod| pod.metadata.uid.clone()).filter(|uid| !uid.is_empty());
        let precondition = Precondition { uid, resource_version: None };
        let options = DeleteOptions { precondition, ..DeleteOptions::default() };
        match pods.delete(&job.metadata.name, &options).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn strip_finalizer(
        &self,
        job: &ProwJob,
        pod: &Pod,
        pods: &dyn PodApi,
    ) -> Result<(), Stop> {
        let patch = without_reporter_finalizer(pod);
        let version = pod.metadata.resource_version.as_deref();
        match pods.patch_merge(&job.metadata.name, &patch, version).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Nothing is decided about a job whose cluster tells nothing, however late it is: the pod may
    /// have ended well long ago.
    async fn wait_for_cluster(&self, job: &Arc<ProwJob>, trouble: &str) -> Result<Outcome, Stop> {
        self.deps.heartbeat.failed(&trouble);
        if job.status.state == ProwJobState::Triggered {
            let description = format!("Waiting: {trouble}");
            let config = self.deps.config.get();
            self.act(job, None, Action::Describe { description }, &config).await?;
        }
        Ok(Outcome::At(self.deps.clock.now().saturating_add(CLUSTER_PAUSE)))
    }
}

async fn live_pod(pods: &dyn PodApi, name: &str) -> Result<Option<Arc<Pod>>, ClusterError> {
    match pods.get(name).await {
        Ok(pod) => Ok(Some(pod)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn bounds(config: &Config, job: &ProwJob) -> Bounds {
    let plank = &config.prow.plank;
    let own = job.spec.decoration_config.as_deref();
    Bounds {
        pod_pending: own
            .and_then(|own| own.pod_pending_timeout)
            .unwrap_or_else(|| plank.pod_pending_timeout())
            .as_std(),
        pod_running: own
            .and_then(|own| own.pod_running_timeout)
            .unwrap_or_else(|| plank.pod_running_timeout())
            .as_std(),
        pod_unscheduled: own
            .and_then(|own| own.pod_unscheduled_timeout)
            .unwrap_or_else(|| plank.pod_unscheduled_timeout())
            .as_std(),
        max_revivals: plank.max_revivals(),
    }
}

/// The status of a run that has come to its end. Its link is made anew: its template may show the
/// state.
fn ended(
    job: &ProwJob,
    state: ProwJobState,
    description: String,
    config: &Config,
) -> Map<String, Value> {
    let mut after = job.clone();
    after.status.state = state;
    after.status.description = description;
    let mut status = Map::new();
    status.insert("state".to_owned(), json!(after.status.state));
    status.insert("description".to_owned(), json!(after.status.description));
    if !after.status.build_id.is_empty() {
        status.insert("url".to_owned(), json!(url(&after, config)));
    }
    status
}

/// The link to the run: by prefix, else by template. A template that fails leaves it empty.
fn url(job: &ProwJob, config: &Config) -> String {
    let plank = &config.prow.plank;
    let append = !plank.job_url_prefix_disable_append_storage_provider;
    match prefixed_url(job, &plank.job_url_prefix_config, append) {
        Ok(Some(url)) => return url,
        Ok(None) => {}
        Err(error) => tracing::warn!(prowjob = job.metadata.name, "{error}"),
    }
    let template = &plank.controller.job_url_template;
    if template.is_empty() {
        return String::new();
    }
    let rendered = Template::parse("job_url_template", template)
        .and_then(|template| template.render(&template_view::prow_job(job)));
    rendered.unwrap_or_else(|error| {
        tracing::warn!(prowjob = job.metadata.name, "no link: job_url_template: {error}");
        String::new()
    })
}

/// Whether the operator's configuration has this job with these clone addresses. What a
/// repository defines for itself has not.
fn is_central(config: &Config, job: &ProwJob) -> bool {
    let full = job.spec.refs.as_ref().map(job_spec::Refs::org_repo).unwrap_or_default();
    let same = |base: &JobBase| {
        let cloned = job.spec.refs.as_ref().map(|refs| refs.clone_uri.as_str());
        let extra = |refs: &[job_spec::Refs]| -> Vec<(String, String)> {
            refs.iter().map(|refs| (refs.org_repo(), refs.clone_uri.clone())).collect()
        };
        base.name == job.spec.job
            && cloned.is_none_or(|uri| uri == base.utility.clone_uri)
            && extra(&job.spec.extra_refs) == extra(&base.utility.extra_refs)
    };
    match job.spec.job_type {
        JobType::Presubmit | JobType::Batch => {
            config.jobs.presubmits_for(&full).any(|job| same(&job.base))
        }
        JobType::Postsubmit => config.jobs.postsubmits_for(&full).any(|job| same(&job.base)),
        JobType::Periodic => config.jobs.periodics.iter().any(|job| same(&job.base)),
        JobType::Unknown => false,
    }
}
