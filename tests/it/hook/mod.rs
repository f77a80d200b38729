//! Webhooks of a stateful GitHub through hook, plank, a cluster of real processes, and crier.

mod in_repo;
mod walk;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use job_spec::ProwJob;
use parking_lot::Mutex;
use server::components::{crier, hook, plank};
use tests::world::{BOT, ORG, REPO, SECRET, SOON, Setup, World};

/// A World whose components are cranked by hand: hook, then plank and crier.
pub(crate) struct Installation {
    world: World,
    delivered: Mutex<BTreeSet<u64>>,
}

impl Deref for Installation {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Installation {
    /// With this configuration and these files in the repository.
    pub(crate) async fn new(prow: &str, jobs: &str, files: &[(&str, &str)]) -> Installation {
        let world = Setup::default().prow(prow).jobs(jobs).files(files).by_hand().start().await;
        world.github.hold_deliveries(true);
        world.github.add_hook(&world.url("/hook"), SECRET);
        Installation { world, delivered: Mutex::default() }
    }

    /// Delivers what GitHub has to say and handles it.
    pub(crate) async fn hear(&self) {
        for delivery in self.github.deliveries() {
            if self.delivered.lock().insert(delivery.id) {
                assert_eq!(self.github.deliver(delivery.id).await, Some(200));
            }
        }
        hook::sync_once(&self.process.deps.hook).await.expect("handled");
        let store = self.process.web.store.as_ref().expect("a store");
        let counts = store.deliveries().counts().await.expect("counts");
        assert_eq!((counts.pending, counts.failed), (0, 0), "{:?}", self.log().await);
    }

    async fn log(&self) -> Vec<String> {
        let log = self.journal().await;
        log.into_iter().map(|line| format!("{}: {}", line.event, line.note)).collect()
    }

    /// Lets everything that was started run to its end and be reported.
    pub(crate) async fn settle(&self) {
        let settled = async {
            loop {
                self.crank().await;
                if self.runs().await.iter().all(|run| run.complete()) {
                    return;
                }
                // The pods are processes of this machine; their end is all that is waited for.
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(SOON, settled).await;
        assert!(in_time.is_ok(), "runs did not end: {:?}", self.outline().await);
        self.crank().await;
    }

    /// One pass of plank and crier.
    pub(crate) async fn crank(&self) {
        plank::sync_once(&self.process.deps.plank).await.expect("plank");
        crier::sync_once(&self.process.deps.crier).await.expect("crier");
    }

    pub(crate) async fn runs(&self) -> Vec<Arc<ProwJob>> {
        self.prow_jobs().await
    }

    /// Jobs with their states, sorted.
    pub(crate) async fn outline(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .runs()
            .await
            .iter()
            .map(|run| format!("{} {}", run.spec.job, run.status.state))
            .collect();
        lines.sort();
        lines
    }

    /// The bot's comments on a pull request.
    pub(crate) fn answers(&self, number: u64) -> Vec<String> {
        let comments = self.github.comments(ORG, REPO, number).into_iter();
        comments.filter(|comment| comment.user.login == BOT).map(|comment| comment.body).collect()
    }
}
