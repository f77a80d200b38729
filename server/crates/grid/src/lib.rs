//! The test grid: results of many builds as rows (tests) and columns (builds), what they say about
//! each test (alerts) and about each dashboard tab (status), as TestGrid does it.
//!
//! Everything here is pure: values in, values out; the time is an argument. Reading and writing of
//! files and buckets is the business of who calls.

pub mod api;
pub mod clusters;
pub mod columnar;
pub mod config;
pub mod export;
pub mod issues;
pub mod links;
pub mod matrix;
pub mod message;
pub mod name_format;
pub mod natural;
pub mod proto;
pub mod summarizer;
pub mod tabulator;
pub mod updater;
mod url;
pub mod view;

pub use artifacts::junit;
