//! The test grid from results to pages.

mod alerts;
mod emulator;
mod passes;
mod served;
mod source;
