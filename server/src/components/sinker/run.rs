//! The loop: list, decide, refuse or remove, sleep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{ClusterError, DeleteOptions, LabelSelector, PodApi, Precondition};
use config_load::Config;
use job_spec::{Pod, ProwJob, labels};
use tokio_util::sync::CancellationToken;

use super::decide::{Ages, PodVerdict, Reason, empty_list, mass_deletion, old_jobs, old_pods};
use super::metrics::set;
use super::{Deps, configmaps};
use crate::components::crier::history;
use crate::components::without_reporter_finalizer;

/// How many rows of history are written at once.
const HISTORY_BATCH: usize = 200;

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// The ProwJobs that went, with the reason.
    pub jobs: Vec<(String, Reason)>,
    /// The pods that went: cluster, name, reason.
    pub pods: Vec<(String, String, Reason)>,
    /// What was refused, each a sentence.
    pub refused: Vec<String>,
    /// What failed, each a sentence.
    pub failed: Vec<String>,
}

/// Passes until cancelled.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    tokio::join!(passes(&deps, &cancel), measure(&deps, &cancel));
    Ok(())
}

/// Publishes the sizes of the ConfigMaps with the job files.
async fn measure(deps: &Deps, cancel: &CancellationToken) {
    let Some(path) = &deps.job_config_path else { return };
    while !cancel.is_cancelled() {
        let path = path.clone();
        let sizes = tokio::task::spawn_blocking(move || configmaps::sizes(&path)).await;
        deps.metrics.configmap_size.reset();
        for (name, bytes) in sizes.unwrap_or_default() {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            deps.metrics.configmap_size.with_label_values(&[&name]).set(bytes);
        }
        tokio::select! {
            () = deps.clock.sleep(configmaps::PERIOD) => {}
            () = cancel.cancelled() => {}
        }
    }
}

async fn passes(deps: &Deps, cancel: &CancellationToken) {
    while !cancel.is_cancelled() {
        match sync_once(deps).await {
            Ok(pass) => {
                deps.heartbeat.pass();
                for sentence in pass.refused.iter().chain(&pass.failed) {
                    deps.heartbeat.failed(sentence);
                }
            }
            Err(error) => {
                deps.heartbeat.failed(&format!("{error:#}"));
                tracing::error!("a pass failed: {error:#}");
            }
        }
        let pause = deps.config.get().prow.sinker.resync_period().as_std();
        tokio::select! {
            () = deps.clock.sleep(pause) => {}
            () = cancel.cancelled() => {}
        }
    }
}

/// One pass.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<Pass> {
    let started = deps.clock.now();
    let config = deps.config.get();
    let listed = deps.cluster.prow_jobs().list(&LabelSelector::all()).await?;
    let mut counts = Counts::default();
    let mut pass = Pass::default();
    remove_jobs(deps, &config, &listed.items, &mut pass, &mut counts).await;
    let gone: BTreeSet<&str> = pass.jobs.iter().map(|(name, _)| name.as_str()).collect();
    let jobs: BTreeMap<&str, &ProwJob> = listed
        .items
        .iter()
        // A pod of a ProwJob that has just gone is an orphan from the next pass on.
        .filter(|job| !gone.contains(job.metadata.name.as_str()))
        .map(|job| (job.metadata.name.as_str(), &**job))
        .collect();
    let known: BTreeSet<&str> = listed.items.iter().map(|job| job.metadata.name.as_str()).collect();
    let mut pods_existing = 0;
    let mut removed = Vec::new();
    for alias in deps.cluster.build_clusters() {
        if config.prow.sinker.exclude_clusters.contains(&alias) {
            continue;
        }
        let api = match deps.cluster.pods(&alias) {
            Ok(api) => api,
            Err(error) => {
                pass.failed.push(format!("build cluster {alias}: {error}"));
                continue;
            }
        };
        let selector = LabelSelector::all().equal(labels::CREATED_BY_PROW, "true");
        let pods = match api.list(&selector).await {
            Ok(list) => list.items,
            Err(error) => {
                // One cluster that does not answer does not keep the others dirty.
                pass.failed.push(format!("pods of build cluster {alias}: {error}"));
                continue;
            }
        };
        pods_existing += pods.len();
        let mut cleaner = Cleaner { deps, alias: &alias, api: &*api, pass: &mut pass };
        cleaner.clean(&pods, &jobs, &known, ages(&config), &mut counts, &mut removed).await;
    }
    pass.pods = removed;
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    deps.metrics.jobs_existing.set(number(listed.items.len()));
    deps.metrics.pods_existing.set(number(pods_existing));
    deps.metrics.refusals.set(number(pass.refused.len()));
    deps.metrics.loop_duration.set(deps.clock.now().since(started).as_secs_f64());
    set(&deps.metrics.jobs_cleaned, &counts.jobs);
    set(&deps.metrics.job_errors, &counts.job_errors);
    set(&deps.metrics.pods_removed, &counts.pods);
    set(&deps.metrics.pod_errors, &counts.pod_errors);
    for sentence in pass.refused.iter().chain(&pass.failed) {
        tracing::error!("{sentence}");
    }
    Ok(pass)
}

