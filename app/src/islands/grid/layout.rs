//! Where things stand: pixels of the whole grid, and which part of it is in sight.

use std::cmp::Ordering;
use std::ops::Range;

use crate::model::grid_query::row_px;

/// Height of a graph below the cells of its row.
const GRAPH_PX: i32 = 26;

/// How far the canvas reaches beyond what is in sight, where one scrolls to: it moves with the names
/// then, and not every frame has to paint.
const AHEAD_PX: i32 = 256;

/// Measures of the grid, in pixels of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Width of a column.
    pub(super) column: i32,
    /// Height of the cells of a row.
    pub(super) cell: i32,
    /// Height of a row: cells, and the graph if there is one.
    pub(super) row: i32,
    /// Width of the names.
    pub(super) names: i32,
    /// How many columns they have; 0 if they are whole.
    pub(super) name_columns: u32,
    /// Columns of the grid.
    pub(super) columns: u32,
    /// Lines of the view: rows and groups.
    pub(super) lines: u32,
}

/// A rectangle of the body, without names and header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Area {
    /// Whether another area is wholly inside.
    pub(super) fn covers(&self, other: &Area) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.x + self.width >= other.x + other.width
            && self.y + self.height >= other.y + other.height
    }
}

impl Layout {
    /// Measures for a column's width.
    pub(super) fn new(
        width: u32,
        graph: bool,
        screen: i32,
        (columns, lines): (u32, u32),
        name_columns: u32,
    ) -> Layout {
        let cell = row_px(width) as i32;
        // Names in columns need more room, where there is some.
        let wide = 300 + 110 * (name_columns.clamp(1, 4) as i32 - 1);
        Layout {
            column: width as i32,
            cell,
            row: if graph { cell + GRAPH_PX } else { cell },
            names: if screen < 720 { (screen * 2 / 5).max(120) } else { wide.min(screen * 2 / 5) },
            name_columns,
            columns,
            lines,
        }
    }

    /// Width of all columns.
    pub(super) fn width(&self) -> i32 {
        self.column.saturating_mul(self.columns as i32)
    }

    /// Height of all lines.
    pub(super) fn height(&self) -> i32 {
        self.row.saturating_mul(self.lines as i32)
    }

    /// The columns that touch an area.
    pub(super) fn columns_in(&self, area: &Area) -> Range<u32> {
        span(area.x, area.width, self.column, self.columns)
    }

    /// The lines that touch an area.
    pub(super) fn lines_in(&self, area: &Area) -> Range<u32> {
        span(area.y, area.height, self.row, self.lines)
    }

    /// The line and column under a point of the body.
    pub(super) fn at(&self, x: i32, y: i32) -> Option<(u32, u32)> {
        if x < 0 || y < 0 {
            return None;
        }
        let (line, column) = ((y / self.row) as u32, (x / self.column) as u32);
        (line < self.lines && column < self.columns).then_some((line, column))
    }

    /// What to paint when `sight` is in sight and `before` was: more where one scrolls to, from and
    /// to whole cells, and nothing beyond the grid.
    pub(super) fn paint_area(&self, sight: &Area, before: &Area) -> Area {
        let ahead = |from: i32, length: i32, before: i32| match from.cmp(&before) {
            Ordering::Less => (from - AHEAD_PX, length + AHEAD_PX),
            Ordering::Equal => (from, length),
            Ordering::Greater => (from, length + AHEAD_PX),
        };
        let (x, width) = ahead(sight.x, sight.width, before.x);
        let (y, height) = ahead(sight.y, sight.height, before.y);
        let wanted = Area { x, y, width, height };
        let (columns, lines) = (self.columns_in(&wanted), self.lines_in(&wanted));
        Area {
            x: columns.start as i32 * self.column,
            y: lines.start as i32 * self.row,
            width: columns.len() as i32 * self.column,
            height: lines.len() as i32 * self.row,
        }
    }
}

fn span(from: i32, length: i32, step: i32, count: u32) -> Range<u32> {
    let first = (from.max(0) / step) as u32;
    let end = ((from + length).max(0) as u32).div_ceil(step as u32);
    first.min(count)..end.min(count).max(first.min(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        column: 10,
        cell: 16,
        row: 16,
        names: 300,
        name_columns: 0,
        columns: 50,
        lines: 40,
    };

    #[test]
    fn what_is_in_sight_is_counted_in_whole_cells() {
        let sight = Area { x: 15, y: 20, width: 100, height: 60 };
        assert_eq!(LAYOUT.columns_in(&sight), 1..12);
        assert_eq!(LAYOUT.lines_in(&sight), 1..5);
        assert!(LAYOUT.paint_area(&sight, &sight).covers(&sight));
    }

    #[test]
    fn narrow_columns_have_low_rows_and_a_graph_makes_them_higher() {
        let heights = [10, 36, 80].map(|width| Layout::new(width, false, 1440, (50, 40), 0).row);
        assert_eq!(heights, [16, 19, 22]);
        let graph = Layout::new(80, true, 390, (50, 40), 0);
        assert_eq!((graph.row, graph.names), (48, 156));
        assert_eq!((graph.width(), graph.height()), (4_000, 1_920));
    }

    #[test]
    fn names_in_columns_get_more_room_where_there_is_some() {
        let names = |screen, columns| Layout::new(80, false, screen, (50, 40), columns).names;
        assert_eq!([names(1_440, 0), names(1_440, 1), names(1_440, 3)], [300, 300, 520]);
        assert_eq!([names(800, 3), names(390, 3)], [320, 156]);
    }

    #[test]
    fn more_is_painted_where_one_scrolls_to() {
        let layout = Layout { columns: 500, lines: 500, ..LAYOUT };
        let before = Area { x: 1_000, y: 1_000, width: 100, height: 60 };
        let down = layout.paint_area(&Area { y: 1_060, ..before }, &before);
        assert_eq!((down.x, down.width), (1_000, 100));
        assert!(down.y <= 1_060 && down.y + down.height >= 1_120 + AHEAD_PX);
        let left = layout.paint_area(&Area { x: 900, ..before }, &before);
        assert!(left.x <= 900 - AHEAD_PX && left.x + left.width >= 1_000);
    }

    #[test]
    fn nothing_is_painted_beyond_the_grid() {
        let beyond = Area { x: 5_000, y: 5_000, width: 100, height: 100 };
        assert!(LAYOUT.columns_in(&beyond).is_empty());
        let whole = Area { x: -50, y: 0, width: 9_000, height: 9_000 };
        let all = LAYOUT.paint_area(&whole, &whole);
        assert_eq!(all, Area { x: 0, y: 0, width: 500, height: 640 });
        assert_eq!(LAYOUT.at(499, 639), Some((39, 49)));
        assert_eq!(LAYOUT.at(500, 0), None);
        assert_eq!(LAYOUT.at(-1, 0), None);
    }
}
