//! Lines of a log that match a pattern, found while its bytes stream by.

use go_compat::GoRegex;
use regex::bytes::Regex;

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

/// A pattern for lines; the default matches none.
#[derive(Clone, Debug, Default)]
pub struct LinePattern {
    line: Option<Regex>,
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
        let line = Some(GoRegex::new(&parts.join("|"))?.for_lines()?);
        Ok(LinePattern { line, max_line })
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
        let Some(pattern) = self.line.as_ref().filter(|_| line.len() <= self.max_line) else {
            return false;
        };
        if memchr::memchr(0x1b, line).is_some() {
            return pattern.is_match(plain(&decode_lossy(line)).as_bytes());
        }
        pattern.is_match(line)
    }
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

/// Searches the bytes of a log, in any chunks.
#[derive(Debug)]
pub struct Search<'p> {
    pattern: &'p LinePattern,
    /// The numbers of more lines are not kept.
    keep: usize,
    found: Found,
    /// The begin of a line whose end has not come yet.
    rest: Vec<u8>,
}

impl<'p> Search<'p> {
    /// For the lines that match; the numbers of the first `keep` are kept.
    pub fn new(pattern: &'p LinePattern, keep: usize) -> Search<'p> {
        Search { pattern, keep, found: Found::default(), rest: Vec::new() }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.rest.extend_from_slice(bytes);
                return;
            };
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(&bytes[..end]);
            self.line(&line);
            bytes = &bytes[end + 1..];
        }
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        for block in blocks(&bytes[..whole]) {
            self.block(block);
        }
        self.rest.extend_from_slice(&bytes[whole..]);
    }

    /// What was found, once no more bytes come.
    pub fn finish(mut self) -> Found {
        if !self.rest.is_empty() {
            let line = std::mem::take(&mut self.rest);
            self.line(&line);
        }
        self.found
    }

    /// What was found so far; a line without its end is not among it.
    pub fn so_far(&self) -> &Found {
        &self.found
    }

    fn line(&mut self, line: &[u8]) {
        if self.pattern.matches(line) {
            self.hit(self.found.searched);
        }
        self.found.searched += 1;
    }

    /// Whole lines.
    fn block(&mut self, block: &[u8]) {
        if memchr::memchr(0x1b, block).is_some() {
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                self.line(line.strip_suffix(b"\n").unwrap_or(line));
            }
            return;
        }
        let mut at = 0;
        // The line at `counted` has the number `searched`.
        let mut counted = 0;
        let pattern = self.pattern.line.as_ref();
        while let Some(found) = pattern.and_then(|pattern| pattern.find_at(block, at)) {
            let start = memchr::memrchr(b'\n', &block[..found.start()]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &block[found.start()..])
                .map_or(block.len(), |length| found.start() + length);
            if start >= block.len() {
                break;
            }
            self.found.searched +=
                memchr::memchr_iter(b'\n', &block[counted..start]).count() as u64;
            counted = start;
            // What reaches into the next line may not match in this one alone.
            if self.pattern.matches(&block[start..end]) {
                self.hit(self.found.searched);
            }
            at = end + 1;
            if at > block.len() {
                break;
            }
        }
        self.found.searched += memchr::memchr_iter(b'\n', &block[counted..]).count() as u64;
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
    fn more_lines_are_counted_than_kept() {
        let pattern = LinePattern::search("x").unwrap();
        let mut search = Search::new(&pattern, 2);
        search.push("x\n".repeat(1_000_000).as_bytes());
        let found = search.finish();
        assert_eq!((found.lines, found.total, found.searched), (vec![0, 1], 1_000_000, 1_000_000));
    }

    proptest::proptest! {
        #[test]
        fn a_search_of_blocks_finds_what_a_search_of_lines_finds(
            lines in proptest::collection::vec("[ab\u{1b}\r\\[m3 ]{0,6}", 0..40),
            pattern in proptest::sample::select(vec!["a", "^a", "b$", "a[^b]", r"\s", "a.b", "^$", r"\ba"]),
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
