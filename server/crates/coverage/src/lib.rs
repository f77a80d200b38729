//! Coverage profiles: read them (Go's text, LCOV, Cobertura), merge, subtract, filter and count
//! them, and show them as JUnit, as one HTML page, as the coverage robot's table, or line by line.
//!
//! Where gopherage's and the coverage robot's output is determined, ours is the same, byte by
//! byte. Where it differs, and why:
//!
//! | Theirs | Ours |
//! |---|---|
//! | `merge` adds counts in `set` mode, so that they exceed 1 | ran in any profile: 1 |
//! | `aggregate` of `set` profiles writes counts under `mode: set` | `mode: count` |
//! | sums wrap to negative numbers that cannot be read again | they stop at the greatest one |
//! | `diff` gives negative counts after a restart | the count after the restart |
//! | `diff` compares files by their place in the list | by their names |
//! | `junit`: `pkg/foo` holds `pkg/foobar/a.go`; `.` is 100 % of nothing | by parts of the path; `.` is everything |
//! | `junit` writes directories in random order | by name |
//! | `junit` writes `class_name` | `classname` |
//! | `html` loads a script from elsewhere and miscounts columns | one file without script, exact columns |
//! | the robot is silent about files that are gone | they stand behind the others |
//!
//! Nothing here reads files, knows the time or waits.

mod cobertura;
mod diff;
mod filter;
mod go_text;
mod html;
mod junit;
mod lcov;
mod lines;
mod merge;
pub mod metadata;
mod names;
mod profile;
mod ratio;
mod read;
pub mod stored;
pub mod table;

pub use diff::{DiffError, Difference, diff};
pub use filter::{Filter, PatternError};
pub use html::{Column, to_html};
pub use junit::to_junit;
pub use lines::{Lens, LensFile, LineRange, LineState, MAX_LINES, lens, line_states, uncovered};
pub use merge::{Counting, Differing, MergeError, Merged, Merger, Sources, merge};
pub use names::{is_profile_name, profile_order};
pub use profile::{Block, EmptyProfile, FileCoverage, MAX_COUNT, Mode, Position, Profile};
pub use ratio::{Entry, Ratio, by_directory, common_directory, directory_of, entries};
pub use read::{
    Format, MAX_BLOCKS, MAX_FILES, MAX_LINE_BYTES, MAX_NAME_BYTES, MAX_NOTES, Note, Notes, Read,
    ReadError, Reading, read,
};
