//! Starts, watches, restarts and stops the components of one process.
//!
//! A component is a loop that should never end. When it ends with an error or
//! panics it is started again with backoff; the others go on. What each one
//! does, and what it last failed at, is what `/status`, `/healthz/ready` and
//! the metrics show.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use futures::FutureExt;
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::components::Heartbeat;
use crate::components::work_queue::panic_text;

/// The first pause before a failed component is started again.
const RESTART_FIRST: Duration = Duration::from_secs(1);
/// The longest pause; reached after a handful of failures in a row.
const RESTART_LONGEST: Duration = Duration::from_secs(60);
/// A component that ran this long starts with the first pause again.
const RESTART_FORGIVEN: Duration = Duration::from_secs(300);
/// How long a stopping process waits for its components.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Where a component stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its loop runs.
    Running,
    /// It failed and will be started again at the given time.
    Waiting(Timestamp),
    /// It ended because the process stops.
    Stopped,
}

/// What is known of one component.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    /// Prow's name of it: `plank`, `crier` …
    pub name: &'static str,
    /// Where it stands.
    pub phase: Phase,
    /// When its loop was last started.
    pub since: Timestamp,
    /// How often it was started again.
    pub restarts: u32,
    /// When it last finished a pass; `None` before the first.
    pub last_pass: Option<Timestamp>,
    /// Its last failure and when that was.
    pub last_error: Option<(Timestamp, String)>,
}

/// The component's own view: it reports passes and failures here.
#[derive(Clone)]
pub struct Pulse {
    name: &'static str,
    clock: SharedClock,
    board: Board,
}

type Board = Arc<Mutex<BTreeMap<&'static str, ComponentStatus>>>;

impl Heartbeat for Pulse {
    fn pass(&self) {
        let now = self.clock.now();
        if let Some(status) = self.board.lock().get_mut(self.name) {
            status.last_pass = Some(now);
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) {
        let now = self.clock.now();
        if let Some(status) = self.board.lock().get_mut(self.name) {
            status.last_error = Some((now, error.to_string()));
        }
    }
}

/// Runs the components of a process.
#[derive(Clone)]
pub struct Supervisor {
    clock: SharedClock,
    cancel: CancellationToken,
    tasks: TaskTracker,
    board: Board,
}

impl Supervisor {
    /// A supervisor without components.
    pub fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
            board: Board::default(),
        }
    }

    /// The token that tells everything to stop.
    pub fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a component. `start` is called again after each failure.
    pub fn spawn<F, Fut>(&self, name: &'static str, start: F)
    where
        F: Fn(Pulse, CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let pulse = Pulse { name, clock: self.clock.clone(), board: self.board.clone() };
        self.board.lock().insert(
            name,
            ComponentStatus {
                name,
                phase: Phase::Running,
                since: self.clock.now(),
                restarts: 0,
                last_pass: None,
                last_error: None,
            },
        );
        let (clock, cancel, board) = (self.clock.clone(), self.cancel.clone(), self.board.clone());
        self.tasks.spawn(async move {
            let mut pause = RESTART_FIRST;
            loop {
                let started = clock.now();
                let run = AssertUnwindSafe(start(pulse.clone(), cancel.clone())).catch_unwind();
                let failure = match run.await {
                    Ok(Ok(())) if cancel.is_cancelled() => break,
                    Ok(Ok(())) => "the loop ended by itself".to_owned(),
                    Ok(Err(error)) => format!("{error:#}"),
                    Err(panic) => format!("panicked: {}", panic_text(&*panic)),
                };
                if cancel.is_cancelled() {
                    break;
                }
                let now = clock.now();
                if now.since(started) >= RESTART_FORGIVEN {
                    pause = RESTART_FIRST;
                }
                tracing::error!(
                    component = name,
                    "component failed, starts again in {pause:?}: {failure}"
                );
                if let Some(status) = board.lock().get_mut(name) {
                    status.phase = Phase::Waiting(now.saturating_add(pause));
                    status.last_error = Some((now, failure));
                }
                tokio::select! {
                    () = clock.sleep(pause) => {}
                    () = cancel.cancelled() => break,
                }
                pause = (pause * 2).min(RESTART_LONGEST);
                if let Some(status) = board.lock().get_mut(name) {
                    status.phase = Phase::Running;
                    status.since = clock.now();
                    status.restarts += 1;
                }
            }
            if let Some(status) = board.lock().get_mut(name) {
                status.phase = Phase::Stopped;
            }
        });
    }

    /// All components, in the order of their names.
    pub fn status(&self) -> Vec<ComponentStatus> {
        self.board.lock().values().cloned().collect()
    }

    /// The components that do not run, for `/healthz/ready`.
    pub fn not_ready(&self) -> Vec<&'static str> {
        self.board
            .lock()
            .values()
            .filter(|status| status.phase != Phase::Running)
            .map(|status| status.name)
            .collect()
    }

    /// Asks every component to stop and waits for them, within a bound.
    /// Returns the names of those that did not end in time.
    pub async fn stop(&self) -> Vec<&'static str> {
        self.cancel.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(STOP_WITHIN, self.tasks.wait()).await;
        self.board
            .lock()
            .values()
            .filter(|status| status.phase != Phase::Stopped)
            .map(|status| status.name)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use clock::SettableClock;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_component_that_panics_is_started_again_and_says_why() {
        let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(1_000)));
        let supervisor = Supervisor::new(clock.clone());
        let (started, mut starts) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicU32::new(0));
        supervisor.spawn("plank", move |_, cancel| {
            let (started, nth) = (started.clone(), count.fetch_add(1, Ordering::SeqCst));
            async move {
                let _ = started.send(nth);
                assert_ne!(nth, 0, "first start");
                cancel.cancelled().await;
                Ok(())
            }
        });
        assert_eq!(starts.recv().await, Some(0));
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(supervisor.not_ready(), ["plank"]);
        clock.advance(RESTART_FIRST);
        assert_eq!(starts.recv().await, Some(1));
        assert!(supervisor.stop().await.is_empty());
        let status = &supervisor.status()[0];
        assert_eq!(status.phase, Phase::Stopped);
        assert!(status.last_error.as_ref().is_some_and(|(_, e)| e.contains("first start")));
    }
}
