//! A clock for tests: it stands still until it is told to move.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use go_compat::time::Timestamp;
use parking_lot::Mutex;

use crate::{Clock, SharedClock};

/// A clock that shows what it was last set to. Clones show the same time.
///
/// Sleepers wake when the clock reaches their deadline by [`advance`](SettableClock::advance) or
/// [`set`](SettableClock::set); [`sleepers`](SettableClock::sleepers) tells a test that the code
/// under test has arrived at its wait.
#[derive(Clone, Debug)]
pub struct SettableClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    next_id: u64,
    sleepers: Vec<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    deadline: Timestamp,
    waker: Waker,
}

impl SettableClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> SettableClock {
        let state = State { now, next_id: 0, sleepers: Vec::new() };
        SettableClock { state: Arc::new(Mutex::new(state)) }
    }

    /// The same clock as components hold it.
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }

    /// Moves the clock to `now`, also backwards, and wakes every sleeper whose deadline has come.
    pub fn set(&self, now: Timestamp) {
        let due = {
            let mut state = self.state.lock();
            state.now = now;
            let (due, waiting) =
                std::mem::take(&mut state.sleepers).into_iter().partition(|s| s.deadline <= now);
            state.sleepers = waiting;
            due
        };
        wake_in_order(due);
    }

    /// Moves the clock forward and wakes every sleeper whose deadline has come, earliest first.
    pub fn advance(&self, duration: Duration) {
        let now = self.now();
        self.set(now.saturating_add(duration));
    }

    /// How many sleeps are waiting for the clock to move.
    pub fn sleepers(&self) -> usize {
        self.state.lock().sleepers.len()
    }

    /// The earliest moment that somebody sleeps for.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.state.lock().sleepers.iter().map(|s| s.deadline).min()
    }
}

/// Wakers run outside the lock: they may poll at once and ask the clock for the time.
fn wake_in_order(mut due: Vec<Sleeper>) {
    due.sort_by_key(|s| (s.deadline, s.id));
    for sleeper in due {
        sleeper.waker.wake();
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        self.state.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock();
        let id = state.next_id;
        state.next_id += 1;
        // Counted in whole milliseconds, rounded up: a sleep never ends early.
        let millis = duration.as_nanos().div_ceil(1_000_000);
        let millis = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        let deadline = state.now.saturating_add(millis);
        Sleep { state: self.state.clone(), id, deadline }.boxed()
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    id: u64,
    deadline: Timestamp,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.now >= self.deadline {
            return Poll::Ready(());
        }
        match state.sleepers.iter_mut().find(|s| s.id == self.id) {
            Some(sleeper) => sleeper.waker.clone_from(cx.waker()),
            None => state.sleepers.push(Sleeper {
                id: self.id,
                deadline: self.deadline,
                waker: cx.waker().clone(),
            }),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    /// A sleep that lost a race must not be counted as waiting.
    fn drop(&mut self) {
        self.state.lock().sleepers.retain(|s| s.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::{ArcWake, waker};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts wake-ups, so that a test can poll by hand and needs no runtime.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl ArcWake for Count {
        fn wake_by_ref(this: &Arc<Self>) {
            this.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    const START: Timestamp = Timestamp::from_seconds(1_795_219_200);

    fn poll(future: &mut BoxFuture<'static, ()>, count: &Arc<Count>) -> bool {
        future.as_mut().poll(&mut Context::from_waker(&waker(count.clone()))).is_ready()
    }

    #[test]
    fn a_sleeper_wakes_when_the_clock_reaches_its_deadline_and_not_before() {
        let clock = SettableClock::new(START);
        let count = Arc::new(Count::default());
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert!(!poll(&mut sleep, &count));
        assert_eq!(clock.sleepers(), 1);

        clock.advance(Duration::from_secs(9));
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        assert!(!poll(&mut sleep, &count));
        assert_eq!(clock.sleepers(), 1, "polling again does not count twice");

        clock.advance(Duration::from_secs(1));
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(poll(&mut sleep, &count));
        assert_eq!(clock.sleepers(), 0);
        assert_eq!(clock.now(), START.saturating_add(Duration::from_secs(10)));
    }

    #[test]
    fn a_dropped_sleep_is_no_longer_counted() {
        let clock = SettableClock::new(START);
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert!(!poll(&mut sleep, &Arc::default()));
        drop(sleep);
        assert_eq!(clock.sleepers(), 0);
        assert_eq!(clock.next_deadline(), None);
    }

    #[test]
    fn clones_and_shared_handles_show_one_time() {
        let clock = SettableClock::new(START);
        let shared = clock.shared();
        clock.clone().set(Timestamp::EPOCH);
        assert_eq!(shared.now(), Timestamp::EPOCH);
    }

    #[test]
    fn a_sleep_is_measured_from_when_it_was_asked_for() {
        let clock = SettableClock::new(START);
        let mut sleep = clock.sleep(Duration::from_nanos(1));
        assert!(!poll(&mut sleep, &Arc::default()), "a sleep never ends early");
        assert_eq!(clock.next_deadline(), Some(START.saturating_add(Duration::from_millis(1))));
        clock.advance(Duration::from_millis(1));
        assert!(poll(&mut sleep, &Arc::default()));
    }

    #[tokio::test]
    async fn tasks_wake_in_the_order_of_their_deadlines() {
        let clock = SettableClock::new(START);
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleep_then_note = |secs: u64| {
            let (clock, order) = (clock.clone(), order.clone());
            async move {
                clock.sleep(Duration::from_secs(secs)).await;
                order.lock().push(secs);
            }
        };
        let (late, early) = (sleep_then_note(2), sleep_then_note(1));
        let crank = async {
            while clock.sleepers() < 2 {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_secs(1));
            while order.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_secs(1));
        };
        futures::join!(late, early, crank);
        assert_eq!(*order.lock(), [1, 2]);
    }
}
