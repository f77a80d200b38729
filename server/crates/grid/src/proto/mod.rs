//! TestGrid's documents as protobuf messages: configuration, grids, summaries, issues.
//!
//! The messages are declared with the field numbers that TestGrid publishes, so that objects written
//! by its configurator, updater, tabulator and summarizer are read here and the other way round.
//! Enumerated fields are numbers, as protobuf keeps values that a reader does not know; the
//! enumeration's `try_from` names them.
//!
//! [`wire`] holds the outer forms: plain for configuration and summaries, zlib for grids.

pub mod config;
pub mod issue_state;
pub mod rules;
pub mod state;
mod status;
pub mod summary;
pub mod wire;

pub use status::{Coalesced, TestStatus};

/// A moment, as `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Timestamp {
    /// Seconds since the epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Timestamp {
    /// The moment of a count of milliseconds since the epoch, such as a column's `started`.
    ///
    /// Numbers that no time can have (not a number, infinite) give the epoch.
    pub fn from_millis(millis: f64) -> Timestamp {
        if !millis.is_finite() {
            return Timestamp::default();
        }
        let seconds = (millis / 1000.0).floor();
        // The casts saturate; the remainder is below one second.
        let nanos = ((millis - seconds * 1000.0) * 1e6) as i32;
        Timestamp { seconds: seconds as i64, nanos: nanos.clamp(0, 999_999_999) }
    }

    /// Seconds since the epoch with the fraction.
    pub fn as_seconds(&self) -> f64 {
        self.seconds as f64 + f64::from(self.nanos) / 1e9
    }
}
