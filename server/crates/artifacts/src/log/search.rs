//! Lines of a log that match a pattern, found while its bytes stream by.

use std::borrow::{Borrow, Cow};

use go_compat::GoRegex;
use regex::bytes::Regex;

use super::begins::Begins;
use super::cuts::Cuts;
use super::escapes::{Escapes, Step};
use super::stored::{Reader, put};
use super::{decode_lossy, plain};

/// Lines longer than this are not searched unless the configuration says otherwise; as Spyglass has it
/// where highlights are configured.
pub const MAX_SEARCHED_LINE: usize = 10_000;

/// What Spyglass highlights where nothing is configured. Its own expression for errors of klog asks for
/// three digits and a bracket, which klog does not write; this one knows klog's six digits too.
pub const DEFAULT_HIGHLIGHTS: [&str; 5] = [
    r"timed out",
    r"ERROR:",
    r"(FAIL|Failure \[)\b",
    r"panic\b",
    r"^E\d{4} \d\d:\d\d:\d\d\.\d{3}(\d{3}|])",
];

/// How much of a log is searched at once.
const BLOCK: usize = 256 << 10;

/// Of a longer line the begin is searched, so that a log without a newline cannot fill the memory.
const MAX_HELD_LINE: usize = 16 << 20;

/// So many lines of a block are looked at in vain before that is held to be too often.
const MIN_IN_VAIN: usize = 64;

/// More often than this it is quicker to search the whole block with the pattern.
const BYTES_PER_VAIN_LINE: usize = 1_000;

/// Room that is kept from line to line for one that comes in pieces.
const KEPT_ROOM: usize = 1 << 20;

/// A pattern for lines; the default matches none.
#[derive(Clone, Debug, Default)]
pub struct LinePattern {
    line: Option<Regex>,
    /// Finds lines that may match faster than the pattern finds those that do.
    begins: Option<Begins>,
    /// No escape sequence ever stands within these begins.
    is_uncut: bool,
    /// Lines that are longer as they are shown do not match.
    max_line: usize,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is none in Go's dialect.
    #[error(transparent)]
    Go(#[from] go_compat::regex::RegexError),
    /// It is too large.
    #[error("the pattern is too large")]
    Size(#[from] regex::Error),
}

impl LinePattern {
    /// Lines in which one of these patterns, in Go's dialect, matches. Those that can match nothing at
    /// all, such as `x*`, match no line: they would match all.
    ///
    /// # Errors
    /// A pattern is none, or too large.
    pub fn any(patterns: &[&str], max_line: usize) -> Result<LinePattern, PatternError> {
        let mut parts = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let compiled = GoRegex::new(pattern)?;
            if !compiled.is_match("") {
                parts.push(format!("(?:{pattern})"));
            }
        }
        if parts.is_empty() {
            return Ok(LinePattern::default());
        }
        let line = GoRegex::new(&parts.join("|"))?.for_lines()?;
        let begins = Begins::of(line.as_str());
        Ok(LinePattern { line: Some(line), begins, is_uncut: false, max_line })
    }

    /// A pattern that somebody searches for. The empty one matches no line.
    ///
    /// # Errors
    /// It is none, or too large.
    pub fn search(pattern: &str) -> Result<LinePattern, PatternError> {
        LinePattern::any(&[pattern], usize::MAX)
    }

    /// The same pattern for a log of which is known where its escape sequences stand.
    pub fn knowing(&self, cuts: &Cuts) -> LinePattern {
        let begins = self.begins.as_ref();
        LinePattern {
            is_uncut: begins.is_some_and(|begins| !begins.may_be_cut(cuts)),
            ..self.clone()
        }
    }

    /// Whether it matches in a line as it is shown: without colours and other escape sequences.
    pub fn matches(&self, line: &[u8]) -> bool {
        self.matches_plain(&without_escapes(line))
    }

    fn matches_plain(&self, line: &[u8]) -> bool {
        let pattern = self.line.as_ref().filter(|_| line.len() <= self.max_line);
        pattern.is_some_and(|pattern| pattern.is_match(line))
    }

    /// Names the lines of a block that match, none of which has escape sequences: where each begins.
    fn matching_lines(&self, block: &[u8], mut each: impl FnMut(usize)) {
        let Some(pattern) = &self.line else { return };
        let mut at = 0;
        while let Some(found) = pattern.find_at(block, at) {
            let (start, end) = line_around(block, 0, found.start());
            if start >= block.len() {
                break;
            }
            let line = &block[start..end];
            // What reaches into the next line may not match in this one alone.
            let matches = match found.end() <= end {
                true => line.len() <= self.max_line,
                false => self.matches_plain(line),
            };
            if matches {
                each(start);
            }
            at = end + 1;
            if at > block.len() {
                break;
            }
        }
    }

    /// Names the lines that match of those that a match can begin in, as long as these are few; with
    /// escape sequences or without, in no order, some perhaps twice. Says where to go on otherwise.
    fn matching_lines_by_begins(&self, block: &[u8], mut each: impl FnMut(usize)) -> usize {
        let Some(begins) = &self.begins else { return 0 };
        let (mut at, mut in_vain) = (0, 0);
        while let Some(found) = begins.find(block, at) {
            let (start, end) = line_around(block, at, found);
            if self.matches(&block[start..end]) {
                each(start);
            } else {
                in_vain += 1;
            }
            at = (end + 1).min(block.len());
            if in_vain > MIN_IN_VAIN && at / in_vain < BYTES_PER_VAIN_LINE {
                self.matching_cut_lines(begins, &block[..at], each);
                return at;
            }
        }
        self.matching_cut_lines(begins, block, each);
        block.len()
    }

    /// The same for lines in which escape sequences, or characters taken back, may lie within the begin
    /// of a match.
    fn matching_cut_lines(&self, begins: &Begins, block: &[u8], mut each: impl FnMut(usize)) {
        if self.is_uncut {
            return;
        }
        let mut next = 0;
        for at in memchr::memchr2_iter(0x1b, 0x08, block) {
            if at < next || !may_cut(begins, block, at) {
                continue;
            }
            let (start, end) = line_around(block, next, at);
            if self.matches(&block[start..end]) {
                each(start);
            }
            next = end;
        }
    }

    /// Tells this pattern from others where what it found is stored.
    pub fn fingerprint(&self) -> String {
        let text = self.line.as_ref().map_or("", Regex::as_str);
        // FNV-1a: stable, and nobody gains from making two patterns alike.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("{hash:016x}-{}-{}", text.len(), self.max_line)
    }
}

/// The line that holds a place, none of which lies in front of `from`: where it begins and ends.
fn line_around(block: &[u8], from: usize, at: usize) -> (usize, usize) {
    let start = memchr::memrchr(b'\n', &block[from..at]).map_or(from, |end| from + end + 1);
    let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |length| at + length);
    (start, end)
}

