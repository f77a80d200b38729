//! The outer forms of the messages: configuration and summaries stand plain in their objects, grids
//! are compressed with zlib.
//!
//! Objects come from buckets that others write to, so reading is bounded and says what is wrong.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use prost::Message;

use super::issue_state::IssueState;
use super::state::Grid;

/// A grid larger than this, decompressed, is refused. TestGrid's updater keeps grids below two
/// million bytes compressed, which is some 60 MB of repetitive text at the very most.
pub const MAX_GRID_BYTES: u64 = 512 << 20;

/// Why an object is not the message that it should be.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The object is empty. A grid that was only just made for its lock looks like this.
    #[error("the {what} is empty: nothing was written yet")]
    Empty {
        /// The message.
        what: &'static str,
    },
    /// The compressed data ends too early.
    #[error(
        "the {what} is truncated: its {compressed} compressed bytes end after {plain} bytes of \
         content; write it again"
    )]
    Truncated {
        /// The message.
        what: &'static str,
        /// Bytes that are there.
        compressed: usize,
        /// Bytes that could be decompressed.
        plain: usize,
    },
    /// The object is not compressed with zlib, or damaged.
    #[error("the {what} is not zlib data: {source}; it may be damaged or another kind of object")]
    NotZlib {
        /// The message.
        what: &'static str,
        /// What the decompressor says.
        source: std::io::Error,
    },
    /// The object is larger than is allowed.
    #[error("the {what} is larger than {limit} bytes decompressed; it is refused")]
    TooLarge {
        /// The message.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The bytes are not the message.
    #[error("the {what} is not a protobuf message of that kind: {source}")]
    NotTheMessage {
        /// The message.
        what: &'static str,
        /// What the decoder says.
        source: prost::DecodeError,
    },
}

/// Reads a grid object.
///
/// # Errors
/// The object is empty, damaged, cut off, too large, or something else.
pub fn read_grid(bytes: &[u8]) -> Result<Grid, WireError> {
    read_grid_within(bytes, MAX_GRID_BYTES)
}

/// Reads a grid object of at most `limit` bytes decompressed.
///
/// # Errors
/// As [`read_grid`].
pub fn read_grid_within(bytes: &[u8], limit: u64) -> Result<Grid, WireError> {
    let what = "grid";
    decode(what, &inflate(what, bytes, limit)?)
}

/// Reads the issues of a group, compressed as a grid is or plain as a summary, of at most `limit` bytes
/// decompressed. An object without content has none.
///
/// # Errors
/// The object is cut off, too large, or something else.
pub fn read_issues(bytes: &[u8], limit: u64) -> Result<IssueState, WireError> {
    let what = "list of issues";
    match inflate(what, bytes, limit) {
        Ok(plain) => decode(what, &plain),
        Err(WireError::Empty { .. }) => Ok(IssueState::default()),
        Err(WireError::NotZlib { .. }) => decode(what, bytes),
        Err(error) => Err(error),
    }
}

/// Reads a grid from bytes that may be anything, also without their compression, and walks it; never
/// panics. The entry for a fuzzer.
pub fn fuzz(bytes: &[u8]) {
    const LIMIT: u64 = 16 << 20;
    if let Ok(state) = read_issues(bytes, LIMIT) {
        let issues = crate::issues::GroupIssues::of(state);
        issues.add("a", "b", &mut Vec::new());
    }
    for grid in [read_grid_within(bytes, LIMIT), decode("grid", bytes)].into_iter().flatten() {
        let page = crate::columnar::PageGrid::new(&grid, 0..100);
        let cells: usize = page.rows.iter().map(|row| row.cells().take(100).count()).sum();
        let rows: Vec<_> = grid.rows.iter().collect();
        let summarized = crate::summarizer::GridRef::from(&grid);
        let _ = crate::summarizer::latest_green(&summarized.columns, &rows, true);
        let _ = crate::summarizer::health::healthiness(&summarized, 0, 7, Default::default());
        let _ = crate::api::v1::list_rows(&grid, 0..usize::MAX);
        let options = crate::tabulator::ViewOptions::default();
        let _ = crate::view::view(&page, &options, 10);
        let (columns, _) = crate::updater::construct::inflate(grid, 0, i64::MAX);
        debug_assert!(cells == 0 || !columns.is_empty());
    }
}

/// A grid as the object that TestGrid's components read.
pub fn write_grid(grid: &Grid) -> Vec<u8> {
    deflate(&grid.encode_to_vec())
}

