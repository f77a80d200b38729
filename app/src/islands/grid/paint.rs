//! Paints cells on the canvas: colour, mark or short text, marked cells, graphs.

use std::collections::HashMap;
use std::f64::consts::PI;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement};

use super::data::Data;
use super::graph::Graphs;
use super::layout::{Area, Layout};
use super::status::{self, COUNT, Mark};
use crate::islands::dom;
use crate::model::columnar::{Row, RunsIter, RunsPart};

/// Columns narrower than this touch each other.
const HAIRLINE_PX: i32 = 6;

/// Space beside a text in a cell.
const MARGIN_PX: f64 = 3.0;

/// The colours of the page, read from its style sheet.
#[derive(Clone, Default)]
pub(super) struct Palette {
    fill: [String; COUNT],
    ink: [String; COUNT],
    line: String,
    accent: String,
    graph: String,
    font: String,
}

impl Palette {
    /// Reads the custom properties of an element.
    pub(super) fn read(element: &Element) -> Palette {
        let Ok(Some(style)) = dom::window().get_computed_style(element) else {
            return Palette::default();
        };
        let read = |name: &str| {
            style.get_property_value(name).map(|value| value.trim().to_owned()).unwrap_or_default()
        };
        let of = |prefix: &str| {
            std::array::from_fn(|at| read(&[prefix, status::property(at as u32)].concat()))
        };
        Palette {
            fill: of("--cell-"),
            ink: of("--ink-"),
            line: read("--panel"),
            accent: read("--accent"),
            graph: read("--text"),
            font: ["11px ", &read("--mono")].concat(),
        }
    }
}

/// Reads values of runs one after the other, without going back to the start.
struct Cursor<'a> {
    runs: RunsIter<'a>,
    value: u32,
    end: u32,
}

impl<'a> Cursor<'a> {
    fn new(runs: RunsPart<'a>) -> Cursor<'a> {
        Cursor { runs: runs.iter(), value: 0, end: 0 }
    }

    /// The value at a place; places never decrease.
    fn at(&mut self, place: u32) -> u32 {
        while place >= self.end {
            match self.runs.next() {
                Some((value, run)) => {
                    self.value = value;
                    self.end = self.end.saturating_add(run);
                }
                None => {
                    self.value = 0;
                    self.end = u32::MAX;
                }
            }
        }
        self.value
    }
}

/// What one painting is about.
pub(super) struct Painting<'a> {
    pub(super) data: &'a Data,
    pub(super) graphs: &'a Graphs,
    pub(super) layout: Layout,
    /// The part of the body that the canvas shows.
    pub(super) area: Area,
    pub(super) palette: &'a Palette,
    /// Columns of rows (by their place) that are to stand out.
    pub(super) marked: &'a HashMap<u32, Vec<u32>>,
}

/// What the cells of one status need.
#[derive(Default)]
struct Bucket {
    /// Rectangles: x, y, width.
    rects: Vec<(f64, f64, f64)>,
    /// Where marks stand.
    marks: Vec<(f64, f64)>,
    /// Texts by number, and where they stand.
    texts: Vec<(f64, f64, u32)>,
}

