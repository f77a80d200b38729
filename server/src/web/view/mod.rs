//! From our own types to what pages show: pure, one file per model.

pub mod links;
pub mod markup;
pub mod run_row;
