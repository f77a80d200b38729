//! The elements of the grid: scroll area, header rows, names, canvas, and the marks above it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement, HtmlElement};

use super::data::{Data, Head, Line};
use super::graph::{Graphs, digits};
use super::layout::{Area, Layout};
use super::names::NameParts;
use crate::islands::dom;

/// Height of a header row.
const HEAD_PX: i32 = 18;

/// Columns narrower than this have no room for a time or a build.
const LABEL_PX: i32 = 30;

/// Header cells narrower than this are not drawn.
const NARROWEST_PX: i32 = 10;

/// A text in a header that is cut shorter than this says nothing.
const CUT_PX: i32 = 48;

/// Width of a character in a header, about.
const CHAR_PX: i32 = 7;

/// Names beyond those in sight, above and below, once the grid has been drawn.
const AROUND: u32 = 12;

/// Width of a character of a name, about.
const NAME_CHAR_PX: i32 = 8;

/// Indentation of a level of groups.
const INDENT_PX: i32 = 14;

/// The elements.
pub(super) struct Frame {
    /// What the page gave us: `#grid`.
    pub(super) host: Element,
    pub(super) scroll: HtmlElement,
    pub(super) body: HtmlElement,
    pub(super) head: HtmlElement,
    pub(super) canvas: HtmlCanvasElement,
    /// The table for those who listen.
    pub(super) table: Element,
    /// What stands there when no row is shown.
    empty: HtmlElement,
    pad: HtmlElement,
    corner: HtmlElement,
    names: HtmlElement,
    row_mark: HtmlElement,
    column_mark: HtmlElement,
    head_mark: HtmlElement,
    focus_mark: HtmlElement,
    /// Names in the page, by line.
    name_nodes: RefCell<HashMap<u32, HtmlElement>>,
    /// How names are split into columns, if the tab says so.
    pub(super) parts: Option<NameParts>,
    /// The header cells of today stand out.
    marks_today: bool,
    /// Height of the header.
    head_px: Cell<i32>,
    /// Header cells in the page, by header row and first column.
    head_nodes: RefCell<HashMap<(usize, u32), HtmlElement>>,
}

/// Makes an element.
pub(super) fn make(tag: &str, class: &str) -> HtmlElement {
    let element = dom::document().create_element(tag).expect("tags here are names of elements");
    if !class.is_empty() {
        element.set_class_name(class);
    }
    element.unchecked_into()
}

/// Sets a length in the element's style.
pub(super) fn px(element: &HtmlElement, property: &str, pixels: i32) {
    let _ = element.style().set_property(property, &[&pixels.to_string(), "px"].concat());
}

/// Shows or hides an element.
pub(super) fn show(element: &HtmlElement, shown: bool) {
    if element.hidden() == shown {
        element.set_hidden(!shown);
    }
}

impl Frame {
    /// Makes the elements; the server's table stays until [`Frame::replace`].
    pub(super) fn new(host: Element) -> Frame {
        let scroll = make("div", "g-scroll");
        let pad = make("div", "g-pad");
        let head = make("div", "g-head");
        let corner = make("div", "g-corner");
        let body = make("div", "g-body");
        let names = make("div", "g-names");
        let canvas: HtmlCanvasElement = make("canvas", "g-cells").unchecked_into();
        let row_mark = make("div", "g-row-mark");
        let column_mark = make("div", "g-column-mark");
        let head_mark = make("div", "g-column-mark");
        let focus_mark = make("div", "g-focus");
        let table = make("table", "v");
        let empty = make("p", "g-empty");
        empty.set_text_content(Some("No row is shown: the options leave all of them out."));
        for (name, value) in [
            ("tabindex", "0"),
            ("role", "application"),
            ("aria-roledescription", "test grid"),
            ("aria-label", "Cells. Arrow keys move, Enter opens, m shows the menu."),
        ] {
            let _ = scroll.set_attribute(name, value);
        }
        // Those who listen get the table.
        let _ = pad.set_attribute("aria-hidden", "true");
        let append = |to: &HtmlElement, of: &[&HtmlElement]| {
            for element in of {
                let _ = to.append_child(element);
            }
        };
        append(&head, &[&corner, &head_mark]);
        append(&body, &[&names, canvas.unchecked_ref(), &row_mark, &column_mark, &focus_mark]);
        append(&pad, &[&head, &body]);
        append(&scroll, &[&pad]);
        for mark in [&row_mark, &column_mark, &head_mark, &focus_mark] {
            mark.set_hidden(true);
        }
        Frame {
            parts: NameParts::of(&host),
            marks_today: host.has_attribute("data-today"),
            host,
            scroll,
            body,
            head,
            canvas,
            table: table.into(),
            empty,
            pad,
            corner,
            names,
            row_mark,
            column_mark,
            head_mark,
            focus_mark,
            name_nodes: RefCell::default(),
            head_px: Cell::default(),
            head_nodes: RefCell::default(),
        }
    }

