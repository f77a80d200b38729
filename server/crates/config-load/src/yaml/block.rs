//! The quick reader: block style, one pass, scalars borrowed from the text.
//!
//! It reads what configuration files consist of (block mappings and sequences, plain, quoted and
//! block scalars, flow collections on their own lines) and answers [`Unusual`] for everything else:
//! anchors, aliases, tags, merge keys, explicit keys, directives, several documents, tabs, carriage
//! returns, and every text that is not YAML. So it never has to word an error, and being unsure
//! costs only time.
//!
//! ```text
//! position: always at the first character of the next thing to read
//! indent:   column of that character if it begins a line, -1 at the end of the text
//! ```

use std::borrow::Cow;
use std::collections::HashSet;

use super::node::{Entry, Mark, Node, NodeKind, Scalar};
use super::{MAX_DEPTH, scalar};

/// The text is not of the kind that this reader knows; ask the full one.
#[derive(Debug)]
pub(super) struct Unusual;

type Read<T> = Result<T, Unusual>;

/// Mappings with more keys than this look for duplicates with a hash set.
const FEW_KEYS: usize = 16;

/// YAML allows a key on one line to have 1,024 characters; one that comes near is not judged here.
const LONGEST_KEY: usize = 1000;

/// Indentation at the end of the text.
const END: isize = -1;

/// Reads a whole document.
pub(super) fn read(text: &str) -> Read<Node<'_>> {
    if u32::try_from(text.len()).is_err() || !is_printable(text) {
        return Err(Unusual);
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        pos: 0,
        line: 1,
        line_start: 0,
        indent: 0,
        depth: 0,
    };
    reader.document()
}

