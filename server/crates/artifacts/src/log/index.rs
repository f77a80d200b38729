//! Finding lines in a log of any size.

use std::ops::Range;

use super::decode_lossy;
use super::escapes::{Escapes, Step};
use super::render::{Span, render};
use super::stored::{Reader, put};
use super::style::Style;

/// Bytes between two remembered lines. A window reads at most so many in front of it and behind it, and
/// the index of a log of 1 GB takes half a megabyte.
const BYTES_PER_CHECKPOINT: u64 = 64 * 1024;

/// Bytes of one line that are ever read for showing it; the rest is counted as cut.
pub const MAX_LINE_BYTES: u64 = 16 * 1024;

/// The first byte of the stored form; another one is the form of another time.
const STORED_FORM: u8 = 1;

/// Where a line begins for every 64 KiB of a log, made by streaming its bytes in any chunks. A growing
/// log is indexed by pushing what was added.
#[derive(Debug, Clone)]
pub struct LineIndex {
    bytes_per_checkpoint: u64,
    max_line_bytes: u64,
    /// At least `bytes_per_checkpoint` lie between two of them; the first one is the begin of the log.
    checkpoints: Vec<Checkpoint>,
    /// Complete lines that are longer than is shown, in order.
    long: Vec<LongLine>,
    /// Lines that have ended.
    ended: u64,
    size: u64,
    line_start: u64,
    style: Style,
    escapes: Escapes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    line: u64,
    offset: u64,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LongLine {
    line: u64,
    offset: u64,
    /// Without the newline.
    length: u64,
    /// The look behind it, which the shown part cannot tell.
    style_after: Style,
}

impl Default for LineIndex {
    fn default() -> LineIndex {
        LineIndex::with_limits(BYTES_PER_CHECKPOINT, MAX_LINE_BYTES)
    }
}

impl LineIndex {
    /// The index of an empty log.
    pub fn new() -> LineIndex {
        LineIndex::default()
    }

    /// Small limits let tests reach them with small logs.
    pub(crate) fn with_limits(bytes_per_checkpoint: u64, max_line_bytes: u64) -> LineIndex {
        let style = Style::default();
        LineIndex {
            bytes_per_checkpoint,
            max_line_bytes,
            checkpoints: vec![Checkpoint { line: 0, offset: 0, style }],
            long: Vec::new(),
            ended: 0,
            size: 0,
            line_start: 0,
            style,
            escapes: Escapes::default(),
        }
    }

