//! The window onto the log: which lines are in the page, and where.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, Event, HtmlCanvasElement, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent,
};

use super::line::{element_of, parse_lines};
use super::search::Hits;
use super::{Tool, folds};
use crate::islands::dom;
use crate::islands::stream::Stream;
use crate::model::words::{bytes, count};
use crate::model::{LogRows, query_pairs, query_value};

/// Height of a line that is not wrapped, should the style sheet not say.
const LINE_PX: f64 = 18.0;

/// Lines drawn above and below those in sight.
const AROUND: u64 = 60;

/// Lines asked for at a time.
const CHUNK: u64 = 500;

/// Lines kept; those far from sight are forgotten beyond it.
const KEPT: usize = 4_000;

/// Rows above and below the first drawn one whose lines are never forgotten.
const NEAR: u64 = 1_000;

/// Browsers draw no element higher than some millions of pixels; a longer log is scrolled in
/// proportion.
const TALLEST_PX: f64 = 8_000_000.0;

/// How long a pause in typing is, before the log is searched.
const PAUSE_MS: i32 = 250;

/// How long to wait before lines that could not be loaded are asked for again.
const RETRY_MS: i32 = 3_000;

/// One viewer on one page.
#[derive(Clone)]
pub(super) struct Viewer {
    pub(super) inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) api: String,
    pub(super) scroll: HtmlElement,
    list: HtmlElement,
    /// Gives the scroll bar the length of the whole log.
    pad: HtmlElement,
    size: Option<Element>,
    lines: RefCell<BTreeMap<u64, JsValue>>,
    loading: RefCell<BTreeSet<u64>>,
    /// Rows in the page.
    drawn: RefCell<Range<u64>>,
    /// Which lines stand in which rows.
    pub(super) rows: RefCell<LogRows>,
    /// When the run began, in milliseconds since 1970.
    start_ms: i64,
    pub(super) total: Cell<u64>,
    /// Lines that fill the view at the end of the log; fewer than elsewhere when they wrap.
    tail: Cell<Option<f64>>,
    pub(super) follows: Cell<bool>,
    pub(super) complete: Cell<bool>,
    pub(super) search: Option<HtmlInputElement>,
    /// What is searched for, and the lines that match.
    pub(super) hits: RefCell<Hits>,
    /// The lines that look like errors, once somebody asked.
    pub(super) errors: RefCell<Hits>,
    /// Where matches and errors are in the whole log.
    pub(super) map: HtmlCanvasElement,
    /// Lines that the address names.
    pub(super) chosen: RefCell<Option<Range<u64>>>,
    /// The line at which the choice of lines began.
    pub(super) anchor: Cell<u64>,
    frame_asked: Cell<bool>,
    /// Height of a line that is not wrapped.
    pub(super) line_px: f64,
    wrapped: RwSignal<bool>,
    pub(super) note: RwSignal<String>,
    pub(super) found: RwSignal<String>,
}

