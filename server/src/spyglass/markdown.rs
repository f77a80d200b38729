//! Markdown of strangers as HTML that runs nothing: raw HTML becomes text, addresses lead to the web or
//! to files beside the document, and documents made to be slow end early.

use app::model::encode;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::links::is_of_the_web;

/// The largest document that is shown whole, in bytes; of a larger one the beginning.
pub const MAX_BYTES: usize = 256 * 1024;
/// Pieces of a document that are shown.
const MAX_EVENTS: usize = 100_000;
/// Lists and quotations within each other; deeper ones are shown at this depth.
const MAX_DEPTH: usize = 24;

/// A document as HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Safe to be put into a page.
    pub html: String,
    /// Whether the end of the document is missing.
    pub cut: bool,
}

/// The HTML of a document. `folder` is the address of its folder, with a slash at its end, that relative
/// addresses lead to.
pub fn render(bytes: &[u8], folder: &str) -> Rendered {
    let start = &bytes[..bytes.len().min(MAX_BYTES)];
    let text = String::from_utf8_lossy(start);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut depth = 0_usize;
    let mut open: Vec<bool> = Vec::new();
    let mut events = Vec::new();
    let mut cut = bytes.len() > MAX_BYTES;
    for event in Parser::new_ext(&text, options) {
        if events.len() >= MAX_EVENTS {
            cut = true;
            break;
        }
        match event {
            Event::Html(html) | Event::InlineHtml(html) => events.push(Event::Text(html)),
            Event::InlineMath(text) | Event::DisplayMath(text) => events.push(Event::Code(text)),
            Event::FootnoteReference(name) => events.push(Event::Text(name)),
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            Event::Start(tag) => {
                depth += 1;
                let shown = depth <= MAX_DEPTH || is_inline(&tag) && depth <= 2 * MAX_DEPTH;
                let tag = if shown { safe(tag, folder) } else { None };
                open.push(tag.is_some());
                events.extend(tag.map(Event::Start));
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if open.pop().unwrap_or(false) {
                    events.push(Event::End(end_of(end)));
                }
            }
            other => events.push(other),
        }
    }
    if cut {
        // What was open is closed by the browser within the element that holds the document.
        close(&mut events);
    }
    let mut html = String::new();
    html::push_html(&mut html, events.into_iter());
    Rendered { html, cut }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
}

/// The tag with an address that may be followed; nothing if there is none: then its text stands alone.
/// Pictures become links, since what they show is not ours to load.
fn safe<'t>(tag: Tag<'t>, folder: &str) -> Option<Tag<'t>> {
    match tag {
        Tag::Link { link_type, dest_url, title, id } => {
            let dest_url = address(&dest_url, folder)?;
            Some(Tag::Link { link_type, dest_url, title, id })
        }
        Tag::Image { dest_url, title, id, .. } => {
            let dest_url = address(&dest_url, folder)?;
            Some(Tag::Link { link_type: pulldown_cmark::LinkType::Inline, dest_url, title, id })
        }
        // Identifiers and classes of strangers could meet those of the page.
        Tag::Heading { level, .. } => {
            Some(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Tag::CodeBlock(_) => Some(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented)),
        tag => Some(tag),
    }
}

fn end_of(end: TagEnd) -> TagEnd {
    if end == TagEnd::Image { TagEnd::Link } else { end }
}

/// Ends every tag that has not ended.
fn close(events: &mut Vec<Event<'_>>) {
    let mut open: Vec<TagEnd> = Vec::new();
    for event in events.iter() {
        match event {
            Event::Start(tag) => open.push(tag.to_end()),
            Event::End(_) => drop(open.pop()),
            _ => {}
        }
    }
    events.extend(open.into_iter().rev().map(Event::End));
}

fn address(dest: &str, folder: &str) -> Option<CowStr<'static>> {
    if is_of_the_web(dest) {
        return Some(dest.to_owned().into());
    }
    let path = dest.strip_prefix("./").unwrap_or(dest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let strange = path.is_empty()
        || path.starts_with('/')
        || path.contains([':', '\\'])
        || path.chars().any(char::is_control)
        || path.split('/').any(|step| matches!(step, "" | "." | ".."));
    (!strange).then(|| format!("{folder}{}?preview", encode(path)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text.as_bytes(), "/gcs/b/run/artifacts/").html
    }

    #[test]
    fn what_people_write_is_shown() {
        let shown = html("# Result\n\n* one\n* [report](out/a b.html)\n\n|a|b|\n|-|-|\n|1|`2`|\n");
        for part in ["<h1>Result</h1>", "<li>one</li>", "<td><code>2</code></td>"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let shown = html("[r](<out/a.html>) and [w](https://x.example/?a=1&b=2)");
        assert!(shown.contains("href=\"/gcs/b/run/artifacts/out/a.html?preview\""), "{shown}");
        assert!(shown.contains("href=\"https://x.example/?a=1&amp;b=2\""), "{shown}");
    }

    #[test]
    fn nothing_runs_and_nothing_is_loaded() {
        let attacks = [
            "<script>alert(1)</script>",
            "text <img src=x onerror=alert(1)> text",
            "<div onclick=\"x\">\n\n</div><iframe src=//evil></iframe>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](//evil.example/)",
            "[x](/rerun?prowjob=1)",
            "[x](../../../secret)",
            "[x](vbscript:x \"a\\\" onclick=\\\"b\")",
            "![x](https://evil.example/pixel.png)",
            "![x](data:image/svg+xml,<svg>)",
            "<javascript:alert(1)>",
            "```\" onclick=\"x\ncode\n```",
            "# title {#run .danger onclick=x}",
            "<!-- --> <!doctype html> <?php ?> <![CDATA[x]]>",
        ];
        let allowed = regex::Regex::new(
            r#"</?(?:p|h[1-6]|ul|ol|li|a|em|strong|del|code|pre|blockquote|br|hr|table|thead|tbody|tr|th|td)(?: (?:href="(?:https?://|/gcs/b/run/artifacts/)[^"]*"|title="[^"]*"))* ?/?>"#,
        )
        .unwrap();
        for attack in attacks {
            let shown = html(attack);
            let rest = allowed.replace_all(&shown, "");
            assert!(!rest.contains('<'), "{attack}: {shown}");
            assert!(!shown.contains("href=\"/rerun"), "{attack}: {shown}");
        }
    }

    #[test]
    fn documents_that_are_made_to_be_slow_end_early() {
        let nested = ">".repeat(100_000);
        let lists: String =
            (0..2_000).map(|at| format!("{}* x\n", "  ".repeat(at % 500))).collect();
        let columns = "|a".repeat(20_000);
        let table = format!("{columns}|\n{}|\n{}", "|-".repeat(20_000), "|\n".repeat(20_000));
        let long = "word ".repeat(200_000);
        let links = "[a](".repeat(50_000);
        let stars = "*a_ ".repeat(50_000);
        for (name, text) in [
            ("quotations", &nested),
            ("lists", &lists),
            ("a table", &table),
            ("a long text", &long),
            ("open links", &links),
            ("stars", &stars),
        ] {
            let shown = render(text.as_bytes(), "/f/");
            assert!(shown.html.len() < 8 << 20, "{name}: {}", shown.html.len());
            let deepest = shown.html.matches("<blockquote>").count();
            assert!(deepest <= MAX_DEPTH, "{name}: {deepest}");
        }
        assert!(render(long.as_bytes(), "/f/").cut);
        let cut = render(table.as_bytes(), "/f/");
        let count = |what: &str| cut.html.matches(what).count();
        assert_eq!(count("<table>"), count("</table>"), "what is open is closed");
    }
}
