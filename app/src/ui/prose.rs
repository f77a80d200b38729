//! Sentences whose literals stand in backticks, as all our messages have them.

use leptos::prelude::*;

/// The sentence with its literals as code. A backtick without a partner stays a backtick.
pub(crate) fn prose(sentence: &str) -> AnyView {
    pieces(sentence)
        .into_iter()
        .map(|(literal, text)| {
            let text = text.to_owned();
            if literal { view! { <code>{text}</code> }.into_any() } else { text.into_any() }
        })
        .collect_view()
        .into_any()
}

/// The pieces in order, with whether each is a literal.
fn pieces(sentence: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((literal, behind)) = after.split_once('`') else { break };
        pieces.push((false, before));
        pieces.push((true, literal));
        rest = behind;
    }
    pieces.push((false, rest));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_told_from_words() {
        assert_eq!(
            pieces("job `a` is not `b`"),
            [(false, "job "), (true, "a"), (false, " is not "), (true, "b")]
        );
        assert_eq!(pieces("an odd ` stays"), [(false, "an odd ` stays")]);
        assert_eq!(pieces(""), []);
    }
}
