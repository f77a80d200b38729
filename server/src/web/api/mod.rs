//! The JSON API under `/api/v1`.

pub mod deliveries;
pub mod log;
pub mod openapi;
pub mod runs;
pub mod stream;