/// Whether the escape sequences at a place, or the character that takes one back, may lie within the
/// begin of a match.
fn may_cut(begins: &Begins, block: &[u8], at: usize) -> bool {
    if block[at] != 0x1b {
        return true;
    }
    let Some(before) = at.checked_sub(1).map(|before| block[before]) else { return false };
    let followers = begins.followers(before);
    if followers == 0 {
        return false;
    }
    let mut behind = at;
    while block.get(behind) == Some(&0x1b) {
        match control_sequence(&block[behind..]) {
            Some(length) => behind += length,
            // Whatever else it is, the whole line tells.
            None => return true,
        }
    }
    block.get(behind).is_some_and(|behind| behind.is_ascii() && followers >> behind & 1 == 1)
}

/// A line without its escape sequences.
fn without_escapes(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut text = Vec::with_capacity(line.len());
    strip(line, &mut text, &mut Escapes::default());
    Cow::Owned(text)
}

/// Appends a line without its escape sequences; where carriage returns, backspaces or sequences that
/// do not end decide what is seen, as it is rendered. `escapes` stands outside of any sequence.
fn strip(line: &[u8], text: &mut Vec<u8>, escapes: &mut Escapes) {
    let kept = text.len();
    let mut at = 0;
    if memchr::memchr2(b'\r', 0x08, line).is_none() {
        while let Some(start) = memchr::memchr(0x1b, &line[at..]).map(|start| at + start) {
            text.extend_from_slice(&line[at..start]);
            at = match control_sequence(&line[start..]) {
                Some(length) => start + length,
                None => sequence(line, start, escapes),
            };
        }
        if escapes.is_ground() {
            text.extend_from_slice(&line[at..]);
            return;
        }
        *escapes = Escapes::default();
    }
    text.truncate(kept);
    text.extend_from_slice(plain(&decode_lossy(line)).as_bytes());
}

/// The length of `ESC [ … m` and its like, nearly all that there are.
pub(super) fn control_sequence(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\x1b[")?;
    let end = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f))?;
    matches!(rest[end], 0x40..=0x7e).then_some(end + 3)
}

