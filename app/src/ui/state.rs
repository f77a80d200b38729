//! Shapes: the state of a run, and the icons of actions.

use leptos::prelude::*;

use crate::model::RunState;

/// The shape of a state. The word is its text, for those who listen or copy; the style sheet
/// draws the shape over it, since a list holds hundreds and has to stay small.
#[component]
pub(crate) fn StateIcon(state: RunState) -> impl IntoView {
    let word = state.word();
    view! { <Shape shape=word word/> }
}

/// The shape of a state with a word of its own, for things that are not runs.
#[component]
pub(crate) fn Shape(
    /// The state whose shape it is, as in [`RunState::word`].
    shape: &'static str,
    /// What it says; nothing where the same words stand beside it.
    #[prop(optional)]
    word: &'static str,
) -> impl IntoView {
    let silent = word.is_empty().then_some("true");
    view! { <i class=format!("s {shape}") aria-hidden=silent>{word}</i> }
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
