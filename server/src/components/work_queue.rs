//! A queue of names of objects that want a look, as controllers use it.
//!
//! A name waits at most once, whatever asks for it; a name that is being worked on is not handed
//! to a second worker but looked at again afterwards; a name may be asked for at a later time
//! (deadlines) or after a failure (backoff per name). Time comes from the clock handed in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a failed name waits: the first pause, doubled with each failure up to the longest.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The pause is never longer than this.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after so many failures in a row (1 = the first).
    #[must_use]
    pub fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// What a worker says about the name it was handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to do until somebody asks again.
    Done,
    /// Look again at this time, or earlier if somebody asks.
    At(Timestamp),
    /// Look again after the backoff of this name.
    Retry,
}

#[derive(Default)]
struct State {
    /// Ready to be handed out, first come first served.
    ready: BTreeMap<u64, String>,
    /// The place in `ready` of each name.
    place: HashMap<String, u64>,
    /// Names wanted later, by time.
    later: BTreeSet<(Timestamp, String)>,
    /// The time in `later` of each name.
    due: HashMap<String, Timestamp>,
    /// Names in a worker's hands.
    busy: HashSet<String>,
    /// Busy names that were asked for meanwhile.
    again: HashSet<String>,
    /// Failures in a row.
    failures: HashMap<String, u32>,
    /// The next place.
    next: u64,
}

impl State {
    fn add(&mut self, name: String) {
        if self.busy.contains(&name) {
            self.again.insert(name);
        } else if !self.place.contains_key(&name) {
            self.forget_time(&name);
            self.place.insert(name.clone(), self.next);
            self.ready.insert(self.next, name);
            self.next += 1;
        }
    }

    fn add_at(&mut self, name: String, at: Timestamp) {
        if self.place.contains_key(&name) || self.due.get(&name).is_some_and(|due| *due <= at) {
            return;
        }
        self.forget_time(&name);
        self.due.insert(name.clone(), at);
        self.later.insert((at, name));
    }

    fn forget_time(&mut self, name: &str) {
        if let Some(due) = self.due.remove(name) {
            self.later.remove(&(due, name.to_owned()));
        }
    }

    fn wake_due(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.later.first() {
            if *at > now {
                break;
            }
            if let Some((_, name)) = self.later.pop_first() {
                self.due.remove(&name);
                self.add(name);
            }
        }
    }

    fn take(&mut self) -> Option<String> {
        let (_, name) = self.ready.pop_first()?;
        self.place.remove(&name);
        self.busy.insert(name.clone());
        Some(name)
    }
}

/// The queue. Cheap to clone; all clones are one queue.
#[derive(Clone)]
pub struct WorkQueue {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    clock: SharedClock,
    backoff: Backoff,
}

