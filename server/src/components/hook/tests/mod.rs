//! Hook over a real journal, with plugins that do what the test says.

mod external;
mod journal;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clock::{SettableClock, SharedClock};
use forge::event::{GenericComment, PullRequestEvent, PushEvent};
use futures::FutureExt;
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use prometheus::Registry;
use store::{Appended, DeliveryId, DeliveryStatus, NewDelivery, Store, StoreOptions};

use super::*;
use crate::components::NoHeartbeat;
use crate::components::fakes::{self, FakeCluster};
use crate::plugins::fakes::{FakeForge, NoOwn};
use crate::plugins::help::PluginHelp;
use crate::plugins::registry::Handlers;
use crate::plugins::{Agent, Failure, RetryClass};

const NOW: i64 = 1_700_000_000;

/// What the plugin `probe` is to do with an event, by a word in its text: `panic`, `fail`,
/// `never`, `limit`; anything else is fine. `fail:2` fails twice.
async fn probe(agent: &Agent, text: &str) -> anyhow::Result<()> {
    let (word, times) = text.split_once(':').unwrap_or((text, "99"));
    let tries = TRIES.with(|tries| tries.fetch_add(1, Ordering::SeqCst));
    let fails = tries < times.parse().unwrap_or(99);
    LOG.with(|log| log.lock().push(format!("{text} {}", agent.cause.repeated)));
    match word {
        "panic" if fails => panic!("poisoned"),
        "fail" if fails => anyhow::bail!("not now"),
        "never" if fails => {
            Err(RetryClass(Failure::Permanent, "no repetition helps".to_owned()).into())
        }
        "limit" if fails => {
            let until = Timestamp::from_seconds(NOW + 3_000);
            Err(RetryClass(Failure::Until(until), "the limit is spent".to_owned()).into())
        }
        _ => {
            agent.did(format!("saw {text}"));
            Ok(())
        }
    }
}

// A current-thread runtime runs all of a test on one thread, so each test has its own.
thread_local! {
    static LOG: Mutex<Vec<String>> = const { Mutex::new(Vec::new()) };
    static TRIES: AtomicU32 = const { AtomicU32::new(0) };
}

fn log() -> Vec<String> {
    LOG.with(|log| log.lock().clone())
}

fn no_help(_: &config_load::PluginConfig, _: &[String]) -> PluginHelp {
    PluginHelp::default()
}

/// The plugins of the tests: `probe` acts on the title of a pull request and on the compare link
/// of a push, `steady` never fails.
static PROBES: &[Plugin] = &[
    Plugin {
        name: "trigger",
        help: no_help,
        handlers: Handlers {
            pull_request: Some(|agent, event: &PullRequestEvent| {
                async move { probe(agent, &event.pull_request.title).await }.boxed()
            }),
            push: Some(|agent, event: &PushEvent| {
                async move { probe(agent, &event.compare).await }.boxed()
            }),
            ..Handlers::NONE
        },
    },
    Plugin {
        name: "hold",
        help: no_help,
        handlers: Handlers {
            pull_request: Some(|agent, event: &PullRequestEvent| {
                let text = format!("steady {}", event.pull_request.title);
                async move {
                    LOG.with(|log| log.lock().push(text));
                    agent.did("stood by");
                    Ok(())
                }
                .boxed()
            }),
            generic_comment: Some(|_, _: &GenericComment| async { Ok(()) }.boxed()),
            ..Handlers::NONE
        },
    },
];

struct World {
    deps: Deps,
    store: Store,
    clock: Arc<SettableClock>,
    _dir: tempfile::TempDir,
}

async fn world(plugins: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(NOW)));
    let shared: SharedClock = clock.clone();
    let store = Store::open(StoreOptions::files(dir.path())).await.unwrap();
    let cluster = FakeCluster::new(&shared);
    let deps = Deps {
        deliveries: store.deliveries(),
        state: store.state(),
        audit: store.audit(),
        references: store.references(),
        forge: FakeForge::new(),
        prow_jobs: cluster.jobs.clone(),
        in_repo: Arc::new(NoOwn),
        config: fakes::config("", "", plugins),
        enablement: Enablement::default(),
        plugins: PROBES,
        external: External::new().unwrap(),
        seen: Arc::default(),
        clock: shared,
        metrics: Metrics::new(&Registry::new()).unwrap(),
        heartbeat: Arc::new(NoHeartbeat),
    };
    World { deps, store, clock, _dir: dir }
}

impl World {
    async fn deliver(&self, guid: &str, event: &str, body: &str) -> DeliveryId {
        let delivery = NewDelivery {
            delivery_id: guid.to_owned(),
            event: event.to_owned(),
            repository: "org/repo".to_owned(),
            headers: vec![
                ("X-GitHub-Event".to_owned(), event.to_owned()),
                ("X-GitHub-Delivery".to_owned(), guid.to_owned()),
                ("X-Hub-Signature-256".to_owned(), "sha256=abc".to_owned()),
                ("Host".to_owned(), "hook.example".to_owned()),
            ],
            body: body.to_owned().into(),
            received: self.deps.clock.now(),
        };
        match self.store.deliveries().append(delivery).await.unwrap() {
            Appended::New(id) => id,
            Appended::Duplicate { id, .. } => id,
        }
    }

    /// A pull request event whose title tells the probe what to do.
    async fn pull(&self, guid: &str, number: u64, title: &str) -> DeliveryId {
        let body = serde_json::json!({
            "action": "opened",
            "sender": {"login": "ana"},
            "pull_request": {"number": number, "title": title},
            "repository": {"name": "repo", "owner": {"login": "org"}},
        });
        self.deliver(guid, "pull_request", &body.to_string()).await
    }

    async fn status(&self, id: DeliveryId) -> (DeliveryStatus, String) {
        let delivery = self.store.deliveries().get(id).await.unwrap().unwrap();
        (delivery.status, delivery.note)
    }

    async fn records(&self) -> usize {
        self.store.state().list("hook/").await.unwrap().len()
    }
}

const ONE: &str = "plugins: {org/repo: {plugins: [trigger]}}\n";
const BOTH: &str = "plugins: {org/repo: {plugins: [trigger, hold]}}\n";