#[derive(Default)]
struct Counts {
    jobs: BTreeMap<String, i64>,
    job_errors: BTreeMap<String, i64>,
    pods: BTreeMap<String, i64>,
    pod_errors: BTreeMap<String, i64>,
}

fn count(counts: &mut BTreeMap<String, i64>, reason: &str) {
    *counts.entry(reason.to_owned()).or_default() += 1;
}

fn ages(config: &Config) -> Ages {
    let sinker = &config.prow.sinker;
    Ages {
        prow_job: sinker.max_prowjob_age().as_std(),
        pod: sinker.max_pod_age().as_std(),
        terminated_pod: sinker.terminated_pod_ttl().as_std(),
    }
}

/// What must be true still when an object goes: that it is the one that was judged.
fn exactly(uid: &str, version: Option<&String>) -> DeleteOptions {
    let uid = Some(uid.to_owned()).filter(|uid| !uid.is_empty());
    let precondition = Precondition { uid, resource_version: version.cloned() };
    DeleteOptions { precondition, ..DeleteOptions::default() }
}

/// Whether a failed deletion is none: the object is gone, or changed and is judged anew.
fn is_settled(error: &ClusterError) -> bool {
    error.is_not_found() || error.is_conflict()
}

async fn remove_jobs(
    deps: &Deps,
    config: &Config,
    jobs: &[Arc<ProwJob>],
    pass: &mut Pass,
    counts: &mut Counts,
) {
    let periodics: BTreeSet<&str> =
        config.jobs.periodics.iter().map(|periodic| periodic.base.name.as_str()).collect();
    let doomed = old_jobs(jobs, &periodics, ages(config), deps.clock.now());
    let refusal = mass_deletion("ProwJobs", doomed.len(), jobs.len());
    if let Some(refusal) = deps.refused.still("ProwJobs", refusal, deps.clock.now())
        && !deps.allow_mass_deletion
    {
        pass.refused.push(refusal);
        return;
    }
    let by_name: BTreeMap<&str, &Arc<ProwJob>> =
        jobs.iter().map(|job| (job.metadata.name.as_str(), job)).collect();
    let doomed: Vec<(&Arc<ProwJob>, Reason)> = doomed
        .iter()
        .filter_map(|(name, reason)| Some((*by_name.get(name.as_str())?, *reason)))
        .collect();
    for batch in doomed.chunks(HISTORY_BATCH) {
        if deps.dry_run {
            for (job, reason) in batch {
                tracing::info!(
                    prowjob = job.metadata.name,
                    reason = reason.as_str(),
                    "would go (--dry-run)"
                );
            }
            continue;
        }
        // After this the history is all that is left of the runs, so it comes first.
        let rows = batch.iter().map(|(job, _)| history::row(job, config)).collect();
        if let Err(error) = deps.runs.upsert(rows).await {
            pass.failed.push(format!("no ProwJob goes that the history lacks: {error}"));
            count(&mut counts.job_errors, "history");
            return;
        }
        for (job, reason) in batch {
            let name = &job.metadata.name;
            let options = exactly(&job.metadata.uid, job.metadata.resource_version.as_ref());
            match deps.cluster.prow_jobs().delete(name, &options).await {
                Ok(()) => {
                    count(&mut counts.jobs, reason.as_str());
                    pass.jobs.push((name.clone(), *reason));
                }
                Err(error) if is_settled(&error) => {}
                Err(error) => {
                    count(&mut counts.job_errors, error.kind());
                    pass.failed.push(format!("ProwJob {name} could not be removed: {error}"));
                }
            }
        }
    }
}