impl WorkQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(clock: SharedClock, backoff: Backoff) -> Self {
        Self { state: Arc::default(), changed: Arc::default(), clock, backoff }
    }

    /// Asks for a look at `name` as soon as a worker is free.
    pub fn add(&self, name: impl Into<String>) {
        self.state.lock().add(name.into());
        self.changed.notify_one();
    }

    /// Asks for a look at `name` at `at`; an earlier wish for the same name stands.
    pub fn add_at(&self, name: impl Into<String>, at: Timestamp) {
        self.state.lock().add_at(name.into(), at);
        self.changed.notify_one();
    }

    /// How many names wait, ready or for later.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.state.lock();
        state.ready.len() + state.later.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A name that is ready now, marked as being worked on; [`WorkQueue::finish`] must follow.
    #[must_use]
    pub fn try_next(&self) -> Option<String> {
        let mut state = self.state.lock();
        state.wake_due(self.clock.now());
        state.take()
    }

    /// Waits for the next name.
    pub async fn next(&self) -> String {
        loop {
            let changed = self.changed.notified();
            if let Some(name) = self.try_next() {
                // Others may be ready too, and a permit wakes one worker only.
                self.changed.notify_one();
                return name;
            }
            let first = self.state.lock().later.first().map(|(at, _)| *at);
            match first {
                Some(at) => {
                    let pause = at.since(self.clock.now());
                    tokio::select! {
                        () = self.clock.sleep(pause) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Gives a name back with what is to happen to it.
    pub fn finish(&self, name: &str, outcome: Outcome) {
        let mut state = self.state.lock();
        state.busy.remove(name);
        let asked = state.again.remove(name);
        match outcome {
            Outcome::Done | Outcome::At(_) => {
                state.failures.remove(name);
                if let Outcome::At(at) = outcome {
                    state.add_at(name.to_owned(), at);
                }
                if asked {
                    state.add(name.to_owned());
                }
            }
            Outcome::Retry => {
                // A change meanwhile does not shorten the pause: the failure may be in the
                // service that the look needs, and a busy object would hammer it.
                let failures = state.failures.entry(name.to_owned()).or_default();
                *failures = failures.saturating_add(1);
                let at = self.clock.now().saturating_add(self.backoff.pause(*failures));
                state.add_at(name.to_owned(), at);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Works until cancelled, at most `workers` names at a time. A panicking handler is caught
    /// and counts as a failure of its name. Returns when all handlers have ended.
    pub async fn work<F, Fut>(&self, workers: usize, cancel: &CancellationToken, handle: F)
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Outcome>,
    {
        let guarded = |name: String| {
            let looked = std::panic::AssertUnwindSafe(handle(name.clone())).catch_unwind();
            async move {
                let outcome = looked.await.unwrap_or_else(|panic| {
                    tracing::error!(object = name, "the handler panicked: {}", panic_text(&*panic));
                    Outcome::Retry
                });
                (name, outcome)
            }
        };
        let mut running = FuturesUnordered::new();
        let finish = |(name, outcome): (String, Outcome)| self.finish(&name, outcome);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(ended) = running.next() => finish(ended),
                name = self.next(), if running.len() < workers => running.push(guarded(name)),
            }
        }
        while let Some(ended) = running.next().await {
            finish(ended);
        }
    }
}

/// What a caught panic said.
#[must_use]
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use clock::{Clock, SettableClock};

    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(5) };

    fn queue() -> (WorkQueue, Arc<SettableClock>) {
        let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(1_000)));
        (WorkQueue::new(clock.clone(), BACKOFF), clock)
    }

    #[test]
    fn a_name_waits_once_and_is_in_one_hand_only() {
        let (queue, _) = queue();
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assert_eq!(queue.try_next().as_deref(), Some("a"));
        queue.add("a");
        assert_eq!(queue.try_next().as_deref(), Some("b"));
        assert_eq!(queue.try_next(), None, "a is busy");
        queue.finish("a", Outcome::Done);
        assert_eq!(queue.try_next().as_deref(), Some("a"), "asked for while busy");
        queue.finish("a", Outcome::Done);
        queue.finish("b", Outcome::Done);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_deadline_comes_at_its_time_and_an_earlier_wish_wins() {
        let (queue, clock) = queue();
        let now = clock.now();
        queue.add_at("a", now.saturating_add(Duration::from_secs(10)));
        queue.add_at("a", now.saturating_add(Duration::from_secs(20)));
        assert_eq!(queue.try_next(), None);
        clock.advance(Duration::from_secs(10));
        assert_eq!(queue.try_next().as_deref(), Some("a"));
        queue.finish("a", Outcome::At(clock.now().saturating_add(Duration::from_secs(5))));
        queue.add("a");
        assert_eq!(queue.try_next().as_deref(), Some("a"));
        queue.finish("a", Outcome::Done);
        clock.advance(Duration::from_secs(60));
        assert_eq!(queue.try_next(), None, "being looked at early cancels the later time");
    }

    #[test]
    fn failures_wait_longer_each_time_up_to_the_longest_and_success_forgets() {
        let (queue, clock) = queue();
        queue.add("a");
        for pause in [1, 2, 4, 5, 5] {
            assert_eq!(queue.try_next().as_deref(), Some("a"));
            queue.finish("a", Outcome::Retry);
            clock.advance(Duration::from_secs(pause) - Duration::from_millis(1));
            assert_eq!(queue.try_next(), None, "{pause}");
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!(queue.try_next().as_deref(), Some("a"));
        queue.finish("a", Outcome::Done);
        assert_eq!(BACKOFF.pause(1), Duration::from_secs(1));
        assert_eq!(BACKOFF.pause(u32::MAX), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_panicking_handler_costs_only_its_own_name() {
        let (queue, clock) = queue();
        let cancel = CancellationToken::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        queue.add("bad");
        queue.add("good");
        let handle = |name: String| {
            let (seen, cancel, clock) = (seen.clone(), cancel.clone(), clock.clone());
            async move {
                let again = seen.lock().contains(&name);
                seen.lock().push(name.clone());
                assert!(name != "bad" || again, "poisoned");
                match name.as_str() {
                    "good" => clock.advance(Duration::from_secs(1)),
                    _ => cancel.cancel(),
                }
                Outcome::Done
            }
        };
        queue.work(1, &cancel, handle).await;
        assert_eq!(*seen.lock(), ["bad", "good", "bad"]);
    }
}
