//! Chooses how a text is written and how its characters are escaped.

use super::resolve;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Whether a text has a line break of any kind that YAML 1.1 knows.
pub(super) fn is_multiline(text: &str) -> bool {
    text.contains(is_break)
}

/// The style of go-yaml: plain where that reads back as the same text, quoted otherwise, a literal
/// block for several lines where one can hold them.
pub(super) fn style(text: &str, simple_key: bool) -> Style {
    let facts = Facts::of(text);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if resolve::is_text(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    match wanted {
        _ if simple_key && facts.multiline => Style::DoubleQuoted,
        Style::Plain if facts.plain_allowed => Style::Plain,
        Style::Plain if facts.single_quoted_allowed => Style::SingleQuoted,
        Style::Literal if facts.block_allowed && !simple_key => Style::Literal,
        _ => Style::DoubleQuoted,
    }
}

/// What the characters of a text allow.
struct Facts {
    multiline: bool,
    plain_allowed: bool,
    single_quoted_allowed: bool,
    block_allowed: bool,
}

impl Facts {
    fn of(text: &str) -> Facts {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut multiline, mut special) = (false, false);
        let (mut break_then_space, mut space_then_break) = (false, false);
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let blank_follows = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match (previous, c) {
                (None, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>') => true,
                (None, '\'' | '"' | '%' | '@' | '`') => true,
                (None, '?' | '-') => blank_follows,
                (_, ':') => blank_follows,
                (Some(before), '#') => is_blank(before) || is_break(before) || before == '\0',
                _ => false,
            };
            special |= !is_printable(c);
            multiline |= is_break(c);
            if let Some(before) = previous {
                break_then_space |= c == ' ' && is_break(before);
                space_then_break |= is_break(c) && before == ' ';
            }
            previous = Some(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let bare_edges = !text.starts_with(edge) && !text.ends_with(edge);
        let trailing_space = text.ends_with(' ');
        Facts {
            multiline,
            plain_allowed: bare_edges && !indicators && !multiline && !special,
            single_quoted_allowed: !break_then_space && !space_then_break && !special,
            block_allowed: !trailing_space && !space_then_break && !special && !text.is_empty(),
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// go-yaml v2 prints no character beyond the basic plane, emoji included.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

/// The escape of a character between double quotes, if it needs one or gets one in any case.
pub(super) fn escape(c: char, always: bool) -> Option<String> {
    if !always && is_printable(c) && !is_break(c) && c != '"' && c != '\\' {
        return None;
    }
    let code = u32::from(c);
    Some(match c {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{a0}' => "\\_".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        _ if code <= 0xff => format!("\\x{code:02X}"),
        _ if code <= 0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    })
}
