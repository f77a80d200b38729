//! Drawings of coverage: the share over time, and directories by their size.

use coverage::Ratio;
use plotters::prelude::*;

use crate::drawing::{self, BAD, Failed, HEIGHT, INK, WIDTH, axes, drawn};

/// Height of the drawing of directories, in pixels.
const TREE_HEIGHT: u32 = 360;
/// Directories that are drawn; the smallest are left out.
const MAX_BOXES: usize = 200;
/// A box narrower than a letter times this has no name, in pixels.
const LETTER: f64 = 7.0;
/// A box lower than a line has no name, in pixels.
const LINE: f64 = 16.0;

/// The colours of the scale, from nothing to everything; the style sheet has the same.
pub const SCALE: [RGBColor; 11] = [
    RGBColor(248, 180, 170),
    RGBColor(250, 192, 170),
    RGBColor(252, 204, 170),
    RGBColor(253, 216, 170),
    RGBColor(253, 227, 172),
    RGBColor(250, 236, 178),
    RGBColor(238, 238, 180),
    RGBColor(222, 236, 180),
    RGBColor(204, 232, 180),
    RGBColor(184, 227, 180),
    RGBColor(164, 221, 180),
];

/// The step of the scale for a share.
pub fn step(ratio: Ratio) -> u8 {
    (ratio.share().clamp(0.0, 1.0) * 10.0) as u8
}

/// A line of shares in percent, given newest first, with a line at the threshold if there is one.
/// `ends` names the oldest and the newest. An empty text: it could not be drawn.
pub fn trend(shares: &[f64], threshold: Option<f64>, ends: (&str, &str)) -> String {
    drawn("a trend of coverage", HEIGHT, |area| draw_trend(area, shares, threshold, ends))
}

fn draw_trend(
    area: &drawing::Area<'_>,
    shares: &[f64],
    threshold: Option<f64>,
    ends: (&str, &str),
) -> Result<(), Failed> {
    let last = shares.len().saturating_sub(1).max(1) as f64;
    let known = shares.iter().copied().chain(threshold);
    let (least, most) = known
        .fold((100.0_f64, 0.0_f64), |(least, most), share| (least.min(share), most.max(share)));
    let (low, high) = ((least - 2.0).max(0.0).floor(), (most + 2.0).min(100.0).ceil());
    let y = low..high.max(low + 1.0);
    let mut chart = axes(area, 0.0..last, y, &|share| format!("{share:.0} %"))?;
    let points: Vec<(f64, f64)> =
        shares.iter().rev().enumerate().map(|(at, share)| (at as f64, *share)).collect();
    if let Some(threshold) = threshold {
        let line = [(0.0, threshold), (last, threshold)];
        chart.draw_series(LineSeries::new(line, BAD.stroke_width(1)))?;
    }
    chart.draw_series(LineSeries::new(points.iter().copied(), drawing::LINE.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, drawing::LINE.filled())))?;
    drawing::ends(area, ends.0, ends.1)
}

/// Boxes by size, coloured by share, with their names where there is room. An empty text: it could
/// not be drawn.
pub fn tree(entries: &[(String, Ratio)]) -> String {
    drawn("a map of directories", TREE_HEIGHT, |area| draw_tree(area, entries))
}

fn draw_tree(area: &drawing::Area<'_>, entries: &[(String, Ratio)]) -> Result<(), Failed> {
    let mut largest: Vec<&(String, Ratio)> =
        entries.iter().filter(|(_, ratio)| ratio.total > 0).collect();
    largest.sort_by_key(|(name, ratio)| (std::cmp::Reverse(ratio.total), name.clone()));
    largest.truncate(MAX_BOXES);
    let sizes: Vec<f64> = largest.iter().map(|(_, ratio)| ratio.total as f64).collect();
    let boxes = squares(&sizes, (0.0, 0.0, f64::from(WIDTH), f64::from(TREE_HEIGHT)));
    for ((name, ratio), (x, y, width, height)) in largest.into_iter().zip(boxes) {
        let corners = [(x as i32, y as i32), ((x + width) as i32, (y + height) as i32)];
        let colour = SCALE[usize::from(step(*ratio)).min(SCALE.len() - 1)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        area.draw(&Rectangle::new(corners, WHITE.stroke_width(1)))?;
        if height >= LINE && width >= LETTER * 3.0 {
            let room = (width / LETTER) as usize - 1;
            let label = format!("{name} {}", ratio.percent());
            let label = match label.chars().count() > room {
                true => label.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
                false => label,
            };
            let style = ("sans-serif", 12).into_font().color(&INK);
            area.draw(&Text::new(label, (x as i32 + 4, y as i32 + 3), style))?;
        }
    }
    Ok(())
}

/// x, y, width, height.
type Area = (f64, f64, f64, f64);

/// Divides an area by these sizes (greatest first) into boxes that are nearly square: a row along
/// the shorter side grows while that makes its worst box better.
fn squares(sizes: &[f64], area: Area) -> Vec<Area> {
    let (mut x, mut y, mut width, mut height) = area;
    let mut left: f64 = sizes.iter().sum();
    let mut boxes = Vec::with_capacity(sizes.len());
    let mut rest = sizes;
    while !rest.is_empty() && left > 0.0 {
        let scale = width * height / left;
        let side = width.min(height).max(f64::MIN_POSITIVE);
        let worst = |count: usize| {
            let sum: f64 = rest.iter().take(count).sum::<f64>() * scale;
            let deep = sum / side;
            let shapes = rest.iter().take(count).map(|size| {
                let long = size * scale / deep;
                (long / deep).max(deep / long)
            });
            shapes.fold(0.0_f64, f64::max)
        };
        let mut count = 1;
        while count < rest.len() && worst(count + 1) <= worst(count) {
            count += 1;
        }
        let (row, others) = rest.split_at(count);
        let sum: f64 = row.iter().sum();
        let deep = sum * scale / side;
        let mut at = 0.0;
        for size in row {
            let long = size * scale / deep;
            boxes.push(match width >= height {
                true => (x, y + at, deep, long),
                false => (x + at, y, long, deep),
            });
            at += long;
        }
        match width >= height {
            true => (x, width) = (x + deep, (width - deep).max(0.0)),
            false => (y, height) = (y + deep, (height - deep).max(0.0)),
        }
        left -= sum;
        rest = others;
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_fill_the_area_by_their_sizes() {
        let sizes = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let boxes = squares(&sizes, (0.0, 0.0, 600.0, 400.0));
        assert_eq!(boxes.len(), sizes.len());
        for (size, (x, y, width, height)) in sizes.iter().zip(&boxes) {
            assert!((width * height - size * 10_000.0).abs() < 1.0, "{width} × {height}");
            assert!(*x >= 0.0 && *y >= 0.0 && x + width <= 600.1 && y + height <= 400.1);
            assert!((width / height).max(height / width) < 3.5, "{width} × {height}");
        }
    }

    #[test]
    fn names_are_text_in_a_drawing() {
        let entries = [("<script>/".to_owned(), Ratio { covered: 1, total: 2 })];
        let drawn = tree(&entries);
        assert!(drawn.starts_with("<svg") && !drawn.contains("<script"), "{drawn}");
        assert!(drawn.contains("50.0"));
        let drawn = trend(&[80.0, 70.5], Some(75.0), ("<1>", "2"));
        assert!(drawn.contains("<polyline") && !drawn.contains("<1>"), "{drawn}");
        assert!(trend(&[], None, ("", "")).starts_with("<svg"));
    }
}
