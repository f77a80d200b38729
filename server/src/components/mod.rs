//! The controllers, one folder each: `decide.rs` says what is to be done about what is seen,
//! `run.rs` sees, decides, acts and records.

pub mod crier;
pub mod horologium;
pub mod plank;
pub mod run_name;
pub mod sinker;
pub mod work_queue;
