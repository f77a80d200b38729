//! A menu of a filter form.

use leptos::prelude::*;

/// One choice of a menu.
pub(crate) struct Choice {
    /// What goes into the address; empty for "any".
    pub(crate) value: String,
    /// What the reader sees.
    pub(crate) label: String,
}

/// A `<select>` whose empty choice is "any"; a choice that is set but not offered is kept.
#[component]
pub(crate) fn FormSelect(
    /// Name in the address.
    name: &'static str,
    /// What is chosen, for people: `any repository`.
    any: &'static str,
    /// Choices, "any" not among them.
    choices: Vec<Choice>,
    /// The one that is set.
    chosen: Option<String>,
) -> impl IntoView {
    let offered = chosen.as_ref().is_none_or(|value| choices.iter().any(|c| c.value == *value));
    let kept = (!offered)
        .then(|| chosen.clone())
        .flatten()
        .map(|value| Choice { label: value.clone(), value });
    view! {
        <select name=name aria-label=any class:set=chosen.is_some()>
            <option value="">{any}</option>
            {kept
                .into_iter()
                .chain(choices)
                .map(|choice| {
                    let selected = chosen.as_deref() == Some(choice.value.as_str());
                    let value = (choice.value != choice.label).then_some(choice.value);
                    view! {
                        <option value=value selected=selected>
                            {choice.label}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
}
