//! One grid on one page: what it knows, and how a change comes to be seen.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, HtmlElement, HtmlInputElement, MutationObserver, MutationObserverInit};

use super::data::{Data, Line, View, load_grid, load_json};
use super::frame::{Frame, px};
use super::graph::Graphs;
use super::layout::{Area, Layout};
use super::menu::Menu;
use super::paint::{Painting, Palette};
use super::tooltip::Tooltip;
use super::{clusters, keys, legend, live, pointer, table, toolbar};
use crate::islands::dom;
use crate::model::grid_query::GridQuery;

/// How long scrolling must rest before the table for those who listen is made again, and values for
/// graphs are asked for.
const REST_MS: i32 = 160;

/// How long after data arrived all of it is looked at: once it is to be seen.
const CHECK_MS: i32 = 1_000;

/// How often grid and view are asked for again while they are of different states of the tab.
const TRIES: u32 = 4;

/// A grid.
#[derive(Clone)]
pub(super) struct Grid(Rc<Inner>);

impl Deref for Grid {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What names a column: its build, and the second part of its identity where builds are not enough.
pub(super) type Picked = (String, String);

/// What a grid knows.
pub(super) struct Inner {
    /// Address of the tab in the API.
    pub(super) api: String,
    /// How the address of a test's page begins.
    pub(super) test: String,
    pub(super) frame: Frame,
    pub(super) menu: Menu,
    pub(super) tooltip: Tooltip,
    pub(super) data: RefCell<Data>,
    pub(super) graphs: RefCell<Graphs>,
    pub(super) options: RefCell<GridQuery>,
    /// Width of a column in pixels.
    pub(super) width: Cell<u32>,
    pub(super) layout: Cell<Layout>,
    /// Room for the grid from left to right, in pixels. To ask for it while the page changes would
    /// have it laid out once more.
    screen: Cell<i32>,
    /// Width and height of the window, in pixels. No more than that can be in sight.
    window: Cell<(i32, i32)>,
    /// Nothing was drawn yet.
    fresh: Cell<bool>,
    /// Cells that stand out: columns by the place of the row.
    pub(super) marked: RefCell<HashMap<u32, Vec<u32>>>,
    /// Builds that are chosen for comparison.
    pub(super) picked: RefCell<Vec<Picked>>,
    /// Where the pointer is in the window.
    pub(super) pointer: Cell<Option<(i32, i32)>>,
    /// The cell under the pointer.
    pub(super) hover: Cell<Option<(u32, u32)>>,
    /// The line and the column that keys act on; no column is the name.
    pub(super) focus: Cell<(u32, Option<u32>)>,
    palette: RefCell<Palette>,
    /// What the canvas shows.
    painted: Cell<Area>,
    /// What was in sight when it was painted.
    seen: Cell<Area>,
    dirty: Cell<bool>,
    frame_asked: Cell<bool>,
    rest: Cell<i32>,
    /// Counts what was asked of the server, so that late answers are told from the last one.
    asked: Cell<u32>,
}

/// Starts on a page that has a grid.
pub(super) fn start() {
    let Some(host) = dom::find("#grid") else { return };
    let Some(api) = host.get_attribute("data-api") else { return };
    // Where the options of the address are wrong, the page has said so and shows the tab's own.
    let wrong = dom::find(".option-error").is_some();
    let options = host.get_attribute("data-options").filter(|_| !wrong).unwrap_or_default();
    let test = host.get_attribute("data-test");
    let grid = Grid(Rc::new(Inner {
        api,
        test: test.unwrap_or_else(|| "/test?name=".to_owned()),
        frame: Frame::new(host),
        menu: Menu::new(),
        tooltip: Tooltip::new(),
        data: RefCell::default(),
        graphs: RefCell::default(),
        options: RefCell::new(GridQuery::parse(&options)),
        width: Cell::default(),
        layout: Cell::default(),
        screen: Cell::default(),
        window: Cell::default(),
        fresh: Cell::new(true),
        marked: RefCell::default(),
        picked: RefCell::default(),
        pointer: Cell::default(),
        hover: Cell::default(),
        focus: Cell::new((0, Some(0))),
        palette: RefCell::default(),
        painted: Cell::default(),
        seen: Cell::default(),
        dirty: Cell::new(true),
        frame_asked: Cell::new(false),
        rest: Cell::new(0),
        asked: Cell::new(0),
    }));
    toolbar::looks(&grid);
    live::start(&grid);
    grid.load(false);
    // While the data is on its way.
    show_tab();
    *grid.palette.borrow_mut() = Palette::read(&grid.frame.host);
    grid.measure_screen();
    super::paint::warm(&grid.frame.canvas, &grid.palette.borrow());
    pointer::start(&grid);
    keys::start(&grid);
    toolbar::start(&grid);
    clusters::start(&grid);
    legend::start(&grid);
    grid.listen();
}

/// Scrolls the strip of tabs to the one that is shown.
fn show_tab() {
    let here = dom::find(".strip.tabs [aria-current]").and_then(|tab| tab.dyn_into().ok());
    if let Some(here) = here
        && let Some(strip) = dom::find(".strip.tabs")
    {
        let here: HtmlElement = here;
        strip.set_scroll_left(here.offset_left() - strip.client_width() / 2);
    }
}

impl Grid {
    fn listen(&self) {
        let grid = self.clone();
        dom::on(&self.frame.scroll, "scroll", move |_: Event| grid.ask_frame());
        let grid = self.clone();
        dom::on(&dom::window(), "resize", move |_: Event| grid.relayout());
        // Theme and time zone are attributes of the page.
        let grid = self.clone();
        let act = Closure::<dyn FnMut()>::new(move || {
            grid.data.borrow_mut().head();
            grid.relayout();
        });
        if let Ok(observer) = MutationObserver::new(act.as_ref().unchecked_ref()) {
            let wanted = MutationObserverInit::new();
            wanted.set_attributes(true);
            let _ = observer.observe_with_options(&dom::root(), &wanted);
        }
        act.forget();
        for query in ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"] {
            if let Ok(Some(media)) = dom::window().match_media(query) {
                let grid = self.clone();
                dom::on(&media, "change", move |_: Event| grid.relayout());
            }
        }
    }

