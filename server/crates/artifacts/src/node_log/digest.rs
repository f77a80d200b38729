//! The lines of a log that are wanted, with their neighbours.

use std::collections::VecDeque;

use super::RawLine;
use crate::log::{decode_lossy, plain};

/// Lines shown on each side of one that is wanted, as Gubernator has it.
pub const NEIGHBOURS: usize = 6;

/// With more lines that are wanted than this none has neighbours, as Gubernator has it.
const NEIGHBOURS_UP_TO: u64 = 2_000;

/// A line that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownLine {
    /// The place of its log among those that are read together.
    pub log: usize,
    /// Its number in its log, from 1.
    pub number: u64,
    /// Its text, without colours.
    pub text: String,
    /// Bytes that were left out of a very long one.
    pub cut: u64,
    /// Whether it is wanted, and no neighbour only.
    pub wanted: bool,
}

/// What is shown of a log, from its first line to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A line.
    Line(ShownLine),
    /// So many lines that are left out.
    Skipped(u64),
}

/// What a digest comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digested {
    /// What is shown.
    pub pieces: Vec<Piece>,
    /// Lines that are wanted.
    pub wanted: u64,
    /// Those of them that are not shown: they would be too many.
    pub left_out: u64,
    /// All lines.
    pub lines: u64,
}

/// A line as it waits to be shown.
#[derive(Clone, Debug)]
struct Kept {
    log: usize,
    number: u64,
    bytes: Vec<u8>,
    cut: u64,
    wanted: bool,
}

#[derive(Clone, Debug)]
enum KeptPiece {
    Line(Kept),
    Skipped(u64),
}

/// Chooses from lines that are told to it in their order.
#[derive(Clone, Debug)]
pub struct Digest {
    neighbours: usize,
    /// Bytes of lines that are shown at most.
    room: usize,
    used: usize,
    is_full: bool,
    pieces: Vec<KeptPiece>,
    /// The last lines that are not shown yet, the neighbours of the next one and one more.
    before: VecDeque<Kept>,
    /// Lines before these that are not shown.
    skipped: u64,
    /// Lines to come that are neighbours of the last one.
    after: usize,
    wanted: u64,
    left_out: u64,
    lines: u64,
}

impl Digest {
    /// With so many neighbours on each side, and so many bytes of text at most. What does not fit into
    /// them has no neighbours, and what does not fit then is counted only.
    pub fn new(neighbours: usize, room: usize) -> Digest {
        Digest {
            neighbours,
            room,
            used: 0,
            is_full: false,
            pieces: Vec::new(),
            before: VecDeque::new(),
            skipped: 0,
            after: 0,
            wanted: 0,
            left_out: 0,
            lines: 0,
        }
    }

    /// Takes the next line of the log with this place.
    pub fn line(&mut self, log: usize, line: RawLine<'_>, wanted: bool) {
        self.lines += 1;
        self.wanted += u64::from(wanted);
        if self.is_full {
            self.left_out += u64::from(wanted);
            return;
        }
        let RawLine { number, bytes, cut } = line;
        self.take(Kept { log, number, bytes: bytes.to_vec(), cut, wanted });
        let too_many = self.wanted > NEIGHBOURS_UP_TO || self.used > self.room;
        if too_many && self.neighbours > 0 {
            self.narrow();
        }
        self.is_full = self.used > self.room;
    }

    fn take(&mut self, line: Kept) {
        if line.wanted {
            self.gap(self.neighbours);
            self.show(line);
            self.after = self.neighbours;
        } else if self.after > 0 {
            self.after -= 1;
            self.show(line);
        } else {
            self.before.push_back(line);
            // One more than the neighbours: a single line is shown instead of told of.
            if self.before.len() > self.neighbours + 1 {
                self.before.pop_front();
                self.skipped += 1;
            }
        }
    }

    fn show(&mut self, line: Kept) {
        self.used += line.bytes.len() + 1;
        self.pieces.push(KeptPiece::Line(line));
    }

    /// Ends a gap in front of a line with so many neighbours.
    fn gap(&mut self, neighbours: usize) {
        let far = self.before.len().saturating_sub(neighbours);
        let gap = std::mem::take(&mut self.skipped) + far as u64;
        let mut before = std::mem::take(&mut self.before);
        if gap > 1 {
            before.drain(..far);
            self.pieces.push(KeptPiece::Skipped(gap));
        }
        before.drain(..).for_each(|line| self.show(line));
    }

    /// Takes the neighbours away from all lines.
    fn narrow(&mut self) {
        let mut narrow =
            Digest { wanted: self.wanted, lines: self.lines, ..Digest::new(0, self.room) };
        for piece in self.pieces.drain(..).chain(
            // What is not shown yet follows.
            (self.skipped > 0).then_some(KeptPiece::Skipped(self.skipped)),
        ) {
            match piece {
                KeptPiece::Line(line) => narrow.take(line),
                KeptPiece::Skipped(lines) => {
                    narrow.skipped += lines + narrow.before.len() as u64;
                    narrow.before.clear();
                }
            }
        }
        self.before.drain(..).for_each(|line| narrow.take(line));
        *self = narrow;
    }

