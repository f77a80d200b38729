//! Text in XML as Go's encoder writes it.

/// A text that can stand in an element or in an attribute's value. What XML cannot write becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\t' => escaped.push_str("&#x9;"),
            '\n' => escaped.push_str("&#xA;"),
            '\r' => escaped.push_str("&#xD;"),
            ' '..='\u{fffd}' | '\u{10000}'.. => escaped.push(letter),
            // XML has no way to write these.
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_means_something_to_xml_is_named_and_what_it_cannot_write_is_replaced() {
        assert_eq!(
            escaped("a<b> & \"c\"\n'd'\té"),
            "a&lt;b&gt; &amp; &#34;c&#34;&#xA;&#39;d&#39;&#x9;é"
        );
        assert_eq!(escaped("\u{0}\u{1b}[31m\u{fffe}"), "\u{fffd}\u{fffd}[31m\u{fffd}");
    }
}
