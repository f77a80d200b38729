//! The numbers of a row as a drawing.

use std::collections::BTreeMap;

use app::model::{time, words};
use grid::proto::TestStatus;
use plotters::prelude::*;

use crate::drawing::{Area, BAD, Failed, GOOD, HEIGHT, INK, LINE, axes, drawn, ends};

/// Where the name of a metric stands, in pixels.
const NAME_AT: (i32, i32) = (72, 2);

/// Metrics by their names, one below the other over the same columns: a disc where the test passed, a
/// cross where it failed, a triangle where it did neither. Columns are counted from the newest, which is
/// at the right. An empty text: it could not be drawn.
pub fn numbers(
    metrics: &[(String, BTreeMap<usize, f64>)],
    results: &[TestStatus],
    started_ms: &[i64],
) -> String {
    let count = metrics.len().max(1) as u32;
    drawn("the numbers of a row", HEIGHT * count, |area| {
        for (part, (name, values)) in area.split_evenly((count as usize, 1)).iter().zip(metrics) {
            draw(part, name, values, results, started_ms)?;
        }
        Ok(())
    })
}

fn draw(
    area: &Area<'_>,
    name: &str,
    values: &BTreeMap<usize, f64>,
    results: &[TestStatus],
    started_ms: &[i64],
) -> Result<(), Failed> {
    let last = results.len().saturating_sub(1);
    let points = values.iter().rev().filter(|(at, value)| **at <= last && value.is_finite());
    let points: Vec<(f64, f64, TestStatus)> =
        points.map(|(at, value)| ((last - at) as f64, *value, results[*at])).collect();
    let least = points.iter().map(|(_, value, _)| *value).fold(0.0_f64, f64::min);
    let most = points.iter().map(|(_, value, _)| *value).fold(least, f64::max);
    let room = ((most - least) * 0.1).max(most.abs() * 0.01).max(1e-9);
    let x = -0.5..last.max(1) as f64 + 0.5;
    let mut chart = axes(area, x, least..most + room, &|value| words::digits(*value))?;
    let line = points.iter().map(|(at, value, _)| (*at, *value));
    chart.draw_series(LineSeries::new(line, LINE.stroke_width(1)))?;
    for (at, value, status) in &points {
        let place = (*at, *value);
        if status.is_passing() {
            chart.draw_series([Circle::new(place, 3, GOOD.filled())])?;
        } else if status.is_failing() {
            chart.draw_series([Cross::new(place, 4, BAD.stroke_width(2))])?;
        } else {
            chart.draw_series([TriangleMarker::new(place, 4, INK.filled())])?;
        }
    }
    area.draw(&Text::new(name.to_owned(), NAME_AT, ("sans-serif", 12).into_font().color(&INK)))?;
    let date = |ms: Option<&i64>| ms.map(|ms| time::date(*ms, 0)).unwrap_or_default();
    let newest = started_ms.first().filter(|_| started_ms.len() > 1);
    ends(area, &date(started_ms.last()), &date(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_a_part_of_the_drawing_and_tells_passed_from_failed_without_colour() {
        let results = [TestStatus::Fail, TestStatus::Pass, TestStatus::NoResult, TestStatus::Flaky];
        let one = BTreeMap::from([(0, 2.5), (1, 1.0), (3, f64::NAN)]);
        let other = BTreeMap::from([(3, -7.0), (9, 1.0)]);
        let metrics = [("minutes".to_owned(), one), ("<b>size".to_owned(), other)];
        let drawing = numbers(&metrics, &results, &[4, 3, 2, 1].map(|day| day * 86_400_000));
        assert_eq!(drawing.matches("<circle").count(), 1, "{drawing}");
        assert!(drawing.contains("height=\"480\"") && !drawing.contains("NaN"), "{drawing}");
        assert!(drawing.contains("minutes") && !drawing.contains("<b>"), "{drawing}");
        for metrics in [&[("none".to_owned(), BTreeMap::new())][..], &[]] {
            assert!(numbers(metrics, &[], &[]).starts_with("<svg"), "no values are no mistake");
        }
    }
}
