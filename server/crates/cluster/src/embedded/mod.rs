//! The embedded cluster: objects are rows of the store, watches are in this process, and the
//! containers of a Pod are local processes.
//!
//! It gives no isolation whatever: a container is a process of the server's user. Which jobs may
//! run here is decided by those who create ProwJobs and Pods, not here.

mod container;
mod environment;
mod history;
mod logs;
mod mounts;
mod plan;
mod pod_run;
mod runner;
mod status;
pub(crate) mod supervise;
mod table;
mod volumes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use clock::SharedClock;
use job_spec::{Interner, Pod, PodPhase, ProwJob};
use serde_json::Value;
use store::{ClusterRows, Store};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Api, ByteStream, Cluster, ClusterError, DeleteOptions, LabelSelector, Lease, ListResult,
    LogOptions, PodApi, Resource, WatchStream,
};
use plan::{Host, PodFolder};
use runner::{Lane, Runner};
use table::{Table, TableContext, TableKind, check_name};
use volumes::KeyedFiles;

/// The alias of the build cluster that is always there.
const DEFAULT_BUILD_CLUSTER: &str = "default";

/// Pods that run at once; more wait unscheduled. Two for each of two cores: most of a CI job's
/// time goes to waiting for the network and the disk.
pub const PARALLEL_PODS: usize = 4;

/// Changes of one kind that watches can resume from.
const WATCH_HISTORY: usize = 4_096;

/// Seconds between SIGTERM and SIGKILL where a Pod does not say, as in Kubernetes.
const DEFAULT_GRACE_SECONDS: u32 = 30;

/// How the embedded cluster is set up.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Folder for the Pods' files, and of `secrets/<name>/<key>` and `configmaps/<name>/<key>`.
    pub data_dir: PathBuf,
    /// The namespace of ProwJobs and leases.
    pub prowjob_namespace: String,
    /// The namespace of Pods.
    pub pod_namespace: String,
    /// Aliases of the build clusters; all of them are this machine. `default` is always there.
    pub build_clusters: Vec<String>,
    /// The `bowsprit` program: it watches over containers and is the utility images. Without it,
    /// containers are children of this process and end with it, and utility images are refused.
    pub exe: Option<PathBuf>,
    /// Variables for containers of the utility images, such as `BOWSPRIT_BLOBS`.
    pub utility_env: BTreeMap<String, String>,
    /// Pods that run at once, in all build clusters together.
    pub parallel_pods: usize,
    /// Changes of one kind that watches can resume from; older versions are gone.
    pub watch_history: usize,
    /// The clock.
    pub clock: SharedClock,
}

impl EmbeddedOptions {
    /// The usual options, with everything in namespace `default` and no program.
    pub fn new(data_dir: impl Into<PathBuf>, clock: SharedClock) -> EmbeddedOptions {
        EmbeddedOptions {
            data_dir: data_dir.into(),
            prowjob_namespace: "default".to_string(),
            pod_namespace: "default".to_string(),
            build_clusters: Vec::new(),
            exe: None,
            utility_env: BTreeMap::new(),
            parallel_pods: PARALLEL_PODS,
            watch_history: WATCH_HISTORY,
            clock,
        }
    }
}

/// A cluster without a cluster. Dropping it leaves containers with a supervisor running; the next
/// one over the same store and folder takes them up.
pub struct EmbeddedCluster {
    prow_jobs: Table<ProwJob>,
    leases: Table<Lease>,
    pods: BTreeMap<String, Arc<EmbeddedPods>>,
    places: usize,
    _runner: DropGuard,
}

impl EmbeddedCluster {
    /// Reads all objects, takes up the Pods that were running, and starts the waiting ones.
    pub async fn open(
        store: &Store,
        options: EmbeddedOptions,
    ) -> Result<EmbeddedCluster, ClusterError> {
        EmbeddedCluster::over(store.cluster_rows(), options).await
    }

