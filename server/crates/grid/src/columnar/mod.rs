//! Compact forms of grids: one for the store, one for the page.
//!
//! In the store a group is a [`RowTable`] and a blob per build ([`encode_column`]); adding a build
//! touches neither the other builds nor the rows that are known, so history has no limit and its
//! length costs nothing. A build with 1,000 test cases, each with a duration, takes less than 12 kB
//! where one in twenty fails with a message of its own, and less than 40 kB where one in four does.
//!
//! The page gets a [`PageGrid`]: a range of columns with run lengths and each text once.

mod assemble;
mod bytes;
mod column;
mod compose;
mod page;
mod past;
mod tabs;

pub use assemble::{Assembled, assemble, inflate_stored, metric_values, of_build};
pub use bytes::ColumnError;
pub use column::{RowTable, decode_column, encode_column};
pub use compose::{Composed, Part, compose, composite_group};
pub use page::{PageAlert, PageCell, PageColumns, PageGrid, PageMetric, PageRow};
pub use past::{ColumnKey, Past};
pub use tabs::GroupColumns;

#[cfg(test)]
mod tabs_tests;
#[cfg(test)]
mod tests;

pub(crate) use page::runs;