    /// Says something beside the tools, or nothing.
    pub(super) fn note(&self, text: &str) {
        if let Some(note) = dom::find("#grid-note") {
            dom::set_text(&note, text);
        }
    }

    /// Loads grid and view; `again` when they are shown already.
    pub(super) fn load(&self, again: bool) {
        let grid = self.clone();
        let turn = self.next_turn();
        spawn_local(async move {
            if let Err(why) = grid.load_both(turn).await {
                grid.note(&["The grid could not be loaded. ", &why].concat());
                // The server's table stays then, all of it.
                let _ = grid.frame.host.class_list().add_1("grid-off");
            } else if again {
                grid.note("");
            }
        });
    }

    fn next_turn(&self) -> u32 {
        self.asked.set(self.asked.get().wrapping_add(1));
        self.asked.get()
    }

    async fn load_both(&self, turn: u32) -> Result<(), String> {
        for _ in 0..TRIES {
            let view = load_json(&self.view_url());
            let fresh = load_grid(&self.api, &self.range()).await;
            let (view, fresh) = (view.await?, fresh?);
            if self.asked.get() != turn {
                return Ok(());
            }
            if fresh.version == dom::text(&view, "version") {
                let mut data = Data { grid: fresh, ..Data::default() };
                data.view = View::read(&view, self.opens(), &self.data.borrow().view);
                data.head();
                live::arrive(self, data);
                let grid = self.clone();
                dom::later(CHECK_MS, move || grid.check());
                return Ok(());
            }
        }
        Err("It changes faster than it arrives; try again in a moment.".to_owned())
    }

    /// Says so if the data that is shown did not arrive as it was sent.
    fn check(&self) {
        if let Err(why) = self.data.borrow().grid.check() {
            self.note(&why.to_string());
        }
    }

    /// Whether an option is on that can be ticked: by the address, or else by the form, which says
    /// what the tab has.
    fn is_on(&self, option: &str) -> bool {
        if let Some(value) = self.options.borrow().get(option) {
            return value != "off";
        }
        let field = dom::find(&["#grid-options [name=", option, "][type=checkbox]"].concat());
        let field = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
        field.is_some_and(|field| field.checked())
    }

    fn opens(&self) -> bool {
        self.is_on("expand-groups")
    }

    /// Days and columns as the page was asked for them, to go on an address with: whatever is asked
    /// about the grid is about these columns.
    pub(super) fn range(&self) -> String {
        let options = self.options.borrow();
        let mut range = String::new();
        for name in ["days", "columns"] {
            if let Some(value) = options.get(name) {
                range.push_str(&["&", name, "=", &dom::encode(value)].concat());
            }
        }
        range
    }

    fn view_url(&self) -> String {
        [&self.api, "/view?", &self.options.borrow().text()].concat()
    }

    /// Asks for the view of the options that are set now, and shows it.
    pub(super) async fn load_view(&self) -> Result<(), String> {
        let turn = self.next_turn();
        let answer = load_json(&self.view_url()).await?;
        if self.asked.get() != turn {
            return Ok(());
        }
        if dom::text(&answer, "version") != self.data.borrow().grid.version {
            return self.load_both(turn).await;
        }
        let view = View::read(&answer, self.opens(), &self.data.borrow().view);
        self.data.borrow_mut().view = view;
        self.frame.scroll.set_scroll_top(0);
        self.shown_anew(false);
        Ok(())
    }

