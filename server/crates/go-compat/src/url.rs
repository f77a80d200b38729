//! Addresses as Go writes them.

/// Escapes a value of a query, as Go's `url.QueryEscape`.
pub fn query_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_escaped_for_the_query() {
        assert_eq!(query_escape("org/a repo"), "org%2Fa+repo");
        assert_eq!(query_escape("ö"), "%C3%B6");
        assert_eq!(query_escape("a-b_c.d~e"), "a-b_c.d~e");
    }
}
