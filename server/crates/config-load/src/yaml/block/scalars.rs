//! Scalars of the quick reader: plain, quoted and block.

use std::borrow::Cow;

use super::super::node::{Mark, Node, NodeKind, Scalar};
use super::super::scalar;
use super::{END, LONGEST_KEY, Read, Reader, Unusual, quoted_node};

impl<'a> Reader<'a> {
    /// Reads a plain key up to its colon. None, with the position unchanged, if the line has no key.
    pub(super) fn plain_key(&mut self) -> Read<Option<Cow<'a, str>>> {
        self.check_plain_start(false)?;
        let start = self.pos;
        let mut end = start;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => return Ok(None),
                Some(b'\t') => return Err(Unusual),
                Some(b'#') if at > start && self.bytes[at - 1] == b' ' => return Ok(None),
                Some(b':') if matches!(self.bytes.get(at + 1), None | Some(b' ' | b'\n')) => break,
                Some(b':') if self.bytes.get(at + 1) == Some(&b'\t') => return Err(Unusual),
                Some(b' ') => {}
                Some(_) => end = at + 1,
            }
            at += 1;
        }
        if at - start > LONGEST_KEY {
            return Err(Unusual);
        }
        self.pos = at;
        self.key_of(&self.text[start..end]).map(Some)
    }

    /// The text of a plain key: numbers and booleans as Go writes them, no null and no merge key.
    pub(super) fn key_of(&self, text: &'a str) -> Read<Cow<'a, str>> {
        if text == "<<" {
            return Err(Unusual);
        }
        match scalar::resolve(text) {
            scalar::Value::Text(_) => Ok(Cow::Borrowed(text)),
            value => scalar::as_go_string(value).map(Cow::Owned).ok_or(Unusual),
        }
    }

    /// A plain scalar may not begin with an indicator.
    pub(super) fn check_plain_start(&self, in_flow: bool) -> Read<()> {
        let ends_word = |b: Option<u8>| {
            matches!(b, None | Some(b' ' | b'\n' | b'\t'))
                || in_flow && matches!(b, Some(b',' | b'[' | b']' | b'{' | b'}'))
        };
        match self.peek() {
            None
            | Some(
                b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b'[' | b']' | b'{' | b'}' | b'#'
                | b'|' | b'>' | b'"' | b'\'' | b'\t',
            ) => Err(Unusual),
            Some(b'-' | b'?' | b':') if ends_word(self.peek_at(1)) => Err(Unusual),
            Some(_) => Ok(()),
        }
    }

    /// Reads a plain scalar and the lines that continue it, and ends its line.
    pub(super) fn plain_value(&mut self, parent: isize, mark: Mark) -> Read<Node<'a>> {
        self.check_plain_start(false)?;
        let (first, mut comment) = self.plain_line()?;
        let mut text = Cow::Borrowed(first);
        loop {
            // Look ahead: blank lines, then perhaps a line that belongs to the scalar.
            let mut breaks = 0;
            let continued = loop {
                if self.peek().is_none() {
                    break false;
                }
                self.next_line();
                self.skip_spaces();
                match self.peek() {
                    Some(b'\n') => breaks += 1,
                    None => break false,
                    Some(b'\t') => return Err(Unusual),
                    Some(b'#') => break false,
                    Some(_) => break self.column() > parent,
                }
            };
            if !continued {
                break;
            }
            if comment || parent == END {
                return Err(Unusual);
            }
            let (line, commented) = self.plain_line()?;
            comment = commented;
            let joined = text.to_mut();
            if breaks == 0 {
                joined.push(' ');
            }
            joined.extend(std::iter::repeat_n('\n', breaks));
            joined.push_str(line);
        }
        self.skip_to_content()?;
        // A more indented line after a comment does not continue the scalar; it is a mistake.
        if self.indent > parent && parent != END && self.indent != END {
            return Err(Unusual);
        }
        Ok(Node { mark, kind: NodeKind::Scalar(Scalar { text, plain: true }) })
    }

    /// Reads the plain text of one line; answers whether a comment followed it. The position is at
    /// the line's end afterwards.
    fn plain_line(&mut self) -> Read<(&'a str, bool)> {
        let start = self.pos;
        let mut end = start;
        let mut at = start;
        let comment = loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => break false,
                Some(b'\t') => return Err(Unusual),
                Some(b'#') if at > start && self.bytes[at - 1] == b' ' => break true,
                Some(b':')
                    if matches!(self.bytes.get(at + 1), None | Some(b' ' | b'\n' | b'\t')) =>
                {
                    return Err(Unusual);
                }
                Some(b' ') => {}
                Some(_) => end = at + 1,
            }
            at += 1;
        };
        self.pos = at;
        if comment {
            self.skip_line_text();
        }
        Ok((&self.text[start..end], comment))
    }

    /// Reads a quoted scalar.
    pub(super) fn quoted(&mut self) -> Read<Cow<'a, str>> {
        let quote = self.bytes[self.pos];
        self.pos += 1;
        let start = self.pos;
        let mut at = start;
        let mut escaped = false;
        loop {
            match self.bytes.get(at) {
                None => return Err(Unusual),
                Some(b'\n') => return self.quoted_lines(quote).map(Cow::Owned),
                Some(b'\\') if quote == b'"' => {
                    escaped = true;
                    at += 1;
                    match self.bytes.get(at) {
                        None => return Err(Unusual),
                        Some(b'\n') => return self.quoted_lines(quote).map(Cow::Owned),
                        Some(_) => {}
                    }
                }
                Some(&b) if b == quote => {
                    if quote == b'\'' && self.bytes.get(at + 1) == Some(&b'\'') {
                        escaped = true;
                        at += 1;
                    } else {
                        break;
                    }
                }
                Some(_) => {}
            }
            at += 1;
        }
        self.pos = at + 1;
        let raw = &self.text[start..at];
        if !escaped {
            Ok(Cow::Borrowed(raw))
        } else if quote == b'\'' {
            Ok(Cow::Owned(raw.replace("''", "'")))
        } else {
            unescape(raw).map(Cow::Owned)
        }
    }

    /// Reads a quoted key, which must be on one line.
    pub(super) fn quoted_key(&mut self) -> Read<Cow<'a, str>> {
        let line = self.line;
        let key = self.quoted()?;
        if self.line == line { Ok(key) } else { Err(Unusual) }
    }

    /// Reads the rest of a quoted scalar that goes on over several lines. As in Go's reader, its lines
    /// may be indented as they like: a line feed counts as a space, empty lines as line feeds, and an
    /// escaped line feed as nothing.
    fn quoted_lines(&mut self, quote: u8) -> Read<String> {
        let mut text = String::new();
        loop {
            let (line, end) = self.quoted_line(quote)?;
            let joined = end == LineEnd::Escaped;
            let line =
                if end == LineEnd::Break { line.trim_end_matches([' ', '\t']) } else { line };
            if quote == b'\'' {
                text.push_str(&line.replace("''", "'"));
            } else {
                text.push_str(&unescape(line)?);
            }
            if end == LineEnd::Quote {
                return Ok(text);
            }
            // Go to the first character of the next line that has one.
            let mut breaks = 0;
            loop {
                self.next_line();
                let indent = &self.bytes[self.pos..];
                if indent.starts_with(b"---") || indent.starts_with(b"...") {
                    return Err(Unusual);
                }
                while matches!(self.peek(), Some(b' ' | b'\t')) {
                    self.pos += 1;
                }
                match self.peek() {
                    None => return Err(Unusual),
                    Some(b'\n') => breaks += 1,
                    Some(_) => break,
                }
            }
            if breaks > 0 {
                text.extend(std::iter::repeat_n('\n', breaks));
            } else if !joined {
                text.push(' ');
            }
        }
    }

    /// The part of a quoted scalar from the position to the end of the line or of the scalar. The
    /// position is at the line feed, or behind the quote, afterwards.
    fn quoted_line(&mut self, quote: u8) -> Read<(&'a str, LineEnd)> {
        let start = self.pos;
        loop {
            match self.peek() {
                None => return Err(Unusual),
                Some(b'\n') => return Ok((&self.text[start..self.pos], LineEnd::Break)),
                Some(b'\\') if quote == b'"' => {
                    if self.peek_at(1) == Some(b'\n') {
                        self.pos += 1;
                        return Ok((&self.text[start..self.pos - 1], LineEnd::Escaped));
                    }
                    self.pos += 2;
                }
                Some(b) if b == quote => {
                    if quote == b'\'' && self.peek_at(1) == Some(b'\'') {
                        self.pos += 2;
                        continue;
                    }
                    self.pos += 1;
                    return Ok((&self.text[start..self.pos - 1], LineEnd::Quote));
                }
                Some(_) => self.pos += 1,
            }
        }
    }

    /// Reads a literal (`|`) or folded (`>`) scalar and goes to the next content.
    pub(super) fn block_scalar(&mut self, parent: isize, mark: Mark) -> Read<Node<'a>> {
        if parent == END {
            return Err(Unusual);
        }
        let folded = self.bytes[self.pos] == b'>';
        self.pos += 1;
        let chomp = match self.peek() {
            Some(sign @ (b'-' | b'+')) => {
                self.pos += 1;
                Some(sign)
            }
            _ => None,
        };
        // An indentation indicator is left to the full reader.
        match self.peek() {
            None | Some(b'\n') => {}
            Some(b' ') => {
                self.skip_spaces();
                match self.peek() {
                    None | Some(b'\n') => {}
                    Some(b'#') => self.skip_line_text(),
                    Some(_) => return Err(Unusual),
                }
            }
            Some(_) => return Err(Unusual),
        }
        let text = self.block_lines(parent, folded, chomp)?;
        self.skip_to_content()?;
        if self.indent > parent {
            return Err(Unusual);
        }
        Ok(quoted_node(mark, Cow::Owned(text)))
    }

    /// The content lines of a block scalar. Afterwards the position is at the start of the first
    /// line that does not belong to it.
    fn block_lines(&mut self, parent: isize, folded: bool, chomp: Option<u8>) -> Read<String> {
        let mut text = String::new();
        let mut indent: Option<usize> = None;
        let mut deepest_blank = 0;
        // Line feeds that are pending: those of blank lines, and the one of the last text line.
        let mut blank_breaks = 0;
        let mut line_break = false;
        let mut last_was_blank_led = false;
        // Whether the last text line ends with a line feed, not with the text.
        let mut ended = true;
        loop {
            if self.peek().is_none() {
                ended = false;
                break;
            }
            let line_start = self.pos + 1;
            let mut first = line_start;
            let limit = indent.unwrap_or(usize::MAX);
            while self.bytes.get(first) == Some(&b' ') && first - line_start < limit {
                first += 1;
            }
            let column = first - line_start;
            match self.bytes.get(first) {
                None => {
                    // The text ends with spaces, or right after the line feed.
                    self.next_line();
                    self.pos = self.bytes.len();
                    break;
                }
                Some(b'\n') => {
                    deepest_blank = deepest_blank.max(column);
                    blank_breaks += 1;
                    self.next_line();
                    self.pos = first;
                    continue;
                }
                Some(b'\t') if indent.is_none_or(|i| column < i) => return Err(Unusual),
                Some(_) => {}
            }
            let indent = match indent {
                Some(indent) => indent,
                None => {
                    if (column as isize) <= parent {
                        break;
                    }
                    if deepest_blank > column {
                        return Err(Unusual);
                    }
                    indent = Some(column);
                    column
                }
            };
            if column < indent {
                break;
            }
            self.next_line();
            self.pos = first;
            let content_start = line_start + indent;
            self.skip_line_text();
            let content = &self.text[content_start..self.pos];
            let blank_led = content.starts_with([' ', '\t']);
            if folded && line_break && !last_was_blank_led && !blank_led {
                if blank_breaks == 0 {
                    text.push(' ');
                }
            } else if line_break {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n('\n', blank_breaks));
            blank_breaks = 0;
            text.push_str(content);
            last_was_blank_led = blank_led;
            line_break = true;
        }
        if self.peek() == Some(b'\n') {
            self.next_line();
        }
        if chomp != Some(b'-') && line_break && ended {
            text.push('\n');
        }
        if chomp == Some(b'+') {
            text.extend(std::iter::repeat_n('\n', blank_breaks));
        }
        Ok(text)
    }
}

