//! Searching a log in parts at the same time.

use std::borrow::Borrow;
use std::ops::Range;

use super::cuts::Cuts;
use super::search::{Found, LinePattern, Search};

/// Searches the lines that begin in a range of a log. Ranges that lie side by side have each line of
/// the log once, wherever they are cut, and nobody needs to know where its lines are.
#[derive(Debug)]
pub struct RangeSearch<P> {
    search: Search<P>,
    range: Range<u64>,
    /// The offset of the next byte.
    at: u64,
    /// The end of the line that the range begins in has come.
    begun: bool,
    ended: bool,
    /// How many lines begin in the range, where that is known.
    lines: Option<u64>,
}

impl<P: Borrow<LinePattern>> RangeSearch<P> {
    /// For the lines that match among those that begin in `range`, which are offsets into the log; the
    /// numbers of the first `keep` are kept, counted from the range's first line.
    pub fn new(pattern: P, keep: usize, range: Range<u64>) -> RangeSearch<P> {
        // The byte before tells whether a line begins with the range.
        let at = range.start.saturating_sub(1);
        let begun = range.start == 0;
        let ended = range.is_empty();
        RangeSearch { search: Search::new(pattern, keep), range, at, begun, ended, lines: None }
    }

    /// The same, which adds to what is known of escape sequences as it goes.
    #[must_use]
    pub fn learning(mut self, cuts: Option<Box<Cuts>>) -> RangeSearch<P> {
        if let Some(cuts) = cuts {
            self.search = self.search.learning(cuts);
        }
        self
    }

    /// The same for a range of which is known, from a search before, how many lines begin in it.
    #[must_use]
    pub fn of_lines(mut self, lines: Option<u64>) -> RangeSearch<P> {
        self.lines = lines;
        self
    }

    /// From where on bytes are wanted; nothing once the last line of the range has come.
    pub fn wanted(&self) -> Option<u64> {
        (!self.ended).then_some(self.at)
    }

    /// The next bytes, from the offset on that was wanted.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        let mut at = self.at;
        self.at += bytes.len() as u64;
        if !self.begun {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.ended = self.at >= self.range.end;
                return;
            };
            self.begun = true;
            bytes = &bytes[end + 1..];
            at += end as u64 + 1;
            if at >= self.range.end {
                self.ended = true;
                return;
            }
        }
        // The last line ends with the first newline that is not in front of the range's last byte.
        let from = usize::try_from((self.range.end - 1).saturating_sub(at)).unwrap_or(usize::MAX);
        let end = bytes.get(from..).and_then(|behind| memchr::memchr(b'\n', behind));
        if let Some(end) = end {
            self.ended = true;
            bytes = &bytes[..=from + end];
        }
        match self.lines.filter(|_| self.ended) {
            Some(lines) => self.search.push_last(bytes, lines),
            None => self.search.push(bytes),
        }
    }

    /// What was found, once no more bytes are wanted or the log has ended; and what was learned.
    pub fn finish(self) -> (Found, Option<Box<Cuts>>) {
        self.search.finish_learning()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a log in ranges of one length; with the lines of each where they are known.
    fn in_ranges(
        log: &[u8],
        pattern: &LinePattern,
        keep: usize,
        (length, piece): (u64, usize),
        lines: Option<&[u64]>,
    ) -> (Found, Vec<u64>) {
        let (mut all, mut counted) = (Found::default(), Vec::new());
        let mut start = 0;
        while start < log.len() as u64 {
            let known = lines.map(|lines| lines[counted.len()]);
            let range = start..start + length;
            let mut search = RangeSearch::new(pattern, keep, range).of_lines(known);
            while let Some(at) = search.wanted() {
                let at = usize::try_from(at).unwrap();
                let bytes = &log[at..log.len().min(at + piece)];
                if bytes.is_empty() {
                    break;
                }
                search.push(bytes);
            }
            let found = search.finish().0;
            counted.push(found.searched);
            all.append(found, keep);
            start += length;
        }
        (all, counted)
    }

    proptest::proptest! {
        #[test]
        fn ranges_together_find_what_the_whole_log_has(
            log in "[ab\n]{0,40}",
            length in 1_u64..20,
            piece in 1_usize..20,
            keep in 0_usize..6,
        ) {
            let pattern = LinePattern::search("a").unwrap();
            let mut whole = Search::new(&pattern, keep);
            whole.push(log.as_bytes());
            let whole = whole.finish();
            let measures = (length, piece);
            let (found, lines) = in_ranges(log.as_bytes(), &pattern, keep, measures, None);
            proptest::prop_assert_eq!(&found, &whole);
            let (again, _) = in_ranges(log.as_bytes(), &pattern, keep, measures, Some(&lines));
            proptest::prop_assert_eq!(&again, &whole);
        }
    }

    #[test]
    fn a_range_reads_no_further_than_the_end_of_its_last_line() {
        let pattern = LinePattern::search("x").unwrap();
        let mut search = RangeSearch::new(&pattern, 9, 4..8);
        assert_eq!(search.wanted(), Some(3));
        search.push(b"\nab x\n");
        assert_eq!(search.wanted(), None);
        assert_eq!(search.finish().0, Found { lines: vec![0], total: 1, searched: 1 });
        // A range within a line has none.
        let mut search = RangeSearch::new(&pattern, 9, 4..8);
        search.push(b"xxxxx");
        assert_eq!((search.wanted(), search.finish().0.searched), (None, 0));
    }
}
