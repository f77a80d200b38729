//! One delivery: which plugins get it, running them, and what became of it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use config_load::plugin_config::ExternalPlugin;
use forge::event::{Envelope, Event, GenericComment};
use futures::FutureExt;
use futures::future::join_all;
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use store::{AuditEntry, Claim, Delivery, StoreError};
use tokio::sync::Mutex as AsyncMutex;

use super::Deps;
use super::decide::{MAX_TRIES, Next, after_failure, order_key};
use super::record::{Outcome, Record};
use crate::components::work_queue::panic_text;
use crate::plugins::registry::Plugin;
use crate::plugins::{Agent, Cause, Failure, RetryClass};
use crate::references;

/// How long one plugin may take over one delivery.
const DEADLINE: Duration = Duration::from_secs(600);

/// What the index of references is called among the plugins.
const REFERENCES: &str = "references";

/// A delivery with its parsed event.
pub(super) struct Work {
    pub delivery: Delivery,
    pub event: Event,
    pub envelope: Envelope,
}

/// What became of looking at a delivery once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// It is marked in the journal.
    Finished,
    /// Something is to be tried again.
    Again(Timestamp),
}

impl Work {
    /// Reads and parses a delivery; one that cannot be is marked as failed (`None`).
    pub(super) async fn load(deps: &Deps, claim: Claim) -> Result<Option<Work>, StoreError> {
        let delivery = claim.delivery;
        let Some(body) = deps.deliveries.body(delivery.id).await? else {
            let note = "its body is no longer kept";
            deps.deliveries.mark_failed(delivery.id, deps.clock.now(), note).await?;
            return Ok(None);
        };
        let event = Event::parse(&delivery.event, &delivery.delivery_id, &body);
        match event.and_then(|event| Ok((event, Envelope::parse(&body)?))) {
            Ok((event, envelope)) => Ok(Some(Work { delivery, event, envelope })),
            Err(error) => {
                let note = format!("the body is not a {} event: {error}", delivery.event);
                deps.deliveries.mark_failed(delivery.id, deps.clock.now(), &note).await?;
                Ok(None)
            }
        }
    }

    /// The line it waits in.
    pub(super) fn order_key(&self) -> String {
        order_key(&self.event, &self.envelope)
    }

    /// What names its effects; see [`Cause::key`].
    fn cause_key(&self) -> String {
        let Delivery { event, body_sha256, replays, .. } = &self.delivery;
        match replays {
            0 => format!("{event}:{body_sha256}"),
            replays => format!("{event}:{body_sha256}:{replays}"),
        }
    }

