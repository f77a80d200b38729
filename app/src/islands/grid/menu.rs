//! The menus of a cell and of a column.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Event, FocusEvent, HtmlElement, KeyboardEvent, MouseEvent, Node};

use super::data::load_json;
use super::frame::{make, px};
use super::sheet::{Grid, Picked};
use crate::islands::dom;

/// How far a menu stays from the edge of the window.
const EDGE_PX: i32 = 8;

/// What choosing an item does.
enum Act {
    Go(String),
    Copy(String),
    Pick(Picked),
}

/// A menu that opens anywhere on the page.
pub(super) struct Menu {
    root: HtmlElement,
    /// What had the focus before.
    from: Rc<RefCell<Option<HtmlElement>>>,
}

impl Menu {
    pub(super) fn new() -> Menu {
        let root = make("div", "g-menu");
        let _ = root.set_attribute("role", "menu");
        root.set_hidden(true);
        if let Some(main) = dom::find("main") {
            let _ = main.append_child(&root);
        }
        let menu = Menu { root, from: Rc::default() };
        let (root, from) = (menu.root.clone(), menu.from.clone());
        dom::on(&menu.root, "keydown", move |event: KeyboardEvent| {
            let items = items(&root);
            let focused = dom::document().active_element();
            let at = items.iter().position(|item| focused.as_ref() == Some(item.unchecked_ref()));
            let count = items.len().max(1);
            let next = match event.key().as_str() {
                "ArrowDown" => at.map_or(0, |at| (at + 1) % count),
                "ArrowUp" => at.map_or(count - 1, |at| (at + count - 1) % count),
                "Home" => 0,
                "End" => count - 1,
                "Escape" | "Tab" => {
                    close(&root, &from);
                    event.prevent_default();
                    return;
                }
                _ => return,
            };
            if let Some(item) = items.get(next) {
                let _ = item.focus();
            }
            event.prevent_default();
            event.stop_propagation();
        });
        let root = menu.root.clone();
        dom::on(&menu.root, "focusout", move |event: FocusEvent| {
            let to = event.related_target().and_then(|to| to.dyn_into::<Node>().ok());
            if to.is_some() && !root.contains(to.as_ref()) {
                root.set_hidden(true);
            }
        });
        let root = menu.root.clone();
        dom::on(&dom::document(), "pointerdown", move |event: Event| {
            let to = event.target().and_then(|to| to.dyn_into::<Node>().ok());
            if !root.contains(to.as_ref()) {
                root.set_hidden(true);
            }
        });
        menu
    }

    /// Whether the menu is on the page.
    pub(super) fn is_open(&self) -> bool {
        !self.root.hidden()
    }

    /// Closes the menu and gives the focus back.
    pub(super) fn close(&self) {
        close(&self.root, &self.from);
    }

    /// Opens an empty menu with a title.
    fn open(&self, title: &str, x: i32, y: i32) {
        if self.root.hidden() {
            let focused = dom::document().active_element();
            *self.from.borrow_mut() = focused.and_then(|element| element.dyn_into().ok());
        }
        self.root.set_text_content(None);
        let head = make("p", "g-menu-title");
        head.set_text_content(Some(title));
        let _ = self.root.append_child(&head);
        let _ = self.root.set_attribute("aria-label", title);
        self.root.set_hidden(false);
        self.place(x, y);
    }

    /// Keeps the menu inside the window.
    fn place(&self, x: i32, y: i32) {
        let (width, height) = dom::window_size();
        let x = x.min(width - self.root.offset_width() - EDGE_PX).max(EDGE_PX);
        let y = y.min(height - self.root.offset_height() - EDGE_PX).max(EDGE_PX);
        px(&self.root, "left", x);
        px(&self.root, "top", y);
    }

