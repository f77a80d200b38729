//! Crier over a cluster, a code host and buckets of its own.

mod blob;
mod comment;
mod engine;
mod github;

use std::sync::Arc;

use ::blob::{BlobConfig, Blobs};
use clock::{SettableClock, SharedClock};
use go_compat::time::Timestamp;
use job_spec::{JobType, ProwJob, ProwJobState, Pull, Refs, labels};
use prometheus::Registry;
use store::{Store, StoreOptions};

use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster};
use crate::plugins::fakes::FakeForge;

const NOW: i64 = 1_700_000_000;
const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";

/// A presubmit of pull request 5 in `org/repo`.
fn run(name: &str, state: ProwJobState) -> ProwJob {
    let mut run = ProwJob::default();
    run.metadata.name = format!("run-{name}");
    run.metadata.labels = [
        (labels::ORG, "org"),
        (labels::REPO, "repo"),
        (labels::PULL, "5"),
        (labels::IS_OPTIONAL, "false"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    run.spec.job = name.to_owned();
    run.spec.job_type = JobType::Presubmit;
    run.spec.report = true;
    run.spec.context = name.to_owned();
    run.spec.rerun_command = format!("/test {name}");
    run.spec.refs = Some(Refs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        base_ref: "main".to_owned(),
        base_sha: BASE.to_owned(),
        pulls: vec![Pull {
            number: 5,
            author: "ana".to_owned(),
            sha: HEAD.to_owned(),
            ..Pull::default()
        }],
        ..Refs::default()
    });
    run.status.start_time = Some(Timestamp::from_seconds(NOW - 60));
    if state.is_terminal() {
        run.status.completion_time = Some(Timestamp::from_seconds(NOW - 1));
    }
    run.status.description = format!("Job is {state}.");
    run.status.url = format!("https://prow.example/view/{name}");
    run.status.state = state;
    run
}

struct World {
    deps: Deps,
    cluster: Arc<FakeCluster>,
    forge: Arc<FakeForge>,
    blobs: Blobs,
    store: Store,
    clock: Arc<SettableClock>,
    dir: tempfile::TempDir,
}

async fn world(prow: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(NOW)));
    let shared: SharedClock = clock.clone();
    let cluster = FakeCluster::new(&shared);
    let store = Store::open(StoreOptions::files(dir.path())).await.unwrap();
    let forge = FakeForge::new();
    let local_root = Some(dir.path().join("blobs"));
    let blobs = Blobs::new(BlobConfig { local_root, ..BlobConfig::default() });
    let config = fakes::config(prow, "", "");
    let deps = Deps {
        cluster: cluster.clone(),
        reporters: reporters(
            Some(forge.clone()),
            Some(blobs.clone()),
            cluster.jobs.clone(),
            &config,
        ),
        enablement: Enablement::default(),
        runs: store.runs(),
        config,
        clock: shared,
        metrics: Metrics::new(&Registry::new()).unwrap(),
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, cluster, forge, blobs, store, clock, dir }
}

impl World {
    fn put(&self, run: ProwJob) {
        self.cluster.jobs.put(run);
    }

    async fn sync(&self) {
        sync_once(&self.deps).await.unwrap();
    }
}
