//! What `make bench` measures with: a lean HTTP client that asks as fast as a
//! server answers, and the resident memory of a process.

pub mod http;
pub mod process;
pub mod table;