    /// The plugins of this process that handle it.
    fn plugins(&self, deps: &Deps, comment: Option<&GenericComment>) -> Vec<&'static Plugin> {
        let (org, repo) = (self.envelope.org(), self.envelope.repo.name.as_str());
        if !deps.enablement.allows(org, repo) {
            return Vec::new();
        }
        let config = deps.config.plugins();
        let enabled = config.plugins_for(org, repo);
        deps.plugins
            .iter()
            .filter(|plugin| enabled.contains(&plugin.name))
            .filter(|plugin| plugin.handlers.handle(&self.event, comment))
            .collect()
    }

    /// The plugins of other processes that want it: those of the organisation and those of the
    /// repository.
    fn external(&self, deps: &Deps) -> Vec<ExternalPlugin> {
        let config = deps.config.plugins();
        config
            .external_plugins_for(self.envelope.org(), &self.envelope.repo.name)
            .into_iter()
            .filter(|plugin| {
                plugin.events.is_empty() || plugin.events.contains(&self.delivery.event)
            })
            .cloned()
            .collect()
    }

    /// Gives it to every plugin that is not settled and to the index of references, all at once, and
    /// marks it when all are.
    pub(super) async fn look(&self, deps: &Deps) -> Result<Looked, StoreError> {
        let now = deps.clock.now();
        let key = self.cause_key();
        if let Some(other) = deps.seen.other(&key, self.delivery.id) {
            let note = format!("the same event as delivery {}, from another webhook", other.0);
            deps.deliveries.mark_handled(self.delivery.id, now, &note).await?;
            return Ok(Looked::Finished);
        }
        let record = Record::load(&*deps.state, &self.delivery).await?;
        let comment = GenericComment::from_event(&self.event);
        let plugins = self.plugins(deps, comment.as_ref());
        let external = self.external(deps);
        let prow = deps.config.get();
        let real = |bucket: &str| prow.prow.deck.spyglass.resolve_bucket(bucket).to_owned();
        let named = references::change(&self.event, real);
        let keep = plugins.len() + external.len() + usize::from(named.is_some()) > 1;
        let body = match external.is_empty() {
            true => Bytes::new(),
            false => deps.deliveries.body(self.delivery.id).await?.unwrap_or_default(),
        };
        let shared = Shared { deps, work: self, record: AsyncMutex::new(record), keep };
        let own = plugins.into_iter().map(|plugin| {
            let (shared, comment, key) = (&shared, comment.as_ref(), &key);
            shared
                .settle(plugin.name.to_owned(), move |tries| {
                    shared.run(plugin, comment, key, tries)
                })
                .boxed()
        });
        let others = external.into_iter().map(|plugin| {
            let (shared, body) = (&shared, body.clone());
            let name = format!("external:{}", plugin.name);
            shared.settle(name, move |_| shared.post(plugin, body)).boxed()
        });
        let index = named.map(|change| {
            let shared = &shared;
            let written = move |_| async move {
                let applied = references::apply(&*deps.references, change, now).await;
                (Vec::new(), applied)
            };
            shared.settle(REFERENCES.to_owned(), written).boxed()
        });
        let mut again = None;
        for next in join_all(own.chain(others).chain(index)).await {
            again = match (again, next?) {
                (Some(a), Some(b)) => Some(std::cmp::min::<Timestamp>(a, b)),
                (a, b) => a.or(b),
            };
        }
        let mut record = shared.record.into_inner();
        match again {
            Some(at) => {
                record.save(&*deps.state, &self.delivery).await?;
                Ok(Looked::Again(at))
            }
            None => {
                self.finish(deps, &key, &record).await?;
                Ok(Looked::Finished)
            }
        }
    }

    async fn finish(&self, deps: &Deps, key: &str, record: &Record) -> Result<(), StoreError> {
        let (id, now) = (self.delivery.id, deps.clock.now());
        match record.failures() {
            Some(note) => deps.deliveries.mark_failed(id, now, &note).await?,
            None => {
                deps.deliveries.mark_handled(id, now, &record.effects()).await?;
                deps.seen.remember(key, id);
            }
        }
        record.forget(&*deps.state, &self.delivery).await
    }

    /// Whom and what the event is about, for people: `org/repo#7`.
    fn target(&self) -> String {
        self.order_key()
    }
}

/// What the plugins of one delivery share.
struct Shared<'a> {
    deps: &'a Deps,
    work: &'a Work,
    record: AsyncMutex<Record>,
    /// Whether each settled plugin is written down at once, because others are not.
    keep: bool,
}