/// Where text goes on behind any sequence that begins at `at`.
pub(super) fn sequence(line: &[u8], mut at: usize, escapes: &mut Escapes) -> usize {
    while at < line.len() {
        match escapes.step(line[at]) {
            // A byte that cannot belong to the sequence ends it and is text.
            Step::Text => break,
            Step::Swallowed | Step::Colour => at += 1,
        }
        if escapes.is_ground() {
            break;
        }
    }
    at
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The numbers of the lines, from 0; the first of them if they are many.
    pub lines: Vec<u64>,
    /// How many there are.
    pub total: u64,
    /// Lines that were searched.
    pub searched: u64,
}

impl Found {
    /// Adds what was found in the lines that follow; of all the numbers the first `keep` are kept.
    pub fn append(&mut self, next: Found, keep: usize) {
        let room = keep.saturating_sub(self.lines.len());
        self.lines.extend(next.lines.iter().take(room).map(|line| self.searched + line));
        self.total += next.total;
        self.searched += next.searched;
    }

    /// What was found, in the form in which it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.total);
        put(&mut out, self.searched);
        put(&mut out, self.lines.len() as u64);
        let mut before = 0;
        for line in &self.lines {
            put(&mut out, line - before);
            before = *line;
        }
        out
    }

    /// Reads what [`Found::encode`] wrote; `None` if it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Found> {
        let mut from = Reader(bytes);
        let (total, searched) = (from.number()?, from.number()?);
        let mut lines = Vec::new();
        let mut before = 0_u64;
        for _ in 0..from.count()? {
            before = before.checked_add(from.number()?)?;
            lines.push(before);
        }
        from.is_at_end().then_some(Found { lines, total, searched })
    }
}

/// Searches the bytes of a log, in any chunks.
#[derive(Debug)]
pub struct Search<P> {
    pattern: P,
    /// The numbers of more lines are not kept.
    keep: usize,
    found: Found,
    /// The begin of a line whose end has not come yet.
    rest: Vec<u8>,
    room: Room,
    /// What is learned of the log by the way.
    cuts: Option<Box<Cuts>>,
}

/// Room that is kept from block to block.
#[derive(Debug, Default)]
struct Room {
    /// Where lines begin that match.
    hits: Vec<usize>,
    /// The lines that have escape sequences, without them.
    plain: Vec<u8>,
    /// Where each of these begins, there and in the block.
    starts: Vec<(usize, usize)>,
    escapes: Escapes,
}

impl<P: Borrow<LinePattern>> Search<P> {
    /// For the lines that match; the numbers of the first `keep` are kept.
    pub fn new(pattern: P, keep: usize) -> Search<P> {
        let (found, rest, room) = (Found::default(), Vec::new(), Room::default());
        Search { pattern, keep, found, rest, room, cuts: None }
    }

    /// The same, which adds to what is known of escape sequences as it goes.
    #[must_use]
    pub fn learning(mut self, cuts: Box<Cuts>) -> Search<P> {
        self.cuts = Some(cuts);
        self
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_and_count(bytes, true);
    }

    /// The last bytes, which end with a line, where it is known how many lines come in all: nobody has to
    /// count those behind the last one that matches.
    pub fn push_last(&mut self, bytes: &[u8], lines: u64) {
        self.push_and_count(bytes, false);
        self.found.searched = lines;
    }

