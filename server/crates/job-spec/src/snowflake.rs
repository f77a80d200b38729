//! Build ids made without a counter service: Twitter's snowflake numbers, as Prow's plank makes them.

use std::sync::{Mutex, PoisonError};

/// Milliseconds since 1970 at which the numbers start.
const EPOCH_MS: i64 = 1_288_834_974_657;
/// Bits of the node number and of the number within a millisecond.
const NODE_BITS: u32 = 10;
const STEP_BITS: u32 = 12;
/// The node number that Prow always uses.
const NODE: i64 = 1;

/// Gives out build ids: 19 digits, growing with time, unique within one process.
#[derive(Debug, Default)]
pub struct BuildIds {
    // The last millisecond used and the last number within it.
    last: Mutex<(i64, i64)>,
}

impl BuildIds {
    /// A new series.
    pub fn new() -> BuildIds {
        BuildIds::default()
    }

    /// The next id at `now_ms` milliseconds since 1970. If the clock goes back, or more than 4096 ids are
    /// asked for within a millisecond, the ids run ahead of the clock rather than repeat.
    pub fn next(&self, now_ms: i64) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (last_ms, last_step) = *last;
        let now = (now_ms - EPOCH_MS).max(0);
        *last = if now > last_ms {
            (now, 0)
        } else if last_step + 1 < 1 << STEP_BITS {
            (last_ms, last_step + 1)
        } else {
            (last_ms + 1, 0)
        };
        let (ms, step) = *last;
        ((ms << (NODE_BITS + STEP_BITS)) | (NODE << STEP_BITS) | step).to_string()
    }
}

/// The moment, in milliseconds since 1970, at which a build id was made; None if it is not a snowflake.
/// Ids of a counter service are far smaller numbers.
pub fn made_at_ms(build_id: &str) -> Option<i64> {
    let number: i64 = build_id.parse().ok()?;
    let ms = number >> (NODE_BITS + STEP_BITS);
    (ms > 0).then(|| ms + EPOCH_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-21T00:00:00Z
    const NOW: i64 = 1_795_219_200_000;

    #[test]
    fn ids_are_nineteen_digits_and_grow() {
        let ids = BuildIds::new();
        let made: Vec<String> = (0..10_000).map(|i| ids.next(NOW + i / 5000)).collect();
        assert!(made.iter().all(|id| id.len() == 19), "{}", made[0]);
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_id_tells_its_time_and_node() {
        let id = BuildIds::new().next(NOW);
        assert_eq!(made_at_ms(&id), Some(NOW));
        assert_eq!(id.parse::<i64>().map(|n| (n >> 12) & 0x3ff), Ok(1));
        assert_eq!(made_at_ms("1234"), None);
        assert_eq!(made_at_ms("v1.2"), None);
    }

    #[test]
    fn a_clock_that_goes_back_repeats_nothing() {
        let ids = BuildIds::new();
        let first = ids.next(NOW);
        assert!(ids.next(NOW - 60_000) > first);
    }
}