/// How a line of a quoted scalar ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    /// With a line feed.
    Break,
    /// With a backslash before the line feed.
    Escaped,
    /// With the scalar.
    Quote,
}

/// Undoes the escapes of a double-quoted scalar.
fn unescape(raw: &str) -> Read<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        let digits = match chars.next().ok_or(Unusual)? {
            '0' => push(&mut text, '\0'),
            'a' => push(&mut text, '\x07'),
            'b' => push(&mut text, '\x08'),
            't' => push(&mut text, '\t'),
            'n' => push(&mut text, '\n'),
            'v' => push(&mut text, '\x0b'),
            'f' => push(&mut text, '\x0c'),
            'r' => push(&mut text, '\r'),
            'e' => push(&mut text, '\x1b'),
            same @ (' ' | '"' | '/' | '\\') => push(&mut text, same),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return Err(Unusual),
        };
        rest = chars.as_str();
        if digits > 0 {
            let code = rest.get(..digits).ok_or(Unusual)?;
            if !code.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Unusual);
            }
            let code = u32::from_str_radix(code, 16).map_err(|_| Unusual)?;
            text.push(char::from_u32(code).ok_or(Unusual)?);
            rest = &rest[digits..];
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Appends a character; no hexadecimal digits follow.
fn push(text: &mut String, c: char) -> usize {
    text.push(c);
    0
}
