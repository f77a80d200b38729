//! Runs over time, as a drawing that the style sheet colours.

use std::fmt::Write;

use leptos::prelude::*;

use super::{Ago, count};
use crate::model::{Histogram, RunState, time};

/// Height of the drawing in its own units; the style sheet stretches it.
const HEIGHT: u32 = 40;

/// From the axis upwards: what went wrong stands on the ground, where its height can be compared.
const STACK: [RunState; RunState::COUNT] = [
    RunState::Failure,
    RunState::Error,
    RunState::Success,
    RunState::Aborted,
    RunState::Pending,
    RunState::Triggered,
    RunState::Scheduling,
    RunState::Unknown,
];

/// The histogram; a drag over it selects a range of time where script runs.
#[component]
pub(crate) fn HistogramChart(histogram: Histogram, now_ms: i64) -> impl IntoView {
    let Histogram { start_ms, bucket_ms, buckets } = histogram;
    if bucket_ms <= 0 || buckets.is_empty() {
        return ().into_any();
    }
    let end_ms = start_ms + bucket_ms * buckets.len() as i64;
    // The last bar reaches beyond now; what it shows does not.
    let shown_end_ms = end_ms.min(now_ms.max(start_ms));
    let total: u64 = buckets.iter().flatten().map(|runs| u64::from(*runs)).sum();
    let words = format!(
        "{} runs started between {} and {}, by state over time",
        count(total),
        time::exact(start_ms),
        time::exact(shown_end_ms)
    );
    let paths = paths(&buckets);
    view! {
        <figure class="histogram" data-start=start_ms data-bucket=bucket_ms>
            <svg
                viewBox=format!("0 0 {} {HEIGHT}", buckets.len() * 10)
                preserveAspectRatio="none"
                role="img"
                aria-label=words
            >
                {paths
                    .into_iter()
                    .map(|(state, path)| view! { <path class=state.word() d=path></path> })
                    .collect_view()}
            </svg>
            <figcaption>
                <Ago ms=start_ms now_ms/>
                <span class="quiet">{format!("{} per bar", width(bucket_ms))}</span>
                <Ago ms=shown_end_ms now_ms/>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// How long a bar is, in the largest unit that divides it.
fn width(bucket_ms: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(time::DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    for (unit_ms, unit) in UNITS {
        if bucket_ms >= unit_ms && bucket_ms % unit_ms == 0 {
            let count = bucket_ms / unit_ms;
            return format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        }
    }
    time::duration(bucket_ms)
}

/// One path per state that occurs: a box for each bucket, stacked on the states below it.
fn paths(buckets: &[[u32; RunState::COUNT]]) -> Vec<(RunState, String)> {
    let highest = buckets.iter().map(|b| b.iter().sum::<u32>()).max().unwrap_or(0).max(1);
    let mut ground = vec![0_u32; buckets.len()];
    STACK
        .into_iter()
        .filter_map(|state| {
            let mut path = String::new();
            for (at, bucket) in buckets.iter().enumerate() {
                let runs = bucket[state as usize];
                if runs == 0 {
                    continue;
                }
                let top = y(ground[at] + runs, highest);
                let bottom = y(ground[at], highest);
                ground[at] += runs;
                // Writing to a string cannot fail.
                let _ = write!(path, "M{} {bottom}V{top}h8V{bottom}z", at * 10 + 1);
            }
            (!path.is_empty()).then_some((state, path))
        })
        .collect()
}

/// Where so many runs end above the axis, in tenths of the drawing's units.
fn y(runs: u32, highest: u32) -> f32 {
    let tenths = u64::from(runs) * u64::from(HEIGHT) * 10 / u64::from(highest);
    (HEIGHT * 10 - tenths as u32) as f32 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_measured_in_whole_units() {
        assert_eq!(width(90 * time::DAY_MS), "90 days");
        assert_eq!(width(3_600_000), "1 hour");
        assert_eq!(width(90_000), "90 seconds");
        assert_eq!(width(2_021_500), "33m 41s");
    }

    #[test]
    fn states_are_stacked_without_gaps() {
        let mut bucket = [0; RunState::COUNT];
        bucket[RunState::Failure as usize] = 1;
        bucket[RunState::Success as usize] = 3;
        let drawn = paths(&[bucket, [0; RunState::COUNT]]);
        assert_eq!(drawn[0], (RunState::Failure, "M1 40V30h8V40z".to_owned()));
        assert_eq!(drawn[1], (RunState::Success, "M1 30V0h8V30z".to_owned()));
        assert_eq!(drawn.len(), 2);
    }
}
