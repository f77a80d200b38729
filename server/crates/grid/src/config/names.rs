//! Names of groups, dashboards, tabs and dashboard groups.

/// Fewest letters and digits of a name.
pub const MIN_LENGTH: usize = 3;
/// Most letters and digits of a name.
pub const MAX_LENGTH: usize = 2048;
/// What a name, normalized, must not begin with: objects of other kinds are named so.
pub const RESERVED_PREFIXES: [&str; 4] = ["dashboard", "alerter", "summary", "bugs"];

/// The name without everything but ASCII letters and digits, in lower case. Two names that are equal
/// then are the same to URLs and summaries.
pub fn normalize(name: &str) -> String {
    name.bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// What keeps a text from being a name, as TestGrid's configuration check says it, or None.
///
/// One rule is ours: a name must not have a path segment `.` or `..`, since objects are stored under
/// the plain name.
pub fn problem(name: &str) -> Option<String> {
    if name.is_empty() || !name.chars().all(is_allowed) {
        let bad: String = name.chars().filter(|c| !is_allowed(*c)).take(5).collect();
        return Some(if name.is_empty() {
            "the name is empty".to_owned()
        } else {
            format!(
                "names may hold ASCII letters, digits, spaces and _.~<>()|[]\",@/–- only, \
                 not {bad:?}"
            )
        });
    }
    let normalized = normalize(name);
    if normalized.len() < MIN_LENGTH {
        return Some(format!("names must contain at least {MIN_LENGTH} alphanumeric characters"));
    }
    if normalized.len() > MAX_LENGTH {
        return Some(format!(
            "names should not contain more than {MAX_LENGTH} alphanumeric characters"
        ));
    }
    if let Some(prefix) = RESERVED_PREFIXES.iter().find(|prefix| normalized.starts_with(**prefix)) {
        return Some(format!("a name, normalized, can't begin with \"{prefix}\""));
    }
    if name.split('/').any(|segment| segment == "." || segment == "..") {
        return Some("names must not have a path segment \".\" or \"..\"".to_owned());
    }
    None
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '_' | '.'
                | '~'
                | '<'
                | '>'
                | '('
                | ')'
                | '|'
                | '['
                | ']'
                | '"'
                | ','
                | '@'
                | '/'
                | ' '
                | '–'
                | '-'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_and_case_do_not_count() {
        assert_eq!(normalize("pun-_*ctuation Y_E_A_H!"), "punctuationyeah");
    }

    #[test]
    fn usual_and_odd_names_are_accepted() {
        for name in [
            "some-test-group",
            "file-bugs-for-alerter",
            "[my] dash/tab (this_poem.of-sorts~) <@special1>",
            "a – b – c",
        ] {
            assert_eq!(problem(name), None, "{name}");
        }
        assert_eq!(problem(&"q".repeat(2048)), None);
    }

    #[test]
    fn names_that_cannot_be_stored_or_linked_are_refused() {
        for name in ["", "q", "dashboard-x", "_summary_", "ALERTER", "bugs-1-2-3", "a/../b/config"]
        {
            assert!(problem(name).is_some(), "{name}");
        }
        assert!(problem(&"q".repeat(2049)).is_some());
        for bad in ['\\', ':', ';', '?', '%', '*', '!', '\'', '#', '$', '^', 'é'] {
            assert!(problem(&format!("some{bad}name")).is_some(), "{bad}");
        }
    }
}
