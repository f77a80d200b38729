//! The keys of the grid.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::data::Line;
use super::sheet::Grid;
use super::{menu, toolbar};
use crate::islands::dom;

pub(super) fn start(grid: &Grid) {
    let pressed = grid.clone();
    dom::on(&grid.frame.scroll, "keydown", move |event: KeyboardEvent| {
        if !event.alt_key() && !event.meta_key() && key(&pressed, &event) {
            event.prevent_default();
            event.stop_propagation();
        }
    });
    let focused = grid.clone();
    dom::on(&grid.frame.scroll, "focus", move |_: Event| {
        // Keys begin where one looks.
        let layout = focused.layout.get();
        let sight = focused.frame.sight(&layout);
        let (line, column) = focused.focus.get();
        let (lines, columns) = (layout.lines_in(&sight), layout.columns_in(&sight));
        if !lines.contains(&line) || column.is_some_and(|column| !columns.contains(&column)) {
            focused.go_to(lines.start, Some(columns.start));
        }
    });
    dom::on(&dom::document(), "keydown", move |event: KeyboardEvent| {
        let typing = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|target| target.closest("input,textarea,select,dialog").ok().flatten())
            .is_some();
        if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let field = match event.key().as_str() {
            "f" => "include-filter-by-regex",
            "s" => "sort",
            "g" => "group",
            "w" => "width",
            _ => return,
        };
        let selector = ["#grid-options [name=", field, "]"].concat();
        if let Some(field) = dom::find(&selector).and_then(|f| f.dyn_into::<HtmlElement>().ok()) {
            let _ = field.focus();
            event.prevent_default();
        }
    });
}

/// Acts on a key; whether it was one of ours.
fn key(grid: &Grid, event: &KeyboardEvent) -> bool {
    let layout = grid.layout.get();
    if layout.lines == 0 || layout.columns == 0 {
        return false;
    }
    let (line, column) = grid.focus.get();
    let last = layout.columns - 1;
    let page = (grid.frame.sight(&layout).height / layout.row.max(1)).max(2) as u32 - 1;
    let all = event.ctrl_key();
    let (line, column) = match event.key().as_str() {
        "ArrowDown" => (line + 1, column),
        "ArrowUp" => (line.saturating_sub(1), column),
        // Left of the first cell stands the name.
        "ArrowLeft" => (line, column.and_then(|column| column.checked_sub(1))),
        "ArrowRight" => (line, Some(column.map_or(0, |column| column + 1))),
        "PageDown" => (line + page, column),
        "PageUp" => (line.saturating_sub(page), column),
        "Home" => (if all { 0 } else { line }, Some(0)),
        "End" => (if all { layout.lines - 1 } else { line }, Some(last)),
        _ if all => return false,
        "Enter" | " " => {
            open(grid, line, column);
            return true;
        }
        "m" | "ContextMenu" | "F10" => {
            if event.key() == "F10" && !event.shift_key() {
                return false;
            }
            let (x, y) = corner(grid, line, column);
            if let Some(column) = column {
                menu::of_cell(grid, line, column, x, y);
            }
            return true;
        }
        "c" => {
            let (x, y) = corner(grid, line, column);
            menu::of_column(grid, column.unwrap_or(0), x, y);
            return true;
        }
        "+" | "-" => {
            toolbar::widen(grid, event.key() == "+");
            return true;
        }
        "Escape" => {
            grid.menu.close();
            return false;
        }
        _ => return false,
    };
    grid.go_to(line, column);
    true
}

fn open(grid: &Grid, line: u32, column: Option<u32>) {
    let group = matches!(grid.data.borrow().view.lines.get(line as usize), Some(Line::Group(..)));
    if group {
        grid.toggle(line);
        return;
    }
    let href = match column {
        Some(column) => grid.open_href(line, column),
        None => Some([grid.test.as_str(), &dom::encode(grid.data.borrow().name(line))].concat()),
    };
    if let Some(href) = href {
        dom::go(&href);
    }
}

/// The lower right corner of a cell in the window.
fn corner(grid: &Grid, line: u32, column: Option<u32>) -> (i32, i32) {
    let layout = grid.layout.get();
    let body = grid.frame.body.get_bounding_client_rect();
    let x = layout.names + column.map_or(0, |column| (column as i32 + 1) * layout.column);
    (body.left() as i32 + x - 2, body.top() as i32 + (line as i32) * layout.row + layout.cell - 2)
}
