//! The form with the options: changes apply at once, and the address says them.

use std::cell::Cell;
use std::rc::Rc;

use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Event, FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement, UrlSearchParams,
};

use super::frame::make;
use super::sheet::Grid;
use crate::islands::dom;
use crate::model::grid_query::GridQuery;
use crate::model::words::plural;

/// The filters; each may stand in an address more than once.
const FILTERS: [&str; 2] = ["include-filter-by-regex", "exclude-filter-by-regex"];

/// How long a pause in typing is, before rows are asked for.
const PAUSE_MS: i32 = 120;

pub(super) fn start(grid: &Grid) {
    let Some(form) = dom::find("#grid-options").and_then(|f| f.dyn_into::<HtmlFormElement>().ok())
    else {
        return;
    };
    let timer = Rc::new(Cell::new(0));
    let (changed, of_change, waits) = (grid.clone(), form.clone(), timer.clone());
    dom::on(&form, "change", move |_: Event| {
        dom::window().clear_timeout_with_handle(waits.get());
        apply(&changed, read(&changed, &of_change));
    });
    let (typed, of_typing) = (grid.clone(), form.clone());
    dom::on(&form, "input", move |_: Event| {
        dom::window().clear_timeout_with_handle(timer.get());
        let (grid, form) = (typed.clone(), of_typing.clone());
        timer.set(dom::later(PAUSE_MS, move || apply(&grid, read(&grid, &form))));
    });
    let (sent, of_submit) = (grid.clone(), form.clone());
    dom::on(&form, "submit", move |event: Event| {
        event.prevent_default();
        apply(&sent, read(&sent, &of_submit));
    });
}

/// The options that the form holds. It has one field for each filter; others that the address had
/// before stay, and so do parameters that it has no field for.
fn read(grid: &Grid, form: &HtmlFormElement) -> GridQuery {
    let query = FormData::new_with_form(form)
        .and_then(|fields| {
            let fields: &JsValue = &fields;
            UrlSearchParams::new_with_str_sequence_sequence(fields)
        })
        .map(|query| String::from(query.to_string()))
        .unwrap_or_default();
    let mut options = GridQuery::parse(&query);
    let before = grid.options.borrow();
    for name in FILTERS {
        let further: Vec<&str> = before.all(name).collect();
        for value in further.iter().rev().skip(1) {
            options.add_first(name, value);
        }
    }
    if let Some(columns) = before.get("columns") {
        options.set("columns", Some(columns));
    }
    // What was tried under "Why?" stays on the page, and in its address.
    let tried = dom::find("#what-if form").and_then(|form| form.get_attribute("data-options"));
    for name in tried.iter().flat_map(|names| names.split(' ')) {
        let tried: Vec<&str> = before.all(name).collect();
        for value in tried.into_iter().rev() {
            options.add_first(name, value);
        }
    }
    options
}

/// Takes over how wide columns are and which metric is drawn. The form says it also where the tab
/// does and the address does not.
pub(super) fn looks(grid: &Grid) {
    let value = |name: &str| {
        let field = dom::find(&["#grid-options [name=", name, "]"].concat())?;
        let value = match field.dyn_ref::<HtmlSelectElement>() {
            Some(select) => select.value(),
            None => field.dyn_ref::<HtmlInputElement>()?.value(),
        };
        Some(value).filter(|value| !value.is_empty())
    };
    let mut looks = GridQuery::default();
    for name in ["width", "graph-metrics"] {
        let own = grid.options.borrow().get(name).map(str::to_owned);
        looks.set(name, own.or_else(|| value(name)).as_deref());
    }
    grid.width.set(looks.width());
    let metric = looks.get("graph-metrics").filter(|metric| *metric != "off").map(str::to_owned);
    if grid.graphs.borrow().metric != metric {
        grid.graphs.borrow_mut().choose(metric);
    }
}

/// Makes columns wider or narrower, by keys.
pub(super) fn widen(grid: &Grid, wider: bool) {
    let width = grid.width.get();
    let width = if wider { width + width.div_ceil(5) } else { width - width / 6 - 1 };
    let width = width.clamp(4, 400).to_string();
    let mut options = grid.options.borrow().clone();
    options.set("width", Some(&width));
    if let Some(field) = dom::find("#grid-options select[name=width]") {
        if !dom::all(&field, "option")
            .iter()
            .any(|o| o.get_attribute("value") == Some(width.clone()))
        {
            // The menu has no word for this width.
            let choice = make("option", "");
            let _ = choice.set_attribute("value", &width);
            choice.set_text_content(Some(&[&width, " px"].concat()));
            let _ = field.append_child(&choice);
        }
        field.unchecked_ref::<HtmlSelectElement>().set_value(&width);
    }
    apply(grid, options);
}

