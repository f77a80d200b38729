//! JSON text as Go's `encoding/json` writes it.

use serde::Serialize;

/// Compact JSON in which `<`, `>`, `&` and the two Unicode line separators are escaped, as Go does so that the
/// text can stand in HTML. Documents in environment variables are compared with Prow's byte by byte.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escape_html)
}

fn escape_html(json: String) -> String {
    let special = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if !json.contains(special) {
        return json;
    }
    // These characters stand inside strings only, where an escape means the same.
    let mut escaped = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        if special(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
