//! Measures what the embedded cluster needs for 22,000 ProwJobs, as Kubernetes' own Prow holds:
//! time to load them from the store, memory, and the rate of patches by eight clients.
//!
//! ```text
//! cargo run --release -p cluster --example load_22000
//! ```

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::SystemClock;
use cluster::{Cluster, EmbeddedCluster, EmbeddedOptions, LabelSelector};
use serde_json::{Value, json};
use store::{ClusterRow, RowChange, RowKey, Store, StoreOptions};

const COUNT: usize = 22_000;

/// A ProwJob of about 6 kB, most of it the pod spec that all runs of its job share.
fn object(number: usize) -> Value {
    let job = format!("ci-kubernetes-e2e-job-{}", number % 600);
    let env: Vec<Value> = (0..40)
        .map(|n| json!({ "name": format!("SETTING_{n}"), "value": format!("value {n} of {job}") }))
        .collect();
    json!({
        "apiVersion": "prow.k8s.io/v1",
        "kind": "ProwJob",
        "metadata": {
            "name": name_of(number),
            "namespace": "default",
            "uid": format!("{number:032x}"),
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "labels": {
                "created-by-prow": "true", "prow.k8s.io/job": job, "prow.k8s.io/type": "periodic",
                "prow.k8s.io/context": job, "prow.k8s.io/build-id": format!("19{number:017}"),
                "prow.k8s.io/refs.org": "kubernetes", "prow.k8s.io/refs.repo": "kubernetes",
                "prow.k8s.io/refs.base_ref": "master"
            },
            "annotations": { "prow.k8s.io/job": job, "prow.k8s.io/context": job }
        },
        "spec": {
            "type": "periodic", "agent": "kubernetes", "cluster": "k8s-infra-prow-build",
            "namespace": "test-pods", "job": job, "report": true, "max_concurrency": 1,
            "extra_refs": [{
                "org": "kubernetes", "repo": "kubernetes", "base_ref": "master",
                "path_alias": "k8s.io/kubernetes"
            }],
            "pod_spec": { "containers": [{
                "name": "test", "image": "gcr.io/k8s-staging-test-infra/kubekins-e2e:v20261101",
                "command": ["runner.sh"], "args": ["./scripts/run.sh", job], "env": env,
                "resources": { "limits": { "cpu": "4", "memory": "8Gi" } }
            }] },
            "decoration_config": { "timeout": "2h0m0s", "grace_period": "15s" }
        },
        "status": {
            "startTime": "2026-11-20T10:00:00Z", "pendingTime": "2026-11-20T10:00:02Z",
            "completionTime": "2026-11-20T11:00:00Z", "state": "success",
            "description": "Job succeeded.", "pod_name": format!("{number:08x}"),
            "url": format!("https://prow.k8s.io/view/gs/kubernetes-ci-logs/logs/{job}/{number}"),
            "build_id": format!("19{number:017}"),
            "prev_report_states": { "gcsk8sreporter": "success", "github-reporter": "success" }
        }
    })
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreOptions::files(folder.path())).await?;
    fill(&store).await?;
    store.close().await;
    let store = Store::open(StoreOptions::files(folder.path())).await?;
    let before = resident_mb();
    let started = Instant::now();
    let options = EmbeddedOptions::new(folder.path(), Arc::new(SystemClock));
    let cluster = EmbeddedCluster::open(&store, options).await?;
    let loaded = started.elapsed();
    let jobs = cluster.prow_jobs();
    let count = jobs.list(&LabelSelector::all()).await?.items.len();
    let memory = resident_mb().saturating_sub(before);

    let started = Instant::now();
    let mut clients = Vec::new();
    for client in 0..8 {
        let jobs = jobs.clone();
        clients.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            for number in (client..4_000).step_by(8) {
                let name = name_of(number);
                let patch = json!({ "status": { "state": "failure", "build_id": "1" } });
                let before = Instant::now();
                jobs.patch_merge(&name, &patch, None).await?;
                latencies.push(before.elapsed());
            }
            Ok::<Vec<Duration>, cluster::ClusterError>(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for client in clients {
        latencies.append(&mut client.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    latencies.sort();
    writeln!(
        std::io::stdout(),
        "{count} ProwJobs loaded in {:.2} s, {memory} MB more resident; {} patches by 8 clients: \
         {:.0}/s, p99 {:.1} ms",
        loaded.as_secs_f64(),
        latencies.len(),
        latencies.len() as f64 / elapsed,
        latencies[latencies.len() * 99 / 100].as_secs_f64() * 1_000.0,
    )?;
    Ok(())
}

async fn fill(store: &Store) -> Result<(), Box<dyn Error>> {
    let rows = store.cluster_rows();
    let mut version = 0;
    for chunk in 0..COUNT / 500 {
        let changes = (chunk * 500..(chunk + 1) * 500).map(|number| {
            version += 1;
            let key = RowKey {
                build_cluster: String::new(),
                kind: "ProwJob".to_string(),
                namespace: "default".to_string(),
                name: name_of(number),
            };
            RowChange::Insert(ClusterRow { key, version, object: object(number).to_string() })
        });
        rows.write(changes.collect()).await?;
    }
    Ok(())
}

fn name_of(number: usize) -> String {
    format!("{number:08x}-0000-11ee-8000-000000000000")
}