    /// Takes the place of the server's table, which is hidden until [`Frame::clear_away`].
    pub(super) fn replace(&self) {
        if self.scroll.is_connected() {
            return;
        }
        // Thousands of cells take their time to go, even out of the layout; they do so once the grid
        // is to be seen.
        let old = self.host.children();
        for node in (0..old.length()).filter_map(|at| old.item(at)) {
            let style = node.unchecked_ref::<HtmlElement>().style();
            for (name, value) in [
                ("content-visibility", "hidden"),
                ("position", "absolute"),
                ("height", "0"),
                ("overflow", "hidden"),
            ] {
                let _ = style.set_property(name, value);
            }
        }
        let _ = self.host.append_child(&self.scroll);
        let _ = self.host.append_child(&self.empty);
        let _ = self.host.class_list().add_1("grid-on");
    }

    /// Removes what [`Frame::replace`] hid, and has the table for those who listen in its place.
    pub(super) fn clear_away(&self) {
        if self.table.is_connected() || !self.scroll.is_connected() {
            return;
        }
        while let Some(old) = self.host.first_element_child() {
            if old.is_same_node(Some(&self.scroll)) {
                break;
            }
            old.remove();
        }
        let _ = self.host.append_child(&self.table);
    }

    /// Says that no row is shown, or not.
    pub(super) fn say_empty(&self, empty: bool) {
        show(&self.empty, empty);
    }

    /// Height of the header.
    fn head_height(heads: &[Head], layout: &Layout) -> i32 {
        heads.iter().filter(|head| fits(head, layout)).count() as i32 * HEAD_PX + 1
    }

    /// Gives everything its size and forgets names and header cells.
    pub(super) fn measure(&self, data: &Data, layout: &Layout) {
        let parts = self.parts.as_ref().filter(|_| layout.name_columns > 0);
        let labels = if parts.is_some() { HEAD_PX } else { 0 };
        let head = Self::head_height(&data.heads, layout) + labels;
        px(&self.pad, "width", layout.names + layout.width());
        px(&self.pad, "--names", layout.names);
        px(&self.head, "height", head);
        self.head_px.set(head);
        px(&self.row_mark, "height", layout.cell);
        for mark in [&self.column_mark, &self.head_mark, &self.focus_mark] {
            px(mark, "width", layout.column);
        }
        px(&self.focus_mark, "height", layout.cell);
        self.measure_lines(layout);
        for node in self.head_nodes.take().into_values() {
            node.remove();
        }
        self.corner.set_text_content(None);
        for head in data.heads.iter().filter(|head| fits(head, layout)) {
            let label = make("div", "");
            label.set_text_content(Some(&head.label));
            label.set_title(&head.label);
            let _ = self.corner.append_child(&label);
        }
        if let Some(parts) = parts {
            let _ = self.corner.append_child(&parts.labels());
        }
    }