    fn push_and_count(&mut self, bytes: &[u8], to_end: bool) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.hold(bytes);
                return;
            };
            self.hold(&bytes[..end]);
            self.held_line();
            bytes = &bytes[end + 1..];
        }
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let mut blocks = blocks(&bytes[..whole]).peekable();
        while let Some(block) = blocks.next() {
            self.block(block, to_end || blocks.peek().is_some());
        }
        self.hold(&bytes[whole..]);
    }

    fn hold(&mut self, bytes: &[u8]) {
        // A line that is much longer than any that may match need not be held whole, but something of
        // it: what is held is counted.
        // Who learns of the log has to see all of it, whatever may match.
        let longest = match self.cuts {
            Some(_) => MAX_HELD_LINE,
            None => self.pattern.borrow().max_line.saturating_mul(8).clamp(1, MAX_HELD_LINE),
        };
        let room = longest.saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn held_line(&mut self) {
        let mut line = std::mem::take(&mut self.rest);
        self.line(&line);
        line.clear();
        line.shrink_to(KEPT_ROOM);
        self.rest = line;
    }

    /// What was found, once no more bytes come.
    pub fn finish(self) -> Found {
        self.finish_learning().0
    }

    /// The same, and what was learned if that was asked for.
    pub fn finish_learning(mut self) -> (Found, Option<Box<Cuts>>) {
        if !self.rest.is_empty() {
            self.held_line();
        }
        (self.found, self.cuts)
    }

    /// What was found so far; a line without its end is not among it.
    pub fn so_far(&self) -> &Found {
        &self.found
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(cuts) = &mut self.cuts {
            cuts.learn(line);
        }
        if self.pattern.borrow().matches(line) {
            self.hit(self.found.searched);
        }
        self.found.searched += 1;
    }

    /// Whole lines, which are counted up to the last one that matches, or `to_end`.
    fn block(&mut self, block: &[u8], to_end: bool) {
        if let Some(cuts) = &mut self.cuts {
            cuts.learn(block);
        }
        let Room { hits, plain, starts, escapes } = &mut self.room;
        let pattern = self.pattern.borrow();
        hits.clear();
        let looked_at = pattern.matching_lines_by_begins(block, |start| hits.push(start));
        let rest = &block[looked_at..];
        let escape = pattern.line.as_ref().and_then(|_| memchr::memchr(0x1b, rest));
        pattern.matching_lines(rest, |start| {
            // Those with escape sequences are searched without them.
            let (_, end) = line_around(rest, start, start);
            if escape.is_none() || memchr::memchr(0x1b, &rest[start..end]).is_none() {
                hits.push(looked_at + start);
            }
        });
        if let Some(first) = escape {
            plain.clear();
            starts.clear();
            let mut next = Some(first);
            let mut from = 0;
            while let Some(escape) = next {
                let (start, end) = line_around(rest, from, escape);
                starts.push((plain.len(), start));
                strip(&rest[start..end], plain, escapes);
                plain.push(b'\n');
                from = end;
                next = memchr::memchr(0x1b, &rest[end..]).map(|escape| end + escape);
            }
            pattern.matching_lines(plain, |start| {
                if let Ok(at) = starts.binary_search_by_key(&start, |(plain, _)| *plain) {
                    hits.push(looked_at + starts[at].1);
                }
            });
            plain.shrink_to(2 * BLOCK);
        }
        hits.sort_unstable();
        hits.dedup();
        let hits = std::mem::take(hits);
        let newlines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u64;
        let mut counted = 0;
        for start in &hits {
            self.found.searched += newlines(&block[counted..*start]);
            counted = *start;
            self.hit(self.found.searched);
        }
        if to_end {
            self.found.searched += newlines(&block[counted..]);
        }
        self.room.hits = hits;
    }

    fn hit(&mut self, line: u64) {
        self.found.total += 1;
        if self.found.lines.len() < self.keep {
            self.found.lines.push(line);
        }
    }
}

