//! A gzip document put together from parts that were compressed before.
//!
//! The list of all ProwJobs is tens of megabytes of JSON of which a few
//! kilobytes change between two requests. Each part is deflated once, alone,
//! up to a byte boundary; a response is then a concatenation, with the
//! checksum combined from those of the parts. Only changed parts cost again.

use bytes::{BufMut, Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, FlushDecompress, Status};

/// Magic, deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty final block.
const END: [u8; 2] = [0x03, 0x00];
/// A stored block holds at most so many bytes.
const STORED_MAX: usize = 0xffff;

/// A piece of text in deflated form.
#[derive(Clone, Debug)]
pub struct Part {
    deflated: Bytes,
    crc: Hasher,
    len: u64,
}

impl Part {
    /// Deflates a text so that anything may follow it.
    pub fn deflate(text: &[u8]) -> Self {
        let mut crc = Hasher::new();
        crc.update(text);
        let mut deflater = Compress::new(Compression::new(6), false);
        let mut out = Vec::with_capacity(text.len() / 6 + 64);
        loop {
            if out.capacity() - out.len() < 64 {
                out.reserve(out.capacity().max(4096));
            }
            let read = deflater.total_in() as usize;
            let before = deflater.total_out();
            let status = deflater.compress_vec(&text[read..], &mut out, FlushCompress::Full);
            let done = deflater.total_in() as usize == text.len() && out.len() < out.capacity();
            let stuck = deflater.total_out() == before && read == text.len();
            if done || stuck || matches!(status, Err(_) | Ok(Status::StreamEnd)) {
                break;
            }
        }
        out.shrink_to_fit();
        Self { deflated: out.into(), crc, len: text.len() as u64 }
    }

    /// A short text as it is, for the glue between parts.
    pub fn stored(text: &[u8]) -> Self {
        let mut crc = Hasher::new();
        crc.update(text);
        let mut out = BytesMut::with_capacity(text.len() + 5);
        for block in text.chunks(STORED_MAX) {
            let len = block.len() as u16;
            out.put_u8(0);
            out.put_u16_le(len);
            out.put_u16_le(!len);
            out.put_slice(block);
        }
        Self { deflated: out.freeze(), crc, len: text.len() as u64 }
    }

    /// The text again.
    pub fn inflate(&self) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0) + 1);
        let mut inflater = flate2::Decompress::new(false);
        while (text.len() as u64) < self.len {
            let read = inflater.total_in() as usize;
            inflater
                .decompress_vec(&self.deflated[read..], &mut text, FlushDecompress::Sync)
                .map_err(std::io::Error::other)?;
            if text.len() == text.capacity() {
                break;
            }
        }
        Ok(text)
    }

    /// The text's length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes that this part holds in memory.
    pub fn compressed_len(&self) -> usize {
        self.deflated.len()
    }
}

/// Joins parts to one gzip document.
pub fn gzip<'a>(parts: impl IntoIterator<Item = &'a Part> + Clone) -> Bytes {
    let size: usize = parts.clone().into_iter().map(Part::compressed_len).sum();
    let mut out = BytesMut::with_capacity(size + HEADER.len() + END.len() + 8);
    out.put_slice(&HEADER);
    let mut crc = Hasher::new();
    let mut len = 0_u64;
    for part in parts {
        out.put_slice(&part.deflated);
        crc.combine(&part.crc);
        len += part.len;
    }
    out.put_slice(&END);
    out.put_u32_le(crc.finalize());
    // The format keeps the length modulo 2^32.
    out.put_u32_le(len as u32);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn gunzip(document: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(document).read_to_end(&mut text).expect("valid gzip");
        text
    }

    #[test]
    fn parts_join_to_the_text_they_came_from() {
        let long: Vec<u8> = (0..700_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let parts = [
            Part::stored(b"{\"items\":["),
            Part::deflate(&long),
            Part::stored(b","),
            Part::deflate(b""),
            Part::deflate(b"the end"),
            Part::stored(b"]}"),
        ];
        let expected = [&b"{\"items\":["[..], &long, b",", b"the end", b"]}"].concat();
        assert_eq!(gunzip(&gzip(&parts)), expected);
    }

    #[test]
    fn one_part_can_stand_in_many_documents() {
        let part = Part::deflate(&b"same ".repeat(1000));
        assert!(part.compressed_len() < 200);
        assert_eq!(gunzip(&gzip([&part, &part])), b"same ".repeat(2000));
    }

    #[test]
    fn a_part_gives_its_text_back() {
        for text in [&b""[..], b"x", &b"abc ".repeat(100_000)] {
            assert_eq!(Part::deflate(text).inflate().expect("own bytes"), text);
            assert_eq!(Part::stored(text).inflate().expect("own bytes"), text);
        }
    }

    #[test]
    fn stored_text_of_any_length_survives() {
        let text = vec![b'x'; STORED_MAX * 2 + 3];
        assert_eq!(gunzip(&gzip([&Part::stored(&text)])), text);
    }
}