/// Takes the server's lines over. Nothing to do on a page without a log.
pub(super) fn start(
    wrapped: RwSignal<bool>,
    note: RwSignal<String>,
    found: RwSignal<String>,
) -> Option<Viewer> {
    let log = dom::find("#log")?;
    let scroll: HtmlElement = log.query_selector(".log-scroll").ok()??.dyn_into().ok()?;
    let list: HtmlElement = scroll.query_selector(".lines").ok()??.dyn_into().ok()?;
    let pad: HtmlElement = dom::document().create_element("div").ok()?.dyn_into().ok()?;
    scroll.append_child(&pad).ok()?;
    let map = dom::document().create_element("canvas").ok()?;
    let map: HtmlCanvasElement = map.dyn_into().ok()?;
    let _ = map.set_attribute("class", "log-map");
    let _ = map.set_attribute("aria-hidden", "true");
    let search = log.query_selector(".log-search").ok().flatten();
    scroll.parent_element()?.insert_before(&map, Some(&scroll)).ok()?;
    let line_px = dom::window()
        .get_computed_style(&list)
        .ok()
        .flatten()
        .and_then(|style| style.get_property_value("line-height").ok())
        .and_then(|height| height.trim_end_matches("px").parse().ok())
        .unwrap_or(LINE_PX);
    let first = dom::attribute(&log, "data-first");
    let drawn = first..first + u64::from(list.child_element_count());
    let viewer = Viewer {
        inner: Rc::new(Inner {
            api: log.get_attribute("data-api")?,
            size: log.query_selector(".log-size").ok().flatten(),
            scroll,
            list,
            pad,
            lines: RefCell::default(),
            loading: RefCell::default(),
            drawn: RefCell::new(drawn),
            rows: RefCell::new(folds::parts_of(&log)),
            start_ms: log
                .get_attribute("data-start")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            total: Cell::new(dom::attribute(&log, "data-total")),
            tail: Cell::new(None),
            follows: Cell::new(false),
            complete: Cell::new(log.get_attribute("data-complete").as_deref() == Some("true")),
            search: search.and_then(|field| field.dyn_into().ok()),
            hits: RefCell::default(),
            errors: RefCell::default(),
            map,
            chosen: RefCell::new(None),
            anchor: Cell::default(),
            frame_asked: Cell::new(false),
            line_px,
            wrapped,
            note,
            found,
        }),
    };
    wrapped.set(viewer.is_wrapped());
    viewer.resize();
    viewer.listen();
    if !viewer.go_to_address() {
        let asked = dom::window().location().search().unwrap_or_default().contains("from=");
        let at = log.get_attribute("data-at").and_then(|number| number.parse::<u64>().ok());
        if let Some(number) = at {
            viewer.show_line(number.saturating_sub(1));
        } else if asked {
            viewer.scroll_to(first as f64);
        } else {
            viewer.go_to_end();
        }
    }
    if !viewer.inner.complete.get() {
        viewer.follow();
    }
    // Another page may name what is looked for.
    let search = dom::window().location().search().unwrap_or_default();
    let query = query_pairs(search.trim_start_matches('?'));
    if let (Some(field), Some(pattern)) = (&viewer.inner.search, query_value(&query, "find")) {
        field.set_value(pattern);
        viewer.search();
    }
    Some(viewer)
}

impl Viewer {
    pub(super) fn use_tool(&self, tool: Tool) {
        match tool {
            Tool::Wrap => self.toggle_wrap(),
            Tool::First => self.scroll_to(0.0),
            Tool::Last => self.go_to_end(),
            Tool::Previous => self.step(false),
            Tool::Next => self.step(true),
            Tool::NextError => self.next_error(true),
            Tool::Times => self.next_times(),
            Tool::Copy => self.copy_chosen(),
            Tool::Fold => self.fold_all(),
        }
    }

    /// The line that one moves on from: the chosen one, or the one at the top of the view.
    pub(super) fn here(&self) -> u64 {
        let chosen = self.inner.chosen.borrow().clone();
        let rows = self.inner.rows.borrow();
        let drawn = (self.top(), self.top() + self.view_px() / self.inner.line_px);
        chosen
            .map(|range| range.start)
            .filter(|line| {
                let row = rows.row(*line) as f64;
                drawn.0 <= row && row < drawn.1
            })
            .unwrap_or_else(|| rows.line((self.top() as u64).saturating_sub(1)))
    }

    /// Shows a line, a third of the view below its top, and marks it.
    pub(super) fn show_line(&self, line: u64) {
        let third = self.view_px() / self.inner.line_px / 3.0;
        *self.inner.chosen.borrow_mut() = Some(line..line + 1);
        self.inner.follows.set(false);
        if self.inner.rows.borrow_mut().reveal(line) {
            self.clear();
        }
        let row = self.inner.rows.borrow().row(line);
        self.scroll_to((row as f64 - third).max(0.0));
    }

