//! Names that may be too long for their place.

use leptos::prelude::*;

/// Names longer than this are given to the style sheet in two pieces.
const MIDDLE_FROM: usize = 36;

/// Characters at the end of a long name that are never cut.
const MIDDLE_TAIL: usize = 14;

/// A name that the style sheet cuts in the middle where it does not fit.
///
/// The text stays whole, so copying it and reading it aloud give the whole name.
pub(crate) fn middle(name: &str) -> AnyView {
    let length = name.chars().count();
    if length < MIDDLE_FROM {
        return name.to_owned().into_any();
    }
    let split = name.char_indices().nth(length - MIDDLE_TAIL).map_or(0, |(at, _)| at);
    let (head, tail) = (name[..split].to_owned(), name[split..].to_owned());
    view! { <b>{head}</b>{tail} }.into_any()
}