/// Shows the grid by other options and keeps the address in step.
fn apply(grid: &Grid, options: GridQuery) {
    let before = grid.options.replace(options.clone());
    if before == options {
        return;
    }
    let path = dom::window().location().pathname().unwrap_or_default();
    let query = options.text();
    let joint = if query.is_empty() { "" } else { "?" };
    let address = [path.as_str(), joint, &query].concat();
    if let Ok(history) = dom::window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
    looks(grid);
    // Width and graphs are matters of this page; the server need not be asked.
    let rows = |options: &GridQuery| {
        let mut options = options.clone();
        options.set("width", None);
        options.set("graph-metrics", None);
        options
    };
    if rows(&before) == rows(&options) {
        let layout = grid.layout.get();
        let sight = grid.frame.sight(&layout);
        grid.relayout();
        // The same columns and rows stay in sight.
        let now = grid.layout.get();
        if layout.column > 0 && layout.row > 0 {
            grid.frame.scroll.set_scroll_left(sight.x / layout.column * now.column);
            grid.frame.scroll.set_scroll_top(sight.y / layout.row * now.row);
        }
        return;
    }
    let grid = grid.clone();
    spawn_local(async move {
        let outcome = grid.load_view().await;
        complain(outcome.err().as_deref());
    });
}

/// Says at the field what is wrong with it; nothing takes the complaint away.
fn complain(why: Option<&str>) {
    let Some(form) = dom::find("#grid-options") else { return };
    if let Some(old) = dom::find(".option-error") {
        old.remove();
    }
    for field in dom::all(&form, "[aria-invalid]") {
        let _ = field.remove_attribute("aria-invalid");
        let _ = field.remove_attribute("aria-describedby");
    }
    let Some(why) = why else { return };
    let named = ["exclude-filter-by-regex", "include-filter-by-regex"]
        .into_iter()
        .find(|name| why.contains(name))
        .or_else(|| why.contains("group-by").then_some("group-pattern"));
    let error = make("p", "option-error");
    error.set_id("grid-field-error");
    let _ = error.set_attribute("role", "alert");
    error.set_text_content(Some(why));
    let field =
        named.and_then(|name| form.query_selector(&["[name=", name, "]"].concat()).ok().flatten());
    if let Some(field) = field {
        let _ = field.set_attribute("aria-invalid", "true");
        let _ = field.set_attribute("aria-describedby", "grid-field-error");
    }
    let _ = form.after_with_node_1(&error);
}

/// Writes the line of what is shown and hidden.
pub(super) fn counts(grid: &Grid) {
    let Some(line) = dom::find("#grid-hidden") else { return };
    // That older builds are stored is known to the server alone.
    let older = line.query_selector("a[href*='days=']").ok().flatten();
    let older = older.and_then(|link| link.parent_element());
    line.set_text_content(None);
    let data = grid.data.borrow();
    let options = grid.options.borrow();
    let add = |text: &str, show: Option<(&str, &GridQuery)>| {
        let part = make("span", "");
        part.set_text_content(Some(text));
        if let Some((words, options)) = show {
            let path = dom::window().location().pathname().unwrap_or_default();
            let link = make("a", "");
            let _ = link.set_attribute("href", &[&path, "?", &options.text()].concat());
            link.set_text_content(Some(words));
            let _ = part.append_with_node_2(&dom::document().create_text_node(" "), &link);
        }
        let _ = line.append_child(&part);
    };
    let rows = plural(data.view.shown, "row", "rows");
    let columns = plural(data.grid.columns().into(), "column", "columns");
    add(&[&rows, " × ", &columns].concat(), None);
    if data.view.filtered > 0 {
        let mut all = options.clone();
        FILTERS.iter().for_each(|name| all.set(name, None));
        let show = (all != *options).then_some(("show", &all));
        add(&[&plural(data.view.filtered, "row", "rows"), " filtered"].concat(), show);
    }
    if data.view.stale > 0 {
        let mut all = options.clone();
        all.set("show-stale-tests", Some(""));
        let words = [&plural(data.view.stale, "stale row", "stale rows"), " hidden"].concat();
        add(&words, Some(("show", &all)));
    }
    if data.view.not_failed > 0 {
        let mut all = options.clone();
        all.set("exclude-non-failed-tests", Some("off"));
        let rows = plural(data.view.not_failed, "row", "rows");
        add(&[&rows, " without a failure hidden"].concat(), Some(("show", &all)));
    }
    if let Some(older) = older {
        let _ = line.append_child(&older);
    }
}