    fn listen(&self) {
        let Inner { scroll, list, .. } = &*self.inner;
        let viewer = self.clone();
        dom::on(scroll, "scroll", move |_: Event| {
            viewer.inner.follows.set(viewer.is_at_end());
            viewer.ask_frame();
        });
        let viewer = self.clone();
        dom::on(&dom::window(), "resize", move |_: Event| {
            viewer.inner.tail.set(None);
            viewer.redraw();
        });
        let viewer = self.clone();
        dom::on(&dom::window(), "hashchange", move |_: Event| {
            viewer.go_to_address();
        });
        let viewer = self.clone();
        dom::on(list, "click", move |event: MouseEvent| viewer.clicked(&event));
        self.listen_to_outline();
        if let Some(field) = &self.inner.search {
            let timer = Rc::new(Cell::new(0));
            let viewer = self.clone();
            dom::on(field, "input", move |_: Event| {
                dom::window().clear_timeout_with_handle(timer.get());
                let viewer = viewer.clone();
                timer.set(dom::later(PAUSE_MS, move || viewer.search()));
            });
            let viewer = self.clone();
            dom::on(field, "keydown", move |event: KeyboardEvent| {
                if event.key() == "Enter" {
                    event.prevent_default();
                    viewer.step(!event.shift_key());
                }
            });
        }
        let viewer = self.clone();
        dom::on(&self.inner.map, "click", move |event: MouseEvent| {
            let height = f64::from(viewer.inner.map.client_height()).max(1.0);
            let share = f64::from(event.offset_y()) / height;
            let line = (share * viewer.inner.total.get() as f64) as u64;
            let row = viewer.inner.rows.borrow().row(line);
            viewer.scroll_to(row as f64);
        });
        let viewer = self.clone();
        dom::on(&dom::document(), "keydown", move |event: KeyboardEvent| {
            let typing = event
                .target()
                .and_then(|t| t.dyn_into::<Element>().ok())
                .and_then(|t| t.closest("input,textarea,select,dialog").ok().flatten())
                .is_some();
            if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            match event.key().as_str() {
                "w" => viewer.toggle_wrap(),
                "G" => viewer.go_to_end(),
                "n" => viewer.step(true),
                "N" => viewer.step(false),
                "e" => viewer.next_error(true),
                "E" => viewer.next_error(false),
                "t" => viewer.next_times(),
                "c" => viewer.copy_chosen(),
                "z" => viewer.fold_all(),
                "j" => viewer.choose_beside(true, false),
                "k" => viewer.choose_beside(false, false),
                "J" => viewer.choose_beside(true, true),
                "K" => viewer.choose_beside(false, true),
                "f" => {
                    if let Some(field) = &viewer.inner.search {
                        event.prevent_default();
                        let _ = field.focus();
                    }
                }
                _ => {}
            }
        });
    }

    /// New lines by the stream, until the log is complete.
    fn follow(&self) {
        let (at, heard) = (self.clone(), self.clone());
        let stream: Rc<RefCell<Option<Stream>>> = Rc::default();
        let own = stream.clone();
        let address =
            move |_: Option<&str>| format!("{}/stream?line={}", at.inner.api, at.inner.total.get());
        self.inner.note.set("following".to_owned());
        let opened = Stream::open(address, None, &["lines", "end"], move |event, data| {
            if event == "end" {
                heard.inner.complete.set(true);
                heard.inner.note.set("complete".to_owned());
                if let Some(stream) = own.take() {
                    stream.end();
                }
            } else if let Some(data) = dom::parse(data) {
                heard.keep(&data);
                heard.redraw();
                if heard.inner.follows.get() {
                    heard.go_to_end();
                }
            }
        });
        *stream.borrow_mut() = Some(opened);
    }

