//! Lines out of a stream of bytes.

use crate::log::MAX_LINE_BYTES;

/// A line as it stands in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawLine<'b> {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes, without the newline; of a very long line the first [`MAX_LINE_BYTES`].
    pub bytes: &'b [u8],
    /// Bytes that were left out.
    pub cut: u64,
}

/// Cuts the bytes of a log, in any chunks, into lines.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The begin of a line whose end has not come yet.
    rest: Vec<u8>,
    /// Bytes of it that are not kept.
    cut: u64,
    /// Lines that have ended.
    ended: u64,
}

impl Lines {
    /// Takes the next bytes and names the lines that end in them.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(RawLine<'_>)) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let part = &bytes[start..end];
            start = end + 1;
            self.ended += 1;
            if self.rest.is_empty() && self.cut == 0 {
                each(line(self.ended, part, 0));
            } else {
                self.hold(part);
                each(line(self.ended, &self.rest, self.cut));
                self.rest.clear();
                self.cut = 0;
            }
        }
        self.hold(&bytes[start..]);
    }

    /// Names the last line, if no newline is behind it.
    pub fn end(&mut self, mut each: impl FnMut(RawLine<'_>)) {
        if !self.rest.is_empty() {
            self.ended += 1;
            each(line(self.ended, &self.rest, self.cut));
            self.rest.clear();
            self.cut = 0;
        }
    }

    fn hold(&mut self, part: &[u8]) {
        let room = (MAX_LINE_BYTES as usize).saturating_sub(self.rest.len()).min(part.len());
        self.rest.extend_from_slice(&part[..room]);
        self.cut += (part.len() - room) as u64;
    }
}

fn line(number: u64, bytes: &[u8], cut: u64) -> RawLine<'_> {
    let held = bytes.len().min(MAX_LINE_BYTES as usize);
    let cut = cut + (bytes.len() - held) as u64;
    let bytes = &bytes[..held];
    let bytes = if cut == 0 { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes };
    RawLine { number, bytes, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(u64, Vec<u8>, u64)> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut each = |line: RawLine<'_>| found.push((line.number, line.bytes.to_vec(), line.cut));
        chunks.iter().for_each(|chunk| lines.push(chunk, &mut each));
        lines.end(&mut each);
        found
    }

    #[test]
    fn a_long_line_is_cut_however_it_arrives() {
        let long = vec![b'x'; MAX_LINE_BYTES as usize + 7];
        let whole = [&b"a\r\n"[..], &long, b"\n\nend"].concat();
        let expected = lines(&[&whole]);
        assert_eq!(expected.len(), 4);
        assert_eq!(expected[0], (1, b"a".to_vec(), 0));
        assert_eq!((expected[1].1.len() as u64, expected[1].2), (MAX_LINE_BYTES, 7));
        assert_eq!(expected[3], (4, b"end".to_vec(), 0));
        let pieces: Vec<&[u8]> = whole.chunks(5_000).collect();
        assert_eq!(lines(&pieces), expected);
    }

    proptest::proptest! {
        #[test]
        fn chunks_change_nothing(text in "[ab\n\r]{0,60}", size in 1_usize..9) {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            proptest::prop_assert_eq!(lines(&chunks), lines(&[text.as_bytes()]));
        }
    }
}
