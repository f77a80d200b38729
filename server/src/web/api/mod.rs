//! The JSON API under `/api/v1`.

pub mod artifacts;
pub mod coverage;
mod coverage_example;
pub mod deliveries;
mod example;
pub mod histories;
mod histories_example;
pub mod log;
pub mod openapi;
pub mod pins;
pub mod references;
pub mod runs;
pub mod start;
pub mod stream;
pub mod suggest;
pub mod testgrid;
pub mod tests;