    /// As [`EmbeddedCluster::open`], over any rows.
    pub async fn over(
        rows: Arc<dyn ClusterRows>,
        options: EmbeddedOptions,
    ) -> Result<EmbeddedCluster, ClusterError> {
        let data_dir = std::path::absolute(&options.data_dir).map_err(|error| {
            ClusterError::Unavailable(format!("`{}`: {error}", options.data_dir.display()))
        })?;
        check_data_dir(&data_dir)?;
        let context = TableContext {
            versions: Arc::new(AtomicI64::new(rows.highest_version().await?)),
            rows: rows.clone(),
            clock: options.clock.clone(),
            interner: Arc::new(Interner::new()),
            history: options.watch_history.max(1),
        };
        let prow_jobs = TableKind {
            build_cluster: String::new(),
            namespace: options.prowjob_namespace.clone(),
            admit: |_: &mut ProwJob| Ok(()),
            grace: |_| None,
        };
        let leases = TableKind {
            build_cluster: String::new(),
            namespace: options.prowjob_namespace.clone(),
            admit: |_: &mut Lease| Ok(()),
            grace: |_| None,
        };
        let prow_jobs = Table::open(&context, prow_jobs).await?;
        let leases = Table::open(&context, leases).await?;

        let mut aliases = options.build_clusters.clone();
        aliases.push(DEFAULT_BUILD_CLUSTER.to_string());
        // Pods of a build cluster that is no longer configured must still be found and collected.
        aliases.extend(rows.build_clusters(Pod::KIND).await?);
        aliases.sort();
        aliases.dedup();
        let mut lanes = Vec::new();
        for alias in aliases {
            let kind = TableKind {
                build_cluster: alias.clone(),
                namespace: options.pod_namespace.clone(),
                admit: admit_pod,
                grace: |pod: &Pod| Some(grace_seconds(pod)),
            };
            let table = Table::open(&context, kind).await?;
            let folder = pods_folder(&data_dir, &alias);
            lanes.push(Lane { alias, table, folder });
        }
        let pods = lanes
            .iter()
            .map(|lane| (lane.alias.clone(), Arc::new(EmbeddedPods { lane: lane.clone() })))
            .collect();
        let host = Host {
            exe: options.exe.clone(),
            utility_env: options.utility_env.clone(),
            files: KeyedFiles::new(&data_dir),
        };
        let stop = CancellationToken::new();
        let places = options.parallel_pods.max(1);
        let runner = Runner::new(host, places, options.clock.clone());
        for lane in lanes {
            tokio::spawn(stop.clone().run_until_cancelled_owned(runner.clone().follow(lane)));
        }
        Ok(EmbeddedCluster { prow_jobs, leases, pods, places, _runner: stop.drop_guard() })
    }
}

impl Cluster for EmbeddedCluster {
    fn prow_jobs(&self) -> Arc<dyn Api<ProwJob>> {
        Arc::new(self.prow_jobs.clone())
    }

    fn pods(&self, build_cluster: &str) -> Result<Arc<dyn PodApi>, ClusterError> {
        let alias = if build_cluster.is_empty() { DEFAULT_BUILD_CLUSTER } else { build_cluster };
        match self.pods.get(alias) {
            Some(pods) => Ok(pods.clone()),
            None => Err(ClusterError::UnknownBuildCluster {
                alias: alias.to_string(),
                known: self.build_clusters().join(", "),
            }),
        }
    }

    fn leases(&self) -> Arc<dyn Api<Lease>> {
        Arc::new(self.leases.clone())
    }

    fn build_clusters(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    fn places(&self) -> Option<usize> {
        Some(self.places)
    }
}

/// The Pods of one alias.
struct EmbeddedPods {
    lane: Lane,
}

#[async_trait]
impl Api<Pod> for EmbeddedPods {
    async fn create(&self, object: &Pod) -> Result<Arc<Pod>, ClusterError> {
        self.lane.table.create(object).await
    }

    async fn get(&self, name: &str) -> Result<Arc<Pod>, ClusterError> {
        self.lane.table.get(name).await
    }

    async fn list(&self, selector: &LabelSelector) -> Result<ListResult<Pod>, ClusterError> {
        self.lane.table.list(selector).await
    }

    async fn watch(
        &self,
        selector: &LabelSelector,
        from: &str,
    ) -> Result<WatchStream<Pod>, ClusterError> {
        self.lane.table.watch(selector, from).await
    }