    /// Keeps the lines of an answer, and what it says about the log.
    fn keep(&self, answer: &JsValue) {
        let inner = &self.inner;
        let mut index = dom::number(answer, "first_line");
        let mut lines = inner.lines.borrow_mut();
        for line in Array::from(&dom::field(answer, "lines")).iter() {
            lines.insert(index, line);
            index += 1;
        }
        if lines.len() > KEPT {
            let (sight, rows) = (inner.drawn.borrow().start, inner.rows.borrow());
            let near = sight.saturating_sub(NEAR)..sight + NEAR;
            lines.retain(|at, _| !rows.is_hidden(*at) && near.contains(&rows.row(*at)));
        }
        drop(lines);
        let total = dom::number(answer, "total_lines").max(index);
        if total > inner.total.get() {
            inner.total.set(total);
            inner.tail.set(None);
        }
        if let Some(size) = &inner.size {
            let size_bytes = dom::number(answer, "size_bytes");
            dom::set_text(
                size,
                &format!("{} lines, {}", count(inner.total.get()), bytes(size_bytes)),
            );
        }
    }

    /// Asks for the missing lines among those in these rows.
    fn load(&self, wanted: Range<u64>) {
        let inner = &self.inner;
        let chunks: BTreeSet<u64> = {
            let (lines, rows) = (inner.lines.borrow(), inner.rows.borrow());
            let missing = wanted.map(|row| rows.line(row)).filter(|at| !lines.contains_key(at));
            missing.map(|at| at / CHUNK).collect()
        };
        for chunk in chunks {
            let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(inner.total.get());
            if inner.loading.borrow_mut().insert(chunk) {
                let viewer = self.clone();
                spawn_local(async move { viewer.load_chunk(chunk, range).await });
            }
        }
    }

    async fn load_chunk(self, chunk: u64, range: Range<u64>) {
        let inner = self.inner.clone();
        let count = range.end - range.start;
        let url = format!("{}?line={}&count={count}", inner.api, range.start);
        match dom::fetch_json(&url).await {
            Ok(answer) => {
                inner.loading.borrow_mut().remove(&chunk);
                self.keep(&answer);
                inner.tail.set(None);
                if !inner.complete.get() {
                    inner.note.set("following".to_owned());
                } else {
                    inner.note.set(String::new());
                }
                self.redraw();
            }
            Err(why) => {
                inner.note.set(format!("Lines could not be loaded. {why} Trying again."));
                dom::later(RETRY_MS, move || {
                    inner.loading.borrow_mut().remove(&chunk);
                    self.redraw();
                });
            }
        }
    }

    fn is_wrapped(&self) -> bool {
        match dom::setting("wrap") {
            Some(choice) => choice == "on",
            // The style sheet wraps on narrow screens unless the reader has chosen.
            None => dom::window_size().0 <= 720,
        }
    }

    /// Rows of the whole log.
    pub(super) fn total_rows(&self) -> u64 {
        self.inner.rows.borrow().count(self.inner.total.get())
    }

    /// Forgets what is in the page, since its rows hold other lines now.
    pub(super) fn clear(&self) {
        self.inner.list.replace_children_with_node(&Array::new());
        *self.inner.drawn.borrow_mut() = 0..0;
        self.forget_tail();
    }

    /// The lines at the end may have another height now.
    pub(super) fn forget_tail(&self) {
        self.inner.tail.set(None);
    }

    fn toggle_wrap(&self) {
        let top = self.top();
        let wrap = !self.is_wrapped();
        dom::choose("wrap", Some(if wrap { "on" } else { "off" }));
        self.inner.wrapped.set(wrap);
        self.inner.tail.set(None);
        self.redraw();
        if !self.inner.follows.get() {
            self.scroll_to(top);
        }
    }

    fn view_px(&self) -> f64 {
        f64::from(self.inner.scroll.client_height()).max(self.inner.line_px)
    }

    /// Lines that fill the view at the end of the log.
    fn tail(&self) -> f64 {
        self.inner.tail.get().unwrap_or(self.view_px() / self.inner.line_px)
    }

