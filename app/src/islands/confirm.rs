//! Asks before a form does what cannot be undone.
//!
//! Forms work without it; it steps in between a button and its form.

use leptos::html::Dialog;
use leptos::prelude::*;

/// The question, and the two answers.
#[island]
pub fn ConfirmDialog() -> impl IntoView {
    let question = RwSignal::new(String::new());
    let answer = RwSignal::new("Yes".to_owned());
    let dialog = NodeRef::<Dialog>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let Some(element) = dialog.get_untracked() {
            behaviour::start(element, question, answer);
        }
    });
    view! {
        <dialog class="confirm" node_ref=dialog aria-labelledby="confirm-question">
            <h2 id="confirm-question">{question}</h2>
            <form method="dialog" class="dialog-actions">
                <button value="no">"Cancel"</button>
                <button value="yes" class="primary">
                    {answer}
                </button>
            </form>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
mod behaviour {
    use std::cell::RefCell;
    use std::rc::Rc;

    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, HtmlFormElement, SubmitEvent};

    use crate::islands::dom;

    pub(super) fn start(
        dialog: HtmlDialogElement,
        question: RwSignal<String>,
        answer: RwSignal<String>,
    ) {
        let waiting: Rc<RefCell<Option<(HtmlFormElement, HtmlElement)>>> = Rc::default();
        let asked = waiting.clone();
        let box_ = dialog.clone();
        dom::on(&dom::document(), "submit", move |event: SubmitEvent| {
            let Some(button) = event.submitter() else { return };
            let Some(form) = event.target().and_then(|t| t.dyn_into::<HtmlFormElement>().ok())
            else {
                return;
            };
            if button.has_attribute("data-sure") {
                let _ = button.remove_attribute("data-sure");
                return;
            }
            let Some((text, word)) = words(&button) else { return };
            event.prevent_default();
            question.set(text);
            answer.set(word);
            *asked.borrow_mut() = Some((form, button));
            let _ = box_.show_modal();
        });
        let closed = dialog.clone();
        dom::on(&dialog, "close", move |_: Event| {
            let Some((form, button)) = waiting.take() else { return };
            if closed.return_value() == "yes" {
                let _ = button.set_attribute("data-sure", "");
                let _ = form.request_submit_with_submitter(Some(&button));
            }
            closed.set_return_value("");
        });
    }

    /// The question and the word of its answer; nothing for buttons that need none.
    fn words(button: &HtmlElement) -> Option<(String, String)> {
        if let Some(question) = button.get_attribute("data-confirm") {
            return Some((question, button.text_content().unwrap_or_default().trim().to_owned()));
        }
        let row = button.closest("tr").ok().flatten()?;
        let name = name_in(&row);
        let action = button.get_attribute("formaction").unwrap_or_default();
        Some(if action == "/abort" {
            (format!("Abort {name}? What it has written so far stays."), "Abort".to_owned())
        } else if action.ends_with("/replay") {
            (
                "Handle this webhook once more? Whatever it started then is started again."
                    .to_owned(),
                "Replay".to_owned(),
            )
        } else {
            (format!("Start {name} again, just as it ran?"), "Rerun".to_owned())
        })
    }

    fn name_in(row: &Element) -> String {
        let name = row.query_selector(".name,td:nth-child(2) > a").ok().flatten();
        name.and_then(|name| name.text_content()).unwrap_or_default()
    }
}
