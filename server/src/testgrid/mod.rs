//! The test grid: from the results in buckets to what its pages show. What is computed stands in
//! the crate `grid`; here it is read, kept and served.

pub mod config;
pub mod files;
pub mod links;
pub mod mirror;
pub mod objects;
pub mod service;
pub mod source;
pub mod state;
mod stored;
mod summaries;

pub use mirror::Mirror;
pub use service::TestGrid;
