//! Drawings of a history: how long runs took, and which share of them passed.

use app::model::{HistoryPeriod, time};
use job_spec::ProwJobState;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::periods::{judged_ms, median};
use crate::runs::run::Run;

/// Width of a drawing, in pixels.
const WIDTH: u32 = 720;
/// Height of a drawing, in pixels.
const HEIGHT: u32 = 240;
/// Height of the line of dates below, in pixels.
const LABELS: u32 = 28;

const INK: RGBColor = RGBColor(26, 31, 38);
const AXIS: RGBColor = RGBColor(104, 113, 123);
const LINE: RGBColor = RGBColor(10, 88, 184);
const GOOD: RGBColor = RGBColor(26, 127, 55);
const BAD: RGBColor = RGBColor(163, 16, 44);

/// Why a drawing could not be made.
type Failed = Box<dyn std::error::Error>;

/// How long each run took that succeeded (a disc) or failed (a cross), given newest first, with a line
/// at the median. An empty text: it could not be drawn.
pub fn durations<'r>(runs: impl DoubleEndedIterator<Item = &'r Run>) -> String {
    let mut ends = Vec::new();
    let mut points = Vec::new();
    for run in runs.rev() {
        if let Some(ms) = judged_ms(run) {
            ends.push(run.started.millis());
            points.push((ms as f64 / 60_000.0, run.state == ProwJobState::Success));
        }
    }
    drawn("durations", |text| draw_durations(text, &points, &ends))
}

/// The share of runs that passed in each period, the oldest first. An empty text: it could not be
/// drawn.
pub fn rates(periods: &[HistoryPeriod]) -> String {
    drawn("pass rates", |text| draw_rates(text, periods))
}

fn drawn(what: &str, draw: impl FnOnce(&mut String) -> Result<(), Failed>) -> String {
    let mut text = String::new();
    match draw(&mut text) {
        Ok(()) => text,
        Err(error) => {
            tracing::warn!("the {what} of a job could not be drawn: {error}");
            String::new()
        }
    }
}

fn draw_durations(text: &mut String, points: &[(f64, bool)], ends: &[i64]) -> Result<(), Failed> {
    let area = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = points.iter().map(|(minutes, _)| *minutes).fold(0.0_f64, f64::max);
    let last = points.len().saturating_sub(1).max(1) as f64;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(24)
        .x_label_area_size(LABELS)
        .y_label_area_size(56)
        .build_cartesian_2d(-0.5..last + 0.5, 0.0..(most * 1.1).max(0.1))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(AXIS.mix(0.2))
        .axis_style(AXIS)
        .x_labels(0)
        .y_labels(5)
        .label_style(("sans-serif", 12, &INK))
        .y_label_formatter(&|minutes| time::duration((minutes * 60_000.0) as i64))
        .draw()?;
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
    drop(chart);
    dates(&area, ends)?;
    area.present()?;
    drop(area);
    Ok(())
}

fn draw_rates(text: &mut String, periods: &[HistoryPeriod]) -> Result<(), Failed> {
    let area = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let count = periods.len().max(1) as f64;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(24)
        .x_label_area_size(LABELS)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..count, 0.0..100.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(AXIS.mix(0.2))
        .axis_style(AXIS)
        .x_labels(0)
        .y_labels(5)
        .label_style(("sans-serif", 12, &INK))
        .y_label_formatter(&|percent| format!("{percent:.0} %"))
        .draw()?;
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
    drop(chart);
    dates(&area, &periods.iter().map(|period| period.start_ms).collect::<Vec<_>>())?;
    area.present()?;
    drop(area);
    Ok(())
}

/// The first and the last date below a drawing.
fn dates(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    ends: &[i64],
) -> Result<(), Failed> {
    let below = (HEIGHT - LABELS) as i32;
    let label = |at: HPos| {
        let anchor = Pos::new(at, VPos::Top);
        ("sans-serif", 12).into_font().color(&INK).pos(anchor)
    };
    // With the year, since the page that shows the drawing may be old.
    let date = |ms: &i64| time::date(*ms, 0);
    if let Some(first) = ends.first() {
        area.draw(&Text::new(date(first), (68, below), label(HPos::Left)))?;
    }
    if let (Some(last), true) = (ends.last(), ends.len() > 1) {
        let right = (WIDTH - 24) as i32;
        area.draw(&Text::new(date(last), (right, below), label(HPos::Right)))?;
    }
    Ok(())
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
