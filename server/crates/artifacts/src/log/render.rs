//! One line as spans.

use super::escapes::{Escapes, Step};
use super::style::Style;

/// A piece of a line with one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its text: no control characters but tabs.
    pub text: String,
    /// Its look.
    pub style: Style,
}

/// A line that is ready to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Its pieces; none is empty.
    pub spans: Vec<Span>,
    /// How often a carriage return threw away what stood there, as progress bars do. Only the last
    /// state of such a line is shown.
    pub overwritten: usize,
}

/// Renders one line (without its newline). `style` is the look at its beginning and becomes the look
/// at its end, so that colours carry over to the next line as they do in a terminal.
pub fn render(line: &str, style: &mut Style) -> Rendered {
    let mut out = Writer::default();
    let mut escapes = Escapes::default();
    let bytes = line.as_bytes();
    let mut at = 0;
    // Where the open sequence began, to show it after all if the line ends within it.
    let mut sequence = 0;
    while at < bytes.len() {
        let was_ground = escapes.is_ground();
        match escapes.step(bytes[at]) {
            Step::Text => {
                let length = bytes[at..].iter().position(|b| *b == 0x1b);
                let end = length.map_or(bytes.len(), |length| at + length);
                for c in line[at..end].chars() {
                    out.push(c, *style);
                }
                at = end;
                continue;
            }
            Step::Colour => style.apply(escapes.parameters()),
            Step::Swallowed if was_ground => sequence = at,
            Step::Swallowed => {}
        }
        at += 1;
    }
    if !escapes.is_ground() {
        for c in line[sequence..].chars() {
            out.push(c, *style);
        }
    }
    Rendered { spans: out.spans, overwritten: out.overwritten }
}

/// Text of several lines without its looks: for messages that a container took from its log and
/// that are shown where no colours are. Nothing is left that a terminal would obey.
pub fn plain(text: &str) -> String {
    let mut style = Style::default();
    let lines = text.lines().map(|line| {
        render(line, &mut style).spans.into_iter().map(|span| span.text).collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Writer {
    spans: Vec<Span>,
    overwritten: usize,
    /// A carriage return came; it takes effect when something is written over the old text. So a
    /// line that merely ends in one, as Windows writes them, stays.
    returned: bool,
}

impl Writer {
    fn push(&mut self, c: char, style: Style) {
        match c {
            '\r' => {
                self.returned = true;
                return;
            }
            '\u{8}' => {
                self.backspace();
                return;
            }
            _ => {}
        }
        if std::mem::take(&mut self.returned) && !self.spans.is_empty() {
            self.spans.clear();
            self.overwritten += 1;
        }
        let c = visible(c);
        match self.spans.last_mut() {
            Some(span) if span.style == style => span.text.push(c),
            _ => self.spans.push(Span { text: c.to_string(), style }),
        }
    }

    /// Takes back one character, as the spinners of installers do.
    fn backspace(&mut self) {
        if let Some(span) = self.spans.last_mut() {
            span.text.pop();
            if span.text.is_empty() {
                self.spans.pop();
            }
        }
    }
}

/// The character itself, or a visible one in place of a character that would act on the page:
/// controls (shown as their Unicode pictures), line separators, and the marks that reverse the
/// direction of text, which could make a line read as what it is not.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        '\0'..='\u{1f}' => {
            char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}