    /// The way that the scroll bar can go.
    fn way_px(&self) -> f64 {
        let lines = (self.total_rows() as f64 - self.tail()).max(0.0);
        (lines * self.inner.line_px).min(TALLEST_PX)
    }

    /// The row at the top of the view, with the part of it that is out of sight.
    pub(super) fn top(&self) -> f64 {
        let way = self.way_px();
        if way <= 0.0 {
            return 0.0;
        }
        let last = (self.total_rows() as f64 - self.tail()).max(0.0);
        (f64::from(self.inner.scroll.scroll_top()) / way).min(1.0) * last
    }

    /// Brings a row to the top of the view.
    pub(super) fn scroll_to(&self, row: f64) {
        let last = self.total_rows() as f64 - self.tail();
        let share = if last <= 0.0 { 0.0 } else { (row / last).clamp(0.0, 1.0) };
        self.resize();
        self.inner.scroll.set_scroll_top((share * self.way_px()).round() as i32);
        self.redraw();
    }

    fn go_to_end(&self) {
        self.resize();
        self.inner.scroll.set_scroll_top(i32::MAX);
        self.inner.follows.set(true);
        self.redraw();
    }

    fn is_at_end(&self) -> bool {
        let scroll = &self.inner.scroll;
        let left = scroll.scroll_height() - scroll.client_height() - scroll.scroll_top();
        f64::from(left) < 1.5 * self.inner.line_px
    }

    fn resize(&self) {
        let height = self.way_px() + self.view_px();
        let _ = self.inner.pad.style().set_property("height", &format!("{height}px"));
    }

    fn ask_frame(&self) {
        if !self.inner.frame_asked.replace(true) {
            let viewer = self.clone();
            dom::next_frame(move || {
                viewer.inner.frame_asked.set(false);
                viewer.draw(false);
            });
        }
    }

    pub(super) fn redraw(&self) {
        self.resize();
        self.draw(true);
    }

    /// Puts the lines in sight into the page, and in their place.
    fn draw(&self, anew: bool) {
        let inner = &self.inner;
        let total = self.total_rows();
        let top = self.top();
        let first = top.floor() as u64;
        let last = (first + (self.view_px() / self.inner.line_px).ceil() as u64 + 1).min(total);
        let wanted = first.saturating_sub(AROUND)..(last + AROUND).min(total);
        let covered = {
            let drawn = inner.drawn.borrow();
            drawn.start <= first && last <= drawn.end
        };
        if anew || !covered {
            let have_all = {
                let (lines, drawn) = (inner.lines.borrow(), inner.drawn.borrow());
                let rows = inner.rows.borrow();
                let shown = drawn.start <= wanted.start && wanted.end <= drawn.end;
                shown || wanted.clone().all(|row| lines.contains_key(&rows.line(row)))
            };
            if !have_all {
                self.load(wanted.clone());
            }
            let untouched = inner.lines.borrow().is_empty() && covered;
            if !untouched {
                self.fill(wanted);
            }
        }
        self.mark();
        self.place(top);
        if anew {
            self.draw_map();
        }
    }

    fn fill(&self, range: Range<u64>) {
        let inner = &self.inner;
        let (lines, rows) = (inner.lines.borrow(), inner.rows.borrow());
        let nodes = Array::new();
        // Lines that the server has put into the page stay until better ones are here.
        let drawn = inner.drawn.borrow().clone();
        let present = dom::all(&inner.list, ":scope > li");
        for row in range.clone() {
            let at = rows.line(row);
            let old = drawn
                .contains(&row)
                .then(|| present.get((row - drawn.start) as usize))
                .flatten()
                .filter(|old| !old.has_attribute("data-waits"));
            let node = match (old, lines.get(&at)) {
                (Some(old), _) => Some(old.clone()),
                (None, line) => element_of(at, line, inner.start_ms),
            };
            if let Some(node) = node {
                nodes.push(&node);
            }
        }
        drop((lines, rows));
        inner.list.replace_children_with_node(&nodes);
        *inner.drawn.borrow_mut() = range;
    }

