//! What plank knows: the ProwJobs and pods as the watches tell them, with our own writes on top.
//!
//! A watch lags behind. What we wrote ourselves is put in here from the answer to the write, and
//! an older version that a watch delivers later is ignored. So a limit is never decided from a
//! picture in which the run that we have just started is missing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use go_compat::time::Timestamp;
use job_spec::prow_job::KUBERNETES_AGENT;
use job_spec::{ObjectMeta, Pod, ProwJob, ProwJobState};

use super::cluster_status::{ClusterStatus, Trouble};
use super::decide::{Admission, Capacity, admit, holds_slot, superseded};

/// What a build cluster says of a pod.
#[derive(Debug, Clone)]
pub(super) enum PodView {
    /// The pod, or that there is none.
    Known(Option<Arc<Pod>>),
    /// The cluster does not tell now; why.
    Unknown(String),
}

/// The state of one build cluster.
#[derive(Debug, Default)]
struct Pods {
    pods: BTreeMap<String, Arc<Pod>>,
    /// Why the list is not to be relied on; `None` if it is.
    trouble: Option<Trouble>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Index {
    jobs: BTreeMap<String, Arc<ProwJob>>,
    /// The names of jobs that are not complete.
    active: BTreeSet<String>,
    clusters: BTreeMap<String, Pods>,
    /// Jobs whose pod is being created.
    claims: HashSet<String>,
    /// Jobs that wait for a slot.
    waiting: BTreeSet<String>,
}

impl Index {
    pub(super) fn job(&self, name: &str) -> Option<Arc<ProwJob>> {
        self.jobs.get(name).cloned()
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Arc<ProwJob>> {
        self.jobs.values()
    }

    /// Takes a ProwJob in, unless a newer version of it is known.
    pub(super) fn apply_job(&mut self, job: Arc<ProwJob>) {
        let name = job.metadata.name.clone();
        if self.jobs.get(&name).is_some_and(|known| is_newer(&known.metadata, &job.metadata)) {
            return;
        }
        if job.complete() {
            self.active.remove(&name);
            self.waiting.remove(&name);
        } else {
            self.active.insert(name.clone());
        }
        self.jobs.insert(name, job);
    }

    pub(super) fn remove_job(&mut self, name: &str) {
        self.jobs.remove(name);
        self.active.remove(name);
        self.waiting.remove(name);
    }

    /// Replaces all ProwJobs by a list. What we wrote after the list was made stays.
    pub(super) fn replace_jobs(&mut self, jobs: Vec<Arc<ProwJob>>) {
        let listed: HashSet<String> = jobs.iter().map(|job| job.metadata.name.clone()).collect();
        let gone: Vec<String> =
            self.jobs.keys().filter(|name| !listed.contains(*name)).cloned().collect();
        for name in gone {
            self.remove_job(&name);
        }
        for job in jobs {
            self.apply_job(job);
        }
    }

    pub(super) fn pod(&self, cluster: &str, name: &str) -> PodView {
        let Some(pods) = self.clusters.get(cluster) else {
            return PodView::Unknown(format!("build cluster {cluster} has not answered yet"));
        };
        match &pods.trouble {
            Some(trouble) => PodView::Unknown(format!("build cluster {cluster}: {}", trouble.text)),
            None => PodView::Known(pods.pods.get(name).cloned()),
        }
    }

    /// Takes a pod in, unless a newer version of it is known.
    pub(super) fn apply_pod(&mut self, cluster: &str, pod: Arc<Pod>) {
        let pods = &mut self.clusters.entry(cluster.to_owned()).or_default().pods;
        let name = pod.metadata.name.clone();
        if pods.get(&name).is_some_and(|known| is_newer(&known.metadata, &pod.metadata)) {
            return;
        }
        pods.insert(name, pod);
    }

    /// Forgets a pod. `uid` keeps the news of an old pod's end from taking the new one along.
    pub(super) fn remove_pod(&mut self, cluster: &str, name: &str, uid: &str) {
        if let Some(pods) = self.clusters.get_mut(cluster)
            && pods.pods.get(name).is_some_and(|known| known.metadata.uid == uid)
        {
            pods.pods.remove(name);
        }
    }

    /// Replaces the pods of a cluster by a list.
    pub(super) fn replace_pods(&mut self, cluster: &str, list: Vec<Arc<Pod>>) {
        let pods = self.clusters.entry(cluster.to_owned()).or_default();
        pods.trouble = None;
        let listed: HashSet<&String> = list.iter().map(|pod| &pod.metadata.name).collect();
        pods.pods.retain(|name, _| listed.contains(name));
        for pod in list {
            self.apply_pod(cluster, pod);
        }
    }

    /// Notes whether a cluster can be relied on.
    pub(super) fn set_trouble(&mut self, cluster: &str, trouble: Option<Trouble>) {
        self.clusters.entry(cluster.to_owned()).or_default().trouble = trouble;
    }

    /// The state of each build cluster.
    pub(super) fn statuses(&self) -> BTreeMap<String, ClusterStatus> {
        let status = |pods: &Pods| {
            pods.trouble.as_ref().map_or(ClusterStatus::Reachable, |trouble| trouble.status)
        };
        self.clusters.iter().map(|(alias, pods)| (alias.clone(), status(pods))).collect()
    }

    /// The names of the jobs that are not complete, oldest first.
    pub(super) fn active(&self) -> Vec<String> {
        let mut jobs: Vec<&Arc<ProwJob>> =
            self.active.iter().filter_map(|name| self.jobs.get(name)).collect();
        jobs.sort_by_key(|job| (job.metadata.creation_timestamp, job.metadata.name.clone()));
        jobs.into_iter().map(|job| job.metadata.name.clone()).collect()
    }

    /// The names of all pods.
    pub(super) fn pod_names(&self) -> Vec<String> {
        self.clusters.values().flat_map(|pods| pods.pods.keys().cloned()).collect()
    }

    /// The names of the jobs that wait for a slot, oldest first, who wait no more.
    pub(super) fn take_waiting(&mut self) -> Vec<String> {
        let waiting = std::mem::take(&mut self.waiting);
        self.active().into_iter().filter(|name| waiting.contains(name)).collect()
    }

    /// The names of runs that a newer run of this job replaces.
    pub(super) fn superseded(&self, job: &ProwJob) -> Vec<String> {
        let same: Vec<&ProwJob> =
            self.active_jobs().filter(|other| other.spec.job == job.spec.job).collect();
        superseded(&same)
    }

    /// The jobs that are not complete and ours: other agents have limits of their own.
    fn active_jobs(&self) -> impl Iterator<Item = &ProwJob> + Clone {
        let jobs = self.active.iter().filter_map(|name| self.jobs.get(name)).map(|job| &**job);
        jobs.filter(|job| job.spec.agent == KUBERNETES_AGENT)
    }

    /// Asks for a slot and, if there is one, takes it at once: until [`Index::release`] it counts.
    pub(super) fn claim(
        &mut self,
        job: &ProwJob,
        capacity: Capacity<'_>,
        now: Timestamp,
    ) -> Admission {
        let taken = self.taken(now);
        // A complete job holds its slot as long as its pod lives, so it counts as well.
        let living = taken
            .iter()
            .filter(|name| !self.active.contains(*name))
            .filter_map(|name| self.jobs.get(name))
            .map(|job| &**job);
        let admission = admit(job, self.active_jobs().chain(living), &taken, capacity);
        let name = job.metadata.name.clone();
        match admission {
            Admission::Start => {
                self.waiting.remove(&name);
                self.claims.insert(name);
            }
            Admission::Wait { .. } => {
                self.waiting.insert(name);
            }
            Admission::Refuse { .. } => {}
        }
        admission
    }

    /// The slot is recorded by now, or not needed.
    pub(super) fn release(&mut self, name: &str) {
        self.claims.remove(name);
    }

    fn taken(&self, now: Timestamp) -> HashSet<String> {
        let mut taken = self.claims.clone();
        let pod_of = |job: &ProwJob| {
            let pods = self.clusters.get(job.cluster_alias())?;
            pods.pods.get(&job.metadata.name).map(|pod| &**pod)
        };
        let with_pod = self.clusters.values().flat_map(|pods| pods.pods.keys());
        let candidates: BTreeSet<&String> = self.active.iter().chain(with_pod).collect();
        for job in candidates.into_iter().filter_map(|name| self.jobs.get(name)) {
            if job.spec.agent == KUBERNETES_AGENT && holds_slot(job, pod_of(job), now) {
                taken.insert(job.metadata.name.clone());
            }
        }
        taken
    }

    /// Whether a triggered job waits for a slot.
    pub(super) fn waits(&self, job: &ProwJob) -> bool {
        job.status.state == ProwJobState::Triggered && self.waiting.contains(&job.metadata.name)
    }
}

/// Whether what is known is newer than what is told. Versions are numbers that grow, in the
/// embedded cluster as in Kubernetes; where they are not, what is told counts. Another uid is
/// another object.
fn is_newer(known: &ObjectMeta, told: &ObjectMeta) -> bool {
    let number = |meta: &ObjectMeta| meta.resource_version.as_ref()?.parse::<u64>().ok();
    match (number(known), number(told)) {
        (Some(known_version), Some(told_version)) => known_version > told_version,
        _ => false,
    }
}
