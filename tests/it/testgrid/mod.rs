//! The test grid from results to pages.

mod passes;
mod source;
