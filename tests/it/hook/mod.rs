//! Webhooks of a stateful GitHub through hook, plank, a cluster of real processes, and crier.

mod in_repo;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clock::{SharedClock, SystemClock};
use cluster::{Cluster, EmbeddedCluster, EmbeddedOptions};
use config_load::{LiveConfig, LoadOptions};
use forge::{Auth, Forge, GitHub, GitHubOptions};
use git::RepoCache;
use job_spec::ProwJob;
use parking_lot::Mutex;
use server::components::enablement::Enablement;
use server::components::{NoHeartbeat, crier, hook, plank};
use server::plugins::registry;
use server::plugins::trigger::GitInRepo;
use store::{NewDelivery, Store, StoreOptions};
use tempfile::TempDir;
use tests::fake_github::FakeGitHub;

const ORG: &str = "org";
const REPO: &str = "repo";
const BOT: &str = "ci-robot";
const TOKEN: &str = "bot-token";
/// How long a real process of a test may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation: everything is real but GitHub.
pub(crate) struct Installation {
    pub(crate) github: FakeGitHub,
    pub(crate) store: Store,
    cluster: Arc<dyn Cluster>,
    hook: hook::Deps,
    plank: plank::Deps,
    crier: crier::Deps,
    journaled: Mutex<BTreeSet<u64>>,
    _dir: TempDir,
}

impl Installation {
    /// With this configuration and these files in the repository.
    pub(crate) async fn new(prow: &str, jobs: &str, files: &[(&str, &str)]) -> Installation {
        let clock: SharedClock = SystemClock::shared();
        let dir = tempfile::tempdir().expect("a folder");
        let github = FakeGitHub::start(clock.clone()).await;
        github.add_org(ORG, &[BOT, "member"]);
        github.add_user("stranger");
        github.add_token(TOKEN, BOT);
        github.add_repo(ORG, REPO, files).await;
        // Deliveries are handed over by the test, not by HTTP.
        github.hold_deliveries(true);
        github.add_hook("http://127.0.0.1:9/hook", "secret");

        let config = config(&dir, prow, jobs);
        let store = Store::open(StoreOptions::files(dir.path())).await.expect("a store");
        let options = EmbeddedOptions::new(dir.path(), clock.clone());
        let cluster: Arc<dyn Cluster> =
            Arc::new(EmbeddedCluster::open(&store, options).await.expect("a cluster"));
        std::fs::write(dir.path().join("token"), TOKEN).expect("a token file");
        let auth = Auth::TokenFile(dir.path().join("token"));
        let mut options = GitHubOptions::new(auth, clock.clone());
        options.endpoints = vec![github.url().to_owned()];
        options.host = github.host().to_owned();
        let forge: Arc<dyn Forge> = Arc::new(GitHub::new(options).expect("a client"));
        let metrics = server::metrics::Metrics::new().expect("metrics").registry;
        let heartbeat = Arc::new(NoHeartbeat);
        let mirrors = RepoCache::new(dir.path().join("mirrors"));
        Installation {
            hook: hook::Deps {
                deliveries: store.deliveries(),
                state: store.state(),
                audit: store.audit(),
                forge: forge.clone(),
                prow_jobs: cluster.prow_jobs(),
                in_repo: Arc::new(GitInRepo::new(mirrors)),
                config: config.clone(),
                enablement: Enablement::default(),
                plugins: registry::PLUGINS,
                external: hook::External::new().expect("a client"),
                seen: Arc::default(),
                clock: clock.clone(),
                metrics: hook::Metrics::new(&metrics).expect("metrics"),
                heartbeat: heartbeat.clone(),
            },
            plank: plank::Deps {
                cluster: cluster.clone(),
                config: config.clone(),
                trust: plank::Trust { embedded: true, ..plank::Trust::default() },
                build_ids: plank::BuildIdSource::new(None).expect("our own ids"),
                blobs: None,
                version: "test".to_owned(),
                clock: clock.clone(),
                metrics: plank::Metrics::new(&metrics).expect("metrics"),
                heartbeat: heartbeat.clone(),
            },
            crier: crier::Deps {
                cluster: cluster.clone(),
                reporters: crier::reporters(Some(forge), None, cluster.prow_jobs(), &config),
                enablement: Enablement::default(),
                runs: store.runs(),
                config,
                clock,
                metrics: crier::Metrics::new(&metrics).expect("metrics"),
                heartbeat,
            },
            github,
            store,
            cluster,
            journaled: Mutex::default(),
            _dir: dir,
        }
    }

    /// Journals what GitHub has to say and handles it.
    pub(crate) async fn hear(&self) {
        for delivery in self.github.deliveries() {
            if !self.journaled.lock().insert(delivery.id) {
                continue;
            }
            let new = NewDelivery {
                delivery_id: delivery.guid,
                event: delivery.event,
                repository: delivery.repository,
                headers: Vec::new(),
                body: delivery.body.into(),
                received: self.hook.clock.now(),
            };
            self.store.deliveries().append(new).await.expect("a journal");
        }
        hook::sync_once(&self.hook).await.expect("handled");
        let counts = self.store.deliveries().counts().await.expect("counts");
        assert_eq!((counts.pending, counts.failed), (0, 0), "{:?}", self.log().await);
    }

    async fn log(&self) -> Vec<String> {
        let filter = store::DeliveryFilter::default();
        let log = self.store.deliveries().list(&filter, 50).await.expect("a log");
        log.into_iter().map(|line| format!("{}: {}", line.event, line.note)).collect()
    }

    /// Lets everything that was started run to its end and be reported.
    pub(crate) async fn settle(&self) {
        let settled = async {
            loop {
                plank::sync_once(&self.plank).await.expect("plank");
                crier::sync_once(&self.crier).await.expect("crier");
                if self.runs().await.iter().all(|run| run.complete()) {
                    return;
                }
                // The pods are processes of this machine; their end is all that is waited for.
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, settled).await;
        assert!(in_time.is_ok(), "runs did not end: {:?}", self.outline().await);
        crier::sync_once(&self.crier).await.expect("crier");
    }

    pub(crate) async fn runs(&self) -> Vec<Arc<ProwJob>> {
        let all = cluster::LabelSelector::all();
        self.cluster.prow_jobs().list(&all).await.expect("a list").items
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

fn config(dir: &TempDir, prow: &str, jobs: &str) -> LiveConfig {
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let plugins = "plugins: {org/repo: {plugins: [trigger]}}\n";
    let options = LoadOptions::new(file("config.yaml", prow))
        .with_jobs(file("jobs.yaml", jobs))
        .with_plugins(file("plugins.yaml", plugins));
    let now = SystemClock::shared().now();
    let loaded = config_load::load(&options, now).expect("a configuration");
    let plugins = config_load::load_plugins(&options).expect("plugins");
    LiveConfig::new(loaded.config, plugins.plugins, Vec::new(), now)
}