/// Cleans one build cluster.
struct Cleaner<'a> {
    deps: &'a Deps,
    alias: &'a str,
    api: &'a dyn PodApi,
    pass: &'a mut Pass,
}

impl Cleaner<'_> {
    async fn clean(
        &mut self,
        pods: &[Arc<Pod>],
        jobs: &BTreeMap<&str, &ProwJob>,
        known: &BTreeSet<&str>,
        ages: Ages,
        counts: &mut Counts,
        removed: &mut Vec<(String, String, Reason)>,
    ) {
        let now = self.deps.clock.now();
        let mut verdicts = old_pods(pods, jobs, ages, now);
        // What went a moment ago is no orphan of this pass.
        let just_gone = |verdict: &PodVerdict| {
            verdict.delete == Some(Reason::Orphaned) && known.contains(verdict.job.as_str())
        };
        verdicts.retain(|verdict| !just_gone(verdict));
        let mut refusals = Vec::new();
        refusals.extend(empty_list(known.len(), pods.len()));
        let doomed = verdicts.iter().filter(|verdict| verdict.delete.is_some()).count();
        let kind = format!("pods of build cluster {}", self.alias);
        let many = mass_deletion(&kind, doomed, pods.len());
        refusals.extend(self.deps.refused.still(&kind, many, now));
        if !refusals.is_empty() && !self.deps.allow_mass_deletion {
            self.pass.refused.append(&mut refusals);
            return;
        }
        let by_name: BTreeMap<&str, &Arc<Pod>> =
            pods.iter().map(|pod| (pod.metadata.name.as_str(), pod)).collect();
        for verdict in verdicts {
            let Some(pod) = by_name.get(verdict.name.as_str()) else { continue };
            match self.carry_out(pod, &verdict).await {
                Ok(Some(reason)) => {
                    count(&mut counts.pods, reason.as_str());
                    removed.push((self.alias.to_owned(), verdict.name, reason));
                }
                Ok(None) => {}
                Err(error) if is_settled(&error) => {}
                Err(error) => {
                    count(&mut counts.pod_errors, error.kind());
                    let what = format!("pod {} of build cluster {}", verdict.name, self.alias);
                    self.pass.failed.push(format!("{what} could not be removed: {error}"));
                }
            }
        }
    }

    async fn carry_out(
        &self,
        pod: &Pod,
        verdict: &PodVerdict,
    ) -> Result<Option<Reason>, ClusterError> {
        if verdict.delete == Some(Reason::Orphaned) {
            // The list may be older than the ProwJob.
            match self.deps.cluster.prow_jobs().get(&verdict.job).await {
                Ok(_) => return Ok(None),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        if self.deps.dry_run {
            tracing::info!(pod = verdict.name, cluster = self.alias, "would go (--dry-run)");
            return Ok(None);
        }
        let mut version = pod.metadata.resource_version.clone();
        if verdict.strip_finalizer {
            let patch = without_reporter_finalizer(pod);
            let stripped = self.api.patch_merge(&verdict.name, &patch, version.as_deref()).await?;
            version.clone_from(&stripped.metadata.resource_version);
        }
        let Some(reason) = verdict.delete else { return Ok(None) };
        let options = exactly(&pod.metadata.uid, version.as_ref());
        self.api.delete(&verdict.name, &options).await?;
        Ok(Some(reason))
    }
}