    /// What is shown, after the last line.
    pub fn end(mut self) -> Digested {
        if !self.is_full {
            self.gap(0);
        }
        let shown = |line: Kept| ShownLine {
            log: line.log,
            number: line.number,
            text: plain(&decode_lossy(&line.bytes)),
            cut: line.cut,
            wanted: line.wanted,
        };
        let pieces = self.pieces.into_iter().map(|piece| match piece {
            KeptPiece::Line(line) => Piece::Line(shown(line)),
            KeptPiece::Skipped(lines) => Piece::Skipped(lines),
        });
        Digested {
            pieces: pieces.collect(),
            wanted: self.wanted,
            left_out: self.left_out,
            lines: self.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ERROR_WORDS, Filter};
    use super::*;

    /// The digest of words, one a line; `+2` where two lines are left out.
    fn digest(words: &str, neighbours: usize, room: usize) -> (String, Digested) {
        let filter = Filter::new(&ERROR_WORDS.map(str::to_owned)).unwrap();
        let mut digest = Digest::new(neighbours, room);
        for (number, word) in (1..).zip(words.split_whitespace()) {
            let bytes = word.as_bytes();
            digest.line(0, RawLine { number, bytes, cut: 0 }, filter.matches(bytes));
        }
        let digested = digest.end();
        let pieces: Vec<String> = digested
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Line(line) => line.text.clone(),
                Piece::Skipped(lines) => format!("+{lines}"),
            })
            .collect();
        (pieces.join(" "), digested)
    }

    #[test]
    fn lines_are_shown_with_their_neighbours_as_gubernator_shows_them() {
        for (words, expected) in [
            ("0 1 2 3 4 5 error 6 7 8 9 10", "+2 2 3 4 5 error 6 7 8 9 10"),
            ("error 1 2 3 4 5 6 7 8 9 A error-2", "error 1 2 3 4 +2 7 8 9 A error-2"),
            ("error 1 2 3 4 5 6 7 8 error-2", "error 1 2 3 4 5 6 7 8 error-2"),
            ("no problems here!", "+3"),
            ("one", "one"),
            ("", ""),
            ("0 1 2 3 4 error", "0 1 2 3 4 error"),
            ("error 1 2 3 4 5 6", "error 1 2 3 4 +2"),
        ] {
            assert_eq!(digest(words, 4, 1_000).0, expected, "{words}");
        }
        let (_, digested) = digest("a error b", 1, 1_000);
        let [Piece::Line(a), Piece::Line(error), Piece::Line(b)] = &digested.pieces[..] else {
            panic!("{digested:?}")
        };
        assert_eq!((a.wanted, error.wanted, b.wanted, error.number), (false, true, false, 2));
    }

    #[test]
    fn what_does_not_fit_loses_its_neighbours_and_then_is_counted() {
        let words = "a b c error d e f g error h i j error k";
        assert_eq!(digest(words, 1, 1_000).0, "+2 c error d +2 g error h i j error k");
        // Three errors take 18 bytes, with their neighbours 32.
        assert_eq!(digest(words, 1, 18).0, "+3 error +4 error +3 error k");
        let (shown, digested) = digest(words, 1, 8);
        assert_eq!(shown, "+3 error +4 error");
        assert_eq!((digested.wanted, digested.left_out, digested.lines), (3, 1, 14));
    }

    #[test]
    fn very_many_lines_have_no_neighbours() {
        let words = "x error y z ".repeat(2_001);
        let (shown, digested) = digest(&words, 1, 1_000_000);
        assert!(shown.starts_with("x error +3 error +3") && digested.left_out == 0);
        assert_eq!(digested.wanted, 2_001);
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_shown_or_counted(
            wanted in proptest::collection::vec(proptest::bool::weighted(0.2), 0..60),
            neighbours in 0_usize..4,
            room in 0_usize..40,
        ) {
            let mut digest = Digest::new(neighbours, room);
            for (number, wanted) in (1..).zip(&wanted) {
                digest.line(0, RawLine { number, bytes: b"x", cut: 0 }, *wanted);
            }
            let digested = digest.end();
            let mut at = 0;
            let mut shown = 0;
            for piece in &digested.pieces {
                match piece {
                    Piece::Skipped(lines) => {
                        proptest::prop_assert!(*lines > 1);
                        at += lines;
                    }
                    Piece::Line(line) => {
                        proptest::prop_assert_eq!(line.number, at + 1);
                        at += 1;
                        shown += u64::from(line.wanted);
                    }
                }
            }
            proptest::prop_assert_eq!(shown + digested.left_out, digested.wanted);
            if digested.left_out == 0 && room > wanted.len() * 2 {
                proptest::prop_assert_eq!(at, wanted.len() as u64);
            }
        }
    }
}
