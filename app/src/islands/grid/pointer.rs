//! The pointer: which cell it is on, clicks, menus, long presses.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent, PointerEvent};

use super::data::Line;
use super::layout::Layout;
use super::menu;
use super::sheet::Grid;
use crate::islands::dom;

/// How long a finger rests on a cell before the menu opens.
const LONG_PRESS_MS: i32 = 550;

/// How far it may move meanwhile.
const STILL_PX: i32 = 10;

/// The cell under the pointer.
pub(super) fn hovered(grid: &Grid, layout: &Layout) -> Option<(u32, u32)> {
    let (x, y) = grid.pointer.get()?;
    place(grid, layout, x, y)
}

/// The cell at a point of the window; nothing on names, header or outside.
fn place(grid: &Grid, layout: &Layout, x: i32, y: i32) -> Option<(u32, u32)> {
    let body = grid.frame.body.get_bounding_client_rect();
    let seen = grid.frame.scroll.get_bounding_client_rect();
    let head = grid.frame.head.client_height();
    let under = x < seen.left() as i32 + layout.names || y < seen.top() as i32 + head;
    if under || f64::from(x) >= seen.right() || f64::from(y) >= seen.bottom() {
        return None;
    }
    layout.at(x - body.left() as i32 - layout.names, y - body.top() as i32)
}

/// The column of a point in the header.
fn head_column(grid: &Grid, event: &MouseEvent) -> Option<u32> {
    let layout = grid.layout.get();
    let body = grid.frame.body.get_bounding_client_rect();
    let seen = grid.frame.scroll.get_bounding_client_rect();
    if event.client_x() < seen.left() as i32 + layout.names {
        return None;
    }
    layout.at(event.client_x() - body.left() as i32 - layout.names, 0).map(|(_, column)| column)
}

pub(super) fn start(grid: &Grid) {
    let frame = &grid.frame;
    let moved = grid.clone();
    dom::on(&frame.body, "pointermove", move |event: PointerEvent| {
        if event.pointer_type() != "touch" {
            moved.pointer.set(Some((event.client_x(), event.client_y())));
            moved.ask_frame();
        }
    });
    let left = grid.clone();
    dom::on(&frame.body, "pointerleave", move |_: PointerEvent| {
        left.pointer.set(None);
        left.ask_frame();
    });
    let clicked = grid.clone();
    dom::on(&frame.body, "click", move |event: MouseEvent| click(&clicked, &event));
    let middle = grid.clone();
    dom::on(&frame.body, "auxclick", move |event: MouseEvent| {
        if event.button() == 1 {
            click(&middle, &event);
        }
    });
    let asked = grid.clone();
    dom::on(&frame.body, "contextmenu", move |event: MouseEvent| {
        let layout = asked.layout.get();
        if let Some((line, column)) = place(&asked, &layout, event.client_x(), event.client_y()) {
            event.prevent_default();
            menu::of_cell(&asked, line, column, event.client_x(), event.client_y());
        }
    });
    for name in ["click", "contextmenu"] {
        let headed = grid.clone();
        dom::on(&frame.head, name, move |event: MouseEvent| {
            if let Some(column) = head_column(&headed, &event) {
                event.prevent_default();
                menu::of_column(&headed, column, event.client_x(), event.client_y());
            }
        });
    }
    long_press(grid);
}

fn click(grid: &Grid, event: &MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let name = target.and_then(|target| target.closest("[data-line]").ok().flatten());
    if let Some(name) = name {
        let line = dom::attribute(&name, "data-line") as u32;
        if matches!(grid.data.borrow().view.lines.get(line as usize), Some(Line::Row(..))) {
            // A link is the browser's business.
            return;
        }
        grid.toggle(line);
        return;
    }
    let layout = grid.layout.get();
    let Some((line, column)) = place(grid, &layout, event.client_x(), event.client_y()) else {
        return;
    };
    let group = matches!(grid.data.borrow().view.lines.get(line as usize), Some(Line::Group(..)));
    if group {
        grid.toggle(line);
        return;
    }
    // A finger has no tooltip: the first touch shows what the second one opens.
    let touch = event.dyn_ref::<PointerEvent>().is_some_and(|e| e.pointer_type() == "touch");
    let again = grid.hover.get() == Some((line, column));
    grid.focus.set((line, Some(column)));
    grid.frame.focus(line, Some(column), &layout);
    if touch && !again {
        grid.pointer.set(Some((event.client_x(), event.client_y())));
        grid.ask_frame();
        return;
    }
    let Some(href) = grid.open_href(line, column) else { return };
    if event.button() == 1 || event.ctrl_key() || event.meta_key() {
        let _ = dom::window().open_with_url_and_target(&href, "_blank");
    } else {
        dom::go(&href);
    }
}

fn long_press(grid: &Grid) {
    let timer = Rc::new(Cell::new(0));
    let from = Rc::new(Cell::new((0, 0)));
    let (pressed, start, by) = (grid.clone(), from.clone(), timer.clone());
    dom::on(&grid.frame.body, "pointerdown", move |event: PointerEvent| {
        if event.pointer_type() != "touch" {
            return;
        }
        let (x, y) = (event.client_x(), event.client_y());
        start.set((x, y));
        let grid = pressed.clone();
        by.set(dom::later(LONG_PRESS_MS, move || {
            if let Some((line, column)) = place(&grid, &grid.layout.get(), x, y) {
                menu::of_cell(&grid, line, column, x, y);
            }
        }));
    });
    for name in ["pointermove", "pointerup", "pointercancel"] {
        let (from, timer) = (from.clone(), timer.clone());
        dom::on(&grid.frame.body, name, move |event: PointerEvent| {
            let (x, y) = from.get();
            let still =
                (event.client_x() - x).abs() < STILL_PX && (event.client_y() - y).abs() < STILL_PX;
            if name != "pointermove" || !still {
                dom::window().clear_timeout_with_handle(timer.get());
            }
        });
    }
}
