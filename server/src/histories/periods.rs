//! The runs of a history over time: what its charts draw, and the table beside them.

use app::model::HistoryPeriod;
use job_spec::ProwJobState;

use crate::runs::run::Run;

/// Lengths that a period may have, in days.
const LENGTHS: [i64; 5] = [1, 7, 30, 90, 365];
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// How many periods there are at most, about.
const MOST: i64 = 31;

/// How long a run took, in milliseconds, if it succeeded or failed: of the others the time says
/// nothing about the job.
pub fn judged_ms(run: &Run) -> Option<i64> {
    let judged = matches!(run.state, ProwJobState::Success | ProwJobState::Failure);
    let (started, ended) = (run.started.millis(), run.completed?.millis());
    (judged && started > 0 && ended >= started).then_some(ended - started)
}

/// The runs by day, or by several days if they span more than a month; the oldest period first, none
/// that is empty.
pub fn periods<'r>(runs: impl Iterator<Item = &'r Run> + Clone) -> Vec<HistoryPeriod> {
    let starts = || runs.clone().map(|run| run.started.millis()).filter(|ms| *ms > 0);
    let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Vec::new() };
    let days = (last - first) / DAY_MS;
    let length = LENGTHS.into_iter().find(|length| days / length < MOST).unwrap_or(days / MOST + 1);
    let length = length * DAY_MS;
    let mut periods: std::collections::BTreeMap<i64, (HistoryPeriod, Vec<i64>)> =
        Default::default();
    for run in runs.filter(|run| run.started.millis() > 0) {
        let start = run.started.millis().div_euclid(length) * length;
        let (period, took) = periods.entry(start).or_default();
        period.start_ms = start;
        match run.state {
            ProwJobState::Success => period.succeeded += 1,
            ProwJobState::Failure => period.failed += 1,
            _ => period.other += 1,
        }
        took.extend(judged_ms(run));
    }
    let finish = |(mut period, mut took): (HistoryPeriod, Vec<i64>)| {
        period.median_ms = median(&mut took);
        period
    };
    periods.into_values().map(finish).collect()
}

/// The middle of the values; of two middles the lower.
pub fn median(values: &mut [i64]) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// The rows of a page: of the builds up to `top`, the greatest `limit`, with the builds that the
/// older and the newer page begin with. The latter is empty for the latest page, as in Deck.
pub fn cut(
    below: &[u64],
    above: &[u64],
    limit: usize,
) -> (Vec<u64>, Option<String>, Option<String>) {
    let older = below.get(limit).map(u64::to_string);
    let newer = match (above.is_empty(), above.get(limit.saturating_sub(1))) {
        (true, _) => None,
        // Less than a page is newer.
        (false, None) => Some(String::new()),
        (false, Some(top)) => Some(top.to_string()),
    };
    (below.iter().copied().take(limit).collect(), older, newer)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use go_compat::Timestamp;
    use job_spec::ProwJob;

    use super::*;
    use crate::runs::run::Strings;

    fn run(started: &str, state: ProwJobState, seconds: i64) -> Run {
        let mut job = ProwJob::default();
        let started = Timestamp::parse_rfc3339(started).unwrap();
        job.status.start_time = Some(started);
        job.status.completion_time = Some(Timestamp::from_seconds(started.seconds() + seconds));
        job.status.state = state;
        Run::of(&Arc::new(job), None, &Strings::default())
    }

    #[test]
    fn pages_are_cut_as_deck_cuts_them() {
        let down = |from: u64, to: u64| (to..=from).rev().collect::<Vec<u64>>();
        let up = |from: u64, to: u64| (from..=to).collect::<Vec<u64>>();
        assert_eq!(cut(&[27, 9, 3, 1], &[81], 20), (vec![27, 9, 3, 1], None, Some(String::new())));
        let (rows, older, newer) = cut(&down(23, 1), &up(24, 25), 20);
        assert_eq!((rows, older.as_deref(), newer.as_deref()), (down(23, 4), Some("3"), Some("")));
        let (rows, older, newer) = cut(&down(79, 1), &up(80, 119), 40);
        assert_eq!(
            (rows, older.as_deref(), newer.as_deref()),
            (down(79, 40), Some("39"), Some("119"))
        );
        assert_eq!(cut(&down(119, 1), &[], 40).2, None, "nothing is newer than the latest");
        assert_eq!(cut(&[], &[], 20), (Vec::new(), None, None));
    }

    #[test]
    fn periods_are_days_or_longer_and_judge_what_succeeded_or_failed() {
        use ProwJobState::{Aborted, Failure, Success};
        let runs = [
            run("2026-11-21T05:00:00Z", Success, 60),
            run("2026-11-21T04:00:00Z", Failure, 30),
            run("2026-11-21T03:00:00Z", Aborted, 9_000),
            run("2026-11-19T23:59:59Z", Success, 90),
        ];
        let days = periods(runs.iter());
        assert_eq!(days.len(), 2, "no period is empty");
        assert_eq!((days[0].succeeded, days[0].median_ms), (1, Some(90_000)));
        assert_eq!((days[1].succeeded, days[1].failed, days[1].other), (1, 1, 1));
        assert_eq!((days[1].percent(), days[1].median_ms), (Some(50), Some(30_000)));
        let old = run("2025-01-01T00:00:00Z", Success, 1);
        assert_eq!(periods(runs.iter().chain([&old])).len(), 2, "by 30 days");
        assert!(periods([].iter()).is_empty());
    }
}
