//! The pod utilities: the small programs that decoration puts around a test.
//!
//! ```text
//! clonerefs ──clone.json──> initupload ──started.json, clone log──> bucket
//!                                │
//!            entrypoint (runs the test: process log, marker file)
//!                                │
//!            sidecar ──waits for markers, censors──artifacts, logs, finished.json──> bucket
//! ```
//!
//! Each is a function here and a program: one binary carries all four and acts by the name that it is
//! called by ([`main_for`]), so `bowsprit pod sidecar`, a link named `sidecar` and the copy at
//! `/tools/entrypoint` are the same code. Options come as Prow hands them over: a JSON document in an
//! environment variable, or flags where the variable is absent.

pub mod censor;
pub mod clonerefs;
pub mod entrypoint;
mod flags;
pub mod initupload;
mod interrupts;
mod options;
mod program;
pub mod sidecar;
pub mod upload;

#[cfg(test)]
mod testing;

pub use interrupts::{Interrupt, Interrupts};
pub use options::{MOUNTS_ENV, OptionsError};
pub use program::{Utility, main_for};

use blob::BlobConfig;
use clock::SharedClock;

/// What every utility gets besides its options.
#[derive(Clone)]
pub struct Context {
    /// Tells the time and waits.
    pub clock: SharedClock,
    /// Which buckets are folders; credentials named in the options are added to it.
    pub blobs: BlobConfig,
}
