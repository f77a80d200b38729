//! Selects a range of time by dragging over the histogram; a click picks one bar, or clears.

use leptos::prelude::*;

/// Works on `.histogram`; shows nothing itself.
#[island]
pub fn HistogramDrag() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(behaviour::start);
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::Cell;
    use std::rc::Rc;

    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement, PointerEvent};

    use crate::islands::dom;
    use crate::model::{RunFilter, When};

    pub(super) fn start() {
        let Some(figure) = dom::find(".histogram") else { return };
        let Ok(Some(drawing)) = figure.query_selector("svg") else { return };
        let _ = figure.class_list().add_1("drags");
        let started: Rc<Cell<Option<f64>>> = Rc::default();
        let (down, moved) = (started.clone(), started.clone());
        let surface = drawing.clone();
        dom::on(&drawing, "pointerdown", move |event: PointerEvent| {
            if event.button() == 0 {
                down.set(Some(place(&surface, &event)));
                let _ = surface.set_pointer_capture(event.pointer_id());
            }
        });
        let (surface, shown) = (drawing.clone(), figure.clone());
        dom::on(&drawing, "pointermove", move |event: PointerEvent| {
            if let Some(from) = moved.get() {
                show(&shown, from, place(&surface, &event));
            }
        });
        let surface = drawing.clone();
        dom::on(&drawing, "pointerup", move |event: PointerEvent| {
            if let Some(from) = started.take() {
                choose(&figure, &surface, from, place(&surface, &event));
            }
        });
    }

    /// Where the pointer is, from 0 at the left end to 1 at the right end.
    fn place(surface: &Element, event: &PointerEvent) -> f64 {
        let area = surface.get_bounding_client_rect();
        ((f64::from(event.client_x()) - area.left()) / area.width().max(1.0)).clamp(0.0, 1.0)
    }

    fn show(figure: &Element, from: f64, to: f64) {
        let selection = match figure.query_selector(".selection") {
            Ok(Some(selection)) => selection,
            _ => {
                let Ok(selection) = dom::document().create_element("div") else { return };
                let _ = selection.set_attribute("class", "selection");
                let _ = figure.append_child(&selection);
                selection
            }
        };
        if let Some(selection) = selection.dyn_ref::<HtmlElement>() {
            let style = selection.style();
            let _ = style.set_property("left", &format!("{}%", from.min(to) * 100.0));
            let _ = style.set_property("width", &format!("{}%", (to - from).abs() * 100.0));
        }
    }

    /// Goes to the list with the range between two places, in whole bars.
    fn choose(figure: &Element, surface: &Element, from: f64, to: f64) {
        let start_ms = dom::attribute(figure, "data-start") as i64;
        let bar_ms = dom::attribute(figure, "data-bucket") as i64;
        let bars = surface
            .get_attribute("viewBox")
            .and_then(|text| text.split(' ').nth(2)?.parse::<f64>().ok())
            .unwrap_or_default()
            / 10.0;
        let search = dom::window().location().search().unwrap_or_default();
        let filter = RunFilter::from_query(search.trim_start_matches('?')).first_page();
        let clicked = (to - from).abs() * bars < 0.5;
        let bounded = filter.until.is_some() || matches!(filter.since, Some(When::At(_)));
        let range = if clicked && bounded {
            RunFilter { since: None, until: None, ..filter }
        } else {
            let first = (from.min(to) * bars).floor() as i64;
            let last = ((from.max(to) * bars).ceil() as i64).max(first + 1);
            RunFilter {
                since: Some(When::At(start_ms + first * bar_ms)),
                until: Some(When::At(start_ms + last * bar_ms)),
                ..filter
            }
        };
        dom::go(&range.href());
    }
}
