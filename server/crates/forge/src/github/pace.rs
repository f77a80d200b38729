//! How fast one credential may write and read. Pure.
//!
//! GitHub's documented limits besides the hourly budget: at most 900 points a minute, where a
//! read is one point and a write five, and at most 80 requests a minute and 500 an hour that
//! create content others are notified of. Keeping below them is cheaper than being told.

use std::{collections::VecDeque, time::Duration};

use go_compat::time::Timestamp;

/// Points a minute.
const MAX_POINTS_PER_MINUTE: u32 = 900;

/// Content-creating requests a minute.
const MAX_CONTENT_PER_MINUTE: u32 = 80;

/// Content-creating requests an hour.
const MAX_CONTENT_PER_HOUR: u32 = 500;

/// What a read costs.
const READ_POINTS: u32 = 1;

/// What a write costs.
const WRITE_POINTS: u32 = 5;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A request's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Changes nothing.
    Read,
    /// Changes something nobody is notified of: labels, statuses.
    Write,
    /// Writes a text people are notified of: comments.
    Content,
}

/// Prow's `--github-hourly-tokens` and `--github-allowed-burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Requests an hour.
    pub hourly_tokens: u32,
    /// Requests at once.
    pub allowed_burst: u32,
}

/// What one credential did lately.
#[derive(Debug)]
pub(crate) struct Pace {
    points: Window,
    content_minute: Window,
    content_hour: Window,
    bucket: Option<Bucket>,
}

impl Pace {
    pub(crate) fn new(throttle: Option<Throttle>) -> Pace {
        Pace {
            points: Window::new(MINUTE, MAX_POINTS_PER_MINUTE),
            content_minute: Window::new(MINUTE, MAX_CONTENT_PER_MINUTE),
            content_hour: Window::new(HOUR, MAX_CONTENT_PER_HOUR),
            bucket: throttle.map(Bucket::new),
        }
    }

    /// When a request of this weight may go; not after `now` if it may go at once.
    pub(crate) fn ready_at(&mut self, now: Timestamp, weight: Weight) -> Timestamp {
        let mut at = self.points.ready_at(now, points(weight));
        if weight == Weight::Content {
            at = at.max(self.content_minute.ready_at(now, 1));
            at = at.max(self.content_hour.ready_at(now, 1));
        }
        if let Some(bucket) = &mut self.bucket {
            at = at.max(bucket.ready_at(now));
        }
        at
    }

    /// Counts a request that goes now.
    pub(crate) fn take(&mut self, now: Timestamp, weight: Weight) {
        self.points.take(now, points(weight));
        if weight == Weight::Content {
            self.content_minute.take(now, 1);
            self.content_hour.take(now, 1);
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.tokens -= 1.0;
        }
    }

    /// Gives back the token of a request that cost nothing: a 304.
    pub(crate) fn refund(&mut self) {
        if let Some(bucket) = &mut self.bucket {
            bucket.tokens = (bucket.tokens + 1.0).min(bucket.burst);
        }
    }
}

fn points(weight: Weight) -> u32 {
    if weight == Weight::Read { READ_POINTS } else { WRITE_POINTS }
}

/// At most `limit` within any span of this length.
#[derive(Debug)]
struct Window {
    span: Duration,
    limit: u32,
    used: u32,
    entries: VecDeque<(Timestamp, u32)>,
}

impl Window {
    fn new(span: Duration, limit: u32) -> Window {
        Window { span, limit, used: 0, entries: VecDeque::new() }
    }

    fn ready_at(&mut self, now: Timestamp, cost: u32) -> Timestamp {
        while let Some(&(at, cost)) = self.entries.front() {
            if at.saturating_add(self.span) > now {
                break;
            }
            self.used -= cost;
            self.entries.pop_front();
        }
        let mut excess = (self.used + cost).saturating_sub(self.limit);
        let mut ready = now;
        for &(at, cost) in &self.entries {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(cost);
            ready = at.saturating_add(self.span);
        }
        ready
    }

