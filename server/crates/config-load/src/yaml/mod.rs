//! YAML as Prow reads it: text → a tree of nodes that know their line → typed values.
//!
//! Two readers make the same tree. [`block`] reads the block style that nearly all job files are
//! written in, in one pass and without copying scalars; whatever it does not know for certain
//! (anchors, tags, several documents, every kind of mistake) it leaves to [`full`], which is built on
//! a complete YAML parser and words the errors. [`scalar`] decides what a plain scalar means, with
//! the rules of the Go reader (YAML 1.1: `yes` is true, `0400` is 256). [`de`] hands the tree to
//! serde and puts a line on every error.

mod block;
pub mod de;
mod full;
mod node;
pub mod scalar;

use std::borrow::Cow;
use std::io::Read;

pub use node::{Entry, Mark, Node, NodeKind, Scalar};

/// Nesting deeper than this is refused, so that hostile text cannot exhaust the stack.
pub const MAX_DEPTH: usize = 128;

/// A document of more nodes than this (after aliases are expanded) is refused.
pub const MAX_NODES: usize = 4_000_000;

/// A configuration file larger than this, after decompression, is refused.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a text is not usable YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Where reading stopped.
    pub mark: Mark,
    /// What is wrong, without the place.
    pub message: String,
}

impl YamlError {
    /// An error at `mark`.
    pub fn new(mark: Mark, message: impl Into<String>) -> Self {
        YamlError { mark, message: message.into() }
    }
}

/// Reads the first document of `text`; an empty document is a null scalar.
///
/// Accepts any bytes that are text: this is also the entry for fuzzing (`bytes → String → read`).
/// As with Prow, later documents of the same file are not looked at.
pub fn read(text: &str) -> Result<Node<'_>, YamlError> {
    match block::read(text) {
        Ok(node) => Ok(node),
        Err(block::Unusual) => full::read(text),
    }
}

/// The reader for everything, even for what the quick one could read. For tests and comparisons.
pub fn read_with_full_parser(text: &str) -> Result<Node<'_>, YamlError> {
    full::read(text)
}

/// Whether the quick reader alone can read `text`. For tests and measurements.
pub fn is_plain_block_style(text: &str) -> bool {
    block::read(text).is_ok()
}

/// The text of a configuration file: decompressed if it begins with the gzip magic (as Prow does
/// for every configuration file), and checked to be UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, YamlError> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut plain)
            .map_err(|err| YamlError::new(Mark::START, format!("cannot decompress: {err}")))?;
        plain
    } else {
        bytes
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(YamlError::new(
            Mark::START,
            format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20),
        ));
    }
    String::from_utf8(bytes).map_err(|err| {
        let good = &err.as_bytes()[..err.utf8_error().valid_up_to()];
        YamlError::new(Mark::after(&String::from_utf8_lossy(good)), "the file is not UTF-8 text")
    })
}

/// Parses bytes into a tree and drops it; never panics. The entry for a fuzzer.
pub fn fuzz(bytes: &[u8]) {
    if let Ok(text) = decode(bytes.to_vec())
        && let Ok(node) = read(&text)
    {
        let _: Cow<'_, str> = node.describe().into();
        let _ = de::from_node::<serde_json::Value>(&node);
    }
}