impl Painting<'_> {
    /// Sizes the canvas for the screen and paints everything.
    pub(super) fn paint(&self, canvas: &HtmlCanvasElement) {
        let Some(context) = context(canvas) else { return };
        let ratio = dom::window().device_pixel_ratio().max(1.0);
        let (width, height) = (f64::from(self.area.width), f64::from(self.area.height));
        let pixels = ((width * ratio).ceil() as u32, (height * ratio).ceil() as u32);
        if (canvas.width(), canvas.height()) != pixels {
            canvas.set_width(pixels.0);
            canvas.set_height(pixels.1);
            let style = canvas.style();
            let _ = style.set_property("width", &[&self.area.width.to_string(), "px"].concat());
            let _ = style.set_property("height", &[&self.area.height.to_string(), "px"].concat());
        }
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        context.set_font(&self.palette.font);
        let char_px = context.measure_text("0").map(|size| size.width()).unwrap_or(6.6).max(1.0);
        let mut buckets: [Bucket; COUNT] = Default::default();
        let columns = self.layout.columns_in(&self.area);
        for line in self.layout.lines_in(&self.area) {
            if let Some(row) = self.data.cells(line) {
                let y = f64::from(line as i32 * self.layout.row - self.area.y);
                self.collect(row, y, columns.clone(), char_px, &mut buckets);
            }
        }
        let cell = f64::from(self.layout.cell);
        for (number, bucket) in buckets.iter().enumerate().skip(1) {
            context.set_fill_style_str(&self.palette.fill[number]);
            for (x, y, width) in &bucket.rects {
                context.fill_rect(*x, *y, *width, cell);
            }
        }
        self.hairlines(&context, width, height);
        context.set_text_align("center");
        context.set_text_baseline("middle");
        for (number, bucket) in buckets.iter().enumerate().skip(1) {
            context.set_fill_style_str(&self.palette.ink[number]);
            context.set_stroke_style_str(&self.palette.ink[number]);
            marks(&context, status::mark(number as u32), &bucket.marks, &self.layout);
            for (x, y, text) in &bucket.texts {
                let _ = context.fill_text(self.data.grid.texts.get(*text), *x, *y);
            }
        }
        self.mark_cells(&context);
        self.draw_graphs(&context);
    }

    /// Sorts the cells of a row into what each status needs.
    fn collect(
        &self,
        row: Row<'_>,
        y: f64,
        columns: std::ops::Range<u32>,
        char_px: f64,
        buckets: &mut [Bucket; COUNT],
    ) {
        let step = self.layout.column;
        let left = |column: u32| f64::from(column as i32 * step - self.area.x);
        let middle = y + f64::from(self.layout.cell) / 2.0;
        let room = f64::from(step) - 2.0 * MARGIN_PX;
        let mut icons = Cursor::new(row.icons);
        let (mut start, mut filled) = (0_u32, 0_u32);
        for (status, run) in row.statuses.iter() {
            let end = start.saturating_add(run);
            if start >= columns.end {
                break;
            }
            let number = (status as usize).min(COUNT - 1);
            if number != 0 && end > columns.start {
                let (from, to) = (start.max(columns.start), end.min(columns.end));
                let bucket = &mut buckets[number];
                bucket.rects.push((left(from), y, left(to) - left(from)));
                let marked = status::mark(status) != Mark::None;
                if marked || !row.icons.is_empty() {
                    for column in from..to {
                        let icon = icons.at(filled.saturating_add(column - start));
                        let x = left(column) + f64::from(step) / 2.0;
                        let chars = self.data.grid.texts.get(icon).chars().count();
                        if icon != 0 && chars as f64 * char_px <= room {
                            bucket.texts.push((x, middle, icon));
                        } else if marked {
                            bucket.marks.push((x, middle));
                        }
                    }
                }
            }
            if status != 0 {
                filled = filled.saturating_add(run);
            }
            start = end;
        }
    }

    /// Hairlines between cells, in the colour of the page.
    fn hairlines(&self, context: &CanvasRenderingContext2d, width: f64, height: f64) {
        context.set_fill_style_str(&self.palette.line);
        if self.layout.column >= HAIRLINE_PX {
            for column in self.layout.columns_in(&self.area) {
                let x = f64::from((column + 1) as i32 * self.layout.column - self.area.x - 1);
                context.fill_rect(x, 0.0, 1.0, height);
            }
        }
        for line in self.layout.lines_in(&self.area) {
            let y = line as i32 * self.layout.row - self.area.y + self.layout.cell - 1;
            context.fill_rect(0.0, f64::from(y), width, 1.0);
        }
    }

    /// A frame around the cells that are to stand out.
    fn mark_cells(&self, context: &CanvasRenderingContext2d) {
        if self.marked.is_empty() {
            return;
        }
        let (step, cell) = (f64::from(self.layout.column), f64::from(self.layout.cell));
        context.set_stroke_style_str(&self.palette.accent);
        context.set_line_width(if step < 12.0 { 1.5 } else { 3.0 });
        for line in self.layout.lines_in(&self.area) {
            let super::data::Line::Row(place, _) = self.data.view.lines[line as usize] else {
                continue;
            };
            let y = f64::from(line as i32 * self.layout.row - self.area.y);
            for column in self.marked.get(&place).into_iter().flatten() {
                let x = f64::from(*column as i32 * self.layout.column - self.area.x);
                context.stroke_rect(x + 1.0, y + 1.0, step - 3.0, cell - 3.0);
            }
        }
    }

    /// The lines of the chosen metric below the cells.
    fn draw_graphs(&self, context: &CanvasRenderingContext2d) {
        let height = f64::from(self.layout.row - self.layout.cell);
        if height <= 0.0 {
            return;
        }
        let columns = self.layout.columns_in(&self.area);
        context.set_stroke_style_str(&self.palette.graph);
        context.set_fill_style_str(&self.palette.graph);
        context.set_line_width(1.25);
        for line in self.layout.lines_in(&self.area) {
            let graph = self.data.row(line).and_then(|row| self.graphs.of(row.name));
            let Some(graph) = graph else { continue };
            let top = f64::from(line as i32 * self.layout.row + self.layout.cell - self.area.y);
            let range = (graph.most - graph.least).max(f64::MIN_POSITIVE);
            let flat = graph.most == graph.least;
            let point = |column: u32, value: f64| {
                let part = if flat { 0.5 } else { (value - graph.least) / range };
                let x = (f64::from(column) + 0.5) * f64::from(self.layout.column);
                (x - f64::from(self.area.x), top + 4.0 + (1.0 - part) * (height - 9.0))
            };
            // One value beyond each side, so that the line reaches the edge.
            let first = graph.values.partition_point(|(column, _)| *column < columns.start);
            let end = graph.values.partition_point(|(column, _)| *column < columns.end);
            let values = &graph.values[first.saturating_sub(1)..(end + 1).min(graph.values.len())];
            context.begin_path();
            let mut before = None;
            for (column, value) in values {
                let (x, y) = point(*column, *value);
                match before {
                    Some(_) => context.line_to(x, y),
                    None => context.move_to(x, y),
                }
                before = Some(*column);
            }
            context.stroke();
            if self.layout.column >= 24 || values.len() == 1 {
                for (column, value) in values {
                    let (x, y) = point(*column, *value);
                    context.fill_rect(x - 1.5, y - 1.5, 3.0, 3.0);
                }
            }
        }
    }
}