    fn take(&mut self, now: Timestamp, cost: u32) {
        self.used += cost;
        match self.entries.back_mut() {
            Some((at, sum)) if *at == now => *sum += cost,
            _ => self.entries.push_back((now, cost)),
        }
    }
}

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    per_milli: f64,
    burst: f64,
    tokens: f64,
    filled: Option<Timestamp>,
}

impl Bucket {
    fn new(throttle: Throttle) -> Bucket {
        let burst = f64::from(throttle.allowed_burst.max(1));
        Bucket {
            per_milli: f64::from(throttle.hourly_tokens.max(1)) / 3_600_000.0,
            burst,
            tokens: burst,
            filled: None,
        }
    }

    fn ready_at(&mut self, now: Timestamp) -> Timestamp {
        let passed = self.filled.map_or(Duration::ZERO, |filled| now.since(filled));
        self.filled = Some(now);
        self.tokens = (self.tokens + passed.as_millis() as f64 * self.per_milli).min(self.burst);
        let lacking = 1.0 - self.tokens;
        if lacking <= 0.0 {
            return now;
        }
        let millis = (lacking / self.per_milli).ceil();
        now.saturating_add(Duration::from_millis(millis as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_795_000_000)
    }

    /// Lets requests of this weight go as fast as the pace allows and gives their times.
    fn flood(pace: &mut Pace, from: Timestamp, weight: Weight, count: usize) -> Vec<Timestamp> {
        let mut now = from;
        (0..count)
            .map(|_| {
                now = now.max(pace.ready_at(now, weight));
                assert!(pace.ready_at(now, weight) <= now, "the promised time holds");
                pace.take(now, weight);
                now
            })
            .collect()
    }

    /// The most requests within any span of this length.
    fn densest(times: &[Timestamp], span: Duration) -> usize {
        times
            .iter()
            .map(|&from| {
                let end = from.saturating_add(span);
                times.iter().filter(|&&at| at >= from && at < end).count()
            })
            .max()
            .unwrap_or_default()
    }

    #[test]
    fn comments_keep_to_eighty_a_minute_and_five_hundred_an_hour() {
        let times = flood(&mut Pace::new(None), start(), Weight::Content, 1_200);
        assert_eq!(densest(&times, MINUTE), 80);
        assert_eq!(densest(&times, HOUR), 500);
    }

    #[test]
    fn reads_and_writes_keep_to_nine_hundred_points_a_minute() {
        let mut pace = Pace::new(None);
        let reads = flood(&mut pace, start(), Weight::Read, 2_000);
        assert_eq!(densest(&reads, MINUTE), 900);
        let writes = flood(&mut Pace::new(None), start(), Weight::Write, 500);
        assert_eq!(densest(&writes, MINUTE), 180);
    }

    #[test]
    fn a_day_of_ten_thousand_jobs_fits_without_a_long_wait() {
        // Three statuses and half a comment per job, spread evenly.
        let mut pace = Pace::new(None);
        let mut longest = Duration::ZERO;
        for job in 0..10_000_i64 {
            let now = Timestamp::from_millis(start().millis() + job * 8_640);
            for weight in [Weight::Write, Weight::Write, Weight::Write] {
                let at = pace.ready_at(now, weight);
                longest = longest.max(at.since(now));
                pace.take(at.max(now), weight);
            }
            if job % 2 == 0 {
                let at = pace.ready_at(now, Weight::Content);
                longest = longest.max(at.since(now));
                pace.take(at.max(now), Weight::Content);
            }
        }
        assert_eq!(longest, Duration::ZERO);
    }

    #[test]
    fn a_throttle_allows_its_burst_then_its_rate_and_takes_refunds() {
        let throttle = Throttle { hourly_tokens: 3_600, allowed_burst: 10 };
        let mut pace = Pace::new(Some(throttle));
        let times = flood(&mut pace, start(), Weight::Read, 20);
        assert_eq!(times[9], start());
        assert_eq!(times[19].since(start()), Duration::from_secs(10));
        assert!(pace.ready_at(times[19], Weight::Read) > times[19]);
        pace.refund();
        assert_eq!(pace.ready_at(times[19], Weight::Read), times[19]);
    }
}
