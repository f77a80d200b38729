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

mod flow;
mod scalars;

use std::borrow::Cow;
use std::collections::HashSet;

use super::MAX_DEPTH;
use super::node::{Entry, Mark, Node, NodeKind, Scalar};

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
                if self.line == mark.line && self.at_colon_after_key() {
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
                Some(b'"' | b'\'') => self.quoted_key()?,
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
}

fn quoted_node<'a>(mark: Mark, text: Cow<'a, str>) -> Node<'a> {
    Node { mark, kind: NodeKind::Scalar(Scalar { text, plain: false }) }
}
