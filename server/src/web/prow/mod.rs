//! Prow's machine URLs, byte-compatible where clients parse them.

pub mod abort;
pub mod badge;
pub mod config;
mod hidden;
pub mod listings;
pub mod log;
pub mod plugin_help;
pub mod prowjob;
pub mod rerun;