/// Reads a message that stands plain in its object, such as a configuration or a summary.
///
/// # Errors
/// The bytes are not that message.
pub fn decode<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, WireError> {
    M::decode(bytes).map_err(|source| WireError::NotTheMessage { what, source })
}

/// How hard grids are packed: they are written anew with every build.
const LEVEL: Compression = Compression::new(2);

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), LEVEL);
    // Writing to memory has no way to fail.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

fn inflate(what: &'static str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, WireError> {
    if bytes.is_empty() {
        return Err(WireError::Empty { what });
    }
    let mut plain = Vec::new();
    let mut decoder = ZlibDecoder::new(bytes).take(limit.saturating_add(1));
    match decoder.read_to_end(&mut plain) {
        Ok(_) if plain.len() as u64 > limit => Err(WireError::TooLarge { what, limit }),
        Ok(_) => Ok(plain),
        Err(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(WireError::Truncated { what, compressed: bytes.len(), plain: plain.len() })
        }
        Err(source) => Err(WireError::NotZlib { what, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::{Configuration, TestGroup};
    use crate::proto::state::{AlertInfo, Column, Metric, Row};

    fn grid() -> Grid {
        Grid {
            columns: vec![Column { build: "12".into(), started: 1.5e12, ..Default::default() }],
            rows: (0..50)
                .map(|i| Row {
                    name: format!("row {i}"),
                    results: vec![1, 2, 0, 1, 12, 3],
                    messages: vec![String::new(), "boom".into()],
                    metrics: vec![Metric {
                        name: "m".into(),
                        indices: vec![0, 1],
                        values: vec![0.25],
                    }],
                    alert_info: Some(AlertInfo {
                        properties: [("a".to_owned(), "b".to_owned())].into(),
                        ..Default::default()
                    }),
                    ..Default::default()
                })
                .collect(),
            config: Some(TestGroup { name: "g".into(), ..Default::default() }),
            ..Default::default()
        }
    }

    #[test]
    fn a_grid_survives_a_round_trip() {
        let grid = grid();
        assert_eq!(read_grid(&write_grid(&grid)).unwrap(), grid);
    }

    #[test]
    fn run_lengths_are_packed_under_their_field_number() {
        let row = Row { results: vec![1, 2, 12, 300], ..Default::default() };
        assert_eq!(row.encode_to_vec(), [0x1a, 5, 1, 2, 12, 0xac, 0x02]);
    }

    #[test]
    fn a_cut_grid_says_that_it_is_truncated() {
        let bytes = write_grid(&grid());
        for end in 1..bytes.len() {
            let error = read_grid(&bytes[..end]).unwrap_err();
            assert!(matches!(error, WireError::Truncated { .. }), "{end}: {error}");
        }
        assert!(matches!(read_grid(b""), Err(WireError::Empty { .. })));
    }

    #[test]
    fn what_is_no_grid_is_refused_with_a_sentence() {
        let error = read_grid(b"hello, this is text").unwrap_err();
        assert!(error.to_string().starts_with("the grid is not zlib data"), "{error}");
        let error = read_grid(&deflate(b"\xff\xff\xff\xff")).unwrap_err();
        assert!(matches!(error, WireError::NotTheMessage { .. }), "{error}");
    }

    #[test]
    fn a_grid_that_unpacks_without_end_is_stopped_at_the_limit() {
        let bytes = deflate(&vec![0; 4 << 20]);
        assert!(bytes.len() < 8192);
        let error = read_grid_within(&bytes, 1 << 20).unwrap_err();
        assert!(matches!(error, WireError::TooLarge { limit, .. } if limit == 1 << 20), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_grid_or_an_error(
            bytes in proptest::collection::vec(0u8..=255, 0..200), at in 0usize..10_000, flip in 1u8..=255,
        ) {
            fuzz(&bytes);
            let mut plain = grid().encode_to_vec();
            let at = at % plain.len();
            plain[at] ^= flip;
            fuzz(&plain);
            fuzz(&deflate(&plain));
        }
    }

    #[test]
    fn fields_that_this_version_does_not_know_are_skipped() {
        let mut bytes = Configuration {
            test_groups: vec![TestGroup { name: "one".into(), ..Default::default() }],
            ..Default::default()
        }
        .encode_to_vec();
        // Field 900, a text.
        bytes.extend([0xa2, 0x38, 2, b'h', b'i']);
        let read: Configuration = decode("configuration", &bytes).unwrap();
        assert_eq!(read.test_groups[0].name, "one");
    }
}
