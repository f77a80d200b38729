//! Plank over a cluster in memory, whose pods do what the test says.

mod faults;
mod limits;
mod services;
mod walk;

use std::sync::Arc;

use clock::{SettableClock, SharedClock};
use go_compat::time::Timestamp;
use job_spec::{JobType, PodPhase, PodSpec, ProwJob, ProwJobState, Pull, Refs};
use serde_json::json;

use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster, until};

const NOW: i64 = 1_700_000_000;

struct World {
    deps: Deps,
    cluster: Arc<FakeCluster>,
    clock: Arc<SettableClock>,
}

fn world(prow: &str) -> World {
    world_with(prow, false)
}

/// `lingers`: a deleted pod stays in its grace period until it vanishes.
fn world_with(prow: &str, lingers: bool) -> World {
    let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(NOW)));
    let shared: SharedClock = clock.clone();
    let cluster = FakeCluster::with(&shared, &["default", "other"], lingers);
    let deps = Deps {
        cluster: cluster.clone(),
        config: fakes::config(prow, "", ""),
        trust: Trust::default(),
        build_ids: BuildIdSource::new(None).unwrap(),
        blobs: None,
        version: "v1".to_owned(),
        clock: shared,
        metrics: Metrics::default(),
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, cluster, clock }
}

fn run(name: &str) -> ProwJob {
    let mut run = ProwJob::default();
    run.metadata.name = name.to_owned();
    run.spec.job = "unit".to_owned();
    run.spec.agent = "kubernetes".to_owned();
    run.spec.job_type = JobType::Postsubmit;
    run.spec.pod_spec = Some(PodSpec::from_value(&json!({"containers": [{"image": "x"}]})));
    run.spec.refs = Some(Refs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        base_ref: "main".to_owned(),
        ..Refs::default()
    });
    run.status.start_time = Some(Timestamp::from_seconds(NOW));
    run.status.state = ProwJobState::Triggered;
    run
}

fn presubmit(name: &str, started: i64) -> ProwJob {
    let mut run = run(name);
    run.spec.job_type = JobType::Presubmit;
    let pull = Pull { number: 5, sha: format!("sha-{name}"), ..Pull::default() };
    run.spec.refs.as_mut().unwrap().pulls = vec![pull];
    run.status.start_time = Some(Timestamp::from_seconds(NOW + started));
    run
}

impl World {
    fn put(&self, run: ProwJob) {
        self.cluster.jobs.put(run);
    }

    async fn sync(&self) {
        sync_once(&self.deps).await.unwrap();
    }

    fn job(&self, name: &str) -> Arc<ProwJob> {
        self.cluster.jobs.one(name)
    }

    fn state(&self, name: &str) -> ProwJobState {
        self.job(name).status.state.clone()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Ends the pod of a run well.
    fn succeed(&self, name: &str) {
        self.cluster.phase(name, PodPhase::Succeeded);
    }

    fn pod_names(&self) -> Vec<String> {
        self.cluster.pods().all().iter().map(|pod| pod.metadata.name.clone()).collect()
    }
}
