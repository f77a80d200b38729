//! Slash-separated paths joined and cleaned as Go's `path` package does, since artifact paths are part of
//! what other tools rely on.

/// Joins elements with slashes, leaving out empty ones, and cleans the result.
pub fn join(elements: &[&str]) -> String {
    let mut text = String::new();
    for element in elements.iter().filter(|element| !element.is_empty()) {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(element);
    }
    if text.is_empty() { text } else { clean(&text) }
}

/// The shortest path that means the same: no repeated slashes, no `.`, and `..` taken back where something
/// stands before it. The empty path becomes `.`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => match kept.last() {
                Some(&last) if last != ".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(".."),
            },
            element => kept.push(element),
        }
    }
    let body = kept.join("/");
    match (rooted, body.is_empty()) {
        (true, _) => format!("/{body}"),
        (false, true) => ".".to_owned(),
        (false, false) => body,
    }
}

/// The last element of a path: `.` for an empty one, `/` for one of slashes only.
pub fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}
