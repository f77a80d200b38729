//! From the files of builds to the grid of a group, as TestGrid's updater does it.
//!
//! ```text
//! files ─ build::read ─ convert::Converter ─┐
//!                                           ├─ columns::combine ─ construct::group_grid ─ Grid
//! old Grid ─ columns::kept_columns ─────────┘
//! ```
//!
//! What differs from TestGrid, and why:
//!
//! - JUnit files that are cut off or hold control characters keep the results that can be read;
//!   TestGrid drops the suite in silence.
//! - ISO-8859-1, Windows-1252 and UTF-16 are read; other encodings are malformed, as there.
//! - Whether a file is JUnit goes by its path below the build; TestGrid looks at the whole path, so that
//!   every XML file of a job named `junit-…` passes for one.
//! - The custom rules' orderings work and `OP_STARTS_WITH` is not reversed ([`rules`]).
//! - `build_override_strftime` goes by UTC and not by the machine's zone.
//! - The stored grid has the group's configuration, so that a change is noticed; TestGrid sets it too
//!   late to be stored.
//! - A configuration counts as changed by its values and not by their text.
//! - No history is cut off to keep the object small.

pub mod alert;
pub mod build;
pub mod builds;
pub mod cell;
pub mod columns;
pub mod construct;
pub mod convert;
pub mod metrics;
pub mod naming;
pub mod podinfo;
pub mod rules;
