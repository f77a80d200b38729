//! What all drawings have in common: their size, their inks, their axes, and what stands below them.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::AsRangedCoord;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of a drawing, in pixels.
pub const WIDTH: u32 = 720;
/// Height of a drawing over time, in pixels.
pub const HEIGHT: u32 = 240;
/// Height of the line of names below it, in pixels.
const LABELS: u32 = 28;
/// Width of the numbers beside it, in pixels.
const NUMBERS: u32 = 56;
/// Room around it, in pixels.
const MARGIN: u32 = 12;
/// Room at its right, in pixels.
const RIGHT: u32 = 24;

/// Of texts.
pub const INK: RGBColor = RGBColor(26, 31, 38);
/// Of a line.
pub const LINE: RGBColor = RGBColor(10, 88, 184);
/// Of what is well.
pub const GOOD: RGBColor = RGBColor(26, 127, 55);
/// Of what is not, and of a limit.
pub const BAD: RGBColor = RGBColor(163, 16, 44);
const AXIS: RGBColor = RGBColor(104, 113, 123);

/// Why a drawing could not be made.
pub type Failed = Box<dyn std::error::Error>;
/// Where one draws.
pub type Area<'t> = DrawingArea<SVGBackend<'t>, Shift>;
/// A drawing with numbers at its left.
pub type Chart<'t> = ChartContext<
    't,
    SVGBackend<'t>,
    Cartesian2d<
        <Range<f64> as AsRangedCoord>::CoordDescType,
        <Range<f64> as AsRangedCoord>::CoordDescType,
    >,
>;

/// An SVG drawing on white, which dark pages put on paper. An empty text: it could not be drawn; `what`
/// names it in the log.
pub fn drawn(
    what: &str,
    height: u32,
    draw: impl FnOnce(&Area<'_>) -> Result<(), Failed>,
) -> String {
    let mut text = String::new();
    let made = || -> Result<(), Failed> {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
        Ok(())
    };
    match made() {
        Ok(()) => text,
        Err(error) => {
            tracing::warn!("{what} could not be drawn: {error}");
            String::new()
        }
    }
}

/// The axes of a drawing over time. `number` writes what stands at the left.
///
/// # Errors
/// The backend cannot draw.
pub fn axes<'t>(
    area: &Area<'t>,
    x: Range<f64>,
    y: Range<f64>,
    number: &dyn Fn(&f64) -> String,
) -> Result<Chart<'t>, Failed> {
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_right(RIGHT)
        .x_label_area_size(LABELS)
        .y_label_area_size(NUMBERS)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(AXIS.mix(0.2))
        .axis_style(AXIS)
        .x_labels(0)
        .y_labels(5)
        .label_style(("sans-serif", 12, &INK))
        .y_label_formatter(&number)
        .draw()?;
    Ok(chart)
}

/// Names what is at the left and at the right end of a drawing over time.
///
/// # Errors
/// The backend cannot draw.
pub fn ends(area: &Area<'_>, first: &str, last: &str) -> Result<(), Failed> {
    let below = (HEIGHT - LABELS) as i32;
    let label = |at: HPos| {
        let anchor = Pos::new(at, VPos::Top);
        ("sans-serif", 12).into_font().color(&INK).pos(anchor)
    };
    let left = (MARGIN + NUMBERS) as i32;
    area.draw(&Text::new(first.to_owned(), (left, below), label(HPos::Left)))?;
    let right = (WIDTH - RIGHT) as i32;
    area.draw(&Text::new(last.to_owned(), (right, below), label(HPos::Right)))?;
    Ok(())
}
