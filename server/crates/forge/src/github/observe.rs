//! What the client tells about itself, for metrics and the status page.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use go_compat::time::Timestamp;

/// Where an answer came from, in ghproxy's words (`ghcache_responses{mode}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheMode {
    /// From GitHub; nothing was kept.
    Miss,
    /// From GitHub; what was kept is out of date.
    Changed,
    /// Kept, and confirmed by GitHub at no cost.
    Revalidated,
    /// A write, which is never kept.
    Skip,
    /// No good answer.
    Error,
}

impl CacheMode {
    /// The mode as ghproxy labels it.
    pub fn label(self) -> &'static str {
        match self {
            CacheMode::Miss => "MISS",
            CacheMode::Changed => "CHANGED",
            CacheMode::Revalidated => "REVALIDATED",
            CacheMode::Skip => "SKIP",
            CacheMode::Error => "ERROR",
        }
    }
}

/// One HTTP exchange.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// `GET`, `POST` …
    pub method: &'a str,
    /// The path with placeholders, as `/repos/:owner/:repo/pulls/:number`; few enough for a label.
    pub route: &'static str,
    /// The status; `None` if no answer came.
    pub status: Option<u16>,
    /// Where the answer came from.
    pub cache: CacheMode,
    /// Whose budget it used: `anonymous`, `token`, `app` or an organization.
    pub identity: &'a str,
    /// How long it took.
    pub time: Duration,
}

/// Receives what happens; every method does nothing unless implemented. It must not block.
pub trait Observer: Send + Sync {
    /// An exchange ended.
    fn exchanged(&self, exchange: &Exchange<'_>) {
        let _ = exchange;
    }

    /// A request waited for a limit, or a call for its next try.
    fn waited(&self, identity: &str, time: Duration) {
        let _ = (identity, time);
    }

    /// GitHub told what is left of a budget (`core`, `search` …) and when it is full again.
    fn budget(&self, identity: &str, resource: &str, remaining: u64, reset: Timestamp) {
        let _ = (identity, resource, remaining, reset);
    }
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

/// An observer that counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Exchanges, the free ones included.
    pub requests: AtomicU64,
    /// Exchanges that cost nothing of the budget.
    pub revalidated: AtomicU64,
    /// Exchanges that brought no answer or a status of 400 and more.
    pub errors: AtomicU64,
    /// Milliseconds waited for limits and next tries.
    pub waited_millis: AtomicU64,
}

impl Observer for Counters {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if exchange.cache == CacheMode::Revalidated {
            self.revalidated.fetch_add(1, Ordering::Relaxed);
        }
        if exchange.cache == CacheMode::Error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waited(&self, _identity: &str, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.waited_millis.fetch_add(millis, Ordering::Relaxed);
    }
}
