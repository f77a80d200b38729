//! The runs: what lists, pages, feeds and badges know of every run.

pub mod filter;
pub mod gzip;
pub mod history;
pub mod listing;
pub mod run;
pub mod select;
pub mod selections;
pub mod table;