    /// Takes the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.escapes.is_ground() {
                // Only these two matter outside of a sequence.
                match memchr::memchr2(b'\n', 0x1b, &bytes[at..]) {
                    Some(skip) => at += skip,
                    None => break,
                }
            }
            match self.escapes.step(bytes[at]) {
                Step::Colour => self.style.apply(self.escapes.parameters()),
                Step::Text if bytes[at] == b'\n' => self.end_line(self.size + at as u64),
                Step::Text | Step::Swallowed => {}
            }
            at += 1;
        }
        self.size += bytes.len() as u64;
    }

    fn end_line(&mut self, newline: u64) {
        let length = newline - self.line_start;
        if length > self.max_line_bytes {
            self.long.push(LongLine {
                line: self.ended,
                offset: self.line_start,
                length,
                style_after: self.style,
            });
        }
        self.ended += 1;
        self.line_start = newline + 1;
        let last = self.checkpoints.last().map_or(0, |last| last.offset);
        if self.line_start - last >= self.bytes_per_checkpoint {
            let (line, offset) = (self.ended, self.line_start);
            self.checkpoints.push(Checkpoint { line, offset, style: self.style });
        }
    }

    /// Bytes seen so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lines seen so far. A last line without a newline counts; what follows a last newline does
    /// not, unless something does follow.
    pub fn lines(&self) -> u64 {
        self.ended + u64::from(self.size > self.line_start)
    }

    /// Lines that have ended with a newline: those that will not change when the log grows.
    pub fn ended_lines(&self) -> u64 {
        self.ended
    }

    /// A reader for `count` lines from line `first` on (counted from 0); fewer at the log's end.
    pub fn reader(&self, first: u64, count: u64) -> LineReader {
        let end = first.saturating_add(count).min(self.lines());
        let first = first.min(end);
        let begin = self.checkpoint_before(first);
        let line = begin.line;
        let behind = self.checkpoints.partition_point(|checkpoint| checkpoint.line < end);
        let stop = self.checkpoints.get(behind).map_or(self.size, |checkpoint| checkpoint.offset);
        let pieces = if first < end { self.pieces(begin.offset..stop, line) } else { Vec::new() };
        LineReader {
            pieces: pieces.into_iter(),
            current: None,
            line,
            wanted: first..end,
            partial: Vec::new(),
            style: begin.style,
            lines: Vec::new(),
        }
    }

    /// The last remembered line that is not behind this one.
    fn checkpoint_before(&self, line: u64) -> Checkpoint {
        let behind = self.checkpoints.partition_point(|checkpoint| checkpoint.line <= line);
        self.checkpoints[behind.saturating_sub(1)]
    }

    /// The index of a log that will not grow any more, in the form in which it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![STORED_FORM];
        put(&mut out, self.bytes_per_checkpoint);
        put(&mut out, self.max_line_bytes);
        for number in [self.size, self.ended, self.line_start] {
            put(&mut out, number);
        }
        self.style.put(&mut out);
        put(&mut out, self.checkpoints.len() as u64);
        let mut before = Checkpoint { line: 0, offset: 0, style: Style::default() };
        for checkpoint in &self.checkpoints {
            put(&mut out, checkpoint.line - before.line);
            put(&mut out, checkpoint.offset - before.offset);
            checkpoint.style.put(&mut out);
            before = *checkpoint;
        }
        put(&mut out, self.long.len() as u64);
        let (mut line, mut offset) = (0, 0);
        for long in &self.long {
            put(&mut out, long.line - line);
            put(&mut out, long.offset - offset);
            put(&mut out, long.length);
            long.style_after.put(&mut out);
            (line, offset) = (long.line, long.offset);
        }
        out
    }

    /// Reads what [`LineIndex::encode`] wrote; `None` if it is damaged or of another time.
    pub fn decode(bytes: &[u8]) -> Option<LineIndex> {
        let mut from = Reader(bytes);
        if from.byte()? != STORED_FORM {
            return None;
        }
        let mut index = LineIndex::with_limits(from.number()?, from.number()?);
        (index.size, index.ended, index.line_start) =
            (from.number()?, from.number()?, from.number()?);
        index.style = Style::read(&mut from)?;
        let count = from.count()?;
        let (mut line, mut offset) = (0_u64, 0_u64);
        index.checkpoints.clear();
        for at in 0..count {
            let (lines, bytes) = (from.number()?, from.number()?);
            (line, offset) = (line.checked_add(lines)?, offset.checked_add(bytes)?);
            let is_in_order =
                if at == 0 { (line, offset) == (0, 0) } else { lines > 0 && bytes > 0 };
            if !is_in_order {
                return None;
            }
            index.checkpoints.push(Checkpoint { line, offset, style: Style::read(&mut from)? });
        }
        let last = index.checkpoints.last()?;
        if last.line > index.ended
            || last.offset > index.line_start
            || index.line_start > index.size
        {
            return None;
        }
        let count = from.count()?;
        let (mut line, mut end) = (None, 0_u64);
        let mut before = (0_u64, 0_u64);
        for _ in 0..count {
            let number = before.0.checked_add(from.number()?)?;
            let offset = before.1.checked_add(from.number()?)?;
            let length = from.number()?;
            let style_after = Style::read(&mut from)?;
            let is_in_order = line.is_none_or(|line| number > line) && offset >= end;
            if !is_in_order || length <= index.max_line_bytes {
                return None;
            }
            end = offset.checked_add(length)?.checked_add(1)?;
            index.long.push(LongLine { line: number, offset, length, style_after });
            line = Some(number);
            before = (number, offset);
        }
        let is_whole = end <= index.line_start && line.is_none_or(|line| line < index.ended);
        (is_whole && from.is_at_end()).then_some(index)
    }

    /// The bytes to read: all of `range`, except that of a long line only the beginning is read.
    fn pieces(&self, range: Range<u64>, first_line: u64) -> Vec<Piece> {
        let open = self.size - self.line_start;
        let open = (open > self.max_line_bytes).then_some(LongLine {
            line: self.ended,
            offset: self.line_start,
            length: open,
            style_after: self.style,
        });
        let known = self.long.partition_point(|l| l.line < first_line);
        let mut pieces = Vec::new();
        let mut at = range.start;
        for long in self.long[known..].iter().chain(&open) {
            if long.offset >= range.end {
                break;
            }
            pieces.push(Piece {
                range: at..long.offset + self.max_line_bytes,
                cut: Some((long.length - self.max_line_bytes, long.style_after)),
            });
            // Behind the newline, if it has one.
            at = (long.offset + long.length + 1).min(self.size);
        }
        if at < range.end {
            pieces.push(Piece { range: at..range.end, cut: None });
        }
        pieces
    }
}