/// Whether the text consists of line feeds and printable characters only, without those that some
/// YAML versions take for line breaks or byte order marks.
fn is_printable(text: &str) -> bool {
    let plain = text
        .bytes()
        .fold(true, |ok, b| ok & ((b >= 0x20) | (b == b'\n') | (b == b'\t')) & (b != 0x7f));
    plain
        && (text.is_ascii()
            || !text.chars().any(|c| {
                matches!(
                    c,
                    '\u{80}'
                        ..='\u{9f}'
                            | '\u{2028}'
                            | '\u{2029}'
                            | '\u{feff}'
                            | '\u{fffe}'
                            | '\u{ffff}'
                )
            }))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    line: u32,
    line_start: usize,
    indent: isize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Read<Node<'a>> {
        self.skip_to_content()?;
        if self.indent == 0 && self.is_document_start() {
            self.pos += 3;
            self.end_line()?;
        }
        if self.indent == END {
            return Ok(Node::null(self.mark()));
        }
        let node = self.block_node(END)?;
        if self.indent == END { Ok(node) } else { Err(Unusual) }
    }

    fn is_document_start(&self) -> bool {
        self.bytes[self.pos..].starts_with(b"---")
            && matches!(self.bytes.get(self.pos + 3), None | Some(b' ' | b'\n'))
    }

    // ---- places ----

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.pos + ahead).copied()
    }

    fn column(&self) -> isize {
        (self.pos - self.line_start) as isize
    }

    fn mark(&self) -> Mark {
        let before = &self.text[self.line_start..self.pos];
        let column = if before.is_ascii() { before.len() } else { before.chars().count() };
        Mark { line: self.line, column: column as u32 + 1 }
    }

    /// Ends the current line, of which only spaces and a comment may be left, and goes to the next
    /// content.
    fn end_line(&mut self) -> Read<()> {
        self.skip_spaces();
        match self.peek() {
            None | Some(b'\n') => {}
            // A comment must be set off by a space.
            Some(b'#') if self.bytes[self.pos - 1] == b' ' => self.skip_line_text(),
            Some(_) => return Err(Unusual),
        }
        self.skip_to_content()
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.pos += 1;
        }
    }

    fn skip_line_text(&mut self) {
        self.pos = match self.text[self.pos..].find('\n') {
            Some(length) => self.pos + length,
            None => self.bytes.len(),
        };
    }

    /// Steps over a line feed.
    fn next_line(&mut self) {
        self.pos += 1;
        self.line += 1;
        self.line_start = self.pos;
    }

    /// From the start or the end of a line to the first character that is neither space, comment nor
    /// line feed.
    fn skip_to_content(&mut self) -> Read<()> {
        loop {
            self.skip_spaces();
            match self.peek() {
                None => {
                    self.indent = END;
                    return Ok(());
                }
                Some(b'\n') => self.next_line(),
                Some(b'#') => self.skip_line_text(),
                Some(b'\t') => return Err(Unusual),
                Some(b'-' | b'.' | b'%') if self.column() == 0 && self.is_marker() => {
                    return Err(Unusual);
                }
                Some(_) => {
                    self.indent = self.column();
                    return Ok(());
                }
            }
        }
    }

    /// Whether a line at column 0 is a directive, a document end or a further document.
    /// The `---` at the very beginning is fine.
    fn is_marker(&self) -> bool {
        match self.bytes[self.pos] {
            b'%' => true,
            b'.' => self.bytes[self.pos..].starts_with(b"..."),
            _ => self.bytes[self.pos..].starts_with(b"---") && !self.only_comments_before(),
        }
    }

    fn only_comments_before(&self) -> bool {
        self.text[..self.pos].lines().all(|line| {
            line.trim_start_matches(' ').is_empty() || line.trim_start().starts_with('#')
        })
    }

    // ---- block nodes ----

    /// Reads the node at the position, whose parent is indented by `parent`.
    fn block_node(&mut self, parent: isize) -> Read<Node<'a>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unusual);
        }
        let node = self.block_node_inner(parent);
        self.depth -= 1;
        node
    }

    fn block_node_inner(&mut self, parent: isize) -> Read<Node<'a>> {
        let column = self.column();
        let mark = self.mark();
        match self.peek() {
            Some(b'-') if self.at_dash() => self.sequence(column, mark),
            Some(b'[' | b'{') => {
                let node = self.flow_node(parent)?;
                self.end_line()?;
                Ok(node)
            }
            Some(b'|' | b'>') => self.block_scalar(parent, mark),
            Some(b'"' | b'\'') => {
                let text = self.quoted()?;
                if self.at_colon_after_key() {
                    return self.mapping(column, mark, text);
                }
                self.end_line()?;
                Ok(quoted_node(mark, text))
            }
            _ => match self.plain_key()? {
                Some(key) => self.mapping(column, mark, key),
                None => self.plain_value(parent, mark),
            },
        }
    }

    fn at_dash(&self) -> bool {
        matches!(self.peek_at(1), None | Some(b' ' | b'\n'))
    }

    fn sequence(&mut self, column: isize, mark: Mark) -> Read<Node<'a>> {
        let mut elements = Vec::new();
        while self.indent == column && self.peek() == Some(b'-') && self.at_dash() {
            self.pos += 1;
            let after_dash = self.mark();
            self.skip_spaces();
            match self.peek() {
                None | Some(b'\n' | b'#') => {
                    self.end_line()?;
                    elements.push(if self.indent > column {
                        self.block_node(column)?
                    } else {
                        Node::null(after_dash)
                    });
                }
                Some(b'\t') => return Err(Unusual),
                Some(_) => {
                    self.indent = self.column();
                    elements.push(self.block_node(column)?);
                }
            }
        }
        if self.indent > column {
            return Err(Unusual);
        }
        Ok(Node { mark, kind: NodeKind::Sequence(elements) })
    }

    /// Reads a mapping whose first key has just been read, up to but without its colon.
    fn mapping(&mut self, column: isize, mark: Mark, first: Cow<'a, str>) -> Read<Node<'a>> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut seen: Option<HashSet<Cow<'a, str>>> = None;
        let mut key = first;
        let mut key_mark = mark;
        loop {
            let new = match &mut seen {
                Some(seen) => seen.insert(key.clone()),
                None => entries.iter().all(|entry| entry.key != key),
            };
            if !new {
                return Err(Unusual);
            }
            self.pos += 1; // the colon
            let value = self.mapping_value(column)?;
            entries.push(Entry { key, mark: key_mark, value });
            if entries.len() == FEW_KEYS {
                seen = Some(entries.iter().map(|entry| entry.key.clone()).collect());
            }
            if self.indent != column {
                break;
            }
            key_mark = self.mark();
            key = match self.peek() {
                Some(b'"' | b'\'') => self.quoted()?,
                Some(b'-') if self.at_dash() => return Err(Unusual),
                _ => self.plain_key()?.ok_or(Unusual)?,
            };
            if !self.at_colon_after_key() {
                return Err(Unusual);
            }
        }
        if self.indent > column {
            return Err(Unusual);
        }
        Ok(Node { mark, kind: NodeKind::Mapping(entries) })
    }

    /// Reads what follows a key's colon.
    fn mapping_value(&mut self, column: isize) -> Read<Node<'a>> {
        let after_colon = self.mark();
        self.skip_spaces();
        let mark = self.mark();
        match self.peek() {
            None | Some(b'\n' | b'#') => {
                self.end_line()?;
                if self.indent > column
                    || self.indent == column && self.peek() == Some(b'-') && self.at_dash()
                {
                    self.block_node(column)
                } else {
                    Ok(Node::null(after_colon))
                }
            }
            Some(b'|' | b'>') => self.block_scalar(column, mark),
            Some(b'[' | b'{') => {
                let node = self.flow_node(column)?;
                self.end_line()?;
                Ok(node)
            }
            Some(b'"' | b'\'') => {
                let text = self.quoted()?;
                self.end_line()?;
                Ok(quoted_node(mark, text))
            }
            Some(b'-') if self.at_dash() => Err(Unusual),
            Some(_) => self.plain_value(column, mark),
        }
    }

    /// Whether the position is at the colon that makes what was just read a key; steps over the
    /// spaces before it.
    fn at_colon_after_key(&mut self) -> bool {
        let start = self.pos;
        self.skip_spaces();
        if self.peek() == Some(b':') && matches!(self.peek_at(1), None | Some(b' ' | b'\n')) {
            return true;
        }
        self.pos = start;
        false
    }

    // ---- scalars ----

    /// Reads a plain key up to its colon. None, with the position unchanged, if the line has no key.
    fn plain_key(&mut self) -> Read<Option<Cow<'a, str>>> {
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
    fn key_of(&self, text: &'a str) -> Read<Cow<'a, str>> {
        if text == "<<" {
            return Err(Unusual);
        }
        match scalar::resolve(text) {
            scalar::Value::Text(_) => Ok(Cow::Borrowed(text)),
            value => scalar::as_go_string(value).map(Cow::Owned).ok_or(Unusual),
        }
    }

    /// A plain scalar may not begin with an indicator.
    fn check_plain_start(&self, in_flow: bool) -> Read<()> {
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
    fn plain_value(&mut self, parent: isize, mark: Mark) -> Read<Node<'a>> {
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

    /// Reads a quoted scalar that ends on the line where it begins.
    fn quoted(&mut self) -> Read<Cow<'a, str>> {
        let quote = self.bytes[self.pos];
        self.pos += 1;
        let start = self.pos;
        let mut at = start;
        let mut escaped = false;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => return Err(Unusual),
                Some(b'\\') if quote == b'"' => {
                    escaped = true;
                    at += 1;
                    if matches!(self.bytes.get(at), None | Some(b'\n')) {
                        return Err(Unusual);
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

    /// Reads a literal (`|`) or folded (`>`) scalar and goes to the next content.
    fn block_scalar(&mut self, parent: isize, mark: Mark) -> Read<Node<'a>> {
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

    // ---- flow nodes ----

    /// Reads a `[…]`, `{…}` or scalar inside a flow collection.
    fn flow_node(&mut self, parent: isize) -> Read<Node<'a>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unusual);
        }
        let mark = self.mark();
        let kind = match self.peek() {
            Some(b'[') => self.flow_sequence(parent)?,
            Some(b'{') => self.flow_mapping(parent)?,
            Some(b'"' | b'\'') => NodeKind::Scalar(Scalar { text: self.quoted()?, plain: false }),
            _ => NodeKind::Scalar(Scalar { text: Cow::Borrowed(self.flow_plain()?), plain: true }),
        };
        self.depth -= 1;
        Ok(Node { mark, kind })
    }

    /// Steps over spaces and line feeds inside a flow collection.
    fn flow_space(&mut self, parent: isize) -> Read<()> {
        loop {
            self.skip_spaces();
            match self.peek() {
                Some(b'\n') => {
                    self.next_line();
                    self.skip_spaces();
                    let blank = self.peek() == Some(b'\n');
                    if !blank && self.column() <= parent.max(0) {
                        return Err(Unusual);
                    }
                }
                None | Some(b'\t' | b'#') => return Err(Unusual),
                Some(_) => return Ok(()),
            }
        }
    }

    fn flow_sequence(&mut self, parent: isize) -> Read<NodeKind<'a>> {
        self.pos += 1;
        let mut elements = Vec::new();
        loop {
            self.flow_space(parent)?;
            if self.peek() == Some(b']') {
                self.pos += 1;
                return Ok(NodeKind::Sequence(elements));
            }
            elements.push(self.flow_node(parent)?);
            self.flow_space(parent)?;
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => {}
                _ => return Err(Unusual),
            }
        }
    }

    fn flow_mapping(&mut self, parent: isize) -> Read<NodeKind<'a>> {
        self.pos += 1;
        let mut entries: Vec<Entry<'a>> = Vec::new();
        loop {
            self.flow_space(parent)?;
            if self.peek() == Some(b'}') {
                self.pos += 1;
                return Ok(NodeKind::Mapping(entries));
            }
            let mark = self.mark();
            let key = match self.peek() {
                Some(b'"' | b'\'') => self.quoted()?,
                Some(b'[' | b'{') => return Err(Unusual),
                _ => {
                    let text = self.flow_plain()?;
                    self.key_of(text)?
                }
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(Unusual);
            }
            self.flow_space(parent)?;
            if self.peek() != Some(b':') {
                return Err(Unusual);
            }
            self.pos += 1;
            if !matches!(self.peek(), Some(b' ' | b'\n')) {
                return Err(Unusual);
            }
            self.flow_space(parent)?;
            if matches!(self.peek(), Some(b',' | b'}')) {
                return Err(Unusual);
            }
            let value = self.flow_node(parent)?;
            entries.push(Entry { key, mark, value });
            self.flow_space(parent)?;
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => {}
                _ => return Err(Unusual),
            }
        }
    }

    /// Reads a plain scalar on one line of a flow collection.
    fn flow_plain(&mut self) -> Read<&'a str> {
        self.check_plain_start(true)?;
        let start = self.pos;
        let mut end = start;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\t' | b'[' | b'{') => return Err(Unusual),
                Some(b'\n' | b',' | b']' | b'}') => break,
                Some(b'#') if self.bytes[at - 1] == b' ' => return Err(Unusual),
                Some(b':') => match self.bytes.get(at + 1) {
                    None | Some(b' ' | b'\n') => break,
                    Some(b'\t' | b',' | b'[' | b']' | b'{' | b'}') => return Err(Unusual),
                    Some(_) => end = at + 1,
                },
                Some(b' ') => {}
                Some(_) => end = at + 1,
            }
            at += 1;
        }
        self.pos = at;
        if end == start {
            return Err(Unusual);
        }
        Ok(&self.text[start..end])
    }
}

fn quoted_node<'a>(mark: Mark, text: Cow<'a, str>) -> Node<'a> {
    Node { mark, kind: NodeKind::Scalar(Scalar { text, plain: false }) }
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
