//! The test grid from results to pages.

mod source;