    /// How many columns names have; 0 if they are whole.
    pub(super) fn name_columns(&self, wanted: bool) -> u32 {
        self.parts.as_ref().filter(|_| wanted).map_or(0, NameParts::count)
    }

    /// The same where the columns are as they were.
    pub(super) fn measure_lines(&self, layout: &Layout) {
        px(&self.body, "height", layout.height());
        self.forget_names();
    }

    /// The part of the body in sight.
    pub(super) fn sight(&self, layout: &Layout) -> Area {
        Area {
            x: self.scroll.scroll_left(),
            y: self.scroll.scroll_top(),
            width: (self.scroll.client_width() - layout.names).max(0),
            height: (self.scroll.client_height() - self.head.client_height()).max(0),
        }
    }

    /// The most of the body that can be in sight in a window of this size. Nothing is asked of the page,
    /// which would have to be laid out for it.
    pub(super) fn largest_sight(&self, layout: &Layout, (width, height): (i32, i32)) -> Area {
        Area {
            x: 0,
            y: 0,
            width: (width - layout.names).max(0),
            height: (height - self.head_px.get()).max(0),
        }
    }

    /// Puts the canvas over a part of the body.
    pub(super) fn place_canvas(&self, area: &Area, layout: &Layout) {
        let canvas: &HtmlElement = self.canvas.unchecked_ref();
        px(canvas, "left", layout.names + area.x);
        px(canvas, "top", area.y);
    }

    /// Brings the names in sight into the page and takes the others out.
    pub(super) fn draw_names(
        &self,
        data: &Data,
        graphs: &Graphs,
        layout: &Layout,
        sight: &Area,
        test: &str,
    ) {
        let seen = layout.lines_in(sight);
        let mut nodes = self.name_nodes.borrow_mut();
        let around = if nodes.is_empty() { 0 } else { AROUND };
        let range = seen.start.saturating_sub(around)..(seen.end + around).min(layout.lines);
        nodes.retain(|line, node| {
            let stays = range.contains(line);
            if !stays {
                node.remove();
            }
            stays
        });
        for line in range {
            nodes.entry(line).or_insert_with(|| {
                let parts = self.parts.as_ref().filter(|_| layout.name_columns > 0);
                let node = name_node(data, graphs, layout, line, test, parts);
                px(&node, "top", line as i32 * layout.row);
                px(&node, "height", layout.row);
                px(&node, "line-height", layout.cell - 1);
                let _ = self.names.append_child(&node);
                node
            });
        }
    }

    /// The name of a line, if it is in the page.
    pub(super) fn name_node(&self, line: u32) -> Option<HtmlElement> {
        self.name_nodes.borrow().get(&line).cloned()
    }

    /// Makes the names anew when they are next drawn.
    pub(super) fn forget_names(&self) {
        for node in self.name_nodes.take().into_values() {
            node.remove();
        }
    }

