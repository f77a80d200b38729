//! The loop: claim deliveries, keep those of one pull request in order, handle the rest at once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use go_compat::time::Timestamp;
use store::{DeliveryId, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::decide::Lines;
use super::deliver::{Looked, Work, Works};
use crate::components::work_queue::panic_text;

/// How many deliveries are held in memory, handled or waiting for one before them.
const MAX_HELD: usize = 128;
/// How many are handled at a time; most of that time is waiting for the code host.
const MAX_ACTIVE: usize = 16;
/// For how long deliveries are claimed. Claims are renewed at a third of it, so a process that
/// hangs loses them.
const LEASE: Duration = Duration::from_secs(300);
/// How long the loop waits at most without an arrival: for other processes' deliveries, and to
/// bring the backlog gauges up to date.
const POLL: Duration = Duration::from_secs(10);
/// How long the journal is left alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long a delivery is left alone after handling it failed for a reason of our own.
const FAULT_PAUSE: Duration = Duration::from_secs(60);

/// Handles deliveries until cancelled; then gives back what it holds.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    let deps = Arc::new(deps);
    let active = Arc::new(Semaphore::new(MAX_ACTIVE));
    let mut arrivals = deps.deliveries.arrivals();
    let mut lines = Lines::default();
    let mut works = Works::new();
    let mut running: JoinSet<(String, DeliveryId)> = JoinSet::new();
    let mut renewed = deps.clock.now();
    let mut look = true;
    let start = |running: &mut JoinSet<_>, work: Arc<Work>| {
        running.spawn(handle(deps.clone(), active.clone(), cancel.clone(), work));
    };
    while !cancel.is_cancelled() {
        let mut wait = POLL;
        if look && lines.held() < MAX_HELD {
            arrivals.borrow_and_update();
            match claim(&deps, MAX_HELD - lines.held()).await {
                Ok(claimed) => {
                    // A full hand means that there may be more.
                    look = claimed.full;
                    for work in claimed.works {
                        let work = Arc::new(work);
                        let id = work.delivery.id;
                        works.insert(id, work.clone());
                        if lines.join(&work.order_key(), id) {
                            start(&mut running, work);
                        }
                    }
                    gauge(&deps).await;
                    deps.heartbeat.pass();
                    if look && lines.held() < MAX_HELD {
                        continue;
                    }
                    wait = until_due(&deps).await;
                }
                Err(error) => {
                    deps.heartbeat.failed(&error);
                    tracing::error!("deliveries could not be claimed: {error}");
                    wait = STORE_PAUSE;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(ended) = running.join_next() => {
                // The handler catches panics, so a lost task means that the runtime stops.
                if let Ok((key, id)) = ended {
                    works.remove(&id);
                    if let Some(work) = lines.leave(&key).and_then(|next| works.get(&next)) {
                        start(&mut running, work.clone());
                    }
                }
            }
            _ = arrivals.changed() => look = true,
            () = deps.clock.sleep(wait) => look = true,
        }
        if deps.clock.now().since(renewed) >= LEASE / 3 {
            renewed = deps.clock.now();
            renew(&deps, works.keys()).await;
        }
    }
    while let Some(ended) = running.join_next().await {
        if let Ok((_, id)) = ended {
            works.remove(&id);
        }
    }
    for id in works.into_keys() {
        give_back(&deps, id, deps.clock.now(), "the process stopped before its turn").await;
    }
    Ok(())
}

/// Handles everything that is due, one after the other, and returns how many deliveries that
/// were. What is to be tried again goes back to the journal. For tests that crank by hand.
pub async fn sync_once(deps: &Deps) -> anyhow::Result<usize> {
    let mut count = 0;
    loop {
        let claimed = claim(deps, MAX_HELD).await?;
        if claimed.works.is_empty() && !claimed.full {
            return Ok(count);
        }
        for work in claimed.works {
            count += 1;
            if let Looked::Again(at) = work.look(deps).await? {
                deps.deliveries.retry_later(work.delivery.id, at, "a plugin failed").await?;
            }
        }
    }
}

struct Claimed {
    works: Vec<Work>,
    full: bool,
}

async fn claim(deps: &Deps, room: usize) -> Result<Claimed, StoreError> {
    let claims = deps.deliveries.next_pending(deps.clock.now(), LEASE, room).await?;
    let full = claims.len() == room;
    let mut works = Vec::with_capacity(claims.len());
    for claim in claims {
        let id = claim.delivery.id;
        match Work::load(deps, claim).await {
            Ok(work) => works.extend(work),
            // The claim runs out and the delivery comes again.
            Err(error) => tracing::error!(delivery = id.0, "could not be read: {error}"),
        }
    }
    Ok(Claimed { works, full })
}

/// Handles one delivery to its end, waiting between tries in its place of the line.
async fn handle(
    deps: Arc<Deps>,
    active: Arc<Semaphore>,
    cancel: CancellationToken,
    work: Arc<Work>,
) -> (String, DeliveryId) {
    let (key, id) = (work.order_key(), work.delivery.id);
    loop {
        let permit = tokio::select! {
            () = cancel.cancelled() => None,
            permit = active.acquire() => permit.ok(),
        };
        let Some(permit) = permit else {
            give_back(&deps, id, deps.clock.now(), "the process stopped before its turn").await;
            return (key, id);
        };
        let looked = AssertUnwindSafe(work.look(&deps)).catch_unwind().await;
        drop(permit);
        let at = match looked {
            Ok(Ok(Looked::Finished)) => return (key, id),
            Ok(Ok(Looked::Again(at))) => at,
            Ok(Err(error)) => {
                deps.heartbeat.failed(&error);
                tracing::error!(delivery = id.0, "what became of it was not recorded: {error}");
                deps.clock.now().saturating_add(STORE_PAUSE)
            }
            Err(panic) => {
                let text = format!("the dispatcher panicked: {}", panic_text(&*panic));
                tracing::error!(delivery = id.0, "{text}");
                let later = deps.clock.now().saturating_add(FAULT_PAUSE);
                give_back(&deps, id, later, &text).await;
                return (key, id);
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {
                give_back(&deps, id, at, "a plugin is to be tried again").await;
                return (key, id);
            }
            () = deps.clock.sleep(at.since(deps.clock.now())) => {}
        }
    }
}

async fn give_back(deps: &Deps, id: DeliveryId, at: Timestamp, note: &str) {
    if let Err(error) = deps.deliveries.retry_later(id, at, note).await {
        // Its claim runs out.
        tracing::warn!(delivery = id.0, "could not be given back: {error}");
    }
}

async fn renew(deps: &Deps, ids: impl Iterator<Item = &DeliveryId>) {
    let until = deps.clock.now().saturating_add(LEASE);
    for id in ids {
        if let Err(error) = deps.deliveries.renew(*id, until).await {
            tracing::warn!(delivery = id.0, "its claim could not be renewed: {error}");
        }
    }
}

/// How long until a delivery that waits in the journal may be handed out.
async fn until_due(deps: &Deps) -> Duration {
    match deps.deliveries.next_due().await {
        Ok(Some(at)) => at.since(deps.clock.now()).clamp(Duration::from_millis(10), POLL),
        _ => POLL,
    }
}

async fn gauge(deps: &Deps) {
    let Ok(counts) = deps.deliveries.counts().await else { return };
    let age = counts.oldest_pending.map(|at| deps.clock.now().since(at).as_secs());
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    deps.metrics.backlog.set(number(counts.pending));
    deps.metrics.parked.set(number(counts.failed));
    deps.metrics.backlog_age.set(number(age.unwrap_or_default()));
}
