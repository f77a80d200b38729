//! Files as text that one can read: which kind a file is, and JSON and XML with their structure shown.

/// Depth of structure that is shown by indentation; what lies deeper stands at this depth.
const DEEPEST: usize = 100;
/// Spaces of one step of indentation.
const STEP: usize = 2;
/// The result is never larger than so many times the input and this many bytes.
const MAX_GROWTH: usize = 8;

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// With its structure shown.
    Json,
    /// Likewise.
    Xml,
    /// As a document.
    Markdown,
    /// In a frame of its own.
    Html,
    /// As a picture.
    Image,
    /// Not at all: its bytes are no text.
    Binary,
}

/// The kind of a file by its name, its stored type and its first bytes. What calls itself text and is
/// none is not shown.
pub fn kind(name: &str, content_type: &str, start: &[u8]) -> Kind {
    let file = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let ending = file.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    if is_image(start) {
        return Kind::Image;
    }
    if !blob::content_type::looks_like_text(start) {
        return Kind::Binary;
    }
    let stored = content_type.split(';').next().unwrap_or_default().trim();
    match (ending, stored) {
        ("json" | "sarif", _) | (_, "application/json") => Kind::Json,
        ("xml", _) | (_, "application/xml" | "text/xml") => Kind::Xml,
        ("md" | "markdown", _) | (_, "text/markdown") => Kind::Markdown,
        ("html" | "htm", _) => Kind::Html,
        _ => Kind::Text,
    }
}

/// Whether bytes are a picture of a kind that browsers show and that runs nothing.
fn is_image(start: &[u8]) -> bool {
    let webp = start.len() > 12 && start.starts_with(b"RIFF") && &start[8..12] == b"WEBP";
    let known: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"];
    webp || known.iter().any(|known| start.starts_with(known))
}

/// JSON with a line for each value. The order of fields stays; a text that is no JSON, or ends early,
/// is shown as far as its brackets tell.
pub fn json(text: &str) -> String {
    let mut lines = Lines::of(text);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let mut escaped = false;
                let mut end = text.len();
                for (inner, letter) in letters.by_ref() {
                    match letter {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => {
                            end = inner + 1;
                            break;
                        }
                        _ => {}
                    }
                }
                lines.push(&text[at..end]);
            }
            '{' | '[' => {
                let close = if letter == '{' { '}' } else { ']' };
                while letters.next_if(|(_, next)| next.is_whitespace()).is_some() {}
                lines.push(&text[at..=at]);
                if letters.next_if(|(_, next)| *next == close).is_some() {
                    lines.push(if close == '}' { "}" } else { "]" });
                } else {
                    lines.deeper();
                }
            }
            '}' | ']' => {
                lines.higher();
                lines.push(&text[at..=at]);
            }
            ',' => {
                lines.push(",");
                lines.next();
            }
            ':' => lines.push(": "),
            letter if letter.is_whitespace() => {}
            letter => lines.push(&text[at..at + letter.len_utf8()]),
        }
        if lines.is_full() {
            break;
        }
    }
    lines.text
}

/// XML with a line for each element that holds no text beside others. Where tags make no sense the text
/// stays as it is.
pub fn xml(text: &str) -> String {
    let mut lines = Lines::of(text);
    let mut rest = text.trim();
    // Of each open element, whether it or one around it holds text beside elements.
    let mut mixed: Vec<bool> = Vec::new();
    let mut opened = false;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        let Some(length) = tag_length(tag) else { break };
        let (this, after) = tag.split_at(length);
        let closes = this.starts_with("</");
        let alone = this.ends_with("/>") || this.starts_with("<?") || this.starts_with("<!");
        if !before.trim().is_empty()
            && let Some(element) = mixed.last_mut()
        {
            *element = true;
        }
        let inside = mixed.last().copied().unwrap_or(false);
        if closes {
            lines.up();
            mixed.pop();
        }
        if inside {
            lines.push(before);
        } else if !(lines.text.is_empty() || closes && opened) {
            lines.next();
        }
        lines.push(this);
        opened = !closes && !alone;
        if opened {
            lines.down();
            mixed.push(inside);
        }
        rest = after;
        if lines.is_full() {
            return lines.text;
        }
    }
    lines.push(rest);
    lines.text
}

