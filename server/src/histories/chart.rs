//! Drawings of a history: how long runs took, and which share of them passed.

use app::model::{HistoryPeriod, time};
use job_spec::ProwJobState;
use plotters::prelude::*;

use super::periods::{judged_ms, median};
use crate::drawing::{Area, BAD, Failed, GOOD, HEIGHT, LINE, axes, drawn, ends};
use crate::runs::run::Run;

/// How long each run took that succeeded (a disc) or failed (a cross), given newest first, with a line
/// at the median. An empty text: it could not be drawn.
pub fn durations<'r>(runs: impl DoubleEndedIterator<Item = &'r Run>) -> String {
    let mut starts = Vec::new();
    let mut points = Vec::new();
    for run in runs.rev() {
        if let Some(ms) = judged_ms(run) {
            starts.push(run.started.millis());
            points.push((ms as f64 / 60_000.0, run.state == ProwJobState::Success));
        }
    }
    drawn("the durations of a job", HEIGHT, |area| draw_durations(area, &points, &starts))
}

/// The share of runs that passed in each period, the oldest first. An empty text: it could not be
/// drawn.
pub fn rates(periods: &[HistoryPeriod]) -> String {
    drawn("the pass rates of a job", HEIGHT, |area| draw_rates(area, periods))
}

fn draw_durations(area: &Area<'_>, points: &[(f64, bool)], starts: &[i64]) -> Result<(), Failed> {
    let most = points.iter().map(|(minutes, _)| *minutes).fold(0.0_f64, f64::max);
    let last = points.len().saturating_sub(1).max(1) as f64;
    let y = 0.0..(most * 1.1).max(0.1);
    let mut chart =
        axes(area, -0.5..last + 0.5, y, &|minutes| time::duration((minutes * 60_000.0) as i64))?;
    let mut took: Vec<i64> =
        points.iter().map(|(minutes, _)| (minutes * 60_000.0) as i64).collect();
    if let Some(median) = median(&mut took) {
        let minutes = median as f64 / 60_000.0;
        let line = [(-0.5, minutes), (last + 0.5, minutes)];
        chart.draw_series(LineSeries::new(line, LINE.stroke_width(1)))?;
    }
    let placed =
        || points.iter().enumerate().map(|(at, (minutes, good))| (at as f64, *minutes, *good));
    let good = placed().filter(|(.., good)| *good);
    chart.draw_series(good.map(|(at, minutes, _)| Circle::new((at, minutes), 3, GOOD.filled())))?;
    let bad = placed().filter(|(.., good)| !*good);
    chart.draw_series(
        bad.map(|(at, minutes, _)| Cross::new((at, minutes), 4, BAD.stroke_width(2))),
    )?;
    dates(area, starts)
}

fn draw_rates(area: &Area<'_>, periods: &[HistoryPeriod]) -> Result<(), Failed> {
    let count = periods.len().max(1) as f64;
    let mut chart = axes(area, 0.0..count, 0.0..100.0, &|percent| format!("{percent:.0} %"))?;
    let rates =
        periods.iter().enumerate().filter_map(|(at, period)| Some((at as f64, period.percent()?)));
    // What failed stands above what passed, so that a day without a pass is seen too.
    let bars = rates.flat_map(|(at, percent)| {
        let bar = |from: f64, to: f64, colour: RGBColor| {
            Rectangle::new([(at + 0.1, from), (at + 0.9, to)], colour.filled())
        };
        let percent = percent as f64;
        [bar(0.0, percent, GOOD), bar(percent, 100.0, BAD)]
    });
    chart.draw_series(bars)?;
    dates(area, &periods.iter().map(|period| period.start_ms).collect::<Vec<_>>())
}

/// The first and the last date below a drawing.
fn dates(area: &Area<'_>, starts: &[i64]) -> Result<(), Failed> {
    // With the year, since the page that shows the drawing may be old.
    let date = |ms: Option<&i64>| ms.map(|ms| time::date(*ms, 0)).unwrap_or_default();
    let last = starts.last().filter(|_| starts.len() > 1);
    ends(area, &date(starts.first()), &date(last))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use go_compat::Timestamp;
    use job_spec::ProwJob;

    use super::*;
    use crate::runs::run::Strings;

    #[test]
    fn discs_and_crosses_tell_passed_from_failed_without_colour() {
        let run = |day: i64, state: ProwJobState| {
            let mut job = ProwJob::default();
            let started = 1_790_000_000 + day * 86_400;
            job.status.start_time = Some(Timestamp::from_seconds(started));
            job.status.completion_time = Some(Timestamp::from_seconds(started + 90));
            job.status.state = state;
            Run::of(&Arc::new(job), None, &Strings::default())
        };
        let runs = [
            run(2, ProwJobState::Success),
            run(1, ProwJobState::Failure),
            run(0, ProwJobState::Error),
        ];
        let drawing = durations(runs.iter());
        assert_eq!(drawing.matches("<circle").count(), 1, "{drawing}");
        assert!(drawing.contains("2026") && !drawing.contains("NaN"), "{drawing}");
        assert!(durations([].iter()).starts_with("<svg"), "no runs are no mistake");
    }

    #[test]
    fn a_period_without_a_judged_run_has_no_bar() {
        let period =
            |succeeded, failed| HistoryPeriod { succeeded, failed, ..HistoryPeriod::default() };
        let bars = |periods: &[HistoryPeriod]| rates(periods).matches("<rect").count();
        let empty = bars(&[]);
        assert_eq!(bars(&[period(0, 0)]), empty);
        assert_eq!(bars(&[period(1, 1), period(0, 0)]), empty + 2);
    }
}
