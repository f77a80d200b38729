//! Where escape sequences cut the text of a log.
//!
//! Colours may begin within a word, so a search has to look at every escape sequence. Most logs have
//! millions, in few places: behind a colon, in front of a name. Who knows all the places of a log knows
//! of most texts that none of them is ever cut.

use super::escapes::Escapes;
use super::search::{control_sequence, sequence};

/// What stands around the escape sequences of a log. It may name places that there are not, but leaves out
/// none of those that there are.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// For each character that stands in front of a cut a bit for each one behind it.
    pairs: [u128; 128],
    /// The same for the two characters in front, as hashes of 16 bits.
    triples: Vec<u64>,
    /// Characters that take others back stand beside escape sequences: whatever may be cut.
    all: bool,
}

impl Default for Cuts {
    fn default() -> Cuts {
        Cuts { pairs: [0; 128], triples: vec![0; 1 << 10], all: false }
    }
}

impl Cuts {
    /// Learns of some whole lines.
    pub(super) fn learn(&mut self, lines: &[u8]) {
        let mut from = 0;
        while let Some(found) = memchr::memchr(0x1b, &lines[from..]) {
            let at = from + found;
            let start = memchr::memrchr(b'\n', &lines[from..at]).map_or(from, |end| from + end + 1);
            let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |rest| at + rest);
            self.learn_line(&lines[start..end], at - start);
            from = end;
        }
    }

    /// A line whose first escape sequence begins at `at`.
    fn learn_line(&mut self, line: &[u8], mut at: usize) {
        if memchr::memchr(0x08, line).is_some() {
            self.all = true;
        }
        // The last two characters of the text.
        let (mut second, mut first) = (0, 0);
        let mut escapes = Escapes::default();
        let mut text = 0;
        loop {
            match line[text..at] {
                [.., before, last] => (second, first) = (before, last),
                [last] => (second, first) = (first, last),
                [] => {}
            }
            if at == line.len() {
                break;
            }
            text = match control_sequence(&line[at..]) {
                Some(length) => at + length,
                None => sequence(line, at, &mut escapes),
            };
            at = line[text..]
                .iter()
                .position(|byte| *byte == 0x1b)
                .map_or(line.len(), |length| text + length);
            if let Some(behind) = line[text..at].first() {
                self.add(second, first, *behind);
            }
        }
    }

    fn add(&mut self, second: u8, first: u8, behind: u8) {
        if let Some(followers) = self.pairs.get_mut(usize::from(first))
            && behind < 128
        {
            *followers |= 1 << behind;
        }
        let hash = hash(second, first, behind);
        self.triples[hash >> 6] |= 1 << (hash & 63);
    }

    /// Adds what was learned of another part of the log.
    pub fn join(&mut self, other: &Cuts) {
        for (here, there) in self.pairs.iter_mut().zip(&other.pairs) {
            *here |= there;
        }
        for (here, there) in self.triples.iter_mut().zip(&other.triples) {
            *here |= there;
        }
        self.all |= other.all;
    }

    /// Whether a text of printable ASCII may be cut somewhere.
    pub(super) fn may_cut(&self, text: &[u8]) -> bool {
        let at_second = || match text {
            [first, second, ..] => {
                self.pairs.get(usize::from(*first)).is_none_or(|behind| behind >> second & 1 == 1)
            }
            _ => false,
        };
        let further = || {
            text.windows(3).any(|three| {
                let hash = hash(three[0], three[1], three[2]);
                self.triples[hash >> 6] >> (hash & 63) & 1 == 1
            })
        };
        self.all || at_second() || further()
    }
}

fn hash(second: u8, first: u8, behind: u8) -> usize {
    let sum = u32::from(second) * 9_029 + u32::from(first) * 167 + u32::from(behind);
    (sum & 0xffff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(log: &str) -> Cuts {
        let mut cuts = Cuts::default();
        cuts.learn(log.as_bytes());
        cuts
    }

    #[test]
    fn a_text_may_be_cut_where_a_sequence_stands_between_such_characters() {
        let cuts = cuts("step 8\u{1b}[0m \u{1b}[1m\u{1b}[31mthe end\u{1b}[0m\nplain\n\u{1b}[1mx\n");
        for (text, expected) in [
            ("8 the", true),
            ("8 ", true),
            (" the", true),
            ("lost the", false),
            ("step", false),
            ("end", false),
            ("nx", false),
            ("\u{1b}[", false),
        ] {
            assert_eq!(cuts.may_cut(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn where_characters_are_taken_back_beside_sequences_all_may_be_cut() {
        assert!(!cuts("a\u{8}b\n").may_cut(b"xy"));
        assert!(cuts("a\u{8}b\u{1b}[1m\n").may_cut(b"xy"));
    }
}
