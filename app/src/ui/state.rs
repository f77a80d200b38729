//! Shapes: the state of a run, and the icons of actions.

use leptos::prelude::*;

use crate::model::RunState;

/// The shape of a state, with its word for those who do not see it.
#[component]
pub(crate) fn StateIcon(state: RunState) -> impl IntoView {
    let word = state.word();
    view! {
        <svg class=format!("i {word}") role="img" aria-label=word>
            <use href=format!("#s-{word}")></use>
        </svg>
    }
}

/// A drawing from the sprite that only decorates words beside it.
#[component]
pub(crate) fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="i" aria-hidden="true">
            <use href=format!("#i-{name}")></use>
        </svg>
    }
}