#[derive(Debug, Clone)]
struct Piece {
    range: Range<u64>,
    /// The piece ends within a long line: how many of its bytes are left out, and the look behind.
    cut: Option<(u64, Style)>,
}

/// A line of a log, ready to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Its number, counted from 0.
    pub number: u64,
    /// Its pieces.
    pub spans: Vec<Span>,
    /// Bytes that were left out because the line is longer than [`MAX_LINE_BYTES`].
    pub cut_bytes: u64,
    /// How many earlier states of the line a carriage return has overwritten.
    pub overwritten: usize,
}

impl Line {
    /// The line's text without looks.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Reads lines: it names byte ranges, takes their bytes, and gives lines.
///
/// ```
/// # use artifacts::log::LineIndex;
/// let log = b"one\n\x1b[31mtwo\nthree";
/// let mut index = LineIndex::new();
/// index.push(log);
/// let mut reader = index.reader(1, 10);
/// while let Some(range) = reader.next_range() {
///     reader.push(&log[range.start as usize..range.end as usize]);
/// }
/// let lines = reader.into_lines();
/// assert_eq!(lines[1].text(), "three");
/// assert_eq!(lines[1].spans[0].style.classes(), "f1");
/// ```
#[derive(Debug)]
pub struct LineReader {
    pieces: std::vec::IntoIter<Piece>,
    current: Option<Piece>,
    line: u64,
    wanted: Range<u64>,
    partial: Vec<u8>,
    style: Style,
    lines: Vec<Line>,
}

impl LineReader {
    /// The next bytes that are needed, as offsets into the log; `None` when all are read.
    pub fn next_range(&mut self) -> Option<Range<u64>> {
        self.end_piece();
        if self.line >= self.wanted.end {
            return None;
        }
        self.current = self.pieces.next();
        self.current.as_ref().map(|piece| piece.range.clone())
    }

    /// Takes the bytes of the range that was named last, whole or in chunks. Fewer than were named
    /// are accepted: a log may have been replaced by a shorter one.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(newline) = rest.iter().position(|b| *b == b'\n') {
            self.partial.extend_from_slice(&rest[..newline]);
            self.end_line(0);
            rest = &rest[newline + 1..];
        }
        self.partial.extend_from_slice(rest);
    }

    /// The lines that were read.
    pub fn into_lines(mut self) -> Vec<Line> {
        self.end_piece();
        if !self.partial.is_empty() {
            self.end_line(0);
        }
        self.lines
    }

    fn end_piece(&mut self) {
        let cut = self.current.take().and_then(|piece| piece.cut);
        if let Some((cut_bytes, style_after)) = cut {
            let whole = whole_characters(&self.partial);
            let cut_bytes = cut_bytes + (self.partial.len() - whole) as u64;
            self.partial.truncate(whole);
            self.end_line(cut_bytes);
            self.style = style_after;
        }
    }

    fn end_line(&mut self, cut_bytes: u64) {
        if self.line < self.wanted.end {
            let rendered = render(&decode_lossy(&self.partial), &mut self.style);
            if self.wanted.contains(&self.line) {
                self.lines.push(Line {
                    number: self.line,
                    spans: rendered.spans,
                    cut_bytes,
                    overwritten: rendered.overwritten,
                });
            }
        }
        self.partial.clear();
        self.line += 1;
    }
}

/// The length without a UTF-8 character that is cut at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(4);
    let start = bytes[tail..].iter().rposition(|b| *b >= 0xc0);
    match start.map(|at| tail + at) {
        Some(start) => match std::str::from_utf8(&bytes[start..]) {
            Err(error) if error.error_len().is_none() => start,
            _ => bytes.len(),
        },
        None => bytes.len(),
    }
}
