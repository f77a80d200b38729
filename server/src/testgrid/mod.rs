//! The test grid: from the results in buckets to what its pages show. What is computed stands in
//! the crate `grid`; here it is read, kept and served.

pub mod chart;
pub mod config;
pub mod files;
pub mod issues;
pub mod links;
mod metrics;
pub mod mirror;
pub mod objects;
pub mod service;
pub mod source;
pub mod state;
mod stored;
mod summaries;
mod what_if;

pub use mirror::Mirror;
pub use service::TestGrid;
pub use what_if::WhatIf;