    fn add(&self, grid: &Grid, text: &str, act: Act) {
        let item = match &act {
            Act::Go(href) => {
                let item = make("a", "");
                let _ = item.set_attribute("href", href);
                item
            }
            _ => {
                let item = make("button", "");
                let _ = item.set_attribute("type", "button");
                item
            }
        };
        let _ = item.set_attribute("role", "menuitem");
        let _ = item.set_attribute("tabindex", "-1");
        item.set_text_content(Some(text));
        let grid = grid.clone();
        dom::on(&item, "click", move |_: MouseEvent| {
            match &act {
                Act::Go(_) => {}
                Act::Copy(text) => copy(&grid, text),
                Act::Pick(column) => pick(&grid, column),
            }
            grid.menu.close();
        });
        let first = items(&self.root).is_empty();
        let _ = self.root.append_child(&item);
        if first {
            let _ = item.focus();
        }
    }

    fn say(&self, text: &str) -> HtmlElement {
        let line = make("p", "g-menu-note");
        line.set_text_content(Some(text));
        let _ = self.root.append_child(&line);
        line
    }
}

fn items(root: &HtmlElement) -> Vec<HtmlElement> {
    let items = dom::all(root, "[role=menuitem]");
    items.into_iter().filter_map(|item| item.dyn_into().ok()).collect()
}

fn close(root: &HtmlElement, from: &RefCell<Option<HtmlElement>>) {
    if !root.hidden() {
        root.set_hidden(true);
        if let Some(from) = from.take() {
            let _ = from.focus();
        }
    }
}

fn copy(grid: &Grid, text: &str) {
    if dom::copy(text) {
        grid.note("Copied.");
    } else {
        grid.note(&["This browser does not let a page copy here: ", text].concat());
    }
}

/// The menu of a cell: what is known at once, then what the server knows.
pub(super) fn of_cell(grid: &Grid, line: u32, column: u32, x: i32, y: i32) {
    let Some(query) = grid.cell_query(line, column) else { return };
    let layout = grid.layout.get();
    grid.focus.set((line, Some(column)));
    grid.frame.focus(line, Some(column), &layout);
    grid.tooltip.hide();
    let title = {
        let data = grid.data.borrow();
        [data.name(line), " · ", data.grid.builds.get(column)].concat()
    };
    grid.menu.open(&title, x, y);
    let origin = dom::window().location().origin().unwrap_or_default();
    let filled = grid.open_href(line, column);
    if let Some(href) = &filled {
        grid.menu.add(grid, "Open run", Act::Go(href.clone()));
        let link = [origin.as_str(), href].concat();
        grid.menu.add(grid, "Copy link", Act::Copy(link));
    }
    let row = grid.data.borrow().name(line).to_owned();
    let history = [grid.test.as_str(), &dom::encode(&row)].concat();
    grid.menu.add(grid, "History of this test", Act::Go(history));
    grid.menu.add(grid, "Copy name of the test", Act::Copy(row));
    if filled.is_none() {
        return;
    }
    let waits = grid.menu.say("…");
    let grid = grid.clone();
    spawn_local(async move {
        let answer = load_json(&[grid.api.as_str(), "/cell?", &query].concat()).await;
        if !waits.is_connected() {
            return;
        }
        waits.remove();
        match answer {
            Ok(cell) => {
                for link in dom::list(&cell, "links") {
                    // Those are there already.
                    let (text, href) = (dom::text(&link, "text"), dom::text(&link, "href"));
                    if href.is_empty() {
                        // An issue of which the tab does not say where it is.
                        grid.menu.say(&text);
                    } else if !matches!(dom::text(&link, "kind").as_str(), "open" | "history") {
                        grid.menu.add(&grid, &text, Act::Go(href));
                    }
                }
                for metric in dom::list(&cell, "metrics") {
                    let value = dom::field(&metric, "value").as_f64().unwrap_or_default();
                    let value = super::graph::digits(value);
                    grid.menu.say(&[&dom::text(&metric, "name"), ": ", value.as_str()].concat());
                }
            }
            Err(why) => {
                grid.menu.say(&["More links could not be loaded. ", &why].concat());
            }
        }
        grid.menu.place(x, y);
    });
}

