//! From the bytes of a log to lines that a page may show.
//!
//! A log is untrusted: any bytes, any line length, escape sequences cut anywhere. Three pieces make
//! it safe and cheap. [`LineIndex`] streams over all bytes once and remembers, every 64 KiB, where a
//! line begins and which colours are on there; so a page reads some kilobytes out of a log
//! of any size. [`LineReader`] asks for exactly those bytes and cuts them into [`Line`]s. And
//! [`render`] turns one line into [`Span`]s of plain text with a [`Style`]: colours are kept, every
//! other escape sequence is dropped, and control characters become visible characters.

mod begins;
mod cuts;
mod escapes;
pub mod folds;
mod index;
mod ranges;
mod render;
pub mod search;
mod stored;
mod stretches;
mod style;
mod times;

pub use cuts::Cuts;
pub use index::{Line, LineIndex, LineReader, MAX_LINE_BYTES};
pub use ranges::RangeSearch;
pub use render::{Rendered, Span, plain, render};
pub use stretches::{NEIGHBOURS, SHORTEST_HIDDEN, Stretch, stretches};
pub use style::Style;
pub use times::time_of;

use std::borrow::Cow;

/// Reads bytes as UTF-8; what is not UTF-8 becomes U+FFFD.
pub fn decode_lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests;
