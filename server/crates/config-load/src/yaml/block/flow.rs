//! Flow collections of the quick reader: `[…]` and `{…}`.

use std::borrow::Cow;

use super::super::MAX_DEPTH;
use super::super::node::{Entry, Node, NodeKind, Scalar};
use super::{Read, Reader, Unusual};

impl<'a> Reader<'a> {
    /// Reads a `[…]`, `{…}` or scalar inside a flow collection.
    pub(super) fn flow_node(&mut self, parent: isize) -> Read<Node<'a>> {
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
                Some(b'"' | b'\'') => self.quoted_key()?,
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