/// The menu of a column.
pub(super) fn of_column(grid: &Grid, column: u32, x: i32, y: i32) {
    let (build, name, first) = {
        let data = grid.data.borrow();
        let filled = |line: &u32| data.row(*line).is_some_and(|row| row.cell(column).0 != 0);
        let first = (0..data.view.lines.len() as u32).find(filled);
        let (build, name) = (data.grid.builds.get(column), data.grid.names.get(column));
        (build.to_owned(), name.to_owned(), first)
    };
    let started = grid.data.borrow().started(column);
    grid.tooltip.hide();
    grid.menu.open(&[&build, " · ", started.as_str()].concat(), x, y);
    if let Some(href) = first.and_then(|line| grid.open_href(line, column)) {
        grid.menu.add(grid, "Open run", Act::Go(href));
    }
    grid.menu.add(grid, "Copy build", Act::Copy(build.clone()));
    let picked = (build, name);
    let words = if grid.picked.borrow().contains(&picked) {
        "Do not compare"
    } else {
        "Select to compare with another column"
    };
    grid.menu.add(grid, words, Act::Pick(picked));
    grid.menu.place(x, y);
}

/// Chooses a column for comparison, or not any more; two of them give the links.
fn pick(grid: &Grid, column: &Picked) {
    {
        let mut picked = grid.picked.borrow_mut();
        match picked.iter().position(|other| other == column) {
            Some(at) => {
                picked.remove(at);
            }
            None => {
                // A third one takes the place of the first.
                if picked.len() == 2 {
                    picked.remove(0);
                }
                picked.push(column.clone());
            }
        }
    }
    grid.frame.pick(&grid.picked_columns(), &grid.layout.get());
    show_diff(grid);
}

fn show_diff(grid: &Grid) {
    let Some(place) = dom::find("#grid-diff") else { return };
    place.set_text_content(None);
    let mut columns = grid.picked_columns();
    columns.sort_unstable();
    let builds: Vec<Picked> = {
        let data = grid.data.borrow();
        let (builds, names) = (&data.grid.builds, &data.grid.names);
        columns.iter().map(|at| (builds.get(*at).to_owned(), names.get(*at).to_owned())).collect()
    };
    let words = make("span", "");
    let _ = place.append_child(&words);
    match builds.as_slice() {
        [] => return,
        [(one, _)] => {
            words.set_text_content(Some(&["Selected ", one, "; select another column"].concat()));
        }
        // Columns are newest first.
        [(to, to_name), (from, from_name), ..] => {
            words.set_text_content(Some(&[from, " … ", to.as_str()].concat()));
            let mut url = [&grid.api, "/diff?"].concat();
            for (key, value) in
                [("from", from), ("to", to), ("from-name", from_name), ("to-name", to_name)]
            {
                if !value.is_empty() {
                    url.push_str(&[key, "=", &dom::encode(value), "&"].concat());
                }
            }
            url.push_str(&grid.range());
            let (words, grid) = (words.clone(), grid.clone());
            spawn_local(async move {
                let links = match load_json(&url).await {
                    Ok(links) => links,
                    Err(why) => {
                        grid.note(&["The comparison could not be loaded. ", &why].concat());
                        return;
                    }
                };
                let links = leptos::web_sys::js_sys::Array::from(&links);
                for link in links.iter() {
                    let item = make("a", "");
                    let _ = item.set_attribute("href", &dom::text(&link, "href"));
                    item.set_text_content(Some(&dom::text(&link, "text")));
                    let _ = words.append_with_node_2(&dom::document().create_text_node(" "), &item);
                }
                if links.length() == 0 {
                    grid.note("This tab has no page that compares two builds.");
                }
            });
        }
    }
    let clear = make("button", "");
    let _ = clear.set_attribute("type", "button");
    clear.set_text_content(Some("clear"));
    let grid = grid.clone();
    dom::on(&clear, "click", move |_: MouseEvent| {
        grid.picked.borrow_mut().clear();
        grid.frame.pick(&[], &grid.layout.get());
        show_diff(&grid);
    });
    let _ = place.append_child(&clear);
}