    async fn patch_merge(
        &self,
        name: &str,
        patch: &Value,
        expected: Option<&str>,
    ) -> Result<Arc<Pod>, ClusterError> {
        self.lane.table.patch_merge(name, patch, expected).await
    }

    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.lane.table.delete(name, options).await
    }
}

#[async_trait]
impl PodApi for EmbeddedPods {
    async fn logs(
        &self,
        name: &str,
        container: &str,
        options: &LogOptions,
    ) -> Result<ByteStream, ClusterError> {
        let pod = self.lane.table.get(name).await?;
        let fields = pod.spec.fields();
        let container = match (container, fields.containers.as_slice()) {
            ("", [only]) => only.name.as_str(),
            ("", _) => {
                let names: Vec<&str> = fields.containers.iter().map(|c| c.name.as_str()).collect();
                return Err(ClusterError::Invalid(format!(
                    "Pod `{name}` has several containers, so one must be named: {}",
                    names.join(", ")
                )));
            }
            (named, _) => named,
        };
        let all = fields.containers.iter().chain(&fields.init_containers);
        if !all.into_iter().any(|known| known.name == container) {
            return Err(ClusterError::Invalid(format!(
                "Pod `{name}` has no container `{container}`"
            )));
        }
        let folder = PodFolder(self.lane.folder.join(name));
        logs::stream(
            folder.log(container),
            options.clone(),
            self.lane.table.clone(),
            name.to_string(),
            pod.metadata.uid.clone(),
            container.to_string(),
        )
        .await
    }
}

/// Where the Pods of a build cluster have their folders.
fn pods_folder(data_dir: &std::path::Path, alias: &str) -> PathBuf {
    if alias == DEFAULT_BUILD_CLUSTER {
        return data_dir.join("pods");
    }
    // Aliases are names of kubeconfig contexts and may hold anything.
    let safe: String = alias
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            other => format!("_{other:02x}"),
        })
        .collect();
    data_dir.join("build-clusters").join(safe).join("pods")
}

/// Paths of volumes are written into JSON options and shell scripts as they are.
fn check_data_dir(data_dir: &std::path::Path) -> Result<(), ClusterError> {
    match data_dir.to_str() {
        Some(text) if !text.contains(['"', '\\', '\'', '$', '`', '\n', '\t', ' ']) => Ok(()),
        _ => Err(ClusterError::Invalid(format!(
            "`{}` cannot be the data directory: jobs see its path in their scripts, so it must not \
             hold spaces, quotes, backslashes or `$`; choose another `--data-dir`",
            data_dir.display()
        ))),
    }
}

fn grace_seconds(pod: &Pod) -> u32 {
    let seconds = pod.spec.fields().termination_grace_period_seconds;
    seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(DEFAULT_GRACE_SECONDS)
}

/// Checks a new Pod as an API server does, and refuses what cannot be run faithfully here.
fn admit_pod(pod: &mut Pod) -> Result<(), ClusterError> {
    let fields = pod.spec.fields();
    let name = &pod.metadata.name;
    if fields.containers.is_empty() {
        return Err(ClusterError::Invalid(format!("Pod `{name}` has no containers")));
    }
    let mut names = std::collections::BTreeSet::new();
    for container in fields.containers.iter().chain(&fields.init_containers) {
        check_name("container", &container.name)?;
        if container.name.contains('.') || !names.insert(&container.name) {
            return Err(ClusterError::Invalid(format!(
                "Pod `{name}`: container name `{}` is used twice or holds a dot",
                container.name
            )));
        }
    }
    for volume in &fields.volumes {
        check_name("volume", &volume.name)?;
    }
    if fields.restart_policy != "Never" {
        let policy = match fields.restart_policy.as_str() {
            "" => "Always (the default)",
            named => named,
        };
        return Err(ClusterError::Invalid(format!(
            "Pod `{name}` has restartPolicy {policy}; the embedded cluster runs Pods once, so it \
             must be Never"
        )));
    }
    pod.status = job_spec::PodStatus { phase: PodPhase::Pending, ..Default::default() };
    Ok(())
}
