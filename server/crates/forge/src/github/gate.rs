//! Lets requests of one credential through, or holds them back together.
//!
//! When GitHub says that a credential is over a limit, every call of that credential waits and
//! none is sent to be refused; calls of other credentials, as those of other organizations'
//! App installations, go on. After a secondary limit the first request goes alone, and the
//! others follow once it came back.

use std::{collections::HashMap, sync::Arc, time::Duration};

use clock::SharedClock;
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::{
    auth::Identity,
    pace::{Pace, Throttle, Weight},
};

/// Requests of one credential under way at once; GitHub's documented limit.
const MAX_CONCURRENT: usize = 100;

/// The pause after a secondary limit that names no time; doubled each further time. GitHub asks
/// for at least a minute.
const SECONDARY_PAUSE: Duration = Duration::from_secs(60);

/// The longest such pause.
const MAX_SECONDARY_PAUSE: Duration = Duration::from_secs(3_600);

/// Budgets that GitHub counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    /// Everything but search.
    Core,
    /// Search, with its own small budget.
    Search,
}

/// All credentials' gates.
pub(crate) struct Gates {
    clock: SharedClock,
    throttle: Option<Throttle>,
    org_throttles: HashMap<String, Throttle>,
    gates: Mutex<HashMap<(Identity, Resource), Arc<Gate>>>,
}

impl Gates {
    pub(crate) fn new(
        clock: SharedClock,
        throttle: Option<Throttle>,
        org_throttles: HashMap<String, Throttle>,
    ) -> Gates {
        Gates { clock, throttle, org_throttles, gates: Mutex::new(HashMap::new()) }
    }

    /// The gate of a credential; made when first asked for.
    pub(crate) fn of(&self, identity: &Identity, resource: Resource) -> Arc<Gate> {
        let mut gates = self.gates.lock();
        gates
            .entry((identity.clone(), resource))
            .or_insert_with(|| {
                let throttle = match identity {
                    Identity::Installation(org) => self.org_throttles.get(org).copied(),
                    _ => None,
                };
                Arc::new(Gate {
                    clock: self.clock.clone(),
                    state: Mutex::new(State {
                        parked_until: Timestamp::EPOCH,
                        strikes: 0,
                        pace: Pace::new(throttle.or(self.throttle)),
                    }),
                    slots: Arc::new(Semaphore::new(MAX_CONCURRENT)),
                    probe: Arc::new(AsyncMutex::new(())),
                })
            })
            .clone()
    }
}

/// One credential's gate for one budget.
pub(crate) struct Gate {
    clock: SharedClock,
    state: Mutex<State>,
    slots: Arc<Semaphore>,
    probe: Arc<AsyncMutex<()>>,
}

struct State {
    /// Nothing goes before this.
    parked_until: Timestamp,
    /// Secondary limits since the last success.
    strikes: u32,
    pace: Pace,
}

/// The right to make one request; to be held until its answer is judged.
pub(crate) struct Pass {
    _slot: Option<OwnedSemaphorePermit>,
    _probe: Option<OwnedMutexGuard<()>>,
    /// How long the request waited for it.
    pub(crate) waited: Duration,
}

impl Gate {
    /// Waits for a pass. `Err` is the time from which one can be had, if that is later than
    /// `max_wait` from now.
    pub(crate) async fn enter(
        &self,
        weight: Weight,
        max_wait: Duration,
    ) -> Result<Pass, Timestamp> {
        let begin = self.clock.now();
        let latest = begin.saturating_add(max_wait);
        let slot = self.slots.clone().acquire_owned().await.ok();
        loop {
            let probe = if self.state.lock().strikes > 0 {
                Some(self.probe.clone().lock_owned().await)
            } else {
                None
            };
            let now = self.clock.now();
            let until = {
                let mut state = self.state.lock();
                if state.strikes == 0 || probe.is_some() {
                    let until = state.parked_until.max(state.pace.ready_at(now, weight));
                    if until <= now {
                        state.pace.take(now, weight);
                        let waited = now.since(begin);
                        return Ok(Pass { _slot: slot, _probe: probe, waited });
                    }
                    until
                } else {
                    // A limit was met between the two looks: line up behind the probe.
                    continue;
                }
            };
            if until > latest {
                return Err(until);
            }
            self.clock.sleep(until.since(now)).await;
        }
    }

    /// GitHub says that the credential is over a limit, for this long if it says so. Gives the
    /// time until which nothing goes.
    pub(crate) fn park(&self, pause: Option<Duration>) -> Timestamp {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let pause = pause.unwrap_or_else(|| {
            SECONDARY_PAUSE
                .saturating_mul(2u32.saturating_pow(state.strikes))
                .min(MAX_SECONDARY_PAUSE)
        });
        state.strikes = state.strikes.saturating_add(1);
        state.parked_until = state.parked_until.max(now.saturating_add(pause));
        state.parked_until
    }

    /// The budget is spent with an answer that was still good: nothing goes for this long.
    pub(crate) fn hold(&self, pause: Duration) {
        let until = self.clock.now().saturating_add(pause);
        let mut state = self.state.lock();
        state.parked_until = state.parked_until.max(until);
    }

    /// A request was answered without meeting a limit.
    pub(crate) fn passed(&self, free: bool) {
        let mut state = self.state.lock();
        state.strikes = 0;
        if free {
            state.pace.refund();
        }
    }
}
