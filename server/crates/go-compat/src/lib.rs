//! What Go's standard library and a few of its packages decide for Prow's users: durations, cron
//! expressions, regular expressions, wildcards, text templates and the look of YAML and XML.
//!
//! A Prow configuration is full of these small languages, so they are contract. Everything here is
//! pure: no clock, no files, no async.

pub mod cron;
pub mod duration;
pub mod glob;
mod number;
pub mod regex;
pub mod template;
pub mod time;
pub mod url;
pub mod xml;
pub mod yaml_emit;

pub use duration::GoDuration;
pub use regex::GoRegex;
pub use time::Timestamp;