    /// Moves the drawn lines to where they belong on the way of the scroll bar.
    fn place(&self, top: f64) {
        let inner = &self.inner;
        let drawn = inner.drawn.borrow().clone();
        let total = self.total_rows();
        let wrapped = self.is_wrapped();
        if wrapped
            && drawn.end == total
            && inner.tail.get().is_none()
            && let Some(tail) = self.measure_tail()
        {
            inner.tail.set(Some(tail));
            self.resize();
            if inner.follows.get() {
                inner.scroll.set_scroll_top(i32::MAX);
            }
            return self.place(self.top());
        }
        let in_proportion = (total as f64 - self.tail()) * self.inner.line_px > TALLEST_PX;
        let offset = if wrapped || in_proportion {
            let index = (top.floor() as u64).saturating_sub(drawn.start);
            let line = inner.list.children().item(index as u32);
            let line = line.and_then(|line| line.dyn_into::<HtmlElement>().ok());
            let above = line.map_or(0.0, |line| {
                f64::from(line.offset_top()) + top.fract() * f64::from(line.offset_height())
            });
            f64::from(inner.scroll.scroll_top()) - above
        } else {
            drawn.start as f64 * self.inner.line_px
        };
        let _ = inner.list.style().set_property("transform", &format!("translateY({offset}px)"));
    }

    /// How many lines fill the view from the end, once these are drawn.
    fn measure_tail(&self) -> Option<f64> {
        let view = self.view_px();
        let lines = dom::all(&self.inner.list, ":scope > li");
        let mut height = 0.0;
        for (count, line) in lines.iter().rev().enumerate() {
            if line.has_attribute("data-waits") {
                return None;
            }
            let own = f64::from(line.dyn_ref::<HtmlElement>()?.offset_height());
            if height + own >= view {
                return Some(count as f64 + (view - height) / own);
            }
            height += own;
        }
        None
    }

    /// Tints the lines that the address names, and gives those that announce a part its button.
    pub(super) fn mark(&self) {
        let chosen = self.inner.chosen.borrow().clone();
        let start = self.inner.drawn.borrow().start;
        let (hits, rows) = (self.inner.hits.borrow(), self.inner.rows.borrow());
        for (at, line) in dom::all(&self.inner.list, ":scope > li").iter().enumerate() {
            let number = rows.line(start + at as u64);
            if let Some(closed) = rows.closed(number) {
                folds::mark(line, closed);
            }
            let on = chosen.as_ref().is_some_and(|range| range.contains(&number));
            let _ = line.class_list().toggle_with_force("chosen", on);
            let hit = hits.lines.binary_search(&number).is_ok();
            let _ = line.class_list().toggle_with_force("hit", hit);
        }
    }

    /// Goes to the lines that the address names, if it does.
    fn go_to_address(&self) -> bool {
        let hash = dom::window().location().hash().unwrap_or_default();
        let Some(range) = parse_lines(&hash) else { return false };
        self.show_line(range.start);
        *self.inner.chosen.borrow_mut() = Some(range);
        self.name_chosen();
        self.mark();
        true
    }

    /// A click on a number names the line in the address, with shift all up to it; one on a part's
    /// button folds or unfolds it.
    fn clicked(&self, event: &MouseEvent) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let within = |selector: &str| target.as_ref()?.closest(selector).ok().flatten();
        if let Some(item) = within(".fold-mark").and_then(|mark| mark.closest("li").ok().flatten())
        {
            return self.toggle_part(&item);
        }
        let line = within("a").and_then(|link| parse_lines(&link.get_attribute("href")?));
        let Some(line) = line else { return };
        event.prevent_default();
        self.choose_line(line.start, event.shift_key());
    }
}
