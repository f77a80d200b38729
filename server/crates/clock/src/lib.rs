//! The clock: the one place of the program that reads the wall clock and waits for time to pass.
//!
//! Everything that needs "now" or a delay takes a [`SharedClock`], so that tests can stop time and
//! crank it by hand (`SettableClock`, under feature `fake`) and never sleep.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use go_compat::time::Timestamp;

#[cfg(any(test, feature = "fake"))]
mod settable;

#[cfg(any(test, feature = "fake"))]
pub use settable::SettableClock;

/// What tells the time and waits.
pub trait Clock: Send + Sync {
    /// The moment that the wall clock shows.
    fn now(&self) -> Timestamp;

    /// Completes once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A clock as components hold it.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock; sleeping needs a tokio runtime with its timer on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's clock as components hold it.
    pub fn shared() -> SharedClock {
        Arc::new(SystemClock)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Timestamp {
        // A clock set before 1970 reads as 1970: nothing here can mend it.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_shows_a_year_in_which_this_code_exists() {
        assert!(SystemClock.now().civil().year >= 2026);
    }

    #[tokio::test]
    async fn a_system_sleep_of_nothing_completes() {
        SystemClock::shared().sleep(Duration::ZERO).await;
    }
}