    /// Shows data that is new: sizes, counts, marks. Without new `columns` only the rows are others.
    pub(super) fn shown_anew(&self, columns: bool) {
        if self.data.borrow().grid.columns() == 0 {
            // The page says why there is nothing.
            return;
        }
        self.frame.replace();
        self.frame.say_empty(self.data.borrow().view.lines.is_empty());
        toolbar::counts(self);
        self.lay_out(columns);
    }

    /// Opens or closes a group.
    pub(super) fn toggle(&self, line: u32) {
        {
            let mut data = self.data.borrow_mut();
            let Some(Line::Group(at, _)) = data.view.lines.get(line as usize).copied() else {
                return;
            };
            if let Some(group) = data.view.groups.get_mut(at as usize) {
                group.open = !group.open;
            }
            data.view.unfold();
        }
        self.lay_out(false);
    }

    /// Measures and paints everything again, with the colours that the page has now.
    pub(super) fn relayout(&self) {
        *self.palette.borrow_mut() = Palette::read(&self.frame.host);
        self.measure_screen();
        self.lay_out(true);
    }

    fn measure_screen(&self) {
        self.screen.set(self.frame.host.client_width());
        self.window.set(dom::window_size());
    }

    /// What is in sight. Where nothing was drawn yet it is taken to be as much as the window has room
    /// for: to ask would have the page laid out without the names that come with the first drawing.
    fn sight(&self, layout: &Layout) -> Area {
        match self.fresh.replace(false) {
            true => self.frame.largest_sight(layout, self.window.get()),
            false => self.frame.sight(layout),
        }
    }

    /// Measures and paints again: everything, or what is there of rows if the columns are as they were.
    fn lay_out(&self, columns: bool) {
        {
            let data = self.data.borrow();
            let width = self.width.get();
            let graph = self.graphs.borrow().metric.is_some();
            let screen = self.screen.get();
            let lines = data.view.lines.len() as u32;
            let size = (data.grid.columns(), lines);
            let name_columns = self.frame.name_columns(self.is_on("show-tabular-names"));
            let layout = Layout::new(width, graph, screen, size, name_columns);
            let before = self.layout.replace(layout);
            if columns || (Layout { lines, ..before }) != layout {
                self.frame.measure(&data, &layout);
            } else {
                self.frame.measure_lines(&layout);
            }
            let (line, column) = self.focus.get();
            let line = line.min(layout.lines.saturating_sub(1));
            let column = column.map(|column| column.min(layout.columns.saturating_sub(1)));
            self.focus.set((line, column));
            self.frame.focus(line, column, &layout);
            self.frame.pick(&self.picked_columns(), &layout);
        }
        self.hover.set(None);
        self.load_names();
        self.repaint();
    }

    /// Asks how names are split into columns, if they are and the server has not told of these.
    fn load_names(&self) {
        let version = self.data.borrow().grid.version.clone();
        let is_wanted = self.layout.get().name_columns > 0;
        let Some(parts) = self.frame.parts.as_ref().filter(|_| is_wanted) else { return };
        if !parts.wants(&version) {
            return;
        }
        let grid = self.clone();
        spawn_local(async move {
            match load_json(&[&grid.api, "/names?", &grid.range()].concat()).await {
                Ok(answer) => {
                    if let Some(parts) = &grid.frame.parts {
                        parts.keep(&answer);
                    }
                    grid.frame.forget_names();
                    grid.ask_frame();
                }
                Err(why) => grid.note(&["Names stay whole. ", &why].concat()),
            }
        });
    }

    /// The columns that are chosen for comparison.
    pub(super) fn picked_columns(&self) -> Vec<u32> {
        let data = self.data.borrow();
        let grid = &data.grid;
        let place = |(build, name): &Picked| {
            (0..grid.columns())
                .find(|at| grid.builds.get(*at) == build && grid.names.get(*at) == name)
        };
        self.picked.borrow().iter().filter_map(place).collect()
    }

    /// Paints again before the next frame.
    pub(super) fn repaint(&self) {
        self.dirty.set(true);
        self.ask_frame();
    }

    /// Brings what is in sight up to date before the next frame.
    pub(super) fn ask_frame(&self) {
        if !self.frame_asked.replace(true) {
            let grid = self.clone();
            dom::next_frame(move || {
                grid.frame_asked.set(false);
                grid.draw();
            });
        }
    }

