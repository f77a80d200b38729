//! Many ProwJobs. Time and memory of 22,000 are measured by `examples/load_22000.rs`.

use std::sync::Arc;

use clock::SystemClock;
use cluster::{Cluster, EmbeddedCluster, EmbeddedOptions, LabelSelector};
use serde_json::{Value, json};
use store::{ClusterRow, RowChange, RowKey, Store, StoreOptions};

const COUNT: usize = 1_500;

fn object(number: usize) -> Value {
    json!({
        "metadata": {
            "name": format!("{number:08x}-0000-11ee-8000-000000000000"),
            "namespace": "default",
            "labels": { "prow.k8s.io/job": format!("ci-kubernetes-e2e-job-{}", number % 50) }
        },
        "spec": { "type": "periodic", "job": format!("ci-kubernetes-e2e-job-{}", number % 50) },
        "status": { "state": "success" }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_cluster_is_read_page_by_page_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    let rows = store.cluster_rows();
    let mut version = 0;
    for chunk in 0..COUNT / 500 {
        let changes = (chunk * 500..(chunk + 1) * 500).map(|number| {
            version += 1;
            let object = object(number);
            let key = RowKey {
                build_cluster: String::new(),
                kind: "ProwJob".to_string(),
                namespace: "default".to_string(),
                name: object["metadata"]["name"].as_str().unwrap().to_string(),
            };
            RowChange::Insert(ClusterRow { key, version, object: object.to_string() })
        });
        rows.write(changes.collect()).await.unwrap();
    }
    let options = EmbeddedOptions::new(folder.path(), Arc::new(SystemClock));
    let cluster = EmbeddedCluster::open(&store, options).await.unwrap();
    let jobs = cluster.prow_jobs();
    assert_eq!(jobs.list(&LabelSelector::all()).await.unwrap().items.len(), COUNT);
    let selector = LabelSelector::all().equal("prow.k8s.io/job", "ci-kubernetes-e2e-job-7");
    assert_eq!(jobs.list(&selector).await.unwrap().items.len(), 30);
    // One more write is as cheap as the first.
    let name = "00000000-0000-11ee-8000-000000000000";
    let patch = json!({ "status": { "state": "failure" } });
    let patched = jobs.patch_merge(name, &patch, None).await.unwrap();
    assert_eq!(patched.metadata.resource_version, Some((COUNT + 1).to_string()));
}