impl Shared<'_> {
    /// Runs one plugin once, unless it is settled, and writes down what became of it. The answer
    /// is when to try again.
    async fn settle<F, Fut>(
        &self,
        name: String,
        attempt: F,
    ) -> Result<Option<Timestamp>, StoreError>
    where
        F: FnOnce(u32) -> Fut,
        Fut: Future<Output = (Vec<String>, anyhow::Result<()>)>,
    {
        let before = self.record.lock().await.plugins.get(&name).cloned().unwrap_or_default();
        if before.settled {
            return Ok(None);
        }
        let limit = self.deps.clock.sleep(DEADLINE);
        let caught = AssertUnwindSafe(attempt(before.tries)).catch_unwind();
        let (effects, result) = tokio::select! {
            ended = caught => ended.unwrap_or_else(|panic| {
                let text = format!("the plugin panicked: {}", panic_text(&*panic));
                (Vec::new(), Err(RetryClass(Failure::Panic, text).into()))
            }),
            () = limit => {
                let text = format!("the plugin took longer than {} s", DEADLINE.as_secs());
                (Vec::new(), Err(anyhow::anyhow!(text)))
            }
        };
        let mut outcome = Outcome { tries: before.tries + 1, ..before };
        outcome.effects.extend(effects);
        let mut again = None;
        match result {
            Ok(()) => (outcome.settled, outcome.error) = (true, None),
            Err(error) => {
                let now = self.deps.clock.now();
                let (next, counted) = after_failure(&Failure::of(&error), outcome.tries, now);
                outcome.tries -= u32::from(!counted);
                outcome.error = Some(format!("{error:#}"));
                tracing::warn!(
                    plugin = name,
                    delivery = self.work.delivery.id.0,
                    guid = self.work.delivery.delivery_id,
                    tries = outcome.tries,
                    "the plugin failed: {error:#}"
                );
                match next {
                    Next::Again(at) => again = Some(at),
                    Next::Park => outcome.settled = true,
                }
            }
        }
        if outcome.settled {
            self.audit(&name, &outcome).await;
        }
        let mut record = self.record.lock().await;
        record.plugins.insert(name, outcome);
        if self.keep {
            record.save(&*self.deps.state, &self.work.delivery).await?;
        }
        Ok(again)
    }

    /// Runs a plugin of this process.
    async fn run(
        &self,
        plugin: &Plugin,
        comment: Option<&GenericComment>,
        key: &str,
        tries: u32,
    ) -> (Vec<String>, anyhow::Result<()>) {
        let deps = self.deps;
        let agent = Agent {
            forge: deps.forge.clone(),
            prow_jobs: deps.prow_jobs.clone(),
            in_repo: deps.in_repo.clone(),
            config: deps.config.get(),
            plugin_config: deps.config.plugins(),
            clock: deps.clock.clone(),
            cause: Cause {
                guid: self.work.delivery.delivery_id.clone(),
                key: key.to_owned(),
                repeated: tries > 0 || self.work.delivery.attempts > 1,
                last_try: tries + 1 >= MAX_TRIES,
            },
            took_action: AtomicBool::new(false),
            effects: Mutex::default(),
        };
        let started = deps.clock.now();
        let result = plugin.handlers.run(&agent, &self.work.event, comment).await;
        let took = agent.took_action.load(Ordering::Relaxed).to_string();
        let labels = [&self.work.delivery.event, self.work.event.action(), plugin.name, &took];
        let seconds = deps.clock.now().since(started).as_secs_f64();
        deps.metrics.handle_duration.with_label_values(&labels).observe(seconds);
        if result.is_err() {
            deps.metrics.handle_errors.with_label_values(&labels).inc();
        }
        (agent.effects.into_inner(), result)
    }

    /// Hands the delivery to a plugin of another process.
    async fn post(&self, plugin: ExternalPlugin, body: Bytes) -> (Vec<String>, anyhow::Result<()>) {
        let delivery = &self.work.delivery;
        let result = self.deps.external.deliver(&plugin, &delivery.headers, body).await;
        let effects = if result.is_ok() { vec!["delivered".to_owned()] } else { Vec::new() };
        (effects, result)
    }

    /// Leaves a row for what a plugin did on somebody's behalf. A row that cannot be written is
    /// no reason to do it again.
    async fn audit(&self, plugin: &str, outcome: &Outcome) {
        if outcome.effects.is_empty() && outcome.error.is_none() {
            return;
        }
        let result = match &outcome.error {
            None => "done".to_owned(),
            Some(error) => format!("failed: {error}"),
        };
        let who = &self.work.envelope.sender.login;
        let entry = AuditEntry {
            at: self.deps.clock.now(),
            who: if who.is_empty() { "webhook".to_owned() } else { who.clone() },
            action: format!("plugin {plugin}"),
            target: self.work.target(),
            result,
            detail: format!("delivery {}: {}", self.work.delivery.id.0, outcome.effects.join(", ")),
        };
        if let Err(error) = self.deps.audit.record(entry).await {
            tracing::error!(plugin, "the audit row could not be written: {error}");
        }
    }
}

/// Works that are in the hands of the dispatcher, by their number.
pub(super) type Works = BTreeMap<store::DeliveryId, Arc<Work>>;
