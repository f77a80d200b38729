//! Lines of a log that match a pattern, found while its bytes stream by.

use std::borrow::{Borrow, Cow};

use go_compat::GoRegex;
use regex::bytes::Regex;

use super::begins::Begins;
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
        Ok(LinePattern { line: Some(line), begins, max_line })
    }

    /// A pattern that somebody searches for. The empty one matches no line.
    ///
    /// # Errors
    /// It is none, or too large.
    pub fn search(pattern: &str) -> Result<LinePattern, PatternError> {
        LinePattern::any(&[pattern], usize::MAX)
    }

    /// Whether it matches in a line as it is shown: without colours and other escape sequences.
    pub fn matches(&self, line: &[u8]) -> bool {
        self.matches_plain(&without_escapes(line))
    }

    fn matches_plain(&self, line: &[u8]) -> bool {
        let pattern = self.line.as_ref().filter(|_| line.len() <= self.max_line);
        pattern.is_some_and(|pattern| pattern.is_match(line))
    }

    /// Names the lines of a block that match, none of which has escape sequences: where each begins, and
    /// the line.
    fn matching_lines(&self, block: &[u8], mut each: impl FnMut(usize, &[u8])) {
        let Some(pattern) = &self.line else { return };
        let mut at = self.matching_lines_by_begins(block, &mut each);
        while let Some(found) = pattern.find_at(block, at) {
            let start = memchr::memrchr(b'\n', &block[..found.start()]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &block[found.start()..])
                .map_or(block.len(), |length| found.start() + length);
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
                each(start, line);
            }
            at = end + 1;
            if at > block.len() {
                break;
            }
        }
    }

    /// The same for the lines that a match can begin in, as long as these are few. Says where to go on
    /// otherwise.
    fn matching_lines_by_begins(&self, block: &[u8], mut each: impl FnMut(usize, &[u8])) -> usize {
        let Some(begins) = &self.begins else { return 0 };
        let (mut at, mut in_vain) = (0, 0);
        while let Some(found) = begins.find(block, at) {
            let start = memchr::memrchr(b'\n', &block[at..found]).map_or(at, |end| at + end + 1);
            let end =
                memchr::memchr(b'\n', &block[found..]).map_or(block.len(), |length| found + length);
            let line = &block[start..end];
            if self.matches_plain(line) {
                each(start, line);
            } else {
                in_vain += 1;
            }
            at = (end + 1).min(block.len());
            if in_vain > MIN_IN_VAIN && at / in_vain < BYTES_PER_VAIN_LINE {
                return at;
            }
        }
        block.len()
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
fn control_sequence(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\x1b[")?;
    let end = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f))?;
    matches!(rest[end], 0x40..=0x7e).then_some(end + 3)
}

/// Where text goes on behind any sequence that begins at `at`.
fn sequence(line: &[u8], mut at: usize, escapes: &mut Escapes) -> usize {
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
        Search { pattern, keep, found, rest, room }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
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
        for block in blocks(&bytes[..whole]) {
            self.block(block);
        }
        self.hold(&bytes[whole..]);
    }

    fn hold(&mut self, bytes: &[u8]) {
        // A line that is much longer than any that may match need not be held whole, but something of
        // it: what is held is counted.
        let longest = self.pattern.borrow().max_line.saturating_mul(8).clamp(1, MAX_HELD_LINE);
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
    pub fn finish(mut self) -> Found {
        if !self.rest.is_empty() {
            self.held_line();
        }
        self.found
    }

    /// What was found so far; a line without its end is not among it.
    pub fn so_far(&self) -> &Found {
        &self.found
    }

    fn line(&mut self, line: &[u8]) {
        if self.pattern.borrow().matches(line) {
            self.hit(self.found.searched);
        }
        self.found.searched += 1;
    }

    /// Whole lines.
    fn block(&mut self, block: &[u8]) {
        let Room { hits, plain, starts, escapes } = &mut self.room;
        let pattern = self.pattern.borrow();
        hits.clear();
        let escape = memchr::memchr(0x1b, block);
        pattern.matching_lines(block, |start, line| {
            // Those with escape sequences are searched without them.
            if escape.is_none() || memchr::memchr(0x1b, line).is_none() {
                hits.push(start);
            }
        });
        if let Some(first) = escape {
            plain.clear();
            starts.clear();
            let mut next = Some(first);
            while let Some(escape) = next {
                let start = memchr::memrchr(b'\n', &block[..escape]).map_or(0, |end| end + 1);
                let end = memchr::memchr(b'\n', &block[escape..])
                    .map_or(block.len(), |length| escape + length);
                starts.push((plain.len(), start));
                strip(&block[start..end], plain, escapes);
                plain.push(b'\n');
                next = memchr::memchr(0x1b, &block[end..]).map(|escape| end + escape);
            }
            pattern.matching_lines(plain, |start, _| {
                if let Ok(at) = starts.binary_search_by_key(&start, |(plain, _)| *plain) {
                    hits.push(starts[at].1);
                }
            });
            hits.sort_unstable();
            plain.shrink_to(2 * BLOCK);
        }
        let hits = std::mem::take(hits);
        let newlines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u64;
        let mut counted = 0;
        for start in &hits {
            self.found.searched += newlines(&block[counted..*start]);
            counted = *start;
            self.hit(self.found.searched);
        }
        self.found.searched += newlines(&block[counted..]);
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
            lines in proptest::collection::vec("[ab\u{1b}\r\\[m3 ]{0,6}", 0..40),
            pattern in proptest::sample::select(vec![
                "a", "^a", "b$", "a[^b]", r"\s", "a.b", "^$", r"\ba", "ab|ba", r"^ab|b3$|bb\s", "[ab][ab]m",
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
            let found = found(&pattern, &[&bytes[..cut], &bytes[cut..]]);
            proptest::prop_assert_eq!(found.lines, expected);
            proptest::prop_assert_eq!(found.searched, whole.len() as u64);
        }
    }
}