    /// Brings the header cells in sight into the page and takes the others out.
    pub(super) fn draw_heads(&self, data: &Data, layout: &Layout, sight: &Area) {
        let columns = layout.columns_in(sight);
        let in_sight =
            |first: u32, run: u32| first < columns.end + 2 && first + run + 2 > columns.start;
        let mut nodes = self.head_nodes.borrow_mut();
        nodes.retain(|(at, first), node| {
            let runs = data.heads.get(*at).map_or(&[][..], |head| head.runs.as_slice());
            let run =
                runs.binary_search_by_key(first, |run| run.0).map_or(0, |place| runs[place].1);
            let stays = in_sight(*first, run);
            if !stays {
                node.remove();
            }
            stays
        });
        let heads = data.heads.iter().enumerate().filter(|(_, head)| fits(head, layout));
        for (row, (at, head)) in heads.enumerate() {
            for (first, run) in visible(head, &columns) {
                let width = *run as i32 * layout.column;
                if width < NARROWEST_PX {
                    continue;
                }
                nodes.entry((at, *first)).or_insert_with(|| {
                    let text = &*data.head_text(head, *first);
                    let node = make("div", if head.narrow { "g-h narrow" } else { "g-h" });
                    if self.marks_today && at == 0 && text == data.today {
                        let _ = node.class_list().add_1("today");
                    }
                    if text.is_empty() {
                        let _ = node.class_list().add_1("none");
                    } else {
                        node.set_title(text);
                    }
                    let inner = make("bdi", "");
                    let fits = width >= CUT_PX || text.len() as i32 * CHAR_PX + 8 <= width;
                    if head.narrow || fits {
                        inner.set_text_content(Some(text));
                    }
                    if head.narrow {
                        let _ = node.append_child(&inner);
                    } else {
                        let label = make("span", "");
                        let _ = label.append_child(&inner);
                        let _ = node.append_child(&label);
                    }
                    px(&node, "left", layout.names + *first as i32 * layout.column);
                    px(&node, "top", row as i32 * HEAD_PX);
                    px(&node, "width", width);
                    let _ = self.head.append_child(&node);
                    node
                });
            }
        }
    }

    /// Lights the row and the column under the pointer.
    pub(super) fn light(
        &self,
        at: Option<(u32, u32)>,
        before: Option<(u32, u32)>,
        layout: &Layout,
    ) {
        if let Some((line, _)) = before
            && let Some(node) = self.name_node(line)
        {
            let _ = node.class_list().remove_1("lit");
        }
        for mark in [&self.row_mark, &self.column_mark, &self.head_mark] {
            show(mark, at.is_some());
        }
        let Some((line, column)) = at else { return };
        if let Some(node) = self.name_node(line) {
            let _ = node.class_list().add_1("lit");
        }
        let left = layout.names + column as i32 * layout.column;
        px(&self.row_mark, "top", line as i32 * layout.row);
        px(&self.column_mark, "left", left);
        px(&self.head_mark, "left", left);
    }

    /// Frames the cell, or the name, that keys act on.
    pub(super) fn focus(&self, line: u32, column: Option<u32>, layout: &Layout) {
        show(&self.focus_mark, layout.lines > 0);
        let left = column.map_or(0, |column| layout.names + column as i32 * layout.column);
        px(&self.focus_mark, "left", left);
        px(&self.focus_mark, "top", line as i32 * layout.row);
        px(&self.focus_mark, "width", if column.is_some() { layout.column } else { layout.names });
        let _ = self.focus_mark.class_list().toggle_with_force("on-name", column.is_none());
    }

    /// Scrolls as little as it takes to have a cell in sight.
    pub(super) fn reveal(&self, line: u32, column: Option<u32>, layout: &Layout) {
        let sight = self.sight(layout);
        let nearest = |from: i32, length: i32, start: i32, size: i32| {
            if start < from { start } else { from.max(start + size - length) }
        };
        let y = nearest(sight.y, sight.height, line as i32 * layout.row, layout.row);
        if y != sight.y {
            self.scroll.set_scroll_top(y);
        }
        if let Some(column) = column {
            let start = column as i32 * layout.column;
            let x = nearest(sight.x, sight.width, start, layout.column);
            if x != sight.x {
                self.scroll.set_scroll_left(x);
            }
        }
    }

    /// Marks columns that are chosen for comparison.
    pub(super) fn pick(&self, columns: &[u32], layout: &Layout) {
        for old in dom::all(&self.head, ".g-pick") {
            old.remove();
        }
        for column in columns {
            let mark = make("div", "g-pick");
            px(&mark, "left", layout.names + *column as i32 * layout.column);
            px(&mark, "width", layout.column);
            let _ = self.head.append_child(&mark);
        }
    }
}

fn fits(head: &Head, layout: &Layout) -> bool {
    !head.narrow || layout.column >= LABEL_PX
}

