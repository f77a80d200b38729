//! The little of URLs that the grid needs, by the rules of Go's `net/url`, so that links and options
//! mean the same as with TestGrid.

/// Which part of a URL a text stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Path,
    PathSegment,
    Query,
}

fn is_plain(byte: u8, part: Part) -> bool {
    match byte {
        b'-' | b'_' | b'.' | b'~' => true,
        b'$' | b'&' | b'+' | b':' | b'=' | b'@' => part != Part::Query,
        b'/' | b';' | b',' => part == Part::Path,
        _ => byte.is_ascii_alphanumeric(),
    }
}

/// The text with everything escaped that must not stand in the part as it is.
pub(crate) fn escape(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if part == Part::Query => out.push('+'),
            _ if is_plain(byte, part) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The text with escapes undone, and `+` as a space in queries. Bytes that are no text become
/// U+FFFD.
///
/// # Errors
/// A `%` without two hexadecimal digits; the error is the faulty escape.
pub(crate) fn unescape(text: &str, part: Part) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'%' => {
                let digits = text.as_bytes().get(at + 1..at + 3).unwrap_or_default();
                let value = std::str::from_utf8(digits)
                    .ok()
                    .filter(|digits| digits.len() == 2 && !digits.starts_with('+'))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let Some(value) = value else {
                    let faulty: String = text[at..].chars().take(3).collect();
                    return Err(format!("invalid URL escape {faulty:?}"));
                };
                out.push(value);
                bytes.nth(1);
            }
            b'+' if part == Part::Query => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into()))
}

/// The keys and values of a query, in order; keys can repeat.
///
/// # Errors
/// A faulty escape, or a semicolon, which some take for `&`.
pub(crate) fn parse_query(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        if piece.contains(';') {
            return Err("invalid semicolon separator in query".to_owned());
        }
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        pairs.push((unescape(key, Part::Query)?, unescape(value, Part::Query)?));
    }
    Ok(pairs)
}

/// A query of these pairs, sorted by key.
pub(crate) fn encode_query(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let encoded = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key, Part::Query), escape(value, Part::Query)));
    encoded.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_escape_differently() {
        let text = "a b/c;d,e?f@g+h&i=j%é!";
        assert_eq!(escape(text, Part::Path), "a%20b/c;d,e%3Ff@g+h&i=j%25%C3%A9%21");
        assert_eq!(escape(text, Part::PathSegment), "a%20b%2Fc%3Bd%2Ce%3Ff@g+h&i=j%25%C3%A9%21");
        assert_eq!(escape(text, Part::Query), "a+b%2Fc%3Bd%2Ce%3Ff%40g%2Bh%26i%3Dj%25%C3%A9%21");
        for part in [Part::Path, Part::PathSegment, Part::Query] {
            assert_eq!(unescape(&escape(text, part), part).unwrap(), text);
        }
    }

    #[test]
    fn faulty_escapes_are_told() {
        assert_eq!(unescape("%z", Part::Query).unwrap_err(), "invalid URL escape \"%z\"");
        assert_eq!(unescape("a%é", Part::Query).unwrap_err(), "invalid URL escape \"%é\"");
        assert_eq!(unescape("%+1", Part::Path).unwrap_err(), "invalid URL escape \"%+1\"");
        assert!(parse_query("a=1;b=2").is_err());
        let pairs = [("a", "1 2"), ("a", ""), ("b", "x=y")];
        assert_eq!(
            parse_query("a=1+2&&a&b=x%3Dy").unwrap(),
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }
}
