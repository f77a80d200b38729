//! Replacing secrets in a stream.

use std::collections::BTreeSet;
use std::io::{self, Read};

use aho_corasick::{AhoCorasick, MatchKind};

/// What every byte of a secret becomes, so that sizes and offsets stay as they are.
const MASK: u8 = b'X';

/// Knows the secrets.
#[derive(Debug)]
pub(super) struct Censor {
    /// `None` if there is nothing to look for.
    automaton: Option<AhoCorasick>,
    longest: usize,
    buffer_bytes: usize,
}

impl Censor {
    pub(super) fn new(patterns: &BTreeSet<Vec<u8>>, buffer_bytes: usize) -> Result<Censor, String> {
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let automaton = if patterns.is_empty() {
            None
        } else {
            // The longest one counts where several begin, so that no end of it stays readable.
            let built =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
            Some(built.map_err(|error| format!("the secrets cannot be looked for: {error}"))?)
        };
        Ok(Censor { automaton, longest, buffer_bytes: buffer_bytes.max(2 * longest).max(2) })
    }

    /// Reads `source` with secrets replaced.
    pub(super) fn reader<R: Read>(&self, source: R) -> CensoredReader<'_, R> {
        CensoredReader {
            censor: self,
            source,
            buffer: Vec::new(),
            sent: 0,
            decided: 0,
            ended: false,
            found: false,
        }
    }

    /// A name with secrets replaced.
    pub(super) fn clean_name(&self, name: &str) -> String {
        let mut bytes = name.as_bytes().to_vec();
        let end = bytes.len();
        self.mask(&mut bytes, 0, end);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Replaces the secrets that begin in `from..before`; gives the end of the last one.
    fn mask(&self, bytes: &mut [u8], from: usize, before: usize) -> Option<usize> {
        let automaton = self.automaton.as_ref()?;
        let mut last = None;
        let mut at = from;
        while at < before {
            let Some(found) = automaton.find(&bytes[at..]) else { break };
            if at + found.start() >= before {
                break;
            }
            bytes[at + found.start()..at + found.end()].fill(MASK);
            at += found.end();
            last = Some(at);
        }
        last
    }
}

/// A reader that replaces secrets, wherever its source's chunks end.
#[derive(Debug)]
pub(super) struct CensoredReader<'a, R> {
    censor: &'a Censor,
    source: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out.
    sent: usize,
    /// Bytes of the buffer that no later byte can make part of a secret.
    decided: usize,
    ended: bool,
    found: bool,
}

impl<R> CensoredReader<'_, R> {
    /// Whether a secret was replaced so far.
    pub(super) fn found(&self) -> bool {
        self.found
    }
}

impl<R: Read> CensoredReader<'_, R> {
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.sent);
        self.decided -= self.sent;
        self.sent = 0;
        while self.decided == 0 && !self.ended {
            let held = self.buffer.len();
            let room = self.censor.buffer_bytes.saturating_sub(held).max(1) as u64;
            let read = self.source.by_ref().take(room).read_to_end(&mut self.buffer)?;
            self.ended = (read as u64) < room;
            // A secret that begins later than this may go on in what comes next.
            let certain = if self.ended {
                self.buffer.len()
            } else {
                self.buffer.len().saturating_sub(self.censor.longest.saturating_sub(1))
            };
            let last = self.censor.mask(&mut self.buffer, 0, certain);
            self.found |= last.is_some();
            self.decided = certain.max(last.unwrap_or(0));
        }
        Ok(())
    }
}

impl<R: Read> Read for CensoredReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.sent == self.decided {
            self.fill()?;
        }
        let count = out.len().min(self.decided - self.sent);
        out[..count].copy_from_slice(&self.buffer[self.sent..self.sent + count]);
        self.sent += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn censor(secrets: &[&str], buffer: usize) -> Censor {
        let patterns = secrets.iter().map(|s| s.as_bytes().to_vec()).collect();
        Censor::new(&patterns, buffer).unwrap()
    }

    fn cleaned(censor: &Censor, text: &[u8]) -> String {
        let mut out = Vec::new();
        let mut reader = censor.reader(text);
        reader.read_to_end(&mut out).unwrap();
        assert_eq!(out.len(), text.len());
        assert_eq!(reader.found(), out != text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_longest_secret_counts_and_the_size_stays() {
        let censor = censor(&["abc", "abcdef", "f"], 100);
        assert_eq!(cleaned(&censor, b"xabcdefx abc f abcde"), "xXXXXXXx XXX X XXXde");
        assert_eq!(cleaned(&censor, b""), "");
        assert_eq!(censor.clean_name("log-abc.txt"), "log-XXX.txt");
        let nothing = Censor::new(&BTreeSet::new(), 100).unwrap();
        assert_eq!(cleaned(&nothing, b"abc"), "abc");
    }

    proptest! {
        #[test]
        fn chunks_and_buffer_sizes_do_not_matter(
            text in "[ab ]{0,80}",
            secrets in proptest::collection::vec("[ab]{1,6}", 1..4),
            buffer in 1usize..40,
        ) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let whole = cleaned(&censor(&secrets, 1000), text.as_bytes());
            prop_assert_eq!(&whole, &cleaned(&censor(&secrets, buffer), text.as_bytes()));
            for secret in secrets {
                prop_assert!(!whole.contains(secret));
            }
        }
    }
}