/// The runs that touch these columns.
fn visible<'a>(head: &'a Head, columns: &Range<u32>) -> &'a [(u32, u32)] {
    let first = head.runs.partition_point(|(first, run)| first + run <= columns.start);
    let end = head.runs.partition_point(|(first, _)| *first < columns.end);
    &head.runs[first..end.max(first)]
}

fn name_node(
    data: &Data,
    graphs: &Graphs,
    layout: &Layout,
    line: u32,
    test: &str,
    parts: Option<&NameParts>,
) -> HtmlElement {
    let name = data.name(line);
    let (node, depth) = match data.view.lines.get(line as usize) {
        Some(Line::Group(at, depth)) => {
            let node = make("button", "g-name g-group");
            let _ = node.set_attribute("type", "button");
            if let Some(group) = data.view.groups.get(*at as usize) {
                let open = if group.open { "true" } else { "false" };
                let _ = node.set_attribute("aria-expanded", open);
                let count = make("small", "");
                count.set_text_content(Some(&group.rows.to_string()));
                let _ = node.append_child(&count);
            }
            (node, *depth)
        }
        Some(Line::Row(_, depth)) => {
            let node = make("a", "g-name");
            let href = [test, &dom::encode(name)].concat();
            let _ = node.set_attribute("href", &href);
            (node, *depth)
        }
        None => (make("span", "g-name"), 0),
    };
    let _ = node.set_attribute("tabindex", "-1");
    let _ = node.set_attribute("data-line", &line.to_string());
    node.set_title(name);
    if depth > 0 {
        px(&node, "padding-left", 8 + i32::from(depth) * INDENT_PX);
    }
    let first = node.first_child();
    match parts.filter(|_| data.row(line).is_some()).and_then(|parts| parts.split(name)) {
        Some(columns) => {
            let _ = node.insert_before(&columns, first.as_ref());
        }
        None => {
            // The middle of a long name gives way; its end says most, and gets two thirds of the
            // room.
            let tail = (layout.names / NAME_CHAR_PX * 2 / 3) as usize;
            let cut = name.char_indices().rev().nth(tail).map_or(0, |(at, _)| at);
            let start = make("b", "");
            start.set_text_content(Some(&name[..cut]));
            let end = make("span", "");
            end.set_text_content(Some(&name[cut..]));
            let _ = node.insert_before(&start, first.as_ref());
            let _ = node.insert_before(&end, first.as_ref());
        }
    }
    if let Some(row) = data.row(line) {
        if let Some(alert) = row.alert {
            let mark = make("small", "g-alert");
            mark.set_text_content(Some(&["✕", &alert.fail_count.to_string()].concat()));
            mark.set_title(&alert_words(alert));
            let _ = node.append_child(&mark);
        }
        let issues: Vec<&str> = row.issues().collect();
        if !issues.is_empty() {
            let mark = make("small", "g-issue");
            let count = issues.len().to_string();
            let count = if issues.len() > 1 { count.as_str() } else { "" };
            mark.set_text_content(Some(&["#", count].concat()));
            mark.set_title(&["Issues: ", &issues.join(", ")].concat());
            let _ = node.append_child(&mark);
        }
        if let Some(graph) = graphs.of(row.name) {
            let range = make("em", "");
            let ends = [digits(graph.least), digits(graph.most)];
            range.set_text_content(Some(&ends.join(" – ")));
            let _ = node.append_child(&range);
        }
    }
    node
}

/// Since when a row fails, in words.
pub(super) fn alert_words(alert: &crate::model::columnar::ColumnarAlert) -> String {
    let mut words = format!("Failed {} times since {}", alert.fail_count, alert.fail_build);
    if !alert.pass_build.is_empty() {
        words.push_str(", passed last at ");
        words.push_str(&alert.pass_build);
    }
    if !alert.message.is_empty() {
        words.push_str(": ");
        words.push_str(&alert.message);
    }
    words
}