/// Draws a mark at each of these places; the colours are set.
pub(super) fn marks(
    context: &CanvasRenderingContext2d,
    mark: Mark,
    places: &[(f64, f64)],
    layout: &Layout,
) {
    if places.is_empty() {
        return;
    }
    // Half the size of a mark.
    let r = (f64::from(layout.column.min(layout.cell)) * 0.26).clamp(1.2, 5.0);
    context.set_line_width((r * 0.42).clamp(1.0, 1.9));
    context.begin_path();
    for (x, y) in places {
        let (x, y) = (*x - 0.5, *y - 0.5);
        match mark {
            Mark::None => {}
            Mark::Dot => {
                context.move_to(x + r * 0.5, y);
                let _ = context.arc(x, y, r * 0.5, 0.0, 2.0 * PI);
            }
            Mark::Bar => {
                context.move_to(x - r, y);
                context.line_to(x + r, y);
            }
            Mark::Ring => {
                context.move_to(x + r, y);
                let _ = context.arc(x, y, r, 0.0, 1.5 * PI);
            }
            Mark::Question => {
                context.move_to(x - r * 0.6, y - r * 0.5);
                let _ = context.arc(x, y - r * 0.5, r * 0.6, PI, 2.5 * PI);
                context.line_to(x, y + r * 0.5);
                context.move_to(x, y + r * 0.9);
                context.line_to(x, y + r * 1.2);
            }
            Mark::Slash => {
                context.move_to(x + r, y);
                let _ = context.arc(x, y, r, 0.0, 2.0 * PI);
                context.move_to(x - r * 0.7, y + r * 0.7);
                context.line_to(x + r * 0.7, y - r * 0.7);
            }
            Mark::Clock => {
                context.move_to(x + r, y);
                let _ = context.arc(x, y, r, 0.0, 2.0 * PI);
                context.move_to(x, y - r * 0.7);
                context.line_to(x, y);
                context.line_to(x + r * 0.5, y);
            }
            Mark::Cross => {
                context.move_to(x - r, y - r);
                context.line_to(x + r, y + r);
                context.move_to(x + r, y - r);
                context.line_to(x - r, y + r);
            }
            Mark::Half => {
                context.move_to(x, y - r);
                let _ = context.arc(x, y, r, -0.5 * PI, 0.5 * PI);
                context.line_to(x, y - r);
                let _ = context.arc_with_anticlockwise(x, y, r, -0.5 * PI, 0.5 * PI, true);
            }
            Mark::Triangle => {
                context.move_to(x, y - r);
                context.line_to(x + r, y + r);
                context.line_to(x - r, y + r);
                context.line_to(x, y - r);
            }
        }
    }
    if mark == Mark::Half {
        context.stroke();
        context.begin_path();
        for (x, y) in places {
            let (x, y) = (*x - 0.5, *y - 0.5);
            context.move_to(x, y - r);
            let _ = context.arc_with_anticlockwise(x, y, r, -0.5 * PI, 0.5 * PI, true);
        }
        context.fill();
    } else if mark == Mark::Dot {
        context.fill();
    } else {
        context.stroke();
    }
}

/// Makes ready what the first painting needs, which takes longer than any later one.
pub(super) fn warm(canvas: &HtmlCanvasElement, palette: &Palette) {
    if let Some(context) = context(canvas) {
        context.set_font(&palette.font);
        let _ = context.measure_text("0");
    }
}

/// What one paints on.
pub(super) fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    let context: JsValue = canvas.get_context("2d").ok()??.into();
    context.dyn_into().ok()
}

/// Paints a cell of one status, for the legend.
pub(super) fn sample(canvas: &HtmlCanvasElement, number: u32, palette: &Palette) {
    let Some(context) = context(canvas) else { return };
    let ratio = dom::window().device_pixel_ratio().max(1.0);
    let (width, height) = (36.0, 19.0);
    canvas.set_width((width * ratio) as u32);
    canvas.set_height((height * ratio) as u32);
    let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    let at = (number as usize).min(COUNT - 1);
    context.set_fill_style_str(&palette.fill[at]);
    context.fill_rect(0.0, 0.0, width, height);
    context.set_fill_style_str(&palette.ink[at]);
    context.set_stroke_style_str(&palette.ink[at]);
    let layout = Layout { column: 36, cell: 19, row: 19, ..Layout::default() };
    marks(&context, status::mark(number), &[(width / 2.0, height / 2.0)], &layout);
}