/// The bytes in blocks that end with a line.
fn blocks(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let end = match bytes.get(BLOCK..) {
            None => bytes.len(),
            Some(rest) => memchr::memchr(b'\n', rest).map_or(bytes.len(), |at| BLOCK + at + 1),
        };
        let (block, rest) = bytes.split_at(end);
        bytes = rest;
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &LinePattern, pieces: &[&[u8]]) -> Found {
        let mut search = Search::new(pattern, 100);
        for piece in pieces {
            search.push(piece);
        }
        search.finish()
    }

    #[test]
    fn the_default_highlights_are_those_of_spyglass() {
        let pattern = LinePattern::any(&DEFAULT_HIGHLIGHTS, MAX_SEARCHED_LINE).unwrap();
        for (line, expected) in [
            ("the operation timed out", true),
            ("ERROR: no", true),
            ("Error: no", false),
            ("--- FAIL: TestA", true),
            ("FAILED", false),
            ("Failure [ 12 s]", false),
            ("Failure [It] x", true),
            ("don't panic", true),
            ("panicked", false),
            ("E1121 10:00:00.123] x", true),
            ("E1121 10:00:00.123456 12 x.go:7] x", true),
            ("I1121 10:00:00.123456 12 x.go:7] x", false),
            ("\u{1b}[31mFAIL\u{1b}[0m", true),
            ("FA\u{1b}[1mIL x", true),
        ] {
            assert_eq!(pattern.matches(line.as_bytes()), expected, "{line}");
        }
        assert!(!pattern.matches(format!("FAIL {}", "x".repeat(MAX_SEARCHED_LINE)).as_bytes()));
    }

    #[test]
    fn lines_are_found_however_the_bytes_are_cut() {
        let pattern = LinePattern::search(r"b[^x]d|^last$").unwrap();
        let log = b"a\nbcd\nb\nd\n\nbxd\nbcd bcd\nlast";
        let expected = Found { lines: vec![1, 6, 7], total: 3, searched: 8 };
        assert_eq!(found(&pattern, &[log]), expected);
        for cut in 0..log.len() {
            assert_eq!(found(&pattern, &[&log[..cut], &log[cut..]]), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = log.chunks(1).collect();
        assert_eq!(found(&pattern, &bytes), expected);
    }

    #[test]
    fn a_pattern_that_matches_nothing_at_all_matches_no_line() {
        for pattern in ["", "x*", "(a|)"] {
            let pattern = LinePattern::search(pattern).unwrap();
            assert_eq!(found(&pattern, &[b"a\nxx\n"]).total, 0);
        }
        assert!(LinePattern::search("(").is_err());
    }

    #[test]
    fn a_log_without_a_newline_is_searched_within_bounds() {
        let pattern = LinePattern::search("needle").unwrap();
        let mut search = Search::new(&pattern, 9);
        search.push(b"x needle ");
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..100 {
            search.push(&chunk);
        }
        assert!(search.rest.capacity() <= 2 * MAX_HELD_LINE);
        search.push(b"\nneedle\n");
        assert!(search.rest.capacity() <= KEPT_ROOM);
        assert_eq!(search.finish().lines, [0, 1]);
    }

    #[test]
    fn what_was_found_comes_back_from_the_store_under_its_patterns_name() {
        let found = Found { lines: vec![3, 4, 1_000_000], total: 70, searched: 2_000_000 };
        let stored = found.encode();
        assert_eq!(Found::decode(&stored), Some(found));
        assert_eq!(Found::decode(&stored[1..]), None);
        let name = |pattern: &[&str], max| LinePattern::any(pattern, max).unwrap().fingerprint();
        assert_eq!(name(&["a", "b"], 5), name(&["a", "b"], 5));
        assert_ne!(name(&["a", "b"], 5), name(&["a", "b"], 6));
        assert_ne!(name(&["a", "b"], 5), name(&["a", "c"], 5));
    }

    #[test]
    fn more_lines_are_counted_than_kept() {
        let pattern = LinePattern::search("x").unwrap();
        let mut search = Search::new(&pattern, 2);
        search.push("x\n".repeat(1_000_000).as_bytes());
        let found = search.finish();
        assert_eq!((found.lines, found.total, found.searched), (vec![0, 1], 1_000_000, 1_000_000));
    }

    proptest::proptest! {
        #[test]
        fn a_line_is_searched_as_it_is_shown(line in "[ab\u{1b}\r\u{8}\\[\\]m3;(P\\\\é ]{0,12}") {
            let shown = plain(&line);
            let searched = without_escapes(line.as_bytes());
            if line.contains('\u{1b}') {
                proptest::prop_assert_eq!(String::from_utf8_lossy(&searched), shown);
            } else {
                proptest::prop_assert_eq!(&*searched, line.as_bytes());
            }
        }

        #[test]
        fn a_search_of_blocks_finds_what_a_search_of_lines_finds(
            lines in proptest::collection::vec("[ab\u{1b}\r\u{8}\u{7}\\[\\]m3 ]{0,9}", 0..40),
            pattern in proptest::sample::select(vec![
                "ab", "aba", "^ab", "ab[^b]", "(?i)ab m", "a", "^a", "b$", "a[^b]", r"\s", "a.b", "^$", r"\ba", "ab|ba", r"^ab|b3$|bb\s", "[ab][ab]m",
            ]),
            cut in 0_usize..100,
        ) {
            let log = lines.join("\n");
            let bytes = log.as_bytes();
            let pattern = LinePattern::search(pattern).unwrap();
            let whole: Vec<&[u8]> = match bytes.is_empty() {
                true => Vec::new(),
                false => {
                    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                    body.split(|byte| *byte == b'\n').collect()
                }
            };
            let expected: Vec<u64> = (0_u64..)
                .zip(&whole)
                .filter(|(_, line)| pattern.matches(line))
                .map(|(number, _)| number)
                .collect();
            let cut = cut.min(bytes.len());
            // Whatever is searched for while it is learned where lines are cut by escape sequences.
            let none = LinePattern::default();
            let cuts = [&pattern, &none].map(|pattern| {
                let mut learning = Search::new(pattern, 100).learning(Box::default());
                learning.push(&bytes[..cut]);
                learning.push(&bytes[cut..]);
                learning.finish_learning()
            });
            proptest::prop_assert_eq!(&cuts[0].0.lines, &expected);
            for (_, cuts) in cuts {
                let pattern = pattern.knowing(&cuts.unwrap());
                proptest::prop_assert_eq!(&found(&pattern, &[bytes]).lines, &expected);
            }
            let found = found(&pattern, &[&bytes[..cut], &bytes[cut..]]);
            proptest::prop_assert_eq!(found.lines, expected);
            proptest::prop_assert_eq!(found.searched, whole.len() as u64);
        }
    }
}
