//! What an HTML file says about itself: its title and description, as plain text.

use std::sync::LazyLock;

use regex::Regex;

/// Bytes of a file that are looked through.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Letters of a title that are shown.
const TITLE: usize = 200;
/// Letters of a description that are shown.
const DESCRIPTION: usize = 1_000;

/// The patterns are constants, which a test tries.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static TITLED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?is)<title(?:\s[^>]*)?>(.*?)</title\s*>"));
static META: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?is)<meta\s([^>]*)>"));
static ATTRIBUTE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?is)([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#));

/// What a file says about itself; what it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageWords {
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
}

/// Reads the beginning of a file. What it finds is text and must be escaped like any other.
pub fn page_words(bytes: &[u8]) -> PageWords {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]);
    let title = TITLED.as_ref().and_then(|titled| titled.captures(&head));
    let title = title.and_then(|found| found.get(1)).map(|found| found.as_str());
    let description = META.as_ref().and_then(|meta| {
        meta.captures_iter(&head).find_map(|found| description(found.get(1)?.as_str()))
    });
    PageWords {
        title: words(title.unwrap_or_default(), TITLE),
        description: words(&description.unwrap_or_default(), DESCRIPTION),
    }
}

fn description(attributes: &str) -> Option<String> {
    let (mut is_description, mut content) = (false, None);
    for found in ATTRIBUTE.as_ref()?.captures_iter(attributes) {
        let value = [2, 3, 4].into_iter().find_map(|at| found.get(at)).map(|found| found.as_str());
        match found.get(1)?.as_str().to_ascii_lowercase().as_str() {
            "name" => is_description = value.is_some_and(|v| v.eq_ignore_ascii_case("description")),
            "content" => content = value.map(str::to_owned),
            _ => {}
        }
    }
    content.filter(|_| is_description)
}

/// The text on one line, with the named characters that people write, and without those that turn the
/// direction of what follows.
fn words(text: &str, most: usize) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|c| !turns(*c)).collect();
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line.chars().filter(|c| !c.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_description_are_found_as_text() {
        for (html, title, description) in [
            ("<html><head><title>A &amp; B</title></head>", "A & B", ""),
            ("<TITLE lang=en>\n two\n lines </TITLE >", "two lines", ""),
            ("<meta name='description' content=\"what it is\"><title>t</title>", "t", "what it is"),
            ("<meta content=\"first\" name=description>", "", "first"),
            ("<meta name=author content=me>", "", ""),
            ("<title>\"><script>alert(1)</script></title>", "\"><script>alert(1)</script>", ""),
            ("<title>a\u{202e}b\u{0}</title>", "ab", ""),
            ("no markup at all", "", ""),
            ("<title>open", "", ""),
        ] {
            let found = page_words(html.as_bytes());
            assert_eq!((found.title.as_str(), found.description.as_str()), (title, description));
        }
        assert!(page_words(&vec![b'<'; 1 << 20]).title.is_empty());
        let long = format!("<title>{}</title>", "x".repeat(5_000));
        assert_eq!(page_words(long.as_bytes()).title.len(), TITLE);
    }
}
