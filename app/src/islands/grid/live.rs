//! Changes of the tab while it is open.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MouseEvent};

use super::data::Data;
use super::fresh;
use super::sheet::Grid;
use crate::islands::dom;
use crate::islands::stream::Stream;

/// Hears of changes. Whatever happened before the stream was open, or while it was not, is asked
/// for when it opens.
pub(super) fn start(grid: &Grid) {
    if let Some(button) = news() {
        let grid = grid.clone();
        dom::on(&button, "click", move |_: MouseEvent| {
            grid.frame.scroll.set_scroll_left(0);
            show_news(0);
        });
    }
    let Some(address) = grid.frame.host.get_attribute("data-stream") else { return };
    let tab = grid.frame.host.get_attribute("data-tab").unwrap_or_default();
    let heard = grid.clone();
    Stream::open(
        move |_| address.clone(),
        None,
        &["hello", "tab"],
        move |event, data| {
            let shown = heard.data.borrow().grid.version.clone();
            // The first greeting comes while the grid is on its way.
            if shown.is_empty() {
                return;
            }
            let Some(data) = dom::parse(data) else { return };
            if event == "tab" {
                // Of every tab of the dashboard; the strip has a shape for each.
                fresh::bring(&[".strip.tabs", ".tab-head"]);
                if dom::text(&data, "tab") != tab {
                    return;
                }
            }
            if dom::text(&data, "version") == shown {
                return;
            }
            heard.load(true);
        },
    );
    let scrolled = grid.clone();
    dom::on(&grid.frame.scroll, "scroll", move |_: web_sys::Event| {
        if scrolled.frame.scroll.scroll_left() == 0 {
            show_news(0);
        }
    });
}

/// Puts a grid in the place of the one before. What is being read stays where it is: the columns
/// when the reader has scrolled away from the newest one, and the row at the top.
pub(super) fn arrive(grid: &Grid, fresh: Data) {
    let layout = grid.layout.get();
    if layout.column == 0 {
        *grid.data.borrow_mut() = fresh;
        grid.shown_anew(true);
        return;
    }
    let sight = grid.frame.sight(&layout);
    let (line, column) = grid.focus.get();
    let top = layout.lines_in(&sight).start;
    let (new, top_line, focus_line) = {
        let before = grid.data.borrow();
        if before.grid.version == fresh.grid.version {
            return;
        }
        let new = fresh.newer_than(&before.grid);
        (new.unwrap_or(0), fresh.line_of(before.name(top)), fresh.line_of(before.name(line)))
    };
    *grid.data.borrow_mut() = fresh;
    grid.marked.borrow_mut().clear();
    let metric = grid.graphs.borrow().metric.clone();
    grid.graphs.borrow_mut().choose(metric);
    let away = sight.x > 0;
    grid.focus.set((focus_line.unwrap_or(line), column.map(|column| column + new)));
    grid.shown_anew(true);
    if let Some(now) = top_line
        && sight.y > 0
    {
        let within = sight.y - top as i32 * layout.row;
        grid.frame.scroll.set_scroll_top(now as i32 * layout.row + within);
    }
    if new == 0 {
        return;
    }
    if away {
        grid.frame.scroll.set_scroll_left(sight.x + new as i32 * layout.column);
        let waiting = news().map_or(0, |button| dom::attribute(&button, "data-count") as u32);
        show_news(waiting + new);
    } else {
        grid.slide_in(new);
    }
    if let Some(said) = dom::find("#grid-said") {
        let data = grid.data.borrow();
        dom::set_text(&said, &["New build ", data.grid.builds.get(0)].concat());
    }
}

fn news() -> Option<HtmlElement> {
    dom::find("#grid-news")?.dyn_into().ok()
}

/// Says how many columns are new and out of sight.
fn show_news(count: u32) {
    let Some(button) = news() else { return };
    let _ = button.set_attribute("data-count", &count.to_string());
    dom::set_text(&button, &[&count.to_string(), " new"].concat());
    super::frame::show(&button, count > 0);
}
