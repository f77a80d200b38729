//! The test grid from results to pages.

mod emulator;
mod passes;
mod source;