    fn draw(&self) {
        let layout = self.layout.get();
        if layout.column == 0 {
            return;
        }
        let sight = self.sight(&layout);
        let hover = pointer::hovered(self, &layout);
        {
            let data = self.data.borrow();
            let graphs = self.graphs.borrow();
            self.frame.draw_names(&data, &graphs, &layout, &sight, &self.test);
            self.frame.draw_heads(&data, &layout, &sight);
            let all = Area { x: 0, y: 0, width: layout.width(), height: layout.height() };
            let needed = Area {
                width: sight.width.min(all.width - sight.x).max(0),
                height: sight.height.min(all.height - sight.y).max(0),
                ..sight
            };
            if self.dirty.replace(false) || !self.painted.get().covers(&needed) {
                let area = layout.paint_area(&sight, &self.seen.replace(sight));
                self.painted.set(area);
                self.frame.place_canvas(&area, &layout);
                Painting {
                    data: &data,
                    graphs: &graphs,
                    layout,
                    area,
                    palette: &self.palette.borrow(),
                    marked: &self.marked.borrow(),
                }
                .paint(&self.frame.canvas);
            }
        }
        if hover != self.hover.get() {
            self.frame.light(hover, self.hover.get(), &layout);
            self.hover.set(hover);
            self.tooltip.show(self, hover.filter(|_| !self.menu.is_open()));
        }
        dom::window().clear_timeout_with_handle(self.rest.get());
        let grid = self.clone();
        self.rest.set(dom::later(REST_MS, move || grid.rested()));
    }

    /// What can wait until scrolling rests.
    fn rested(&self) {
        self.frame.clear_away();
        table::write(self);
        let Some(metric) = self.graphs.borrow().metric.clone() else { return };
        let layout = self.layout.get();
        let missing = {
            let data = self.data.borrow();
            let lines = layout.lines_in(&self.painted.get());
            let names = lines.filter_map(|line| data.row(line)).map(|row| row.name);
            self.graphs.borrow_mut().missing(names)
        };
        if missing.is_empty() {
            return;
        }
        let grid = self.clone();
        spawn_local(async move {
            let mut url = [&grid.api, "/metric?name=", &dom::encode(&metric)].concat();
            for row in &missing {
                url.push_str("&row=");
                url.push_str(&dom::encode(row));
            }
            url.push_str(&grid.range());
            match load_json(&url).await {
                Ok(answer) if grid.graphs.borrow().metric.as_ref() == Some(&metric) => {
                    grid.graphs.borrow_mut().keep(&answer);
                    grid.frame.forget_names();
                    grid.repaint();
                }
                Ok(_) => {}
                Err(why) => {
                    grid.graphs.borrow_mut().forget(&missing);
                    grid.note(&["Values could not be loaded. ", &why].concat());
                }
            }
        });
    }

    /// `row=…&build=…` of a cell, as the API wants it. A group has none.
    pub(super) fn cell_query(&self, line: u32, column: u32) -> Option<String> {
        let data = self.data.borrow();
        let row = data.row(line)?;
        let build = dom::encode(data.grid.builds.get(column));
        let mut query = ["row=", &dom::encode(row.name), "&build=", &build].concat();
        let name = data.grid.names.get(column);
        if !name.is_empty() {
            query.push_str("&name=");
            query.push_str(&dom::encode(name));
        }
        query.push_str(&self.range());
        Some(query)
    }

    /// Where a click on a cell leads. Empty cells lead nowhere.
    pub(super) fn open_href(&self, line: u32, column: u32) -> Option<String> {
        if self.data.borrow().row(line)?.cell(column).0 == 0 {
            return None;
        }
        Some([&self.api, "/open?", &self.cell_query(line, column)?].concat())
    }

    /// Moves what keys act on, brings it in sight and says what it is.
    pub(super) fn go_to(&self, line: u32, column: Option<u32>) {
        let layout = self.layout.get();
        let line = line.min(layout.lines.saturating_sub(1));
        let column = column.map(|column| column.min(layout.columns.saturating_sub(1)));
        self.focus.set((line, column));
        self.frame.focus(line, column, &layout);
        self.frame.reveal(line, column, &layout);
        if let Some(said) = dom::find("#grid-said") {
            let data = self.data.borrow();
            let words = match column {
                Some(column) => super::tooltip::cell_words(&data, line, column),
                None => data.name(line).to_owned(),
            };
            dom::set_text(&said, &words);
        }
        self.ask_frame();
    }

    /// Lets new columns slide in from the left.
    pub(super) fn slide_in(&self, columns: u32) {
        let body: &HtmlElement = &self.frame.scroll;
        let layout = self.layout.get();
        px(body, "--slide", -((columns as i32).min(3) * layout.column));
        let _ = body.class_list().remove_1("slides");
        // The animation begins again only if the page has seen the class go.
        let _ = body.offset_width();
        let _ = body.class_list().add_1("slides");
    }
}
