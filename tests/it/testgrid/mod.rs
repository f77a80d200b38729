//! The test grid from results to pages.

mod alerts;
mod current;
mod emulator;
mod explained;
mod late;
mod links;
mod mirror;
mod old_table;
mod passes;
mod past;
mod served;
mod source;
mod tabs;

pub(crate) use served::update;
