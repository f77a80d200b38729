//! Patterns that are only lists of texts, each perhaps anchored: the usual `branches` of a job.

/// Alternatives of a pattern without any operator but `|`, a leading `^` and a trailing `$`.
pub(super) struct PlainList(Vec<Plain>);

struct Plain {
    text: Box<str>,
    at_start: bool,
    at_end: bool,
}

impl PlainList {
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|plain| match (plain.at_start, plain.at_end) {
            (true, true) => text == &*plain.text,
            (true, false) => text.starts_with(&*plain.text),
            (false, true) => text.ends_with(&*plain.text),
            (false, false) => text.contains(&*plain.text),
        })
    }
}

/// The list, if the (valid) pattern is one.
pub(super) fn parse(pattern: &str) -> Option<PlainList> {
    let mut list = Vec::new();
    let mut current = Plain { text: Box::default(), at_start: false, at_end: false };
    let mut text = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '|' {
            current.text = std::mem::take(&mut text).into_boxed_str();
            list.push(current);
            current = Plain { text: Box::default(), at_start: false, at_end: false };
            continue;
        }
        if current.at_end {
            return None;
        }
        match c {
            '^' if text.is_empty() => current.at_start = true,
            '$' => current.at_end = true,
            '\\' => match chars.next()? {
                escaped if escaped.is_ascii() && !escaped.is_ascii_alphanumeric() => {
                    text.push(escaped)
                }
                _ => return None,
            },
            '^' | '.' | '[' | '(' | ')' | '{' | '*' | '+' | '?' => return None,
            literal => text.push(literal),
        }
    }
    current.text = text.into_boxed_str();
    list.push(current);
    Some(PlainList(list))
}
