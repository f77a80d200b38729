//! Names of Kubernetes, label selectors and URLs, checked with the words of the Go libraries that
//! Prow checks them with.

/// Longest name part of a qualified name, and longest label value, in bytes.
pub const LABEL_VALUE_MAX_LENGTH: usize = 63;

/// Longest DNS subdomain, in bytes.
const SUBDOMAIN_MAX_LENGTH: usize = 253;

const QUALIFIED_NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/// What keeps a text from being a label or annotation key (`name` or `example.com/name`).
pub fn qualified_name_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut parts = text.split('/');
    let (prefix, name) = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, None) => (None, name),
        (Some(prefix), Some(name), None) => (Some(prefix), name),
        _ => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                qualified_name_words()
            )];
        }
    };
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            problems.push("prefix part must be non-empty".to_owned());
        } else {
            problems
                .extend(subdomain_problems(prefix).into_iter().map(|p| format!("prefix part {p}")));
        }
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL_VALUE_MAX_LENGTH {
        problems
            .push(format!("name part must be no more than {LABEL_VALUE_MAX_LENGTH} characters"));
    }
    if !is_name(name) {
        problems.push(format!("name part {}", qualified_name_words()));
    }
    problems
}

/// What keeps a text from being a label's value.
pub fn label_value_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > LABEL_VALUE_MAX_LENGTH {
        problems.push(format!("must be no more than {LABEL_VALUE_MAX_LENGTH} characters"));
    }
    if !text.is_empty() && !is_name(text) {
        problems.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{LABEL_VALUE}')"
        ));
    }
    problems
}

fn qualified_name_words() -> String {
    format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED_NAME}')"
    )
}

fn is_name(text: &str) -> bool {
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn subdomain_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > SUBDOMAIN_MAX_LENGTH {
        problems.push(format!("must be no more than {SUBDOMAIN_MAX_LENGTH} characters"));
    }
    let is_label = |label: &str| {
        let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = label.as_bytes();
        ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if !text.split('.').all(is_label) {
        problems.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
        ));
    }
    problems
}

/// What keeps a text from being a label selector (`a=b,c in (d,e),!f`). None if it is one.
pub fn selector_problem(text: &str) -> Option<String> {
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = match requirement(rest) {
            Ok(rest) => rest,
            Err(problem) => return Some(format!("unable to parse requirement: {problem}")),
        };
    }
    None
}

/// Steps over one requirement and the comma after it.
fn requirement(text: &str) -> Result<&str, String> {
    let (negated, text) = match text.strip_prefix('!') {
        Some(text) => (true, text.trim_start()),
        None => (false, text),
    };
    let (key, rest) = word(text);
    if key.is_empty() {
        return Err(format!(
            "found '{}', expected: !, identifier, or 'end of string'",
            shown(rest)
        ));
    }
    if let Some(problem) = qualified_name_problems(key).first() {
        return Err(format!("<nil>: Invalid value: \"{key}\": {problem}"));
    }
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with(',') {
        return after_comma(rest);
    }
    if negated {
        return Err(format!("found '{}', expected: ',' or 'end of string'", shown(rest)));
    }
    for operator in ["==", "!=", "=", ">", "<"] {
        if let Some(rest) = rest.strip_prefix(operator) {
            let (value, rest) = word(rest.trim_start());
            check_value(key, value)?;
            if matches!(operator, ">" | "<") && value.parse::<i64>().is_err() {
                return Err(format!(
                    "<nil>: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
                ));
            }
            return after_comma(rest.trim_start());
        }
    }
    let (operator, rest) = word(rest);
    if !matches!(operator, "in" | "notin") {
        return Err(format!(
            "found '{}', expected: in, notin, =, ==, !=, gt, lt",
            if operator.is_empty() { shown(rest) } else { operator.to_owned() }
        ));
    }
    let Some(mut rest) = rest.trim_start().strip_prefix('(') else {
        return Err(format!("found '{}' expected: '('", shown(rest.trim_start())));
    };
    loop {
        let (value, after) = word(rest.trim_start());
        check_value(key, value)?;
        let after = after.trim_start();
        match after.chars().next() {
            Some(',') => rest = &after[1..],
            Some(')') => return after_comma(after[1..].trim_start()),
            _ => return Err(format!("found '{}', expected: ',' or ')'", shown(after))),
        }
    }
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    match label_value_problems(value).first() {
        Some(problem) => Err(format!("values[0][{key}]: Invalid value: \"{value}\": {problem}")),
        None => Ok(()),
    }
}