/// Bytes of the tag, comment or CDATA section that a text begins with; nothing if it does not end.
fn tag_length(text: &str) -> Option<usize> {
    for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if text.starts_with(start) {
            return text.find(end).map(|at| at + end.len());
        }
    }
    let mut quote = None;
    for (at, letter) in text.bytes().enumerate() {
        match (quote, letter) {
            (None, b'"' | b'\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, b'>') => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Text that grows by lines of some depth.
struct Lines {
    text: String,
    depth: usize,
    most: usize,
}

impl Lines {
    fn of(text: &str) -> Lines {
        let most = text.len().saturating_mul(MAX_GROWTH).saturating_add(1024);
        Lines { text: String::with_capacity(text.len() * 2), depth: 0, most }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn next(&mut self) {
        self.text.push('\n');
        let spaces = self.depth.min(DEEPEST) * STEP;
        self.text.extend(std::iter::repeat_n(' ', spaces));
    }

    fn down(&mut self) {
        self.depth += 1;
    }

    fn up(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn deeper(&mut self) {
        self.down();
        self.next();
    }

    fn higher(&mut self) {
        self.up();
        self.next();
    }

    /// Indentation alone could make much of little.
    fn is_full(&self) -> bool {
        self.text.len() > self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_are_before_what_it_is_called() {
        let png = b"\x89PNG\r\n\x1a\nrest";
        for (name, stored, start, expected) in [
            ("a/b.json", "", &b"{}"[..], Kind::Json),
            ("a/b", "application/json; charset=utf-8", b"{}", Kind::Json),
            ("junit.XML", "text/plain", b"<a/>", Kind::Xml),
            ("README.md", "", b"# x", Kind::Markdown),
            ("report.html", "image/png", b"<script>", Kind::Html),
            ("log.txt", "text/html", b"<script>", Kind::Text),
            ("shot.txt", "text/plain", png, Kind::Image),
            ("shot.png", "image/png", b"<svg onload=alert(1)>", Kind::Text),
            ("core.txt", "text/plain", b"\x7fELF\x00\x00\x01", Kind::Binary),
            ("empty", "", b"", Kind::Text),
        ] {
            assert_eq!(kind(name, stored, start), expected, "{name}");
        }
    }

    #[test]
    fn json_is_shown_line_by_line_in_its_order() {
        let shown = json(r#"{"b":[1,{"x":"a, {b}\"c"}],"a":{ },"e":[]}"#);
        let expected = "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"a, {b}\\\"c\"\n    }\n  ],\n  \
                        \"a\": {},\n  \"e\": []\n}";
        assert_eq!(shown, expected);
        assert_eq!(json("{\"a\":[1,2"), "{\n  \"a\": [\n    1,\n    2", "also one that ends early");
        assert_eq!(json("\"open"), "\"open");
        assert_eq!(json("]]}"), "\n]\n]\n}");
        let deep = "[".repeat(100_000);
        assert!(json(&deep).len() < 10 * deep.len());
    }

    #[test]
    fn xml_is_shown_with_its_structure_and_text_as_it_was() {
        let shown = xml("<a><b x=\"1>2\"><c/></b><d>some <i>text</i></d><!-- <x> --></a>");
        let expected = "<a>\n  <b x=\"1>2\">\n    <c/>\n  </b>\n  <d>some <i>text</i></d>\n  \
                        <!-- <x> -->\n</a>";
        assert_eq!(shown, expected);
        assert_eq!(xml("<a>text"), "<a>text");
        assert_eq!(xml("no markup"), "no markup");
        let deep = "<a>".repeat(50_000);
        assert!(xml(&deep).len() < 10 * deep.len());
    }
}