fn after_comma(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Ok(text);
    }
    match text.strip_prefix(',').map(str::trim_start) {
        Some("") => Err("found '', expected: identifier after ','".to_owned()),
        Some(rest) => Ok(rest),
        None => Err(format!("found '{}', expected: ',' or 'end of string'", shown(text))),
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_whitespace() || "=!(),<>".contains(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn shown(text: &str) -> String {
    let (word, rest) = word(text);
    if word.is_empty() { rest.chars().take(1).collect() } else { word.to_owned() }
}

/// What keeps Go's `url.Parse` from reading a text. None if it reads it, as it does most.
pub fn url_problem(text: &str) -> Option<String> {
    let problem = |what: &str| Some(format!("parse {text:?}: {what}"));
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return problem("net/url: invalid control character in URL");
    }
    let without_fragment = text.split('#').next().unwrap_or_default();
    if let Some(bad) = bad_escape(text) {
        return problem(&format!("invalid URL escape {bad:?}"));
    }
    let (scheme, rest) = match split_scheme(without_fragment) {
        Ok(found) => found,
        Err(what) => return problem(what),
    };
    let path = rest.split('?').next().unwrap_or_default();
    if scheme.is_empty() && !path.starts_with('/') {
        let first = path.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return problem("first path segment in URL cannot contain colon");
        }
    }
    let authority = path.strip_prefix("//")?.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if let Some(bad) = host.chars().find(|c| " <>\"\\^`{|}".contains(*c)) {
        return problem(&format!("invalid character {:?} in host name", bad.to_string()));
    }
    let port = if host.starts_with('[') {
        match host.split_once(']') {
            Some((_, rest)) => rest.strip_prefix(':'),
            None => return problem("missing ']' in host"),
        }
    } else {
        host.rsplit_once(':').map(|(_, port)| port)
    };
    match port {
        Some(port) if !port.bytes().all(|b| b.is_ascii_digit()) => {
            problem(&format!("invalid port {:?} after host", format!(":{port}")))
        }
        _ => None,
    }
}

fn bad_escape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    (0..bytes.len()).filter(|at| bytes[*at] == b'%').find_map(|at| {
        let digits = bytes.get(at + 1..at + 3);
        let fine = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        (!fine).then(|| String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 3)]).into_owned())
    })
}

fn split_scheme(text: &str) -> Result<(&str, &str), &'static str> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme"),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_keys_are_names_with_an_optional_domain() {
        for good in ["a", "preset-x", "example.com/My_name.1", "a.b-c/d"] {
            assert_eq!(qualified_name_problems(good), Vec::<String>::new(), "{good}");
        }
        for (bad, words) in [
            ("", "name part must be non-empty"),
            ("/a", "prefix part must be non-empty"),
            ("a/b/c", "with an optional DNS subdomain prefix"),
            ("-a", "name part must consist of"),
            ("Example.com/a", "prefix part a lowercase RFC 1123 subdomain"),
        ] {
            let problems = qualified_name_problems(bad).join("; ");
            assert!(problems.contains(words), "{bad}: {problems}");
        }
        let long = "a".repeat(64);
        assert_eq!(
            qualified_name_problems(&long),
            ["name part must be no more than 63 characters"]
        );
    }

    #[test]
    fn selectors_of_all_forms_are_accepted() {
        for good in
            ["", "a", "!a", "a=b", "a==b,c!=d", "a in (b, c),d notin (e)", "a=", "x > 5, y<3"]
        {
            assert_eq!(selector_problem(good), None, "{good}");
        }
        for bad in ["a b", "a=b=c", "a in b", "a in (b", "=b", "a,", "a>b", "-a=b"] {
            assert!(selector_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn urls_are_refused_only_where_go_refuses_them() {
        for good in
            ["", "https://prow.k8s.io/view/", "/x", "foo", "a@b", "http://[::1]:80/", "x?y=:"]
        {
            assert_eq!(url_problem(good), None, "{good}");
        }
        for (bad, words) in [
            ("://x", "missing protocol scheme"),
            ("http://a b", "invalid character \" \" in host name"),
            ("http://x:port/", "invalid port \":port\" after host"),
            ("/%zz", "invalid URL escape \"%zz\""),
            ("1a:b", "first path segment in URL cannot contain colon"),
            ("http://\u{7f}", "invalid control character"),
        ] {
            let problem = url_problem(bad).unwrap_or_default();
            assert!(problem.contains(words), "{bad}: {problem}");
        }
    }
}
